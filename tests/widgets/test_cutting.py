"""The cuts of a table as its page edits them, message by message."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ztfnb.cuts import Cuts
from ztfnb.errors import SelectionError
from ztfnb.store import Store
from ztfnb.widgets._cutting import CutBox


@pytest.fixture
def say(store: Store, put: Any) -> Any:
    """A box, and what says a message to it."""
    put(range(1, 11), magpsf=18.0)
    box = CutBox()

    def say(act: str, **rest: Any) -> bool:
        message = json.loads(json.dumps({"kind": "cuts", "act": act, "id": "v-1", **rest}))
        return box.receive(message, store.snapshot())

    say.box = box  # type: ignore[attr-defined] # a function of the test
    return say


def texts(say: Any) -> list[str]:
    json.dumps(say.box.state())
    return [chip["text"] for chip in say.box.state()["chips"]]


def test_what_is_typed_becomes_chips(say: Any) -> None:
    """One for each condition; typing one again changes nothing."""
    assert say("add", text="rb > 0.65 and magpsf < 19")
    assert texts(say) == ["rb > 0.65", "magpsf < 19"]
    assert not say("add", text="rb>0.65")
    assert texts(say) == ["rb > 0.65", "magpsf < 19"]
    assert say.box.every.expression == "rb > 0.65 and magpsf < 19"
    assert say.box.state()["answered"] == "v-1"


def test_chips_are_changed_in_place_and_removed(say: Any) -> None:
    """One at a time, or all."""
    say("add", text="rb > 0.65 and magpsf < 19 and fid == 1")
    assert say("replace", old="magpsf < 19", text="magpsf < 18.5")
    assert texts(say) == ["rb > 0.65", "magpsf < 18.5", "fid == 1"]
    assert say("remove", text="rb > 0.65")
    assert not say("remove", text="rb > 0.65")
    assert texts(say) == ["magpsf < 18.5", "fid == 1"]
    assert say("clear")
    assert not say("clear")
    assert texts(say) == []


def test_a_brush_is_a_chip_and_a_range(say: Any) -> None:
    """Brushed anew it is replaced; both ends open remove it."""
    say("add", text="rb > 0.65")
    assert say("range", field="magpsf", low=17.5, high=18.5, whole=False)
    assert texts(say) == ["rb > 0.65", "17.5 <= magpsf < 18.5"]
    assert say.box.state()["ranges"] == {"rb": [0.65, None], "magpsf": [17.5, 18.5]}
    assert say("range", field="magpsf", low=None, high=18, whole=False)
    assert texts(say) == ["rb > 0.65", "magpsf < 18"]
    assert say("range", field="fid", low=0.5, high=1.5, whole=True)
    assert texts(say)[-1] == "fid == 1"
    assert say("range", field="magpsf", low=None, high=None, whole=False)
    assert say("range", field="rb")
    assert texts(say) == ["fid == 1"]


@pytest.mark.parametrize(
    ("message", "position", "close"),
    [
        ({"act": "add", "text": "fid == 1 and magps < 19"}, 14, "magpsf"),
        ({"act": "add", "text": "fid = 1"}, 5, "=="),
        ({"act": "add", "text": "rb > 'a'"}, 6, None),
        ({"act": "add", "text": "rb >"}, 5, None),
        ({"act": "replace", "old": "nid == 1", "text": "rb"}, 1, None),
        ({"act": "replace", "old": "nid ==", "text": "rb > 1"}, 7, None),
        ({"act": "range", "field": "magps", "low": 1, "high": 2}, 6, "magpsf"),
        ({"act": "range", "field": "objectId", "low": 1, "high": 2}, None, None),
        ({"act": "range", "field": "rb", "low": 2, "high": 1}, None, None),
    ],
)
def test_what_is_refused_changes_nothing_but_the_error(
    say: Any, message: dict[str, Any], position: int | None, close: str | None
) -> None:
    """The place of the mistake counts in the whole text that was typed."""
    say("add", text="rb > 0.5")
    assert not say(**message)
    state = say.box.state()
    assert texts(say) == ["rb > 0.5"]
    error = state["error"]
    assert (error["box"], error["typed"]) == ("cut", message.get("text", ""))
    assert error["reason"]
    if position is not None:
        assert error["position"] == position
    assert (error["close"] or [None])[0] == close
    assert say("add", text="fid == 1")
    assert say.box.state()["error"] is None


def test_a_search_narrows_the_list_without_a_chip(say: Any) -> None:
    """What it keeps is part of the cuts that code sees."""
    say("add", text="rb > 0.5")
    assert say("search", text=" 26000000 ")
    assert texts(say) == ["rb > 0.5"]
    assert say.box.state()["search"] == "26000000"
    assert say.box.every.expression == "rb > 0.5 and startswith(objectId, 'ZTF26000000')"
    assert not say("search", text="a b")
    error = say.box.state()["error"]
    assert (error["box"], error["typed"]) == ("search", "a b")
    assert say.box.search == "26000000"
    assert say("search", text="")
    assert say.box.every == say.box.cuts


def test_before_the_first_alert_any_field_may_be_named() -> None:
    """Nothing is known yet; but it has to be a condition."""
    box = CutBox()
    empty = Store(2_000_000).snapshot()
    assert box.receive({"act": "add", "text": "psfFlux > 3"}, empty)
    assert not box.receive({"act": "add", "text": "psfFlux >"}, empty)


def test_code_sets_cuts_and_a_search(say: Any) -> None:
    """An error that was shown is gone then; a search that is none is refused."""
    say("add", text="rb = 1")
    say.box.set(Cuts("rb > 0.5"), "ZTF26")
    assert say.box.state()["error"] is None
    with pytest.raises(SelectionError):
        say.box.set(Cuts("rb > 0.7"), "a b")
    assert (say.box.cuts, say.box.search) == (Cuts("rb > 0.5"), "ZTF26")


def test_chips_say_how_many_alerts_fulfil_them(say: Any, store: Store) -> None:
    """Once they were counted; a new one says nothing yet."""
    say("add", text="rb > 0.5 and magpsf < 17")
    say("search", text="26")
    held = store.snapshot()
    chosen = say.box.every.choose(held)
    say.box.counted(say.box.every, chosen.counts, len(held))
    say("add", text="fid == 1")
    state = say.box.state()
    assert [chip["kept"] for chip in state["chips"]] == [10, 0, None]
    assert state["held"] == 10


def test_an_error_of_the_list_itself_is_shown_apart_from_what_was_typed(say: Any) -> None:
    """It marks no box."""
    say.box.refuse(SelectionError("no field 'drb'"))
    assert say.box.state()["error"]["typed"] == ""


@pytest.mark.parametrize("act", ["", "drop", "add"])
def test_an_unknown_message_changes_nothing(say: Any, act: str) -> None:
    """And raises nothing."""
    assert not say(act)
