"""What a reader is told when a real broker does not let it in, and after a fork."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

import pytest
from kafka.guarding import CANARY, ENVIRON, login
from reading import drain, poll_until

from ztfnb.errors import StreamClosedError, ZtfnbError
from ztfnb.kafka import KafkaSource
from ztfnb.source import BEGINNING, Coordinates, SourceStatus

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("kafka_parts")]


def told(source: KafkaSource, done: Callable[[SourceStatus], bool]) -> str:
    """What the source says once ``done``; soon, in one line, without a secret."""
    poll_until(source, lambda _: done(source.status()), timeout=60)
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
    """A wrong password is said to be one, soon, and is final."""
    source = KafkaSource(guarded, "open", settings=login("reader", "WRONG"), environ=ENVIRON)
    text = told(source, lambda status: status.failed)
    assert "refused the user name or password" in text


def test_s22_topic_not_authorised(guarded: str) -> None:
    """A topic that this user may not read is said to be one, soon, and is final."""
    source = KafkaSource(guarded, "closed", settings=login("reader", "READER"), environ=ENVIRON)
    text = told(source, lambda status: status.failed)
    assert "may not read topic closed" in text


def test_s22_topic_unknown(bootstrap: str) -> None:
    """A topic that is not there is said to be so, soon, and is final."""
    source = KafkaSource(bootstrap, "ztf_20181128_programid9")
    text = told(source, lambda status: status.failed)
    assert "has no topic ztf_20181128_programid9" in text


def test_s22_broker_down() -> None:
    """A port where nothing listens is said to be one, soon; waiting may help."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        source = KafkaSource(f"127.0.0.1:{port}", "ztf_20181128_programid1")
        text = told(source, lambda status: "nothing listens" in status.error)
    assert f"127.0.0.1:{port} cannot be reached" in text


def test_s22_not_a_broker() -> None:
    """A port where something else listens is said to be one, soon."""
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
    """In a forked child every call is a clear error, and the parent reads on."""
    fill(topic, 40)
    source = KafkaSource(bootstrap, topic, start=BEGINNING)
    drain(source)
    source.fetch(Coordinates(topic, 0, 0))
    reading, writing = os.pipe()
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
    fill(topic, 10, first=40)
    assert len(poll_until(source, lambda packets: len(packets) >= 10)) == 10
    source.close()
