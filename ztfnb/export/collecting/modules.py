"""The author's own modules that a bundle brings whole, and the packages that sources import."""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from importlib.metadata import packages_distributions
from types import ModuleType

from ztfnb.export.collecting.credentials import secrets_in, told_of
from ztfnb.export.collecting.forbidden import forbidden_in
from ztfnb.filters import sources
from ztfnb.filters.libraries import is_library

_TAKEN = ("filter.py", "test_filter.py")
Refuse = Callable[[str, str], None]
"""Takes a place and a reason."""


class Modules:
    """What is imported: packages by name, the author's own modules by their text."""

    def __init__(self, refuse: Refuse) -> None:
        self._refuse = refuse
        self.texts: dict[str, str] = {}
        """By path in the bundle."""
        self.trees: dict[str, ast.Module] = {}
        """By the name of the module."""
        self.imported: dict[str, str] = {}
        """Where each distribution is imported first."""

    @cached_property
    def _distributions(self) -> Mapping[str, list[str]]:
        """The packages that bring each module, as they are installed now."""
        return packages_distributions()

    def add(self, name: str, place: str, *, tried: bool = False) -> None:
        """Note an import.

        Parameters
        ----------
        tried
            Whether the source goes on without it.
        """
        root = name.partition(".")[0]
        if f"{name}.".startswith("ztfnb.widgets."):
            self._refuse(place, f"{name} draws in a notebook; a filter has the alert alone")
        if root == "ztfnb" or root in sys.builtin_module_names or root in sys.stdlib_module_names:
            return
        if not is_library(name):
            self._own(name, place, tried=tried)
            return
        found = self._distributions.get(root, ())
        if not found and not tried:
            self._refuse(
                place,
                f"the module {name} cannot be found; install what brings it, or write a "
                "module of your own beside the notebook",
            )
        for one in sorted(set(found)):
            self.imported.setdefault(one, f"{place}: {name}")

    def _own(self, name: str, place: str, *, tried: bool = False) -> None:
        """Bring a module, the packages that it is in, and what it imports."""
        if name in self.trees:
            return
        if "." in name:
            self._own(name.rpartition(".")[0], place, tried=tried)
        path, text = _read(name)
        tree = sources.parsed(text)
        if (path is None or tree is None) and tried:
            return
        if path is None or tree is None:
            self._refuse(
                place,
                f"the source of the module {name} cannot be found; write it to a file {name}.py "
                "beside the notebook",
            )
            return
        if path in _TAKEN:
            self._refuse(
                place, f"a bundle has a {path} of its own; give your module {name} another name"
            )
            return
        self.trees[name] = tree
        self.texts[path] = text
        for line, reason in forbidden_in(tree, module=True):
            self._refuse(f"{path}, line {line}", reason)
        for line, own, kind in secrets_in(tree, os.environ):
            self._refuse(f"{path}, line {line}", told_of(own, kind))
        package = name if path.endswith("/__init__.py") else name.rpartition(".")[0]
        for each, line, may_fail in imported_by(tree, package):
            self.add(each, f"{path}, line {line}", tried=may_fail)


def imported_by(tree: ast.AST, package: str = "") -> Iterator[tuple[str, int, bool]]:
    """Yield the modules that source imports, the lines, and whether it goes on without them."""
    tried = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Try)
        for one in node.body
        for inner in ast.walk(one)
    } | {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                yield one.name, node.lineno, id(node) in tried
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                if not package:
                    continue  # refused where it stands
                module = importlib.util.resolve_name("." * node.level + module, package)
            yield module, node.lineno, id(node) in tried
            for one in node.names:
                inner = f"{module}.{one.name}"
                if not is_library(module) and _is_module(inner):
                    yield inner, node.lineno, id(node) in tried


def is_there(name: str) -> bool:
    """Return whether a module could be imported."""
    return name in sys.modules or _is_module(name)


def _is_module(name: str) -> bool:
    known = sys.modules.get(name)
    if known is not None:
        return isinstance(known, ModuleType)
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError, AttributeError):
        return False


def _read(name: str) -> tuple[str | None, str]:
    """Return the path in the bundle and the text of one of the author's modules."""
    module = sys.modules.get(name)
    try:
        spec = (module.__spec__ if module else None) or importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        spec = None
    file = getattr(module, "__file__", None) or (spec.origin if spec else None)
    package = bool(spec and spec.submodule_search_locations is not None)
    path = name.replace(".", "/") + ("/__init__.py" if package else ".py")
    if package and not file:
        return path, ""  # a folder of modules
    text = sources.text_of(file) if file else ""
    # An empty file is a module too, of no names.
    return (path if file and file.endswith(".py") else None), text
