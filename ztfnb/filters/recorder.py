"""What a traced filter calls at its conditions: it records them and gives back what they gave.

Each method takes the truth of a value once where the function itself would, and never where it
would not; an exception goes on to the author's line as if nothing stood between.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import CodeType, TracebackType
from typing import Any, NamedTuple

import numpy as np

from ztfnb.filters.condition import Step

Operator = Callable[[Any, Any], Any]
OPERATORS: dict[str, Operator] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "is": operator.is_,
    "is not": operator.is_not,
    "in": lambda left, right: left in right,
    "not in": lambda left, right: left not in right,
}

_IDENTITY = (operator.is_, operator.is_not)
_PLAIN = frozenset({bool, int, str, bytes, type(None), tuple, list, dict, set, frozenset})
_ARRAYS = frozenset({np.ndarray, np.ma.MaskedArray, type(np.ma.masked)})
"""Arrays that run no code of an author's."""
_make = tuple.__new__


class Spot(NamedTuple):
    """A stretch of source, in which an exception means that a condition was not judged."""

    start: tuple[int, int]
    end: tuple[int, int]
    place: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a recorder must know of a function: made once, read by all its runs."""

    operators: Sequence[Operator]
    """What a comparison compares with, by its place."""
    links: Mapping[int, Sequence[Operator]]
    """What a chain of comparisons compares with, by its place."""
    twins: Sequence[Callable[[Recorder, Any], Any]]
    """What stands in for each helper where it is called."""
    spots: Mapping[CodeType, Sequence[Spot]]
    """Conditions in each code object, the inner ones first."""


class Recorder:
    """The record of one run."""

    _kept: Any = None
    _chains: dict[int, list[Any]] | None = None
    _matches: dict[int, tuple[Any, int]] | None = None
    _told: list[TracebackType] | None = None
    _blamed: BaseException | None = None

    def __init__(self, plan: Plan) -> None:
        self.steps: list[Step] = []
        self._plan = plan
        self._operators = plan.operators

    def compare(self, place: int, left: Any, right: Any) -> bool:
        """Record a comparison whose truth counts, and return that."""
        try:
            self._kept = result = self._operators[place](left, right)
            held = True if result else False  # noqa: SIM210 - quicker than bool()
        except BaseException:
            self.steps.append(Step(place, None, (left, right), judged=False))
            raise
        # Without two calls: this is what most of the time of a traced run goes to.
        if type(left) is float:  # noqa: SIM108 - the longest branch shall not be a line
            judged = left == left  # noqa: PLR0124 - a NaN does not
        else:
            judged = type(left) in _PLAIN or not missing(left)
        if type(right) is float:
            judged = judged and right == right  # noqa: PLR0124
        elif type(right) not in _PLAIN:
            judged = judged and not missing(right)
        judged = judged or self._operators[place] in _IDENTITY
        self.steps.append(_make(Step, (place, held, (left, right), judged)))
        return held

    def compared(self, place: int, left: Any, right: Any) -> Any:
        """Record a comparison whose result is passed on, and return it."""
        try:
            result = self._operators[place](left, right)
        except BaseException:
            self.steps.append(Step(place, None, (left, right), judged=False))
            raise
        held = result if result is True or result is False else truth_of(result)
        judged = held is not None and not (missing(left) or missing(right))
        judged = judged or self._operators[place] in _IDENTITY
        self.steps.append(_make(Step, (place, held, (left, right), judged)))
        return result

    def test(self, place: int, value: Any) -> bool:
        """Record a value whose truth counts, and return that."""
        self._kept = value
        try:
            held = True if value else False  # noqa: SIM210 - quicker than bool()
        except BaseException:
            self.steps.append(Step(place, None, (value,), judged=False))
            raise
        self.steps.append(_make(Step, (place, held, (value,), not missing(value))))
        return held

    def value(self, place: int, value: Any) -> Any:
        """Record a value that is passed on, and return it."""
        held = truth_of(value)
        judged = held is not None and not missing(value)
        self.steps.append(_make(Step, (place, held, (value,), judged)))
        return value

    def keep(self, value: Any) -> bool:
        """Return the truth of a value, which `kept` gives back."""
        self._kept = value
        return bool(value)

    def kept(self) -> Any:
        """Return the value whose truth was taken last: ``and`` and ``or`` come to that."""
        return self._kept

    def first(self, place: int, left: Any, right: Any) -> bool:
        """Begin a chain of comparisons; return whether its next link is to be asked."""
        values = [left, right]
        if self._chains is None:
            self._chains = {}
        self._chains[place] = values
        return self._link(place, 0, values)

    def link(self, place: int, number: int, right: Any) -> bool:
        """Add a link; return whether the next one is to be asked."""
        values = self._chains[place]  # type: ignore[index]
        values.append(right)
        return self._link(place, number, values)

    def last(self, place: int, number: int, right: Any) -> bool:
        """End a chain whose truth counts, and return that."""
        values = self._chains.pop(place)  # type: ignore[union-attr]
        values.append(right)
        try:
            self._kept = result = self._plan.links[place][number](*values[-2:])
            held = bool(result)
        except BaseException:
            self.steps.append(Step(place, None, tuple(values), judged=False))
            raise
        self.steps.append(Step(place, held, tuple(values), not any(map(missing, values))))
        return held

    def lasting(self, place: int, number: int, right: Any) -> Any:
        """End a chain whose result is passed on, and return it."""
        values = self._chains.pop(place)  # type: ignore[union-attr]
        values.append(right)
        try:
            result = self._plan.links[place][number](*values[-2:])
        except BaseException:
            self.steps.append(Step(place, None, tuple(values), judged=False))
            raise
        held = truth_of(result)
        judged = held is not None and not any(map(missing, values))
        self.steps.append(Step(place, held, tuple(values), judged))
        return result

    def _link(self, place: int, number: int, values: list[Any]) -> bool:
        try:
            self._kept = result = self._plan.links[place][number](*values[-2:])
            held = bool(result)
        except BaseException:
            self.steps.append(Step(place, None, tuple(values), judged=False))
            raise
        if not held:
            self.steps.append(Step(place, False, tuple(values), not any(map(missing, values))))
        return held

    def left(self, place: int, value: Any = None) -> Any:
        """Record that a loop was left early, and return what it was left with."""
        self.steps.append(Step(place, True, (value,)))
        return value

    def done(self, place: int) -> None:
        """Record that a loop came to its end."""
        self.steps.append(Step(place, False))

    def subject(self, match: int, value: Any) -> Any:
        """Begin a match, whose first case stands at a place; return its subject."""
        if self._matches is None:
            self._matches = {}
        self._matches[match] = (value, match)
        return value

    def matched(self, match: int, place: int) -> bool:
        """Record that a case fits, and that the cases before it did not."""
        value, upto = self._matches[match]  # type: ignore[index]
        judged = not missing(value)
        self.steps.extend(Step(each, False, (value,), judged) for each in range(upto, place))
        self.steps.append(Step(place, True, (value,), judged))
        self._matches[match] = (value, place + 1)  # type: ignore[index]
        return True

    def unmatched(self, match: int, end: int) -> bool:
        """Record that no case before a place fitted."""
        value, upto = self._matches[match]  # type: ignore[index]
        judged = not missing(value)
        self.steps.extend(Step(each, False, (value,), judged) for each in range(upto, end))
        self._matches[match] = (value, end)  # type: ignore[index]
        return True

    def enter(self, number: int, callee: Any) -> Any:
        """Return what stands in for a helper; itself, where it is another one by now."""
        return self._plan.twins[number](self, callee)

    def caught(self) -> None:
        """Record the conditions that an exception on its way out of a block has cut short."""
        error = sys.exc_info()[1]
        if error is not None:
            self.cut_short(error)

    def handled(self, place: int) -> None:
        """Record that an exception that came from no condition is handled."""
        error = sys.exc_info()[1]
        if error is not self._blamed:
            self.steps.append(Step(place, True, (type(error).__name__,)))

    def cut_short(self, error: BaseException) -> None:
        """Record the conditions that an exception came from; take this module off its way."""
        if self._told is None:
            self._told = []
        ways = []
        way = error.__traceback__
        while way is not None:
            below = way.tb_next
            recorded = False
            while below is not None and below.tb_frame.f_globals is _HERE:
                recorded = True
                below = below.tb_next
            spots = self._plan.spots.get(way.tb_frame.f_code)
            if recorded and spots is not None:
                way.tb_next = below
            if spots is not None and not any(way is one for one in self._told):
                ways.append((way, spots, recorded))
            way = below
        for way, spots, recorded in reversed(ways):
            self._told.append(way)
            found = [spot.place for spot in spots if _within(way, spot)]
            if found:
                self._blamed = error
            for place in found[1:] if recorded else found:
                self.steps.append(Step(place, None, (), judged=False))

    def close(self) -> None:
        """Let go of all but the steps."""
        if self._told is not None:
            self._told = self._blamed = None


class ForcedRecorder(Recorder):
    """The record of a run in which some conditions come out as given."""

    def __init__(self, plan: Plan, forced: Mapping[int, bool]) -> None:
        super().__init__(plan)
        self._forced = forced

    def compare(self, place: int, left: Any, right: Any) -> bool:
        """Record a comparison as it is to come out."""
        if place not in self._forced:
            return super().compare(place, left, right)
        return self._come(place, (left, right))

    def compared(self, place: int, left: Any, right: Any) -> Any:
        """Record a comparison as it is to come out."""
        if place not in self._forced:
            return super().compared(place, left, right)
        return self._come(place, (left, right))

    def test(self, place: int, value: Any) -> bool:
        """Record a value as its truth is to come out."""
        if place not in self._forced:
            return super().test(place, value)
        return self._come(place, (value,))

    def value(self, place: int, value: Any) -> Any:
        """Record a value; return it if its truth is as it is to be, or that."""
        if place not in self._forced:
            return super().value(place, value)
        came = self._come(place, (value,))
        return value if truth_of(value) is came else came

    def last(self, place: int, number: int, right: Any) -> bool:
        """End a chain as it is to come out."""
        if place not in self._forced:
            return super().last(place, number, right)
        values = self._chains.pop(place)  # type: ignore[union-attr]
        return self._come(place, (*values, right))

    def lasting(self, place: int, number: int, right: Any) -> Any:
        """End a chain as it is to come out."""
        return (
            self.last(place, number, right)
            if place in self._forced
            else (super().lasting(place, number, right))
        )

    def _link(self, place: int, number: int, values: list[Any]) -> bool:
        if place not in self._forced:
            return super()._link(place, number, values)
        # Made to hold, it is asked to its end, as one that holds by itself.
        return True if self._forced[place] else self._come(place, tuple(values))

    def _come(self, place: int, values: tuple[Any, ...]) -> bool:
        self._kept = held = self._forced[place]
        self.steps.append(Step(place, held, values))
        return held


def truth_of(value: Any) -> bool | None:
    """Return what a returned value comes to, where that runs no code of its author; else None."""
    if value is True or value is False:
        return value
    kind = type(value)
    if kind is float or (kind in _PLAIN and kind is not dict) or _is_scalar(kind):
        return bool(value)
    if isinstance(value, Mapping):
        return True  # annotations pass, also empty ones
    if kind in _ARRAYS and not value.dtype.hasobject:
        return bool(value) if value.size == 1 else None
    return None if hasattr(kind, "__bool__") or hasattr(kind, "__len__") else True


def missing(value: Any) -> bool:
    """Return whether a value is a NaN, or an array with one in it."""
    kind = type(value)
    if kind is float:
        return value != value  # type: ignore[no-any-return]  # noqa: PLR0124
    if kind in _PLAIN:
        return False
    if kind in _ARRAYS or _is_scalar(kind):
        return value.dtype.kind in "fc" and bool(np.isnan(value).any())
    if issubclass(kind, np.ndarray):
        # Of another library, or of the author: it may refuse to be asked.
        values = np.ndarray.view(value, np.ndarray)
        return values.dtype.kind in "fc" and bool(np.isnan(values).any())
    if isinstance(value, float):
        return math.isnan(value)
    return isinstance(value, Decimal) and value.is_nan()


def _is_scalar(kind: type) -> bool:
    """Return whether a type is one of NumPy's own numbers."""
    return issubclass(kind, np.generic) and kind.__module__ == "numpy"


def _within(way: TracebackType, spot: Spot) -> bool:
    positions = list(way.tb_frame.f_code.co_positions())
    line, end_line, column, end_column = positions[way.tb_lasti // 2]
    if line is None or end_line is None or column is None or end_column is None:
        return False
    return spot.start <= (line, column) and (end_line, end_column) <= spot.end


_HERE = globals()
