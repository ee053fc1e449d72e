"""What the conditions of a filter came to on a whole sample, in columns.

A filter is run a second time, as its traced twin, and each condition that it reaches is noted with
what was compared. Of the rejected alerts it is then asked which single condition would have had to
come out otherwise for the alert to pass: the filter is run once more with that outcome turned
round, so that what comes after it is judged on the alert's own values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ztfnb.filters.condition import Condition, Run, Step
from ztfnb.filters.decision import Verdict, annotations_of, passes

Rows = NDArray[np.int32]

_FAILED, _REJECTED, _PASSED = map(int, (Verdict.FAILED, Verdict.REJECTED, Verdict.PASSED))
_UNKNOWN = -1
_PIECE = 8_192
"""Alerts whose steps are kept as they came before they are packed into columns."""
_EXACT = frozenset({bool, int, float, np.float64})
"""Types of values that a column of float64 compares as Python does."""
LARGEST_EXACT = 2**53 - 1
"""Whole numbers up to here are no float's but their own."""
_NOTHING = Run()
_AS_IT_IS: dict[int, bool] = {}


class Twin(Protocol):
    """A traced filter with its thresholds and resources bound."""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions in its source."""

    def __call__(self, alert: Any, forced: Mapping[int, bool]) -> Run:
        """Run it on one alert, some conditions coming out as told."""


Visit = Callable[[Sequence[int], Callable[[int, Any], None]], None]
"""Calls a function with the place of each alert wanted, and the alert.

