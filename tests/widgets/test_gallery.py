"""A page of cards: they fill as packets come, newest request first, and are selected."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from made import made_alert, made_packet

import ztfnb
from ztfnb.alert import Alert
from ztfnb.errors import ConfigError, DecodeError, NotHeldError
from ztfnb.look import Look
from ztfnb.simulate import Survey
from ztfnb.source import Packet
from ztfnb.store import Store
from ztfnb.widgets._card import card_of, description_of
from ztfnb.widgets.batch import Batch
from ztfnb.widgets.gallery import MOST, Gallery, fetching

Put = Callable[..., None]
Fetched = Iterator[tuple[int, Alert | Exception]]


@pytest.fixture(scope="module")
def night() -> list[Alert]:
    """Alerts with stamps."""
    return [ztfnb.decode(a.packet) for a in Survey(seed=3).night("2026-01-15", limit=12)]


def fetch_all(candids: Sequence[int]) -> Fetched:
    for candid in candids:
        yield candid, ztfnb.decode(ztfnb.encode(made_alert(candid)))


class Page:
    """What the page of a gallery was sent."""

    def __init__(self, gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
        self.gallery = gallery
        self.messages: list[tuple[dict[str, Any], Any]] = []
        self.changed = threading.Condition()
        monkeypatch.setattr(gallery, "send", self.take)

    def take(self, message: dict[str, Any], buffers: Any = None) -> None:
        with self.changed:
            self.messages.append((message, buffers))
            self.changed.notify_all()

    def cards(self) -> dict[int, dict[str, Any]]:
        """The cards of the page that is shown now."""
        return {
            int(card["candid"]): card
            for message, _ in self.messages
            if message["kind"] == "cards" and message["serial"] == self.gallery._page["serial"]
            for card in message["cards"]
        }

    def wait(self, condition: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, 60)


def page_of(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> Page:
    return Page(gallery, monkeypatch)


def test_cards_fill(night: list[Alert], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each alert becomes a card with its stamps as bytes, one after the other."""
    batch = Batch(night)
    gallery = Gallery(fetching(batch))
    page = page_of(gallery, monkeypatch)
    candids = [alert.candid for alert in night]
    gallery.show(candids, place="1 to 12 of 12", after=True)
    assert gallery.candids == tuple(candids)
    assert gallery._page["candids"] == [str(candid) for candid in candids]
    assert (gallery._page["before"], gallery._page["after"]) == (False, True)
    page.wait(lambda: len(page.cards()) == len(night))
    for message, (pixels,) in page.messages:
        sizes = [s["rows"] * s["columns"] for c in message["cards"] for s in c["stamps"]]
        assert sum(sizes) == len(pixels)
    card = page.cards()[night[0].candid]
    assert card["object"] == night[0].object_id
    assert [stamp["kind"] for stamp in card["stamps"]] == ["science", "template", "difference"]


def test_a_byte_is_a_place_on_the_colour_map() -> None:
    """0 has no value, 1 is one end of the map and 255 the other, by the rules of the look."""
    made = made_alert(1)
    alert = ztfnb.decode(ztfnb.encode(made))
    card, pixels = card_of(1, alert, Look(), description_of)
    assert pixels == b""
    assert {stamp["reason"] for stamp in card["stamps"]} == {"not in the packet"}
    real = ztfnb.decode(next(iter(Survey(seed=3).night("2026-01-15", limit=1))).packet)
    typed = Look(stretch="linear", typed={"science": (0.0, 254.0)})
    card, pixels = card_of(real.candid, real, typed, description_of)
    science = ztfnb.cutout(real, "science")
    assert science is not None
    size = science.size
    found = np.frombuffer(pixels[:size], np.uint8).reshape(science.shape)
    expected = np.where(np.isfinite(science), 1 + np.rint(np.clip(science, 0, 254)), 0)
    np.testing.assert_array_equal(found, expected)
    assert card["stamps"][0]["centre"] == (31.5, 31.5)


def test_what_cannot_be_fetched_leaves_its_place_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An error of one alert, a missing one, and the end of all; the others are there."""

    def fetch(candids: Sequence[int]) -> Fetched:
        yield from fetch_all(candids[:1])
        yield candids[1], NotHeldError("deleted by the broker")
        yield 99, NotHeldError("never asked for")

    gallery = Gallery(fetch)
    page = page_of(gallery, monkeypatch)
    gallery.show([1, 2, 3])
    page.wait(lambda: len(page.cards()) == 3)
    cards = page.cards()
    assert cards[1]["object"] == "ZTF260000001"
    assert cards[2]["reason"] == "deleted by the broker"
    assert cards[3]["reason"] == "it is not held"

    def fail(_candids: Sequence[int]) -> Fetched:
        raise OSError("no route to the broker")

    gallery.fetch = fail
    gallery.show([1, 4])
    page.wait(lambda: len(page.cards()) == 2)
    # What was there already is not fetched again.
    assert page.cards()[1]["object"] == "ZTF260000001"
    assert page.cards()[4]["reason"] == "no route to the broker"


def test_the_newest_request_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow fetch of a page that was left keeps nothing waiting, and sends nothing."""
    waiting, go_on = threading.Event(), threading.Event()
    slow_ended = threading.Event()

    def fetch(candids: Sequence[int]) -> Fetched:
        if candids[0] == 1:
            waiting.set()
            assert go_on.wait(60)
            yield from fetch_all(candids)
            slow_ended.set()
        else:
            yield from fetch_all(candids)

    gallery = Gallery(fetch)
    page = page_of(gallery, monkeypatch)
    gallery.show([1, 2])
    assert waiting.wait(60)
    gallery.show([3, 4])
    page.wait(lambda: set(page.cards()) == {3, 4})
    threads = [t for t in threading.enumerate() if t.name == "ztfnb gallery"]
    go_on.set()
    for thread in threads:
        thread.join(60)
    # It ended at the first alert that nobody wanted any more.
    assert not slow_ended.is_set()
    sent = {int(card["candid"]) for message, _ in page.messages for card in message["cards"]}
    assert sent == {3, 4}


