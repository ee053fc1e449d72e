"""The table sends the rows in view and the state of its list, and nothing else."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from widgets.conftest import Put

from ztfnb.columns import Columns
from ztfnb.cuts import Cuts
from ztfnb.errors import ConfigError, SelectionError
from ztfnb.filters.compose import source_of
from ztfnb.source import Packet
from ztfnb.store import Store
from ztfnb.widgets import AlertTable, _lister, _listing
from ztfnb.widgets._columns import AGE, DEFAULT, DEFAULT_RUBIN, ExtraColumn

Sent = Callable[[Any], list[dict[str, Any]]]


class Page:
    """A table, and a page in front of it that keeps what it is told."""

    def __init__(self, table: AlertTable, messages: list[dict[str, Any]]) -> None:
        self.table = table
        self.messages = messages
        self.state: dict[str, Any] = {}
        self.marks: list[str] = []
        self.rows: dict[str, Any] = {}
        self.version = -1
        self.read = 0

    def say(self, kind: str, **message: Any) -> None:
        self.table._on_message(self.table, {"kind": kind, **message}, [])
        self.listen()

    def beat(self, start: int = 0, stop: int = 10) -> None:
        self.table._lister._rest_until = self.table._counts_at = 0
        self.say("ready", start=start, stop=stop, version=self.version)
        self.table.pump.beat()
        self.listen()

    def listen(self) -> None:
        for message in self.messages[self.read :]:
            if message["kind"] == "tick":
                self.state = message
                self.version = message["version"]
            if message["kind"] == "marks":
                self.marks = message["candids"]
            if "candids" in message and message["kind"] in ("tick", "rows"):
                self.rows = message
        self.read = len(self.messages)

    def ticks(self) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["kind"] == "tick"]

    @property
    def candids(self) -> list[str]:
        assert self.rows["version"] == self.version
        return list(self.rows["candids"])

    def column(self, name: str) -> list[str]:
        return list(self.rows["cells"][self.table.columns.index(name)])


@pytest.fixture
def page(store: Store, sent: Sent, monkeypatch: pytest.MonkeyPatch) -> Page:
    """A page in front of an empty table."""
    # Histograms have tests of their own, and a thread.
    monkeypatch.setattr("ztfnb.widgets._headerbars.HeaderBars.ask", lambda *_args: None)
    table = AlertTable(store)
    return Page(table, sent(table))


def test_rows_in_view_travel(page: Page, put: Put) -> None:
    """A tick holds the window that the page asked for, candids as text."""
    put(range(1, 101))
    page.beat(2, 5)
    (tick,) = page.ticks()
    assert (tick["total"], tick["held"], tick["start"]) == (100, 100, 2)
    assert page.candids == ["98", "97", "96"]
    assert page.column("objectId") == [f"ZTF26{n:07d}" for n in (98, 97, 96)]
    assert page.column("magpsf") == ["18.50"] * 3
    assert page.column(AGE)[0].startswith("2461055.75")


def test_quiet_when_nothing_changed(page: Page, put: Put) -> None:
    """A page is told nothing twice, but one that has come up anew is told all."""
    put([1])
    page.beat()
    page.beat()
    assert len(page.ticks()) == 1
    page.version = -1
    page.beat()
    assert len(page.ticks()) == 2
    assert page.candids == ["1"]


def test_follows_until_someone_reads(page: Page, put: Put) -> None:
    """New alerts come in on top until one is selected; then they are counted, and nothing else."""
    put([1, 2])
    page.beat()
    put([3])
    page.beat()
    assert page.candids == ["3", "2", "1"]
    page.say("select", candid="2")
    put([4, 5])
    page.beat()
    assert page.candids == ["3", "2", "1"]
    assert "candids" not in page.messages[-1]
    assert (page.state["fresh"], page.state["following"]) == (2, False)
    assert (page.state["selected"], page.state["place"]) == ("2", 1)
    page.say("follow", on=True)
    assert page.candids == ["5", "4", "3", "2", "1"]
    assert page.state["top"]
    assert page.state["place"] == 3


def test_a_page_knows_what_is_outdated(page: Page, put: Put) -> None:
    """Each state says which click it is the answer to, so that quick keys do not go back."""
    put([1, 2])
    page.beat()
    page.say("select", candid="2", turn="view-1")
    page.say("select", candid="1", turn="view-2")
    assert [tick["turn"] for tick in page.ticks()] == ["", "view-1", "view-2"]


def test_holds_under_the_pointer(page: Page, put: Put) -> None:
    """Rows stay where they are while the pointer moves over them."""
    put([1])
    page.beat()
    page.say("hold", on=True)
    put([2])
    page.beat()
    assert page.candids == ["1"]
    page.say("hold", on=False)
    page.beat()
    assert page.candids == ["2", "1"]


def test_window_is_answered_at_once(page: Page, put: Put) -> None:
    """Scrolling gets its rows without waiting for a beat, in bounded number."""
    put(range(1, 1501))
    page.beat()
    page.say("window", start=10, stop=5000)
    assert page.messages[-1]["kind"] == "rows"
    assert page.candids[0] == "1490"
    assert len(page.candids) == 1000


def test_rows_that_left_are_sent_blank(page: Page, put: Put, store: Store) -> None:
    """When alerts in view leave the store, the page is told, though the list stands still."""
    put(range(1, 200))
    page.table.following = False
    page.beat(190, 199)
    assert page.candids[-1] == "1"
    version = page.version
    candid = 200
    while not store.evicted:
        put(range(candid, candid + 100))
        candid += 100
    page.beat(190, 199)
    assert page.candids == [""] * 9
    assert page.column("objectId") == [""] * 9
    assert page.version == version
    assert "candids" in page.messages[-1]
    page.table.select(candid - 1)
    assert "candids" not in page.messages[-1]


# -- Order, cuts, search ----------------------------------------------------------------------


def test_sort_and_cut(page: Page, put: Put) -> None:
    """Sorting and cutting list anew at once; a wrong cut is told and changes nothing."""
    for candid, mag in ((1, 19.0), (2, 17.0), (3, 18.0)):
        put([candid], magpsf=mag)
    page.beat()
    page.say("choose", settings={"sort": "magpsf"})
    assert page.candids == ["2", "3", "1"]
    assert page.state["sort"] == "magpsf"
    page.say("cuts", act="add", text="magpsf > 17.5")
    assert page.candids == ["3", "1"]
    assert page.state["cuts"]["chips"] == [{"text": "magpsf > 17.5", "kept": 2}]
    page.say("cuts", act="add", text="magpfs > 17.5")
    assert page.candids == ["3", "1"]
    assert page.state["cuts"]["error"]["box"] == "cut"
    assert "magpsf" in page.state["cuts"]["error"]["reason"]
    page.say("cuts", act="search", text="x'; drop")
    assert page.state["cuts"]["error"]["box"] == "search"
    page.say("cuts", act="search", text="2600000")
    assert page.candids == ["3", "1"]
    assert page.state["cuts"]["error"] is None
    assert page.table.cuts == Cuts(["magpsf > 17.5", "startswith(objectId, 'ZTF2600000')"])
    page.say("cuts", act="clear")
    assert page.candids == ["2", "3", "1"]


def test_the_oldest_come_first_where_age_is_sorted(page: Page, put: Put) -> None:
    """The largest age is that of the smallest date."""
    put([1, 2, 3])
    page.beat()
    page.table.sort = "-age"
    page.listen()
    assert page.candids == ["1", "2", "3"]


def test_cuts_as_a_filter(page: Page, put: Put) -> None:
    """A page that asks is told the source of what is listed, the search among it."""
    put([1, 2, 3])
    page.say("cuts", act="add", text="magpsf > 17.5")
    page.say("cuts", act="search", text="2600000")
    ticks = len(page.ticks())
    page.say("source", id="v-1", name="bright_ones")
    told = page.messages[-1]
    assert (told["kind"], told["id"], told["name"], told["problem"]) == ("source", "v-1", "", "")
    assert told["source"] == source_of(page.table.cuts, "bright_ones")
    assert 'startswith("ZTF2600000")' in told["source"]
    page.say("source", id="v-2", name="bright ones")
    assert page.messages[-1]["name"]
    assert page.messages[-1]["source"] == ""
    page.say("source")
    assert page.messages[-1]["name"]
    assert len(page.ticks()) == ticks


def test_cuts_from_code(page: Page, put: Put) -> None:
    """Code sets cuts as a text or as Cuts, and is told when they cannot be fulfilled."""
    put(range(1, 4))
    page.beat()
    page.table.cuts = "candid > 1"
    assert page.table.cuts == Cuts("candid > 1")
    page.listen()
    assert page.candids == ["3", "2"]
    for wrong in ("candid >", "nosuch > 1", "objectId > 1"):
        with pytest.raises(SelectionError):
            page.table.cuts = wrong
    assert page.table.cuts == Cuts("candid > 1")
    page.table.search = "27"
    page.listen()
    assert page.candids == []
    page.table.cuts = Cuts()
    assert page.table.search == ""


def test_cut_before_the_first_alert(page: Page, put: Put) -> None:
    """A cut can be set before any field is known."""
    page.table.cuts = "candid > 1"
    put(range(1, 4))
    page.beat()
    assert page.candids == ["3", "2"]


def test_rows_stay_in_the_page_when_no_new_alert_passes(page: Page, put: Put) -> None:
    """Alerts that the cuts refuse cost no rows on the line."""
    put(range(1, 4))
    page.beat()
    page.table.cuts = "magpsf > 18"
    put([4], magpsf=17.0)
    page.beat()
    assert "candids" not in page.messages[-1]
    assert page.state["held"] == 4
    assert page.state["cuts"]["chips"][0]["kept"] == 3


def test_others_are_told_of_another_list(page: Page, put: Put) -> None:
    """Who draws what is listed hears of each change of it, and of nothing else."""
    calls: list[int] = []
    page.table.on_list = lambda: calls.append(page.table.total)
    put([1, 2])
    page.beat()
    page.table.select(1)
    page.table.cuts = "candid > 1"
    assert calls == [2, 1]


# -- Far from the page's messages -------------------------------------------------------------


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let lists be made in a thread, which waits for this event."""
    go_on = threading.Event()
    plain = _listing.listing

    def wait(*arguments: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            go_on.wait(60)
        return plain(*arguments)

    monkeypatch.setattr(_lister, "AT_ONCE", 0)
    monkeypatch.setattr(_lister, "listing", wait)
    yield go_on
    go_on.set()


def settle(page: Page) -> None:
    """Wait until no thread lists any more."""
    for thread in threading.enumerate():
        if thread.name == "ztfnb listing":
            thread.join(60)
    page.listen()


def test_a_long_list_is_sorted_in_a_thread(page: Page, put: Put, slow: threading.Event) -> None:
    """While a list is made, the old one stands and the page knows; the latest wish wins."""
    for candid, mag in ((1, 19.0), (2, 17.0), (3, 18.0)):
        put([candid], magpsf=mag)
    page.beat()
    page.say("choose", settings={"sort": "magpsf"})
    assert page.state["working"]
    assert page.candids == ["3", "2", "1"]
    page.say("window", start=0, stop=3)
    assert page.candids == ["3", "2", "1"]
    page.say("choose", settings={"sort": "-magpsf"})
    slow.set()
    settle(page)
    assert page.candids == ["1", "3", "2"]
    assert page.state["top"]
    assert not page.state["working"]
    assert sum("candids" in tick for tick in page.ticks()) == 2


def test_a_reader_is_not_overtaken(page: Page, put: Put, slow: threading.Event) -> None:
    """A list that was begun while following is dropped when someone begins to read."""
    put([1, 2])
    page.beat()
    slow.set()
    page.table.sort = "-magpsf"
    settle(page)
    slow.clear()
    put([3])
    page.beat()
    assert not page.state["working"]
    page.say("select", candid="1")
    slow.set()
    settle(page)
    assert page.candids == ["1", "2"]


def test_failures_in_the_thread_are_told(page: Page, put: Put, slow: threading.Event) -> None:
    """A cut that cannot be evaluated after all is an error under its box."""
    put([1])
    page.beat()
    page.table._box.set(Cuts("nosuch > 1"))
    page.say("choose", settings={"sort": "magpsf"})
    slow.set()
    settle(page)
    assert "nosuch" in page.state["cuts"]["error"]["text"]
    assert page.candids == ["1"]


def test_counts_are_told_now_and_then(page: Page, put: Put) -> None:
    """While rows stand still, more alerts are told once in a while; a new list is told at once."""
    put([1])
    page.beat()
    page.say("follow", on=False)
    put([2])
    page.table._counts_at = math.inf
    assert not page.table.beat()
    page.table._counts_at = 0
    assert page.table.beat()
    page.listen()
    assert page.state["fresh"] == 1
    put([3])
    page.say("follow", on=True)
    assert page.candids == ["3", "2", "1"]


# -- Marks, selection ---------------------------------------------------------------------------


def test_marks(page: Page, put: Put) -> None:
    """Alerts are marked one by one, from one to another, and by code, in the order of marking."""
    put(range(1, 8))
    page.beat()
    page.say("mark", candids=["3"], on=True)
    page.say("mark range", **{"from": 0, "to": 2})
    assert page.table.marked == (3, 7, 6, 5)
    assert page.marks == ["3", "7", "6", "5"]
    page.say("mark", candids=["7"], on=False)
    page.table.mark([1, 3])
    assert page.table.marked == (3, 6, 5, 1)
    page.table.unmark([6])
    page.say("clear marks")
    assert page.table.marked == ()
    assert page.marks == []


def test_what_is_listed(page: Page, put: Put) -> None:
    """Code reads the list by place, and finds an alert's place in it."""
    put(range(1, 6))
    page.beat()
    assert page.table.total == 5
    assert page.table.listed(0, 2) == [5, 4]
    assert page.table.listed(3, 99) == [2, 1]
    assert page.table.place_of(3) == 2
    assert page.table.place_of(99) is None


def test_listed_before_there_is_a_page(store: Store, put: Put) -> None:
    """A table that nobody has displayed yet lists what was there when it was made."""
    put(range(1, 4))
    assert AlertTable(store).listed(0, 9) == [3, 2, 1]


def test_keys_that_mean_nothing_here_are_passed_on(page: Page) -> None:
    """A key that is no command of the table may be a label."""
    keys: list[str] = []
    page.table.on_key = keys.append
    page.say("key", key="g")
    assert keys == ["g"]


# -- Groups -------------------------------------------------------------------------------------


def test_group_by_object(page: Page, put: Put) -> None:
    """Objects have one row each, which unfolds into their alerts."""
    put([1, 2])
    page.beat()
    page.say("choose", settings={"group": True})
    assert page.rows["sizes"] == [1, 1]
    assert page.state["objects"] == 2
    page.say("unfold", candid="2", on=True)
    assert list(page.table._query.unfolded) == ["ZTF260000002"]
    assert not page.state["following"]
    page.say("unfold", candid="2", on=False)
    assert list(page.table._query.unfolded) == []
    page.table.group = False
    page.listen()
    assert page.rows["sizes"] == []
    assert page.state["objects"] is None


# -- Columns and settings -----------------------------------------------------------------------


def test_columns_are_chosen(page: Page, put: Put) -> None:
    """Code and page choose any fields, in any order; the rows follow."""
    put([1], chipsf=0.5)
    page.beat()
    page.say("choose", settings={"columns": ["chipsf", "objectId"], "widths": {"chipsf": 90}})
    assert page.table.columns == ("chipsf", "objectId")
    assert page.rows["cells"] == [["0.5"], ["ZTF260000001"]]
    assert [column["pixels"] for column in page.table._columns] == [90, None]
    with pytest.raises(ConfigError, match="nosuch"):
        page.table.columns = ("nosuch",)
    page.say("default columns")
    assert page.table.columns == DEFAULT
    page.say("menu")
    assert {one["name"] for one in page.messages[-1]["columns"]} >= {"chipsf", "ssnamenr"}


def test_other_columns_leave_the_rows_where_they_are(page: Page, put: Put) -> None:
    """While someone reads, columns chosen by code bring in no new alerts and scroll nowhere."""
    put([1, 2])
    page.beat()
    page.say("select", candid="1")
    put([3])
    page.beat()
    page.table.columns = ("rb", "objectId")
    page.beat()
    assert page.candids == ["2", "1"]
    assert page.rows["cells"][1] == ["ZTF260000002", "ZTF260000001"]
    assert (page.state["fresh"], page.state["following"]) == (1, False)
    assert not any(tick.get("top") for tick in page.ticks()[-2:])
    page.table.settings = {"search": "ZTF26"}
    page.beat()
    assert page.candids == ["3", "2", "1"]


def test_alerts_of_rubin(sent: Sent) -> None:
    """Alerts of the Rubin Observatory get columns that they have, and are grouped by theirs."""
    store = Store(2_000_000)
    arrays = {
        "diaSourceId": np.arange(1, 5), "diaObjectId": np.array([7, 7, 8, 7]),
        "midpointMjdTai": np.full(4, 61000.5), "psfFlux": np.full(4, 1234.5, np.float32),
        "band": np.array(["r"] * 4),
    }  # fmt: skip
    store.append([Packet(b"", "rubin", 0, n) for n in range(4)], Columns(arrays, {}, np.arange(4)))
    table = AlertTable(store)
    page = Page(table, sent(table))
    page.beat()
    assert table.columns == DEFAULT_RUBIN
    assert page.column("midpointMjdTai") == ["61000.50000"] * 4
    table.group = True
    page.say("unfold", candid="4", on=True)
    assert page.candids == ["4", "2", "1", "3"]
    assert page.rows["sizes"] == [3, 0, 0, 1]


def test_extra_columns(page: Page, put: Put) -> None:
    """Code says what stands in a column that no field is behind, and when it has changed."""
    put([1, 2])
    labels: dict[int, str] = {1: "good"}

    def texts(candids: Sequence[int]) -> list[str]:
        return [labels.get(candid, "") for candid in candids]

    page.beat()
    page.table.extra_columns = [ExtraColumn("label", "What you said.", 8, texts)]
    page.listen()
    assert page.table.columns == (*DEFAULT, "label")
    assert page.column("label") == ["", "good"]
    labels[2] = "bad"
    page.table.refresh()
    page.listen()
    assert page.column("label") == ["bad", "good"]
    page.say("default columns")
    assert page.table.columns[-1] == "label"
    page.table.extra_columns = []
    assert page.table.columns == DEFAULT


def test_settings_go_into_another_table(page: Page, put: Put, store: Store) -> None:
    """What was chosen in one table is chosen the same in another."""
    put([1, 2])
    page.beat()
    page.say("choose", settings={"columns": ["rb", "drb"], "widths": {"rb": 70}, "sort": "-rb"})
    page.table.cuts = "rb > 0.1"
    page.table.search = "ZTF26"
    page.table.mark([2])
    other = AlertTable(store)
    other.settings = page.table.settings
    assert other.settings == page.table.settings
    assert other.settings["marked"] == ["2"]
    assert (other.columns, other.sort, other.search) == (("rb", "drb"), "-rb", "ZTF26")


@pytest.mark.parametrize(
    "wrong",
    [
        {"columns": "rb"},
        {"columns": []},
        {"columns": ["nosuch"]},
        {"columns": [1]},
        {"widths": [1]},
        {"widths": {"rb": "wide"}},
        {"widths": {"rb": -1}},
        {"sort": 3},
        {"sort": "-nosuch"},
        {"group": "yes"},
        {"cuts": "rb > 1"},
        {"cuts": ["rb >"]},
        {"cuts": ["nosuch > 1"]},
        {"search": 1},
        {"search": "a b"},
        {"marked": ["x"]},
        {"marked": 1},
    ],
)
def test_wrong_settings_change_nothing(page: Page, put: Put, wrong: dict[str, Any]) -> None:
    """Settings that cannot be are refused with what was expected, all of them."""
    put([1])
    page.beat()
    before = page.table.settings
    with pytest.raises(ConfigError):
        page.table.settings = {"group": True, "marked": [5], **wrong}
    assert page.table.settings == before


def test_counts_what_never_was_shown(page: Page, put: Put, store: Store) -> None:
    """Alerts that came and left between two ticks count as not shown; those told do not."""
    put([1])
    page.beat()
    candid = 2
    while store.evicted < 500:
        put(range(candid, candid + 500))
        candid += 500
    page.beat()
    assert page.table.missed == store.evicted - 1


def test_values_that_are_missing(page: Page, put: Put) -> None:
    """Nulls and the survey's -999 leave a cell empty."""
    put([1], rb=None, distnr=-999.0, magpsf=np.nan)
    page.beat()
    for name in ("rb", "distnr", "magpsf", "drb"):
        assert page.column(name) == [""]
