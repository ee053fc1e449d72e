"""What a reader is told when a real broker does not let it in, and after a fork."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it lists no names
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from reading import drain, poll_until

from ztfnb.broker.real import RealBroker
from ztfnb.errors import StreamClosedError, ZtfnbError
from ztfnb.kafka import KafkaSink, KafkaSource, create_topics
from ztfnb.source import BEGINNING, Coordinates, Packet, SourceStatus

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("kafka_parts")]

CANARY = "canary-3f9a1c"
ENVIRON = {"ADMIN": f"{CANARY}-admin", "READER": f"{CANARY}-reader", "WRONG": f"{CANARY}-wrong"}


def login(name: str, secret: str) -> Mapping[str, Any]:
    return {"sasl.username": name, "sasl.password": f"env:{secret}"}


@pytest.fixture(scope="module")
def guarded(
    kafka_parts: None,  # noqa: ARG001 - must be there
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """A broker with passwords and access lists: topic ``open`` for ``reader``, ``closed`` not."""
    module = "org.apache.kafka.common.security.scram.ScramLoginModule"
    broker = RealBroker(
        tmp_path_factory.mktemp("guarded"),
        port=0,
        heap="256m",
        users={"admin": ENVIRON["ADMIN"], "reader": ENVIRON["READER"]},
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
    address = broker.start().bootstrap
    admin = login("admin", "ADMIN")
    create_topics(address, ["open", "closed"], settings=admin, environ=ENVIRON)
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
    allowed = AclBinding(
        ResourceType.TOPIC,
        "open",
        ResourcePatternType.LITERAL,
        "User:reader",
        "*",
        AclOperation.READ,
        AclPermissionType.ALLOW,
    )
    rules.create_acls([allowed])[allowed].result()
    yield address
    broker.stop()


def told(source: KafkaSource, done: Callable[[SourceStatus], bool]) -> str:
    """What the source says once ``done``; within 15 s, in one line, without a secret."""
    poll_until(source, lambda _: done(source.status()), timeout=15)
    text = source.status().error
    shown = f"{text} {source!r} {vars(source)}"
    source.close()
    assert "\n" not in text
    assert CANARY not in shown
    return text


def test_reading_needs_no_right_to_a_group(guarded: str) -> None:
    """Who may read a topic and nothing else reads all of it: no group is asked for."""
    source = KafkaSource(
        guarded, "open", start=BEGINNING, settings=login("reader", "READER"), environ=ENVIRON
    )
    assert len(drain(source)) == 50
    assert source.fetch(Coordinates("open", 0, 0)).value == b"alert"
    assert source.status().error == ""
    source.close()


def test_s22_wrong_password(guarded: str) -> None:
    """A wrong password is said to be one, within 15 s, and is final."""
    source = KafkaSource(guarded, "open", settings=login("reader", "WRONG"), environ=ENVIRON)
    text = told(source, lambda status: status.failed)
    assert "refused the user name or password" in text


def test_s22_topic_not_authorised(guarded: str) -> None:
    """A topic that this user may not read is said to be one, within 15 s, and is final."""
    source = KafkaSource(guarded, "closed", settings=login("reader", "READER"), environ=ENVIRON)
    text = told(source, lambda status: status.failed)
    assert "may not read topic closed" in text


def test_s22_topic_unknown(bootstrap: str) -> None:
    """A topic that is not there is said to be so, within 15 s, and is final."""
    source = KafkaSource(bootstrap, "ztf_20181128_programid9")
    text = told(source, lambda status: status.failed)
    assert "has no topic ztf_20181128_programid9" in text


def test_s22_broker_down() -> None:
    """A port where nothing listens is said to be one, within 15 s; waiting may help."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    source = KafkaSource(f"127.0.0.1:{port}", "ztf_20181128_programid1")
    text = told(source, lambda status: "nothing listens" in status.error)
    assert f"127.0.0.1:{port} cannot be reached" in text


def test_s22_not_a_broker() -> None:
    """A port where something else listens is said to be one, within 15 s."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        source = KafkaSource(f"127.0.0.1:{server.getsockname()[1]}", "ztf_20181128_programid1")
        text = told(source, lambda status: "something listens there" in status.error)
    assert "security.protocol" in text


def test_s22_missing_login(guarded: str) -> None:
    """A broker that wants a password, asked without one, is told apart from one that is down."""
    source = KafkaSource(guarded, "open")
    text = told(source, lambda status: "something listens there" in status.error)
    assert "security.protocol" in text


def test_s23_fork_after_connecting(bootstrap: str, topic: str, fill: Callable[..., Any]) -> None:
    """In a forked child every call is a clear error within 1 s, and the parent reads on."""
    fill(topic, 40)
    source = KafkaSource(bootstrap, topic, start=BEGINNING)
    drain(source)
    source.fetch(Coordinates(topic, 0, 0))
    reading, writing = os.pipe()
    begin = time.monotonic()
    child = os.fork()
    if child == 0:
        calls: tuple[Callable[[], object], ...] = (
            lambda: source.poll(1.0, 10),
            lambda: source.seek(BEGINNING),
            lambda: source.fetch(Coordinates(topic, 0, 0)),
            source.status,
            source.close,
        )
        refused = 0
        for call in calls:
            try:
                call()
            except StreamClosedError as error:
                refused += "forked" in str(error)
            except ZtfnbError:
                pass
        os.write(writing, bytes([refused]))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0
    assert os.read(reading, 1) == bytes([5])
    assert time.monotonic() - begin < 10
    fill(topic, 10, first=40)
    assert len(poll_until(source, lambda packets: len(packets) >= 10)) == 10
    source.close()
