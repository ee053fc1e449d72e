"""Choices may come from a file that someone else gave: nothing wrong gets in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ztfnb.curveview import CurveView
from ztfnb.errors import ConfigError

ALL = {
    "quantity": "forced", "time": "ago", "limits": False, "hidden": [3, 1], "snr": 5.5,
    "palette": "classic", "form": "table", "fold": True, "periods": {"ZTF1": 0.5},
}  # fmt: skip


def test_choices_survive_a_file() -> None:
    """What was chosen comes back through JSON."""
    view = CurveView().changed(ALL)
    again = CurveView().changed(json.loads(json.dumps(view.plain())))
    assert again == view
    assert again.hidden == (1, 3)
    assert set(ALL) == set(view.plain())


def test_what_is_absent_stays() -> None:
    """A change of one choice leaves the others."""
    view = CurveView().changed(ALL).changed({"snr": 7})
    assert view.plain() == ALL | {"snr": 7.0, "hidden": [1, 3]}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"quantity": "luminosity"}, "expected difference, apparent, flux, forced"),
        ({"time": 3}, "expected mjd, days, ago"),
        ({"palette": None}, "expected safe, classic"),
        ({"form": "<img>"}, "expected plot, table"),
        ({"limits": 1}, "expected true or false"),
        ({"fold": "yes"}, "expected true or false"),
        ({"hidden": "123"}, "expected filters"),
        ({"hidden": [True]}, "expected filters"),
        ({"snr": 21}, "expected 0 to 20"),
        ({"snr": float("nan")}, "expected 0 to 20"),
        ({"snr": True}, "expected 0 to 20"),
        ({"periods": {"ZTF1": 0}}, r"periods\[ZTF1\]: expected 0.001 to 100,000 days"),
        ({"periods": {"ZTF1": float("inf")}}, "days"),
        ({"periods": {"": 1.0}}, "objectId"),
        ({"periods": {5: 1.0}}, "objectId"),
        ({"periods": [0.5]}, "by objectId"),
        ({"periods": dict.fromkeys(map(str, range(10_001)), 1.0)}, "at most 10,000"),
        ({"colour": "red"}, "no setting 'colour'"),
        ([("snr", 5)], "expected settings by name"),
    ],
)
def test_what_cannot_be_chosen_is_refused(settings: Any, message: str) -> None:
    """The error says what was expected, whatever else was right."""
    with pytest.raises(ConfigError, match=message):
        CurveView().changed({"snr": 5.0, **settings} if isinstance(settings, dict) else settings)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*ALL, "else"]), anything))
def test_any_json_is_taken_or_refused(settings: dict[str, Any]) -> None:
    """Only ConfigError comes out, and what is taken can be written down again."""
    try:
        view = CurveView().changed(settings)
    except ConfigError:
        return
    assert CurveView().changed(json.loads(json.dumps(view.plain()))) == view
