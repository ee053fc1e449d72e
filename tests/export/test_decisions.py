"""Decisions: what is equal, and what becomes of them in JSON."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ztfnb.errors import ExportError
from ztfnb.export.decisions import Decision, from_json, to_json
from ztfnb.filters.decision import Verdict

VALUES = st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text()
NOTES = st.dictionaries(st.text(min_size=1), VALUES, max_size=4)


@given(st.integers(-(2**63), 2**63 - 1), st.sampled_from(Verdict), NOTES, st.text(max_size=5))
def test_json_to_and_fro(
    candid: int, verdict: Verdict, notes: dict[str, bool | int | float | str], why: str
) -> None:
    """What JSON brings back is the same decision, whatever was noted, and its JSON is strict."""
    decision = Decision(candid, verdict, notes, why)
    text = json.dumps(to_json(decision), allow_nan=False)
    back = from_json(json.loads(text))
    assert back == decision
    assert back.why == why


def test_nan_equals_nan_and_kinds_differ() -> None:
    """NaN is equal to NaN; 1, 1.0 and True are three values, and 0.1 is not nearly 0.1."""

    def noted(value: float | str) -> Decision:
        return Decision(7, Verdict.PASSED, {"score": value})

    assert noted(math.nan) == noted(math.nan)
    assert noted(math.nan) != noted(0.5)
    different: tuple[float | str, ...] = (1, 1.0, True, "1", 0.1, math.nextafter(0.1, 1))
    for place, one in enumerate(different):
        for other in different[place + 1 :]:
            assert noted(one) != noted(other), (one, other)


def test_what_is_compared() -> None:
    """Candid, verdict, and names and values of annotations decide; why it failed does not."""
    decision = Decision(7, Verdict.PASSED, {"a": 1})
    assert decision == Decision(7, Verdict.PASSED, {"a": 1}, "for some reason")
    assert hash(decision) == hash(Decision(7, Verdict.PASSED, {"a": 1}))
    others = (
        Decision(8, Verdict.PASSED, {"a": 1}),
        Decision(7, Verdict.REJECTED, {"a": 1}),
        Decision(7, Verdict.PASSED),
        Decision(7, Verdict.PASSED, {"b": 1}),
    )
    assert decision not in others
    assert decision != 7


def test_as_people_read_it() -> None:
    """It says the verdict, the annotations, and why it failed."""
    assert str(Decision(7, Verdict.PASSED, {"b": 2, "a": "x"})) == "passed with a='x', b=2"
    assert str(Decision(7, Verdict.FAILED, why="line 3: oh")) == "failed (line 3: oh)"


@pytest.mark.parametrize(
    "found",
    [
        None,
        [],
        {"candid": "7"},
        {"candid": "x", "verdict": "passed"},
        {"candid": "7", "verdict": "perhaps"},
        {"candid": "7", "verdict": "passed", "annotations": {"a": None}},
        {"candid": "7", "verdict": "passed", "annotations": {"a": {"x": 1}}},
        {"candid": "7", "verdict": "passed", "annotations": 3},
    ],
)
def test_what_is_no_decision_is_refused(found: object) -> None:
    """Anything else in a file is an error of the bundle."""
    with pytest.raises(ExportError, match="a decision: expected"):
        from_json(found)
