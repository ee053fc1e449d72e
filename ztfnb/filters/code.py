"""The source of a function: its text as it was written, and its syntax tree."""

from __future__ import annotations

import ast
import functools
import inspect
import io
import tokenize
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ztfnb.errors import FilterError
from ztfnb.filters.sources import dedented, definition_of, lines_of
from ztfnb.syntax import tree_of


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
        """Return the text of a part of the tree, on one line, without comments."""
        first, last = node.lineno - self.line, node.end_lineno - self.line  # type: ignore[attr-defined]
        start, end = node.col_offset, node.end_col_offset  # type: ignore[attr-defined]
        # Columns of a tree count bytes.
        piece = [line.encode() for line in lines_of(self.text)[first : last + 1]]
        piece[-1] = piece[-1][:end]
        piece[0] = piece[0][start:]
        text = b"".join(piece).decode()
        return text if first == last else _on_one_line(text, node)


def code_of(function: Callable[..., Any]) -> FunctionCode:
    """Return the source of a function that was written in a file or a cell.

    Raises
    ------
    FilterError
        If it is no plain function, or its source is not to be had.
    """
    name = getattr(function, "__name__", type(function).__name__)
    if not inspect.isfunction(function):
        raise FilterError(f"{name}: expected a function written with def, got {_kind(function)}")
    if name == "<lambda>":
        raise FilterError("a lambda has no source of its own; write it with def and a name")
    if hasattr(function, "__wrapped__"):
        raise FilterError(
            f"{name}: a decorator between @ztfnb.filter and def makes another function of it, "
            "whose decisions its source would not explain; call that inside the filter instead"
        )
    if _in_class(function.__qualname__):
        raise FilterError(
            f"{function.__qualname__} is a method; a filter is a function of one alert: "
            "write it outside of the class"
        )
    kinds = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
    if function.__code__.co_flags & kinds:
        raise FilterError(
            f"{name}: a generator or async function returns before it has decided; "
            "return True or False from a plain function"
        )
    found = definition_of(function)
    if found is None:
        raise FilterError(
            f"the source of {name} is not to be had, or has changed since it was read; define it "
            "in a cell or a file, not by exec or under %%time, and read a changed file anew"
        )
    node, whole = found
    last = node.end_lineno or node.lineno
    lines = lines_of(whole)[node.lineno - 1 : last]
    text = dedented("".join(lines), indent := len(lines[0]) - len(lines[0].lstrip()))
    text = text if text.endswith("\n") else f"{text}\n"
    tree = tree_of(text).body[0]
    if not isinstance(tree, ast.FunctionDef):
        raise FilterError(f"{name}: expected a function written with def")
    ast.increment_lineno(tree, node.lineno - 1)
    return FunctionCode(name, text, function.__code__.co_filename, node.lineno, indent, tree)


def _kind(made: Any) -> str:
    if inspect.ismethod(made):
        return "a method; write it outside of the class"
    if isinstance(made, functools.partial):
        return "a partial; give its parameters defaults, and use with_params"
    if isinstance(made, type):
        return "a class"
    kind = type(made).__name__
    if kind == "Filter":
        return "a filter already: @ztfnb.filter stands there twice"
    hint = "; put @ztfnb.filter right above def" if hasattr(made, "__wrapped__") else ""
    return f"{kind}{hint}"


def _in_class(qualname: str) -> bool:
    """Return whether a function was defined right inside a class."""
    return "." in qualname and not qualname.rpartition(".")[0].endswith("<locals>")


def _on_one_line(text: str, node: ast.AST) -> str:
    """Return an expression of several lines as one line; texts in it stay as they are."""
    pieces: list[str] = []
    row, column = 1, 0
    skipped = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER)
    try:
        # In parentheses, since its lines may go on without any of its own.
        for token in tokenize.generate_tokens(io.StringIO(f"({text}\n)").readline):
            if token.type in skipped:
                continue
            if token.start[0] != token.end[0]:
                return ast.unparse(node)  # a text of several lines
            if token.start[0] == row:
                pieces.append(" " * (token.start[1] - column))
            elif token.string not in (")", "]", "}") and pieces[-1] not in ("(", "[", "{"):
                pieces.append(" ")
            pieces.append(token.string)
            row, column = token.end
    except (tokenize.TokenError, SyntaxError):
        return ast.unparse(node)
    return "".join(pieces)[1:-1].strip()
