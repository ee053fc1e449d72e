"""Times of a filter."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ztfnb.filters.times import Times, duration


def test_times_are_sums_and_quantiles_in_seconds() -> None:
    """Of 1 to 101 us the median is 51, the 95th percentile 96."""
    times = Times.of(np.arange(1, 102) * 1_000)
    found = (times.p50, times.p95, times.max, times.total)
    assert found == pytest.approx((51e-6, 96e-6, 101e-6, 5151e-6))
    assert times.n == 101
    assert str(times) == "51 us an alert (95% within 96 us, longest 101 us; 5.15 ms in all)"


def test_no_alert_has_no_time() -> None:
    """NaN, and words for it."""
    times = Times.of(np.zeros(0))
    assert math.isnan(times.p50)
    assert times.n == 0
    assert str(times) == "no alert was timed"


@pytest.mark.parametrize(
    ("seconds", "text"), [(3.0, "3 s"), (0.0025, "2.5 ms"), (3e-6, "3 us"), (5e-9, "5 ns")]
)
def test_durations_have_units(seconds: float, text: str) -> None:
    """The largest unit of which there is one."""
    assert duration(seconds) == text
