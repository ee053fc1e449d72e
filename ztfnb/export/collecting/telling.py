"""What a statement says by its text alone."""

from __future__ import annotations
import __future__

import ast
import builtins
import dis
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from ztfnb.filters.constants import UnseenError, canonical
from ztfnb.filters.usednames import codes_in

_MODULES = frozenset({"numpy", "math", "re", "datetime", "decimal", "fractions", "types"})
_NOT = ("load", "save", "from", "random", "open", "seed", "now", "today", "memmap", "genfromtxt")
_BUILTINS = frozenset(
    {"frozenset", "set", "tuple", "list", "dict", "range", "float", "int", "bool", "str", "abs",
     "min", "max", "sum", "round", "slice", "complex", "sorted", "zip"}
)  # fmt: skip
_READS = frozenset(
    {"open", "input", "eval", "exec", "load", "connect", "urlopen", "get", "post", "getpass",
     "glob", "listdir", "iterdir", "now", "today", "time", "Popen", "run", "system"}
)  # fmt: skip
_READING = ("read_", "load_", "open_", "fetch", "download", "query_", "from_file", "from_csv")


def says(node: ast.stmt, value: Any, names: Mapping[str, Any]) -> bool:
    """Return whether a statement gives one name just this value; nothing but sums is run.

    Parameters
    ----------
    names
        What names stand for in it.
    """
    if not (isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None):
        return False
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if len(targets) != 1 or not isinstance(targets[0], ast.Name):
        return False
    return _evaluated(node.value, value, names) is True


def is_plain_other(node: ast.expr, value: Any, names: Mapping[str, Any]) -> bool:
    """Return whether an expression, as far as its text alone tells, gives another value."""
    return _evaluated(node, value, names) is False


def _evaluated(node: ast.expr, value: Any, names: Mapping[str, Any]) -> bool | None:
    """Return whether an expression gives a value; None where its text alone does not tell."""
    try:
        exact = canonical(value)
        if not _is_plain(node, names):
            return None
        code = compile(ast.Expression(node), "<constant>", "eval")
        return canonical(eval(code, dict(names))) == exact  # noqa: S307 - numbers, texts, NumPy
    except UnseenError:
        return None
    except Exception:  # noqa: BLE001 - what it was made of may have changed
        return None


def names_read(node: ast.stmt) -> tuple[set[str], set[str]]:
    """Return the global names that a statement reads when it is run, and those that it may later.

    Annotations are not read.
    """
    flags = __future__.annotations.compiler_flag
    tree = ast.fix_missing_locations(ast.Module([node], []))
    code = compile(tree, "<statement>", "exec", flags=flags, dont_inherit=True)
    at_once: set[str] = set()
    later: set[str] = set()
    whole = not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    for each in codes_in(code):
        for step in dis.get_instructions(each):
            if step.opname == "LOAD_NAME" or (whole and step.opname == "LOAD_GLOBAL"):
                at_once.add(str(step.argval))
            elif step.opname == "LOAD_GLOBAL":
                later.add(str(step.argval))
    return at_once, later


def _is_plain(  # noqa: PLR0911 - one for each kind of node
    node: ast.expr, names: Mapping[str, Any]
) -> bool:
    """Return whether an expression is made of constants alone, and leads nowhere else."""
    match node:
        case ast.Constant():
            return True
        case ast.List(elts=elts) | ast.Tuple(elts=elts) | ast.Set(elts=elts):
            return all(_is_plain(one, names) for one in elts)
        case ast.Dict(keys=keys, values=values):
            return all(one is not None and _is_plain(one, names) for one in (*keys, *values))
        case ast.BinOp(left=left, right=right):
            large = isinstance(node.op, ast.Pow | ast.LShift)
            return not large and _is_plain(left, names) and _is_plain(right, names)
        case ast.UnaryOp(operand=operand):
            return _is_plain(operand, names)
        case ast.Call(func=func, args=args, keywords=keywords):
            given = [*args, *(one.value for one in keywords)]
            return _is_known(func, names) and all(_is_plain(one, names) for one in given)
        case ast.Attribute():
            return _is_known(node, names)
        case ast.Name(id=name) if name in names:
            try:
                canonical(names[name])
            except UnseenError:
                return False
            return True
    return False


def _is_known(node: ast.expr, names: Mapping[str, Any]) -> bool:
    """Return whether a name is that of something that makes the same of the same, always."""
    match node:
        case ast.Name(id=name) if name not in names:
            return name in _BUILTINS and hasattr(builtins, name)
        case ast.Attribute(value=inner, attr=attr):
            if any(attr.startswith(one) for one in _NOT):
                return False
            root = inner
            while isinstance(root, ast.Attribute):
                root = root.value
            value = names.get(root.id) if isinstance(root, ast.Name) else None
            return isinstance(value, ModuleType) and value.__name__ in _MODULES
    return False


def makes(node: ast.stmt, name: str, value: Any, names: Mapping[str, Any]) -> bool:
    """Return whether a statement makes what a name stands for, of nothing from outside."""
    match node:
        case ast.FunctionDef(decorator_list=[_, *_]):
            return not isinstance(value, type)
        case ast.ClassDef(decorator_list=[_, *_]):
            return True
        case (
            ast.Assign(targets=[ast.Name(id=one)], value=said)
            | ast.AnnAssign(target=ast.Name(id=one), value=ast.expr() as said)
        ) if one == name:
            return not _reads(said) and _fits(said, value) and _gives(said, value, names)
    return False


def _gives(node: ast.expr, value: Any, names: Mapping[str, Any]) -> bool:
    """Return whether an expression gives a value that can be compared; others are made anew."""
    try:
        exact = canonical(value)
    except UnseenError:
        return True
    try:
        code = compile(ast.Expression(node), "<constant>", "eval")
        return canonical(eval(code, dict(names))) == exact  # noqa: S307 - the author's own
    except Exception:  # noqa: BLE001 - what it was made of may have changed
        return False


def _fits(node: ast.expr, value: Any) -> bool:
    """Return whether what is written holds as many things as there are now."""
    match node:
        case ast.Dict(keys=parts):
            return isinstance(value, dict) and len(value) == len(parts)
        case ast.List(elts=parts):
            return isinstance(value, list) and len(value) == len(parts)
        case ast.Tuple(elts=parts):
            return isinstance(value, tuple) and len(value) == len(parts)
        case ast.ListComp() | ast.DictComp() | ast.SetComp() | ast.Constant():
            return False
    return True


def _reads(node: ast.expr) -> bool:
    for one in ast.walk(node):
        if isinstance(one, ast.Call):
            func = one.func
            name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
            if name in _READS or name.startswith(_READING):
                return True
    return False
