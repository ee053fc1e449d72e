"""The table sends the rows in view and the state of its list, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from widgets.conftest import Put

from ztfnb.errors import SelectionError
from ztfnb.store import Store
from ztfnb.widgets import AlertTable
from ztfnb.widgets._columns import COLUMNS, decimals

Sent = Callable[[Any], list[dict[str, Any]]]


def say(table: AlertTable, kind: str, **message: Any) -> None:
    table._on_message(table, {"kind": kind, **message}, [])


def beat(table: AlertTable, start: int = 0, stop: int = 10) -> None:
    say(table, "ready", start=start, stop=stop)
    table.pump.beat()


def test_rows_in_view_travel(store: Store, put: Put, sent: Sent) -> None:
    """A tick holds the window that the page asked for, candids as text."""
    put(range(1, 101))
    table = AlertTable(store)
    messages = sent(table)
    beat(table, 2, 5)
    (tick,) = messages
    assert (tick["total"], tick["held"], tick["start"]) == (100, 100, 2)
    assert tick["candids"] == ["98", "97", "96"]
    names = [column.field for column in COLUMNS]
    assert tick["cells"][names.index("objectId")] == [f"ZTF26{n:07d}" for n in (98, 97, 96)]
    assert tick["cells"][names.index("magpsf")] == ["18.50"] * 3


def test_quiet_when_nothing_changed(store: Store, put: Put, sent: Sent) -> None:
    """A page is told nothing twice."""
    put([1])
    table = AlertTable(store)
    messages = sent(table)
    beat(table)
    beat(table)
    assert len(messages) == 1


def test_follows_until_someone_reads(store: Store, put: Put, sent: Sent) -> None:
    """New alerts come in on top until one is selected; then they are counted."""
    put([1, 2])
    table = AlertTable(store)
    messages = sent(table)
    beat(table)
    table._rest_until = 0
    put([3])
    beat(table)
    assert messages[-1]["candids"] == ["3", "2", "1"]
    say(table, "select", candid="2")
    table._rest_until = 0
    put([4, 5])
    beat(table)
    assert messages[-1]["candids"] == ["3", "2", "1"]
    assert (messages[-1]["fresh"], messages[-1]["following"]) == (2, False)
    assert (messages[-1]["selected"], messages[-1]["place"]) == ("2", 1)
    say(table, "follow", on=True)
    assert messages[-1]["candids"] == ["5", "4", "3", "2", "1"]
    assert messages[-1]["place"] == 3


def test_holds_under_the_pointer(store: Store, put: Put, sent: Sent) -> None:
    """Rows stay where they are while the pointer moves over them."""
    put([1])
    table = AlertTable(store)
    messages = sent(table)
    beat(table)
    say(table, "hold", on=True)
    put([2])
    table._rest_until = 0
    beat(table)
    assert messages[-1]["candids"] == ["1"]
    say(table, "hold", on=False)
    beat(table)
    assert messages[-1]["candids"] == ["2", "1"]


def test_window_is_answered_at_once(store: Store, put: Put, sent: Sent) -> None:
    """Scrolling gets its rows without waiting for a beat, in bounded number."""
    put(range(1, 1501))
    table = AlertTable(store)
    messages = sent(table)
    beat(table)
    say(table, "window", start=10, stop=5000)
    assert messages[-1]["kind"] == "rows"
    assert messages[-1]["candids"][0] == "1490"
    assert len(messages[-1]["candids"]) == 1000


def test_sort_and_choose(store: Store, put: Put, sent: Sent) -> None:
    """Sorting and choosing list anew at once; a wrong cut is told and changes nothing."""
    for candid, mag in ((1, 19.0), (2, 17.0), (3, 18.0)):
        put([candid], magpsf=mag)
    table = AlertTable(store)
    messages = sent(table)
    beat(table)
    say(table, "sort", field="magpsf", descending=False)
    assert messages[-1]["candids"] == ["2", "3", "1"]
    say(table, "choose", cut="magpsf > 17.5", search="")
    assert messages[-1]["candids"] == ["3", "1"]
    say(table, "choose", cut="magpfs > 17.5", search="")
    assert messages[-1]["candids"] == ["3", "1"]
    assert "magpsf" in messages[-1]["error"]
    say(table, "choose", cut="", search="26000000")
    assert messages[-1]["candids"] == ["2", "3", "1"]
    assert messages[-1]["error"] == ""


def test_cut_from_code(store: Store, put: Put) -> None:
    """Code sets a cut, and is told when it is none."""
    put(range(1, 4))
    table = AlertTable(store)
    table.cut = "candid > 1"
    assert table.cut == "candid > 1"
    with pytest.raises(SelectionError):
        table.cut = "candid >"
    assert table.cut == "candid > 1"


def test_cut_before_the_first_alert(store: Store, put: Put, sent: Sent) -> None:
    """A cut can be set before any field is known."""
    table = AlertTable(store)
    messages = sent(table)
    table.cut = "candid > 1"
    put(range(1, 4))
    table._rest_until = 0
    beat(table)
    assert messages[-1]["candids"] == ["3", "2"]


def test_counts_what_never_was_shown(store: Store, put: Put, sent: Sent) -> None:
    """Alerts that came and left between two ticks count as not shown; those told do not."""
    put([1])
    table = AlertTable(store)
    sent(table)
    beat(table)
    candid = 2
    while store.evicted < 500:
        put(range(candid, candid + 500))
        candid += 500
    beat(table)
    assert table.missed == store.evicted - 1


def test_values_that_are_missing(store: Store, put: Put, sent: Sent) -> None:
    """Nulls and the survey's -999 leave a cell empty."""
    put([1], rb=None, distnr=-999.0, magpsf=np.nan)
    table = AlertTable(store)
    messages = sent(table)
    beat(table)
    names = [column.field for column in COLUMNS]
    for name in ("rb", "distnr", "magpsf", "drb"):
        assert messages[-1]["cells"][names.index(name)] == [""]


def test_numbers_are_rounded() -> None:
    """A number is written to what it means."""
    assert decimals(2)(18.456) == "18.46"
    assert decimals(1, scale=1.012)(10.0) == "10.1"
    assert decimals(2)(float("inf")) == ""


def test_every_column_is_explained() -> None:
    """Each column says which field it shows and what that means."""
    for column in COLUMNS:
        assert column.title.startswith(column.field)
        assert len(column.title) > len(column.field) + 10
