"""A base image out of Debian packages, and images built and run without an engine or a registry."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ztfnb.broker.parts import cache_folder

TOOLS = {
    "buildah": "buildah",
    "debootstrap": "debootstrap",
    "skopeo": "skopeo",
    "bwrap": "bubblewrap",
}
"""Programs, and the Debian packages that bring them."""
RELEASES = {(3, 11): "bookworm", (3, 13): "trixie"}
"""Debian's, by the Python that they have."""
_INCLUDED = "python3,python3-venv"
_LEFT_OUT = (
    "var/cache/apt/",
    "var/lib/apt/lists/",
    "usr/share/doc/",
    "usr/share/locale/",
    "usr/share/man/",
    "dev/",
)
"""What no image here needs: half of what debootstrap writes."""


def why_not() -> str:
    """Why images cannot be built here; empty where they can."""
    if os.geteuid() != 0:
        return "images are built as root only: debootstrap and buildah's chroot need it"
    missing = [package for program, package in TOOLS.items() if shutil.which(program) is None]
    if missing:
        install = f"apt-get install --no-install-recommends {' '.join(missing)}"
        return f"images cannot be built here; as root, run: {install}"
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        return "images cannot be built here: this root may not mount, as in most containers"
    if sys.version_info[:2] not in RELEASES:
        return f"no Debian release has Python {platform.python_version()}"
    return ""


def debian() -> Path:
    """A Debian with Python as a tar file; debootstrap makes it once, from its usual mirror."""
    release = RELEASES[sys.version_info[:2]]
    key = hashlib.sha256(f"{release} {_INCLUDED} {_LEFT_OUT}".encode()).hexdigest()[:12]
    place = cache_folder(os.environ) / "images" / f"{release}-{key}.tar"
    if not place.is_file():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as temporary:
            root, partial = Path(temporary, "root"), Path(temporary, "base.tar")
            command = ["debootstrap", "--variant=minbase", f"--include={_INCLUDED}", release]
            _run([*command, str(root)])
            with tarfile.open(partial, "w") as tar:
                tar.add(root, ".", filter=_kept)
            shutil.copyfile(partial, place.with_suffix(".partial"))
            place.with_suffix(".partial").rename(place)
    return place


def _kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    inside = member.name.removeprefix("./")
    return None if inside.startswith(_LEFT_OUT) else member


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    said = f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}:\n{said}"
    return done.stdout


class Buildah:
    """Images and containers in a folder of their own.

    Parameters
    ----------
    folder
        Where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._options = [
            *("--root", str(folder / "storage"), "--runroot", str(folder / "run")),
            *("--storage-driver", "vfs"),  # needs nothing of the file system below
        ]

    def __call__(self, *arguments: str) -> str:
        """Run a command of buildah, and return what it prints."""
        return _run(self.command(*arguments)).strip()

    def command(self, *arguments: str) -> list[str]:
        """The words of a command of buildah."""
        return ["buildah", *self._options, *arguments]

    def import_base(self, root: Path, name: str) -> None:
        """Make an image of a file system."""
        container = self("from", "scratch")
        self("add", "--quiet", container, str(root), "/")
        self("commit", "--quiet", "--rm", container, name)

    def build(self, folder: Path, name: str, base: str) -> None:
        """Build an image from a Dockerfile, without a package index."""
        arguments = ["--build-arg", f"BASE={base}", "--build-arg", "PIP_NO_INDEX=1"]
        # In Docker's format, as OCI's has no health check.
        words = ["--quiet", "--isolation", "chroot", "--format", "docker", "--pull-never"]
        words += ["--timestamp", "1500000000", "--tag", name]
        self("build", *words, *arguments, str(folder))

    def config(self, image: str) -> dict[str, Any]:
        """What a container of an image is started with, as its Docker configuration has it."""
        told = json.loads(self("inspect", "--type", "image", image))
        config: dict[str, Any] = told["Docker"]["config"]
        return config

    def layers(self, image: str) -> list[str]:
        """Digests of what is in its layers."""
        told = json.loads(self("inspect", "--type", "image", image))
        digests: list[str] = told["OCIv1"]["rootfs"]["diff_ids"]
        return digests

    def container(self, image: str) -> Container:
        """Make a container of an image, which does not run yet."""
        return Container(self, self("from", "--pull-never", image), self.config(image))


def skopeo(*arguments: str) -> str:
    """Run a command of skopeo, and return what it prints."""
    return _run(["skopeo", *arguments])


def inspected(image: str) -> dict[str, Any]:
    """What skopeo says of an image."""
    told: dict[str, Any] = json.loads(skopeo("inspect", image))
    return told


class Container:
    """A container: an image's files, and how its program is started."""

    def __init__(self, buildah: Buildah, name: str, config: Mapping[str, Any]) -> None:
        self._buildah = buildah
        self._name = name
        self._config = config
        self.words = [*config["Entrypoint"], *config["Cmd"]]
        """What runs in it."""

    def mounted(self) -> Path:
        """The container's files, as the host sees them."""
        return Path(self._buildah("mount", self._name))

    def start(
        self, log: Path, environ: Mapping[str, object], words: Sequence[str] = ()
    ) -> subprocess.Popen[bytes]:
        """Run its program, or another, as the user, in the folder and with the variables it says.

        The chroot shares the host's network, and is no process of an engine: a signal to the
        program goes to `program_of` what this returns.
        """
        variables = [f"--env={name}={value}" for name, value in environ.items()]
        command = self._buildah.command(
            *("run", "--isolation", "chroot", "--user", str(self._config["User"]), *variables),
            *(self._name, "--", *(words or self.words)),
        )
        return _started(command, log)

    def start_closed(
        self, log: Path, environ: Mapping[str, object], words: Sequence[str] = ()
    ) -> subprocess.Popen[bytes]:
        """Run it with a root that cannot be written to, no capabilities, and none to be gained."""
        user, group = str(self._config["User"]).split(":")
        variables = dict(one.split("=", 1) for one in self._config["Env"])
        variables |= {name: str(value) for name, value in environ.items()}
        command = [
            *("bwrap", "--die-with-parent", "--ro-bind", str(self.mounted()), "/"),
            *("--proc", "/proc", "--dev", "/dev"),
            *("--unshare-user", "--uid", user, "--gid", group, "--cap-drop", "ALL"),
            *("--chdir", str(self._config["WorkingDir"]), "--clearenv"),
            *(word for name, value in variables.items() for word in ("--setenv", name, value)),
            *("--", *(words or self.words)),
        ]
        return _started(command, log)


def _started(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as file:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)


def program_of(process: subprocess.Popen[bytes], words: Sequence[str]) -> int | None:
    """The process that runs these words, or one below it; None while there is none."""
    for one in (process.pid, *_below(process.pid)):
        with suppress(OSError):  # it may have ended meanwhile
            found = Path(f"/proc/{one}/cmdline").read_bytes()
            if found.split(b"\0")[:-1] == [word.encode() for word in words]:
                return one
    return None


def _below(parent: int) -> Iterator[int]:
    for children in Path(f"/proc/{parent}/task").glob("*/children"):
        with suppress(OSError):  # it may have ended meanwhile
            for child in map(int, children.read_text().split()):
                yield child
                yield from _below(child)
