"""The strip and the monitor in JupyterLab: what people see and do when they look after a stream."""

from __future__ import annotations

import io
import json
import re
import tarfile
from pathlib import Path

from browser.desk import Desk, once
from playwright.sync_api import Locator, expect
from ports import free_ports

WIDE, NARROW = 1000, 440


def resized(part: Locator, width: int) -> None:
    """Give a widget the width of a narrow page, whatever JupyterLab leaves around it."""
    part.evaluate("(e, width) => { e.style.width = `${width}px`; }", width)
    overflow = part.evaluate("e => e.scrollWidth - e.clientWidth")
    assert overflow <= 0, f"{overflow} px too wide at {width}"
    part.scroll_into_view_if_needed()


def pictures(desk: Desk, part: Locator, name: str) -> None:
    """Look at a widget in light and dark, wide and narrow."""
    for theme in ("Light", "Dark"):
        desk.theme(theme)
        for width in (WIDE, NARROW):
            resized(part, width)
            desk.picture(f"{name}-{theme.lower()}-{width}")
    desk.theme("Light")


STRIP = [
    (
        "import ztfnb\nlive = ztfnb.connect('demo').wait(alerts=5, timeout=300)\n"
        "strip = ztfnb.widgets.strip.Strip(live, missed=lambda: 12)\nstrip"
    ),
    once("live.speed == 22", "strip.settings, live.speed"),
    once("live.stats.duplicates", "'again', live.stats.duplicates > 0"),
]


def test_strip(desk: Desk) -> None:
    """Pause, resume, rewind and details work by pointer and keyboard, and nothing jumps."""
    desk.open(STRIP)
    page = desk.page
    desk.run(0)
    strip = page.locator(".ztfnb-strip")
    chip = strip.locator(".ztfnb-chip")
    expect(chip).to_have_text(re.compile("^(live|caught up)$"))
    expect(strip.locator("[data-label='not shown'] .ztfnb-value")).to_have_text("12")
    expect(strip.locator(".ztfnb-spark path")).to_have_attribute("d", re.compile("H"))

    # Nothing moves while numbers grow.
    places = "e => [...e.querySelectorAll('button, .ztfnb-spark, .ztfnb-counts')]"
    places += ".map(e => Math.round(e.getBoundingClientRect().x))"
    desk.place(strip)
    before = strip.evaluate(places)
    received = strip.locator("[data-label='received'] .ztfnb-value")
    count = received.inner_text()
    expect(received).not_to_have_text(count)
    assert strip.evaluate(places) == before

    pause = strip.locator(".ztfnb-pause")
    pause.click()
    expect(chip).to_have_text("paused")
    expect(pause).to_have_text("Resume")
    pictures(desk, strip, "strip-paused")
    resized(strip, WIDE)
    assert strip.locator(".ztfnb-line").evaluate("e => e.clientHeight") < 40
    assert strip.evaluate(places)[:2] == before[:2]
    pause.focus()
    page.keyboard.press("Enter")
    expect(chip).to_have_text(re.compile("^(live|caught up)$"))


def test_rewind(desk: Desk) -> None:
    """The menu goes back by a span that is chosen or typed; what cannot be is explained."""
    desk.open(STRIP)
    page = desk.page
    desk.run(0)
    strip = page.locator(".ztfnb-strip")
    rewind = strip.get_by_role("button", name="Rewind…")
    menu = strip.locator(".ztfnb-rewind")
    rewind.focus()
    page.keyboard.press("Enter")
    expect(menu).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(menu.get_by_role("button", name="1 h", exact=True)).to_be_focused()
    desk.picture("strip-rewind")
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    rewind.click()
    menu.get_by_role("textbox").fill("the day before")
    page.keyboard.press("Enter")
    expect(strip.locator(".ztfnb-trouble")).to_contain_text("expected hours")
    expect(menu).to_be_hidden()
    expect(rewind).to_be_focused()
    desk.picture("strip-refused")
    rewind.click()
    menu.get_by_role("textbox").fill("2.5")
    menu.get_by_role("button", name="Go").click()
    expect(strip.locator(".ztfnb-trouble")).to_be_hidden()
    desk.says(2, "again True")


def test_unfolded(desk: Desk) -> None:
    """The monitor unfolds below the strip, with the demo's speed; the choice is kept."""
    desk.open(STRIP)
    page = desk.page
    desk.run(0)
    strip = page.locator(".ztfnb-strip")
    details = strip.locator(".ztfnb-details-button")
    details.click()
    expect(strip.locator(".ztfnb-partitions tbody tr")).to_have_count(8)
    expect(strip.locator(".ztfnb-health [data-label='decoded/s']")).to_be_visible()
    number = strip.get_by_role("spinbutton")
    number.fill("20")
    number.press("Enter")
    expect(strip.get_by_role("slider")).to_have_attribute("aria-valuetext", re.compile("^20 "))
    slider = strip.get_by_role("slider")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(number).to_have_value("22")
    pictures(desk, strip, "strip-unfolded")
    desk.says(1, "{'open': True} 22.0")
    details.focus()
    page.keyboard.press("Enter")
    expect(strip.locator(".ztfnb-health")).to_be_hidden()


