"""The catalogued stars and galaxies around a place: what PS1, Gaia and the reference image hold.

The sources are the object itself where it is a star or a nucleus, its host where it is a
supernova, and a random field whose density follows the Galactic latitude. The stamps draw the
same ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ztfnb.simulate import draws
from ztfnb.simulate.geometry import latitude_from
from ztfnb.simulate.sources import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ztfnb.simulate.sources import Sources

COUNT = 10
"""Sources kept for each place."""
RADIUS = 30.0
"""Within which PS1 sources are listed [arcsec]."""
_FAINTEST = 22.6


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The nearest sources of each place, sorted by distance; arrays are (places, COUNT)."""

    key: NDArray[np.uint64]
    """One for each place."""
    east: NDArray[np.float64]
    """Offset from the true place of the object [arcsec]."""
    north: NDArray[np.float64]
    distance: NDArray[np.float64]
    g: NDArray[np.float64]
    r: NDArray[np.float64]
    i: NDArray[np.float64]
    z: NDArray[np.float64]
    score: NDArray[np.float64]
    """Star (1) or galaxy (0)."""
    radius: NDArray[np.float64]
    """Half-light radius of a galaxy [arcsec]; 0 for a star."""
    density: NDArray[np.float64]
    """Mean number of sources in a square arcsec, one for each place."""


def _background(key: NDArray[np.uint64], density: NDArray[np.float64]) -> dict[str, object]:
    """Draw a random field around each key: a Poisson process, nearest source first."""
    count = COUNT - 1
    each = draws.key_of(key[:, None], np.arange(count))
    gaps = -np.log(draws.uniform(each, 1))
    distance = np.sqrt(np.cumsum(gaps, axis=1) / (np.pi * density[:, None]))
    angle = 2.0 * np.pi * draws.uniform(each, 2)
    r = _FAINTEST + np.log10(draws.uniform(each, 3)) / 0.27
    r = np.maximum(r, 12.2)
    star = draws.uniform(each, 4) < np.clip(0.85 - 0.12 * (r - 16.0), 0.15, 0.95)
    g_minus_r = np.where(
        star,
        np.clip(0.75 + 0.35 * draws.normal(each, 5), 0.1, 1.6),
        np.clip(0.9 + 0.3 * draws.normal(each, 5), 0.1, 1.8),
    )
    sure = np.clip((21.3 - r) / 2.5, 0.0, 1.0)
    end = draws.uniform(each, 6) ** 6
    score = np.where(star, 1.0 - 0.4 * end, 0.35 * end + 0.002 * draws.uniform(each, 7))
    score = np.where(draws.uniform(each, 8) < sure + 0.35, score, 0.5)
    size = np.where(star, 0.0, np.clip(0.6 + 0.9 * (21.0 - r) * 0.3, 0.5, 4.0))
    return {
        "east": distance * np.cos(angle),
        "north": distance * np.sin(angle),
        "r": r,
        "g": r + g_minus_r,
        "i": r - 0.42 * g_minus_r,
        "z": r - 0.65 * g_minus_r,
        "score": score,
        "radius": size,
    }


def around(objects: Sources, key: NDArray[np.uint64]) -> Surroundings:
    """Return what stands around each object.

    Parameters
    ----------
    key
        One for each object: what the field is drawn from. For a fixed object its own; a moving
        one has other surroundings in each exposure.
    """
    density = (4.6 + 26.0 * np.exp(-_latitude(objects) / 9.0)) / (np.pi * RADIUS**2)
    field = {name: np.asarray(value) for name, value in _background(key, density).items()}
    own = _own(objects)
    columns = {name: np.concatenate([own[name][:, None], field[name]], axis=1) for name in field}
    distance = np.hypot(columns["east"], columns["north"])
    order = np.argsort(distance, axis=1, kind="stable")
    columns = {name: np.take_along_axis(column, order, 1) for name, column in columns.items()}
    return Surroundings(
        key=key,
        distance=np.take_along_axis(distance, order, 1),
        density=density,
        **columns,
    )


def _latitude(objects: Sources) -> NDArray[np.float64]:
    return np.abs(latitude_from(192.85948, 27.12825, objects.ra, objects.dec))


def _own(objects: Sources) -> dict[str, NDArray[np.float64]]:
    """Return the object itself, or its host; what has neither is put far away, very faint."""
    kind, key = objects.kind, objects.key
    supernova = kind <= Kind.SN_II
    nothing = kind >= Kind.ASTEROID
    nothing &= kind != Kind.DIPOLE
    faded = np.where(kind == Kind.DWARF_NOVA, objects.amplitude, 0.0)
    r = np.where(supernova, objects.host_mag, objects.mag + faded)
    g_minus_r = np.where(supernova, 0.65 + 0.15 * draws.normal(key, 701), objects.g_minus_r)
    r_minus_i = np.where(supernova, 0.3, objects.r_minus_i)
    nothing |= r > _FAINTEST + 0.2
    # How far PS1's position is from where the survey sees the object.
    spread = np.where(kind == Kind.DIPOLE, 0.45, 0.11)
    east = np.where(supernova, objects.host_east, spread * draws.normal(key, 702))
    north = np.where(supernova, objects.host_north, spread * draws.normal(key, 703))
    end = draws.uniform(key, 704)
    score = np.where(supernova, 0.15 * end**4, 1.0 - 0.03 * end**3)
    resolved = (kind == Kind.AGN) & (objects.redshift < 0.35)
    score = np.where(resolved, 0.05 + 0.5 * end, score)
    size = np.where(supernova, np.clip(3.2 - 0.45 * (r - 17.0), 0.8, 7.0), 0.0)
    size = np.where(resolved, np.clip(2.2 - 0.3 * (r - 17.0), 0.6, 4.0), size)
    return {
        "east": np.where(nothing, 900.0, east),
        "north": np.where(nothing, 900.0, north),
        "r": np.where(nothing, 99.0, r),
        "g": np.where(nothing, 99.0, r + g_minus_r),
        "i": np.where(nothing, 99.0, r - r_minus_i),
        "z": np.where(nothing, 99.0, r - 1.5 * r_minus_i),
        "score": score,
        "radius": size,
    }


def taken(around_: Surroundings, which: NDArray[np.int64]) -> Surroundings:
    """Return the surroundings of some places."""
    return Surroundings(**{name: getattr(around_, name)[which] for name in Surroundings.__slots__})
