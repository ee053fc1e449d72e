"""The locked wheels of a bundle, installed for a machine that this one may not be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from ztfnb.export.environment import REQUIREMENTS, WHEELS, run_python
from ztfnb.export.lock import read_lock

_OLDEST_GLIBC = 5
"""The C library of manylinux1; wheels name the oldest that they run with."""
_OLD_NAMES = ("manylinux1", "manylinux2010", "manylinux2014")


def install_for(
    bundle: Path,
    folder: Path,
    place: str,
    *,
    python: str,
    machine: str,
    glibc: tuple[int, int],
    environ: Mapping[str, str] | None = None,
) -> None:
    """Unpack the wheels that a bundle's requirements name, each with one of its hashes.

    They are taken from the bundle's folder ``wheels`` and the index that ``pip`` is set to; no
    code of a package runs.

    Parameters
    ----------
    bundle
        Its folder.
    folder
        Where the packages go.
    place
        Where they will be in the image: its ``site-packages``.
    python
        Version of the Python that will run them: ``3.11``.
    machine
        As wheels call it: ``x86_64``, ``aarch64``.
    glibc
        Version of the C library there.
    environ
        The environment that ``pip`` works in; `os.environ` unless given.

    Raises
    ------
    ExportError
        If there is no wheel for that machine, one is not that of the lock, or no network.
    """
    wanted = folder.with_name("requirements.txt")
    wanted.write_text(_requirements(bundle / REQUIREMENTS, python, machine), "utf-8")
    tags = [f"manylinux_2_{minor}" for minor in range(_OLDEST_GLIBC, glibc[1] + 1)]
    platforms = [f"{tag}_{machine}" for tag in (*_OLD_NAMES, *tags)]
    run_python(
        [
            *("-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check"),
            *("--quiet", "--progress-bar", "off", "--root-user-action", "ignore"),
            *("--no-deps", "--no-compile", "--require-hashes", "--only-binary", ":all:"),
            *("--implementation", "cp", "--python-version", python),
            *(word for name in platforms for word in ("--platform", name)),
            *("--find-links", str(bundle.absolute() / WHEELS)),
            *("--target", str(folder), "--requirement", str(wanted)),
        ],
        os.environ if environ is None else environ,
        "the locked wheels cannot be installed for the image",
    )
    _remove_scripts(folder)
    if python == f"{sys.version_info.major}.{sys.version_info.minor}":
        _compile(folder, place)


def _requirements(path: Path, python: str, machine: str) -> str:
    """Return those requirements that hold in the image: ``pip`` would ask this machine."""
    there = {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }
    lines = [
        " ".join([f"{pin.requirement.name}=={pin.version}", *pin.hashes])
        for pins in read_lock(path).values()
        for pin in pins
        if pin.requirement.marker is None or pin.requirement.marker.evaluate(there)
    ]
    return "".join(f"{line}\n" for line in lines)


def _remove_scripts(folder: Path) -> None:
    """Remove commands: they would begin with the name of an interpreter of this machine."""
    shutil.rmtree(folder / "bin", ignore_errors=True)


def _compile(folder: Path, place: str) -> None:
    """Compile modules, so that no start has to; they are known by content, not by their times."""
    # Some packages hold files that are no Python on purpose: the exit code tells nothing.
    subprocess.run(  # noqa: S603 - this interpreter
        [
            *(sys.executable, "-P", "-s", "-m", "compileall", "-q", "-q"),
            *("--invalidation-mode", "checked-hash", "-s", str(folder), "-p", place, str(folder)),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={"PYTHONHASHSEED": "0"},  # equal wheels, equal bytes
        check=False,
    )
