"""What the filter lab tells of a report: funnel, yield, pins, versions, scores, source; export."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import ipywidgets

from ztfnb.errors import FilterError, ZtfnbError
from ztfnb.filters.difference import Difference
from ztfnb.filters.evaluate import again
from ztfnb.filters.filter import Filter
from ztfnb.filters.report import Report
from ztfnb.filters.versions import Version, version_of
from ztfnb.labels import Labels
from ztfnb.widgets._latest import Latest
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._tabs import Tabs, panel
from ztfnb.widgets.exportform import ExportForm
from ztfnb.widgets.funnelview import FunnelView
from ztfnb.widgets.labsheets import pins_sheet, versions_sheet, yield_sheet
from ztfnb.widgets.labtables import LabTable, Sheet
from ztfnb.widgets.labwork import Findings
from ztfnb.widgets.scoreview import CELLS, ScoreView
from ztfnb.widgets.sourceview import SourceView

TITLES = {
    "funnel": "Funnel", "yield": "Yield", "pins": "Pins", "versions": "Versions",
    "scores": "Scores", "source": "Source", "export": "Export",
}  # fmt: skip

Publish = Callable[[], None]


class LabTabs(ipywidgets.VBox):  # type: ignore[misc] # ipywidgets has no types
    """Tabs over what a report tells; only the one in front is worked out, in a thread.

    Parameters
    ----------
    labels
        By candid; for scores.
    positive
        The labels that say that an alert should pass; None for the usual ones.
    pump
        The pump of the page that this is part of.
    """

    def __init__(
        self, pump: Pump, *, labels: Mapping[int, Any], positive: Collection[str] | None = None
    ) -> None:
        self.labels, self.positive = labels, positive
        self.tabs = Tabs(TITLES, "What the evaluation tells", pump=pump)
        self.funnel = FunnelView(pump=pump)
        self.yields = LabTable("Alerts a night", pump=pump)
        self.pins = LabTable("Pins", pump=pump)
        self.versions = LabTable("Versions", pump=pump)
        self.scores = ScoreView(pump=pump)
        self.source = SourceView(pump=pump)
        self.exporting = ExportForm(pump=pump)
        self.on_select: Callable[[int], None] = lambda _candid: None
        """Called with an alert that was chosen in a table."""
        self.on_list: Callable[[str, Sequence[int]], None] = lambda _title, _candids: None
        """Called with alerts to be shown, and what they are."""
        self.on_unpin: Callable[[int], None] = lambda _candid: None
        """Called with an alert whose pin is to be taken away."""
        self._work: Latest[Publish] = Latest(pump, "ztfnb lab tabs")
        self._curves: Latest[Publish] = Latest(pump, "ztfnb lab curve")
        # Apart, as what is looked at next must not take its place.
        self._keeping: Latest[None] = Latest(pump, "ztfnb lab keep")
        self._pending = ""
        """What a thread is working out."""
        self._report: Report | None = None
        self._stale: set[str] = set()
        self._made_of: object = None
        self._known: dict[str, Filter] = {}
        """Filters that were evaluated here, by hash."""
        self._difference: Difference | None = None
        """To the version that was chosen."""
        parts = {
            "funnel": self.funnel, "yield": self.yields, "pins": self.pins,
            "versions": self.versions, "scores": self.scores, "source": self.source,
            "export": self.exporting,
        }  # fmt: skip
        super().__init__([self.tabs, *(panel([name], [part]) for name, part in parts.items())])
        self.add_class("ztfnb-tabbed")
        self.tabs.on_choose = lambda _name: self._fill()
        self.pins.on_choose = lambda key: self.on_select(int(key))
        self.pins.on_action = lambda key: self.on_unpin(int(key))
        self.versions.on_choose = self._choose_version
        self.versions.on_link = self._list_change
        self.scores.on_cell = self._choose_cell
        self.scores.on_curve = self._draw_curve
        self.exporting.on_list = self._list_differing

    def show(self, found: Findings) -> None:
        """Show what a report tells, in the tab in front now, in the others when they are."""
        report = found.report
        counts = {
            "total": len(report.candid),
            "passed": len(report.passed),
            "failed": len(report.failed),
        }
        self.funnel.show(found.funnel, **counts, note=found.note)
        self._report = report
        self.exporting.offer(report)
        self._stale = {"yield", "pins", "versions", "scores"}
        self._curves.forget()
        if report.filter.function is not self._made_of:
            self._made_of = report.filter.function
            self._known[report.hash] = report.filter
            self._stale.add("source")
        self._fill()

    def renew(self, *names: str) -> None:
        """Work something out again, since what it is about has changed."""
        self._stale.update(names)
        self._fill()

    def forget(self) -> None:
        """Give up what a thread is working out."""
        self._work.forget()
        self._curves.forget()

    def _fill(self) -> None:
        name, report = self.tabs.chosen, self._report
        if name not in self._stale or report is None:
            return
        self._stale.discard(name)
        if self._work.busy:
            self._stale.add(self._pending)  # the thread's latest work is what counts
        if name == "source":
            self.source.show(report.filter)
            return
        work = {
            "yield": self._yield, "pins": self._pins, "versions": self._versions,
            "scores": self._scores,
        }[name]  # fmt: skip
        self._pending = name
        self._work.ask(partial(work, report), partial(self._filled, name))

    def _filled(self, name: str, publish: Publish | Exception) -> None:
        if not isinstance(publish, Exception):
            publish()
            return
        self._stale.add(name)
        sentence = str(publish) if isinstance(publish, ZtfnbError) else f"Not known: {publish!r}"
        if name == "scores":
            self.scores.show_score(None, sentence)
        else:
            table = {"yield": self.yields, "pins": self.pins, "versions": self.versions}[name]
            table.show(Sheet(note=sentence))

    # -- In the thread: each returns what publishes what it found --------------------------------

    def _yield(self, report: Report) -> Publish:
        return partial(self.yields.show, yield_sheet(report.yield_per_night()))

    def _pins(self, report: Report) -> Publish:
        return partial(self.pins.show, pins_sheet(report.filter.check_pins()))

    def _versions(self, report: Report) -> Publish:
        found = report.filter.versions
        return partial(self.versions.show, versions_sheet(found[:], _version(report)))

    def _scores(self, report: Report) -> Publish:
        names = [one.name for one in report.filter.thresholds if one.kind != "text"]
        found, note = (
            None,
            "Label alerts in the browser's tab Labels, or give lab(..., labels=...).",
        )
        if isinstance(self.labels, Labels):
            self.labels.refresh()  # a browser may have added some
        if self.labels:
            try:
                found, note = report.score(self.labels, positive=self.positive), ""
            except FilterError as error:
                note = str(error)

        def publish() -> None:
            self.scores.show_score(found, note)
            self.scores.offer(names)

        return publish

    # -- What is chosen in a tab -----------------------------------------------------------------

    def _kept(self, found: Exception | None) -> None:
        if found is None:
            self.renew("versions")
        else:
            self._filled("versions", found)

    def _choose_version(self, key: str) -> None:
        report = self._report
        if report is None:
            return
        sheet = replace(self.versions.sheet, chosen=key, text="", after="")
        self._pending = "versions"
        self._work.ask(partial(self._changed, report, sheet), partial(self._filled, "versions"))

    def _changed(self, report: Report, sheet: Sheet) -> Publish:
        """Find what has changed since a version: text, settings and alerts."""
        versions = report.filter.versions
        old = versions[int(sheet.chosen)]
        text = versions.changed(old, _version(report)) or "Nothing has changed in its text."
        made = self._known.get(old.hash)
        if made is None:
            after = (
                "Its alerts are not compared: it was not run here. Run its source in a cell, and "
                "give it to the lab: lab.filter = ..."
            )
            return partial(self._show_change, replace(sheet, text=text, after=after), None)
        before = again(report, made.with_params(**old.params))
        found = report.diff(before)
        links = (
            *((name, f"Show {name}") for name in ("gained", "lost") if len(getattr(found, name))),
            *sheet.links,
        )
        after = (
            f"On {report.sample.name}, since then: {len(found.gained):,} gained, "
            f"{len(found.lost):,} lost."
        )
        return partial(
            self._show_change, replace(sheet, text=text, after=after, links=links), found
        )

    def _show_change(self, sheet: Sheet, found: Difference | None) -> None:
        self._difference = found
        self.versions.show(sheet)

    def _list_change(self, name: str) -> None:
        found, report = self._difference, self._report
        if name == "keep" and report is not None:
            self._keeping.ask(partial(_keep, report), self._kept)
        elif found is not None and name in ("gained", "lost"):
            self.on_list(f"{name} since that version", getattr(found, name))

    def _choose_cell(self, name: str) -> None:
        report = self._report
        if report is not None and self.labels:
            found = report.score(self.labels, positive=self.positive)
            self.on_list(CELLS[name], getattr(found, name))

    def _list_differing(self, title: str, candids: Sequence[int]) -> None:
        self.on_list(title, candids)

    def _draw_curve(self, name: str) -> None:
        report = self._report
        if report is None:
            return
        self.scores.say(name, "The filter is evaluated at each value…")
        self._curves.ask(partial(self._curve, report, name), partial(self._curved, name))

    def _curve(self, report: Report, name: str) -> Publish:
        scored = self.scores.scored
        found = report.sweep(name, labels=self.labels if scored else None, positive=self.positive)
        try:
            suggestion: Any = found.suggest() if scored else ""
        except FilterError as error:
            suggestion = f"No suggestion: {error}"
        return partial(self.scores.show_curve, found, report.params[name], suggestion)

    def _curved(self, name: str, publish: Publish | Exception) -> None:
        if isinstance(publish, Exception):
            self.scores.say(name, f"There is no curve: {publish}")
        else:
            publish()


def _keep(report: Report) -> None:
    report.filter.versions.add(_version(report))


def _version(report: Report) -> Version:
    """Return the filter of a report as one of its versions."""
    counts = dict(zip(("passed", "rejected", "failed"), report.counts, strict=True))
    return version_of(report.filter, counts, report.sample.name)
