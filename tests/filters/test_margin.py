from __future__ import annotations

import math

import numpy as np
import pytest

from ztfnb.filters.condition import Condition
from ztfnb.filters.margin import margin_of, margins, sides, spread
from ztfnb.filters.traces import Column


def condition(operator: str, *operands: str, compares: str = "") -> Condition:
    text = f" {operator} ".join(operands)
    return Condition(
        0, text, 1, 1, 0, 0, "f", operator=operator, operands=operands, compares=compares
    )


def column(left: list[float], right: list[float]) -> Column:
    count = len(left)
    return Column(
        np.arange(count, dtype=np.int32),
        np.ones(count, np.int8),
        np.ones(count, np.bool_),
        np.array(left),
        np.array(right),
        np.ones(count, np.bool_),
    )


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">=", "=="])
def test_a_margin_is_the_distance_of_both_sides(operator: str) -> None:
    """The margin of 0.41 against 0.65 is 0.24, whichever the comparison and its direction."""
    assert margin_of(condition(operator, "a", "b"), (0.41, 0.65)) == pytest.approx(0.24)
    assert margin_of(condition(operator, "a", "b"), (0.65, 0.41)) == pytest.approx(0.24)


@pytest.mark.parametrize(
    ("operator", "values"),
    [
        ("!=", (1, 2)),
        ("in", (1, 2)),
        ("", (True,)),
        ("<", ("a", "b")),
        ("<", (None, 1.0)),
        ("<", (10**400, 1.0)),
        ("<", (np.arange(3), 1.0)),
    ],
)
def test_what_is_no_distance_has_no_margin(operator: str, values: tuple[object, ...]) -> None:
    """Inequality, membership, texts and what no float holds have no margin."""
    assert math.isnan(margin_of(condition(operator, "a", "b"), values))


def test_a_threshold_counts_as_it_is_set_now() -> None:
    """The side of a comparison that is a threshold takes its present value, on either side."""
    seen = column([0.4, 0.9], [0.65, 0.65])
    right = condition("<", "c['rb']", "rb_min", compares="rb_min")
    left = condition(">", "rb_min", "c['rb']", compares="rb_min")
    assert margins(right, seen, {"rb_min": 0.5}).tolist() == pytest.approx([0.1, 0.4])
    one, other = sides(left, column([0.65, 0.65], [0.4, 0.9]), {"rb_min": 0.5})
    assert one.tolist() == [0.5, 0.5]
    assert other.tolist() == [0.4, 0.9]


def test_the_spread_is_that_of_the_middle_half() -> None:
    """Of differences 0 to 100 the quartiles lie 50 apart, and one far value changes nothing."""
    values = [float(number) for number in range(101)]
    plain = condition("<", "a", "b")
    assert spread(plain, column(values, [0.0] * 101), {}) == pytest.approx(50.0)
    far = [*values[:-1], 1e9]
    assert spread(plain, column(far, [0.0] * 101), {}) == pytest.approx(50.0)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([2.0] * 9 + [5.0], 3.0), ([2.0, 2.0], 2.0), ([0.0], 1.0), ([math.nan], 1.0), ([], 1.0)],
)
def test_a_spread_is_never_zero(values: list[float], expected: float) -> None:
    """Values of which most agree, all agree, or that are missing still give a measure."""
    seen = column(values, [0.0] * len(values))
    assert spread(condition("<", "a", "b"), seen, {}) == expected
