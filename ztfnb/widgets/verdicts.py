"""Galleries of what passed, was rejected, nearly passed, failed, was gained or lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets
import numpy as np
import traitlets
from numpy.typing import NDArray

from ztfnb.alert import Alert
from ztfnb.widgets._card import description_of
from ztfnb.widgets._part import Part
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of
from ztfnb.widgets.gallery import Fetch, Gallery

SIZE = 24
"""Alerts on a page."""


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """Alerts that belong together, in order."""

    title: str
    candids: Sequence[int] | NDArray[np.int64]
    total: int | None = None
    """How many there are, where `candids` are the first of them."""

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.candids) if self.total is None else self.total


class Shelf(Part):
    """A row of tabs with the number of alerts in each, of which one is chosen."""

    _esm = text_of("common.js", "tablist.js", "labshelf.js")
    _css = text_of("tablist.css", "labshelf.css")
    _tabs: Any = traitlets.List().tag(sync=True)
    _chosen = traitlets.Unicode().tag(sync=True)

    def __init__(self, *, pump: Pump | None = None) -> None:
        super().__init__(pump=pump)
        self.on_choose: Callable[[str], None] = lambda _name: None
        """Called with the name of the tab that was chosen in the page."""

    def show(self, listings: Mapping[str, Listing], chosen: str) -> None:
        """Show tabs."""
        with self.pump.lock:
            self._tabs = [[name, one.title, one.count] for name, one in listings.items()]
            self._chosen = chosen

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""
        if message.get("kind") == "choose":
            self.on_choose(str(message.get("name")))


class Verdicts(ipywidgets.VBox):  # type: ignore[misc] # ipywidgets has no types
    """A gallery with a tab for each verdict, and on each card in one line why.

    Parameters
    ----------
    fetch
        Brings alerts by candid, as for `ztfnb.widgets.Gallery`.
    reason
        Returns why an alert got its verdict, on one line, called in a thread; where that is empty
        the card tells of the alert itself.
    pump
        The pump of the page that this is part of; one of its own where None.
    """

    def __init__(
        self, fetch: Fetch, reason: Callable[[int], str], *, pump: Pump | None = None
    ) -> None:
        self.pump = Pump() if pump is None else pump
        self.shelf = Shelf(pump=self.pump)
        self.gallery = Gallery(fetch, pump=self.pump)
        self.on_choose: Callable[[str], None] = lambda _name: None
        """Called with the name of the listing that is shown, when another one is."""
        self._reason = reason
        self._listings: Mapping[str, Listing] = {}
        self._chosen = ""
        self._start = 0
        super().__init__([self.shelf, self.gallery])
        self.add_class("ztfnb-verdicts")
        self.shelf.on_choose = self.choose
        self.gallery.on_page = self._turn
        self.gallery.describe = self._describe

    @property
    def chosen(self) -> str:
        """Name of the listing that is shown."""
        return self._chosen

    @property
    def candids(self) -> tuple[int, ...]:
        """Alerts on the page."""
        return self.gallery.candids

    def show(self, listings: Mapping[str, Listing], *, fill: bool = True) -> None:
        """Show other alerts, under the same tab where it is still there.

        Parameters
        ----------
        listings
            The alerts of each tab.
        fill
            Whether cards are made anew; else only the numbers on the tabs are.
        """
        with self.pump.lock:
            self._listings = listings
            if self._chosen not in listings:
                self._chosen = next(iter(listings), "")
                self._start = 0
            self.shelf.show(listings, self._chosen)
            if fill:
                self._fill()

    def choose(self, name: str) -> None:
        """Show another listing from its beginning; an unknown one is ignored."""
        with self.pump.lock:
            if name in self._listings:
                self._chosen, self._start = name, 0
                self.shelf.show(self._listings, name)
                self._fill()
                self.on_choose(name)

    def _turn(self, step: int) -> None:
        self._start += step * SIZE
        self._fill()

    def _fill(self) -> None:
        one = self._listings.get(self._chosen, Listing("", ()))
        here = len(one.candids)
        self._start = min(max(0, self._start), max(0, (here - 1) // SIZE * SIZE))
        stop = min(self._start + SIZE, here)
        place = f"{self._start + 1:,} to {stop:,} of {one.count:,}" if here else ""
        self.gallery.show(
            [int(candid) for candid in one.candids[self._start : stop]],
            place=place,
            before=self._start > 0,
            after=stop < here,
        )

    def _describe(self, alert: Alert) -> str:
        return self._reason(alert.candid) or description_of(alert)
