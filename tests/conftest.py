"""What several tests need: a real Apache Kafka, started once."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from ports import free_ports

from ztfnb.broker.parts import find_jars, find_java
from ztfnb.broker.real import RealBroker
from ztfnb.errors import BrokerError

# A shell's background jobs ignore interrupts, and so would all that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)
# A test's broker lives too short for Java's second compiler to pay: it takes 3 s of a processor to
# start without, and 4.5 s with it.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")
# How fast a machine is says nothing about a claim; the same tests say the same of the same code.
settings.register_profile(
    "any machine",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any machine")


@pytest.fixture
def without_ports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings of a kernel that speaks by sockets in files.

    A port that is free when it is chosen may be taken when a kernel begins.
    """
    socket = tmp_path_factory.mktemp("kernel") / "socket"  # a short name: longer ones are none
    return {"transport": "ipc", "ip": str(socket)}


@pytest.fixture(scope="session")
def kafka_parts() -> None:
    """Java and Kafka's libraries; skips, with the reason, where neither they nor Maven are."""
    try:
        find_jars(find_java())
    except BrokerError as error:
        if shutil.which("java") and shutil.which("mvn"):
            raise
        pytest.skip(f"no Apache Kafka here: {error}")


@pytest.fixture(scope="session")
def real_kafka(
    kafka_parts: None,  # noqa: ARG001 - must be there
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RealBroker]:
    """A running broker for the whole session; its address is ``status().bootstrap``."""
    (port,) = free_ports(1)
    broker = RealBroker(tmp_path_factory.mktemp("kafka"), port=port, heap="384m")
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def bootstrap(real_kafka: RealBroker) -> str:
    """Address of the real broker."""
    return real_kafka.start().bootstrap
