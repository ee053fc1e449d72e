"""What people do with the facts and the details of an alert."""

from __future__ import annotations

import re

import pytest
from browser.desk import Desk, once
from playwright.sync_api import Locator, expect

ALERTS = """
import time, ztfnb
from ztfnb.simulate import Survey
from ztfnb.widgets import Facts
from ztfnb.widgets.details import Details
made = [ztfnb.decode(a.packet).as_dict() for a in Survey(seed=3).night("2026-01-15", limit=300)]
made.sort(key=lambda one: -len(one["prv_candidates"] or ()))
def alert(place=0, **candidate):
    one = made[place]
    return ztfnb.decode(ztfnb.encode(one | {"candidate": one["candidate"] | candidate}))
now = time.time() / 86400 + 2440587.5
"""
FACTS = """
facts = Facts(alert(jd=now - 200 / 86400, jdstarthist=now - 831, isdiffpos="f", rb=0.87,
                    ra=299.12345, dec=-20.5, sigmapsf=0.123, ssdistnr=12.3, ssnamenr="2019 PD41",
                    distpsnr1=10.4, sgscore1=0.1, srmag1=18.0))
facts.layout.width = "536px"
narrow = Facts(facts.alert)
narrow.layout.width = "440px"
wide = Facts(alert(1))
import ipywidgets
ipywidgets.VBox([facts, narrow, wide])
"""
DETAILS = """
details = Details(alert(drb=None, ssdistnr=2.1, ssmagnr=18.2, ssnamenr="1234"))
details.layout.width = "536px"
details
"""
NARROW = """
narrow = Details(details.alert)
narrow.layout.width = "440px"
narrow
"""
HOSTILE = """
bad = "<img src=x onerror='window.hacked=1'>"
one = made[0] | {"publisher": bad, "objectId": "javascript:" + bad}
one["candidate"] |= {"ssnamenr": bad, "ssdistnr": 1.0, "programpi": bad, "rbversion": bad}
one["prv_candidates"][0] |= {"rbversion": bad}
one["cutoutScience"] = {"fileName": bad, "stampData": b"x"}
hostile = ztfnb.decode(ztfnb.encode(one))
details = Details(hostile)
details.settings = {"open": ["alert", "candidate", "prv_candidates", "stamps"]}
ipywidgets.VBox([Facts(hostile), details])
"""
CLIPBOARD = "() => navigator.clipboard.readText()"


def shown(part: Locator, name: str) -> Locator:
    """The field of the candidate."""
    return part.locator(f"section[data-name='candidate'] .ztfnb-packet-field[data-name='{name}']")


@pytest.mark.parametrize(
    "desk", [{"permissions": ["clipboard-read", "clipboard-write"]}], indirect=True
)
def test_facts(desk: Desk) -> None:
    """Facts take two lines, tell how long ago it was, and what they tell can be copied."""
    desk.open([ALERTS, FACTS, "facts.alert = alert(2)", "facts.alert = None"])
    page = desk.page
    desk.theme("Light")
    for place in (0, 1):
        desk.run(place)
        desk.idle()
    facts, narrow, wide = (page.locator(".ztfnb-facts").nth(place) for place in range(3))
    expect(facts.locator(".ztfnb-ago", has_text="ago")).to_have_text(re.compile(r"^\d+ min ago$"))
    expect(wide.locator(".ztfnb-fact").nth(2)).to_contain_text("2026-01-15")
    for part, lines in ((facts, 2), (narrow, 3), (wide, 2)):
        expect(part).to_have_css("height", f"{22 * lines}px")
    for part in (facts, narrow):
        for text in ("± 0.12 negative", "min ago", "831 d", "rb", "galaxy", "2019 PD41 12.3″"):
            expect(part.locator(".ztfnb-fact", has_text=text).first).to_be_visible()
    # The least important of the longest is left out, for the keyboard, too.
    expect(facts.locator("[data-label=candid]")).to_have_css("visibility", "hidden")
    expect(wide.locator("[data-label=candid]")).to_have_css("visibility", "visible")
    desk.picture("facts")
    name = wide.locator("strong").inner_text()
    wide.get_by_role("button", name=f"Copy {name}").click()
    desk.until(lambda: page.evaluate(CLIPBOARD) == name)
    button = wide.get_by_role("button", name="Copy 4.61")
    copied = (button.get_attribute("title") or "").removeprefix("Copy ")
    button.focus()
    page.keyboard.press("Enter")
    desk.until(lambda: page.evaluate(CLIPBOARD) == copied)
    desk.theme("Dark")
    desk.picture("facts-dark")
    desk.theme("Light")
    desk.run(2)
    expect(facts.locator("[data-label=asteroid]")).to_have_count(0)
    expect(facts).to_have_css("height", "44px")
    desk.run(3)
    expect(facts.locator("strong")).to_have_text("No alert selected")
    expect(facts.locator("button:visible")).to_have_count(0)
    expect(facts).to_have_attribute("data-candid", "")


