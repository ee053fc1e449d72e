"""The stream, on packets in memory and on a source that can be made to misbehave."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import NIGHT_JD, made_packet

from ztfnb.alert import Alert
from ztfnb.errors import (
    ConfigError,
    DecodeError,
    NotHeldError,
    SelectionError,
    SourceError,
    StreamClosedError,
)
from ztfnb.source import Coordinates, Found, Gap, Memory, Packet, SourceStatus, Start, fetch_each
from ztfnb.store import Store
from ztfnb.stream import Stream, open_streams

PACKETS = [made_packet(candid, magpsf=15 + candid / 100) for candid in range(1, 301)]


@contextmanager
def streaming(source: object, **options: object) -> Iterator[Stream]:
    stream = Stream(source, **options)  # type: ignore[arg-type]
    try:
        yield stream
    finally:
        stream.stop()
        # It waits some seconds for the thread, and no longer.
        eventually(lambda: stream.state == "closed")


def eventually(condition: Callable[[], bool], timeout: float = 60.0) -> None:
    """Wait until something holds; the time-out is only there to end a test that hangs."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.01)


class Scripted:
    """A source that does what a test tells it to."""

    name = "scripted"

    def __init__(self, packets: Sequence[bytes] = ()) -> None:
        self.memory = Memory(packets, topic="scripted")
        self.health = SourceStatus()
        self.seeks: list[Start] = []
        self.threads: set[int] = set()
        self.raises: Exception | None = None
        self.closed = 0

    def poll(self, timeout: float, limit: int) -> Sequence[Packet]:
        self.threads.add(threading.get_ident())
        raises = self.raises  # may be taken away meanwhile
        if raises:
            raise raises
        return self.memory.poll(min(timeout, 0.01), limit)

    def seek(self, start: Start) -> None:
        self.threads.add(threading.get_ident())
        self.seeks.append(start)
        if start.kind == "offsets" and max(start.offsets.values()) > 10_000:
            raise SourceError("there is no such offset")
        self.memory.seek(start)

    def fetch(self, at: Coordinates) -> Packet:
        return self.memory.fetch(at)

    def fetch_many(self, places: Iterable[Coordinates]) -> Iterator[Found]:
        return fetch_each(self.fetch, places)

    def status(self) -> SourceStatus:
        return self.health

    def close(self) -> None:
        self.threads.add(threading.get_ident())
        self.closed += 1


def test_everything_that_arrives_is_held() -> None:
    """Each packet becomes one row; the stream says when it has read all."""
    with streaming(Memory(PACKETS)) as live:
        live.wait("caught up")
        assert len(live) == live.stats.held == live.stats.received == 300
        assert live.stats.failed == live.stats.duplicates == live.stats.evicted == 0
        assert live.stats.lag == 0
        assert live.stats.seconds_behind == 0
        assert [alert.candid for alert in live.latest(3)] == [300, 299, 298]
        assert live[7].candid == 7
        assert 7 in live
        assert 7000 not in live
        assert "ZTF" not in live


def test_a_packet_that_is_no_alert_is_counted_kept_and_explained() -> None:
    """s08: received = decoded + failed; the bad packet is kept with its reason and origin."""
    bad = made_packet(5)[:-40]
    with streaming(Memory([*PACKETS[:10], bad, b"", *PACKETS[10:20]], topic="t")) as live:
        live.wait(alerts=20)
        eventually(lambda: live.stats.received == 22)
        stats = live.stats
        assert (stats.received, stats.decoded, stats.failed) == (22, 20, 2)
        assert [failure.packet.offset for failure in live.failures] == [10, 11]
        assert live.failures[0].packet.value == bad
        assert "t, partition 0, offset 10" in str(live.failures[0].error)
        assert "no alert" in stats.last_error
        assert live.state == "caught up"


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.one_of(st.integers(0, 20), st.just(None)),
        max_size=60,
    )
)
def test_the_books_always_balance(candids: list[int | None]) -> None:
    """s12: received = decoded + failed and decoded = held + duplicates, whatever arrives."""
    packets = [b"junk" if one is None else PACKETS[one] for one in candids]
    with streaming(Memory(packets)) as live:
        live.wait("caught up")
        stats = live.stats
        assert stats.received == len(candids)
        assert stats.failed == candids.count(None)
        assert stats.received == stats.decoded + stats.failed
        assert stats.decoded == stats.held + stats.duplicates
        assert stats.held == len({one for one in candids if one is not None})


