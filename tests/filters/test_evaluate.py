"""Evaluating a filter comes to what a plain loop over fastavro's dictionaries comes to."""

from __future__ import annotations

import io
import random
import shutil
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pytest
from cells import Notebook
from evaluated import NAMES, filters, plain_loop, same
from hypothesis import given
from hypothesis import strategies as st
from made import NIGHT_JD, made_alert, made_packet
from packets import ALERTS, needs_real_packets, real_files

import ztfnb
from ztfnb.errors import ConfigError, FilterError
from ztfnb.filters.filter import Filter
from ztfnb.source import Memory
from ztfnb.store import Store
from ztfnb.stream import Stream

pytestmark = [
    pytest.mark.filterwarnings("ignore::ztfnb.errors.FilterWarning"),
    pytest.mark.filterwarnings("ignore::ztfnb.errors.DecodeWarning"),
]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a filter of a notebook keeps its versions


@pytest.fixture(params=NAMES)
def made(request: pytest.FixtureRequest) -> Filter:
    """A filter of some manner."""
    return filters()[request.param]


def plain_dictionaries(values: list[bytes]) -> list[Any]:
    return [record for value in values for record in fastavro.reader(io.BytesIO(value))]


@needs_real_packets
def test_every_way_in_gives_the_verdicts_of_a_plain_loop(made: Filter, tmp_path: Path) -> None:
    """Dictionaries of fastavro, Alerts, a generator, files, a tar file, a stream: the same."""
    files = [
        *real_files("v4.0*/*.avro")[:30],
        *real_files("v3.3/*.avro")[:30],
        *real_files("night-20181128/*.avro")[:60],
        *real_files("v1.8/*.avro")[:10],
    ]
    values = [file.read_bytes() for file in files]
    expected = plain_loop(made, plain_dictionaries(values))
    assert len(set(expected)) > 1, "the filter decides alike on all, which shows little"

    alerts = [ztfnb.decode(value) for value in values]
    packed = tmp_path / "night.tar.gz"
    with tarfile.open(packed, "w:gz") as tar:
        for file in files:
            tar.add(file, file.name)
    stream = Stream(Memory(values))
    stream.wait(alerts=len({alert.candid for alert in alerts}))
    try:
        whole = made.evaluate(alerts)
        assert whole.verdict.tolist() == expected
        assert made.evaluate(plain_dictionaries(values)).verdict.tolist() == expected
        same(made.evaluate(iter(alerts)), whole)
        same(made.evaluate(files), whole)
        same(made.evaluate(packed), whole)
        held = made.evaluate(stream)
        first = {alert.candid: verdict for alert, verdict in zip(alerts, expected, strict=True)}
        assert held.verdict.tolist() == [first[candid] for candid in held.candid.tolist()]
        same(made.evaluate(whole.sample), whole)
        same(made.evaluate(whole), whole)
    finally:
        stream.stop()


@needs_real_packets
def test_a_folder_with_damaged_files_hides_nothing() -> None:
    """What `ztfnb.read` gives is received, what it refuses is told, each with its file."""
    refused: list[Exception] = []
    alerts = list(ztfnb.read(ALERTS, on_error=refused.append))
    made = filters()["seen_often"]
    report = made.evaluate(ALERTS)
    assert report.verdict.tolist() == plain_loop(made, alerts)
    assert report.candid.tolist() == [alert.candid for alert in alerts]
    assert len(report.not_read) == len(refused) > 0
    assert all(".avro" in str(error) for error in report.not_read)
    assert f"{len(refused)} beside could not be read" in repr(report)


