"""What people do with the alert browser, in JupyterLab and Notebook 7."""

from __future__ import annotations

import json
import re
import statistics
import time
from functools import partial

import pytest
from browser.desk import TOKEN, Desk, once
from playwright.sync_api import FloatRect, Locator, expect

DEMO = [
    "import ztfnb\nlive = ztfnb.connect('demo')",
    "browser = live.browse()\nbrowser",
]
SELECTED = ".ztfnb-row[aria-selected='true']"

# Whether a part ends where the browser does, or before.
INSIDE = """part => part.getBoundingClientRect().right
  <= part.closest('.ztfnb-browser').getBoundingClientRect().right + 1"""
# How many different colours a stamp has: a blank one has one, that of a bright star some twenty.
COLOURS = """canvas => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size;
}"""


def table(desk: Desk) -> Locator:
    return desk.page.locator(".ztfnb-table").last


def candids(desk: Desk) -> list[str]:
    """Candids of the rows on the screen, from the top."""
    expect(desk.page.locator(".ztfnb-row[data-candid='']:visible")).to_have_count(0)
    rows = desk.page.locator(".ztfnb-row:visible")
    found: list[str] = rows.evaluate_all(
        """rows => rows.sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)
                        .map(row => row.dataset.candid)"""
    )
    return found


def total(desk: Desk) -> int:
    return int(table(desk).get_attribute("data-total") or 0)


def wait_for_rows(desk: Desk, count: int = 20) -> None:
    desk.page.wait_for_function(
        "count => Number([...document.querySelectorAll('.ztfnb-table')].pop()?.dataset.total)"
        " >= count",
        arg=count,
    )
    expect(desk.page.locator(".ztfnb-row:visible").first).not_to_have_attribute("data-candid", "")


def scroll_to_browser(desk: Desk) -> None:
    desk.page.locator(".ztfnb-browser").last.evaluate("e => e.scrollIntoView({block: 'start'})")


def tab(desk: Desk, name: str) -> Locator:
    return desk.page.get_by_role("tab", name=name, exact=True)


IN_TABS = {
    "Details": ".ztfnb-packet-field", "Sky": ".ztfnb-sky-summary", "Labels": ".ztfnb-scan",
    "Save": ".ztfnb-save-count", "Alert": ".ztfnb-stamps",
    "Gallery": ".ztfnb-card:not([data-painted=''])", "Table": ".ztfnb-row",
}  # fmt: skip


def look_at_every_tab(desk: Desk, name: str) -> None:
    """Take a picture of the browser with each tab in front."""
    for title, inside in IN_TABS.items():
        tab(desk, title).click()
        expect(tab(desk, title)).to_have_attribute("aria-selected", "true")
        expect(desk.page.locator(f"{inside}:visible").first).not_to_be_empty()
        scroll_to_browser(desk)
        desk.picture(f"browser-{name}-{title.lower()}")


def boxes(desk: Desk) -> tuple[FloatRect, FloatRect]:
    """Where the table and the stamps are on the screen."""
    desk.place(desk.page.locator(".ztfnb-table"))
    left = desk.page.locator(".ztfnb-table").bounding_box()
    right = desk.page.locator(".ztfnb-stamps").bounding_box()
    assert left is not None
    assert right is not None
    return left, right


