from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from recipes.given import Changes, decides, detection, given, limit

from ztfnb.recipes import periodic_variable
from ztfnb.recipes.periodic_variable import turns

STAR = {"distnr": 0.2, "distpsnr1": 0.2, "sgscore1": 0.95, "magnr": 17.0}


def around(days_ago: float, departs: float, **changes: Any) -> dict[str, Any]:
    """A detection of a star of magnitude 17 that is ``departs`` of its flux brighter."""
    sign = "t" if departs > 0 else "f"
    return detection(
        days_ago, 17.0 - 2.5 * math.log10(abs(departs)), isdiffpos=sign, magnr=17.0, **changes
    )


UP_AND_DOWN = [around(12, 0.4), around(9, -0.3), around(6, 0.4), around(3, -0.3)]
NOW = {"magpsf": 17.0 - 2.5 * math.log10(0.4)}


def test_a_star_that_goes_up_and_down_passes() -> None:
    """Magnitudes 16.63, 17.39, ...: amplitude 0.753 mag, three turns."""
    found = periodic_variable(given(*UP_AND_DOWN, **STAR, **NOW))
    assert found == pytest.approx({"amplitude": 2.5 * math.log10(1.4 / 0.7), "turns": 3})


SMALL = [around(days, departs) for days, departs in ((12, 0.2), (9, 0.05), (6, 0.2), (3, 0.05))]


@pytest.mark.parametrize(
    ("earlier", "wrong", "loosened"),
    [
        (UP_AND_DOWN, {"distnr": 1.2}, {"reference_radius": 2.0}),
        (UP_AND_DOWN, {"sgscore1": 0.1}, {"star_score": 0.05}),
        (UP_AND_DOWN, {"ssdistnr": 1.0}, {"ss_radius": 0.5}),
        (UP_AND_DOWN[1:], {}, {"detections_min": 4}),
        (SMALL, {"magpsf": 17.0 - 2.5 * math.log10(0.2)}, {"amplitude_min": 0.1, "step_min": 0.1}),
        ([*UP_AND_DOWN, around(1, 6.0)], {}, {"amplitude_max": 3.0}),
        (UP_AND_DOWN, {}, {"turns_min": 3}),
    ],
)
def test_each_condition_alone_rejects(
    earlier: list[Changes], wrong: dict[str, Any], loosened: dict[str, Any]
) -> None:
    """With one thing wrong an alert is rejected; with that threshold moved, it passes."""
    alert = given(*earlier, **{**STAR, **NOW, **wrong})
    strict = {"turns_min": 4} if loosened == {"turns_min": 3} else {}
    assert not decides(periodic_variable, alert, **strict)
    assert decides(periodic_variable, alert, **loosened)


def test_what_goes_one_way_is_rejected() -> None:
    """A star that brightens for two weeks does not turn."""
    rising = [around(days, 0.1 * (14 - days)) for days in (12, 9, 6, 3)]
    assert not decides(
        periodic_variable, given(*rising, **STAR, magpsf=17.0 - 2.5 * math.log10(1.4))
    )


def test_other_bands_and_limits_do_not_count() -> None:
    """Magnitudes of two bands are not compared, and a limit is none."""
    elsewhere = [entry | {"fid": 1} for entry in UP_AND_DOWN]
    assert not decides(periodic_variable, given(*elsewhere, **STAR, **NOW))
    nothing = [limit(days, 20.5) for days in (12, 9, 6, 3)]
    assert not decides(periodic_variable, given(*nothing, **STAR, **NOW))


def test_a_star_outside_pan_starrs_passes() -> None:
    """Without a catalogued source the reference image alone says that a star is there."""
    unseen = STAR | {"distpsnr1": -999.0, "sgscore1": -999.0}
    assert decides(periodic_variable, given(*UP_AND_DOWN, **unseen, **NOW))


def test_turns_of_a_light_curve() -> None:
    """Up, down, up is two turns; steps within the noise are none."""
    assert turns([17.0, 16.5, 17.0, 16.5], 0.1) == 2
    assert turns([17.0, 16.95, 17.0, 16.95], 0.1) == 0
    assert turns([17.0, 16.5, 16.0], 0.1) == 0
    assert turns([17.0], 0.1) == 0


def test_short_periods_are_found(shares: Callable[..., Any]) -> None:
    """Half of the simulated RR Lyrae and eclipsing stars pass, hardly any other class."""
    found = shares(periodic_variable)
    assert found.of("RR Lyrae") > 0.5
    assert found.of("eclipsing binary") > 0.3
    assert found.of_others("RR Lyrae", "eclipsing binary") < 0.2
