"""By how much conditions held, or did not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ztfnb.filters.condition import Condition
from ztfnb.filters.threshold import Value
from ztfnb.filters.traces import Column

ORDERED = frozenset({"<", "<=", ">", ">=", "=="})
"""Comparisons that have a margin: the distance of what is compared."""


def margin_of(condition: Condition, values: tuple[Any, ...]) -> float:
    """Return the distance of what was compared; NaN where that means nothing."""
    if condition.operator not in ORDERED or len(values) != 2:
        return math.nan
    left, right = values
    if not all(isinstance(one, bool | int | float | np.number | np.bool_) for one in values):
        return math.nan
    try:
        return abs(float(left) - float(right))
    except (OverflowError, TypeError):
        return math.nan


def sides(
    condition: Condition, column: Column, params: Mapping[str, Value]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what was compared, with the thresholds as they are set now."""
    left, right = column.left, column.right
    if condition.compares:
        now = params[condition.compares]
        number = float(now) if isinstance(now, bool | int | float) else math.nan
        if condition.operands[1] == condition.compares:
            right = np.full(len(column), number)
        else:
            left = np.full(len(column), number)
    return left, right


def margins(
    condition: Condition, column: Column, params: Mapping[str, Value]
) -> NDArray[np.float64]:
    """Return the distance of what was compared for each alert; NaN where that means nothing."""
    if condition.operator not in ORDERED:
        return np.full(len(column), np.nan)
    left, right = sides(condition, column, params)
    return np.abs(left - right)


def spread(condition: Condition, column: Column, params: Mapping[str, Value]) -> float:
    """Return how far the values of a condition lie apart in a sample.

    The distance of the quartiles of the difference of both sides; of all values where half of
    them agree; the largest margin where all do; 1 where there is none. A margin divided by it
    can be compared with those of other conditions.
    """
    left, right = sides(condition, column, params)
    difference = left - right
    known = difference[np.isfinite(difference)]
    if not len(known):
        return 1.0
    low, high = np.quantile(known, (0.25, 0.75))
    for width in (high - low, np.ptp(known), np.abs(known).max()):
        if width > 0:
            return float(width)
    return 1.0
