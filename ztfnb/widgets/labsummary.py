"""The head of the filter lab: what became of the alerts, and what has changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import traitlets

from ztfnb.filters.difference import Difference
from ztfnb.filters.report import Report
from ztfnb.filters.times import duration
from ztfnb.widgets._part import Part, turn_of
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of


@dataclass(frozen=True, slots=True)
class Told:
    """What stands in the head."""

    name: str
    """Of the filter."""
    total: int = 0
    """Alerts received; passed + rejected + failed."""
    passed: int = 0
    rejected: int = 0
    failed: int = 0
    not_read: int = 0
    """Packets that held no alert, counted beside."""
    sample: str = ""
    gained: int | None = None
    """Alerts that pass now, and did not in the evaluation before; None in the first."""
    lost: int | None = None
    times: str = ""
    """Of the filter for an alert, in words."""
    busy: bool = True
    """Whether an evaluation is on its way: the numbers are those of the one before."""
    trouble: str = ""
    """Why there is no evaluation."""
    live: bool = False
    """Whether alerts go on arriving."""
    auto: bool = False
    """Whether they are evaluated by themselves."""


def told_of(report: Report, difference: Difference | None) -> Told:
    """Return what a report tells, beside the one before it where there is one."""
    passed, rejected, failed = report.counts
    times = report.times
    return Told(
        report.filter.name,
        total=len(report),
        passed=passed,
        rejected=rejected,
        failed=failed,
        not_read=len(report.not_read),
        sample=report.sample.name,
        gained=None if difference is None else len(difference.gained),
        lost=None if difference is None else len(difference.lost),
        times=f"{duration(times.p50)}, 95% within {duration(times.p95)}" if times.n else "",
    )


class Summary(Part):
    """Counts of passed, rejected and failed, with what has changed, and the time for an alert.

    Of a live stream it tells how many alerts have arrived since, and offers to evaluate again.

    Parameters
    ----------
    pump
        The pump of the page that this is part of; one of its own where None.
    """

    _esm = text_of("common.js", "labsummary.js")
    _css = text_of("labsummary.css", "lab.css")
    _told = traitlets.Dict().tag(sync=True)
    _fresh = traitlets.Int(0).tag(sync=True)

    def __init__(self, *, pump: Pump | None = None) -> None:
        super().__init__(pump=pump)
        self.on_list: Callable[[str], None] = lambda _name: None
        """Called with ``passed``, ``gained``, ... when such a count is chosen."""
        self.on_again: Callable[[], None] = lambda: None
        """Called when an evaluation is asked for."""
        self.on_auto: Callable[[bool], None] = lambda _auto: None
        """Called when evaluating by itself is switched on or off."""
        self.fresh_of: Callable[[], int] = lambda: 0
        """Returns how many alerts have arrived since the last evaluation; called at each beat."""
        self._turn = ""
        self.told = Told("")

    @property
    def told(self) -> Told:
        """What stands there; settable."""
        return self._now

    @told.setter
    def told(self, told: Told) -> None:
        with self.pump.lock:
            self._now = told
            self._told = {name: getattr(told, name) for name in Told.__slots__} | {
                "turn": self._turn
            }

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""
        match message.get("kind"):
            case "list":
                self.on_list(str(message.get("name")))
            case "again":
                self.on_again()
            case "auto":
                self._turn = turn_of(message)
                self.on_auto(bool(message.get("on")))

    def beat(self) -> bool:
        """Tell how many alerts have arrived, if that has changed."""
        fresh = self.fresh_of()
        if fresh == self._fresh:
            return False
        self._fresh = fresh
        return True
