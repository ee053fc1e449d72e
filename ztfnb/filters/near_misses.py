"""Near misses: rejected alerts that a single condition stopped, the nearest first."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ztfnb.filters.condition import Condition
from ztfnb.filters.margin import margins, sides, spread
from ztfnb.filters.threshold import Value
from ztfnb.filters.traces import Column, Traces


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A rejected alert that would pass, had one condition come out otherwise."""

    candid: int
    condition: Condition
    values: tuple[float, ...]
    """Both sides of the comparison; none where they are no numbers."""
    margin: float
    """How far the value was off; NaN where the condition has no such measure."""
    relative: float
    """The same in units of the spread of the sample's values at this condition."""


def near_misses_of(
    traces: Traces, candid: NDArray[np.int64], params: Mapping[str, Value], count: int | None
) -> tuple[NearMiss, ...]:
    """Return near misses, those first that were off least, measured by the sample's spread.

    Of several conditions that alone would do, the nearest is taken. Conditions without a margin
    come last.
    """
    best: dict[int, NearMiss] = {}
    for condition, column, sole in zip(traces.conditions, traces.columns, traces.sole, strict=True):
        if not len(sole):
            continue
        places = _last_element(column, sole)
        distance = margins(condition, column, params)[places]
        scale = spread(condition, column, params)
        left, right = (side[places] for side in sides(condition, column, params))
        for row, off, one, other in zip(
            sole.tolist(), distance.tolist(), left.tolist(), right.tolist(), strict=True
        ):
            values = () if math.isnan(off) else (one, other)
            found = NearMiss(int(candid[row]), condition, values, off, off / scale)
            if row not in best or _rank(found) < _rank(best[row]):
                best[row] = found
    # Equal ones stay in the order of the sample.
    nearest = [best[row] for row in sorted(best)]
    return tuple(sorted(nearest, key=_rank)[:count])


def _rank(found: NearMiss) -> float:
    return math.inf if math.isnan(found.relative) else found.relative


def _last_element(column: Column, rows: NDArray[np.int32]) -> NDArray[np.intp]:
    """Return where in a column each alert stands; the last where it stands more than once."""
    return np.searchsorted(column.rows, rows, "right") - 1
