"""Packets to Kafka, certain of what was written."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterable, Mapping

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # lists no names

from ztfnb.errors import DeliveryError, SourceError, StreamClosedError
from ztfnb.kafka_client import check_process, let_go, open_client
from ztfnb.kafka_config import Properties, Settings, client_properties, writer_defaults
from ztfnb.nightly import PARTITIONS
from ztfnb.source import Packet

_WAIT = 10.0


class KafkaSink:
    """Packets written to Kafka: original bytes, key, headers and, unless told otherwise, time.

    The partition follows from the key; packets without one are spread.

    Parameters
    ----------
    bootstrap
        ``host:port``, or several with commas between them.
    topic
        Where to write; each packet's own topic unless given.
    partitions
        Create topics that are not there with so many partitions; None leaves that to others.
    keep_timestamps
        Whether a packet keeps its time, or gets that of its writing.
    keep_partitions
        Whether a packet goes to the partition that it names, as in a mirror.
    settings, insecure, environ
        As `ztfnb.kafka_config.client_properties` takes them.

    Raises
    ------
    ConfigError
        If the settings are wrong, incomplete or unsafe.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        topic: str = "",
        partitions: int | None = PARTITIONS,
        keep_timestamps: bool = True,
        keep_partitions: bool = False,
        settings: Settings | None = None,
        insecure: bool = False,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.name = f"{bootstrap}/{topic}" if topic else bootstrap
        self._servers = bootstrap
        self._topic = topic
        self._partitions = partitions
        self._keep_timestamps = keep_timestamps
        self._keep_partitions = keep_partitions
        self._properties = client_properties(
            bootstrap, writer_defaults(), settings, insecure=insecure, environ=environ
        )
        self._pid = os.getpid()
        self._producer: Producer | None = open_client(Producer, self._properties)
        self._topics: set[str] = set()
        self._sent = 0
        self._confirmed = 0
        self._failed = 0
        self._reason = ""

    def send(self, packet: Packet) -> None:
        """Take one packet; waits while the queue is full.

        Raises
        ------
        SourceError
            If its topic is missing and cannot be created, or the packet is too large to send.
        """
        producer = self._open_producer()
        topic = self._topic or packet.topic
        if topic not in self._topics:
            self._ensure(topic)
        timed = self._keep_timestamps and not math.isnan(packet.timestamp)
        while True:
            try:
                producer.produce(
                    topic,
                    packet.value,
                    packet.key,
                    partition=packet.partition if self._keep_partitions else -1,
                    on_delivery=self._on_delivery,
                    timestamp=round(packet.timestamp * 1000) if timed else 0,
                    headers=list(packet.headers) or None,
                )
                break
            except BufferError:
                producer.poll(0.1)
            except KafkaException as error:
                raise SourceError(
                    f"{self.name} does not take a packet: {self._say(error)}"
                ) from None
        self._sent += 1
        producer.poll(0)

    def flush(self) -> None:
        """Wait until the broker confirmed everything that was sent.

        Raises
        ------
        DeliveryError
            If anything sent since the last flush was not confirmed.
        """
        producer = self._open_producer()
        while producer.flush(1.0):
            pass
        sent, confirmed, reason = self._sent, self._confirmed, self._reason
        self._sent = self._confirmed = self._failed = 0
        self._reason = ""
        if confirmed != sent:
            raise DeliveryError(
                f"{self.name} confirmed {confirmed:,} of {sent:,} packets: "
                f"{reason or 'no report came for the others'}; send them again"
            )

    def close(self) -> None:
        """Flush and let the connection go; a second call does nothing.

        Raises
        ------
        DeliveryError
            As `flush` does; the connection is let go all the same.
        """
        if self._producer is None:
            return
        try:
            self.flush()
        finally:
            let_go(self._producer)
            self._producer = None

    def __repr__(self) -> str:
        return f"KafkaSink({self.name!r})"

    def _open_producer(self) -> Producer:
        check_process(self._pid, self.name)
        if self._producer is None:
            raise StreamClosedError(f"{self.name} is closed; open it again")
        return self._producer

    def _on_delivery(self, error: KafkaError | None, _: Message) -> None:
        if error is None:
            self._confirmed += 1
        else:
            self._failed += 1
            self._reason = self._reason or self._properties.scrub(error.str())

    def _ensure(self, topic: str) -> None:
        if not topic:
            raise SourceError(f"{self.name}: the packet names no topic; give the sink one")
        if self._partitions is not None:
            _create(self._properties, [topic], self._partitions, self._servers)
        self._topics.add(topic)

    def _say(self, error: KafkaException) -> str:
        return self._properties.scrub(error.args[0].str())


def create_topics(
    bootstrap: str,
    names: Iterable[str],
    *,
    partitions: int = PARTITIONS,
    settings: Settings | None = None,
    insecure: bool = False,
    environ: Mapping[str, str] | None = None,
) -> None:
    """Create topics on a broker; those that are there already stay as they are.

    Returns once the broker knows them.

    Parameters
    ----------
    bootstrap, settings, insecure, environ
        As `KafkaSink` takes them.
    names
        Topics.
    partitions
        Partitions of each.

    Raises
    ------
    SourceError
        If the broker cannot be reached, or refuses.
    """
    properties = client_properties(
        bootstrap, {"client.id": "ztfnb"}, settings, insecure=insecure, environ=environ
    )
    _create(properties, list(names), partitions, bootstrap)


def open_admin(properties: Properties) -> AdminClient:
    """Return a client that asks about topics, and makes them.

    Parameters
    ----------
    properties
        Of any client of the same brokers.
    """
    shared = {
        name: value
        for name, value in properties.items()
        if name.split(".")[0] in {"bootstrap", "security", "sasl", "ssl", "client", "socket"}
    }
    return open_client(AdminClient, Properties(shared))


def _create(properties: Properties, names: list[str], partitions: int, servers: str) -> None:
    admin = open_admin(properties)
    try:
        for name in names:
            if _exists(admin, name, servers, properties):
                continue
            future = admin.create_topics([NewTopic(name, partitions)], request_timeout=_WAIT)[name]
            try:
                future.result(timeout=2 * _WAIT)
            except TimeoutError:
                raise SourceError(
                    f"{servers} does not answer when asked for topic {name}"
                ) from None
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    reason = properties.scrub(error.args[0].str())
                    raise SourceError(f"{servers} does not create topic {name}: {reason}") from None
            _await(admin, name, servers, properties)
    finally:
        let_go(admin)


def _exists(admin: AdminClient, name: str, servers: str, properties: Properties) -> bool:
    try:
        # Asking for one topic by name might create it.
        listed = admin.list_topics(timeout=_WAIT).topics.get(name)
    except KafkaException as error:
        reason = properties.scrub(error.args[0].str())
        raise SourceError(f"{servers} cannot be reached: {reason}") from None
    return listed is not None and listed.error is None and len(listed.partitions) > 0


def _await(admin: AdminClient, name: str, servers: str, properties: Properties) -> None:
    deadline = time.monotonic() + _WAIT
    while not _exists(admin, name, servers, properties):
        if time.monotonic() > deadline:
            raise SourceError(f"{servers} created topic {name} but does not list it")
        time.sleep(0.05)
