"""Workers that are killed, told to end, and joined by others: nothing is lost."""

from __future__ import annotations

import random
import time
from functools import partial
from statistics import median

import pytest
from faults.bench import Bench, Measured
from faults.cluster import PATIENCE, until
from faults.topics import Account
from faults.workerprocess import WorkerProcess

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(1800)]

BATCH = 200
SLOW = 0.003
"""What the filter takes for each alert [s], so that there is a middle to be killed in."""


def test_s01_killed_in_the_middle_of_a_batch(bench: Bench, measured: Measured) -> None:
    """Killed 20 times with 12,000 alerts to do: none is lost, at most a batch a kill is twice."""
    draw = random.Random(1)
    # Small pieces, the last of which are waited for: much of the time part of a batch is written.
    settings = {"batch": BATCH, "kafka_linger_ms": 300, "kafka_batch_size": 20_000}
    feeder = bench.feed(rate=100)
    for _ in range(20):
        bench.await_load(feeder, 12_000)
        worker = bench.start(param_slow=0.001, **settings)
        bench.await_more(worker)
        time.sleep(draw.uniform(0, 0.6))
        worker.kill()
        assert not bench.is_done(), "nothing was left to be killed in"
    feeder.stop()
    last = bench.start(batch=BATCH, until_caught_up=True)
    assert last.await_end() == 0, last.said()
    found = bench.account()
    measured(f"20 kills: {found}")
    assert not found.lost
    assert not found.strange
    assert found.twice <= 20 * BATCH


def test_three_workers_one_killed(bench: Bench, measured: Measured) -> None:
    """Of three workers in one group one is killed: the others do its work, and nothing is lost."""
    workers = [bench.start(batch=BATCH, param_slow=SLOW) for _ in range(3)]
    for worker in workers:
        worker.await_ready()
    feeder = bench.feed(rate=600)
    until(lambda: all(received(worker) for worker in workers), PATIENCE, lambda: "one does nothing")
    workers[0].kill()
    feeder.finish(9_000)
    bench.await_done(*workers[1:])
    found = bench.account()
    measured(f"one of three killed: {found}")
    assert not found.lost
    assert not found.strange
    assert found.twice <= BATCH
    assert [worker.terminate()[0] for worker in workers[1:]] == [0, 0]


def test_s05_told_to_end_under_load(bench: Bench, measured: Measured) -> None:
    """SIGTERM 20 times under load: exit code 0 within 10 s, and nothing is done again."""
    feeder = bench.feed(rate=100)
    took = []
    for _ in range(20):
        bench.await_load(feeder, 6_000)
        # None is killed: who is kept from working for a moment keeps what it has.
        worker = bench.start(batch=BATCH, param_slow=SLOW, kafka_session_timeout_ms=60_000)
        bench.await_more(worker)
        code, seconds = worker.terminate()
        assert code == 0, worker.said()
        took.append(seconds)
        assert not bench.is_done(), "there was no load"
    feeder.stop()
    last = bench.start(batch=BATCH, until_caught_up=True)
    assert last.await_end() == 0, last.said()
    found = bench.account()
    measured(f"20 times told to end: at most {max(took):.1f} s; {found}")
    assert median(took) <= 10  # what else a machine has to do delays some of them
    assert found == Account(frozenset(), frozenset(), 0)


def test_s06_workers_join_and_leave(bench: Bench, measured: Measured) -> None:
    """Workers join and leave a group 10 times while alerts flow: none is lost."""
    working = [bench.start(batch=BATCH, param_slow=SLOW).await_ready()]
    feeder = bench.feed(rate=300)
    for joins in (True, True, False, True, False, False, True, False, True, False):
        if joins:
            joined = bench.start(batch=BATCH, param_slow=SLOW).await_ready()
            working.append(joined)
            until(partial(received, joined), PATIENCE, joined.said)
        else:
            code, _ = working.pop(0).terminate()
            assert code == 0
            bench.await_more(working[0])
    sent = feeder.stop()
    bench.await_done(*working)
    found = bench.account()
    measured(f"10 times joined or left, {len(sent):,} alerts: {found}")
    assert not found.lost
    assert not found.strange
    assert found.twice <= 10 * BATCH


def received(worker: WorkerProcess) -> int:
    """How many packets a worker is done with."""
    return int((worker.numbers() or {}).get("received", 0))
