"""Values as source: what is written makes exactly the same again."""

from __future__ import annotations

import importlib
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ztfnb.export.collecting.spelled import LARGEST, NotSpelledError, spell
from ztfnb.filters.constants import canonical

_LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.binary()
    | st.text() | st.datetimes() | st.datetimes(timezones=st.timezones()) | st.dates()
    | st.timedeltas() | st.times() | st.fractions() | st.decimals(allow_nan=False)
)  # fmt: skip
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
_SETS = st.sets(st.integers() | st.text()) | st.frozensets(st.text() | st.floats(allow_nan=False))
_DTYPES = arrays.scalar_dtypes() | arrays.array_dtypes(max_size=2)


def again(value: Any) -> Any:
    """Return what the source of a value makes, of modules alone."""
    modules: dict[str, Any] = {}

    def module(name: str) -> str:
        modules[name] = importlib.import_module(name)
        return name

    def reference(one: Any) -> str:
        raise NotSpelledError(f"is a {type(one).__name__}")

    return eval(spell(value, module, reference), modules)  # noqa: S307 - what was written


@given(_VALUES | _SETS)
def test_values(value: Any) -> None:
    """Whatever Python writes itself is made again: also nan, infinities, zeros with a sign."""
    assert canonical(again(value)) == canonical(value)
    assert repr(again(value)) == repr(value) or isinstance(value, set | frozenset)


@given(arrays.arrays(_DTYPES, arrays.array_shapes(min_dims=0, max_side=4, min_side=0)))
def test_arrays(value: np.ndarray[Any, Any]) -> None:
    """Arrays of every type and shape are made again to the last bit."""
    assert canonical(again(value)) == canonical(value)
    if value.size:
        scalar = value.reshape(-1)[0]
        assert canonical(again(scalar)) == canonical(scalar)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (np.zeros(LARGEST + 1), "is an array of 1,001 values"),
        (np.array([object()]), "is an array of Python objects"),
        ("x" * 30_000, "is 30,002 characters long"),
        (object(), "is a object"),
        pytest.param(Fraction(10**5000, 3), "has more digits than Python writes", id="long"),
    ],
)
def test_what_is_not_written(value: Any, told: str) -> None:
    """What is too large for source, or no value, is refused."""
    with pytest.raises(NotSpelledError, match=told):
        again(value)


@pytest.mark.parametrize(
    "value",
    [10**5000, -(10**5000), [10**5000], {"n": (1, 10**5000)}],
    ids=["plain", "negative", "in a list", "in a dict"],
)
def test_integers_of_any_size(value: Any) -> None:
    """Python refuses to write long ones in decimal digits; a constant may hold them."""
    assert again(value) == value
    assert canonical(again(value)) == canonical(value)


def test_one_in_another_too_deep() -> None:
    """A value that holds itself is refused."""
    value: list[Any] = []
    value.append(value)
    with pytest.raises(NotSpelledError, match="too deep"):
        again(value)
