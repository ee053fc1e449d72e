"""Histograms of the header: every value is counted once, where a cut would put it."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ztfnb.cuts import Cuts
from ztfnb.store import Store
from ztfnb.widgets import _histogram
from ztfnb.widgets._histogram import Histogram, histogram, histogram_of

Values = NDArray[Any]


def brushed(found: Histogram, first: int, last: int) -> tuple[float | None, float | None]:
    """The range that the page asks for when bins are brushed."""
    if first == last and found.whole and found.complete:
        return float(found.edges[first]), float(found.edges[last + 1])
    low = found.low if first == 0 else float(found.edges[first])
    high = None if last == len(found.counts) - 1 else float(found.edges[last + 1])
    return low, high


def kept_by(values: Values, low: float | None, high: float | None, *, whole: bool) -> int:
    """How many values the cut keeps that is made of a brush."""
    cuts = Cuts().with_range("x", low, high, whole=whole)
    if cuts.selection is None:
        return int(np.count_nonzero(~np.isnan(values)))
    return int(cuts.selection.evaluate({"x": values}).sum())


def assert_brush_keeps_what_it_shows(values: Values, found: Histogram) -> None:
    bins = len(found.counts)
    for first, last in {(0, bins - 1), (0, 0), (bins - 1, bins - 1), (bins // 3, bins // 2)}:
        low, high = brushed(found, first, last)
        shown = int(found.counts[first : last + 1].sum())
        assert kept_by(values, low, high, whole=found.whole) == shown


def test_a_spread_of_magnitudes_has_round_edges_and_every_value() -> None:
    """The tails beyond the picture stand in its outermost bins."""
    values = np.random.default_rng(1).normal(19, 1, 10_000).astype(np.float32)
    found = histogram(values)
    assert 12 <= len(found.counts) <= 48
    assert np.allclose(found.edges * 5, np.rint(found.edges * 5), atol=1e-9)
    assert found.counts.sum() == 10_000
    assert found.counts[0] > found.counts[1]
    assert found.edges[0] > values.min()
    assert not found.log
    assert not found.whole
    assert found.missing == 0
    assert_brush_keeps_what_it_shows(values, found)


def test_values_on_an_edge_belong_to_the_bin_above() -> None:
    """As a cut compares them, in double precision, whatever the column's own is."""
    steps = np.round(np.arange(101) / 100, 2)
    for values in (steps, steps.astype(np.float32), np.repeat(steps, 50)):
        found = histogram(values)
        places = [np.flatnonzero(found.edges[:-1] <= value)[-1] for value in values.astype(float)]
        assert found.counts.tolist() == np.bincount(places, minlength=len(found.counts)).tolist()


def test_what_passes_the_cuts_is_counted_beside_all() -> None:
    """Without cuts all do."""
    values = np.arange(100.0)
    kept = values < 30
    found = histogram(values, None, kept)
    assert found.kept.sum() == 30
    assert (found.kept <= found.counts).all()
    assert found.kept[-1] == 0
    assert (histogram(values).kept == found.counts).all()


def test_what_is_no_value_is_in_no_bin() -> None:
    """Null, NaN and the survey's own markers are counted apart."""
    values = np.array([1.0, 2.0, np.nan, -999.0, -99999.0, 3.0, 4.0])
    missing = np.array([0, 0, 0, 0, 0, 0, 1], bool)
    found = histogram(values, missing)
    assert (found.counts.sum(), found.missing) == (3, 4)
    assert found.edges[0] <= 1
    assert found.edges[-1] > 3


def test_an_open_brush_does_not_keep_the_markers() -> None:
    """Where some alerts have -999, the lowest bin ends at a number below all values."""
    rng = np.random.default_rng(2)
    values = np.where(rng.random(5000) < 0.3, -999, rng.normal(0, 2, 5000))
    found = histogram(values)
    assert found.low is not None
    assert -999 < found.low <= values[values > -999].min()
    assert_brush_keeps_what_it_shows(values, found)
    assert histogram(values[values > -999]).low is None


def test_infinite_values_stand_in_the_outermost_bins() -> None:
    """They stretch no axis."""
    values = np.array([-np.inf, *np.linspace(0, 1, 100), np.inf, np.inf])
    found = histogram(values)
    assert found.edges[-1] < 2
    assert not found.complete
    assert found.counts.sum() == 103
    assert_brush_keeps_what_it_shows(values, found)


@pytest.mark.parametrize(
    ("values", "edges"),
    [
        ([1, 2, 1, 3], [0.5, 1.5, 2.5, 3.5]),
        ([7], [6.5, 7.5]),
        ([0, 0], [-0.5, 0.5]),
        (range(24), list(np.arange(25) - 0.5)),
    ],
)
def test_few_whole_numbers_have_a_bin_each(values: Any, edges: list[float]) -> None:
    """With the number in its middle."""
    found = histogram(np.array(values))
    assert found.whole
    assert found.edges.tolist() == edges
    assert found.counts.sum() == len(values)
    assert found.complete
    assert_brush_keeps_what_it_shows(np.array(values), found)


@pytest.mark.parametrize("top", [30, 100, 1000, 2**40])
def test_many_whole_numbers_share_bins_of_a_round_number_of_them(top: int) -> None:
    """Edges stay between the numbers."""
    values = np.random.default_rng(3).integers(0, top, 5000)
    found = histogram(values)
    assert 12 <= len(found.counts) <= 48
    assert (found.edges % 1 == 0.5).all()
    assert_brush_keeps_what_it_shows(values, found)


