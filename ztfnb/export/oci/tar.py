"""Tar files of images: read with care, and written so that the same content has the same bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

MAX_EXTENSION_BYTES = 1024 * 1024
"""The largest extended header: a long name, or pax records. `tarfile` holds it in memory."""
_EXTENSIONS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_CHUNK = 1024 * 1024


class CarefulInfo(tarfile.TarInfo):
    """A header that cannot make `tarfile` fill the memory: for ``tarfile.open(tarinfo=...)``."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Read a header, and refuse one that claims too much."""
        found = super().frombuf(buf, encoding, errors)
        if found.type in _EXTENSIONS and not 0 <= found.size <= MAX_EXTENSION_BYTES:
            raise tarfile.ReadError(f"an extended header of {found.size:,} bytes")
        return found


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands in a layer under one path."""

    path: str
    """From the root, without the first slash."""
    source: Path | bytes | None = None
    """A file or its content; None for a folder or a link."""
    link: str = ""
    """What it points to, if it is a link."""
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """A gzipped tar file as it was written."""

    digest: str
    """SHA-256 of the file, in hexadecimal digits."""
    content: str
    """That of the tar file inside."""
    size: int


class _Hashed(io.RawIOBase):
    """Passes bytes on to a file, and knows their checksum."""

    def __init__(self, file: BinaryIO | gzip.GzipFile) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer) -> int:
        self._sha256.update(data)
        return self._file.write(data)

    def hexdigest(self) -> str:
        return self._sha256.hexdigest()


def entries_below(folder: Path, place: str) -> list[Entry]:
    """Return what a folder holds, as entries below a path; links are not followed."""
    found = [Entry(place)]
    for path in sorted(folder.rglob("*")):
        name = f"{place}/{path.relative_to(folder).as_posix()}"
        if path.is_symlink():
            found.append(Entry(name, link=str(path.readlink())))
        elif path.is_dir():
            found.append(Entry(name))
        else:
            found.append(Entry(name, path, executable=bool(path.stat().st_mode & 0o100)))
    return found


def write_layer(entries: Iterable[Entry], path: Path) -> Written:
    """Write a layer: sorted, owned by root, readable by all, all of one time, gzipped."""
    with path.open("wb") as file:
        outer = _Hashed(file)
        with gzip.GzipFile("", "wb", 6, outer, mtime=0) as packed:
            inner = _Hashed(packed)
            with tarfile.open(fileobj=inner, mode="w|", format=tarfile.PAX_FORMAT) as tar:
                for entry in sorted(entries, key=lambda entry: entry.path):
                    _add(tar, entry)
    return Written(outer.hexdigest(), inner.hexdigest(), path.stat().st_size)


def write_archive(folder: Path, path: Path) -> None:
    """Write the files of a folder as a plain tar file, as `write_layer` does."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for entry in entries_below(folder, ".")[1:]:
            _add(tar, Entry(entry.path.removeprefix("./"), entry.source))


def _add(tar: tarfile.TarFile, entry: Entry) -> None:
    info = tarfile.TarInfo(entry.path)
    info.mode = 0o755 if entry.executable else 0o644
    if entry.link:
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, entry.link, 0o777
        tar.addfile(info)
    elif entry.source is None:
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(info)
    elif isinstance(entry.source, bytes):
        info.size = len(entry.source)
        tar.addfile(info, io.BytesIO(entry.source))
    else:
        info.size = entry.source.stat().st_size
        with entry.source.open("rb") as file:
            tar.addfile(info, file)
