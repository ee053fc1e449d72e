"""Filters that follow a stream: exact accounting, whatever a filter does, and nothing left over."""

from __future__ import annotations

import gc
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import made_alert, made_packet
from packets import needs_real_packets, real_files
from unmeasured import unmeasured

import ztfnb
from ztfnb.columns import decode_columns
from ztfnb.errors import ConfigError, FilterError, StreamClosedError
from ztfnb.filters import following
from ztfnb.filters.applied import Applied
from ztfnb.filters.calls import MOST, Calls
from ztfnb.filters.decision import Verdict
from ztfnb.filters.evaluate import sample_of
from ztfnb.filters.following import Following
from ztfnb.filters.held import ColumnSample
from ztfnb.filters.newest import Newest
from ztfnb.filters.tally import Counts, Tally
from ztfnb.filters.watched import Chunk
from ztfnb.source import Memory, Packet
from ztfnb.store import Store
from ztfnb.stream import Stream

PACKETS = [made_packet(candid, magpsf=15 + candid / 100) for candid in range(1, 1001)]
GATE = threading.Event()
SEEN: list[int] = []


@ztfnb.filter
def bright(alert: Any, *, faintest: float = 18.0) -> Any:
    """A made alert is brighter than this up to candid 300."""
    mag = alert["candidate"]["magpsf"]
    if mag > faintest:
        return False
    return {"mag": mag, "name": alert["objectId"]}


@ztfnb.filter
def gated(alert: Any) -> bool:
    GATE.wait()
    return bool(alert["candidate"]["magpsf"] < 18)


@ztfnb.filter
def alone(alert: Any) -> bool:
    """True for alerts without a history, of which only the packet knows."""
    return alert["prv_candidates"] is None


@ztfnb.filter
def faulty(alert: Any) -> bool:
    candid = alert["candid"]
    if candid % 10 == 1:
        sys.exit("no")
    if candid % 10 == 2:
        raise GeneratorExit
    if candid % 10 == 3:
        return bool(alert["candidate"]["nothing"])
    if candid % 10 == 4:
        return bool(alert["candidate"]["drb"] > 0.5)
    return True


@ztfnb.filter
def stuck(alert: Any) -> bool:
    while alert["candid"] in (7, 500):
        pass
    return True


@ztfnb.filter
def stubborn(alert: Any) -> bool:
    for _ in range(3 if alert["candid"] == 500 else 0):
        try:
            while True:
                pass
        except:  # noqa: E722, S110 - what an author may write
            pass
    return True


@ztfnb.filter
def counting(alert: Any) -> bool:
    SEEN.append(alert["candid"])
    return len(SEEN) % 2 == 0


def streamed(packets: Sequence[bytes] = PACKETS, **options: Any) -> Stream:
    return Stream(Memory(packets, topic="t"), **options)


@contextmanager
def streaming(packets: Sequence[bytes] = PACKETS, **options: Any) -> Iterator[Stream]:
    live = streamed(packets, **options)
    try:
        yield live
    finally:
        GATE.set()
        live.stop()


