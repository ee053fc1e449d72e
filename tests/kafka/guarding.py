"""A broker with passwords and access lists, and who may do what on it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it lists no names
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from ports import free_ports

from ztfnb.broker.real import RealBroker
from ztfnb.kafka import KafkaSink, create_topics
from ztfnb.source import Packet

CANARY = "canary-3f9a1c"
ENVIRON = {
    "ADMIN": f"{CANARY}-admin",
    "READER": f"{CANARY}-reader",
    "WORKER": f"{CANARY}-worker",
    "WRONG": f"{CANARY}-wrong",
}
TOPICS = ("open", "closed", "night", "out", "out-dead-letters")
_ALLOWED = (
    ("reader", ResourceType.TOPIC, "open", AclOperation.READ),
    ("worker", ResourceType.TOPIC, "night", AclOperation.READ),
    ("worker", ResourceType.GROUP, "ztfnb-bright", AclOperation.READ),
    ("worker", ResourceType.TOPIC, "out", AclOperation.WRITE),
    ("worker", ResourceType.TOPIC, "out-dead-letters", AclOperation.WRITE),
    # Topics whose names can be known, and nothing more.
    ("worker", ResourceType.TOPIC, "closed", AclOperation.DESCRIBE),
)


def login(name: str, secret: str) -> Mapping[str, Any]:
    return {"sasl.username": name, "sasl.password": f"env:{secret}"}


@contextmanager
def guarded_broker(folder: Path) -> Iterator[str]:
    """Run one: topic ``open`` for ``reader``; from ``night`` to ``out`` for ``worker``."""
    module = "org.apache.kafka.common.security.scram.ScramLoginModule"
    (port,) = free_ports(1)
    broker = RealBroker(
        folder,
        port=port,
        heap="256m",
        users={name: ENVIRON[name.upper()] for name in ("admin", "reader", "worker")},
        settings={
            "listener.security.protocol.map": "CLIENTS:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
            "listener.name.clients.scram-sha-512.sasl.jaas.config": (
                f'{module} required username="admin" password="{ENVIRON["ADMIN"]}";'
            ),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:admin;User:ANONYMOUS",
        },
    )
    try:
        address = broker.start().bootstrap
        _prepare(address)
        yield address
    finally:
        broker.stop()


def _prepare(address: str) -> None:
    admin = login("admin", "ADMIN")
    create_topics(address, list(TOPICS), settings=admin, environ=ENVIRON)
    sink = KafkaSink(address, topic="open", settings=admin, environ=ENVIRON)
    for number in range(50):
        sink.send(Packet(b"alert", key=str(number).encode()))
    sink.close()
    rules = AdminClient(
        {
            "bootstrap.servers": address,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": "admin",
            "sasl.password": ENVIRON["ADMIN"],
        }
    )
    bindings = [
        AclBinding(
            kind,
            name,
            ResourcePatternType.LITERAL,
            f"User:{user}",
            "*",
            operation,
            AclPermissionType.ALLOW,
        )
        for user, kind, name, operation in _ALLOWED
    ]
    for created in rules.create_acls(bindings).values():
        created.result()
    # The controller has them now; the broker has them when it lists them.
    whichever: Any = None
    anything = AclBindingFilter(
        ResourceType.ANY,
        whichever,
        ResourcePatternType.ANY,
        whichever,
        whichever,
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    deadline = time.monotonic() + 120
    while len(rules.describe_acls(anything).result()) < len(bindings):
        assert time.monotonic() < deadline, "the broker does not learn who may do what"
        time.sleep(0.05)
