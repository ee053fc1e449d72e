from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from recipes.given import Changes, decides, detection, given

from ztfnb.recipes import nuclear
from ztfnb.recipes.nuclear import mean_offset

NUCLEUS = {"distpsnr1": 0.3, "sgscore1": 0.05, "distnr": 0.2, "magnr": 18.0, "magpsf": 19.0}
BEFORE = [detection(days, 19.0, distnr=0.2) for days in (9, 6, 3)]


def test_a_flare_in_a_nucleus_passes() -> None:
    """Four detections, all at 0.2 pixels: 0.2024 arcsec."""
    assert nuclear(given(*BEFORE, **NUCLEUS)) == pytest.approx({"offset": 0.2024})


@pytest.mark.parametrize(
    ("earlier", "wrong", "loosened"),
    [
        (BEFORE, {"rb": 0.2}, {"rb_min": 0.1}),
        (BEFORE, {"magpsf": 20.2}, {"magpsf_max": 20.5}),
        (BEFORE, {"distpsnr1": 1.2}, {"host_radius": 2.0}),
        (BEFORE, {"sgscore1": 0.4}, {"host_score": 0.5}),
        (BEFORE, {"magnr": 11.0, "magpsf": 13.0}, {"magnr_min": 10.0}),
        (BEFORE, {"magnr": 16.0}, {"increase_max": 4.0}),
        (BEFORE[2:], {}, {"detections_min": 2}),
        ([detection(0.005, 19.0, distnr=0.2)] * 2, {}, {"gap_min": 5.0}),
        (BEFORE, {"distnr": 2.5}, {"offset_max": 1.0}),
    ],
)
def test_each_condition_alone_rejects(
    earlier: list[Changes], wrong: dict[str, Any], loosened: dict[str, Any]
) -> None:
    """With one thing wrong an alert is rejected; with that threshold moved, it passes."""
    alert = given(*earlier, **{**NUCLEUS, **wrong})
    assert not decides(nuclear, alert)
    assert decides(nuclear, alert, **loosened)


def test_conditions_without_a_threshold() -> None:
    """A fading is rejected, and fadings and unknown galaxies do not count."""
    assert not decides(nuclear, given(*BEFORE, **NUCLEUS, isdiffpos="f"))
    negative = [entry | {"isdiffpos": "f"} for entry in BEFORE]
    assert not decides(nuclear, given(*negative, **NUCLEUS))
    assert not decides(nuclear, given(*BEFORE, **NUCLEUS | {"sgscore1": -999.0}))
    assert not decides(nuclear, given(*BEFORE, **NUCLEUS | {"distpsnr1": -999.0}))
    assert not decides(nuclear, given(*BEFORE, **NUCLEUS | {"magnr": None}))


def test_the_mean_offset_trusts_bright_detections() -> None:
    """Half the error counts four times: (4 x 1 + 1 x 2) / 5 pixels."""
    found = mean_offset(
        [
            detection(1, 19.0, distnr=1.0, sigmapsf=0.05),
            detection(2, 20.0, distnr=2.0, sigmapsf=0.1),
        ]
    )
    assert found == pytest.approx(1.2 * 1.012)


def test_nuclei_are_found(shares: Callable[..., Any]) -> None:
    """Active nuclei and supernovae in nuclei pass, and no star, asteroid or artefact."""
    found = shares(nuclear)
    assert found.of("AGN") > 0.02
    assert found.of_others("AGN", "SN Ia", "SN II", "dwarf nova") == 0
