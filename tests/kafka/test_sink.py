"""`KafkaSink` on real Apache Kafka."""

from __future__ import annotations

import math
import time

import pytest
from confluent_kafka.admin import AdminClient
from reading import drain

from ztfnb.errors import DeliveryError, SourceError, StreamClosedError
from ztfnb.kafka import KafkaSink, KafkaSource, create_topics
from ztfnb.source import BEGINNING, Packet

pytestmark = pytest.mark.kafka


def read(bootstrap: str, topic: str) -> list[Packet]:
    source = KafkaSource(bootstrap, topic, start=BEGINNING)
    packets = drain(source)
    source.close()
    return packets


def test_create_topics_leaves_what_is_there(bootstrap: str, topic: str) -> None:
    """A topic gets as many partitions as asked for; creating it again changes nothing."""
    create_topics(bootstrap, [topic], partitions=3)
    create_topics(bootstrap, [topic], partitions=8)
    listed = AdminClient({"bootstrap.servers": bootstrap}).list_topics(topic, timeout=60)
    assert len(listed.topics[topic].partitions) == 3


def test_a_topic_that_kafka_refuses_is_told(bootstrap: str) -> None:
    """A name that Kafka does not allow is an error that says so."""
    with pytest.raises(SourceError, match="does not create topic no spaces"):
        create_topics(bootstrap, ["no spaces"])


def test_times_can_be_those_of_writing(bootstrap: str, topic: str) -> None:
    """Unless a packet keeps its time, or if it has none, it gets that of its writing."""
    before = time.time() - 1
    for keep, stamp in ((False, 1e9), (True, math.nan)):
        sink = KafkaSink(bootstrap, topic=topic, keep_timestamps=keep)
        sink.send(Packet(b"alert", timestamp=stamp))
        sink.close()
    assert all(packet.timestamp >= before for packet in read(bootstrap, topic))


def test_partitions_can_be_kept(bootstrap: str, topic: str) -> None:
    """A mirror writes each packet to the partition that it names."""
    sink = KafkaSink(bootstrap, topic=topic, keep_partitions=True)
    for partition in range(16):
        sink.send(Packet(b"alert %d" % partition, partition=partition, key=b"the same"))
    sink.close()
    got = {packet.partition: packet.value for packet in read(bootstrap, topic)}
    assert got == {partition: b"alert %d" % partition for partition in range(16)}


def test_more_than_the_queue_holds_waits(bootstrap: str, topic: str) -> None:
    """Sending more than the client's queue holds waits, and loses nothing."""
    sink = KafkaSink(bootstrap, topic=topic, settings={"queue.buffering.max.messages": 10})
    for number in range(500):
        sink.send(Packet(b"alert %d" % number, key=str(number).encode()))
    sink.close()
    got = sorted(int(packet.value.split()[1]) for packet in read(bootstrap, topic))
    assert got == list(range(500))


def test_a_packet_too_large_is_refused(bootstrap: str, topic: str) -> None:
    """A packet larger than a message may be is an error at once; the others are written."""
    sink = KafkaSink(bootstrap, topic=topic)
    sink.send(Packet(b"before"))
    with pytest.raises(SourceError, match="does not take a packet"):
        sink.send(Packet(bytes(2_000_000)))
    sink.send(Packet(b"after"))
    sink.close()
    assert sorted(packet.value for packet in read(bootstrap, topic)) == [b"after", b"before"]


def test_what_is_not_confirmed_is_an_error(bootstrap: str, topic: str) -> None:
    """A flush says how many packets were not confirmed, and why; the next one starts anew."""
    create_topics(bootstrap, [topic])
    settings = {"topic.metadata.propagation.max.ms": 500}
    sink = KafkaSink(bootstrap, partitions=None, settings=settings)
    sink.send(Packet(b"alert", topic))
    sink.flush()
    for name in (topic, "never-created", topic):
        sink.send(Packet(b"alert", name))
    with pytest.raises(DeliveryError, match=r"confirmed 2 of 3 packets: .*nknown topic"):
        sink.flush()
    sink.send(Packet(b"alert", topic))
    sink.flush()
    sink.close()
    sink.close()
    with pytest.raises(StreamClosedError):
        sink.send(Packet(b"alert"))
