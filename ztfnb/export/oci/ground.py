"""What the layers of a base image offer: a Python, the GNU C library, other libraries.

Layers are streamed: nothing of them is written, and of what is inside only names are kept, and a
little of the C library, which says its version.
"""

from __future__ import annotations

import re
import tarfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ztfnb.errors import ExportError
from ztfnb.export.oci.tar import CarefulInfo

_PYTHON = re.compile(r"(?:.*/)?bin/python(3\.\d+)")
_LIBC = re.compile(r"(?:.*/)?(?:libc\.so\.6|libc-2\.\d+\.so)")
_MUSL = re.compile(r"(?:.*/)?ld-musl-[^/]*")
_LIBRARY = re.compile(r"(?:.*/)?lib[^/]*\.so(?:\.\d+)*")
_RELEASE = re.compile(rb"GNU C Library [^\n]{0,100}?release version (\d+)\.(\d+)")
_MAX_LIBC = 16 * 1024 * 1024
_GONE = ".wh."
_ALL_GONE = ".wh..wh..opq"
_FIRST = ("usr/local/bin/", "usr/bin/", "bin/")
"""Where Python is looked for first."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a container of the base image has."""

    python: PurePosixPath
    """The interpreter, as an absolute path: ``/usr/local/bin/python3.11``."""
    glibc: tuple[int, int]
    libraries: frozenset[str]
    """Names of shared libraries, without their folders: ``libgomp.so.1``."""


@dataclass(slots=True)
class _Seen:
    """What one layer has, or all up to one."""

    paths: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Release of the C library, for a file that tells one; (0, 0) for others."""
    gone: set[str] = field(default_factory=set)
    """What it takes away of the layers below."""

    def put_on(self, below: _Seen) -> None:
        for path in [one for one in below.paths if _is_gone(one, self.gone)]:
            del below.paths[path]
        below.paths |= self.paths


def look(layers: Iterable[Path], version: str) -> Ground:
    """Return what an image offers.

    Parameters
    ----------
    layers
        Its layers, the lowest first, as tar files that may be gzipped.
    version
        Of the Python that is wanted: ``3.11``.

    Raises
    ------
    ExportError
        If it has another Python or none, another C library, or a layer that is damaged.
    """
    seen = _Seen()
    for layer in layers:
        try:
            _of_layer(layer).put_on(seen)
        except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError) as error:
            raise ExportError(f"a layer of the base image is no tar file: {error}") from None
    advice = f"take one that has, such as python:{version}-slim"
    pythons = _pythons(seen)
    if version not in pythons:
        found = f"has Python {', '.join(sorted(pythons))} and not" if pythons else "has no Python"
        raise ExportError(
            f"the base image {found} {version}, which the filter was proven with; {advice}"
        )
    releases = [release for release in seen.paths.values() if release != (0, 0)]
    if not releases:
        libc = "musl" if any(map(_MUSL.fullmatch, seen.paths)) else "no C library that is known"
        raise ExportError(f"wheels need the GNU C library, and the base image has {libc}; {advice}")
    libraries = frozenset(PurePosixPath(path).name for path in seen.paths)
    return Ground(pythons[version], max(releases), libraries)


def _pythons(seen: _Seen) -> dict[str, PurePosixPath]:
    """Return the interpreters by version; of two the one that a shell would find first."""
    places = [path for path in seen.paths if _PYTHON.fullmatch(path)]
    places.sort(key=lambda path: [not path.startswith(first) for first in _FIRST], reverse=True)
    return {path.rpartition("python")[2]: PurePosixPath("/", path) for path in places}


def _of_layer(path: Path) -> _Seen:
    seen = _Seen()
    # As a stream: a compressed file is not gone back in.
    with path.open("rb") as file:
        gzipped = file.read(2) == b"\x1f\x8b"
    with tarfile.open(path, "r|gz" if gzipped else "r|", tarinfo=CarefulInfo) as tar:
        for member in tar:
            _note(tar, member, seen)
    return seen


def _note(tar: tarfile.TarFile, member: tarfile.TarInfo, seen: _Seen) -> None:
    place = PurePosixPath("/", member.name).relative_to("/")
    name = str(place)
    if place.name == _ALL_GONE:
        seen.gone.add(f"{place.parent}/")
    elif place.name.startswith(_GONE):
        gone = str(place.with_name(place.name.removeprefix(_GONE)))
        seen.gone |= {gone, f"{gone}/"}
    elif (_LIBC.fullmatch(name)) and member.isreg():
        seen.paths[name] = _release(tar, member)
    elif (member.isreg() or member.issym() or member.islnk()) and (
        _PYTHON.fullmatch(name) or _LIBRARY.fullmatch(name) or _MUSL.fullmatch(name)
    ):
        seen.paths[name] = (0, 0)


def _release(tar: tarfile.TarFile, member: tarfile.TarInfo) -> tuple[int, int]:
    file = tar.extractfile(member)
    told = _RELEASE.search(file.read(_MAX_LIBC)) if file else None
    return (int(told[1]), int(told[2])) if told else (0, 0)


def _is_gone(path: str, gone: set[str]) -> bool:
    if path in gone:
        return True
    place = PurePosixPath(path)
    return any(f"{parent}/" in gone for parent in place.parents)
