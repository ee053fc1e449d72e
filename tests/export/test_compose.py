"""The services of ``compose.yaml`` at work, on this machine's own Kafka in place of containers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from confluent_kafka import Consumer
from handbundle import bundle_of
from made import made_alert, made_packet

from ztfnb.codec import encode
from ztfnb.export import image
from ztfnb.export.deployment import deployment_files
from ztfnb.export.facts import Facts
from ztfnb.kafka import create_topics, packet_from

PATIENCE = 240.0


def _services() -> dict[str, Any]:
    """Return the services, with a topic of their own: the broker serves other tests too."""
    facts = Facts(
        "composed", "", "ab" * 32, (), {"mag_max": 18.5}, (), "3.11", "0.1.0", datetime.now(UTC)
    )
    text = deployment_files(facts)["compose.yaml"].replace("$$", "$")
    text = text.replace("9092/alerts", "9092/alerts-composed").replace(
        "for topic in alerts ", "for topic in alerts-composed "
    )
    services: dict[str, Any] = yaml.safe_load(text)["services"]
    return services


class Here:
    """Runs what Compose would run in containers."""

    def __init__(self, bootstrap: str, bundle: Path) -> None:
        self.bootstrap = bootstrap
        self._bundle = bundle

    def word(self, text: str) -> str:
        return text.replace("kafka:9092", self.bootstrap).replace(image.FOLDER, str(self._bundle))

    def words(self, service: Mapping[str, list[str]]) -> list[str]:
        first, *rest = [*service["entrypoint"], *service.get("command", [])]
        return [sys.executable if first == image.PYTHON else first, *map(self.word, rest)]

    def environ(self, service: Mapping[str, Any]) -> dict[str, str]:
        given = service.get("environment", {})
        clean = {name: value for name, value in os.environ.items() if "ZTFNB_" not in name}
        return clean | {name: self.word(str(value)) for name, value in given.items()}


def _make_topics(here: Here, service: Mapping[str, Any]) -> None:
    """Make the topics that the shell's loop names."""
    [script] = service["command"]
    [named] = re.findall("for topic in (.*); do", script)
    create_topics(here.bootstrap, named.split(), partitions=4)


def _read(here: Here, service: Mapping[str, Any], count: int) -> list[str]:
    """Return lines of headers and key, of the topics that the reader's tool is told to read."""
    command = service["command"]
    consumer = Consumer(
        {
            "bootstrap.servers": here.bootstrap,
            "group.id": "reader",
            "auto.offset.reset": "earliest",
            "topic.metadata.refresh.interval.ms": 500,
        }
    )
    consumer.subscribe(["^(" + command[command.index("--include") + 1] + ")$"])
    lines: list[str] = []
    end = time.monotonic() + PATIENCE
    while len(lines) < count and time.monotonic() < end:
        message = consumer.poll(1.0)
        if message is not None and message.error() is None:
            packet = packet_from(message)
            headers = ",".join(
                f"{name}:{(value or b'').decode()}" for name, value in packet.headers
            )
            lines.append(f"{headers}\t{(packet.key or b'').decode()}")
    consumer.close()
    return lines


def _done(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)


@contextmanager
def _running(command: list[str], environ: Mapping[str, str], log: Path) -> Iterator[None]:
    with (
        log.open("w") as file,
        subprocess.Popen(command, env=environ, stdout=file, stderr=file) as process,
    ):
        try:
            yield
            process.terminate()
            assert process.wait(120) == 0, log.read_text()
        finally:
            process.kill()


@pytest.mark.kafka
def test_one_command_shows_the_filter_working(bootstrap: str, tmp_path: Path) -> None:
    """Topics are made, the fixtures replayed and judged, and the reader prints what came of them.

    It shows key and headers of each alert that passed, and of each on which the filter failed.
    """
    bundle = tmp_path / "bundle"
    bundle_of(bundle)
    services = _services()
    here = Here(bootstrap, bundle)
    fixtures = bundle / "fixtures"
    fixtures.mkdir()
    packets = [made_packet(place, magpsf=17.0 + place / 2) for place in range(1, 6)]
    for place, packet in enumerate([*packets, encode(made_alert(6, rb=None))], 1):
        (fixtures / f"{place}.avro").write_bytes(packet)
    _make_topics(here, services["topics"])
    replay = _done(here.words(services["replay"]))
    assert replay.returncode == 0, replay.stderr
    # The image's own entrypoint; its threshold, 19, gives way to the one in the file, 18.5.
    environ = here.environ(services["filter"]) | {"ZTFNB_PORT": "0", "ZTFNB_HOST": "127.0.0.1"}
    worker = [sys.executable, *image.ENTRYPOINT[1:], str(bundle)]
    with _running(worker, environ, tmp_path / "log"):
        lines = _read(here, services["reader"], 3)
    assert len(lines) == 3, (tmp_path / "log").read_text()
    found = {line.rpartition("\t")[2]: line for line in lines}
    assert set(found) == {"1", "2", "6"}
    for key in ("1", "2"):
        assert "ztfnb.filter:bright" in found[key]
        assert "ztfnb.source.topic:alerts-composed" in found[key]
        assert "ztfnb.error" not in found[key]
    assert "ztfnb.error.kind:exception" in found["6"]
    assert "no score" in found["6"]
