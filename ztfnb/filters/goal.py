"""Towards which outcome of a condition an alert goes on: told by what its branches return."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from enum import Enum


class Fate(Enum):
    """What becomes of an alert on every way from some point of a function."""

    REJECTED = "rejected"
    PASSED = "passed"
    OPEN = "open"
    """It depends on what follows."""


class Goal:
    """The outcome that is wanted of an expression; known once all uses of it are seen."""

    def __init__(self, known: bool | None = None) -> None:
        self._known = known
        self._uses: list[tuple[Goal, bool]] = []

    def serve(self, goal: Goal, wanted: bool | None = True) -> Goal:
        """Add a use: with the outcome ``wanted`` it serves another goal. Return itself."""
        self._uses.append((goal, bool(wanted)) if wanted is not None else (Goal(), True))
        return self

    @property
    def outcome(self) -> bool | None:
        """The outcome that all uses agree on, or None."""
        return self._resolved(())

    def _resolved(self, above: tuple[Goal, ...]) -> bool | None:
        if not self._uses or self in above:
            return self._known
        found = set()
        for goal, same in self._uses:
            outcome = goal._resolved((*above, self))  # noqa: SLF001 - of the same class
            found.add(outcome if outcome is None or same else not outcome)
        return found.pop() if len(found) == 1 else None


def for_branches(taken: Fate, otherwise: Fate) -> bool | None:
    """Return the outcome of a test that leads towards passing, from the fates of its branches."""
    if taken is otherwise:
        return None
    return otherwise is Fate.REJECTED or taken is Fate.PASSED


def fate(statements: Sequence[ast.stmt], after: Fate) -> Fate:
    """Return what becomes of an alert that enters a block, behind which ``after`` awaits it."""
    for statement in reversed(statements):
        after = _fate(statement, after)
    return after


def fate_of_value(node: ast.expr | None) -> Fate:
    """Return what becomes of an alert for which an expression is returned."""
    match node:
        case None:
            return Fate.REJECTED
        case ast.Constant(value=value):
            return Fate.PASSED if value else Fate.REJECTED
        case ast.Dict():
            return Fate.PASSED
        case ast.IfExp(body=body, orelse=orelse):
            return _joined([fate_of_value(body), fate_of_value(orelse)])
    return Fate.OPEN


def _fate(statement: ast.stmt, after: Fate) -> Fate:  # noqa: PLR0911 - one for each kind of node
    match statement:
        case ast.Return(value=value):
            return fate_of_value(value)
        case ast.Raise():
            return Fate.REJECTED  # failed, rather: it goes nowhere
        case ast.If(body=body, orelse=orelse):
            return _joined([fate(body, after), fate(orelse, after)])
        case ast.For() | ast.While():
            returns = [fate_of_value(one.value) for one in returns_in(statement)]
            return _joined([fate(statement.orelse, after), after, *returns])
        case ast.With(body=body):
            return fate(body, after)
        case ast.Try() | ast.TryStar():
            last = fate(statement.finalbody, after)
            ways = [statement.body + statement.orelse, *(one.body for one in statement.handlers)]
            return _joined([fate(way, last) for way in ways])
        case ast.Match(cases=cases):
            ways_of_cases = [fate(case.body, after) for case in cases]
            whole = bool(cases) and irrefutable(cases[-1])
            return _joined(ways_of_cases if whole else [*ways_of_cases, after])
    return after


def irrefutable(case: ast.match_case) -> bool:
    """Return whether a case takes all that comes to it."""
    return case.guard is None and isinstance(case.pattern, ast.MatchAs) and not case.pattern.pattern


def returns_in(loop: ast.AST) -> list[ast.Return]:
    """Return the return statements below a node that leave the function it stands in."""
    found: list[ast.Return] = []
    for child in ast.iter_child_nodes(loop):
        if isinstance(child, ast.Return):
            found.append(child)
        elif not isinstance(
            child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.expr
        ):
            found += returns_in(child)
    return found


def _joined(fates: Sequence[Fate]) -> Fate:
    return fates[0] if len(set(fates)) == 1 else Fate.OPEN
