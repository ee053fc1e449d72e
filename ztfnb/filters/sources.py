"""Source text of what is defined in files and cells: read, parsed once, and carried along."""

from __future__ import annotations

import ast
import inspect
import io
import linecache
import os
import tokenize
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

from ztfnb.syntax import tree_of

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_FILES_PARSED = 64


def lines_of(text: str) -> list[str]:
    """Return lines as Python counts them, with their ends; `str.splitlines` knows more ends."""
    return io.StringIO(text).readlines()


def text_of(file: str, names: dict[str, Any] | None = None) -> str:
    """Return the text of a file or cell; ``""`` where it is not to be had.

    Parameters
    ----------
    file
        As code objects name it.
    names
        Global names of its module, which may know how to get at it.
    """
    linecache.checkcache(file)
    # Not from the name of linecache itself: doctest puts a function of its own there.
    return "".join(linecache.getlines(file, names))


def keep(file: str, text: str) -> None:
    """Make a text the source of a file that is none, as notebooks do for cells."""
    if not os.path.exists(file):  # noqa: PTH110 - the name of a cell is no path
        linecache.cache[file] = (len(text), None, lines_of(text), file)


def carried(functions: Iterable[Callable[..., Any]]) -> dict[str, str]:
    """Return the texts that another process lacks: of cells, and of the program that runs."""
    found = {}
    for function in functions:
        code: CodeType = function.__code__
        local = function.__module__ == "__main__" or not os.path.exists(code.co_filename)  # noqa: PTH110
        if local and (text := text_of(code.co_filename)):
            found[code.co_filename] = text
    return found


@lru_cache(maxsize=_FILES_PARSED)
def parsed(text: str) -> ast.Module | None:
    """Return the syntax tree of a text; None where it is no Python."""
    try:
        return tree_of(text)
    except (SyntaxError, ValueError, RecursionError):
        return None


@lru_cache(maxsize=_FILES_PARSED)
def _definitions(text: str) -> dict[tuple[str, int], Definition]:
    """Return every function and class in a text, by name and first line.

    That is of its ``def`` or of its first decorator: compiled code has either.
    """
    tree = parsed(text)
    found = {}
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, Definition):
            for line in (node.lineno, *(each.lineno for each in node.decorator_list[:1])):
                found[node.name, line] = node
    return found


def definition_of(function: FunctionType) -> tuple[Definition, str] | None:
    """Return where a function is defined, and the text around; None where it is not to be had."""
    code = function.__code__
    text = text_of(code.co_filename, function.__globals__)
    node = _definitions(text).get((code.co_name, code.co_firstlineno))
    if node is None and text and parsed(text) is None:
        # A cell with something in it that is no Python: the function alone may be.
        text = _alone(text, code.co_firstlineno)
        node = _definitions(text).get((code.co_name, code.co_firstlineno))
    return None if node is None else (node, text)


def _alone(text: str, first: int) -> str:
    """Return the block that begins on a line, on that line; ``""`` where that is no Python."""
    try:
        return "\n" * (first - 1) + "".join(inspect.getblock(lines_of(text)[first - 1 :]))
    except (SyntaxError, tokenize.TokenError, IndexError):
        return ""


def lambdas_at(function: FunctionType) -> list[ast.Lambda]:
    """Return the lambdas that begin on the line of one: which of them it is, nobody can tell."""
    code = function.__code__
    tree = parsed(text_of(code.co_filename, function.__globals__))
    return [
        node
        for node in (ast.walk(tree) if tree else ())
        if isinstance(node, ast.Lambda) and node.lineno == code.co_firstlineno
    ]


def class_definition(kind: type) -> Definition | None:
    """Return where a class is defined; None where that is not to be had."""
    found = class_source(kind)
    return None if found is None else found[0]


def class_source(kind: type) -> tuple[ast.ClassDef, str] | None:
    """Return where a class is defined, and the text around; None where it is not to be had."""
    codes = [each.__code__ for each in vars(kind).values() if isinstance(each, FunctionType)]
    files = [code.co_filename for code in codes]
    with suppress(TypeError, OSError):
        files.append(inspect.getsourcefile(kind) or "")
    for file in files:
        nodes = _classes(text_of(file), kind.__name__)
        lines = [code.co_firstlineno for code in codes if code.co_filename == file]
        # One name may have been given twice in one cell.
        around = [one for one in nodes if any(_stands_in(one, line) for line in lines)]
        for node in around or nodes:
            return node, text_of(file)
    # A class without methods does not know its cell; the latest that fits it is the one.
    own = vars(kind)
    known = {*own, *own.get("__annotations__", ()), *own.get("_fields", ())}
    for _, text in cells():
        for node in reversed(_classes(text, kind.__name__)):
            if _names_in_class(node) <= known:
                return node, text
    return None


def cells() -> list[tuple[str, str]]:
    """Return names and texts of what stands in no file, as cells do; the latest first."""
    files = [
        file
        for file in reversed(list(linecache.cache))
        if not file.startswith("<") and not os.path.exists(file)  # noqa: PTH110 - a cell's name
    ]
    return [(file, text) for file in files if (text := text_of(file))]


def _classes(text: str, name: str) -> list[ast.ClassDef]:
    tree = parsed(text)
    nodes = ast.walk(tree) if tree else ()
    return [node for node in nodes if isinstance(node, ast.ClassDef) and node.name == name]


def _stands_in(node: ast.ClassDef, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or node.lineno)


def _names_in_class(node: ast.ClassDef) -> set[str]:
    found: set[str] = set()
    for each in node.body:
        if isinstance(each, Definition):
            found.add(each.name)
        elif isinstance(each, ast.Assign):
            found.update(one.id for one in each.targets if isinstance(one, ast.Name))
        elif isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            found.add(each.target.id)
    return found


def dedented(text: str, indent: int) -> str:
    """Return a definition without its indentation; what stands inside its texts is untouched."""
    inside = _lines_inside_texts(text)
    return "".join(
        line if number in inside else line[min(indent, len(line) - len(line.lstrip(" \t"))) :]
        for number, line in enumerate(lines_of(text), 1)
    )


def _lines_inside_texts(text: str) -> set[int]:
    """Return the lines that begin inside a text of several lines, counted from 1."""
    inside: set[int] = set()
    opened: list[int] = []
    # Indented code is none of its own.
    for token in tokenize.generate_tokens(io.StringIO(f"if 1:\n{text}").readline):
        kind, (first, _), (last, _) = token.type, token.start, token.end
        name = tokenize.tok_name[kind]
        if name == "STRING":
            inside.update(range(first, last))
        elif name in ("FSTRING_START", "TSTRING_START"):  # Python 3.12 and later
            opened.append(first)
        elif name in ("FSTRING_END", "TSTRING_END"):
            inside.update(range(opened.pop(), last))
    return inside
