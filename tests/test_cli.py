from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ztfnb import cli
from ztfnb.doctor import Check
from ztfnb.errors import ConfigError, ZtfnbError


def verbs() -> list[tuple[str, ...]]:
    """Every verb, and every sub-verb below one."""
    found: list[tuple[str, ...]] = []

    def below(parser: argparse.ArgumentParser, words: tuple[str, ...]) -> None:
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, child in action.choices.items():
                    found.append((*words, name))
                    below(child, (*words, name))

    below(cli.parser(), ())
    return found


@pytest.mark.parametrize("words", verbs(), ids=" ".join)
def test_help_of_each_verb_shows_an_example(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """``--help`` ends with examples that the parser itself accepts."""
    with pytest.raises(SystemExit) as end:
        cli.main([*words, "--help"])
    assert end.value.code == 0
    _, _, examples = capsys.readouterr().out.partition("examples:\n")
    lines = examples.strip().splitlines()
    assert lines
    for line in lines:
        name, *arguments = line.split()
        assert name == "ztfnb"
        assert tuple(arguments[: len(words)]) == words
        cli.parser().parse_args(arguments)


def test_no_verb_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a verb, or with an unknown one, the exit code is 2 and the verbs are listed."""
    for arguments in ([], ["observe"]):
        with pytest.raises(SystemExit) as end:
            cli.main(arguments)
        assert end.value.code == 2
        assert "usage: ztfnb" in capsys.readouterr().err


@pytest.mark.parametrize("error", [ZtfnbError("the dome is closed"), ImportError("pip install it")])
def test_an_error_is_one_plain_line(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What ztfnb raises on purpose ends as one line on stderr and exit code 1."""

    def broken(*_: object) -> tuple[Check, ...]:
        raise error

    monkeypatch.setattr("ztfnb.doctor.diagnose", broken)
    assert cli.main(["doctor"]) == 1
    printed = capsys.readouterr()
    assert printed.err == f"ztfnb doctor: {error}\n"
    assert printed.out == ""


def test_interrupted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C ends with exit code 130 and without a traceback."""

    def interrupted(*_: object) -> tuple[Check, ...]:
        raise KeyboardInterrupt

    monkeypatch.setattr("ztfnb.doctor.diagnose", interrupted)
    assert cli.main(["doctor"]) == 130
    assert capsys.readouterr().err == ""


def test_reader_that_goes_away() -> None:
    """``ztfnb doctor | true`` ends without a complaint."""
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run(
        [sys.executable, "-m", "ztfnb", "doctor"],
        stdout=write,
        stderr=subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
        check=False,
    )
    os.close(write)
    assert ended.stderr == b""


def test_doctor_prints_every_check_and_its_advice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A person reads one line for each check; a warning alone does not fail."""
    checks = (Check("Python", "ok", "3.11.7"), Check("Java", "warn", "missing", "install it"))
    monkeypatch.setattr("ztfnb.doctor.diagnose", lambda _: checks)
    assert cli.main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert [line.split() for line in printed.splitlines()] == [
        ["ok", "Python", "3.11.7"],
        ["warn", "Java", "missing"],
        ["->", "install", "it"],
    ]


def test_doctor_for_programs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--json`` prints the checks as data, and a failure shows in the exit code."""
    checks = (Check("local ports", "fail", "blocked", "open them"),)
    monkeypatch.setattr("ztfnb.doctor.diagnose", lambda _: checks)
    assert cli.main(["doctor", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == [
        {"name": "local ports", "state": "fail", "found": "blocked", "advice": "open them"}
    ]


def test_demo_tells_where_it_is_and_ends_when_interrupted() -> None:
    """The first line is the address, for a program; then it serves until it is interrupted."""
    night = subprocess.Popen(
        [sys.executable, "-m", "ztfnb", "demo", "--json", "--rate", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert night.stdout is not None
    told = json.loads(night.stdout.readline())
    host, port = told["bootstrap"].split(":")
    socket.create_connection((host, int(port)), timeout=10).close()
    night.send_signal(signal.SIGINT)
    _, said = night.communicate(timeout=30)
    assert (night.returncode, said) == (130, "")


def test_broker_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A broker that does not run is told with how to start it, and with exit code 3."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert cli.main(["broker", "status"]) == 3
    assert "ztfnb broker start" in capsys.readouterr().out
    assert cli.main(["broker", "status", "--json"]) == 3
    assert json.loads(capsys.readouterr().out) == {"running": False}
    assert cli.main(["broker", "stop"]) == 0
    assert "no broker was running" in capsys.readouterr().out


@pytest.mark.kafka
def test_broker_from_start_to_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Started, it takes connections and its status says where; stopped, it is gone."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    try:
        assert cli.main(["broker", "start", "--json"]) == 0
        started = json.loads(capsys.readouterr().out)
        assert cli.main(["broker", "status", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == started
        host, port = started["bootstrap"].split(":")
        socket.create_connection((host, int(port)), timeout=10).close()
    finally:
        assert cli.main(["broker", "stop", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"stopped": True}
    assert cli.main(["broker", "status"]) == 3


def test_lab_opens_the_notebook_and_asks_the_internet_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JupyterLab starts on the notebook that is there, without news or update checks."""
    monkeypatch.chdir(tmp_path)
    bare = cli.lab_arguments(cli.FIRST_NOTEBOOK)
    assert "--LabApp.news_url=None" in bare
    assert "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate" in bare
    assert not [argument for argument in bare if "default_url" in argument]

    (tmp_path / "notebooks").mkdir()
    (tmp_path / cli.FIRST_NOTEBOOK).touch()
    full = cli.lab_arguments(cli.FIRST_NOTEBOOK, port=8890, browser=False)
    assert "--LabApp.default_url=/lab/tree/notebooks/01-first-night.ipynb" in full
    assert {"--ServerApp.port=8890", "--no-browser"} <= set(full)


def test_lab_with_a_notebook_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistyped notebook is an error, not an empty JupyterLab."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"no notebook mine\.ipynb"):
        cli.lab_arguments(Path("mine.ipynb"))
