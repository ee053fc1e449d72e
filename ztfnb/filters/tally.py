"""What became of every alert that a stream held and that arrives: nothing is lost or hidden.

Alerts have numbers: how many had arrived before each. A filter that is applied to a stream has two
places in that row: one goes forward from the moment of application, with the alerts that arrive;
the other goes backward from it, over what was held then. A filter that keeps state between alerts
has one, which goes forward from the oldest. What leaves the store before it is its turn has been
missed.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

from ztfnb.filters.decision import Verdict
from ztfnb.snapshot import Snapshot

_WAITS: Final = 0
_CODES: Final = {Verdict.FAILED: 1, Verdict.REJECTED: 2, Verdict.PASSED: 3}
_VERDICTS: Final = {code: verdict for verdict, code in _CODES.items()}
_SPARE = 65_536
"""Alerts that have left of which verdicts are kept before they are let go together."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the alerts that a filter got: received = judged + waiting + missed."""

    received: int
    """Those that were held when the filter was applied, and all that have arrived since."""
    passed: int
    rejected: int
    failed: int
    waiting: int
    """Still to be judged."""
    missed: int
    """They left the memory, to make room, before they could be judged."""
    held: int
    """Those of all that were held when the filter was applied."""
    back: int
    """Those of them that are still to be judged."""

    @property
    def judged(self) -> int:
        """How many were judged: passed + rejected + failed."""
        return self.passed + self.rejected + self.failed

    def __str__(self) -> str:
        told = f"{self.passed:,} passed, {self.rejected:,} rejected, {self.failed:,} failed"
        more = [
            f"{count:,} {word}"
            for count, word in ((self.waiting, "waiting"), (self.missed, "missed"))
            if count
        ]
        return ", ".join([told, *more])


class Tally:
    """Which alerts are next, and the verdict of each that was judged. Threads may share it.

    Parameters
    ----------
    held
        What the store holds at the moment of application.
    in_order
        Whether all are judged in order of arrival, new ones after those that were held.
    """

    def __init__(self, held: Snapshot, *, in_order: bool = False) -> None:
        first, end = held.departed, held.departed + len(held)
        self.start = end
        """Number of the first alert that arrives after the application."""
        self._lock = threading.Lock()
        self._first = first
        self._ahead = first if in_order else end
        """The next to be judged of those that arrive."""
        self._back = first if in_order else end
        """The next before it is to be judged of those that were held."""
        self._low = first
        """The oldest of these that has not been missed."""
        self._under_way = 0
        self._missed = 0
        self._counts = dict.fromkeys(Verdict, 0)
        self._codes = bytearray(len(held))
        self._base = first
        """Number of the alert that the first code is of."""

    def take(self, held: Snapshot, most: int) -> range:
        """Return the numbers of the alerts to judge now: the new ones first, then the old ones.

        Parameters
        ----------
        held
            What the store holds.
        most
            How many at once.
        """
        with self._lock:
            end = self._settle(held)
            if self._ahead < end:
                found = range(self._ahead, min(self._ahead + most, end))
                self._ahead = found.stop
            else:
                found = range(self._back - 1, max(self._back - 1 - most, self._low - 1), -1)
                self._back -= len(found)
            self._under_way += len(found)
            return found

    def note(self, number: int, verdict: Verdict) -> None:
        """Note what became of an alert that was taken."""
        with self._lock:
            self._under_way -= 1
            self._counts[verdict] += 1
            place = number - self._base
            if place >= len(self._codes):
                self._codes.extend(bytes(place + 1 - len(self._codes)))
            if place >= 0:
                self._codes[place] = _CODES[verdict]

    def miss(self) -> None:
        """Note that an alert that was taken left the store before it could be judged."""
        with self._lock:
            self._under_way -= 1
            self._missed += 1

    def verdict(self, number: int) -> Verdict | None:
        """Return what became of an alert; None where it has not been judged."""
        with self._lock:
            place = number - self._base
            code = self._codes[place] if 0 <= place < len(self._codes) else _WAITS
            return _VERDICTS.get(code)

    def counts(self, held: Snapshot) -> Counts:
        """Return how many alerts there are of each kind, as the store is now."""
        with self._lock:
            # The store may have gone on since, and another thread have seen it.
            end = max(self._settle(held), self._ahead)
            behind = self._back - self._low
            return Counts(
                received=end - self._first,
                passed=self._counts[Verdict.PASSED],
                rejected=self._counts[Verdict.REJECTED],
                failed=self._counts[Verdict.FAILED],
                waiting=end - self._ahead + behind + self._under_way,
                missed=self._missed,
                held=self.start - self._first,
                back=behind + max(0, self.start - self._ahead),
            )

    def _settle(self, held: Snapshot) -> int:
        """Count what has left unjudged; return one more than the number of the newest alert."""
        oldest = held.departed
        low = min(max(self._low, oldest), self._back)
        ahead = max(self._ahead, oldest)
        self._missed += low - self._low + ahead - self._ahead
        self._low, self._ahead = low, ahead
        if oldest - self._base > _SPARE:
            del self._codes[: oldest - self._base]
            self._base = oldest
        return oldest + len(held)
