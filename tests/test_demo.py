"""The demo night: a child process with a simulated survey and a broker."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping
from typing import Any

import psutil
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from reading import poll_until

from ztfnb.codec import decode
from ztfnb.demo import Demo, serve
from ztfnb.errors import BrokerError, ConfigError, DeliveryError
from ztfnb.kafka import KafkaSource
from ztfnb.source import BEGINNING, Packet


def gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has collected yet has."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def wait_until_gone(pid: int, timeout: float = 60.0) -> None:
    deadline = time.monotonic() + timeout
    while not gone(pid):
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with Demo(burst=20, rate=50.0) as demo:
        yield demo


@pytest.fixture
def source(demo: Demo) -> Iterator[KafkaSource]:
    source = KafkaSource(demo.bootstrap, demo.topic, start=BEGINNING, memory="small")
    yield source
    source.close()


def test_alerts_arrive(source: KafkaSource) -> None:
    """A burst of alerts is there, and more follow; each decodes, with the time of its writing."""
    packets = poll_until(source, lambda packets: len(packets) >= 30)
    alerts = [decode(packet.value) for packet in packets]
    assert len({alert.candid for alert in alerts}) == len(alerts)
    assert all(alert.programid == 1 for alert in alerts)
    assert all(abs(time.time() - packet.timestamp) < 300 for packet in packets)
    assert len({packet.partition for packet in packets}) > 1


def written(demo: Demo) -> int:
    """How many alerts the broker has taken so far."""
    consumer = Consumer({"bootstrap.servers": demo.bootstrap, "group.id": "test"})
    partitions = consumer.list_topics(demo.topic, timeout=60).topics[demo.topic].partitions
    places = [TopicPartition(demo.topic, partition) for partition in partitions]
    ends = [consumer.get_watermark_offsets(place, timeout=60)[1] for place in places]
    consumer.close()
    return sum(ends)


def test_it_pauses_and_goes_on(demo: Demo) -> None:
    """Paused, no more alerts come; resumed, they do."""
    demo.pause()
    assert "paused" in repr(demo)
    demo.create_topic("after-the-pause")  # an answer: what was said before is done
    before = written(demo)
    time.sleep(0.5)
    assert written(demo) == before
    demo.resume()
    assert not demo.paused
    deadline = time.monotonic() + 120
    while written(demo) == before:
        assert time.monotonic() < deadline, "nothing comes"


class Noted:
    """A broker and what writes to it: each thing done is noted, and the first flush fails."""

    bootstrap = "127.0.0.1:1"

    def __init__(self) -> None:
        self.done: list[str] = []

    def send(self, packet: Packet) -> None:
        self.done.append(packet.value.decode())

    def flush(self) -> None:
        self.done.append("flushed")
        if self.done.count("flushed") == 1:
            raise DeliveryError("something was lost")

    def close(self) -> None:
        self.done.append("closed")

    def create_topic(self, name: str) -> None:
        self.done.append(f"created {name}")


def test_what_was_sent_has_arrived_when_a_pause_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is under way any more; that something was lost does not end the night."""
    noted = Noted()
    commands: queue.SimpleQueue[Mapping[str, Any] | None] = queue.SimpleQueue()

    def packets() -> Iterator[Packet]:
        yield Packet(b"before")
        for command in ({"paused": True}, {"create": "mine"}, {"paused": False}):
            commands.put(command)
        yield Packet(b"after")
        commands.put(None)
        yield Packet(b"too late")

    monkeypatch.setattr("ztfnb.demo.KafkaSink", lambda *_, **__: noted)
    serve(noted, "night", packets(), commands)  # type: ignore[arg-type] # all that it needs
    assert noted.done == ["before", "flushed", "created mine", "after", "closed"]


def test_the_rate_can_be_changed(demo: Demo) -> None:
    """The rate is what was set; a wrong one is refused."""
    demo.rate = 80
    assert demo.rate == 80.0
    for wrong in (0, -1, 1e9, float("nan")):
        with pytest.raises(ConfigError, match="rate: expected"):
            demo.rate = wrong
    assert "80 alerts/s, running" in repr(demo)


def test_the_child_survives_an_interrupted_cell(demo: Demo) -> None:
    """An interrupt goes to the kernel's process group, of which the child is not part."""
    assert demo.pid is not None
    assert os.getpgid(demo.pid) != os.getpgid(0)
    os.kill(demo.pid, signal.SIGINT)
    time.sleep(0.2)
    assert demo.running


def test_closing_ends_the_child() -> None:
    """Closing ends the child; a second time does nothing; commands then are errors."""
    demo = Demo(burst=1)
    assert demo.pid is None
    with pytest.raises(BrokerError, match="not running"):
        demo.pause()
    pid = demo.start().pid
    assert pid is not None
    assert demo.start().pid == pid
    demo.close()
    demo.close()
    assert gone(pid)
    with pytest.raises(BrokerError, match="not running"):
        demo.rate = 3


def test_a_child_that_died_is_noticed() -> None:
    """A child that was killed is no longer running, and commands say so."""
    demo = Demo(burst=1).start()
    assert demo.pid is not None
    os.kill(demo.pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while demo.running:
        assert time.monotonic() < deadline
    with pytest.raises(BrokerError, match="not running"):
        demo.resume()
    demo.close()


def test_a_child_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the child said before it died is in the error."""
    monkeypatch.setattr("ztfnb.demo.sys.executable", "/bin/false")
    with pytest.raises(BrokerError, match="did not start: it said nothing"):
        Demo().start()
    monkeypatch.undo()
    with pytest.raises(ConfigError, match="expected a date"):
        Demo(night="tonight")


def test_an_interrupted_start_leaves_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell that is interrupted while the child starts ends it."""
    children: list[subprocess.Popen[str]] = []

    class Interrupted:
        """A pipe at which a cell is interrupted."""

        def __init__(self, pipe: Any) -> None:
            self.pipe = pipe

        def readline(self) -> str:
            raise KeyboardInterrupt

        def __getattr__(self, name: str) -> Any:
            return getattr(self.pipe, name)

    def start(*arguments: Any, **options: Any) -> subprocess.Popen[str]:
        child: Any = started(*arguments, **options)
        child.stdout = Interrupted(child.stdout)
        children.append(child)
        return child  # type: ignore[no-any-return]

    started = subprocess.Popen
    monkeypatch.setattr("ztfnb.demo.subprocess.Popen", start)
    with pytest.raises(KeyboardInterrupt):
        Demo(burst=1).start()
    assert [child.poll() is None for child in children] == [False]


def test_s19_a_killed_parent_leaves_no_child() -> None:
    """When the parent is killed, the child goes too."""
    script = """
        import sys, time
        from ztfnb.demo import Demo
        demo = Demo(burst=5).start()
        print(demo.pid, flush=True)
        time.sleep(600)
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert not gone(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until_gone(child)


def test_a_topic_beside_that_of_the_night(demo: Demo) -> None:
    """A topic that is asked for is there when the call returns; asking again changes nothing."""
    for _ in range(2):
        demo.create_topic("mine")
    listed = AdminClient({"bootstrap.servers": demo.bootstrap}).list_topics(timeout=60).topics
    assert "mine" in listed
    assert demo.running
    demo.close()
    with pytest.raises(BrokerError, match="not running"):
        demo.create_topic("another")