def eventually(condition: Callable[[], bool], timeout: float = 60.0) -> None:
    """Wait until something holds; the time-out is only there to end a test that hangs."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.01)


def ours() -> list[str]:
    return sorted(
        thread.name
        for thread in threading.enumerate()
        if thread.name.startswith(("ztfnb apply", "ztfnb filter", "ztfnb told"))
    )


@pytest.fixture(autouse=True)
def closed_gate() -> Iterator[None]:
    GATE.clear()
    SEEN.clear()
    with unmeasured():
        yield
        GATE.set()
        eventually(lambda: not ours())


def total(counts: Counts) -> int:
    return counts.passed + counts.rejected + counts.failed + counts.waiting + counts.missed


# -- What is judged ---------------------------------------------------------------------------


def test_held_and_new_alerts_are_judged() -> None:
    """What is held when a filter is applied is judged, and so is all that arrives then."""
    with streaming() as live:
        live.wait(alerts=1000)
        applied = live.apply(bright).wait()
        assert applied.counts == Counts(1000, 300, 700, 0, 0, 0, 1000, 0)
        more = [made_packet(candid, magpsf=10.0) for candid in range(2001, 2011)]
        live.store.append([Packet(value) for value in more], decode_columns(more))
        assert applied.wait().counts == Counts(1010, 310, 700, 0, 0, 0, 1000, 0)
        assert set(applied.passed) == {*range(1, 301), *range(2001, 2011)}
        assert applied.passed[300] == {"mag": pytest.approx(18.0), "name": "ZTF260000300"}
        assert applied.latest(count=3) == [2010, 2009, 2008]
        assert applied["bright"].latest(Verdict.REJECTED, 2) == [1000, 999]
        assert applied["bright"].annotations == ("mag", "name")
        found = applied["bright"].verdicts([2001, 1, 301, 9999])
        assert found == [Verdict.PASSED, Verdict.PASSED, Verdict.REJECTED, None]
        assert applied["bright"].pace.times.n == 1010
        assert repr(applied) == "<Applied to t: bright: 310 passed, 700 rejected, 0 failed>"


def same_as_evaluated(live: Stream, *filters: ztfnb.Filter) -> None:
    applied = live.apply(*filters).wait()
    for made in filters:
        one, report = applied[made.name], made.evaluate(live)
        counts = one.counts
        assert (counts.passed, counts.rejected, counts.failed) == report.counts
        told = one.verdicts(report.candid.tolist())
        assert told == [Verdict(verdict) for verdict in report.verdict.tolist()]
        assert dict(one.passed) == {
            candid: report.annotations.get(candid, {}) for candid in sorted(report.passed)
        } or set(one.passed) == set(report.passed.tolist())
        assert {candid: str(failure) for candid, failure in one.failed.items()} == {
            candid: str(failure) for candid, failure in report.errors.items()
        }
        assert {c: n for c, n in one.passed.items() if n} == dict(report.annotations)


def test_verdicts_are_those_of_evaluate() -> None:
    """Verdicts, annotations and failures are those of f.evaluate on the same alerts.

    So it is for a filter that reads what only packets hold: of a thousand alerts here, no packet
    of the older half is in memory.
    """
    live = streamed(store=Store(4_000_000))
    live.store._keep = lambda *_: None  # type: ignore[method-assign]
    with live:
        live.wait(alerts=1000)
        same_as_evaluated(live, bright, alone, counting)


@needs_real_packets
def test_verdicts_are_those_of_evaluate_on_real_alerts() -> None:
    """The same of real alerts, with histories."""

    @ztfnb.filter
    def risen(alert: Any) -> Any:
        earlier = [one["magpsf"] for one in alert["prv_candidates"] if one["magpsf"] is not None]
        return {"rise": min(earlier) - alert["candidate"]["magpsf"]} if earlier else False

    packets = [file.read_bytes() for file in real_files("night-20181128/*.avro")]
    live = streamed(packets)
    live.store._keep = lambda *_: None  # type: ignore[method-assign]
    with live:
        live.wait(alerts=100)
        live.wait("caught up")
        same_as_evaluated(live, risen, bright)


def test_a_filter_that_keeps_state_gets_all_in_order_of_arrival() -> None:
    """Held alerts come before new ones then, the oldest first."""
    with streaming(PACKETS[:200]) as live:
        live.wait(alerts=200)
        applied = live.apply(counting)
        more = [made_packet(candid) for candid in range(2001, 2011)]
        live.store.append([Packet(value) for value in more], decode_columns(more))
        applied.wait()
        assert [*range(1, 201), *range(2001, 2011)] == SEEN
        assert applied.reason(1) == ""  # running it again would change what it does next
        assert len(SEEN) == 210


def test_new_alerts_come_first() -> None:
    """Who arrives is judged before what was held, and that from the newest to the oldest."""
    tally = Tally(snapshot_of(0, 20))
    assert list(tally.take(snapshot_of(0, 20), 5)) == [19, 18, 17, 16, 15]
    assert list(tally.take(snapshot_of(0, 28), 5)) == [20, 21, 22, 23, 24]
    assert list(tally.take(snapshot_of(0, 28), 5)) == [25, 26, 27]
    assert list(tally.take(snapshot_of(12, 16), 5)) == [14, 13, 12]
    assert list(tally.take(snapshot_of(12, 16), 5)) == []


# -- Accounting -------------------------------------------------------------------------------


def test_what_left_unjudged_is_counted() -> None:
    """In a burst that a small store cannot hold, every alert is judged, waits or was missed."""
    packets = [made_packet(candid, magpsf=15 + candid / 1000) for candid in range(1, 8001)]
    with streaming(packets[:500], store=Store(1_000_000)) as live:
        live.wait(alerts=500)
        applied = live.apply(gated, limit=1000)
        for start in range(500, 8000, 500):
            some = packets[start : start + 500]
            live.store.append([Packet(value) for value in some], decode_columns(some))
            counts = applied.counts
            assert counts.received == start + 500 == total(counts)
        assert applied.counts.missed > 1000
        GATE.set()
        counts = applied.wait().counts
        assert counts.received == 8000 == total(counts)
        assert counts.waiting == counts.failed == 0
        held = live.store.candid.tolist()
        assert None not in applied["gated"].verdicts(held)
        assert set(applied.passed) & set(held) == {one for one in held if one < 3000}


def snapshot_of(departed: int, held: int) -> Any:
    class Held:
        def __len__(self) -> int:
            return held

    found = Held()
    found.departed = departed  # type: ignore[attr-defined]
    return found


@given(
    st.integers(0, 30),
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 30), st.integers(1, 25)), max_size=20),
)
def test_nothing_is_lost_or_counted_twice(
    held: int, in_order: bool, steps: list[tuple[int, int, int]]
) -> None:
    """Whatever comes, goes and is judged: each alert is exactly one of judged, waiting, missed."""
    end, departed = held, 0
    tally = Tally(snapshot_of(0, held), in_order=in_order)
    taken: set[int] = set()
    for arrive, leave, most in steps:
        end += arrive
        departed = min(end, departed + leave)
        now = snapshot_of(departed, end - departed)
        numbers = tally.take(now, most)
        assert len(numbers) <= most
        assert not taken & set(numbers)
        assert all(departed <= number < end for number in numbers)
        taken |= set(numbers)
        before = tally.counts(now)
        gone = set(range(departed)) - taken
        waits = set(range(departed, end)) - taken
        assert (before.received, before.missed) == (end, len(gone))
        assert before.waiting == len(waits) + len(numbers)
        assert before.back == len({one for one in waits if one < held})
        for number in numbers:
            tally.note(number, Verdict(number % 3 - 1))
            assert tally.verdict(number) == Verdict(number % 3 - 1)
        after = tally.counts(now)
        assert after.judged == len(taken)
        assert after.waiting == len(waits)
        assert total(after) == end
        assert all(tally.verdict(number) is None for number in waits)


def test_verdicts_of_alerts_that_left_are_let_go() -> None:
    """A stream that runs for weeks keeps verdicts of what is held, and some more."""
    tally = Tally(snapshot_of(0, 0))
    for end in range(50_000, 1_000_001, 50_000):
        now = snapshot_of(max(0, end - 60_000), min(end, 60_000))
        for number in tally.take(now, 50_000):
            tally.note(number, Verdict.PASSED)
    assert len(tally._codes) < 200_000
    assert tally.verdict(999_999) is Verdict.PASSED
    assert tally.verdict(3) is None
    assert tally.counts(now).passed == 1_000_000


# -- Filters that misbehave -------------------------------------------------------------------


@pytest.mark.parametrize(("made", "bad"), [(stuck, {7, 500}), (stubborn, {500})])
def test_a_filter_that_does_not_end_fails_on_that_alert_only(
    made: ztfnb.Filter, bad: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told at which line it was, its thread is ended, and the others are judged."""
    overdue = Chunk.overdue

    def at_once(chunk: Chunk, _limit: float) -> int | None:
        """On the alerts on which the filter stays, its time is over; on no other, ever."""
        now, one = chunk._now, live.applied.get(made.name)
        if (
            one is None
            or now is None
            or chunk._made is not made
            or chunk.candids[now[0]] not in bad
        ):
            return None
        there = one._worker.stuck_at(made.code.file)[0] > 0
        return overdue(chunk, 0.0) if there else None

    monkeypatch.setattr(Chunk, "overdue", at_once)
    with streaming() as live:
        live.wait(alerts=1000)
        applied = live.apply(made, bright, limit=2.0).wait()
        one = applied[made.name]
        assert set(one.failed) == bad
        assert one.counts.passed == 1000 - len(bad)
        assert one.failed[500].message == "took longer than 2 s"
        assert one.failed[500].function == made.name
        assert one.failed[500].text
        assert applied["bright"].counts.judged == 1000
        eventually(lambda: len(ours()) <= 4)  # the stuck one is gone


