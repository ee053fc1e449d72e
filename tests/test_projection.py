"""The map of the sky."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ztfnb.projection import HALF_HEIGHT, HALF_WIDTH, lines, mollweide, sky_at
from ztfnb.sky import separation

longitude = st.floats(0, 360)
latitude = st.floats(-90, 90)


def test_known_points() -> None:
    """Centre, poles, edge, and the parallel of theta = 30 degrees lie where the formula says."""
    x, y = mollweide([0, 0, 77, 180, 90], [0, 90, -90, 0, 0])
    np.testing.assert_allclose(x, [0, 0, 0, -HALF_WIDTH, -HALF_WIDTH / 2], atol=1e-12)
    np.testing.assert_allclose(y, [0, HALF_HEIGHT, -HALF_HEIGHT, 0, 0], atol=1e-12)
    theta = np.pi / 6
    dec = np.degrees(np.arcsin((2 * theta + np.sin(2 * theta)) / np.pi))
    x, y = mollweide(60.0, dec)
    assert float(y) == pytest.approx(HALF_HEIGHT / 2, abs=1e-14)
    assert float(x) == pytest.approx(-HALF_WIDTH / 3 * np.cos(theta), abs=1e-14)


def test_right_ascension_increases_to_the_left() -> None:
    """East of the centre is left of it, on every centre."""
    for centre in (0.0, 90.0, 180.0, 270.0):
        assert mollweide(centre + 10, 20, centre)[0] < 0 < mollweide(centre - 10, 20, centre)[0]


def test_equal_areas_on_the_sky_are_equal_on_the_map() -> None:
    """Points even on the sky are even on the map: the area element is the same everywhere."""
    ra, dec = np.meshgrid(np.linspace(3, 357, 60), np.linspace(-89, 89, 61))
    step = 1e-4
    east = np.subtract(mollweide(ra + step, dec, 180), mollweide(ra - step, dec, 180))
    north = np.subtract(mollweide(ra, dec + step, 180), mollweide(ra, dec - step, 180))
    area = np.abs(east[0] * north[1] - east[1] * north[0])
    on_sky = (2 * np.radians(step)) ** 2 * np.cos(np.radians(dec))
    # 4 pi of the sphere on an ellipse of area pi * 2 sqrt(2) * sqrt(2) = 4 pi.
    np.testing.assert_allclose(area / on_sky, 1.0, rtol=1e-5)


@given(longitude, latitude, longitude)
def test_a_position_comes_back(ra: float, dec: float, centre: float) -> None:
    """The inverse gives the position again, also next to the poles, and x, y lie on the map."""
    x, y = mollweide(ra, dec, centre)
    assert (x / HALF_WIDTH) ** 2 + (y / HALF_HEIGHT) ** 2 <= 1 + 1e-12
    # arcsin loses half the digits at the poles: 1e-6 deg is a hundredth of an arcsecond there.
    assert separation(ra, dec, *sky_at(x, y, centre)) < 5e-6


def test_a_map_has_nothing_outside_its_edge() -> None:
    """Places outside the ellipse are no positions; NaN is none, either."""
    ra, dec = sky_at([2.9, 2.0, 0.0, np.nan], [0.0, 1.1, 1.5, 0.0])
    assert np.isnan(ra).all()
    assert np.isnan(dec).all()
    assert np.isnan(mollweide(np.nan, 0.0)).any()


def test_a_line_over_the_edge_is_cut_where_it_crosses() -> None:
    """A parallel through the edge becomes two pieces, and both end on the ellipse."""
    x, y = lines([170.0, 175.0, 185.0, 190.0], [10.0, 20.0, 40.0, 50.0])
    (gap,) = np.flatnonzero(np.isnan(x))
    assert len(x) == 4 + 3
    edge = tuple(map(float, mollweide(180.0, 30.0)))
    assert (x[gap - 1], y[gap - 1]) == pytest.approx(edge, abs=1e-12)
    assert (x[gap + 1], y[gap + 1]) == pytest.approx((-edge[0], edge[1]), abs=1e-12)
    back = lines([190.0, 185.0, 175.0, 170.0], [50.0, 40.0, 20.0, 10.0])
    np.testing.assert_allclose(back, np.stack([x, y])[:, ::-1], atol=1e-12)


@given(longitude, st.floats(-80, 80), st.floats(1, 70), longitude)
def test_no_piece_of_a_circle_jumps(ra: float, dec: float, radius: float, centre: float) -> None:
    """Circles on the sky, on any centre, are drawn in short steps wherever they cross the edge."""
    angle = np.radians(np.arange(0, 361.0))
    a, b, r = np.radians(ra), np.radians(dec), np.radians(radius)
    pole = np.array([np.cos(b) * np.cos(a), np.cos(b) * np.sin(a), np.sin(b)])
    east = np.array([-np.sin(a), np.cos(a), 0.0])
    north = np.cross(pole, east)
    x, y, z = np.cos(r) * pole[:, None] + np.sin(r) * (
        np.cos(angle) * north[:, None] + np.sin(angle) * east[:, None]
    )
    lon, lat = np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))
    if np.abs(lat).max() > 85:
        return  # a line over the pole turns by half the sky between two points
    at = np.stack(lines(lon, lat, centre))
    steps = np.hypot(*np.diff(at))
    assert np.nanmax(steps) < 0.5


def test_a_line_that_stands_on_the_edge() -> None:
    """Points on the meridian of the edge itself break nothing."""
    x, y = lines([180.0, 180.0, 180.0], [-10.0, 0.0, 10.0])
    assert np.isfinite(x).all()
    np.testing.assert_allclose((x / HALF_WIDTH) ** 2 + (y / HALF_HEIGHT) ** 2, 1.0)
