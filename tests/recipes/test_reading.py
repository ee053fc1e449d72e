from __future__ import annotations

import math

import pytest
from recipes.given import detection, given, limit

from ztfnb.photometry import photometry
from ztfnb.recipes.reading import (
    apparent,
    color,
    detections,
    distance,
    history,
    is_positive,
    known,
    limits,
)


@pytest.mark.parametrize("value", [None, math.nan, -999.0, -999, -99999.0, -99999])
def test_every_way_of_saying_missing(value: object) -> None:
    """Null, NaN and the survey's two numbers all mean that nothing is known."""
    assert known({"rb": value}, "rb") is None


def test_known_numbers() -> None:
    """An absent field is missing; zero is a number."""
    assert known({}, "drb") is None
    assert known({"nbad": 0}, "nbad") == 0.0


def test_distances_are_in_arcsec() -> None:
    """`distnr` is in pixels of 1.012 arcsec; anything negative means that there is nothing."""
    assert distance({"distnr": 2.0}, "distnr") == pytest.approx(2.024)
    assert distance({"distpsnr1": 2.0}, "distpsnr1") == 2.0
    assert distance({"ssdistnr": -999.0}, "ssdistnr") == math.inf
    assert distance({"ssdistnr": -1.0}, "ssdistnr") == math.inf
    assert distance({}, "neargaia") == math.inf


def test_both_spellings_of_the_sign() -> None:
    """``t`` and ``1`` are brightenings, ``f``, ``0`` and null are not."""
    assert [is_positive({"isdiffpos": sign}) for sign in ("t", "1", "f", "0", None)] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_a_limit_is_no_detection() -> None:
    """Entries without a magnitude are limits; those below zero are failures of the pipeline."""
    alert = given(detection(2, 19.0), limit(5, 20.5), limit(1, -1006.9), detection(8, 19.5))
    assert [round(alert["candidate"]["jd"] - e["jd"], 6) for e in detections(alert)] == [8, 2, 0]
    assert [entry["diffmaglim"] for entry in limits(alert)] == [20.5]


def test_a_packet_without_history() -> None:
    """Null and absent both mean that the alert stands alone."""
    alert = given()
    assert detections(alert) == [alert["candidate"]]
    del alert["prv_candidates"]
    assert limits(alert) == []
    assert history(alert) == []


def test_a_history_turned_into_columns_is_refused() -> None:
    """Some brokers store one record of lists; it is not read as if it were an entry."""
    with pytest.raises(TypeError, match="list of records"):
        history(given() | {"prv_candidates": {"jd": [1.0], "magpsf": [18.0]}})


def test_the_apparent_magnitude_adds_fluxes() -> None:
    """Twice the flux is 0.7526 mag brighter; the same flux less is darkness."""
    twice = {"magpsf": 18.0, "magnr": 18.0, "isdiffpos": "t"}
    assert apparent(twice) == pytest.approx(18.0 - 2.5 * math.log10(2))
    assert apparent(twice | {"isdiffpos": "f"}) is None
    half = {"magpsf": 18.0 + 2.5 * math.log10(2), "magnr": 18.0, "isdiffpos": "0"}
    assert apparent(half) == pytest.approx(18.0 + 2.5 * math.log10(2))
    assert apparent(twice | {"magnr": -999.0}) is None


def test_the_apparent_magnitude_is_that_of_the_light_curve() -> None:
    """The same as `ztfnb.photometry` gives where the reference source is near."""
    alert = given(magpsf=19.3, magnr=18.1, distnr=0.3, isdiffpos="f")
    assert photometry(alert).apparent_mag[0] == pytest.approx(apparent(alert["candidate"]))


def test_colors_are_of_one_night() -> None:
    """g - r comes from the latest brightening in each band, not too far apart."""
    alert = given(
        detection(3, 19.0, fid=1),
        detection(0.5, 18.9, fid=1),
        detection(0.2, 17.0, fid=1, isdiffpos="f"),
    )
    assert color(alert, 1.0) == pytest.approx(0.4)
    assert color(alert, 0.4) is None
    assert color(given(), 1.0) is None
