"""Rates and counts by the second, at times that a test sets."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ztfnb.meter import SECONDS, Meter


class Clock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_steady_rate(clock: Clock) -> None:
    """Of 10 packets every 0.1 s, 9 of them alerts, the rates are 100 and 90 a second."""
    meter = Meter(clock)
    assert meter.rates() == (0.0, 0.0)
    for _ in range(200):
        clock.now += 0.1
        meter.add(10, 9)
    received, decoded = meter.rates()
    assert received == pytest.approx(100, rel=0.05)
    assert decoded == pytest.approx(0.9 * received)


def test_a_rate_fades_when_nothing_comes(clock: Clock) -> None:
    """Five seconds after the last packet the rate is nothing."""
    meter = Meter(clock)
    for _ in range(10):
        clock.now += 0.5
        meter.add(1, 1)
    clock.now += 2.4
    assert 0 < meter.rates()[0] < 2
    clock.now += 10
    assert meter.rates() == (0.0, 0.0)


def test_the_first_moment_has_no_rate(clock: Clock) -> None:
    """A burst at the start is not taken for a rate."""
    meter = Meter(clock)
    clock.now += 0.3
    meter.add(1000, 1000)
    assert meter.rates() == (0.0, 0.0)


@given(st.lists(st.tuples(st.floats(0, 40), st.integers(0, 1000)), max_size=60))
def test_each_packet_is_in_its_second(steps: list[tuple[float, int]]) -> None:
    """Whatever comes whenever, each of the last 120 whole seconds has exactly its packets."""
    clock = Clock()
    meter = Meter(clock)
    seconds: Counter[int] = Counter()
    for wait, count in steps:
        clock.now += wait
        meter.add(count, 0)
        seconds[int(clock.now)] += count
    end = int(clock.now)
    assert meter.arrivals() == tuple(seconds[second] for second in range(end - SECONDS, end))
    clock.now += SECONDS + 1
    assert sum(meter.arrivals()) == 0
