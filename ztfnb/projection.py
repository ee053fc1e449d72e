"""The Mollweide map of the whole sky: equal areas on it are equal areas on the sky.

The map is an ellipse twice as wide as high: x from -2 sqrt(2) to 2 sqrt(2), y from -sqrt(2) to
sqrt(2). Right ascension increases to the left, as one sees the sky from inside.

Formulae: Snyder 1987, Map Projections - A Working Manual (USGS PP 1395), p. 249.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

HALF_HEIGHT = 2.0**0.5
HALF_WIDTH = 2 * HALF_HEIGHT

_STEPS = 8
"""Of Newton's method; from where it begins, six reach the last digit anywhere."""


def mollweide(ra: ArrayLike, dec: ArrayLike, centre: float = 0.0) -> tuple[Floats, Floats]:
    """Return where positions lie on the map.

    Parameters
    ----------
    ra, dec
        Coordinates [deg]. NaN gives NaN.
    centre
        Right ascension in the middle of the map [deg].

    Returns
    -------
    tuple
        x and y; a position on the meridian opposite to the centre lies on the left edge.
    """
    return _place(_from_centre(ra, centre), np.asarray(dec, float))


def sky_at(x: ArrayLike, y: ArrayLike, centre: float = 0.0) -> tuple[Floats, Floats]:
    """Return right ascension (0 to 360) and declination [deg] of places on the map.

    Both are NaN outside the ellipse. At the poles any right ascension is right.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    with np.errstate(invalid="ignore", divide="ignore"):
        theta = np.arcsin(y / HALF_HEIGHT)
        lon = -np.degrees(np.pi * x / (HALF_WIDTH * np.cos(theta)))
        lat = np.degrees(np.arcsin((2 * theta + np.sin(2 * theta)) / np.pi))
        inside = (x / HALF_WIDTH) ** 2 + (y / HALF_HEIGHT) ** 2 <= 1 + 1e-12
    lon = np.where(np.isfinite(lon), np.clip(lon, -180, 180), 0.0)
    return np.where(inside, (lon + centre) % 360.0, np.nan), np.where(inside, lat, np.nan)


def lines(ra: ArrayLike, dec: ArrayLike, centre: float = 0.0) -> tuple[Floats, Floats]:
    """Return a line on the map, broken by NaN where it leaves on one edge for the other.

    Parameters
    ----------
    ra, dec
        Points along the line [deg], a few degrees apart at most. NaN breaks it, too.
    centre
        Right ascension in the middle of the map [deg].

    Returns
    -------
    tuple
        x and y. Both pieces of a broken line reach the edge, where the line crosses it.
    """
    lon, lat = _from_centre(ra, centre), np.asarray(dec, float)
    with np.errstate(invalid="ignore"):
        turned = np.flatnonzero(np.abs(np.diff(lon)) > 180.0)
    side = np.sign(lon[turned])
    ahead = lon[turned + 1] + 360.0 * side
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(ahead == lon[turned], 0.0, (180.0 * side - lon[turned]))
        share = share / np.where(ahead == lon[turned], 1.0, ahead - lon[turned])
    crossing = lat[turned] + share * (lat[turned + 1] - lat[turned])
    gap = np.full(len(turned), np.nan)
    # Each crossing: the end of one piece, a break, the beginning of the next.
    where = np.repeat(turned + 1, 3)
    lon = np.insert(lon, where, np.stack([180.0 * side, gap, -180.0 * side], 1).ravel())
    lat = np.insert(lat, where, np.stack([crossing, gap, crossing], 1).ravel())
    return _place(lon, lat)


def _from_centre(ra: ArrayLike, centre: float) -> Floats:
    """Return degrees east of the middle, above -180 and up to 180."""
    with np.errstate(invalid="ignore"):
        return np.asarray(180.0 - (180.0 - (np.asarray(ra, float) - centre)) % 360.0)


def _place(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    angle = _auxiliary(lat)
    x = -HALF_WIDTH * lon / 180.0 * np.sin(angle / 2)
    return np.asarray(x), np.asarray(np.copysign(HALF_HEIGHT * np.cos(angle / 2), lat))


def _auxiliary(lat: Floats) -> Floats:
    """Return pi - 2 theta, of the parallel's auxiliary angle theta, for either hemisphere.

    It solves angle - sin(angle) = pi (1 - sin |lat|), whose right side is written without loss
    near the pole, where the textbook's iteration for theta itself comes to a halt.
    """
    right = 2 * np.pi * np.sin(np.radians(90.0 - np.abs(lat)) / 2) ** 2
    angle = np.cbrt(6 * right)
    for _ in range(_STEPS):
        slope = 1 - np.cos(angle)
        step = (angle - np.sin(angle) - right) / np.where(slope > 0, slope, 1.0)
        angle = np.clip(angle - step, 0.0, np.pi)
    return np.asarray(angle)
