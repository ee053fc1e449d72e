"""What is known of an alert where a condition has come out true, or false."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from ztfnb.filters.lint_comparisons import ORDERED, SWAPPED, holds_for_marker, number
from ztfnb.filters.lint_values import Const, Fact, Facts, Read, Rec, Seq, Setting, Test, Value

if TYPE_CHECKING:
    from ztfnb.filters.lint_reading import State

NOTHING: Facts = frozenset()
_DEEPEST = 20
Evaluate = Callable[[ast.expr, "State"], Value]


def facts_of(value: Value, *whats: str) -> Facts:
    """Return facts of one kind or more about something that was read."""
    if isinstance(value, Read):
        return frozenset((value.token, value.field.name, what) for what in whats)  # type: ignore[misc]
    if isinstance(value, Seq):
        return frozenset((value.token, "", what) for what in whats)  # type: ignore[misc]
    return NOTHING


class Guards:
    """Reads conditions.

    Parameters
    ----------
    evaluate
        Returns what an expression stands for, saying nothing about it.
    """

    def __init__(self, evaluate: Evaluate) -> None:
        self.evaluate = evaluate
        self.depth = 0

    def learn(self, test: ast.expr, outcome: bool, state: State) -> Facts:
        """Return what is known where a condition has come out so."""
        if self.depth > _DEEPEST:
            return NOTHING
        self.depth += 1
        try:
            return self._learn(test, outcome, state)
        finally:
            self.depth -= 1

    def _learn(  # noqa: PLR0911 - one for each kind of condition
        self, test: ast.expr, outcome: bool, state: State
    ) -> Facts:
        match test:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.learn(operand, not outcome, state)
            case ast.BoolOp(op=operator, values=parts):
                whole = isinstance(operator, ast.And) == outcome
                if whole:
                    return frozenset().union(*(self.learn(p, outcome, state) for p in parts))
                return self._one_of(parts, outcome, state)
            case ast.Compare():
                return self._compared(test, outcome, state)
            case ast.Call():
                return self._called(test, outcome, state)
            case ast.NamedExpr(value=inner):
                return self.learn(inner, outcome, state)
        value = self.evaluate(test, state)
        if isinstance(value, Test):
            return self.learn(value.node, outcome, state)
        return facts_of(value, "value", "some") if outcome else NOTHING

    def _one_of(self, parts: list[ast.expr], outcome: bool, state: State) -> Facts:
        """Return what is known whichever part decided; those before it came out otherwise."""
        before: Facts = NOTHING
        found: Facts | None = None
        for part in parts:
            here = before | self.learn(part, outcome, state)
            found = here if found is None else found & here
            before |= self.learn(part, not outcome, state)
        return found or NOTHING

    def _compared(self, test: ast.Compare, outcome: bool, state: State) -> Facts:
        nodes = [test.left, *test.comparators]
        values = [self.evaluate(node, state) for node in nodes]
        pairs = list(zip(values, test.ops, values[1:], strict=False))
        if not outcome and len(pairs) > 1:
            return NOTHING
        found: set[Fact] = set()
        for left, op, right in pairs:
            found |= self._pair(left, op, right, outcome)
        if isinstance(test.ops[0], ast.In | ast.NotIn):
            found |= self._membership(test, values[0], outcome, state)
        return frozenset(found)

    def _pair(self, left: Value, op: ast.cmpop, right: Value, outcome: bool) -> Facts:
        if isinstance(left, Const) and not isinstance(right, Const):
            swapped = SWAPPED.get(type(op), type(op))
            left, right, op = right, left, swapped()
        if isinstance(right, Const) and right.value is None:
            different = isinstance(op, ast.IsNot | ast.NotEq) == outcome
            return facts_of(left, "value") if different else NOTHING
        found: Facts = NOTHING
        if type(op) in ORDERED:
            # Comparing None would have raised.
            found = facts_of(left, "value") | facts_of(right, "value")
        elif isinstance(op, ast.Eq | ast.Is) == outcome:
            found = facts_of(left, "value")
        for one, other, kind in (
            (left, right, type(op)), (right, left, SWAPPED.get(type(op), type(op)))
        ):  # fmt: skip
            limit = number(other)
            if isinstance(one, Read) and limit is not None:
                holds = holds_for_marker(one, kind, limit)
                if holds is not None and holds != outcome:
                    found |= facts_of(one, "number")
        return found

    def _membership(self, test: ast.Compare, left: Value, outcome: bool, state: State) -> Facts:
        inside = isinstance(test.ops[0], ast.In) == outcome
        right = test.comparators[0]
        record = self.evaluate(right, state)
        if isinstance(left, Const) and isinstance(left.value, str) and isinstance(record, Rec):
            return frozenset({(record.token, left.value, "present")}) if inside else NOTHING
        if (
            isinstance(left, Const)
            and left.value is None
            and isinstance(right, ast.Tuple | ast.List)
        ):
            if inside:
                return NOTHING
            return frozenset().union(
                *(facts_of(self.evaluate(item, state), "value") for item in right.elts)
            )
        return facts_of(left, "value", "number") if inside else NOTHING

    def _called(self, test: ast.Call, outcome: bool, state: State) -> Facts:
        name = ast.unparse(test.func)
        values = [self.evaluate(argument, state) for argument in test.args]
        match name, values:
            case ("hasattr", [Rec(token=token), Const(value=str(field))]):
                return frozenset({(token, field, "present")}) if outcome else NOTHING
            case ("isinstance", [first, *_]):
                return facts_of(first, "value") if outcome else NOTHING
            case ("bool", [_]):
                return self.learn(test.args[0], outcome, state)
            case ("all" | "any", [_]) if isinstance(
                test.args[0], ast.GeneratorExp | ast.ListComp | ast.Tuple | ast.List
            ):
                if (name == "all") != outcome:
                    return NOTHING
                return self._each(test.args[0], outcome, state)
        # Some other function was asked: it may have looked.
        return frozenset().union(*(facts_of(each, "value", "number", "some") for each in values))

    def _each(self, node: ast.expr, outcome: bool, state: State) -> Facts:
        """Return what is known where a condition came out so for each of some values."""
        if isinstance(node, ast.Tuple | ast.List):
            return frozenset().union(*(self.learn(item, outcome, state) for item in node.elts))
        assert isinstance(node, ast.GeneratorExp | ast.ListComp)  # noqa: S101 - of the caller
        first = node.generators[0]
        if len(node.generators) > 1 or first.ifs or not isinstance(first.target, ast.Name):
            return NOTHING
        found: Facts = NOTHING
        for item in items_of(first.iter, state, self.evaluate):
            inner = state.copy()
            inner.names[first.target.id] = item
            found |= self.learn(node.elt, outcome, inner)
        return found


def items_of(node: ast.expr, state: State, evaluate: Evaluate) -> list[Value]:
    """Return what a list in the source holds, or a constant one that has a name."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return [evaluate(item, state) for item in node.elts]
    value = evaluate(node, state)
    if isinstance(value, Const | Setting) and isinstance(value.value, tuple | list):
        return [Const(item) for item in value.value]
    return []
