"""The filter lab: a filter, what it does to alerts, and what happens when it is changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets
import traitlets

from ztfnb.errors import ConfigError, ZtfnbError
from ztfnb.filters.filter import Filter
from ztfnb.filters.report import Report
from ztfnb.labels import FILE, Labels
from ztfnb.settings import flag
from ztfnb.stream import Stream
from ztfnb.widgets._closing import close_children
from ztfnb.widgets._latest import Latest
from ztfnb.widgets._pump import Pump
from ztfnb.widgets.funnelview import STOPPED
from ztfnb.widgets.labalert import LabAlert
from ztfnb.widgets.labsummary import Summary, told_of
from ztfnb.widgets.labtabs import LabTabs
from ztfnb.widgets.labwork import Findings, briefly, evaluated, fetching, findings, glanced
from ztfnb.widgets.sliders import Sliders, carried
from ztfnb.widgets.verdicts import Listing, Verdicts

REST = 3.0
"""Time between two evaluations that are made by themselves [s]."""
SLOW = 5.0
"""An evaluation that takes longer is not made by itself [s]."""
_SHARE = 4.0
"""After an evaluation it rests for this many times as long."""
_FURTHER = "further"
"""Name of the listing of alerts that were chosen in a tab."""


class Lab(ipywidgets.VBox):  # type: ignore[misc] # ipywidgets has no types
    """Thresholds on top, the funnel on the left, galleries by verdict on the right.

    Below them the alert in view is explained. Every part is an attribute: ``summary``,
    ``sliders``, ``tabs`` (with ``funnel``, ``yields``, ``pins``, ``versions``, ``scores``,
    ``source``, ``exporting``), ``verdicts`` and ``alert``.

    Parameters
    ----------
    filter
        The filter.
    alerts
        What it is evaluated on: all that `ztfnb.Filter.evaluate` takes.
    labels
        By candid, for scores: `ztfnb.Labels`, the path of its file, or a mapping. By default those
        that a browser keeps beside the notebook.
    positive
        The labels that say that an alert should pass; None for the usual ones.
    auto
        Whether the alerts that arrive in a stream are evaluated by themselves.
    """

    selected: Any = traitlets.Any(None, help="The alert in view, as the filter sees it.")

    def __init__(
        self,
        filter: Filter,  # noqa: A002 - what it is
        alerts: Any,
        *,
        labels: Mapping[int, Any] | str | Path = FILE,
        positive: Collection[str] | None = None,
        auto: bool = False,
    ) -> None:
        self.alerts = alerts
        self.pump = pump = Pump()
        self.summary = Summary(pump=pump)
        self.sliders = Sliders(filter, pump=pump)
        told = Labels(labels) if isinstance(labels, str | Path) else labels
        self.tabs = LabTabs(pump, labels=told, positive=positive)
        self.verdicts = Verdicts(fetching(lambda: self._report), self._reason, pump=pump)
        self.alert = LabAlert(pump)
        self._work: Latest[Any] = Latest(pump, "ztfnb lab")
        self._report: Report | None = None
        self._refused: Exception | None = None
        self._serial = 0
        """Of the last evaluation that was asked for."""
        self._done = threading.Event()
        """Set when that has come to its end."""
        self._findings: Findings | None = None
        self._settled: Report | None = None
        """The last report of thresholds that were let go of."""
        self._base: Report | None = None
        """The report that changes are told from."""
        self._further: tuple[str, Listing | None] = ("", None)
        """Alerts that were asked for beside those by verdict, by name."""
        self._begun = False
        """Whether an alert was chosen to begin with."""
        self._auto = auto
        self._arrived = 0
        """Alerts that had arrived when the last evaluation began."""
        self._due = 0.0
        self._took = 0.0
        super().__init__(self._laid_out())
        self.add_class("ztfnb-lab")
        with pump.lock:
            self._join()
            self.alert.look_at(None, None)
            self._evaluate(afresh=True)

    def _laid_out(self) -> list[ipywidgets.Widget]:
        alert = self.alert
        boxes = {
            "left": self.tabs,
            "right": self.verdicts,
            "why": ipywidgets.VBox([alert.facts, alert.explanation]),
            "picture": ipywidgets.VBox([alert.stamps, alert.light_curve]),
        }
        for name, box in boxes.items():
            box.add_class(f"ztfnb-lab-{name}")
        # Where there is room for one only, they stand in the order above: see lab.css.
        columns = [
            ipywidgets.VBox([boxes["left"], boxes["why"]]),
            ipywidgets.VBox([boxes["right"], boxes["picture"]]),
        ]
        for column in columns:
            column.add_class("ztfnb-lab-column")
        panes = ipywidgets.Box(columns)
        panes.add_class("ztfnb-lab-panes")
        return [self.summary, self.sliders, panes]

    def _join(self) -> None:
        """Let every part know what happens in the others."""
        self.sliders.on_change = self._changed
        self.summary.on_list = self.show
        self.summary.on_again = self.evaluate
        self.summary.on_auto = self._set_auto
        self.summary.fresh_of = self._beat
        self.tabs.funnel.on_select = self.show
        self.tabs.on_select = self.select
        self.tabs.on_list = self._list_further
        self.tabs.on_unpin = lambda candid: self._pin(candid, None)
        self.verdicts.gallery.on_select = self.select
        self.verdicts.on_choose = self._listed
        self.alert.on_found = self._found
        self.alert.pinned_of = self._pinned
        self.alert.explanation.on_pin = self._pin_in_view

    # -- What code may do ------------------------------------------------------------------

    @property
    def filter(self) -> Filter:
        """The filter, with its thresholds as they are set.

        Setting another one evaluates it on the same alerts; thresholds that were set keep their
        values, where it has some of the same name.
        """
        return self.sliders.filter

    @filter.setter  # noqa: A003 - what it is
    def filter(self, made: Filter) -> None:
        if not isinstance(made, Filter):
            raise ConfigError(f"filter: expected a ztfnb.Filter, got {type(made).__name__}")
        with self.pump.lock:
            self.sliders.filter = carried(self.sliders.filter, made)
            self._evaluate(afresh=False)

    @property
    def report(self) -> Report | None:
        """What the last evaluation found; None until there is one.

        It may be of thresholds as they were a moment ago: `wait` returns that of now.
        """
        return self._report

    @property
    def busy(self) -> bool:
        """Whether something is on its way to the page."""
        with self.pump.lock:  # what is handed over may ask for more
            return self._work.busy

    def wait(self, timeout: float = 60.0) -> Report:
        """Return the report of the thresholds as they are set, as soon as there is one.

        Blocks the caller only; the page may show it a moment later.

        Raises
        ------
        TimeoutError
            If that takes longer [s].
        ZtfnbError
            If the filter cannot be evaluated.
        """
        if not self._done.wait(timeout):
            raise TimeoutError(f"{self.filter.name} is still evaluated after {timeout:g} s")
        with self.pump.lock:
            if self._refused is not None:
                raise self._refused
            if self._report is None:
                raise ConfigError("this lab is closed")
            return self._report

    def set(self, **params: Any) -> None:
        """Set thresholds, as their sliders do; returns at once.

        Raises
        ------
        FilterError
            If there is no such threshold, or it does not take that value.
        """
        with self.pump.lock:
            self.sliders.filter = self.sliders.filter.with_params(**params)
            self._changed(self.sliders.filter, settled=True)

    def evaluate(self) -> None:
        """Evaluate again, on all that a stream holds now; returns at once."""
        with self.pump.lock:
            self._evaluate(afresh=True)

    def select(self, candid: int | None) -> None:
        """Show an alert; returns at once, and `selected` follows when it is found."""
        with self.pump.lock:
            self.verdicts.gallery.selected = candid
            self.alert.look_at(candid, self._report)

    def show(self, name: str) -> None:
        """Show a gallery: ``passed``, ``rejected``, ``near``, ``failed``, ``gained``, ``lost``.

        ``stopped:3`` shows those that condition 3 of the funnel stopped.
        """
        with self.pump.lock:
            if name.startswith(STOPPED) and name != self._further[0]:
                self._further = (name, None)
                self._relist(fill=False)
            self.verdicts.choose(name)

    @property
    def settings(self) -> dict[str, Any]:
        """What was chosen here, as plain values: thresholds, gallery, tab and scales."""
        return {
            "params": dict(self.filter.params),
            "list": self.verdicts.chosen,
            "tab": self.tabs.tabs.chosen,
            "auto": self._auto,
            "funnel": self.tabs.funnel.settings,
            "stamps": self.alert.stamps.settings,
            "light_curve": self.alert.light_curve.settings,
            "gallery": self.verdicts.gallery.settings,
        }

    @settings.setter
    def settings(self, settings: Mapping[str, Any]) -> None:
        unknown = [name for name in settings if name not in self.settings]
        if unknown:
            raise ConfigError(f"settings: expected {', '.join(self.settings)}, got {unknown[0]!r}")
        auto = flag("auto", settings.get("auto", self._auto))
        parts = {
            "funnel": self.tabs.funnel, "stamps": self.alert.stamps,
            "light_curve": self.alert.light_curve, "gallery": self.verdicts.gallery,
        }  # fmt: skip
        with self.pump.lock:
            made = self.filter.with_params(**settings.get("params", {}))
            self.tabs.tabs.chosen = settings.get("tab", self.tabs.tabs.chosen)
            for name, part in parts.items():
                part.settings = settings.get(name, {})
            self._set_auto(auto)
            self.show(str(settings.get("list", self.verdicts.chosen)))
            if dict(made.params) != dict(self.filter.params):
                self.sliders.filter = made
                self._changed(made, settled=True)

    def close(self) -> None:
        """Take the lab off the page, and let go of its alerts and reports."""
        if self.comm is None:
            return
        for work in (self._work, self.alert, self.tabs):
            work.forget()
        self.verdicts.gallery.show(())
        close_children(self)
        self.alerts = ()
        self._report = self._findings = self._settled = self._base = None
        self._serial += 1
        self._done.set()
        super().close()

    def __repr__(self) -> str:
        report = self._report
        if report is None:
            return f"<Lab of {self.filter.name}, not evaluated yet>"
        counts = f"{len(report.passed):,} of {len(report.candid):,} passed"
        return f"<Lab of {self.filter!r}: {counts}, {len(report.failed):,} failed>"

    # -- Evaluation --------------------------------------------------------------------------

    def _changed(self, made: Filter, settled: bool) -> None:
        report = self._report
        if report is not None and not self.busy and _is_of(report, made):
            self._settle(report, settled)  # it has been evaluated while the slider rested
            return
        self._evaluate(afresh=False, settled=settled)

    def _evaluate(self, *, afresh: bool, settled: bool = True, by_itself: bool = False) -> None:
        """Have the filter evaluated; what is shown stays until something else can be."""
        made = self.filter
        before = None if afresh else self._report
        if before is None:
            self._arrived = self._received
        self.summary.told = replace(
            self.summary.told, name=made.name, busy=True, live=self._live, auto=self._auto
        )
        began = time.monotonic()
        work = partial(evaluated, made, self.alerts, before)
        if by_itself:
            work = partial(glanced, made, self.alerts)
        self._serial += 1
        self._done.clear()
        self._work.ask(
            partial(self._worked, work, self._serial), partial(self._evaluated, began, settled)
        )

    def _worked(self, work: Callable[[], Report], serial: int) -> Report:
        """Evaluate in the thread. Code has the report at once, whatever the page's loop does."""
        found, refused = None, None
        try:
            found = work()
        except Exception as error:
            refused = error
            raise
        else:
            return found
        finally:
            with self.pump.lock:
                if serial == self._serial:
                    self._report = self._report if found is None else found
                    self._refused = refused
                    self._done.set()

    def _evaluated(self, began: float, settled: bool, found: Report | Exception) -> None:
        self._took = time.monotonic() - began
        self._due = time.monotonic() + max(REST, _SHARE * self._took)
        if isinstance(found, Exception):
            told = (
                str(found) if isinstance(found, ZtfnbError) else f"{type(found).__name__}: {found}"
            )
            self.summary.told = replace(
                self.summary.told, busy=False, trouble=f"This cannot be evaluated: {told}"
            )
            return
        self._settle(found, settled)

    def _settle(self, report: Report, settled: bool) -> None:
        """Show the counts of a report, and have the rest found out."""
        if self._settled is not report:
            self._base = self._settled
        if settled:
            self._settled = report
        self._tell(report, busy=True)
        self._work.ask(partial(findings, report, self._base), partial(self._found_out, settled))

    def _tell(self, report: Report, *, busy: bool) -> None:
        known = self._findings
        difference = known.difference if known is not None and known.report is report else None
        told = told_of(report, difference)
        self.summary.told = replace(told, busy=busy, live=self._live, auto=self._auto)

    def _found_out(self, settled: bool, found: Findings | Exception) -> None:
        if isinstance(found, Exception):
            told = replace(self.summary.told, busy=False, trouble=f"Not known: {found}")
            self.summary.told = told
            return
        self._findings = found
        self._tell(found.report, busy=False)
        self.tabs.show(found)
        self._relist(fill=settled)
        if not self._begun:
            self._begun = len(found.report) > 0
            self._begin()
        elif self.alert.candid is not None:
            self.alert.look_at(self.alert.candid, found.report)

    def _begin(self) -> None:
        """Show something in the beginning: an empty page explains nothing."""
        assert self._findings is not None  # noqa: S101 - it was just made
        listings = self._findings.listings(newest_first=self._live)
        name = next((name for name, one in listings.items() if one.count), "passed")
        self.verdicts.choose(name)
        if len(listings[name].candids):
            self.select(int(listings[name].candids[0]))

    # -- Lists -------------------------------------------------------------------------------

    def _relist(self, *, fill: bool) -> None:
        if self._findings is None:
            return
        name, further = self._further
        listings = self._findings.listings(newest_first=self._live, further=name)
        if further is not None:
            listings[name] = further
        self.verdicts.show(listings, fill=fill)

    def _list_further(self, title: str, candids: Sequence[int]) -> None:
        """Show alerts that were chosen in a tab."""
        with self.pump.lock:
            self._further = (_FURTHER, Listing(title, candids))
            self._relist(fill=False)
            self.verdicts.choose(_FURTHER)

    def _listed(self, name: str) -> None:
        self.tabs.funnel.selected = name

    def _reason(self, candid: int) -> str:
        return "" if self._report is None else briefly(self._report.reason(candid))

    def _found(self, alert: Mapping[str, Any] | None) -> None:
        self.selected = alert

    # -- Pins --------------------------------------------------------------------------------

    def _pinned(self, candid: int) -> bool | None:
        pin = self.filter.pins.get(candid)
        return None if pin is None else pin.passes

    def _pin_in_view(self, passes: bool | None) -> None:
        if self.alert.candid is not None:
            self._pin(self.alert.candid, passes)

    def _pin(self, candid: int, passes: bool | None) -> None:
        """Pin an alert, or take its pin away where ``passes`` is None."""
        note = ""
        try:
            if passes is None:
                self.filter.unpin(candid)
            elif self._report is not None:
                self.filter.pin(self._report.sample.alert(candid), passes=passes)
        except ZtfnbError as error:
            note = f"Not pinned: {error}"
        self.alert.tell_pin(note)
        self.tabs.renew("pins")

    # -- Alerts that arrive --------------------------------------------------------------------

    @property
    def _live(self) -> bool:
        return isinstance(self.alerts, Stream)

    @property
    def _received(self) -> int:
        return self.alerts.stats.decoded if isinstance(self.alerts, Stream) else 0

    def _beat(self) -> int:
        """Return how many alerts have arrived; evaluate them if that is to be done by itself."""
        fresh = self._received - self._arrived
        if self._auto and fresh and not self.busy and time.monotonic() >= self._due:
            if self._took > SLOW:
                self._set_auto(False)
            else:
                self._evaluate(afresh=True, by_itself=True)
                return 0
        return fresh

    def _set_auto(self, auto: bool) -> None:
        self._auto = auto
        self.summary.told = replace(self.summary.told, auto=auto)


def _is_of(report: Report, made: Filter) -> bool:
    return report.filter.function is made.function and dict(report.params) == dict(made.params)
