"""The broker inside a process."""

from __future__ import annotations

import ctypes

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from ztfnb.broker import EmbeddedBroker, embedded
from ztfnb.errors import BrokerError, DeliveryError
from ztfnb.kafka import KafkaSink
from ztfnb.source import Packet


def watermarks(broker: EmbeddedBroker, topic: str, partition: int = 0) -> tuple[int, int]:
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "test"})
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=60)
        return low, high
    finally:
        consumer.close()


def write(broker: EmbeddedBroker, topic: str, number: int, size: int = 100) -> None:
    sink = KafkaSink(broker.bootstrap, topic=topic, partitions=None, keep_partitions=True)
    for _ in range(number):
        sink.send(Packet(bytes(size)))
    sink.close()


def test_topics_have_the_partitions_asked_for() -> None:
    """A topic has 16 partitions unless told otherwise."""
    with EmbeddedBroker(["a"]) as broker:
        broker.create_topic("b", partitions=3)
        consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "test"})
        topics = consumer.list_topics(timeout=60).topics
        consumer.close()
    assert {name: len(topic.partitions) for name, topic in topics.items()} == {"a": 16, "b": 3}


def test_a_topic_twice_is_an_error() -> None:
    """What the broker refuses is said, and a broker that was not finished is ended."""
    with pytest.raises(BrokerError, match=r"cannot create topic 'a': .*already exists"):
        EmbeddedBroker(["a", "a"])


def test_what_expired_is_gone() -> None:
    """Offsets below the mark are no longer held."""
    with EmbeddedBroker(["a"]) as broker:
        write(broker, "a", 30)
        broker.expire("a", 0, 12)
        assert watermarks(broker, "a") == (12, 30)


def test_no_more_than_5_mib_are_kept() -> None:
    """Older packets make room silently: the limit that the documentation states."""
    with EmbeddedBroker(["a"]) as broker:
        settings = {"compression.type": "none", "linger.ms": 0}
        sink = KafkaSink(broker.bootstrap, topic="a", keep_partitions=True, settings=settings)
        for _ in range(200):
            sink.send(Packet(bytes(66_000)))
            sink.flush()
        sink.close()
        low, high = watermarks(broker, "a")
    assert high == 200
    assert 4 << 20 < (high - low) * 66_000 <= 6 << 20


def test_it_goes_down_and_comes_up() -> None:
    """Down, nobody connects; up again, everything is still there."""
    with EmbeddedBroker(["a"]) as broker:
        write(broker, "a", 5)
        broker.set_down()
        consumer = Consumer(
            {"bootstrap.servers": broker.bootstrap, "group.id": "test", "log_level": 0}
        )
        with pytest.raises(KafkaException):
            consumer.list_topics(timeout=0.3)
        consumer.close()
        broker.set_up()
        assert watermarks(broker, "a") == (0, 5)


def test_errors_are_injected() -> None:
    """The next requests of a kind fail, and the ones after them do not."""
    with EmbeddedBroker(["a"]) as broker:
        broker.fail("produce", KafkaError.MSG_SIZE_TOO_LARGE)
        with pytest.raises(DeliveryError):
            write(broker, "a", 1)
        write(broker, "a", 1)
        assert watermarks(broker, "a") == (0, 1)


def test_it_says_what_it_is() -> None:
    """Its repr shows the address; closing twice does nothing."""
    broker = EmbeddedBroker()
    assert repr(broker) == f"EmbeddedBroker('{broker.bootstrap}')"
    broker.close()
    broker.close()


def test_a_client_without_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the client's library lacks the mock cluster, the error says what to install."""

    def missing(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(ctypes, "CDLL", missing)
    embedded._library.cache_clear()
    with pytest.raises(BrokerError, match="install its wheel"):
        EmbeddedBroker()
    monkeypatch.undo()
    EmbeddedBroker().close()
