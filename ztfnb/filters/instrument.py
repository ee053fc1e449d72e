"""The traced twin of a filter: it decides as the filter does, and records its conditions."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from ztfnb.errors import FilterError
from ztfnb.filters.caution import obstacle_in, stateful
from ztfnb.filters.code import FunctionCode, code_of
from ztfnb.filters.condition import RAISED, Condition, Run, Step
from ztfnb.filters.conditions import Finder
from ztfnb.filters.draft import Book, Draft
from ztfnb.filters.filter import Filter
from ztfnb.filters.goal import Goal
from ztfnb.filters.libraries import is_installed_file
from ztfnb.filters.recorder import OPERATORS, ForcedRecorder, Plan, Recorder, Spot, truth_of
from ztfnb.filters.scope import Scope, compared
from ztfnb.filters.threshold import Value
from ztfnb.filters.twin import ObstacleError, codes_of, compiled, inner_code, read, twin_of

_make = tuple.__new__
_HERE = str(Path(__file__).parent)
_TWINS = 64
"""Twins that are kept: making one takes some ten milliseconds."""
Maker = Callable[[Recorder], FunctionType]
Entering = Mapping[str, frozenset[str]]


@dataclass(frozen=True, eq=False)
class Traced:
    """A filter, as it tells what became of its conditions. It can be sent where the filter can."""

    conditions: tuple[Condition, ...]
    """In the order of the source; those of a helper where it is called."""
    opaque: frozenset[str]
    """Thresholds that are used in any other way than `Condition.compares` says."""
    obstacle: str
    """Why the conditions could not be found; then the whole function is the only one."""
    stateful: bool
    """Whether a run can change what the next one does, or depends on chance or the clock."""
    _made: Filter = field(repr=False)
    _twin: Maker | None = field(repr=False)
    _plan: Plan = field(repr=False)

    def run(
        self,
        alert: Any,
        params: Mapping[str, Value],
        resources: Mapping[str, Any],
        forced: Mapping[int, bool] | None = None,
    ) -> Run:
        """Run the filter on one alert; it decides exactly as the plain function.

        Parameters
        ----------
        forced
            Conditions, by place, that come out as given, whatever they compare.
        """
        if self._twin is None:
            return self._run_plainly(alert, params, resources, forced)
        recorder = ForcedRecorder(self._plan, forced) if forced else Recorder(self._plan)
        twin = self._twin(recorder)
        try:
            value = twin(alert, **params, **resources)
        except RAISED as error:
            recorder.cut_short(error)
            return Run(None, _without_frame(error), tuple(recorder.steps))
        finally:
            recorder.close()
        return _make(Run, (value, None, tuple(recorder.steps)))

    def __reduce__(self) -> tuple[Any, ...]:
        return traced, (self._made,)

    def _run_plainly(
        self,
        alert: Any,
        params: Mapping[str, Value],
        resources: Mapping[str, Any],
        forced: Mapping[int, bool] | None,
    ) -> Run:
        try:
            value = self._made.function(alert, **params, **resources)
        except RAISED as error:
            return Run(None, _without_frame(error), (Step(0, None, (), judged=False),))
        held = truth_of(value)
        if forced and 0 in forced and held is not forced[0]:
            value = held = forced[0]
        return Run(value, None, (Step(0, held, (value,), held is not None),))


@dataclass(frozen=True, slots=True)
class _Source:
    """A filter, equal to any other of the same function that uses the same."""

    function: FunctionType
    hash: str
    made: Filter = field(compare=False)


def traced(made: Filter) -> Traced:
    """Return a filter's traced twin, with the conditions that are found in its source.

    Thresholds make no other twin; what the function uses does, where it has changed.
    """
    return _traced(_Source(made.function, made.hash, made))  # type: ignore[arg-type] # code_of saw to it


@lru_cache(maxsize=_TWINS)
def _traced(source: _Source) -> Traced:
    made = source.made
    function: Any = made.function
    thresholds = frozenset(one.name for one in made.thresholds)
    work = _Work(function)
    state = stateful(function, made.code.tree)
    try:
        twin = work.twin(
            function, made.code, Goal(True), {name: frozenset({name}) for name in thresholds}
        )
    except ObstacleError as error:
        plan = Plan((), {}, (), {})
        whole = (_whole(made, thresholds),)
        return Traced(whole, thresholds, str(error), state, made, None, plan)
    drafts = work.book.drafts
    conditions = tuple(draft.condition(place) for place, draft in enumerate(drafts))
    plan = Plan(
        tuple(OPERATORS[one.signs[0] if one.signs else "is"] for one in drafts),
        {
            place: tuple(OPERATORS[sign] for sign in one.signs)
            for place, one in enumerate(drafts)
            if len(one.signs) > 1
        },
        tuple(work.book.helpers),
        work.spots,
    )
    opaque = thresholds - {one.compares for one in conditions}
    return Traced(conditions, opaque, "", state, made, twin, plan)


class _Work:
    """Making the twins of a filter and of its helpers."""

    def __init__(self, function: FunctionType) -> None:
        self.book = Book()
        self.spots: dict[CodeType, list[Spot]] = {}
        self._package = (function.__module__ or "").partition(".")[0]
        self._above: list[FunctionType] = []

    def twin(
        self, function: FunctionType, code: FunctionCode, goal: Goal, entering: Entering
    ) -> Maker:
        """Return what makes the twin of a function."""
        reading = read(function, code)
        obstacle = obstacle_in(function, reading.tree)
        if obstacle:
            raise ObstacleError(obstacle)
        tree = copy.deepcopy(reading.tree)
        uses = {} if self._above else compared(tree, frozenset(entering))
        scope = Scope(tree, function, indent=code.indent, entering=entering)
        self._above.append(function)
        try:
            Finder(scope, goal, self.book, reading.text, self._follow).rewrite()
        finally:
            self._above.pop()
        mine = [(place, one) for place, one in enumerate(self.book.drafts) if one.root is tree]
        _note_comparisons(uses, [one for _, one in mine])
        made = compiled(tree, function, reading.imported)
        spots = sorted(
            (one.spot(place) for place, one in mine if not isinstance(one.node, ast.ExceptHandler)),
            key=lambda spot: (spot.start, (-spot.end[0], -spot.end[1])),
            reverse=True,
        )
        self.spots |= dict.fromkeys(codes_of(inner_code(made)), spots)
        return twin_of(function, made)

    def _follow(self, node: ast.Call, goal: Goal, scope: Scope) -> int | None:
        """Make the twin of a helper where it is called; None where it cannot be followed."""
        helper = scope.helper(node.func)
        function: Any = helper.function if isinstance(helper, Filter) else helper
        if function is None or function in self._above or self._foreign(function):
            return None
        before = len(self.book.drafts)
        try:
            code = helper.code if isinstance(helper, Filter) else code_of(function)
            made = self.twin(function, code, goal, _handed(node, code.tree, scope))
        except (ObstacleError, FilterError):
            return None
        if len(self.book.drafts) == before:
            return None
        original = function.__code__

        def stand_in(recorder: Recorder, callee: Any) -> Any:
            # In a notebook the name may stand for something else by now.
            if callee is not helper or function.__code__ is not original:
                return callee
            twin = made(recorder)
            return _with_function(callee, twin) if isinstance(callee, Filter) else twin

        self.book.helpers.append(stand_in)
        return len(self.book.helpers) - 1

    def _foreign(self, function: FunctionType) -> bool:
        """Return whether a function is part of a library: its inside is nobody's filter."""
        file = function.__code__.co_filename
        package = (function.__module__ or "").partition(".")[0]
        return file.startswith(_HERE) or (package != self._package and is_installed_file(file))


