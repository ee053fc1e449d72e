"""The alert in view of the filter lab: why it got its verdict, its stamps and its light curve."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import ipywidgets

from ztfnb.alert import Alert
from ztfnb.errors import ZtfnbError
from ztfnb.filters.explanation import Explanation
from ztfnb.filters.report import Report
from ztfnb.widgets._latest import Latest
from ztfnb.widgets._pump import Pump
from ztfnb.widgets.explanationview import ExplanationView
from ztfnb.widgets.facts import Facts
from ztfnb.widgets.labwork import pictured
from ztfnb.widgets.lightcurve import LightCurve
from ztfnb.widgets.stamps import Stamps


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """What a thread finds out about an alert."""

    explanation: Explanation
    alert: Mapping[str, Any] | None
    """As the filter sees it; None where it was known before."""
    picture: Alert | Exception | None
    """As widgets show it."""


class LabAlert:
    """Explains one alert of a report, and shows it. Its parts are laid out by their owner.

    Parameters
    ----------
    pump
        The pump of the page that the parts are of.
    """

    def __init__(self, pump: Pump) -> None:
        self.facts = Facts(pump=pump)
        self.explanation = ExplanationView(pump=pump)
        self.stamps = Stamps(pump=pump)
        self.light_curve = LightCurve(pump=pump)
        self.on_found: Callable[[Mapping[str, Any] | None], None] = lambda _alert: None
        """Called with an alert when it has been found, or None when there is none."""
        self.pinned_of: Callable[[int], bool | None] = lambda _candid: None
        """Returns whether an alert is pinned to pass; None where it has no pin."""
        self._work: Latest[_Found] = Latest(pump, "ztfnb lab alert")
        self._shown: int | None = None

    @property
    def candid(self) -> int | None:
        """Candid of the alert that is shown, or will be."""
        return self._shown

    def look_at(self, candid: int | None, report: Report | None) -> None:
        """Show an alert of a report. Returns at once; parts follow when it is found.

        An alert that is shown already keeps its picture: its explanation alone is made anew.
        """
        self._work.forget()
        known = candid is not None and candid == self._shown and self.stamps.alert is not None
        self._shown = candid
        if candid is None or report is None:
            self._picture(None, "Select an alert to see its stamps.")
            self.explanation.show(None, note="Select an alert to see why it got its verdict.")
            self.on_found(None)
            return
        self._work.ask(partial(_find, report, candid, known=known), partial(self._found, candid))

    def tell_pin(self, note: str = "") -> None:
        """Show whether the alert in view is pinned, with a sentence."""
        if self._shown is not None:
            self.explanation.say(note, pinned=self.pinned_of(self._shown))

    def forget(self) -> None:
        """Give up what a thread is finding out."""
        self._work.forget()

    def _found(self, candid: int, found: _Found | Exception) -> None:
        if isinstance(found, Exception):
            self.explanation.show(None, note=f"This alert cannot be explained: {found}")
            self._picture(None, "")
            self.on_found(None)
            return
        # What takes longest to paint goes first.
        if found.alert is not None:
            if isinstance(found.picture, Alert):
                self._picture(found.picture, "")
            else:
                self._picture(None, f"There is no picture: {found.picture}")
        self.explanation.show(found.explanation, pinned=self.pinned_of(candid))
        if found.alert is not None:
            self.on_found(found.alert)

    def _picture(self, alert: Alert | None, note: str) -> None:
        if alert is None:
            self.stamps.say(note)
        else:
            self.stamps.alert = alert
        self.light_curve.show(alert)
        self.facts.alert = alert

    def parts(self) -> tuple[ipywidgets.Widget, ...]:
        """Return every part."""
        return self.facts, self.explanation, self.stamps, self.light_curve


def _find(report: Report, candid: int, *, known: bool) -> _Found:
    explanation = report.explain(candid)
    if known:
        return _Found(explanation, None, None)
    try:
        alert = report.sample.alert(candid)
    except ZtfnbError as error:
        return _Found(explanation, {}, error)  # its source no longer has it
    return _Found(explanation, alert, pictured(alert))
