"""A stand-in for the process of the filters, and alerts that it can judge without decoding.

A packet's value is text: ``pass 17``, ``reject 17``, ``fail 17``, or anything else, which is no
alert. So tests of the loop say what becomes of an alert where they make it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from ztfnb.export.worker.judged import Failed, FilterFacts, Judged, Verdicts
from ztfnb.export.worker.settings import WorkerSettings
from ztfnb.export.worker.worker import Worker
from ztfnb.filters.decision import Verdict
from ztfnb.filters.threshold import Value

QUICK = {"session.timeout.ms": 6_000, "heartbeat.interval.ms": 500}
"""The embedded broker takes no notice of a member that leaves, and waits until its session ends."""
_END = KafkaError._PARTITION_EOF
_PATIENCE = 120.0
_VERDICTS = {b"pass": Verdict.PASSED, b"reject": Verdict.REJECTED, b"fail": Verdict.FAILED}


class StandIn:
    """Judges in this process: `Judges`, as the loop needs it."""

    def __init__(self, names: Sequence[str] = ("young",), seconds: float = 0.0) -> None:
        self.filters = tuple(FilterFacts(name, "0123456789abcdef", {"rb": 0.8}) for name in names)
        self.restarts = 0
        self.seconds = seconds
        """Time for a batch [s]; may be changed."""
        self.most = 0
        """Most batches that were inside."""
        self.started = self.closed = False
        self._inside: deque[tuple[float, list[bytes]]] = deque()

    def start(self) -> None:
        self.started = True

    def submit(self, values: Sequence[bytes]) -> None:
        self._inside.append((time.monotonic() + self.seconds, list(values)))
        self.most = max(self.most, len(self._inside))
        assert self.most <= 2

    def poll(self, timeout: float) -> Judged | None:
        if not self._inside:
            return None
        ready, values = self._inside[0]
        time.sleep(max(0.0, min(timeout, ready - time.monotonic())))
        if time.monotonic() < ready:
            return None
        self._inside.popleft()
        return judged(values, len(self.filters))

    def close(self) -> None:
        self.closed = True


def judged(values: Sequence[bytes], filters: int = 1) -> Judged:
    """What becomes of packets; the second filter rejects what the first one lets pass."""
    words = [value.split() for value in values]
    wrong = {
        place: Failed("not decoded", "no alert")
        for place, word in enumerate(words)
        if not word or word[0] not in _VERDICTS
    }
    found = []
    for number in range(filters):
        verdict = [
            Verdict.FAILED if place in wrong else _VERDICTS[word[0]]
            for place, word in enumerate(words)
        ]
        if number == 1:
            verdict = [Verdict.REJECTED if one == Verdict.PASSED else one for one in verdict]
        failures = {
            place: Failed("exception", "ValueError: no", 3)
            for place, one in enumerate(verdict)
            if one == Verdict.FAILED and place not in wrong
        }
        notes: dict[int, dict[str, Value]] = {
            place: {"score": 0.5} for place, one in enumerate(verdict) if one == Verdict.PASSED
        }
        found.append(Verdicts(verdict, failures, notes, [1_000] * len(values)))
    candids = [0 if place in wrong else int(word[1]) for place, word in enumerate(words)]
    return Judged(candids, wrong, found)


def settings_of(bootstrap: str, **changed: object) -> WorkerSettings:
    """Settings from the topic ``night`` to the topic ``out``."""
    values: dict[str, object] = {
        "bundles": (Path("young"),),
        "source": f"kafka://{bootstrap}/night",
        "output": f"kafka://{bootstrap}/out",
        "start": "beginning",
        "kafka": QUICK,
    }
    return WorkerSettings(**(values | changed))  # type: ignore[arg-type]


@contextmanager
def running(
    settings: WorkerSettings,
    cell: StandIn | None = None,
    clock: Callable[[], float] = time.time,
) -> Iterator[Worker]:
    """A worker in a thread of its own; what it raises is raised at the end."""
    worker = Worker(settings, environ={}, clock=clock, make_cell=lambda _: cell or StandIn())
    stop = threading.Event()
    raised: list[BaseException] = []

    def run() -> None:
        try:
            worker.run(stop)
        except BaseException as error:  # noqa: BLE001 - raised again below
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield worker
    finally:
        stop.set()
        thread.join(_PATIENCE)
    assert not thread.is_alive()
    if raised:
        raise raised[0]


def write(
    bootstrap: str,
    topic: str,
    values: Sequence[bytes],
    partition: Callable[[int], int] | None = None,
) -> None:
    """Write values, spread evenly."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 1})
    for number, value in enumerate(values):
        where = -1 if partition is None else partition(number)
        producer.produce(
            topic, value, b"key %d" % number, partition=where, headers=[("from", b"survey")]
        )
        if not number % 1_000:
            producer.poll(0)
    assert producer.flush(_PATIENCE) == 0


def read(bootstrap: str, topic: str, partitions: int) -> list[Message]:
    """Everything that a topic holds; an error on the way is none of its ends."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "reading",
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
        }
    )
    consumer.assign([TopicPartition(topic, number, 0) for number in range(partitions)])
    found: list[Message] = []
    ended: set[int | None] = set()
    deadline = time.monotonic() + _PATIENCE
    while len(ended) < partitions:
        assert time.monotonic() < deadline, f"{topic}: {len(found)} came, {ended} ended"
        message = consumer.poll(1.0)
        if message is None:
            continue
        error = message.error()
        if error is None:
            found.append(message)
        elif error.code() == _END:
            ended.add(message.partition())
    consumer.close()
    return found


def committed(bootstrap: str, group: str, topic: str, partitions: int) -> list[int]:
    """What a group has committed."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group})
    asked = [TopicPartition(topic, number) for number in range(partitions)]
    offsets = [one.offset for one in consumer.committed(asked, timeout=_PATIENCE)]
    consumer.close()
    return offsets
