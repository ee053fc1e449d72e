from __future__ import annotations

import math

import numpy as np
import pytest

from ztfnb.errors import FilterError
from ztfnb.filters.decision import Verdict
from ztfnb.filters.nightly_yield import nightly_yield

P, R, F = Verdict.PASSED, Verdict.REJECTED, Verdict.FAILED
FIRST = 2458450.7
"""2018-11-28, before 5 h UTC."""


def test_nights_are_utc_dates_and_programmes_are_apart() -> None:
    """Two nights of programme 1 and one of programme 2, each with its own counts."""
    jd = np.array([FIRST, FIRST + 0.1, FIRST + 1, FIRST + 1, FIRST])
    programid = np.array([1, 1, 1, 1, 2])
    verdict = np.array([P, R, P, P, F], np.int8)
    public, partners = nightly_yield(jd, programid, verdict)
    assert [(night.night, night.alerts, night.passed) for night in public.nights] == [
        ("2018-11-28", 2, 1), ("2018-11-29", 2, 2)
    ]  # fmt: skip
    assert public.per_night.value == 1.5
    assert public.passing.value == 0.75
    assert public.nights[0].hours == pytest.approx(2.4)
    assert partners.programid == 2
    assert partners.nights[0].failed == 1
    assert partners.per_night.value == 0.0


def test_the_basis_says_what_it_rests_on() -> None:
    """Sample, nights and their span are in the words."""
    (found,) = nightly_yield(np.array([FIRST]), np.array([1]), np.array([P], np.int8))
    assert "from 1 of 1 alerts in 1 night (2018-11-28, 0.0 h)" in str(found)
    assert "taken as whole nights" in found.basis


def test_a_part_of_a_night_can_be_scaled_to_all_of_it() -> None:
    """With 200,000 alerts a night and one in four passing, 50,000 are expected."""
    jd, programid = np.full(4, FIRST), np.ones(4, np.int64)
    (found,) = nightly_yield(
        jd, programid, np.array([P, R, R, R], np.int8), alerts_per_night=200_000
    )
    assert found.per_night.value == 50_000
    assert found.per_night.low == 200_000 * found.passing.low
    assert "scaled to 200,000" in found.basis


def test_nights_that_differ_widen_the_interval() -> None:
    """0, 0 and 30 in three nights tell less than 10 in each."""
    jd = np.concatenate([np.full(30, FIRST + night) for night in range(3)])
    ones = np.ones(90, np.int64)
    even = np.tile(np.array([P] * 10 + [R] * 20, np.int8), 3)
    bursty = np.array([R] * 60 + [P] * 30, np.int8)
    (steady,), (uneven,) = nightly_yield(jd, ones, even), nightly_yield(jd, ones, bursty)
    assert steady.per_night.value == uneven.per_night.value == 10
    assert uneven.per_night.high > steady.per_night.high
    assert uneven.per_night.low < steady.per_night.low


def test_alerts_without_a_date_are_left_out() -> None:
    """They belong to no night; if none has a date, that is an error."""
    jd = np.array([FIRST, math.nan])
    (found,) = nightly_yield(jd, np.array([1, 1]), np.array([P, P], np.int8))
    assert found.alerts == 1
    with pytest.raises(FilterError, match="jd"):
        nightly_yield(np.array([math.nan]), np.array([1]), np.array([P], np.int8))
