from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from made import made_alert, made_packet

from ztfnb.columns import decode_columns
from ztfnb.filters.filter import Filter
from ztfnb.filters.instrument import traced
from ztfnb.filters.report import Report
from ztfnb.source import Packet
from ztfnb.store import Store


def layered(
    alert: Any,
    *,
    rb_min: float = 0.5,
    mag_max: float = 19.0,
    age_max: float = 5.0,
    strict: bool = False,
) -> Any:
    candidate = alert["candidate"]
    if candidate["rb"] < rb_min:
        return False
    bright = mag_max >= candidate["magpsf"]
    if not bright and candidate["nbad"] == 0:
        return None
    if strict and candidate["elong"] > 1.2:
        return False
    return {"score": 1.0} if candidate["jd"] - candidate["jdstarthist"] <= age_max else False


class Counted(dict[str, Any]):
    """An alert that counts how often a filter begins to read one."""

    runs = 0

    def __getitem__(self, name: str) -> Any:
        if name == "candidate":
            Counted.runs += 1
        return super().__getitem__(name)


def one(candid: int, **candidate: Any) -> dict[str, Any]:
    return Counted(made_alert(candid, **candidate))


ALERT = st.fixed_dictionaries(
    {
        "rb": st.sampled_from([0.1, 0.5, 0.7, 0.9, None, float("nan"), np.float32(0.65)]),
        "magpsf": st.sampled_from([17.0, 19.0, 19.5, None]),
        "nbad": st.sampled_from([0, 1]),
        "elong": st.sampled_from([1.0, 1.5]),
        "jd": st.just(2461055.75),
        "jdstarthist": st.sampled_from([2461055.0, 2461050.75, 2461000.0, None]),
    }
)
PARAMS = st.fixed_dictionaries(
    {},
    optional={
        "rb_min": st.sampled_from([0.0, 0.1, 0.5, 0.65, 0.7, 1.0]),
        "mag_max": st.sampled_from([17.0, 18.0, 19.0, 20.0]),
        "age_max": st.sampled_from([0.5, 5.0, 60.0]),
        "strict": st.booleans(),
    },
)


def same(one: Report, other: Report) -> None:
    assert one.verdict.tolist() == other.verdict.tolist()
    assert {c: str(f) for c, f in one.errors.items()} == {
        c: str(f) for c, f in other.errors.items()
    }
    assert one.annotations == other.annotations
    assert one.funnel_rows == other.funnel_rows
    assert repr(one.near_misses(None)) == repr(other.near_misses(None))


@settings(max_examples=60)
@given(st.lists(ALERT, min_size=1, max_size=15), st.lists(PARAMS, min_size=1, max_size=4))
def test_thresholds_changed_one_after_the_other_give_what_a_new_run_gives(
    drawn: list[dict[str, Any]], changes: list[dict[str, Any]]
) -> None:
    """Verdicts, failures, annotations, funnel and near misses are those of a fresh evaluation."""
    alerts = [one(place + 1, **values) for place, values in enumerate(drawn)]
    made = Filter(layered)
    report = made.evaluate(alerts, progress=False)
    report.funnel_rows  # noqa: B018 - now it is known what each alert was compared with
    for params in changes:
        report = report.with_params(**params)
        same(report, made.with_params(**report.params).evaluate(alerts, progress=False))


def test_only_alerts_that_the_change_concerns_are_run_again() -> None:
    """Of 1,000 alerts, the ten whose rb lies between the old and the new threshold."""
    alerts = [one(n + 1, rb=n / 1000, magpsf=18.0, jdstarthist=2461055.0) for n in range(1_000)]
    report = Filter(layered).evaluate(alerts, progress=False)
    report.funnel_rows  # noqa: B018 - traced now
    before = Counted.runs
    changed = report.with_params(rb_min=0.51)
    assert len(report.passed) - len(changed.passed) == 10
    # Each is judged, and traced; those rejected now are traced with the condition turned round.
    assert 10 <= Counted.runs - before <= 40


def test_a_threshold_used_in_another_way_runs_all_again() -> None:
    """`strict` is no comparison of its own with a value: nothing is known of what it concerns."""
    assert "strict" in traced(Filter(layered)).opaque
    assert traced(Filter(layered)).opaque.isdisjoint({"rb_min", "mag_max", "age_max"})
    alerts = [one(n + 1, rb=0.9, magpsf=18.0, elong=1.5, jdstarthist=2461055.0) for n in range(5)]
    report = Filter(layered).evaluate(alerts, progress=False)
    report.funnel_rows  # noqa: B018 - traced now
    assert len(report.passed) == 5
    assert len(report.with_params(strict=True).rejected) == 5


def large(alert: Any, *, least: int = 2**53 + 1) -> bool:
    return bool(alert["candidate"]["pid"] > least)


def test_whole_numbers_beyond_those_of_floats() -> None:
    """They are compared as they are: also those that no float holds at all."""
    sample = [one(1, pid=2**53 + 1), one(2, pid=2**53), one(3, pid=10**400), one(4, pid=-(10**400))]
    report = Filter(large).evaluate(sample, progress=False)
    assert report.verdict.tolist() == [0, 0, 1, 0]
    assert [row.stopped for row in report.funnel_rows] == [3]
    for least in (2**53, 2**53 - 1, 5):
        fresh = Filter(large).evaluate(sample, progress=False, least=least)
        same(report.with_params(least=least), fresh)


def stamped(alert: Any, *, rb_min: float = 0.5) -> bool:
    return alert["candidate"]["rb"] > rb_min and len(alert["cutoutScience"]["stampData"]) > 0


def test_what_became_of_alerts_whose_packets_are_gone() -> None:
    """Their conditions count as far as they were judged; where more must be read, they fail."""
    packets = [made_packet(candid, rb=candid / 10) for candid in range(1, 10)]
    store = Store()
    store.append([Packet(value) for value in packets], decode_columns(packets))
    # A snapshot alone has no packets.
    report = Filter(stamped).evaluate(store.snapshot(), progress=False)
    assert report.counts == (0, 5, 4)
    rb, _stamp, *outside = report.funnel_rows
    assert (rb.entered, rb.stopped, rb.only_here) == (5, 5, 0)
    assert [(row.entered, row.stopped, row.not_judged) for row in outside] == [(4, 0, 4)]
    assert report.note.startswith("9 alerts could not be brought again")
    fresh = Filter(stamped).evaluate(store.snapshot(), progress=False, rb_min=0.25)
    assert fresh.counts == (0, 2, 7)
    same(report.with_params(rb_min=0.25), fresh)


def listing(alert: Any) -> Any:
    return {"rb": [alert["candidate"]["rb"]]} if alert["candidate"]["rb"] > 0.5 else {1: 2}


def test_refused_annotations_fail_again() -> None:
    """Run again the filter decides as it did; no condition would have made such an alert pass."""
    report = Filter(listing).evaluate([one(1, rb=0.7), one(2, rb=0.2)], progress=False)
    assert report.counts == (0, 0, 2)
    assert report.note == ""
    assert [row.only_here for row in report.funnel_rows] == [0]