# Minutes go on while a page is loaded, and with them what is of the last two.
STOPPED = once("any(live.arrivals)", "'so far'") + (
    "seen = live.arrivals\ntype(live).arrivals = property(lambda _live: seen)\n"
    "with strip.pump.lock: strip._update()\n"
    "print('at most', max(seen))"
)


def test_the_sparkline_survives_a_reload(desk: Desk) -> None:
    """After a reload the last two minutes are drawn as before, and the panel is as it was."""
    desk.open([STRIP[0], STOPPED])
    page = desk.page
    desk.run(0)
    strip = page.locator(".ztfnb-strip")
    strip.locator(".ztfnb-details-button").click()
    desk.says(1, re.compile(r"at most [1-9]\d*"))
    strip.locator(".ztfnb-pause").click()
    expect(strip.locator(".ztfnb-chip")).to_have_text("paused")
    most = desk.output(1).inner_text().split()[-1]
    label = f"packets in each of the last 120 s, at most {most}"
    spark = strip.locator(".ztfnb-spark")
    expect(spark).to_have_attribute("aria-label", label)
    drawn = spark.locator("path").get_attribute("d") or ""
    desk.reload()
    expect(spark).to_have_attribute("aria-label", label)
    expect(spark.locator("path")).to_have_attribute("d", drawn)
    expect(strip.locator(".ztfnb-health")).to_be_visible()
    expect(strip.locator(".ztfnb-chip")).to_have_text("paused")


UNREACHABLE = [
    "import ztfnb\nlive = ztfnb.connect('kafka://127.0.0.1:PORT/night')\nlive.monitor()",
    "ztfnb.widgets.strip.Strip(live)",
    "live.stop()",
]


def test_help_when_nothing_listens(desk: Desk) -> None:
    """Where no connection comes about, the monitor says why in plain words and what to try."""
    (port,) = free_ports(1)
    desk.open([cell.replace("PORT", str(port)) for cell in UNREACHABLE])
    page = desk.page
    desk.run(0)
    monitor = page.locator(".ztfnb-monitor")
    help_ = monitor.locator(".ztfnb-advice")
    expect(help_).to_contain_text("Nothing listens on that port")
    expect(help_).to_contain_text("ztfnb doctor")
    expect(monitor.locator(".ztfnb-trouble")).to_contain_text("nothing listens on that port")
    expect(monitor.locator(".ztfnb-chip")).to_have_text(re.compile("connecting|disconnected"))
    for label in ("received", "decoded", "failed"):
        value = monitor.locator(f".ztfnb-balance [data-label='{label}'] .ztfnb-value")
        expect(value).to_have_text("0")
    expect(monitor.locator(".ztfnb-log .ztfnb-wrong").first).to_be_visible()
    pictures(desk, monitor, "monitor-refused")
    desk.run(1)
    strip = page.locator(".ztfnb-strip")
    strip.get_by_role("button", name="What to try").click()
    expect(strip.locator(".ztfnb-advice")).to_be_visible()
    desk.run(2)
    expect(monitor.locator(".ztfnb-chip")).to_have_text("closed")
    expect(monitor.locator(".ztfnb-pause")).to_be_disabled()


QUARANTINE = """
import ztfnb
from ztfnb.simulate import Survey
from ztfnb.source import Memory, Packet
from ztfnb.stream import Stream
BAD = '<img src=x onerror="window.hacked=1">'
packets = [a.packet for a in Survey(seed=3).night("2026-01-15", limit=3)]
cut = [packet[: len(packet) // 2] for packet in packets]
live = Stream(Memory([*packets, *cut, BAD.encode(), b""], topic=BAD), name=BAD)
live.wait("caught up")
live.monitor()
"""


def test_quarantine(desk: Desk, tmp_path: Path) -> None:
    """Hostile packets are listed as text with their reasons; all of them, or one, are saved."""
    desk.open([QUARANTINE])
    page = desk.page
    desk.run(0)
    monitor = page.locator(".ztfnb-monitor")
    rows = monitor.locator(".ztfnb-failures li")
    expect(rows).to_have_count(5)
    expect(monitor.locator(".ztfnb-failures h4")).to_have_text("Packets that are no alerts: 5")
    expect(rows.first).to_contain_text("<img src=x")
    expect(monitor.locator(".ztfnb-balance .ztfnb-value")).to_have_text(["8", "3", "5"])
    for button, count in (("Save all", 5), (re.compile("offset 6"), 1)):
        with page.expect_download() as caught:
            monitor.get_by_role("button", name=button).click()
        path = tmp_path / f"{count}.tar.gz"
        caught.value.save_as(path)
        expect(monitor.locator(".ztfnb-failures [role=status]")).to_contain_text("saved as ztfnb")
        with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as tar:
            listed = tar.extractfile("reasons.json")
            assert listed is not None
            reasons = json.load(listed)
            assert [one["offset"] for one in reasons] == ([3, 4, 5, 6, 7] if count == 5 else [6])
            first = tar.extractfile(reasons[-1 if count == 1 else -2]["file"])
            assert first is not None
            assert first.read() == b'<img src=x onerror="window.hacked=1">'
    pictures(desk, monitor, "monitor-quarantine")
    assert page.locator(".jp-OutputArea img").count() == 0
    assert page.evaluate("window.hacked") is None
