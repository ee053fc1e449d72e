"""Reading conditions and calculations: what is compared, and with what."""

from __future__ import annotations

import ast
from dataclasses import replace

from ztfnb.filters import lint_comparisons as comparisons
from ztfnb.filters.lint_calls import Calls
from ztfnb.filters.lint_reading import State
from ztfnb.filters.lint_values import (
    Const,
    Read,
    Rec,
    Seq,
    Test,
    Value,
    about,
    is_distance,
    known,
    marker,
)


class Expressions(Calls):
    """Reads all that an expression may hold."""

    def _unaryop(self, node: ast.UnaryOp, state: State) -> Value:
        if isinstance(node.op, ast.Not):
            self.truth(node.operand, state)
            return Test(node)
        value = self.visit(node.operand, state)
        limit = comparisons.number(value)
        if isinstance(node.op, ast.USub) and isinstance(value, Const) and limit is not None:
            return Const(-value.value)
        self.need_value(node.operand, value, state)
        return None

    def _boolop(self, node: ast.BoolOp, state: State) -> Value:
        is_or = isinstance(node.op, ast.Or)
        here, values = state, []
        for place, part in enumerate(node.values):
            last = place == len(node.values) - 1
            if last:
                values.append(self.visit(part, here))
            else:
                self.truth(part, here)
                values.append(self.quietly(part, here))
                here = here.knowing(self.guards.learn(part, not is_or, here))
        if here is not state:
            state.names |= {k: v for k, v in here.names.items() if k not in state.names}
        self._constant_part(node, values)
        first = values[0]
        if is_or and isinstance(first, Seq):
            return replace(first, null=False)
        return Test(node)

    def _constant_part(self, node: ast.BoolOp, values: list[Value]) -> None:
        """Say where a value stands alone behind ``or``, as in ``a == "t" or "1"``."""
        for before, part, value in zip(node.values, node.values[1:], values[1:], strict=False):
            asked = isinstance(before, ast.Compare | ast.BoolOp)
            if asked and isinstance(value, Const) and isinstance(value.value, str | float | int):
                if isinstance(value.value, bool) or not value.value:
                    continue
                text = self.text(part)
                hint = "" if not isinstance(before, ast.Compare) else (
                    f"; write {self.text(before.left)} in "
                    f"({self.text(before.comparators[0])}, {text})"
                )  # fmt: skip
                self.say(
                    "always", node, None,
                    f"{text} stands alone here and is always true{hint}",
                )  # fmt: skip

    def _ifexp(self, node: ast.IfExp, state: State) -> Value:
        self.truth(node.test, state)
        yes = self.visit(node.body, state.knowing(self.guards.learn(node.test, True, state)))
        no = self.visit(node.orelse, state.knowing(self.guards.learn(node.test, False, state)))
        for one in (yes, no):
            if isinstance(one, Seq):
                return replace(one, null=False, token=self.token())
        return yes if yes == no else None

    # -- Calculating and comparing -----------------------------------------------------------

    def _binop(self, node: ast.BinOp, state: State) -> Value:
        sides = [(part, self.visit(part, state)) for part in (node.left, node.right)]
        for part, value in sides:
            if isinstance(value, Seq):
                self.need_list(part, value, state, "adding")
                return replace(value, null=False, empty=False, token=self.token())
        for part, value in sides:
            self.need_value(part, value, state)
            self._calculated(part, value, state)
        return None

    def _calculated(self, node: ast.expr, value: Value, state: State) -> None:
        if not isinstance(value, Read) or marker(value.field) is None:
            return
        if not known(state.facts, value, "number"):
            self.say(
                "marker", node, value,
                f"{self.text(node)} is {marker(value.field):g} where there is no value, and that "
                f"is calculated with; check {self.text(node)} > {marker(value.field):g} first",
            )  # fmt: skip

    def _compare(self, node: ast.Compare, state: State) -> Value:
        parts = [node.left, *node.comparators]
        values = [self.visit(part, state) for part in parts]
        pairs = zip(values, node.ops, values[1:], strict=False)
        outcomes = [comparisons.decided(left, op, right) for left, op, right in pairs]
        # What comes out alike for every alert needs no other remark.
        if not self._decided(node, values, outcomes):
            for place in range(len(node.ops)):
                self._ordered(node, place, parts, values, state)
        return Test(node)

    def _ordered(
        self,
        node: ast.Compare,
        place: int,
        parts: list[ast.expr],
        values: list[Value],
        state: State,
    ) -> None:
        op = node.ops[place]
        if type(op) not in comparisons.ORDERED:
            return
        left, right = values[place], values[place + 1]
        if odd := comparisons.mixed(left, op, right):
            self.say(
                "always", node, None, f"{self.text(node)} raises TypeError for every alert: {odd}"
            )
            return
        # What an earlier part of a chain has found out.
        here = state
        for earlier in range(place):
            chain = ast.Compare(parts[earlier], [node.ops[earlier]], [parts[earlier + 1]])
            here = here.knowing(self.guards.learn(chain, True, here))
        swapped = comparisons.SWAPPED[type(op)]
        for part, value, kind, other in (
            (parts[place], left, type(op), right), (parts[place + 1], right, swapped, left)
        ):  # fmt: skip
            self.need_value(part, value, here)
            limit = comparisons.number(other)
            if not isinstance(value, Read) or limit is None:
                continue
            if place + 1 < len(node.ops) and self._later_refuses(node, place, values, value):
                continue
            if comparisons.fooled(value, kind, limit) and not known(here.facts, value, "number"):
                self._fooled(node, part, value, kind, limit)

    def _later_refuses(
        self, node: ast.Compare, place: int, values: list[Value], read: Read
    ) -> bool:
        """Return whether the other end of a chain, ``5 > x > 0``, is false for a marker."""
        limit = comparisons.number(values[place + 2])
        if limit is None or values[place + 1] != read:
            return False
        return comparisons.holds_for_marker(read, type(node.ops[place + 1]), limit) is False

    def _fooled(
        self, node: ast.Compare, part: ast.expr, read: Read, kind: type[ast.cmpop], limit: float
    ) -> None:
        text, stands = self.text(part), marker(read.field)
        holds = comparisons.holds_for_marker(read, kind, limit)
        none = "nothing is near" if is_distance(read.field) else "there is no value"
        self.say(
            "marker", node, read,
            f"{text} is {stands:g} where {none}, so that {self.text(node)} is "
            f"{'true' if holds else 'false'} there; check {text} < 0 or {text} >= 0 first",
        )  # fmt: skip

    def _decided(
        self, node: ast.Compare, values: list[Value], outcomes: list[tuple[bool, str] | None]
    ) -> bool:
        text = self.text(node)
        sure = [outcome for outcome in outcomes if outcome is not None]
        false = next((reason for holds, reason in sure if not holds), None)
        if false is not None:
            self.say("always", node, None, f"{text} is always false: {false}")
            return True
        if sure and len(sure) == len(outcomes):
            self.say("always", node, None, f"{text} is always true: {sure[0][1]}")
            return True
        if isinstance(node.ops[0], ast.In | ast.NotIn) and (
            odd := comparisons.odd_item(values[0], values[1])
        ):
            self.say("always", node, None, f"in {text}, {odd}")
        return False

    # -- Comprehensions ----------------------------------------------------------------------

    def _listcomp(self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp, state: State) -> Value:
        inner, sequence = self._generators(node.generators, state)
        item = self.visit(node.elt, inner)
        if sequence is None:
            return None
        token = item.token if isinstance(item, Rec | Read) else ""
        name_facts = about(inner.facts, token)
        if not isinstance(item, Rec | Read):
            item = None
        whole = len(node.generators) == 1 and not node.generators[0].ifs
        some = not sequence.empty or (sequence.token, "", "some") in state.facts
        return Seq(item, self.token(), facts=name_facts, empty=not (whole and some))

    _generatorexp = _setcomp = _listcomp

    def _dictcomp(self, node: ast.DictComp, state: State) -> Value:
        inner, _ = self._generators(node.generators, state)
        self.visit(node.key, inner)
        self.visit(node.value, inner)
        return None

    def _generators(
        self, generators: list[ast.comprehension], state: State
    ) -> tuple[State, Seq | None]:
        inner = state.copy()
        sequence: Seq | None = None
        for one in generators:
            found = self.quietly(one.iter, inner)
            sequence = found if isinstance(found, Seq) else sequence
            self.bind_each(one.target, one.iter, inner)
            for test in one.ifs:
                self.truth(test, inner)
                inner.facts |= self.guards.learn(test, True, inner)
        return inner, sequence
