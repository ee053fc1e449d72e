"""What keeps a function from being traced, or its runs from being repeated.

Both err on the safe side: what is not traced is one condition, what is not repeated is run once.
"""

from __future__ import annotations

import ast
import builtins
import copy
import inspect
import sys
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

from ztfnb.filters.bindings import parameters
from ztfnb.filters.filter import Filter
from ztfnb.filters.libraries import is_library
from ztfnb.filters.scope import look_up
from ztfnb.filters.sources import definition_of

_FRAMES = "it looks at its own variables, code or frames"
_LOOKING = {"locals", "vars", "dir", "eval", "exec", "super", "__class__", "breakpoint"}
_LOOKING_AT = (
    *(getattr(builtins, name) for name in _LOOKING - {"__class__"}),
    sys._getframe,  # noqa: SLF001 - it is looked for
    sys.settrace,
    sys.setprofile,
    inspect,
)
_FRAME_NAMES = {
    "_getframe", "_current_frames", "currentframe", "f_locals", "f_back", "tb_frame", "gi_frame",
    "settrace", "setprofile", "__code__", "__closure__",
}  # fmt: skip

_CHANGING = {
    "append", "appendleft", "extend", "extendleft", "insert", "pop", "popleft", "popitem", "remove",
    "clear", "update", "add", "discard", "setdefault", "sort", "reverse", "rotate", "put", "send",
    "write", "writelines", "fill", "resize", "itemset", "subtract", "difference_update",
    "intersection_update", "symmetric_difference_update", "__setitem__", "__delitem__",
    "__setattr__", "fit", "partial_fit", "cache_clear", "release", "acquire", "set", "setitem",
    "delitem", "heapify", "heappush", "heappop", "heapreplace", "heappushpop", "insort",
    "insort_left", "insort_right",
}  # fmt: skip
_CHANCE = {
    "random", "secrets", "time", "os", "socket", "urllib", "http", "requests", "httpx",
    "subprocess", "shutil", "tempfile", "uuid", "ftplib", "smtplib", "sqlite3", "threading",
    "multiprocessing", "asyncio",
}  # fmt: skip
_CHANCE_NAMES = {"open", "input", "setattr", "delattr", "globals", "__import__", "id"}
_CHANCE_ATTRIBUTES = {
    "now", "utcnow", "today", "random", "default_rng", "rand", "randn", "urlopen",
    "read_text", "read_bytes", "write_text", "write_bytes", "unlink", "mkdir", "touch", "exists",
}  # fmt: skip
_FRESH = {
    "list", "dict", "set", "sorted", "tuple", "bytearray", "Counter", "defaultdict", "deque",
    "OrderedDict", "copy", "deepcopy", "reversed", "iter", "zip", "map", "filter", "range", "split",
    "array", "zeros", "ones", "empty", "full", "arange", "linspace", "fromiter", "concatenate",
    "where", "sum", "len", "min", "max", "float", "int", "str", "abs", "round", "namedtuple",
    "zeros_like", "ones_like", "full_like", "empty_like", "diff", "sort", "unique", "tolist",
}  # fmt: skip


def obstacle_in(function: FunctionType, tree: ast.FunctionDef) -> str:
    """Return why a function cannot be traced, or an empty text."""
    if "__class__" in function.__code__.co_freevars:
        return f"{_FRAMES}: super() or __class__"
    for node in ast.walk(tree):
        name = _looks(function, node)
        if name:
            return f"{_FRAMES}: {name}"
    for helper in _helpers(function, tree):
        for node in ast.walk(helper[1]):
            if isinstance(node, ast.Attribute) and node.attr in _FRAME_NAMES:
                return f"{helper[0].__name__}, which it calls, looks at frames: {node.attr}"
    return ""


def stateful(function: FunctionType, tree: ast.FunctionDef) -> bool:
    """Return whether a run of a function may change what the next one does, or depend on chance.

    That is: it assigns to, or changes, what lives longer than one run (globals, variables of a
    closure, its own parameters and what was taken out of them), or uses random numbers, the
    clock, files or the network. Functions that it calls are read too.
    """
    return any(_changes(each, its) for each, its in [(function, tree), *_helpers(function, tree)])


