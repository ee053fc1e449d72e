"""A worker in the background of a program: what a notebook does with one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from textwrap import dedent

import psutil
import pytest
from handbundle import bundle_of
from made import made_alert, made_packet

import ztfnb
from ztfnb.broker.embedded import EmbeddedBroker
from ztfnb.errors import ConfigError, ExportError, SourceError, StreamClosedError, WorkerError
from ztfnb.export import background
from ztfnb.export.background import BackgroundWorker
from ztfnb.kafka_sink import KafkaSink
from ztfnb.source import Memory, Packet
from ztfnb.stream import Stream

BRIGHT, FAINT, ODD, JUNK = 12, 20, 2, 1
ALL = BRIGHT + FAINT + ODD + JUNK


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    """A broker with alerts of which some pass, some do not, two fail and one is none."""
    with EmbeddedBroker(["night", "out", "out-dead-letters"], partitions=4) as broker:
        packets = [made_packet(candid, magpsf=18.0) for candid in range(BRIGHT)]
        packets += [made_packet(candid, magpsf=20.0) for candid in range(100, 100 + FAINT)]
        packets += [made_packet(candid, rb=None) for candid in range(200, 200 + ODD)]
        packets += [b"junk"] * JUNK
        with closing(KafkaSink(broker.bootstrap, topic="night", partitions=None)) as sink:
            for packet in packets:
                sink.send(Packet(packet))
            sink.flush()
        yield broker


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    bundle_of(tmp_path / "bright")
    return tmp_path / "bright"


Run = Callable[..., BackgroundWorker]


@pytest.fixture
def run(broker: EmbeddedBroker, bundle: Path) -> Iterator[Run]:
    """Start a worker from ``night`` to ``out``; all of them end with the test."""
    made: list[BackgroundWorker] = []

    def run(**options: object) -> BackgroundWorker:
        given = {"source": f"kafka://{broker.bootstrap}/night", "to": "out", "start": "beginning"}
        worker = ztfnb.run_worker(bundle, **{**given, **options})  # type: ignore[arg-type]
        made.append(worker)
        return worker

    yield run
    for worker in made:
        worker.stop()


def processes(worker: int) -> list[psutil.Process]:
    """The process of a worker, and that of its filters."""
    mine = psutil.Process(worker)
    return [mine, *mine.children(recursive=True)]


def gone(ours: list[psutil.Process], within: float = 60.0) -> bool:
    """Whether processes end in time."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if not [one for one in ours if _is_there(one)]:
            return True
        time.sleep(0.1)
    return False


