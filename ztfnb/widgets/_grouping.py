"""Alerts of one object in one row: its newest, with how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ztfnb.snapshot import Snapshot

Numbers = NDArray[np.int64]
Rows = NDArray[np.intp]

SIZE = "@size"
"""What a grouped list is sorted by to have the objects with most alerts first."""


OBJECT_FIELDS = ("objectId", "diaObjectId")
"""What an object is called: by ZTF, and by the Rubin Observatory."""


class By(Protocol):
    """An order, as `ztfnb.widgets._listing.Order`."""

    @property
    def field(self) -> str:
        """A field, `SIZE`, or nothing for the order of arrival."""

    @property
    def descending(self) -> bool:
        """Whether the largest comes first."""


class Groups(NamedTuple):
    """A list of objects, those unfolded followed by their other alerts."""

    numbers: Numbers
    """Of the alerts, in the order listed."""
    sizes: NDArray[np.int64]
    """Alerts that a row stands for; 0 for one of an unfolded object."""
    objects: int


def group(held: Snapshot, chosen: Rows | None, order: By, unfolded: Sequence[str] = ()) -> Groups:
    """List objects by their newest alert.

    Parameters
    ----------
    held
        The alerts.
    chosen
        The rows that count, ascending; all where None.
    order
        By the field of an object's newest alert, or by how many alerts it has.
    unfolded
        Objects of which all alerts are listed, the newest first.
    """
    rows = np.arange(len(held)) if chosen is None else chosen
    if not len(rows):
        return Groups(np.zeros(0, np.int64), np.zeros(0, np.int64), 0)
    members, ends = _members(held, rows)
    sizes = np.diff(ends, prepend=0)
    heads = members[ends - 1]
    place = _places(held, heads, sizes, order)
    heads, sizes, ends = heads[place], sizes[place], ends[place]
    listed, shown = heads, sizes
    opened = [
        found
        for name in unfolded
        if (found := _place_of(held, heads, rows, name)) is not None and sizes[found] > 1
    ]
    if opened:
        rest = [members[ends[at] - sizes[at] : ends[at] - 1][::-1] for at in opened]
        where = np.repeat(np.array(opened) + 1, [len(one) for one in rest])
        listed = np.insert(heads, where, np.concatenate(rest))
        shown = np.insert(sizes, where, 0)
    return Groups(listed + held.departed, shown, len(heads))


def object_field(held: Snapshot) -> str:
    """Return the field that names an alert's object."""
    return next((name for name in OBJECT_FIELDS if name in held.names), OBJECT_FIELDS[0])


def _members(held: Snapshot, rows: Rows) -> tuple[Rows, Rows]:
    """Return rows by object, the newest last in each, and where each object's end."""
    field = object_field(held)
    ranks = held.ranks(field)
    if ranks is None:
        ranks = np.unique(held.column(field), return_inverse=True)[1]
    # Sorting one integer is several times quicker than a stable sort of two columns.
    key = (ranks[rows] << 32) | rows
    key.sort()
    objects = key >> 32
    ends = np.append(np.flatnonzero(objects[1:] != objects[:-1]) + 1, len(key))
    return key & 0xFFFFFFFF, ends


def _places(held: Snapshot, heads: Rows, sizes: Rows, order: By) -> Rows:
    oldest_first = np.argsort(heads)
    if order.field in held.names:
        arrived = heads[oldest_first]
        rows = held.order(order.field, descending=order.descending, rows=arrived)
        place = np.empty(len(held), np.intp)
        place[heads] = np.arange(len(heads))
        return place[rows]
    if order.field != SIZE:
        return oldest_first[::-1] if order.descending else oldest_first
    newest_first = oldest_first[::-1]
    by = -sizes if order.descending else sizes
    return newest_first[np.argsort(by[newest_first], kind="stable")]


def _place_of(held: Snapshot, heads: Rows, rows: Rows, name: str) -> int | None:
    """Return the place of an object among those listed; None if it is not."""
    field = object_field(held)
    own = (
        held.select(object_id=name)
        if field == OBJECT_FIELDS[0]
        else np.flatnonzero(held.column(field).astype(np.str_) == name)
    )
    where = np.searchsorted(rows, own).clip(max=len(rows) - 1)
    own = own[rows[where] == own]
    return int(np.flatnonzero(heads == own[-1])[0]) if len(own) else None
