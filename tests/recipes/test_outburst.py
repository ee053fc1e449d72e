from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from recipes.given import Changes, decides, detection, given, limit

from ztfnb.recipes import outburst

STAR = {"distpsnr1": 0.3, "sgscore1": 0.95, "distnr": 0.3, "magnr": 20.0, "magpsf": 17.0}
"""Three magnitudes above what the reference image shows."""
FAINT = limit(5.0, 20.5)
AMPLITUDE = 2.5 * math.log10(1 + 10 ** (0.4 * 3.0))


def test_a_star_that_erupts_passes() -> None:
    """The amplitude is that of the star itself, reference and difference together."""
    assert outburst(given(FAINT, **STAR)) == pytest.approx({"amplitude": AMPLITUDE})


def test_its_color_travels_with_it() -> None:
    """Where g and r were observed in one night, g - r is told."""
    blue = detection(0.1, 17.1, fid=1)
    assert outburst(given(FAINT, blue, **STAR)) == pytest.approx(
        {"amplitude": AMPLITUDE, "g_minus_r": 0.1}
    )


@pytest.mark.parametrize(
    ("earlier", "wrong", "loosened"),
    [
        ([FAINT], {"rb": 0.4}, {"rb_min": 0.3}),
        ([FAINT], {"distpsnr1": 1.7}, {"star_radius": 2.0}),
        ([FAINT], {"sgscore1": 0.2}, {"star_score": 0.1}),
        ([FAINT], {"ssdistnr": 1.0}, {"ss_radius": 0.5}),
        ([FAINT], {"magnr": 18.5}, {"amplitude_min": 1.0}),
        ([limit(5.0, 17.8)], {}, {"fade": 0.5}),
        ([limit(20.0, 20.5)], {}, {"fade_days": 25.0}),
        ([FAINT, detection(0.1, 17.8, fid=1)], {}, {"color_max": 1.0}),
        ([FAINT, detection(0.1, 17.8, fid=1)], {}, {"color_days": 0.1}),
    ],
)
def test_each_condition_alone_rejects(
    earlier: list[Changes], wrong: dict[str, Any], loosened: dict[str, Any]
) -> None:
    """With one thing wrong an alert is rejected; with that threshold moved, it passes."""
    alert = given(*earlier, **{**STAR, **wrong})
    assert not decides(outburst, alert)
    if "color_days" in loosened:  # g and r 0.1 d apart: just not within 0.1 d
        alert["prv_candidates"][1]["jd"] -= 0.01
    assert decides(outburst, alert, **loosened)


def test_conditions_without_a_threshold() -> None:
    """A fading is rejected, and so is a star whose usual magnitude nobody knows."""
    assert not decides(outburst, given(FAINT, **{**STAR, "isdiffpos": "f"}))
    assert not decides(outburst, given(FAINT, **{**STAR, "magnr": -999.0}))


def test_an_earlier_detection_shows_that_it_was_fainter() -> None:
    """A magnitude fainter within the time, or a fading, in the same band."""
    assert decides(outburst, given(detection(4.0, 18.5), **STAR))
    assert decides(outburst, given(detection(4.0, 17.0, isdiffpos="f"), **STAR))
    assert not decides(outburst, given(detection(4.0, 17.2), **STAR))
    assert not decides(outburst, given(detection(4.0, 18.5, fid=1), **STAR, fid=2))
    assert not decides(outburst, given(limit(5.0, 20.5, fid=1), **STAR))


def test_a_star_that_only_pan_starrs_knows() -> None:
    """Fainter than the reference image shows: its Pan-STARRS magnitude in the band counts."""
    faint = STAR | {"distnr": 9.0, "magnr": 15.0, "srmag1": 21.5}
    assert outburst(given(FAINT, **faint)) == pytest.approx({"amplitude": 4.5})
    assert not decides(outburst, given(FAINT, **faint | {"srmag1": -999.0}))


def test_dwarf_novae_are_found(shares: Callable[..., Any]) -> None:
    """A good part of simulated outbursts passes, and next to nothing else."""
    found = shares(outburst)
    assert found.of("dwarf nova") > 0.25
    assert found.of_others("dwarf nova") < 0.1
