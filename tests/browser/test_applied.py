"""Applied filters in the page: cards of what passed, marks in the browser, notifications."""

from __future__ import annotations

import re

from browser.desk import Desk
from playwright.sync_api import expect

FILTERS = '''
import ztfnb

@ztfnb.filter
def real_and_bright(alert, *, rb_min=0.6, faintest=19.0):
    """Probably real, and brighter than most."""
    candidate = alert["candidate"]
    if candidate["rb"] is None or candidate["rb"] < rb_min:
        return False
    if candidate["magpsf"] > faintest:
        return False
    return {"score": candidate["rb"], "note": "<img src=x onerror=alert(1)>"}

@ztfnb.filter
def fails_often(alert):
    candidate = alert["candidate"]
    if candidate["rb"] > 0.8:
        raise ValueError("<b>green</b>")
    if candidate["rb"] < 0.5:
        return candidate["nothere"] > 3
    return len(alert["prv_candidates"] or ()) > 8
'''
LIVE = f'{FILTERS}\nlive = ztfnb.connect("demo"); live.speed = 5\nlive.wait(alerts=30, timeout=300)'
EVERYTHING = """
@ztfnb.filter
def everything(alert):
    return {"score": 0.5}
applied = live.apply(everything)
applied
"""
APPLY = "applied = live.apply(real_and_bright)\napplied"
NOTIFY = ".ztfnb-notices button[data-switch=notify]"
STUB = """
window.told = [];
window.Notification = class {
  static permission = 'default';
  static async requestPermission() { return (this.permission = 'granted'); }
  constructor(title, options) { window.told.push([title, options.body]); window.lastNote = this; }
};
"""
SUMMED_UP = r"told.some(([title]) => /^everything: [\d,]+ passed in the last \d+ s$/.test(title))"


def test_applied_filters_show_what_passed(desk: Desk) -> None:
    """live.apply(f, g) shows both with counts and cards; a reason stands on each rejected one."""
    page = desk.page
    desk.open([LIVE, "applied = live.apply(real_and_bright, fails_often)\napplied"])
    desk.run_all()
    panels = page.locator(".ztfnb-applied-filter")
    expect(panels).to_have_count(2)
    first, second = panels.nth(0), panels.nth(1)
    expect(first.locator(".ztfnb-applied-name")).to_have_text("real_and_bright")
    expect(first.locator(".ztfnb-applied-params")).to_have_text("rb_min 0.6faintest 19")
    card = first.locator(".ztfnb-card[data-painted]:not([data-painted='']):not([hidden])").first
    expect(card).to_contain_text("score = 0.")
    expect(card).to_contain_text("note = <img src=x onerror=alert(1)>")
    expect(first.locator(".ztfnb-applied-state")).to_have_text(re.compile("up to date|at work"))
    page.locator(".ztfnb-applied").evaluate("view => view.scrollIntoView({ block: 'start' })")
    desk.picture("applied-passed")
    first.get_by_role("tab", name=re.compile("rejected")).click()
    second.get_by_role("tab", name=re.compile("failed")).click()
    expect(first.locator(".ztfnb-gallery-text").first).to_contain_text(
        re.compile(r"(rb_min|faintest)( is|\)? is) true \(")
    )
    failed = second.locator(".ztfnb-gallery-text", has_text="ValueError: <b>green</b>")
    expect(failed.first).to_be_visible()
    page.mouse.move(5, 5)
    desk.picture("applied-rejected")
    desk.theme("Dark")
    desk.picture("applied-dark")
    desk.theme("Light")


def test_cards_stay_under_the_pointer(desk: Desk) -> None:
    """While the pointer is over the cards none comes or goes, though alerts go on passing."""
    page = desk.page
    desk.open([LIVE, EVERYTHING])
    desk.run_all()
    cards = page.locator(".ztfnb-applied .ztfnb-card:not([hidden])")
    expect(cards).to_have_count(24)
    cards.nth(1).hover()
    expect(page.locator(".ztfnb-applied-stays")).to_be_visible()
    count = page.locator(".ztfnb-shelf-count").first

    def stay() -> bool:
        """Whether no card came while the count grew, longer than cards are ever left alone."""
        first = cards.nth(0).get_attribute("data-candid")
        for _ in range(6):
            expect(count).not_to_have_text(count.inner_text())
        return cards.nth(0).get_attribute("data-candid") == first

    # The kernel may hear of the pointer a little later.
    desk.until(stay)
    now = cards.nth(0).get_attribute("data-candid")
    page.mouse.move(5, 5)
    expect(page.locator(".ztfnb-applied-stays")).to_be_hidden()
    expect(cards.nth(0)).not_to_have_attribute("data-candid", now or "")


def test_notifications(desk: Desk) -> None:
    """A click asks for permission; what passes is told with its name, a flood is summed up."""
    page = desk.page
    page.add_init_script(STUB)
    desk.open([LIVE, EVERYTHING])
    desk.run_all()
    expect(page.locator(".ztfnb-applied .ztfnb-card:not([hidden])")).to_have_count(24)
    assert page.evaluate("told.length") == 0
    page.locator(NOTIFY).click()
    page.get_by_role("button", name="Sound").click()
    expect(page.locator(".ztfnb-notices button[aria-pressed=true]")).to_have_count(2)
    # A notice that is very late, as after a rest, does not say how long that was.
    page.wait_for_function(SUMMED_UP)
    first, body = page.evaluate("told[0]")
    assert re.fullmatch(r"everything: [\d,]+ passed", first)
    assert re.match(r"ZTF\w+  [gri] \d\d\.\d\d  score = 0\.5", body)
    expect(page.locator(".ztfnb-notices-said")).to_contain_text("passed in the last")
    beeps = re.compile(r"^([2-9]|\d{2,})$")
    expect(page.locator(".ztfnb-notices")).to_have_attribute("data-beeps", beeps)
    page.evaluate("lastNote.onclick()")
    desk.picture("applied-notices")


def test_a_blocked_notification_is_said(desk: Desk) -> None:
    """Where the browser shows none, the switch stays off and says why."""
    page = desk.page
    page.add_init_script(STUB.replace("= 'granted'", "= 'denied'"))
    desk.open([LIVE, APPLY])
    desk.run_all()
    page.locator(NOTIFY).click()
    expect(page.locator(".ztfnb-notices-said")).to_contain_text("told to show none")
    expect(page.locator(NOTIFY)).to_have_attribute("aria-pressed", "false")


def test_marks_in_the_browser(desk: Desk) -> None:
    """A filter that is applied after the browser was opened gets columns there, with marks."""
    page = desk.page
    desk.open([LIVE, "browser = live.browse()\nbrowser", APPLY])
    desk.run(0)
    desk.idle()
    desk.run(1)
    expect(page.locator(".ztfnb-row[data-candid]").first).to_be_visible()
    assert "✓ real" not in page.locator(".ztfnb-table").inner_text()
    desk.run(2)
    table = page.locator(".ztfnb-table")
    expect(table).to_contain_text("✓ real_an…")
    expect(table).to_contain_text("score")
    expect(table.locator(".ztfnb-row", has_text="✓").first).to_be_visible()
    page.locator(".ztfnb-browser").scroll_into_view_if_needed()
    desk.picture("applied-marks")
    card = page.locator(".ztfnb-applied .ztfnb-card:not([hidden])").first
    card.scroll_into_view_if_needed()
    card.click()
    candid = page.locator(".ztfnb-applied .ztfnb-card[aria-selected=true]").get_attribute(
        "data-candid"
    )
    expect(page.locator(".ztfnb-facts")).to_have_attribute("data-candid", candid or "")
