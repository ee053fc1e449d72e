"""Follow a filter's names to all that it needs, and note what cannot leave the notebook."""

from __future__ import annotations

import ast
import builtins
import inspect
import itertools
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from ztfnb.export import statements
from ztfnb.export.credentials import secret_in, secrets_in, told_of
from ztfnb.export.forbidden import forbidden_in
from ztfnb.export.imports import Imports, import_of, submodules_of
from ztfnb.export.modules import Modules, imported_by, is_there
from ztfnb.export.pieces import Piece
from ztfnb.export.spelled import NotSpelledError, spell
from ztfnb.export.telling import is_plain_other, makes, names_read, says
from ztfnb.export.untakable import file_named, why_not
from ztfnb.filters import sources
from ztfnb.filters.constants import UnseenError, canonical
from ztfnb.filters.filter import Filter
from ztfnb.filters.libraries import is_library
from ztfnb.filters.usednames import chains_in, globals_in

_OWN = frozenset({"FILTER"})
"""Names that ``filter.py`` has for itself."""


class CollisionError(Exception):
    """Two things of one name, one of which may stay in its module."""

    def __init__(self, module: str) -> None:
        self.module = module
        super().__init__(module)


@dataclass(frozen=True, slots=True, eq=False)
class Home:
    """Where names are used: in whose source, and what they mean there."""

    owner: str
    names: Mapping[str, Any]
    nodes: tuple[ast.AST, ...] = ()

    @property
    def module(self) -> str:
        return str(self.names.get("__name__"))

    def place(self, name: str) -> str:
        """Return where a name is used, as people are told it."""
        used = [
            one.lineno
            for node in self.nodes
            for one in ast.walk(node)
            if isinstance(one, ast.Name) and one.id == name
        ]
        return f"{self.owner}, line {min(used)}" if used else self.owner