def test_the_books_balance_at_every_moment() -> None:
    """Whoever looks while a flood arrives sees all counters of one moment, never half a batch."""
    source = Scripted([*PACKETS, *PACKETS[::2], b"junk"] * 20)
    # So small that alerts have to make room.
    with streaming(source, store=Store(1_000_000)) as live:
        while live.state != "caught up":
            stats = live.stats
            assert stats.received == stats.decoded + stats.failed
            assert stats.decoded == stats.held + stats.duplicates + stats.evicted
            source.health = SourceStatus(caught_up=live.stats.received == 451 * 20)
        assert live.stats.received == 451 * 20
        assert live.stats.failed == 20


def test_a_flood_of_failures_is_one_line_a_batch(tmp_path: Path) -> None:
    """A topic of something else neither fills the log nor the memory; all that is kept is saved."""
    with streaming(Memory([b"junk %d" % n for n in range(3000)], topic="t")) as live:
        live.wait("caught up")
        assert live.stats.failed == 3000
        told = [line for line in live.log if line.trouble]
        assert 1 <= len(told) < 100
        assert "packets that are no alerts" in told[-1].text
        assert len(live.failures) == 1000
        path = live.save_failures(tmp_path / "failures")
        assert len(list(path.glob("*.avro"))) == 1000
        assert live.save_failures(tmp_path / "one.tar.gz", live.failures[:1]).is_file()
        with pytest.raises(ConfigError, match="choose another name"):
            live.save_failures(path)
    assert live.save_failures(tmp_path / "afterwards").is_dir()


def test_what_is_wrong_now_is_told_apart_from_what_was() -> None:
    """An error is shown while it lasts; the newest one is remembered."""
    source = Scripted(PACKETS[:5])
    with streaming(source) as live:
        live.wait(alerts=5)
        assert (live.stats.error, live.stats.trouble) == ("", "")
        source.health = SourceStatus(connected=False, error="no answer", trouble="refused")
        live.wait("disconnected")
        assert (live.stats.error, live.stats.trouble) == ("no answer", "refused")
        source.health = SourceStatus()
        live.wait("live")
        assert (live.stats.error, live.stats.trouble) == ("", "")
        assert live.stats.last_error == "no answer"
        source.raises = SourceError("the disk is away")
        eventually(lambda: live.stats.error == "the disk is away")
        source.raises = None
        eventually(lambda: live.stats.error == "")
        assert [line.text for line in live.log if line.trouble] == ["no answer", "the disk is away"]


def test_a_refused_command_is_wrong_until_one_works() -> None:
    """A place that cannot be reached stays an error until the next command is carried out."""
    with streaming(Scripted(PACKETS[:5])) as live:
        live.wait(alerts=5)
        live.seek({0: 99_999})
        eventually(lambda: "no such offset" in live.stats.error)
        live.pause()
        assert live.paused
        eventually(lambda: live.stats.error == "")
        live.resume()
        assert not live.paused


def test_rates_and_arrivals() -> None:
    """What came in each second is kept, and decoded apart from received."""
    source = Memory()
    with streaming(source) as live:
        live.wait("caught up")
        assert live.arrivals == (0,) * 120

        def told() -> bool:
            source.send(Packet(PACKETS[0]))
            source.send(Packet(b"junk"))
            stats = live.stats
            return 0 < stats.decoded_rate < stats.rate and sum(live.arrivals) > 0

        eventually(told)
        # Nothing arrives from now on, and what has arrived is told in full.
        live.pause()
        live.wait("paused")
        assert sum(live.arrivals) <= live.stats.received


