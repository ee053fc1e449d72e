from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from export.worker.operated import FAILS, NUMBERS, Idle, Once, settings

from ztfnb.errors import ConfigError, ExportError, WorkerError
from ztfnb.export.worker import service
from ztfnb.export.worker.masking import scrubber, shown
from ztfnb.export.worker.numbers import WorkerNumbers
from ztfnb.export.worker.service import GAVE_UP, Watch, serve

REFUSED = WorkerError("young has no threshold 'rb'")
"""As the cell tells it."""
REFUSED.__cause__ = ExportError(str(REFUSED))


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """Return the lines that were written to standard error."""
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


Log = Callable[[], list[dict[str, Any]]]


def test_from_start_to_end(log: Log) -> None:
    """The log says with what it began and, at the end, the accounting; the exit code is 0."""
    worker, stop = Idle(), threading.Event()
    assert serve(settings(), make=worker, stop=stop, look=Once(worker, stop.set)) == 0
    lines = log()
    assert lines[0]["event"] == "starting"
    assert lines[0]["settings"]["source"] == "kafka://127.0.0.1:9092/night"
    assert lines[0]["ztfnb"]
    assert lines[-1]["event"] == "ended"
    assert (lines[-1]["code"], lines[-1]["received"], lines[-1]["in_flight"]) == (0, 100, 0)
    young = lines[-1]["filters"][0]
    assert young["received"] == young["passed"] + young["rejected"] + young["failed"] == 100


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_good_order(number: int, log: Log) -> None:
    """SIGTERM and Ctrl-C stop the worker, which ends by itself; handlers are as before."""
    worker = Idle()
    before = signal.getsignal(number)
    look = Once(worker, lambda: os.kill(os.getpid(), number))
    assert serve(settings(), make=worker, look=look) == 0
    assert signal.getsignal(number) is before
    assert worker.shown.state == "closed"
    assert log()[-1]["event"] == "ended"


