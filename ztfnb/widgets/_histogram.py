"""Histograms small enough for the header of a column, which can be brushed.

Edges are round numbers, and every bin holds what lies from its lower edge on and below its upper
one, compared as a cut compares: a brush from edge to edge keeps exactly the alerts counted in it,
and its text is short.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ztfnb.snapshot import Snapshot

Values = NDArray[Any]
Mask = NDArray[np.bool_]
Counts = NDArray[np.int64]

BINS = 24
MARKERS = (-999, -99999)
"""What the survey writes where it has no value."""
_TAIL = 0.5
"""Percentage of the values at either end that the outermost bins take in."""
_SAMPLE = 20_000
"""Values enough to place percentiles of any number of them in a picture 60 pixels wide."""
_DECADES = 2.5
"""Spread of positive values from which on bins are equally wide in the logarithm."""
_WIDTHS = (1.0, 2.0, 2.5, 5.0, 10.0)
_WHOLE_WIDTHS = (1.0, 2.0, 5.0, 10.0)
_IN_A_DECADE = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0))
_LARGEST, _SMALLEST = 1e300, 1e-12
_NONE: Counts = np.zeros(0, np.int64)
_MARGIN = 1e-3
"""Of a bin: more than rounding makes out."""
_CELL = 44
"""Bits of a double that stay open in a cell; those before it are ordered as positive numbers are.

