"""Which alerts a table lists, and in which order: a list that stands still until made anew.

Alerts are listed by number: how many had arrived before each. A number stays the same while alerts
come and go, so a list outlives the snapshot that it was made from, and keeps none, which would
keep the memory of alerts that have left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ztfnb.cuts import Cuts
from ztfnb.snapshot import Snapshot
from ztfnb.widgets._grouping import Groups, group

Numbers = NDArray[np.int64]
Rows = NDArray[np.intp]


class Order(NamedTuple):
    """What the list is sorted by."""

    field: str = ""
    """A field of the alert; empty for the order of arrival."""
    descending: bool = True


_NONE = Cuts()
_ARRIVAL = Order()


@dataclass(frozen=True, slots=True)
class Query:
    """What a list is made of."""

    cuts: Cuts = _NONE
    order: Order = _ARRIVAL
    grouped: bool = False
    """Whether alerts of one object share a row, until it is unfolded."""
    unfolded: tuple[str, ...] = ()
    """Objects whose alerts are listed all the same."""


_PLAIN = Query()


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """Alerts that were chosen and sorted; build it with `listing`."""

    query: Query = _PLAIN
    numbers: range | Numbers = range(0)
    """In the order listed."""
    first: int = 0
    """Number of the oldest alert that was looked at."""
    end: int = 0
    """One more than that of the newest."""
    kept: tuple[int, ...] = ()
    """How many alerts each cut alone keeps."""
    groups: Groups | None = None

    def __len__(self) -> int:
        return len(self.numbers)

    def window(self, start: int, stop: int) -> Numbers:
        """Return the alerts in places ``start`` to ``stop``."""
        return np.asarray(self.numbers[max(start, 0) : max(stop, 0)], np.int64)

    def place_of(self, number: int) -> int | None:
        """Return where in the list an alert stands; None if it is not listed."""
        if isinstance(self.numbers, range):
            return self.numbers.index(number) if number in self.numbers else None
        places = np.flatnonzero(self.numbers == number)
        return int(places[0]) if len(places) else None

    def sizes(self, start: int, stop: int) -> list[int]:
        """Return how many alerts of its object a row stands for; 0 for one of an unfolded object.

        Empty where alerts are not grouped.
        """
        if self.groups is None:
            return []
        counts: list[int] = self.groups.sizes[max(start, 0) : max(stop, 0)].tolist()
        return counts


def rows_of(held: Snapshot, numbers: Numbers) -> Rows:
    """Return the rows that alerts have in a snapshot; -1 for those that are not there."""
    rows = numbers - held.departed
    rows[(rows < 0) | (rows >= len(held))] = -1
    return rows


def is_quick(held: Snapshot, query: Query, before: Listing, *, few: int) -> bool:
    """Return whether `listing` looks at no more than a few alerts."""
    if len(held) <= few:
        return True
    if query.grouped or query.order.field:
        return False
    return not query.cuts or (_goes_on(held, query, before) and _end(held) - before.end <= few)


def listing(held: Snapshot, query: Query, before: Listing | None = None) -> Listing:
    """List what a snapshot holds.

    Parameters
    ----------
    held
        The alerts.
    query
        Which of them, and how.
    before
        The last list: where it was made of the same, only what arrived since is looked at.

    Raises
    ------
    SelectionError
        If a cut or the order names a field that no alert here has, or compares text with numbers.
    """
    first, end = held.departed, _end(held)
    if not len(held):
        return Listing(query, first=first, end=end, kept=(0,) * len(query.cuts))
    if not query.cuts and not query.order.field and not query.grouped:
        every = range(first, end)
        return Listing(query, every[::-1] if query.order.descending else every, first, end)
    if before is not None and _goes_on(held, query, before):
        return _continued(held, before)
    chosen: Rows | None = None
    kept: tuple[int, ...] = ()
    if query.cuts:
        chosen, kept = query.cuts.choose(held)
    if query.grouped:
        groups = group(held, chosen, query.order, query.unfolded)
        return Listing(query, groups.numbers, first, end, kept, groups)
    return Listing(query, _sorted(held, chosen, query.order) + first, first, end, kept)


def arrived(held: Snapshot, since: int, cuts: Cuts) -> int:
    """Return how many of the alerts from a number on pass the cuts."""
    if since >= _end(held):
        return 0
    if not cuts:
        return _end(held) - max(since, held.departed)
    return len(cuts.choose(held.tail(max(since - held.departed, 0))).rows)


def _end(held: Snapshot) -> int:
    return held.departed + len(held)


def _sorted(held: Snapshot, chosen: Rows | None, order: Order) -> Rows:
    if order.field in held.names:
        return held.order(order.field, descending=order.descending, rows=chosen)
    rows = np.arange(len(held)) if chosen is None else chosen
    return rows[::-1] if order.descending else rows


def _goes_on(held: Snapshot, query: Query, before: Listing) -> bool:
    """Return whether a list can be made from the one before and what came since."""
    return (
        query == before.query
        and not query.order.field
        and not query.grouped
        and before.first == held.departed
        and before.first < before.end <= _end(held)
    )


def _continued(held: Snapshot, before: Listing) -> Listing:
    if before.end == _end(held):
        return before
    rows, kept = before.query.cuts.choose(held.tail(before.end - held.departed))
    new = rows + before.end
    parts: Sequence[NDArray[np.int64] | range] = (before.numbers, new)
    if before.query.order.descending:
        parts = (new[::-1], before.numbers)
    return replace(
        before,
        numbers=np.concatenate([np.asarray(part, np.int64) for part in parts]),
        end=_end(held),
        kept=tuple(old + more for old, more in zip(before.kept, kept, strict=True)),
    )
