"""The browser shows what is selected in its table, wherever the packet has to come from."""

from __future__ import annotations

import gc
import json
import math
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ipywidgets
import pytest
from made import made_alert, made_packet

import ztfnb
from ztfnb.codec import encode
from ztfnb.errors import ConfigError, NotHeldError, SourceError
from ztfnb.source import Coordinates, Memory, Packet
from ztfnb.store import Store
from ztfnb.stream import Stream
from ztfnb.widgets import Browser, browse


class Slow(Memory):
    """A source whose packets take their time when they are fetched again."""

    def __init__(self, packets: list[bytes]) -> None:
        super().__init__(packets, topic="slow")
        self.released = threading.Event()
        self.fetched: list[int] = []

    def fetch(self, at: Coordinates) -> Packet:
        self.released.wait(60)
        self.fetched.append(at.offset)
        return super().fetch(at)


@pytest.fixture
def live() -> Iterator[Stream]:
    with Stream(Memory([made_packet(n) for n in range(1, 6)])) as stream:
        yield stream.wait(alerts=5)


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def click(browser: Browser, candid: int) -> None:
    browser.table._on_message(browser.table, {"kind": "select", "candid": str(candid)}, [])


def test_begins_with_the_newest(live: Stream) -> None:
    """A browser shows the newest alert at first, and goes on following."""
    browser = live.browse()
    assert browser.selected == live[5]
    assert browser.table.following
    assert browser.selection == (browser.selected,)


def test_click_shows_an_alert(live: Stream) -> None:
    """A click shows facts, stamps and light curve of that alert, and tells observers."""
    browser = browse(live)
    seen: list[int] = []
    browser.observe(lambda change: seen.append(change["new"].candid), "selected")
    click(browser, 2)
    assert browser.selected == live[2]
    assert browser.facts.alert == browser.stamps.alert == live[2]
    assert browser.light_curve.curve is not None
    assert seen == [2]


def test_select_from_code(live: Stream) -> None:
    """Code selects by candid, or nothing."""
    browser = browse(live)
    browser.select(3)
    assert browser.selected is not None
    assert browser.selected.candid == 3
    browser.select(None)
    assert browser.selected is None
    assert browser.selection == ()


def test_waits_for_the_first_alert() -> None:
    """A browser of an empty stream shows the first alert when it comes."""
    source = Memory()
    with Stream(source) as live:
        browser = browse(live)
        assert browser.selected is None
        source.send(Packet(made_packet(1)))
        live.wait(alerts=1)
        browser.table._on_message(browser.table, {"kind": "ready"}, [])
        browser.pump.beat()
        assert browser.selected == live[1]


def test_old_packets_are_fetched_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A click on an alert whose packet has left returns at once; the last click wins."""
    source = Slow([made_packet(n) for n in range(1, 6)])
    with Stream(source, store=Store(2_000_000)) as live:
        live.wait(alerts=5)
        monkeypatch.setattr(live.store, "packet", lambda _candid: None)
        browser = browse(live)
        for candid in (1, 2, 3):
            click(browser, candid)
        assert browser.stamps._shown["note"].startswith("Fetching")
        source.released.set()
        until(lambda: browser.selected is not None and browser.selected.candid == 3)
        until(lambda: not browser._fetching._running)
        assert len(source.fetched) <= 3


def test_packets_of_rows_in_view_are_kept(live: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that is being read needs no fetching, though its packet has left the store since."""
    browser = browse(live)
    browser.table._on_message(browser.table, {"kind": "ready", "start": 0, "stop": 3}, [])
    browser.pump.beat()
    monkeypatch.setattr(live.store, "packet", lambda _candid: None)
    asked: list[int | None] = []
    monkeypatch.setattr(browser._fetching, "forget", lambda: asked.append(None))
    monkeypatch.setattr(browser._fetching, "ask", lambda work, _done: asked.append(work().candid))
    click(browser, 4)
    assert browser.selected == live[4]
    click(browser, 1)
    assert browser.selected == live[4]
    assert asked == [None, None, 1]


