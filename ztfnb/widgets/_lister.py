"""Makes the list that a table shows: at once where that is quick, else away from its messages."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from ztfnb.errors import NotHeldError
from ztfnb.snapshot import Snapshot
from ztfnb.widgets._latest import Latest
from ztfnb.widgets._listing import Listing, Query, arrived, is_quick, listing
from ztfnb.widgets._pump import Pump

AT_ONCE = 50_000
"""Alerts that are looked at without a thread: that takes a few milliseconds."""
_SHARE = 4.0
"""A list that took so long to make rests for this many times as long before the next."""


class Lister:
    """Holds the list that is shown, and makes the next.

    Parameters
    ----------
    pump
        The pump of the page: its lock is held where this is called, and where it calls.
    done
        Called when there is another list, with None; or with what was wrong, which leaves the
        list as it was.
    """

    def __init__(self, pump: Pump, done: Callable[[Exception | None], None]) -> None:
        self.listing = Listing()
        self.version = 0
        """Grows with every change of what stands in which row."""
        self.revision = -1
        """Of the store, when the list was made."""
        self._done = done
        self._work: Latest[Listing] = Latest(pump, "ztfnb listing")
        self._anew = False
        self._rest_until = 0.0
        self._fresh = (0, 0)
        self._number: tuple[int, int] | None = None
        self._place: tuple[int, int, int | None] | None = None

    @property
    def busy(self) -> bool:
        """Whether a list that was asked for anew is being made."""
        return self._anew and self._work.busy

    @property
    def resting(self) -> bool:
        """Whether it is too early for a list that nobody asked for."""
        return self._work.busy or time.monotonic() < self._rest_until

    def ask(self, held: Snapshot, query: Query, *, anew: bool) -> None:
        """Have a list made; ``anew`` where a person chose, so that the result is waited for."""
        began = time.monotonic()
        before = self.listing
        if is_quick(held, query, before, few=AT_ONCE):
            self._work.forget()
            made: Listing | Exception
            try:
                made = listing(held, query, before)
            except Exception as error:  # noqa: BLE001 - told, as from the thread
                made = error
            self._take(began, held.revision, anew, made)
        else:
            self._anew = anew
            self._work.ask(
                partial(listing, held, query, before),
                partial(self._take, began, held.revision, anew),
            )

    def stay(self) -> None:
        """Let the rows stand still from now on, but for a list that was asked for anew."""
        if not self._anew:
            self._work.forget()

    def changed(self) -> None:
        """Take note that rows look different, though the list is the same."""
        self.version += 1

    def fresh(self, held: Snapshot) -> int:
        """Return how many alerts that belong into the list have arrived since it was made."""
        upto, count = self._fresh
        count += arrived(held, upto, self.listing.query.cuts)
        self._fresh = (max(upto, held.departed + len(held)), count)
        return count

    def number_of(self, held: Snapshot, candid: int) -> int | None:
        """Return the number of an alert; None if it is not held."""
        if self._number is None or self._number[0] != candid:
            try:
                row = int(held.rows_of([candid])[0])
            except NotHeldError:
                return None
            self._number = (candid, row + held.departed)
        number = self._number[1]
        return number if number >= held.departed else None

    def place_of(self, held: Snapshot, candid: int) -> int | None:
        """Return where in the list an alert stands; None if it is not listed."""
        number = self.number_of(held, candid)
        if number is None:
            return None
        if self._place is None or self._place[:2] != (self.version, number):
            self._place = (self.version, number, self.listing.place_of(number))
        return self._place[2]

    def _take(self, began: float, revision: int, anew: bool, made: Listing | Exception) -> None:
        took = time.monotonic() - began
        self._rest_until = began + (1 + _SHARE) * took
        self._anew = False
        self.revision = revision
        if isinstance(made, Exception):
            self._done(made)
            return
        before, self.listing = self.listing, made
        self._fresh = (made.end, 0)
        if anew or not _same_rows(before, made):
            self.version += 1
            self._done(None)


def _same_rows(before: Listing, made: Listing) -> bool:
    """Return whether all that was listed is, in the same places, and nothing else."""
    return made is before or (
        made.query == before.query
        and made.first == before.first
        and not made.query.order.field
        and not made.query.grouped
        and len(made) == len(before)
    )
