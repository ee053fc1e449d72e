from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from recipes.given import decides, given

from ztfnb.recipes import purity


def test_a_clean_alert_passes_at_the_very_thresholds() -> None:
    """The published conditions hold with equality."""
    edge = given(rb=0.65, nbad=0, fwhm=5.0, elong=1.2, magdiff=-0.1)
    assert decides(purity, edge)


@pytest.mark.parametrize(
    ("wrong", "loosened"),
    [
        ({"rb": 0.64}, {"rb_min": 0.6}),
        ({"nbad": 1}, {"nbad_max": 1}),
        ({"fwhm": 5.1}, {"fwhm_max": 6.0}),
        ({"elong": 1.21}, {"elong_max": 1.3}),
        ({"magdiff": 0.11}, {"magdiff_max": 0.2}),
        ({"magdiff": -0.11}, {"magdiff_max": 0.2}),
    ],
)
def test_each_condition_alone_rejects(wrong: dict[str, Any], loosened: dict[str, Any]) -> None:
    """With one value beyond its threshold an alert is rejected; with that one moved, it passes."""
    assert not decides(purity, given(**wrong))
    assert decides(purity, given(**wrong), **loosened)


@pytest.mark.parametrize("name", ["rb", "nbad", "fwhm", "elong", "magdiff"])
@pytest.mark.parametrize("value", [None, math.nan, -999.0])
def test_what_is_not_known_is_not_pure(name: str, value: float | None) -> None:
    """A missing value rejects, and does not raise."""
    assert not decides(purity, given(**{name: value}))


def test_artefacts_stay_out(shares: Callable[..., Any]) -> None:
    """Of simulated artefacts far fewer pass than of what is real."""
    found = shares(purity)
    bogus = ("dipole", "hot pixel", "bad column", "edge artefact")
    real = tuple(kind for kind in found.received if kind not in bogus)
    assert found.of(*real) > 0.2
    assert found.of(*bogus) < 0.05
