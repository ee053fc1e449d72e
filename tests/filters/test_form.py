"""A form means what its rows say, and says in plain words what is not filled in."""
# ruff: noqa: E501 - each case stands in one line

from __future__ import annotations

import json
from typing import Any

import pytest
from made import made_packet

from ztfnb.codec import decode
from ztfnb.cuts import Cuts
from ztfnb.errors import ConfigError, FilterError
from ztfnb.filters.compose import filter_from, source_of
from ztfnb.filters.form import READY, Form, Row
from ztfnb.filters.lint import lint


@pytest.mark.parametrize(
    ("row", "condition"),
    [
        (Row(field="rb", operator=">", value="0.65"), "rb > 0.65"),
        (Row(field=" rb ", operator="<=", value=" 1 "), "rb <= 1"),
        (Row(field="magpsf", operator="between", value="15, 19"), "15 <= magpsf <= 19"),
        (Row(field="fid", operator="in", value="1,2"), "fid in (1, 2,)"),
        (Row(field="isdiffpos", operator="==", value="t"), "isdiffpos == 't'"),
        (Row(field="isdiffpos", operator="in", value="t, 1"), "isdiffpos in ('t', '1',)"),
        (Row(field="objectId", operator="startswith", value="ZTF18"), "startswith(objectId, 'ZTF18')"),
        (Row(field="drb", operator="missing"), "isnull(drb)"),
        (Row(field="drb", operator="there"), "not isnull(drb)"),
        (Row(field="rb", operator=">", value="0.65", negated=True), "not (rb > 0.65)"),
        (Row("positive"), "isdiffpos in ('t', '1')"),
        (Row("detections", value="3"), "ndethist >= 3"),
        (Row("solar system", value="5"), "not 0 <= ssdistnr <= 5"),
        (Row("seen before", value="1.5"), "jd - jdstarthist >= 1.5"),
    ],
)  # fmt: skip
def test_a_row_is_a_condition(row: Row, condition: str) -> None:
    """One that a cut may have."""
    assert row.expression == condition
    assert Cuts(condition).selection is not None


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (Row(), "choose a field"),
        (Row(field="magspf", value="1"), "did you mean magpsf"),
        (Row(field="rb"), "fill in a number"),
        (Row(field="rb", value="high"), "expected a number, got 'high'"),
        (Row(field="rb", value="nan"), "expected a number"),
        (Row(field="rb", value="1) or (rb > 0"), "expected a number"),
        (Row(field="rb", operator="startswith", value="a"), "is asked of text; rb is a number"),
        (Row(field="objectId", operator="between", value="1, 2"), "is asked of number"),
        (Row(field="rb", operator="between", value="1"), "expected two numbers"),
        (Row(field="rb", operator="~", value="1"), "expected <, <="),
        (Row("detections", value=""), "fill in a number"),
        (Row("unknown"), "expected field or positive"),
    ],
)
def test_what_is_missing_in_a_row_is_said(row: Row, words: str) -> None:
    """In plain words, for that row alone."""
    with pytest.raises(FilterError, match=words.replace("<", "<")):
        _ = row.expression
    problems = Form(rows=(Row("positive"), row)).problems
    assert list(problems) == [1]
    assert words in problems[1]


def test_a_form_and_its_cut_have_one_source() -> None:
    """All rows hold, or any."""
    rows = (Row("positive"), Row(field="rb", operator=">=", value="0.65"))
    assert Form("f", rows).source == source_of("isdiffpos in ('t', '1') and rb >= 0.65", "f")
    assert Form("f", rows, "any").source == source_of(
        "(isdiffpos in ('t', '1')) or (rb >= 0.65)", "f"
    )


@pytest.mark.parametrize("name", READY)
def test_nothing_is_to_be_said_of_a_ready_row(name: str) -> None:
    """It looks after what is missing."""
    form = Form("f", (Row(name, value=READY[name].value),))
    assert lint(filter_from(form.expression)) == ()


@pytest.mark.parametrize(
    ("ssdistnr", "passed"), [(None, True), (-999.0, True), (12.0, True), (2.0, False), (5.0, False)]
)
def test_no_known_solar_system_object(ssdistnr: float | None, passed: bool) -> None:
    """None within 30 arcsec is none within 5."""
    alert = decode(made_packet(1, ssdistnr=ssdistnr))
    assert filter_from(Row("solar system", value="5").expression)(alert) is passed


def test_texts_that_were_typed_stay_texts() -> None:
    """They can be no code."""
    row = Row(field="objectId", operator="==", value="' or 'a' == 'a")
    alert = decode(made_packet(1))
    assert filter_from(row.expression)(alert) is False


def test_a_form_survives_json() -> None:
    """As a notebook keeps it."""
    form = Form("f", (Row("positive", negated=True), Row(field="rb", value="1")), "any")
    assert Form.from_json(json.loads(json.dumps(form.to_json()))) == form


@pytest.mark.parametrize(
    "value",
    [None, [], {"rows": 5}, {"rows": [5]}, {"rows": [{"colour": "red"}]}, {"name": 5},
     {"joined": "some"}, {"rows": [{"field": 5}]}, {"rows": [{}] * 100}, {"x": 1},
     {"name": "a" * 1000}],
)  # fmt: skip
def test_what_is_no_form_is_refused(value: Any) -> None:
    """A page may send anything."""
    with pytest.raises(ConfigError):
        Form.from_json(value)
