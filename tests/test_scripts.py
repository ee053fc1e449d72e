"""What the scripts behind ``make`` say when something cannot be had."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

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


def executables(folder: Path, **programs: str) -> Path:
    for name, text in programs.items():
        program = folder / name.replace("_", "-")
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
    return folder


def test_without_root_the_packages_and_the_command_are_named(tmp_path: Path) -> None:
    """Nothing is guessed: exactly the missing packages, and the command that installs them."""
    ended = run("scripts/prepare_tests.py", tmp_path, KAFKA_HOME="")
    assert ended.returncode == 1
    assert "Debian packages chromium, maven" in ended.stderr
    command = "apt-get update && apt-get install --no-install-recommends chromium maven"
    assert f"    {command}\n" in ended.stderr

    executables(tmp_path, chromium="exit 0")
    ended = run("scripts/prepare_tests.py", tmp_path, KAFKA_HOME="")
    assert "Debian packages maven, and" in ended.stderr


def test_kafka_of_ones_own_needs_no_maven(tmp_path: Path) -> None:
    """With KAFKA_HOME only Chromium is asked for."""
    ended = run("scripts/prepare_tests.py", tmp_path, KAFKA_HOME=str(tmp_path))
    assert "Debian packages chromium, and" in ended.stderr


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
