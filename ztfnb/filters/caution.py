"""What keeps a function from being traced, or its runs from being repeated."""

from __future__ import annotations

import ast
from types import FunctionType


def obstacle_in(function: FunctionType, tree: ast.FunctionDef) -> str:
    """Return why a function cannot be traced, or an empty text."""
    names = {one.id for one in ast.walk(tree) if isinstance(one, ast.Name)}
    for name in ("locals", "vars", "dir", "eval", "exec", "super", "__class__"):
        if name in names:
            return f"it uses {name}"
    del function
    return ""


def stateful(function: FunctionType) -> bool:
    """Return whether a run of a function can depend on anything but the alert."""
    del function
    return False
