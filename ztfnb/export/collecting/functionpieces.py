"""Helpers: functions with all that they use, and what was made of functions."""

from __future__ import annotations

import ast
import builtins
import inspect
import re
from types import FunctionType
from typing import TYPE_CHECKING, Any

from ztfnb.export.collecting import statements
from ztfnb.export.collecting.home import Home
from ztfnb.export.collecting.pieces import Piece
from ztfnb.export.collecting.telling import is_plain_other, names_read
from ztfnb.filters import sources
from ztfnb.filters.libraries import is_library
from ztfnb.filters.usednames import globals_in

if TYPE_CHECKING:
    from ztfnb.export.collecting.gathering import Gathering

_TOLD_ELSEWHERE = frozenset({"get_ipython", "display", "__file__"})


def function_piece(found: Gathering, name: str, function: FunctionType, home: Home) -> Piece | None:
    """Return the piece that defines a helper; None where that is refused."""
    from ztfnb.export.collecting.valuepieces import statement_piece  # noqa: PLC0415 - it follows functions

    inner = inspect.unwrap(function)
    if inner is not function and inner.__globals__.get(inner.__name__) is function:
        home, name = Home(name, inner.__globals__), inner.__name__
    elif home.names.get(name) is not function or not _is_made(function):
        return _definition(found, name, function, home)
    for number, one in enumerate(statements.bindings(home.names, name)):
        if statements.makes_function(one, function, latest=number == 0):
            return statement_piece(found, name, function, one, home)
    if is_library(function.__module__):
        found.refuse(
            home.place(name),
            f"{name} is made by {function.__module__}, and no statement of a cell makes it; "
            f"write {name} = ... at the top of a cell",
        )
        return None
    return _definition(found, name, function, home)


def _is_made(function: FunctionType) -> bool:
    """Return whether a function was made by another one, or has no name of its own."""
    return (
        inspect.unwrap(function) is not function
        or function.__name__ == "<lambda>"
        or "<locals>" in function.__qualname__
        or is_library(function.__module__)
    )


def _definition(found: Gathering, name: str, function: FunctionType, home: Home) -> Piece | None:
    """Return the function's own ``def``; what it closes over becomes constants."""
    defined = sources.definition_of(function)
    if defined is None:
        anew = (
            "write it with def and a name"
            if function.__name__ == "<lambda>"
            else ("define it in a cell or a file, not by exec or under %%time")
        )
        found.refuse(home.place(name), f"the source of {name} is not to be had; {anew}")
        return None
    node, whole = defined
    held = ", ".join(sorted(set(vars(function)) - {"__wrapped__"}))
    if held:
        found.refuse(
            home.place(name),
            f"{name} has attributes ({held}) that its source does not give it; make them constants",
        )
    file = function.__code__.co_filename
    piece = Piece(node.name, str, statements.place_of(file, node.lineno))
    piece.write = lambda: _renamed(
        statements.text_of(node, whole, decorators=False), node.name, piece.name
    )
    found.keep(function, piece)
    follow_function(found, function, node, piece)
    return piece


def _renamed(text: str, old: str, new: str) -> str:
    """Return the text of a function under another name."""
    return re.sub(rf"^(def\s+){old}\b", rf"\g<1>{new}", text, count=1, flags=re.MULTILINE)


def follow_function(found: Gathering, function: FunctionType, node: ast.AST, piece: Piece) -> None:
    """Follow every name that a function does not give a value itself."""
    home = Home(function.__name__, function.__globals__, (node,))
    found.check_source(node, home)
    code = function.__code__
    read, written = globals_in(code)
    cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
    _follow_defaults(found, function, node, piece, home)
    # A class inside of a function reads the name of its module by itself.
    own = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    inner = _names_of_classes(node)
    for name in sorted((read | cells.keys()) - written):
        if name.startswith("__") and name not in own:
            continue
        if name in _TOLD_ELSEWHERE - cells.keys():
            continue
        need = None
        if name in cells:
            try:
                need = found.want(name, cells[name].cell_contents, home)
            except ValueError:  # an empty cell
                found.refuse(home.place(name), _undefined(name))
        elif name in home.names:
            need = found.want(name, home.names[name], home)
        elif not hasattr(builtins, name) and name not in inner:
            found.refuse(home.place(name), _undefined(name))
        piece.uses += [] if need is None else [need]
    found.follow_imports(node, home)


def _undefined(name: str) -> str:
    return f"{name} is not defined; run the cell that does"


def _follow_defaults(
    found: Gathering, function: FunctionType, node: ast.AST, piece: Piece, home: Home
) -> None:
    """Follow what the defaults of a function are made of; they were made long ago."""
    for expression, value in _defaults(function, node):
        if isinstance(expression, ast.Name):
            needs = [found.want(expression.id, value, home)]
        elif is_plain_other(expression, value, home.names):
            found.refuse(
                home.line(expression.lineno),
                f"the default {ast.unparse(expression)} was {value!r} when this was run, and is "
                "not now; run the cell again",
            )
            continue
        else:
            names = names_read(ast.Expr(expression))[0]
            needs = [found.want_global(name, home) for name in sorted(names)]
        piece.needs += [one for one in needs if one is not None]


def _defaults(function: FunctionType, node: ast.AST) -> list[tuple[ast.expr, Any]]:
    """Return the defaults of a function, as they are written and as they are."""
    given = getattr(node, "args", None)
    if not isinstance(given, ast.arguments):
        return []
    live = function.__defaults__ or ()
    pairs = list(zip(given.defaults[len(given.defaults) - len(live) :], live, strict=True))
    keywords = function.__kwdefaults__ or {}
    for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        if default is not None and one.arg in keywords:
            pairs.append((default, keywords[one.arg]))
    return pairs


def _names_of_classes(node: ast.AST) -> set[str]:
    """Return the names that classes inside of a function give values."""
    return {
        name
        for one in ast.walk(node)
        if isinstance(one, ast.ClassDef)
        for each in one.body
        for name in statements.bound_by(each)
    }
