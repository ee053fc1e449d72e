"""Conditions over fields: what they select, what they refuse, and that they do no harm."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ztfnb import selection
from ztfnb.errors import SelectionError
from ztfnb.selection import parse

COLUMNS: dict[str, NDArray[Any]] = {
    "rb": np.array([0.5, 0.65, 0.7, np.nan], np.float32),
    "magpsf": np.array([18, 19, 18.5, 17], np.float32),
    "magnr": np.array([18.5, 21, np.nan, 17], np.float32),
    "isdiffpos": np.array(["t", "1", "f", ""]),
    "nbad": np.array([0, 1, 0, 0], np.int32),
    "candid": np.array([2**60, 2**60 + 1, 3, 4]),
    "good": np.array([True, False, True, True]),
}
MASKS = {"isdiffpos": np.array([0, 0, 0, 1], bool), "nbad": np.array([0, 0, 0, 1], bool)}


def chosen(text: str) -> list[int]:
    return np.flatnonzero(parse(text).evaluate(COLUMNS, MASKS.get)).tolist()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("rb > 0.6 and magpsf < 19", [2]),
        ("rb < 0.6 or nbad == 1", [0, 1]),
        ("not rb > 0.6", [0, 3]),
        ("18 < magpsf < 19", [2]),
        ("19 >= magpsf > 18 > rb", [1, 2]),
        ("abs(magpsf - magnr) < 1", [0, 3]),
        ("isdiffpos == 't'", [0]),
        ("isdiffpos in ('t', '1')", [0, 1]),
        ("isdiffpos not in ['t', '1']", [2]),
        ("isdiffpos != 't' and nbad + 1 <= 2 * 1", [1, 2]),
        ("nbad in {-1, 1}", [1]),
        ("startswith(isdiffpos, 't')", [0]),
        ("isnull(rb)", [3]),
        ("isnull(nbad) and not isnull(magpsf)", [3]),
        ("good and rb > 0", [0, 2]),
        ("magpsf % 2 == 1", [1, 3]),
        ("magpsf // 2 == 9 and magpsf / 2 >= 9.25", [1, 2]),
        ("-magpsf > -18", [3]),
        ("+nbad == 1", [1]),
        ("magpsf ** 2 > 350", [1]),
        ("sqrt(magpsf ** 2) >= 18.9", [1]),
        ("log10(10 ** 3) == 3 and rb > 0", [0, 1, 2]),
        ("min(magpsf, magnr, 18.2) < 18.1", [0, 3]),
        ("max(magpsf, 18.2) > 18.4", [1, 2]),
        ("candid == 1152921504606846977", [1]),
        (" rb\n > 0.6 ", [1, 2]),
    ],
)
def test_conditions_select_the_rows_that_python_would(text: str, rows: list[int]) -> None:
    """Every operator and function means what it means in Python."""
    assert chosen(text) == rows


def test_a_field_of_single_precision_is_not_rounded_up_to_the_threshold() -> None:
    """0.65 in a float field is a little less than 0.65, as it is in the packet's dictionary."""
    assert chosen("rb >= 0.65") == [2]
    assert float(np.float32(0.65)) < 0.65


@pytest.mark.parametrize("compare", ["<", "<=", "==", "!=", ">=", ">"])
@pytest.mark.parametrize("name", ["rb", "nbad"])
def test_no_comparison_holds_for_a_missing_value(name: str, compare: str) -> None:
    """Null and NaN fulfil no comparison at all, not even that they differ."""
    assert 3 not in chosen(f"{name} {compare} 0")
    assert 3 not in chosen(f"0 {compare} {name} * 2 + magpsf")


def test_membership_does_not_hold_for_a_missing_text() -> None:
    """A null text is in no list, and not in the rows outside of one."""
    assert 3 not in chosen("isdiffpos in ('', 't')")
    assert 3 not in chosen("isdiffpos not in ('t', '1')")


