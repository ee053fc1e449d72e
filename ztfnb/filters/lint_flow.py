"""Reading statements: what is known behind each, and whether anything comes behind it at all."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from ztfnb.filters.lint_expressions import Expressions
from ztfnb.filters.lint_guards import facts_of, items_of
from ztfnb.filters.lint_names import ALERT
from ztfnb.filters.lint_reading import Say, State
from ztfnb.filters.lint_values import Seq, Setting

_UNROLLED = 20
_CATCH_ALL = frozenset(
    {"TypeError", "KeyError", "AttributeError", "IndexError", "ValueError", "StopIteration"}
)
_MEANT = {
    "LookupError": frozenset({"KeyError", "IndexError"}),
    "Exception": _CATCH_ALL,
    "BaseException": _CATCH_ALL,
}


class Flow(Expressions):
    """Follows a function from its first statement to its ends."""

    def __init__(
        self,
        outer: Mapping[str, Any],
        say: Say,
        text: Callable[[ast.AST], str],
        *,
        any_version: bool,
    ) -> None:
        super().__init__(outer, say, text, any_version=any_version)
        self._loops: list[tuple[list[State], list[State]]] = []
        """Of each loop around: what is known where it is left, and where its next turn begins."""

    def run(self, tree: ast.FunctionDef, settings: Mapping[str, Any]) -> None:
        """Read a filter."""
        state = State({name: Setting(value) for name, value in settings.items()})
        parameters = [*tree.args.posonlyargs, *tree.args.args]
        if parameters:
            state.names[parameters[0].arg] = ALERT
        self._ends(tree, self._block(tree.body, state))

    def _ends(self, tree: ast.FunctionDef, left: State | None) -> None:
        returns = [node for node in _own(tree) if isinstance(node, ast.Return)]
        valued = [one for one in returns if one.value is not None]
        if not valued:
            if returns or left is not None:
                self.say(
                    "return", tree, None,
                    f"{tree.name} never returns a value, so that no alert passes; return True or "
                    "False",
                )  # fmt: skip
        elif left is not None:
            last = tree.body[-1]
            place = ast.Pass(lineno=last.end_lineno or last.lineno, col_offset=0)
            self.say(
                "return", place, None,
                "an alert that comes to the end here gets None, which counts as False; write "
                "return False there to say so, or return True if it was to pass",
            )  # fmt: skip

    def _block(self, statements: list[ast.stmt], state: State | None) -> State | None:
        for place, statement in enumerate(statements):
            if state is None:
                before = statements[place - 1]
                self.say(
                    "unreachable", statement, None,
                    f"this is never reached: line {before.lineno} always leaves before it",
                )  # fmt: skip
                return None
            method = getattr(self, f"_do_{type(statement).__name__.lower()}", self._do_other)
            state = method(statement, state)
        return state

    # -- Plain statements --------------------------------------------------------------------

    def _do_other(self, node: ast.stmt, state: State) -> State | None:
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.expr):
                self.visit(part, state)
        return state

    def _do_expr(self, node: ast.Expr, state: State) -> State:
        self.visit(node.value, state)
        if isinstance(node.value, ast.Compare):
            text = self.text(node.value)
            self.say("return", node, None, f"nothing is done with {text}; write return {text}")
        return state

    def _do_assign(self, node: ast.Assign, state: State) -> State:
        value = self.visit(node.value, state)
        for target in node.targets:
            pairs = (
                list(zip(target.elts, node.value.elts, strict=True))
                if isinstance(target, ast.Tuple)
                and isinstance(node.value, ast.Tuple)
                and len(target.elts) == len(node.value.elts)
                else []
            )
            found = [(part, self.quietly(one, state)) for part, one in pairs]
            for part, one in found or [(target, value)]:
                self.bind(part, one, state)
        return state

    def _do_annassign(self, node: ast.AnnAssign, state: State) -> State:
        if node.value is not None:
            self.bind(node.target, self.visit(node.value, state), state)
        return state

    def _do_augassign(self, node: ast.AugAssign, state: State) -> State:
        self.need_value(node.value, self.visit(node.value, state), state)
        self.bind(node.target, None, state)
        return state

    def _do_return(self, node: ast.Return, state: State) -> None:
        if node.value is not None:
            self.truth(node.value, state)

    def _do_raise(self, node: ast.Raise, state: State) -> None:
        self._do_other(node, state)

    def _do_break(self, _node: ast.Break, state: State) -> None:
        self._loops[-1][0].append(state)

    def _do_continue(self, _node: ast.Continue, state: State) -> None:
        self._loops[-1][1].append(state)

    def _do_assert(self, node: ast.Assert, state: State) -> State:
        self.truth(node.test, state)
        return state.knowing(self.guards.learn(node.test, True, state))

    def _do_functiondef(self, node: ast.FunctionDef, state: State) -> State:
        inner = state.copy()
        names = [one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)]
        inner.names |= dict.fromkeys(names)
        loops, self._loops = self._loops, []
        self._block(node.body, inner)
        self._loops = loops
        state.names[node.name] = None
        for part in ast.walk(node):
            if isinstance(part, ast.Nonlocal):
                state.names |= dict.fromkeys(part.names)
        return state

    def _do_classdef(self, _node: ast.ClassDef, state: State) -> State:
        return state

    # -- Branches ----------------------------------------------------------------------------

    def _do_if(self, node: ast.If, state: State) -> State | None:
        self.truth(node.test, state)
        yes = self._block(node.body, state.knowing(self.guards.learn(node.test, True, state)))
        no = self._block(node.orelse, state.knowing(self.guards.learn(node.test, False, state)))
        return _joined(yes, no)

    def _do_match(self, node: ast.Match, state: State) -> State | None:
        subject = self.visit(node.subject, state)
        ends: list[State | None] = []
        here, complete = state, False
        for case in node.cases:
            inner = here.copy()
            inner.names |= dict.fromkeys(_captured(case.pattern))
            if case.guard is not None:
                self.truth(case.guard, inner)
                inner = inner.knowing(self.guards.learn(case.guard, True, inner))
            elif isinstance(case.pattern, ast.MatchSingleton) and case.pattern.value is None:
                here = here.knowing(facts_of(subject, "value"))
            elif isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None:
                complete = True
            if not _takes_none(case.pattern):
                inner = inner.knowing(facts_of(subject, "value", "number"))
            ends.append(self._block(case.body, inner))
        if not complete:
            ends.append(here)
        return _joined(*ends)

    def _do_try(self, node: ast.Try, state: State) -> State | None:
        caught = frozenset[str]().union(*(_caught(one) for one in node.handlers))
        before, self.caught = self.caught, self.caught | caught
        body = self._block(node.body, state.copy())
        self.caught = before
        if body is not None:
            body = self._block(node.orelse, body) if node.orelse else body
        ends = [body]
        for handler in node.handlers:
            inner = state.copy()
            if handler.name:
                inner.names[handler.name] = None
            ends.append(self._block(handler.body, inner))
        left = _joined(*ends)
        if node.finalbody:
            after = self._block(node.finalbody, left or state.copy())
            return after if left is not None else None
        return left

    _do_trystar = _do_try

    def _do_with(self, node: ast.With, state: State) -> State | None:
        caught: frozenset[str] = frozenset()
        for item in node.items:
            self.visit(item.context_expr, state)
            if item.optional_vars is not None:
                self.bind(item.optional_vars, None, state)
            if isinstance(item.context_expr, ast.Call):
                call = item.context_expr
                if ast.unparse(call.func).endswith("suppress"):
                    caught |= frozenset[str]().union(*(_named(one) for one in call.args))
        before, self.caught = self.caught, self.caught | caught
        left = self._block(node.body, state.copy())
        self.caught = before
        return _joined(left, state) if caught else left

    # -- Loops -------------------------------------------------------------------------------

    def _do_for(self, node: ast.For, state: State) -> State | None:
        items = items_of(node.iter, state, self.quietly)
        if items and len(items) <= _UNROLLED and isinstance(node.target, ast.Name):
            return self._unrolled(node, items, state)
        inner = _forgetting(node, state)
        self.bind_each(node.target, node.iter, inner)
        state.facts |= facts_of(self.quietly(node.iter, state), "value")
        return self._looped(node.body, inner, _forgetting(node, state), node.orelse)

    def _unrolled(self, node: ast.For, items: list[Any], state: State) -> State | None:
        """Go through the body once for each of a few values: each may be a field's name."""
        breaks: list[State] = []
        here: State | None = _forgetting(node, state)
        for item in items:
            if here is None:
                break
            here.names[ast.unparse(node.target)] = item
            turns: list[State] = []
            self._loops.append((breaks, turns))
            here = _joined(self._block(node.body, here), *turns)
            self._loops.pop()
        if here is not None and node.orelse:
            here = self._block(node.orelse, here)
        return _joined(here, *breaks)

    def _do_while(self, node: ast.While, state: State) -> State | None:
        inner = _forgetting(node, state)
        self.truth(node.test, inner)
        endless = isinstance(node.test, ast.Constant) and bool(node.test.value)
        known = self.guards.learn(node.test, True, inner)
        after = None if endless else inner.copy()
        return self._looped(node.body, inner.knowing(known), after, node.orelse)

    def _looped(
        self, body: list[ast.stmt], inner: State, after: State | None, orelse: list[ast.stmt]
    ) -> State | None:
        breaks: list[State] = []
        self._loops.append((breaks, []))
        self._block(body, inner)
        self._loops.pop()
        if after is not None and orelse:
            after = self._block(orelse, after)
        return _joined(after, *breaks)

    _do_asyncfor = _do_for


