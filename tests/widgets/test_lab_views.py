"""Funnel, galleries, explanation and tables of the lab, driven without a page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from made import made_alert

import ztfnb
from ztfnb.alert import Alert
from ztfnb.errors import ConfigError
from ztfnb.filters import Filter, Verdict
from ztfnb.filters.condition import Condition
from ztfnb.filters.explanation import Explained, Explanation
from ztfnb.filters.funnel import FunnelRow
from ztfnb.filters.interval import UNKNOWN, Interval, share
from ztfnb.filters.lint import Remark
from ztfnb.filters.nightly_yield import nightly_yield
from ztfnb.filters.score import Score, score
from ztfnb.filters.sweep import Point, Sweep
from ztfnb.widgets import explanationview, funnelview, labtables
from ztfnb.widgets.explanationview import ExplanationView
from ztfnb.widgets.funnelview import FunnelView
from ztfnb.widgets.labsheets import interval_text, yield_sheet
from ztfnb.widgets.labsummary import Summary, Told
from ztfnb.widgets.labtables import LabTable, Row, Sheet
from ztfnb.widgets.scoreview import ScoreView
from ztfnb.widgets.sourceview import SourceView
from ztfnb.widgets.verdicts import SIZE, Listing, Verdicts

Sent = Callable[[Any], list[dict[str, Any]]]


def say(part: Any, **message: Any) -> None:
    part._on_message(part, message, [])


def condition(place: int, text: str = "rb < rb_min") -> Condition:
    return Condition(place, text, 3 + place, 3 + place, 4, 9, "f", wanted=False, operator="<")


# -- The funnel ------------------------------------------------------------------------------


def test_a_funnel_has_a_row_for_each_condition() -> None:
    """All that a row of the report tells is there; what cannot be known stays unknown."""
    view = FunnelView()
    rows = [FunnelRow(condition(0), 10, 4, 2, 1), FunnelRow(condition(1), 6, 1, None, 0)]
    view.show(rows, total=10, passed=5, failed=0, note="so")
    told = view._funnel
    assert [(r["name"], r["entered"], r["stopped"], r["only"]) for r in told["rows"]] == [
        ("stopped:0", 10, 4, 2), ("stopped:1", 6, 1, None)
    ]  # fmt: skip
    assert (told["total"], told["passed"], told["note"]) == (10, 5, "so")


def test_very_many_conditions_are_counted() -> None:
    """A page is given as many rows as it can show, and told of the others."""
    view = FunnelView()
    rows = [FunnelRow(condition(place), 1, 0, 0, 0) for place in range(funnelview.MOST + 30)]
    view.show(rows, total=1, passed=1, failed=0)
    assert len(view._funnel["rows"]) == funnelview.MOST
    assert "30 more conditions" in view._funnel["note"]


def test_a_row_is_chosen_and_bars_are_scaled() -> None:
    """A click is told once, a setting kept, and another setting refused."""
    view = FunnelView()
    heard: list[str] = []
    view.on_select = heard.append
    say(view, kind="select", name="stopped:1")
    say(view, kind="setting", value="log")
    assert (heard, view.selected, view.settings) == (["stopped:1"], "stopped:1", {"scale": "log"})
    say(view, kind="setting", value="<b>")
    with pytest.raises(ConfigError, match="linear, log"):
        view.settings = {"scale": "square"}
    assert view.settings == {"scale": "log"}


# -- Galleries -------------------------------------------------------------------------------


def none_held(candids: Sequence[int]) -> Iterator[tuple[int, Alert | Exception]]:
    for candid in candids:
        yield candid, LookupError("not here")


def test_listings_are_shown_page_by_page() -> None:
    """Tabs tell how many there are; the gallery has the page of the one in front."""
    verdicts = Verdicts(none_held, str)
    listings = {"passed": Listing("passed", np.arange(1, 61)), "failed": Listing("failed", [7, 8])}
    chosen: list[str] = []
    verdicts.on_choose = chosen.append
    verdicts.show(listings)
    assert verdicts.shelf._tabs == [["passed", "passed", 60], ["failed", "failed", 2]]
    assert verdicts.candids == tuple(range(1, SIZE + 1))
    assert verdicts.gallery._page["place"] == f"1 to {SIZE} of 60"
    say(verdicts.gallery, kind="page", step=1)
    say(verdicts.gallery, kind="page", step=1)
    assert verdicts.candids == tuple(range(2 * SIZE + 1, 61))
    say(verdicts.gallery, kind="page", step=1)
    assert verdicts.candids == tuple(range(2 * SIZE + 1, 61)), "there is no page after the last"
    say(verdicts.shelf, kind="choose", name="failed")
    assert (verdicts.chosen, verdicts.candids, chosen) == ("failed", (7, 8), ["failed"])
    say(verdicts.shelf, kind="choose", name="<img>")
    assert verdicts.chosen == "failed"


def test_other_alerts_come_under_the_same_tab() -> None:
    """A new evaluation leaves the reader where they were, as far as there is such a place."""
    verdicts = Verdicts(none_held, str)
    verdicts.show({"passed": Listing("passed", []), "failed": Listing("failed", range(60))})
    verdicts.choose("failed")
    say(verdicts.gallery, kind="page", step=1)
    verdicts.show({"passed": Listing("passed", [1]), "failed": Listing("failed", range(30))})
    assert (verdicts.chosen, verdicts.candids) == ("failed", tuple(range(24, 30)))
    serial = verdicts.gallery._page["serial"]
    verdicts.show({"passed": Listing("passed", [1]), "failed": Listing("failed", [])}, fill=False)
    assert verdicts.gallery._page["serial"] == serial, "cards stay while a slider moves"
    assert verdicts.shelf._tabs[1][2] == 0
    verdicts.show({"passed": Listing("passed", [1])})
    assert (verdicts.chosen, verdicts.candids) == ("passed", (1,))


def test_a_card_tells_the_reason() -> None:
    """The second line of a card is why the alert got its verdict."""
    verdicts = Verdicts(none_held, lambda candid: f"because of {candid}")
    alert = ztfnb.decode(ztfnb.encode(made_alert(5)))
    assert verdicts.gallery.describe(alert) == "because of 5"


# -- The explanation ---------------------------------------------------------------------------


def explanation(steps: int = 2) -> Explanation:
    told = tuple(
        Explained(condition(place), (0.41, 0.65), True, True, 0.24, decisive=place == steps - 1)
        for place in range(steps)
    )
    return Explanation(9007199254740993, Verdict.REJECTED, told)


def test_an_explanation_says_what_it_says_in_code() -> None:
    """Marks, values and outcome are those of the `Explanation`; a candid keeps all its digits."""
    view = ExplanationView()
    told = explanation()
    view.show(told, pinned=True)
    shown = view._shown
    assert (shown["candid"], shown["verdict"]) == ("9007199254740993", "rejected")
    assert shown["pinned"] is True
    assert [(s["mark"], s["values"], s["decisive"]) for s in shown["steps"]] == [
        (one.mark, one.values_text, one.decisive) for one in told.steps
    ]
    assert shown["reason"] == told.reason


def test_what_decided_is_shown_of_very_many_steps() -> None:
    """The last step is there, whatever is left out."""
    view = ExplanationView()
    view.show(explanation(explanationview.MOST + 50))
    steps = view._shown["steps"]
    assert len(steps) == explanationview.MOST
    assert steps[-1]["decisive"]
    assert view._shown["left"] == 50


def test_pins_are_asked_for_by_the_page() -> None:
    """A button pins the alert that is explained; without one it does nothing."""
    view = ExplanationView()
    heard: list[bool | None] = []
    view.on_pin = heard.append
    say(view, kind="pin", passes=True)
    view.show(explanation())
    for passes in (True, False, None):
        say(view, kind="pin", passes=passes)
    assert heard == [True, False, None]
    view.say("not written", pinned=None)
    assert (view._shown["note"], view._shown["verdict"]) == ("not written", "rejected")


# -- Tables ------------------------------------------------------------------------------------


def test_a_table_is_cut_where_a_page_ends() -> None:
    """What is left out is counted, and long texts are cut."""
    table = LabTable("Things")
    rows = tuple(Row(str(n), ("x" * 1000,)) for n in range(labtables.MOST + 3))
    table.show(Sheet(columns=("a",), rows=rows))
    assert len(table._shown["rows"]) == labtables.MOST
    assert table._shown["left"] == "3 more are not shown"
    assert len(table._shown["rows"][0][1][0]) < 1000


def test_rows_and_their_buttons_are_told_apart() -> None:
    """A click on a row chooses it, its button acts on it."""
    table = LabTable("Things")
    heard: list[tuple[str, str]] = []
    table.on_choose = lambda key: heard.append(("choose", key))
    table.on_action = lambda key: heard.append(("act", key))
    table.on_link = lambda key: heard.append(("link", key))
    for kind in ("choose", "act", "link", "else"):
        say(table, kind=kind, key="7")
    assert heard == [("choose", "7"), ("act", "7"), ("link", "7")]


def test_a_yield_states_sample_and_interval() -> None:
    """The nights of each programme stand below what is expected of it, with what it rests on."""
    jd = np.array([2458450.6, 2458450.7, 2458451.6, 2458451.7])
    verdict = np.array([1, 0, 1, -1], np.int8)
    [one] = found = nightly_yield(jd, np.array([1, 1, 1, 1]), verdict)
    sheet = yield_sheet(found)
    assert [row.cells[1][:10] for row in sheet.rows] == ["expected a", "2018-11-28", "2018-11-29"]
    assert sheet.rows[0].cells[2] == interval_text(one.per_night)
    assert one.basis in sheet.note


@pytest.mark.parametrize(
    ("found", "percent", "text"),
    [
        (Interval(0.5, 0.25, 0.75), True, "50% (25% to 75%)"),
        (Interval(1234.4, 1000.2, 2000.6), False, "1234 (1000 to 2001)"),
        (share(0, 0), True, "unknown"),
        (UNKNOWN, False, "unknown"),
    ],
)
def test_intervals_in_words(found: Interval, percent: bool, text: str) -> None:
    """A number is never told without its interval."""
    assert interval_text(found, percent=percent) == text


# -- Scores ------------------------------------------------------------------------------------


def scored() -> Score:
    verdict = np.array([1, 1, 0, 0, -1], np.int8)
    labels = {1: "good", 2: "bad", 3: "good", 4: "bad"}
    return score(np.arange(1, 6), verdict, labels)


def test_the_confusion_is_chosen_by_cell() -> None:
    """Each cell has its count, and only a cell that there is can be chosen."""
    view = ScoreView()
    heard: list[str] = []
    view.on_cell = heard.append
    view.show_score(scored())
    assert view._score["cells"] == dict.fromkeys(
        ("true_passed", "missed", "false_passed", "true_rejected"), 1
    )
    assert "1 of the sample have no label" in view._score["basis"]
    say(view, kind="cell", name="missed")
    say(view, kind="cell", name="__class__")
    assert heard == ["missed"]


def test_a_curve_has_what_is_known() -> None:
    """Without labels there is a pass rate alone; an unknown precision is a gap in its line."""
    view = ScoreView()
    heard: list[str] = []
    view.on_curve = heard.append
    view.offer(["rb_min", "band"])
    say(view, kind="curve", name="rb_min")
    say(view, kind="curve", name="other")
    assert heard == ["rb_min"]
    view.show_curve(Sweep("rb_min", (Point(0.1, 5, 5, 0), Point(0.2, 2, 8, 0))), 0.2, "")
    assert view._curve["lines"] == {"pass rate": [0.5, 0.2]}
    assert (view._curve["at"], view._curve["current"]) == ([0.1, 0.2], 1)
    none = score(np.arange(1, 3), np.zeros(2, np.int8), {1: "good", 2: "bad"})
    assert math.isnan(none.precision.value)
    points = (Point("g", 0, 2, 0, none), Point("r", 0, 2, 0, none))
    view.show_curve(Sweep("band", points), "r", "No suggestion: so")
    assert view._curve["at"] == [0, 1]
    assert view._curve["lines"]["precision"] == [None, None]
    assert view._curve["note"] == "No suggestion: so"


# -- Source and summary --------------------------------------------------------------------------


def plain(alert: Any, *, rb_min: float = 0.65) -> bool:
    return bool(alert["candidate"]["rb"] > rb_min)


def test_remarks_stand_at_their_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Line numbers are those of the cell, and no remark is lost."""
    made = Filter(plain)
    line = made.code.line
    monkeypatch.setitem(
        made.__dict__, "remarks", (Remark(line + 1, "may be None"), Remark(line + 99, "far"))
    )
    view = SourceView()
    view.show(made)
    assert [one["number"] for one in view._shown["lines"]] == [line, line + 1]
    assert view._shown["lines"][1]["remarks"] == ["may be None"]
    assert view._shown["note"] == f"2 remarks. line {line + 99}: far"


def test_the_summary_tells_of_arrivals_once(sent: Sent) -> None:
    """A beat says something when there is something new, and costs nothing else."""
    summary = Summary()
    sent(summary)
    summary.told = Told("f", total=3, passed=1, rejected=1, failed=1)
    fresh = [0]
    summary.fresh_of = lambda: fresh[0]
    assert not summary.beat()
    fresh[0] = 12
    assert summary.beat()
    assert not summary.beat()
    assert summary._fresh == 12
    heard: list[Any] = []
    summary.on_list, summary.on_auto = heard.append, heard.append
    summary.on_again = lambda: heard.append("again")
    say(summary, kind="list", name="gained")
    say(summary, kind="again")
    say(summary, kind="auto", on=True)
    assert heard == ["gained", "again", True]
