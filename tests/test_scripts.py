"""What the scripts behind ``make`` say when something cannot be had."""

from __future__ import annotations

import io
import os
import runpy
import subprocess
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


def run(script: str, path: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a script where only what lies in one folder can be found."""
    return subprocess.run(
        [sys.executable, str(ROOT / script)],
        env={**os.environ, "PATH": str(path), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


OF_IMAGES = dict.fromkeys(("buildah", "debootstrap", "skopeo", "bwrap"), "exit 0")
"""What builds images: asked for where root is."""


def executables(folder: Path, **programs: str) -> Path:
    for name, text in programs.items():
        program = folder / name.replace("_", "-")
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
    return folder


def test_without_root_the_packages_and_the_command_are_named(tmp_path: Path) -> None:
    """Nothing is guessed: exactly the missing packages, and the command that installs them."""
    executables(tmp_path, **OF_IMAGES)
    ended = run("scripts/prepare_tests.py", tmp_path, KAFKA_HOME="")
    assert ended.returncode == 1
    assert "Debian packages chromium, maven, and" in ended.stderr
    command = "apt-get update && apt-get install --no-install-recommends chromium maven"
    assert f"    {command}\n" in ended.stderr

    executables(tmp_path, chromium="exit 0")
    ended = run("scripts/prepare_tests.py", tmp_path, KAFKA_HOME="")
    assert "Debian packages maven, and" in ended.stderr


def test_kafka_of_ones_own_needs_no_maven(tmp_path: Path) -> None:
    """With KAFKA_HOME only Chromium is asked for."""
    executables(tmp_path, **OF_IMAGES)
    ended = run("scripts/prepare_tests.py", tmp_path, KAFKA_HOME=str(tmp_path))
    assert "Debian packages chromium, and" in ended.stderr


def test_only_root_is_asked_for_what_builds_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else could use it; the tests that need it say so and are skipped."""
    prepare_tests = runpy.run_path(str(ROOT / "scripts" / "prepare_tests.py"))
    monkeypatch.setenv("KAFKA_HOME", "")
    missing = {}
    for user in (0, 1000):
        monkeypatch.setattr("os.geteuid", lambda user=user: user)
        missing[user] = prepare_tests["missing_packages"](lambda _: None)
    assert missing[1000] == ["chromium", "maven"]
    assert missing[0] == [*missing[1000], "buildah", "debootstrap", "skopeo", "bubblewrap"]


def test_sudo_that_asks_for_a_password_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who is not root becomes it by a sudo that asks nothing, or not at all."""
    prepare_tests = runpy.run_path(str(ROOT / "scripts" / "prepare_tests.py"))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", str(executables(tmp_path, sudo="exit 1")))
    assert prepare_tests["become_root"]() is None
    executables(tmp_path, sudo="exit 0")
    assert prepare_tests["become_root"]() == ["sudo", "--non-interactive"]


@pytest.fixture
def run_tests() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "scripts" / "run_tests.py"))


def test_each_test_is_run_in_one_group(run_tests: dict[str, Any]) -> None:
    """Together the groups are all tests, and no test is run twice."""
    groups = run_tests["groups"](run_tests["GROUPS"])
    for path in (ROOT / "tests").rglob("test_*.py"):
        name = path.relative_to(ROOT).as_posix()
        of_it = []
        for group, arguments in groups.items():
            ignored = [one.removeprefix("--ignore=") for one in arguments if one.startswith("--")]
            folders = [one for one in arguments if not one.startswith("--")]
            if any(f"{name}/".startswith(f"{one}/") for one in folders) and not any(
                f"{name}/".startswith(f"{one}/") for one in ignored
            ):
                of_it.append(group)
        assert len(of_it) == 1, name


class Told(io.StringIO):
    """What is printed; makes a file when the second group has ended, and the first is told of."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file

    def write(self, text: str) -> int:
        written = super().write(text)
        if all(word in self.getvalue() for word in ("first 50%", "===== second")):
            self.file.touch()
        return written


def test_groups_run_at_once_and_each_is_shown_in_full(
    run_tests: dict[str, Any], tmp_path: Path
) -> None:
    """What a group printed is shown when it ends, and how far the others are; the worst counts."""
    programs = {
        "first": "echo '.... [ 50%]'; until [ -e told ]; do sleep 0.05; done; exit 1",
        "second": "echo 'E  a claim failed'; echo '[100%]'; exit 4",
    }
    running = []
    for name, program in programs.items():
        log = tmp_path / f"{name}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(["sh", "-c", program], stdout=file, cwd=tmp_path)
        running.append(run_tests["Running"](name, process, log))
    told = Told(tmp_path / "told")
    with redirect_stdout(told):
        assert run_tests["follow"](running, tell_every=0.1) == 4
    printed = told.getvalue()
    second, far, first = map(printed.index, ("E  a claim failed", "first 50%", "===== first"))
    assert second < first
    assert far < first


def test_groups_end_with_the_one_who_started_them(
    run_tests: dict[str, Any], tmp_path: Path
) -> None:
    """What runs is ended as by Ctrl-C, so that it can end what it started itself."""
    program = "trap 'echo tidied; exit 2' INT; echo ready; while :; do sleep 0.05; done"
    log = tmp_path / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(["sh", "-c", program], stdout=file, start_new_session=True)
    while "ready" not in log.read_text():
        time.sleep(0.01)
    run_tests["end"]([run_tests["Running"]("only", process, log)])
    assert log.read_text() == "ready\ntidied\n"
    assert process.returncode == 2


def test_a_group_that_was_killed_counts(run_tests: dict[str, Any]) -> None:
    """A process that ended by a signal has a negative exit code, which is no success."""
    assert run_tests["worst"]([0, -9, 1]) == 9
    assert run_tests["worst"]([0, 0]) == 0
