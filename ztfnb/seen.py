"""A set of candids for a ring: quick to ask for a whole batch, and it forgets what has left.

A hash table of buckets in two NumPy arrays: 12 bytes for each slot, no Python object for each
key, and a few NumPy calls for each batch. Every key carries the number of the block that it was
stored in; when the oldest blocks leave the ring, their keys count as absent from then on without
being touched, and their slots are used again.
"""

from __future__ import annotations

import secrets

import numpy as np
from numpy.typing import NDArray

_FULLEST = 0.75
"""Share of slots in use at which the table is rebuilt."""
_FULLEST_AFTER = 0.6
"""Share of slots in use that a rebuilt table may have."""
_WIDTH = 8
"""Slots of a bucket: so many that a key seldom has to look into a second one."""
_CHUNK = 16_384


class Seen:
    """Which keys have arrived, each in a numbered block; blocks count from 1.

    Parameters
    ----------
    expected
        About how many keys will be there: room is set aside for them, and it grows when they are
        more.
    """

    def __init__(self, expected: int = 0) -> None:
        # Odd and secret, so that nobody can choose keys that collide.
        self._factor = np.uint64(secrets.randbits(64) | 1)
        self._clear(_bits_for(expected))

    def _clear(self, bits: int) -> None:
        self._bits = bits
        self._keys = np.zeros((1 << bits, _WIDTH), np.int64)
        self._blocks = np.zeros((1 << bits, _WIDTH), np.uint32)
        self._used = 0

    @property
    def nbytes(self) -> int:
        """Memory of the table [bytes]."""
        return self._keys.nbytes + self._blocks.nbytes

    def add(self, keys: NDArray[np.int64], block: int, oldest: int) -> NDArray[np.intp]:
        """Add keys and return the positions of those that were not there, in order.

        Parameters
        ----------
        keys
            int64 of shape (n,); of equal ones the first counts.
        block
            Number of the block that new keys are stored in.
        oldest
            Number of the oldest block that is held: keys of earlier ones are absent.
        """
        unique, first = np.unique(keys, return_index=True)
        absent = self._absent(unique, oldest)
        new = unique[absent]
        self._make_room(len(new), oldest)
        self._insert(new, np.full(len(new), block, np.uint32), oldest)
        return np.sort(first[absent])

    def _buckets(self, keys: NDArray[np.int64]) -> NDArray[np.intp]:
        mixed = keys.view(np.uint64)
        mixed = (mixed ^ (mixed >> np.uint64(32))) * self._factor
        return (mixed >> np.uint64(64 - self._bits)).astype(np.intp)

    def _next(self, buckets: NDArray[np.intp], step: int) -> NDArray[np.intp]:
        # Triangular steps reach every bucket of a table whose size is a power of two.
        return (buckets + step) & ((1 << self._bits) - 1)

    def _absent(self, keys: NDArray[np.int64], oldest: int) -> NDArray[np.bool_]:
        absent = np.zeros(len(keys), np.bool_)
        buckets = self._buckets(keys)
        pending = np.arange(len(keys))
        step = 0
        while len(pending):
            blocks = self._blocks[buckets]
            same = self._keys[buckets] == keys[pending, None]
            found = (same & (blocks >= oldest)).any(axis=1)
            # Slots fill from the first on and are never emptied: a free last one ends the search.
            ended = ~found & (blocks[:, -1] == 0)
            absent[pending[ended]] = True
            further = ~(found | ended)
            step += 1
            pending, buckets = pending[further], self._next(buckets[further], step)
        return absent

    def _insert(self, keys: NDArray[np.int64], blocks: NDArray[np.uint32], oldest: int) -> None:
        buckets = self._buckets(keys)
        steps = np.zeros(len(keys), np.intp)
        while len(keys):
            held = self._blocks[buckets]
            free = held < oldest
            slots = free.argmax(axis=1)
            rows = np.arange(len(keys))
            room = free[rows, slots]
            at = buckets[room], slots[room]
            self._keys[at] = keys[room]
            # Where two keys want one slot the last stays, and the other tries again.
            placed = room & (self._keys[buckets, slots] == keys)
            self._blocks[buckets[placed], slots[placed]] = blocks[placed]
            self._used += int(np.count_nonzero(held[rows, slots][placed] == 0))
            steps += ~room
            left = ~placed
            steps = steps[left]
            buckets = np.where(room[left], buckets[left], self._next(buckets[left], steps))
            keys, blocks = keys[left], blocks[left]

    def _make_room(self, count: int, oldest: int) -> None:
        if self._used + count <= _FULLEST * self._keys.size:
            return
        live = self._blocks >= oldest
        keys, blocks = self._keys[live], self._blocks[live]
        self._clear(max(self._bits, _bits_for(len(keys) + count)))
        for start in range(0, len(keys), _CHUNK):
            part = slice(start, start + _CHUNK)
            self._insert(keys[part], blocks[part], oldest)


def _bits_for(count: int) -> int:
    bits = 7
    while count > _FULLEST_AFTER * _WIDTH * (1 << bits):
        bits += 1
    return bits