class Gathering:
    """All that one ``filter.py`` holds.

    Parameters
    ----------
    whole
        The author's modules that are brought whole, since names in them collide with others.
    """

    def __init__(self, whole: frozenset[str] = frozenset()) -> None:
        self.refusals: dict[str, None] = {}
        self.imports = Imports()
        self.modules = Modules(self.refuse)
        self.files: dict[str, Path] = {}
        self.pieces: dict[Any, Piece] = {}
        self.bound: dict[str, tuple[Any, str]] = {}
        self._whole = whole
        self._by_name: dict[str, Piece] = {}
        self._claimed: set[int] = set()
        """Filters' definitions that one of their names already stands for."""
        self._kept: list[Any] = []

    def refuse(self, place: str, reason: str) -> None:
        """Note what cannot be exported."""
        self.refusals[f"{place}: {reason}"] = None

    def name_pieces(self) -> None:
        """Give each piece a name of its own, the author's where no other has it."""
        taken = set(self.imports.names) | _OWN
        for piece in dict.fromkeys(self.pieces.values()):
            if piece.imported:
                continue
            wished = [piece.name, *piece.wanted]
            numbered = (f"{piece.name}_{number}" for number in itertools.count(2))
            name = next(
                one
                for one in itertools.chain(wished, numbered)
                if one not in taken and self._by_name.get(one, piece) is piece
            )
            if name != piece.name and piece.fixed:
                self.refuse(name, f"{piece.name} has the name of something else; rename it")
            piece.name = name
            taken.add(name)

    # Names

    def want(self, name: str, value: Any, home: Home) -> Piece | None:
        """Note that a name is used, and all that its value needs."""
        if name in self.bound:
            known, module = self.bound[name]
            if not _same(known, value):
                self._collide(name, home, module)
            return self._by_name.get(name)
        if name in _OWN or (name.startswith("__") and name.endswith("__")):
            if name != "__file__":  # which is told of elsewhere
                self.refuse(home.place(name), f"{name} is another in filter.py; use another name")
            return None
        self.bound[name] = (value, home.module)
        piece = self._piece(name, value, home)
        if piece is not None:
            piece.wanted[name] = None
            self._by_name[name] = piece
        return piece

    def _collide(self, name: str, home: Home, module: str) -> None:
        for each in (home.module, module):
            if each != "__main__" and each not in self._whole and is_there(each):
                raise CollisionError(each)
        self.refuse(
            home.place(name),
            f"{name} stands for two different values in what is exported; give one of them "
            "another name, or run the cells again that define what uses it",
        )

    def _piece(self, name: str, value: Any, home: Home) -> Piece | None:
        place = home.place(name)
        if (reason := why_not(name, value)) is not None:
            self.refuse(place, reason)
            return None
        copied = isinstance(value, Filter) and value.function.__module__ not in self._whole
        line = None if copied else import_of(name, value, home.names, self._whole)
        if line is not None:
            self._import(name, line, place, home)
            return None
        if isinstance(value, ModuleType):
            self._own_module(name, value, place)
            return None
        if id(value) in self.pieces:
            return self.pieces[id(value)]
        self._kept.append(value)  # so that its id stays its own
        if isinstance(value, Filter):
            return self._filter(value, home)
        if isinstance(value, FunctionType):
            return self._function(name, value, home)
        if isinstance(value, type):
            return self._class(name, value, home)
        return self._value(name, value, home)

    def _import(self, name: str, line: str, place: str, home: Home) -> None:
        self.imports.add(name, line)
        node = ast.parse(line)
        for module, *_ in imported_by(node):
            self.modules.add(module, place)
        chains = {".".join(chain) for chain in chains_in(home.nodes) if chain[0] == name}
        for module in set(submodules_of(home.names)):
            if any(f"{chain}.".startswith(f"{module}.") for chain in chains):
                self.imports.add_module(module)
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

    # Values

    def _value(self, name: str, value: Any, home: Home) -> Piece | None:
        """Return the piece that makes a value: as its author wrote it, or as it is now."""
        place = home.place(name)
        if kind := secret_in(name, value, os.environ):
            self.refuse(place, told_of(name, kind))
            return None
        if file_named(value):
            self.refuse(
                place,
                f"{name} is the path of a file that is not where the filter runs; declare it: "
                f'@ztfnb.filter(files={{"{name}": {str(value)!r}}})',
            )
            return None
        found = statements.binding(home.names, name)
        if found is not None and says(found.node, value, home.names):
            return self._statement(name, value, found, home, constant=True)
        place_there = statements.place_of(found.file, found.node.lineno) if found else (-1, "", 0)
        piece = Piece(name, str, place_there, constant=True)

        def reference(one: Any) -> str:
            if one is value:
                raise NotSpelledError(f"is {_kind(value)}, which no source text makes again")
            return self._reference(one, home, piece)

        try:
            spell(value, lambda module: module, reference)
        except NotSpelledError as error:
            if found is not None and makes(found.node, name, value, home.names):
                return self._statement(name, value, found, home)
            self.refuse(place, f"{name} {error}{_way_out(name, value)}")
            return None
        self._check_texts(name, value, place)

        def write() -> str:
            return f"{piece.name} = {spell(value, self._module_name, reference)}"

        piece.write = write
        piece.constant = not piece.needs
        if _is_seen_by_identity(value):
            self.pieces[id(value)] = piece
        else:
            self.pieces["value", name, id(value)] = piece
        return piece

    def _module_name(self, module: str) -> str:
        taken = {*self.bound, *(one.name for one in self.pieces.values()), *_OWN}
        self.modules.add(module, "a constant")
        return self.imports.name_of(module, taken)

    def _check_texts(self, name: str, value: Any, place: str) -> None:
        """Refuse secrets inside of a value."""
        match value:
            case dict():
                for key, one in value.items():
                    self._check_texts(key if isinstance(key, str) else name, one, place)
            case list() | tuple() | set() | frozenset():
                for one in value:
                    self._check_texts(name, one, place)
            case _ if kind := secret_in(name, value, os.environ):
                self.refuse(place, told_of(name, kind))

    def _reference(self, value: Any, home: Home, piece: Piece | None = None) -> str:
        """Return the name of a function, class, filter or object within a value."""
        name = getattr(value, "__name__", None)
        if isinstance(name, str) and getattr(builtins, name, None) is value:
            return name
        if id(value) not in self.pieces:
            named = [own for own, one in home.names.items() if one is value]
            shown = name if isinstance(name, str) and name.isidentifier() else None
            own = next(iter(named), shown)
            if own is None or (not named and not isinstance(value, FunctionType | type | Filter)):
                raise NotSpelledError(f"holds {_kind(value)}, which no source text makes again")
            if self.want(own, value, home) is None:
                return own  # imported, or refused
        found = self.pieces[id(value)]
        if piece is not None:
            piece.needs.append(found)
        return found.name

    def _statement(
        self,
        name: str,
        value: Any,
        found: statements.Statement,
        home: Home,
        *,
        constant: bool = False,
    ) -> Piece:
        """Return the author's own statement as a piece, and follow what it uses."""
        own = Home(name, home.names, (found.node,))
        piece = Piece(
            name, lambda: found.text, statements.place_of(found.file, found.node.lineno),
            constant=constant, fixed=True,
        )  # fmt: skip
        self.pieces[id(value) if _is_seen_by_identity(value) else ("value", name, id(value))] = (
            piece
        )
        self._check_source(found.node, own)
        inner = inspect.unwrap(value) if callable(value) else None
        if isinstance(inner, FunctionType) and isinstance(found.node, ast.FunctionDef):
            self.follow(inner, found.node, piece)
        self._follow_node(found.node, own, piece, inside=not isinstance(inner, FunctionType))
        piece.constant = constant and all(one.constant for one in piece.needs)
        return piece

    def _follow_node(
        self, node: ast.stmt, home: Home, piece: Piece, *, inside: bool = True
    ) -> None:
        """Follow what a statement uses when it is run, and what its functions use later."""
        at_once, later = names_read(node)
        for name in sorted(at_once | later if inside else at_once):
            need = self._global(name, home)
            if need is not None and need is not piece and name in at_once:
                piece.needs.append(need)
        for module, line, tried in imported_by(node):
            self.modules.add(module, f"{home.owner}, line {line}", tried=tried)

    def _global(self, name: str, home: Home) -> Piece | None:
        """Follow a name that may be a global; what is local of a comprehension is none."""
        if name in home.names and not name.startswith("__"):
            return self.want(name, home.names[name], home)
        return None

    # Functions

    def _function(self, name: str, function: FunctionType, home: Home) -> Piece | None:
        """Return the piece that defines a helper."""
        inner = inspect.unwrap(function)
        decorated = inner is not function
        found = None
        if decorated and inner.__globals__.get(inner.__name__) is function:
            home, name = Home(name, inner.__globals__), inner.__name__
            found = statements.binding(home.names, name)
        elif home.names.get(name) is function and (
            decorated
            or function.__name__ == "<lambda>"
            or "<locals>" in function.__qualname__
            or is_library(function.__module__)
        ):
            found = statements.binding(home.names, name)
        if found is not None and not isinstance(found.node, ast.Import | ast.ImportFrom):
            return self._statement(name, function, found, home)
        if is_library(function.__module__):
            self.refuse(
                home.place(name),
                f"{name} is made by {function.__module__}, and no statement of a cell makes it; "
                f"write {name} = ... at the top of a cell",
            )
            return None
        return self._definition(name, function, home)

    def _definition(self, name: str, function: FunctionType, home: Home) -> Piece | None:
        found = sources.definition_of(function)
        if found is None:
            self.refuse(
                home.place(name),
                f"the source of {name} is not to be had"
                + (
                    "; write it with def and a name"
                    if function.__name__ == "<lambda>"
                    else "; define it in a cell or a file, not by exec"
                ),
            )
            return None
        node, whole = found
        if set(vars(function)) - {"__wrapped__"}:
            held = ", ".join(sorted(set(vars(function)) - {"__wrapped__"}))
            self.refuse(
                home.place(name),
                f"{name} has attributes ({held}) that its source does not give it; make them "
                "constants",
            )
        file = function.__code__.co_filename
        piece = Piece(node.name, str, statements.place_of(file, node.lineno))
        piece.write = lambda: _renamed(
            statements.text_of(node, whole, decorators=False), node.name, piece.name
        )
        self.pieces[id(function)] = piece
        self.follow(function, node, piece)
        return piece

    def follow(self, function: FunctionType, node: ast.AST, piece: Piece) -> None:
        """Follow every name that a function does not give a value itself."""
        home = Home(function.__name__, function.__globals__, (node,))
        self._check_source(node, home)
        code = function.__code__
        read, written = globals_in(code)
        cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
        self._defaults(function, node, piece, home)
        # A class inside of a function reads the name of its module by itself.
        own = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
        for name in sorted((read | cells.keys()) - written):
            if name.startswith("__") and name not in own:
                continue
            if name in cells:
                try:
                    value = cells[name].cell_contents
                except ValueError:
                    self.refuse(home.place(name), f"{name} is not defined; run the cell that does")
                    continue
            elif name in home.names:
                value = home.names[name]
            elif hasattr(builtins, name) or name in _local_names(node):
                continue
            else:
                if name not in ("get_ipython", "__file__"):
                    self.refuse(home.place(name), f"{name} is not defined; run the cell that does")
                continue
            self.want(name, value, home)
        for module, line, tried in imported_by(node):
            self.modules.add(module, f"{home.owner}, line {line}", tried=tried)

    def _defaults(self, function: FunctionType, node: ast.AST, piece: Piece, home: Home) -> None:
        """Follow what the defaults of a function are made of; they were made long ago."""
        given = getattr(node, "args", None)
        if not isinstance(given, ast.arguments):
            return
        live = list(function.__defaults__ or ())
        pairs = list(zip(given.defaults[len(given.defaults) - len(live) :], live, strict=True))
        keywords = function.__kwdefaults__ or {}
        pairs += [
            (default, keywords[one.arg])
            for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
            if default is not None and one.arg in keywords
        ]
        for expression, value in pairs:
            if isinstance(expression, ast.Name):
                need = self.want(expression.id, value, home)
                if need is not None:
                    piece.needs.append(need)
                continue
            if is_plain_other(expression, value, home.names):
                self.refuse(
                    f"{home.owner}, line {expression.lineno}",
                    f"the default {ast.unparse(expression)} was {value!r} when this was run, and "
                    "is not now; run the cell again",
                )
            for name in sorted(names_read(ast.Expr(expression))[0]):
                if (need := self._global(name, home)) is not None:
                    piece.needs.append(need)

    def _check_source(self, node: ast.AST, home: Home) -> None:
        for line, reason in forbidden_in(node):
            self.refuse(f"{home.owner}, line {line}", reason)
        for line, name, kind in secrets_in(node, os.environ):
            self.refuse(f"{home.owner}, line {line}", told_of(name, kind))

    # Classes

    def _class(self, name: str, kind: type, home: Home) -> Piece | None:
        if "<locals>" in kind.__qualname__:
            self.refuse(
                home.place(name),
                f"{kind.__name__} is a class made inside of a function; define it at the top of a "
                "cell",
            )
            return None
        names = _names_around(kind, home)
        outer, _, rest = kind.__qualname__.partition(".")
        if rest and isinstance(names.get(outer), type):
            whole = self.want(outer, names[outer], Home(home.owner, names, home.nodes))
            piece = Piece(name, lambda: f"{piece.name} = {kind.__qualname__}")
            self.pieces[id(kind)] = piece
            if whole is not None:
                piece.needs.append(whole)
                piece.place = whole.place
            return piece
        found = sources.class_source(kind)
        if found is None:
            made = statements.binding(names, name)
            if made is not None and makes(made.node, name, kind, names):
                return self._statement(name, kind, made, Home(home.owner, names, home.nodes))
            self.refuse(
                home.place(name), f"the source of the class {name} is not to be had; define it in a "
                "cell or a file, not by exec",
            )  # fmt: skip
            return None
        node, whole_text = found
        own = Home(kind.__name__, names, (node,))
        piece = Piece(
            kind.__name__, lambda: statements.text_of(node, whole_text),
            statements.place_of(_file_of(kind), node.lineno), fixed=True,
        )  # fmt: skip
        self.pieces[id(kind)] = piece
        self._check_source(node, own)
        self._follow_node(node, own, piece)
        return piece

    # Filters

    def _filter(self, made: Filter, home: Home) -> Piece | None:
        """Return the piece of a filter that another one calls, with its thresholds as set."""
        base = self.filter(made)
        defaults = {one.name: one.default for one in made.thresholds}
        other = {name: value for name, value in made.params.items() if defaults[name] != value}
        if not other and id(base) not in self._claimed:
            self._claimed.add(id(base))
            self.pieces[id(made)] = base
            return base
        piece = Piece(f"{made.name}_as_set", str, base.place, needs=[base])
        set_so = ", ".join(f"{name}={value!r}" for name, value in other.items())
        piece.write = lambda: f"{piece.name} = {base.name}.with_params({set_so})"
        self.pieces[id(made)] = piece
        return piece

    def filter(self, made: Filter) -> Piece:
        """Return the piece that defines a filter, with the thresholds that its source has."""
        key = ("filter", id(made.function))
        if key in self.pieces:
            return self.pieces[key]
        self._kept.append(made)
        piece = Piece(made.name, str, statements.place_of(made.code.file, made.code.line))
        self.pieces[key] = piece
        if made.parts:
            self._combination(made, piece)
            return piece
        if made.function.__module__ in self._whole and (line := _import_of_filter(made)):
            self.imports.add(made.name, line)
            self.modules.add(str(made.function.__module__), made.name)
            self.bound[made.name] = (made, str(made.function.__module__))
            piece.write = str
            piece.imported = True
            return piece
        assert isinstance(made.function, FunctionType)  # noqa: S101 - code_of has seen to it
        self.follow(made.function, made.code.tree, piece)
        self._annotations(made, piece)
        options = self._options(made, piece)
        decorator = f"ztfnb.filter{options}"
        above = _comments_above(made)

        def write() -> str:
            name = self.imports.name_of("ztfnb", self.bound)
            plain = self.pieces.get(id(made.function))
            if plain is not None:
                return f"{piece.name} = {name}.filter{options}({plain.name})"
            text = _renamed(made.code.text, made.name, piece.name)
            return f"{above}@{name}.{decorator.removeprefix('ztfnb.')}\n{text}"

        piece.write = write
        return piece

    def _combination(self, made: Filter, piece: Piece) -> None:
        """Make a combination again from its parts: ``a & b``."""
        parts = []
        for part in made.parts:
            self._kept.append(part)
            found = self.pieces.get(id(part)) or self._filter(part, Home(made.name, {}))
            if found is not None:
                parts.append(found)
        piece.needs += parts
        sign = _sign_of(made)
        piece.fixed = True
        piece.place = statements.place_of("￿", 0)

        def write() -> str:
            names = [one.name for one in parts]
            return f"{piece.name} = {f' {sign} '.join(names) if sign != '~' else f'~{names[0]}'}"

        piece.write = write

    def _annotations(self, made: Filter, piece: Piece) -> None:
        """Follow what the ranges of thresholds are made of."""
        function = made.function
        home = Home(made.name, function.__globals__, (made.code.tree,))
        for one in made.code.tree.args.kwonlyargs:
            if one.annotation is None:
                continue
            for name in sorted(names_read(ast.Expr(one.annotation))[0]):
                value = inspect.getclosurevars(function).nonlocals.get(
                    name, home.names.get(name, home)
                )
                need = None if value is home else self.want(name, value, home)
                if need is not None:
                    piece.needs.append(need)
            if isinstance(one.annotation, ast.Constant) and isinstance(one.annotation.value, str):
                self.refuse(
                    f"{made.name}, line {one.lineno}",
                    f"the annotation of {one.arg} is a text; write it without quotes",
                )

    def _options(self, made: Filter, piece: Piece) -> str:
        """Return what the decorator is given: data files in the bundle, and the setup."""
        given = {name: self._file(name, one.path) for name, one in made.provided.files.items()}
        stated = []
        if given:
            pairs = ", ".join(f'"{name}": {path!r}' for name, path in given.items())
            stated.append(f"files={{{pairs}}}")
        if made.setup is not None:
            home = Home(made.name, made.function.__globals__)
            try:
                stated.append(f"setup={self._reference(made.setup, home, piece)}")
            except NotSpelledError:
                self.refuse(made.name, "its setup has no name; write it with def and a name")
        return f"({', '.join(stated)})" if stated else ""

    def _file(self, name: str, path: Path) -> str:
        """Return where a data file lies in the bundle."""
        for place in (f"data/{path.name}", f"data/{name}_{path.name}"):
            if self.files.get(place, path) == path:
                self.files[place] = path
                return place
        number = len(self.files)
        self.files[f"data/{number}_{path.name}"] = path
        return f"data/{number}_{path.name}"


