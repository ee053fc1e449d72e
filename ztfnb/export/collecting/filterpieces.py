"""The filters of a bundle: the one that is exported, those that it calls, those it is made of."""

from __future__ import annotations

import ast
import inspect
import sys
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING

from ztfnb.errors import ExportError
from ztfnb.export.collecting import statements
from ztfnb.export.collecting.functionpieces import follow_function
from ztfnb.export.collecting.home import Home
from ztfnb.export.collecting.pieces import Piece
from ztfnb.export.collecting.spelled import NotSpelledError
from ztfnb.export.collecting.telling import names_read
from ztfnb.filters import sources
from ztfnb.filters.filter import Filter

if TYPE_CHECKING:
    from ztfnb.export.collecting.gathering import Gathering

_BEHIND = (sys.maxsize, "", 0)
"""Where combinations stand: after what they are made of."""


def filter_piece(found: Gathering, made: Filter) -> Piece:
    """Return the piece of a filter that another one uses, with its thresholds as they are set."""
    if id(made) in found.pieces:
        return found.pieces[id(made)]
    base = filter_definition(found, made)
    defaults = {one.name: one.default for one in made.thresholds}
    other = {name: value for name, value in made.params.items() if defaults[name] != value}
    if not other and not base.claimed:
        base.claimed = True
        found.keep(made, base)
        return base
    piece = Piece(f"{made.name}_as_set", str, base.place, needs=[base])
    set_so = ", ".join(f"{name}={value!r}" for name, value in other.items())
    piece.write = lambda: f"{piece.name} = {base.name}.with_params({set_so})"
    found.keep(made, piece)
    return piece


def filter_definition(found: Gathering, made: Filter) -> Piece:
    """Return the piece that defines a filter, with the thresholds that its source has."""
    function = made.function
    if ("filter", id(function)) in found.pieces:
        return found.pieces["filter", id(function)]
    piece = Piece(made.name, str, statements.place_of(made.code.file, made.code.line))
    found.pieces["filter", id(function)] = piece
    if made.parts:
        _combine(found, made, piece)
    elif not _import(found, made, piece) and isinstance(function, FunctionType):
        follow_function(found, function, made.code.tree, piece)
        _follow_annotations(found, made, piece)
        options = _options(found, made, piece)
        above = _comments_above(function)

        def write() -> str:
            decorator = f"{found.name_of_module('ztfnb')}.filter{options}"
            plain = found.pieces.get(id(function))
            if plain is not None:  # the function itself is called too
                return f"{piece.name} = {decorator}({plain.name})"
            # A filter is known by the name of its function: that stays.
            other = "" if piece.name == made.name else f"\n{piece.name} = {made.name}"
            return f"{above}@{decorator}\n{made.code.text}{other}"

        if id(function) not in found.pieces:
            piece.keeps = made.name

        piece.write = write
    return piece


def _import(found: Gathering, made: Filter, piece: Piece) -> bool:
    """Leave a filter in its module, if that is to be; return whether it is so."""
    name = str(made.function.__module__)
    known = getattr(sys.modules.get(name), made.name, None)
    if name not in found.whole or not isinstance(known, Filter):
        return False
    found.imports.add(made.name, f"from {name} import {made.name}")
    found.modules.add(name, made.name)
    found.bind(made.name, made, Home(made.name, {"__name__": name}))
    piece.imported = True
    return True


def _combine(found: Gathering, made: Filter, piece: Piece) -> None:
    """Make a combination again from its parts: ``a & b``."""
    parts = [filter_piece(found, part) for part in made.parts]
    sign = _sign_of(made)
    piece.needs += parts
    piece.place = _BEHIND

    def write() -> str:
        names = [one.name for one in parts]
        return f"{piece.name} = {f' {sign} '.join(names) if len(names) > 1 else sign + names[0]}"

    piece.write = write


def _sign_of(made: Filter) -> str:
    """Return how a combination was made."""
    if len(made.parts) == 1:
        again = {"~": ~made.parts[0]}
    else:
        first, second = made.parts
        again = {"&": first & second, "|": first | second}
    for sign, one in again.items():
        if one.source == made.source:
            return sign
    raise ExportError(
        f"{made.name} was combined by another version of ztfnb; combine its parts again"
    )


def _follow_annotations(found: Gathering, made: Filter, piece: Piece) -> None:
    """Follow what the ranges of thresholds are made of: `ztfnb.filter` reads them at once."""
    function = made.function
    closed = inspect.getclosurevars(function).nonlocals
    home = Home(made.name, function.__globals__, (made.code.tree,))
    for one in made.code.tree.args.kwonlyargs:
        if one.annotation is None:
            continue
        if isinstance(one.annotation, ast.Constant) and isinstance(one.annotation.value, str):
            found.refuse(
                home.line(one.lineno),
                f"the annotation of {one.arg} is a text; write it without quotes",
            )
        for name in sorted(names_read(ast.Expr(one.annotation))[0]):
            need = (
                found.want(name, closed[name], home)
                if name in closed
                else found.want_global(name, home)
            )
            piece.needs += [need] if need is not None else []


def _options(found: Gathering, made: Filter, piece: Piece) -> str:
    """Return what the decorator is given: data files in the bundle, and the setup."""
    given = {name: _file(found, name, one.path) for name, one in made.provided.files.items()}
    stated = [f"files={given!r}"] if given else []
    if made.setup is not None:
        home = Home(made.name, made.function.__globals__)
        try:
            stated.append(f"setup={found.reference(made.setup, home, piece)}")
        except NotSpelledError:
            found.refuse(made.name, "its setup has no name; write it with def and a name")
    return f"({', '.join(stated)})" if stated else ""


def _file(found: Gathering, name: str, path: Path) -> str:
    """Return where a data file lies in the bundle."""
    number = len(found.files)
    for place in (path.name, f"{name}_{path.name}", f"{number}_{path.name}"):
        if found.files.setdefault(f"data/{place}", path) == path:
            return f"data/{place}"
    raise ExportError(f"{path}: expected less than {number} data files")


def _comments_above(function: FunctionType) -> str:
    """Return the comments right above a filter."""
    defined = sources.definition_of(function)
    lines = statements.text_of(*defined).splitlines(keepends=True) if defined else []
    count = next((at for at, line in enumerate(lines) if not line.startswith("#")), 0)
    return "".join(lines[:count])
