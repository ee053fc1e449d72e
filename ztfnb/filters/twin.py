"""Read the source of a function exactly, and compile a rewritten one in its place."""

from __future__ import annotations
import __future__

import ast
import contextlib
import copy
import functools
import inspect
import linecache
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from ztfnb.filters import sources
from ztfnb.filters.code import FunctionCode
from ztfnb.filters.conditions import RECORDER
from ztfnb.syntax import tree_of

_AROUND, _OUTER, _INNER = "@around", "@outer", "@inner"
_FUTURES = 0
for _name in __future__.all_feature_names:
    _FUTURES |= getattr(__future__, _name).compiler_flag


class ObstacleError(Exception):
    """Why the conditions of a function cannot be found."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The source of a function, with lines and columns as Python counted them."""

    code: FunctionCode
    tree: ast.FunctionDef
    inside: frozenset[int]
    """Lines that begin inside a text: they were not indented."""
    imported: tuple[str, ...]
    """Names that the file imports: methods of modules are compiled otherwise than others."""

    def text(self, node: Any) -> str:
        """Return the text of a part of the tree, on one line."""
        there = copy.copy(node)
        there.col_offset -= self._indent(node.lineno)
        there.end_col_offset -= self._indent(node.end_lineno)
        return self.code.segment(there)

    def _indent(self, line: int) -> int:
        return 0 if line - self.code.line + 1 in self.inside else self.code.indent


def read(function: FunctionType, code: FunctionCode) -> Reading:
    """Return the source that a function was compiled from.

    Raises
    ------
    ObstacleError
        If that is not the source that is known of it.
    """
    # FunctionCode has taken away what stood before each line; columns are counted with it.
    inside = sources._lines_inside_texts(code.text) if code.indent else ()  # noqa: SLF001
    text = "".join(
        line if number in inside else " " * code.indent + line
        for number, line in enumerate(sources.lines_of(code.text), 1)
    )
    try:
        tree: Any = tree_of("if 1:\n" + text if code.indent else text).body[0]
        tree = tree.body[0] if code.indent else tree
        ast.increment_lineno(tree, code.line - tree.lineno)
        if isinstance(tree, ast.FunctionDef) and not getattr(tree, "type_params", None):
            for imported in _imports(function, tree):
                again = compiled(copy.deepcopy(tree), function, imported)
                if _same(inner_code(again), function.__code__):
                    return Reading(code, tree, frozenset(inside), imported)
    except (SyntaxError, IndexError, AttributeError, StopIteration):
        pass
    raise ObstacleError(
        "its source is not what it was compiled from: another decorator changed it, "
        "or its text has changed since; define it again"
    )


def _imports(function: FunctionType, tree: ast.FunctionDef) -> Iterator[tuple[str, ...]]:
    """Yield what its file may import: as it is written there, or else as far as can be guessed."""
    lines = linecache.getlines(function.__code__.co_filename, function.__globals__)
    yield _imports_in("".join(lines))
    yield ()
    names = {one.id for one in ast.walk(tree) if isinstance(one, ast.Name)}
    yield tuple(
        name for name in names if isinstance(function.__globals__.get(name), types.ModuleType)
    )


@functools.lru_cache(maxsize=64)
def _imports_in(text: str) -> tuple[str, ...]:
    with contextlib.suppress(SyntaxError, ValueError):
        return tuple(_imported(tree_of(text)))
    return ()


