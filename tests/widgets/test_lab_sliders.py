"""Controls of thresholds: what the page sets, the filter is set to, and nothing else."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ztfnb.errors import FilterError
from ztfnb.filters import Filter
from ztfnb.filters.threshold import Threshold
from ztfnb.widgets.sliders import Sliders, carried, code_of_settings, widened


def several(
    alert: Any,
    *,
    rb_min: float = 0.65,
    strict: bool = True,
    band: Literal["g", "r"] = "r",
    name: str = "ZTF18",
    count: Annotated[int, (1, 9)] = 3,
) -> bool:
    return bool(alert and rb_min and strict and band and name and count)


def made() -> tuple[Sliders, list[tuple[dict[str, Any], bool]]]:
    sliders = Sliders(Filter(several))
    heard: list[tuple[dict[str, Any], bool]] = []
    sliders.on_change = lambda found, settled: heard.append((dict(found.params), settled))
    return sliders, heard


def say(sliders: Sliders, **message: Any) -> None:
    sliders._on_message(sliders, message, [])


def test_each_threshold_has_its_control() -> None:
    """The kind of a default says which control it gets, and its range is that of interact."""
    sliders, _ = made()
    controls = {one["name"]: one for one in sliders._controls}
    assert [one["kind"] for one in controls.values()] == ["float", "bool", "choice", "text", "int"]
    assert (controls["rb_min"]["low"], controls["rb_min"]["high"]) == (-0.65, 3 * 0.65)
    assert controls["band"]["choices"] == ["g", "r"]
    assert (controls["count"]["low"], controls["count"]["high"]) == (1, 9)
    assert sliders._state["values"] == {
        "rb_min": 0.65, "strict": True, "band": 1, "name": "ZTF18", "count": 3
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "said", "value"),
    [
        ("rb_min", 0.7, 0.7),
        ("rb_min", 1, 1.0),
        ("strict", False, False),
        ("band", 0, "g"),
        ("name", "ZTF26", "ZTF26"),
        ("count", 4.0, 4),
    ],
)
def test_the_page_sets_a_threshold(name: str, said: Any, value: Any) -> None:
    """What the page says becomes a value of the threshold's own type, and is told once."""
    sliders, heard = made()
    say(sliders, kind="set", name=name, value=said, settled=False, by="me", serial=7)
    [(params, settled)] = heard
    assert (params[name], type(params[name]), settled) == (value, type(value), False)
    assert sliders.filter.params == params
    assert (sliders._state["by"], sliders._state["serial"]) == ("me", 7)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("rb_min", "x"), ("rb_min", None), ("rb_min", True), ("strict", 1), ("band", 2),
        ("band", -1), ("count", 10), ("count", 2.5), ("<img onerror=x>", 1), ("name", 5),
    ],
)  # fmt: skip
def test_what_it_does_not_take_is_said_and_changes_nothing(name: str, said: Any) -> None:
    """A wrong value leaves the filter as it is, with the reason in words."""
    sliders, heard = made()
    before = sliders.filter
    say(sliders, kind="set", name=name, value=said)
    assert (sliders.filter, heard) == (before, [])
    assert name in sliders._state["trouble"]
    say(sliders, kind="set", name="rb_min", value=0.5)
    assert sliders._state["trouble"] == ""


def test_a_number_beyond_widens_the_slider() -> None:
    """A range that nobody gave is no limit; one that the author gave is."""
    sliders, _ = made()
    say(sliders, kind="set", name="rb_min", value=40)
    control = next(one for one in sliders._controls if one["name"] == "rb_min")
    assert sliders.filter.params["rb_min"] == 40
    assert control["low"] == -0.65
    assert control["high"] > 40
    say(sliders, kind="set", name="count", value=40)
    assert "from 1 to 9" in sliders._state["trouble"]


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9), st.floats(-1e299, 1e299))
def test_a_widened_slider_reaches_the_value(low: float, span: float, value: float) -> None:
    """A slider never gets narrower, and always holds what was typed."""
    one = Threshold("x", 0.0, "float", low, low + span, 0.1)
    found = widened(one, value)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= min(low, value)
    assert found.high >= max(low + span, value)
    assert math.isfinite(found.high - found.low)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 10**400])
def test_no_slider_goes_on_for_ever(value: float) -> None:
    """What no slider can reach leaves it as it is."""
    one = Threshold("x", 0.0, "float", 0.0, 1.0, 0.1)
    assert widened(one, value) == one


def test_reset_goes_back_to_the_default() -> None:
    """The default is the author's, whatever was set before."""
    sliders, heard = made()
    sliders.filter = sliders.filter.with_params(rb_min=0.9)
    say(sliders, kind="reset", name="rb_min")
    assert heard[-1][0]["rb_min"] == 0.65


def test_the_code_makes_the_same_filter() -> None:
    """What is copied gives the settings when it is run."""
    one = Filter(several)
    assert code_of_settings(one) == "several"
    one = one.with_params(rb_min=0.8, band="g", name="it's")
    text = code_of_settings(one)
    assert "strict" not in text
    assert eval(text, {"several": Filter(several)}).params == one.params  # noqa: S307 - the claim


def later(
    alert: Any, *, rb_min: float = 0.5, count: Annotated[int, (1, 4)] = 2, fresh: bool = True
) -> bool:
    return bool(alert and rb_min and count and fresh)


def test_a_redefined_filter_keeps_what_was_set() -> None:
    """Settings go over by name; what was left at a default takes the new one, as does a misfit."""
    old = Filter(several).with_params(count=8)
    assert carried(old, Filter(later)).params == {"rb_min": 0.5, "count": 2, "fresh": True}
    old = Filter(several).with_params(count=4, rb_min=0.9, name="x")
    assert carried(old, Filter(later)).params == {"rb_min": 0.9, "count": 4, "fresh": True}


def test_code_is_told_of_a_threshold_that_is_not_there() -> None:
    """Code gets an error where the page gets words."""
    sliders, _ = made()
    with pytest.raises(FilterError, match="no threshold 'none'"):
        sliders.set("none", 1)
