from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from recipes.given import Changes, decides, detection, given

from ztfnb.recipes import solar_system

MINUTE = 1 / 1440
KNOWN = {"ssdistnr": 0.4, "ssmagnr": 18.4, "ssnamenr": "1234"}


def test_a_known_object_passes_by_name() -> None:
    """Whatever else the packet says: it is where an asteroid should be."""
    alert = given(**KNOWN, rb=0.1, ndethist=50)
    assert solar_system(alert) == {"known": True, "name": "1234"}
    assert decides(solar_system, alert, which="known")
    assert not decides(solar_system, alert, which="unknown")


def test_an_unknown_object_passes() -> None:
    """It appears in empty sky, and was there once a few minutes ago."""
    alert = given(detection(10 * MINUTE, 18.5))
    assert solar_system(alert) == {"known": False, "name": ""}
    assert decides(solar_system, alert, which="unknown")
    assert not decides(solar_system, alert, which="known")


@pytest.mark.parametrize(
    ("earlier", "wrong", "loosened"),
    [
        ([], {"rb": 0.5}, {"rb_min": 0.4}),
        ([], {"nbad": 2}, {"nbad_max": 2}),
        ([], {"distpsnr1": 0.9}, {"source_radius": 0.5}),
        ([], {"distnr": 0.95}, {"source_radius": 0.5}),
        ([], {"ndethist": 3}, {"ndethist_max": 3}),
        ([detection(40 * MINUTE, 18.5)], {}, {"span_max": 60.0}),
    ],
)
def test_each_condition_alone_rejects(
    earlier: list[Changes], wrong: dict[str, Any], loosened: dict[str, Any]
) -> None:
    """With one thing wrong an alert is rejected; with that threshold moved, it passes."""
    assert not decides(solar_system, given(*earlier, **wrong))
    assert decides(solar_system, given(*earlier, **wrong), **loosened)


def test_a_known_object_further_away_does_not_explain_the_alert() -> None:
    """Beyond the radius it counts as unknown, or not at all."""
    far = given(ssdistnr=6.0, ssnamenr="1234")
    assert not decides(solar_system, far, which="known")
    assert decides(solar_system, far, which="known", known_radius=7.0)
    assert solar_system(far) == {"known": False, "name": ""}


def test_what_leaves_the_reference_is_not_passed() -> None:
    """A negative difference is what an asteroid left in the reference image."""
    assert not decides(solar_system, given(**KNOWN, isdiffpos="f"))


@pytest.mark.parametrize("value", [-999.0, None])
def test_no_known_object(value: float | None) -> None:
    """-999 and null mean that none is near, not that one is at -999 arcsec."""
    assert not decides(solar_system, given(ssdistnr=value), which="known")


def test_asteroids_are_found(shares: Callable[..., Any]) -> None:
    """Nearly all simulated asteroids pass, most of them by name, and no star or galaxy."""
    found = shares(solar_system)
    assert found.of("asteroid") > 0.9
    assert found.of_others("asteroid") < 0.4
    by_name = shares(solar_system, which="known")
    assert by_name.of("asteroid") > 0.8
    assert by_name.of_others("asteroid") < 0.02
