"""Find the conditions in the syntax tree of a function, and put calls of a recorder at them.

The tree that comes out does what the tree that went in did; see `ztfnb.filters.recorder` for what
the calls do. Loops and comprehensions are left as they are: what counts of them is the outcome.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Sequence
from typing import Any, Literal

from ztfnb.filters.draft import Book, Draft
from ztfnb.filters.goal import (
    Fate,
    Goal,
    fate,
    fate_of_value,
    for_branches,
    irrefutable,
    returns_in,
)
from ztfnb.filters.scope import Scope

RECORDER = "@recorder"
"""The variable that holds it: no name that an author could write."""

SIGNS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}
_SHOWN = 100
"""Characters of a loop that are shown whole."""

Mode = Literal["truth", "value", "keep"]
"""Whether only the truth of an expression counts; or it is passed on; or its truth counts now, and
itself where that decides (the operands of ``and`` and ``or``)."""


Follow = Callable[[ast.Call, Goal, Scope], "int | None"]
"""Reads a helper where it is called, and returns its number; None where it cannot be followed."""


class Finder:
    """Finds the conditions of one function and rewrites its tree in place."""

    def __init__(
        self,
        scope: Scope,
        goal: Goal,
        book: Book,
        text: Callable[[ast.AST], str],
        follow: Follow,
    ) -> None:
        self._scope = scope
        self._goal = goal
        self._book = book
        self._text = text
        self._follow = follow
        self._assigned = {name: Goal() for name in scope.assigned}
        self._nested = {name: Goal() for name in scope.nested}
        self._plain = _Plain(self._truth)

    def rewrite(self) -> None:
        """Rewrite the function."""
        self._scope.tree.body = self._block(self._scope.tree.body, Fate.REJECTED)

    # Statements

    def _block(self, statements: Sequence[ast.stmt], after: Fate) -> list[ast.stmt]:
        fates = [after]
        for statement in reversed(statements):
            fates.append(fate([statement], fates[-1]))
        fates.reverse()
        found: list[ast.stmt] = []
        for statement, behind in zip(statements, fates[1:], strict=True):
            found += self._statement(statement, behind)
        return found

    def _statement(  # noqa: C901 - one for each kind of node
        self, node: ast.stmt, after: Fate
    ) -> list[ast.stmt]:
        match node:
            case ast.Return(value=ast.expr() as value):
                node.value = self._value(value, self._goal)
            case ast.If():
                wanted = for_branches(fate(node.body, after), fate(node.orelse, after))
                node.test = self._truth(node.test, self._towards(wanted))
                node.body = self._block(node.body, after)
                node.orelse = self._block(node.orelse, after)
            case ast.Assert():
                node.test = self._truth(node.test, self._towards(True))
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in self._assigned:
                node.value = self._value(value, self._assigned[name])
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if (
                name in self._assigned
            ):
                node.value = self._value(value, self._assigned[name])
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign() | ast.Expr() | ast.Raise():
                return [self._plain.visit(node)]
            case ast.For() | ast.While():
                return self._loop(node, after)
            case ast.Try() | ast.TryStar():
                self._try(node, after)
            case ast.With():
                for item in node.items:
                    item.context_expr = self._plain.visit(item.context_expr)
                node.body = self._watched(self._block(node.body, after), node)
            case ast.Match():
                self._match(node, after)
            case ast.FunctionDef(name=name) if name in self._nested:
                inner = Finder(
                    self._scope.inner(node), self._nested[name], self._book, self._text,
                    self._follow,
                )  # fmt: skip
                inner.rewrite()
        return [node]

    def _loop(self, node: ast.For | ast.While, after: Fate) -> list[ast.stmt]:
        header, thresholds = self._header(node), self._scope.entering(node)
        if isinstance(node, ast.For):
            node.iter = self._plain.visit(node.iter)
        returns = returns_in(node)
        in_else = [each for part in node.orelse for each in returns_in(ast.Module([part], []))]
        returns = [one for one in returns if one not in in_else]
        breaks = _breaks_in(node) if node.orelse else []
        if not returns and not breaks:
            node.orelse = self._block(node.orelse, after)
            return [node]
        ends = [fate_of_value(one.value) for one in returns]
        ends += [after] * bool(breaks)
        taken = ends[0] if len(set(ends)) == 1 else Fate.OPEN
        wanted = for_branches(taken, fate(node.orelse, after))
        aim = self._towards(wanted)
        place = self._note(node, header, aim, thresholds=thresholds, loop=True)
        for one in returns:
            value = one.value or ast.copy_location(ast.Constant(None), one)
            one.value = self._call("left", one, place, value)
        done = self._said("done", node, place)
        for holder, index in breaks:
            holder.insert(index, self._said("left", holder[index], place))
        if breaks or node.orelse:
            node.orelse = [done, *self._block(node.orelse, after)]
            return [node]
        return [node, done]

    def _header(self, node: ast.For | ast.While) -> str:
        body: Any = copy.copy(node)
        body.end_lineno, body.end_col_offset = (
            node.body[-1].end_lineno,
            node.body[-1].end_col_offset,
        )
        body.orelse = []
        whole = self._text(body)
        if len(whole) <= _SHOWN:
            return whole
        if isinstance(node, ast.While):
            return f"while {self._text(node.test)}: ..."
        return f"for {self._text(node.target)} in {self._text(node.iter)}: ..."

    def _try(self, node: ast.Try | ast.TryStar, after: Fate) -> None:
        last = fate(node.finalbody, after)
        whole = fate(node.body + node.orelse, last)
        body = self._block(node.body, fate(node.orelse, last))
        node.body = self._watched(body, node)
        for handler in node.handlers:
            said = []
            wanted = for_branches(fate(handler.body, last), whole)
            if wanted is not None and isinstance(node, ast.Try):
                kind = f" {self._text(handler.type)}" if handler.type else ""
                place = self._note(handler, f"except{kind}", self._towards(wanted), fixed=True)
                said = [self._said("handled", handler, place)]
            handler.body = [*said, *self._block(handler.body, last)]
        node.orelse = self._block(node.orelse, last)
        node.finalbody = self._block(node.finalbody, after)

    def _watched(self, body: list[ast.stmt], node: ast.stmt) -> list[ast.stmt]:
        """Return a block that tells of an exception on its way out: it may go no further."""
        caught = self._said("caught", node)
        handler = ast.ExceptHandler(None, None, [caught, ast.copy_location(ast.Raise(), node)])
        watched = ast.Try(body, [ast.copy_location(handler, node)], [], [])
        return [ast.copy_location(watched, node)]

    def _match(self, node: ast.Match, after: Fate) -> None:
        subject = self._text(node.subject)
        entering = self._scope.entering(node.subject)
        node.subject = self._plain.visit(node.subject)
        last = node.cases[-1]
        fates = [fate(case.body, after) for case in node.cases]
        fates.append(Fate.OPEN if irrefutable(last) else after)
        asked = [
            case
            for case in node.cases
            if not (isinstance(case.pattern, ast.MatchAs) and not case.pattern.pattern)
        ]
        # Guards are conditions of their own: places of cases must follow each other.
        places = {}
        for case in asked:
            at = node.cases.index(case)
            rest = fates[at + 1 :] if not irrefutable(last) else fates[at + 1 : -1]
            others = rest[0] if len(set(rest)) == 1 else Fate.OPEN
            wanted = for_branches(fates[at], others)
            text = f"match {subject}: case {self._text(case.pattern)}"
            places[case] = self._note(
                case.pattern, text, self._towards(wanted), operands=(subject,),
                thresholds=entering, fixed=True,
            )  # fmt: skip
        if not places:
            first = end = -1
        else:
            first, end = min(places.values()), max(places.values()) + 1
            node.subject = self._call("subject", node.subject, first, node.subject)
        passed = first
        for case in list(node.cases):
            at = node.cases.index(case)
            guard = case.guard
            if guard is not None:
                others = fates[at + 1] if len(set(fates[at + 1 :])) == 1 else Fate.OPEN
                guard = self._truth(guard, self._towards(for_branches(fates[at], others)))
            if case in places:
                fits = self._call("matched", case.pattern, first, places[case])
                passed = places[case] + 1
            elif places:
                fits = self._call("unmatched", case.pattern, first, passed)
            else:
                fits = None
            if fits is not None and irrefutable(case):
                case.body = [
                    ast.copy_location(ast.Expr(fits), case.pattern),
                    *self._block(case.body, after),
                ]
                continue
            if fits is not None:
                both = [fits, guard] if guard is not None else [fits]
                case.guard = (
                    ast.copy_location(ast.BoolOp(ast.And(), both), case.pattern)
                    if len(both) > 1
                    else fits
                )
            else:
                case.guard = guard
            case.body = self._block(case.body, after)
        if places and not irrefutable(last):
            none = ast.copy_location(ast.MatchAs(None, None), node)
            said = self._said("unmatched", node, first, end)
            node.cases.append(ast.match_case(none, None, [said]))

    # Expressions

    def _truth(self, node: ast.expr, goal: Goal) -> ast.expr:
        """Rewrite an expression of which only the truth counts."""
        return self._expression(node, goal, "truth")

    def _value(self, node: ast.expr, goal: Goal) -> ast.expr:
        """Rewrite an expression whose value is passed on."""
        return self._expression(node, goal, "value")

    def _expression(  # noqa: C901, PLR0911 - one for each kind of node
        self, node: ast.expr, goal: Goal, mode: Mode
    ) -> ast.expr:
        match node:
            case ast.BoolOp():
                return self._bool_op(node, goal, mode)
            case ast.UnaryOp(op=ast.Not()):
                node.operand = self._truth(node.operand, Goal().serve(goal, False))
                return self._kept(node, mode)
            case ast.IfExp():
                wanted = for_branches(fate_of_value(node.body), fate_of_value(node.orelse))
                aim = Goal() if wanted is None else Goal().serve(goal, wanted)
                node.test = self._truth(node.test, aim)
                node.body = self._expression(node.body, goal, mode)
                node.orelse = self._expression(node.orelse, goal, mode)
                return node
            case ast.NamedExpr(value=value) if self._scope.decides(value):
                node.value = self._value(value, goal)
                return self._kept(node, mode)
            case ast.Compare(ops=[_]) if ast.dump(node.left) != ast.dump(node.comparators[0]):
                return self._compare(node, goal, mode)
            case ast.Compare(ops=[_, _, *_]):
                return self._chain(node, goal, mode)
            case ast.Constant() | ast.Dict() | ast.JoinedStr() | ast.List() | ast.Tuple():
                return self._kept(self._plain.visit(node), mode)
            case ast.Call() if self._scope.is_merged(node):
                return self._kept(self._plain.visit(node), mode)
            case ast.Name(id=name) if name in self._assigned:
                self._assigned[name].serve(goal)
                return self._kept(node, mode)
            case ast.Name(id=name) if name in self._scope.notes:
                return self._kept(node, mode)
            case ast.Call() if self._call_within(node, goal):
                return self._kept(node, mode)
        place = self._note(node, self._text(node), goal)
        method = "value" if mode == "value" else "test"
        return self._call(method, node, place, self._plain.visit(node))

    def _kept(self, node: ast.expr, mode: Mode) -> ast.expr:
        """Return an expression that is no condition itself, so that the mode is served."""
        return self._call("keep", node, node) if mode == "keep" else node

    def _bool_op(self, node: ast.BoolOp, goal: Goal, mode: Mode) -> ast.expr:
        if mode != "value":
            node.values = [self._expression(one, goal, mode) for one in node.values]
            return node
        *first, last = node.values
        kept = [self._expression(one, goal, "keep") for one in first]
        found = self._value(last, goal)
        for one in reversed(kept):
            gives = self._call("kept", one)
            branches = (found, gives) if isinstance(node.op, ast.And) else (gives, found)
            found = ast.copy_location(ast.IfExp(one, *branches), node)
        return found

    def _compare(self, node: ast.Compare, goal: Goal, mode: Mode) -> ast.expr:
        left, right, sign = node.left, node.comparators[0], SIGNS[type(node.ops[0])]
        operands = (self._text(left), self._text(right))
        place = self._note(node, self._text(node), goal, signs=(sign,), operands=operands)
        method = "compared" if mode == "value" else "compare"
        return self._call(method, node, place, self._plain.visit(left), self._plain.visit(right))

    def _chain(self, node: ast.Compare, goal: Goal, mode: Mode) -> ast.expr:
        signs = tuple(SIGNS[type(one)] for one in node.ops)
        parts = [node.left, *node.comparators]
        operands = tuple(map(self._text, parts))
        place = self._note(node, self._text(node), goal, signs=signs, operands=operands)
        first, second, *others = map(self._plain.visit, parts)
        links = [self._call("first", node, place, first, second)]
        links += [
            self._call("link", node, place, number, other)
            for number, other in enumerate(others[:-1], 1)
        ]
        end = "lasting" if mode == "value" else "last"
        found = self._call(end, node, place, len(signs) - 1, others[-1])
        if mode != "value":
            return ast.copy_location(ast.BoolOp(ast.And(), [*links, found]), node)
        for one in reversed(links):
            found = ast.copy_location(ast.IfExp(one, found, self._call("kept", node)), node)
        return found

    def _call_within(self, node: ast.Call, goal: Goal) -> bool:
        """Rewrite a call whose conditions lie in what is called; False if they do not."""
        match node:
            case ast.Call(func=ast.Name(), args=[one], keywords=[]) if self._scope.is_truth(
                node.func
            ) and self._scope.decides(one):
                node.args = [self._value(one, goal)]
                return True
            case ast.Call(func=ast.Name(id=name)) if name in self._nested:
                self._nested[name].serve(goal)
            case _:
                number = None if self._book.full else self._follow(node, goal, self._scope)
                if number is None:
                    return False
                node.func = self._call("enter", node.func, number, node.func)
        node.args = [self._plain.visit(one) for one in node.args]
        for keyword in node.keywords:
            keyword.value = self._plain.visit(keyword.value)
        return True

    # Notes and calls

    def _towards(self, wanted: bool | None) -> Goal:
        return Goal() if wanted is None else Goal().serve(self._goal, wanted)

    def _note(
        self,
        node: ast.AST,
        text: str,
        goal: Goal,
        *,
        signs: tuple[str, ...] = (),
        operands: tuple[str, ...] = (),
        thresholds: frozenset[str] | None = None,
        loop: bool = False,
        fixed: bool = False,
    ) -> int:
        scope = self._scope
        self._book.drafts.append(
            Draft(
                node=node,
                text=text,
                goal=goal,
                function=scope.tree.name,
                indent=scope.indent,
                root=scope.root,
                signs=signs,
                operands=operands,
                thresholds=scope.entering(node) if thresholds is None else thresholds,
                loop=loop,
                forcible=not (loop or fixed),
            )
        )
        return len(self._book.drafts) - 1

    def _call(self, method: str, at: ast.AST, *args: ast.expr | int) -> ast.expr:
        recorder = ast.Name(RECORDER, ast.Load())
        given = [ast.Constant(one) if isinstance(one, int) else one for one in args]
        call = ast.Call(ast.Attribute(recorder, method, ast.Load()), given, [])
        return ast.fix_missing_locations(ast.copy_location(call, at))

    def _said(self, method: str, at: ast.AST, *args: int) -> ast.stmt:
        return ast.copy_location(ast.Expr(self._call(method, at, *args)), at)


class _Plain(ast.NodeTransformer):
    """Rewrites the conditions inside an expression whose own truth does not count."""

    def __init__(self, truth: Callable[[ast.expr, Goal], ast.expr]) -> None:
        self._truth = truth

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        """Rewrite its test; what it gives is a value."""
        node.test = self._truth(node.test, Goal())
        node.body = self.visit(node.body)
        node.orelse = self.visit(node.orelse)
        return node

    def _leave(self, node: ast.expr) -> ast.expr:
        return node

    visit_Lambda = visit_ListComp = visit_SetComp = _leave  # noqa: N815 - as ast names them
    visit_DictComp = visit_GeneratorExp = _leave  # noqa: N815


def _breaks_in(loop: ast.For | ast.While) -> list[tuple[list[ast.stmt], int]]:
    """Return where the breaks of a loop stand: the blocks, and places in them."""
    found: list[tuple[list[ast.stmt], int]] = []

    def search(block: list[ast.stmt]) -> None:
        for index, statement in enumerate(block):
            match statement:
                case ast.Break():
                    found.append((block, index))
                case ast.For() | ast.While():
                    search(statement.orelse)
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    pass
                case _:
                    for name in ("body", "orelse", "finalbody"):
                        search(getattr(statement, name, []))
                    for part in (
                        *getattr(statement, "handlers", []),
                        *getattr(statement, "cases", []),
                    ):
                        search(part.body)

    search(loop.body)
    return found
