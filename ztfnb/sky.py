"""Positions on the sphere: angular separation, cones, Galactic and ecliptic coordinates."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Where the plane of the Galaxy lies [deg], in FK5 at J2000: longitude and latitude of its pole,
# and the Galactic longitude of the celestial pole. Reid & Brunthaler 2004, ApJ 616, 872, appendix.
_POLE_RA = 192.8594812065348
_POLE_DEC = 27.12825118085622
_LON_OF_CELESTIAL_POLE = 122.9319185680026
# How FK5 at J2000 is turned against ICRS about x, y, z [mas]. Kaplan 2005, USNO Circular 179.
_FRAME_BIAS_MAS = (19.9, 9.1, -22.9)
_OBLIQUITY = 84381.406 / 3600
"""Of the ecliptic at J2000 [deg]. IAU 2006 Resolution B1 (Capitaine et al. 2003)."""


def separation(ra1: ArrayLike, dec1: ArrayLike, ra2: ArrayLike, dec2: ArrayLike) -> Floats:
    """Return the angle between positions [deg], exact at all distances from 0 to 180.

    Parameters
    ----------
    ra1, dec1, ra2, dec2
        Coordinates [deg] in one frame, of shapes that broadcast together. NaN gives NaN.

    Notes
    -----
    The form of the great-circle distance by Vincenty (1975), in which nothing cancels.
    """
    a, b = np.radians(np.asarray(dec1, float)), np.radians(np.asarray(dec2, float))
    turn = np.radians(np.asarray(ra2, float) - np.asarray(ra1, float))
    east = np.cos(b) * np.sin(turn)
    north = np.cos(a) * np.sin(b) - np.sin(a) * np.cos(b) * np.cos(turn)
    along = np.sin(a) * np.sin(b) + np.cos(a) * np.cos(b) * np.cos(turn)
    return np.asarray(np.degrees(np.arctan2(np.hypot(east, north), along)))


def in_cone(ra: ArrayLike, dec: ArrayLike, centre: tuple[float, float], radius: float) -> Mask:
    """Return which positions lie within ``radius`` [deg] of a centre, the edge included.

    Parameters
    ----------
    ra, dec
        Coordinates [deg], of one shape, which is that of the result. NaN lies in no cone.
    centre
        Right ascension and declination of the centre [deg].
    radius
        From 0; 180 or more holds the whole sky [deg].
    """
    ra, dec = np.broadcast_arrays(np.asarray(ra, float), np.asarray(dec, float))
    # Most of the sky falls away by declination alone, which costs no trigonometry.
    inside = np.asarray(np.abs(dec - centre[1]) <= radius + 1e-9)
    inside[inside] = separation(ra[inside], dec[inside], *centre) <= radius
    return inside


def galactic(ra: ArrayLike, dec: ArrayLike) -> tuple[Floats, Floats]:
    """Return Galactic longitude (0 to 360) and latitude [deg] of ICRS positions [deg].

    ICRS is turned to FK5 at J2000, and that to Galactic coordinates, as the IAU defined them for
    it (Reid & Brunthaler 2004, ApJ 616, 872).
    """
    return _turned(_icrs_to_galactic(), ra, dec)


def from_galactic(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Return right ascension (0 to 360) and declination [deg] of Galactic positions [deg].

    The inverse of `galactic`.
    """
    return _turned(_icrs_to_galactic().T, lon, lat)


def from_ecliptic(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Return right ascension (0 to 360) and declination [deg] of ecliptic positions [deg].

    Of the mean ecliptic and equinox of J2000, whose frame is taken for that of ICRS: they are
    0.02 arcsec apart.
    """
    return _turned(_turn(-_OBLIQUITY, 0), lon, lat)


def from_plane(x: ArrayLike, y: ArrayLike, centre: tuple[float, float]) -> tuple[Floats, Floats]:
    """Return right ascension (0 to 360) and declination [deg] of places on a tangent plane.

    Parameters
    ----------
    x, y
        Gnomonic coordinates towards East and North [radians at the centre].
    centre
        Right ascension and declination of the point of contact [deg].
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    lat = np.radians(centre[1])
    depth = np.cos(lat) - y * np.sin(lat)
    ra = centre[0] + np.degrees(np.arctan2(x, depth))
    dec = np.degrees(np.arctan2(np.sin(lat) + y * np.cos(lat), np.hypot(x, depth)))
    return np.asarray(ra % 360.0), np.asarray(dec)


def sexagesimal(value: float, decimals: int, separator: str = " ") -> str:
    """Return the size of an angle in hours or degrees, without its sign, as ``12 34 56.78``.

    Rounded as a whole, so that no part is 60.
    """
    scale = 10**decimals
    whole, fraction = divmod(round(abs(value) * 3600 * scale), scale)
    minutes, seconds = divmod(whole, 60)
    first, minutes = divmod(minutes, 60)
    return separator.join(
        (f"{first:02d}", f"{minutes:02d}", f"{seconds:02d}.{fraction:0{decimals}d}")
    )


def _turned(matrix: Floats, lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Return longitude (0 to 360) and latitude [deg] in a frame turned by a matrix."""
    lon, lat = np.radians(np.asarray(lon, float)), np.radians(np.asarray(lat, float))
    at = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    x, y, z = np.tensordot(matrix, at, axes=1)
    return (
        np.asarray(np.degrees(np.arctan2(y, x)) % 360.0),
        np.asarray(np.degrees(np.arctan2(z, np.hypot(x, y)))),
    )


@lru_cache(maxsize=1)
def _icrs_to_galactic() -> Floats:
    x, y, z = np.array(_FRAME_BIAS_MAS) / 3.6e6
    bias = _turn(x, 0) @ _turn(y, 1) @ _turn(z, 2)
    pole = _turn(180 - _LON_OF_CELESTIAL_POLE, 2) @ _turn(90 - _POLE_DEC, 1) @ _turn(_POLE_RA, 2)
    return pole @ bias


def _turn(angle: float, axis: int) -> Floats:
    """Return the matrix that turns the frame by ``angle`` [deg] about one axis."""
    sin, cos = np.sin(np.radians(angle)), np.cos(np.radians(angle))
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = cos
    matrix[first, second], matrix[second, first] = sin, -sin
    return matrix