An octave has 256 cells, so that no two edges lie in one."""
_PIECE = 1 << 16
"""Values worked on at a time: as many as a processor's cache holds."""


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Counts of one column."""

    edges: NDArray[np.float64]
    """One more than there are bins; at half-integers for whole numbers."""
    counts: Counts
    """Of all values. The outermost bins also hold what lies beyond their outer edges."""
    kept: Counts
    """Of those that fulfil the cuts."""
    whole: bool
    """Whether the values are whole numbers."""
    log: bool
    """Whether bins are about equally wide in the logarithm."""
    low: float | None
    """Where a brush from the first bin on begins; None where it is open there.

    Where some alerts have a marker (-999) for no value, an open range would keep them.
    """
    complete: bool
    """Whether no value lies beyond the outer edges."""
    missing: int
    """How many have no value."""

    def page(self) -> dict[str, Any]:
        """Return it as JSON for the page."""
        return {
            "edges": self.edges.tolist(),
            "counts": self.counts.tolist(),
            "kept": self.kept.tolist(),
            "whole": self.whole,
            "low": self.low,
            "complete": self.complete,
            "missing": self.missing,
        }


def histogram_of(
    held: Snapshot, name: str, kept: Mask | None = None, *, bins: int = BINS
) -> Histogram | None:
    """Return the histogram of a field of the alerts held; None if it is text or not there.

    Parameters
    ----------
    held
        The alerts.
    name
        The field.
    kept
        Which fulfil the cuts: a bool for each; all where None.
    bins
        About how many.
    """
    if name not in held.names or held.column(name, []).dtype.kind not in "fiu":
        return None
    return histogram(held.column(name), held.missing(name), kept, bins=bins)


def histogram(
    values: Values, missing: Mask | None = None, kept: Mask | None = None, *, bins: int = BINS
) -> Histogram:
    """Count numbers in about ``bins`` bins with round edges.

    Parameters
    ----------
    values
        Numbers of shape (rows,).
    missing
        Where there is no value. NaN and the survey's markers are none, either.
    kept
        Which values fulfil the cuts; all where None.
    bins
        About how many: between half and twice as many, fewer for few different whole numbers.
    """
    whole = values.dtype.kind in "iu"
    sample = values[:: len(values) // _SAMPLE + 1]
    present = _present(sample)
    if missing is not None:
        present &= ~missing[:: len(values) // _SAMPLE + 1]
    edges, log = _edges(sample[present & np.isfinite(sample)].astype(float), bins, whole=whole)
    if not len(edges):
        # Seen in a sample: the few values that it may have passed over need no picture.
        return Histogram(
            edges, _NONE, _NONE, whole, log=False, low=None, complete=True, missing=len(values)
        )
    size = len(edges) - 1
    # One more for what has no value; and all of these again for what fulfils the cuts.
    counts = np.zeros(2 * (size + 1), np.int64)
    cells = _cells(edges) if log else None
    least, most, marked = math.inf, -math.inf, False
    for start in range(0, len(values), _PIECE):
        rows = slice(start, start + _PIECE)
        piece = values[rows].astype(np.float64)
        present = _present(piece)
        if missing is not None:
            present &= ~missing[rows]
        everywhere = bool(present.all())
        if not everywhere:
            marked = marked or any((piece == marker).any() for marker in MARKERS)
            piece = np.where(present, piece, edges[0])
        least, most = min(least, float(piece.min())), max(most, float(piece.max()))
        places = _places(piece, edges, cells)
        if not everywhere:
            places = np.where(present, places, size)
        if kept is not None:
            places += kept[rows] * np.intp(size + 1)
        counts += np.bincount(places, minlength=len(counts))
    others, fulfil = counts.reshape(2, -1)
    every = others + fulfil
    return Histogram(
        edges,
        every[:size],
        (every if kept is None else fulfil)[:size],
        whole,
        log=log,
        low=_rounded_down(least, edges) if marked else None,
        complete=bool(edges[0] <= least and most < edges[-1]),
        missing=int(every[size]),
    )


def _present(values: Values) -> Mask:
    """Return where there is a value; NaN equals nothing, not even itself."""
    present: Mask = values == values  # noqa: PLR0124 - quicker than isnan, and takes integers
    for marker in MARKERS:
        present &= values != marker
    return present


def _places(values: Values, edges: Values, cells: _Cells | None) -> NDArray[np.intp]:
    """Return the bin of each number; the outermost ones have no outer edge."""
    # First the right bin or the one below, quickly; then the comparison that a cut makes.
    if cells is None:
        with np.errstate(over="ignore"):
            found = (values - edges[0]) * (1 / (edges[1] - edges[0])) - _MARGIN
        places = np.clip(found, 0, len(edges) - 2, out=found).astype(np.intp)
    else:
        keys = values.view(np.int64) >> _CELL
        places = cells.bins[np.clip(keys, cells.first, cells.last, out=keys) - cells.first]
    upper = np.append(edges[1:-1], np.nan)
    right: NDArray[np.intp] = places + (values >= upper[places])
    return right


class _Cells(NamedTuple):
    """The bins of positive numbers by their exponent and the first digits of their mantissa."""

    first: int
    last: int
    bins: NDArray[np.intp]
    """Of the smallest number of each cell."""


def _cells(edges: Values) -> _Cells:
    first, last = (edges[[0, -1]].view(np.int64) >> _CELL).tolist()
    smallest = (np.arange(first, last + 1) << _CELL).view(np.float64)
    return _Cells(first, last, np.searchsorted(edges[1:-1], smallest, "right"))


# -- Edges ---------------------------------------------------------------------------------


def _edges(sample: Values, bins: int, *, whole: bool) -> tuple[NDArray[np.float64], bool]:
    """Return round edges for a column of which these are some finite values; whether they are log.

    None where there is no value.
    """
    if not len(sample):
        return np.zeros(0), False
    low, high = float(sample.min()), float(sample.max())
    if not whole or high - low >= bins:
        low = float(np.percentile(sample, _TAIL, method="lower"))
        high = float(np.percentile(sample, 100 - _TAIL, method="higher"))
    low, high = (min(max(end, -_LARGEST), _LARGEST) for end in (low, high))
    if low > 0 and math.log10(high / low) >= _DECADES:
        return _log_edges(low, high, bins, whole=whole), True
    if whole:
        width = max(1.0, _round_width((high - low + 1) / bins, _WHOLE_WIDTHS))
        first = math.floor(low / width)
        count = math.floor(high / width) - first + 1
        return np.arange(first, first + count + 1, dtype=np.float64) * width - 0.5, False
    width = (high - low) / bins
    if width < _SMALLEST * max(abs(low), abs(high), _SMALLEST):
        width = abs(low) / 10 if abs(low) > _SMALLEST else 1.0
    width = _round_width(width, _WIDTHS)
    digits = 1 - math.floor(math.log10(width))
    first = math.floor(low / width)
    count = math.floor(high / width) - first + 1
    return np.array([round((first + k) * width, digits) for k in range(count + 1)]), False


def _round_width(width: float, allowed: tuple[float, ...]) -> float:
    power = math.floor(math.log10(width))
    return min(
        (float(f"{number}e{power}") for number in allowed),
        key=lambda found: abs(math.log(found / width)),
    )


def _log_edges(low: float, high: float, bins: int, *, whole: bool) -> NDArray[np.float64]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    most = 1.4 * bins
    fitting = [steps for steps in _IN_A_DECADE if (last - first) * len(steps) <= most]
    steps = fitting[-1] if fitting else _IN_A_DECADE[0]
    stride = math.ceil((last - first) / most)
    found = np.array(
        [float(f"{n}e{power}") for power in range(first, last + stride + 1, stride) for n in steps]
    )
    if whole:
        found = found[found == np.rint(found)] - 0.5
    below = np.flatnonzero(found <= low)[-1]
    above = np.flatnonzero(found > high)[0]
    return found[below : above + 1]


def _rounded_down(least: float, edges: NDArray[np.float64]) -> float:
    """Return a short number from which on all values lie."""
    first, width = float(edges[0]), float(edges[1] - edges[0])
    if least >= first or least == -math.inf:
        return first
    below = first - width * math.ceil((first - least) / width)
    return round(below, 2 - math.floor(math.log10(width)))
