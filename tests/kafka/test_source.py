"""`KafkaSource` on real Apache Kafka."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable

import pytest
from confluent_kafka import OFFSET_INVALID, TopicPartition
from confluent_kafka.admin import AdminClient
from reading import drain, poll_until
from standins import committed

from ztfnb.broker.real import RealBroker
from ztfnb.errors import NotHeldError
from ztfnb.kafka import KafkaSource
from ztfnb.nightly import NightlyTopics
from ztfnb.source import BEGINNING, END, Coordinates, Gap, Packet, parse_start

pytestmark = pytest.mark.kafka

Fill = Callable[..., list[Packet]]


def values(packets: Iterable[Packet]) -> list[bytes]:
    return sorted(packet.value for packet in packets)


def bare(packet: Packet) -> Packet:
    """The packet without what the broker gave it."""
    return packet._replace(partition=0, offset=0)


def test_every_partition_is_read_exactly(bootstrap: str, topic: str, fill: Fill) -> None:
    """All 16 partitions are read, and bytes, keys, headers and times are those that were sent."""
    sent = fill(topic, 400)
    source = KafkaSource(bootstrap, topic, start=BEGINNING)
    got = drain(source)
    source.close()
    assert sorted(map(bare, got)) == sorted(map(bare, sent))
    assert {packet.partition for packet in got} == set(range(16))
    for partition in range(16):
        offsets = [packet.offset for packet in got if packet.partition == partition]
        assert offsets == list(range(len(offsets)))


def test_start_at_the_end_reads_only_what_comes(bootstrap: str, topic: str, fill: Fill) -> None:
    """Reading from the end passes over what was there, and misses nothing that follows."""
    fill(topic, 50)
    source = KafkaSource(bootstrap, topic, start=END)
    assert drain(source) == []
    new = fill(topic, 30, first=50)
    got = poll_until(source, lambda packets: len(packets) >= 30)
    source.close()
    assert values(got) == values(new)


def test_start_at_a_time(bootstrap: str, topic: str, fill: Fill) -> None:
    """Reading from a time begins with the first packet of that time, in every partition."""
    sent = fill(topic, 200, at=1.5e9)
    source = KafkaSource(bootstrap, topic, start=parse_start(1.5e9 + 120))
    got = drain(source)
    source.close()
    assert values(got) == values(sent[120:])


def test_start_after_everything_waits_for_what_comes(
    bootstrap: str, topic: str, fill: Fill
) -> None:
    """A time later than every packet means the end."""
    fill(topic, 40, at=1.5e9)
    source = KafkaSource(bootstrap, topic, start=parse_start(1.6e9))
    assert drain(source) == []
    new = fill(topic, 5, first=40)
    got = poll_until(source, lambda packets: len(packets) >= 5)
    source.close()
    assert values(got) == values(new)


def test_start_at_offsets(bootstrap: str, topic: str, fill: Fill) -> None:
    """Offsets hold for the partitions that they name; the others are read from their beginning."""
    fill(topic, 200)
    source = KafkaSource(bootstrap, topic, start=parse_start({3: 2, 5: 4}))
    got = drain(source)
    source.close()
    firsts: dict[int, int] = {}
    for packet in got:
        firsts.setdefault(packet.partition, packet.offset)
    assert firsts == {partition: {3: 2, 5: 4}.get(partition, 0) for partition in range(16)}
    assert source_gaps(source) == ()


def source_gaps(source: KafkaSource) -> tuple[Gap, ...]:
    return source._gaps


def test_a_start_that_is_reached_meanwhile_is_kept(bootstrap: str, topic: str, fill: Fill) -> None:
    """What was beyond the end a moment ago is read from where it was asked for, nothing skipped."""
    sent = fill(topic, 300)
    source = KafkaSource(bootstrap, topic, start=parse_start(dict.fromkeys(range(16), 3)))
    source._consumer = source._open()
    source._refresh(60.0)
    source._broken |= source._places.keys()
    source._patience = 60.0
    source._repair()
    got = drain(source)
    source.close()
    assert len(got) == len(sent) - 3 * 16


def test_rewind_by_time_on_a_running_source(bootstrap: str, topic: str, fill: Fill) -> None:
    """A source that reached the end goes back to a time and reads from there again, and on."""
    sent = fill(topic, 300, at=1.5e9)
    source = KafkaSource(bootstrap, topic, start=BEGINNING)
    assert len(drain(source)) == 300
    source.seek(parse_start(1.5e9 + 250))
    assert not source.status().caught_up
    assert values(drain(source)) == values(sent[250:])
    new = fill(topic, 10, first=300)
    got = poll_until(source, lambda packets: len(packets) >= 10)
    source.close()
    assert values(got) == values(new)


def test_lag_counts_what_waits(bootstrap: str, topic: str, fill: Fill) -> None:
    """The lag is what lies between the position and the end."""
    fill(topic, 120)
    source = KafkaSource(bootstrap, topic, start=BEGINNING)
    read = 0
    while source.status().lag is None:  # partitions tell their ends one after the other
        source._next_lag = 0.0
        read += len(source.poll(0.1, 1))
    assert read < 120
    assert source.status().lag == 120 - read
    drain(source)
    assert source.status().lag == 0
    source.close()


def test_partitions_tell_how_far_they_are_read(bootstrap: str, topic: str, fill: Fill) -> None:
    """Position, lag and time of every partition agree with what was read and what waits."""
    sent = fill(topic, 200, at=1.5e9)
    source = KafkaSource(bootstrap, topic, start=BEGINNING)
    assert source.status().partitions == ()
    got = drain(source)
    counts = Counter(packet.partition for packet in got)
    newest = {packet.partition: packet.timestamp for packet in got}
    partitions = source.status().partitions
    assert [one.partition for one in partitions] == list(range(16))
    assert {one.topic for one in partitions} == {topic}
    for one in partitions:
        assert (one.position, one.lag) == (counts[one.partition], 0)
        assert one.timestamp == newest[one.partition]
    assert sum(one.position for one in partitions) == len(sent)

    fill(topic, 50, first=200)
    source.seek(parse_start(dict.fromkeys(range(16), 2)))
    poll_until(source, lambda packets: len(packets) >= 1)
    source._next_lag = 0.0
    source.poll(0.0, 1)
    status = source.status()
    lags = [one.lag for one in status.partitions]
    assert None not in lags
    assert status.lag == sum(lag or 0 for lag in lags)
    drain(source)
    assert sum(one.position for one in source.status().partitions) == 250
    source.close()


def test_nights_roll_over_at_midnight(bootstrap: str, fill: Fill) -> None:
    """The next night's topic is read from its beginning, and an old one is left once read."""
    template = f"ztf_{{date}}_roll{time.time_ns()}"
    nights = NightlyTopics(nights=2, template=template)
    midnight = 1543363200.0  # 2018-11-28, 0 h UTC
    now = [midnight - 60]
    before, first, second = (template.format(date=d) for d in ("20181126", "20181127", "20181128"))
    old = fill(before, 20)
    source = KafkaSource(bootstrap, nights, start=BEGINNING, refresh=0.2, clock=lambda: now[0])
    got = drain(source)
    assert source.status().topics == (before,)
    got += poll_until(source, lambda _: source.status().caught_up)
    tonight = fill(first, 30)
    got += poll_until(source, lambda packets: len(packets) >= 30)
    assert values(got) == values(old + tonight)
    now[0] = midnight + 60
    poll_until(source, lambda _: source.status().topics == (first,))
    late = fill(first, 5, first=30)
    new = fill(second, 40)
    got = poll_until(source, lambda packets: len(packets) >= 45)
    assert values(got) == values(late + new)
    assert set(source.status().topics) == {first, second}
    poll_until(source, lambda _: source.status().error == "")
    source.close()