def test_s12_duplicates_take_one_row() -> None:
    """Of 5% duplicates, each candid is one row, and the others are counted."""
    repeated = [*PACKETS, *PACKETS[::20]]
    with streaming(Memory(repeated)) as live:
        live.wait("caught up")
        assert live.stats.duplicates == 15
        assert len(np.unique(live.select())) == live.stats.held == 300


def test_pause_and_resume_lose_nothing() -> None:
    """While paused nothing is read; afterwards reading goes on where it stopped."""
    source = Memory(PACKETS[:100])
    with streaming(source) as live:
        live.wait("caught up")
        live.pause()
        live.wait("paused")
        for packet in PACKETS[100:]:
            source.send(Packet(packet))
        time.sleep(0.3)
        assert live.stats.received == 100
        assert live.state == "paused"
        live.resume()
        live.wait(alerts=300)
        assert live.stats.received == 300


def test_rewind_reads_again_what_arrived_since() -> None:
    """Alerts of the last hour are read again, and keep their one row."""
    now = time.time()
    old = [Packet(packet, timestamp=now - 7200) for packet in PACKETS[:100]]
    new = [Packet(packet, timestamp=now - 60) for packet in PACKETS[100:150]]
    with streaming(Memory([*old, *new])) as live:
        live.wait("caught up")
        live.rewind(hours=1)
        eventually(lambda: live.stats.received == 200)
        assert live.stats.duplicates == 50
        assert live.stats.held == 150
        live.seek("beginning")
        eventually(lambda: live.stats.received == 350)
        with pytest.raises(ValueError, match="how far"):
            live.rewind()
        with pytest.raises(ConfigError, match="start"):
            live.seek("some day")


def test_a_seek_that_fails_is_said_and_ends_nothing() -> None:
    """Where the source cannot go, reading stays where it was, and the reason is shown."""
    source = Scripted(PACKETS[:10])
    with streaming(source) as live:
        live.wait(alerts=10)
        live.seek({0: 99_999})
        eventually(lambda: "no such offset" in live.stats.last_error)
        source.memory.send(Packet(PACKETS[10]))
        live.wait(alerts=11)


def test_one_thread_alone_touches_the_source() -> None:
    """Polls, seeks and the close all come from the stream's own thread."""
    source = Scripted(PACKETS[:10])
    with streaming(source) as live:
        live.wait(alerts=10)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: live.seek("beginning"), range(20)))
        eventually(lambda: len(source.seeks) == 20)
    assert source.closed == 1
    assert source.threads.isdisjoint({threading.get_ident()})
    assert len(source.threads) == 1


def test_health_shows_as_state() -> None:
    """Disconnected, connected again, failed: each in a word, with the reason, and logged."""
    source = Scripted(PACKETS[:5])
    with streaming(source) as live:
        live.wait("live")
        source.health = SourceStatus(connected=False, error="the broker does not answer")
        live.wait("disconnected")
        assert live.stats.last_error == "the broker does not answer"
        source.health = SourceStatus(caught_up=True, lag=0)
        live.wait("caught up")
        texts = [line.text for line in live.log]
        assert "the broker does not answer" in texts
        assert texts.index("connected") < texts.index("connected again")
        source.health = SourceStatus(connected=False, failed=True, error="wrong password")
        with pytest.raises(SourceError, match="wrong password"):
            live.wait("live")
        assert live.state == "failed"


def test_s07_gaps_are_counted_and_said() -> None:
    """What the source lost is reported with its size, once, and never silently."""
    source = Scripted(PACKETS[:5])
    with streaming(source) as live:
        live.wait(alerts=5)
        source.health = SourceStatus(gaps=(Gap("t", 3, 10, 29), Gap("t", 4, 0, 0)))
        eventually(lambda: live.stats.lost == 21)
        said = [line.text for line in live.log if line.text.startswith("gap")]
        assert said == [
            "gap: 20 alerts, t, partition 3, offsets 10-29",
            "gap: 1 alerts, t, partition 4, offsets 0-0",
        ]


