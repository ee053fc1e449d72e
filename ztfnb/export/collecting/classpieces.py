"""Classes of the author, with all that they use."""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from types import FunctionType
from typing import TYPE_CHECKING, Any

from ztfnb.export.collecting import statements
from ztfnb.export.collecting.home import Home
from ztfnb.export.collecting.pieces import Piece
from ztfnb.export.collecting.telling import makes
from ztfnb.filters import sources
from ztfnb.filters.libraries import is_library
from ztfnb.filters.usednames import globals_in

if TYPE_CHECKING:
    from ztfnb.export.collecting.gathering import Gathering


def class_piece(found: Gathering, name: str, kind: type, home: Home) -> Piece | None:
    """Return the piece that defines a class; None where that is refused."""
    if "<locals>" in kind.__qualname__:
        found.refuse(
            home.place(name),
            f"{kind.__name__} is a class made inside of a function; define it at the top of a cell",
        )
        return None
    home = Home(home.owner, _names_around(kind, home), home.nodes)
    outer, _, rest = kind.__qualname__.partition(".")
    if rest and isinstance(home.names.get(outer), type):
        return _inner_class(found, name, kind, outer, home)
    defined = sources.class_source(kind)
    if defined is None:
        return _made_class(found, name, kind, home)
    node, whole = defined
    for method in _replaced(kind, node):
        found.refuse(
            home.place(name),
            f"{kind.__name__}.{method} is not what stands in the class; write it there, and run "
            "the cell again",
        )
    own = Home(kind.__name__, home.names, (node,))
    place = statements.place_of(_file_of(kind, whole), node.lineno)
    piece = Piece(kind.__name__, lambda: statements.text_of(node, whole), place, fixed=True)
    found.keep(kind, piece)
    found.check_source(node, own)
    found.follow_node(node, own, piece)
    _follow_makers(found, kind, piece)
    return piece


def _follow_makers(found: Gathering, kind: type, piece: Piece) -> None:
    """Follow what bases do when a class of theirs is defined: at once, not when they are called."""
    for base in kind.__mro__[1:]:
        maker = vars(base).get("__init_subclass__")
        function = getattr(maker, "__func__", None)
        if isinstance(function, FunctionType) and not is_library(function.__module__):
            home = Home(function.__qualname__, function.__globals__)
            for name in sorted(globals_in(function.__code__)[0]):
                found.want_global(name, home)
                found.asked_at_once.append((piece, name))


def _replaced(kind: type, node: ast.ClassDef) -> list[str]:
    """Return the methods that a class was given after it was defined."""
    if node.decorator_list:
        return []  # what decorates a class may do that, and is taken along
    parts = [part for one in node.body for part in ast.walk(one)]
    told = {one.id for one in parts if isinstance(one, ast.Name)}
    defined = [one for one in parts if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    plain = {one.name for one in defined if one in node.body and not one.decorator_list}
    told |= {one.name for one in defined}
    return [
        name
        for name, one in vars(kind).items()
        if isinstance(one, FunctionType) and not is_library(one.__module__)
        if not one.__code__.co_filename.startswith("<")  # as of a data class
        if name not in told or (name in plain and one.__qualname__ != f"{kind.__qualname__}.{name}")
    ]


def _inner_class(found: Gathering, name: str, kind: type, outer: str, home: Home) -> Piece | None:
    """Return the piece that gives a class of a class a name of its own."""
    around = found.want(outer, home.names[outer], home)
    if around is None:
        return None
    piece = Piece(name, str, around.place, needs=[around])
    inner = kind.__qualname__.removeprefix(outer)
    piece.write = lambda: f"{piece.name} = {around.name}{inner}"
    found.keep(kind, piece)
    return piece


def _made_class(found: Gathering, name: str, kind: type, home: Home) -> Piece | None:
    """Return the statement that made a class by a call, as of `collections.namedtuple`."""
    from ztfnb.export.collecting.valuepieces import statement_piece  # noqa: PLC0415 - it follows classes

    for one in list(statements.bindings(home.names, name))[:1]:
        if makes(one.node, name, kind, home.names):
            return statement_piece(found, name, kind, one, home)
    found.refuse(
        home.place(name),
        f"the source of the class {name} is not to be had; define it in a cell or a file, not by "
        "exec",
    )
    return None


def _names_around(kind: type, home: Home) -> Mapping[str, Any]:
    """Return the globals of the cell or module that defines a class."""
    if home.module == kind.__module__:
        return home.names
    for each in vars(kind).values():
        if isinstance(each, FunctionType) and each.__globals__["__name__"] == kind.__module__:
            return each.__globals__
    return vars(sys.modules[kind.__module__]) if kind.__module__ in sys.modules else home.names


def _file_of(kind: type, whole: str) -> str:
    codes = [each.__code__ for each in vars(kind).values() if isinstance(each, FunctionType)]
    files = [code.co_filename for code in codes if not code.co_filename.startswith("<")]
    if files:
        return files[0]
    # A class without methods does not know its cell.
    module = getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
    return next((file for file, text in sources.cells() if text == whole), module)