def _looks(function: FunctionType, node: ast.AST) -> str:
    match node:
        case ast.Name(id=name):
            found = look_up(function, name)
            if name in _LOOKING or any(found is one for one in _LOOKING_AT):
                return name
        case ast.Attribute(attr=attr) if attr in _FRAME_NAMES:
            return attr
        case ast.Import(names=names) if any(one.name == "inspect" for one in names):
            return "inspect"
        case ast.ImportFrom(module="inspect" | "builtins" as module):
            return str(module)
        case ast.ImportFrom(names=names):
            return next((one.name for one in names if one.name in _FRAME_NAMES), "")
    return ""


def _helpers(
    function: FunctionType, tree: ast.FunctionDef
) -> Iterator[tuple[FunctionType, ast.FunctionDef]]:
    """Yield the functions that a function may call, and those that these may; with their trees."""
    seen: list[Any] = [function]
    waiting: list[tuple[FunctionType, ast.FunctionDef]] = [(function, tree)]
    while waiting:
        caller, its = waiting.pop()
        for node in ast.walk(its):
            found = _found(caller, node)
            found = found.function if isinstance(found, Filter) else found
            if type(found) is not FunctionType or any(found is one for one in seen):
                continue
            seen.append(found)
            if _of_library(found):
                continue
            # Also that of what no filter could be: methods, generators, what a decorator made.
            definition = definition_of(found)
            if definition is None or not isinstance(definition[0], ast.FunctionDef):
                continue
            body = copy.copy(definition[0])
            body.decorator_list = []  # they were run long ago
            yield found, body
            waiting.append((found, body))


def _found(function: FunctionType, node: ast.AST) -> Any:
    match node:
        case ast.Name(id=name, ctx=ast.Load()):
            return look_up(function, name)
        case ast.Call(func=ast.Name(id=name)):
            return _method(type(look_up(function, name)), "__call__")
        case ast.Attribute(value=ast.Name(id=name), attr=attr):
            found = look_up(function, name)
            if isinstance(found, ModuleType):
                return vars(found).get(attr)
            return _method(found if isinstance(found, type) else type(found), attr)
    return None


def _method(kind: type, name: str) -> Any:
    """Return the function behind a method of an author's class; None if there is none."""
    if is_library(kind.__module__):
        return None
    # Nothing of the author's is run to find it.
    method = inspect.getattr_static(kind, name, None)
    for behind in ("__func__", "fget", "func"):
        method = getattr(method, behind, method)
    return method


def _of_library(function: FunctionType) -> bool:
    name = (function.__module__ or "").partition(".")[0]
    return name in {"numpy", "scipy", "astropy", "pandas"} or name in sys.stdlib_module_names - {
        "__main__"
    }


def _changes(function: FunctionType, tree: ast.FunctionDef) -> bool:
    fresh = _fresh_names(tree)
    free = set(function.__code__.co_freevars)
    return any(_acts(function, node, fresh, free) for node in ast.walk(tree))


