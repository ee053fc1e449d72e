"""The head of one applied filter: what it is, how far it is, how quick, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import traitlets

from ztfnb.filters.following import Following
from ztfnb.filters.tally import Counts
from ztfnb.filters.times import duration
from ztfnb.widgets._part import Part
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of
from ztfnb.widgets.notices import note_text

_FEW = 20
"""Alerts that may wait while it is said to be up to date: it takes them in pieces."""


class AppliedHead(Part):
    """Name and thresholds, counts and rates, and progress over what was held.

    Parameters
    ----------
    pump
        The pump of the page that this is part of; one of its own where None.
    """

    _esm = text_of("common.js", "applied.js")
    _css = text_of("applied.css")
    _told: Any = traitlets.Dict().tag(sync=True)

    def __init__(self, *, pump: Pump | None = None) -> None:
        super().__init__(pump=pump)
        self.before_beat: Callable[[], None] = lambda: None
        """Called before each look at what is told."""
        self.hold = False
        """Whether someone looks closely at the cards below: then they are to stay."""
        self._now: dict[str, Any] = {}

    def show(self, one: Following, counts: Counts) -> None:
        """Show how far a filter is; the page is told with the next beat."""
        pace = one.pace
        times = pace.times
        few = counts.waiting <= max(_FEW, 2 * pace.judged) and not counts.back
        self._now = {
            "name": one.name,
            "params": [[name, note_text(value)] for name, value in one.filter.params.items()],
            "state": "stopped" if not one.running else "up to date" if few else "at work",
            "why": one.notes[-1] if one.notes else "",
            "counts": {
                "received": counts.received, "waiting": counts.waiting, "missed": counts.missed
            },
            "rate": f"{pace.judged:,.1f}/s" if one.running else "",
            "times": f"{duration(times.p50)} an alert, 95% within {duration(times.p95)}"
            if times.n
            else "",
            "held": counts.held,
            "back": counts.back if one.running else 0,
        }  # fmt: skip
        if not self._told:
            self._told = self._now

    def end(self) -> None:
        """Show that the filter is no more: one of its name took its place elsewhere."""
        if self._now:
            self._now = {**self._now, "state": "stopped", "rate": "", "why": "It was applied anew."}

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page: each says whether the cards are to stay."""
        if "hold" in message:
            self.hold = bool(message["hold"])

    def beat(self) -> bool:
        """Send what changed."""
        self.before_beat()
        if self._now == self._told:
            return False
        self._told = self._now
        return True