def _same(known: Any, value: Any) -> bool:
    if known is value:
        return True
    try:
        return canonical(known) == canonical(value)
    except UnseenError:
        return False


def _is_seen_by_identity(value: Any) -> bool:
    try:
        canonical(value)
    except UnseenError:
        return True
    return False


def _kind(value: Any) -> str:
    return f"a {type(value).__qualname__}"


def _way_out(name: str, value: Any) -> str:
    if hasattr(value, "dtype"):
        return f' and declare it: @ztfnb.filter(files={{"{name}": "{name}.npy"}}, setup=load)'
    return (
        f"; make it in a function and declare that: @ztfnb.filter(setup=function), with {name} as "
        "a parameter of the filter"
    )


def _local_names(node: ast.AST) -> set[str]:
    """Return the names that classes inside of a function give values."""
    return {
        name
        for one in ast.walk(node)
        if isinstance(one, ast.ClassDef)
        for each in one.body
        for name in statements.bound_by(each)
    }


def _names_around(kind: type, home: Home) -> Mapping[str, Any]:
    """Return the globals of the cell or module that defines a class."""
    if home.module == kind.__module__:
        return home.names
    for each in vars(kind).values():
        if isinstance(each, FunctionType) and each.__globals__["__name__"] == kind.__module__:
            return each.__globals__
    return vars(sys.modules[kind.__module__]) if kind.__module__ in sys.modules else home.names


def _file_of(kind: type) -> str:
    for each in vars(kind).values():
        if isinstance(each, FunctionType) and not each.__code__.co_filename.startswith("<"):
            return each.__code__.co_filename
    return ""


def _renamed(text: str, old: str, new: str) -> str:
    return text if old == new else text.replace(f"def {old}", f"def {new}", 1)


def _comments_above(made: Filter) -> str:
    found = sources.definition_of(made.function)  # type: ignore[arg-type]
    if found is None or not isinstance(made.function, FunctionType):
        return ""
    lines = []
    for line in statements.text_of(*found).splitlines():
        if not line.startswith("#"):
            break
        lines.append(f"{line}\n")
    return "".join(lines)


def _import_of_filter(made: Filter) -> str | None:
    module = sys.modules.get(str(made.function.__module__))
    known = getattr(module, made.name, None)
    if isinstance(known, Filter) and known.function is made.function:
        return f"from {made.function.__module__} import {made.name}"
    return None


def _sign_of(made: Filter) -> str:
    """Return how a combination was made."""
    if len(made.parts) == 1:
        return "~"
    first, second = made.parts
    return "&" if (first & second).source == made.source else "|"
