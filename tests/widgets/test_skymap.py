"""The map of the sky, driven without a page."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ztfnb.columns import Columns
from ztfnb.cuts import Cuts
from ztfnb.errors import ConfigError
from ztfnb.footprint import outline
from ztfnb.projection import HALF_HEIGHT, HALF_WIDTH, mollweide, sky_at
from ztfnb.sky import from_ecliptic, from_galactic, separation
from ztfnb.source import Packet
from ztfnb.store import Store
from ztfnb.widgets import _sky_figure, _sky_view
from ztfnb.widgets._sky_view import CELLS, FEW, MAP_HEIGHT, MAP_WIDTH, Cells, cells_at, view_of
from ztfnb.widgets.skymap import SkyMap

Put = Callable[..., None]
Sent = Callable[[Any], list[dict[str, Any]]]


def fill(store: Store, ra: Any, dec: Any, **columns: Any) -> None:
    """Put alerts of some positions in a store, with candids that count from 1."""
    count = len(ra)
    candid = np.arange(count) + 1 + len(store) + store.evicted
    arrays = {"candid": candid, "ra": np.asarray(ra, float), "dec": np.asarray(dec, float)}
    arrays |= {"jd": np.full(count, 2461055.75)}
    arrays |= {name: np.asarray(values) for name, values in columns.items()}
    packets = [Packet(b"", topic="t", partition=0, offset=place) for place in range(count)]
    store.append(packets, Columns(arrays, {}, np.arange(count)))


def say(part: SkyMap, kind: str, **message: Any) -> None:
    part._on_message(part, {"kind": kind, **message}, [])


def maker_of(part: Any) -> Any:
    """The thread at work; a view is published under the lock before there is none."""
    with part.pump.lock:
        return part._maker


def made(part: SkyMap) -> SkyMap:
    """Let a map be made, as a page does that asks."""
    part.beat()
    while (maker := maker_of(part)) is not None:
        maker.join()
    return part


def drawn(columns: dict[str, bytes]) -> Any:
    """The coordinates that a page would draw."""
    return np.stack([np.frombuffer(columns[axis], "<f4") for axis in ("x", "y")])


# -- What is seen ----------------------------------------------------------------------------


def test_few_alerts_are_points_at_their_places(put: Put, store: Store) -> None:
    """Each alert is a point where the projection has it, and the words count them."""
    put([1, 2], field=643)
    put([3], ra=10.0, dec=-5.0, field=400)
    part = made(SkyMap(store))
    expected = mollweide([150.001, 150.002, 10.0], [20.0, 20.0, -5.0])
    np.testing.assert_allclose(drawn(part._sky["points"]), expected, atol=1e-6)
    assert part._sky["summary"] == "3 alerts in 2 fields"
    assert "counts" not in part._sky


def test_many_alerts_are_counted_in_cells(store: Store) -> None:
    """Counts add up to the alerts, each in the cell of its position."""
    rng = np.random.default_rng(1)
    ra, dec = rng.uniform(0, 360, FEW + 1), np.degrees(np.arcsin(rng.uniform(-1, 1, FEW + 1)))
    fill(store, ra, dec)
    part = made(SkyMap(store))
    counts = np.frombuffer(part._sky["counts"], "<i4")
    np.testing.assert_array_equal(counts, np.bincount(cells_at(ra, dec), minlength=CELLS))
    assert part._sky["most"] == counts.max()
    assert "points" not in part._sky


def test_a_person_chooses_points_or_counts(store: Store) -> None:
    """Points of many are the newest, which is said; few can be counted too."""
    fill(store, np.linspace(0, 359, FEW + 50), np.zeros(FEW + 50))
    part = SkyMap(store)
    part.shows = "points"
    made(part)
    x = drawn(part._sky["points"])[0]
    np.testing.assert_allclose(x, mollweide(np.linspace(0, 359, FEW + 50)[50:], 0.0)[0], atol=1e-6)
    assert part._sky["summary"] == "2,050 alerts; the newest 2,000 are drawn"
    part.cuts = Cuts("ra < 1.5")
    part.shows = "counts"
    made(part)
    assert part._sky["most"] > 0


def test_what_does_not_pass_the_cuts_stays_faint(store: Store) -> None:
    """Few others are faint points; many are grey cells, as is a cell in which none passes."""
    fill(store, [10.0, 10.0, 50.0], [0.0, 0.0, 0.0], rb=[0.9, 0.1, 0.2])
    part = SkyMap(store)
    part.cuts = Cuts("rb > 0.5")
    made(part)
    assert drawn(part._sky["points"]).shape == (2, 1)
    assert drawn(part._sky["others"]).shape == (2, 2)
    assert part._sky["summary"] == "3 alerts; 1 passes the cuts"
    part.shows = "counts"
    counts = np.frombuffer(made(part)._sky["counts"], "<i4")
    assert counts[cells_at(10.0, 0.0)] == 1
    assert counts[cells_at(50.0, 0.0)] == -1
    assert np.count_nonzero(counts) == 2
    fill(store, np.full(FEW, 80.0), np.zeros(FEW), rb=np.zeros(FEW))
    part.shows = "points"
    made(part)
    assert drawn(part._sky["others"]).shape == (2, 0)
    assert np.frombuffer(part._sky["counts"], "<i4")[cells_at(80.0, 0.0)] == -1


def test_cuts_that_cannot_be_applied_are_explained(put: Put, store: Store) -> None:
    """A cut on a field that no alert has leaves all of them, and says why."""
    put([1, 2])
    part = SkyMap(store)
    part.cuts = Cuts("nonsense > 1")
    made(part)
    assert "nonsense" in part._sky["error"]
    assert drawn(part._sky["points"]).shape == (2, 2)


@pytest.mark.parametrize(("ra", "dec"), [(np.nan, 0.0), (0.0, np.nan), (1.0, 91.0), (np.inf, 0.0)])
def test_alerts_without_a_position_are_counted_in_words(
    store: Store, ra: float, dec: float
) -> None:
    """A position that is none is on no map, and is missing from none of the counts."""
    fill(store, [10.0, ra], [0.0, dec])
    part = made(SkyMap(store))
    assert drawn(part._sky["points"]).shape == (2, 1)
    assert part._sky["summary"] == "2 alerts; 1 without a position"
    part.selected = 2
    assert part._mark["text"] == "The selected alert has no place on the map."


def test_nothing_held(store: Store) -> None:
    """An empty store is an empty map with cuts, choices and a selection or without."""
    part = SkyMap(store)
    part.cuts = Cuts("rb > 0.5")
    part.selected = 5
    assert made(part)._sky["summary"] == "No alerts yet"
    part.shows = "counts"
    assert made(part)._sky["error"] == ""
    say(part, "tap", ra=1.0, dec=2.0, reach=3.0)
    say(part, "step", way="left")
    assert part.selected == 5


# -- When it is made -------------------------------------------------------------------------


def test_a_hidden_map_does_nothing(put: Put, store: Store) -> None:
    """While it is not active it makes and looks up nothing; then it shows the latest."""
    put([1])
    part = SkyMap(store)
    part.active = False
    part.selected = 1
    made(part)
    assert (part._sky, part._mark["candid"]) == ({}, "")
    part.active = True
    assert part._mark["candid"] == "1"
    assert made(part)._sky["summary"].startswith("1 alert")


def test_arrivals_are_shown_at_a_calm_pace(
    put: Put, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New alerts wait for the next turn, choices do not, and nothing new makes nothing."""
    now = 100.0
    monkeypatch.setattr("ztfnb.widgets._overview.time.monotonic", lambda: now)
    put([1])
    part = made(SkyMap(store))
    before = part._sky
    put([2])
    now = 101.0
    assert made(part)._sky is before
    part.cuts = Cuts("rb > 0.1")
    assert made(part)._sky["summary"].startswith("2 alerts")
    put([3])
    now = 103.5
    after = made(part)._sky
    assert after["summary"].startswith("3 alerts")
    now = 200.0
    assert made(part)._sky is after


