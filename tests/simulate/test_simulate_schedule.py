from __future__ import annotations

import numpy as np
import pytest

from ztfnb.simulate import geometry
from ztfnb.simulate.identity import object_names
from ztfnb.simulate.schedule import (
    date_of,
    night_number,
    visits_of_field,
    visits_of_night,
)

NIGHT = night_number("2026-01-15")


def test_field_and_night_agree() -> None:
    """The exposures of a field are those of the nights that show it, to the last digit."""
    field = int(visits_of_night(3, NIGHT).index[40])
    ever = visits_of_field(3, field, NIGHT)
    compared = 0
    for night in range(NIGHT - 40, NIGHT + 1):
        tonight = visits_of_night(3, night)
        tonight = tonight.take(np.flatnonzero(tonight.index == field))
        own = ever.take(np.flatnonzero(ever.night == night))
        for name in type(own).__slots__:
            np.testing.assert_array_equal(getattr(own, name), getattr(tonight, name))
        compared += len(own)
    assert compared > 10


def test_one_exposure_at_a_time() -> None:
    """Exposures of a night follow each other by at least 40 s, in the dark, on that UTC date."""
    for night in range(NIGHT, NIGHT + 365, 30):
        visits = visits_of_night(3, night)
        assert len(visits) > 40
        assert np.all(np.diff(visits.jd) * 86400.0 > 40.0)
        part = visits.jd - 2457754.5 - night
        assert np.all((part > 0.05) & (part < 0.6))
        assert len(np.unique(visits.slot)) == len(visits)


def test_cadence() -> None:
    """A public field is visited in g and r, some 50 min apart, every second night."""
    visits = visits_of_night(3, NIGHT)
    public = visits.take(np.flatnonzero(visits.programid == 1))
    assert set(public.fid.tolist()) == {1, 2}
    for field in np.unique(public.index):
        own = public.take(np.flatnonzero(public.index == field))
        if len(own) == 2:
            assert set(own.fid.tolist()) == {1, 2}
            assert (own.jd[1] - own.jd[0]) * 24.0 * 60.0 > 30.0
    tomorrow = visits_of_night(3, NIGHT + 1)
    again = set(tomorrow.index[tomorrow.programid == 1].tolist())
    assert not again & set(public.index.tolist())
    partner = np.concatenate(
        [v.fid[v.programid == 2] for v in (visits_of_night(3, NIGHT + n) for n in range(5))]
    )
    assert 3 in partner


def test_depth_follows_moon_and_cloud() -> None:
    """Limits lie between 18 and 21.3, and are brighter by more than 0.3 mag near full Moon in g."""
    limits = {}
    for label, day in (("new", "2026-01-18"), ("full", "2026-02-02")):
        nights = range(night_number(day) - 2, night_number(day) + 3)
        visits = [visits_of_night(3, night) for night in nights]
        limits[label] = np.concatenate([v.limit[(v.fid == 1) & (v.cloud < 0.15)] for v in visits])
    assert np.median(limits["new"]) - np.median(limits["full"]) > 0.3
    assert np.quantile(np.concatenate(list(limits.values())), 0.01) > 18.0


def test_dates() -> None:
    """Night numbers are the survey's own: 2024-05-19 is 2695."""
    assert night_number("2024-05-19") == 2695
    assert date_of(2695).isoformat() == "2024-05-19"


def test_tiles_cover_the_sky_once() -> None:
    """Every direction north of -31 deg lies in exactly one field's own piece of sky."""
    sky = geometry.grid()
    generator = np.random.default_rng(1)
    ra = generator.uniform(0.0, 360.0, 3000)
    dec = np.degrees(np.arcsin(generator.uniform(np.sin(np.radians(-31)), np.sin(1.3), 3000)))
    away = (ra[:, None] - sky.ra + 180.0) % 360.0 - 180.0
    inside = (np.abs(away) <= sky.half_width) & (np.abs(dec[:, None] - sky.dec) <= 3.6)
    assert np.all(inside.sum(axis=1) == 1)


def test_fields_where_real_alerts_were() -> None:
    """Places of real alerts fall on the field and readout channel that they name."""
    # field, channel, ra, dec of public alerts
    real = [
        (296, 17, 18.257, -17.54),
        (296, 46, 12.438, -16.487),
        (346, 32, 15.499, -8.428),
        (475, 58, 197.748, 6.986),
        (386, 21, 295.303, -10.396),
    ]
    sky = geometry.grid()
    for field, rcid, ra, dec in real:
        place = int(np.flatnonzero(sky.field == field)[0])
        # The grid is right to about a degree: the nearest of the places around must fit.
        near = []
        for shift in np.arange(-1.5, 1.5, 0.05):
            west, south = geometry.to_plane(
                np.array([ra + shift]), np.array([dec]), float(sky.ra[place]), float(sky.dec[place])
            )
            near.append(int(geometry.channel(west, south)[0][0]))
        assert rcid in near


def test_projection_and_back() -> None:
    """Sky to focal plane to sky changes nothing; channels and their origins agree."""
    generator = np.random.default_rng(2)
    west, south = generator.uniform(-13000, 13000, (2, 500))
    ra, dec = geometry.to_sky(west, south, 200.0, 47.75)
    np.testing.assert_allclose(geometry.to_plane(ra, dec, 200.0, 47.75), (west, south), atol=1e-4)
    rcid, x, y = geometry.channel(west, south)
    on = rcid >= 0
    assert 0.8 < on.mean() < 0.98
    left, top = geometry.channel_origin(rcid[on])
    np.testing.assert_allclose(left + x[on], west[on], atol=1e-6)
    np.testing.assert_allclose(top + y[on], south[on], atol=1e-6)
    assert set(rcid[on].tolist()) == set(range(64))
    covered = geometry.is_covered(np.zeros(500, np.int64), rcid, x, y)
    assert covered.sum() > 0.85 * on.sum()
    assert not covered[~on].any()


def test_names_are_unique() -> None:
    """First detections that differ in night, exposure, detector or number have other names."""
    visits = [visits_of_night(3, night) for night in (NIGHT, NIGHT + 1)]
    night = np.concatenate([v.night for v in visits]).repeat(16 * 60)
    jd = np.concatenate([v.jd for v in visits]).repeat(16 * 60)
    count = len(night) // (16 * 60)
    cell = np.tile(np.arange(16).repeat(60), count)
    number = np.tile(np.arange(60), 16 * count)
    names = object_names(night, jd, cell, number)
    assert len(set(names)) == len(names)
    assert names == sorted(names) or min(names)[:6] == "ZTF26a"


@pytest.mark.parametrize("night", ["2019-06-01", "2031-12-31"])
def test_any_year(night: str) -> None:
    """Nights of any year since the survey began have exposures."""
    assert len(visits_of_night(9, night_number(night))) > 20
