"""The demo night: a child process that simulates a survey into a Kafka broker of its own.

Neither network, nor credentials, nor Java are needed, and yet whoever reads it reads a Kafka
topic like any other. The child starts with a burst of alerts, goes on at a steady rate, night
after night, and ends when its parent does.

``python -m ztfnb.demo`` is the child. The first line on its standard output is a JSON object with
``bootstrap`` and ``topic``; each line on its standard input is one with any of ``rate`` (alerts a
second), ``paused`` and ``create``, a topic to make, which is answered by a line when it is there;
when its standard input closes, it ends.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Self

from ztfnb.broker.embedded import EmbeddedBroker
from ztfnb.errors import BrokerError, ConfigError, DeliveryError
from ztfnb.kafka_sink import KafkaSink
from ztfnb.nightly import topic_name
from ztfnb.source import Packet

NIGHT = "2026-01-15"
RATE = 5.0
BURST = 60
# Half of ZADS's: the broker holds up to 5 MiB for each, and a Binder has little memory.
_PARTITIONS = 8
_START_TIMEOUT = 60.0
_PARENT_INTERVAL = 1.0


class Demo:
    """The parent's handle on a demo night.

    Parameters
    ----------
    rate
        Alerts a second, after the burst.
    burst
        Alerts at once in the beginning.
    seed
        The same seed simulates the same sky.
    night
        First night, as ISO text.

    Raises
    ------
    ConfigError
        If the rate is not positive.
    """

    def __init__(
        self, *, rate: float = RATE, burst: int = BURST, seed: int = 0, night: str = NIGHT
    ) -> None:
        self._rate = _checked(rate)
        self._arguments = [f"--burst={burst}", f"--seed={seed}", f"--night={night}"]
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._paused = False
        self.topic = topic_name(night)
        self.bootstrap = ""

    def start(self) -> Self:
        """Start the child, and return when its broker listens; a second call does nothing.

        Raises
        ------
        BrokerError
            If it does not start; the message holds what it said.
        """
        if self._process is not None:
            return self
        # A session of its own: an interrupted cell interrupts the kernel's whole process group.
        self._process = process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-P", "-m", __name__, f"--rate={self._rate}", *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None  # noqa: S101 - given above
        guard = threading.Timer(_START_TIMEOUT, process.kill)
        guard.start()
        try:
            line = process.stdout.readline()
        except BaseException:
            # An interrupted cell: a child that nobody knows of must not go on.
            process.kill()
            self._end()
            raise
        finally:
            guard.cancel()
        try:
            told = json.loads(line)
        except ValueError:
            said = self._end().strip().splitlines()
            raise BrokerError(
                f"the demo night did not start: {said[-1] if said else 'it said nothing'}"
            ) from None
        self.bootstrap, self.topic = told["bootstrap"], told["topic"]
        return self

    @property
    def pid(self) -> int | None:
        """Process id of the child; None unless it was started."""
        return None if self._process is None else self._process.pid

    @property
    def running(self) -> bool:
        """Whether the child runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def rate(self) -> float:
        """Alerts a second; can be set."""
        return self._rate

    @rate.setter
    def rate(self, value: float) -> None:
        self._tell(rate=_checked(value))
        self._rate = float(value)

    @property
    def paused(self) -> bool:
        """Whether no more alerts come for now."""
        return self._paused

    def pause(self) -> None:
        """Let no more alerts come."""
        self._tell(paused=True)
        self._paused = True

    def resume(self) -> None:
        """Let alerts come again."""
        self._tell(paused=False)
        self._paused = False

    def create_topic(self, name: str) -> None:
        """Create a topic beside that of the night; one that is there stays as it is.

        Raises
        ------
        BrokerError
            If the night is not running.
        """
        self._tell(create=name)
        with self._lock:
            process = self._process
            if process is None or process.stdout is None or not process.stdout.readline():
                raise BrokerError("the demo night has ended; start it again")

    def close(self) -> None:
        """End the child and its broker; a second call does nothing."""
        if self._process is not None:
            self._end()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "paused" if self._paused else "running" if self.running else "not running"
        return f"Demo({self.topic!r}, {self._rate:g} alerts/s, {state})"

    def _tell(self, **command: object) -> None:
        with self._lock:
            process = self._process
            if process is None or process.stdin is None or not self.running:
                raise BrokerError("the demo night is not running; start it again")
            try:
                process.stdin.write(json.dumps(command) + "\n")
                process.stdin.flush()
            except OSError:
                raise BrokerError("the demo night has ended; start it again") from None

    def _end(self) -> str:
        """End the child, and return what it said on its standard error."""
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return ""
        try:
            _, said = process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            _, said = process.communicate()
        return said


