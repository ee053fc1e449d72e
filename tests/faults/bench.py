"""Topics on a broker, and workers between them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from faults.cluster import PATIENCE, until
from faults.topics import (
    Account,
    Feeder,
    account,
    committed,
    ends,
    number_of,
    read,
)
from faults.workerprocess import WorkerProcess, fails, passes

from ztfnb.kafka import create_topics

SESSION_MS = 6_000
"""How long a member of a group that was killed keeps its partitions, in these tests."""
HEARTBEAT_MS = 1_000

_numbers = itertools.count()


class Bench:
    """Three topics, of what comes in, what passes, and what fails; workers end with the stack."""

    def __init__(self, bootstrap: str, bundle: Path, folder: Path, stack: ExitStack) -> None:
        self.bootstrap = bootstrap
        self._bundle = bundle
        self._folder = folder
        self._stack = stack
        self._workers = itertools.count()
        self.topic = f"alerts-{next(_numbers)}"
        self.output = f"{self.topic}-odd"
        self.dead_letters = f"{self.topic}-dead"
        self.group = f"{self.topic}-group"
        create_topics(bootstrap, [self.topic, self.output, self.dead_letters])

    def start(self, **variables: object) -> WorkerProcess:
        """Start one more worker; settings by name, as `WorkerProcess` has them."""
        settings = {
            "source": f"kafka://{self.bootstrap}/{self.topic}",
            "output": f"kafka://{self.bootstrap}/{self.output}",
            "dead_letters": self.dead_letters,
            "group": self.group,
            "start": "beginning",
            "kafka_session_timeout_ms": SESSION_MS,
            "kafka_heartbeat_interval_ms": HEARTBEAT_MS,
        }
        log = self._folder / f"worker-{next(self._workers)}.log"
        worker = WorkerProcess(self._bundle, log, **{**settings, **variables})
        return self._stack.enter_context(worker)

    def feed(self, *, rate: float | None = None, number: int | None = None) -> Feeder:
        """Write packets to the topic of what comes in, while something else happens."""
        return Feeder(self.bootstrap, self.topic, rate=rate, number=number)

    def fill(self, number: int) -> None:
        """Write so many packets to the topic of what comes in."""
        assert len(self.feed(number=number).join()) == number

    def await_load(self, feeder: Feeder, number: int) -> None:
        """Have it write until so many are not done: more than a worker does while one looks."""
        feeder.reach(self.done() + number)

    def is_done(self) -> bool:
        """Whether everything that came in is committed."""
        return self.done() >= sum(self.ends().values())

    def done(self) -> int:
        """How many packets of what came in the group has committed."""
        return sum(self.committed().values())

    def committed(self) -> dict[int, int]:
        """What the group has committed, by partition."""
        return committed(self.bootstrap, self.group, self.topic)

    def is_past(self, partition: int, offset: int) -> bool:
        """Whether the group has committed more of a partition than up to an offset."""
        return self.committed()[partition] > offset

    def ends(self) -> dict[int, int]:
        """The ends of what came in, by partition."""
        return ends(self.bootstrap, self.topic)

    def came_out(self) -> int:
        """How many packets have been written out, twice or not."""
        return sum(ends(self.bootstrap, self.output).values())

    def await_more(self, worker: WorkerProcess, timeout: float = PATIENCE) -> None:
        """Wait until packets come out that were not there."""
        before = self.came_out()
        until(lambda: self.came_out() > before, timeout, lambda: f"nothing out: {worker.said()}")

    def await_done(self, *workers: WorkerProcess, timeout: float = 2 * PATIENCE) -> None:
        """Wait until everything that came in is committed."""
        end = self.ends()
        until(
            lambda: self.committed() == end,
            timeout,
            lambda: f"{end}, {self.committed()}: {[worker.said() for worker in workers]}",
        )

    def came_in(self) -> set[int]:
        """The numbers of what came in."""
        return {number_of(packet) for packet in read(self.bootstrap, self.topic)}

    def account(
        self, passes: Callable[[int], bool] = passes, fails: Callable[[int], bool] = fails
    ) -> Account:
        """What was lost and what came twice, of everything that came in."""
        came = self.came_in()
        passed = account(filter(passes, came), read(self.bootstrap, self.output))
        failed = account(filter(fails, came), read(self.bootstrap, self.dead_letters))
        return Account(
            passed.lost | failed.lost, passed.strange | failed.strange, passed.twice + failed.twice
        )


MakeBench = Callable[[str], Bench]
"""Makes topics on the brokers of this address."""
Measured = Callable[[str], None]
"""Takes what was measured in words."""
