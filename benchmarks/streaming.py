"""How fast alerts go from real Kafka into the store, beside the bare client's loop."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from bare_client import bare_rate, fill
from measure import Row, distinct, packets

from ztfnb.broker.real import RealBroker
from ztfnb.kafka import KafkaSource
from ztfnb.source import BEGINNING
from ztfnb.stream import Stream

ROUNDS = 3


def store_rate(bootstrap: str, topic: str, number: int) -> float:
    """Return alerts/s of a stream that reads, decodes and holds them all."""
    with Stream(KafkaSource(bootstrap, topic, start=BEGINNING)) as live:
        live.wait(alerts=1)
        first = live.stats.received
        begin = time.perf_counter()
        live.wait(alerts=number, timeout=300)
        elapsed = time.perf_counter() - begin
        if live.stats.held != number or live.stats.failed:
            raise SystemExit(f"not everything is held: {live.stats}")
        return (number - first) / elapsed


def rows(number: int = 40_000) -> list[Row]:
    """Measure both, in turns, on a broker of its own."""
    values, _label = packets(number)
    topic = "benchmark"
    with tempfile.TemporaryDirectory() as folder:
        broker = RealBroker(Path(folder), heap="512m")
        bootstrap = broker.start().bootstrap
        try:
            fill(bootstrap, topic, distinct(values), number)
            rounds = [
                (bare_rate(bootstrap, topic, number), store_rate(bootstrap, topic, number))
                for _ in range(ROUNDS)
            ]
        finally:
            broker.stop()
    bare, held = sorted(rounds, key=lambda pair: pair[1] / pair[0])[ROUNDS // 2]
    return [
        Row(
            "live stream from real Kafka into the store",
            f"{held:,.0f}/s",
            f"{bare:,.0f}/s (bare client)",
            f"{held / bare:.0%}",
            "at least 90%",
        )
    ]