def test_the_latest_choice_wins(put: Put, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was begun before a choice is not shown after it."""
    put([1])
    part = SkyMap(store)
    shown: list[int] = []
    monkeypatch.setattr(part, "_show", lambda view: shown.append(view.totals.passing))
    view = _sky_view.view_of

    def slow(*arguments: Any) -> Any:
        if not part.cuts:
            part.cuts = Cuts("rb > 0.99")
        return view(*arguments)

    monkeypatch.setattr("ztfnb.widgets.skymap.view_of", slow)
    made(part)
    assert shown == [0]


def test_a_failure_is_shown(put: Put, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error in the thread is a sentence on the map, and the next turn tries again."""
    put([1])
    part = SkyMap(store)
    with monkeypatch.context() as patch:
        patch.setattr("ztfnb.widgets.skymap.view_of", lambda *_: 1 / 0)
        assert "division by zero" in made(part)._sky["error"]
    part.make_anew()
    assert made(part)._sky["error"] == ""


def test_a_missing_package_is_named(
    put: Put, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without astropy-healpix the map says what to install, and the parts beside it go on."""
    put([1])
    part = SkyMap(store)
    monkeypatch.setitem(sys.modules, "astropy_healpix", None)
    part._on_message(part, {"kind": "ready"}, [])
    part.pump.beat()
    assert "pip install 'ztfnb[lab]'" in part._sky["error"]


def test_cells_of_alerts_are_found_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """New alerts are added to the cells of those before them, and those that left are dropped."""
    small = Store(1_000_000)
    cells, rng = Cells(), np.random.default_rng(4)
    asked: list[int] = []
    real = _sky_view.positions

    def counted(held: Any, rows: Any) -> Any:
        asked.append(len(rows))
        return real(held, rows)

    monkeypatch.setattr(_sky_view, "positions", counted)
    for _ in range(60):
        fill(small, rng.uniform(0, 360, 900), rng.uniform(-90, 90, 900))
        held = small.snapshot()
        expected = cells_at(held.column("ra"), held.column("dec"))
        np.testing.assert_array_equal(cells.of(held), expected)
    assert small.evicted > 0
    assert asked == [900] * 60
    fill(store, [1.0], [2.0])
    assert cells.of(store.snapshot()).tolist() == [cells_at(1.0, 2.0)]


# -- Choosing --------------------------------------------------------------------------------


def test_a_tap_takes_the_nearest_point(put: Put, store: Store) -> None:
    """The nearest within reach is selected and told; farther away nothing is."""
    put([1], ra=359.9, dec=0.0)
    put([2], ra=5.0, dec=0.0)
    part = made(SkyMap(store))
    taken: list[int] = []
    part.on_select = taken.append
    say(part, "tap", ra=0.4, dec=0.0, reach=1.0)
    assert (part.selected, taken) == (1, [1])
    say(part, "tap", ra=90.0, dec=0.0, reach=1e9)
    say(part, "tap", ra=float("nan"), dec=0.0, reach=1.0)
    say(part, "tap", ra="x", dec=None, reach=[])
    assert (part.selected, taken) == (1, [1])


def test_a_tap_on_counts_takes_the_newest_of_the_cell(store: Store) -> None:
    """In a cell the alert that came last and passes is selected; an empty cell selects none."""
    fill(store, [10.0, 10.1, 10.0, 50.0], [0.3, 0.3, 0.3, 0.0], rb=[0.9, 0.8, 0.1, 0.9])
    part = SkyMap(store)
    part.shows = "counts"
    part.cuts = Cuts("rb > 0.5")
    made(part)
    assert cells_at(10.0, 0.3) == cells_at(10.1, 0.3)
    say(part, "tap", ra=10.05, dec=0.3, reach=1.0)
    assert part.selected == 2
    say(part, "tap", ra=200.0, dec=0.3, reach=1.0)
    assert part.selected == 2


@pytest.mark.parametrize("shows", ["points", "counts"])
def test_arrow_keys_go_where_they_point(store: Store, shows: Any) -> None:
    """The first key takes the newest; then each key the nearest alert in its direction."""
    fill(store, [20.0, 0.0, 350.0, 0.0, 0.0], [0.0, 30.0, 1.0, -20.0, 0.0])
    part = SkyMap(store)
    part.shows = shows
    made(part)
    steps = []
    part.selected = 5
    for way in ("left", "right", "right", "left", "up", "down", "down", "nowhere", "up"):
        say(part, "step", way=way)
        steps.append(part.selected)
    assert steps == [1, 5, 3, 5, 2, 5, 4, 4, 5]
    part.selected = None
    say(part, "step", way="up")
    assert part.selected in range(1, 6)


def test_the_selected_alert_is_marked_with_its_field(put: Put, store: Store) -> None:
    """Ring, outline and words say where it is; of an unknown field there is no outline."""
    put([7], ra=210.0, dec=40.0, field=720)
    put([8], field=1500)
    part = SkyMap(store)
    part.centre = 12
    part.selected = 7
    assert part._mark["text"] == "ZTF260000007 at 210.0000 +40.0000 in field 720"
    np.testing.assert_allclose(
        drawn(part._mark["at"])[:, 0], mollweide(210.0, 40.0, 180.0), atol=1e-6
    )
    ring = outline(720)
    assert ring is not None
    np.testing.assert_allclose(drawn(part._mark["outline"]), mollweide(*ring, 180.0), atol=1e-6)
    part.selected = 8
    assert drawn(part._mark["outline"]).shape == (2, 0)
    part.selected = 99
    assert part._mark["candid"] == ""
    part.selected = None
    assert part._mark["text"] == ""


def test_settings_are_kept_or_refused_whole(store: Store) -> None:
    """Settings go out as JSON and come back; one bad value changes nothing."""
    part = SkyMap(store)
    part.settings = {"shows": "counts", "centre": 18}
    assert part.settings == {"shows": "counts", "centre": 18}
    part.settings = {"centre": 6, "unknown": 1}
    assert part._chosen["centre"] == 6
    bad: list[dict[str, Any]] = [
        {"centre": 12, "shows": "stars"}, {"shows": "auto", "centre": 7}, {"centre": True},
        {"centre": "0"}, {"shows": ["auto"]}, {"centre": None},
    ]  # fmt: skip
    for settings in bad:
        with pytest.raises(ConfigError, match="expected"):
            part.settings = settings
    assert part.settings == {"shows": "counts", "centre": 6}
    say(part, "setting", name="shows", value="points")
    say(part, "setting", name="store", value="points")
    assert part.shows == "points"


def test_the_page_is_given_what_it_asks_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cell of each pixel is that of the sky under it, on every centre."""
    part = SkyMap(store)
    sent: list[Any] = []
    monkeypatch.setattr(part, "send", lambda *message: sent.append(message))
    rng = np.random.default_rng(2)
    x, y = rng.integers(0, MAP_WIDTH, 2000), rng.integers(0, MAP_HEIGHT, 2000)
    for centre in (0, 6, 12, 18):
        part.centre = centre
        say(part, "cells")
        message, (cells,) = sent.pop()
        assert message == {"kind": "cells", "centre": centre}
        pixels = np.frombuffer(cells, "<i2").reshape(MAP_HEIGHT, MAP_WIDTH)
        places = (
            ((x + 0.5) / MAP_WIDTH * 2 - 1) * HALF_WIDTH,
            ((y + 0.5) / MAP_HEIGHT * 2 - 1) * HALF_HEIGHT,
        )
        expected = cells_at(*sky_at(*places, centre * 15.0))
        # A pixel on the edge of two cells may be in either.
        assert np.mean(pixels[y, x] == expected) > 0.995
        assert ((pixels[y, x] < 0) == (expected < 0)).all()
    say(part, "bokehjs")
    assert sent[0][0] == {"kind": "bokehjs"}


# -- The ground ------------------------------------------------------------------------------


@given(st.sampled_from([0.0, 90.0, 180.0, 270.0]))
def test_lines_lie_where_they_belong(centre: float) -> None:
    """Every drawn point of the planes lies on them, and no line jumps across the map."""
    ground = _sky_figure.ground_of(centre)
    for name, plane in (("galactic", from_galactic), ("ecliptic", from_ecliptic)):
        x, y = drawn(ground[name]).astype(float)
        inside = np.isfinite(x) & ((x / HALF_WIDTH) ** 2 + (y / HALF_HEIGHT) ** 2 < 0.999)
        ra, dec = sky_at(x[inside], y[inside], centre)
        pole = plane(0.0, 90.0)
        assert abs(separation(ra, dec, *pole) - 90).max() < 0.01
    for name in ("galactic", "ecliptic", "graticule", "edge"):
        steps = np.hypot(*np.diff(drawn(ground[name])))
        assert np.nanmax(steps) < 0.25
    labels = ground["labels"]
    assert drawn(labels).shape == (2, len(labels["text"]))
    assert drawn(labels).shape[1] == len(labels["down"])


def test_cells_stand_where_their_alerts_are(store: Store) -> None:
    """A view of counts selects from the cells that have any, at their centres."""
    fill(store, [10.0, 200.0], [0.0, 50.0])
    held = store.snapshot()
    view = view_of(held, Cells().of(held), Cuts(), "counts")
    order = np.argsort(view.candid)
    assert view.candid[order].tolist() == [1, 2]
    assert separation(view.ra[order], view.dec[order], [10.0, 200.0], [0.0, 50.0]).max() < 2
