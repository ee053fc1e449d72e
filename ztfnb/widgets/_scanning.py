"""A scan through the list of a table: labels in a column, keys, progress, and on to the next."""

from __future__ import annotations

from collections.abc import Sequence

from ztfnb.widgets._columns import ExtraColumn
from ztfnb.widgets.gallery import Gallery
from ztfnb.widgets.scan import Scan
from ztfnb.widgets.table import AlertTable

LONGEST_SET = 10_000
"""Alerts through which progress is counted at most."""


class Scanning:
    """Joins the labels of a scan to the alerts that are listed.

    Parameters
    ----------
    scan
        Where labels are given.
    table
        Whose alerts are labelled, one after the other; it gets a column for them.
    gallery
        Whose cards show them, too.
    """

    def __init__(self, scan: Scan, table: AlertTable, gallery: Gallery) -> None:
        self._scan = scan
        self._table = table
        self._gallery = gallery
        self._active = False
        table.extra_columns = [
            ExtraColumn("label", "What you called it in a scan", 8, self._labels_of)
        ]
        gallery.notes = scan.labels.words
        for part in (table, gallery):
            part.on_key = self._press
        scan.on_change = self._changed
        scan.on_labelled = self._go_on
        scan.on_select = table.select

    @property
    def active(self) -> bool:
        """Whether the labels are in view: a key that is hit by chance labels nothing otherwise."""
        return self._active

    @active.setter
    def active(self, active: bool) -> None:
        self._active = active
        self.renew()

    def renew(self) -> None:
        """Count progress through what is marked now, or else through what is listed."""
        if self._active:
            through = self._table.marked or self._listed()
            self._scan.set_of(through)

    def _listed(self) -> Sequence[int]:
        total = self._table.total
        return self._table.listed(0, total) if total <= LONGEST_SET else ()

    def _labels_of(self, candids: Sequence[int]) -> list[str]:
        words = self._scan.labels.words
        return [words.get(candid, "") for candid in candids]

    def _changed(self, _candid: int) -> None:
        self._table.refresh()
        self._gallery.notes = self._scan.labels.words

    def _press(self, key: str) -> None:
        if self._active:
            self._scan.press(key)

    def _go_on(self, candid: int) -> None:
        """Go to the next alert without a label."""
        after = self._scan.next_of_set
        if after is None:
            place = self._table.place_of(candid)
            below = [] if place is None else self._table.listed(place + 1, place + 2)
            after = next(iter(below), None)
        if after is not None:
            self._table.select(after)
