"""What comes with Python or an installed package, and what is the author's own."""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
from functools import lru_cache
from pathlib import Path

_INSTALLED = frozenset({"site-packages", "dist-packages"})
BUNDLED = "ztfnb_bundle_"
"""How the name of a module begins that a bundle brings: its own name follows, then that of one of
the author's modules, so that two bundles may have modules of one name."""
_HOME = str(Path(__file__).parents[1])
_PLACES = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))


@lru_cache(maxsize=1_000)
def is_library(module: str | None) -> bool:
    """Return whether a module comes with Python or an installed package, or is ztfnb's own."""
    if not module or module == "__main__":
        return False
    root = module.partition(".")[0]
    if root == "ztfnb" or root in sys.builtin_module_names or root in sys.stdlib_module_names:
        return True
    known = sys.modules.get(module) or sys.modules.get(root)
    file = getattr(known, "__file__", None)
    if file is None:
        try:
            spec = None if known else importlib.util.find_spec(root)
        except (ImportError, ValueError):
            spec = None
        file = spec.origin if spec else None
    if file is None:
        return not known
    path = Path(file)
    return not _INSTALLED.isdisjoint(path.parts) or any(map(path.is_relative_to, _PLACES))


def given_name(module: str) -> str:
    """Return what the author calls a module, in a bundle too."""
    return module.partition(".")[2] if module.startswith(BUNDLED) else module


def beside(module: str, name: str) -> str:
    """Return what a module is called that another imports by a name: a bundle has its own."""
    bundle = module.partition(".")[0]
    own = f"{bundle}.{name}"
    return own if bundle.startswith(BUNDLED) and own in sys.modules else name


@lru_cache(maxsize=1_000)
def is_library_file(file: str) -> bool:
    """Return whether code stands in a file of Python, of an installed package or of ztfnb."""
    return file.startswith("<frozen") or is_installed_file(file) or is_own_file(file)


def is_installed_file(file: str) -> bool:
    """Return whether code stands in a file of Python or of an installed package."""
    return file.startswith(_PLACES)


def is_own_file(file: str) -> bool:
    """Return whether code stands in a file of ztfnb."""
    return file.startswith(_HOME)
