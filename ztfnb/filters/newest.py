"""A mapping of alerts that keeps the newest of all that are put in."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

T = TypeVar("T")


class Newest(Mapping[int, T], Generic[T]):
    """Values by candid, of the alerts that arrived last; older ones leave to make room.

    One thread may put in while others read. Iterating begins with the alert that arrived first.

    Parameters
    ----------
    most
        How many are kept.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.left = 0
        """How many had to leave, or were too old to be let in."""
        self._ages: list[tuple[int, int]] = []
        self._values: dict[int, tuple[int, T]] = {}

    def put(self, number: int, candid: int, value: T) -> None:
        """Put in an alert.

        Parameters
        ----------
        number
            Which alert it is of all that arrived.
        candid, value
            Its name, and what is kept of it.
        """
        self._values[candid] = number, value
        heapq.heappush(self._ages, (number, candid))
        if len(self._ages) > self.most:
            number, candid = heapq.heappop(self._ages)
            # An alert that left the store and came again is here with its later number.
            if self._values.get(candid, (None,))[0] == number:
                del self._values[candid]
                self.left += 1

    def latest(self, count: int) -> list[int]:
        """Return the candids of the alerts that arrived last, the newest first."""
        return list(reversed(self._ordered()[-count:])) if count > 0 else []

    def _ordered(self) -> list[int]:
        # Copied at once: another thread may put in.
        values = self._values.copy()
        return sorted(values, key=lambda candid: values[candid][0])

    def __getitem__(self, candid: int) -> T:
        return self._values[candid][1]

    def __iter__(self) -> Iterator[int]:
        return iter(self._ordered())

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, candid: object) -> bool:
        return candid in self._values

    def __repr__(self) -> str:
        return f"<{len(self):,} alerts, the newest of {len(self) + self.left:,}>"
