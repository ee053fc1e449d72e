"""What stands in the rows of a list that are in view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ztfnb.snapshot import Snapshot
from ztfnb.widgets._columns import Cells, ExtraColumn, TableColumn
from ztfnb.widgets._listing import Listing, rows_of


class Window(NamedTuple):
    """Some rows as the page shows them; nothing stands in those of alerts that have left."""

    start: int
    candids: list[str]
    """As text: a candid does not fit in the page's numbers."""
    cells: list[list[str]]
    """For each column."""
    sizes: list[int]
    """Of grouped rows: how many alerts each stands for."""
    oldest: int
    """Number of the alert here that will leave first: when it does, this is no longer right."""

    def page(self) -> dict[str, Any]:
        """Return what the page is sent."""
        return {
            "start": self.start,
            "candids": self.candids,
            "cells": self.cells,
            "sizes": self.sizes,
        }


def window_of(
    held: Snapshot,
    listing: Listing,
    columns: Sequence[TableColumn | ExtraColumn],
    start: int,
    stop: int,
) -> Window:
    """Return the rows in places ``start`` to ``stop`` of a list."""
    numbers = listing.window(start, stop)
    rows = rows_of(held, numbers)
    there = np.flatnonzero(rows >= 0)
    cells = held.cells({"candid", *(column.field for column in columns)}, rows[there])
    candids = cells["candid"][0].tolist() if len(there) else []

    def placed(texts: list[str]) -> list[str]:
        if len(texts) == len(rows):
            return texts
        full = [""] * len(rows)
        for place, text in zip(there.tolist(), texts, strict=True):
            full[place] = text
        return full

    return Window(
        start=max(start, 0),
        candids=placed([str(candid) for candid in candids]),
        cells=[placed(_texts(column, cells, candids)) for column in columns],
        sizes=listing.sizes(start, stop),
        oldest=int(numbers[there].min()) if len(there) else held.departed + len(held),
    )


def candids_of(held: Snapshot, listing: Listing, start: int, stop: int) -> list[int]:
    """Return the candids in places ``start`` to ``stop`` of a list, of alerts still held."""
    rows = rows_of(held, listing.window(start, stop))
    rows = rows[rows >= 0]
    candids: list[int] = held.column("candid", rows).tolist() if len(rows) else []
    return candids


def _texts(
    column: TableColumn | ExtraColumn, cells: Mapping[str, Cells], candids: list[int]
) -> list[str]:
    if isinstance(column, ExtraColumn):
        return [str(text) for text in column.texts(candids)]
    return column.texts(cells[column.field]) if column.field in cells else [""] * len(candids)
