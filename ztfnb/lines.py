"""A file of lines that several programs append to, none of which may be lost.

What is appended is on the disk when the call returns. Programs take turns by a lock on the file,
where the system has one. A crash can leave the beginning of a line at the end of the file: it
stays, and what comes next begins on a line of its own.
"""

from __future__ import annotations

import errno
import os
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

if sys.platform != "win32":
    import fcntl

PATIENCE = 5.0
"""Seconds to wait for the turn of this program."""
_NAP = 0.01
_REPLACED = 100


def append(path: Path, lines: bytes) -> int:
    """Append whole lines to a file, which is made if there is none.

    Returns
    -------
    int
        Where in the file they begin.

    Raises
    ------
    OSError
        If they are not, or not all, on the disk now. `TimeoutError`: another program kept the
        file locked.
    """
    made = not path.exists()
    with _turn(path) as file:
        end = os.lseek(file, 0, os.SEEK_END)
        torn = end > 0 and _last_byte(file, end) != b"\n"
        left = memoryview(b"\n" + lines if torn else lines)
        while left:
            left = left[os.write(file, left) :]
        os.fsync(file)
    if made:
        _sync_folder(path.parent)
    return end + torn


@contextmanager
def _turn(path: Path) -> Iterator[int]:
    """Open the file of this name and lock it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
    for _ in range(_REPLACED):
        file = os.open(path, flags, 0o666)
        try:
            _lock(file)
            # Somebody may have put another file in its place meanwhile, as editors do.
            if _is_still(file, path):
                yield file
                return
        finally:
            os.close(file)  # and with it goes the lock
    raise TimeoutError(errno.ETIMEDOUT, "the file is being replaced all the time")


def _lock(file: int) -> None:
    if sys.platform == "win32":
        return
    end = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise TimeoutError(errno.ETIMEDOUT, "another program keeps it locked") from None
            time.sleep(_NAP)
        except OSError:
            return  # a file system without locks: a short line is still appended in one piece
        else:
            return


def _is_still(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _last_byte(file: int, end: int) -> bytes:
    os.lseek(file, end - 1, os.SEEK_SET)
    return os.read(file, 1)


def _sync_folder(folder: Path) -> None:
    """Put a new file's name on the disk, where a folder can be synchronised."""
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


@dataclass(frozen=True, slots=True)
class News:
    """What has been added to a file."""

    anew: bool
    """Whether these are all its lines, as those known before have changed."""
    lines: tuple[bytes, ...]
    first: int
    """Number of the first of them, counted from 1."""
    rest: bytes
    """What follows the last line's end: the beginning of a line."""


class Follower:
    """Reads a file of lines as it grows, and from the start again if what was read has changed.

    Parameters
    ----------
    path
        The file; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, ...] | None = None
        self._size = self._checksum = self._count = 0
        self._rest = b""

    def read(self) -> News | None:
        """Return what has been added since the last call; None where the file is the same.

        Raises
        ------
        OSError
            If it cannot be read.
        """
        stamp = self._look()
        if stamp == self._stamp:
            return None
        data = self._path.read_bytes() if stamp else b""
        known = zlib.crc32(data[: self._size]) == self._checksum and len(data) >= self._size
        anew = not known or not data.startswith(self._rest, self._size)
        if anew:
            self._size = self._checksum = self._count = 0
        end = data.rfind(b"\n") + 1
        lines = tuple(data[self._size : end].split(b"\n")[:-1])
        news = News(anew, lines, self._count + 1, data[end:])
        self._checksum = zlib.crc32(data[self._size : end], self._checksum)
        self._size, self._count, self._rest = end, self._count + len(lines), news.rest
        self._stamp = stamp
        return news

    def pass_over(self, begin: int, lines: bytes) -> None:
        """Take lines as read that this program has appended, unless others came before them."""
        if begin != self._size or self._rest:
            return
        self._checksum = zlib.crc32(lines, self._checksum)
        self._size += len(lines)
        self._count += lines.count(b"\n")
        stamp = self._look()
        if stamp and stamp[0] == self._size:
            self._stamp = stamp

    def _look(self) -> tuple[int, ...]:
        """Return what changes with the file, its size first; nothing where there is none."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return ()
        return (found.st_size, found.st_dev, found.st_ino, found.st_mtime_ns)