def test_a_division_by_zero_is_a_missing_value() -> None:
    """It selects nothing and warns of nothing."""
    assert chosen("1 / nbad > 0") == [1]
    assert chosen("1 // nbad != 7") == [1]
    assert chosen("5 % nbad == 0") == [1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rbb > 0.5", "position 1: no field 'rbb'; did you mean rb?"),
        ("rb > 0.5 and magps < 3", "position 14: no field 'magps'; did you mean magpsf"),
        ("rb > '0.5'", "position 6: this compares text with a number"),
        ("isdiffpos in (1, 2)", "text with a number"),
        ("isdiffpos + 1 > 2", "position 1: expected a number here, this is text"),
        ("startswith(rb, 'a')", "startswith looks at text"),
        ("rb", "expected a condition here"),
        ("rb and nbad == 1", "position 1: expected a condition here"),
        ("(rb > 1) + 1 > 2", "expected a value here"),
    ],
)
def test_what_does_not_fit_the_columns_is_refused_with_its_place(text: str, says: str) -> None:
    """Unknown fields and mixed kinds are named, with their position."""
    with pytest.raises(SelectionError) as caught:
        chosen(text)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected a condition"),
        ("   ", "expected a condition"),
        ("rb >", "not a condition"),
        ("rb = 1", "write == instead of ="),
        ("1 > 0", "names no field"),
        ("rb > 1; rb", "not a condition"),
        ("__import__('os').system('x')", "is no function here"),
        ("rb.__class__ > 1", "by its name alone"),
        ("alert['rb'] > 1", "by its name alone"),
        ("(lambda: rb)() > 1", "is no function here"),
        ("[x for x in rb]", "a loop is not allowed"),
        ("rb if rb else rb", "if ... else is not allowed"),
        ("f'{rb}' == 'a'", "an f-string is not allowed"),
        ("(rb := 3) > 1", ":= is not allowed"),
        ("(rb > 1) & (rb < 2)", "& is not allowed in a condition; write and"),
        ("rb >> 1", ">> is not allowed"),
        ("rb > 0,5", "a comma, except behind 'in', is not allowed"),
        ("(lambda: 1) > rb", "lambda expression is not allowed"),
        ("~rb > 1", "~ is not allowed in a condition; write not"),
        ("rb is None", "isnull"),
        ("rb == None", "isnull"),
        ("rb == True", "expected a number"),
        ("rb == 1j", "expected a number"),
        ("rb == b'a'", "expected a number"),
        ("rb in 'abc'", "expected a list after 'in'"),
        ("rb in ()", "numbers or texts only"),
        ("rb in (1, 'a')", "mixes numbers and texts"),
        ("rb in (1, nbad)", "numbers or texts only"),
        ("rb < 1 in (2, 3)", "cannot be chained"),
        ("abs(rb, rb) > 1", "takes one value"),
        ("min(rb) > 1", "takes two or more values"),
        ("abs(x=rb) > 1", "takes one value"),
        ("isnull(rb + 1)", "takes the name of a field"),
        ("startswith(rb, rb)", "a quoted text"),
        ("abs(*rb) > 1", "* is not allowed"),
        ("rb ** 9 > 1", "at most 8"),
        ("rb ** nbad > 1", "at most 8"),
        ("rb ** -1 > 1", "at most 8"),
        ("9 ** 9 ** 9 > rb", "at most 8"),
        (f"rb > {2**63}", "too large"),
        ("rb > 1" + " + 1" * 100, "too deeply nested"),
        ("rb in (" + "1," * 600 + ")", "too long"),
        ("not " * 100 + "rb > 1", "too deeply nested"),
        ("(" * 300 + "rb > 1" + ")" * 300, "not a condition"),
        ("rb > 1 " + "x" * 2000, "at most 2,000 characters"),
        ("rb > \0", "not a condition"),
    ],
)
def test_what_is_no_condition_is_refused_in_plain_words(text: str, says: str) -> None:
    """Nothing outside the list is parsed, let alone evaluated."""
    with pytest.raises(SelectionError) as caught:
        parse(text)
    assert says in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("text", "piece", "close"),
    [
        ("rb > 0.5 and magps < 3", "magps", "magpsf"),
        ("rb > 0.5 and MAGPSF < 3", "MAGPSF", "magpsf"),
        ("isnul(rb)", "isnul", "isnull"),
        ("rb = 1", "=", "=="),
        ("isdiffpos == 'a=b' AND rb = 3", "AND", "and"),
        ("isdiffpos == 'a=b' and rb = 3", "=", "=="),
        ("rb > 0.5 && nbad == 0", "&&", "and"),
        ("rb > 0.5 || nbad == 0", "||", "or"),
        ("!good", "!", "not"),
        ("nbad <> 0", "<>", "!="),
    ],
)
def test_a_refusal_points_at_the_piece_and_offers_another(
    text: str, piece: str, close: str
) -> None:
    """The page marks the piece, and puts the offered one in its place at a click."""
    with pytest.raises(SelectionError) as caught:
        chosen(text)
    error = caught.value
    assert error.position is not None
    start = error.position - 1
    assert error.text[start : start + error.length] == piece
    assert error.close[0] == close
    assert str(error) == f"position {error.position}: {error.reason}: {text!r}"
    repaired = text[:start] + close + text[start + len(piece) :]
    if close not in ("and", "or", "not"):
        chosen(repaired.replace("AND", "and"))


