"""The funnel as a picture: a bar for each condition of a filter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import traitlets

from ztfnb.filters.funnel import FunnelRow
from ztfnb.settings import one_of
from ztfnb.widgets._part import Part
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of

SCALES = ("linear", "log")
STOPPED = "stopped:"
"""Before the place of a condition, in the name of the row and of those that it stopped."""
MOST = 200
"""Rows that are shown."""
_LONGEST = 300
_scale_of = one_of(SCALES)


class FunnelView(Part):
    """What each condition did to a sample, from the first to the last, as bars.

    A click on a row tells which; the rows for what passed and what failed are last.

    Parameters
    ----------
    pump
        The pump of the page that the picture is part of; one of its own where None.
    """

    _esm = text_of("common.js", "funnelview.js")
    _css = text_of("choice.css", "funnelview.css")
    _funnel = traitlets.Dict().tag(sync=True)
    _chosen = traitlets.Dict().tag(sync=True)

    def __init__(self, *, pump: Pump | None = None) -> None:
        super().__init__(pump=pump)
        self.on_select: Callable[[str], None] = lambda _name: None
        """Called with ``stopped:3``, the place of a condition, or ``passed`` or ``failed``."""
        self._selected = ""
        self._scale = "linear"
        self._tell()
        self.show((), total=0, passed=0, failed=0)

    def show(
        self, rows: Sequence[FunnelRow], *, total: int, passed: int, failed: int, note: str = ""
    ) -> None:
        """Show a funnel.

        Parameters
        ----------
        rows
            Of the conditions, in order.
        total, passed, failed
            Numbers of alerts.
        note
            What has to be said about it, such as why there are no conditions.
        """
        left = len(rows) - MOST
        if left > 0:
            note = f"{note} {left:,} more conditions are not shown.".strip()
        with self.pump.lock:
            self._funnel = {
                "rows": [_packed(row) for row in rows[:MOST]],
                "total": total,
                "passed": passed,
                "failed": failed,
                "note": note,
            }

    @property
    def selected(self) -> str:
        """Name of the row that is marked, as `on_select` tells it; setting calls nothing back."""
        return self._selected

    @selected.setter
    def selected(self, name: str) -> None:
        with self.pump.lock:
            self._selected = name
            self._tell()

    @property
    def settings(self) -> dict[str, Any]:
        """How long bars are: ``{"scale": "linear"}`` or ``"log"``."""
        return {"scale": self._scale}

    @settings.setter
    def settings(self, settings: Mapping[str, Any]) -> None:
        scale = _scale_of("scale", settings.get("scale", self._scale))
        with self.pump.lock:
            self._scale = scale
            self._tell()

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""
        match message.get("kind"):
            case "select":
                self.selected = str(message.get("name", ""))[:40]
                self.on_select(self._selected)
            case "setting" if message.get("value") in SCALES:
                self.settings = {"scale": message["value"]}

    def _tell(self) -> None:
        self._chosen = {"selected": self._selected, "scale": self._scale}


def _packed(row: FunnelRow) -> dict[str, Any]:
    condition = row.condition
    return {
        "name": f"{STOPPED}{condition.place}",
        "text": condition.text[:_LONGEST],
        "stop": condition.stop[:_LONGEST] if condition.place >= 0 else "",
        "line": condition.line,
        "function": condition.function[:_LONGEST],
        "loop": condition.loop,
        "entered": row.entered,
        "stopped": row.stopped,
        "only": row.only_here,
        "unjudged": row.not_judged,
    }