def test_a_page_that_comes_late_gets_all_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is loaded again, or a second one, is sent what there is when it asks."""
    gallery = Gallery(fetch_all)
    page = page_of(gallery, monkeypatch)
    gallery.show([1, 2])
    page.wait(lambda: len(page.cards()) == 2)
    page.messages.clear()
    gallery.receive({"kind": "want"})
    assert set(page.cards()) == {1, 2}


def test_selection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A choice in the page calls back; one by code does not."""
    gallery = Gallery(fetch_all)
    page_of(gallery, monkeypatch)
    chosen: list[int] = []
    gallery.on_select = chosen.append
    big = 3_301_083_540_015_015_065
    gallery.selected = 2
    gallery.receive({"kind": "select", "candid": str(big), "turn": "view-1"})
    assert chosen == [big]
    assert gallery.selected == big
    assert gallery._selected == {"candid": str(big), "turn": "view-1"}
    gallery.selected = None
    assert gallery.selected is None


def test_turning_the_page_is_the_host_s() -> None:
    """The buttons call back with 1 or -1."""
    gallery = Gallery(fetch_all)
    steps: list[int] = []
    gallery.on_page = steps.append
    gallery.receive({"kind": "page", "step": 1})
    gallery.receive({"kind": "page", "step": -7})
    assert steps == [1, -1]


def test_notes_and_descriptions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words by candid stand on the cards that are shown; the second line can be any text."""
    gallery = Gallery(fetch_all)
    page = page_of(gallery, monkeypatch)
    gallery.describe = lambda alert: f"<b>{alert.candid}" + "x" * 999
    gallery.notes = {1: "good", 9: "bad", 2: ""}
    gallery.show([1, 2])
    page.wait(lambda: len(page.cards()) == 2)
    assert gallery._notes == {"1": "good"}
    assert page.cards()[2]["text"].startswith("<b>2")
    assert len(page.cards()[2]["text"]) == 200
    gallery.show([9, 9])
    assert gallery.candids == (9,)
    assert gallery._notes == {"9": "bad"}
    gallery.show(range(1, 1000))
    assert len(gallery.candids) == MOST


def test_a_description_that_fails_is_told_on_the_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not end the page."""
    gallery = Gallery(fetch_all)
    page = page_of(gallery, monkeypatch)

    def describe(alert: Alert) -> str:
        if alert.candid == 1:
            raise ValueError("no such field")
        return "fine"

    gallery.describe = describe
    gallery.show([1, 2])
    page.wait(lambda: len(page.cards()) == 2)
    assert page.cards()[1]["reason"] == "no such field"
    assert page.cards()[2]["text"] == "fine"


def test_the_line_of_a_card_says_what_is_known() -> None:
    """Band, magnitude, score and time; what is missing is left out."""
    alert = ztfnb.decode(ztfnb.encode(made_alert(1, fid=2, jd=2461055.75)))
    assert description_of(alert) == "r 18.50  rb 0.80  01-15 06:00"
    bare = ztfnb.decode(ztfnb.encode(made_alert(1, rb=None, jd=float("nan"), fid=1)))
    assert description_of(bare) == "g 18.50"


def test_settings(night: list[Alert], monkeypatch: pytest.MonkeyPatch) -> None:
    """Another stretch makes the cards again, without fetching; colours are the page's."""
    asked: list[Sequence[int]] = []

    def fetch(candids: Sequence[int]) -> Fetched:
        asked.append(candids)
        return iter([(alert.candid, alert) for alert in night[:2]])

    gallery = Gallery(fetch)
    page = page_of(gallery, monkeypatch)
    gallery.show([alert.candid for alert in night[:2]])
    page.wait(lambda: len(page.cards()) == 2)
    serial = gallery._page["serial"]
    gallery.receive({"kind": "setting", "look": {"colours": "viridis", "invert": True}})
    assert gallery._page["serial"] == serial
    gallery.receive({"kind": "setting", "look": {"stretch": "log"}})
    assert gallery._page["serial"] == serial + 1
    page.wait(lambda: len(page.cards()) == 2)
    assert len(asked) == 1
    assert gallery.settings == Look(stretch="log", colours="viridis", invert=True).settings()
    with pytest.raises(ConfigError, match="asinh"):
        gallery.settings = {"stretch": "cubic"}
    gallery.receive({"kind": "setting", "look": {"stretch": "cubic"}})
    assert page.messages[-1][0]["kind"] == "trouble"


def test_held_alerts_come_before_those_that_are_fetched(store: Store, put: Put) -> None:
    """What is in memory does not wait for a source; a damaged packet is told as such."""

    class Live:
        def __init__(self) -> None:
            self.store = store

        def __getitem__(self, candid: int) -> Alert:
            if candid == 18:
                raise NotHeldError("gone")
            return ztfnb.decode(made_packet(candid))

    put([1, 2, 3])
    store._packets[3] = Packet(made_packet(3)[:-5])
    found = list(fetching(Live())([17, 2, 18, 3, 1]))
    assert [candid for candid, _ in found] == [2, 3, 1, 17, 18]
    what = dict(found)
    assert all(isinstance(what[candid], Alert) for candid in (1, 2, 17))
    assert isinstance(what[3], DecodeError)
    assert isinstance(what[18], NotHeldError)