def test_a_window_without_topics_waits(bootstrap: str) -> None:
    """Nights that have no topic yet are no failure: the source says so and waits."""
    nights = NightlyTopics(template=f"ztf_{{date}}_none{time.time_ns()}")
    source = KafkaSource(bootstrap, nights, clock=lambda: 1543363200.0)
    drain(source)
    status = source.status()
    source.close()
    assert status.connected
    assert not status.failed
    assert "none of the topics" in status.error


def test_s07_expired_offsets_are_reported(bootstrap: str, topic: str, fill: Fill) -> None:
    """What expired under a reader is a gap of exactly that size, and reading goes on behind it."""
    fill(topic, 300)
    source = KafkaSource(bootstrap, topic, start=BEGINNING)
    drain(source)
    admin = AdminClient({"bootstrap.servers": bootstrap})
    places = [TopicPartition(topic, 2, 7), TopicPartition(topic, 9, 4)]
    for future in admin.delete_records(places).values():
        future.result()
    source.seek(parse_start(dict.fromkeys(range(16), 1)))
    got = drain(source)
    gaps = source.status().gaps
    assert sorted(gaps, key=lambda gap: gap.partition) == [Gap(topic, 2, 1, 6), Gap(topic, 9, 1, 3)]
    assert len(got) + sum(gap.size for gap in gaps) == 300 - 16
    assert min(packet.offset for packet in got if packet.partition == 2) == 7
    source.close()


