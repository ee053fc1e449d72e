from __future__ import annotations

import argparse
import csv
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

import ztfnb
from ztfnb import cli
from ztfnb.doctor import Check
from ztfnb.errors import ConfigError, ZtfnbError
from ztfnb.simulate import Survey


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


# A shell's background jobs ignore interrupts, and so does what they start.
INTERRUPTIBLE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from ztfnb.cli import main
sys.exit(main())
"""


def test_demo_tells_where_it_is_and_ends_when_interrupted() -> None:
    """The first line is the address, for a program; then it serves until it is interrupted."""
    night = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, "demo", "--json", "--rate", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert night.stdout is not None
    told = json.loads(night.stdout.readline())
    host, port = told["bootstrap"].split(":")
    socket.create_connection((host, int(port)), timeout=60).close()
    night.send_signal(signal.SIGINT)
    _, said = night.communicate(timeout=120)
    assert (night.returncode, said) == (130, "")


SIMULATE = ["simulate", "--night", "2026-01-15", "--limit", "20"]


def test_simulate_to_a_file_with_its_truth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file holds the alerts that were asked for, the table one row for each of them."""
    monkeypatch.chdir(tmp_path)
    where = ["--to", "night.tar.gz", "--truth", "truth.csv", "--seed", "3", "--json"]
    assert cli.main([*SIMULATE, *where]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["sent"], report["failed"]) == (20, 0)
    alerts = list(ztfnb.read("night.tar.gz"))
    with (tmp_path / "truth.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["candid"]) for row in rows] == [alert.candid for alert in alerts]
    expected = [one.packet for one in Survey(3).night("2026-01-15", 20, programid=1)]
    assert [alert.raw for alert in alerts] == expected


def test_replay_from_file_to_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Replaying copies byte for byte, and says in words how many."""
    monkeypatch.chdir(tmp_path)
    assert cli.main([*SIMULATE, "--to", "night.tar.gz"]) == 0
    capsys.readouterr()
    replay = ["replay", "night.tar.gz", "--to", "copy", "--limit", "12", "--pace", "1000/s"]
    assert cli.main(replay) == 0
    assert capsys.readouterr().out.startswith("copy: 12 alerts in ")
    copied = {alert.raw for alert in ztfnb.read("copy")}
    assert copied == {alert.raw for alert in list(ztfnb.read("night.tar.gz"))[:12]}


@pytest.mark.kafka
def test_replay_to_kafka(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bootstrap: str) -> None:
    """Alerts go to the topic of their night and programme, with 16 partitions."""
    monkeypatch.chdir(tmp_path)
    assert cli.main([*SIMULATE, "--to", "night", "--programid", "2"]) == 0
    assert cli.main(["replay", "night", "--to", f"kafka://{bootstrap}"]) == 0
    topic = "ztf_20260115_programid2"
    listed = AdminClient({"bootstrap.servers": bootstrap}).list_topics(topic, timeout=60)
    partitions = listed.topics[topic]
    assert len(partitions.partitions) == 16
    with ztfnb.connect(f"kafka://{bootstrap}/{topic}", start="beginning") as live:
        live.wait(alerts=20)
        assert {alert.raw for alert in live.latest(100)} == {
            alert.raw for alert in ztfnb.read("night")
        }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max", {}),
        ("real", {"speed": 1.0}),
        ("20x", {"speed": 20.0}),
        ("0.5x", {"speed": 0.5}),
        ("100/s", {"rate": 100.0}),
    ],
)
def test_pace(text: str, expected: dict[str, float]) -> None:
    """A pace is real, a multiple, a rate, or as fast as possible."""
    assert cli.pace(text) == expected


@pytest.mark.parametrize("text", ["", "fast", "10", "x", "10/h", "-1x", "nan/s"])
def test_pace_that_is_none(text: str) -> None:
    """Anything else is refused with the forms that are possible."""
    with pytest.raises(argparse.ArgumentTypeError, match="expected real, max"):
        cli.pace(text)


def test_nowhere_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a broker of one's own and without a place, both ways on are named."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert cli.main(SIMULATE) == 1
    said = capsys.readouterr().err
    assert "ztfnb broker start" in said
    assert "--to" in said


def test_truth_that_could_not_be_written_is_told_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistyped folder ends it before anything is simulated or written."""
    where = ["--to", str(tmp_path / "night"), "--truth", str(tmp_path / "no" / "truth.csv")]
    assert cli.main([*SIMULATE, *where]) == 1
    assert "there is no folder" in capsys.readouterr().err
    assert not (tmp_path / "night").exists()


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
        socket.create_connection((host, int(port)), timeout=60).close()
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
