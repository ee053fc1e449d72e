"""What a map of the sky shows of the alerts held: points, or counts where they are many."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ztfnb.cuts import Cuts
from ztfnb.errors import NotHeldError, SelectionError
from ztfnb.projection import HALF_HEIGHT, HALF_WIDTH, mollweide, sky_at
from ztfnb.sky import separation
from ztfnb.snapshot import Snapshot

Floats = NDArray[np.float64]
Candids = NDArray[np.int64]
Rows = NDArray[np.intp]
Shows = Literal["auto", "points", "counts"]
Direction = Literal["left", "right", "up", "down"]

FEW = 2_000
"""Alerts that are drawn as points; of more, the newest."""
NSIDE = 32
"""Of the HEALPix cells that alerts are counted in, 3.4 square degrees each."""
CELLS = 12 * NSIDE**2
MAP_WIDTH, MAP_HEIGHT = 960, 480
"""Pixels of the map of counts."""
_MOST_FIELDS = 10_000
_WAYS: dict[Direction, tuple[float, float]] = {
    "left": (-1.0, 0.0), "right": (1.0, 0.0), "up": (0.0, 1.0), "down": (0.0, -1.0)
}  # fmt: skip


class Totals(NamedTuple):
    """How many alerts there are."""

    held: int = 0
    placed: int = 0
    """Of those held: the ones that have a position."""
    passing: int = 0
    """Of those placed: the ones that pass the cuts."""
    fields: int = 0
    """How many fields all of them lie in."""


@dataclass(frozen=True, slots=True, eq=False)
class SkyView:
    """What the map shows."""

    totals: Totals
    error: str
    """Why the cuts are not applied; empty where they are."""
    counted: bool
    """Whether alerts are counted in cells, and not drawn as points."""
    candid: Candids
    """Alerts to select: one for each point, or the newest of each cell that has any."""
    ra: Floats
    dec: Floats
    """Where they lie, or the centres of their cells [deg]."""
    others: tuple[Floats, Floats]
    """Right ascension and declination of points that do not pass the cuts [deg]."""
    counts: NDArray[np.int32]
    """Alerts in each cell that pass the cuts, where they are counted; -1 in a cell of which none
    passes, where those that do not are too many for points."""

    def at(self, ra: float, dec: float, reach: float) -> int | None:
        """Return the alert that a tap on the map is meant for: its candid.

        Of points it is the nearest within ``reach`` [deg], of counts the newest in the cell.
        """
        if not len(self.candid):
            return None
        if self.counted:
            mine = np.flatnonzero(cells_at(self.ra, self.dec) == cells_at(ra, dec))
            return int(self.candid[mine[0]]) if len(mine) else None
        distance = separation(self.ra, self.dec, ra, dec)
        nearest = int(np.argmin(distance))
        return int(self.candid[nearest]) if distance[nearest] <= reach else None

    def beside(self, ra: float, dec: float, way: Direction, centre: float) -> int | None:
        """Return the nearest alert, on the map, in a direction from a position: its candid."""
        x, y = mollweide(self.ra, self.dec, centre)
        x0, y0 = mollweide(ra, dec, centre)
        right, up = _WAYS[way]
        along = (x - x0) * right + (y - y0) * up
        aside = np.abs((x - x0) * up - (y - y0) * right)
        cell = cells_at(ra, dec) if self.counted else -2
        there = np.flatnonzero((along > 1e-9) & (aside <= along))
        there = there[cells_at(self.ra[there], self.dec[there]) != cell]
        if not len(there):
            return None
        return int(self.candid[there[np.argmin(np.hypot(along[there], aside[there]))]])


class Cells:
    """The cell of each alert held, found once for each alert while it stays."""

    def __init__(self) -> None:
        self._cells = np.zeros(0, np.int16)
        self._newest = 0

    def of(self, held: Snapshot) -> NDArray[np.int16]:
        """Return the number of the cell of each row; -1 where an alert has no position."""
        if not len(held):
            return np.zeros(0, np.int16)
        kept = self._cells[:0]
        if len(self._cells):
            try:
                last = int(held.rows_of([self._newest])[0])
            except NotHeldError:
                pass  # all of them have left
            else:
                kept = self._cells[len(self._cells) - 1 - last :]
        new = np.arange(len(kept), len(held))
        self._cells = np.concatenate([kept, cells_at(*positions(held, new))])
        self._newest = int(held.column("candid", [len(held) - 1])[0])
        return self._cells


def healpix() -> Any:
    """Return what numbers the cells, imported when it is first needed: that takes a while."""
    try:
        from astropy import units  # noqa: PLC0415 - of `lab`
        from astropy_healpix import HEALPix  # noqa: PLC0415 - of `lab`
    except ImportError as error:
        raise ImportError(
            f"the sky map needs {error.name}, of the extra lab: pip install 'ztfnb[lab]'"
        ) from error
    return HEALPix(NSIDE, order="nested"), units.deg


def cells_at(ra: Floats | float, dec: Floats | float) -> NDArray[np.int16]:
    """Return the HEALPix cell (nested) of positions [deg]; -1 where there is none."""
    grid, deg = healpix()
    ra, dec = np.asarray(ra, float), np.asarray(dec, float)
    there = np.isfinite(ra) & (np.abs(dec) <= 90.0)
    cells = np.full(there.shape, -1, np.int16)
    cells[there] = grid.lonlat_to_healpix(ra[there] * deg, dec[there] * deg)
    return cells


def cells_of_map(turns: int) -> NDArray[np.int16]:
    """Return the cell of each pixel of the map, of shape (height, width) from its south up.

    Parameters
    ----------
    turns
        Right ascension in the middle of the map, in quarters of the circle.
    """
    cells = _cells_of_first_map()
    # A quarter turn takes each of the twelve faces to the next of the four in its row.
    face, rest = cells // NSIDE**2, cells % NSIDE**2
    turned = face // 4 * 4 + (face + turns) % 4
    return np.where(cells < 0, cells, turned * NSIDE**2 + rest).astype(np.int16)


@lru_cache(maxsize=1)
def _cells_of_first_map() -> NDArray[np.int16]:
    x = (np.arange(MAP_WIDTH) + 0.5) / MAP_WIDTH * 2 - 1
    y = (np.arange(MAP_HEIGHT) + 0.5) / MAP_HEIGHT * 2 - 1
    return cells_at(*sky_at(x * HALF_WIDTH, y[:, None] * HALF_HEIGHT))


@lru_cache(maxsize=1)
def centres() -> tuple[Floats, Floats]:
    """Return right ascension and declination of the centre of every cell [deg]."""
    grid, deg = healpix()
    ra, dec = grid.healpix_to_lonlat(np.arange(CELLS))
    return ra.to_value(deg), dec.to_value(deg)


def positions(held: Snapshot, rows: Rows) -> tuple[Floats, Floats]:
    """Return right ascension and declination of rows [deg]; NaN where there is none."""
    if not {"ra", "dec"} <= set(held.names):
        return np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    ra, dec = (np.asarray(held.column(name, rows), float) for name in ("ra", "dec"))
    return ra, dec


def passing_of(held: Snapshot, cuts: Cuts) -> tuple[NDArray[np.bool_], str]:
    """Return which rows pass cuts, and why the cuts cannot be applied: then all of them do."""
    passing = np.ones(len(held), np.bool_)
    if cuts.selection is not None and len(held):
        try:
            rows = held.select(cuts.selection)
        except SelectionError as error:
            return passing, str(error)
        passing[:] = False
        passing[rows] = True
    return passing, ""


def view_of(held: Snapshot, cells: NDArray[np.int16], cuts: Cuts, shows: Shows) -> SkyView:
    """Return what a map shows of a snapshot.

    Parameters
    ----------
    held
        The alerts.
    cells
        The cell of each.
    cuts
        Alerts that do not pass them are faint points, or not counted.
    shows
        ``"auto"``: points where at most `FEW` pass the cuts, and counts of more.
    """
    chosen, error = passing_of(held, cuts)
    placed = cells >= 0
    passing = chosen & placed
    count = int(passing.sum())
    totals = Totals(len(held), int(placed.sum()), count, _fields(held))
    counted = shows == "counts" or (shows == "auto" and count > FEW)
    others = np.flatnonzero(placed & ~chosen)
    counts = np.zeros(CELLS, np.int32)
    if counted:
        counts += np.bincount(cells[passing], minlength=CELLS).astype(np.int32)
        newest = np.zeros(CELLS, np.int64)
        # Of several values for one place NumPy keeps the last: rows are in order of arrival.
        newest[cells[passing]] = held.candid[passing]
        filled = np.flatnonzero(counts)
        candid = newest[filled]
        ra, dec = (axis[filled] for axis in centres())
    else:
        rows = np.flatnonzero(passing)[-FEW:]
        candid = held.column("candid", rows) if len(rows) else np.zeros(0, np.int64)
        ra, dec = positions(held, rows)
    if counted or len(others) > FEW:
        of_others = cells[others]
        counts[of_others[counts[of_others] == 0]] = -1
        others = others[:0]
    return SkyView(totals, error, counted, candid, ra, dec, positions(held, others), counts)


def _fields(held: Snapshot) -> int:
    if "field" not in held.names:
        return 0
    field = held.column("field")
    if field.dtype.kind not in "iu":
        return 0
    known = field[(field > 0) & (field < _MOST_FIELDS)]
    return int(np.count_nonzero(np.bincount(known)))
