"""Where the names of a function get their values."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

_INNER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Binding(NamedTuple):
    """One place where a name gets a value."""

    name: str
    value: ast.expr | None
    """What it, or a part of which, is assigned."""
    simple: bool
    """Whether it is assigned as a whole, outside of a loop."""


def parameters(tree: ast.FunctionDef) -> frozenset[str]:
    """Return the names of a function's parameters."""
    given = tree.args
    return frozenset(
        one.arg
        for one in (
            *given.posonlyargs, *given.args, *given.kwonlyargs,
            *filter(None, (given.vararg, given.kwarg)),
        )
    )  # fmt: skip


def names_bound(node: ast.AST) -> list[str]:  # noqa: PLR0911 - one for each kind of node
    """Return the names that a node binds, or declares, as no Name does."""
    match node:
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            return names
        case ast.alias(name=name, asname=asname):
            return [asname or name.partition(".")[0]]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return [name]
        case ast.ClassDef(name=name) | ast.arg(arg=name):
            return [name]
        case ast.ExceptHandler(name=str() as name):
            return [name]
        case ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name):
            return [name]
        case ast.MatchMapping(rest=str() as name):
            return [name]
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return [name]
    return []


def own(tree: ast.AST, *, loops: bool = True) -> Iterator[ast.AST]:
    """Yield the nodes of a function's body, those of functions and comprehensions in it not.

    Without loops, nodes that run more than once are left out too.
    """
    body = tree.body if isinstance(tree, ast.FunctionDef) else ast.iter_child_nodes(tree)
    for child in body:
        yield child
        if isinstance(child, (*_INNER, *_COMPREHENSIONS)):
            continue
        if not loops and isinstance(child, ast.For | ast.While):
            once = [child.iter] if isinstance(child, ast.For) else []
            for part in (*once, *child.orelse):
                yield part
                if not isinstance(part, (*_INNER, *_COMPREHENSIONS)):
                    yield from own(part, loops=False)
            continue
        yield from own(child, loops=loops)


def bindings_of(  # noqa: C901, PLR0912 - one for each kind of node
    tree: ast.AST, *, loop: bool = False
) -> Iterator[Binding]:
    """Yield each place in the body of a function where one of its names gets a value."""
    body = tree.body if isinstance(tree, ast.FunctionDef) else ast.iter_child_nodes(tree)
    for child in body:
        match child:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield Binding(child.name, None, simple=False)
                continue
            case ast.Lambda():
                continue
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                for one in ast.walk(child):
                    if isinstance(one, ast.NamedExpr):
                        yield Binding(one.target.id, one.value, simple=False)
                continue
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield Binding(name, value, simple=not loop)
                yield from bindings_of(ast.Expr(value), loop=loop)
                continue
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield Binding(name, value, simple=not loop)
                yield from bindings_of(ast.Expr(value), loop=loop)
                continue
            case ast.Assign(targets=targets, value=value):
                yield from _stored(ast.Tuple(targets), value)
            case (
                ast.AugAssign(target=target, value=value)
                | ast.NamedExpr(target=target, value=value)
            ):
                yield from _stored(target, value)
            case ast.For(target=target, iter=value):
                yield from _stored(target, value)
            case ast.withitem(optional_vars=ast.expr() as target, context_expr=value):
                yield from _stored(target, value)
            case ast.Name():
                pass
            case _:
                for name in names_bound(child):
                    yield Binding(name, None, simple=False)
        yield from bindings_of(child, loop=loop or isinstance(child, ast.For | ast.While))


def _stored(target: ast.expr, value: ast.expr) -> Iterator[Binding]:
    for one in ast.walk(target):
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
            yield Binding(one.id, value, simple=False)