@pytest.mark.parametrize("failure", [NotHeldError, RuntimeError])
def test_packets_that_are_gone_say_so(
    monkeypatch: pytest.MonkeyPatch, failure: type[Exception]
) -> None:
    """An alert whose packet is nowhere leaves a sentence, and the row stays selected."""
    source = Slow([made_packet(n) for n in range(1, 3)])
    source.released.set()

    def lost(_at: Coordinates) -> Packet:
        raise failure("the topic no longer has it")

    monkeypatch.setattr(source, "fetch", lost)
    with Stream(source) as live:
        live.wait(alerts=2)
        monkeypatch.setattr(live.store, "packet", lambda _candid: None)
        browser = browse(live)
        until(lambda: "no longer has it" in browser.stamps._shown["note"])
        assert browser.stamps._shown["note"].startswith("This packet cannot be fetched: ")
        assert browser.table.selected == 2


@pytest.fixture
def variable() -> Iterator[Stream]:
    """Three alerts of one object among two of others."""
    packets = [
        ztfnb.encode(made_alert(n) | ({"objectId": "ZTF18aaaaaaa"} if n % 2 else {}))
        for n in range(1, 6)
    ]
    with Stream(Memory(packets)) as stream:
        yield stream.wait(alerts=5)


def test_epochs_of_an_object(variable: Stream) -> None:
    """The light curve is made of all alerts of the object; its stamps can be stepped through."""
    browser = browse(variable)
    assert [epoch[0] for epoch in browser.stamps.epochs] == [1, 3, 5]
    curve = browser.light_curve.curve
    assert curve is not None
    assert curve.candid.tolist() == [1, 3, 5]
    browser.stamps.on_epoch(3)
    assert browser.table.selected == 3
    assert browser.selected == browser.stamps.alert == browser.facts.alert == variable[3]
    assert browser.light_curve.curve is curve, "zoom and all stay"
    click(browser, 2)
    assert [epoch[0] for epoch in browser.stamps.epochs] == [2]


def test_tap_on_an_epoch(variable: Stream) -> None:
    """Stamps and details follow a tapped point; an epoch without an alert is told in words."""
    browser = browse(variable)
    browser.light_curve.on_epoch(1, variable[1].jd)
    assert browser.selected == browser.stamps.alert == variable[1]
    browser.light_curve.on_epoch(77, 0.0)
    assert "not held" in browser.stamps._shown["note"]
    browser.light_curve.on_epoch(0, 0.0)
    assert "no alert" in browser.stamps._shown["note"]
    assert browser.selected == variable[1]


def test_hidden_tabs_rest(live: Stream) -> None:
    """What nobody sees is not filled, and is filled once somebody does."""
    browser = browse(live)
    browser._right.chosen = "details"
    assert browser.details.alert == live[5]
    click(browser, 2)
    assert browser.details.alert == live[2]
    assert browser.stamps.alert == live[5]
    browser._right.chosen = "alert"
    assert browser.stamps.alert == live[2]
    click(browser, 3)
    assert browser.details.alert == live[2]


def test_cuts_are_code(live: Stream) -> None:
    """The cuts of the page are a function of an alert, and are set by code as by hand."""
    browser = browse(live)
    browser.cuts = "candid > 2 and magpsf < 19"
    assert browser.cuts.expression == "candid > 2 and magpsf < 19"
    assert [alert.candid for alert in live.alerts() if browser.cuts(alert)] == [3, 4, 5]
    assert browser.table.listed(0, 9) == [5, 4, 3]
    assert browser.sky.cuts == browser.distributions.cuts == browser.cuts


def test_selection(live: Stream) -> None:
    """The selection is what is marked, in that order; without marks the alert in view."""
    browser = browse(live)
    browser.table.mark([4, 2])
    assert browser.marked == (4, 2)
    assert list(browser.selection) == [live[4], live[2]]
    browser.table.clear_marks()
    assert list(browser.selection) == [live[5]]


def test_gallery(live: Stream) -> None:
    """The gallery shows what is listed, from the alert that is read; a card selects it."""
    browser = browse(live)
    click(browser, 4)
    assert not browser.gallery.candids
    browser._left.chosen = "gallery"
    assert list(browser.gallery.candids) == [4, 3, 2, 1]
    browser.gallery._on_message(browser.gallery, {"kind": "select", "candid": "2"}, [])
    assert browser.selected == live[2]
    browser.cuts = "candid < 3"
    assert list(browser.gallery.candids) == [2, 1]