def _acts(  # noqa: C901, PLR0911 - one for each kind of node
    function: FunctionType, node: ast.AST, fresh: set[str], free: set[str]
) -> bool:
    match node:
        case ast.Global():
            return True
        case ast.Nonlocal(names=names):
            return bool(free & set(names))
        case (
            ast.Subscript(ctx=ast.Store() | ast.Del()) | ast.Attribute(ctx=ast.Store() | ast.Del())
        ):
            # A part of something new may still be old.
            return isinstance(node.value, ast.Subscript) or not _is_fresh(node.value, fresh)
        case ast.AugAssign(target=ast.Name(id=name)):
            # += changes a list that came from outside in place.
            return name not in fresh and not _number(node.value)
        case ast.Call(func=ast.Name(id="next"), args=[first, *_]):
            return not _is_fresh(first, fresh)
        case ast.Call(func=ast.Attribute(value=value, attr=attr)):
            return attr in _CHANCE_ATTRIBUTES or (attr in _CHANGING and not _is_fresh(value, fresh))
        case ast.Attribute(value=value, attr=attr) if attr in _CHANCE_ATTRIBUTES:
            return True
        case ast.Name(id=name, ctx=ast.Load()):
            found = look_up(function, name)
            module = found.__name__ if isinstance(found, ModuleType) else _module_of(found)
            known = name in _CHANCE_NAMES and found is getattr(builtins, name, None)
            return known or module.partition(".")[0] in _CHANCE
        case ast.Import(names=names):
            return any(one.name.partition(".")[0] in _CHANCE for one in names)
        case ast.ImportFrom(module=module):
            return (module or "").partition(".")[0] in _CHANCE
    return False


def _module_of(found: Any) -> str:
    module = getattr(found, "__module__", None)
    return module if callable(found) and isinstance(module, str) else ""


def _number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant | ast.Compare | ast.BinOp | ast.Subscript)


def _is_fresh(  # noqa: PLR0911 - one for each kind of node
    node: ast.expr, fresh: set[str]
) -> bool:
    """Return whether an object was made in this run, as far as its expression tells."""
    match node:
        case ast.Name(id=name):
            return name in fresh
        case ast.Attribute(value=value) | ast.Subscript(value=value):
            return _is_fresh(value, fresh)
        case ast.Call(func=ast.Name(id=name)):
            return name in _FRESH
        case ast.Call(func=ast.Attribute(value=value, attr=attr)):
            return attr in _FRESH or _is_fresh(value, fresh)
        case ast.BinOp() | ast.Compare() | ast.Constant() | ast.JoinedStr() | ast.UnaryOp():
            return True
        case ast.List() | ast.Dict() | ast.Set() | ast.Tuple():
            return True
        case ast.ListComp() | ast.DictComp() | ast.SetComp() | ast.GeneratorExp():
            return True
        case ast.IfExp(body=body, orelse=orelse):
            return _is_fresh(body, fresh) and _is_fresh(orelse, fresh)
    return False


def _fresh_names(  # noqa: C901 - one for each kind of node
    tree: ast.FunctionDef,
) -> set[str]:
    """Return the local names to which nothing is ever bound but what was made in this run."""
    given: dict[str, list[ast.expr | None]] = {name: [None] for name in parameters(tree)}
    for node in ast.walk(tree):
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                given.setdefault(name, []).append(value)
            case ast.NamedExpr(target=ast.Name(id=name), value=value):
                given.setdefault(name, []).append(value)
            case ast.AugAssign(target=ast.Name()):
                pass
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    _bind(given, target, value)
            case ast.For(target=target) | ast.comprehension(target=target):
                _bind_unknown(given, [target])
            case ast.withitem(optional_vars=ast.expr() as target):
                _bind_unknown(given, [target])
            case ast.arg(arg=name):
                given.setdefault(name, []).append(None)
            case ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name):
                given.setdefault(name, []).append(None)
    fresh = set(given)
    while True:
        kept = {
            name
            for name in fresh
            if all(value is not None and _is_fresh(value, fresh) for value in given[name])
        }
        if kept == fresh:
            return fresh
        fresh = kept


def _bind(given: dict[str, list[ast.expr | None]], target: ast.expr, value: ast.expr) -> None:
    match target, value:
        case ast.Name(id=name), _:
            given.setdefault(name, []).append(value)
        case ast.Tuple(elts=targets), ast.Tuple(elts=values) if len(targets) == len(values):
            for one, its in zip(targets, values, strict=True):
                _bind(given, one, its)
        case _:
            _bind_unknown(given, [target])


def _bind_unknown(given: dict[str, list[ast.expr | None]], targets: list[ast.expr]) -> None:
    for target in targets:
        for one in ast.walk(target):
            if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
                given.setdefault(one.id, []).append(None)
