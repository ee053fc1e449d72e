"""Statements of a notebook or module as their author wrote them, with their comments."""

from __future__ import annotations

import ast
import inspect
import linecache
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from ztfnb.filters import sources
from ztfnb.filters.bindings import names_bound

_AT_TOP = (ast.If, ast.Try, ast.With)
_COMPOUND = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """One statement at the top of a cell or module."""

    node: ast.stmt
    whole: str
    """The text around."""
    file: str

    @property
    def text(self) -> str:
        """The statement itself, with the comments above and beside it, not indented."""
        return text_of(self.node, self.whole)


def bindings(names: Mapping[str, Any], name: str) -> Iterator[Statement]:
    """Yield the statements that give a global name its value, the latest first."""
    for file, text in texts_of(names):
        tree = sources.parsed(text)
        found = [one for one in _statements(tree) if name in bound_by(one)] if tree else []
        for one in reversed(found):
            yield Statement(one, text, file)


def makes_function(statement: Statement, function: FunctionType, *, latest: bool) -> bool:
    """Return whether a statement is the one that made a function, as it is now.

    Parameters
    ----------
    latest
        Whether it is the latest that gives the name a value: of some, nothing else can be told.
    """
    inner = inspect.unwrap(function)
    node = statement.node
    match node:
        case ast.FunctionDef(decorator_list=[first, *_]):
            return (latest and inner is function) or _holds(statement, inner, first.lineno)
        case ast.Assign(value=ast.Lambda()) | ast.AnnAssign(value=ast.Lambda()):
            return _holds(statement, function, node.lineno)
    return latest and isinstance(node, ast.Assign | ast.AnnAssign)


def _holds(statement: Statement, function: FunctionType, first: int) -> bool:
    code = function.__code__
    last = statement.node.end_lineno or first
    return statement.file == code.co_filename and first <= code.co_firstlineno <= last


def imports_of(names: Mapping[str, Any]) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports at the top of the module or the cells that have these names."""
    for _, text in texts_of(names):
        tree = sources.parsed(text)
        found = [one for one in _statements(tree) if isinstance(one, ast.Import | ast.ImportFrom)]
        yield from reversed(found)


def texts_of(names: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the files and texts in which some globals were defined, the latest first."""
    file = names.get("__file__")
    if isinstance(file, str) and (text := sources.text_of(file)):
        return [(file, text)]
    module = sys.modules.get(str(names.get("__name__")))
    file = getattr(module, "__file__", None)
    own = getattr(module, "__dict__", None) is names
    if own and isinstance(file, str) and (text := sources.text_of(file)):
        return [(file, text)]
    return sources.cells()


def place_of(file: str, line: int) -> tuple[int, str, int]:
    """Return where something stands, to sort by: files first, then cells as they were run."""
    if os.path.exists(file):  # noqa: PTH110 - the name of a cell is no path
        return (-1, file, line)
    known = list(linecache.cache)
    return (known.index(file) if file in known else len(known), file, line)


def text_of(node: ast.AST, whole: str, *, decorators: bool = True) -> str:
    """Return the text of a statement with its comments, not indented."""
    lines = sources.lines_of(whole)
    given = getattr(node, "decorator_list", []) if decorators else []
    first = min([node.lineno, *(one.lineno for one in given)])  # type: ignore[attr-defined]
    last: int = node.end_lineno  # type: ignore[attr-defined]
    before = lines[first - 1].encode()[: node.col_offset] if not given else b""  # type: ignore[attr-defined]
    after = lines[last - 1].encode()[node.end_col_offset :].decode().strip()  # type: ignore[attr-defined]
    if before.strip() or (after and not after.startswith("#")):
        return ast.get_source_segment(whole, node) or ast.unparse(node)
    indent = len(lines[first - 1]) - len(lines[first - 1].lstrip())
    above = first - 1
    while above and _is_comment(lines[above - 1], indent):
        above -= 1
    return sources.dedented("".join(lines[above:last]), indent).rstrip()


def _is_comment(line: str, indent: int) -> bool:
    text = line.strip()
    own = len(line) - len(line.lstrip()) == indent
    return own and text.startswith("#") and not text.startswith(("#!", "# %%", "#%%", "# In["))


def bound_by(node: ast.stmt) -> set[str]:
    """Return the global names that a statement gives a value."""
    if isinstance(node, _COMPOUND):
        return {node.name}
    if isinstance(node, ast.AnnAssign) and node.value is None:
        return set()
    found: set[str] = set()
    waiting: list[ast.AST] = [node]
    while waiting:
        one = waiting.pop()
        found.update(names_bound(one))
        if not isinstance(one, (*_COMPOUND, ast.Lambda, ast.GeneratorExp, ast.ListComp)):
            waiting += ast.iter_child_nodes(one)
    return found


def _statements(tree: ast.AST | None) -> Iterator[ast.stmt]:
    for one in getattr(tree, "body", []):
        if isinstance(one, _AT_TOP):
            yield from _statements(one)
            for also in ("orelse", "finalbody"):
                yield from _statements(ast.Module(getattr(one, also, []), []))
        else:
            yield one
