"""A worker with a password: it shows nowhere, and what it may not do is denied and told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest
from handbundle import bundle_of
from kafka.guarding import CANARY, ENVIRON, login
from made import made_packet

import ztfnb
from ztfnb.errors import ConfigError, WorkerError
from ztfnb.export.background import BackgroundWorker
from ztfnb.kafka import KafkaSink
from ztfnb.source import Packet

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("kafka_parts")]

SCRAM = {"sasl.mechanism": "SCRAM-SHA-512"}


@pytest.fixture(scope="module")
def night(guarded: str) -> str:
    """Address of a broker with a few alerts, of which one fails and one is none."""
    packets = [made_packet(candid, magpsf=17.5 + candid) for candid in range(4)]
    packets += [made_packet(10, rb=None), f"junk, not {CANARY[:6]}".encode()]
    sink = KafkaSink(guarded, topic="night", settings=login("admin", "ADMIN"), environ=ENVIRON)
    for packet in packets:
        sink.send(Packet(packet))
    sink.close()
    return guarded


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    bundle_of(tmp_path / "bright")
    return tmp_path / "bright"


def environment(user: str, secret: str) -> dict[str, str]:
    return {"ZTFNB_KAFKA_USERNAME": user, "ZTFNB_KAFKA_PASSWORD": ENVIRON[secret]}


def run(bundle: Path, night: str, *options: str, to: str = "out", **environ: str) -> Ended:
    """Run the command until it has caught up or given up; return all that it said."""
    return subprocess.run(
        [
            sys.executable, "-m", "ztfnb", "filter", "run", str(bundle), "--json",
            "--from", f"kafka://{night}/night", "--to", f"kafka://{night}/{to}",
            "--start", "beginning", "--until-caught-up", "--log-level", "debug", *options,
        ],
        env={**os.environ, "ZTFNB_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512", **environ},
        capture_output=True, text=True, timeout=290, check=False,
    )  # fmt: skip


Ended = subprocess.CompletedProcess[str]


def told(worker: BackgroundWorker) -> dict[str, str]:
    """Return everything that a worker shows of itself, by where."""
    shown = {
        "repr": repr(worker),
        "settings": repr(worker.settings),
        "numbers": repr(worker.numbers),
        "log": "\n".join(str(line) for line in worker.log),
        "widget": json.dumps(worker.monitor().get_state(), default=repr),
    }
    for path in ("healthz", "readyz", "metrics", "numbers", "elsewhere"):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{worker.port}/{path}") as answer:
                shown[path] = f"{answer.headers} {answer.read().decode()}"
        except urllib.error.HTTPError as error:
            shown[path] = f"{error.headers} {error.read().decode()}"
    return shown


def found_in(texts: Mapping[str, str]) -> list[str]:
    return [where for where, text in texts.items() if CANARY in text]


def test_s28_a_worker_shows_no_secret(
    night: str, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Log, numbers, probes, metrics, widget, arguments, topics: a worker's password is in none."""
    for name, text in environment("admin", "ADMIN").items():
        monkeypatch.setenv(name, text)
    with ztfnb.run_worker(
        bundle,
        source=f"kafka://{night}/night",
        to="out",
        group="s28",
        start="beginning",
        settings=SCRAM,
        port=0,
        log_level="debug",
    ) as worker:
        worker.wait(received=6, timeout=240)
        shown = told(worker)
        assert '"event"' not in shown["log"]
        assert "starting" in shown["log"]
        assert "ztfnb_received_total 6.0" in shown["metrics"]
        mine = psutil.Process(worker.pid)
        filters = mine.children(recursive=True)
        assert filters
        for one in (mine, *filters):
            shown[f"arguments of {one.pid}"] = " ".join(one.cmdline())
        for one in filters:  # they get no environment of ours
            environ = Path(f"/proc/{one.pid}/environ").read_bytes()
            shown[f"environment of {one.pid}"] = environ.decode("utf-8", "replace")
        letters = worker.dead_letters(timeout=60.0)
        assert {one.kind for one in letters} == {"exception", "not decoded"}
        shown["dead letters"] = repr(letters)
        with worker.connect() as passed:
            passed.wait(alerts=2, timeout=240)
            shown["stream"] = repr(passed) + repr(passed.stats) + repr(passed.log)
    shown |= {"closed": repr(worker) + "\n".join(str(line) for line in worker.log)}
    assert found_in(shown) == []


def test_s28_a_refused_worker_shows_no_secret(
    night: str, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong password is told to be one; neither the error nor the log repeats it."""
    for name, text in environment("admin", "WRONG").items():
        monkeypatch.setenv(name, text)
    with (
        ztfnb.run_worker(
            bundle, source=f"kafka://{night}/night", to="out", settings=SCRAM, log_level="debug"
        ) as worker,
        pytest.raises((WorkerError, TimeoutError), match="refused the user name or pass") as end,
    ):
        worker.wait("caught up", timeout=240)
    shown = {"error": str(end.value), "repr": repr(worker)}
    shown["log"] = "\n".join(str(line) for line in worker.log)
    assert found_in(shown) == []
    with pytest.raises(ConfigError) as refused:
        ztfnb.run_worker(
            bundle,
            source=f"kafka://{night}/night",
            to="out",
            settings={**SCRAM, "sasl.password": CANARY},
        )
    assert CANARY not in str(refused.value)


def test_s28_the_command_shows_no_secret(night: str, bundle: Path) -> None:
    """All that ``ztfnb filter run`` prints, at its most talkative, is without its password."""
    well = run(bundle, night, "--group", "s28-command", **environment("admin", "ADMIN"))
    assert (well.returncode, json.loads(well.stdout)["received"]) == (0, 6)
    away = run(bundle, night, **environment("admin", "WRONG"))
    assert away.returncode == 1
    wrong = run(bundle, night, "--batch", "none", **environment("admin", "ADMIN"))
    assert wrong.returncode == 2
    texts = {
        f"{name} {one.returncode}": text
        for one in (well, away, wrong)
        for name, text in (("output", one.stdout), ("log", one.stderr))
    }
    assert found_in(texts) == []


def test_s30_what_a_worker_may_not_write_is_denied_and_told(night: str, bundle: Path) -> None:
    """With rights for its own output alone, another topic or group is refused, by name."""
    mine = environment("worker", "WORKER")
    closed = run(bundle, night, "--dead-letters", "out-dead-letters", to="closed", **mine)
    assert closed.returncode == 1, closed.stderr
    assert "closed" in closed.stderr
    # A batch of which nothing passes is done with.
    assert json.loads(closed.stdout)["produced"] == 0
    other = run(bundle, night, "--group", "others", **mine)
    assert other.returncode == 1, other.stderr
    assert "others" in other.stderr
    allowed = run(bundle, night, **mine)
    assert (allowed.returncode, json.loads(allowed.stdout)["produced"]) == (0, 2)
