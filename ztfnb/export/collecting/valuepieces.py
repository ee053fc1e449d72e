"""Constants and objects: as their author wrote them, or as they are now."""

from __future__ import annotations

import ast
import inspect
import os
from types import FunctionType
from typing import TYPE_CHECKING, Any

from ztfnb.export.collecting import statements
from ztfnb.export.collecting.credentials import secret_in, told_of
from ztfnb.export.collecting.functionpieces import follow_function
from ztfnb.export.collecting.home import Home
from ztfnb.export.collecting.pieces import Piece
from ztfnb.export.collecting.spelled import NotSpelledError, spell
from ztfnb.export.collecting.telling import makes, says
from ztfnb.export.collecting.untakable import file_named
from ztfnb.filters.constants import UnseenError, canonical

if TYPE_CHECKING:
    from ztfnb.export.collecting.gathering import Gathering


def value_piece(found: Gathering, name: str, value: Any, home: Home) -> Piece | None:
    """Return the piece that gives a name its value; None where that is refused."""
    place = home.place(name)
    if file_named(value):
        found.refuse(
            place,
            f"{name} is the path of a file that is not where the filter runs; declare it: "
            f'@ztfnb.filter(files={{"{name}": {str(value)!r}}})',
        )
        return None
    if _refuse_secrets(found, name, value, place):
        return None
    written = list(statements.bindings(home.names, name))
    for one in written:
        if says(one.node, value, home.names):
            return statement_piece(found, name, value, one, home, constant=True)
    there = (written[0].file, written[0].node.lineno) if written else ("", 0)
    piece = Piece(name, str, statements.place_of(*there), constant=True)

    def reference(one: Any) -> str:
        if one is value:
            raise NotSpelledError(
                f"is a {type(value).__qualname__}, which no source text makes again"
            )
        return found.reference(one, home, piece)

    try:
        spell(value, lambda module: module, reference)
    except NotSpelledError as error:
        for one in written[:1]:
            if makes(one.node, name, value, home.names):
                return statement_piece(found, name, value, one, home)
        found.refuse(place, f"{name} {error}{_way_out(name, value)}")
        return None
    piece.write = lambda: f"{piece.name} = {spell(value, found.name_of_module, reference)}"
    piece.constant = not piece.needs
    _keep(found, name, value, piece)
    return piece


def statement_piece(
    found: Gathering,
    name: str,
    value: Any,
    statement: statements.Statement,
    home: Home,
    *,
    constant: bool = False,
) -> Piece:
    """Return the author's own statement as a piece, and follow what it uses."""
    node = statement.node
    own = Home(name, home.names, (node,))
    place = statements.place_of(statement.file, node.lineno)
    piece = Piece(name, lambda: statement.text, place, constant=constant, fixed=True)
    _keep(found, name, value, piece)
    found.check_source(node, own)
    inner = inspect.unwrap(value) if callable(value) else None
    function = isinstance(inner, FunctionType) and isinstance(node, ast.FunctionDef)
    if isinstance(inner, FunctionType) and isinstance(node, ast.FunctionDef):
        follow_function(found, inner, node, piece)
    # Of a decorated function only the decorators are left.
    found.follow_node(node, own, piece, inside=not function)
    piece.constant = constant and all(one.constant for one in piece.needs)
    return piece


def _keep(found: Gathering, name: str, value: Any, piece: Piece) -> None:
    """Note a piece: equal constants of two names are two, other objects are one."""
    try:
        canonical(value)
    except UnseenError:
        found.keep(value, piece)
    else:
        found.pieces["constant", name] = piece


def _refuse_secrets(found: Gathering, name: str, value: Any, place: str) -> bool:
    """Refuse secrets in a value, and say whether there are any."""
    match value:
        case dict():
            pairs = [(key if isinstance(key, str) else name, one) for key, one in value.items()]
        case list() | tuple() | set() | frozenset():
            pairs = [(name, one) for one in value]
        case str() | bytes():
            if kind := secret_in(name, value, os.environ):
                found.refuse(place, told_of(name, kind))
            return kind is not None
        case _:
            return False
    # Each is told, not the first alone.
    return bool(sum(_refuse_secrets(found, own, one, place) for own, one in pairs))


def _way_out(name: str, value: Any) -> str:
    if hasattr(value, "dtype"):
        return f' and declare it: @ztfnb.filter(files={{"{name}": "{name}.npy"}}, setup=load)'
    return (
        f"; make it in a function and declare that: @ztfnb.filter(setup=function), with {name} as "
        "a parameter of the filter"
    )
