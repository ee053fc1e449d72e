"""What was chosen in a browser travels as a file, and a file from anybody is checked."""

from __future__ import annotations

import contextlib
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ztfnb.errors import ConfigError
from ztfnb.widgets._state import MAX_BYTES, BrowserState, dumps, loads

LARGE = 2_461_055_750_123_456_789

texts = st.text(st.characters(codec="utf-8"), max_size=9)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
candids = st.integers(-(2**63), 2**63 - 1)


@given(
    parts=st.dictionaries(texts, st.dictionaries(texts, plain, max_size=3), max_size=3),
    marks=st.lists(candids, unique=True, max_size=5),
    selected=st.none() | candids,
)
def test_round_trip(
    parts: dict[str, dict[str, Any]], marks: list[int], selected: int | None
) -> None:
    """Any settings, marks and selection come back as they were, candids to the last digit."""
    state = BrowserState(parts, tuple(marks), selected)
    assert loads(dumps(state)) == state
    assert loads(dumps(state).encode()) == state


def test_form() -> None:
    """The file says what it is, and candids are text in it."""
    document = json.loads(dumps(BrowserState({"table": {"sort": "jd"}}, (LARGE,), LARGE)))
    assert document == {
        "ztfnb": 1, "parts": {"table": {"sort": "jd"}}, "marks": [str(LARGE)],
        "selected": str(LARGE),
    }  # fmt: skip
    assert loads('{"ztfnb": 1}') == BrowserState()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a file of JSON"),
        ("rubbish", "expected a file of JSON, got 'rubbish'"),
        (b"\xff\xfe\x00", "expected a file of JSON"),
        ("[" * 100_000, "expected a file of JSON"),
        ('{"ztfnb": NaN}', "expected a file of JSON"),
        ("[1]", "got another JSON file"),
        ('{"cells": []}', "got another JSON file"),
        ('{"ztfnb": 2}', "expected version 1, got '2': it may need a newer ztfnb"),
        ('{"ztfnb": true}', "expected version 1"),
        ('{"ztfnb": 1, "script": 1}', "got 'script' too"),
        ('{"ztfnb": 1, "parts": []}', "parts: expected settings by name, got list"),
        ('{"ztfnb": 1, "parts": {"table": 3}}', "'table': expected settings by name, got int"),
        ('{"ztfnb": 1, "marks": "12"}', "marks: expected a list of candids, got str"),
        ('{"ztfnb": 1, "marks": [1.5]}', "marks: expected a candid as text, got '1.5'"),
        ('{"ztfnb": 1, "marks": ["1e3"]}', "marks: expected a candid as text"),
        ('{"ztfnb": 1, "selected": "9999999999999999999"}', "selected: expected a candid"),
        (" " * (MAX_BYTES + 1), "expected at most 1,000,000"),
    ],
)
def test_what_is_no_state_is_refused(text: str | bytes, said: str) -> None:
    """A file of another kind, version or form is an error that says what was expected."""
    with pytest.raises(ConfigError, match=said):
        loads(text)


@pytest.mark.parametrize("value", [math.nan, {1}, b"bytes", "x" * MAX_BYTES])
def test_what_cannot_be_kept_is_refused(value: Any) -> None:
    """Settings that JSON cannot hold, or too many of them, are refused when they are written."""
    with pytest.raises(ConfigError, match="the state of a browser"):
        dumps(BrowserState({"table": {"sort": value}}))


@given(st.text() | st.binary())
def test_any_text_is_read_or_refused(text: str | bytes) -> None:
    """No file makes another error than ConfigError."""
    with contextlib.suppress(ConfigError):
        loads(text)