def test_a_first_night(desk: Desk) -> None:
    """Alerts arrive by themselves; a click or a key shows one; nothing moves under a reader."""
    desk.open(DEMO)
    page = desk.page
    began = time.monotonic()
    desk.run_all()
    wait_for_rows(desk, 1)
    print(f"\nfirst alert on the screen after {time.monotonic() - began:.1f} s")  # noqa: T201 - a measurement
    wait_for_rows(desk)
    before = total(desk)
    wait_for_rows(desk, before + 5)
    expect(page.locator(".ztfnb-chip")).to_have_text(re.compile("live|caught up"))
    expect(page.locator(".ztfnb-stamp canvas:visible")).to_have_count(3)

    # A click paints the alert, and the table stands still from then on.
    times = []
    for place in range(20):
        found = desk.click_to_paint(place)
        times.append(found["milliseconds"])
        for part in ("stamps", "curve", "facts"):
            expect(page.locator(f".ztfnb-{part}")).to_have_attribute("data-candid", found["candid"])
    ranked = statistics.quantiles(times, n=20)
    print(f"click to paint: median {statistics.median(times):.0f} ms, 95th {ranked[-1]:.0f} ms")  # noqa: T201 - a measurement
    for kind in range(3):
        assert page.locator(".ztfnb-stamp canvas").nth(kind).evaluate(COLOURS) > 10
    still = candids(desk)
    new = page.locator(".ztfnb-follow.ztfnb-fresh")
    expect(new).to_contain_text("new")
    for _ in range(3):
        expect(new).not_to_have_text(new.inner_text())
    assert candids(desk) == still

    # Keys move the selection, not the notebook.
    grid = page.locator(".ztfnb-grid")
    grid.focus()
    page.keyboard.press("Home")
    expect(page.locator(SELECTED)).to_have_attribute("data-candid", candids(desk)[0])
    for key, place in (("j", 1), ("ArrowDown", 2), ("ArrowDown", 3), ("k", 2), ("ArrowUp", 1)):
        page.keyboard.press(key)
        expect(page.locator(SELECTED)).to_have_attribute("data-candid", candids(desk)[place])
    page.keyboard.press("Enter")
    chosen = candids(desk)[1]
    expect(page.locator(".ztfnb-stamps")).to_have_attribute("data-candid", chosen)
    expect(page.locator(".jp-Notebook .jp-mod-active .ztfnb-browser")).to_have_count(1)
    scroll_to_browser(desk)
    desk.picture("browser-light-1600")

    # Following again brings the new ones in.
    new.click()
    expect(page.locator(".ztfnb-follow")).to_have_text("Following")
    page.wait_for_function(
        "still => ![...document.querySelectorAll('.ztfnb-row')]"
        ".some(row => row.dataset.candid === still && row.ariaRowIndex === '2')",
        arg=still[0],
    )


def test_panes_and_themes(desk: Desk) -> None:
    """The panes share the width as it is dragged, and stand below each other where it is small."""
    shared = once("'\"share\": 0.0' not in browser.state", "browser.state")
    desk.open([*DEMO, shared])
    page = desk.page
    desk.run(0)
    desk.run(1)
    wait_for_rows(desk, 60)
    desk.click_to_paint(4)
    left, right = boxes(desk)
    assert right["x"] > left["x"] + left["width"]

    handle = page.get_by_role("separator", name="Width of the table")
    place = desk.place(handle)
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + 100)
    page.mouse.down()
    page.mouse.move(place["x"] - 150, place["y"] + 100, steps=4)
    page.mouse.up()
    desk.until(lambda: boxes(desk)[0]["width"] < left["width"] - 100)
    narrow = boxes(desk)[0]["width"]
    handle.press("ArrowRight")
    desk.until(lambda: boxes(desk)[0]["width"] > narrow)
    desk.picture("browser-divided")
    desk.says(2, re.compile(r'"share": 0\.[1-9]'))
    handle.dblclick()
    desk.until(lambda: boxes(desk)[0]["width"] == left["width"])

    look_at_every_tab(desk, "light-1600")
    desk.theme("Dark")
    look_at_every_tab(desk, "dark-1600")
    page.set_viewport_size({"width": 1000, "height": 1000})

    def stand_below_each_other() -> bool:
        above, below = boxes(desk)
        return below["y"] > above["y"] + above["height"]

    desk.until(stand_below_each_other)
    scroll_to_browser(desk)
    desk.picture("browser-dark-1000")
    desk.theme("Light")
    scroll_to_browser(desk)
    desk.picture("browser-light-1000")
    for name in (".ztfnb-table", ".ztfnb-stamps", ".ztfnb-curve", ".ztfnb-strip"):
        desk.until(partial(page.locator(name).evaluate, INSIDE))
    page.locator(".ztfnb-stamps").evaluate("e => e.scrollIntoView({block: 'start'})")
    desk.picture("browser-light-1000-below")


REPEATED = """
import copy, ztfnb
from ztfnb.simulate import Survey
from ztfnb.source import Memory, Packet
from ztfnb.stream import Stream
packets = []
for one in Survey(seed=3).night("2026-01-15", limit=12):
    alert = ztfnb.decode(one.packet).as_dict()
    for later in range(3):
        again = copy.deepcopy(alert)
        again["candid"] = again["candidate"]["candid"] = alert["candid"] + later
        again["candidate"]["jd"] += 2.0 * later
        again["candidate"]["magpsf"] += 0.3 * later
        packets.append(Packet(ztfnb.encode(again)))
live = Stream(Memory(packets), name="repeated")
live.wait("caught up")
browser = live.browse()
browser
"""


