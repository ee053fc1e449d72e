"""Keyword-only parameters are thresholds: what they may be set to, and what is refused."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from cells import Notebook
from hypothesis import given
from hypothesis import strategies as st

from ztfnb.errors import FilterError
from ztfnb.filters.threshold import Threshold, threshold_of, thresholds_of

RANGE = (0, 1)


def one(function: Callable[..., Any]) -> Threshold:
    ((found,), _needs) = thresholds_of(function)
    return found


def test_of_a_bare_number() -> None:
    """A number alone is a slider from -v to 3v, as interact has it."""

    def f(alert: Any, *, x=2.0): ...  # type: ignore[no-untyped-def]  # noqa: ANN202, ANN001
    def g(alert: Any, *, x=-2): ...  # type: ignore[no-untyped-def]  # noqa: ANN202, ANN001
    def h(alert: Any, *, x=0.0): ...  # type: ignore[no-untyped-def]  # noqa: ANN202, ANN001

    assert (one(f).kind, one(f).low, one(f).high, one(f).bounded) == ("float", -2, 6, False)
    assert (one(g).kind, one(g).low, one(g).high, one(g).step) == ("int", -6, 2, 1)
    assert (one(h).low, one(h).high) == (0, 1)


ANNOTATED = """
def f(alert, *,
      rb: (0, 1) = 0.65,
      drb: (0, 1, 0.05) = 0.5,
      age: Annotated[float, (0, 30)] = 5,
      count: (1, 10) = 2,
      named: RANGE = 0.5,
      band: ["g", "r"] = "r",
      mode: Literal["fast", "slow"] = "slow",
      fid: Annotated[int, [1, 2, 3]] = 2,
      wide: Annotated[Literal[1, 2], "in pixels"] = 1,
      strict=True, real: bool = False,
      name="ZTF", word: str = "a",
      plain: float = 3, whole: int = 3): ...
"""


@pytest.mark.parametrize("future", ["", "from __future__ import annotations\n"])
def test_annotations(future: str) -> None:
    """Ranges, choices and types are read alike whether annotations are values or texts."""
    book = Notebook()
    book.names |= {"Annotated": Annotated, "Literal": Literal, "RANGE": RANGE}
    book.run(future + ANNOTATED)
    found = {each.name: each for each in thresholds_of(book["f"])[0]}
    kinds = [
        *("float", "float", "float", "int", "float"),
        *("choice", "choice", "choice", "choice"),
        *("bool", "bool", "text", "text", "float", "int"),
    ]
    assert [str(each.kind) for each in found.values()] == kinds
    bounded = {n: (e.low, e.high, e.step) for n, e in found.items() if e.bounded}
    assert bounded == {
        "rb": (0, 1, 0.01),
        "drb": (0, 1, 0.05),
        "age": (0, 30, 0.1),
        "count": (1, 10, 1),
        "named": (0, 1, 0.01),
    }
    assert found["band"].choices == ("g", "r")
    assert found["fid"].choices == (1, 2, 3)


def test_annotation_of_an_inner_function() -> None:
    """With annotations as texts, a range may name what stands around the function."""
    book = Notebook()
    book.run("""
        from __future__ import annotations
        def outer():
            span = (0, 1)
            def f(alert, *, rb: span = 0.5):
                return alert > rb, span
            return f
        """)
    assert one(book["outer"]()).high == 1


def test_other_annotations_are_left_alone() -> None:
    """A type of the alert that only a checker knows hinders nothing."""
    book = Notebook()
    book.run("""
        from __future__ import annotations
        def f(alert: Alert, *, rb: (0, 1) = 0.5) -> Unknown: ...
        """)
    assert one(book["f"]).bounded


def test_needs() -> None:
    """Keyword-only parameters without default are needs."""

    def f(alert: Any, *, model: Any, rb: float = 0.5, catalogue: Any) -> None: ...

    assert thresholds_of(f)[1] == ("model", "catalogue")


@pytest.mark.parametrize(
    ("signature", "told"),
    [
        ("", r"def f\(alert, ...\)"),
        ("*, rb=0.5", r"def f\(alert, ...\)"),
        ("*alerts", r"def f\(alert, ...\)"),
        ("alert, rb=0.5", r"stand behind a star: def f\(alert, \*, rb\)"),
        ("alert, *args", "name each threshold"),
        ("alert, **rest", "name each threshold"),
        ("alert, *, x=None", "files= and setup="),
        ("alert, *, x=[1]", "files= and setup="),
        ("alert, *, x=float('nan')", "finite"),
        ("alert, *, x=float('inf')", "finite"),
        ("alert, *, x=10**400", "finite"),
        ("alert, *, x: (1, 0)=0.5", "from low to high"),
        ("alert, *, x: (0, 1, 0)=0.5", "a step that fits in"),
        ("alert, *, x: (0, 1, 5)=0.5", "a step that fits in"),
        ("alert, *, x: (0, float('inf'))=0.5", r"\(low, high\)"),
        ("alert, *, x: (-1e308, 1e308)=0.5", "from low to high"),
        ("alert, *, x: (0, 1, 2, 3)=0.5", r"\(low, high, step\)"),
        ("alert, *, x: (False, True)=0.5", r"\(low, high\)"),
        ("alert, *, x: ('a', 'b')=0.5", r"\(low, high\)"),
        ("alert, *, x: (0, 1)=2", "x: expected a number from 0 to 1, got 2"),
        ("alert, *, x: ['a']='b'", "is none of"),
        ("alert, *, x: [1, 2]=True", "is none of"),
        ("alert, *, x: []=1", "expected choices"),
        ("alert, *, x: [[1]]=1", "expected choices"),
        ("alert, *, x: int=0.5", "of type int"),
        ("alert, *, x: str=1", "of type str"),
        ("alert, *, x: 'no such name'=1", "cannot be read"),
    ],
)
def test_refused(signature: str, told: str) -> None:
    """What cannot be set is refused, with the filter's name and what to write."""
    book = Notebook()
    book.run(f"def f({signature}): ...")
    with pytest.raises(FilterError, match=told) as error:
        thresholds_of(book["f"])
    assert str(error.value).startswith("f: ")


