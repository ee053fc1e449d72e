"""Streams of alerts on real Apache Kafka: what the notebook does, end to end."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence

import psutil
import pytest
from packets import needs_real_packets, real_files

import ztfnb
from ztfnb.broker.real import RealBroker
from ztfnb.container import iter_packets
from ztfnb.kafka import KafkaSink, KafkaSource
from ztfnb.nightly import NightlyTopics
from ztfnb.simulate import Survey
from ztfnb.source import BEGINNING, Packet
from ztfnb.stream import Stream

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def night() -> list[Packet]:
    """The first 300 packets of a simulated night."""
    return list(Survey(seed=3).packets("2026-01-15", limit=300))


def write(bootstrap: str, topic: str, packets: Sequence[Packet], *, at: float) -> None:
    """Write packets to a topic of 16 partitions, one second after another."""
    sink = KafkaSink(bootstrap, topic=topic)
    for number, packet in enumerate(packets):
        sink.send(packet._replace(timestamp=at + number, key=str(number).encode()))
    sink.close()


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


def test_a_night_in_16_partitions_is_held_and_comes_back(
    bootstrap: str, topic: str, night: list[Packet], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every alert of all partitions is held; old packets are fetched again, byte for byte."""
    monkeypatch.setattr("ztfnb.store.MAX_PACKETS", 20)
    write(bootstrap, topic, night, at=time.time() - 600)
    with ztfnb.connect(f"kafka://{bootstrap}/{topic}", start="beginning") as live:
        live.wait("caught up")
        assert live.stats.held == len(night)
        by_candid = {ztfnb.decode(packet.value).candid: packet.value for packet in night}
        assert set(live.select().tolist()) == set(by_candid)
        partitions = {live.store.coordinates(candid).partition for candid in by_candid}
        assert partitions == set(range(16))
        for candid in list(by_candid)[::37]:
            assert live[candid].raw == by_candid[candid]


def test_rewinding_by_time_reads_what_is_younger(
    bootstrap: str, topic: str, night: list[Packet]
) -> None:
    """Of packets one second apart, a rewind of 100.5 s reads the last 100 again."""
    write(bootstrap, topic, night, at=time.time() - len(night))
    with ztfnb.connect(f"kafka://{bootstrap}/{topic}", start="beginning") as live:
        live.wait("caught up")
        written = max(
            packet.timestamp
            for packet in (live.store.packet(int(candid)) for candid in live.select())
            if packet is not None
        )
        live.seek(written - 99.5)
        live.wait("caught up")
        assert live.stats.duplicates == 100
        assert live.stats.held == len(night)
        live.rewind(hours=1)
        live.wait("caught up")
        assert live.stats.duplicates == 100 + len(night)


def test_a_broker_restarted_under_a_running_stream_costs_nothing(
    real_kafka: RealBroker, bootstrap: str, topic: str, night: list[Packet]
) -> None:
    """s11: the stream says that it is disconnected, and reads on by itself when it can."""
    write(bootstrap, topic, night[:150], at=time.time())
    with ztfnb.connect(f"kafka://{bootstrap}/{topic}", start="beginning") as live:
        live.wait("caught up")
        real_kafka.stop()
        live.wait("disconnected", timeout=120)
        until(lambda: "127.0.0.1" in live.stats.last_error)
        real_kafka.start()
        write(bootstrap, topic, night[150:], at=time.time())
        live.wait(alerts=len(night), timeout=120)
        assert live.stats.lost == live.stats.failed == 0
        assert live.state in ("live", "caught up")


def test_a_cell_run_again_replaces_its_stream(
    bootstrap: str, topic: str, night: list[Packet]
) -> None:
    """s18: run 20 times, the cell leaves one consumer and no more threads than the first run."""
    write(bootstrap, topic, night[:20], at=time.time())
    address = f"kafka://{bootstrap}/{topic}"
    threads = []
    for _ in range(20):
        live = ztfnb.connect(address, start="beginning").wait(alerts=20)
        threads.append(psutil.Process().num_threads())
    # A client's own threads come up, and end, a moment apart.
    until(lambda: psutil.Process().num_threads() <= threads[1] + 2)
    live.stop()


def test_two_nights_follow_each_other(bootstrap: str, night: list[Packet]) -> None:
    """At midnight the next night's topic is read from its beginning, without being asked."""
    template = f"ztf_{{date}}_roll{time.time_ns()}"
    clock = [1_768_521_000.0]  # 2026-01-15 23:50 UTC
    write(bootstrap, template.format(date="20260115"), night[:100], at=clock[0])
    source = KafkaSource(
        bootstrap,
        NightlyTopics(nights=2, template=template),
        start=BEGINNING,
        refresh=0.2,
        clock=lambda: clock[0],
    )
    with Stream(source) as live:
        live.wait(alerts=100)
        clock[0] += 1200.0
        write(bootstrap, template.format(date="20260116"), night[100:200], at=clock[0])
        live.wait(alerts=200)
        assert live.stats.topics == tuple(
            template.format(date=date) for date in ("20260115", "20260116")
        )
        assert live.stats.lost == 0


@needs_real_packets
def test_real_packets_of_every_schema_arrive_in_one_stream(bootstrap: str, topic: str) -> None:
    """Real alerts of schemas 1.8 to 4.02, mixed, are decoded, held and browsed as they are."""
    values = {
        ztfnb.decode(value).candid: value
        for pattern in ("v1.8/*", "v3.3/*", "v4.0*/*", "night-20181128/*", "multi-record/*")
        for path in real_files(f"{pattern}.avro")
        for value in iter_packets(io.BytesIO(path.read_bytes()))
    }
    assert len(values) > 500
    now = time.time()
    write(bootstrap, topic, [Packet(value) for value in values.values()], at=now)
    with ztfnb.connect(f"kafka://{bootstrap}/{topic}", start="beginning") as live:
        live.wait("caught up")
        assert live.stats.failed == 0
        assert set(live.select().tolist()) == set(values)
        good = {
            candid
            for candid, value in values.items()
            if (core := ztfnb.decode(value).candidate)["rb"] is not None
            and core["rb"] > 0.65
            and core["magpsf"] < 19
        }
        assert len(good) > 20
        assert set(live.select("rb > 0.65 and magpsf < 19").tolist()) == good
        for candid in sorted(good)[:20]:
            assert live[candid].raw == values[candid]
            assert len(ztfnb.photometry(live[candid])) >= 1
