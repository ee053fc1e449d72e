from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
from kafka.guarding import guarded_broker

from ztfnb.kafka import KafkaSink
from ztfnb.source import Packet

_numbers = itertools.count()


@pytest.fixture
def topic() -> str:
    """A name that no other test uses."""
    return f"ztf_20181128_test{next(_numbers)}"


@pytest.fixture(scope="module")
def guarded(
    kafka_parts: None,  # noqa: ARG001 - must be there
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """Address of a broker with passwords and access lists."""
    with guarded_broker(tmp_path_factory.mktemp("guarded")) as address:
        yield address


@pytest.fixture
def fill(bootstrap: str) -> Callable[..., list[Packet]]:
    """Write packets to a topic of 16 partitions, and return them as they were sent."""

    def write(topic: str, number: int, *, first: int = 0, at: float = 1.5e9) -> list[Packet]:
        sent = [
            Packet(
                f"alert {topic} {i}".encode() * 50,
                topic,
                timestamp=at + i,
                key=str(i).encode(),
                headers=(("origin", b"test"), ("number", str(i).encode())),
            )
            for i in range(first, first + number)
        ]
        sink = KafkaSink(bootstrap)
        for packet in sent:
            sink.send(packet)
        sink.close()
        return sent

    return write
