"""How fast a deployed filter works from topic to topic, beside the bare client and a plain loop.

python -m benchmarks working
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
from bare_client import bare_rate, fill
from confluent_kafka import Consumer, KafkaException, Producer
from measure import Row, distinct, packets

from ztfnb.broker.real import RealBroker
from ztfnb.codec import decode
from ztfnb.kafka import create_topics

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from faults.workerprocess import WorkerProcess, made_bundle

TOPIC = "benchmark"
PASSING = 0.01
BATCH = 500
PLAIN = 6_000
"""Alerts that the plain loop is given: enough, since it is slow."""
ROUNDS = 3
_FILTER = '''"""A filter as people write them, which passes the brightest."""

import ztfnb


@ztfnb.filter
def bright(alert, *, mag_max=17.0):
    candidate = alert["candidate"]
    return candidate["magpsf"] < mag_max and candidate["ndethist"] > 0


FILTER = bright
'''


def plain_rate(bootstrap: str, output: str, number: int, mag_max: float) -> float:
    """Return alerts/s of what one would write: a record of each message, written anew."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"plain-{time.time_ns()}",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    producer = Producer({"bootstrap.servers": bootstrap})
    consumer.subscribe([TOPIC])
    count = begin = 0.0
    try:
        while count < number:
            messages = consumer.consume(BATCH, 1.0)
            for message in messages:
                if message.error() is not None:
                    raise KafkaException(message.error())
                reader = fastavro.reader(io.BytesIO(message.value() or b""))
                alert: Any = next(reader)
                candidate = alert["candidate"]
                if candidate["magpsf"] < mag_max and candidate["ndethist"] > 0:
                    written = io.BytesIO()
                    fastavro.writer(written, reader.writer_schema, [alert])
                    producer.produce(output, written.getvalue(), str(alert["candid"]))
            producer.flush()
            if messages:
                consumer.commit(asynchronous=False)
            # The first batch came when the group had been joined.
            count, begin = (count + len(messages), begin) if begin else (0.0, _now(messages))
        return count / (time.perf_counter() - begin)
    finally:
        consumer.close()


def _now(messages: Iterable[object]) -> float:
    return time.perf_counter() if messages else 0.0


def worker_rate(
    bootstrap: str, bundle: Path, number: int, mag_max: float, *, workers: int = 1
) -> float:
    """Return alerts/s of workers in one group, from when each is at work to the last alert."""
    group = f"workers-{time.time_ns()}"
    create_topics(bootstrap, [f"{group}-out", f"{group}-dead"])
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        working = [
            stack.enter_context(
                WorkerProcess(
                    bundle,
                    Path(folder) / f"{place}.log",
                    source=f"kafka://{bootstrap}/{TOPIC}",
                    output=f"kafka://{bootstrap}/{group}-out",
                    dead_letters=f"{group}-dead",
                    group=group,
                    start="beginning",
                    param_mag_max=mag_max,
                )
            )
            for place in range(workers)
        ]
        first = begin = 0.0
        while True:
            each = [(worker.numbers() or {}).get("received", 0) for worker in working]
            done, now = sum(each), time.perf_counter()
            if all(each) and not begin:
                first, begin = done, now
            if done >= number:
                passed = sum((worker.numbers() or {})["produced"] for worker in working)
                if not 0.5 * PASSING < passed / number < 2 * PASSING:
                    raise SystemExit(f"{passed:,} of {number:,} passed: {working[0].said()}")
                if not begin:
                    raise SystemExit("one worker did it all; measure on more alerts")
                return (number - first) / (now - begin)
            if not all(worker.running for worker in working):
                raise SystemExit(working[0].said())
            time.sleep(0.02)


def rows(number: int = 80_000) -> list[Row]:
    """Measure in turns, on one topic of 16 partitions of a broker of its own."""
    values, _label = packets(number)
    magnitudes = [decode(value).candidate["magpsf"] for value in values[:1_000]]
    mag_max = float(np.quantile(magnitudes, PASSING))
    with tempfile.TemporaryDirectory() as folder:
        bundle = made_bundle(Path(folder) / "bundle", _FILTER)
        broker = RealBroker(Path(folder) / "broker", port=0, heap="512m")
        bootstrap = broker.start().bootstrap
        try:
            fill(bootstrap, TOPIC, distinct(values), number)
            create_topics(bootstrap, ["plain-out"])
            rounds = []
            for _ in range(ROUNDS):
                bare = bare_rate(bootstrap, TOPIC, number)
                one = worker_rate(bootstrap, bundle, number, mag_max)
                two = worker_rate(bootstrap, bundle, number, mag_max, workers=2)
                plain = plain_rate(bootstrap, "plain-out", PLAIN, mag_max)
                print(
                    f"bare {bare:,.0f}/s, one {one:,.0f}/s, two {two:,.0f}/s, plain {plain:,.0f}/s",
                    file=sys.stderr,
                )
                rounds.append((bare, one, two, plain))
        finally:
            broker.stop()
    bare, one, two, plain = sorted(rounds, key=lambda row: row[1] / row[0])[ROUNDS // 2]
    what = "a deployed filter, topic to topic, 1% passing"
    return [
        Row(
            what,
            f"{one:,.0f}/s",
            f"{bare:,.0f}/s (bare client, reading only)",
            f"{one / bare:.0%}",
            "at least 70%",
        ),
        Row(
            what,
            f"{one:,.0f}/s",
            f"{plain:,.0f}/s (fastavro, written anew)",
            f"{one / plain:.1f} x",
            "at least 5 x",
        ),
        Row(
            f"{what}, two workers on two cores",
            f"{two:,.0f}/s",
            f"{one:,.0f}/s (one worker)",
            f"{two / one:.2f} x",
            "no target: broker and workers share the cores",
        ),
    ]