def _joined(*states: State | None) -> State | None:
    """Return what is known wherever one came from."""
    there = [state for state in states if state is not None]
    if not there:
        return None
    first, *others = there
    names = dict(first.names)
    facts = first.facts
    for other in others:
        names = {
            name: _either(names.get(name), other.names.get(name)) for name in {*names, *other.names}
        }
        facts &= other.facts
    return State(names, facts)


def _either(one: Any, other: Any) -> Any:
    if one == other:
        return one
    if isinstance(one, Seq) and isinstance(other, Seq) and one.item == other.item:
        return Seq(one.item, "", null=one.null or other.null, facts=one.facts & other.facts)
    return None


def _forgetting(node: ast.AST, state: State) -> State:
    """Return a state without what a loop sets: it may come from an earlier turn."""
    left = state.copy()
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            left.names[part.id] = None
    return left


def _own(tree: ast.FunctionDef) -> list[ast.AST]:
    """Return the parts of a function without those of functions inside it."""
    found: list[ast.AST] = []
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        found.append(node)
        if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            waiting.extend(ast.iter_child_nodes(node))
    return found


def _caught(handler: ast.ExceptHandler) -> frozenset[str]:
    return _CATCH_ALL if handler.type is None else _named(handler.type)


def _named(node: ast.expr) -> frozenset[str]:
    if isinstance(node, ast.Tuple):
        return frozenset[str]().union(*(_named(part) for part in node.elts))
    name = ast.unparse(node)
    return _MEANT.get(name, frozenset({name}))


def _captured(pattern: ast.pattern) -> list[str]:
    names = [getattr(node, "name", None) for node in ast.walk(pattern)]
    return [name for name in names if isinstance(name, str)]


def _takes_none(pattern: ast.pattern) -> bool:
    match pattern:
        case ast.MatchSingleton(value=None) | ast.MatchAs(pattern=None):
            return True
        case ast.MatchOr(patterns=parts):
            return any(map(_takes_none, parts))
    return False
