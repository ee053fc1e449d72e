"""What the catalogues say about the place of a detection: PS1 and Gaia."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ztfnb.simulate import draws
from ztfnb.simulate.geometry import offset
from ztfnb.simulate.surroundings import RADIUS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ztfnb.simulate.sources import Sources
    from ztfnb.simulate.surroundings import Surroundings

    Columns = dict[str, list[Any]]

MISSING = -999.0
"""What the survey writes where a catalogue has nothing."""


def single(values: NDArray[np.float64], decimals: int | None = None) -> list[Any]:
    """Return single-precision values as Python floats, as a packet gives them back."""
    if decimals is not None:
        values = np.round(values, decimals)
    listed: list[Any] = values.astype(np.float32).tolist()
    return listed


def catalogue_columns(
    objects: Sources,
    around: Surroundings,
    who: NDArray[np.int64],
    place: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> Columns:
    """Return the three nearest PS1 sources and the nearest Gaia stars.

    Parameters
    ----------
    who
        Row of the object of each detection; ``around`` has one place for each detection.
    place
        How far East and North of the object the detection was found [arcsec]: distances are from
        there.
    """
    east, north = place
    away = np.hypot(around.east - east[:, None], around.north - north[:, None])
    away = np.where(around.r < 40.0, away, np.inf)
    order = np.argsort(away, axis=1, kind="stable")
    each = draws.key_of(around.key[:, None], np.arange(away.shape[1]))
    ra, dec = offset(objects.ra[who][:, None], objects.dec[who][:, None], around.east, around.north)
    scaled = (dec + 90.0) * 120.0
    zone = np.floor(scaled)
    name = (
        zone.astype(np.int64) * 10**13
        + np.floor(ra * 1e6).astype(np.int64) * 10**4
        + np.floor((scaled - zone) * 1e4).astype(np.int64)
    )
    columns: Columns = {}
    row = np.arange(len(who))
    for rank in range(3):
        pick = (row, order[:, rank])
        there = away[pick] < RADIUS
        label = rank + 1

        def given(
            values: NDArray[np.float64],
            decimals: int | None = 4,
            there: NDArray[np.bool_] = there,
        ) -> list[Any]:
            return single(np.where(there, values, MISSING), decimals)

        columns[f"objectidps{label}"] = [
            value if ok else int(MISSING)
            for value, ok in zip(name[pick].tolist(), there.tolist(), strict=True)
        ]
        bands = (("g", 22.4, around.g), ("r", 22.2, around.r), ("i", 22.1, around.i))
        for salt, (band, depth, values) in enumerate((*bands, ("z", 21.7, around.z)), start=10):
            magnitude = values[pick]
            lost = magnitude > depth + 0.5 * draws.normal(each[pick], salt)
            columns[f"s{band}mag{label}"] = given(np.where(lost, MISSING, magnitude))
        columns[f"sgscore{label}"] = given(around.score[pick], 6)
        columns[f"distpsnr{label}"] = given(away[pick], None)
    inside = np.sum(away < RADIUS, axis=1)
    crowd = around.density * np.pi * RADIUS**2
    extra = np.where(
        inside >= away.shape[1] - 1,
        np.maximum(0.0, crowd + np.sqrt(crowd) * draws.normal(around.key, 20) - inside),
        0.0,
    )
    columns["nmtchps"] = (inside + np.round(extra)).astype(np.int64).tolist()
    return columns | _gaia(around, away)


def _gaia(around: Surroundings, away: NDArray[np.float64]) -> Columns:
    """Return the nearest Gaia source, and the nearest brighter than 14 mag, within 90 arcsec."""
    blue = around.r + 0.12 * (around.g - around.r)
    place = np.arange(len(away))
    found = {}
    for salt, depth, share in ((30, 20.7, 0.25), (32, 14.0, 0.006)):
        listed = np.where(blue < depth, away, np.inf)
        nearest = np.argmin(listed, axis=1)
        close = listed[place, nearest]
        # Past the sources kept for each place: a random one.
        radius = np.sqrt(
            -np.log(draws.uniform(around.key, salt)) / (np.pi * around.density * share)
        )
        last = np.max(np.where(np.isfinite(away), away, 0.0), axis=1)
        beyond = np.hypot(radius, last)
        distance = np.where(np.isfinite(close), close, beyond)
        random = depth + np.log10(draws.uniform(around.key, salt + 1)) / 0.45
        magnitude = np.where(np.isfinite(close), blue[place, nearest], np.maximum(random, 9.0))
        there = distance < 90.0
        found[salt] = (np.where(there, distance, MISSING), np.where(there, magnitude, MISSING))
    (near, mag), (bright_near, bright_mag) = found[30], found[32]
    # A bright one that is nearer than any other is the nearest.
    swap = (bright_near > 0.0) & ((near < 0.0) | (bright_near < near))
    near, mag = np.where(swap, bright_near, near), np.where(swap, bright_mag, mag)
    return {
        "neargaia": single(near),
        "neargaiabright": single(bright_near),
        "maggaia": single(mag),
        "maggaiabright": single(bright_mag),
    }