def test_trouble_in_the_source_does_not_end_the_stream() -> None:
    """An error while polling is shown, and reading goes on when it has passed."""
    source = Scripted(PACKETS[:5])
    with streaming(source) as live:
        live.wait(alerts=5)
        source.raises = SourceError("the disk is away")
        eventually(lambda: live.stats.last_error == "the disk is away")
        source.raises = None
        source.memory.send(Packet(PACKETS[5]))
        live.wait(alerts=6)


def test_a_store_that_fails_costs_the_batch_and_not_the_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An error of our own is counted as failed packets, with its words; nothing goes missing."""
    source = Scripted()
    with streaming(source) as live:
        live.wait("live")
        with monkeypatch.context() as patch:
            patch.setattr(Store, "append", lambda *_: 1 / 0)
            source.memory.send(Packet(PACKETS[0]))
            eventually(lambda: live.stats.failed == 1)
        assert "ZeroDivisionError" in live.stats.last_error
        source.memory.send(Packet(PACKETS[1]))
        live.wait(alerts=1)
        assert live.stats.received == 2


def test_older_packets_are_fetched_again_by_coordinates(monkeypatch: pytest.MonkeyPatch) -> None:
    """An alert whose bytes are no longer kept comes back from the source."""
    fetched: list[Coordinates] = []

    class Remembering(Scripted):
        def fetch(self, at: Coordinates) -> Packet:
            fetched.append(at)
            return super().fetch(at)

    monkeypatch.setattr("ztfnb.store.MAX_PACKETS", 10)
    with streaming(Remembering(PACKETS)) as live:
        live.wait(alerts=300)
        assert live[300].candid == 300
        assert fetched == []
        assert live[1].candid == 1
        assert fetched == [Coordinates("scripted", 0, 0)]
        with pytest.raises(NotHeldError, match="301"):
            live[301]


def test_many_alerts_are_fetched_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each candid comes once, with its alert or its error: those at hand first, then the others."""
    asked: list[list[Coordinates]] = []

    class Remembering(Scripted):
        def fetch_many(self, places: Iterable[Coordinates]) -> Iterator[Found]:
            asked.append(list(places))
            return super().fetch_many(asked[-1])

    monkeypatch.setattr("ztfnb.store.MAX_PACKETS", 10)
    wanted = [3, 999, 300, 1, 3, 150, -1]
    with streaming(Remembering(PACKETS)) as live:
        live.wait(alerts=300)
        found = list(live.fetch_many(wanted))
        assert [candid for candid, _ in found] == [300, 999, -1, 3, 1, 150]
        assert asked == [[Coordinates("scripted", 0, candid - 1) for candid in (3, 1, 150)]]
        for candid, alert in found:
            if candid in (999, -1):
                assert isinstance(alert, NotHeldError)
                assert str(candid) in str(alert)
            else:
                assert alert == live[candid]
        assert list(live.fetch_many([])) == []
        assert len(list(live.fetch_many(live.store.candid))) == 300
    with streaming(Scripted()) as live:
        ((_, error),) = live.fetch_many([5])
        assert isinstance(error, NotHeldError)