def test_a_second_signal_ends_it_at_once(log: Log) -> None:
    """Whoever asks twice does not wait: the process ends with the code of the signal."""
    forced: list[int] = []
    worker = Idle()

    def run(stop: threading.Event) -> None:
        worker.running.set()
        assert stop.wait(60)
        os.kill(os.getpid(), signal.SIGTERM)
        end = time.monotonic() + 60
        while not forced and time.monotonic() < end:
            time.sleep(0.01)

    worker.run = run  # type: ignore[method-assign]

    look = Once(worker, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert serve(settings(), make=worker, look=look, force=forced.append) == 0
    assert forced == [128 + signal.SIGTERM]
    assert log()


def test_a_worker_that_does_not_end(monkeypatch: pytest.MonkeyPatch, log: Log) -> None:
    """One that was asked to end and hangs is ended by force, with the accounting told."""
    monkeypatch.setattr(service, "GRACE", 0.0)
    monkeypatch.setattr(service, "_BEAT", 0.02)
    forced = threading.Event()
    codes: list[int] = []
    worker = Idle()

    def force(code: int) -> None:
        codes.append(code)
        forced.set()

    def run(_stop: threading.Event) -> None:
        forced.wait(60)

    monkeypatch.setattr(worker, "run", run)
    stop = threading.Event()
    stop.set()
    serve(settings(), make=worker, stop=stop, force=force)
    assert codes[0] == GAVE_UP
    told = next(line for line in log() if line["event"] == "ended by force")
    assert told["received"] == 100


@pytest.mark.parametrize(
    ("error", "code", "event"),
    [
        (FAILS, 1, "gave up"),
        (ConfigError("source: expected kafka://"), 2, "wrong settings"),
        (ExportError("there is no bundle"), 2, "wrong settings"),
        (REFUSED, 2, "wrong settings"),
        (RuntimeError("a mistake of ours"), 1, "failed"),
        (ImportError("pip install ztfnb[worker]"), 1, "gave up"),
    ],
)
def test_exit_codes(error: Exception, code: int, event: str, log: Log) -> None:
    """1 where it cannot go on, 2 where its settings are wrong; one line says why.

    Settings that are wrong are told by that line alone.
    """
    assert serve(settings(), make=Idle(error)) == code
    lines = log()
    told = next(line for line in lines if line["event"] == event)
    assert str(error) in str(told.get("error", told.get("exception", "")))
    last = "wrong settings" if code == 2 else "ended"
    assert (lines[-1]["event"], lines[-1]["code"]) == (last, code)


def test_a_broker_that_does_not_answer_is_named_soon(
    monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    """Long before the client says why, one line tells for whom the worker waits."""
    monkeypatch.setattr(service, "_BEAT", 0.02)
    monkeypatch.setattr(service, "_SOON", 0.0)
    worker, stop = Idle(numbers=replace(NUMBERS, state="connecting")), threading.Event()
    assert serve(settings(), make=worker, stop=stop, look=Once(worker, stop.set)) == 0
    (line,) = (line for line in log() if line["event"] == "waiting")
    assert line["error"].startswith("127.0.0.1:9092 does not answer yet")


def test_a_folder_that_holds_no_bundle(tmp_path: Path, log: Log) -> None:
    """A wrong folder is a wrong setting, told before the Kafka client is asked for anything."""
    assert serve(replace(settings(), bundles=(tmp_path,))) == 2
    told = [line["error"] for line in log() if "error" in line]
    assert len(told) == 1
    assert f"{tmp_path} is no bundle" in told[0]


def test_settings_that_are_refused_at_once(log: Log) -> None:
    """What is unsafe ends it with exit code 2 before anything is made."""

    def never(*_: object) -> Idle:
        raise AssertionError

    elsewhere = settings(
        output="kafka://broker.example:9092/out", kafka={"security.protocol": "PLAINTEXT"}
    )
    assert serve(elsewhere, make=never) == 2
    assert "insecure" in log()[0]["error"]


def test_it_answers_while_it_runs(log: Log) -> None:
    """The port that was chosen is told, answers, and is closed at the end."""
    worker, stop = Idle(), threading.Event()
    ports: list[int | None] = []
    answers: list[bytes] = []

    def ask() -> None:
        url = f"http://127.0.0.1:{ports[0]}/healthz"
        with urllib.request.urlopen(url, timeout=60) as answer:
            answers.append(answer.read())
        stop.set()

    look = Once(worker, ask)
    code = serve(settings(port=0), make=worker, stop=stop, began=ports.append, look=look)
    assert (code, answers) == (0, [b"running\n"])
    assert [line["port"] for line in log() if line["event"] == "listening"] == ports
    with pytest.raises(OSError, match=r"refused|reset"):
        socket.create_connection(("127.0.0.1", ports[0] or 0), timeout=5)


def test_the_last_numbers_are_looked_at() -> None:
    """What is looked at last is how it ended, also when it all went quicker than a look."""
    seen: list[WorkerNumbers] = []
    worker = Idle()
    with Watch(worker.numbers, threading.Event(), seen.append, lambda _code: None):
        worker.shown = replace(NUMBERS, received=101)
    assert seen[-1].received == 101


def test_secrets_are_scrubbed_however_they_are_written(tmp_path: Path) -> None:
    """From the environment or a file, plain or as JSON writes it, a password becomes ``***``."""
    password = 'p"ä\\ss'  # noqa: S105 - of nobody
    file = tmp_path / "password"
    file.write_text("of the file", encoding="utf-8")
    file.chmod(0o600)
    environ = {"ZTFNB_KAFKA_USERNAME": "anna", "ZTFNB_KAFKA_PASSWORD": password}
    away = settings(source="kafka://broker.example:9093/night")
    scrub = scrubber(away, environ)
    texts = (password, json.dumps(password), json.dumps(password, ensure_ascii=False))
    for text in texts:
        assert scrub(f"<{text}>").strip('<">') == "***"
    pointed = replace(away, kafka={"sasl.password": f"file:{file}"})
    assert scrubber(pointed, environ)("it is of the file!") == "it is ***!"
    assert shown(pointed)["kafka"] == {"sasl.password": "***"}
    assert shown(replace(away, source="kafka://a:b@host/t"))["source"] == "kafka://***@host/t"
