"""What a filter's decisions depend on beside the alert: helpers, constants, files, setup.

Everything is looked up as it is now, since a cell may define a helper or a constant anew. Helpers
that are the author's own count by their source, followed from one to the next; what Python and
installed packages bring counts by its name. What cannot be seen is listed, never passed over.
"""

from __future__ import annotations

import ast
import builtins
import importlib.util
import reprlib
import sys
from abc import ABC
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Generic, Protocol

import numpy as np

from ztfnb.filters import sources
from ztfnb.filters.constants import UnseenError, canonical
from ztfnb.filters.filter import Filter
from ztfnb.filters.libraries import beside, given_name, is_library
from ztfnb.filters.usednames import chains_in, globals_in, imports_in, shape_of

_SHOWN = 200
_UNUSUAL = frozenset(
    {"eval", "exec", "globals", "locals", "vars", "__import__", "getattr", "setattr", "open"}
)


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What decides beside the alert, by the name that the source has for it."""

    hash: str
    """SHA-256 of all of it, in hexadecimal digits; the same wherever it stands in a file."""
    helpers: Mapping[str, str]
    """Functions and classes of the author, with their source."""
    constants: Mapping[str, str]
    """Values, as Python writes them; a file's is its checksum."""
    libraries: tuple[str, ...]
    """What comes from Python or a package: known by name only."""
    unseen: tuple[str, ...]
    """What may decide too, but cannot be told apart from another; with the reason."""


def dependencies_of(made: Filter) -> Dependencies:
    """Return what a filter depends on now."""
    walk = _Walk()
    walk.filter(made)
    digest = sha256("\n".join(walk.facts).encode("utf-8", "surrogatepass")).hexdigest()
    return Dependencies(
        digest,
        walk.helpers,
        walk.constants,
        tuple(sorted(walk.libraries)),
        tuple(sorted(walk.unseen)),
    )


def functions_of(made: Filter) -> list[FunctionType]:
    """Return the author's functions that a filter uses, its own first: their sources travel."""
    walk = _Walk()
    walk.filter(made)
    return walk.functions