def test_what_can_no_longer_be_fetched_comes_with_its_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A source that ends in the middle, a packet that is gone, another alert in its place."""

    class Failing(Scripted):
        def fetch_many(self, places: Iterable[Coordinates]) -> Iterator[Found]:
            for at, packet in super().fetch_many(places):
                if at.offset == 2:
                    yield at, NotHeldError("gone")
                elif at.offset == 3:
                    yield at, Packet(PACKETS[200], *at)
                elif at.offset == 4:
                    yield at, Packet(b"no alert", *at)
                elif at.offset == 6:
                    raise SourceError("the broker went away")
                else:
                    yield at, packet

    monkeypatch.setattr("ztfnb.store.MAX_PACKETS", 10)
    with streaming(Failing(PACKETS)) as live:
        live.wait(alerts=300)
        found = dict(live.fetch_many(range(1, 11)))
        assert sorted(found) == list(range(1, 11))
        assert [candid for candid in found if isinstance(found[candid], Alert)] == [1, 2, 6]
        assert str(found[3]) == "gone"
        assert str(found[4]) == "candid 4 is no longer at scripted, partition 0, offset 3: 201 is"
        assert isinstance(found[5], DecodeError)
        for candid in (7, 8, 9, 10):
            assert str(found[candid]) == "the broker went away"


def test_selections_by_expression_place_time_and_object() -> None:
    """Each condition narrows the selection; together they all hold."""
    with streaming(Memory(PACKETS)) as live:
        live.wait("caught up")
        assert live.select("magpsf < 15.105").tolist() == list(range(1, 11))
        assert live.select(object_id="ZTF260000042").tolist() == [42]
        assert live.select(since=NIGHT_JD + 29.5e-4).tolist() == list(range(295, 301))
        assert len(live.select(since="2026-01-15T06:00", until="2026-01-15T07:00")) == 300
        assert len(live.select(until="2026-01-15T06:00")) == 0
        near = live.select(cone=(150.1, 20.0, 0.0015))
        assert near.tolist() == [99, 100, 101]
        assert live.select("fid == 1", cone=(150.1, 20.0, 0.0015)).tolist() == [100]
        assert [alert.candid for alert in live.alerts("magpsf > 17.985")] == [299, 300]
        table = live.table("magpsf < 15.105", fields=("candid", "magpsf", "rb"))
        assert table.colnames == ["candid", "magpsf", "rb"]
        assert len(table) == 10
        with pytest.raises(SelectionError, match="magpfs"):
            live.select("magpfs < 18")


def test_wait_says_where_it_stands() -> None:
    """A wait that times out says what the stream does; a wrong state is refused."""
    with streaming(Memory(PACKETS[:3], topic="three")) as live:
        live.wait(alerts=3)
        with pytest.raises(TimeoutError, match="10 alerts: three is caught up, 3 alerts held"):
            live.wait(alerts=10, timeout=0.1)
        with pytest.raises(ValueError, match="expected one of"):
            live.wait("ready")  # type: ignore[arg-type]


def test_wait_ends_when_the_stream_is_stopped() -> None:
    """A caller that waits for what can no longer come is told so, and does not hang."""
    with streaming(Memory(PACKETS[:3])) as live:
        threading.Timer(0.3, live.stop).start()
        with pytest.raises(SourceError, match="closed"):
            live.wait(alerts=10)


def test_stopping_is_final_and_keeps_what_is_held() -> None:
    """Alerts can still be looked at; commands are refused with a way out; to stop twice is fine."""
    ended: list[int] = []
    with streaming(Memory(PACKETS), on_close=lambda: ended.append(1)) as live:
        live.wait("caught up")
    live.stop()
    assert live.state == "closed"
    assert ended == [1]
    assert live[5].candid == 5
    assert live.stats.held == 300
    for command in (live.pause, live.resume, lambda: live.seek("beginning")):
        with pytest.raises(StreamClosedError, match="connect again"):
            command()
    assert live not in open_streams()


def test_a_source_that_fails_to_close_keeps_nothing_else_open() -> None:
    """What lives with the stream is ended all the same, and the trouble is said."""

    class Jammed(Scripted):
        def close(self) -> None:
            raise RuntimeError("jammed")

    ended: list[int] = []
    with streaming(Jammed(), on_close=lambda: ended.append(1)) as live:
        live.wait("live")
    assert ended == [1]
    assert live.state == "closed"
    assert "jammed" in live.stats.last_error


def test_opening_the_same_stream_again_closes_the_old_one() -> None:
    """s18: a cell run 20 times leaves one stream, one thread and no more descriptors."""

    def count() -> tuple[int, int]:
        named = [thread for thread in threading.enumerate() if thread.name == "ztfnb again"]
        descriptors = Path("/proc/self/fd")
        return len(named), len(list(descriptors.iterdir())) if descriptors.is_dir() else 0

    first = Stream(Memory(PACKETS[:3]), name="again")
    before = count()
    streams = [Stream(Memory(PACKETS[:3]), name="again").wait(alerts=3) for _ in range(20)]
    eventually(lambda: {stream.state for stream in [first, *streams[:-1]]} == {"closed"})
    assert streams[-1].state != "closed"
    eventually(lambda: count()[0] == before[0] == 1)
    assert count()[1] <= before[1]  # others may have let go of theirs meanwhile
    streams[-1].stop()


def test_only_the_demo_has_a_speed() -> None:
    """Setting the speed reaches what sends the alerts; elsewhere the refusal says why."""

    class Producer:
        rate = 5.0

    producer = Producer()
    with streaming(Memory(), pace=producer) as live:
        live.speed = 50
        assert producer.rate == live.speed == 50
        with pytest.raises(ValueError, match="above 0"):
            live.speed = 0
    with streaming(Memory()) as live, pytest.raises(ConfigError, match="demo"):
        live.speed = 3


def test_s16_public_calls_return_while_a_flood_arrives() -> None:
    """Every public call answers at once, from what is known; none waits for the thread."""
    slow = threading.Event()

    class Stuck(Scripted):
        def poll(self, timeout: float, limit: int) -> Sequence[Packet]:
            packets = super().poll(timeout, limit)
            if not packets:
                # A client that hangs inside a call, holding up the stream's thread.
                slow.wait(200)
            return packets

    with streaming(Stuck(PACKETS)) as live:
        live.wait(alerts=300)
        with ThreadPoolExecutor(1) as pool:
            for call in (
                lambda: live.state,
                lambda: live.stats,
                lambda: repr(live),
                lambda: live.latest(5),
                lambda: live.select("rb > 0.5"),
                lambda: live.table(fields=("candid",)),
                live.pause,
                live.resume,
                lambda: live.rewind(hours=1),
                lambda: live[5],
                lambda: live.log,
                lambda: live.failures,
                lambda: live.arrivals,
            ):
                # Far above the 200 ms that a call may take, far below what the thread is stuck for.
                pool.submit(call).result(timeout=60)
        slow.set()


FORKED = """
import os, sys, time
sys.path.insert(0, {tests!r})
from made import made_packet
from ztfnb.source import Memory, Packet
from ztfnb.stream import Stream
from ztfnb.errors import StreamClosedError