@given(
    st.lists(
        st.tuples(
            st.integers(1, 20),
            st.floats(0, 1, width=32),
            st.sampled_from(
                [True, False, None, {}, {"a": 1}, {"a": []}, 3, "", KeyError, ValueError]
            ),
        ),
        max_size=30,
    )
)
def test_received_is_passed_and_rejected_and_failed(
    drawn: list[tuple[int, float, Any]],
) -> None:
    """Whatever a filter returns or raises, and however often a candid comes."""
    outcomes = iter([outcome for _candid, _rb, outcome in drawn])
    names = Notebook("elsewhere").run(
        """
        import ztfnb

        @ztfnb.filter
        def drawn(alert):
            outcome = alert["outcome"]
            if isinstance(outcome, type):
                raise outcome(alert["candid"])
            return outcome
        """
    )
    alerts = [
        {"candid": candid, "candidate": {"rb": rb, "candid": candid}, "outcome": next(outcomes)}
        for candid, rb, _outcome in drawn
    ]
    report = names["drawn"].evaluate(alerts)
    assert report.verdict.tolist() == plain_loop(names["drawn"], alerts)
    assert len(report) == len(drawn) == sum(report.counts)
    parts = [*report.passed, *report.rejected, *report.failed]
    assert sorted(parts) == sorted(candid for candid, *_ in drawn)
    assert len(report.failures) == len(report.failed)
    assert set(report.errors) == set(report.failed.tolist())
    assert report.times.n == len(drawn)


def nightly(objects: int, nights: int) -> Iterator[tuple[str, int, float, dict[str, Any]]]:
    """Name, candid, jd and epoch of alerts, in order of arrival."""
    for night in range(nights):
        for number in range(objects):
            jd = NIGHT_JD + night + number * 1e-3
            magnitude = 19.0 - (night * (number % 3 - 1)) * 0.5
            epoch = {"jd": jd, "fid": 1, "pid": 1, "programid": 1, "rbversion": ""}
            yield (
                f"ZTF26{number:07d}",
                1_000 * night + number + 1,
                jd,
                {**epoch, "magpsf": magnitude},
            )


RISING = '''
import ztfnb

@ztfnb.filter
def rising(alert, *, by=0.3):
    """Brighter than in its history, of which nothing may be known beforehand."""
    history = [one["magpsf"] for one in alert["prv_candidates"] or () if one["magpsf"] is not None]
    return bool(history) and min(history) - alert["candidate"]["magpsf"] > by

@ztfnb.filter
def new(alert):
    """Never seen before: no history at all."""
    return alert["prv_candidates"] is None
'''


@pytest.mark.parametrize("name", ["rising", "new"])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_back_test_equals_the_live_run(name: str, seed: int, tmp_path: Path) -> None:
    """Stored packets that were enriched with what came later decide as they did in the night."""
    made = Notebook().run(RISING)[name]
    every = list(nightly(objects=6, nights=5))
    live, stored = [], []
    for object_id, candid, jd, epoch in every:
        mine = [one for other, _candid, _jd, one in every if other == object_id]
        alert = made_alert(candid, jd=jd, magpsf=epoch["magpsf"]) | {"objectId": object_id}
        past = [one for one in mine if one["jd"] < jd]
        live.append(ztfnb.encode({**alert, "prv_candidates": past or None}))
        future = [one for one in mine if one["jd"] != jd]
        stored.append(ztfnb.encode({**alert, "prv_candidates": future}))
    stream = Stream(Memory(live))
    night = made.evaluate(stream.wait(alerts=len(live)))
    stream.stop()

    random.Random(seed).shuffle(stored)
    folder = tmp_path / "stored"
    folder.mkdir()
    for number, packet in enumerate(stored):
        (folder / f"{number}.avro").write_bytes(packet)
    for sample in (folder, [ztfnb.decode(packet) for packet in stored]):
        back = made.evaluate(sample, as_of=True)
        same(back, night)
        assert 0 < len(back.passed) < len(every)
        # And that is not for want of a future.
        assert made.evaluate(sample).counts != back.counts
        assert back.alert(int(back.candid[0]))["prv_candidates"] is None


def test_a_moment_leaves_out_what_came_after_it() -> None:
    """Later alerts do not count, and are told; histories end with the moment."""
    made = Notebook().run(RISING)["new"]
    history = [
        {"jd": NIGHT_JD + 1, "fid": 1, "pid": 1, "programid": 1, "magpsf": 18.0},
        {"jd": NIGHT_JD + 3, "fid": 1, "pid": 1, "programid": 1, "magpsf": 17.0},
    ]
    alerts = [
        {**made_alert(candid, jd=NIGHT_JD + day), "prv_candidates": history}
        for candid, day in ((1, 5.0), (2, 2.0), (3, 0.0))
    ]
    report = made.evaluate(alerts, as_of=NIGHT_JD + 2)
    assert report.candid.tolist() == [3, 2]
    assert report.sample.left_out == 1
    assert "1 left out" in repr(report)
    assert [len(one["prv_candidates"]) for one in report.alerts("rejected")] == [1, 1]
    early = made.evaluate(alerts, as_of="2026-01-15T06:00")
    assert early.passed.tolist() == [3]


