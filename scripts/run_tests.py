"""Run the tests with coverage: what was asked for, or all of them in groups at the same time.

``python scripts/run_tests.py`` runs the groups below as processes of their own, three at a time:
some wait most of the time, for a browser or for a broker that was killed, while others compute.
More would keep each other waiting on two cores, where a test speaks of seconds. They share
nothing: each has its own caches, its own broker, and its output in ``artefacts/tests-GROUP.log``,
which is printed in full when the group ends. With options for pytest there is one process, as ever.
The exit code is the worst of all.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
GROUPS: Mapping[str, Sequence[str]] = {
    "browser": ("tests/browser",),
    "export": ("tests/export",),
    "outages": ("tests/faults/test_worker_outages.py",),
    "rest": (),
    "kafka": ("tests/kafka",),
    "filters": ("tests/filters", "tests/recipes", "tests/simulate"),
    "kills": ("tests/faults/test_worker_kills.py",),
    "widgets": ("tests/widgets",),
    "images": ("tests/images",),
}
"""Folders and files by group, in the order in which they begin: the longest first, and short ones
last, so that all end at about the same time. The one of none is everything else."""
AT_ONCE = 3
TELL_EVERY = 60.0
_PATIENCE = 60.0


@dataclass
class Running:
    """A group that runs."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        """Return what it printed until now."""
        return self.log.read_text("utf-8", errors="replace")


def groups(folders: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return pytest's arguments for each group; each test is in exactly one."""
    others = ["tests", *(f"--ignore={folder}" for group in folders.values() for folder in group)]
    return {name: list(group) or others for name, group in folders.items()}


def begin(name: str, arguments: Sequence[str], artefacts: Path) -> Running:
    """Start one group, with a log and caches that no other writes to."""
    log = artefacts / f"tests-{name}.log"
    data = Path(f".coverage.{name}")
    data.unlink(missing_ok=True)
    # Not by pytest's plugin, which begins when part of ztfnb is imported already.
    command = [sys.executable, "-m", "coverage", "run", f"--data-file={data}", "-m", "pytest"]
    command += ["-o", f"cache_dir=.pytest_cache/{name}", "--durations=10", *arguments]
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=os.environ | {"HYPOTHESIS_STORAGE_DIRECTORY": f".hypothesis/{name}"},
            start_new_session=True,  # Ctrl-C comes through `end`, once
        )
    return Running(name, process, log)


def how_far(text: str) -> str:
    """Return how far a run of pytest has come, by what it printed."""
    shares = re.findall(r"\[ *(\d+%)\]", text)
    return shares[-1] if shares else "0%"


def follow(
    running: Sequence[Running],
    tell_every: float = TELL_EVERY,
    begin_next: Callable[[], Running | None] = lambda: None,
) -> int:
    """Print each group's output when it ends, and now and then how far the others are.

    Where one ends, the next begins. Returns the worst exit code.
    """
    began = told = time.monotonic()
    left = list(running)
    codes = []
    while left:
        time.sleep(0.2)
        now = time.monotonic()
        for group in [one for one in left if one.process.poll() is not None]:
            left.remove(group)
            codes.append(group.process.returncode)
            following = begin_next()
            left += [following] if following is not None else []
            print(f"\n===== {group.name}: ended after {clock(now - began)} =====", flush=True)
            print(group.said(), flush=True)
        if left and now - told >= tell_every:
            told = now
            far = ", ".join(f"{group.name} {how_far(group.said())}" for group in left)
            print(f"{clock(now - began)}  {far}", flush=True)
    return worst(codes)


def worst(codes: Iterable[int]) -> int:
    """Return the exit code that is furthest from success; a process that was killed counts."""
    return max(abs(code) for code in codes)


def clock(seconds: float) -> str:
    """Return a duration as minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def end(running: Sequence[Running]) -> None:
    """End what still runs as Ctrl-C would, so that it ends its brokers and browsers."""
    left = [group.process for group in running if group.process.poll() is None]
    for process in left:
        process.send_signal(signal.SIGINT)
    for process in left:
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run_groups() -> int:
    """Run every test, in groups."""
    artefacts = ROOT / "artefacts"
    artefacts.mkdir(exist_ok=True)
    waiting = list(groups(GROUPS).items())
    running: list[Running] = []

    def begin_next() -> Running | None:
        if not waiting:
            return None
        running.append(begin(*waiting.pop(0), artefacts))
        return running[-1]

    try:
        for _ in range(AT_ONCE):
            begin_next()
        return follow(running, begin_next=begin_next)
    finally:
        end(running)
        coverage("combine", "--quiet", *map(str, ROOT.glob(".coverage.*")))
        coverage("report")
        for group in running:  # once more: the reports above are long
            print(f"{group.name}: {(group.said().splitlines() or ['nothing'])[-1]}", flush=True)


def coverage(*arguments: str) -> int:
    """Run coverage's command."""
    return subprocess.run([sys.executable, "-m", "coverage", *arguments], check=False).returncode


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for; everything where nothing was."""
    # Whoever ends this ends the groups too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    os.chdir(ROOT)
    if not arguments:
        return run_groups()
    code = coverage("run", "-m", "pytest", *arguments)
    coverage("report")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