def _note_comparisons(uses: Mapping[str, list[ast.Compare]], drafts: list[Draft]) -> None:
    recorded = {one.node: one for one in drafts if len(one.signs) == 1}
    for threshold, nodes in uses.items():
        if all(node in recorded for node in nodes):
            for node in nodes:
                recorded[node].compares = threshold


def _handed(node: ast.Call, tree: ast.FunctionDef, scope: Scope) -> Entering:
    """Return the thresholds that enter the parameters of a helper where it is called."""
    names = [one.arg for one in (*tree.args.posonlyargs, *tree.args.args)]
    found = {
        name: scope.entering(one)
        for name, one in zip(names, node.args, strict=False)
        if not isinstance(one, ast.Starred)
    }
    found |= {one.arg: scope.entering(one.value) for one in node.keywords if one.arg}
    return {name: thresholds for name, thresholds in found.items() if thresholds}


def _with_function(made: Filter, function: FunctionType) -> Filter:
    """Return a filter of another function, that shares all else."""
    other: Filter = object.__new__(Filter)
    vars(other).update(vars(made), function=function, _last=({}, {}))
    return other


def _whole(made: Filter, thresholds: frozenset[str]) -> Condition:
    end = len(f"def {made.code.name}")
    return Condition(
        0, made.code.name, made.code.line, made.code.line, 0, end, made.code.name,
        wanted=True, thresholds=thresholds,
    )  # fmt: skip


def _without_frame(error: BaseException) -> BaseException:
    """Return an exception as it left the filter: the frame that called it is not its author's."""
    way = error.__traceback__
    error.__traceback__ = way.tb_next if way else None
    return error
