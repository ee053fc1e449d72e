"""The table over a million alerts: what its kernel does while they arrive, sort and are read.

python benchmarks/listing.py [alerts]
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from holding import BATCH, batches
from measure import Row, seconds

from ztfnb.columns import Columns
from ztfnb.cuts import Cuts
from ztfnb.source import Packet
from ztfnb.store import Store
from ztfnb.widgets import AlertTable
from ztfnb.widgets._lister import Lister
from ztfnb.widgets._listing import Order, Query, listing
from ztfnb.widgets._window import window_of

BUDGET = 2_000_000_000
IN_VIEW = 40
"""Rows on a screen."""
TICKS = 40
RARE = "magpsf < 0.5"
"""Keeps one in 180 of alerts whose magnitudes are drawn from 0 to 90."""


@dataclass
class Measured:
    """Times in milliseconds."""

    window: float = 0.0
    ticks: dict[str, float] = field(default_factory=dict)
    sizes: dict[str, float] = field(default_factory=dict)
    """Bytes of a tick as JSON."""
    anew: dict[str, float] = field(default_factory=dict)
    waited: dict[str, float] = field(default_factory=dict)
    """How long the page's messages waited while the same list was made in a thread."""


def filled(alerts: int) -> tuple[Store, Iterator[tuple[list[Packet], Columns]]]:
    """Return a store that holds so many alerts, and what arrives next."""
    store = Store(BUDGET)
    arriving = batches(alerts + 100 * TICKS * BATCH)
    for _ in range(alerts // BATCH):
        store.append(*next(arriving))
    return store, arriving


def ticks(
    table: AlertTable, arriving: Iterator[tuple[list[Packet], Columns]]
) -> tuple[float, float]:
    """Return what the kernel spends on a tick [ms] in which a batch arrived, and its size."""
    sent: list[Any] = []
    table.send = lambda message, _buffers=None: sent.append(message)
    table.receive({"kind": "ready", "start": 0, "stop": IN_VIEW, "version": 0})
    times = []
    sizes = []
    for _ in range(TICKS):
        table.store.append(*next(arriving))  # type: ignore[attr-defined] # a Store
        sent.clear()
        begin = time.perf_counter()
        table.beat()
        times.append(1e3 * (time.perf_counter() - begin))
        sizes.append(sum(len(json.dumps(message)) for message in sent))
        time.sleep(0.02)
    return statistics.median(times), statistics.median(sizes)


def waiting(store: Store, query: Query) -> float:
    """Return how long making a list holds up the page's messages [ms], when made in a thread."""
    table = AlertTable(store)
    made: list[float] = []
    lister = Lister(table.pump, lambda _error: made.append(time.perf_counter()))
    begin = time.perf_counter()
    lister.ask(store.snapshot(), query, anew=True)
    asked = 1e3 * (time.perf_counter() - begin)
    while not made:
        time.sleep(0.001)
    return asked


def measure(alerts: int) -> Measured:
    """Measure all."""
    store, arriving = filled(alerts)
    held = store.snapshot()
    found = Measured()
    by_brightness = listing(held, Query(order=Order("magpsf")))
    places = np.random.default_rng(1).integers(0, alerts - IN_VIEW, 20)
    shown = AlertTable(store)._shown  # noqa: SLF001 - the columns as the table has them
    found.window = 1e3 * statistics.median(
        seconds(partial(window_of, held, by_brightness, shown, place, place + IN_VIEW), repeat=1)
        for place in places.tolist()
    )
    queries = {
        "sort by magnitude": Query(order=Order("magpsf")),
        "sort by objectId": Query(order=Order("objectId")),
        "cut": Query(Cuts(RARE)),
        "group by object": Query(grouped=True),
    }
    for what, query in queries.items():
        found.anew[what] = 1e3 * seconds(partial(listing, held, query), repeat=3)
        found.waited[what] = waiting(store, query)
    makers: dict[str, Callable[[AlertTable], None]] = {
        "following": lambda _table: None,
        "following, with a cut": lambda table: setattr(table, "cuts", RARE),
        "standing still": lambda table: table.follow(False),
    }
    for what, prepare in makers.items():
        table = AlertTable(store)
        table.beat()
        prepare(table)
        found.ticks[what], found.sizes[what] = ticks(table, arriving)
    return found


def rows(alerts: int = 1_000_000) -> list[Row]:
    """Measure a table of a million alerts."""
    found = measure(alerts)
    millions = f"{alerts / 1e6:.0f} million alerts held"
    sort, cut = found.anew["sort by magnitude"], found.anew["cut"]
    tick = found.ticks["following, with a cut"]
    return [
        Row(
            f"{IN_VIEW} rows of a sorted table, {millions}",
            f"{found.window:.1f} ms",
            f"{sort:.0f} ms (sorting anew)",
            f"{sort / found.window:.0f} x",
            "a few ms",
        ),
        Row(
            f"a tick of the table with {BATCH} new alerts and a cut, {millions}",
            f"{tick:.1f} ms",
            f"{cut:.0f} ms (cutting anew)",
            f"{cut / tick:.0f} x",
            "a few ms",
        ),
    ]


def main(alerts: int) -> None:
    """Print all that is measured."""
    found = measure(alerts)
    print(f"{alerts:,} alerts held; {IN_VIEW} rows of the sorted table: {found.window:.1f} ms")
    for what, took in found.anew.items():
        print(f"{what:24} {took:8.1f} ms in a thread; messages wait {found.waited[what]:.1f} ms")
    for what, took in found.ticks.items():
        print(f"tick, {what:24} {took:8.2f} ms, {found.sizes[what]:,.0f} bytes")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
