from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from recipes.given import Changes, decides, detection, given, limit

from ztfnb.recipes import transient

HOUR = 1 / 24
BEFORE = detection(HOUR, 18.6)


def test_a_source_that_stays_passes() -> None:
    """Two detections an hour apart, no star, nothing that moves."""
    assert decides(transient, given(BEFORE))
    assert decides(transient, given(BEFORE, isdiffpos="1"))


@pytest.mark.parametrize(
    ("earlier", "wrong", "loosened"),
    [
        ([BEFORE], {"distpsnr1": 1.4, "sgscore1": 0.9}, {"star_radius": 1.0}),
        ([BEFORE], {"distpsnr1": 1.4, "sgscore1": 0.5}, {"star_score": 0.6}),
        ([BEFORE], {"ssdistnr": 4.0}, {"ss_radius": 3.0}),
        ([detection(HOUR / 3, 18.6)], {}, {"gap_min": 10.0}),
    ],
)
def test_each_condition_alone_rejects(
    earlier: list[Changes], wrong: dict[str, Any], loosened: dict[str, Any]
) -> None:
    """With one thing wrong an alert is rejected; with that threshold moved, it passes."""
    assert not decides(transient, given(*earlier, **wrong))
    assert decides(transient, given(*earlier, **wrong), **loosened)


def test_a_fading_is_no_transient() -> None:
    """A negative difference is rejected, and does not count as a detection."""
    assert not decides(transient, given(BEFORE, isdiffpos="f"))
    assert not decides(transient, given(BEFORE, isdiffpos="0"))
    assert not decides(transient, given(BEFORE | {"isdiffpos": "f"}))


def test_a_limit_is_no_detection() -> None:
    """An exposure that shows nothing does not make a second detection."""
    assert not decides(transient, given(limit(HOUR, 20.5)))
    assert not decides(transient, given())


def test_neighbours_that_are_not_there() -> None:
    """-999, null and an absent field mean no star and no Solar System object."""
    for missing in (-999.0, None):
        assert decides(transient, given(BEFORE, distpsnr1=missing, ssdistnr=missing))
    old = given(BEFORE)
    for name in ("distpsnr1", "sgscore1", "ssdistnr"):
        del old["candidate"][name]
    assert decides(transient, old)


def test_supernovae_are_found(shares: Callable[..., Any]) -> None:
    """Nearly every supernova of the simulation passes, few of any other class."""
    found = shares(transient)
    assert found.of("SN Ia", "SN II") > 0.85
    assert found.of_others("SN Ia", "SN II") < 0.3