def test_epochs_of_an_object(desk: Desk) -> None:
    """Stepping, or a tap in the table of points, goes to another alert of the same object."""
    desk.open([REPEATED, "print(len(browser.stamps.epochs), browser.selected.candid)"])
    page = desk.page
    desk.run(0)
    wait_for_rows(desk, 10)
    first = desk.click_to_paint(0)["candid"]
    step = page.get_by_role("button", name="Previous epoch")
    step.click()
    another = re.compile(rf"^(?!{first}$)\d+$")
    expect(page.locator(".ztfnb-stamps")).to_have_attribute("data-candid", another)
    second = page.locator(".ztfnb-stamps").get_attribute("data-candid")
    for part in ("facts", "curve"):
        expect(page.locator(f".ztfnb-{part}")).to_have_attribute("data-candid", str(second))
    expect(page.locator(SELECTED)).to_have_attribute("data-candid", str(second))
    desk.picture("epochs")
    desk.says(1, f"3 {second}")


def test_scan_save_and_come_back(desk: Desk) -> None:
    """Labels go on from alert to alert, are saved at once, and are there in another browser."""
    desk.open(
        [
            REPEATED.replace("browser\n", "")
            + "browser = live.browse(labels='scan.jsonl')\nbrowser",
            "print(sorted(browser.labels.words.values()))\nbrowser.save_state('view.json')",
            "other = live.browse(labels='scan.jsonl', state='view.json')\nother",
        ]
    )
    page = desk.page
    desk.run(0)
    wait_for_rows(desk, 10)
    desk.click_to_paint(0)
    tab(desk, "Labels").click()
    page.get_by_label("next after a label").check()
    page.locator(".ztfnb-grid").focus()
    seen = [page.locator(SELECTED).get_attribute("data-candid")]
    for key in ("g", "b", "m"):
        page.keyboard.press(key)
        expect(page.locator(SELECTED)).not_to_have_attribute("data-candid", str(seen[-1]))
        seen.append(page.locator(SELECTED).get_attribute("data-candid"))
    page.keyboard.press("Space")
    expect(page.locator(".ztfnb-marked")).to_have_count(1)
    desk.picture("scanning")
    desk.says(1, "['bad', 'good', 'maybe']")

    file = desk.lab.folder / "scan.jsonl"

    def saved() -> list[str]:
        """The labels of the lines that are whole."""
        text = file.read_text() if file.exists() else ""
        return [json.loads(line)["label"] for line in text.split("\n")[:-1]]

    desk.until(lambda: saved()[-3:] == ["good", "bad", "maybe"])
    desk.run(2)
    other = page.locator(".ztfnb-browser").nth(1)
    expect(other.get_by_role("tab", name="Labels")).to_have_attribute("aria-selected", "true")
    expect(other.locator(".ztfnb-row:visible", has_text="good").first).to_be_visible()
    expect(other.locator(".ztfnb-row [aria-checked='true']")).to_have_count(1)
    scroll_to_browser(desk)
    desk.picture("come-back")


HOSTILE = """
import dataclasses, ztfnb
from ztfnb import widgets
from ztfnb.simulate import Survey
from ztfnb.source import Memory, Packet
from ztfnb.stream import Stream
BAD = '<img src=x onerror="window.hacked=1">'
def spoil(value):
    if isinstance(value, dict): return {k: spoil(v) for k, v in value.items()}
    if isinstance(value, list): return [spoil(v) for v in value]
    return BAD if isinstance(value, str) else value
packets = []
for place, night in enumerate(Survey(seed=3).night("2026-01-15", limit=3)):
    spoiled = spoil(ztfnb.decode(night.packet).as_dict())
    spoiled["objectId"] = BAD + str(place)
    spoiled["candidate"]["ssdistnr"] = 1.0
    spoiled["candidate"]["ssnamenr"] = BAD
    packets.append(ztfnb.encode(spoiled))
broken = spoil(ztfnb.decode(packets[0]).as_dict())
broken["candid"] = broken["candidate"]["candid"] = 17
broken["objectId"] = BAD
broken["cutoutScience"]["stampData"] = BAD.encode()
packets.append(ztfnb.encode(broken))
live = Stream(Memory([Packet(p) for p in [*packets, BAD.encode()]], topic=BAD), name=BAD)
live.wait(alerts=4)
alerts = live.latest(4)
"""


