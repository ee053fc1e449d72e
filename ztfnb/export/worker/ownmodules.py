"""The author's own modules beside ``filter.py``: each bundle has its own, of whatever names.

Two bundles in one process may both bring ``helpers.py``. So a bundle is a package of its own name,
its modules are modules in that, and ``import helpers`` in its sources leads there.
"""

from __future__ import annotations

import builtins
import importlib.util
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

_PACKAGE = "__init__"


class OwnModules:
    """Loads the sources of one bundle; what they import of each other is looked for there first.

    Parameters
    ----------
    package
        What the bundle is called among modules.
    folder
        Where it lies.
    paths
        Its sources, relative to the folder.
    """

    def __init__(self, package: str, folder: Path, paths: Iterable[str]) -> None:
        self._package = package
        self._folder = folder
        self._paths = {_name_of(path): path for path in paths}
        self._builtins = {**vars(builtins), "__import__": self._import}

    def load_main(self, path: str) -> ModuleType:
        """Run the bundle's own source anew, and then all the others."""
        for name in [one for one in sys.modules if f"{one}.".startswith(f"{self._package}.")]:
            del sys.modules[name]
        try:
            main = self._run(self._package, path, package=True)
            for name in sorted(self._paths):
                self._load(name)
        except BaseException:
            sys.modules.pop(self._package, None)
            raise
        return main

    def _load(self, name: str) -> ModuleType:
        """Return one of the author's modules, by the name that he has for it."""
        parent, _, last = name.rpartition(".")
        outer = self._load(parent) if parent else sys.modules[self._package]
        full = f"{self._package}.{name}"
        if full not in sys.modules:
            path = self._paths[name]
            module = self._run(full, path, package=path.endswith(f"{_PACKAGE}.py"))
            if parent:
                setattr(outer, last, module)
        return sys.modules[full]

    def _run(self, full: str, path: str, *, package: bool) -> ModuleType:
        file = str(self._folder / path)
        spec = importlib.util.spec_from_file_location(
            full,
            file,
            loader=_Loader(full, file),
            submodule_search_locations=[] if package else None,
        )
        if spec is None or spec.loader is None:
            raise ImportError(f"{file} cannot be read as Python")
        module = importlib.util.module_from_spec(spec)
        vars(module)["__builtins__"] = self._builtins
        sys.modules[full] = module  # as an import does: dataclasses look their module up
        try:
            spec.loader.exec_module(module)
        except BaseException:
            sys.modules.pop(full, None)
            raise
        return module

    def _import(
        self,
        name: str,
        globals_: Mapping[str, Any] | None = None,
        locals_: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """Do what ``import`` does, the author's own modules first."""
        wanted = name
        if level:
            package = str((globals_ or {}).get("__package__") or "")
            wanted = importlib.util.resolve_name("." * level + name, package)
            wanted = wanted.removeprefix(f"{self._package}.")
        if wanted not in self._paths:
            return builtins.__import__(name, globals_, locals_, fromlist or (), level)
        module = self._load(wanted)
        for one in fromlist or ():
            if f"{wanted}.{one}" in self._paths:
                self._load(f"{wanted}.{one}")
        return module if fromlist else self._load(wanted.partition(".")[0])


class _Loader(SourceFileLoader):
    """Runs the source itself, which was checked, never what was compiled of it by somebody."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _name_of(path: str) -> str:
    """Return what a source is imported as: ``pkg/__init__.py`` as ``pkg``."""
    parts = path.removesuffix(".py").split("/")
    return ".".join(parts[:-1] if parts[-1] == _PACKAGE else parts)