def test_details(desk: Desk) -> None:
    """Fields have values, units and meanings, and are searched and sieved; links are safe."""
    desk.open([ALERTS, DETAILS])
    page = desk.page
    desk.theme("Light")
    desk.run_all()
    details = page.locator(".ztfnb-packet").first
    rows = details.locator(".ztfnb-packet-field:visible")
    status = details.get_by_role("status")
    expect(shown(details, "fid").locator(".ztfnb-packet-what")).to_contain_text("band")
    expect(shown(details, "magpsf").locator(".ztfnb-packet-unit")).to_have_text("mag")
    expect(shown(details, "magpsf").locator(".ztfnb-packet-doc")).not_to_be_empty()
    expect(shown(details, "drb")).to_contain_text("missing (null)")
    expect(details.locator(".ztfnb-packet-near")).to_contain_text(
        "asteroid 1234 at 2.1 arcsec, V 18.2"
    )
    desk.picture("details")

    links = details.locator(".ztfnb-packet-links a")
    expect(links).to_have_count(8)
    for link in links.all():
        assert (link.get_attribute("href") or "").startswith("https://")
        assert link.get_attribute("rel") == "noopener noreferrer"
        assert link.get_attribute("referrerpolicy") == "no-referrer"
        assert link.get_attribute("target") == "_blank"

    body = details.locator(".ztfnb-packet-body")
    body.focus()
    page.keyboard.press("/")
    box = details.get_by_role("searchbox")
    expect(box).to_be_focused()
    page.keyboard.type("gaia magnitude")
    expect(rows).to_have_count(2)
    expect(status).to_have_text(re.compile(r"^2 of \d+ fields$"))
    desk.picture("details-search")
    page.keyboard.type(" nonsense")
    expect(details).to_contain_text("No field has “gaia magnitude nonsense”")
    page.keyboard.press("Escape")
    expect(box).to_have_value("")
    expect(status).to_have_text(re.compile(r"^\d+ fields$"))
    every = rows.count()
    toggle = details.get_by_role("button", name="Hide missing")
    toggle.click()
    expect(toggle).to_have_attribute("aria-pressed", "true")
    expect(shown(details, "drb")).to_be_hidden()
    expect(status).to_have_text(re.compile(r" of \d+ fields$"))
    assert rows.count() < every


def test_what_was_typed_is_not_lost(desk: Desk) -> None:
    """An answer of the kernel to another choice, which comes in between, takes no words away."""
    desk.open([ALERTS, DETAILS, "details", once("details.settings['search']", "details.settings")])
    for place in range(3):
        desk.run(place)
    first, second = (desk.page.locator(".ztfnb-packet").nth(place) for place in (0, 1))
    expect(shown(second, "fid")).to_be_visible()
    box = first.get_by_role("searchbox")
    desk.hold_timer("typed")
    box.fill("gaia magnitude")
    first.get_by_role("button", name="Hide missing").click()
    # Both views hear of it at once, the first of them first.
    hide = second.get_by_role("button", name="Hide missing")
    expect(hide).to_have_attribute("aria-pressed", "true")
    expect(box).to_have_value("gaia magnitude")
    desk.let_go()
    desk.says(3, "'search': 'gaia magnitude'")


def test_histories_and_the_next_alert(desk: Desk) -> None:
    """A history opens as a table; another alert keeps what was chosen, and the reader's place."""
    kept = {
        "search": "", "hide_missing": True,
        "open": ["alert", "candidate", "diaSource", "prv_candidates"],
    }  # fmt: skip
    heard = once(f"details.settings == {kept}", "details.settings")
    desk.open([ALERTS, DETAILS, "details.alert = alert(1)", heard, NARROW])
    page = desk.page
    desk.theme("Light")
    desk.run(0)
    desk.run(1)
    desk.idle()
    details = page.locator(".ztfnb-packet").first
    body = details.locator(".ztfnb-packet-body")
    box = details.get_by_role("searchbox")
    details.get_by_role("button", name="Hide missing").click()
    history = details.locator("section[data-name=prv_candidates]")
    history.get_by_role("button").click()
    expect(history.locator("tbody tr").first).to_be_visible()
    expect(history.locator("thead th").first).to_have_text("UTC")
    history.evaluate("e => e.scrollIntoView({block: 'nearest'})")
    desk.picture("details-history")
    every = history.locator("thead th").count()
    box.fill("brightness aperture")
    expect(history.locator("thead th").nth(1)).to_contain_text("magap")
    desk.until(lambda: history.locator("thead th").count() < every)
    box.fill("")

    candid = details.get_attribute("data-candid") or ""
    body.evaluate("e => { e.scrollTop = 400; }")
    desk.run(2)
    expect(details).not_to_have_attribute("data-candid", candid)
    desk.until(lambda: body.evaluate("e => e.scrollTop") == 400)
    expect(shown(details, "drb")).to_be_visible()  # this alert has one
    expect(history.locator("tbody tr").first).to_be_visible()
    desk.says(3, str(kept))

    desk.theme("Dark")
    desk.run(4)
    expect(page.locator(".ztfnb-packet")).to_have_count(2)
    narrow = page.locator(".ztfnb-packet").last
    expect(shown(narrow, "magpsf").locator(".ztfnb-packet-doc")).to_be_visible()
    narrow.evaluate("e => e.scrollIntoView({block: 'end'})")
    desk.until(lambda: narrow.evaluate("e => e.scrollWidth <= e.clientWidth"))
    desk.picture("details-narrow-dark")
    desk.theme("Light")


def test_hostile_strings_in_details(desk: Desk) -> None:
    """A script in any text of a packet is shown as text, and makes no link."""
    desk.open([ALERTS, "import ipywidgets", HOSTILE])
    desk.run_all()
    details = desk.page.locator(".ztfnb-packet")
    expect(details.locator(".ztfnb-packet-field[data-name=publisher]")).to_contain_text(
        "<img src=x"
    )
    expect(details.locator("section[data-name=prv_candidates] tbody")).to_contain_text("<img")
    expect(details.locator(".ztfnb-packet-near")).to_contain_text("<img src=x")
    expect(details.locator("section[data-name=stamps]")).to_contain_text("<img src=x")
    expect(desk.page.locator(".ztfnb-facts strong")).to_contain_text("javascript:<img")
    expect(details.locator(".ztfnb-packet-links a")).to_have_count(5)
    assert details.locator("img").count() == 0
    assert desk.page.evaluate("window.hacked") is None
