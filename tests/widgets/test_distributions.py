"""Distributions of scores and magnitudes, driven without a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ztfnb.cuts import Cuts
from ztfnb.errors import ConfigError
from ztfnb.store import Store
from ztfnb.widgets._distribution import Axis
from ztfnb.widgets.distributions import Distributions

Put = Callable[..., None]


def maker_of(part: Any) -> Any:
    """The thread at work; a view is published under the lock before there is none."""
    with part.pump.lock:
        return part._maker


def made(part: Distributions) -> dict[str, Any]:
    """Let the plots be made, as a page does that asks, and return them by name."""
    part.beat()
    while (maker := maker_of(part)) is not None:
        maker.join()
    return {panel["name"]: panel for panel in part._plots["panels"]}


def counts(packed: bytes) -> Any:
    return np.frombuffer(packed, "<u4")


@given(
    arrays(np.float64, st.integers(0, 50), elements=st.floats(-3, 30)),
    st.integers(-2, 5),
    st.integers(1, 9),
    st.integers(1, 40),
)
def test_bins_are_those_of_numpy(values: Any, low: int, span: int, bins: int) -> None:
    """Every value on the axis is counted once, in NumPy's bin or, at an edge, the one beside."""
    found = Axis(low, low + span, bins).counts(values)
    expected, edges = np.histogram(values, bins, (low, low + span))
    assert found.sum() == expected.sum()
    near = np.abs(values[:, None] - edges).min(axis=1, initial=1.0) < 1e-9
    expected = np.histogram(values[~near], bins, (low, low + span))[0]
    np.testing.assert_array_equal(Axis(low, low + span, bins).counts(values[~near]), expected)


@given(st.integers(1, 400), st.floats(0, 1), st.floats(0.01, 1))
def test_a_median_is_right_within_a_bin(count: int, start: float, span: float) -> None:
    """The median told is no farther from the true one than a bin is wide."""
    axis = Axis(0, 2, 40)
    values = start + span * np.random.default_rng(count).random(2 * count + 1) ** 2
    assert abs(axis.median(axis.counts(values)) - np.median(values)) <= 2 / 40


def test_all_and_those_that_pass(put: Put, store: Store) -> None:
    """Each panel counts the alerts that have a value, and the part that passes the cuts."""
    put([2, 4, 8], rb=0.21, magpsf=18.3)
    put([6], rb=0.99, drb=0.95, magpsf=19.9)
    put([3], rb=1.0, magpsf=17.1)
    part = Distributions(store)
    panels = made(part)
    assert list(panels) == ["rb", "drb", "magpsf g", "magpsf r"]
    rb = counts(panels["rb"]["held"])
    assert {int(place): int(rb[place]) for place in np.flatnonzero(rb)} == {10: 3, 49: 2}
    assert counts(panels["drb"]["held"]).sum() == 1
    assert counts(panels["magpsf g"]["held"]).sum() == 4
    assert (panels["magpsf r"]["low"], panels["magpsf r"]["high"]) == (17, 20)
    assert panels["rb"]["passing"] == panels["rb"]["held"]
    assert (part._plots["held"], part._plots["passing"]) == ("5 held", "")
    part.cuts = Cuts("rb > 0.5 and 17 < magpsf <= 19")
    panels = made(part)
    assert part._plots["passing"] == "1 passes the cuts"
    assert np.flatnonzero(counts(panels["rb"]["passing"])).tolist() == [49]
    assert counts(panels["magpsf g"]["passing"]).sum() == 0
    assert panels["rb"]["edges"] == [0.5]
    assert panels["drb"]["edges"] == []
    assert panels["magpsf g"]["edges"] == panels["magpsf r"]["edges"] == [17.0, 19.0]
    assert panels["rb"]["text"] == (
        "rb, real-bogus score: 5 values, median about 0.22; 1 passes the cuts, median about 0.99"
    )
    assert panels["drb"]["text"].endswith("1 value, median about 0.95; 0 pass the cuts")


def test_absurd_values_make_no_absurd_axis(put: Put, store: Store) -> None:
    """Scores and magnitudes beyond the axis are told in words; -999 and NaN are no values."""
    put([2], rb=-999.0, magpsf=18.0)
    put([4], rb=7.0, magpsf=1e30)
    put([6], rb=float("nan"), magpsf=float("inf"))
    part = Distributions(store)
    panels = made(part)
    assert panels["rb"]["text"] == "rb, real-bogus score: no values; 1 beyond the axis"
    assert (panels["magpsf g"]["low"], panels["magpsf g"]["high"]) == (18, 19)
    assert panels["magpsf g"]["text"].endswith("1 value, median about 18.12; 2 beyond the axis")
    assert panels["magpsf r"]["text"] == "magpsf in r [mag]: no values"


def test_a_band_that_occurs_has_its_place(put: Put, store: Store) -> None:
    """Alerts in i have a panel; before there are any, only g and r do."""
    part = Distributions(store)
    assert list(made(part)) == ["rb", "drb", "magpsf g", "magpsf r"]
    assert part._plots["held"] == "No alerts yet"
    put([1], fid=3)
    part.make_anew()
    assert "magpsf i" in made(part)


def test_the_selected_alert_is_marked(put: Put, store: Store) -> None:
    """Its values are marked in the panels that it is in; hidden, nothing is looked up."""
    put([1], rb=0.75, magpsf=18.25, fid=2)
    part = Distributions(store)
    part.selected = 1
    assert part._mark == {"rb": 0.75, "magpsf r": 18.25}
    part.active = False
    part.selected = 99
    assert part._mark != {}
    part.active = True
    assert part._mark == {}
    part.selected = None
    assert part._mark == {}


def test_cuts_that_cannot_be_applied_are_explained(put: Put, store: Store) -> None:
    """A cut on a field that no alert has leaves all of them, and says why."""
    put([1])
    part = Distributions(store)
    part.cuts = Cuts("nonsense > 1 and rb > 0.5")
    panels = made(part)
    assert "nonsense" in part._plots["error"]
    assert part._plots["passing"] == ""
    assert panels["rb"]["edges"] == []


def test_settings_are_kept_or_refused(store: Store) -> None:
    """The scale goes out as JSON and comes back, from code and page; what is none is refused."""
    part = Distributions(store)
    part.settings = {"scale": "log"}
    assert part.settings == part._chosen == {"scale": "log"}
    for bad in ("cubic", 3, None, ["log"]):
        with pytest.raises(ConfigError, match="expected linear, log"):
            part.settings = {"scale": bad}
    part._on_message(part, {"kind": "setting", "name": "scale", "value": "linear"}, [])
    part._on_message(part, {"kind": "setting", "name": "store", "value": "linear"}, [])
    assert part.settings == {"scale": "linear"}
