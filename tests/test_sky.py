"""Positions on the sphere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ztfnb.sky import (
    from_ecliptic,
    from_galactic,
    from_plane,
    galactic,
    in_cone,
    separation,
    sexagesimal,
)

longitude = st.floats(0, 360)
latitude = st.floats(-90, 90)


def test_separation_has_the_analytic_values() -> None:
    """A quarter and a half circle, a step along a meridian, and a tiny step are exact."""
    assert separation(0, 0, 90, 0) == pytest.approx(90, abs=1e-12)
    assert separation(10, 20, 190, -20) == pytest.approx(180, abs=1e-12)
    assert separation(123, -30, 123, -12.5) == pytest.approx(17.5, abs=1e-12)
    assert separation(0, 90, 180, 90) == pytest.approx(0, abs=1e-12)
    tiny = 1e-3 / 3600
    assert separation(40, 60, 40 + tiny, 60) == pytest.approx(tiny / 2, rel=1e-6)
    assert separation(359.9, 0, 0.1, 0) == pytest.approx(0.2, abs=1e-12)


@given(longitude, latitude, longitude, latitude)
def test_separation_does_not_depend_on_the_order(
    ra1: float, dec1: float, ra2: float, dec2: float
) -> None:
    """From here to there is as far as from there to here, and between 0 and 180 degrees."""
    there = float(separation(ra1, dec1, ra2, dec2))
    assert there == pytest.approx(float(separation(ra2, dec2, ra1, dec1)), abs=1e-9)
    assert 0 <= there <= 180


def test_separation_and_galactic_agree_with_astropy() -> None:
    """Random positions agree with astropy within 1e-9 degrees."""
    coordinates = pytest.importorskip("astropy.coordinates")
    rng = np.random.default_rng(1)
    ra = rng.uniform(0, 360, (2, 300))
    dec = np.degrees(np.arcsin(rng.uniform(-1, 1, (2, 300))))
    first, second = (coordinates.SkyCoord(a, d, unit="deg") for a, d in zip(ra, dec, strict=True))
    ours = separation(ra[0], dec[0], ra[1], dec[1])
    np.testing.assert_allclose(ours, first.separation(second).deg, rtol=0, atol=1e-9)
    lon, lat = galactic(ra[0], dec[0])
    theirs = first.galactic
    assert separation(lon, lat, theirs.l.deg, theirs.b.deg).max() < 1e-9
    assert ((lon >= 0) & (lon < 360)).all()


def test_the_galactic_pole_and_centre_lie_where_they_are_defined() -> None:
    """The north Galactic pole has latitude 90; the centre lies at longitude 0."""
    assert galactic(192.85948, 27.12825)[1] == pytest.approx(90, abs=1e-4)
    lon, lat = galactic(266.40500, -28.93617)
    assert min(lon, 360 - lon) == pytest.approx(0, abs=1e-4)
    assert lat == pytest.approx(0, abs=1e-4)


def test_the_galactic_plane_and_the_ecliptic_agree_with_astropy() -> None:
    """Positions in Galactic coordinates come back; both planes lie where astropy has them."""
    coordinates = pytest.importorskip("astropy.coordinates")
    rng = np.random.default_rng(3)
    lon = rng.uniform(0, 360, 300)
    lat = np.degrees(np.arcsin(rng.uniform(-1, 1, 300)))
    assert separation(*galactic(*from_galactic(lon, lat)), lon, lat).max() < 1e-9
    for ours, frame, within in (
        (from_galactic, "galactic", 1e-9),
        (from_ecliptic, "barycentricmeanecliptic", 1e-5),
    ):
        for latitudes in (lat, np.zeros(300)):
            theirs = coordinates.SkyCoord(lon, latitudes, unit="deg", frame=frame).icrs
            ra, dec = ours(lon, latitudes)
            assert separation(ra, dec, theirs.ra.deg, theirs.dec.deg).max() < within
            assert ((ra >= 0) & (ra < 360)).all()


@given(longitude, st.floats(-89, 89), st.floats(-1, 1), st.floats(-1, 1))
def test_a_tangent_plane_measures_the_tangent(ra: float, dec: float, x: float, y: float) -> None:
    """A place on a tangent plane is as far from its centre as the arctangent says; North is up."""
    there = from_plane(x, y, (ra, dec))
    distance = np.degrees(np.arctan(np.hypot(x, y)))
    assert separation(*there, ra, dec) == pytest.approx(distance, abs=1e-9)
    if dec + abs(y) < 89:
        assert from_plane(0.0, 0.01, (ra, dec))[1] > dec


@given(longitude, latitude, st.floats(0, 180))
def test_a_cone_holds_what_is_nearer_than_its_radius(ra: float, dec: float, radius: float) -> None:
    """Declination alone never drops a position that the separation would keep."""
    rng = np.random.default_rng(2)
    lon, lat = rng.uniform(0, 360, 200), rng.uniform(-90, 90, 200)
    expected = separation(lon, lat, ra, dec) <= radius
    np.testing.assert_array_equal(in_cone(lon, lat, (ra, dec), radius), expected)


def test_a_cone_crosses_the_pole_and_the_origin_of_right_ascension() -> None:
    """Positions across the pole and across 0 h lie in the cone; NaN does not."""
    mask = in_cone([180.0, 0.0, np.nan], [89.5, 80.0, 89.0], (0.0, 89.8), 1.0)
    assert mask.tolist() == [True, False, False]
    assert in_cone([359.9, 0.3], 0.0, (0.1, 0.0), 0.2001).tolist() == [True, True]
    assert in_cone(1.0, 2.0, (1.0, 2.0), 0.0).tolist() is True


def test_an_angle_in_parts_of_60() -> None:
    """Each part has its digits, none is 60 after rounding, and the sign is the caller's."""
    assert sexagesimal(12.5821, 2) == "12 34 55.56"
    assert sexagesimal(-0.0001, 1, ":") == "00:00:00.4"
    assert sexagesimal(1.99999999, 2, ":") == "02:00:00.00"
