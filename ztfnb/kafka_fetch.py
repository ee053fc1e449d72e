"""One packet at a time, by its coordinates."""

from __future__ import annotations

import threading
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from ztfnb.errors import NotHeldError, SourceError, StreamClosedError
from ztfnb.kafka_client import let_go, open_client, packet_from
from ztfnb.kafka_config import Properties
from ztfnb.source import Coordinates, Packet

NOT_HELD = {
    KafkaError._PARTITION_EOF,  # noqa: SLF001 - the client's own names for public codes
    KafkaError._AUTO_OFFSET_RESET,  # noqa: SLF001
    KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001
    KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
    KafkaError.OFFSET_OUT_OF_RANGE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
}
"""What the client reports where there is no such packet."""
# One packet is wanted, so little is asked for and nothing is waited for.
_SMALL = {
    "fetch.wait.max.ms": 10,
    "fetch.max.bytes": 1_048_576,
    "fetch.message.max.bytes": 131_072,
    "queued.min.messages": 1,
    "queued.max.messages.kbytes": 1_024,
}


class Fetcher:
    """A client of its own for single packets, connected at the first one.

    Any thread may call; each call waits for the one before it.
    """

    def __init__(self, properties: Properties, *, servers: str, timeout: float = 10.0) -> None:
        self._properties = Properties({**properties, **_SMALL})
        self._servers = servers
        self._timeout = timeout
        self._lock = threading.Lock()
        self._consumer: Consumer | None = None
        self._closed = False
        self._partitions: dict[str, frozenset[int]] = {}

    def fetch(self, at: Coordinates) -> Packet:
        """Return the packet at these coordinates.

        Raises
        ------
        NotHeldError
            If the broker does not hold it (any longer).
        SourceError
            If the broker does not answer in time.
        """
        with self._lock:
            if self._closed:
                raise StreamClosedError(f"{self._servers} is closed; open it again")
            if self._consumer is None:
                self._consumer = open_client(Consumer, self._properties)
            try:
                self._check_there(self._consumer, at)
                self._consumer.assign([TopicPartition(at.topic, at.partition, at.offset)])
                packet = self._wait(self._consumer, at)
                self._consumer.unassign()
            except KafkaException as error:
                reason = self._properties.scrub(error.args[0].str())
                raise SourceError(f"{named(at)} cannot be fetched: {reason}") from None
        return packet

    def close(self) -> None:
        """Let the connection go; a second call does nothing."""
        with self._lock:
            self._closed = True
            if self._consumer is not None:
                self._consumer.close()
                let_go(self._consumer)
                self._consumer = None

    def _check_there(self, consumer: Consumer, at: Coordinates) -> None:
        """Refuse what does not exist, for which the client would wait in vain."""
        if at.partition not in self._partitions.get(at.topic, ()):
            listed = consumer.list_topics(at.topic, timeout=self._timeout).topics[at.topic]
            self._partitions[at.topic] = frozenset(listed.partitions)
            if at.partition not in listed.partitions:
                raise NotHeldError(f"{self._servers} does not hold {named(at)}")

    def _wait(self, consumer: Consumer, at: Coordinates) -> Packet:
        deadline = time.monotonic() + self._timeout
        reason = "no answer"
        while (left := deadline - time.monotonic()) > 0:
            message = consumer.poll(left)
            if message is None or message.topic() not in (None, at.topic):
                continue
            error = message.error()
            if error is None and message.partition() == at.partition:
                if message.offset() == at.offset:
                    return packet_from(message)
                raise NotHeldError(f"{self._servers} no longer holds {named(at)}")
            if error is not None and error.code() in NOT_HELD:
                raise NotHeldError(f"{self._servers} does not hold {named(at)}")
            if error is not None:
                reason = self._properties.scrub(error.str())
        raise SourceError(
            f"{self._servers} did not send {named(at)} within {self._timeout:g} s: {reason}"
        )


def named(at: Coordinates) -> str:
    """Return a place in words."""
    return f"the packet at {at.topic}, partition {at.partition}, offset {at.offset}"