def test_s11_broker_gone_and_back(real_kafka: RealBroker, topic: str, fill: Fill) -> None:
    """A broker that goes shows; when it is back, so is the source, and lost nothing."""
    bootstrap = real_kafka.start().bootstrap
    sent = fill(topic, 200)
    source = KafkaSource(bootstrap, topic, start=BEGINNING)
    got = drain(source)
    real_kafka.stop(force=True)
    poll_until(source, lambda _: not source.status().connected)
    poll_until(source, lambda _: "nothing listens" in source.status().error)
    assert not source.status().failed
    assert real_kafka.start().bootstrap == bootstrap
    poll_until(source, lambda _: source.status().connected)
    sent += fill(topic, 100, first=200)
    got += poll_until(source, lambda packets: len(packets) >= 100)
    poll_until(source, lambda _: source.status().caught_up and not source.status().error)
    source.close()
    assert values(got) == values(sent)
    assert source_gaps(source) == ()


def test_nothing_is_committed(bootstrap: str, topic: str, fill: Fill) -> None:
    """Reading leaves no group and no committed offset on the broker."""
    fill(topic, 50)
    source = KafkaSource(bootstrap, topic, start=BEGINNING)
    drain(source)
    source.fetch(Coordinates(topic, 0, 0))
    admin = AdminClient({"bootstrap.servers": bootstrap})
    assert "ztfnb-reader" not in {g.group_id for g in admin.list_consumer_groups().result().valid}
    source.close()
    assert "ztfnb-reader" not in {g.group_id for g in admin.list_consumer_groups().result().valid}
    assert committed(bootstrap, "ztfnb-reader", topic, 16) == [OFFSET_INVALID] * 16


def test_fetch_by_coordinates(bootstrap: str, topic: str, fill: Fill) -> None:
    """Any packet is fetched exactly by its coordinates, and the reading position stays."""
    fill(topic, 200)
    source = KafkaSource(bootstrap, topic, start=BEGINNING)
    got = drain(source)
    for packet in got[::17]:
        assert source.fetch(packet.coordinates) == packet
    new = fill(topic, 20, first=200)
    assert values(poll_until(source, lambda packets: len(packets) >= 20)) == values(new)
    source.close()


