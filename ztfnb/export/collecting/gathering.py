"""Follow a filter's names to all that it needs, and note what cannot leave the notebook."""

from __future__ import annotations

import ast
import builtins
import itertools
import os
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from ztfnb.export.collecting.classpieces import class_piece
from ztfnb.export.collecting.credentials import secrets_in, told_of
from ztfnb.export.collecting.filterpieces import filter_piece
from ztfnb.export.collecting.forbidden import forbidden_in
from ztfnb.export.collecting.functionpieces import function_piece
from ztfnb.export.collecting.home import Home
from ztfnb.export.collecting.imports import Imports, import_of, submodules_of
from ztfnb.export.collecting.modules import Modules, imported_by, is_there
from ztfnb.export.collecting.pieces import Piece
from ztfnb.export.collecting.spelled import NotSpelledError
from ztfnb.export.collecting.telling import names_read
from ztfnb.export.collecting.untakable import why_not
from ztfnb.export.collecting.valuepieces import value_piece
from ztfnb.filters.constants import UnseenError, canonical
from ztfnb.filters.filter import Filter
from ztfnb.filters.usednames import chains_in

_OWN = frozenset({"FILTER"})
"""Names that ``filter.py`` has for itself."""


class CollisionError(Exception):
    """Two things of one name, one of which may stay in its module."""

    def __init__(self, module: str) -> None:
        self.module = module
        super().__init__(module)