class _Walk:
    """Follows names from one function to the next, and notes each once."""

    def __init__(self) -> None:
        self.facts: list[str] = []
        self.helpers: dict[str, str] = {}
        self.constants: dict[str, str] = {}
        self.libraries: set[str] = set()
        self.unseen: set[str] = set()
        self.functions: list[FunctionType] = []
        self._met: dict[int, int] = {}
        self._kept: list[Any] = []

    def filter(self, made: Filter) -> None:
        """Note a filter: its source and defaults, and what its files and setup bring."""
        if isinstance(made.function, FunctionType):  # which code_of has seen to
            self.function(made.name, made.function, made.code.tree)
        for name, checksum in sorted(made.checksums.items()):
            self._constant(f"file {name}", f"SHA-256 {checksum}", checksum)
        if made.setup is not None:
            self.value("setup", made.setup)

    def function(
        self, name: str, function: FunctionType, main: ast.FunctionDef | None = None
    ) -> None:
        """Note a function of the author and all that it uses.

        Of a filter the tree is given, since its file may have changed after it was defined.
        """
        self.functions.append(function)
        found = (main, "") if main else sources.definition_of(function)
        if found is None:
            nodes: list[ast.AST] = list(sources.lambdas_at(function))
            text = "; ".join(map(ast.unparse, nodes))
        else:
            nodes, text = [found[0]], ast.unparse(found[0])
        if not nodes:
            self.facts.append(f"code {function.__code__.co_code.hex()}")
            self.unseen.add(f"{name}: its source is not to be had")
        elif main is None:
            _list(self.helpers, name, text)
        self.facts.append("filter" if main else f"function {name}")
        self.facts.extend(shape_of(node, top=True) for node in nodes)
        defaults = {**(function.__kwdefaults__ or {})}
        defaults |= {f"default {place}": v for place, v in enumerate(function.__defaults__ or ())}
        for own, value in sorted(defaults.items()):
            self._default(f"{name}({own})", value)
        self._names(function, nodes)

    def _default(self, name: str, value: Any) -> None:
        try:
            self.facts.append(f"{name} = {canonical(value)}")
        except UnseenError:
            self.value(name, value)

    def _names(self, function: FunctionType, nodes: list[ast.AST]) -> None:
        """Note what the names that a function does not bind itself mean."""
        code = function.__code__
        cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
        read, written = globals_in(code)
        for name in sorted(read & written):
            self.unseen.add(f"{name}: {function.__name__} writes it itself, so it changes")
        # A class inside of a function reads by itself in which module it is: that decides nothing.
        outer = (read | cells.keys()) - written - {"__name__"}
        chains = {chain for chain in chains_in(nodes) if chain[0] in outer}
        for chain in sorted(chains or {(name,) for name in outer}):
            self._chain(chain, cells, function.__globals__)
        for name in sorted(imports_in(nodes)):
            self._imported(name, beside(str(function.__module__), name))

    def _chain(
        self, chain: tuple[str, ...], cells: Mapping[str, Any], known: Mapping[str, Any]
    ) -> None:
        """Note what a dotted name means."""
        root = chain[0]
        try:
            value = cells[root].cell_contents if root in cells else known[root]
        except (KeyError, ValueError):  # not there, or an empty cell
            if root in _UNUSUAL:
                self.unseen.add(f"{root}(): what it reaches")
            elif not hasattr(builtins, root):
                self.unseen.add(f"{root}: not defined yet")
                self.facts.append(f"undefined {root}")
            return
        self._dotted(chain, value)

    def _dotted(self, chain: tuple[str, ...], value: Any) -> None:
        """Note what a dotted name means: attributes of modules are followed."""
        name, *rest = chain
        while rest and isinstance(value, ModuleType) and not is_library(value.__name__):
            attribute = rest.pop(0)
            name = f"{name}.{attribute}"
            if not hasattr(value, attribute):
                self.unseen.add(f"{name}: not defined")
                return
            value = getattr(value, attribute)
        if rest and isinstance(value, ModuleType):
            self._library(".".join((value.__name__, *rest)))
        else:
            self.value(name, value)

    def value(self, name: str, value: Any) -> None:
        """Note what a name means."""
        if id(value) in self._met:
            self.facts.append(f"{name} is number {self._met[id(value)]}")
            return
        try:
            exact = canonical(value)
        except UnseenError as error:
            reason = str(error)
        else:
            self._constant(name, _short(value), exact)
            return
        self._met[id(value)] = len(self._met)
        self._kept.append(value)  # so that its id stays its own
        match value:
            case Filter():
                self.facts.append(f"filter {name} {sorted(value.params.items())!r}")
                _list(self.helpers, name, value.source)
                self.filter(value)
            case ModuleType():
                self._module(value)
            case FunctionType() if not is_library(value.__module__):
                self.function(name, value)
            case type() if not is_library(value.__module__):
                self._class(name, value)
            case FunctionType() | type() | BuiltinFunctionType():
                self._library(f"{value.__module__}.{value.__qualname__}")
            case _:
                self._object(name, value, reason)

    def _object(self, name: str, value: Any, reason: str) -> None:
        """Note something that may be called, or is of an unknown kind."""
        inner: dict[str, Any] = {}
        match value:
            case MethodType():
                inner = {"__func__": value.__func__, "__self__": value.__self__}
            case partial():
                places = {f"args[{place}]": one for place, one in enumerate(value.args)}
                inner = {"func": value.func, **places, **value.keywords}
            case _ if callable(getattr(value, "__wrapped__", None)):  # as lru_cache has it
                inner = {"__wrapped__": value.__wrapped__}
            case _ if _is_of_a_library(value):
                self._library(f"{value.__module__}.{value.__name__}")
            case _ if isinstance(value, np.ufunc):
                self._library(f"numpy.{value.__name__}")
            case _ if _is_of_the_author(type(value)):
                inner = {"class": type(value), **vars(value)}
            case _:
                self.facts.append(f"{name}: {type(value).__module__}.{type(value).__qualname__}")
                self.unseen.add(f"{name}: {reason}")
        for own, one in inner.items():
            self.value(f"{name}.{own}", one)

    def _constant(self, name: str, shown: str, exact: str) -> None:
        _list(self.constants, name, shown)
        self.facts.append(f"{name} = {exact}")

    def _library(self, name: str) -> None:
        self.libraries.add(name)
        self.facts.append(f"library {name}")

    def _module(self, module: ModuleType) -> None:
        if is_library(module.__name__):
            self._library(module.__name__)
            return
        # Passed on whole: all of it may be used.
        self._file(given_name(module.__name__), getattr(module, "__file__", None) or "")

    def _file(self, name: str, file: str) -> None:
        tree = sources.parsed(text := sources.text_of(file)) if file else None
        if tree is None:
            self.unseen.add(f"{name}: its source is not to be had")
            return
        _list(self.helpers, name, text)
        self.facts.append(f"module {name} {shape_of(tree, top=True)}")

    def _imported(self, name: str, known: str) -> None:
        """Note a module that a function imports when it runs; nothing is imported for that."""
        if is_library(known):
            self._library(name)
            return
        module = sys.modules.get(known)
        try:
            spec = module.__spec__ if module else importlib.util.find_spec(name)
        except (ImportError, ValueError, AttributeError):
            spec = None
        self._file(name, (spec.origin if spec else "") or getattr(module, "__file__", None) or "")

    def _class(self, name: str, kind: type) -> None:
        node = sources.class_definition(kind)
        if node is None:
            self.facts.append(f"class {kind.__qualname__} {sorted(vars(kind))}")
            self.unseen.add(f"{name}: the source of this class is not to be had")
        else:
            _list(self.helpers, name, ast.unparse(node))
            self.facts.append(f"class {name} {shape_of(node, top=True)}")
        for base in kind.__bases__:
            if base is not object:
                self.value(base.__name__, base)
        for own, each in vars(kind).items():
            if not own.startswith("__"):
                with suppress(UnseenError):  # what is no value stands in the source
                    self.facts.append(f"{name}.{own} = {canonical(each)}")
            inner = getattr(each, "__func__", getattr(each, "fget", each))
            if isinstance(inner, FunctionType) and sources.definition_of(inner):
                self.functions.append(inner)
                self._names(inner, [sources.definition_of(inner)[0]])  # type: ignore[index]


