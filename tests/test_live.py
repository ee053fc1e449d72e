"""Streams over Kafka as a notebook opens them: cells run again, bursts, kernels that die."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence

import psutil
import pytest
from made import made_packet

import ztfnb
from ztfnb.alert import Alert
from ztfnb.broker.embedded import EmbeddedBroker
from ztfnb.container import write_long
from ztfnb.errors import SourceError
from ztfnb.kafka import KafkaSink, KafkaSource
from ztfnb.source import (
    BEGINNING,
    Coordinates,
    Found,
    Memory,
    Packet,
    SourceStatus,
    Start,
    fetch_each,
)
from ztfnb.stream import Stream

TOPIC = "ztf_20260115_programid1"


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker([TOPIC]) as embedded:
        yield embedded


def produce(broker: EmbeddedBroker, packets: Sequence[bytes]) -> None:
    sink = KafkaSink(broker.bootstrap, topic=TOPIC)
    for number, packet in enumerate(packets):
        sink.send(Packet(packet, key=str(number).encode()))
    sink.close()


def process_counts() -> tuple[int, int]:
    process = psutil.Process()
    return process.num_threads(), process.num_fds()


def test_alerts_arrive_through_kafka_and_can_be_fetched_again(
    broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is produced is held; an alert whose bytes are gone comes back from the broker."""
    monkeypatch.setattr("ztfnb.store.MAX_PACKETS", 1)
    produce(broker, [made_packet(candid) for candid in range(1, 51)])
    with ztfnb.connect(f"kafka://{broker.bootstrap}/{TOPIC}", start="beginning") as live:
        live.wait("caught up")
        assert sorted(live.select()) == list(range(1, 51))
        assert [live[candid].candid for candid in (1, 25, 50)] == [1, 25, 50]
        assert all(isinstance(alert, Alert) for alert in live.alerts("magpsf < 19"))


def test_s18_a_cell_run_20_times_leaves_one_consumer(broker: EmbeddedBroker) -> None:
    """Threads and descriptors stay as they were, and each run sees its alerts."""
    produce(broker, [made_packet(candid) for candid in range(1, 11)])
    address = f"kafka://{broker.bootstrap}/{TOPIC}"
    streams = []
    counts = []
    for _ in range(20):
        streams.append(ztfnb.connect(address, start="beginning").wait(alerts=10))
        counts.append(process_counts())

    def left_over() -> bool:
        # A client's own threads and sockets come up, and end, a moment apart: some more than with
        # the second are no leak, which would be one of each of those 18 that came after it.
        more = (now - then for now, then in zip(process_counts(), counts[1], strict=True))
        return max(more) >= 9 or {stream.state for stream in streams[:-1]} != {"closed"}

    end = time.monotonic() + 60
    while left_over():
        assert time.monotonic() < end, f"{counts}, {process_counts()}, {streams}"
        time.sleep(0.05)
    streams[-1].stop()


def test_s16_and_s20_nothing_is_lost_in_a_burst(broker: EmbeddedBroker) -> None:
    """Alerts that arrive at once are all held, while the caller goes on asking."""
    with ztfnb.connect(f"kafka://{broker.bootstrap}/{TOPIC}", start="beginning") as live:
        packets = [made_packet(candid) for candid in range(1, 1001)]
        thread = threading.Thread(target=produce, args=(broker, packets))
        thread.start()
        written = False
        while not written:
            written = not thread.is_alive()
            stats = live.stats
            assert stats.received == stats.decoded
        thread.join()
        live.wait(alerts=1000)
        assert live.stats.failed == live.stats.lost == 0


