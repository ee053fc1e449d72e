"""The monitor of a worker in JupyterLab: a demo night, filtered in the background."""

from __future__ import annotations

import re
from pathlib import Path

from browser.desk import Desk
from browser.test_monitor import pictures
from playwright.sync_api import expect

RUNNING = [
    """
import sys, ztfnb
sys.path.insert(0, {tests!r})
from pathlib import Path
from handbundle import bundle_of
bundle_of(Path("bright"))
live = ztfnb.connect("demo").wait(alerts=20, timeout=300)
live.speed = 20
worker = ztfnb.run_worker("bright", source=live, to="bright", start="beginning")
worker.monitor()
""",
    "worker.wait('closed', timeout=300); print(worker.exit_code, worker.state)",
]


def test_a_worker_at_work(desk: Desk) -> None:
    """Its numbers grow and add up, and the button ends it in good order."""
    tests = str(Path(__file__).parents[1])
    desk.open([cell.replace("{tests!r}", repr(tests)).strip() for cell in RUNNING])
    page = desk.page
    desk.run(0)
    monitor = page.locator(".ztfnb-worker")
    chip = monitor.locator(".ztfnb-chip")
    expect(chip).to_have_text(re.compile("^(running|caught up)$"))
    counts = monitor.locator(".ztfnb-books tbody tr").first.locator("td")
    expect(counts.nth(1)).to_have_text(re.compile(r"^\d{2,}$"))
    received, passed, rejected, failed = (int(text) for text in counts.all_inner_texts()[1:5])
    assert received == passed + rejected + failed
    expect(monitor.locator(".ztfnb-why")).to_have_text(re.compile("µs an alert on average"))
    expect(monitor.locator(".ztfnb-partitions tbody tr")).to_have_count(8)
    expect(monitor.locator(".ztfnb-log li").last).to_contain_text("starting")
    expect(monitor.locator(".ztfnb-spark path")).to_have_attribute("d", re.compile("H"))
    pictures(desk, monitor, "worker")
    stop = monitor.get_by_role("button", name="Stop")
    stop.focus()
    page.keyboard.press("Enter")
    expect(chip).to_have_text("closed")
    expect(stop).to_be_disabled()
    desk.says(1, "0 closed")
    desk.picture("worker-closed")