def test_a_process_that_was_stopped_blames_no_alert(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time in which nobody looked is not the filter's, once for an alert; all other time is."""
    now = 0.0
    monkeypatch.setattr("ztfnb.filters.watched.monotonic", lambda: now)
    with streaming(PACKETS[:3]) as live:
        sample = sample_of(live.wait(alerts=3))
        assert isinstance(sample, ColumnSample)
        chunk = Chunk(bright, sample, range(3), range(3))
    chunk._now = 1, now
    for pause in (0.1, 3600.0, *[0.1] * 99):
        now += pause
        assert chunk.overdue(10.0) is None
    now += 3600.0
    assert chunk.overdue(10.0) == 1
    chunk._now = 2, now
    for _ in range(99):
        now += 0.1
        assert chunk.overdue(10.0) is None
    now += 0.2
    assert chunk.overdue(10.0) == 2


def test_threads_that_cannot_be_ended_do_not_pile_up() -> None:
    """Calls that never return are given up after a few, and that is said."""

    @ztfnb.filter
    def asleep(alert: Any) -> bool:
        return GATE.wait() and alert is not None

    with streaming() as live:
        live.wait(alerts=1000)
        applied = live.apply(asleep, limit=0.05)
        eventually(lambda: not applied.running)
        one = applied["asleep"]
        # One whose thread had not come to its call yet can be ended.
        assert 8 <= one.counts.failed < 100
        assert total(one.counts) == 1000
        assert "asleep judges no more" in one.notes[-1]
        assert "8 threads wait for calls that do not return" in one.notes[-1]
        eventually(lambda: len(ours()) <= 10)


def test_the_stream_is_not_slowed() -> None:
    """While a filter hangs, alerts go on arriving and the stream answers."""
    with streaming() as live:
        applied = live.apply(gated, limit=100)
        live.wait(alerts=1000)
        assert applied.counts.waiting == 1000
        assert live.stats.failed == 0
        applied.stop()


def test_a_wait_ends_when_all_is_noted() -> None:
    """Who waited for the last alert finds everything about it, with how long it took."""
    seen: list[int] = []

    def wait() -> None:
        seen.append(applied.wait()["gated"].pace.times.n)

    class Took(deque[int]):
        def append(self, took: int) -> None:
            if len(self) == 9:
                # It can only end here if it does not wait for what follows.
                waiting.start()
                waiting.join(0.2)
            super().append(took)

    with streaming(PACKETS[:10]) as live:
        live.wait(alerts=10)
        applied = live.apply(gated, limit=1000)
        waiting = threading.Thread(target=wait)
        applied["gated"]._took = Took()
        GATE.set()
        eventually(lambda: bool(seen))
        assert seen == [10]


# -- What it tells ----------------------------------------------------------------------------


def test_functions_are_called_with_what_passes() -> None:
    """With new alerts only, unless those held are asked for; what a function raises is noted."""
    new: list[int] = []
    every: list[int] = []

    def breaks(_candids: list[int]) -> None:
        raise KeyboardInterrupt

    with streaming(PACKETS[:400]) as live:
        live.wait(alerts=400)
        applied = live.apply(gated, limit=1000)
        applied.on_pass(breaks)
        applied.on_pass(new.extend)
        applied.on_pass(every.extend, held=True)
        some = [made_packet(candid, magpsf=10.0) for candid in (2001, 2002)]
        live.store.append([Packet(value) for value in some], decode_columns(some))
        GATE.set()
        applied.wait()
        eventually(lambda: len(every) == 301 and len(new) == 2)
        assert new == [2001, 2002]
        assert set(every) == {*range(1, 300), 2001, 2002}
        assert "KeyboardInterrupt" in "".join(applied["gated"].notes)
        with pytest.raises(TypeError, match="expected a function"):
            applied.on_pass("print")  # type: ignore[arg-type]


def test_a_slow_function_is_told_together() -> None:
    """What passes while a function runs waits for it, up to a number; more is counted."""
    told: list[list[int]] = []
    said: list[str] = []

    def slow(candids: list[int]) -> None:
        told.append(candids)
        GATE.wait()

    calls = Calls("ztfnb told test", said.append)
    calls.add(slow)
    calls.tell([1])
    eventually(lambda: bool(told))
    calls.tell([2])
    calls.tell(range(3, MOST + 4))
    GATE.set()
    eventually(lambda: len(told) == 2)
    assert told[0] == [1]
    assert len(told[1]) == MOST
    assert said == ["2 alerts were not told: a function called on a pass is slow"]


def test_reason() -> None:
    """Why an alert was rejected is found out when it is asked for, with values and margin."""
    with streaming() as live:
        live.wait(alerts=1000)
        applied = live.apply(bright).wait()
        assert applied.reason(400) == "mag > faintest is true (19 against 18, by 1)"
        assert applied.reason(200) == ""
        assert applied["bright"].explain(200).verdict is Verdict.PASSED
        assert applied["bright"].explain(200).annotations == applied.passed[200]
        assert "NotHeldError" in applied["bright"].reason(999999) or not applied.reason(999999)


def test_two_may_ask_for_verdicts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gallery's thread that asks for one alert takes nothing from a table that asks for rows."""
    numbers = following._numbers
    with streaming(PACKETS[:10]) as live:
        live.wait(alerts=10)
        one = live.apply(alone).wait()["alone"]
        assert one.verdicts([1]) == [Verdict.PASSED]

        def meanwhile(*given: Any) -> Any:
            monkeypatch.setattr(following, "_numbers", numbers)
            assert one.verdicts([3]) == [Verdict.PASSED]
            return numbers(*given)

        monkeypatch.setattr(following, "_numbers", meanwhile)
        assert one.verdicts([1, 2, 99]) == [Verdict.PASSED, Verdict.PASSED, None]


def test_news() -> None:
    """A view is told of what arrived and passed, with annotations; what it raises is noted."""
    told: list[Any] = []

    def news(arrived: list[Any]) -> None:
        told.extend(arrived)
        raise RuntimeError("the view is closed")

    with streaming(PACKETS[:10]) as live:
        live.wait(alerts=10)
        applied = live.apply(bright).wait()
        applied["bright"].on_news = news
        some = [made_packet(2001, magpsf=10.0)]
        live.store.append([Packet(value) for value in some], decode_columns(some))
        applied.wait()
        eventually(lambda: bool(applied["bright"].notes))
        assert told == [(2001, {"mag": 10.0, "name": "ZTF260002001"})]
        assert applied["bright"].notes[-1].endswith("RuntimeError: the view is closed")


@given(st.lists(st.integers(0, 200), max_size=60), st.integers(1, 20))
def test_the_newest_are_kept(numbers: list[int], most: int) -> None:
    """Of values by candid those with the highest numbers stay, in whatever order they came."""
    kept: Newest[str] = Newest(most)
    for number in dict.fromkeys(numbers):
        kept.put(number, 1000 + number, str(number))
    expected = sorted(set(numbers))[-most:]
    assert list(kept) == [1000 + number for number in expected]
    assert [kept[candid] for candid in kept] == [str(number) for number in expected]
    assert kept.left == len(set(numbers)) - len(expected)
    assert kept.latest(3) == [1000 + number for number in expected[::-1][:3]]
    assert kept.latest(0) == []
    assert 5 not in kept


def test_an_alert_that_came_again_is_kept_once() -> None:
    """Its later number counts, and the earlier one takes nothing away."""
    kept: Newest[str] = Newest(2)
    for number, candid in ((1, 7), (2, 8), (3, 7)):
        kept.put(number, candid, f"{number}")
    assert dict(kept) == {8: "2", 7: "3"}
    assert repr(kept) == "<2 alerts, the newest of 2>"


# -- Beginning and end ------------------------------------------------------------------------


def test_a_filter_of_the_same_name_takes_its_place() -> None:
    """As in a cell that is run again: threads stay constant, and all is judged anew."""
    with streaming() as live:
        live.wait(alerts=1000)
        first = live.apply(bright, alone).wait()
        for faintest in (16.0, 17.0, 20.0):
            last = live.apply(bright.with_params(faintest=faintest)).wait()
        assert last.counts.passed == 500
        assert list(first) == ["alone"]
        assert live.applied.keys() == {"alone", "bright"}
        assert live.applied["bright"] is last["bright"]
        eventually(lambda: len(ours()) == 4)
        live.apply(alone)
        assert live.applied.keys() == {"bright", "alone"}
        assert len(first) == 0
        assert "nothing any more" in repr(first)
        eventually(lambda: len(ours()) == 4)


def test_other_thresholds_judge_anew() -> None:
    """with_params and replace keep the object, and judge all from the beginning."""
    with streaming() as live:
        live.wait(alerts=1000)
        applied = live.apply(bright).wait()
        assert applied.with_params(faintest=20.0) is applied
        assert applied.wait().counts.passed == 500
        assert applied["bright"].filter.params == {"faintest": 20.0}
        applied.replace(alone)
        applied.wait()
        assert [one.counts.passed for one in applied.values()] == [500, 1000]
        with pytest.raises(FilterError, match="no threshold 'brightest'"):
            applied.with_params(brightest=3) if len(applied) == 1 else bright.with_params(
                brightest=3
            )
        with pytest.raises(FilterError, match="expected one filter here, there are 2"):
            _ = applied.counts
        eventually(lambda: len(ours()) == 4)


def test_it_ends_with_the_stream_and_by_itself() -> None:
    """No thread is left when the stream or the filters were stopped; what is known stays."""
    with streaming() as live:
        live.wait(alerts=1000)
        applied = live.apply(bright, alone).wait()
        assert len(ours()) == 4
        applied.stop()
        applied.stop()
        eventually(lambda: not ours())
        assert live.applied == {}
        assert applied["bright"].counts.passed == 300
        other = live.apply(bright).wait()
        live.stop()
        eventually(lambda: not ours())
        assert not other.running
        assert live.applied["bright"].counts.passed == 300
        with pytest.raises(StreamClosedError):
            live.apply(bright)


def test_what_is_thrown_away_ends() -> None:
    """One that nobody knows any more stops; after the stream's end nothing keeps its alerts."""
    with streaming() as live:
        live.wait(alerts=1000)
        thrown = Applied(live, bright)
        one = weakref.ref(thrown["bright"])
        del thrown
        gc.collect()
        eventually(lambda: not ours())
        live.apply(bright).wait()
    store, live = weakref.ref(live.store), None  # type: ignore[assignment]
    eventually(lambda: not ours())

    def gone() -> bool:
        gc.collect()
        return one() is None and store() is None

    eventually(gone)


def test_a_filter_can_be_stopped_in_the_middle_of_an_alert() -> None:
    """Stopping does not wait for an alert on which the filter does not end."""
    with streaming() as live:
        live.wait(alerts=1000)
        applied = live.apply(stuck)
        eventually(lambda: applied.counts.passed > 0 or applied.counts.waiting < 1000)
        applied.stop()
        eventually(lambda: not ours())
        counts = applied.counts
        assert total(counts) == 1000
        with pytest.raises(KeyError, match="no filter 'bright' is applied here; there is stuck"):
            _ = applied["bright"]


def test_waiting_has_an_end() -> None:
    """A wait that takes too long says how far the filter is."""
    with streaming() as live:
        live.wait(alerts=1000)
        applied = live.apply(gated, limit=100)
        with pytest.raises(TimeoutError, match=r"gated is still at work after .* s: 0 passed"):
            applied.wait(0.05)
        assert isinstance(applied["gated"], Following)


def plain(alert: Any) -> bool:
    return bool(alert)


@pytest.mark.parametrize(
    ("filters", "options", "error", "said"),
    [
        ((), {}, FilterError, "got none"),
        ((plain,), {}, FilterError, "expected filters, got plain; write @ztfnb.filter"),
        (("<b>",), {}, FilterError, "expected filters, got str"),
        ((bright, bright), {}, FilterError, "got two called bright"),
        ((bright,), {"limit": 0}, ConfigError, "expected seconds for one alert, above 0, got 0"),
        ((bright,), {"limit": "1 s"}, ConfigError, "got '1 s'"),
    ],
)
def test_what_cannot_be_applied_is_refused(
    filters: tuple[Any, ...], options: Mapping[str, Any], error: type[Exception], said: str
) -> None:
    """With what was expected, and nothing starts."""
    with streaming() as live:
        with pytest.raises(error, match=said):
            live.apply(*filters, **options)
        assert not ours()
        assert live.applied == {}


def test_needs_are_met_before_anything_starts(tmp_path: Any) -> None:
    """A filter whose data file is gone is refused, and none of the others starts."""
    file = tmp_path / "model.txt"
    file.write_text("1")

    @ztfnb.filter(files={"model": str(file)})
    def modelled(alert: Any, *, model: Any) -> bool:
        return bool(alert) and bool(model)

    file.unlink()
    with streaming() as live:
        with pytest.raises(FilterError, match=r"model\.txt"):
            live.apply(bright, modelled)
        assert not ours()


def test_without_a_notebook_it_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the widgets cannot be imported it shows itself as text."""
    monkeypatch.setitem(sys.modules, "ztfnb.widgets", None)
    with streaming() as live:
        applied = live.apply(bright)
        assert applied._repr_mimebundle_() == {"text/plain": repr(applied)}
        applied.stop()


def test_made_alerts_are_what_they_seem() -> None:
    """The alerts of this file have candids as object names, and no history."""
    assert made_alert(300)["objectId"] == "ZTF260000300"
    assert "prv_candidates" not in made_alert(300)
