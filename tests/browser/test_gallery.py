"""The gallery in the page: how it fills, how cards are chosen, how it looks."""

from __future__ import annotations

import re

from browser.desk import Desk, once
from packets import ALERTS, needs_real_packets
from playwright.sync_api import Locator, expect

MADE = """
import threading
import ztfnb
from ztfnb.errors import NotHeldError
from ztfnb.widgets.batch import Batch
from ztfnb.widgets.gallery import Gallery, fetching
from ztfnb.simulate import Survey
night = [ztfnb.decode(a.packet) for a in Survey(seed=3).night("2026-01-15", limit=60)]
candids = [a.candid for a in night]
held = fetching(Batch(night))
slow = threading.Event()
def fetch(wanted):
    yield from held(wanted[:20])
    slow.wait(600)
    for candid in wanted[20:25]:
        yield candid, NotHeldError("<b>the broker</b> no longer has it")
    yield from held(wanted[25:])
gallery = Gallery(fetch)
asked, pages = [], []
gallery.on_select = asked.append
gallery.on_page = pages.append
gallery.notes = {candids[1]: "good <i>"}
gallery.show(candids[:50], place="1 to 50 of 60", after=True)
gallery
"""
COLOURS = """canvas => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size;
}"""


def cards(desk: Desk) -> Locator:
    return desk.page.locator(".ztfnb-card:visible")


def wait_for_paint(desk: Desk, count: int) -> None:
    desk.page.wait_for_function(
        "count => [...document.querySelectorAll('.ztfnb-card:not([hidden])')]"
        ".filter(card => card.dataset.painted === card.dataset.candid).length === count",
        arg=count,
    )


def test_filling_and_choosing(desk: Desk) -> None:
    """What is held is there at once, the rest follows; click and arrows choose; pages turn."""
    desk.open(
        [
            MADE,
            "slow.set()",
            once("pages", "[candids.index(c) for c in asked], pages, gallery.selected"),
            "gallery.show(candids[50:], place='51 to 60 of 60', before=True)",
            "gallery.selected = candids[55]",
            "gallery.show(())",
        ]
    )
    page = desk.page
    desk.run(0)
    place = page.locator(".ztfnb-gallery-place")
    wait_for_paint(desk, 20)
    expect(place).to_have_text(re.compile("20 of 50"))
    expect(page.get_by_role("listbox")).to_have_attribute("aria-busy", "true")
    expect(cards(desk)).to_have_count(50)
    desk.picture("gallery-filling")
    desk.run(1)
    wait_for_paint(desk, 50)
    expect(place).to_have_text("1 to 50 of 60")
    for number in (0, 19, 30, 49):
        assert cards(desk).nth(number).locator("canvas").evaluate(COLOURS) > 50
    expect(cards(desk).nth(22)).to_contain_text("<b>the broker</b> no longer has it")
    expect(cards(desk).nth(1).locator(".ztfnb-gallery-label")).to_have_text("good <i>")
    expect(page.get_by_role("option", name=re.compile("good <i>"))).to_have_count(1)
    assert page.locator(".ztfnb-gallery b, .ztfnb-gallery i").count() == 0

    cards(desk).nth(1).click()
    expect(cards(desk).nth(1)).to_have_attribute("aria-selected", "true")
    expect(page.locator(".ztfnb-card[tabindex='0']")).to_have_count(1)
    across: int = page.evaluate(
        "() => { const all = [...document.querySelectorAll('.ztfnb-card:not([hidden])')];"
        " return all.filter(card => card.offsetTop === all[0].offsetTop).length; }"
    )
    for key, now in (("ArrowRight", 2), ("ArrowDown", 2 + across), ("ArrowLeft", 1 + across),
                     ("ArrowUp", 1), ("End", 49), ("Home", 0)):  # fmt: skip
        page.keyboard.press(key)
        expect(cards(desk).nth(now)).to_have_attribute("aria-selected", "true")
        expect(cards(desk).nth(now)).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(cards(desk).nth(0)).to_have_attribute("aria-selected", "true")
    desk.picture("gallery-light")
    expect(page.get_by_role("button", name="previous")).to_be_disabled()
    page.get_by_role("button", name="next").click()
    chosen = cards(desk).nth(0).get_attribute("data-candid")
    desk.says(2, f"[1, 2, {2 + across}, {1 + across}, 1, 49, 0] [1] {chosen}")

    # The next page reuses the cards; nothing of it is chosen until something is.
    first = cards(desk).nth(0).element_handle()
    desk.run(3)
    wait_for_paint(desk, 10)
    expect(cards(desk)).to_have_count(10)
    assert first.get_attribute("data-candid") == cards(desk).nth(0).get_attribute("data-candid")
    expect(page.get_by_role("button", name="next")).to_be_disabled()
    expect(page.locator(".ztfnb-card[aria-selected='true']:visible")).to_have_count(0)
    desk.run(4)
    expect(cards(desk).nth(5)).to_have_attribute("aria-selected", "true")
    desk.run(5)
    expect(page.locator(".ztfnb-gallery-note")).to_be_visible()


