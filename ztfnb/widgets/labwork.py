"""What the filter lab finds out in a thread, away from the page's messages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ztfnb.alert import Alert
from ztfnb.codec import decode, encode
from ztfnb.errors import EncodeError, ZtfnbError
from ztfnb.filters.difference import Difference
from ztfnb.filters.evaluate import judge, sample_of
from ztfnb.filters.filter import Filter
from ztfnb.filters.funnel import FunnelRow
from ztfnb.filters.near_misses import NearMiss
from ztfnb.filters.report import Report
from ztfnb.widgets.funnelview import STOPPED
from ztfnb.widgets.verdicts import Listing

NEAREST = 500
"""Near misses that are listed at most."""

Candids = NDArray[np.int64]


def evaluated(made: Filter, alerts: Any, before: Report | None = None) -> Report:
    """Evaluate a filter on alerts; on those of an earlier report, where there is one.

    A filter that is the same but for its thresholds is judged again only where that matters.
    """
    if before is None:
        return made.evaluate(alerts, progress=False)
    if before.filter.function is made.function:
        return before.with_params(**made.params)
    return made.evaluate(before.sample, progress=False)


def glanced(made: Filter, alerts: Any) -> Report:
    """Evaluate a filter on alerts that have arrived, without noting a version of it each time."""
    when, sample = datetime.now(UTC), sample_of(alerts)
    return Report(made, sample, judge(made, sample, progress=False), when)


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What a report tells beyond its counts."""

    report: Report
    funnel: tuple[FunnelRow, ...]
    near: tuple[NearMiss, ...]
    difference: Difference | None
    """To the report before; None in the first."""
    note: str
    """What has to be said of the funnel."""

    def listings(self, *, newest_first: bool, further: str = "") -> dict[str, Listing]:
        """Return the alerts by verdict, as the galleries have them.

        Parameters
        ----------
        newest_first
            Whether the last of the sample come first.
        further
            Name of one more listing, of those that a condition stopped.
        """
        report, difference = self.report, self.difference
        step = -1 if newest_first else 1
        none = np.zeros(0, np.int64)
        found = {
            "passed": Listing("passed", report.passed[::step]),
            "rejected": Listing("rejected", report.rejected[::step]),
            "near": Listing("near misses", [one.candid for one in self.near]),
            "failed": Listing("failed", report.failed[::step]),
            "gained": Listing("gained", none if difference is None else difference.gained),
            "lost": Listing("lost", none if difference is None else difference.lost),
        }
        if further.startswith(STOPPED):
            place = int(further.removeprefix(STOPPED))
            row = next((one for one in self.funnel if one.condition.place == place), None)
            if row is not None:
                candids = report.stopped_by(place)[::step]
                found[further] = Listing(f"stopped by {row.condition.text}", candids)
        return found


def findings(report: Report, before: Report | None) -> Findings:
    """Look at a report closely, which may take its time; beside one before it."""
    return Findings(
        report,
        report.funnel_rows,
        report.near_misses(NEAREST),
        None if before is None else report.diff(before),
        report.note,
    )


def briefly(reason: str) -> str:
    """Return a reason as it fits a card: ``candidate["rb"]`` is told as ``rb`` there."""
    return _LOOK_UP.sub(r"\1", reason)


_LOOK_UP = re.compile(r"""\b\w+(?:\[["']\w+["']\])*(?:\[|\.get\()["'](\w+)["'](?:, None)?[\])]""")
"""A chain of look-ups by name; its last name is kept."""


def fetching(
    report_of: Callable[[], Report | None],
) -> Callable[[Sequence[int]], Iterator[tuple[int, Alert | Exception]]]:
    """Return what brings alerts of the sample by candid, for a gallery."""

    def fetch(candids: Sequence[int]) -> Iterator[tuple[int, Alert | Exception]]:
        report = report_of()
        if report is None:
            return
        sample = report.sample
        places = {int(sample.place(candid)): candid for candid in candids}
        for place, found in sample.whole(list(places)):
            yield places[place], found if isinstance(found, ZtfnbError) else pictured(found)

    return fetch


def pictured(alert: Mapping[str, Any]) -> Alert | Exception:
    """Return an alert as widgets show it; of a dictionary one is made, where it is complete."""
    if isinstance(alert, Alert):
        return alert
    try:
        return decode(encode(alert))
    except EncodeError as error:
        return error
