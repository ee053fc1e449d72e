"""Nightly tar files, plain or gzipped, streamed member by member from untrusted bytes.

Nothing is extracted: a member's bytes are handed on, and its name is only shown. Headers are
parsed by `tarfile`; the walk over them is done here, since `tarfile` itself reads as much as a
header claims into memory. Every limit is a constant below.

A gzipped file cannot be entered in the middle. While it is read, the state of the decompressor is
kept now and then, so that a member can be read again without beginning from the start.

Formats: POSIX.1-1988 "ustar" with the GNU and pax extensions; RFC 1952.
"""

from __future__ import annotations

import bisect
import os
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from ztfnb.errors import DecodeError

if TYPE_CHECKING:
    from zlib import _Decompress

SUFFIXES = (".tar", ".tar.gz", ".tgz")
MAX_MEMBER_BYTES = 16 * 1024 * 1024
"""The largest member read: a packet has 4 MiB at most, a file of several may have more."""
MAX_EXTENSION_BYTES = 64 * 1024
"""The largest extended header: a long name, or pax records."""
MAX_RATIO = 50
"""Bytes that one compressed byte may become over the whole file; in real nights it is 1.5."""
FREE_BYTES = 32 * 1024 * 1024
"""Bytes that may come out before the ratio counts."""

_BLOCK = tarfile.BLOCKSIZE
_CHUNK = 16 * 1024
_GZIP = b"\x1f\x8b"
_PAX = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
_GNU_LONG = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_PAX_PATH = re.compile(rb"\d+ path=([^\n]*)\n")
_MARK_EVERY = 16 * 1024 * 1024
_MOST_MARKS = 256


class Member(NamedTuple):
    """One file inside a tar file: read, or refused."""

    name: str
    position: int
    """Where it begins in the uncompressed tar file; `Tarball.member` reads it again from there."""
    data: bytes
    consumed: int
    """Bytes of the file on disk read so far."""
    error: DecodeError | None = None
    """Why it was passed over."""


class Tarball:
    """A tar file on disk.

    Parameters
    ----------
    path
        The file. Whether it is gzipped is seen from its first bytes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._marks = _Marks()

    def members(self, start: int = 0) -> Iterator[Member]:
        """Yield the ``*.avro`` members in order, and those refused, with the reason.

        Directories and files of other kinds are passed over.

        Parameters
        ----------
        start
            The ``position`` of the member to begin with.

        Raises
        ------
        DecodeError
            Where the file itself is damaged; the members before it have been yielded.
        """
        try:
            with self.path.open("rb") as file:
                gzipped = file.read(2) == _GZIP
                stream = _Gzipped(file, self._marks, start) if gzipped else _Plain(file, start)
                yield from _walk(stream)
        except DecodeError as error:
            raise error.inside(self.path.name) from None
        except OSError as error:
            reason = f"cannot be read: {error.strerror}"
            raise DecodeError(reason, where=self.path.name) from None

    def member(self, position: int) -> bytes:
        """Return a member's bytes by its ``position``.

        Raises
        ------
        DecodeError
            If there is none.
        """
        for member in self.members(position):
            return member.data
        raise DecodeError(f"no member begins at byte {position:,}", where=self.path.name)


class _Plain:
    """The bytes of a file."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        self._file = file
        self.position = file.seek(start)

    @property
    def consumed(self) -> int:
        return self.position

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self.position += len(data)
        return data

    def skip(self, size: int) -> bool:
        self.position = self._file.seek(size, 1)
        return self.position <= os.fstat(self._file.fileno()).st_size


class _Mark(NamedTuple):
    """A place from which a gzipped file can be read on."""

    position: int
    """Bytes that have come out before it."""
    consumed: int
    """Bytes that have gone in before it."""
    inflater: _Decompress


class _Marks:
    """Places in one gzipped file: some way apart, and further the longer it is."""

    def __init__(self) -> None:
        self._marks: list[_Mark] = []
        self._distance = _MARK_EVERY

    def add(self, position: int, consumed: int, inflater: _Decompress) -> None:
        """Keep a place if it lies far enough behind the last one."""
        last = self._marks[-1].position if self._marks else 0
        if position < last + self._distance:
            return
        marks = [*self._marks, _Mark(position, consumed, inflater.copy())]
        if len(marks) > _MOST_MARKS:
            marks = marks[1::2]
            self._distance *= 2
        # Replaced, never changed in place: other threads may be looking.
        self._marks = marks

    def before(self, position: int) -> _Mark | None:
        """Return the last place that is not behind a position."""
        marks = self._marks
        index = bisect.bisect_right(marks, position, key=lambda mark: mark.position)
        return marks[index - 1] if index else None