def test_s27_hostile_strings(desk: Desk) -> None:
    """A script in any string of an alert, its topic or an error stays text in every widget."""
    desk.open(
        [
            HOSTILE,
            "browser = live.browse()\nbrowser",
            "widgets.Facts(alerts[0])",
            "widgets.Stamps(alerts[0])",
            "widgets.LightCurve(alerts)",
            "widgets.AlertTable(live.store)",
            "widgets.Details(alerts[0])",
            "live.monitor()",
        ]
    )
    page = desk.page
    desk.run_all()
    wait_for_rows(desk, 4)
    desk.idle()
    expect(page.locator(".ztfnb-facts strong").first).to_contain_text("<img src=x")
    for place in range(4):
        desk.click_to_paint(place)
        expect(page.locator(".ztfnb-facts").first).to_contain_text("onerror")
    for text in ("cut", "search"):
        box = page.locator(f".ztfnb-{text}").first
        box.fill("<img src=x onerror='window.hacked=1'> > 1")
        box.press("Enter")
        expect(page.locator(".ztfnb-error").first).to_be_visible()
    for name in ("Details", "Sky", "Labels", "Save", "Gallery"):
        page.get_by_role("tab", name=name, exact=True).first.click()
        expect(page.locator(f"{IN_TABS[name]}:visible").first).not_to_be_empty()
        scroll_to_browser(desk)
        desk.picture(f"hostile-{name.lower()}")
    expect(page.locator(".ztfnb-packet").first).to_contain_text("onerror")
    expect(page.locator(".ztfnb-gallery").first).to_contain_text("onerror")
    for part in ("scan", "monitor"):
        # Out of view, where a notebook hides it: its text, not what is seen of it.
        expect(page.locator(f".ztfnb-{part}").last).to_contain_text("onerror")
    scroll_to_browser(desk)
    desk.picture("hostile")
    assert page.locator(".jp-OutputArea img").count() == 0
    assert page.evaluate("window.hacked") is None


BURST = """
import os, pathlib, psutil, threading, time, ztfnb
from ztfnb.simulate import Survey
from ztfnb.source import Packet, SourceStatus
from ztfnb.store import Store
from ztfnb.stream import Stream
def varint(number):
    number *= 2
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])
plain = ztfnb.decode(next(iter(Survey(seed=3).night("2026-01-15", limit=1))).packet).as_dict()
plain.update(prv_candidates=None, fp_hists=None, cutoutScience=None, cutoutTemplate=None,
             cutoutDifference=None)
FIRST = 10 ** 18
plain["candid"] = plain["candidate"]["candid"] = FIRST
template = ztfnb.encode(plain)
class Burst:
    name, sent, allowed = "burst", 0, 50
    def poll(self, timeout, limit):
        count = min(limit, self.allowed - self.sent)
        if not count: time.sleep(timeout)
        start, self.sent = self.sent, self.sent + count
        return [Packet(template.replace(varint(FIRST), varint(FIRST + n)), "burst", 0, n)
                for n in range(start, start + count)]
    def status(self):
        return SourceStatus(lag=self.allowed - self.sent, caught_up=self.allowed == self.sent)
    def close(self): pass
    seek = fetch = close
source = Burst()
live = Stream(source, store=Store(3_000_000), name="burst")
browser = live.browse()
browser
"""
RELEASE = """
before = psutil.Process().memory_info().rss
def asks():
    with browser.pump.lock:  # which a part that has its turn holds: it does not wait just then
        return browser.table in browser.pump._waiting
def release():
    while not pathlib.Path("frozen.txt").exists(): time.sleep(0.1)
    # A frozen page is still told what it has asked for: the burst must find it asking nothing.
    while asks():
        time.sleep(0.3)
        source.allowed += 20
    source.allowed = 20_000
    while live.stats.received < 20_000: time.sleep(0.1)
    pathlib.Path("over.txt").touch()
threading.Thread(target=release).start()
print("begun")
"""
# Freezes the page: it says so, and does nothing but ask whether the burst is over.
FREEZE = """token => {
  const ask = (method, path, body) => {
    const request = new XMLHttpRequest();
    request.open(method, `/api/contents/${path}`, false);
    request.setRequestHeader('Authorization', `token ${token}`);
    request.send(body);
    return request.responseText;
  };
  ask('PUT', 'frozen.txt', JSON.stringify({ type: 'file', format: 'text', content: '' }));
  while (!ask('GET', '').includes('over.txt')) {
    const end = performance.now() + 200;
    while (performance.now() < end);
  }
}"""
AFTERWARDS = """
stats = live.wait("caught up").stats
grown = psutil.Process().memory_info().rss - before
print(stats.received == 20_000 == stats.held + stats.evicted, grown < 200e6,
      0 < browser.table.missed <= stats.evicted, round(grown / 1e6), browser.table.missed)
"""


