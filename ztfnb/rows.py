"""Rows of columns as alerts: what a filter reads of the candidate costs no decoding.

The alerts are those of `ztfnb.lazy`: equal to the decoded packets in every respect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ztfnb.alert import Alert
from ztfnb.arrays import Array, Mask
from ztfnb.blocks import Block
from ztfnb.columns import Columns
from ztfnb.lazy import Group, LazyAlert, NotAtHandError
from ztfnb.outline import Outline
from ztfnb.snapshot import OUTLINE, RowIndex, Snapshot
from ztfnb.source import Packet

__all__ = ["HeldAlerts", "LazyAlert", "NotAtHandError", "alerts_of"]

_AT_ONCE = 2_048
"""Rows whose columns are turned into Python's values together."""


def alerts_of(columns: Columns, values: Sequence[bytes]) -> list[Alert]:
    """Return an alert for each row of columns.

    Parameters
    ----------
    columns
        What `ztfnb.columns.decode_columns` gives for ``values``.
    values
        The packets.
    """
    packets = [values[place] for place in columns.rows.tolist()]
    numbers = columns.outline
    found: dict[int, Alert] = {}
    for number, rows in _alike(np.full(len(packets), -1) if numbers is None else numbers):
        outline = columns.outlines[number] if number >= 0 else None
        places = rows.tolist()
        mine = [packets[row] for row in places]
        read = _reader(columns, None if len(rows) == len(packets) else rows)
        alerts = Group(outline, read, mine.__getitem__).alerts(len(rows))
        found.update(zip(places, alerts, strict=True))
    return [found[row] for row in range(len(packets))]


def _reader(
    columns: Columns, rows: RowIndex | None
) -> Callable[[str], tuple[Array, Mask | None] | None]:
    def read(name: str) -> tuple[Array, Mask | None] | None:
        values = columns.arrays.get(name)
        null = columns.masks.get(name)
        if values is None or rows is None:
            return None if values is None else (values, null)
        return values[rows], None if null is None else null[rows]

    return read


class HeldAlerts:
    """The rows of a snapshot as alerts.

    Parameters
    ----------
    snapshot
        What a store held at one moment.
    packet
        Returns the packet of a candid; None where it is not at hand.
    """

    def __init__(self, snapshot: Snapshot, packet: Callable[[int], Packet | None]) -> None:
        self.snapshot = snapshot
        self._packet = packet

    def alerts(self, rows: ArrayLike) -> Iterator[LazyAlert]:
        """Yield the alerts of some rows (numbers, or a bool for each), in the order given.

        Asking one for what only its packet holds raises `NotAtHandError` where that is not at
        hand, and makes its ``asked`` true.
        """
        index = np.asarray(rows)
        if index.dtype.kind == "b":
            index = np.flatnonzero(index)
        for begin in range(0, len(index), _AT_ONCE):
            yield from self._alerts(index[begin : begin + _AT_ONCE])

    def _alerts(self, index: RowIndex) -> Iterator[LazyAlert]:
        # Made one by one, so that each may be gone before the next: that is twice as quick.
        coming: list[Iterator[LazyAlert]] = []
        which = np.empty(len(index), np.intp)
        for at, block, inside in self.snapshot.pieces(index):
            for number, some in _alike(block.parts[OUTLINE].read(inside)):
                outline = self.snapshot.outlines[number] if number >= 0 else None
                # Ascending, as the group's rows are.
                which[at[some]] = len(coming)
                coming.append(self._group(block, outline, inside[some]).alerts(len(some)))
        if len(coming) == 1:
            return coming[0]
        return (next(coming[number]) for number in which.tolist())

    def _group(self, block: Block, outline: Outline | None, rows: RowIndex) -> Group:
        candids = block.parts["candid"].read(rows).tolist()
        # The store's own columns are no fields of a packet, whatever their names are.
        foreign = outline is not None and outline.identity != "candid"

        def read(name: str) -> tuple[Array, Mask | None] | None:
            part = block.parts.get(name)
            if part is None or name.startswith("@") or (foreign and name == "candid"):
                return None
            return part.read(rows), part.absent(rows)

        def packet(row: int) -> bytes:
            found = self._packet(candids[row])
            if found is None:
                raise NotAtHandError(candids[row])
            return found.value

        return Group(outline, read, packet)


def _alike(numbers: NDArray[np.integer]) -> list[tuple[int, RowIndex]]:
    """Return the different numbers, and where each stands."""
    if len(numbers) and (numbers == numbers[0]).all():
        return [(int(numbers[0]), np.arange(len(numbers)))]
    return [(int(number), np.flatnonzero(numbers == number)) for number in np.unique(numbers)]
