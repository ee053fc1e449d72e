"""Packets, places to start from, and the source and sink in memory."""

from __future__ import annotations

import math
import threading
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ztfnb.errors import ConfigError, NotHeldError
from ztfnb.source import (
    BEGINNING,
    END,
    Coordinates,
    Gap,
    Memory,
    Packet,
    PartitionStatus,
    Sink,
    Source,
    Start,
    parse_start,
)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("beginning", BEGINNING),
        ("earliest", BEGINNING),
        ("latest", END),
        ("end", END),
        ("2018-11-28T05:00", Start("time", time=1543381200.0)),
        ("2018-11-28T05:00:00+00:00", Start("time", time=1543381200.0)),
        (datetime(2018, 11, 28, 5, tzinfo=UTC), Start("time", time=1543381200.0)),
        (
            datetime(2018, 11, 27, 21, tzinfo=timezone(timedelta(hours=-8))),
            Start("time", time=1543381200.0),
        ),
        (1543381200, Start("time", time=1543381200.0)),
        ({0: 5, 3: 7}, Start("offsets", offsets={0: 5, 3: 7})),
        (BEGINNING, BEGINNING),
    ],
)
def test_a_start_is_read_as_people_write_it(written: object, meant: Start) -> None:
    """Words, times with and without a zone (UTC then), and offsets are all understood."""
    assert parse_start(written) == meant  # type: ignore[arg-type]


@pytest.mark.parametrize("written", ["yesterday", "", {0: -1}, {-1: 3}, None, True, [1]])
def test_a_start_that_means_nothing_is_refused(written: object) -> None:
    """The error says what would be understood, and what came."""
    with pytest.raises(ConfigError, match=r"^start: "):
        parse_start(written)  # type: ignore[arg-type]


def test_a_gap_counts_both_ends() -> None:
    """Offsets 10 to 29 are 20 alerts; the text says where."""
    gap = Gap("t", 3, 10, 29)
    assert gap.size == 20
    assert str(gap) == "gap: 20 alerts, t, partition 3, offsets 10-29"


def test_memory_is_a_source_and_a_sink() -> None:
    """Both seams fit it."""
    assert isinstance(Memory(), Source)
    assert isinstance(Memory(), Sink)


@given(st.lists(st.binary(max_size=5)), st.integers(1, 7))
def test_what_is_sent_comes_out_once_and_in_order(values: list[bytes], limit: int) -> None:
    """Polled in batches of any size, the packets are those sent, with offsets from 0."""
    memory = Memory(values)
    out: list[Packet] = []
    while batch := memory.poll(0.0, limit):
        assert len(batch) <= limit
        out.extend(batch)
    assert [packet.value for packet in out] == values
    assert [packet.offset for packet in out] == list(range(len(values)))
    assert memory.status().lag == 0
    assert memory.status().caught_up
    assert [memory.fetch(packet.coordinates) for packet in out] == out
    assert list(memory.fetch_many(packet.coordinates for packet in out)) == [
        (packet.coordinates, packet) for packet in out
    ]


def test_sending_keeps_key_headers_and_time() -> None:
    """Only topic, partition and offset are the memory's own."""
    memory = Memory(topic="here")
    memory.send(Packet(b"x", "there", 4, 99, 12.5, b"key", (("filter", b"young"),)))
    memory.send(Packet(b"y"))
    first, second = memory.poll(0.0, 10)
    assert first == Packet(b"x", "here", 0, 0, 12.5, b"key", (("filter", b"young"),))
    assert math.isclose(second.timestamp, time.time(), abs_tol=60)


def test_seeking_goes_to_beginning_end_time_and_offset() -> None:
    """Each way of starting leads to the packet that it names."""
    memory = Memory([Packet(bytes([i]), timestamp=100.0 + i) for i in range(10)])
    for start, first in (
        (BEGINNING, 0),
        (parse_start(104.0), 4),
        (parse_start(103.5), 4),
        (parse_start({0: 7}), 7),
    ):
        memory.seek(start)
        assert memory.poll(0.0, 1)[0].offset == first
    for start in (END, parse_start(200.0), parse_start({0: 99})):
        memory.seek(start)
        assert memory.poll(0.0, 1) == []


def test_a_poll_wakes_when_something_arrives() -> None:
    """Waiting ends with the arrival, not with the time-out."""
    memory = Memory()
    threading.Timer(0.05, memory.send, [Packet(b"x")]).start()
    assert memory.poll(30.0, 1)[0].value == b"x"


@pytest.mark.parametrize(
    "at", [Coordinates("memory", 0, 1), Coordinates("memory", 1, 0), Coordinates("other", 0, 0)]
)
def test_a_packet_that_is_not_there_is_not_held(at: Coordinates) -> None:
    """Fetching it says so."""
    with pytest.raises(NotHeldError, match="holds no packet"):
        Memory([b"x"]).fetch(at)
    ((place, error),) = Memory([b"x"]).fetch_many([at, at])
    assert place == at
    assert isinstance(error, NotHeldError)


def test_memory_tells_how_far_it_is_read() -> None:
    """Position, lag and time of the packet read last follow the reading."""
    source = Memory([Packet(b"a", timestamp=5.0), Packet(b"b", timestamp=6.0)], topic="t")
    (before,) = source.status().partitions
    assert (before.topic, before.partition, before.position, before.lag) == ("t", 0, 0, 2)
    assert math.isnan(before.timestamp)
    source.poll(0, 1)
    assert source.status().partitions == (PartitionStatus("t", 0, 1, 1, 5.0),)