def _imported(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            if getattr(child, "module", "") != "__future__":
                names = (one.asname or one.name.partition(".")[0] for one in child.names)
                yield from (name for name in names if name != "*")
        elif not isinstance(child, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            yield from _imported(child)


def compiled(tree: ast.FunctionDef, function: FunctionType, imported: Sequence[str]) -> CodeType:
    """Compile a tree, as code that makes a function of it when it is called with a recorder."""
    original = function.__code__
    tree.decorator_list, tree.returns = [], None
    arguments = tree.args
    arguments.defaults, arguments.kw_defaults = [], [None] * len(arguments.kwonlyargs)
    for one in ast.walk(arguments):
        if isinstance(one, ast.arg):
            one.annotation = None
    module = tree_of("def around():\n def outer(): pass")
    around: Any = module.body[0]
    outer: Any = around.body[0]
    around.name, outer.name = _AROUND, _OUTER
    around.args.args = [ast.arg(name) for name in original.co_freevars]
    outer.args.args = [ast.arg(RECORDER)]
    outer.body = [tree, ast.Return(ast.Name(_INNER, ast.Load()))]
    # By its own name it would find itself, and not what that name stands for.
    tree.name = _INNER
    if imported:
        module.body.insert(0, ast.Import([ast.alias(name) for name in imported]))
    ast.fix_missing_locations(module)
    flags = original.co_flags & _FUTURES
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # said when it was first compiled
        whole = compile(module, original.co_filename, "exec", flags=flags, dont_inherit=True)
    code = _code_in(_code_in(whole, _AROUND), _OUTER)
    inner = _code_in(code, _INNER)
    prefix = f"{_AROUND}.<locals>.{_OUTER}.<locals>.{_INNER}"
    renamed = _renamed(inner, prefix, original.co_qualname).replace(co_name=original.co_name)
    return code.replace(co_consts=tuple(renamed if one is inner else one for one in code.co_consts))


def inner_code(code: CodeType) -> CodeType:
    """Return the code of the function itself, in that which makes it."""
    return next(one for one in code.co_consts if isinstance(one, CodeType))


def twin_of(function: FunctionType, code: CodeType) -> Callable[[Any], FunctionType]:
    """Return what makes a function of other code, sharing all else, for a recorder."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    closure = tuple(cells[name] for name in code.co_freevars)
    make = FunctionType(code, function.__globals__, _OUTER, None, closure)
    if function.__defaults__ is None and function.__kwdefaults__ is None:
        return make

    def made(recorder: Any) -> FunctionType:
        twin: FunctionType = make(recorder)
        twin.__defaults__, twin.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
        return twin

    return made


def codes_of(code: CodeType) -> list[CodeType]:
    """Return a code object and all in it."""
    inner = [one for one in code.co_consts if isinstance(one, CodeType)]
    return [code, *(each for one in inner for each in codes_of(one))]


def _code_in(code: CodeType, name: str) -> CodeType:
    return next(one for one in code.co_consts if isinstance(one, CodeType) and one.co_name == name)


def _renamed(code: CodeType, name: str, to: str) -> CodeType:
    """Return code under the qualified name of the original, and all in it."""

    def constant(value: Any) -> Any:
        if isinstance(value, CodeType):
            return _renamed(value, name, to)
        # The body of a class holds its qualified name.
        return to + value.removeprefix(name) if type(value) is str and name in value else value

    qualified = to + code.co_qualname.removeprefix(name)
    return code.replace(co_qualname=qualified, co_consts=tuple(map(constant, code.co_consts)))


_ALIKE = (
    "co_code", "co_names", "co_varnames", "co_freevars", "co_cellvars", "co_argcount",
    "co_posonlyargcount", "co_kwonlyargcount", "co_name", "co_exceptiontable",
)  # fmt: skip


def _same(one: CodeType, other: CodeType) -> bool:
    if any(getattr(one, name) != getattr(other, name) for name in _ALIKE):
        return False
    if (one.co_flags ^ other.co_flags) & ~inspect.CO_NESTED:
        return False
    if _places(one) != _places(other) or len(one.co_consts) != len(other.co_consts):
        return False
    return all(
        _same(mine, its)
        if isinstance(mine, CodeType) and isinstance(its, CodeType)
        else repr(mine) == repr(its) and type(mine) is type(its)
        for mine, its in zip(one.co_consts, other.co_consts, strict=True)
    )


def _places(code: CodeType) -> list[Any]:
    """Return the lines and columns of code; those of its decorators aside."""
    return [one for one in code.co_positions() if one[0] != code.co_firstlineno]