def serve(
    broker: EmbeddedBroker,
    topic: str,
    packets: Iterator[Packet],
    commands: queue.SimpleQueue[Mapping[str, Any] | None],
    *,
    rate: float = RATE,
    burst: int = BURST,
) -> None:
    """Write packets to a topic at a rate, until ``commands`` yields None or the parent is gone.

    Parameters
    ----------
    broker, topic
        Where to write.
    packets
        What to write; their times become those of their writing.
    commands
        Objects with ``rate``, ``paused`` and ``create``, as they come.
    rate
        Alerts a second, after the burst.
    burst
        Alerts to write at once.
    """
    parent = os.getppid()
    # A reader in the same machine waits for the first alert: hand each on at once.
    sink = KafkaSink(
        broker.bootstrap,
        topic=topic,
        partitions=None,
        keep_timestamps=False,
        settings={"linger.ms": 5, "queue.buffering.max.kbytes": 4_096},
    )
    paused = False
    due = time.monotonic()
    with contextlib.suppress(DeliveryError), contextlib.closing(sink):
        for count, packet in enumerate(packets, start=1):
            while True:
                left = _PARENT_INTERVAL if paused else due - time.monotonic()
                try:
                    command = commands.get(timeout=max(0.0, min(left, _PARENT_INTERVAL)))
                except queue.Empty:
                    if os.getppid() != parent:
                        return
                    if left <= 0:
                        break
                    continue
                if command is None:
                    return
                if command.get("paused"):
                    with contextlib.suppress(DeliveryError):
                        sink.flush()  # nothing arrives once the pause has been answered
                if "create" in command:
                    _create(broker, str(command["create"]))
                paused = bool(command.get("paused", paused))
                rate = float(command.get("rate", rate))
                due = min(due, time.monotonic() + 1 / rate)
            sink.send(packet)
            if count >= burst:
                due = max(due + 1 / rate, time.monotonic() - 1.0)


def main(arguments: list[str] | None = None) -> None:
    """Run the child: see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m ztfnb.demo", description=__doc__)
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--burst", type=int, default=BURST)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--night", default=NIGHT)
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    commands: queue.SimpleQueue[Mapping[str, Any] | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(commands,), name="ztfnb-commands", daemon=True).start()
    topic = topic_name(options.night)
    with EmbeddedBroker([topic], partitions=_PARTITIONS) as broker:
        print(json.dumps({"bootstrap": broker.bootstrap, "topic": topic}), flush=True)  # noqa: T201
        packets = _nights(options.seed, date.fromisoformat(options.night))
        serve(broker, topic, packets, commands, rate=options.rate, burst=options.burst)


def _nights(seed: int, first: date) -> Iterator[Packet]:
    """Yield packets night after night, without end."""
    # Only now: the parent can connect while this is imported.
    from ztfnb import simulate  # noqa: PLC0415

    survey = simulate.Survey(seed=seed)
    night = first
    while True:
        yield from survey.packets(night.isoformat(), programid=1)
        night += timedelta(days=1)


def _create(broker: EmbeddedBroker, topic: str) -> None:
    with contextlib.suppress(BrokerError):  # it is there
        broker.create_topic(topic)
    print(json.dumps({"created": topic}), flush=True)  # noqa: T201


def _listen(commands: queue.SimpleQueue[Mapping[str, Any] | None]) -> None:
    for line in sys.stdin:
        with contextlib.suppress(ValueError):
            commands.put(json.loads(line))
    commands.put(None)


def _checked(rate: float) -> float:
    if not 0 < rate <= 10_000:
        raise ConfigError(f"rate: expected more than 0 and up to 10,000 alerts/s, got {rate!r}")
    return float(rate)


if __name__ == "__main__":
    main()