def test_pages_of_the_gallery() -> None:
    """Every alert of the list is on one page of the gallery."""
    browser = browse([ztfnb.decode(made_packet(n)) for n in range(1, 121)])
    browser._left.chosen = "gallery"
    seen = list(browser.gallery.candids)
    for _ in range(3):
        browser.gallery.on_page(1)
        seen += [candid for candid in browser.gallery.candids if candid not in seen]
    assert seen == list(range(120, 0, -1))
    for _ in range(3):
        browser.gallery.on_page(-1)
    assert browser.gallery.candids == tuple(range(120, 70, -1))


def test_scanning_with_keys(live: Stream, tmp_path: Path) -> None:
    """Keys of the table are labels while the labels are in view, and then only."""
    browser = browse(live, labels=tmp_path / "labels.jsonl")
    press = browser.table.on_key
    press("g")
    assert not browser.labels
    assert "label" not in browser.table.columns
    browser._right.chosen = "labels"
    browser.scan.auto = True
    press("g")
    press("b")
    assert browser.labels.words == {5: "good", 4: "bad"}
    assert browser.labels[5].object_id == live[5].object_id
    assert browser.selected == live[3], "a label goes on to the next"
    assert browser.table.extra_columns[0].texts([5, 4, 3]) == ["good", "bad", ""]
    assert browser.table.columns[2:4] == ("objectId", "label")
    until(lambda: not browser.labels.unsaved)
    assert "label" in browse(live, labels=tmp_path / "labels.jsonl").table.columns


def test_state(live: Stream, tmp_path: Path) -> None:
    """What was chosen in one browser is chosen again in another."""
    first = browse(live)
    first.cuts = "magpsf < 20"
    first.table.columns = ("objectId", "rb")
    first.table.mark([3])
    first.light_curve.quantity = "flux"
    first._right.chosen = "details"
    first.save_state(tmp_path / "view.json")
    click(first, 2)
    second = browse(live, state=tmp_path / "view.json")
    assert second.cuts == first.cuts
    assert second.table.columns == ("objectId", "rb")
    assert second.marked == (3,)
    assert second.light_curve.quantity == "flux"
    assert second._right.chosen == "details"
    assert second.selected == live[5]


@pytest.mark.parametrize(
    "parts",
    [
        {"stamps": {"colours": 7}},
        {"table": {"columns": 3}},
        {"table": {"marked": [math.inf]}},
        {"tabs": {"left": "x"}},
        {"other": {}},
    ],
)
def test_state_of_others_is_checked(live: Stream, tmp_path: Path, parts: dict[str, Any]) -> None:
    """A state that cannot be chosen is refused in words, and nothing of it is chosen."""
    file = tmp_path / "view.json"
    chosen = {"light_curve": {"quantity": "flux"}, **parts}
    # A number that is too large for a float is valid JSON, and infinite when it is read.
    file.write_text(json.dumps({"ztfnb": 1, "parts": chosen}).replace("Infinity", "1e999"))
    browser = browse(live)
    with pytest.raises(ConfigError):
        browser.load_state(file)
    assert browser.light_curve.quantity == "difference"
    with pytest.raises(ConfigError, match="nowhere"):
        browser.load_state(tmp_path / "nowhere.json")


def test_states_are_not_read_without_end(live: Stream, tmp_path: Path) -> None:
    """Of a file that is too large only so much is read as shows it; a folder is refused, too."""
    file = tmp_path / "view.json"
    with file.open("wb") as opened:
        opened.truncate(1 << 40)  # a hole: it takes no room on the disk
    browser = browse(live)
    with pytest.raises(ConfigError, match="at most"):
        browser.load_state(file)
    with pytest.raises(ConfigError, match="cannot be read"):
        browser.load_state(tmp_path)
    with pytest.raises(SourceError, match="cannot write"):
        browser.save_state(tmp_path)


