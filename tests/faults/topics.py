"""What stands in topics when all is over: what was lost, what came twice, what was committed."""

from __future__ import annotations

import itertools
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # lists no names
from faults.cluster import PATIENCE, until
from faults.small import FIRST, small_packet
from reading import drain

from ztfnb.kafka import KafkaSource
from ztfnb.source import BEGINNING, Packet

_OFFSETS = "__consumer_offsets"


class Feeder:
    """Writes small packets in a thread of its own, each acknowledged; numbers count from 0.

    Parameters
    ----------
    bootstrap, topic
        Where to.
    rate
        Packets a second; None as many as it can. May be changed.
    number
        How many in all; None until it is stopped.
    """

    def __init__(
        self, bootstrap: str, topic: str, *, rate: float | None = None, number: int | None = None
    ) -> None:
        self.rate = rate
        self.acknowledged: set[int] = set()
        self._topic = topic
        self._number = number
        self._written = self._at_once = 0
        self._stop = threading.Event()
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "max.in.flight.requests.per.connection": 1,  # or it acknowledges what is not there
                "compression.type": "zstd",
                "linger.ms": 20,
                "log_level": 0,
            }
        )
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def reach(self, number: int) -> None:
        """Write up to a number at once, and wait until so many are acknowledged."""
        self._at_once = number
        until(lambda: len(self.acknowledged) >= number, PATIENCE, lambda: "nothing is taken")

    def finish(self, number: int) -> set[int]:
        """Write the rest of ``number`` packets at once, and return those acknowledged."""
        self._number, self.rate = max(number, self._written), None
        return self.join()

    def join(self) -> set[int]:
        """Wait until all are written, and return the numbers of those that were acknowledged."""
        self._thread.join()
        return self.acknowledged

    def stop(self) -> set[int]:
        """Write no more, and return the numbers of those that were acknowledged."""
        self._stop.set()
        return self.join()

    def _write(self) -> None:
        for number in itertools.count():
            if self._stop.is_set() or (self._number is not None and number >= self._number):
                break
            self._put(number)
            self._written = number + 1
            if self.rate is not None and number >= self._at_once and number % 20 == 0:
                self._stop.wait(20 / self.rate)
        self._producer.flush()

    def _put(self, number: int) -> None:
        def report(error: object, _: Message) -> None:
            if error is None:
                self.acknowledged.add(number)

        key = str(FIRST + number)
        while True:
            try:
                self._producer.produce(self._topic, small_packet(number), key, on_delivery=report)
                break
            except BufferError:
                self._producer.poll(0.1)
        self._producer.poll(0)


def read(bootstrap: str, topic: str) -> list[Packet]:
    """Everything in a topic that is committed, from its beginning to its end."""
    source = KafkaSource(bootstrap, topic, start=BEGINNING)
    try:
        return drain(source)
    finally:
        source.close()


@dataclass(frozen=True)
class Account:
    """What came out, beside what had to."""

    lost: frozenset[int]
    strange: frozenset[int]
    """What came and had no business to."""
    twice: int
    """Packets that came before already."""


def number_of(packet: Packet) -> int:
    """The number of a packet, by its key."""
    return int(packet.key or b"0") - FIRST


def account(expected: Iterable[int], got: Sequence[Packet]) -> Account:
    """Compare numbers that were to come with packets that came; each must be as it was sent."""
    counts = Counter(map(number_of, got))
    for packet in got:
        number = number_of(packet)
        assert packet.value == small_packet(number), f"packet {number} has changed on its way"
    wanted = frozenset(expected)
    return Account(
        lost=wanted - counts.keys(),
        strange=frozenset(counts.keys() - wanted),
        twice=counts.total() - len(counts),
    )


def onlooker(bootstrap: str, group: str = "looking-on") -> Consumer:
    """A client that looks at topics, and at what a group has committed; it joins no group.

    `AdminClient.list_consumer_group_offsets` is not for brokers that are killed: the process
    crashes (librdkafka 2.16.0) when it is told that the coordinator is being loaded.
    """
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "log_level": 0,
        }
    )


def ends(bootstrap: str, topic: str) -> dict[int, int]:
    """The end of each partition."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    latest: Any = OffsetSpec.latest()  # type: ignore[no-untyped-call]

    def ask() -> dict[int, int]:
        asked = dict.fromkeys(_partitions(admin, topic), latest)
        told = admin.list_offsets(asked, request_timeout=30)
        return {one.partition: future.result().offset for one, future in told.items()}

    return _patiently(ask)


def committed(bootstrap: str, group: str, topic: str) -> dict[int, int]:
    """What a group has committed in each partition; 0 where nothing."""
    consumer = onlooker(bootstrap, group)

    def ask() -> dict[int, int]:
        told = consumer.committed(_partitions(consumer, topic), timeout=10)
        return {one.partition: max(one.offset, 0) for one in told}

    try:
        return _patiently(ask)
    finally:
        consumer.close()


def _partitions(client: Any, topic: str) -> list[TopicPartition]:
    found = client.list_topics(topic, timeout=30).topics[topic]
    if found.error is not None:
        raise KafkaException(found.error)
    return [TopicPartition(topic, one) for one in found.partitions]


def _patiently(ask: Callable[[], dict[int, int]], timeout: float = PATIENCE) -> dict[int, int]:
    """Ask again while a broker that has just come back knows less than it did."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            return ask()
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def commits(bootstrap: str, group: str) -> list[tuple[str, int, int]]:
    """Every commit of a group, in the order in which the broker took them.

    Each is the topic, the partition and the offset: out of the broker's own topic of offsets,
    whose keys and values begin as Kafka's OffsetCommitKey and OffsetCommitValue say.
    """
    consumer = onlooker(bootstrap)
    found = []
    try:
        waiting = {one: end for one, end in ends(bootstrap, _OFFSETS).items() if end}
        consumer.assign([TopicPartition(_OFFSETS, one, 0) for one in waiting])
        while waiting:
            for message in consumer.consume(1000, 1.0):
                error = message.error()
                if error is not None:
                    if error.code() == KafkaError._PARTITION_EOF:
                        waiting.pop(message.partition() or 0, None)
                    continue
                commit = _commit(message.key(), message.value())
                if commit is not None and commit[0] == group:
                    found.append(commit[1:])
    finally:
        consumer.close()
    return found


def _commit(key: bytes | None, value: bytes | None) -> tuple[str, str, int, int] | None:
    """Group, topic, partition and offset of a message that is a commit."""
    if key is None or value is None or struct.unpack_from(">h", key)[0] > 1:
        return None
    texts = []
    at = 2
    for _ in range(2):
        (length,) = struct.unpack_from(">h", key, at)
        texts.append(key[at + 2 : at + 2 + length].decode())
        at += 2 + length
    (partition,) = struct.unpack_from(">i", key, at)
    (offset,) = struct.unpack_from(">q", value, 2)
    return texts[0], texts[1], partition, offset
