"""Starting and stopping real Apache Kafka."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from ztfnb.broker.real import RealBroker
from ztfnb.errors import BrokerError
from ztfnb.kafka import create_topics

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("kafka_parts")]


def test_it_outlives_who_started_it_and_keeps_its_data(tmp_path: Path) -> None:
    """A broker is found, stopped and started again by other objects; port and topics stay."""
    told: list[str] = []
    running = RealBroker(tmp_path, port=0, heap="256m").start(told.append)
    try:
        assert told[-1] == "starting Apache Kafka"
        create_topics(running.bootstrap, ["kept"])
        other = RealBroker(tmp_path)
        assert other.status() == running
        assert other.start() == running
        assert other.stop()
        assert other.status() is None
        assert not other.stop()
        again = other.start()
        assert again.bootstrap == running.bootstrap
        topics = AdminClient({"bootstrap.servers": again.bootstrap}).list_topics(timeout=60).topics
        assert set(topics) == {"kept"}
        assert len(topics["kept"].partitions) == 16
    finally:
        RealBroker(tmp_path).stop()


def test_only_its_own_process_is_stopped(tmp_path: Path) -> None:
    """A process that got the number of an ended broker is not taken for it, and lives on."""
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        state = f'{{"pid": {stranger.pid}, "port": 1, "controller_port": 2}}'
        (tmp_path / "broker.json").write_text(state)
        assert RealBroker(tmp_path).status() is None
        assert not RealBroker(tmp_path).stop()
        assert stranger.poll() is None
    finally:
        os.kill(stranger.pid, signal.SIGKILL)
        stranger.wait()


def test_a_taken_port_is_said(bootstrap: str, tmp_path: Path) -> None:
    """A port that another program has is named."""
    port = int(bootstrap.split(":")[1])
    with pytest.raises(BrokerError, match=f"port {port} is taken"):
        RealBroker(tmp_path, port=port).start()


def test_settings_that_kafka_refuses_are_said(tmp_path: Path) -> None:
    """What Kafka says about wrong settings is in the error."""
    with pytest.raises(BrokerError, match=r"num\.partitions"):
        RealBroker(tmp_path, port=0, settings={"num.partitions": "many"}).start()