def _is_there(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_from_topic_to_topic(run: Run) -> None:
    """Numbers, output and dead letters of a worker in the background are those of its alerts."""
    worker = run().wait(received=ALL)
    (one,) = worker.numbers.filters
    assert (one.passed, one.rejected, one.failed) == (BRIGHT, FAINT, ODD + JUNK)
    assert one.received == worker.numbers.received == ALL
    with worker.connect() as passed:
        passed.wait(alerts=BRIGHT)
        assert sorted(alert.candid for alert in passed.latest(100)) == list(range(BRIGHT))
    letters = worker.dead_letters(timeout=60.0)
    failed = [one for one in letters if one.filter == "bright"]
    assert sorted(one.candid or 0 for one in failed) == list(range(200, 200 + ODD))
    assert {(one.kind, one.reason) for one in failed} == {("exception", failed[0].reason)}
    assert "no score" in failed[0].reason
    (junk,) = [one for one in letters if not one.filter]
    assert (junk.candid, junk.kind, junk.packet.value) == (None, "not decoded", b"junk")
    assert junk.topic == "night"
    assert sum(worker.arrivals) <= ALL


def test_its_life(run: Run) -> None:
    """It catches up, says so, is stopped in good order, and its last numbers stay."""
    worker = run(name="mine").wait("caught up")
    assert worker.running
    assert "caught up" in repr(worker)
    assert "failed" in repr(worker)
    with worker:
        ours = processes(worker.pid)
        assert len(ours) >= 2
    assert (worker.running, worker.exit_code, worker.state) == (False, 0, "closed")
    assert worker.numbers.received == ALL
    # What it told last is waited for some seconds only.
    end = time.monotonic() + 60
    while not (told := [one.text for one in worker.log if one.text.startswith("ended")]):
        assert time.monotonic() < end, worker.log
        time.sleep(0.05)
    assert told
    assert gone(ours)
    worker.stop()
    with pytest.raises(WorkerError, match=r"received will not come: mine is closed"):
        worker.wait(received=ALL + 1)


def test_a_forked_child_cannot_stop_it(run: Run) -> None:
    """In a fork the worker is the parent's: the child's end, or a call there, does not end it."""
    worker = run().wait("caught up")
    child = os.fork()
    if child == 0:
        refused = False
        try:
            worker.stop()
        except StreamClosedError:
            refused = True
        background._stop_all()
        os._exit(0 if refused else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert worker.running
    assert worker.wait("caught up").running


def test_until_caught_up(run: Run) -> None:
    """One that was to end when it has caught up does, and has caught up."""
    worker = run(until_caught_up=True)
    worker.wait("caught up", received=ALL)
    worker.wait("closed")
    assert worker.exit_code == 0
    assert worker.wait("caught up") is worker


def test_waiting_is_told_where_it_stands(run: Run) -> None:
    """A wait that is over says what was waited for, and how far the worker is."""
    worker = run()
    with pytest.raises(TimeoutError, match=r"waited 0\.01 s for 1,000,000 received: .* is "):
        worker.wait(received=1_000_000, timeout=0.01)
    with pytest.raises(ValueError, match="expected one of starting"):
        worker.wait("asleep")


def test_the_cell_run_again(run: Run) -> None:
    """The same cell again stops the worker before; one of another name goes on."""
    other = run(name="other", group="other")
    first = run()
    second = run()
    assert not first.running
    assert second.running
    assert other.running
    assert background._workers[second.name] is second


def test_params_and_limits_reach_it(run: Run) -> None:
    """Thresholds are set as given, as they are in the container by the environment."""
    worker = run(params={"mag_max": 21.0}, batch=5, seconds=20).wait(received=ALL)
    assert worker.numbers.filters[0].passed == BRIGHT + FAINT
    assert (worker.settings.batch, worker.settings.limits.seconds) == (5, 20.0)


def test_from_a_stream(broker: EmbeddedBroker, run: Run) -> None:
    """A stream that reads Kafka says what to read; the stream itself goes on as before."""
    with ztfnb.connect(f"kafka://{broker.bootstrap}/night", start="beginning") as live:
        live.wait(alerts=BRIGHT)
        worker = run(source=live).wait(received=ALL)
        assert worker.settings.source == f"kafka://{broker.bootstrap}/night"
        assert worker.output == f"kafka://{broker.bootstrap}/out"
        assert live.state in ("live", "caught up")


def test_from_the_demo(bundle: Path) -> None:
    """The demo night is filtered into a topic of its own broker, which can be opened at once."""
    with (
        ztfnb.connect("demo") as live,
        ztfnb.run_worker(bundle, source=live, to="bright", start="beginning") as worker,
    ):
        worker.wait(received=40)
        with worker.connect() as passed:
            passed.wait(alerts=1)
            assert all(alert.mag < 19.0 for alert in passed.latest(50))


def test_the_demo_gives_its_partitions_to_the_next(bundle: Path) -> None:
    """Where the cell is run again, the demo's broker does not wait for the 45 s of a session."""
    with ztfnb.connect("demo") as live:
        for name in ("first", "again"):
            with ztfnb.run_worker(
                bundle, source=live, to="bright", start="beginning", name=name
            ) as worker:
                assert worker.settings.kafka["session.timeout.ms"] < 10_000
                worker.wait(received=1, timeout=120.0)


def test_a_filter_runs_at_once(broker: EmbeddedBroker, tmp_path: Path) -> None:
    """`Filter.run` exports, proves and runs; the folder goes with the worker."""
    _, made = bundle_of(tmp_path / "source")
    alerts = [made_alert(candid, magpsf=18.0 + candid) for candid in range(3)]
    source = f"kafka://{broker.bootstrap}/night"
    with made.run(source, "out", verify=alerts, start="beginning") as worker:
        worker.wait(received=ALL)
        assert worker.numbers.filters[0].passed == BRIGHT
        (folder,) = worker.settings.bundles
        assert (folder / "bundle.json").exists()
    end = time.monotonic() + 60
    while folder.parent.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not folder.parent.exists()


def test_what_cannot_be_filtered(run: Run, tmp_path: Path) -> None:
    """A stream of an archive, a wrong option, a bundle that is none: refused before any start."""
    with (
        Stream(Memory([made_packet()]), name="a file") as live,
        pytest.raises(ConfigError, match="reads Kafka, and a file reads Memory"),
    ):
        run(source=live)
    with pytest.raises(ConfigError, match="colour"):
        run(colour="red")
    with pytest.raises(ConfigError, match="endless loop"):
        run(to="night")
    with pytest.raises(ConfigError, match="does not belong in code"):
        run(settings={"sasl.username": "anna", "sasl.password": "hunter2"})
    with pytest.raises(ExportError, match="is no bundle"):
        ztfnb.run_worker(tmp_path, source="kafka://127.0.0.1:1/a", to="b")


def test_what_it_gives_up_on(bundle: Path, broker: EmbeddedBroker, run: Run) -> None:
    """A bundle that changed is refused by the process: exit code, state and error say so."""
    (bundle / "filter.py").write_text("FILTER = 1\n", encoding="utf-8")
    worker = run()
    with pytest.raises(WorkerError, match="is not what was exported"):
        worker.wait("caught up")
    assert worker.state == "failed"
    assert worker.exit_code in (1, 2)
    assert [line for line in worker.log if line.trouble]
    assert broker


@pytest.mark.usefixtures("bundle")
def test_several_outputs(broker: EmbeddedBroker, tmp_path: Path) -> None:
    """Each filter's output is found by its name; which one is meant has to be said."""
    for topic in ("bright-x", "dim-x", "letters"):
        broker.create_topic(topic)
    bundle_of(tmp_path / "dim", DIM, "dim")
    source = f"kafka://{broker.bootstrap}/night"
    with ztfnb.run_worker(
        [tmp_path / "bright", tmp_path / "dim"],
        source=source,
        to="{filter}-x",
        dead_letters="letters",
        start="beginning",
    ) as worker:
        worker.wait(received=ALL)
        assert list(worker.outputs) == ["bright", "dim"]
        with pytest.raises(ConfigError, match="Expected one of bright, dim"):
            worker.connect()
        with worker.connect("dim") as dim:
            dim.wait(alerts=FAINT)


DIM = """
    import ztfnb


    @ztfnb.filter
    def dim(alert):
        return alert["candidate"]["magpsf"] > 19


    FILTER = dim
"""


def test_dead_letters_of_a_broker_that_is_away() -> None:
    """What cannot be read is an error in time, not an empty list."""
    from ztfnb.export.letters import read_letters  # noqa: PLC0415 - only here

    with pytest.raises(SourceError, match="cannot be read"):
        read_letters("127.0.0.1:9", "out-dead-letters", timeout=1.0)


PARENT = """
import sys, time, ztfnb
worker = ztfnb.run_worker(sys.argv[1], source=sys.argv[2], to="out", start="beginning")
worker.wait(received=1, timeout=300)
print(worker.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_its_parent(
    broker: EmbeddedBroker, bundle: Path, number: signal.Signals
) -> None:
    """However the kernel ends, no worker and no process of its filters is left."""
    parent = subprocess.Popen(
        [sys.executable, "-c", dedent(PARENT), str(bundle), f"kafka://{broker.bootstrap}/night"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert parent.stdout is not None
        ours = processes(int(parent.stdout.readline()))
        assert len(ours) >= 2
        parent.send_signal(number)
        parent.wait(120)
        assert gone(ours)
    finally:
        parent.kill()
        parent.wait()
