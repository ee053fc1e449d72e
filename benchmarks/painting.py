"""From a click to stamps and light curve on the screen, in JupyterLab in Chromium."""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bare_client import fill
from measure import Row, distinct, packets
from playwright.sync_api import ViewportSize, sync_playwright

from ztfnb.broker.real import RealBroker
from ztfnb.kafka import KafkaSink
from ztfnb.relay import copy
from ztfnb.source import Memory

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from browser.desk import CHROMIUM, FLAGS, Desk, running_lab

RATE = 1_000
CLICKS = 60
TOPIC = "painting"
SIZE = ViewportSize(width=1600, height=1000)


def send(bootstrap: str, count: int) -> None:
    """Write packets at the rate of a night's peak; runs in a process of its own."""
    values = distinct(packets(count)[0])
    # As the survey sends them; packing them would take a core from what is measured.
    sink = KafkaSink(bootstrap, topic=TOPIC, settings={"compression.type": "none"})
    copy(Memory(values), sink, rate=RATE, progress=False)


@contextmanager
def arriving(seconds: int) -> Iterator[str]:
    """Yield the address of a topic to which alerts are being written."""
    with tempfile.TemporaryDirectory() as folder:
        broker = RealBroker(Path(folder), heap="256m")
        bootstrap = broker.start().bootstrap
        fill(bootstrap, TOPIC, packets(1)[0], 1)
        sender = multiprocessing.get_context("spawn").Process(
            target=send, args=(bootstrap, RATE * seconds)
        )
        sender.start()
        try:
            yield f"kafka://{bootstrap}/{TOPIC}"
        finally:
            sender.terminate()
            sender.join()
            broker.stop()


def click(target: str, rate: float) -> tuple[float, list[float]]:
    """Click through the table while alerts arrive; return their rate and each time [ms]."""
    cells = [
        f"import ztfnb\nlive = ztfnb.connect({target!r}, start='beginning')",
        "live.browse()",
        "print(live.stats.rate)",
    ]
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
            arg=max(30, 5 * rate),
            timeout=60_000,
        )
        times = []
        for place in range(CLICKS):
            times.append(float(desk.click_to_paint(place % 20)["milliseconds"]))
            # A person looks at what was painted before the next click.
            page.wait_for_timeout(200)
        desk.run(2)
        page.locator(".jp-CodeCell").nth(2).locator(".jp-OutputArea-output").wait_for()
        measured = float(desk.output(2))
        desk.close()
        chromium.close()
    return measured, times


def rows() -> list[Row]:
    """Measure on the demo night, and under a night's peak from real Kafka."""
    quiet_rate, quiet = click("demo", 5)
    with arriving(seconds=90) as address:
        # The first seconds go into making the packets.
        time.sleep(5)
        busy_rate, busy = click(address, RATE)

    def describe(times: list[float]) -> str:
        ranked = statistics.quantiles(times, n=20)
        return f"{statistics.median(times):.0f} ms, 95th percentile {ranked[-1]:.0f} ms"

    return [
        Row(
            f"click to stamps and light curve painted, {busy_rate:,.0f} alerts/s arriving",
            describe(busy),
            f"{describe(quiet)} (demo night, {quiet_rate:.0f} alerts/s)",
            f"{statistics.median(busy) / statistics.median(quiet):.1f} x",
            "95th percentile at most 150 ms",
        )
    ]
