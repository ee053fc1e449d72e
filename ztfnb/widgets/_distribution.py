"""Distributions of the alerts held: how many have which score and magnitude."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ztfnb.alert import BANDS
from ztfnb.cuts import Cuts
from ztfnb.errors import NotHeldError
from ztfnb.snapshot import Snapshot
from ztfnb.widgets._columns import MISSING
from ztfnb.widgets._overview import passing_in_words
from ztfnb.widgets._sky_view import passing_of

Counts = NDArray[np.int64]
Mask = NDArray[np.bool_]

SCORES = {"rb": "rb, real-bogus score", "drb": "drb, deep-learning score"}
_SCORE_BINS = 50
MAGNITUDE = "magpsf"
_ALWAYS = (1, 2)
"""Bands that have a place even where no alert is in them: no public alert is in the third."""
_BIN = 0.25
"""Width of the bins of magnitudes [mag]."""
_BRIGHTEST, _FAINTEST = 5.0, 28.0
_USUAL = (14.0, 22.0)


class Axis(NamedTuple):
    """Bins of equal width between two values; the last one holds its upper end."""

    low: float
    high: float
    bins: int

    def holds(self, values: NDArray[np.float64]) -> Mask:
        """Return which values the axis reaches."""
        return (values >= self.low) & (values <= self.high)

    def counts(self, values: NDArray[np.float64]) -> Counts:
        """Return how many values lie in each bin; those outside lie in none."""
        inside = values[self.holds(values)]
        place = (inside - self.low) * (self.bins / (self.high - self.low))
        return np.bincount(np.minimum(place.astype(np.intp), self.bins - 1), minlength=self.bins)

    def median(self, counts: Counts) -> float:
        """Return the median of values in bins, as if they were even in each; some must be there."""
        below = np.concatenate([[0], np.cumsum(counts)])
        edges = np.linspace(self.low, self.high, self.bins + 1)
        return float(np.interp(below[-1] / 2, below, edges))


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One distribution: of all alerts held that have a value, and of those that pass the cuts."""

    name: str
    field: str
    label: str
    """Of the axis, with its unit."""
    fid: int
    """The band that it is of; 0 for all."""
    axis: Axis
    held: Counts
    passing: Counts
    outside: int
    """Values that the axis does not reach."""
    edges: tuple[float, ...]
    """Where the cuts on this field begin and end."""

    def text(self, *, cut: bool) -> str:
        """Return the distribution in words."""
        count = int(self.held.sum())
        told = f"{self.label}: {f'{count:,}' if count else 'no'} value{'' if count == 1 else 's'}"
        if count:
            told += f", median about {self.axis.median(self.held):.2f}"
        if cut and count:
            told += f"; {passing_in_words(int(self.passing.sum()))}"
            if self.passing.any():
                told += f", median about {self.axis.median(self.passing):.2f}"
        if self.outside:
            told += f"; {self.outside:,} beyond the axis"
        return told


@dataclass(frozen=True, slots=True)
class Distribution:
    """The distributions of what is held."""

    held: int = 0
    passing: int = 0
    error: str = ""
    """Why the cuts are not applied; empty where they are."""
    cut: bool = False
    """Whether there are cuts that are applied."""
    panels: tuple[Panel, ...] = field(default=())


def distribution_of(held: Snapshot, cuts: Cuts) -> Distribution:
    """Return the distributions of a snapshot's scores, and of its magnitudes in each band."""
    passing, error = passing_of(held, cuts)
    edges = {} if error else {name: tuple(span) for name, span in cuts.ranges.items()}
    panels = []
    for name, label in SCORES.items():
        values = _values(held, name)
        axis = Axis(0.0, 1.0, _SCORE_BINS)
        panels.append(_panel((name, name, label, 0), axis, values, passing, edges))
    values = _values(held, MAGNITUDE)
    axis = _magnitudes(values)
    bands = _values(held, "fid")
    for fid, band in BANDS.items():
        mine = bands == fid
        if fid in _ALWAYS or mine.any():
            what = (f"{MAGNITUDE} {band}", MAGNITUDE, f"{MAGNITUDE} in {band} [mag]", fid)
            panels.append(_panel(what, axis, values[mine], passing[mine], edges))
    return Distribution(
        len(held), int(passing.sum()), error, bool(cuts) and not error, tuple(panels)
    )


def values_of(held: Snapshot, candid: int) -> dict[str, float]:
    """Return score and magnitude of one alert by the name of their panel; {} if it is not held."""
    try:
        rows = held.rows_of([candid])
    except NotHeldError:
        return {}
    found = {name: float(_values(held, name, rows)[0]) for name in SCORES}
    band = BANDS.get(int(np.nan_to_num(_values(held, "fid", rows)[0])), "")
    found[f"{MAGNITUDE} {band}"] = float(_values(held, MAGNITUDE, rows)[0])
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _panel(
    what: tuple[str, str, str, int],
    axis: Axis,
    values: NDArray[np.float64],
    passing: Mask,
    edges: Mapping[str, tuple[float, ...]],
) -> Panel:
    there = axis.holds(values)
    outside = int(np.count_nonzero(~there & ~np.isnan(values)))
    kept = values[there]
    chosen = kept[passing[there]]
    held = axis.counts(kept)
    return Panel(
        *what,
        axis,
        held,
        held if len(chosen) == len(kept) else axis.counts(chosen),
        outside,
        tuple(edge for edge in edges.get(what[1], ()) if axis.low <= edge <= axis.high),
    )


def _values(held: Snapshot, name: str, rows: Any = None) -> NDArray[np.float64]:
    """Return a field as numbers; NaN where there is none, or the survey's mark for that."""
    count = len(held) if rows is None else len(rows)
    if name not in held.names:
        return np.full(count, np.nan)
    values = held.column(name, rows)
    if values.dtype.kind not in "iuf":
        return np.full(count, np.nan)
    return np.where(values == MISSING, np.nan, values.astype(np.float64))


def _magnitudes(values: NDArray[np.float64]) -> Axis:
    """Return an axis of whole magnitudes that holds all but absurd values."""
    sane = values[(values >= _BRIGHTEST) & (values <= _FAINTEST)]
    low, high = (float(sane.min()), float(sane.max())) if len(sane) else _USUAL
    low, high = math.floor(low), max(math.ceil(high), math.floor(low) + 1)
    return Axis(low, high, round((high - low) / _BIN))
