"""The filter lab without a page: what it shows is what its report says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest

import ztfnb
from ztfnb.alert import Alert
from ztfnb.errors import ConfigError, ZtfnbError
from ztfnb.filters import Filter
from ztfnb.filters.report import Report
from ztfnb.simulate import Survey
from ztfnb.widgets.lab import Lab
from ztfnb.widgets.labbing import lab
from ztfnb.widgets.labsheets import versions_sheet
from ztfnb.widgets.labwork import briefly


@pytest.fixture(scope="module")
def night() -> list[Alert]:
    """Alerts of a simulated night."""
    return [ztfnb.decode(one.packet) for one in Survey(seed=3).night("2026-01-15", limit=80)]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pins and versions are written where the notebook is."""
    monkeypatch.chdir(tmp_path)


def real(
    alert: Any, *, rb_min: Annotated[float, (0, 1)] = 0.5, mag_max: float = 19.0, odd: bool = False
) -> Any:
    candidate = alert["candidate"]
    if odd and candidate["candid"] % 3 == 0:
        raise ValueError("<img src=x onerror=alert(1)>")
    if candidate["rb"] < rb_min:
        return False
    return candidate["magpsf"] < mag_max


def other(alert: Any, *, rb_min: float = 0.1) -> Any:
    return bool(alert["candidate"]["rb"] >= rb_min)


def until(condition: Callable[[], bool]) -> None:
    """Wait for threads, which tell nobody when they are done."""
    end = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


@pytest.fixture
def made(night: list[Alert]) -> Iterator[Lab]:
    """A lab that has evaluated its filter."""
    # Of this module, which keeps its pins where the test is.
    found = lab(Filter(real), night)
    found.wait()
    until(lambda: found.selected is not None)
    yield found
    found.close()


def settled(made: Lab) -> Report:
    """Wait until the page has been told all."""
    until(lambda: not made.busy)
    return made.wait()


def say(part: Any, **message: Any) -> None:
    part._on_message(part, message, [])


def shown(made: Lab) -> tuple[int, int, int]:
    told = made.summary.told
    return told.passed, told.rejected, told.failed


def test_what_is_shown_is_what_the_report_says(made: Lab, night: list[Alert]) -> None:
    """Counts, funnel, galleries and near misses are those of `Lab.report`, and none is lost."""
    report = settled(made)
    assert shown(made) == report.counts
    assert sum(report.counts) == len(night) == made.summary.told.total
    assert [(row["entered"], row["stopped"]) for row in made.tabs.funnel._funnel["rows"]] == [
        (row.entered, row.stopped) for row in report.funnel_rows
    ]
    sizes = {name: count for name, _title, count in made.verdicts.shelf._tabs}
    assert (sizes["passed"], sizes["rejected"], sizes["failed"]) == report.counts
    assert sizes["near"] == len(report.near_misses(None))
    made.show("near")
    wanted = [one.candid for one in report.near_misses(None)]
    assert list(made.verdicts.candids) == wanted[: len(made.verdicts.candids)]
    assert made.tabs.funnel.selected == "near"


def test_a_slider_changes_the_verdicts(made: Lab) -> None:
    """What the page sets is evaluated, and told beside what was before."""
    before = settled(made)
    say(made.sliders, kind="set", name="rb_min", value=0.05, settled=True, by="x", serial=1)
    report = settled(made)
    assert report.params["rb_min"] == 0.05
    assert shown(made) == report.counts != before.counts
    difference = report.diff(before)
    assert made.summary.told.gained == len(difference.gained) > 0
    say(made.summary, kind="list", name="gained")
    assert set(made.verdicts.candids) <= set(difference.gained.tolist())
    assert made.filter.params == report.params
    assert made.filter.name == "real"