def test_a_filter_with_a_memory_sees_alerts_one_after_the_other() -> None:
    """Also where some had to be fetched: the first of each object passes, and no other."""
    made = Notebook().run(
        """
        import ztfnb
        seen = set()

        @ztfnb.filter
        def first(alert):
            name = alert["objectId"]
            if name in seen:
                return False
            seen.add(name)
            return alert["prv_candidates"] is None
        """
    )["first"]
    packets = [
        ztfnb.encode(made_alert(candid, jd=NIGHT_JD - candid) | {"objectId": f"ZTF{candid % 3}"})
        for candid in range(1, 10)
    ]
    stream = Stream(Memory(packets))
    report = made.evaluate(stream.wait(alerts=9))
    stream.stop()
    assert report.passed.tolist() == [1, 2, 3]
    made.function.__globals__["seen"].clear()
    back = made.evaluate([ztfnb.decode(packet) for packet in packets], as_of=True)
    assert back.candid.tolist() == list(range(9, 0, -1))
    assert back.passed.tolist() == [9, 8, 7]


def test_packets_that_are_gone_fail_with_that_reason() -> None:
    """A filter that needs them cannot judge; one that does not is not concerned."""
    store = Store()
    from ztfnb.columns import decode_columns  # noqa: PLC0415 - a store is filled by streams
    from ztfnb.source import Packet  # noqa: PLC0415

    values = [made_packet(candid) for candid in (1, 2, 3)]
    store.append([Packet(value) for value in values], decode_columns(values))
    made = filters()
    report = made["seen_often"].evaluate(store.snapshot())
    assert report.counts == (0, 0, 3)
    assert {one.kind for one in report.failures} == {"not held"}
    assert "not in memory" in report.failures[0].message
    assert made["seen_often"].evaluate(store).counts == (0, 3, 0)  # the newest packets are kept
    assert made["real"].evaluate(store.snapshot()).counts == (3, 0, 0)


def test_a_file_that_vanished_fails_with_that_reason(tmp_path: Path) -> None:
    """What a report needs of a path is there; the alert is read again, where it can be."""
    for candid in (1, 2):
        (tmp_path / f"{candid}.avro").write_bytes(made_packet(candid))
    report = filters()["real"].evaluate(tmp_path)
    (tmp_path / "2.avro").unlink()
    assert report.alert(1)["candid"] == 1
    with pytest.raises(ConfigError, match=r"no file or folder .*2\.avro"):
        report.alert(2)
    deeper = filters()["seen_often"].evaluate(report.sample)
    assert deeper.errors[2].kind == "not held"
    assert deeper.counts == (0, 1, 1)


@pytest.mark.parametrize(
    ("alerts", "said"),
    [
        (3, "got int"),
        (None, "got NoneType"),
        (made_alert(), "put it in a list"),
        (b"Obj", "put it in a list"),
        ([1], "expected an Alert or the dictionary of one, got int"),
        ([made_alert(), {"candidate": {}}], r"alert number 1 .*without a candid"),
        ([Path(), made_alert()], "a path and a dict in one list"),
        ("nowhere.avro", "no file or folder nowhere.avro"),
        (["nowhere.avro"], "no file or folder nowhere.avro"),
    ],
)
def test_what_is_no_alerts_is_refused(alerts: Any, said: str) -> None:
    """The error says what was expected, and what came."""
    with pytest.raises(ConfigError, match=said):
        filters()["real"].evaluate(alerts)


def test_nothing_gives_an_empty_report() -> None:
    """An empty list is no error: nothing was received."""
    report = filters()["real"].evaluate([])
    assert report.counts == (0, 0, 0)
    assert len(report.candid) == len(report.table()) == 0
    assert "0 received" in repr(report)
    assert report.funnel_rows[0].entered == 0


