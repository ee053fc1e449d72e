from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import made_alert

from ztfnb.filters.condition import Condition
from ztfnb.filters.decision import Verdict
from ztfnb.filters.filter import Filter
from ztfnb.filters.funnel import NO_CONDITION, FunnelRow, funnel_table
from ztfnb.filters.report import Report


def sharp(alert: Any, *, rb_min: float = 0.65, fwhm_max: float = 5.0) -> bool:
    candidate = alert["candidate"]
    if candidate["rb"] < rb_min:
        return False
    if candidate["nbad"] > 0 or candidate["fwhm"] > fwhm_max:
        return False
    return bool(candidate["elong"] <= 1.2)


def evaluated(alerts: list[dict[str, Any]], **params: Any) -> Report:
    return Filter(sharp).evaluate(alerts, progress=False, **params)


def one(candid: int = 1, **candidate: Any) -> dict[str, Any]:
    return made_alert(candid, **({"rb": 0.9, "nbad": 0, "fwhm": 2.0, "elong": 1.1} | candidate))


def named(report: Report) -> dict[str, FunnelRow]:
    return {row.condition.text: row for row in report.funnel_rows}


def test_a_funnel_worked_out_by_hand() -> None:
    """Each alert enters the conditions up to the one that stops it, and is stopped there."""
    rows = named(
        evaluated(
            [
                one(1),
                one(2, rb=0.3),
                one(3, rb=0.3, elong=2.0),
                one(4, nbad=2),
                one(5, fwhm=7.0),
                one(6, nbad=1, fwhm=7.0),
                one(7, elong=1.5),
            ]
        )
    )
    numbers = {
        text: (row.entered, row.stopped, row.only_here, row.not_judged)
        for text, row in rows.items()
    }
    assert numbers == {
        'candidate["rb"] < rb_min': (7, 2, 1, 0),
        'candidate["nbad"] > 0': (5, 2, 1, 0),
        'candidate["fwhm"] > fwhm_max': (3, 1, 1, 0),
        'candidate["elong"] <= 1.2': (2, 1, 1, 0),
    }


def test_what_cannot_be_judged_is_counted_where_it_happened() -> None:
    """None fails the alert and NaN decides as Python does; both count as not judged."""
    report = evaluated([one(1, rb=None), one(2, rb=float("nan")), one(3)])
    row = named(report)['candidate["rb"] < rb_min']
    assert report.failed.tolist() == [1]
    assert report.passed.tolist() == [2, 3]
    assert (row.entered, row.stopped, row.not_judged) == (3, 0, 2)


VALUES = st.fixed_dictionaries(
    {
        "rb": st.sampled_from([0.2, 0.65, 0.9, None, float("nan")]),
        "nbad": st.sampled_from([0, 1, None]),
        "fwhm": st.sampled_from([1.0, 5.0, 9.0, None]),
        "elong": st.sampled_from([1.0, 1.2, 1.4]),
    }
)


@given(st.lists(VALUES, max_size=12))
def test_everything_rejected_is_accounted_for(drawn: list[dict[str, Any]]) -> None:
    """What the rows stopped, and only they, is what was rejected; who entered is in order."""
    report = evaluated([one(place + 1, **values) for place, values in enumerate(drawn)])
    rows = report.funnel_rows
    assert sum(row.stopped for row in rows) == len(report.rejected)
    assert len(report) == sum(report.counts)
    for row in rows:
        assert row.only_here is not None
        assert row.only_here <= len(report.rejected)
        assert row.stopped + row.not_judged <= row.entered + row.not_judged


@given(st.lists(VALUES, max_size=12))
def test_only_here_is_what_passes_when_that_one_condition_is_lifted(
    drawn: list[dict[str, Any]],
) -> None:
    """Alerts stopped by the first condition alone are those that pass with its threshold at 0."""
    alerts = [one(place + 1, **values) for place, values in enumerate(drawn)]
    report = evaluated(alerts)
    lifted = set(evaluated(alerts, rb_min=0.0).passed.tolist())
    row = named(report)['candidate["rb"] < rb_min']
    assert row.only_here == len(lifted & set(report.rejected.tolist()))


def test_alerts_stopped_by_a_condition_can_be_had() -> None:
    """`stopped_by` names the alerts that the funnel counts."""
    report = evaluated([one(1), one(2, rb=0.1), one(3, elong=2.0)])
    place = named(report)['candidate["rb"] < rb_min'].condition.place
    assert report.stopped_by(place).tolist() == [2]


def never(alert: Any) -> bool:
    del alert
    return False


def test_rejection_without_a_condition_has_a_row_of_its_own() -> None:
    """A filter that judges nothing still accounts for what it rejects."""
    report = Filter(never).evaluate([one(1), one(2)], progress=False)
    stopped = [(row.condition, row.stopped) for row in report.funnel_rows if row.stopped]
    assert [count for _condition, count in stopped] == [2]


def test_the_table_has_a_row_for_each_condition() -> None:
    """Columns are those of a row; an unknown number is masked, not zero."""
    condition = Condition(0, "a < b", 3, 3, 0, 5, "f")
    table = funnel_table([FunnelRow(condition, 5, 2, None, 1), FunnelRow(NO_CONDITION, 1, 1, 0, 0)])
    assert table.colnames == ["condition", "line", "entered", "stopped", "only_here", "not_judged"]
    assert table["stopped"].tolist() == [2, 1]
    assert bool(table["only_here"].mask[0])
    assert table["only_here"][1] == 0


@pytest.mark.parametrize("count", [0, 1])
def test_a_funnel_of_few_alerts(count: int) -> None:
    """No alert, or one, gives a funnel too."""
    report = evaluated([one(1)][:count])
    assert [row.entered for row in report.funnel_rows] == [count] * 4
    assert report.verdict.tolist() == [Verdict.PASSED] * count
    assert np.array_equal(report.candid, [1][:count])
