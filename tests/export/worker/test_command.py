from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from export.worker.operated import FAILS, NUMBERS, Idle
from handbundle import bundle_of

from ztfnb import cli
from ztfnb.export.worker import service
from ztfnb.export.worker.numbers import WorkerNumbers
from ztfnb.export.worker.progress import ProgressLine, line_of
from ztfnb.export.worker.settings import WorkerSettings

ADDRESSES = [
    "--from", "kafka://127.0.0.1:9092/night", "--to", "kafka://127.0.0.1:9092/out"
]  # fmt: skip


class Ending(Idle):
    """Ends at once, or fails; keeps what it was told to do."""

    def __call__(self, settings: WorkerSettings, _environ: object) -> Ending:
        self.settings = settings
        return self

    def run(self, _stop: object) -> None:
        if self.error is not None:
            raise self.error


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Ending:
    made = Ending()
    monkeypatch.setattr(service, "_worker", made)
    return made


def run(*arguments: str) -> int:
    return cli.main(["filter", "run", *ADDRESSES, *arguments, "young"])


def test_every_option_reaches_the_worker(worker: Ending) -> None:
    """What is written on the command line is what the worker is told to do."""
    options = (
        "--group readers --start beginning --dead-letters bad --until-caught-up --transactional "
        "--transactional-id one --batch 10 --seconds 2 --memory 512m --setup-seconds 9 --strict "
        "--log-level warning --param rb_min=0.8 --param old.age=3 --insecure"
    )
    assert run(*options.split(), "older") == 0
    made = worker.settings
    assert made.bundles == (Path("older"), Path("young"))
    assert made.source == "kafka://127.0.0.1:9092/night"
    assert made.output == "kafka://127.0.0.1:9092/out"
    assert (made.group, made.start, made.dead_letters) == ("readers", "beginning", "bad")
    assert (made.until_caught_up, made.transactional, made.strict, made.insecure) == (True,) * 4
    assert (made.transactional_id, made.batch, made.log_level) == ("one", 10, "warning")
    limits = made.limits
    assert (limits.seconds, limits.memory, limits.setup_seconds) == (2.0, 512 << 20, 9.0)
    assert made.params == {"ZTFNB_PARAM_RB_MIN": "0.8", "ZTFNB_PARAM_OLD__AGE": "3"}


def test_what_is_not_given_is_left_to_environment_and_defaults(
    worker: Ending, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An option goes before a variable, a variable before a default."""
    monkeypatch.setenv("ZTFNB_STRICT", "yes")
    monkeypatch.setenv("ZTFNB_BATCH", "20")
    assert run("--batch", "30") == 0
    assert (worker.settings.strict, worker.settings.batch) == (True, 30)
    assert worker.settings.port is None
    assert worker.settings.start == "latest"


@pytest.mark.usefixtures("worker")
def test_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    """At the end stands how many were received, passed, rejected and failed: for people or not."""
    assert run() == 0
    said = capsys.readouterr().out
    expected = "young (0123456789ab): 100 received = 7 passed + 90 rejected + 3 failed"
    assert said.splitlines()[0] == expected
    assert run("--json") == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (told["code"], told["received"], told["produced"], told["dead_letters"]) == (
        0, 100, 8, 3,
    )  # fmt: skip
    assert [one["filter"] for one in told["filters"]] == ["young", "old"]


def test_wrong_settings(worker: Ending, capsys: pytest.CaptureFixture[str]) -> None:
    """What is wrong with them is one plain line, with exit code 2."""
    assert run("--batch", "many") == 2
    assert capsys.readouterr().err.startswith("ztfnb filter run: --batch: expected a whole number")
    assert not hasattr(worker, "settings")


def test_a_threshold_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong ``--param`` is a wrong setting, though only the filter's process can know that."""
    bundle = bundle_of(tmp_path / "bright")[0]
    assert cli.main(["filter", "run", *ADDRESSES, "--param", "rb=1", str(bundle.folder)]) == 2
    printed = capsys.readouterr()
    assert "has no threshold 'rb'" in printed.err.splitlines()[-1]
    assert not printed.out


def test_a_worker_that_gives_up(worker: Ending, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, why in the log, and what was done until then in the report."""
    worker.error = FAILS
    assert run("--json") == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["code"] == 1
    assert str(FAILS) in printed.err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_in_a_terminal(worker: Ending, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log is for people there, with a line below it that says how far the worker is."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "200")
    assert run() == 0
    parts = terminal.getvalue().split("\r\033[K")
    assert any(part == line_of(worker.shown) for part in parts)
    assert any("starting" in part and part.endswith("\n") for part in parts)
    assert parts[-1] == ""


def test_line_of_progress() -> None:
    """State, how much is left, rate, what passed and failed; only what is known."""
    assert line_of(NUMBERS) == (
        "[##############......] running   100 received, 34 left, 123/s, young passed 7, "
        "old passed 1, 4 failed"
    )
    assert line_of(WorkerNumbers()) == "starting  0 received, 0/s"
    assert line_of(replace(NUMBERS, received=0, lag=0)).startswith("[####################]")


def test_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line is never longer than the terminal: it could not be written over."""
    monkeypatch.setenv("COLUMNS", "40")
    terminal = Terminal()
    ProgressLine(terminal).show(NUMBERS)
    assert len(terminal.getvalue()) == len("\r\033[K") + 39