@pytest.mark.parametrize("whole", [False, True])
def test_positive_values_over_decades_have_bins_wider_and_wider(whole: bool) -> None:
    """A number of detections may be 1 or 1,000."""
    values = 10 ** np.random.default_rng(4).uniform(0, 3.3, 5000)
    values = values.astype(np.int32) if whole else values
    found = histogram(values)
    assert found.log
    assert 10 <= len(found.counts) <= 48
    widths = np.diff(found.edges)
    assert widths[-1] > 50 * widths[0]
    assert_brush_keeps_what_it_shows(values, found)


@pytest.mark.parametrize("value", [30.0, 0.0, -1e-9, 1e-300, 5e-324, 1.7e308, -1.7e308, 18.333])
def test_one_value_throughout_is_one_bin(value: float) -> None:
    """It has a width, so that it can be drawn."""
    found = histogram(np.full(10, value))
    assert found.counts.sum() == 10
    assert np.count_nonzero(found.counts) == 1
    assert (np.diff(found.edges) > 0).all()
    json.dumps(found.page(), allow_nan=False)


@pytest.mark.parametrize(
    "values", [[], [np.nan, np.nan], [-999.0], [np.inf]], ids=["none", "nan", "marker", "inf"]
)
def test_without_values_there_are_no_bins(values: list[float]) -> None:
    """The page then shows that there are none."""
    found = histogram(np.array(values, float))
    assert (len(found.counts), len(found.kept), found.missing) == (0, 0, len(values))
    assert found.page()["edges"] == []


@given(
    st.lists(
        st.one_of(
            st.floats(allow_nan=True, allow_infinity=True),
            st.floats(-30, 30).map(lambda x: round(x, 2)),
            st.sampled_from((-999.0, 0.0, 1.0)),
        ),
        min_size=1,
        max_size=60,
    ),
    st.sampled_from((np.float64, np.float32)),
    st.randoms(use_true_random=False),
)
def test_any_values_are_counted_once_and_brushed_as_shown(
    given_values: list[float], dtype: type[np.floating[Any]], random: Any
) -> None:
    """Whatever an alert may hold: counts add up, edges rise, and JSON can hold them."""
    with np.errstate(over="ignore"):
        values = np.array(given_values, dtype)
    missing = np.array([random.random() < 0.2 for _ in values])
    kept = np.array([random.random() < 0.5 for _ in values])
    found = histogram(values, missing, kept)
    present = values[~missing]
    present = present[~np.isnan(present) & (present != -999) & (present != -99999)]
    if np.isfinite(present).any():
        assert found.counts.sum() == len(present)
    assert found.counts.sum() + found.missing == len(values)
    assert (found.kept <= found.counts).all()
    assert (np.diff(found.edges) > 0).all()
    json.dumps(found.page(), allow_nan=False)
    with_markers = values[~missing]
    if len(found.counts) and found.low is None:
        assert_brush_keeps_what_it_shows(with_markers, found)


@given(st.lists(st.integers(-(2**40), 2**40) | st.integers(-3, 60), min_size=1, max_size=60))
def test_any_whole_numbers_are_counted_once_and_brushed_as_shown(numbers: list[int]) -> None:
    """A brush of whole numbers names the first and the last of them."""
    values = np.array([number for number in numbers if number not in (-999, -99999)] or [1])
    found = histogram(values)
    assert found.counts.sum() == len(values)
    assert_brush_keeps_what_it_shows(values, found)


def test_pieces_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values are worked on a piece at a time, to the same counts."""
    rng = np.random.default_rng(5)
    values = np.where(rng.random(1000) < 0.1, -999, rng.gamma(2, 3, 1000))
    kept = rng.random(1000) < 0.5
    whole = histogram(values, None, kept)
    monkeypatch.setattr(_histogram, "_PIECE", 64)
    pieces = histogram(values, None, kept)
    assert pieces.page() == whole.page()
    assert int(whole.kept.sum()) == int((kept & (values != -999)).sum())


def test_fields_of_alerts_held_have_a_histogram_if_they_are_numbers(store: Store, put: Any) -> None:
    """Text has none, and neither has what is not held."""
    put(range(1, 21), magpsf=18.5)
    put(range(21, 31), magpsf=19.5, drb=None)
    held = store.snapshot()
    found = histogram_of(held, "magpsf", np.arange(30) < 20)
    assert found is not None
    assert (found.counts.sum(), found.kept.sum()) == (30, 20)
    drb = histogram_of(held, "drb")
    assert drb is not None
    assert drb.missing == 30
    assert histogram_of(held, "objectId") is None
    assert histogram_of(held, "nothing") is None
    assert histogram_of(Store(2_000_000).snapshot(), "magpsf") is None


def test_edges_stay_while_the_range_does() -> None:
    """Nothing moves when more of the same comes in."""
    rng = np.random.default_rng(6)
    first = histogram(rng.uniform(15, 21, 20_000))
    second = histogram(rng.uniform(15, 21, 50_000))
    assert first.edges.tolist() == second.edges.tolist()
    assert not math.isnan(first.edges[0])