source = Memory([made_packet(1)])
live = Stream(source).wait(alerts=1)
child = os.fork()
if child == 0:
    refused = 0
    for call in (lambda: live.state, lambda: live.stats, lambda: live[1], live.pause, live.stop,
                 lambda: live.wait("live"), lambda: live.select(), lambda: live.latest(1)):
        try:
            call()
        except StreamClosedError as error:
            refused += "fork" in str(error)
    os._exit(refused)
_, status = os.waitpid(child, 0)
source.send(Packet(made_packet(2)))
live.wait(alerts=2)
print(os.waitstatus_to_exitcode(status), live.state)
live.stop()
"""


def test_s23_a_forked_child_is_refused_and_the_parent_goes_on() -> None:
    """After a fork each call in the child says so at once; the parent's stream reads on."""
    tests = str(Path(__file__).parent)
    run = subprocess.run(
        [sys.executable, "-c", FORKED.format(tests=tests)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.stdout.split() == ["8", "caught", "up"], run.stderr


INTERRUPTED = """
import signal, sys, time
# A shell's background jobs ignore interrupts, and so does what they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {tests!r})
from made import made_packet
from ztfnb.source import Memory, Packet
from ztfnb.stream import Stream

source = Memory([made_packet(1)])
live = Stream(source).wait(alerts=1)
try:
    print("waiting", flush=True)
    live.wait(alerts=10)
except KeyboardInterrupt:
    source.send(Packet(made_packet(2)))
    live.wait(alerts=2)
    print(live.state, flush=True)
    live.stop()
"""


def test_s17_interrupting_a_cell_ends_the_wait_and_not_the_stream() -> None:
    """An interrupt (as Jupyter sends it) ends `wait` at once; the stream reads on."""
    tests = str(Path(__file__).parent)
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED.format(tests=tests)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "caught up\n"
        assert process.wait(timeout=120) == 0
