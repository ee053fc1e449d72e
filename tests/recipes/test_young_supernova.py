from __future__ import annotations

from typing import Any

import pytest
from made import NIGHT_JD
from recipes.given import Changes, decides, detection, given, limit
from simulate.nights import Made

from ztfnb.filters import passes
from ztfnb.recipes import young_supernova

EMPTY = limit(3.0, 20.5)
FIRST = detection(1.0, 19.5)


def test_a_source_of_yesterday_passes() -> None:
    """First seen a day ago, and two days before that there was nothing."""
    found = young_supernova(given(EMPTY, FIRST))
    assert found == pytest.approx({"age": 1.0, "gap": 2.0})


@pytest.mark.parametrize(
    ("earlier", "wrong", "loosened"),
    [
        ([EMPTY, FIRST], {"rb": 0.3}, {"rb_min": 0.2}),
        ([EMPTY, FIRST], {"magpsf": 20.1}, {"magpsf_max": 20.5}),
        ([EMPTY, FIRST], {"distpsnr1": 1.0, "sgscore1": 0.9}, {"star_radius": 0.5}),
        ([EMPTY, FIRST], {"distpsnr1": 1.0, "sgscore1": 0.8}, {"star_score": 0.85}),
        ([EMPTY, FIRST], {"neargaiabright": 15.0, "maggaiabright": 9.0}, {"bright_mag": 8.0}),
        ([EMPTY, FIRST], {"neargaiabright": 15.0, "maggaiabright": 9.0}, {"bright_radius": 9.0}),
        ([EMPTY, FIRST], {"ssdistnr": 4.0}, {"ss_radius": 1.0}),
        ([limit(1.5, 20.5)], {"jdstarthist": NIGHT_JD}, {"age_min": 0.0}),
        ([limit(8.0, 20.5), FIRST], {"jdstarthist": NIGHT_JD - 6.0}, {"age_max": 10.0}),
        ([limit(5.0, 20.5), FIRST], {}, {"gap_max": 5.0}),
        ([limit(3.0, 19.7), FIRST], {}, {"depth_min": 0.1}),
    ],
)
def test_each_condition_alone_rejects(
    earlier: list[Changes], wrong: dict[str, Any], loosened: dict[str, Any]
) -> None:
    """With one thing wrong an alert is rejected; with that threshold moved, it passes."""
    assert not decides(young_supernova, given(*earlier, **wrong))
    assert decides(young_supernova, given(*earlier, **wrong), **loosened)


def test_conditions_without_a_threshold() -> None:
    """A fading, and a source of which no exposure says that it was not there, are rejected."""
    assert not decides(young_supernova, given(EMPTY, FIRST, isdiffpos="f"))
    assert not decides(young_supernova, given(FIRST))
    assert not decides(young_supernova, given())


def test_an_unknown_beginning_is_that_of_the_history() -> None:
    """Without `jdstarthist` the first detection of the packet counts."""
    assert decides(young_supernova, given(EMPTY, FIRST, jdstarthist=None))


def test_schemas_that_do_not_know_gaia() -> None:
    """Packets before 3.0 have no such field, and pass that condition."""
    old = given(EMPTY, FIRST)
    del old["candidate"]["neargaiabright"], old["candidate"]["maggaiabright"]
    assert decides(young_supernova, old)


def test_it_prefers_the_young(supernovae: list[Made]) -> None:
    """Of simulated supernovae it finds those of the first days, and none that is long there."""
    found = [made for made in supernovae if passes(young_supernova(made.alert))]
    ages = [made.candidate["jd"] - made.candidate["jdstarthist"] for made in found]
    assert len(found) >= 5
    assert max(ages) <= 5.0
    early = [made for made in supernovae if _since_explosion(made) < 8]
    late = [made for made in supernovae if _since_explosion(made) > 30]
    assert sum(passes(young_supernova(made.alert)) for made in early) > 0.1 * len(early)
    assert not any(passes(young_supernova(made.alert)) for made in late)


def test_it_finds_nothing_else(simulated: list[Made]) -> None:
    """Of all other classes of the simulation less than one alert in 500 passes."""
    others = [made for made in simulated if not made.truth.kind.startswith("SN")]
    assert sum(passes(young_supernova(made.alert)) for made in others) < len(others) / 500


def _since_explosion(made: Made) -> float:
    """Age of a simulated supernova [day]: of type Ia 17.5 days before peak, stretched."""
    truth = made.truth
    if truth.kind == "SN II":
        return truth.jd - truth.epoch
    return truth.jd - truth.peak_jd + 17.5 * truth.stretch * (1 + truth.redshift)
