"""A filter on alerts that a stream holds, beside a plain loop over fastavro's dictionaries.

The alerts are packets of one night, each with a candid of its own. The loop decodes and filters
one packet after the other; it is measured on a part of them and scaled, since it takes minutes.

    python benchmarks/evaluating.py [alerts]
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import count, cycle, islice
from typing import Any

import fastavro
from measure import Row, packets, seconds

import ztfnb
from ztfnb.columns import decode_columns
from ztfnb.container import write_long
from ztfnb.source import Packet
from ztfnb.store import Store

ALERTS = 100_000
PART = 2_000
"""Alerts that the plain loop is measured on."""
_BATCH = 1_000


@ztfnb.filter
def likely(
    alert: Any, *, rb_min: float = 0.5, fwhm_max: float = 5.0, magdiff_max: float = 0.2
) -> bool:
    """Cut on five fields of the candidate, as most filters begin."""
    candidate = alert["candidate"]
    if candidate["rb"] is None or candidate["rb"] < rb_min:
        return False
    if candidate["nbad"] or candidate["fwhm"] is None or candidate["fwhm"] > fwhm_max:
        return False
    return candidate["magdiff"] is not None and abs(candidate["magdiff"]) <= magdiff_max


def night(number: int) -> Iterator[list[bytes]]:
    """Yield packets in batches, each with a candid of its own and of the same length."""
    values, _label = packets(500)
    known = [(value, write_long(ztfnb.decode(value).candid)) for value in values]
    candids = (write_long(697_252_380_515_010_002 + place * 7_919_000) for place in count())
    every = (
        value.replace(old, new) for (value, old), new in zip(cycle(known), candids, strict=False)
    )
    wanted = islice(every, number)
    while batch := list(islice(wanted, _BATCH)):
        yield batch


def held(number: int) -> Store:
    """Return a store that holds so many alerts."""
    store = Store()
    offset = 0
    for values in night(number):
        batch = [Packet(value, "night", 0, offset + place) for place, value in enumerate(values)]
        store.append(batch, decode_columns(values))
        offset += len(batch)
    if len(store) != number:
        raise SystemExit(f"{number:,} alerts were to be held, got {len(store):,}")
    return store


def plain_loop(values: Sequence[bytes]) -> int:
    """Decode and filter packets one by one, as people write it; return how many pass."""
    passed = 0
    for value in values:
        for alert in fastavro.reader(io.BytesIO(value)):
            passed += bool(likely.function(alert))
    return passed


def rows(number: int = ALERTS) -> list[Row]:
    """Measure evaluating, and evaluating again with another threshold."""
    store = held(number)
    some = [value for values in night(PART) for value in values]
    loop = seconds(lambda: plain_loop(some), repeat=2) * number / len(some)
    begin = time.perf_counter()
    report = likely.evaluate(store.snapshot(), progress=False)
    first = time.perf_counter() - begin
    found = len(report.passed) / number
    expected = plain_loop(some) / len(some)
    if not 0.5 * expected <= found <= 2 * expected:
        raise SystemExit(f"the loop passes {expected:.1%}, evaluating {found:.1%}")
    begin = time.perf_counter()
    moved = report.with_params(rb_min=0.55)
    again = time.perf_counter() - begin
    begin = time.perf_counter()
    _ = moved.funnel_rows
    funnel = time.perf_counter() - begin
    begin = time.perf_counter()
    replayed = moved.with_params(rb_min=0.6)
    replay = time.perf_counter() - begin
    begin = time.perf_counter()
    _ = replayed.funnel_rows
    funnel_again = time.perf_counter() - begin
    if replayed.counts != likely.evaluate(store.snapshot(), rb_min=0.6).counts:
        raise SystemExit("a moved threshold comes to something else than a new run")
    scaled = f"{loop:.0f} s (fastavro's dictionaries; {len(some):,} alerts, scaled)"
    return [
        Row(
            f"a filter of five cuts on {number:,} alerts held",
            f"{first:.2f} s ({first / number * 1e6:.1f} us an alert)",
            scaled,
            f"{loop / first:.0f} x",
            "",
        ),
        Row(
            "the same after a threshold was moved",
            f"{again:.2f} s",
            scaled,
            f"{loop / again:.0f} x",
            "within 1 s",
        ),
        Row(
            "the same after the funnel was shown: only alerts that it can concern",
            f"{replay:.2f} s",
            scaled,
            f"{loop / replay:,.0f} x",
            "within 1 s",
        ),
        Row(
            "their funnel after a threshold was moved",
            f"{funnel_again:.2f} s",
            f"{funnel:.2f} s (the first funnel)",
            f"{funnel / funnel_again:.0f} x",
            "",
        ),
    ]


def main(number: int) -> None:
    """Print all that is measured."""
    for row in rows(number):
        print(f"{row.what}: {row.value}; {row.baseline}; {row.ratio}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ALERTS)
