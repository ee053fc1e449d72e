from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from made import NIGHT_JD
from recipes.given import Changes, decides, detection, given, limit
from simulate.nights import Made

from ztfnb.filters import passes
from ztfnb.recipes import fast
from ztfnb.recipes.fast import slope

BEFORE = detection(2.0, 17.5)
"""Two days ago a magnitude brighter than now: it fades by 0.5 mag a day."""


def test_a_fast_fading_passes_with_its_slope() -> None:
    """(18.5 - 17.5) mag / 2 d, with an error of 0.1 sqrt(2) / 2."""
    assert fast(given(BEFORE)) == pytest.approx({"slope_r": 0.5, "slope_r_error": 0.1 * 2**0.5 / 2})


def test_a_fast_rise_passes() -> None:
    """A slope is negative where the source brightens."""
    found = fast(given(detection(2.0, 19.5)))
    assert found["slope_r"] == pytest.approx(-0.5)


RED = detection(0.1, 19.2, fid=1)
BLUE = detection(0.1, 18.3, fid=1)
FAINT_ERRORS = {"sigmapsf": 0.3}


@pytest.mark.parametrize(
    ("earlier", "wrong", "strict", "loosened"),
    [
        ([BEFORE], {"drb": None, "rb": 0.6}, {}, {"rb_min": 0.5}),
        ([BEFORE], {"drb": 0.8}, {}, {"drb_min": 0.7}),
        ([BEFORE], {"distpsnr1": 1.0, "sgscore1": 0.9}, {}, {"star_radius": 0.5}),
        ([BEFORE], {"distpsnr1": 1.0, "sgscore1": 0.6}, {}, {"star_score": 0.7}),
        ([BEFORE], {"ssdistnr": 7.0}, {}, {"ss_radius": 5.0}),
        ([BEFORE], {"jdstarthist": NIGHT_JD - 20}, {}, {"age_max": 25.0}),
        ([detection(8.0, 15.5)], {}, {}, {"window": 9.0}),
        ([detection(0.3, 18.0)], {}, {}, {"baseline_min": 0.2}),
        ([detection(2.0, 18.0)], {}, {}, {"rate_min": 0.2}),
        ([BEFORE | FAINT_ERRORS], FAINT_ERRORS, {}, {"sigma_min": 2.0}),
        ([BEFORE, RED], {}, {"which": "blue"}, {"which": "red"}),
        ([BEFORE, BLUE], {}, {"which": "red"}, {"which": "blue"}),
        ([BEFORE, RED], {}, {"which": "red", "color_split": 0.8}, {"which": "red"}),
        ([BEFORE, RED | {"jd": NIGHT_JD - 2}], {}, {"which": "red"}, {"color_days": 3.0}),
        ([BEFORE], {}, {"which": "red"}, {"which": "any"}),
    ],
)
def test_each_condition_alone_rejects(
    earlier: list[Changes],
    wrong: dict[str, Any],
    strict: dict[str, Any],
    loosened: dict[str, Any],
) -> None:
    """With one thing wrong an alert is rejected; with that threshold moved, it passes."""
    assert not decides(fast, given(*earlier, **wrong), **strict)
    assert decides(fast, given(*earlier, **wrong), **loosened)


def test_conditions_without_a_threshold() -> None:
    """A fading below the reference is rejected, and a limit makes no slope."""
    assert not decides(fast, given(BEFORE, isdiffpos="f"))
    assert not decides(fast, given(limit(2.0, 17.5)))
    assert not decides(fast, given(BEFORE | {"isdiffpos": "f"}))
    assert not decides(fast, given(BEFORE | {"fid": 1}))
    assert not decides(fast, given(BEFORE, drb=None, rb=None))


def test_schemas_without_the_deep_learning_score() -> None:
    """Before 3.3 the older score decides."""
    old = given(BEFORE)
    del old["candidate"]["drb"]
    assert decides(fast, old)


@drawn(st.lists(st.tuples(st.floats(0, 10), st.floats(15, 20), st.floats(0.01, 1)), min_size=3))
def test_the_slope_is_the_weighted_straight_line(points: list[tuple[float, float, float]]) -> None:
    """As NumPy's fit of a line, which weights by the inverse error."""
    points = sorted(points)
    days, mags, errors = map(np.array, zip(*points, strict=True))
    if np.ptp(days) < 0.5:
        assert slope(_entries(points), 0.5) is None
        return
    found = slope(_entries(points), 0.5)
    assert found is not None
    design = np.stack([np.ones_like(days), days], axis=1) / errors[:, None]
    expected = np.linalg.lstsq(design, mags / errors, rcond=None)[0]
    assert found.value == pytest.approx(expected[1], rel=1e-4, abs=1e-6)
    assert found.error == pytest.approx(np.linalg.inv(design.T @ design)[1, 1] ** 0.5, rel=1e-4)


def _entries(points: list[tuple[float, float, float]]) -> list[dict[str, float]]:
    return [{"jd": jd, "magpsf": mag, "sigmapsf": error} for jd, mag, error in points]


def test_dwarf_novae_are_the_fast_ones(simulated: list[Made]) -> None:
    """With stars and old sources let in, simulated dwarf novae pass far more often than others.

    The simulation has no other fast transients.
    """
    found, received = (
        dict.fromkeys(("dwarf nova", "other"), 0),
        dict.fromkeys(("dwarf nova", "other"), 0),
    )
    for made in simulated:
        kind = made.truth.kind if made.truth.kind == "dwarf nova" else "other"
        received[kind] += 1
        # The function itself takes an age beyond the range of its slider.
        told = fast.function(made.alert, star_radius=0.0, age_max=1e5, drb_min=0.5)
        found[kind] += passes(told)
    shares = {kind: found[kind] / received[kind] for kind in found}
    assert shares["dwarf nova"] > 0.1
    assert shares["dwarf nova"] > 3 * shares["other"]
