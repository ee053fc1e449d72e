"""Properties of a worker's two Kafka clients. What nothing-is-lost rests on cannot be set."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from ztfnb.errors import ConfigError
from ztfnb.export.worker.route import Route
from ztfnb.export.worker.settings import WorkerSettings
from ztfnb.kafka_config import Properties, client_properties, reader_defaults, writer_defaults

_OURS = {
    "bootstrap.servers": "the address of source and output",
    "group.id": "group",
    "transactional.id": "transactional_id",
    "enable.auto.commit": "",
    "enable.auto.offset.store": "",
    "auto.offset.reset": "start",
    "enable.partition.eof": "",
    "enable.idempotence": "",
    "acks": "",
    "request.required.acks": "",
    "max.in.flight.requests.per.connection": "",
    "max.in.flight": "",
}
# Statistics tell within seconds when a connection is gone; new partitions are found in half a
# minute.
_BOTH = {"statistics.interval.ms": 1_000, "topic.metadata.refresh.interval.ms": 30_000}
_READER = {"partition.assignment.strategy": "cooperative-sticky"}
_WRITER = {
    # A batch waits for its last report: what lingers is waited for. Full ones go at once.
    "linger.ms": 5,
    # The broker, which knows its topics, decides what is too large.
    "message.max.bytes": 16 << 20,
    "message.timeout.ms": 120_000,
}
_OF_READERS = (
    "session.timeout.ms",
    "heartbeat.interval.ms",
    "max.poll.interval.ms",
    "partition.assignment.strategy",
    "isolation.level",
    "fetch.",
    "queued.",
)
"""Settings that a writer does not know, and warns of; or with what such begin."""
MAX_POLL_INTERVAL = 300.0
"""After how long without a poll the group takes a worker for dead, unless set otherwise [s]."""


def reader_properties(
    settings: WorkerSettings, route: Route, environ: Mapping[str, str] | None
) -> Properties:
    """Return the properties of the consumer.

    Raises
    ------
    ConfigError
        If a setting is wrong, unsafe, or one on which the promise rests that nothing is lost.
    """
    _refuse_ours(settings)
    defaults = {**reader_defaults("large"), **_BOTH, **_READER, "group.id": route.group}
    return client_properties(
        route.source, defaults, settings.kafka, insecure=settings.insecure, environ=environ
    )


def writer_properties(
    settings: WorkerSettings, route: Route, environ: Mapping[str, str] | None
) -> Properties:
    """Return the properties of the producer.

    Raises
    ------
    ConfigError
        As `reader_properties`.
    """
    _refuse_ours(settings)
    defaults = {**writer_defaults(), **_BOTH, **_WRITER}
    if settings.transactional:
        own = settings.transactional_id or f"{route.group}-{socket.gethostname()}"
        defaults["transactional.id"] = own
        # A transaction that a killed worker left open is in the way of others for so long.
        defaults |= {"transaction.timeout.ms": 60_000, "message.timeout.ms": 30_000}
    kafka = {
        name: value for name, value in settings.kafka.items() if not name.startswith(_OF_READERS)
    }
    return client_properties(
        route.target, defaults, kafka, insecure=settings.insecure, environ=environ
    )


def _refuse_ours(settings: WorkerSettings) -> None:
    for name, instead in _OURS.items():
        if name in settings.kafka:
            way = f"set {instead} instead" if instead else "leave it out"
            raise ConfigError(f"{name}: a worker sets this itself, so that nothing is lost; {way}")
