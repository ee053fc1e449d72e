"""What the source of a filter may not do where it is deployed: keep state, or ask its notebook."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

_ENVIRONMENT = (
    "is another where the filter runs; make it a threshold, which ZTFNB_PARAM_<NAME> sets"
)
_NAMES = {
    "get_ipython": "belongs to the notebook (a line that begins with % or !); write it in Python, "
    "outside of the filter",
    "display": "shows things in a notebook; return what should be seen as an annotation",
    "__file__": "is another file where the filter runs; declare the file that it leads to: "
    '@ztfnb.filter(files={"path": "file"})',
    "exec": "runs text that cannot be followed; write the code itself",
    "eval": "runs text that cannot be followed; write the expression itself",
    "compile": "makes code that cannot be followed; write the code itself",
    "globals": "reaches names that cannot be followed; use them by name",
    "__import__": "imports what cannot be followed; write import",
    "input": "waits for somebody who types; make it a threshold",
    "environ": _ENVIRONMENT,
    "getenv": _ENVIRONMENT,
    "breakpoint": "waits for a debugger; take it out",
}
_READERS = {
    "open", "load", "loads", "loadtxt", "genfromtxt", "fromfile", "Path", "File", "getdata",
    "memmap", "InferenceSession", "read_text", "read_bytes", "read",
}  # fmt: skip


def forbidden_in(tree: ast.AST, *, module: bool = False) -> Iterator[tuple[int, str]]:
    """Yield the line of each thing that cannot be deployed, and what to do about it.

    Parameters
    ----------
    module
        Whether it is a module that is brought whole: it may hold more than the filter uses.
    """
    stored = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    } | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    for node in ast.walk(tree):
        if (reason := _reason(node, stored, module=module)) is not None:
            yield node.lineno, reason  # type: ignore[attr-defined]


def _reason(node: ast.AST, stored: set[str], *, module: bool) -> str | None:
    match node:
        case ast.Global(names=names) if not module:
            return (
                f"global {', '.join(names)} keeps something from one alert for the next, which "
                "several workers do not share; decide by the alert alone, its history is in "
                'alert["prv_candidates"]'
            )
        case ast.Name(id=name) if name in _NAMES and name not in stored:
            return f"{name} {_NAMES[name]}"
        case ast.ImportFrom(level=level) if level and not module:
            return (
                f"{ast.unparse(node)} counts from a package that is not there where the filter "
                "runs; import by the whole name"
            )
        case ast.Attribute(value=ast.Name(id="os"), attr="environ" | "getenv" as attr):
            return f"os.{attr} {_NAMES[attr]}"
        case ast.Call(func=func, args=[ast.Constant(value=str() as path), *_]) if _reads(
            func
        ) and _is_file(path):
            return (
                f"{ast.unparse(func)}({path!r}) reads a file that the bundle does not know; "
                f'declare it: @ztfnb.filter(files={{"path": {path!r}}})'
            )
    return None


def _reads(func: ast.expr) -> bool:
    name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
    return name in _READERS or name.startswith("read_")


def _is_file(path: str) -> bool:
    try:
        return Path(path).expanduser().is_file()
    except (OSError, RuntimeError, ValueError):
        return False
