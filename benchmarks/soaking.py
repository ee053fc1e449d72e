"""Half an hour of streaming with the browser open: the memory of page and kernel must stay flat.

It takes so long that `make bench` leaves it out: ``python -m benchmarks soaking``. The store gets
a budget that fills while the first third warms up, so that alerts leave as fast as they come.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from measure import Row
from playwright.sync_api import Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from browser.desk import CHROMIUM, FLAGS, Desk, running_lab
from painting import SIZE

MINUTES = float(os.environ.get("ZTFNB_SOAK_MINUTES", "30"))
WARM_UP = 1 / 3
EVERY = 10.0
"""Time between two readings [s]."""
SPEED = 60
"""Alerts a second."""

BEGIN = f"""
import gc, json, os, psutil, threading, ztfnb
live = ztfnb.connect("demo", memory=12)
live.speed = {SPEED}
kernel = psutil.Process()
taken = 0
def reading():
    global taken
    taken += 1
    gc.collect()
    print(json.dumps([taken, kernel.memory_info().rss, threading.active_count(), kernel.num_fds(),
                      live.stats.received, live.stats.evicted]))
"""


def heap(page: Page) -> float:
    """Return what the page's scripts hold after a collection [MB]."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used = float(session.send("Runtime.getHeapUsage")["usedSize"])
    session.detach()
    return used / 1e6


def readings() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return seconds, page [MB], kernel [MB], threads, files, received and evicted, row by row."""
    found: list[list[float]] = []
    with (
        tempfile.TemporaryDirectory() as home,
        running_lab(Path(home)) as lab,
        sync_playwright() as playwright,
    ):
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = chromium.new_page(viewport=SIZE)
        desk = Desk(lab, page, "soaking")
        desk.open([BEGIN, "live.browse()", "reading()"])
        desk.run(0)
        desk.run(1)
        page.wait_for_selector(".ztfnb-row[data-candid]")
        began = time.monotonic()
        place = 0
        while (now := time.monotonic() - began) < 60 * MINUTES:
            # As somebody does who looks through a night: alerts, tabs, back to the newest.
            for _ in range(4):
                desk.click_to_paint(place)
                place = (place + 1) % 15
                page.wait_for_timeout(400)
            for name in ("Details", "Sky", "Alert"):
                page.get_by_role("tab", name=name, exact=True).click()
                page.wait_for_timeout(300)
            page.locator(".ztfnb-follow").click()
            desk.run(2)
            output = page.locator(".jp-CodeCell").nth(2).locator(".jp-OutputArea-output")
            expect(output).to_contain_text(f"[{len(found) + 1},", timeout=60_000)
            _, rss, *counts = json.loads(output.inner_text())
            found.append([now, heap(page), rss / 1e6, *counts])
            page.wait_for_timeout(max(0.0, EVERY - (time.monotonic() - began - now)) * 1000)
        desk.close()
        chromium.close()
    return np.array(found)


def rows() -> list[Row]:
    """Return how memory grew once the store was full."""
    table = readings()
    steady = table[table[:, 0] > WARM_UP * table[-1, 0]]
    hours = steady[:, 0] / 3600

    def slope(column: int) -> float:
        return float(np.polyfit(hours, steady[:, column], 1)[0])

    def row(what: str, column: int) -> Row:
        values = steady[:, column]
        return Row(
            f"memory of the {what} over {MINUTES:.0f} min of {SPEED} alerts/s",
            f"{slope(column):+.1f} MB/hour",
            f"{values[0]:.0f} MB after warm-up, {values[-1]:.0f} MB at the end",
            "",
            "flat",
        )

    print(
        f"threads {steady[0, 3]:.0f} to {steady[-1, 3]:.0f}, files {steady[0, 4]:.0f} to "
        f"{steady[-1, 4]:.0f}, received {steady[-1, 5]:,.0f}, evicted {steady[-1, 6]:,.0f}",
        file=sys.stderr,
    )
    return [row("page", 1), row("kernel", 2)]
