"""The names of a function: what is assigned to them, how they are used, what they stand for."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Collection, Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

from ztfnb.filters.bindings import Binding, bindings_of, names_bound, own, parameters
from ztfnb.filters.decision import merged, passes
from ztfnb.filters.filter import Filter

_UNKNOWN = object()
_NO_OUTCOME = (ast.Dict, ast.List, ast.Tuple, ast.Set, ast.JoinedStr, ast.Constant)
_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)

Plain = Callable[..., Any]


class Scope:
    """One function, as the conditions in it are looked for.

    Parameters
    ----------
    tree
        The function, or one that is nested in it.
    function
        The outermost function: it knows globals and closure.
    indent
        Columns before its text.
    entering
        The thresholds that enter names from outside.
    local
        Names of the functions around it.
    root
        The outermost function's tree.
    """

    def __init__(
        self,
        tree: ast.FunctionDef,
        function: FunctionType,
        *,
        indent: int,
        entering: Mapping[str, frozenset[str]],
        local: frozenset[str] = frozenset(),
        root: ast.FunctionDef | None = None,
    ) -> None:
        self.tree = tree
        self.root = root or tree
        self.function = function
        self.indent = indent
        bindings = list(bindings_of(tree))
        self._local = local | {one.name for one in bindings} | parameters(tree)
        self._entering = _spread(entering, bindings)
        by_name: dict[str, list[Binding]] = {}
        for one in bindings:
            by_name.setdefault(one.name, []).append(one)
        free = parameters(tree) | _nonlocals(tree)
        simple = {
            name: [one.value for one in found if one.value is not None]
            for name, found in by_name.items()
            if name not in free and all(one.simple and one.value is not None for one in found)
        }
        leaves = list(_leaves(tree, simple))
        used = {one.id for one in leaves if isinstance(one, ast.Name)}
        self.nested = {name for name in by_name if self._called_only(name, by_name, leaves)}
        """Nested functions of which every use is a call whose truth counts."""
        self.assigned: set[str] = set()
        """Names of conditions, that are used later."""
        self.assigned |= {
            name
            for name, values in simple.items()
            if all(
                isinstance(value, ast.Compare)
                or (name in used and self.decides(value, among=simple.keys() & used))
                for value in values
            )
        }
        self.notes = {
            name
            for name, all_of_it in by_name.items()
            if all(isinstance(one.value, ast.Dict | ast.DictComp) for one in all_of_it)
        } - free
        """Names of annotations: they always pass."""

    def inner(self, tree: ast.FunctionDef) -> Scope:
        """Return the scope of a function nested in this one."""
        hidden = parameters(tree)
        entering = {name: found for name, found in self._entering.items() if name not in hidden}
        return Scope(tree, self.function, indent=self.indent, entering=entering, local=self._local)

    def entering(self, node: ast.AST) -> frozenset[str]:
        """Return the thresholds that enter a part of the function."""
        return _entering(node, self._entering)

    def decides(  # noqa: PLR0911 - one for each kind of node
        self, node: ast.expr, among: Collection[str] | None = None
    ) -> bool:
        """Return whether an expression is made of conditions, rather than being a value."""
        match node:
            case ast.Compare() | ast.UnaryOp(op=ast.Not()):
                return True
            case ast.BoolOp(values=values):
                last = values[-1]
                odd = isinstance(last, _NO_OUTCOME) and not (
                    isinstance(last, ast.Constant) and isinstance(last.value, bool)
                )
                return not odd and any(self.decides(one, among) for one in values)
            case ast.IfExp(body=body, orelse=orelse):
                return self.decides(body, among) or self.decides(orelse, among)
            case ast.NamedExpr(value=value):
                return self.decides(value, among)
            case ast.Name(id=name):
                return name in (self.assigned if among is None else among)
            case ast.Call(func=ast.Name() as func, args=[one], keywords=[]) if self.is_truth(func):
                return self.decides(one, among)
            case ast.Call(func=ast.Name(id=name)) if name in self.nested:
                return True
            case ast.Call(func=func):
                return self.helper(func) is not None
        return False

    def is_truth(self, node: ast.expr) -> bool:
        """Return whether a name is that of a function that takes the truth of one value."""
        found = self.resolve(node)
        return found is bool or found is passes

    def is_merged(self, node: ast.expr) -> bool:
        """Return whether a call merges annotations: that always passes."""
        return isinstance(node, ast.Call) and self.resolve(node.func) is merged

    def helper(self, node: ast.expr) -> Any:
        """Return the function or filter that an expression stands for, None if it is no such."""
        found = self.resolve(node)
        if type(found) is Filter:
            return found
        return found if type(found) is FunctionType else None

    def resolve(self, node: ast.expr) -> Any:
        """Return the global, or the attribute of a module, that an expression stands for."""
        match node:
            case ast.Name(id=name) if name not in self._local:
                return look_up(self.function, name)
            case ast.Attribute(value=value, attr=attr):
                module = self.resolve(value)
                if isinstance(module, ModuleType):
                    return vars(module).get(attr, _UNKNOWN)
        return _UNKNOWN

    def _called_only(
        self, name: str, by_name: Mapping[str, list[Binding]], leaves: list[ast.expr]
    ) -> bool:
        defined = [one for one in own(self.tree) if isinstance(one, ast.FunctionDef)]
        found = [one for one in defined if one.name == name]
        if len(found) != 1 or len(by_name[name]) != 1 or found[0].decorator_list:
            return False
        if any(isinstance(one, ast.Yield | ast.YieldFrom) for one in ast.walk(found[0])):
            return False
        calls = {one.func for one in leaves if isinstance(one, ast.Call)}
        uses = [one for one in ast.walk(self.tree) if isinstance(one, ast.Name) and one.id == name]
        return bool(uses) and all(use in calls for use in uses)


def look_up(function: FunctionType, name: str) -> Any:
    """Return what a name that is not local stands for in a function, as it is now."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    if name in cells:
        try:
            return cells[name].cell_contents
        except ValueError:
            return _UNKNOWN
    return function.__globals__.get(name, getattr(builtins, name, _UNKNOWN))