def test_s20_frozen_page(desk: Desk) -> None:
    """A page that froze in a burst says how many alerts it never showed; none is lost to code."""
    desk.open([BURST, RELEASE, AFTERWARDS])
    page = desk.page
    desk.run(0)
    wait_for_rows(desk, 50)
    desk.says(1, "begun")
    page.evaluate(FREEZE, TOKEN)
    expect(page.locator(".ztfnb-strip [data-label='not shown']")).to_be_visible()
    desk.says(2, "True True True")
    print(f"\nfrozen page: {desk.output(2).inner_text()}")  # noqa: T201 - a measurement
    scroll_to_browser(desk)
    desk.picture("frozen")
    desk.until(lambda: candids(desk)[0] == str(10**18 + 19_999))


SLEEP = """
import pathlib, time
print("begun")
while not pathlib.Path({file!r}).exists(): time.sleep(0.1)
print("slept")
"""


def set_subshells(desk: Desk, choice: str) -> None:
    desk.lab.configure("apputils-extension/kernels-settings", {"commsOverSubshells": choice})


@pytest.mark.parametrize("subshells", ["perCommTarget", "perComm", "disabled"])
def test_with_and_without_subshells(desk: Desk, subshells: str) -> None:
    """The browser works with a cell running where the kernel has subshells, else after it."""
    set_subshells(desk, subshells)
    try:
        desk.open([*DEMO, SLEEP.format(file=desk.name)])
        page = desk.page
        desk.run(0)
        desk.run(1)
        wait_for_rows(desk, 60)
        desk.click_to_paint(3)
        # The button does what it says: it says so when the page knows that rows stand still.
        expect(page.locator(".ztfnb-follow")).not_to_have_text("Following")
        page.locator(".ztfnb-follow").click()
        # Rows that come to lie under the pointer stand still for a while.
        page.mouse.move(5, 5)
        expect(page.locator(".ztfnb-follow")).to_have_text("Following")
        desk.idle()
        before = total(desk)
        desk.says(2, "begun")
        if subshells != "disabled":
            wait_for_rows(desk, before + 3)
            desk.click_to_paint(5)
            assert "slept" not in desk.output(2).inner_text()
        (desk.lab.folder / desk.name).touch()
        expect(desk.output(2)).to_contain_text("slept")
        found = desk.click_to_paint(7)
        expect(page.locator(".ztfnb-stamps")).to_have_attribute("data-candid", found["candid"])
    finally:
        set_subshells(desk, "perCommTarget")


def test_cells_run_again_and_page_reloaded(desk: Desk) -> None:
    """Running the cells again, or reloading the page, leaves one living browser."""
    desk.open(
        [
            *DEMO,
            "import threading\ndef names():\n    every = [t.name for t in threading.enumerate()]\n"
            "    return [name for name in every if 'ztfnb' in name]\n"
            + once("names() == ['ztfnb demo']", "names()"),
        ]
    )
    page = desk.page
    for _ in range(3):
        desk.run(0)
        desk.run(1)
        desk.idle()
        wait_for_rows(desk)
    desk.run(2)
    expect(desk.output(2)).to_have_text(re.compile(r"^\['ztfnb demo'\]\s*$"))
    expect(page.locator(".ztfnb-browser")).to_have_count(1)
    desk.reload()
    wait_for_rows(desk)
    found = desk.click_to_paint(4)
    for part in ("stamps", "curve", "facts"):
        expect(page.locator(f".ztfnb-{part}")).to_have_attribute("data-candid", found["candid"])
    before = total(desk)
    # The button does what it says: it says so when the page knows that rows stand still.
    expect(page.locator(".ztfnb-follow")).not_to_have_text("Following")
    page.locator(".ztfnb-follow").click()
    wait_for_rows(desk, before + 3)


def test_notebook_7(desk: Desk) -> None:
    """The browser works in Notebook 7 as in JupyterLab."""
    desk.open(DEMO, place="notebooks")
    desk.run_all()
    wait_for_rows(desk)
    found = desk.click_to_paint(4)
    for part in ("stamps", "curve", "facts"):
        expect(desk.page.locator(f".ztfnb-{part}")).to_have_attribute(
            "data-candid", found["candid"]
        )
    desk.picture("notebook-7")
