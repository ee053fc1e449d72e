"""What the camera sees at once: the survey's fields, and their outlines on the sky.

The grid of fields is close to the survey's own: it was read off the positions and fields of real
alerts. Rows are 7.2 deg apart. It is the primary grid, in which nearly all of the survey is
observed; the numbers of the secondary grid, shifted by half a field, begin at 1,001.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ztfnb.sky import from_plane

Floats = NDArray[np.float64]

WIDTH, HEIGHT = 7.308, 7.448
"""What the camera spans from East to West and from North to South [deg at its centre's scale].

Four by four detectors of 6144 x 6160 pixels of 1.0125 arcsec, 1.86 and 1.905 deg apart.
"""

# Declination [deg], first field number, number of fields of each row, and where the first lies
# [spacings from right ascension zero].
_ROWS = (
    (-31.45, 202, 43, 0.2),
    (-24.25, 245, 49, 0.15),
    (-17.05, 294, 51, 0.23),
    (-9.85, 345, 51, 0.73),
    (-2.65, 396, 51, 0.23),
    (4.55, 447, 52, 0.77),
    (11.75, 499, 51, 0.25),
    (18.95, 550, 50, 0.2),
    (26.15, 600, 48, 0.2),
    (33.35, 648, 46, 0.12),
    (40.55, 694, 42, 0.2),
    (47.75, 736, 37, 0.3),
    (54.95, 773, 33, 0.55),
    (62.15, 806, 28, 0.5),
    (69.35, 834, 21, 0.2),
    (76.55, 855, 15, 0.2),
)


class Fields(NamedTuple):
    """Fields of the primary grid, in order of their numbers."""

    number: NDArray[np.int64]
    ra: Floats
    """Of the centre [deg]; the last of a row may lie beyond 360."""
    dec: Floats
    """Of the centre [deg]."""
    spacing: Floats
    """Distance of neighbours in the row, in right ascension [deg]."""


@cache
def fields() -> Fields:
    """Return the fields of the primary grid."""
    number, ra, dec, spacing = [], [], [], []
    for row_dec, first, count, start in _ROWS:
        step = 360.0 / count
        for place in range(count):
            number.append(first + place)
            ra.append((place + start) * step)
            dec.append(row_dec)
            spacing.append(step)
    return Fields(np.array(number), np.array(ra), np.array(dec), np.array(spacing))


def outline(field: int, *, points: int = 12) -> tuple[Floats, Floats] | None:
    """Return the closed outline of a field as right ascension (0 to 360) and declination [deg].

    Parameters
    ----------
    field
        Number of the field.
    points
        On each of the four sides, which are great circles.

    Returns
    -------
    tuple or None
        Arrays of ``4 * points + 1`` elements, the last equal to the first; None where the grid
        has no such field.
    """
    known = fields()
    place = int(np.searchsorted(known.number, field))
    if place == len(known.number) or known.number[place] != field:
        return None
    along = np.linspace(-1.0, 1.0, points, endpoint=False)
    side = np.ones(points)
    # From the south-eastern corner to the west, north, east and back.
    x = np.concatenate([-along, -side, along, side, [1.0]])
    y = np.concatenate([-side, along, side, -along, [-1.0]])
    return from_plane(
        x * np.radians(WIDTH / 2),
        y * np.radians(HEIGHT / 2),
        (float(known.ra[place]), float(known.dec[place])),
    )
