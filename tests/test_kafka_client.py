"""What every Kafka client here needs."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass

import pytest
from confluent_kafka import Consumer

from ztfnb.errors import ConfigError, StreamClosedError
from ztfnb.kafka_client import check_process, open_client, packet_from
from ztfnb.kafka_config import Properties
from ztfnb.source import Packet


@dataclass
class FakeMessage:
    """A message as the client gives it."""

    stamp: tuple[int, int] = (1, 1_543_384_800_123)
    tags: list[tuple[str, bytes | None]] | None = None
    body: bytes | None = b"alert"

    def value(self) -> bytes | None:
        return self.body

    def key(self) -> bytes:
        return b"697"

    def topic(self) -> str:
        return str(b"night", "ascii")

    def partition(self) -> int:
        return 3

    def offset(self) -> int:
        return 42

    def timestamp(self) -> tuple[int, int]:
        return self.stamp

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        return self.tags


def test_a_message_becomes_a_packet() -> None:
    """Bytes, key, headers, place and time (in seconds) are taken over."""
    packet = packet_from(FakeMessage(tags=[("a", b"1"), ("a", None)]))
    assert packet == Packet(
        b"alert", "night", 3, 42, 1_543_384_800.123, b"697", (("a", b"1"), ("a", b""))
    )


def test_what_a_message_lacks() -> None:
    """No time is NaN, no value is empty, no headers are none; topics are one object."""
    first = packet_from(FakeMessage(stamp=(0, -1), body=None))
    second = packet_from(FakeMessage())
    assert math.isnan(first.timestamp)
    assert (first.value, first.headers) == (b"", ())
    assert first.topic is second.topic


def test_s28_refused_settings_show_no_secret() -> None:
    """The client repeats a wrong value in its error; ours does not show it."""
    for name, value in (("group.id", "x"), ("no.such.setting", 1), ("fetch.wait.max.ms", "y")):
        wrong = {} if name == "group.id" else {name: value}
        secrets = {"sasl.password": "canary", "ssl.key.password": "canary"}
        if name == "group.id":
            secrets["sasl.oauthbearer.config"] = "canary"
            wrong = {"security.protocol": "canary"}
        with pytest.raises(ConfigError, match="refuses these settings") as caught:
            open_client(Consumer, Properties({"group.id": "x", **secrets, **wrong}))
        assert "canary" not in f"{caught.value!r} {caught.value}"
        assert caught.value.__cause__ is None


def test_another_process_is_told_apart() -> None:
    """Only the process that opened a client may use it."""
    check_process(os.getpid(), "here")
    with pytest.raises(StreamClosedError, match="there was opened before this process was forked"):
        check_process(os.getpid() + 1, "there")


def test_s23_a_forked_child_ends_like_any_process() -> None:
    """A child that ends normally is not held up by the clients whose threads it lacks."""
    script = """
        import os, sys
        from ztfnb.broker import EmbeddedBroker
        from ztfnb.kafka import KafkaSink, KafkaSource
        from ztfnb.source import BEGINNING, Coordinates, Packet

        broker = EmbeddedBroker(["t"])
        sink = KafkaSink(broker.bootstrap, topic="t", partitions=None)
        sink.send(Packet(b"alert", key=b"1"))
        sink.flush()
        source = KafkaSource(broker.bootstrap, "t", start=BEGINNING)
        got = []
        while not got:
            got += source.poll(0.2, 10)
        source.fetch(got[0].coordinates)
        if os.fork() == 0:
            del source, sink
            sys.exit(7)
        _, status = os.wait()
        assert os.waitstatus_to_exitcode(status) == 7, status
        source.close()
        sink.close()
        broker.close()
        print("parent well")
    """
    told = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (told.stdout, told.returncode) == ("parent well\n", 0), told.stderr
