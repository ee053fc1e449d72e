"""Copying: byte for byte, at the pace asked for, every packet accounted for."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import made_packet
from packets import needs_real_packets, real_files

from ztfnb import relay
from ztfnb.errors import ConfigError, DeliveryError, SourceError
from ztfnb.relay import copy, due, nightly_topic
from ztfnb.source import BEGINNING, Memory, Packet, SourceStatus

START = 2458451.7


class Ended(Memory):
    """Packets in memory after which nothing follows."""

    def status(self) -> SourceStatus:
        """Say that the end is the end."""
        status = super().status()
        return SourceStatus(lag=status.lag, exhausted=status.caught_up, topics=status.topics)


@dataclass
class FakeClock:
    """A clock on which only waiting takes time."""

    now: float = 1000.0
    waits: list[float] = field(default_factory=list)
    interrupt_after: float = math.inf

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float, /) -> None:
        assert seconds > 0
        self.waits.append(seconds)
        self.now += seconds
        if self.now > self.interrupt_after:
            raise KeyboardInterrupt


@dataclass
class Recorder:
    """A sink that notes when each packet came."""

    clock: FakeClock
    refuses: Callable[[Packet], bool] = lambda _packet: False
    name: str = "recorder"
    packets: list[Packet] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    flushed: int = -1

    def send(self, packet: Packet) -> None:
        if self.refuses(packet):
            raise SourceError(f"refused {packet.offset}")
        self.packets.append(packet)
        self.times.append(self.clock.now)

    def flush(self) -> None:
        self.flushed = len(self.packets)

    def close(self) -> None:
        raise AssertionError("a copy closes nothing")


def alert(jd: float, *, programid: int = 1, candid: int = 1) -> bytes:
    return made_packet(candid, jd=jd, programid=programid)


def night(offsets: Sequence[float]) -> Ended:
    """Alerts at so many seconds after the start."""
    return Ended(alert(START + seconds / 86_400, candid=n) for n, seconds in enumerate(offsets))


def test_real_time_keeps_the_time_between_alerts() -> None:
    """Alerts of one exposure go together, the next exposure 40 seconds later."""
    clock = FakeClock()
    sink = Recorder(clock)
    report = copy(night([0, 0, 40, 40, 100]), sink, speed=1, clock=clock)
    assert np.array(sink.times) - 1000 == pytest.approx([0, 0, 40, 40, 100], abs=1e-3)
    assert report.seconds == pytest.approx(100, abs=1e-3)
    assert (report.sent, report.failed, report.interrupted) == (5, 0, False)


def test_a_speed_shortens_every_gap() -> None:
    """Ten times as fast takes a tenth of the time."""
    clock = FakeClock()
    sink = Recorder(clock)
    copy(night([0, 40, 100]), sink, speed=10, clock=clock)
    assert np.array(sink.times) - 1000 == pytest.approx([0, 4, 10], abs=1e-3)


def test_a_rate_spaces_packets_evenly_whatever_they_are() -> None:
    """Across batches, and for packets that are no alerts."""
    clock = FakeClock()
    sink = Recorder(clock)
    source = Ended([b"junk"] * 1_200)
    assert copy(source, sink, rate=100, clock=clock).sent == 1_200
    assert np.array(sink.times) - 1000 == pytest.approx(np.arange(1_200) / 100, abs=1e-6)


def test_without_a_pace_nothing_waits() -> None:
    """As fast as both ends allow."""
    clock = FakeClock()
    copy(night([0, 1000, 5]), Recorder(clock), clock=clock)
    assert clock.waits == []


def test_packets_without_a_time_go_at_once_and_in_order() -> None:
    """Neither a broken packet nor an alert out of order holds up the others."""
    clock = FakeClock()
    sink = Recorder(clock)
    values = [b"junk", alert(START), b"junk", alert(START - 1), alert(START + 10 / 86_400), b""]
    copy(Ended(values), sink, speed=1, clock=clock)
    assert [packet.value for packet in sink.packets] == values
    assert np.array(sink.times) - 1000 == pytest.approx([0, 0, 0, 0, 10, 10], abs=1e-3)


@pytest.mark.parametrize("jd", [math.inf, -math.inf, math.nan, 1e300, -5.0, 0.0])
def test_an_impossible_date_delays_nothing(jd: float) -> None:
    """Dates outside the calendar are none."""
    clock = FakeClock()
    sink = Recorder(clock)
    copy(Ended([alert(START), alert(jd)]), sink, speed=1, rename=nightly_topic, clock=clock)
    assert len(sink.packets) == 2
    assert sum(clock.waits) < 1e-3


def test_pacing_by_the_transport_reads_no_bytes() -> None:
    """The packets' timestamps give the pace."""
    clock = FakeClock()
    sink = Recorder(clock)
    source = Ended(Packet(b"junk", timestamp=5e8 + seconds) for seconds in (0, 3, 7))
    copy(source, sink, speed=1, by="timestamp", clock=clock)
    assert np.array(sink.times) - 1000 == pytest.approx([0, 3, 7])


@given(
    st.lists(st.one_of(st.floats(-1e3, 1e6), st.just(math.nan)), max_size=30),
    st.floats(0.01, 1e4),
)
def test_due_times_are_offsets_over_speed(times: list[float], speed: float) -> None:
    """Never before the start; a time that is unknown is now."""
    got = due(np.array(times, float), 0.0, 7, speed=speed, rate=None)
    expected = [0.0 if math.isnan(t) else max(0.0, t / speed) for t in times]
    assert got.tolist() == pytest.approx(expected)
    assert due(np.array(times, float), 0.0, 7, speed=None, rate=None).tolist() == [0.0] * len(times)