class Gathering:
    """All that one ``filter.py`` holds.

    Parameters
    ----------
    whole
        Modules that are imported, nothing copied from them, since names in them collide with
        others.
    """

    def __init__(self, whole: frozenset[str] = frozenset()) -> None:
        self.whole = whole
        self.refusals: dict[str, None] = {}
        self.imports = Imports()
        self.modules = Modules(self.refuse)
        self.files: dict[str, Path] = {}
        """Where each data file lies now, by its path in the bundle."""
        self.pieces: dict[Any, Piece] = {}
        """By the identity of what they define."""
        self.asked_at_once: list[tuple[Piece, str]] = []
        """Names that a piece needs, of which the pieces may not yet be whole."""
        self._bound: dict[str, tuple[Any, str]] = {}
        self._by_name: dict[str, Piece] = {}
        self._kept: list[Any] = []

    def refuse(self, place: str, reason: str) -> None:
        """Note what cannot be exported."""
        self.refusals[f"{place}: {reason}"] = None

    def keep(self, value: Any, piece: Piece) -> None:
        """Note the piece that defines a value."""
        self._kept.append(value)  # so that its identity stays its own
        self.pieces[id(value)] = piece

    def bind(self, name: str, value: Any, home: Home) -> bool:
        """Take a name; return whether it was free.

        Raises
        ------
        CollisionError
            If it stands for something else, which may stay in its module.
        """
        if name not in self._bound:
            self._bound[name] = (value, home.module)
            return True
        known, module = self._bound[name]
        if not _same(known, value):
            for each in (home.module, module):
                if each != "__main__" and each not in self.whole and is_there(each):
                    raise CollisionError(each)
            self.refuse(
                home.place(name),
                f"{name} stands for two different values in what is exported; give one of them "
                "another name, or run the cells again that define what uses it",
            )
        return False

    def want(self, name: str, value: Any, home: Home) -> Piece | None:
        """Note that a name is used, and all that its value needs; return the piece, if it is one.

        What is imported, or refused, is none.
        """
        if name in _OWN or (name.startswith("__") and name.endswith("__")):
            if name != "__file__":  # which is told of elsewhere
                self.refuse(home.place(name), f"{name} is another in filter.py; use another name")
            return None
        if not self.bind(name, value, home):
            return self._by_name.get(name)
        piece = self._piece(name, value, home)
        if piece is not None:
            piece.wanted[name] = None
            self._by_name[name] = piece
        return piece

    def want_global(self, name: str, home: Home) -> Piece | None:
        """Follow a name if it is a global."""
        if name in home.names and not name.startswith("__"):
            return self.want(name, home.names[name], home)
        return None

    def _piece(  # noqa: PLR0911 - one for each kind
        self, name: str, value: Any, home: Home
    ) -> Piece | None:
        place = home.place(name)
        if (reason := why_not(name, value)) is not None:
            self.refuse(place, reason)
            return None
        if id(value) in self.pieces:
            return self.pieces[id(value)]
        copied = isinstance(value, Filter) and value.function.__module__ not in self.whole
        line = None if copied else import_of(name, value, home.names, self.whole)
        if line is not None:
            self._import(name, line, place, home)
            return None
        match value:
            case ModuleType():
                self._own_module(name, value, place)
                return None
            case Filter():
                return filter_piece(self, value)
            case FunctionType():
                return function_piece(self, name, value, home)
            case type():
                return class_piece(self, name, value, home)
        return value_piece(self, name, value, home)

    def _import(self, name: str, line: str, place: str, home: Home) -> None:
        self.imports.add(name, line)
        for module, *_ in imported_by(ast.parse(line)):
            self.modules.add(module, place)
        chains = {".".join(chain) for chain in chains_in(home.nodes) if chain[0] == name}
        for module in set(submodules_of(home.names)):
            if any(f"{chain}.".startswith(f"{module}.") for chain in chains):
                self.imports.add_submodule(module)
                self.modules.add(module, place)

    def _own_module(self, name: str, module: ModuleType, place: str) -> None:
        if not is_there(module.__name__):
            self.refuse(
                place,
                f"{name} is a module that stands in no file; write it to {module.__name__}.py "
                "beside the notebook",
            )
            return
        parent, _, last = module.__name__.rpartition(".")
        known = f" as {name}" if name != last else ""
        line = f"from {parent} import {last}{known}" if parent else f"import {last}{known}"
        self.imports.add(name, line)
        self.modules.add(module.__name__, place)

    def follow_node(self, node: ast.stmt, home: Home, piece: Piece, *, inside: bool = True) -> None:
        """Follow what a statement uses when it is run and, inside, what its functions use later."""
        at_once, later = names_read(node)
        for name in sorted(at_once | later if inside else at_once):
            need = self.want_global(name, home)
            if need is not None and need is not piece:
                (piece.needs if name in at_once else piece.uses).append(need)
        self.follow_imports(node, home)

    def follow_imports(self, node: ast.AST, home: Home) -> None:
        """Note the modules that source imports when it runs."""
        for module, line, tried in imported_by(node):
            self.modules.add(module, home.line(line), tried=tried)

    def check_source(self, node: ast.AST, home: Home) -> None:
        """Refuse what source may not do or hold."""
        for line, reason in forbidden_in(node):
            self.refuse(home.line(line), reason)
        for line, name, kind in secrets_in(node, os.environ):
            self.refuse(home.line(line), told_of(name, kind))

    # Names of what was gathered

    def name_of_module(self, module: str) -> str:
        """Return the name by which ``filter.py`` has a module, which it imports for that."""
        self.modules.add(module, "a constant")
        taken = {*self._bound, *(one.name for one in self.pieces.values()), *_OWN}
        return self.imports.name_of(module, taken)

    def reference(self, value: Any, home: Home, piece: Piece) -> str:
        """Return the name of a function, class, filter or object that a piece is made of.

        Raises
        ------
        NotSpelledError
            If it has none.
        """
        name = getattr(value, "__name__", None)
        if isinstance(name, str) and getattr(builtins, name, None) is value:
            return name
        if id(value) not in self.pieces:
            own = next((own for own, one in home.names.items() if one is value), None)
            if own is None and isinstance(value, FunctionType | type | Filter):
                own = name if isinstance(name, str) and name.isidentifier() else None
            if own is None:
                raise NotSpelledError(
                    f"holds a {type(value).__qualname__}, which no source text makes again"
                )
            if self.want(own, value, home) is None:
                return own  # imported, or refused
        found = self.pieces[id(value)]
        piece.needs.append(found)
        return found.name

    def name_pieces(self) -> None:
        """Give each piece a name of its own, the author's where no other has it."""
        for piece, name in self.asked_at_once:
            piece.needs += [self._by_name[name]] if name in self._by_name else []
        taken = {*self.imports.names, *_OWN}
        for piece in dict.fromkeys(self.pieces.values()):
            if piece.imported:
                continue
            numbered = (f"{piece.name}_{number}" for number in itertools.count(2))
            name = next(
                one
                for one in itertools.chain([piece.name], piece.wanted, numbered)
                if one not in taken and self._by_name.get(one, piece) is piece
            )
            if name != piece.name and piece.fixed:
                self.refuse(piece.name, "something else has this name too; rename one of them")
            self._stand_behind(piece, name)
            piece.name = name
            taken.add(name)

    def _stand_behind(self, piece: Piece, name: str) -> None:
        """Let what has the name of a filter's function in the end stand behind the filter."""
        if not piece.keeps or piece.keeps == name:
            return
        owner = self._by_name.get(piece.keeps)
        if owner is not None and owner is not piece:
            owner.needs.append(piece)
            owner.constant = False
        elif owner is None and piece.keeps in self._bound:
            self.refuse(piece.keeps, "a module or what it holds has this name too; rename one")


def _same(known: Any, value: Any) -> bool:
    if known is value:
        return True
    try:
        return canonical(known) == canonical(value)
    except UnseenError:
        return False
