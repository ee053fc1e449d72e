"""What names a piece of source uses, and the source as a text that no layout changes."""

from __future__ import annotations

import ast
import dis
from collections.abc import Iterable, Iterator
from types import CodeType
from typing import Any

Chain = tuple[str, ...]
"""A dotted name: ``("np", "hypot")``."""


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """Return a piece of code, and those of functions and comprehensions inside."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from codes_in(inner)


def globals_in(code: CodeType) -> tuple[set[str], set[str]]:
    """Return the global names that a piece of code reads, and those that it writes."""
    read, written = set(), set()
    for each in codes_in(code):
        for step in dis.get_instructions(each):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                read.add(str(step.argval))
            elif step.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
                written.add(str(step.argval))
    return read, written


def chains_in(nodes: Iterable[ast.AST]) -> set[Chain]:
    """Return the dotted names that are read, as long as they go."""
    found: set[Chain] = set()
    inner: set[int] = set()
    for node in (each for top in nodes for each in ast.walk(top)):
        if isinstance(node, ast.Name | ast.Attribute) and id(node) not in inner:
            chain = []
            part: ast.expr = node
            while isinstance(part, ast.Attribute):
                chain.append(part.attr)
                part = part.value
                inner.add(id(part))
            if isinstance(part, ast.Name):
                found.add((part.id, *reversed(chain)))
    return found


def imports_in(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the modules that are imported inside."""
    found: set[str] = set()
    for node in (each for top in nodes for each in ast.walk(top)):
        if isinstance(node, ast.Import):
            found.update(one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


_DROPPED = frozenset({"annotation", "ctx", "kind", "returns", "type_comment", "type_params"})
_OF_THE_TOP = frozenset({"decorator_list", "name"})


def shape_of(node: Any, *, top: bool = False) -> str:
    """Return a tree as text: without layout, comments, docstrings and what only types tell.

    Python versions agree on it. Of the node at the top, name and decorators are left out.
    """
    if isinstance(node, list):
        return f"[{','.join(map(shape_of, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = []
    for name, value in ast.iter_fields(node):
        if value is None or value == [] or name in _DROPPED or (top and name in _OF_THE_TOP):
            continue
        said = name == "body" and _has_docstring(node)
        fields.append(f"{name}={shape_of(value[1:] if said else value)}")
    return f"{type(node).__name__}({','.join(fields)})"


def _has_docstring(node: ast.AST) -> bool:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)
    return isinstance(node, kinds) and ast.get_docstring(node, clean=False) is not None