def test_what_cannot_be_opened_leaves_nothing_behind(live: Stream, tmp_path: Path) -> None:
    """No widget is left of a browser whose labels or state cannot be read, and no warning."""
    before = set(ipywidgets.widgets.widget._instances)
    with pytest.raises(SourceError, match="directory"):
        browse(live, labels=tmp_path)
    with pytest.raises(ConfigError, match="nowhere"):
        browse(live, labels=tmp_path / "labels.jsonl", state=tmp_path / "nowhere.json")
    gc.collect()
    left = set(ipywidgets.widgets.widget._instances) - before
    kinds = {type(ipywidgets.widgets.widget._instances[one]).__name__ for one in left}
    assert kinds <= {"Layout"}


def test_batches() -> None:
    """Alerts at hand are browsed like a stream, without a strip."""
    alerts = [ztfnb.decode(made_packet(n)) for n in (1, 2, 3)]
    browser = browse(iter(alerts))
    assert browser.strip is None
    click(browser, 1)
    assert browser.selected is not None
    assert browser.selected.candid == 1


def test_batches_hold_alerts_only() -> None:
    """What is no alert is refused; an alert that fits in no row of the table is told of."""
    with pytest.raises(ConfigError, match="expected alerts, got int"):
        browse([ztfnb.decode(made_packet(1)), 2])  # type: ignore[list-item]
    long = ztfnb.decode(encode(made_alert(2) | {"objectId": "x" * 100_000}))
    with pytest.warns(UserWarning, match="alert number 2 is not shown"):
        browser = browse([ztfnb.decode(made_packet(1)), long])
    assert len(browser.alerts.store) == 1


def test_large_batches_are_whole() -> None:
    """Every alert of a batch is listed."""
    alerts = [ztfnb.decode(made_packet(n)) for n in range(1, 1102)]
    assert len(browse(alerts).alerts.store) == 1101


def test_cells_run_again_let_the_old_alerts_go() -> None:
    """A browser of a stream that was opened anew replaces the old one, which frees its alerts."""

    def show() -> tuple[Browser, weakref.ref[Store]]:
        live = Stream(Memory([made_packet(1)]), name="again")
        return browse(live.wait(alerts=1)), weakref.ref(live.store)

    old, held = show()
    new, _ = show()

    def gone() -> bool:
        gc.collect()
        return held() is None

    until(gone)
    assert old.table.comm is None
    assert new.selected is not None
    new.close()


def test_closing_leaves_no_widget_behind(live: Stream) -> None:
    """Every widget that a browser made for itself is closed with it."""
    before = set(ipywidgets.widgets.widget._instances)
    browser = browse(live)
    assert len(set(ipywidgets.widgets.widget._instances) - before) > 5
    browser.close()
    left = set(ipywidgets.widgets.widget._instances) - before
    kinds = {type(ipywidgets.widgets.widget._instances[one]).__name__ for one in left}
    assert kinds <= {"Layout"}, "these hold nothing, and go with their widget"


def test_two_browsers_of_one_stream(live: Stream) -> None:
    """A stream can be browsed in two places."""
    first, second = browse(live), browse(live)
    assert first.table.comm is not None
    click(second, 2)
    assert first.selected == live[5]


def test_a_picture_looks_as_the_page_does(live: Stream) -> None:
    """What is chosen for the light curve and the stamps is chosen for a picture."""
    pytest.importorskip("matplotlib")
    browser = browse(live)
    alert = live[1]
    options = browser.saving.picture_options
    assert ztfnb.picture(alert, dpi=50, **options()) == ztfnb.picture(alert, dpi=50)
    browser.light_curve.settings = {
        "quantity": "flux", "time": "mjd", "fold": True, "periods": {alert.object_id: 0.5},
    }  # fmt: skip
    browser.stamps.settings = {"marks": False}
    expected = ztfnb.picture(
        alert, dpi=50, look={"marks": False}, view={"quantity": "flux"}, period=0.5
    )
    assert ztfnb.picture(alert, dpi=50, **options()) == expected


def test_neither_stream_nor_alerts() -> None:
    """What cannot be browsed is refused with what to do."""
    with pytest.raises(ConfigError, match=r"ztfnb\.read"):
        browse("night.tar.gz")  # type: ignore[arg-type]
    with pytest.raises(ConfigError):
        browse(3)  # type: ignore[arg-type]


def test_cheap_repr(live: Stream) -> None:
    """What a browser says of itself is a line."""
    assert repr(browse(live)).startswith("<Browser of 5 alerts, showing <Alert ZTF26")
