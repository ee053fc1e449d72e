"""A scan through the list of a table: labels in a column, keys, progress, and on to the next."""

from __future__ import annotations

from ztfnb.widgets._columns import ExtraColumn
from ztfnb.widgets.gallery import Gallery
from ztfnb.widgets.scan import Scan
from ztfnb.widgets.table import AlertTable

LONGEST_SET = 10_000
"""Alerts through which progress is counted at most."""
_COLUMN, _OBJECT = "label", "objectId"


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
        columns = table.columns
        table.extra_columns = [
            ExtraColumn(_COLUMN, "What you called it in a scan", 8, scan.labels.of)
        ]
        table.columns = columns
        if scan.labels:
            self._show_column()
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
        if active and not self._active:
            self._show_column()
        self._active = active
        self.renew()

    def renew(self) -> None:
        """Count progress through what is listed now."""
        if self._active:
            total = self._table.total
            self._scan.set_of(self._table.listed(0, total) if total <= LONGEST_SET else ())

    def _show_column(self) -> None:
        """Show the labels beside the objects, where they are seen, unless they are shown."""
        columns = list(self._table.columns)
        if _COLUMN not in columns:
            beside = columns.index(_OBJECT) + 1 if _OBJECT in columns else len(columns)
            columns.insert(beside, _COLUMN)
            self._table.columns = columns

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
