"""Bring what the tests need beyond Python packages: Chromium, Maven, Java, Kafka's jars, Buildah.

What is there already is left alone. Where root is needed and cannot be had, the exact packages
and the command are printed and the exit code is 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ztfnb.broker import parts
from ztfnb.errors import BrokerError

# The program that is looked for, and the Debian package that brings it.
PROGRAMS = {"chromium": "chromium", "mvn": "maven"}
# What builds images and runs them. Tests do that as root alone, and skip it for everybody else.
OF_IMAGES = {
    "buildah": "buildah",
    "debootstrap": "debootstrap",
    "skopeo": "skopeo",
    "bwrap": "bubblewrap",
}
BROKER_LOCK = Path(__file__).parents[1] / "requirements" / "broker.txt"


def missing_packages(which: Callable[[str], str | None] = shutil.which) -> list[str]:
    """Return the Debian packages whose programs are not on the PATH."""
    programs = PROGRAMS | OF_IMAGES if os.geteuid() == 0 else PROGRAMS
    packages = [package for program, package in programs.items() if which(program) is None]
    if os.environ.get("KAFKA_HOME") and "maven" in packages:
        packages.remove("maven")  # it only fetches Kafka's jars
    return packages


def become_root() -> list[str] | None:
    """Return the words before a command that make it run as root; None if that cannot be."""
    if os.geteuid() == 0:
        return []
    asks_nothing = ["sudo", "--non-interactive", "true"]
    if shutil.which("sudo") and subprocess.run(asks_nothing, check=False).returncode == 0:
        return ["sudo", "--non-interactive"]
    return None


def install_command(packages: Sequence[str]) -> str:
    """Return the command that a person with root would type."""
    names = " ".join(packages)
    return f"apt-get update && apt-get install --no-install-recommends {names}"


def install(packages: Sequence[str]) -> bool:
    """Install Debian packages; False if that needs a root that this user is not."""
    prefix = become_root() if shutil.which("apt-get") else None
    if prefix is None:
        return False
    environment = ["env", "DEBIAN_FRONTEND=noninteractive"]
    apt = [*prefix, *environment, "apt-get", "--quiet", "--yes"]
    subprocess.run([*apt, "update"], check=True)
    subprocess.run([*apt, "install", "--no-install-recommends", *packages], check=True)
    return True


def main() -> int:
    """Bring everything that is missing; say what cannot be brought."""
    packages = missing_packages()
    if packages and not install(packages):
        print(
            f"The tests need the Debian packages {', '.join(packages)}, and installing them needs "
            f"root. As root, run:\n\n    {install_command(packages)}\n\nthen `make test` again.",
            file=sys.stderr,
        )
        return 1
    try:
        parts.find_java()
    except BrokerError:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        lock = ["--require-hashes", "--requirement", str(BROKER_LOCK)]
        subprocess.run([*pip, *lock], check=True)
    try:
        parts.find_jars(parts.find_java())
    except BrokerError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