An alert that has ``asked`` for what it lacks is brought again, with all that belongs to it.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One condition on all alerts that reached it, one element for each."""

    rows: Rows
    """Places of the alerts in the sample, ascending."""
    held: NDArray[np.int8]
    """1 where it came out true, 0 false, -1 neither, as an exception was raised."""
    judged: NDArray[np.bool_]
    """False where a value was missing: an exception, or a NaN."""
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    """What was compared; NaN where it is no number."""
    exact: NDArray[np.bool_]
    """Whether these compare as the values themselves do."""

    def __len__(self) -> int:
        return len(self.rows)

    def taken(self, wanted: NDArray[np.bool_]) -> Column:
        """Return some of its elements."""
        return Column(*(getattr(self, name)[wanted] for name in self.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class Traces:
    """What a filter did on a sample."""

    conditions: tuple[Condition, ...]
    columns: tuple[Column, ...]
    """Of each condition in the runs that decided."""
    others: tuple[Column, ...]
    """The same of the runs in which one condition was turned round: of those that compare with a
    threshold."""
    last: NDArray[np.int32]
    """Of each alert, the condition that was judged last; -1 where there was none."""
    sole: tuple[Rows, ...]
    """Of each condition, the rejected alerts that only it stopped."""
    unsteady: Rows
    """Alerts on which the filter decided otherwise when it was run again."""
    lost: Rows
    """Alerts that could not be brought whole: what else might become of them is not known."""


def trace(
    twin: Twin,
    verdict: NDArray[np.int8],
    visit: Visit,
    places: Sequence[int] | None = None,
) -> Traces:
    """Run a traced filter on alerts of a sample.

    Parameters
    ----------
    twin
        The filter.
    verdict
        What became of each alert of the sample.
    visit
        Brings the alerts.
    places
        Those to run on; all where None.
    """
    wanted = range(len(verdict)) if places is None else places
    tracing = _Tracing(twin, verdict, wanted)
    visit(wanted, tracing.work)
    return tracing.traces()


class _Tracing:
    """Runs a traced filter on one alert after the other, and collects what it did."""

    def __init__(self, twin: Twin, verdict: NDArray[np.int8], wanted: Iterable[int]) -> None:
        conditions = twin.conditions
        self._twin = twin
        self._verdict = verdict.tolist()
        self._main = _Recorder(range(len(conditions)))
        # Of a run that did not happen only what was compared with thresholds is of use: see
        # `replay`.
        self._other = _Recorder([one.place for one in conditions if one.compares])
        self._last = np.full(len(verdict), _UNKNOWN, np.int32)
        self._sole: list[list[int]] = [[] for _ in conditions]
        self._unsteady: list[int] = []
        self._lost = dict.fromkeys(wanted, _NOTHING)
        # What came out as wanted already does not stop anything.
        self._harmless = [(one.wanted,) if one.forcible else (True, False) for one in conditions]

    def work(self, row: int, alert: Any) -> None:
        """Run it on one alert."""
        run = self._twin(alert, _AS_IT_IS)
        if getattr(alert, "asked", False):
            return  # it lacked what the filter reads: it is brought again, whole
        # What decided stands, though what else might become of it may not be at hand.
        self._lost[row] = run
        found = verdict_of(run)
        turned = self._turned(run, alert) if found == _REJECTED else {}
        if getattr(alert, "asked", False):
            return
        del self._lost[row]
        self._note(row, run, found)
        for place, other in turned.items():
            self._other.add(row, other.steps, place)
            if verdict_of(other) == _PASSED:
                self._sole[place].append(row)

    def _turned(self, run: Run, alert: Any) -> dict[int, Run]:
        """Run it with each condition that may have stopped an alert coming out otherwise."""
        return {
            place: self._twin(alert, {place: not held})
            for place, held, *_ in run.steps
            if held is not None and held not in self._harmless[place]
        }

    def _note(self, row: int, run: Run, found: int) -> None:
        self._main.add(row, run.steps)
        if run.steps:
            self._last[row] = run.steps[-1].place
        if found != self._verdict[row]:
            self._unsteady.append(row)

    def traces(self) -> Traces:
        """Return what was collected."""
        for row, run in self._lost.items():
            if run is not _NOTHING:
                self._note(row, run, verdict_of(run))
        conditions = self._twin.conditions
        return Traces(
            conditions,
            self._main.columns(len(conditions)),
            self._other.columns(len(conditions)),
            self._last,
            tuple(_ascending(rows) for rows in self._sole),
            _ascending(self._unsteady),
            _ascending(self._lost),
        )


def _ascending(rows: Iterable[int]) -> Rows:
    return np.array(sorted(rows), np.int32)


def replaced(old: Traces, new: Traces, rows: Rows) -> Traces:
    """Return traces with those of some alerts taken from others."""
    gone = np.zeros(len(old.last), np.bool_)
    gone[rows] = True
    last = old.last.copy()
    last[rows] = new.last[rows]
    return Traces(
        old.conditions,
        tuple(_joined(a, b, gone) for a, b in zip(old.columns, new.columns, strict=True)),
        tuple(_joined(a, b, gone) for a, b in zip(old.others, new.others, strict=True)),
        last,
        tuple(_joined_rows(a, b, gone) for a, b in zip(old.sole, new.sole, strict=True)),
        _joined_rows(old.unsteady, new.unsteady, gone),
        _joined_rows(old.lost, new.lost, gone),
    )


def verdict_of(run: Run) -> int:
    """Return what a run decided, as the number of a `Verdict`."""
    value = run.value
    if value is True:
        return _PASSED
    if run.error is not None:
        return _FAILED
    try:
        annotations_of(value)
        return _PASSED if passes(value) else _REJECTED
    except Exception:  # noqa: BLE001 - a truth that cannot be had, such as an array's
        return _FAILED


def _joined(old: Column, new: Column, gone: NDArray[np.bool_]) -> Column:
    kept = old.taken(~gone[old.rows])
    if not len(new):
        return kept
    rows = np.concatenate((kept.rows, new.rows))
    order = np.argsort(rows, kind="stable")
    return Column(
        *(
            np.concatenate((getattr(kept, name), getattr(new, name)))[order]
            for name in Column.__slots__
        )
    )


def _joined_rows(old: Rows, new: Rows, gone: NDArray[np.bool_]) -> Rows:
    return np.sort(np.concatenate((old[~gone[old]], new)))


class _Steps(NamedTuple):
    """What was recorded of one condition: plain lists, which cost the garbage collector nothing."""

    rows: list[int]
    held: list[bool | None]
    judged: list[bool]
    left: list[Any]
    right: list[Any]


class _Recorder:
    """Takes the steps of runs, and gives them as columns.

    Parameters
    ----------
    places
        The conditions that are recorded.
    """

    def __init__(self, places: Iterable[int]) -> None:
        self._steps = {place: _Steps([], [], [], [], []) for place in places}
        self._parts: dict[int, list[Column]] = {place: [] for place in self._steps}
        self._room = _PIECE

    def add(self, row: int, steps: Iterable[Step], but: int | None = None) -> None:
        """Take the steps of a run on one alert, except those of one condition."""
        for place, held, values, judged in steps:
            kept = self._steps.get(place)
            if kept is None or place == but:
                continue
            kept.rows.append(row)
            kept.held.append(held)
            kept.judged.append(judged)
            kept.left.append(values[0] if values else None)
            kept.right.append(values[1] if len(values) == 2 else None)
        self._room -= 1
        if self._room <= 0:
            # Values may be large: they are let go from time to time.
            self._pack()

    def _pack(self) -> None:
        for place, kept in self._steps.items():
            if kept.rows:
                self._parts[place].append(_column(kept))
                for values in kept:
                    values.clear()
        self._room = _PIECE

    def columns(self, count: int) -> tuple[Column, ...]:
        """Return a column of each condition, also of those that were not recorded."""
        self._pack()
        return tuple(_joined_parts(self._parts.get(place, ())) for place in range(count))


def _column(steps: _Steps) -> Column:
    """Return one condition's steps as a column.

    Where a condition was reached more than once by an alert, each time is an element.
    """
    left, left_exact = _numbers(steps.left)
    right, right_exact = _numbers(steps.right)
    return Column(
        np.array(steps.rows, np.int32),
        np.array([_UNKNOWN if held is None else held for held in steps.held], np.int8),
        np.array(steps.judged, np.bool_),
        left,
        right,
        left_exact & right_exact,
    )


def _numbers(values: Sequence[Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return values as floats, and which of them compare as floats do."""
    kinds = set(map(type, values))
    if kinds == {type(None)}:
        return np.full(len(values), np.nan), np.zeros(len(values), np.bool_)
    if kinds <= _EXACT:
        with suppress(OverflowError):  # of a whole number that no float holds
            numbers = np.array(values, np.float64)
            return numbers, ~(np.abs(numbers) > LARGEST_EXACT)
    numbers = np.array([_number(value) for value in values], np.float64)
    exact = np.array([type(value) in _EXACT for value in values], np.bool_)
    return numbers, exact & ~(np.abs(numbers) > LARGEST_EXACT)


def _number(value: Any) -> float:
    if isinstance(value, bool | int | float | np.number | np.bool_):
        try:
            return float(value)
        except (OverflowError, TypeError):
            return math.nan
    return math.nan


def _joined_parts(parts: Sequence[Column]) -> Column:
    if not parts:
        no = np.zeros(0, np.bool_)
        nothing = np.zeros(0)
        return Column(np.zeros(0, np.int32), np.zeros(0, np.int8), no, nothing, nothing, no)
    if len(parts) == 1:
        return _ordered(parts[0])
    return _ordered(
        Column(
            *(np.concatenate([getattr(part, name) for part in parts]) for name in Column.__slots__)
        )
    )


def _ordered(column: Column) -> Column:
    """Put elements in the order of their alerts: those that had to be fetched came last."""
    if len(column) < 2 or (column.rows[1:] >= column.rows[:-1]).all():
        return column
    order = np.argsort(column.rows, kind="stable")
    return Column(*(getattr(column, name)[order] for name in Column.__slots__))