class _Gzipped:
    """The bytes that a gzipped file holds, as long as they stay in proportion to its size."""

    def __init__(self, file: BinaryIO, marks: _Marks, start: int) -> None:
        self._file = file
        self._marks = marks
        mark = marks.before(start) or _Mark(0, 0, zlib.decompressobj(wbits=31))
        self._inflater = mark.inflater.copy()
        self.position = self._produced = mark.position
        self.consumed = file.seek(mark.consumed)
        self._waiting = b""
        self._ready = bytearray()
        self.skip(start - self.position)

    def read(self, size: int) -> bytes:
        while len(self._ready) < size and self._inflate():
            pass
        data = bytes(self._ready[:size])
        del self._ready[:size]
        self.position += len(data)
        return data

    def skip(self, size: int) -> bool:
        """Pass bytes over; return whether there were as many."""
        while size > 0 and (data := self.read(min(size, _CHUNK))):
            size -= len(data)
        return size <= 0

    def _inflate(self) -> bool:
        """Bring some more bytes; return whether there were any to bring."""
        self._waiting = self._waiting or self._file.read(_CHUNK)
        if self._inflater.eof:
            # Gzip files may follow one another; what else follows the end belongs to nobody.
            if not self._waiting.startswith(_GZIP):
                return False
            self._inflater = zlib.decompressobj(wbits=31)
        if not self._waiting:
            raise DecodeError("the compressed data are cut", offset=self.consumed)
        try:
            data = self._inflater.decompress(self._waiting, _CHUNK)
        except zlib.error as error:
            raise DecodeError(f"bad gzip data: {error}", offset=self.consumed) from None
        left = self._inflater.unused_data if self._inflater.eof else self._inflater.unconsumed_tail
        self.consumed += len(self._waiting) - len(left)
        self._waiting = left
        self._produced += len(data)
        self._ready += data
        if self._produced > FREE_BYTES + MAX_RATIO * self.consumed:
            raise DecodeError(
                f"{self.consumed:,} bytes inflate to more than {self._produced:,}: "
                "no night of alerts does"
            )
        if not self._inflater.eof:
            self._marks.add(self._produced, self.consumed, self._inflater)
        return True


def _walk(stream: _Plain | _Gzipped) -> Iterator[Member]:
    long_name = ""
    position = stream.position
    while True:
        begin = stream.position
        header = stream.read(_BLOCK)
        # A block of zeros ends a tar file; so does, for many a writer, simply its end.
        if not header.strip(b"\0"):
            return
        try:
            info = tarfile.TarInfo.frombuf(header, "utf-8", "replace")
        except tarfile.HeaderError as error:
            raise DecodeError(f"no tar header: {error}", offset=begin) from None
        if info.size < 0 or info.type == tarfile.GNUTYPE_SPARSE:
            raise DecodeError("a tar header of an unknown kind", offset=begin)
        if info.type in (*_PAX, *_GNU_LONG):
            long_name = _extension(stream, info) or long_name
            continue
        info.name = long_name or info.name
        yield from _member(stream, info, position)
        long_name = ""
        position = stream.position


def _extension(stream: _Plain | _Gzipped, info: tarfile.TarInfo) -> str:
    """Return the name that an extended header gives to the next member; empty if it gives none."""
    if info.size > MAX_EXTENSION_BYTES:
        raise DecodeError(
            f"an extended header of {info.size:,} bytes; at most {MAX_EXTENSION_BYTES:,} are read",
            offset=stream.position,
        )
    data = _content(stream, info)
    if info.type == tarfile.GNUTYPE_LONGNAME:
        return data.rstrip(b"\0").decode("utf-8", "replace")
    found = _PAX_PATH.search(data) if info.type == tarfile.XHDTYPE else None
    return found[1].decode("utf-8", "replace") if found else ""


def _member(stream: _Plain | _Gzipped, info: tarfile.TarInfo, position: int) -> Iterator[Member]:
    name = info.name if len(info.name) <= 200 else f"{info.name[:100]}...{info.name[-97:]}"
    refusal = _refusal(info)
    if refusal:
        _pass_over(stream, info)
        error = DecodeError(f"{refusal}; it was passed over", where=name)
        yield Member(name, position, b"", stream.consumed, error)
    elif info.isreg() and info.name.endswith(".avro"):
        data = _content(stream, info)
        yield Member(name, position, data, stream.consumed)
    else:
        _pass_over(stream, info)


def _refusal(info: tarfile.TarInfo) -> str:
    """Say why a member is not read; empty if nothing speaks against it."""
    path = PurePosixPath(info.name)
    if path.is_absolute() or ".." in path.parts:
        return "its name leads out of the archive"
    if info.issym() or info.islnk():
        return "it is a link"
    if not info.isreg() and not info.isdir():
        return "it is no regular file"
    if info.size > MAX_MEMBER_BYTES and info.name.endswith(".avro"):
        return f"it has {info.size:,} bytes, and at most {MAX_MEMBER_BYTES:,} are read"
    return ""


def _pass_over(stream: _Plain | _Gzipped, info: tarfile.TarInfo) -> None:
    # Links, folders and devices have no content, whatever their headers say of its size.
    if info.isreg() and not stream.skip(_padded(info.size)):
        raise DecodeError(f"the file ends inside {info.name[:200]}", offset=stream.position)


def _content(stream: _Plain | _Gzipped, info: tarfile.TarInfo) -> bytes:
    begin = stream.position
    data = stream.read(info.size)
    if len(data) < info.size:
        raise DecodeError(
            f"{info.name[:200]} should have {info.size:,} bytes, and the file ends after "
            f"{len(data):,}",
            offset=begin,
        )
    stream.skip(_padded(info.size) - info.size)
    return data


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK
