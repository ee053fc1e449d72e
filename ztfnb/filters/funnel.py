"""The funnel: what each condition of a filter did to a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ztfnb.filters.condition import Condition
from ztfnb.filters.decision import Verdict
from ztfnb.filters.traces import Traces

if TYPE_CHECKING:
    from astropy.table import Table

NO_CONDITION = Condition(-1, "(without a condition)", 0, 0, 0, 0, "")
"""Stands for alerts that were rejected, or failed, before a condition was judged."""


@dataclass(frozen=True, slots=True)
class FunnelRow:
    """What one condition did."""

    condition: Condition
    entered: int
    """Alerts that reached it."""
    stopped: int
    """Alerts that it stopped: those rejected after it was judged as the last of the conditions."""
    only_here: int | None
    """Alerts that only it stopped: they would pass, had it come out otherwise. None where the
    filter cannot be run twice on an alert."""
    not_judged: int
    """Alerts for which it could not be judged: a value was missing, or an exception was raised."""


def funnel_of(
    traces: Traces, verdict: NDArray[np.int8], *, repeatable: bool = True
) -> tuple[FunnelRow, ...]:
    """Return what each condition did, in the order of the source.

    Alerts that were stopped, or failed, where no condition was reached stand in a row of their
    own, so that everything rejected is accounted for.
    """
    rejected = verdict == Verdict.REJECTED
    stopped = np.bincount(
        traces.last[rejected & (traces.last >= 0)], minlength=len(traces.conditions)
    )
    rows = []
    for condition, column, sole in zip(traces.conditions, traces.columns, traces.sole, strict=True):
        rows.append(
            FunnelRow(
                condition,
                len(np.unique(column.rows)),
                int(stopped[condition.place]),
                len(sole) if repeatable else None,
                len(np.unique(column.rows[~column.judged])),
            )
        )
    outside = (traces.last < 0) & (verdict != Verdict.PASSED)
    if outside.any():
        count = int(np.count_nonzero(outside))
        failed = int(np.count_nonzero(outside & (verdict == Verdict.FAILED)))
        rows.append(FunnelRow(NO_CONDITION, count, count - failed, 0, failed))
    return tuple(rows)


def stopped_by(traces: Traces, verdict: NDArray[np.int8], place: int) -> NDArray[np.intp]:
    """Return the alerts that a condition stopped, as places in the sample."""
    return np.flatnonzero((verdict == Verdict.REJECTED) & (traces.last == place))


def funnel_table(rows: Sequence[FunnelRow]) -> Table:
    """Return a funnel as an astropy Table, one row a condition."""
    try:
        from astropy.table import MaskedColumn, Table  # noqa: PLC0415 - of the extra `lab`
    except ImportError:
        raise ImportError("tables need astropy: pip install 'ztfnb[lab]'") from None
    only = [row.only_here for row in rows]
    table = Table(
        {
            "condition": [row.condition.text for row in rows],
            "line": [row.condition.line for row in rows],
            "entered": [row.entered for row in rows],
            "stopped": [row.stopped for row in rows],
        }
    )
    table["only_here"] = MaskedColumn(
        [count or 0 for count in only], mask=[count is None for count in only]
    )
    table["not_judged"] = [row.not_judged for row in rows]
    table["condition"].description = "as it stands in the source"
    table["entered"].description = "alerts that reached it"
    table["stopped"].description = "alerts that it stopped"
    table["only_here"].description = "alerts that would pass, had it alone come out otherwise"
    table["not_judged"].description = "alerts of which a value was missing there"
    return table
