"""Ranges of one field as conditions: ``18.2 <= magpsf < 19`` and back."""

from __future__ import annotations

import ast
import math
from typing import NamedTuple

from ztfnb.errors import SelectionError

_BELOW = (ast.Lt, ast.LtE)
_ABOVE = (ast.Gt, ast.GtE)


class Range(NamedTuple):
    """From where to where the values of a field may lie; infinite where it is open."""

    low: float
    high: float


def range_in(tree: ast.expr) -> tuple[str, Range] | None:
    """Return the field and its range where a condition compares one field with numbers alone."""
    if not isinstance(tree, ast.Compare):
        return None
    parts = [tree.left, *tree.comparators]
    named = [part.id for part in parts if isinstance(part, ast.Name)]
    numbers = [_number(part) for part in parts if not isinstance(part, ast.Name)]
    if len(named) != 1 or len(numbers) != len(tree.ops) or None in numbers:
        return None
    place = next(place for place, part in enumerate(parts) if isinstance(part, ast.Name))
    if len(parts) == 3 and place != 1:
        return None
    low, high = -math.inf, math.inf
    for at, operator in enumerate(tree.ops):
        number = numbers[at] or 0.0
        is_above = isinstance(operator, _ABOVE) if at >= place else isinstance(operator, _BELOW)
        is_below = isinstance(operator, _BELOW) if at >= place else isinstance(operator, _ABOVE)
        same = isinstance(operator, ast.Eq)
        if not (is_above or is_below or same):
            return None
        low = max(low, number) if is_above or same else low
        high = min(high, number) if is_below or same else high
    return named[0], Range(low, high)


def _number(node: ast.expr) -> float | None:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return None
    return float(value) if isinstance(value, int | float) else None


def range_text(name: str, low: float | None, high: float | None, *, whole: bool) -> str:
    """Return the condition that a field lies in a range; empty where both ends are open (None).

    Raises
    ------
    SelectionError
        If nothing can lie in it.
    """
    low = None if low is None or low == -math.inf else low
    high = None if high is None or high == math.inf else high
    if low is None and high is None:
        return ""
    if not all(math.isfinite(end) for end in (low, high) if end is not None):
        raise SelectionError(f"expected numbers as a range of {name}, got {low} and {high}")
    if whole:
        low = None if low is None else math.ceil(low)
        high = None if high is None else math.floor(high)
    empty = low is not None and high is not None and (low > high if whole else low >= high)
    if empty:
        raise SelectionError(f"nothing lies in a range of {name} from {low} to {high}")
    if whole and low == high:
        return f"{name} == {low}"
    below = "<=" if whole else "<"
    if low is None:
        return f"{name} {below} {_written(high)}"
    if high is None:
        return f"{name} >= {_written(low)}"
    return f"{_written(low)} <= {name} {below} {_written(high)}"


def _written(number: float | None) -> str:
    """Return the shortest text that reads as the same number."""
    text = repr(float(number or 0) + 0.0)
    return text.removesuffix(".0")
