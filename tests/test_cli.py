from __future__ import annotations

import argparse
import json
import os
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
