"""Comparisons that come out alike for every alert, and those that a marker such as -999 fools."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Any

from ztfnb.filters.lint_values import (
    TEXTS,
    Const,
    Read,
    Rec,
    Setting,
    Value,
    is_distance,
    is_newer,
    is_number,
    is_text,
    marker,
    span,
)

ORDERED: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
COMPARED = ORDERED | {ast.Eq: operator.eq, ast.NotEq: operator.ne}
SWAPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
    ast.Eq: ast.Eq,
    ast.NotEq: ast.NotEq,
}
_BANDS = {"g": 1, "r": 2, "i": 3}


def number(value: Value) -> float | None:
    """Return the number that something stands for, of a threshold its default."""
    if isinstance(value, Const | Setting) and isinstance(value.value, int | float):
        if isinstance(value.value, bool):
            return None
        try:
            return float(value.value)
        except OverflowError:  # a whole number larger than all others
            return math.inf if value.value > 0 else -math.inf
    return None


def holds_for_marker(read: Read, kind: type[ast.cmpop], limit: float) -> bool | None:
    """Return what comparing the field's marker comes to; None if it has none."""
    stands = marker(read.field)
    return None if stands is None or kind not in COMPARED else COMPARED[kind](stands, limit)


def fooled(read: Read, kind: type[ast.cmpop], limit: float) -> bool:
    """Return whether a marker is judged as if it were a value, without anyone noticing.

    Comparing with nothing above 0 asks for the marker itself.
    """
    holds = holds_for_marker(read, kind, limit)
    if holds is None or kind not in ORDERED or limit <= 0:
        return False
    # Where nothing is near, a distance is large: a marker is on the wrong side of any limit.
    return holds or is_distance(read.field)


def decided(left: Value, op: ast.cmpop, right: Value) -> tuple[bool, str] | None:
    """Return what a comparison comes to for every alert, and why; None if it depends."""
    if isinstance(op, ast.In | ast.NotIn):
        return _within(left, right, positive=isinstance(op, ast.In))
    return _by_kind(left, op, right) or _by_value(left, type(op), right)


def _by_kind(left: Value, op: ast.cmpop, right: Value) -> tuple[bool, str] | None:
    """Return what asking whether two things are alike comes to, where they cannot be."""
    if isinstance(op, ast.Is | ast.IsNot | ast.Eq | ast.NotEq):
        positive = isinstance(op, ast.Is | ast.Eq)
        if isinstance(right, Const) and right.value is None and (reason := _never_none(left)):
            return not positive, reason
        for one in (left, right):
            if isinstance(one, Const) and isinstance(one.value, float) and math.isnan(one.value):
                return not positive, (
                    "nothing equals NaN, not even NaN itself; ask with math.isnan()"
                )
        if isinstance(left, Const | Read) and isinstance(right, Const | Read):
            odd = _odd_kinds(left, right) or _odd_kinds(right, left)
            if odd:
                return not positive, odd
    return None


def _by_value(left: Value, kind: type[ast.cmpop], right: Value) -> tuple[bool, str] | None:
    if kind not in COMPARED:
        return None
    if isinstance(left, Const) and isinstance(right, Const):
        try:
            return COMPARED[kind](left.value, right.value), "both sides are constants"
        except TypeError:
            return None
    if isinstance(right, Read) and not isinstance(left, Read):
        left, right, kind = right, left, SWAPPED[kind]
    if isinstance(left, Read) and isinstance(right, Const):
        limit = number(right)
        if limit is not None and is_number(left.field):
            return _by_range(left, kind, limit)
    return None


def mixed(left: Value, op: ast.cmpop, right: Value) -> str:
    """Return what is wrong with an ordered comparison of text and number; empty if nothing is."""
    if type(op) not in ORDERED:
        return ""
    return _odd_kinds(left, right) or _odd_kinds(right, left)


def always_true(read: Read) -> str:
    """Return why the field counts as true in every alert; empty if it need not."""
    one = read.field
    if read.by_get or one.record != "candidate" or one.nullable:
        return ""
    if one.name in TEXTS:
        known = " or ".join(map(repr, TEXTS[one.name][:2]))
        return (
            f"{one.name} is text, and any text counts as true, '0' and 'f' too; compare it: "
            f"in {TEXTS[one.name][:2]!r} where it is {known}"
        )
    limits = span(one)
    if limits and limits[0] > 0:
        return f"{one.name} is a number from {limits[0]:g} to {limits[1]:g}, never 0"
    return ""


def _never_none(value: Value) -> str:
    if isinstance(value, Rec):
        return "it is there in every alert" if value.record == "candidate" else ""
    if isinstance(value, Read) and not value.field.nullable and not value.by_get:
        if is_newer(value.field):
            return f"where an alert has {value.field.name}, it is not null"
        return f"{value.field.name} is never null"
    return ""


def _odd_kinds(left: Value, right: Value) -> str:
    """Return why a field and a constant cannot be alike."""
    if not isinstance(left, Read) or not isinstance(right, Const):
        return ""
    one, value = left.field, right.value
    if is_text(one) and isinstance(value, bool | int | float):
        known = TEXTS.get(one.name)
        instead = (
            f"compare with {' or '.join(map(repr, known))}" if known else f"write {str(value)!r}"
        )
        return f"{one.name} is text; {instead}"
    if is_number(one) and isinstance(value, str):
        if one.name == "fid" and value.lower() in _BANDS:
            return f"fid is a number; {value!r} is {_BANDS[value.lower()]}"
        return f"{one.name} is a number, and {value!r} is text"
    if is_text(one) and isinstance(value, str) and value not in TEXTS.get(one.name, (value,)):
        return f"{one.name} is one of {', '.join(map(repr, TEXTS[one.name]))}"
    return ""


def _within(left: Value, right: Value, *, positive: bool) -> tuple[bool, str] | None:
    if not isinstance(left, Read) or not isinstance(right, Const):
        return None
    if not isinstance(right.value, tuple | list | set | frozenset) or not right.value:
        return None
    reasons = [_impossible(left, item) for item in right.value]
    return (not positive, reasons[0]) if all(reasons) else None


def odd_item(left: Value, right: Value) -> str:
    """Return what is wrong with a list that holds a value which the field can never have."""
    if not isinstance(left, Read) or not isinstance(right, Const):
        return ""
    if not isinstance(right.value, tuple | list | set | frozenset):
        return ""
    return next(
        (f"{item!r} is never found: {reason}" for item in right.value
         if (reason := _odd_kinds(left, Const(item)))), "",
    )  # fmt: skip


def _impossible(left: Read, item: Any) -> str:
    reason = _odd_kinds(left, Const(item))
    limit = number(Const(item))
    if reason or limit is None:
        return reason
    outcome = _by_range(left, ast.Eq, limit)
    return outcome[1] if outcome and not outcome[0] else ""


def _by_range(read: Read, kind: type[ast.cmpop], limit: float) -> tuple[bool, str] | None:
    limits = span(read.field)
    if limits is None:
        return None
    low, high = limits
    holds = COMPARED[kind]
    ends = {holds(end, limit) for end in (low, high)}
    if kind in (ast.Eq, ast.NotEq) and low <= limit <= high:
        return None
    stands = marker(read.field)
    if stands is not None:
        ends.add(holds(stands, limit))
        also = f", or {stands:g}"
    else:
        also = ""
    if len(ends) > 1:
        return None
    return ends.pop(), f"{read.field.name} is a number from {low:g} to {high:g}{also}"
