"""Python's own parser, for sources that other threads may be parsing at the same time."""

from __future__ import annotations

import ast
from typing import Literal, overload

_ATTEMPTS = 5


@overload
def tree_of(text: str) -> ast.Module: ...
@overload
def tree_of(text: str, mode: Literal["eval"]) -> ast.Expression: ...
def tree_of(text: str, mode: str = "exec") -> ast.AST:
    """Return the syntax tree of a text.

    Python 3.11 and 3.12 count the depth of a tree that they make for all threads together: where
    two of them parse, either may be told of an "AST constructor recursion depth mismatch", though
    nothing is wrong (https://github.com/python/cpython/issues/106905). Parsing again helps.

    Raises
    ------
    SyntaxError
        If it is no Python.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return ast.parse(text, mode=mode)
        except SystemError:
            continue
    return ast.parse(text, mode=mode)