# It waits for files, since it may be the cells' own thread that hears the page.
LATE = """
import pathlib, time
plain, heard = gallery.receive, []
def late(message):
    if message["kind"] == "select":
        heard.append(message)
        while not pathlib.Path(f"heard-{len(heard)}").exists(): time.sleep(0.05)
    plain(message)
gallery.receive = late
gallery
"""


def test_arrows_are_quicker_than_the_kernel(desk: Desk) -> None:
    """A kernel that has heard of one key, and not yet of the next, leaves the focus where it is."""
    desk.open([MADE + "slow.set()\ngallery", LATE])
    desk.run(0)
    wait_for_paint(desk, 50)
    desk.run(1)
    wait_for_paint(desk, 100)
    first, second = (
        desk.page.locator(".ztfnb-gallery").nth(view).locator(".ztfnb-card") for view in (0, 1)
    )
    first.nth(0).click()
    desk.page.keyboard.press("ArrowRight")
    desk.page.keyboard.press("ArrowRight")
    for heard in (0, 1, 2):
        (desk.lab.folder / f"heard-{heard + 1}").touch()
        expect(second.nth(heard)).to_have_attribute("aria-selected", "true")
        assert first.nth(2).get_attribute("aria-selected") == "true"
        assert first.nth(2).evaluate("card => card === document.activeElement")


def test_choices_and_a_second_view(desk: Desk) -> None:
    """Stretch and colours repaint the cards in every view; a view that comes late is filled."""
    desk.open([MADE + "slow.set()\ngallery", "gallery"])
    page = desk.page
    desk.run(0)
    wait_for_paint(desk, 50)
    first = cards(desk).nth(30).locator("canvas")
    before = first.evaluate("canvas => canvas.toDataURL()")
    page.get_by_label("Colour map of the stamps").select_option("viridis")
    desk.until(lambda: first.evaluate("canvas => canvas.toDataURL()") != before)
    coloured = first.evaluate("canvas => canvas.toDataURL()")
    # Arrow keys in a list are not the notebook's.
    page.get_by_label("Stretch of the stamps").focus()
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Stretch of the stamps")).to_have_value("log")
    page.wait_for_function(
        "before => document.querySelectorAll('.ztfnb-card canvas')[30].toDataURL() !== before",
        arg=coloured,
    )
    wait_for_paint(desk, 50)
    desk.run(1)
    wait_for_paint(desk, 100)
    second = page.locator(".ztfnb-gallery").nth(1)
    expect(second.get_by_label("Stretch of the stamps")).to_have_value("log")
    desk.until(
        lambda: (
            second.locator("canvas").nth(30).evaluate("canvas => canvas.toDataURL()")
            == first.evaluate("canvas => canvas.toDataURL()")
        )
    )


@needs_real_packets
def test_real_alerts_at_a_glance(desk: Desk) -> None:
    """Fifty real alerts, wide and narrow, light and dark; cards fill the width that there is."""
    desk.open(
        [
            f"""
import pathlib, ztfnb
from ztfnb.widgets.batch import Batch
from ztfnb.widgets.gallery import Gallery, fetching
folder = pathlib.Path({str(ALERTS)!r})
files = sorted(folder.glob('night-20181128/*.avro'))[:46]
files += [folder / 'legacy/121540793515135001.avro', folder / 'legacy/ZTF20abyfpze.avro',
          *sorted(folder.glob('lsst/fink-ocf/*.avro'))[:2]]
alerts = [next(iter(ztfnb.read(path))) for path in files]
gallery = Gallery(fetching(Batch(alerts)))
gallery.show([a.candid for a in alerts], place='1 to 50 of 1,234', after=True)
gallery.selected = alerts[3].candid
gallery.notes = {{alerts[4].candid: 'good', alerts[5].candid: 'bad'}}
gallery
"""
        ]
    )
    page = desk.page
    desk.run(0)
    wait_for_paint(desk, 50)
    part = page.locator(".ztfnb-gallery")
    desk.picture("gallery-real-wide")
    for width, columns in ((440, 2), (700, 3)):
        part.evaluate("(e, w) => { e.style.width = `${w}px`; }", width)
        for theme in ("Light", "Dark"):
            desk.theme(theme)
            desk.picture(f"gallery-{width}-{theme}", part)
        # Laid out by styles alone, when that is asked.
        assert part.evaluate("e => e.scrollWidth <= e.clientWidth")
        found = page.locator(".ztfnb-gallery-list").evaluate(
            "e => getComputedStyle(e).gridTemplateColumns.split(' ').length"
        )
        assert found == columns