def compared(tree: ast.FunctionDef, thresholds: frozenset[str]) -> dict[str, list[ast.Compare]]:
    """Return the comparisons that each threshold enters, if it does nothing but be compared.

    A threshold is left out if one use of it is anything else than to stand alone on one side of a
    single comparison, with no threshold on the other side; in a loop, a comprehension or a nested
    function; or if it is assigned.
    """
    found: dict[str, list[ast.Compare]] = {name: [] for name in thresholds}
    for one in own(tree, loops=False):
        match one:
            case ast.Compare(left=left, ops=[op], comparators=[right]) if isinstance(op, _ORDERS):
                for side, other in ((left, right), (right, left)):
                    if isinstance(side, ast.Name) and side.id in thresholds:
                        names = {each.id for each in ast.walk(other) if isinstance(each, ast.Name)}
                        if not names & thresholds:
                            found[side.id].append(one)
    everywhere = list(ast.walk(ast.Module(tree.body, [])))
    rebound = {name for one in everywhere for name in names_bound(one)}
    for name in thresholds:
        uses = sum(isinstance(one, ast.Name) and one.id == name for one in everywhere)
        if name in rebound or uses != len(found[name]):
            del found[name]
    return found


def _nonlocals(tree: ast.FunctionDef) -> frozenset[str]:
    found = (one for one in ast.walk(tree) if isinstance(one, ast.Nonlocal | ast.Global))
    return frozenset(name for one in found for name in one.names)


def _leaves(  # noqa: C901, PLR0912 - one for each kind of node
    tree: ast.FunctionDef, simple: Mapping[str, list[ast.expr]]
) -> Iterator[ast.expr]:
    """Yield the expressions whose truth counts, outside of loops; also by way of a name."""
    waiting: list[ast.expr] = []
    for one in own(tree, loops=False):
        match one:
            case ast.If(test=test) | ast.Assert(test=test) | ast.IfExp(test=test):
                waiting.append(test)
            case ast.Return(value=ast.expr() as value):
                waiting.append(value)
            case ast.match_case(guard=ast.expr() as guard):
                waiting.append(guard)
    followed: set[str] = set()
    while waiting:
        match waiting.pop():
            case ast.BoolOp(values=values):
                waiting += values
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                waiting.append(operand)
            case ast.IfExp(body=body, orelse=orelse):
                waiting += [body, orelse]
            case ast.NamedExpr(value=value):
                waiting.append(value)
            case ast.Call(func=ast.Name(id="bool" | "passes"), args=[one], keywords=[]):
                waiting.append(one)
            case ast.Name(id=name) as leaf:
                yield leaf
                if name in simple and name not in followed:
                    followed.add(name)
                    waiting += simple[name]
            case leaf:
                yield leaf


def _entering(node: ast.AST, known: Mapping[str, frozenset[str]]) -> frozenset[str]:
    names = (one.id for one in ast.walk(node) if isinstance(one, ast.Name))
    return frozenset().union(*(known[name] for name in names if name in known))


def _spread(
    entering: Mapping[str, frozenset[str]], bindings: list[Binding]
) -> dict[str, frozenset[str]]:
    """Return the thresholds that enter each name, by way of what is assigned to it too."""
    found = dict(entering)
    changed = bool(found)
    while changed:
        changed = False
        for one in bindings:
            if one.value is None:
                continue
            more = _entering(one.value, found)
            if more - found.get(one.name, frozenset()):
                found[one.name] = found.get(one.name, frozenset()) | more
                changed = True
    return found
