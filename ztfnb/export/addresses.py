"""From what a person names to the addresses that a worker reads and writes."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from ztfnb.demo import Demo
from ztfnb.errors import ConfigError
from ztfnb.kafka import KafkaSource
from ztfnb.kafka_config import Settings
from ztfnb.stream import Stream

_DEMO = {"session.timeout.ms": 6_000, "heartbeat.interval.ms": 500}
"""The demo's broker hands a group's partitions to the next member only after a session's time."""


def address_of(source: str | Stream) -> tuple[str, Settings, bool]:
    """Return the address of a source, its settings, and whether it may be insecure.

    Raises
    ------
    ConfigError
        If it is a stream that does not read Kafka.
    """
    if isinstance(source, str):
        return source, {}, False
    reads = source.source
    if not isinstance(reads, KafkaSource):
        raise ConfigError(
            f"source: a worker reads Kafka, and {source.name} reads {type(reads).__name__}; "
            "write its alerts to a topic first: ztfnb replay FILE --to kafka://HOST:PORT/TOPIC"
        )
    usual = _DEMO if isinstance(source.pace, Demo) else {}
    return reads.address, {**usual, **reads.settings}, reads.insecure


def creator_of(source: str | Stream) -> Callable[[str], object]:
    """Return what creates a topic where a worker cannot: the demo's broker is not asked for one."""
    demo = None if isinstance(source, str) else source.pace
    return demo.create_topic if isinstance(demo, Demo) else lambda _topic: None


def target_of(to: str, source: str) -> str:
    """Return the address of an output: a bare name is a topic beside the source."""
    return to if "://" in to else f"kafka://{urlsplit(source).netloc}/{to}"
