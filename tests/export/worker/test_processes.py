"""The worker as a process: of a container, and beside a program."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from handbundle import bundle_of
from made import made_packet

from ztfnb.broker.embedded import EmbeddedBroker
from ztfnb.kafka_sink import KafkaSink
from ztfnb.source import Packet

ALERTS = 30
_DROP_FROM_BOUNDING_SET = 24


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(["night", "out", "out-dead-letters"], partitions=4) as broker:
        with closing(KafkaSink(broker.bootstrap, topic="night", partitions=None)) as sink:
            for candid in range(ALERTS):
                sink.send(Packet(made_packet(candid, magpsf=18.0 + candid % 2)))
            sink.flush()
        yield broker


def environment(broker: EmbeddedBroker, **values: str) -> dict[str, str]:
    return os.environ | {
        "ZTFNB_SOURCE": f"kafka://{broker.bootstrap}/night",
        "ZTFNB_OUTPUT": f"kafka://{broker.bootstrap}/out",
        "ZTFNB_START": "beginning",
        **values,
    }


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_container_is_told_by_its_environment(broker: EmbeddedBroker, tmp_path: Path) -> None:
    """Bundles as arguments, all else from variables: JSON lines, SIGTERM, exit code 0."""
    bundle_of(tmp_path / "bright")
    worker = subprocess.Popen(
        [sys.executable, "-m", "ztfnb.export.worker", str(tmp_path / "bright")],
        env=environment(broker, ZTFNB_PORT="0"),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    guard = threading.Timer(240, worker.kill)
    guard.start()
    try:
        assert worker.stderr is not None
        told: list[dict[str, Any]] = []
        asked = False
        for line in worker.stderr:
            told.append(json.loads(line))
            if told[-1]["event"] in ("running", "caught up") and not asked:
                asked = True  # twice would be at once
                worker.send_signal(signal.SIGTERM)
        assert worker.wait(120) == 0
        assert worker.stdout is not None
        assert worker.stdout.read() == ""
    finally:
        guard.cancel()
        worker.kill()
    events = [line["event"] for line in told]
    assert events[:2] == ["starting", "listening"]
    assert (events[-1], told[-1]["code"], told[-1]["in_flight"]) == ("ended", 0, 0)


def test_a_container_that_is_told_nothing() -> None:
    """Without a bundle, or without a source: exit code 2, and one line that says what to do."""
    for arguments, missing in (([], "no bundle"), (["young"], "ZTFNB_SOURCE")):
        clean = {name: text for name, text in os.environ.items() if not name.startswith("ZTFNB_")}
        ended = subprocess.run(
            [sys.executable, "-m", "ztfnb.export.worker", *arguments],
            env=clean, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        (line,) = lines(ended.stderr)
        assert (ended.returncode, line["event"]) == (2, "wrong settings")
        assert missing in line["error"]


PRYING = """
    import os
    import ztfnb

    @ztfnb.filter
    def prying(alert):
        process = os.getpid() if alert["candid"] % 2 else os.getppid()
        try:
            return open(f"/proc/{process}/environ").read()
        except PermissionError:
            return False

    FILTER = prying
"""


def _without_capabilities() -> None:
    """Leave what is started no power over other processes of its user, as a container has it."""
    for capability in range(64):
        ctypes.CDLL(None).prctl(_DROP_FROM_BOUNDING_SET, capability, 0, 0, 0)


@pytest.mark.filterwarnings("ignore::ztfnb.errors.FilterWarning")
@pytest.mark.skipif(sys.platform != "linux", reason="macOS has no /proc")
def test_a_filter_cannot_read_the_environment_of_a_container(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """Not strict either: it reads its own, which holds no secret, and is denied its parent's."""
    bundle_of(tmp_path / "prying", PRYING, "prying")
    ended = subprocess.run(
        [sys.executable, "-m", "ztfnb.export.worker", str(tmp_path / "prying")],
        env=environment(broker, ZTFNB_UNTIL_CAUGHT_UP="true"),
        preexec_fn=_without_capabilities,
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    told = lines(ended.stderr)[-1]
    assert (told["event"], told["code"], told["received"]) == ("ended", 0, ALERTS), ended.stderr
    (prying,) = told["filters"]
    assert (prying["passed"], prying["rejected"]) == (ALERTS // 2, ALERTS // 2)


def beside(first_line: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Give a worker its options, and then nothing more: its standard input ends."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "ztfnb.export.worker.beside"],
        input=first_line, env={**os.environ, **environ},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


def test_beside_a_program_that_is_gone(broker: EmbeddedBroker, tmp_path: Path) -> None:
    """Where whoever started it has gone, it ends at once and well, its last numbers told."""
    bundle_of(tmp_path / "bright")
    options = {
        "bundles": [str(tmp_path / "bright")],
        "source": f"kafka://{broker.bootstrap}/night",
        "output": f"kafka://{broker.bootstrap}/out",
    }
    # What another worker is told by the environment does not matter here.
    ended = beside(f"{json.dumps(options)}\n", ZTFNB_BATCH="0", ZTFNB_PORT="80")
    assert ended.returncode == 0, ended.stderr
    said = lines(ended.stdout)
    assert said[0] == {"port": None}
    assert said[-1]["numbers"]["state"] == "closed"
    assert lines(ended.stderr)[-1]["event"] == "ended"


@pytest.mark.parametrize("line", ["junk\n", "", '{"colour": "red", "bundles": ["a"]}\n'])
def test_beside_without_options(line: str) -> None:
    """What are no options is refused with exit code 2."""
    ended = beside(line)
    assert ended.returncode == 2
    assert lines(ended.stderr)[0]["event"] == "wrong settings"