def test_thresholds_are_set_for_one_run() -> None:
    """By name; others are refused with the names that there are."""
    made = filters()["real"]
    alerts = [made_alert(candid, rb=candid / 10) for candid in range(1, 10)]
    assert made.evaluate(alerts, rb_min=0.25).params == {"rb_min": 0.25}
    assert len(made.evaluate(alerts, rb_min=0.25).passed) == 7
    with pytest.raises(FilterError, match="it has rb_min"):
        made.evaluate(alerts, rb_max=1.0)


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    """It ends the evaluation at once, and no version is noted."""
    made = Notebook().run(
        """
        import ztfnb

        @ztfnb.filter
        def slow(alert):
            if alert["candid"] == 5:
                raise KeyboardInterrupt
            return True
        """
    )["slow"]
    with pytest.raises(KeyboardInterrupt):
        made.evaluate([made_alert(candid) for candid in range(1, 10)])
    assert list(tmp_path.iterdir()) == []


def leaving(alert: Any) -> bool:
    if alert["candid"] == 2:
        sys.exit("enough")
    return bool(alert["candidate"]["rb"] > 0.5)


def test_a_filter_that_exits_fails_on_that_alert_only() -> None:
    """`sys.exit()` ends neither the evaluation nor its funnel, and is told as what failed."""
    report = Filter(leaving).evaluate([made_alert(candid) for candid in (1, 2, 3)])
    assert report.passed.tolist() == [1, 3]
    assert str(report.errors[2]).endswith("SystemExit: enough")
    assert report.funnel_rows[-1].entered == 2
    assert report.note == ""


def test_an_exception_can_be_let_through() -> None:
    """For a debugger, the author's own exception, from the author's line."""
    made = filters()["deep"]
    with pytest.raises(KeyError) as caught:
        made.evaluate([made_alert()], on_error="raise")
    assert caught.traceback[-1].name == "deep"
    with pytest.raises(ConfigError, match="'keep' or 'raise'"):
        made.evaluate([made_alert()], on_error="ignore")


def test_every_evaluation_is_noted(tmp_path: Path) -> None:
    """With sample and counts, beside the notebook or where it was asked for."""
    made = filters()["real"]
    made.evaluate([made_alert()])
    made.evaluate([made_alert(), made_alert(2, rb=0.1)], rb_min=0.5)
    assert [dict(one.counts)["passed"] for one in made.versions] == [1, 1]
    assert made.versions[-1].params == {"rb_min": 0.5}
    assert made.versions[-1].sample == "2 alerts"
    made.evaluate([made_alert()], versions=tmp_path / "other.jsonl")
    assert len(made.versions) == 2
    assert (tmp_path / "other.jsonl").exists()


@needs_real_packets
def test_a_stream_may_let_go_of_alerts_afterwards(tmp_path: Path) -> None:
    """The sample is what was held at that moment; its alerts are fetched from the source."""
    folder = tmp_path / "night"
    shutil.copytree(ALERTS / "night-20181128", folder)
    stream = ztfnb.connect(str(folder))
    stream.wait("caught up")
    report = filters()["seen_often"].evaluate(stream)
    assert len(report) == len(stream)
    loop = plain_loop(report.filter, map(stream.__getitem__, report.candid.tolist()))
    np.testing.assert_array_equal(report.verdict, loop)
    stream.stop()


def emptied(alert: Any) -> Any:
    candid = alert.pop("candid")
    alert.clear()
    return {candid: "no text"} if candid == 2 else alert["candidate"]


def test_an_alert_that_its_filter_emptied_fails_under_its_candid() -> None:
    """A dictionary is the person's own: what a filter takes out of it is gone, the rest goes on."""
    report = Filter(emptied).evaluate([made_alert(1), made_alert(2), made_alert(3)], progress=False)
    assert report.failed.tolist() == [1, 2, 3]
    assert {candid: one.kind for candid, one in report.errors.items()} == {
        1: "missing value",
        2: "refused value",
        3: "missing value",
    }
