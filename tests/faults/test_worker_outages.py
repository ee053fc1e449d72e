"""Brokers that go away, and workers that are held for a while: nothing is lost."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable
from functools import partial
from statistics import median

import psutil
import pytest
from faults.bench import Bench, MakeBench, Measured
from faults.cluster import PATIENCE, Cluster, until
from faults.topics import Account, commits
from faults.workerprocess import WorkerProcess

from ztfnb.broker.real import RealBroker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(1800)]

BATCH = 200


def test_s02_leaders_of_partitions_killed(
    cluster: Cluster, bench_on: MakeBench, measured: Measured
) -> None:
    """Five times a leader is killed under 100,000 alerts: none is lost, and soon they flow again.

    Into the topic and, through a worker, out of it; 60 s is soon.
    """
    bench = bench_on(cluster.bootstrap)
    worker = bench.start().await_ready()
    feeder = bench.feed(rate=400)
    bench.await_more(worker)
    took = []
    for partition in range(5):
        node = cluster.leader(bench.topic, partition)
        cluster.nodes[node].stop(force=True)
        killed = time.monotonic()
        other = partial(cluster.has_other_leader, bench.topic, partition, node)
        until(other, PATIENCE, worker.said)
        end = bench.ends()[partition]
        # Something new came in there, was judged, written out, and is committed.
        until(partial(bench.is_past, partition, end), PATIENCE, worker.said)
        took.append(time.monotonic() - killed)
        cluster.nodes[node].start()
        cluster.await_sync(bench.topic)
    acknowledged = feeder.finish(100_000)
    bench.await_done(worker)
    assert worker.running
    found = bench.account()
    measured(
        f"leaders killed: flowing again after {', '.join(f'{s:.1f} s' for s in took)}; {found}"
    )
    assert median(took) <= 60
    assert len(acknowledged) >= 100_000
    assert not acknowledged - bench.came_in()
    assert not found.lost
    assert not found.strange
    assert found.twice <= 5 * 1_000


def test_s10_held_for_a_minute(bench: Bench, measured: Measured) -> None:
    """A worker that stands still for 60 s commits nothing that went to another meanwhile."""
    held, other = (bench.start(batch=BATCH, param_slow=0.002) for _ in range(2))
    held.await_ready()
    other.await_ready()
    feeder = bench.feed(rate=200)
    bench.await_more(held)
    time.sleep(1)
    family = [held.process.pid, *(one.pid for one in psutil.Process(held.process.pid).children())]
    _send(family, signal.SIGSTOP)
    stopped = time.monotonic()
    end = bench.ends()
    until(lambda: _behind(end, bench.committed()) == 0, PATIENCE, other.said)
    time.sleep(max(stopped + 60 - time.monotonic(), 0))
    _send(family, signal.SIGCONT)
    # It finds itself put out, joins again, and does its share.
    done = (held.numbers() or {}).get("received", 0)
    until(lambda: (held.numbers() or {}).get("received", 0) > done + BATCH, PATIENCE, held.said)
    feeder.stop()
    bench.await_done(held, other)
    found = bench.account()
    measured(f"held for 60 s: {found}")
    assert not found.lost
    assert not found.strange
    assert found.twice <= BATCH
    newest: dict[int, int] = {}
    for _, partition, offset in commits(bench.bootstrap, bench.group):
        assert offset >= newest.get(partition, 0), f"partition {partition} went back"
        newest[partition] = offset
    assert newest


def test_s11_broker_away_for_two_minutes(
    own_broker: RealBroker, bench_on: MakeBench, measured: Measured
) -> None:
    """The broker is gone for 120 s: that is seen, soon over when it is back, and nothing is lost.

    On a machine that does nothing else, within 10 s and within 30 s; here within three times that.
    """
    bench = bench_on(own_broker.start().bootstrap)
    worker = bench.start(batch=BATCH).await_ready()
    feeder = bench.feed(rate=100)
    bench.await_more(worker)
    own_broker.stop(force=True)
    gone = time.monotonic()
    noticed = until(lambda: worker.state() == "disconnected", 30, worker.said)
    assert not worker.healthy("readyz")
    assert worker.healthy("healthz"), "starting it anew would not help"
    time.sleep(max(gone + 120 - time.monotonic(), 0))
    own_broker.start()
    back = time.monotonic()
    done = bench.done()
    until(lambda: worker.healthy("readyz"), 90, worker.said)
    # All that has come in meanwhile takes as long as it takes.
    until(lambda: bench.done() > done, back + 90 - time.monotonic(), worker.said)
    recovered = time.monotonic() - back
    acknowledged = feeder.stop()
    bench.await_done(worker)
    found = bench.account()
    measured(f"broker away: noticed after {noticed:.1f} s, over after {recovered:.1f} s; {found}")
    assert not acknowledged - bench.came_in()
    assert not found.lost
    assert not found.strange
    assert found.twice <= BATCH


def test_s15_transactions(own_broker: RealBroker, bench_on: MakeBench, measured: Measured) -> None:
    """With transactions 8 hard ends over 33,000 alerts leave exactly what came in, each once.

    The broker is killed twice besides.
    """
    bench = bench_on(own_broker.start().bootstrap)
    bench.fill(33_000)
    settings = {"transactional": True, "param_every": True, "param_slow": 0.004, "batch": 500}
    for place in range(10):
        worker = bench.start(**settings)
        done = bench.done()
        until(lambda: bench.done() > done, PATIENCE, worker.said)  # noqa: B023 - called here
        time.sleep(0.3 * (place % 4))
        if place % 4 == 3:
            own_broker.stop(force=True)
            own_broker.start()
            done = bench.done()
            going = partial(_is_going_on, bench, worker, done)
            until(going, PATIENCE, worker.said)
        worker.kill()
        assert bench.done() < 33_000, "nothing was left to be killed in"
    last = bench.start(**settings | {"until_caught_up": True, "param_slow": 0})
    assert last.await_end() == 0, last.said()
    found = bench.account(passes=lambda _: True, fails=lambda _: False)
    measured(f"transactions: {found}")
    assert found == Account(frozenset(), frozenset(), 0)


def _is_going_on(bench: Bench, worker: WorkerProcess, done: int) -> bool:
    """Whether more was committed, or the worker has ended."""
    return not worker.running or bench.done() > done


def _behind(end: dict[int, int], committed: dict[int, int]) -> int:
    """How many packets before an end are not committed."""
    return sum(max(end[one] - committed.get(one, 0), 0) for one in end)


def _send(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        psutil.Process(pid).send_signal(number)
