"""Memory that the worker and the process of its filters both see: packets in, verdicts out.

Every verdict is written here the moment that it is known, so that it outlives the process.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

_PAGE = mmap.PAGESIZE
_ROOM = 1 << 34
"""Addresses that are kept free for memory to grow in: more than any batch takes."""


class Code(IntEnum):
    """What stands in shared memory for a verdict; the last thing written of an alert."""

    PENDING = 0
    REJECTED = 1
    PASSED = 2
    NOTED = 3
    """Passed, and its annotations were sent before."""
    FAILED = 4
    """The reason was sent before."""


class State(IntEnum):
    """What the process of the filters is doing."""

    LOADING = 0
    IDLE = 1
    DECODING = 2
    JUDGING = 3


STATE, SERIAL, PLACE, FILTER, SINCE, TURN = range(6)
"""Places in `Progress`: see `Doing`."""
PROGRESS_BYTES = 8 * 8


@dataclass(frozen=True, slots=True)
class Doing:
    """What the process of the filters is doing, or did when it ended."""

    state: State
    serial: int
    """Of the batch."""
    place: int
    """The alert; while decoding, the first packet of those that are decoded together."""
    filter: int
    """Number of the filter; while decoding, how many packets are decoded together."""
    since: int
    """`time.monotonic_ns` of its beginning; 0 between two of them."""
    turn: int
    """Grows with each."""


class Memory(Protocol):
    """Memory that two processes see."""

    def mapped(self, size: int) -> memoryview | mmap.mmap:
        """Return it, of at least ``size`` bytes."""


class Attached:
    """Memory that another process has made and may enlarge: mapped once, with room for that.

    Nothing has to be asked of the system later, which may deny that by then; and nothing is left
    open that somebody could write to.

    Parameters
    ----------
    fd
        What stands for it; closed here.
    writable
        Whether this process may change it.

    Raises
    ------
    OSError
        If there is no room.
    """

    def __init__(self, fd: int, *, writable: bool = True) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mmap.restype = ctypes.c_void_p
        libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
        access = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
        address = libc.mmap(None, _ROOM, access, mmap.MAP_SHARED, fd, 0)
        if address == ctypes.c_void_p(-1).value:
            raise OSError(ctypes.get_errno(), "shared memory cannot be mapped")
        os.close(fd)
        view = memoryview((ctypes.c_ubyte * _ROOM).from_address(address)).cast("B")
        self._view = view if writable else view.toreadonly()

    def mapped(self, size: int) -> memoryview:
        """Return it; the process that made it sees to its being of ``size`` bytes."""
        return self._view[:size]


class Segment:
    """A piece of memory without a name, which is gone with the last process that has it.

    Parameters
    ----------
    fd
        What stands for it; taken over.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._size = 0
        self._map: mmap.mmap | None = None

    @property
    def size(self) -> int:
        """Bytes that are mapped."""
        return self._size

    def mapped(self, size: int) -> mmap.mmap:
        """Return the memory, of at least ``size`` bytes; nobody may look at an earlier one."""
        if self._map is None or size > self._size:
            if self._map is not None:
                self._map.close()
            self._size = max(_PAGE, -(-size // _PAGE) * _PAGE)
            self._map = mmap.mmap(self.fd, self._size)
        return self._map

    def grow(self, size: int) -> mmap.mmap:
        """Return the memory, enlarged where it is smaller than ``size`` bytes."""
        if size > self._size:
            # A quarter more, so that batches of nearly one size do not each enlarge it.
            wanted = size + size // 4
            os.ftruncate(self.fd, max(_PAGE, -(-wanted // _PAGE) * _PAGE))
            return self.mapped(wanted)
        return self.mapped(size)

    def close(self) -> None:
        """Let go of it."""
        if self._map is not None:
            with suppress(BufferError):  # somebody still looks; it goes with that
                self._map.close()
            self._map = None
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def new_segment(name: str) -> tuple[Segment, int]:
    """Return new memory, and a descriptor of it through which it can only be read."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create(f"ztfnb {name}", os.MFD_CLOEXEC)
        path = f"/proc/self/fd/{fd}"
        with suppress(OSError):  # no /proc here: then a file
            return Segment(fd), os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        os.close(fd)
    folder = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - without a name at once
    fd, path = tempfile.mkstemp(prefix="ztfnb-", dir=folder)
    try:
        reading = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    finally:
        Path(path).unlink()
    return Segment(fd), reading


class Progress:
    """What the process of the filters is doing, as both see it.

    Parameters
    ----------
    segment
        Memory of `PROGRESS_BYTES`.
    """

    def __init__(self, segment: Memory) -> None:
        self.words: memoryview[int] = memoryview(segment.mapped(PROGRESS_BYTES)).cast("q")

    def read(self) -> Doing:
        """Return it; while the process lives, parts may be of two moments."""
        words = self.words
        state = words[STATE] if words[STATE] in State.__members__.values() else State.LOADING
        return Doing(
            State(state), words[SERIAL], words[PLACE], words[FILTER], words[SINCE], words[TURN]
        )

    def reset(self) -> None:
        """Begin anew, with another process."""
        for place in range(len(self.words)):
            self.words[place] = 0


# -- Packets -----------------------------------------------------------------------------------


def put_packets(segment: Segment, values: Sequence[bytes]) -> int:
    """Write packets into memory, behind a table of where each ends; return the bytes of all."""
    ends = np.cumsum([8 * len(values), *map(len, values)], dtype=np.int64)
    size = int(ends[-1])
    memory = segment.grow(size)
    memory[: 8 * len(values)] = ends[1:].tobytes()
    position = 8 * len(values)
    for value in values:
        end = position + len(value)
        memory[position:end] = value
        position = end
    return size


def packet_spans(
    segment: Memory, count: int, size: int
) -> tuple[memoryview | mmap.mmap, list[int]]:
    """Return the memory of packets, and where each begins and the last ends."""
    memory = segment.mapped(size)
    ends = np.frombuffer(memory, np.int64, count).tolist()
    return memory, [8 * count, *ends]


# -- Results -----------------------------------------------------------------------------------


class Results:
    """What has become of a batch, in memory that both see.

    Parameters
    ----------
    segment
        The memory, large enough: `bytes_of`.
    count, filters
        How many packets and filters there are.
    """

    def __init__(self, segment: Memory, count: int, filters: int) -> None:
        each = count * filters
        view = memoryview(segment.mapped(self.bytes_of(count, filters)))
        spans = _spans(8 * count, 8 * each, count, each)
        longs, bytes_ = [view[next(spans)].cast("q") for _ in "12"], list(spans)
        self.candid, self.took = longs
        self.decoded, self.verdict = (view[span].cast("b") for span in bytes_)
        self.count = count
        self.filters = filters

    @staticmethod
    def bytes_of(count: int, filters: int) -> int:
        """Return how many bytes they take."""
        return 9 * count * (filters + 1)

    def clear(self) -> None:
        """Forget what stood there."""
        for view in (self.candid, self.took, self.decoded, self.verdict):
            view.cast("B")[:] = bytes(view.nbytes)

    def release(self) -> None:
        """Look at the memory no more."""
        for view in (self.candid, self.took, self.decoded, self.verdict):
            view.release()

    def of_filter(self, number: int) -> slice:
        """Return where what one filter found stands in ``took`` and ``verdict``."""
        return slice(number * self.count, (number + 1) * self.count)

    def pending(self) -> NDArray[np.intp]:
        """Return the places of packets of which something is not known yet."""
        if not self.count:
            return np.zeros(0, np.intp)
        decoded = np.frombuffer(self.decoded, np.int8)
        verdict = np.frombuffer(self.verdict, np.int8).reshape(self.filters, self.count)
        # What did not decode has no verdicts.
        known = (decoded == UNDECODABLE) | ((decoded == DECODED) & (verdict != 0).all(axis=0))
        return np.flatnonzero(~known)


OWN_MEMORY = 128 * 1024 * 1024
"""Bytes that decoding takes at most, which no filter is charged with."""


def memory_of(status: str, *names: str) -> int:
    """Return the bytes that ``/proc/.../status`` tells under some names, together."""
    lines = (line.partition(":") for line in status.splitlines())
    return sum(int(rest.split()[0]) for name, _, rest in lines if name in names) * 1024


DECODED, UNDECODABLE = 1, 2
"""What stands in `Results.decoded`; 0 where it was not tried."""


def _spans(*sizes: int) -> Iterator[slice]:
    begin = 0
    for size in sizes:
        yield slice(begin, begin + size)
        begin += size


def as_list(view: Any) -> list[int]:
    """Return numbers of shared memory, to be kept."""
    found: list[int] = view.tolist()
    return found