def test_everything_but_the_topic_passes_unchanged() -> None:
    """Value, key, headers and timestamp are those that came."""
    clock = FakeClock()
    sink = Recorder(clock)
    packet = Packet(alert(START), "x", 0, 0, 1.5, b"key", (("h", b"v"), ("h", b"w")))
    source = Ended([packet])
    copy(source, sink, rename=nightly_topic, clock=clock)
    assert sink.packets == [packet._replace(topic="ztf_20181129_programid1")]
    source.seek(BEGINNING)
    copy(source, sink, clock=clock)
    assert sink.packets[1] == packet._replace(topic="memory")


def test_topics_follow_night_and_programme() -> None:
    """By the UTC date; a packet that is no alert goes where the one before it went."""
    clock = FakeClock()
    sink = Recorder(clock)
    values = [alert(2458451.4999), alert(2458451.5001, programid=2), b"junk", alert(START)]
    copy(Ended(values), sink, rename=nightly_topic, clock=clock)
    assert [packet.topic for packet in sink.packets] == [
        "ztf_20181128_programid1",
        "ztf_20181129_programid2",
        "ztf_20181129_programid2",
        "ztf_20181129_programid1",
    ]


def test_a_limit_takes_no_more_from_the_source() -> None:
    """What was not copied can still be read."""
    clock = FakeClock()
    source = Ended([b"%d" % n for n in range(1_000)])
    sink = Recorder(clock)
    assert copy(source, sink, limit=501, clock=clock).sent == 501
    assert source.poll(0, 1)[0].value == b"501"
    assert copy(source, sink, limit=0, clock=clock).sent == 0


def test_an_interruption_flushes_what_was_sent_and_says_so() -> None:
    """The report counts exactly what the sink took."""
    clock = FakeClock(interrupt_after=1050)
    sink = Recorder(clock)
    report = copy(night([0, 10, 40, 80, 90]), sink, speed=1, clock=clock)
    assert report.interrupted
    assert (report.sent, sink.flushed, len(sink.packets)) == (3, 3, 3)
    assert "interrupted" in str(report)


def test_every_packet_is_sent_or_failed() -> None:
    """A refused packet does not keep back the next; the reason is told."""
    clock = FakeClock()
    sink = Recorder(clock, refuses=lambda packet: packet.offset % 4 == 1)
    report = copy(Ended([b"x"] * 1_001), sink, clock=clock)
    assert (report.sent, report.failed) == (751, 250)
    assert report.errors[0] == "refused 1"
    assert len(report.errors) == relay.MAX_FAILURES
    assert "250 failed (refused 1)" in str(report)


def test_a_sink_that_refuses_everything_ends_the_copy() -> None:
    """After a few packets, with its own words, and flushed."""
    clock = FakeClock()
    sink = Recorder(clock, refuses=lambda packet: packet.offset >= 100)
    with pytest.raises(SourceError, match="refused 109"):
        copy(Ended([b"x"] * 1_000), sink, clock=clock)
    assert sink.flushed == 100


def test_what_is_not_confirmed_is_an_error() -> None:
    """A flush that fails is not hidden in a report."""

    class Unsure(Recorder):
        def flush(self) -> None:
            raise DeliveryError("1 of 3 confirmed")

    clock = FakeClock()
    with pytest.raises(DeliveryError, match="1 of 3"):
        copy(Ended([b"x"] * 3), Unsure(clock), clock=clock)


def test_a_live_source_ends_when_caught_up_unless_followed() -> None:
    """`follow` waits for more, until interrupted."""
    clock = FakeClock()
    assert copy(Memory([b"x"] * 3), Recorder(clock), clock=clock).sent == 3

    class Slow(Memory):
        polls = 0

        def poll(self, timeout: float, limit: int) -> Sequence[Packet]:
            self.polls += 1
            if self.polls == 3:
                self.send(Packet(b"late"))
            if self.polls > 5:
                raise KeyboardInterrupt
            return super().poll(min(timeout, 0.01), limit)

    report = copy(Slow([b"x"] * 3), Recorder(clock), follow=True, clock=clock)
    assert (report.sent, report.interrupted) == (4, True)


def test_a_source_that_failed_for_good_is_an_error() -> None:
    """In its own words."""

    class Broken(Memory):
        def status(self) -> SourceStatus:
            return SourceStatus(failed=True, error="wrong password")

    with pytest.raises(SourceError, match="memory: wrong password"):
        copy(Broken(), Recorder(FakeClock()))


@pytest.mark.parametrize(
    "pace", [{"speed": 0}, {"rate": -1}, {"speed": math.inf}, {"rate": math.nan}]
)
def test_a_pace_that_is_none_is_refused(pace: dict[str, float]) -> None:
    """With what was expected."""
    with pytest.raises(ConfigError, match="expected a positive number"):
        copy(Memory(), Memory(), **pace)  # type: ignore[arg-type] # one of two floats


def test_speed_and_rate_exclude_each_other() -> None:
    """Only one pace at a time."""
    with pytest.raises(ConfigError, match="not both"):
        copy(Memory(), Memory(), speed=1, rate=1)


@needs_real_packets
def test_a_real_night_passes_byte_for_byte() -> None:
    """Into the topic of its night; two exposures lie 40 seconds apart."""
    clock = FakeClock()
    values = [path.read_bytes() for path in real_files("night-20181128/*.avro")]
    sink = Recorder(clock)
    report = copy(Ended(values), sink, speed=1, rename=nightly_topic, clock=clock)
    assert report.sent == len(values)
    assert [packet.value for packet in sink.packets] == values
    assert {packet.topic for packet in sink.packets} == {"ztf_20181129_programid1"}
    assert report.seconds == pytest.approx(40, abs=0.1)