_HOLD_NOTHING = (ABC, Generic, Protocol)
"""Bases of which an instance has no attributes."""


def _list(known: dict[str, str], name: str, text: str) -> None:
    """List a text under a name; two modules may have something of one name."""
    own, count = name, 1
    while known.get(own, text) != text:
        count += 1
        own = f"{name} ({count})"
    known[own] = text


def _short(value: Any) -> str:
    """Return a value as Python writes it, cut where that is long."""
    whole = not hasattr(value, "__len__") or isinstance(value, str | np.ndarray)
    try:
        text = repr(value) if whole or len(value) < _SHOWN else reprlib.repr(value)
    except ValueError:  # Python writes no number of more than 4,300 digits
        text = f"a large {type(value).__name__}"
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _is_of_the_author(kind: type) -> bool:
    """Return whether the attributes of its instances are all that these hold."""
    *own, last = kind.__mro__
    known = (
        is_library(one.__module__) or "__slots__" in vars(one)
        for one in own
        if one not in _HOLD_NOTHING
    )
    return last is object and bool(own) and not any(known)


def _is_of_a_library(value: Any) -> bool:
    """Return whether a callable object is one that a package brings under its own name."""
    home = sys.modules.get(str(getattr(value, "__module__", None)))
    name = getattr(value, "__name__", None)
    if home is None or not isinstance(name, str) or not is_library(home.__name__):
        return False
    return getattr(home, name, None) is value
