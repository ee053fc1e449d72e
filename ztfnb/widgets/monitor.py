"""A thin strip that says how a stream does, and pauses it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import traitlets

from ztfnb.errors import ZtfnbError
from ztfnb.state import Stats
from ztfnb.widgets._part import Part
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of

_MEANINGS = {
    "connecting": "Waiting for the source to answer.",
    "live": "Alerts are being read.",
    "paused": "Reading stands still; nothing is lost.",
    "caught up": "Everything that has arrived is read; new alerts follow as they come.",
    "disconnected": "The source does not answer; it is being tried again.",
    "failed": "The source cannot be read; connect again after mending it.",
    "closed": "The stream was stopped; what is held stays.",
}


class Live(Protocol):
    """What the strip watches: `ztfnb.stream.Stream`."""

    @property
    def stats(self) -> Stats:
        """Counters, rates and health at this moment."""

    def pause(self) -> None:
        """Stop reading."""

    def resume(self) -> None:
        """Go on reading."""


class Monitor(Part):
    """State, rate, lag, counts and the last error of a stream in a line, with pause and resume.

    Parameters
    ----------
    live
        The stream.
    pump
        The pump of the page that the strip is part of; one of its own where None.
    missed
        Returns how many alerts came and left before a view could show them.
    """

    _esm = text_of("common.js", "monitor.js")
    _css = text_of("monitor.css")
    _status = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        live: Live,
        *,
        pump: Pump | None = None,
        missed: Callable[[], int] = lambda: 0,
    ) -> None:
        super().__init__(pump=pump)
        self.live = live
        self._missed = missed
        self._refused = ""
        self._status = self._read()

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""
        commands = {"pause": self.live.pause, "resume": self.live.resume}
        if message.get("kind") in commands:
            try:
                commands[str(message["kind"])]()
                self._refused = ""
            except ZtfnbError as error:
                self._refused = str(error)
            self._status = self._read()

    def beat(self) -> bool:
        """Send the status if it changed."""
        status = self._read()
        if status == self._status:
            return False
        self._status = status
        return True

    def _read(self) -> dict[str, Any]:
        try:
            stats = self.live.stats
        except ZtfnbError as error:
            return {"state": "closed", "meaning": str(error), "facts": [], "error": str(error)}
        return {
            "state": stats.state,
            "meaning": _MEANINGS.get(stats.state, ""),
            "facts": facts_of(stats, self._missed()),
            "error": self._refused or stats.last_error,
        }


def facts_of(stats: Stats, missed: int = 0) -> list[list[str]]:
    """Return what the strip says, as pairs of a label and a value; trouble only where there is any.

    ``received = decoded + failed`` can always be read from it.
    """
    facts = [["", f"{_rate(stats.rate)} alerts/s"]]
    if stats.lag:
        facts.append(["waiting", f"{stats.lag:,}"])
    if stats.seconds_behind is not None and stats.seconds_behind >= 1:
        facts.append(["behind", _span(stats.seconds_behind)])
    facts += [["received", f"{stats.received:,}"], ["held", f"{stats.held:,}"]]
    for label, count in (
        ("failed", stats.failed),
        ("seen before", stats.duplicates),
        ("made room", stats.evicted),
        ("lost at the source", stats.lost),
        ("not shown", missed),
    ):
        if count:
            facts.append([label, f"{count:,}"])
    return facts


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"


def _span(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
