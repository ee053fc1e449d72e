"""Which alerts a table lists, and in which order: a list that stands still until told to move."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ztfnb.errors import NotHeldError, SelectionError
from ztfnb.snapshot import Snapshot

Rows = NDArray[np.intp]

_OBJECT = re.compile(r"[A-Za-z0-9]{1,40}")
_PREFIX = "ZTF"
_SHORTEST_CANDID = 15


class Order(NamedTuple):
    """What the list is sorted by."""

    field: str = ""
    """A field of the alert; empty for the order of arrival."""
    descending: bool = True


class Listing:
    """The rows of a snapshot that were chosen, sorted; valid for later snapshots as well.

    It keeps no snapshot, which would keep the memory of alerts that have left. Rows are counted
    from the alert that was newest when the list was made, so later arrivals and departures only
    shift them.
    """

    def __init__(self) -> None:
        self._rows: Rows = np.zeros(0, np.intp)
        self._newest = 0
        """Candid of the newest alert when the list was made, which stood in the last row."""
        self._held = 0

    def __len__(self) -> int:
        return len(self._rows)

    def rebuild(self, held: Snapshot, *, where: str, order: Order) -> None:
        """Choose and sort anew.

        Raises
        ------
        SelectionError
            If the condition or the field to sort by is none; the list stays as it was.
        """
        chosen = held.select(where) if where else None
        if order.field and len(held):
            rows = held.order(order.field, descending=order.descending, rows=chosen)
        else:
            rows = np.arange(len(held)) if chosen is None else chosen
            rows = rows[::-1] if order.descending else rows
        self._rows = rows
        self._held = len(held)
        self._newest = int(held.column("candid", [len(held) - 1])[0]) if len(held) else 0

    def arrived(self, held: Snapshot) -> int:
        """Return how many alerts have arrived since the list was made, of those still held."""
        return len(held) - self._held + self._departed(held)

    def window(self, held: Snapshot, start: int, stop: int) -> Rows:
        """Return the rows that places ``start`` to ``stop`` hold now; negative where one left."""
        part = self._rows[max(start, 0) : max(stop, 0)] - self._departed(held)
        return np.maximum(part, -1)

    def place_of(self, held: Snapshot, candid: int) -> int | None:
        """Return where in the list an alert stands; None if it is not listed."""
        try:
            row = int(held.rows_of([candid])[0])
        except NotHeldError:
            return None
        places = np.flatnonzero(self._rows == row + self._departed(held))
        return int(places[0]) if len(places) else None

    def _departed(self, held: Snapshot) -> int:
        """Return how many alerts left the store since the list was made."""
        if not self._held:
            return 0
        try:
            return self._held - 1 - int(held.rows_of([self._newest])[0])
        except NotHeldError:
            return self._held


def condition(cut: str, search: str) -> str:
    """Return one condition for what people typed as a cut and as a name.

    Parameters
    ----------
    cut
        An expression over fields, or nothing.
    search
        The beginning of an objectId, with or without its ``ZTF``, or a whole candid.

    Raises
    ------
    SelectionError
        If the name cannot be one.
    """
    cut, search = cut.strip(), search.strip()
    if not search:
        return cut
    if not _OBJECT.fullmatch(search):
        raise SelectionError(
            f"search: expected the beginning of an objectId or a candid, got {search!r}"
        )
    if search.isdigit() and len(search) >= _SHORTEST_CANDID:
        found = f"candid == {int(search)}"
    else:
        if _PREFIX.startswith(search.upper()):
            name = search.upper()
        else:
            bare = search.upper().removeprefix(_PREFIX)
            name = _PREFIX + bare.lower()
        found = f"startswith(objectId, {name!r})"
    return f"({cut}) and {found}" if cut else found
