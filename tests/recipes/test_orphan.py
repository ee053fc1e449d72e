from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from recipes.given import Changes, decides, detection, given, limit
from simulate.nights import Made

from ztfnb.filters import passes
from ztfnb.recipes import orphan

BEFORE = detection(1.0, 18.6)


def test_a_source_in_empty_sky_passes() -> None:
    """The nearest catalogued source is 8 arcsec away."""
    assert orphan(given(BEFORE)) == pytest.approx({"nearest": 8.0})


@pytest.mark.parametrize(
    ("earlier", "wrong", "loosened"),
    [
        ([BEFORE], {"rb": 0.6}, {"rb_min": 0.5}),
        ([BEFORE], {"nbad": 1}, {"nbad_max": 1}),
        ([BEFORE], {"distpsnr1": 4.0}, {"host_radius": 3.0}),
        ([BEFORE], {"distnr": 4.0}, {"host_radius": 3.0}),
        ([BEFORE], {"distpsnr3": 12.0, "srmag3": 11.0}, {"bright_radius": 10.0}),
        ([BEFORE], {"distpsnr3": 12.0, "srmag3": 11.0}, {"bright_mag": 10.0}),
        ([BEFORE], {"ssdistnr": 8.0}, {"ss_radius": 5.0}),
        ([detection(0.01, 18.6)], {}, {"gap_min": 10.0}),
    ],
)
def test_each_condition_alone_rejects(
    earlier: list[Changes], wrong: dict[str, Any], loosened: dict[str, Any]
) -> None:
    """With one thing wrong an alert is rejected; with that threshold moved, it passes."""
    assert not decides(orphan, given(*earlier, **wrong))
    assert decides(orphan, given(*earlier, **wrong), **loosened)


def test_conditions_without_a_threshold() -> None:
    """Rejected: a fading, a single detection, and a place that Pan-STARRS did not see."""
    assert not decides(orphan, given(BEFORE, isdiffpos="f"))
    assert not decides(orphan, given(limit(1.0, 20.5)))
    assert not decides(orphan, given(BEFORE, distpsnr1=-999.0))
    assert not decides(orphan, given(BEFORE, distpsnr1=None))


def test_the_hosts_of_orphans_are_faint_or_far(supernovae: list[Made]) -> None:
    """Supernovae that pass have their host, in truth, beyond the radius or below the catalogue."""
    found = [made for made in supernovae if passes(orphan(made.alert))]
    assert found
    assert len(found) < 0.4 * len(supernovae)
    assert all(made.candidate["distpsnr1"] > 5 for made in found)


def test_hosted_objects_stay_out(shares: Callable[..., Any]) -> None:
    """Stars, nuclei, asteroids and artefacts do not pass."""
    found = shares(orphan)
    assert found.of_others("SN Ia", "SN II", "dwarf nova") < 0.01
