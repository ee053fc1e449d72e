"""What a filter returns means one thing everywhere."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ztfnb.errors import FilterError
from ztfnb.filters.decision import annotations_of, merged, passes

values = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none())


@given(values)
def test_truth(value: Any) -> None:
    """Anything but a mapping decides by its truth."""
    assert passes(value) is bool(value)


@pytest.mark.parametrize("value", [{}, {"score": 1}, MappingProxyType({})])
def test_mappings_pass(value: Any) -> None:
    """A mapping passes the alert, also an empty one."""
    assert passes(value) is True


def test_no_truth() -> None:
    """A value without a truth raises what it raises."""
    with pytest.raises(ValueError, match="ambiguous"):
        passes(np.array([1, 2]))


def test_annotations() -> None:
    """Numbers, texts and booleans travel, those of NumPy as plain ones."""
    given_ = {"a": np.float32(0.5), "b": np.int16(2), "c": np.bool_(True), "d": np.str_("x")}
    found = annotations_of(given_ | {"e": np.array(3), "f": 1.5, "g": False})
    assert found == {"a": 0.5, "b": 2, "c": True, "d": "x", "e": 3, "f": 1.5, "g": False}
    assert {type(each) for each in found.values()} == {float, int, bool, str}
    assert annotations_of(True) == {}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({1: 2}, "the name of an annotation is a text, got 1"),
        ({"a\ud800": 2}, "no header of a message can be called"),
        ({"a\0b": 2}, "no header of a message can be called"),
        ({"": 2}, "name"),
        ({"a": None}, "the annotation 'a' is a NoneType"),
        ({"a": [1]}, "list"),
        ({"a": np.array([1, 2])}, "ndarray"),
        ({"a": np.ma.masked}, "masked"),
    ],
)
def test_refused(value: Any, told: str) -> None:
    """What cannot travel is refused with its name."""
    with pytest.raises(FilterError, match=told):
        annotations_of(value)


def test_merged() -> None:
    """Annotations of those that pass travel together; a contradiction keeps both values."""
    assert merged(a=True, b=1) is True
    assert merged(a={"x": 1}, b={"y": 2}) == {"x": 1, "y": 2}
    assert merged(a={"x": 1}, b=None) == {"x": 1}
    assert merged(a={"x": 1}, b={"x": 1}) == {"x": 1}
    assert merged(a={"x": 1}, b={"x": 2}, c={"y": 3}) == {"a_x": 1, "b_x": 2, "y": 3}
    assert merged(a={"x": 1}, b={"x": True}) == {"a_x": 1, "b_x": True}