class Flood:
    """A source that has the next batch of large packets whenever it is asked."""

    name = "flood"

    def __init__(self, total: int) -> None:
        stamp = bytes(range(256)) * 200
        base = ztfnb.encode(_with_stamp(stamp))
        # The candid in the packet's own encoding, which stays as long while it counts up.
        self._before = write_long(FIRST)
        self._base = base
        self.left = total

    def poll(self, timeout: float, limit: int) -> Sequence[Packet]:
        count = min(limit, self.left)
        batch = []
        for number in range(self.left - count, self.left):
            candid = write_long(FIRST + (number << 20))
            value = self._base.replace(self._before, candid)
            batch.append(Packet(value, "flood", 0, number, time.time()))
        self.left -= count
        if not batch:
            time.sleep(timeout)
        return batch

    def seek(self, start: Start) -> None:
        raise SourceError(f"a flood does not go to {start}")

    def fetch(self, at: Coordinates) -> Packet:
        raise SourceError(f"a flood does not come back to {at}")

    def fetch_many(self, places: Iterable[Coordinates]) -> Iterator[Found]:
        return fetch_each(self.fetch, places)

    def status(self) -> SourceStatus:
        return SourceStatus(lag=self.left, caught_up=self.left == 0)

    def close(self) -> None:
        self.left = 0


FIRST = 2_752_190_655_615_010_066


def _with_stamp(data: bytes) -> dict[str, object]:
    from made import made_alert  # noqa: PLC0415 - beside its only use

    stamp = {"fileName": "stamp.fits.gz", "stampData": data}
    return made_alert(FIRST, jd=2461055.75, fid=1, pid=1, ra=150.0) | {"cutoutScience": stamp}


def test_s20_a_burst_with_nobody_looking_stays_within_its_memory() -> None:
    """100,000 alerts of 70 kB while the page is frozen: each is held or counted, and no more
    than 200 MB of memory are added."""
    with Stream(Flood(2_000)) as warm:
        warm.wait("caught up")
    before = psutil.Process().memory_info().rss
    with Stream(Flood(100_000)) as live:
        live.wait("caught up", timeout=500)
        stats = live.stats
        grown = psutil.Process().memory_info().rss - before
        assert stats.received == 100_000
        assert stats.failed == 0
        assert stats.held + stats.evicted == 100_000
        assert grown < 200e6


KERNEL = """
import json, sys, time
import ztfnb
live = ztfnb.connect("demo").wait(alerts=1, timeout=200)
import psutil
print(json.dumps([child.pid for child in psutil.Process().children(recursive=True)]), flush=True)
sys.stdin.readline()
{ending}
"""


@pytest.mark.parametrize("ending", ["time.sleep(600)", "sys.exit()", "1 / 0"])
def test_s19_a_kernel_that_ends_leaves_no_orphan(ending: str) -> None:
    """Killed, ended or crashed: the demo's process goes with the kernel that started it."""
    with subprocess.Popen(
        [sys.executable, "-c", KERNEL.format(ending=ending)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as kernel:
        assert kernel.stdin is not None
        assert kernel.stdout is not None
        children = [psutil.Process(pid) for pid in json.loads(kernel.stdout.readline())]
        assert children
        kernel.stdin.close()  # they are known: it may end
        if "sleep" in ending:
            kernel.kill()
        kernel.wait(timeout=120)
    _gone, alive = psutil.wait_procs(children, timeout=120)
    assert alive == []


def test_the_demo_night_can_be_hurried_paused_and_rewound() -> None:
    """The demo is a stream like any other, whose speed can be set."""
    with ztfnb.connect("demo").wait(alerts=20) as live:
        live.speed = 50
        live.wait(alerts=200)
        # The broker keeps only the newest, and those are to be duplicates.
        live.speed = 5
        live.pause()
        live.wait("paused")
        received = live.stats.received
        time.sleep(0.5)
        assert live.stats.received == received
        live.resume()
        live.rewind(minutes=60)
        live.wait("caught up")
        assert live.stats.duplicates >= 100
        alert = live.latest(1)[0]
        assert ztfnb.cutout(alert, "science") is not None or alert["cutoutScience"] is None
        assert len(ztfnb.photometry(alert)) >= 1


def test_a_source_over_kafka_is_read_by_any_stream(broker: EmbeddedBroker) -> None:
    """`KafkaSource` and `Memory` have the same seam: a stream takes either."""
    produce(broker, [made_packet(1)])
    for source in (
        KafkaSource(broker.bootstrap, TOPIC, start=BEGINNING),
        Memory([made_packet(1)]),
    ):
        with Stream(source) as live:
            assert live.wait(alerts=1)[1].candid == 1
