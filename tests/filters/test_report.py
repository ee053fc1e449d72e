"""The report: what it tells, and that it tells the same after a threshold was moved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cells import Notebook
from evaluated import filters, plain_loop, same
from hypothesis import given, settings
from hypothesis import strategies as st
from made import NIGHT_JD, made_alert
from packets import ALERTS, needs_real_packets

import ztfnb
from ztfnb.errors import FilterError, NotHeldError, SelectionError
from ztfnb.filters.report import Report
from ztfnb.source import Memory
from ztfnb.stream import Stream

pytestmark = [
    pytest.mark.filterwarnings("ignore::ztfnb.errors.FilterWarning"),
    pytest.mark.filterwarnings("ignore::ztfnb.errors.DecodeWarning"),
]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a filter of a notebook keeps its versions


@pytest.fixture
def report() -> Report:
    """Of a filter that annotates, on ten alerts of which two fail."""
    made = Notebook().run(
        """
        import ztfnb

        @ztfnb.filter
        def scored(alert, *, rb_min=0.35):
            c = alert["candidate"]
            if c["fid"] == 3:
                return c["absent"]
            if c["rb"] < rb_min:
                return False
            return {"score": c["rb"] * 2, "jd": "<b>mine</b>", "late": c["rb"] > 0.7}
        """
    )["scored"]
    alerts = [
        made_alert(candid, rb=candid / 10, fid=3 if candid in (2, 5) else 1)
        for candid in range(1, 11)
    ]
    found: Report = made.evaluate(alerts)
    return found


def test_verdicts_by_candid(report: Report) -> None:
    """Arrays of candid in the order of the sample; together all that were received."""
    assert report.passed.tolist() == [4, 6, 7, 8, 9, 10]
    assert report.rejected.tolist() == [1, 3]
    assert report.failed.tolist() == [2, 5]
    assert report.candid.dtype == np.int64
    assert report.counts == (6, 2, 2)
    assert len(report) == 10
    with pytest.raises(ValueError, match="read-only"):
        report.verdict[0] = 1


def test_errors_know_their_alert(report: Report) -> None:
    """Line, kind and message by candid; the alert when it is asked for."""
    assert set(report.errors) == {2, 5}
    failure = report.errors[5]
    assert (failure.candid, failure.line, failure.kind) == (5, 7, "missing value")
    assert failure.text == 'return c["absent"]'
    assert failure.alert["candid"] == 5


def test_annotations_are_columns(report: Report) -> None:
    """By candid, and as masked columns over the whole sample."""
    assert report.annotations[10] == {"score": 2.0, "jd": "<b>mine</b>", "late": True}
    assert set(report.annotations) == set(report.passed.tolist())
    columns = report.annotation_columns
    assert list(columns) == ["score", "jd", "late"]
    assert columns["score"].dtype == np.float64
    assert columns["late"].dtype == np.bool_
    assert columns["score"].mask.tolist() == (report.verdict != 1).tolist()
    assert columns["score"].compressed().tolist() == [candid / 5 for candid in report.passed]


def test_the_table_has_a_row_for_every_alert(report: Report) -> None:
    """Its own columns keep their names, whatever annotations are called."""
    table = report.table()
    assert table.colnames == [
        "candid",
        "objectId",
        "jd",
        "verdict",
        "score",
        "jd (annotation)",
        "late",
    ]
    assert table["verdict"].tolist()[:4] == ["rejected", "failed", "rejected", "passed"]
    assert table["jd"][0] == pytest.approx(NIGHT_JD + 1e-5)
    assert table["score"].mask.tolist() == (report.verdict != 1).tolist()


def test_alerts_come_by_verdict_or_candid(report: Report) -> None:
    """In the order of the sample."""
    assert [alert["candid"] for alert in report.alerts("failed")] == [2, 5]
    assert [alert["candid"] for alert in report.alerts([9, 3])] == [9, 3]
    assert report.alert(7)["candidate"]["rb"] == 0.7
    with pytest.raises(NotHeldError, match="candid 99 is not among"):
        report.alert(99)
    with pytest.raises(FilterError, match="passed, rejected, failed"):
        list(report.alerts("good"))


def test_columns_of_the_sample(report: Report) -> None:
    """A field of the candidate or of the top level, or an annotation."""
    assert report.column("rb").tolist() == [candid / 10 for candid in range(1, 11)]
    assert report.column("objectId")[0] == "ZTF260000001"
    late = np.ma.compressed(report.column("late"))
    assert late.tolist() == [False, False, False, True, True, True]
    with pytest.raises(SelectionError):
        report.column("nonsense")


def test_the_views_hide_nothing_and_escape(report: Report) -> None:
    """Counts, times and failures by line and message; names of others are no markup."""
    text = repr(report)
    assert "10 received = 6 passed + 2 rejected + 2 failed" in text
    assert "2 x line 7: KeyError: 'absent'  [return c[\"absent\"]]" in text
    assert "an alert (95% within" in text
    report.sample.name = "<script>night</script>"
    html = report._repr_html_()
    assert "10 received = 6 passed + 2 rejected + 2 failed" in html
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_why_an_alert_did_not_pass(report: Report) -> None:
    """In one line: the condition with its values, or the failure with its line."""
    assert report.reason(4) == ""
    assert report.reason(2) == "line 7: KeyError: 'absent'"
    assert "0.3" in report.reason(3)
    assert "rb_min" in report.reason(3)
    explained = report.explain(3)
    assert explained.candid == 3
    assert [step.held for step in explained.steps] == [False, True]
    assert report.explain(10).annotations == report.annotations[10]


def test_the_funnel_accounts_for_what_was_rejected(report: Report) -> None:
    """Entered, stopped, and stopped by this alone."""
    rows = {row.condition.text: row for row in report.funnel_rows}
    assert rows['c["rb"] < rb_min'].entered == 8
    assert rows['c["rb"] < rb_min'].stopped == 2
    assert len(report.funnel) == len(report.funnel_rows)
    place = rows['c["rb"] < rb_min'].condition.place
    assert report.stopped_by(place).tolist() == [1, 3]
    assert [miss.candid for miss in report.near_misses()] == [3, 1]
    assert report.note == ""


def test_reports_are_compared_and_scored(report: Report) -> None:
    """What a moved threshold gains and loses; how verdicts agree with labels; the yield."""
    other = report.with_params(rb_min=0.65)
    difference = other.diff(report)
    assert difference.lost.tolist() == [4, 6]
    assert len(difference.gained) == 0
    score = report.score({4: True, 6: False, 1: True})
    assert score.precision.value == 0.5
    sweep = report.sweep("rb_min", [0.0, 0.35, 0.95], labels={4: True, 10: False})
    assert [point.passed for point in sweep.points] == [8, 6, 1]
    [expected] = report.yield_per_night()
    assert expected.programid == 1


@settings(max_examples=15)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=4), st.booleans())
def test_moved_thresholds_come_to_what_a_new_run_finds(values: list[float], first: bool) -> None:
    """Whether the conditions are known, so that few alerts are judged again, or not."""
    made = filters()["seen_often"]
    history = [{"jd": NIGHT_JD - 1, "fid": 1, "pid": 1, "programid": 1, "magpsf": 18.0}] * 3
    alerts = [
        {**made_alert(candid, rb=candid / 20), "prv_candidates": history[: candid % 5]}
        for candid in range(1, 20)
    ]
    report = made.evaluate(alerts)
    if first:
        assert report.funnel_rows
    for value in values:
        report = report.with_params(rb_min=value)
        fresh = made.evaluate(alerts, rb_min=value)
        same(report, fresh)
        assert report.verdict.tolist() == plain_loop(made.with_params(rb_min=value), alerts)
        assert report.funnel_rows == fresh.funnel_rows
        assert report.params == {"rb_min": value, "n_min": 2}


def test_a_helper_that_was_defined_anew_is_not_mixed_with_the_old(report: Report) -> None:
    """Then all alerts are judged again, also those that a threshold does not concern."""
    del report
    cell = Notebook()
    cell.run(
        """
        import ztfnb

        def good(c):
            return c["rb"] > 0.5

        @ztfnb.filter
        def young(alert, *, days=5.0):
            c = alert["candidate"]
            return good(c) and c["ndethist"] < days
        """
    )
    alerts = [made_alert(candid, rb=candid / 10) for candid in range(1, 10)]
    before = cell["young"].evaluate(alerts)
    assert before.funnel_rows
    cell.run("def good(c):\n    return c['rb'] > 0.8\n")
    after = before.with_params(days=6.0)
    assert after.passed.tolist() == [9]
    assert after.hash != before.hash


@needs_real_packets
def test_a_moved_threshold_on_a_stream_and_a_path() -> None:
    """The sample stays what it was; few alerts are judged again, and rightly."""
    made = filters()["seen_often"]
    folder = ALERTS / "night-20181128"
    stream = Stream(Memory(path.read_bytes() for path in sorted(folder.glob("*.avro"))))
    stream.wait("caught up")
    for alerts in (stream, folder, ALERTS / "v3.3"):
        report = made.evaluate(alerts)
        assert report.funnel_rows[0].entered == len(report)
        for value in (0.3, 0.7):
            moved = report.with_params(rb_min=value)
            assert moved.sample is report.sample
            same(moved, made.evaluate(report.sample, rb_min=value))
            assert moved.funnel_rows == made.evaluate(report.sample, rb_min=value).funnel_rows
    stream.stop()


def test_a_report_of_one_alert_twice_counts_both() -> None:
    """A candid that occurs twice is two alerts; looked up, it is the first."""
    made = filters()["real"]
    alerts: list[Any] = [made_alert(1, rb=0.9), made_alert(1, rb=0.1), made_alert(2, rb=0.9)]
    report = made.evaluate(alerts)
    assert report.counts == (2, 1, 0)
    assert report.candid.tolist() == [1, 1, 2]
    assert report.alert(1)["candidate"]["rb"] == 0.9


def test_a_path_keeps_both_of_a_candid(tmp_path: Path) -> None:
    """As a list does, and each is read from its own file."""
    for name, rb in (("a", 0.9), ("b", 0.1)):
        (tmp_path / f"{name}.avro").write_bytes(ztfnb.encode(made_alert(1, rb=rb)))
    report = filters()["real"].evaluate(tmp_path)
    assert report.verdict.tolist() == [1, 0]
    assert [alert["candidate"]["rb"] for alert in report.alerts("rejected")] == [pytest.approx(0.1)]
    assert report.with_params(rb_min=0.05).counts == (2, 0, 0)