@pytest.mark.parametrize("text", ["rb >", "rb > 0.5 and", "not", "(rb > 1", "rb > 1 and 'abc"])
def test_every_refusal_of_a_text_has_a_place_in_it(text: str) -> None:
    """Where it ends too early, the place is behind the last character."""
    with pytest.raises(SelectionError) as caught:
        parse(text)
    assert caught.value.position is not None
    assert 1 <= caught.value.position <= len(text) + 1


def test_positions_count_characters() -> None:
    """A letter that takes two bytes is one position."""
    with pytest.raises(SelectionError, match="position 14:"):
        parse("'é' == 'é' + foo(rb)").evaluate(COLUMNS)


def test_a_condition_shows_its_text_and_the_fields_it_reads() -> None:
    """Readers need to load only these columns."""
    condition = parse("  rb > 0.5 and abs(magpsf) < 19 or rb < 0.1")
    assert str(condition) == "rb > 0.5 and abs(magpsf) < 19 or rb < 0.1"
    assert condition.names == ("rb", "magpsf")
    assert condition == parse(condition.text)


def test_arithmetic_stays_in_arrays_of_one_length() -> None:
    """Text cannot be multiplied to fill the memory, nor numbers raised without bound."""
    with pytest.raises(SelectionError):
        chosen("'a' * 999999999 == isdiffpos")
    assert chosen("((magpsf ** 8) ** 8) ** 8 > 1") == [0, 1, 2, 3]


COMPARISONS = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}
NUMBERS = st.one_of(st.none(), st.floats(-5, 5, width=32), st.just(math.nan))


@given(
    st.lists(st.tuples(NUMBERS, st.one_of(st.none(), st.integers(-5, 5))), min_size=1, max_size=20),
    st.sampled_from(sorted(COMPARISONS)),
    st.sampled_from(sorted(COMPARISONS)),
    st.floats(-5, 5).map(lambda number: round(number, 2)),
    st.booleans(),
)
def test_selection_equals_a_loop_over_rows(
    rows: list[tuple[float | None, int | None]], first: str, second: str, limit: float, both: bool
) -> None:
    """A condition on columns decides as Python does row by row, missing values being false."""
    join = "and" if both else "or"
    text = f"a {first} {limit} {join} not b {second} a"
    columns = {
        "a": np.array([math.nan if a is None else a for a, _ in rows], np.float32),
        "b": np.array([0 if b is None else b for _, b in rows], np.int32),
    }
    masks = {"b": np.array([b is None for _, b in rows])}

    def holds(compare: str, left: float | None, right: float | None) -> bool:
        if left is None or right is None or math.isnan(left) or math.isnan(right):
            return False
        return bool(COMPARISONS[compare](left, right))

    expected = [
        (all if both else any)([holds(first, a, limit), not holds(second, b, a)]) for a, b in rows
    ]
    assert parse(text).evaluate(columns, masks.get).tolist() == expected


def test_the_functions_are_those_listed() -> None:
    """The list that error messages show is complete."""
    for name in selection.FUNCTIONS:
        with pytest.raises(SelectionError, match=f"{name} takes"):
            parse(f"{name}() > rb")
