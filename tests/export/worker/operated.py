"""A worker that does nothing but have numbers, for what is around one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from ztfnb.errors import WorkerError
from ztfnb.export.worker.numbers import BUCKETS, FilterNumbers, WorkerNumbers
from ztfnb.export.worker.settings import WorkerSettings
from ztfnb.source import Gap, PartitionStatus

TIMES = tuple(range(len(BUCKETS) + 1))

NUMBERS = WorkerNumbers(
    state="running",
    filters=(
        FilterNumbers(
            "young", "0123456789ab", passed=7, rejected=90, failed=3,
            reasons=(("not decoded", 1), ("time", 2)), times=TIMES, seconds=1.5,
        ),
        FilterNumbers("old", "ba9876543210", passed=1, rejected=98, failed=1,
                      reasons=(("not decoded", 1),)),
    ),
    received=100, undecodable=1, produced=8, dead_letters=3, in_flight=12, lag=34,
    seconds_behind=5.5, rate=123.4,
    partitions=(
        PartitionStatus("night", 0, 60, lag=30, timestamp=1.7e9),
        PartitionStatus("night", 1, 44, lag=None),
    ),
    gaps=(Gap("night", 0, 10, 14),),
    restarts=2, rebalances=1, last_error="", ready=True, since=1.7e9,
)  # fmt: skip


def settings(**values: object) -> WorkerSettings:
    """Return settings of a worker between topics of this machine."""
    given = {
        "bundles": (Path("young"),),
        "source": "kafka://127.0.0.1:9092/night",
        "output": "kafka://127.0.0.1:9092/young",
    }
    return WorkerSettings(**{**given, **values})  # type: ignore[arg-type]


class Idle:
    """Runs until it is told to stop, or fails at once with ``error``."""

    def __init__(self, error: Exception | None = None, *, numbers: WorkerNumbers = NUMBERS) -> None:
        self.shown = numbers
        self.error = error
        self.running = threading.Event()

    def __call__(self, _settings: WorkerSettings, _environ: Mapping[str, str]) -> Idle:
        return self

    def run(self, stop: threading.Event) -> None:
        if self.error is not None:
            self.shown = replace(self.shown, state="failed", last_error=str(self.error))
            raise self.error
        self.running.set()
        while not stop.wait(0.02):
            self.shown = replace(self.shown, ticked=time.monotonic())
        self.shown = replace(self.shown, state="closed", in_flight=0)

    def numbers(self) -> WorkerNumbers:
        return self.shown


FAILS = WorkerError("the broker took nothing for 30 s")


class Once:
    """A look at a worker that does something when it runs, once."""

    def __init__(self, worker: Idle, act: Callable[[], object]) -> None:
        self.worker, self.act, self.acted = worker, act, False

    def __call__(self, _numbers: WorkerNumbers) -> None:
        if self.worker.running.is_set() and not self.acted:
            self.acted = True
            self.act()
