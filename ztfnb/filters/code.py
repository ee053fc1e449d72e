"""The source of a function: its text as it was written, and its syntax tree."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ztfnb.errors import FilterError


@dataclass(frozen=True, slots=True, eq=False)
class FunctionCode:
    """The source of one function, without its decorators.

    Line numbers, in the tree too, are those of the file or cell that it was written in.
    """

    name: str
    text: str
    """From ``def`` to its end, without common indentation."""
    file: str
    line: int
    """Of its ``def``."""
    indent: int
    """Columns that were removed from each line; columns of the tree count without them."""
    tree: ast.FunctionDef

    def segment(self, node: ast.AST) -> str:
        """Return the text of a part of the tree, on one line."""
        lines = self.text.splitlines(keepends=True)
        first, last = node.lineno - self.line, node.end_lineno - self.line  # type: ignore[attr-defined]
        start, end = node.col_offset, node.end_col_offset  # type: ignore[attr-defined]
        # Columns of a tree count bytes.
        piece = [line.encode() for line in lines[first : last + 1]]
        piece[-1] = piece[-1][:end]
        piece[0] = piece[0][start:]
        return " ".join(b"".join(piece).decode().split())


def code_of(function: Callable[..., Any]) -> FunctionCode:
    """Return the source of a function that was written in a file or a cell.

    Raises
    ------
    FilterError
        If it is no plain function, or its source is not to be had.
    """
    name = getattr(function, "__name__", type(function).__name__)
    if not inspect.isfunction(function):
        raise FilterError(
            f"{name}: expected a function written with def, got {type(function).__name__}"
        )
    if name == "<lambda>":
        raise FilterError("a lambda has no source of its own; write it with def and a name")
    kinds = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
    if function.__code__.co_flags & kinds:
        raise FilterError(
            f"{name}: a generator or async function returns before it has decided; "
            "return True or False from a plain function"
        )
    try:
        lines, first = inspect.getsourcelines(function)
    except (OSError, TypeError):
        raise FilterError(
            f"the source of {name} is not to be had; define it in a cell or a file, not by exec"
        ) from None
    whole = "".join(lines)
    dedented = textwrap.dedent(whole)
    try:
        tree = ast.parse(dedented).body[0]
    except (SyntaxError, IndexError):
        raise FilterError(f"the source of {name} cannot be read alone") from None
    if not isinstance(tree, ast.FunctionDef):
        raise FilterError(f"{name}: expected a function written with def")
    tree.decorator_list = []
    text = "".join(dedented.splitlines(keepends=True)[tree.lineno - 1 :])
    ast.increment_lineno(tree, first - 1)
    indent = len(lines[0]) - len(lines[0].lstrip())
    return FunctionCode(name, text, function.__code__.co_filename, tree.lineno, indent, tree)
