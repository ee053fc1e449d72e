from __future__ import annotations

import ast
from typing import Any

import pytest

from ztfnb.syntax import tree_of


def test_the_tree_is_pythons_own() -> None:
    """Statements, or one expression where that is asked for."""
    assert ast.dump(tree_of("x = 1\ny = x")) == ast.dump(ast.parse("x = 1\ny = x"))
    assert isinstance(tree_of("a < b", "eval").body, ast.Compare)


def test_what_is_no_python_is_told() -> None:
    """A mistake in the text is not tried again."""
    with pytest.raises(SyntaxError):
        tree_of("x =")


def test_a_disturbance_by_another_thread_is_got_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Python takes another thread's depth for this one's, it parses once more."""
    parse, told = ast.parse, ["AST constructor recursion depth mismatch"] * 2

    def disturbed(*args: Any, **options: Any) -> Any:
        if told:
            raise SystemError(told.pop())
        return parse(*args, **options)

    monkeypatch.setattr(ast, "parse", disturbed)
    assert ast.unparse(tree_of("x=1")) == "x = 1"


def test_what_never_works_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that stays is not hidden."""

    def broken(*_args: Any, **_options: Any) -> Any:
        raise SystemError("out of order")

    monkeypatch.setattr(ast, "parse", broken)
    with pytest.raises(SystemError, match="out of order"):
        tree_of("x")