@pytest.mark.parametrize(
    ("stated", "default", "value", "kept"),
    [
        (None, 0.5, 1, 1),
        (None, 0.5, np.float32(0.25), 0.25),
        (None, 0.5, -1e9, -1e9),
        (None, 3, np.int64(4), 4),
        ((0, 1), 0.5, 1.0, 1.0),
        (None, True, np.bool_(False), False),
        (None, "a", "", ""),
        ([1, 2], 1, 2.0, 2),
        (["g", "r"], "g", "r", "r"),
    ],
)
def test_taken(stated: Any, default: Any, value: Any, kept: Any) -> None:
    """Values of a threshold's kind are taken, as plain Python ones."""
    found = threshold_of("x", default, stated).check(value)
    assert found == kept
    assert type(found) is type(kept)


@pytest.mark.parametrize(
    ("stated", "default", "value"),
    [
        *((None, 0.5, bad) for bad in (True, "1", None, math.nan, math.inf, np.array([1.0]), [1])),
        *((None, 3, bad) for bad in (3.0, True, "3", 10**400)),
        *(((0, 1), 0.5, bad) for bad in (1.0001, -1, math.nan)),
        *((None, True, bad) for bad in (1, 0, "True", None)),
        *((None, "a", bad) for bad in (1, None, b"a")),
        *(([1, 2], 1, bad) for bad in (True, 3, "1", None, np.array([1, 2]))),
    ],
)
def test_not_taken(stated: Any, default: Any, value: Any) -> None:
    """Values of another kind, or beyond the author's range, are refused by name."""
    with pytest.raises(FilterError, match=r"^x: expected "):
        threshold_of("x", default, stated).check(value)


numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)


@given(numbers.filter(lambda number: abs(number) <= sys.float_info.max))
def test_every_number_has_a_slider(default: float) -> None:
    """The slider of any finite number holds it, and has a step that moves it."""
    found = threshold_of("x", default)
    assert found.low is not None
    assert found.high is not None
    assert found.step is not None
    assert math.isfinite(found.high - found.low)
    assert found.low < found.high
    assert found.step > 0
    if abs(default) < sys.float_info.max / 10:
        assert found.low <= default <= found.high
    assert found.check(default) == default
