from __future__ import annotations

import math
from typing import Any

import pytest
from made import made_alert

from ztfnb.filters.filter import Filter


def recipe(alert: Any, *, rb_min: float = 0.5, mag_max: float = 19.0) -> bool:
    candidate = alert["candidate"]
    if candidate["isdiffpos"] != "t":
        return False
    return candidate["rb"] >= rb_min and candidate["magpsf"] <= mag_max  # type: ignore[no-any-return]


def either(alert: Any, *, rb_min: float = 0.5, drb_min: float = 0.9) -> bool:
    candidate = alert["candidate"]
    return candidate["rb"] >= rb_min or candidate["drb"] >= drb_min  # type: ignore[no-any-return]


def one(candid: int, **candidate: Any) -> dict[str, Any]:
    return made_alert(candid, **({"rb": 0.9, "magpsf": 18.0, "isdiffpos": "t"} | candidate))


def test_only_alerts_that_failed_one_condition_are_near() -> None:
    """One that two conditions stop, one that passes and one that fails are no near misses."""
    alerts = [one(1), one(2, rb=0.4), one(3, rb=0.4, magpsf=20.0), one(4, rb=None)]
    found = Filter(recipe).evaluate(alerts, progress=False).near_misses()
    assert [miss.candid for miss in found] == [2]
    assert found[0].condition.text == 'candidate["rb"] >= rb_min'
    assert found[0].values == (0.4, 0.5)
    assert found[0].margin == pytest.approx(0.1)


def test_the_nearest_come_first_measured_by_the_spread_of_their_condition() -> None:
    """A tenth of rb is far where rb hardly varies; a magnitude is near where they spread wide."""
    alerts = [one(number, rb=0.5 + 0.01 * (number % 5), magpsf=14.0 + 0.5 * (number % 10))
              for number in range(10, 60)]  # fmt: skip
    alerts += [one(1, rb=0.4), one(2, magpsf=20.0), one(3, magpsf=19.1)]
    found = Filter(recipe).evaluate(alerts, progress=False).near_misses()
    assert [miss.candid for miss in found] == [3, 2, 1]
    assert [miss.relative for miss in found] == sorted(miss.relative for miss in found)
    assert found[0].margin > 0.09
    assert found[2].margin == pytest.approx(0.1)


def test_a_condition_without_a_measure_comes_last() -> None:
    """A negative subtraction is off by no number, and is listed after those that are."""
    alerts = [one(1, isdiffpos="f"), one(2, rb=0.1), one(3), one(4, rb=0.6)]
    found = Filter(recipe).evaluate(alerts, progress=False).near_misses()
    assert [miss.candid for miss in found] == [2, 1]
    assert math.isnan(found[1].margin)
    assert found[1].values == ()


def test_of_two_ways_to_pass_the_nearer_is_told() -> None:
    """Where either of two conditions would do, an alert is one near miss: by the nearer."""
    alerts = [
        one(number, rb=0.1 * (number % 4), drb=0.2 * (number % 4)) for number in range(10, 30)
    ]
    alerts += [one(1, rb=0.45, drb=0.2)]
    found = Filter(either).evaluate(alerts, progress=False).near_misses(None)
    (mine,) = (miss for miss in found if miss.candid == 1)
    assert mine.condition.text == 'candidate["rb"] >= rb_min'
    assert len({miss.candid for miss in found}) == len(found)


def test_as_many_as_asked_for() -> None:
    """20 by default, all where None."""
    alerts = [one(number, rb=0.4 - 0.001 * number) for number in range(1, 31)]
    report = Filter(recipe).evaluate(alerts, progress=False)
    assert len(report.near_misses()) == 20
    assert len(report.near_misses(3)) == 3
    assert [miss.candid for miss in report.near_misses(None)] == list(range(1, 31))


def test_margins_are_those_of_the_thresholds_set_now() -> None:
    """After a change, what was compared before is measured against the new threshold."""
    report = Filter(recipe).evaluate([one(1, rb=0.4), one(2)], progress=False)
    changed = report.with_params(rb_min=0.6)
    assert changed.near_misses()[0].margin == pytest.approx(0.2)
    assert changed.near_misses()[0].values == (0.4, 0.6)
