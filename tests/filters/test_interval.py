from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ztfnb.filters.interval import rate, share


def test_wilsons_interval_is_that_of_its_formula() -> None:
    """For 7 of 10 and z = 1.95996, (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n)."""
    found = share(7, 10)
    assert (found.low, found.high) == pytest.approx((0.39677, 0.89221), abs=1e-4)
    assert found.value == 0.7


@given(st.integers(0, 200), st.integers(1, 200))
def test_a_share_lies_in_its_interval_and_the_interval_in_0_to_1(part: int, whole: int) -> None:
    """Also with none and all of a few, where a normal approximation would give no width."""
    part = min(part, whole)
    found = share(part, whole)
    assert -1e-12 <= found.low <= found.value <= found.high <= 1
    assert found.high > found.low


def test_a_share_of_nothing_is_unknown() -> None:
    """With no alerts there is no number, and none is made up."""
    assert math.isnan(share(0, 0).value)
    assert str(share(0, 0)) == "unknown"
    assert str(rate(3, 0)) == "unknown"


def test_a_rate_has_garwoods_interval() -> None:
    """Exact 95% limits of a Poisson count: 0 gives 0 to 3.689, and 10 gives 4.795 to 18.39."""
    none, ten = rate(0, 1), rate(10, 1)
    assert (none.low, none.high) == pytest.approx((0.0, 3.6889), abs=1e-3)
    assert (ten.low, ten.high) == pytest.approx((4.7954, 18.3904), abs=1e-3)


def test_a_rate_is_per_night_and_wider_where_nights_differ_more() -> None:
    """Ten in five nights are two a night; four times the variance doubles the interval."""
    plain, wide = rate(10, 5), rate(10, 5, excess=4.0)
    assert plain.value == wide.value == 2.0
    assert wide.high - wide.value == pytest.approx(2 * (plain.high - plain.value))
    assert wide.low == pytest.approx(max(0.0, 2.0 - 2 * (2.0 - plain.low)))


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Of 2,000 samples of 12 alerts with a pass rate of 0.2, about 95% have it in theirs."""
    rng = np.random.default_rng(3)
    drawn = rng.binomial(12, 0.2, 2_000)
    intervals = {int(k): share(int(k), 12) for k in np.unique(drawn)}
    inside = [intervals[k].low <= 0.2 <= intervals[k].high for k in drawn.tolist()]
    assert 0.92 <= np.mean(inside) <= 0.99
