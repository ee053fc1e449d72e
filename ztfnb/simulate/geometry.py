"""Fields on the sky and the camera's 64 readout channels.

The grid of fields (`ztfnb.footprint`) and the layout of the focal plane are close to the survey's
own: they were read off the positions, fields and readout channels of real alerts. The camera is
4 x 4 detectors of 2 x 2 quadrants (Dekany et al. 2020, PASP 132, 038001). North is towards small
y, East towards small x; quadrant 1 of a detector is its north-eastern one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ztfnb.footprint import fields
from ztfnb.simulate import draws
from ztfnb.sky import from_plane

if TYPE_CHECKING:
    from numpy.typing import NDArray

PIXEL = 1.0125
"""Pixel scale [arcsec]."""
WIDTH, HEIGHT = 3072, 3080
"""Size of a quadrant [pixels]."""
PITCH = (1.86 * 3600.0 / PIXEL, 1.905 * 3600.0 / PIXEL)
"""Distance of neighbouring detectors in x and in y [pixels]."""

ROW_HEIGHT = 7.2


@dataclass(frozen=True, slots=True)
class Grid:
    """Every field: number, centre, the piece of sky that is its own, and its turn at night.

    All arrays have one element for each field, in order of field number. The pieces of sky
    (``ra`` +- ``half_width``, ``dec`` +- 3.6 deg) tile the sky without overlap; what the camera
    sees overlaps a little.
    """

    field: NDArray[np.int64]
    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    half_width: NDArray[np.float64]
    rank: NDArray[np.int64]
    galactic_latitude: NDArray[np.float64]
    ecliptic_latitude: NDArray[np.float64]
    neighbours: tuple[NDArray[np.int64], ...]
    """Indices of the fields whose camera footprints may overlap, itself first."""

    def __len__(self) -> int:
        return len(self.field)


@cache
def grid() -> Grid:
    """Return the survey's fields."""
    known = fields()
    ra, dec = known.ra, known.dec
    distance = separation(ra[:, None], dec[:, None], ra, dec)
    order = np.argsort(ra, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return Grid(
        field=known.number,
        ra=ra,
        dec=dec,
        half_width=known.spacing / 2.0,
        rank=rank,
        galactic_latitude=latitude_from(192.85948, 27.12825, ra, dec),
        ecliptic_latitude=latitude_from(270.0, 66.56071, ra, dec),
        neighbours=tuple(
            row[distance_row[row] < 10.5]
            for distance_row, row in zip(distance, np.argsort(distance, axis=1), strict=True)
        ),
    )


def separation(
    ra1: NDArray[np.float64],
    dec1: NDArray[np.float64],
    ra2: NDArray[np.float64],
    dec2: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the angle between two directions [deg] (haversine formula)."""
    a, b = np.radians(dec1), np.radians(dec2)
    lon = np.radians(ra2 - ra1)
    square = np.sin((b - a) / 2.0) ** 2 + np.cos(a) * np.cos(b) * np.sin(lon / 2.0) ** 2
    angle: NDArray[np.float64] = np.degrees(2.0 * np.arcsin(np.minimum(1.0, np.sqrt(square))))
    return angle


def latitude_from(
    pole_ra: float, pole_dec: float, ra: NDArray[np.float64], dec: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the latitude [deg] in the system whose north pole is given [deg]."""
    return 90.0 - separation(np.array(pole_ra), np.array(pole_dec), ra, dec)


def to_plane(
    ra: NDArray[np.float64], dec: NDArray[np.float64], ra0: float, dec0: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Project onto the focal plane of a field (gnomonic).

    Returns
    -------
    tuple
        Pixels from the field's centre towards West and towards South: the camera's x and y.
    """
    lon, lat = np.radians(ra - ra0), np.radians(dec)
    lat0 = np.radians(dec0)
    depth = np.sin(lat0) * np.sin(lat) + np.cos(lat0) * np.cos(lat) * np.cos(lon)
    scale = np.degrees(1.0) * 3600.0 / PIXEL / np.where(depth > 0.1, depth, np.nan)
    east = np.cos(lat) * np.sin(lon)
    north = np.cos(lat0) * np.sin(lat) - np.sin(lat0) * np.cos(lat) * np.cos(lon)
    return -east * scale, -north * scale


def to_sky(
    west: NDArray[np.float64], south: NDArray[np.float64], ra0: float, dec0: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return right ascension and declination [deg] of a place on the focal plane [pixels]."""
    return from_plane(
        -np.radians(west * PIXEL / 3600.0), -np.radians(south * PIXEL / 3600.0), (ra0, dec0)
    )


def offset(
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    east: NDArray[np.float64],
    north: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the direction a few arcsec ``east`` and ``north`` of another [deg]."""
    new_dec = dec + north / 3600.0
    return (ra + east / 3600.0 / np.cos(np.radians(dec))) % 360.0, new_dec


def in_reach(west: NDArray[np.float64], south: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return where a place of the focal plane can come onto a detector by a pointing error."""
    return (np.abs(west) < 2.0 * PITCH[0] + 100.0) & (np.abs(south) < 2.0 * PITCH[1] + 100.0)


def channel(
    west: NDArray[np.float64], south: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Find the readout channel on which a place of the focal plane falls.

    Returns
    -------
    tuple
        Channel 0-63, or -1 between the detectors and outside; x and y in the quadrant [pixels].
    """
    column = np.floor(west / PITCH[0] + 2.0)
    row = np.floor(south / PITCH[1] + 2.0)
    x = west - (column - 1.5) * PITCH[0]
    y = south - (row - 1.5) * PITCH[1]
    with np.errstate(invalid="ignore"):
        inside = (
            (np.abs(x) < WIDTH)
            & (np.abs(y) < HEIGHT)
            & (column >= 0)
            & (column < 4)
            & (row >= 0)
            & (row < 4)
        )
        is_west, is_south = x >= 0.0, y >= 0.0
        # Quadrants run 1 north-east, 2 north-west, 3 south-west, 4 south-east; detectors run
        # from East to West, and their rows from South to North.
        quadrant = np.where(is_south, np.where(is_west, 2, 3), np.where(is_west, 1, 0))
        detector = (3 - row) * 4 + column
        found = np.where(inside, detector * 4 + quadrant, -1).astype(np.int64)
    return found, np.where(is_west, x, x + WIDTH), np.where(is_south, y, y + HEIGHT)


def no_data(index: NDArray[np.int64], rcid: NDArray[np.int64]) -> tuple[NDArray[np.float64], ...]:
    """Return how far in from each edge (left, right, top, bottom) a field's image is empty.

    The reference does not cover the whole quadrant: a strip on two sides, now and then a wide
    one [pixels].
    """
    key = draws.key_of(41, index, rcid)
    sides = []
    for side in range(4):
        width = draws.between(key, 4 * side, 8.0, 55.0)
        wide = draws.between(key, 4 * side + 1, 90.0, 230.0)
        chance = draws.uniform(key, 4 * side + 2)
        sides.append(np.where(chance < 0.12, wide, np.where(chance < 0.55, width, 0.0)))
    return tuple(sides)


def is_covered(
    index: NDArray[np.int64],
    rcid: NDArray[np.int64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Return where a place lies on a quadrant, with data, and not at its very edge."""
    left, right, top, bottom = no_data(index, rcid)
    return (
        (rcid >= 0)
        & (x > np.maximum(12.0, left + 3.0))
        & (x < WIDTH - np.maximum(12.0, right + 3.0))
        & (y > np.maximum(12.0, top + 3.0))
        & (y < HEIGHT - np.maximum(12.0, bottom + 3.0))
    )


def channel_origin(rcid: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return where (x, y) = (0, 0) of each readout channel lies on the focal plane [pixels]."""
    detector, quadrant = rcid // 4, rcid % 4
    column, row = detector % 4, 3 - detector // 4
    is_west = (quadrant == 1) | (quadrant == 2)
    is_south = quadrant >= 2
    west = (column - 1.5) * PITCH[0] - np.where(is_west, 0.0, WIDTH)
    south = (row - 1.5) * PITCH[1] - np.where(is_south, 0.0, HEIGHT)
    return west, south
