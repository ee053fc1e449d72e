"""The head of one applied filter: what it is, how far it is, how quick, and what went wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import traitlets

from ztfnb.filters.following import Following
from ztfnb.filters.times import duration
from ztfnb.widgets._part import Part
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of
from ztfnb.widgets.notices import note_text

_NUMBERS_EVERY = 1.0
"""Time between messages while only numbers change [s]."""


class AppliedHead(Part):
    """Name and thresholds, counts and rates, and progress over what was held.

    Parameters
    ----------
    following_of
        Returns the applied filter; None where it is no more.
    pump
        The pump of the page that this is part of; one of its own where None.
    """

    _esm = text_of("common.js", "applied.js")
    _css = text_of("applied.css")
    _told: Any = traitlets.Dict().tag(sync=True)

    def __init__(
        self, following_of: Callable[[], Following | None], *, pump: Pump | None = None
    ) -> None:
        super().__init__(pump=pump)
        self.before_beat: Callable[[], None] = lambda: None
        """Called before each look at the filter."""
        self.hold = False
        """Whether someone looks closely at the cards below: then they are to stay."""
        self._following_of = following_of
        self._numbers_at = 0.0
        self._told = self._now()

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page: each says whether the cards are to stay."""
        if "hold" in message:
            self.hold = bool(message["hold"])

    def beat(self) -> bool:
        """Send what changed: the state at once, numbers now and then."""
        self.before_beat()
        if time.monotonic() < self._numbers_at:
            return False
        self._numbers_at = time.monotonic() + _NUMBERS_EVERY
        now = self._now()
        if now == self._told:
            return False
        self._told = now
        return True

    def _now(self) -> dict[str, Any]:
        one = self._following_of()
        if one is None:
            return {**self._told, "state": "stopped", "rate": "", "why": "It was applied anew."}
        counts, pace = one.counts, one.pace
        times = pace.times
        state = "stopped" if not one.running else "at work" if counts.waiting else "up to date"
        shown = {"received": counts.received, "waiting": counts.waiting, "missed": counts.missed}
        return {
            "name": one.name,
            "params": [[name, note_text(value)] for name, value in one.filter.params.items()],
            "state": state,
            "why": one.notes[-1] if one.notes else "",
            "counts": shown,
            "rate": f"{pace.judged:,.1f}/s" if one.running else "",
            "times": f"{duration(times.p50)} an alert, 95% within {duration(times.p95)}"
            if times.n
            else "",
            "held": counts.held,
            "back": counts.back if one.running else 0,
        }
