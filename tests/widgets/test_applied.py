"""The view of applied filters, its notices, and the marks in a table, driven without a page."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from made import made_packet

import ztfnb
from ztfnb.columns import decode_columns
from ztfnb.errors import ConfigError
from ztfnb.filters.applied import Applied
from ztfnb.filters.following import Arrived
from ztfnb.source import Memory, Packet
from ztfnb.stream import Stream
from ztfnb.widgets import AppliedView, Browser
from ztfnb.widgets._marking import Marking
from ztfnb.widgets.applied import AppliedPanel
from ztfnb.widgets.batch import Batch
from ztfnb.widgets.notices import EVERY, Digest, Notices, note_text, notes_text
from ztfnb.widgets.table import AlertTable

HOSTILE = "</script><img src=x onerror=alert(1)>\n\u202e"
Sent = Callable[[Any], list[dict[str, Any]]]


@ztfnb.filter
def bright(alert: Any, *, faintest: float = 16.0) -> Any:
    """A made alert is brighter than this up to candid 100; the first ten fail."""
    if alert["candid"] <= 10:
        raise ValueError(HOSTILE)
    if alert["candidate"]["magpsf"] > faintest:
        return False
    return {"score": 0.123456789, HOSTILE: HOSTILE}


@ztfnb.filter
def everything(alert: Any) -> bool:
    return alert is not None


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stream]:
    """A stream of three hundred alerts, all held."""
    monkeypatch.chdir(tmp_path)
    packets = [made_packet(candid, magpsf=15 + candid / 100) for candid in range(1, 301)]
    with Stream(Memory(packets, topic="t")) as live:
        yield live.wait(alerts=300)


def put(live: Stream, *candids: int) -> None:
    packets = [made_packet(candid, magpsf=15.5) for candid in candids]
    live.store.append([Packet(value) for value in packets], decode_columns(packets))


def eventually(condition: Callable[[], Any], timeout: float = 60.0) -> None:
    """Wait until something holds; the time-out is only there to end a test that hangs."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.01)


def say(part: Any, **message: Any) -> None:
    part._on_message(part, message, [])


def again(panel: AppliedPanel) -> None:
    """Let it look anew at once, as some seconds later."""
    panel._count_at = panel._fill_at = 0.0
    panel.head.beat()


def shelf(panel: AppliedPanel) -> dict[str, int]:
    return {name: count for name, _title, count in panel.verdicts.shelf._tabs}


# -- The view ---------------------------------------------------------------------------------


def test_it_shows_each_filter_side_by_side(live: Stream) -> None:
    """Each with its thresholds and counts, and the latest alerts of each verdict."""
    applied = live.apply(bright, everything).wait()
    view = AppliedView(applied)
    panel = view["bright"]
    again(panel)
    told = panel.head._told
    assert (told["name"], told["params"]) == ("bright", [["faintest", "16"]])
    assert told["counts"] == {"received": 300, "waiting": 0, "missed": 0}
    assert (told["state"], told["held"], told["back"]) == ("up to date", 300, 0)
    assert shelf(panel) == {"passed": 90, "rejected": 200, "failed": 10}
    assert shelf(view["everything"]) == {"passed": 300, "rejected": 0, "failed": 0}
    assert panel.verdicts.candids == tuple(range(100, 76, -1))
    panel.verdicts.choose("rejected")
    assert panel.verdicts.candids == tuple(range(300, 276, -1))
    assert len(view._row.children) == 2


def test_a_card_tells_why(live: Stream) -> None:
    """Annotations of what passed, what decided on a rejection, the error of a failure."""
    applied = live.apply(bright).wait()
    panel = AppliedView(applied)["bright"]
    assert panel._describe(live[50]).splitlines()[1].startswith("score = 0.12346, ")
    why = panel._describe(live[200]).splitlines()[1]
    assert why == 'alert["candidate"]["magpsf"] > faintest is true (17 against 16, by 1)'
    assert "ValueError: </script>" in panel._describe(live[5])


def test_cards_stay_while_someone_looks(live: Stream) -> None:
    """Counts go on, cards do not, until the pointer leaves; a page says so with every word."""
    applied = live.apply(everything).wait()
    panel = AppliedView(applied)["everything"]
    again(panel)
    say(panel.head, kind="hold", hold=True)
    put(live, 1001)
    applied.wait()
    again(panel)
    assert shelf(panel)["passed"] == 301
    assert panel.verdicts.candids[0] == 300
    say(panel.head, kind="ready", hold=False)
    again(panel)
    assert panel.verdicts.candids[0] == 1001
    put(live, 1002)
    applied.wait()
    panel._count_at, panel._fill_at = 0.0, math.inf
    panel.head.beat()  # too early for other cards
    assert panel.verdicts.candids[0] == 1001


