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
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

PATIENCE = 5.0
"""Seconds to wait for the turn of this program."""
_NAP = 0.01
_REPLACED = 100


def append(path: Path, lines: bytes) -> None:
    """Append whole lines to a file, which is made if there is none.

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
