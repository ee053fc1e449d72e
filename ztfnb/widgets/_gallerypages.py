"""Pages of a gallery through the list of a table."""

from __future__ import annotations

from ztfnb.widgets.gallery import Gallery
from ztfnb.widgets.table import AlertTable

SIZE = 50
"""Alerts on a page."""


class GalleryPages:
    """Lets a gallery show the list of a table, page by page.

    Parameters
    ----------
    table
        Whose list it is.
    gallery
        Where it is shown; its buttons turn the pages.
    """

    def __init__(self, table: AlertTable, gallery: Gallery) -> None:
        self._table = table
        self._gallery = gallery
        self._start = 0
        gallery.on_page = self._turn

    def begin(self) -> None:
        """Show the list from the alert that is being read, or from its top while it follows."""
        read = None if self._table.following else self._table.selected
        self._start = 0 if read is None else self._table.place_of(read) or 0
        self._show()

    def renew(self) -> None:
        """Show the list from its top, since it is another one."""
        self._start = 0
        self._show()

    def _turn(self, step: int) -> None:
        last = max(0, self._table.total - 1)
        self._start = min(max(0, self._start + step * SIZE), last)
        self._show()

    def _show(self) -> None:
        start, total = self._start, self._table.total
        stop = min(start + SIZE, total)
        self._gallery.show(
            self._table.listed(start, stop),
            place=f"{start + 1:,} to {stop:,} of {total:,}" if total else "",
            before=start > 0,
            after=stop < total,
        )