def test_other_thresholds_show_at_once(live: Stream) -> None:
    """A filter that takes the place of another is shown in its panel, a further one beside it."""
    applied = live.apply(bright).wait()
    view = AppliedView(applied)
    again(view["bright"])
    applied.with_params(faintest=17.0).wait()
    again(view["bright"])
    assert view["bright"].head._told["params"] == [["faintest", "17"]]
    assert shelf(view["bright"])["passed"] == 190
    applied.replace(everything)
    again(view["bright"])
    assert [one.head._told["name"] for one in view._row.children] == ["bright", "everything"]
    applied.stop()
    again(view["bright"])
    assert view["bright"].head._told["state"] == "stopped"


def test_applied_anew_in_another_cell(live: Stream) -> None:
    """The view of what was replaced goes; one that has others left says so."""
    applied = live.apply(bright, everything).wait()
    view = AppliedView(applied)
    applied.view = view
    live.apply(bright)
    again(view["bright"])
    assert view["bright"].head._told["why"] == "It was applied anew."
    assert view.comm is not None
    live.apply(everything)
    assert view.comm is None


def test_it_shows_itself(live: Stream) -> None:
    """In a notebook the object is its widget, the same however often; closed, it is made anew."""
    applied = live.apply(bright)
    shown = applied._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in shown
    view = applied.view
    applied._repr_mimebundle_()
    assert applied.view is view
    view.close()
    view.close()
    applied._repr_mimebundle_()
    assert applied.view is not view


def test_a_card_is_shown_in_browsers_of_the_stream(live: Stream) -> None:
    """A click on a card selects the alert in each browser of the stream, and in no other."""
    browser, other = live.browse(), ztfnb.browse([live[3]])
    view = AppliedView(live.apply(bright).wait())
    again(view["bright"])
    say(view["bright"].verdicts.gallery, kind="select", candid="77")
    assert browser.table.selected == 77
    assert other.table.selected == 3
    chosen: list[int] = []
    view.on_select = chosen.append
    say(view.notices, kind="select", candid="12")
    assert chosen == [12]


# -- Notices ----------------------------------------------------------------------------------


def test_a_flood_is_summed_up() -> None:
    """The first is told at once; what comes within ten seconds is told together."""
    now = 1000.0
    digest = Digest("young", lambda: now)
    assert digest.take() is None
    digest.put([1], ["one"])
    told = digest.take()
    assert told is not None
    assert (told["title"], told["body"], told["candid"]) == ("young: 1 passed", "one", "1")
    digest.put([2, 3], ["two", "three"])
    now += EVERY / 2
    digest.put([*range(4, 14)], ["a", "b", "c"])
    assert digest.due == pytest.approx(EVERY / 2)
    assert digest.take() is None
    now += EVERY / 2
    told = digest.take()
    assert told is not None
    assert told["title"] == "young: 12 passed in the last 10 s"
    assert told["body"] == "c\nb\na\nand 9 more"
    assert digest.due is None
    now += 3600
    digest.put([20], [""])
    told = digest.take()
    assert told is not None
    assert told["title"] == "young: 1 passed"


def test_notices_are_off_until_they_are_asked_for(live: Stream, sent: Sent) -> None:
    """New alerts that pass are told with name, magnitude and annotations, and old ones never."""
    applied = live.apply(bright)
    view = AppliedView(applied)
    messages = sent(view.notices)
    heard: list[Any] = []
    hear = applied["bright"].on_news

    def listen(news: list[Arrived]) -> None:
        hear(news)
        heard.extend(news)

    applied["bright"].on_news = listen
    applied.wait()
    put(live, 1001)
    eventually(lambda: heard)
    assert not messages
    say(view.notices, kind="switch", name="notify", on=True)
    say(view.notices, kind="switch", name="nonsense", on=True)
    assert view.notices.settings == {"sound": False, "notify": True}
    put(live, 1002)
    eventually(lambda: messages)
    assert messages[0]["title"] == "bright: 1 passed"
    assert messages[0]["body"].startswith("ZTF260001002  g 15.50  score = 0.12346, ")
    assert messages[0]["candid"] == "1002"
    view.close()


def test_what_waits_is_told_by_a_timer(sent: Sent) -> None:
    """The rest of a flood is told without anything more to come; closing ends that."""
    now = 0.0
    notices = Notices(clock=lambda: now)
    notices.settings = {"sound": True}
    messages = sent(notices)
    notices.tell("young", [1], ["one"])
    notices.tell("young", [2], ["two"])
    assert len(messages) == 1
    timer = notices._timer
    assert timer is not None
    assert timer.daemon
    now = EVERY
    notices._on_time()
    assert messages[1]["title"] == "young: 1 passed in the last 10 s"
    timer.cancel()
    notices.tell("young", [3], [])
    notices.close()
    assert notices._timer is not None
    notices._timer.join(10)
    assert len(messages) == 2
    with pytest.raises(ConfigError, match="sound"):
        notices.settings = {"sound": "loud"}


