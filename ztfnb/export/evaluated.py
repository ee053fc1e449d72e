"""What an export is proven on: an evaluation of the filter as it is now."""

from __future__ import annotations

from typing import Any

from ztfnb.errors import ExportError
from ztfnb.filters.evaluate import evaluate
from ztfnb.filters.evaluations import newest_of
from ztfnb.filters.filter import Filter
from ztfnb.filters.report import Report


def report_for(made: Filter, verify: Any, pins: Report | None, progress: bool | None) -> Report:
    """Return the evaluation that a bundle must agree with.

    Parameters
    ----------
    made
        The filter.
    verify
        A report of it, or what it is to be evaluated on; the newest report where None.
    pins
        What it decided on its pinned alerts: taken where there is nothing else.
    progress
        Whether to show a bar.

    Raises
    ------
    ExportError
        If there is nothing, or it is a report of another filter.
    """
    report: Report | None
    if isinstance(verify, Report):
        _check(made, verify)
        report = verify
    elif verify is not None:
        report = evaluate(made, verify, progress=progress)
    else:
        report = newest_of(made) or pins  # a report of no alert is none
    if not report:
        raise ExportError(
            f"there is no alert to prove {made.name} on: give verify=live, the path of an archive "
            "(--verify), or alerts; or evaluate it as it is set now, and keep the report"
        )
    return report


def _check(made: Filter, report: Report) -> None:
    name = report.filter.name
    if name != made.name or report.hash != made.hash:
        raise ExportError(
            f"verify: expected a report of {made.name} {made.hash[:12]} as it is now, got one of "
            f"{name} {report.hash[:12]}; evaluate the filter again"
        )
    if dict(report.params) != dict(made.params):
        raise ExportError(
            f"verify: expected a report of {made!r}, got one of {report.filter!r}; evaluate it "
            f"with these thresholds, or export report.filter"
        )
