"""The source of a function is its own, exactly, wherever it was written."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable
from typing import Any

import pytest
from cells import Notebook
from hypothesis import given
from hypothesis import strategies as st

from ztfnb.errors import FilterError
from ztfnb.filters.code import code_of


def plain(alert: Any) -> bool:  # a comment
    """A function of a file."""
    return bool(alert)


def registered(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def other(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(alert: Any) -> Any:
        return not function(alert)

    return wrapper


def as_function(text: str) -> ast.FunctionDef:
    (node,) = ast.parse(text).body
    assert isinstance(node, ast.FunctionDef)
    return node


def test_of_a_file() -> None:
    """Text, line and file are those of the function's def."""
    code = code_of(plain)
    assert code.text.startswith("def plain(alert: Any) -> bool:  # a comment\n")
    assert code.text.endswith("return bool(alert)\n")
    assert code.line == plain.__code__.co_firstlineno == code.tree.lineno
    assert (code.name, code.file, code.indent) == ("plain", __file__, 0)


def test_of_a_cell() -> None:
    """A function of a cell has its source, with the cell's line numbers."""
    book = Notebook()
    book.run("x = 1\n\ndef f(alert):\n    return alert > 1\n\ny = 2")
    code = code_of(book["f"])
    assert code.text == "def f(alert):\n    return alert > 1\n"
    assert (code.line, code.tree.body[0].lineno) == (3, 4)


def test_last_line_without_end() -> None:
    """The text ends with a line's end even where the cell does not."""
    book = Notebook()
    book.run("def f(alert): return alert > 1")
    assert code_of(book["f"]).text == "def f(alert): return alert > 1\n"


def test_several_decorators() -> None:
    """Decorators are no part of the source; the line is that of def."""

    @registered
    @registered
    def f(alert: Any) -> bool:
        return bool(alert)

    code = code_of(f)
    assert code.text.startswith("def f(")
    assert code.tree.decorator_list == []
    assert code.line == f.__code__.co_firstlineno + 2


def test_indented() -> None:
    """A definition inside a function loses its indentation, but no text inside loses any."""

    def f(alert: Any) -> str:
        text = """
        eight spaces
no space
"""
        # a comment
        return (
            text
            + f"""{alert}
            twelve"""
        )

    code = code_of(f)
    assert code.indent == 4
    assert code.text.splitlines()[1] == '    text = """'
    scope: dict[str, Any] = {"Any": Any}
    exec(compile(ast.Module([code.tree], []), "<test>", "exec"), scope)  # noqa: S102
    assert scope["f"](1) == f(1)
    assert ast.dump(as_function(code.text)) == ast.dump(code.tree)


def test_two_of_one_name() -> None:
    """Of functions of one name in a cell, each has its own source."""
    book = Notebook()
    book.run("def f(alert):\n    return 1\ng = f\ndef f(alert):\n    return 2")
    assert "return 1" in code_of(book["g"]).text
    assert "return 2" in code_of(book["f"]).text


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ('alert["b"]  ==  "x  y"', 'alert["b"]  ==  "x  y"'),
        ("(1 < 2  # why\n      and 3 > 2)", "1 < 2 and 3 > 2"),
        ("f(\n    1,\n    2,\n  )", "f(1, 2,)"),
        ('"é" < alert["b"]', '"é" < alert["b"]'),
        ('("a  b" in\n  alert)', '"a  b" in alert'),
    ],
)
def test_segment(expression: str, text: str) -> None:
    """A part of the source is told as it was written, on one line, without comments."""
    book = Notebook()
    book.run(f"if True:\n    def f(alert):\n        return {expression}")
    code = code_of(book["f"])
    returned = code.tree.body[0]
    assert isinstance(returned, ast.Return)
    assert returned.value is not None
    assert code.segment(returned.value) == text


@given(st.lists(st.sampled_from(["x", "'a # b'", "(1,\n 2)", "[x\n,  x]", "f(x)"]), min_size=1))
def test_segments_mean_the_same(pieces: list[str]) -> None:
    """What is told of an expression reads back as that expression."""
    book = Notebook()
    book.run(f"def f(x):\n    return ({' and  '.join(pieces)})")
    code = code_of(book["f"])
    returned = code.tree.body[0]
    assert isinstance(returned, ast.Return)
    assert returned.value is not None
    told = ast.parse(code.segment(returned.value), mode="eval").body
    assert ast.dump(told) == ast.dump(returned.value)


def coroutine() -> Any:
    async def f(alert: Any) -> bool:
        return bool(alert)

    return f


def generator() -> Any:
    def f(alert: Any) -> Any:
        yield alert

    return f


def executed() -> Any:
    scope: dict[str, Any] = {}
    exec("def f(alert): return True", scope)  # noqa: S102
    return scope["f"]


class Holder:
    def method(self, alert: Any) -> bool:
        return bool(alert)

    @staticmethod
    def static(alert: Any) -> bool:
        return bool(alert)


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda alert: alert, "write it with def"),
        (coroutine(), "return True or False from a plain function"),
        (generator(), "return True or False from a plain function"),
        (executed(), "define it in a cell or a file"),
        (Holder().method, "write it outside of the class"),
        (Holder.method, "write it outside of the class"),
        (Holder.static, "write it outside of the class"),
        (other(plain), "call that inside the filter instead"),
        (functools.lru_cache(plain), "put @ztfnb.filter right above def"),
        (functools.partial(plain), "use with_params"),
        (Holder, "got a class"),
        (3, "expected a function written with def, got int"),
        (len, "expected a function written with def"),
    ],
)
def test_refused(made: Any, told: str) -> None:
    """What is no plain function is refused with what to write instead."""
    with pytest.raises(FilterError, match=told):
        code_of(made)


def test_refused_where_the_file_has_changed() -> None:
    """A source that no longer has the function at its line is not taken for it."""
    import linecache  # noqa: PLC0415 - of this test alone

    book = Notebook()
    book.run("def f(alert):\n    return 1")
    file = book["f"].__code__.co_filename
    linecache.cache[file] = (1, None, ["\n", "def f(alert):\n", "    return 2\n"], file)
    with pytest.raises(FilterError, match="changed"):
        code_of(book["f"])


def test_beside_what_is_no_python() -> None:
    """A function is found in a cell of which another line is no Python."""
    import linecache  # noqa: PLC0415 - of this test alone

    book = Notebook()
    book.run("def f(alert):\n    return 1\n")
    file = book["f"].__code__.co_filename
    for other in ("%matplotlib inline\n", "```\n", "what is 1?\n"):
        lines = ["def f(alert):\n", "    return 1\n", other]
        linecache.cache[file] = (1, None, lines, file)
        assert code_of(book["f"]).text == "def f(alert):\n    return 1\n"
