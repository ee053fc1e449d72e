"""`KafkaSink` on the embedded broker; `tests/kafka` has it on the real one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from confluent_kafka import KafkaError
from reading import drain

from ztfnb.broker import EmbeddedBroker
from ztfnb.errors import DeliveryError, SourceError
from ztfnb.kafka import KafkaSink, KafkaSource
from ztfnb.source import BEGINNING, Packet, Sink


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(["night"]) as broker:
        yield broker


def count(broker: EmbeddedBroker) -> int:
    source = KafkaSource(broker.bootstrap, "night", start=BEGINNING)
    packets = drain(source)
    source.close()
    return len(packets)


def test_it_is_a_sink(broker: EmbeddedBroker) -> None:
    """It fulfils the protocol, and is named by where it writes."""
    sink = KafkaSink(broker.bootstrap, topic="night")
    assert isinstance(sink, Sink)
    assert sink.name == f"{broker.bootstrap}/night"
    sink.close()


def test_passing_errors_lose_nothing(broker: EmbeddedBroker) -> None:
    """Errors that pass are retried until everything is written, once."""
    broker.fail("produce", KafkaError.NOT_LEADER_FOR_PARTITION, times=5)
    sink = KafkaSink(broker.bootstrap, topic="night")
    for number in range(100):
        sink.send(Packet(b"alert", key=str(number).encode()))
    sink.close()
    assert count(broker) == 100


def test_a_lasting_error_is_told(broker: EmbeddedBroker) -> None:
    """What the broker does not take is an error of the flush that says how much and why."""
    broker.fail("produce", KafkaError.MSG_SIZE_TOO_LARGE)
    settings = {"enable.idempotence": False}
    sink = KafkaSink(broker.bootstrap, topic="night", settings=settings)
    sink.send(Packet(b"alert"))
    with pytest.raises(DeliveryError, match=r"confirmed 0 of 1 packets: .*too large"):
        sink.flush()
    sink.send(Packet(b"alert"))
    sink.close()
    assert count(broker) == 1


def test_a_packet_needs_a_topic(broker: EmbeddedBroker) -> None:
    """A packet that names no topic, sent to a sink that has none, is an error."""
    sink = KafkaSink(broker.bootstrap)
    with pytest.raises(SourceError, match="names no topic"):
        sink.send(Packet(b"alert"))
    sink.close()
