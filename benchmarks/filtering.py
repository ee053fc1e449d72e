"""What an alert made of columns costs a filter, and what fetching many old packets takes.

python -m benchmarks filtering
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from measure import Row, distinct, packets, seconds

from ztfnb.broker.real import RealBroker
from ztfnb.codec import decode
from ztfnb.columns import decode_columns
from ztfnb.kafka import KafkaSink, KafkaSource
from ztfnb.rows import HeldAlerts, alerts_of
from ztfnb.source import BEGINNING, Coordinates, Packet
from ztfnb.store import Store

BATCH = 1_000
HELD = 20_000
SENT = 20_000
WANTED = 2_000


def passes(alert: Mapping[str, Any]) -> bool:
    """Filter as people do, by four fields of the candidate."""
    candidate = alert["candidate"]
    return bool(
        candidate["rb"] > 0.5
        and candidate["magpsf"] < 19
        and candidate["nbad"] == 0
        and candidate["isdiffpos"] in ("t", "1")
    )


def rows() -> list[Row]:
    """Measure a filter of the candidate over columns, and packets fetched again from Kafka."""
    values, _label = packets(BATCH)
    columns = decode_columns(values)
    few = values[:200]
    dictionaries = [{"candidate": dict(decode(value).candidate)} for value in values]
    plain = seconds(lambda: [passes(alert) for alert in dictionaries]) / BATCH
    decoded = seconds(lambda: [passes(decode(value)) for value in few]) / len(few)
    batch = seconds(lambda: [passes(alert) for alert in alerts_of(columns, values)]) / BATCH

    store = Store()
    every = distinct(packets(HELD)[0])
    for begin in range(0, HELD, BATCH):
        piece = every[begin : begin + BATCH]
        store.append([Packet(value) for value in piece], decode_columns(piece))
    held = HeldAlerts(store.snapshot(), lambda _candid: None)
    of_store = seconds(lambda: [passes(alert) for alert in held.alerts(range(HELD))]) / HELD

    def row(what: str, cost: float) -> Row:
        over = (cost - plain) * 1e6
        return Row(
            what,
            f"{cost * 1e6:.1f} us",
            f"{decoded * 1e6:.0f} us (each decoded up to the candidate)",
            f"{decoded / cost:.0f} x",
            f"1-3 us more than of dictionaries at hand; it is {over:.1f} us",
        )

    return [
        row("a filter of the candidate, alerts of a batch's columns", batch),
        row("a filter of the candidate, alerts of the store's columns", of_store),
        _fetching(every[:SENT]),
    ]


def _fetching(values: list[bytes]) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        broker = RealBroker(Path(folder), port=0)
        try:
            each, many = _fetch(broker.start().bootstrap, values)
        finally:
            broker.stop()
    return Row(
        f"{WANTED:,} of {len(values):,} packets fetched again from Kafka",
        f"{many:,.0f}/s",
        f"{each:,.0f}/s (one by one)",
        f"{many / each:.0f} x",
        "",
    )


def _fetch(bootstrap: str, values: list[bytes]) -> tuple[float, float]:
    """Return packets a second: one by one, and many at once."""
    sink = KafkaSink(bootstrap)
    for value in values:
        sink.send(Packet(value, "night"))
    sink.close()
    source = KafkaSource(bootstrap, "night", start=BEGINNING)
    places: list[Coordinates] = []
    while not source.status().caught_up:
        places += [packet.coordinates for packet in source.poll(0.1, BATCH)]
    wanted = random.Random(1).sample(places, WANTED)
    few = wanted[:100]
    source.fetch(few[0])
    begin = time.perf_counter()
    for at in few:
        source.fetch(at)
    each = len(few) / (time.perf_counter() - begin)
    begin = time.perf_counter()
    for _found in source.fetch_many(wanted):
        pass
    many = len(wanted) / (time.perf_counter() - begin)
    source.close()
    return each, many
