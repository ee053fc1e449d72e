"""The table of alerts: a window on columns that stay in the kernel."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import traitlets

from ztfnb.errors import SelectionError
from ztfnb.snapshot import Snapshot
from ztfnb.widgets._columns import CANDID, COLUMNS
from ztfnb.widgets._listing import Listing, Order, condition
from ztfnb.widgets._part import Part
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of

FIRST_ROWS = 60
MOST_ROWS = 1_000
"""Rows in one message at most."""
_SHARE = 4.0
"""A list that took so long to make rests for this many times as long before the next."""


class Held(Protocol):
    """What a table shows: `ztfnb.store.Store`, or anything that gives snapshots."""

    evicted: int
    """Alerts that have left to make room."""

    @property
    def revision(self) -> int:
        """A number that grows with every change."""

    def snapshot(self) -> Snapshot:
        """Return what is held now."""


class AlertTable(Part):
    """Alerts in rows, live: sorted, searched and cut in the kernel, painted in the page.

    Only the rows in view travel to the page. New alerts come in on top while the table follows;
    it stands still while someone reads: after a click or a key, when scrolled, and while the
    pointer moves over the rows. Alerts are selected by candid.

    Parameters
    ----------
    store
        What to show.
    pump
        The pump of the page that the table is part of; one of its own where None.
    """

    _esm = text_of("common.js", "table.js")
    _css = text_of("table.css")
    _columns: Any = traitlets.List().tag(sync=True)

    selected = traitlets.Int(None, allow_none=True, help="candid of the alert in view")
    following = traitlets.Bool(default_value=True, help="whether new alerts come in on top")

    def __init__(self, store: Held, *, pump: Pump | None = None) -> None:
        super().__init__(pump=pump)
        self.store = store
        self._columns = [
            {
                "field": column.field,
                "label": column.label,
                "title": column.title,
                "width": column.width,
                "text": column.text,
            }
            for column in COLUMNS
        ]
        self._listing = Listing()
        self._order = Order()
        self._cut = ""
        self._search = ""
        self._error = ""
        self._hold = False
        self._span = (0, FIRST_ROWS)
        self._version = 0
        self._made_from = -1
        self._told = (-1, -1)
        self._rest_until = 0.0
        self._arrivals_told = 0
        self._first_beat = True
        self.missed = 0
        """Alerts that came and left, to make room, before the page could be told of them."""
        self.before_beat: Callable[[], None] = lambda: None

    # -- What code may do ------------------------------------------------------------------

    @property
    def cut(self) -> str:
        """The expression that listed alerts fulfil; setting it lists anew.

        Raises
        ------
        SelectionError
            If it is none; the list stays as it was.
        """
        return self._cut

    @cut.setter
    def cut(self, text: str) -> None:
        with self.pump.lock:
            before, self._cut = self._cut, text
            try:
                self._rebuild()
            except SelectionError:
                self._cut = before
                raise
            self._error = ""
            self._tell()

    def select(self, candid: int | None) -> None:
        """Select an alert by its candid, or none."""
        with self.pump.lock:
            self.selected = candid
            self._tell()

    def follow(self, on: bool = True) -> None:
        """Let new alerts come in, or stand still."""
        with self.pump.lock:
            self.following = on
            if on:
                self._rebuild_or_say()
            self._tell()

    # -- What the page says ----------------------------------------------------------------

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""
        match message.get("kind"):
            case "ready":
                self._span = _span(message)
            case "window":
                start, stop = self._span = _span(message)
                self.send({"kind": "rows", **self._rows(self.store.snapshot(), start, stop)})
            case "select":
                self.following = False
                self.selected = int(message["candid"])
                self._tell()
            case "hold":
                self._hold = bool(message["on"])
            case "follow":
                self.follow(bool(message["on"]))
            case "sort":
                self._order = Order(str(message["field"]), bool(message["descending"]))
                self._list_anew()
            case "choose":
                self._cut, self._search = str(message["cut"]), str(message["search"])
                self._list_anew()

    def _list_anew(self) -> None:
        self._span = (0, self._span[1] - self._span[0])
        self._rebuild_or_say()
        self._tell()

    # -- What the page is told -------------------------------------------------------------

    def beat(self) -> bool:
        """Send the rows in view, or the number of new ones, if anything changed."""
        self.before_beat()
        revision = self.store.revision
        still = self._hold or not self.following or time.monotonic() < self._rest_until
        if revision != self._made_from and not still:
            self._rebuild_or_say()
        if (revision, self._version) == self._told:
            return False
        self._tell()
        return True

    def _rebuild_or_say(self) -> None:
        try:
            self._rebuild()
            self._error = ""
        except SelectionError as error:
            self._error = str(error)

    def _rebuild(self) -> None:
        began = time.monotonic()
        revision = self.store.revision
        held = self.store.snapshot()
        # Before the first alert no field is known that a cut could name.
        where = condition(self._cut, self._search) if len(held) else ""
        self._listing.rebuild(held, where=where, order=self._order)
        self._made_from = revision
        self._version += 1
        took = time.monotonic() - began
        self._rest_until = began + took + _SHARE * took

    def _tell(self) -> None:
        """Send the state of the list with the rows in view."""
        revision = self.store.revision
        held = self.store.snapshot()
        arrivals = self.store.evicted + len(held)
        if not self._first_beat:
            self.missed += max(0, self.store.evicted - self._arrivals_told)
        self._first_beat = False
        self._arrivals_told = arrivals
        self._told = (revision, self._version)
        selected = self.selected
        self.send(
            {
                "kind": "tick",
                "total": len(self._listing),
                "held": len(held),
                "fresh": self._listing.arrived(held),
                "following": self.following,
                "sort": self._order.field,
                "descending": self._order.descending,
                "cut": self._cut,
                "search": self._search,
                "error": self._error,
                "selected": "" if selected is None else str(selected),
                "place": None if selected is None else self._listing.place_of(held, selected),
                **self._rows(held, *self._span),
            }
        )

    def _rows(self, held: Snapshot, start: int, stop: int) -> dict[str, Any]:
        rows = self._listing.window(held, start, stop)
        return {
            "version": self._version,
            "start": max(start, 0),
            # As text: a candid does not fit in the page's numbers.
            "candids": CANDID.texts(held, rows),
            "cells": [column.texts(held, rows) for column in COLUMNS],
        }


def _span(message: Mapping[str, Any]) -> tuple[int, int]:
    start, stop = int(message.get("start", 0)), int(message.get("stop", FIRST_ROWS))
    return start, min(stop, start + MOST_ROWS)