def test_changes_are_told_from_where_the_hand_let_go(made: Lab) -> None:
    """While a slider is dragged, gained and lost are beside the thresholds before the drag."""
    before = settled(made)
    for value, let_go in ((0.3, False), (0.2, False), (0.05, False), (0.05, True)):
        say(made.sliders, kind="set", name="rb_min", value=value, settled=let_go)
        report = settled(made)
        assert made.summary.told.gained == len(report.diff(before).gained)
    say(made.sliders, kind="set", name="rb_min", value=0.5, settled=True)
    now = settled(made)
    assert made.summary.told.lost == len(now.diff(report).lost) > 0


def test_the_latest_settings_win(made: Lab) -> None:
    """However quickly thresholds are set, what is shown in the end is of the last."""
    for value in (0.1, 0.9, 0.2, 0.8, 0.35):
        made.set(rb_min=value)
    report = settled(made)
    assert report.params["rb_min"] == 0.35
    assert shown(made) == report.counts
    assert report.counts == made.filter.evaluate(report.sample, progress=False).counts


def test_code_waits_for_no_page(made: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell that blocks what serves the page's messages has the report of its thresholds."""
    handed: list[Callable[[], None]] = []
    call = made.pump.call

    def keep(function: Callable[[], None]) -> None:
        """Hold back what the evaluation hands over; the gallery may still hand over cards."""
        of_lab = getattr(function, "func", None) == made._work._hand
        (handed.append if of_lab else call)(function)

    monkeypatch.setattr(made.pump, "call", keep)
    made.set(rb_min=0.123)
    assert made.wait().params["rb_min"] == 0.123
    until(lambda: bool(handed))
    monkeypatch.undo()
    for hand_over in handed:
        with made.pump.lock:
            hand_over()
    assert shown(made) == settled(made).counts


def test_failures_are_told_apart(made: Lab) -> None:
    """An exception is no rejection; its reason stands on the card and in the explanation."""
    made.set(odd=True)
    report = settled(made)
    assert shown(made)[2] == len(report.failed) > 0
    made.show("failed")
    candid = made.verdicts.candids[0]
    say(made.verdicts.gallery, kind="select", candid=str(candid))
    until(lambda: made.alert.explanation._shown.get("candid") == str(candid))
    assert made.alert.explanation._shown["verdict"] == "failed"
    assert "<img src=x" in made.alert.explanation._shown["reason"]


def test_a_row_of_the_funnel_shows_what_it_stopped(made: Lab) -> None:
    """A click on a bar lists exactly the alerts that the condition stopped."""
    report = settled(made)
    row = max(report.funnel_rows, key=lambda one: one.stopped)
    place = row.condition.place
    say(made.tabs.funnel, kind="select", name=f"stopped:{place}")
    assert made.verdicts.chosen == f"stopped:{place}"
    assert list(made.verdicts.candids) == report.stopped_by(place)[:24].tolist()
    made.set(rb_min=0.9)
    report = settled(made)
    assert list(made.verdicts.candids) == report.stopped_by(place)[:24].tolist()


def test_an_alert_is_explained(made: Lab) -> None:
    """The alert in view is what code has selected, explained as the report does, and shown."""
    report = settled(made)
    candid = int(report.rejected[-1])
    made.select(candid)
    until(lambda: made.selected is not None and made.selected["candid"] == candid)
    until(lambda: made.alert.explanation.explanation == report.explain(candid))
    until(lambda: made.alert.stamps.alert is not None)
    assert made.alert.stamps.alert is not None
    assert made.alert.stamps.alert.candid == candid
    made.set(rb_min=0.0, mag_max=99.0)
    settled(made)
    until(lambda: made.alert.explanation._shown["verdict"] == "passed")
    made.select(None)
    until(lambda: made.selected is None)


def test_a_redefined_filter_is_evaluated_on_the_same_alerts(made: Lab, night: list[Alert]) -> None:
    """Thresholds of the same name keep what they were set to; what was there is compared."""
    made.set(rb_min=0.8)
    before = settled(made)
    made.filter = Filter(other)
    report = settled(made)
    assert (report.filter.name, report.params) == ("other", {"rb_min": 0.8})
    assert len(report) == len(night)
    assert made.summary.told.name == "other"
    assert made.summary.told.gained == len(report.diff(before).gained)
    assert [one["name"] for one in made.sliders._controls] == ["rb_min"]
    with pytest.raises(ConfigError, match=r"expected a ztfnb\.Filter"):
        made.filter = real  # type: ignore[assignment] # the claim


def test_pins_are_green_or_red(made: Lab) -> None:
    """A pinned alert is kept with the filter, tried on every change, and let go of."""
    report = settled(made)
    made.tabs.tabs.chosen = "pins"
    candid = int(report.passed[0])
    made.select(candid)
    until(lambda: made.alert.explanation._shown.get("candid") == str(candid))
    say(made.alert.explanation, kind="pin", passes=True)
    until(lambda: len(made.tabs.pins.sheet.rows) == 1)
    assert made.tabs.pins.sheet.rows[0].mark == "good"
    until(lambda: bool(made.alert.explanation._shown["pinned"]))
    assert [pin.passes for pin in made.filter.pins.values()] == [True]
    made.set(rb_min=1.0)
    settled(made)
    until(lambda: [row.mark for row in made.tabs.pins.sheet.rows] == ["bad"])
    say(made.tabs.pins, kind="act", key=str(candid))
    until(lambda: not made.tabs.pins.sheet.rows)
    until(lambda: made.alert.explanation._shown["pinned"] is None)
    assert not made.filter.pins


def test_versions_are_kept_and_compared(made: Lab) -> None:
    """A version that is kept can be chosen: what differs in its text, and which alerts."""
    first = settled(made)
    made.tabs.tabs.chosen = "versions"
    say(made.tabs.versions, kind="link", key="keep")
    until(lambda: len(made.tabs.versions.sheet.rows) == 1)
    made.set(rb_min=0.05)
    report = settled(made)
    until(lambda: made.tabs.versions.sheet.rows[0].mark == "")
    say(made.tabs.versions, kind="choose", key="0")
    until(lambda: bool(made.tabs.versions.sheet.text))
    sheet = made.tabs.versions.sheet
    assert "-rb_min = 0.5" in sheet.text.split("\n")
    assert "+rb_min = 0.05" in sheet.text.split("\n")
    gained = report.diff(first).gained
    assert f"{len(gained)} gained, 0 lost" in sheet.after
    say(made.tabs.versions, kind="link", key="gained")
    assert set(made.verdicts.candids) <= set(gained.tolist())
    assert made.verdicts.chosen == "further"


def test_a_version_is_kept_whatever_is_looked_at_next(
    made: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is to be kept waits for nothing that is shown, and gives way to nothing."""
    settled(made)
    begun, go_on = threading.Event(), threading.Event()

    def slow(*given: Any) -> Any:
        begun.set()
        assert go_on.wait(60)
        return versions_sheet(*given)

    monkeypatch.setattr("ztfnb.widgets.labtabs.versions_sheet", slow)
    made.tabs.tabs.chosen = "versions"
    assert begun.wait(60)
    say(made.tabs.versions, kind="link", key="keep")
    say(made.tabs.tabs, kind="choose", name="yield")
    go_on.set()
    until(lambda: len(made.filter.versions) == 1)


def test_the_yield_is_worked_out_when_it_is_looked_at(made: Lab) -> None:
    """A tab that nobody sees costs nothing; the one in front follows the thresholds."""
    assert not made.tabs.yields.sheet.rows
    say(made.tabs.tabs, kind="choose", name="yield")
    until(lambda: bool(made.tabs.yields.sheet.rows))
    [one] = settled(made).yield_per_night()
    assert made.tabs.yields.sheet.rows[0].cells[4] == f"{one.alerts:,}"


def test_scores_lead_to_what_is_wrong(night: list[Alert]) -> None:
    """Beside labels there are precision and recall, and the wrong ones a click away."""
    bright = {one.candid for one in night if one.core["rb"] > 0.6 and one.mag < 19}
    labels = {one.candid: "good" if one.candid in bright else "bad" for one in night}
    made = lab(Filter(real).with_params(rb_min=0.9), night, labels=labels)
    report = settled(made)
    made.tabs.tabs.chosen = "scores"
    until(lambda: bool(made.tabs.scores._curve["names"]))
    score = report.score(labels)
    assert made.tabs.scores._score["cells"]["missed"] == len(score.missed) > 0
    say(made.tabs.scores, kind="cell", name="missed")
    assert set(made.verdicts.candids) <= set(score.missed.tolist())
    say(made.tabs.scores, kind="curve", name="rb_min")
    until(lambda: made.tabs.scores.sweep is not None)
    assert made.tabs.scores._curve["lines"].keys() == {"pass rate", "precision", "recall"}
    assert made.tabs.scores._curve["suggested"].startswith("Suggested: rb_min=")
    made.close()


def test_without_labels_there_is_a_pass_rate(made: Lab) -> None:
    """What is missing is said, and the curve drawn without it."""
    made.tabs.tabs.chosen = "scores"
    until(lambda: bool(made.tabs.scores._curve["names"]))
    assert "Label alerts" in made.tabs.scores._score["note"]
    say(made.tabs.scores, kind="curve", name="rb_min")
    until(lambda: made.tabs.scores.sweep is not None)
    assert made.tabs.scores._curve["lines"].keys() == {"pass rate"}


def test_settings_are_chosen_again(made: Lab, night: list[Alert]) -> None:
    """What was chosen in one lab can be chosen in another; what cannot be is refused."""
    made.set(rb_min=0.25)
    made.show("rejected")
    made.tabs.tabs.chosen = "yield"
    made.tabs.funnel.settings = {"scale": "log"}
    settings = made.settings
    second = lab(Filter(real), night)
    settled(second)
    second.settings = settings
    report = settled(second)
    assert report.params["rb_min"] == 0.25
    assert second.settings == settings
    with pytest.raises(ConfigError, match="expected params, list"):
        second.settings = {"colour": 1}
    second.close()


def test_what_cannot_be_evaluated_is_said(tmp_path: Path) -> None:
    """A path that holds nothing gives a sentence in the lab, and an error to code that waits."""
    made = lab(Filter(real), tmp_path / "none.avro")
    with pytest.raises(ZtfnbError, match=r"none\.avro"):
        settled(made)
    assert "cannot be evaluated" in made.summary.told.trouble
    assert made.report is None
    made.close()


def test_a_lab_needs_a_filter(night: list[Alert]) -> None:
    """A plain function is told how it becomes a filter."""
    with pytest.raises(ConfigError, match=r"@ztfnb\.filter"):
        ztfnb.lab(real, night)  # type: ignore[arg-type]


def test_dictionaries_have_a_lab_of_their_own(night: list[Alert]) -> None:
    """Whole dictionaries have pictures; others are explained without."""
    some = [dict(one) for one in night[:5]]
    bare: Any = {"candidate": {"candid": 7, "rb": 0.1, "magpsf": 18.0}, "candid": 7}
    made = lab(Filter(real), [*some, bare])
    settled(made)
    made.select(7)
    until(lambda: made.alert.explanation._shown.get("candid") == "7")
    until(lambda: made.selected == bare)
    assert made.alert.stamps.alert is None
    made.close()


def test_a_closed_lab_lets_go(made: Lab) -> None:
    """Alerts and reports are not kept by a widget that is gone."""
    made.close()
    assert made.report is None
    assert not made.alerts
    made.close()


@pytest.mark.parametrize(
    ("reason", "brief"),
    [
        ('candidate["rb"] < rb_min is true (0.4, by 0.2)', "rb < rb_min is true (0.4, by 0.2)"),
        ("alert['candidate'].get('drb') > 1", "drb > 1"),
        ('candidate.get("drb", None) > 1', "drb > 1"),
        ("c.rb < 1", "c.rb < 1"),
        ('x["a b"] < 1', 'x["a b"] < 1'),
    ],
)  # fmt: skip
def test_reasons_on_cards_are_brief(reason: str, brief: str) -> None:
    """A card has little room: the name of a field is enough."""
    assert briefly(reason) == brief