def test_fetch_of_what_is_not_held(bootstrap: str, topic: str, fill: Fill) -> None:
    """Packets that expired, are still to come, or lie where there is nothing are not held."""
    fill(topic, 100)
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.delete_records([TopicPartition(topic, 1, 2)])[TopicPartition(topic, 1, 2)].result()
    source = KafkaSource(bootstrap, topic, start=BEGINNING)
    for at in (
        Coordinates(topic, 1, 1),
        Coordinates(topic, 1, 10_000),
        Coordinates(topic, 16, 0),
        Coordinates("no-such-topic", 0, 0),
    ):
        with pytest.raises(NotHeldError, match="does not hold"):
            source.fetch(at)
    assert source.fetch(Coordinates(topic, 1, 2)).offset == 2
    source.close()


@pytest.mark.parametrize("step", [1, 7, 150])
def test_many_are_fetched_by_coordinates(bootstrap: str, topic: str, fill: Fill, step: int) -> None:
    """Side by side or far apart, in any order, each exactly and once; others are told."""
    fill(topic, 4_000)
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.delete_records([TopicPartition(topic, 1, 2)])[TopicPartition(topic, 1, 2)].result()
    source = KafkaSource(bootstrap, topic, start=BEGINNING)
    got = drain(source)[::step]
    random.Random(step).shuffle(got)
    gone = [
        Coordinates(topic, 1, 0),
        Coordinates(topic, 1, 1),
        Coordinates(topic, 1, 10_000),
        Coordinates(topic, 16, 0),
        Coordinates("no-such-topic", 0, 0),
    ]
    found = list(source.fetch_many([*gone, *(packet.coordinates for packet in [*got, *got[:9]])]))
    held = dict(found)
    assert len(held) == len(found) == len(got) + len(gone)
    for at in gone:
        assert isinstance(held.pop(at), NotHeldError)
    assert held == {packet.coordinates: packet for packet in got}
    new = fill(topic, 20, first=4_000)
    assert values(poll_until(source, lambda packets: len(packets) >= 20)) == values(new)
    source.close()


def test_a_topic_made_anew_is_read_from_its_beginning(
    bootstrap: str, topic: str, fill: Fill
) -> None:
    """A topic that was deleted and created again is read from its beginning, nothing skipped."""
    fill(topic, 200)
    source = KafkaSource(bootstrap, topic, start=BEGINNING, refresh=0.5)
    drain(source)
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.delete_topics([topic])[topic].result()
    poll_until(source, lambda _: source.status().trouble == "unknown")
    assert not source.status().failed
    new = fill(topic, 40, first=1000)
    got = poll_until(source, lambda packets: len(packets) >= 40)
    source.close()
    assert values(got) == values(new)


def test_a_limit_of_nothing_holds_the_position(bootstrap: str, topic: str, fill: Fill) -> None:
    """While nothing is to be read, nothing is; afterwards nothing is missing or repeated."""
    sent = fill(topic, 300)
    source = KafkaSource(bootstrap, topic, start=BEGINNING)
    got = poll_until(source, lambda packets: len(packets) >= 1)
    got += source.poll(1.0, 20)
    for _ in range(10):
        assert list(source.poll(0.05, 0)) == []
    assert source.status().connected
    sent += fill(topic, 100, first=300)
    for _ in range(10):
        assert list(source.poll(0.05, 0)) == []
    got += drain(source)
    assert values(got) == values(sent)
    source.poll(0.05, 0)
    source.seek(BEGINNING)
    assert list(source.poll(0.05, 0)) == []
    assert len(drain(source)) == 400
    source.close()


def test_after_a_hold_it_is_not_caught_up_before_it_has_looked(
    bootstrap: str, topic: str, fill: Fill
) -> None:
    """What came while nothing was to be read waits: the end that was reached before is none."""
    fill(topic, 40)
    source = KafkaSource(bootstrap, topic, start=BEGINNING)
    drain(source)
    source.poll(0.0, 0)
    new = fill(topic, 20, first=40)
    got = list(source.poll(0.0, 1))
    assert not source.status().caught_up
    got += drain(source)
    source.close()
    assert values(got) == values(new)
