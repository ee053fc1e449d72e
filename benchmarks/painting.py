"""The browser in JupyterLab in Chromium: from a click or a jump to what it shows on the screen."""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bare_client import fill
from measure import Row, distinct, packets
from playwright.sync_api import Page, ViewportSize, sync_playwright

from ztfnb.broker.real import RealBroker
from ztfnb.kafka import KafkaSink
from ztfnb.relay import copy
from ztfnb.source import Memory

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from browser.desk import CHROMIUM, FLAGS, Desk, running_lab

RATE = 1_000
HELD = 1_000_000
CLICKS = 60
JUMPS = 40
TOPIC = "painting"
SIZE = ViewportSize(width=1600, height=1000)

DEMO = "import ztfnb\nlive = ztfnb.connect('demo')"
NIGHT_HELD = """
import numpy as np, ztfnb
from ztfnb.columns import Columns, decode_columns
from ztfnb.kafka import KafkaSource
from ztfnb.simulate import Survey
from ztfnb.source import BEGINNING, Packet
from ztfnb.store import Store
from ztfnb.stream import Stream
columns = decode_columns([a.packet for a in Survey(seed=3).night("2026-01-15", limit=500)])
nothing = [Packet(b"", "before", 0, n) for n in range(len(columns.rows))]
store = Store(1_000_000_000)
for part in range({held} // 500):
    candid = np.arange(part * 500, (part + 1) * 500) + 10 ** 17
    store.append(nothing, Columns({{**columns.arrays, "candid": candid}}, columns.masks,
                                  columns.rows))
live = Stream(KafkaSource({bootstrap!r}, {topic!r}, start=BEGINNING), store=store, name="night")
"""

# Jumps to a place in the list, and waits until its rows are painted.
JUMP_TO_PAINT = """async share => {
  const grid = document.querySelector('.ztfnb-grid');
  const frame = () => new Promise(resolve => requestAnimationFrame(resolve));
  const first = () => [...grid.querySelectorAll('.ztfnb-row:not([hidden])')]
    .reduce((best, row) => Math.min(best, Number(row.ariaRowIndex)), Infinity);
  const before = first();
  const began = performance.now();
  grid.scrollTop = share * (grid.scrollHeight - grid.clientHeight);
  const end = began + 10000;
  const there = () => first() !== before && [...grid.querySelectorAll('.ztfnb-row:not([hidden])')]
    .every(row => row.dataset.candid);
  do await frame(); while (performance.now() < end && !there());
  return performance.now() - began;
}"""


@dataclass(frozen=True)
class Times:
    """What was measured on one night, in milliseconds."""

    rate: float
    """Alerts a second that arrived meanwhile."""
    clicks: list[float]
    jumps: list[float]


def send(bootstrap: str, count: int) -> None:
    """Write packets at the rate of a night's peak; runs in a process of its own."""
    values = distinct(packets(count)[0])
    # As the survey sends them; packing them would take a core from what is measured.
    sink = KafkaSink(bootstrap, topic=TOPIC, settings={"compression.type": "none"})
    copy(Memory(values), sink, rate=RATE, progress=False)


@contextmanager
def arriving(seconds: int) -> Iterator[str]:
    """Yield the address of a broker with a topic to which alerts are being written."""
    with tempfile.TemporaryDirectory() as folder:
        broker = RealBroker(Path(folder), heap="256m")
        bootstrap = broker.start().bootstrap
        fill(bootstrap, TOPIC, packets(1)[0], 1)
        sender = multiprocessing.get_context("spawn").Process(
            target=send, args=(bootstrap, RATE * seconds)
        )
        sender.start()
        try:
            yield bootstrap
        finally:
            sender.terminate()
            sender.join()
            broker.stop()


def use(begin: str, rows_first: int) -> Times:
    """Use the browser while alerts arrive, as a person would who reads what is painted."""
    cells = [begin, "live.browse()", "print(live.stats.rate)"]
    with (
        tempfile.TemporaryDirectory() as home,
        running_lab(Path(home)) as lab,
        sync_playwright() as playwright,
    ):
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = chromium.new_page(viewport=SIZE)
        desk = Desk(lab, page, "painting")
        desk.open(cells)
        desk.run(0)
        desk.run(1)
        page.wait_for_function(
            "count => Number(document.querySelector('.ztfnb-table')?.dataset.total) >= count",
            arg=rows_first,
            timeout=120_000,
        )
        clicks = []
        for place in range(CLICKS):
            clicks.append(float(desk.click_to_paint(place % 20)["milliseconds"]))
            page.wait_for_timeout(200)
        jumps = [jump(page, place) for place in range(JUMPS)]
        desk.run(2)
        page.locator(".jp-CodeCell").nth(2).locator(".jp-OutputArea-output").wait_for()
        rate = float(desk.output(2).inner_text())
        desk.close()
        chromium.close()
    return Times(rate, clicks, jumps)


def jump(page: Page, place: int) -> float:
    """Jump to another place of the list, never twice to one, and return how long it took."""
    page.wait_for_timeout(100)
    share = (0.13 + 0.618 * place) % 1
    return float(page.evaluate(JUMP_TO_PAINT, share))


def rows() -> list[Row]:
    """Measure on the demo night, and on a night's peak from real Kafka with a million held."""
    quiet = use(DEMO, 60)
    with arriving(seconds=180) as bootstrap:
        night = NIGHT_HELD.format(held=HELD, bootstrap=bootstrap, topic=TOPIC)
        busy = use(night, HELD + 2 * RATE)
    under = f"{HELD:,} held and {busy.rate:,.0f} alerts/s arriving"
    beside = f"(demo night, {quiet.rate:.0f} alerts/s)"

    def row(what: str, busy: list[float], quiet: list[float], target: str) -> Row:
        return Row(
            f"{what}, {under}",
            _describe(busy),
            f"{_describe(quiet)} {beside}",
            f"{statistics.median(busy) / statistics.median(quiet):.1f} x",
            target,
        )

    return [
        row(
            "click to stamps and light curve painted",
            busy.clicks,
            quiet.clicks,
            "95th percentile at most 150 ms",
        ),
        row("jump in the table to its rows painted", busy.jumps, quiet.jumps, ""),
    ]


def _describe(times: list[float]) -> str:
    ranked = statistics.quantiles(times, n=20)
    return f"{statistics.median(times):.0f} ms, 95th percentile {ranked[-1]:.0f} ms"