def test_annotations_are_short_lines() -> None:
    """However long they are, and whatever is in them."""
    assert note_text(0.1 + 0.2) == "0.3"
    assert note_text(True) == "True"
    assert note_text("a\nb") == "a b"
    assert len(note_text("x" * 10_000)) == 120
    assert notes_text({"age": 3.0, "kind": "SN"}) == "age = 3, kind = SN"


# -- Marks in a table -------------------------------------------------------------------------


def texts(table: AlertTable) -> dict[str, Callable[[list[int]], list[str]]]:
    return {one.name: one.texts for one in table.extra_columns}


def test_a_filter_is_a_column(live: Stream) -> None:
    """One that is applied later too, with its annotations; beside the object's name."""
    browser = live.browse()
    assert list(texts(browser.table)) == ["label"]
    applied = live.apply(bright).wait()
    browser.table.beat()
    columns = texts(browser.table)
    assert list(columns)[:3] == ["label", "✓ bright", "bright.score"]
    assert len(columns) == 4
    assert columns["✓ bright"]([5, 50, 200, 999]) == ["!", "✓", "", "…"]
    assert columns["bright.score"]([5, 50, 200]) == ["", "0.12346", ""]
    hostile = list(columns)[3]
    assert len(hostile) <= 30
    assert "\n" not in hostile
    place = browser.table.columns.index("objectId")
    assert browser.table.columns[place + 1 : place + 3] == ("✓ bright", "bright.score")
    applied.stop()
    browser.table.beat()
    assert list(texts(browser.table)) == ["label"]
    assert "✓ bright" not in browser.table.columns


def test_a_mark_comes_when_the_alert_is_judged(live: Stream) -> None:
    """Rows in view are sent again when, and only when, one of their texts has changed."""
    table = AlertTable(live.store)
    marking = Marking(table, live)
    table.on_rows = marking.see
    live.apply(everything).wait()
    marking.renew()
    marking.see([1, 2, 1001])
    version = table._lister.version
    marking.renew()
    assert table._lister.version == version
    put(live, 1001)
    live.applied["everything"].wait()
    marking.renew()
    assert table._lister.version == version + 1


def test_a_column_that_was_hidden_stays_hidden(live: Stream) -> None:
    """Only a new column shows itself."""
    browser = live.browse()
    live.apply(everything).wait()
    browser.table.beat()
    shown = [name for name in browser.table.columns if name != "✓ everything"]
    browser.table.columns = shown
    put(live, 1001)
    live.apply(everything).wait()
    browser.table.beat()
    assert "✓ everything" not in browser.table.columns
    live.apply(bright).wait()
    browser.table.beat()
    assert "✓ bright" in browser.table.columns
    assert "✓ everything" not in browser.table.columns


def test_a_few_annotations_are_shown_at_first(live: Stream) -> None:
    """Others are in the list of columns, so that magnitude and the like stay in view."""

    @ztfnb.filter
    def talkative(alert: Any) -> Any:
        return {f"n{place}": alert["candid"] + place for place in range(20)}

    browser = live.browse()
    live.apply(talkative).wait()
    browser.table.beat()
    mine = [name for name in browser.table.columns if "talkative" in name]
    assert mine == ["✓ talkative", "talkative.n0", "talkative.n1"]
    assert "talkative.n11" in texts(browser.table)
    browser.table.columns = [*browser.table.columns, "talkative.n5"]
    live.apply(everything).wait()
    browser.table.beat()
    assert "talkative.n5" in browser.table.columns
    assert "✓ everything" in browser.table.columns


def test_a_saved_view_names_no_filter(live: Stream, tmp_path: Path) -> None:
    """It can be opened where the filter is not applied; where it is, its marks stay in view."""
    browser = live.browse()
    live.apply(everything).wait()
    browser.table.beat()
    browser.table.settings = {"widths": {"✓ everything": 50}}
    browser.save_state(tmp_path / "view.json")
    assert "everything" not in (tmp_path / "view.json").read_text()
    browser.load_state(tmp_path / "view.json")
    assert "✓ everything" in browser.table.columns
    live.applied["everything"].stop()
    Browser(live, state=tmp_path / "view.json").close()


def test_a_batch_has_no_marks() -> None:
    """Nothing is applied to alerts at hand."""
    batch = Batch([ztfnb.decode(made_packet(1))])
    table = AlertTable(batch.store)
    Marking(table, batch).renew()
    assert table.extra_columns == ()


def test_applied_of_a_stream_is_what_its_view_shows(live: Stream) -> None:
    """Made by hand, it is not listed, and can be shown all the same."""
    applied = Applied(live, everything).wait()
    assert live.applied == {}
    view = AppliedView(applied)
    again(view["everything"])
    assert shelf(view["everything"])["passed"] == 300
    applied.stop()
