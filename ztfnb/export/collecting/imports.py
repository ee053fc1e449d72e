"""The imports of a ``filter.py``: as the author has them."""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator, Mapping
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np

from ztfnb.export.collecting.statements import imports_of
from ztfnb.filters.libraries import is_library

_NONE = object()
_USUAL = {"numpy": "np", "pandas": "pd", "matplotlib.pyplot": "plt"}


class Imports:
    """Import statements of one file."""

    def __init__(self) -> None:
        self._lines: dict[str, str] = {}
        self._modules: dict[str, str] = {}

    def add(self, name: str, line: str) -> None:
        """Add the statement that imports a name."""
        self._lines[name] = line
        match ast.parse(line).body[0]:
            case ast.Import(names=[ast.alias(name=module, asname=asname)]):
                if asname or "." not in module:
                    self._modules.setdefault(module, name)

    def add_submodule(self, module: str) -> None:
        """Add the statement that makes a submodule known by its dotted name."""
        self._lines[module] = f"import {module}"

    def name_of(self, module: str, taken: Collection[str]) -> str:
        """Return the name under which a module is imported; one that is free, if it was not."""
        if module not in self._modules:
            last = module.rpartition(".")[2]
            wished = _USUAL.get(module, last)
            name = wished if wished not in taken and wished not in self._lines else f"_{last}"
            self.add(name, f"import {module}" if name == module else f"import {module} as {name}")
        return self._modules[module]

    @property
    def names(self) -> Collection[str]:
        """The names that they bind."""
        return {one.partition(".")[0] for one in self._lines}

    @property
    def text(self) -> str:
        """All of them: Python's own first, then those of packages, then ztfnb's."""
        groups: list[set[str]] = [set(), set(), set()]
        members: dict[str, set[str]] = {}
        for line in self._lines.values():
            module, _, member = line.removeprefix("from ").partition(" import ")
            if member:
                members.setdefault(module, set()).add(member)
            else:
                groups[_group(line.split()[1])].add(line)
        for module, names in members.items():
            groups[_group(module)].add(f"from {module} import {', '.join(sorted(names))}")
        return "\n\n".join("\n".join(sorted(one, key=_by_kind)) for one in groups if one)


def _group(module: str) -> int:
    root = module.partition(".")[0]
    return 0 if root in sys.stdlib_module_names else 2 if root == "ztfnb" else 1


def _by_kind(line: str) -> tuple[bool, str]:
    return line.startswith("from"), line


def import_of(
    name: str, value: Any, names: Mapping[str, Any], whole: Collection[str] = ()
) -> str | None:
    """Return the statement that imports a value under a name; None if none does.

    Parameters
    ----------
    names
        The globals in which the author has the name.
    whole
        The author's own modules that are brought whole: what they hold is imported too.
    """

    def may(module: str) -> bool:
        return is_library(module) or module in whole

    found = _as_written(name, value, names)
    if found and may(found[0]):
        return found[1]
    home, own = _home(value)
    if home is None or not may(home):
        return None
    if own is None:
        parent, _, last = home.rpartition(".")
        if name == home:
            return f"import {home}"
        return (
            f"from {parent} import {last}{_as(last, name)}"
            if parent
            else (f"import {home} as {name}")
        )
    root = home.partition(".")[0]
    for module in (root, home):
        if getattr(sys.modules.get(module), own, _NONE) is value:
            return None if module == "builtins" else f"from {module} import {own}{_as(own, name)}"
    return None


def _as(own: str, name: str) -> str:
    return "" if own == name else f" as {name}"


def _as_written(name: str, value: Any, names: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the module and the statement by which the author imported a value."""
    for node in imports_of(names):
        for one in node.names:
            if (one.asname or one.name.partition(".")[0]) != name:
                continue
            if isinstance(node, ast.Import):
                module = one.name if one.asname else name
                if sys.modules.get(module) is value:
                    return module, f"import {module}{_as(module, name)}"
            elif node.module and not node.level:
                home = sys.modules.get(node.module)
                if getattr(home, one.name, _NONE) is value:
                    text = f"from {node.module} import {one.name}"
                    module = value.__name__ if isinstance(value, ModuleType) else node.module
                    return module, text + _as(one.name, name)
    return None


def submodules_of(names: Mapping[str, Any]) -> Iterator[str]:
    """Yield the modules that the author imports by their dotted names: ``import scipy.stats``."""
    for node in imports_of(names):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if not one.asname and "." in one.name)


def _home(value: Any) -> tuple[str | None, str | None]:
    """Return the module that a value is from, and its name there; None for a module itself."""
    if isinstance(value, ModuleType):
        known = sys.modules.get(value.__name__) is value
        return (value.__name__ if known else None), None
    if isinstance(value, np.ufunc):
        return "numpy", value.__name__
    name = getattr(value, "__qualname__", getattr(value, "__name__", None))
    module = getattr(value, "__module__", None)
    if isinstance(value, BuiltinFunctionType) and isinstance(value.__self__, ModuleType):
        module = value.__self__.__name__
    callable_ = isinstance(value, FunctionType | type | BuiltinFunctionType) or callable(value)
    known = callable_ and isinstance(module, str) and isinstance(name, str) and "." not in name
    return (module, name) if known else (None, None)
