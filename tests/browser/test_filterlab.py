"""The filter lab in the page: what a slider does, why an alert was rejected, how it all looks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any

import pytest
from browser.desk import Desk, once
from packets import ALERTS, needs_real_packets
from playwright.sync_api import expect

FILTER = '''
import ztfnb, json
@ztfnb.filter
def young_and_real(
    alert, *, rb_min: (0, 1) = 0.65, max_age=30.0, strict=True, sign: ["t", "f"] = "t"
):
    """Young and probably real."""
    candidate = alert["candidate"]
    if candidate["rb"] is None or candidate["rb"] < rb_min:
        return False
    if strict and candidate["isdiffpos"] != sign:
        return False
    if candidate["ssdistnr"] is not None and 0 <= candidate["ssdistnr"] < 5:
        return False
    if candidate["sgscore1"] > 0.5 and candidate["distpsnr1"] < 1.5:
        return False
    if len(alert["prv_candidates"]) > 12:
        raise ValueError("<img src=x onerror=alert(1)> too long a history")
    return candidate["jd"] - candidate["jdstarthist"] <= max_age
'''
VERDICTS = ("passed", "rejected", "failed")
NIGHT = str(ALERTS / "night-20181128")
MADE = f"{FILTER}\nlab = ztfnb.lab(young_and_real, {NIGHT!r})\nlab"
TELL = """
r = lab.wait(300)
turn = globals().get("turn", 0) + 1
print(f"TOLD{turn}:" + json.dumps({
    "params": dict(r.params), "counts": r.counts,
    "funnel": [[row.condition.text, row.entered, row.stopped] for row in r.funnel_rows],
    "near": [one.candid for one in r.near_misses(500)],
    "selected": None if lab.selected is None else lab.selected["candidate"]["candid"],
}))
"""


def told(
    desk: Desk, cell: int, turns: Iterator[int], **wanted: Callable[[Any], bool]
) -> dict[str, Any]:
    """Run the cell that tells what code sees, until that is what is wanted, and return it.

    What was done in the page may reach the kernel after the cell.
    """
    found: dict[str, Any] = {}

    def fits() -> bool:
        turn = next(turns)
        desk.says(cell, f"TOLD{turn}:")
        found.update(json.loads(desk.output(cell).inner_text().split(f"TOLD{turn}:")[1]))
        return all(test(found[name]) for name, test in wanted.items())

    desk.until(fits)
    return found


def ready(desk: Desk) -> None:
    expect(desk.page.locator(".ztfnb-labhead")).to_have_attribute("aria-busy", "false")
    desk.page.wait_for_function(
        "() => { const cards = [...document.querySelectorAll('.ztfnb-card:not([hidden])')];"
        " return cards.every(card => card.dataset.painted === card.dataset.candid); }"
    )


@needs_real_packets
def test_lab_looks(desk: Desk) -> None:
    """Wide and narrow, light and dark."""
    desk.open([MADE])
    page = desk.page
    desk.run(0)
    expect(page.locator(".ztfnb-funnel-row").first).to_be_visible()
    ready(desk)
    lab = page.locator(".ztfnb-lab")
    desk.picture("filterlab-page")
    page.set_viewport_size({"width": 2000, "height": 2400})
    for width in (1500, 1040, 700, 440):
        lab.evaluate("(e, w) => { e.style.width = `${w}px`; }", width)
        for theme in ("Light", "Dark"):
            desk.theme(theme)
            desk.picture(f"filterlab-{theme}-{width}", lab)
        desk.until(partial(lab.evaluate, "e => e.scrollWidth <= e.clientWidth + 1"))


def slide(desk: Desk, name: str, value: float) -> None:
    """Move a slider with the keyboard's arrows, as its step allows, and let go of it."""
    slider = desk.page.locator(f".ztfnb-slider[data-name='{name}'] input[type='range']")
    slider.evaluate(
        "(e, value) => { e.value = value; e.dispatchEvent(new Event('input', {bubbles: true}));"
        " e.dispatchEvent(new Event('change', {bubbles: true})); }",
        value,
    )


@needs_real_packets
def test_a_slider_and_what_it_changes(desk: Desk) -> None:
    """Counts, funnel and galleries become what the report says; typed, reset and copied, too."""
    desk.open([MADE, TELL])
    page = desk.page
    desk.run(0)
    expect(page.locator(".ztfnb-funnel-row").first).to_be_visible()
    ready(desk)
    turns = count(1)

    def check(params: dict[str, Any]) -> dict[str, Any]:
        found = told(desk, 1, turns, params=lambda now: now | params == now)
        head = page.locator(".ztfnb-labhead-counts")
        for kind, n in zip(VERDICTS, found["counts"], strict=True):
            expect(head.locator(f"[data-kind='{kind}'] .ztfnb-value")).to_have_text(f"{n:,}")
        rows = page.locator(".ztfnb-funnel-row:visible")
        for place, (text, entered, stopped) in enumerate(found["funnel"]):
            row = rows.nth(place)
            expect(row.locator(".ztfnb-funnel-text")).to_have_text(text)
            expect(row.locator(".ztfnb-funnel-number").nth(0)).to_have_text(f"{entered:,}")
            expect(row.locator(".ztfnb-funnel-number").nth(1)).to_have_text(f"{stopped:,}")
        return found

    first = check({"rb_min": 0.65})
    slide(desk, "rb_min", 0.3)
    expect(page.locator(".ztfnb-sliders-code")).to_have_text(
        "young_and_real.with_params(rb_min=0.3)"
    )
    second = check({"rb_min": 0.3})
    assert second["counts"] != first["counts"]
    gained = page.locator(".ztfnb-labhead [data-kind='gained']")
    more = second["counts"][0] - first["counts"][0]
    assert more > 0
    expect(gained).to_have_text(f"+{more}")
    gained.click()
    expect(page.get_by_role("tab", name=re.compile("^gained"))).to_have_attribute(
        "aria-selected", "true"
    )
    ready(desk)

    # Beyond a range that nobody gave, and within one that the author gave.
    age = page.get_by_label("max_age, typed")
    age.fill("4000")
    age.press("Enter")
    check({"max_age": 4000.0})
    ready(desk)
    slider = page.locator("[data-name='max_age'] input[type='range']")
    desk.until(lambda: float(slider.get_attribute("max") or 0) > 4000)
    bounded = page.get_by_label("rb_min, typed")
    bounded.fill("1.5")
    bounded.press("Enter")
    expect(page.locator(".ztfnb-sliders-trouble")).to_contain_text("from 0 to 1")
    page.get_by_role("button", name="Reset rb_min to its default").click()
    check({"rb_min": 0.65})
    page.get_by_role("checkbox", name="strict").uncheck()
    check({"strict": False})
    page.get_by_label("sign", exact=True).select_option(label="f")
    check({"strict": False, "sign": "f"})
    desk.picture("filterlab-slid")


@needs_real_packets
def test_bars_cards_and_explanations(desk: Desk) -> None:
    """A bar shows what it stopped, a card why; near misses come nearest first; text stays text."""
    desk.open([f"{MADE[:-4]}\nlab.set(rb_min=0.3, max_age=4000.0)\nlab", TELL])
    page = desk.page
    desk.run(0)
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    turns = count(1)
    found = told(desk, 1, turns)
    ready(desk)
    sign = 'candidate["isdiffpos"] != sign'
    row = page.locator(".ztfnb-funnel-row", has_text=sign)
    row.click()
    (stopped,) = (stopped for text, _, stopped in found["funnel"] if sign in text)
    expect(row.locator(".ztfnb-funnel-number").nth(1)).to_have_text(str(stopped))
    expect(page.locator(".ztfnb-gallery-place")).to_have_text(f"1 to 24 of {stopped}")
    ready(desk)
    expect(page.locator(".ztfnb-card:visible .ztfnb-gallery-text").first).to_contain_text(
        "isdiffpos != sign is true"
    )
    page.locator(".ztfnb-card:visible").nth(2).click()
    candid = page.locator(".ztfnb-card:visible").nth(2).get_attribute("data-candid")
    explained = page.locator(".ztfnb-explained")
    expect(explained).to_have_attribute("data-candid", str(candid))
    expect(page.locator(".ztfnb-stamps")).to_have_attribute("data-candid", str(candid))
    expect(explained.locator("tr[data-decisive]")).to_contain_text("isdiffpos")
    expect(explained.locator("tbody tr").nth(1)).to_contain_text("against 0.3, by")
    told(desk, 1, turns, selected=lambda one: str(one) == candid)
    desk.picture("filterlab-explained")

    # By keyboard: the next card, and the next row of the funnel.
    page.locator(".ztfnb-card:visible").nth(2).focus()
    page.keyboard.press("ArrowRight")
    after = page.locator(".ztfnb-card:visible").nth(3).get_attribute("data-candid")
    expect(explained).to_have_attribute("data-candid", str(after))
    row.focus()
    page.keyboard.press("Home")
    expect(page.locator(".ztfnb-funnel-row").first).to_have_attribute("aria-selected", "true")

    page.get_by_role("tab", name=re.compile("^near misses")).click()
    # The cards of before are painted, too.
    every = re.compile(f" of {len(found['near'])}$")
    expect(page.locator(".ztfnb-gallery-place")).to_have_text(every)
    ready(desk)
    cards = page.locator(".ztfnb-card:visible")
    shown = [int(cards.nth(n).get_attribute("data-candid") or 0) for n in range(cards.count())]
    assert shown == found["near"][: len(shown)]
    assert shown

    # What is raised may say anything.
    page.get_by_role("tab", name=re.compile("^failed")).click()
    ready(desk)
    expect(cards.first).to_contain_text("<img src=x")
    cards.first.click()
    expect(page.locator(".ztfnb-explained-verdict")).to_have_text("failed")
    expect(page.locator(".ztfnb-explained-reason")).to_contain_text("<img src=x onerror=alert(1)>")
    assert page.locator(".ztfnb-lab img").count() == 0
    desk.picture("filterlab-failed")


LABELLED = """
night = list(ztfnb.read({!r}))
labels = {{a.candid: "good" if a.candidate.rb > 0.4 else "bad" for a in night[::3]}}
lab = ztfnb.lab(young_and_real.with_params(rb_min=0.3, max_age=4000.0), night, labels=labels)
lab
"""


@needs_real_packets
def test_tabs(desk: Desk) -> None:  # noqa: PLR0915 - one page, looked at tab by tab
    """Yield, pins, versions, scores and source, in light and dark."""
    desk.open(
        [
            f"{FILTER}\n{LABELLED.format(NIGHT)}",
            TELL,
            FILTER.replace("rb_min: (0, 1) = 0.65", "rb_min: (0, 1) = 0.5")
            .replace("max_age=30.0", "nearest=1.5")
            .replace("max_age", "3000")
            .replace("< 1.5", "< nearest")
            + "\nlab.filter = young_and_real",
        ]
    )
    page = desk.page
    desk.run(0)
    turns = count(1)
    found = told(desk, 1, turns)
    ready(desk)
    page.set_viewport_size({"width": 1600, "height": 1700})

    def shoot(name: str) -> None:
        for theme in ("Light", "Dark"):
            desk.theme(theme)
            desk.picture(f"filterlab-{name}-{theme}", page.locator(".ztfnb-lab"))

    page.get_by_role("tab", name="Yield").click()
    expect(page.locator(".ztfnb-labtable:visible tbody tr").first).to_contain_text("expected")
    shoot("yield")

    page.get_by_role("tab", name=re.compile("^passed")).click()
    ready(desk)
    for place, name in ((0, "must pass"), (1, "must be rejected")):
        card = page.locator(".ztfnb-card:visible").nth(place)
        card.click()
        expect(page.locator(".ztfnb-explained")).to_have_attribute(
            "data-candid", card.get_attribute("data-candid") or ""
        )
        page.get_by_role("button", name=name, exact=True).click()
        expect(page.get_by_role("button", name=name, exact=True)).to_have_attribute(
            "aria-pressed", "true"
        )
    page.get_by_role("tab", name="Pins").click()
    rows = page.locator(".ztfnb-labtable:visible tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("red")
    expect(rows.nth(1)).to_contain_text("green")
    shoot("pins")
    rows.nth(0).get_by_role("button").click()
    expect(rows).to_have_count(1)

    page.get_by_role("tab", name="Scores").click()
    expect(page.get_by_role("table", name="Confusion")).to_be_visible()
    page.get_by_label("Threshold of the curve").select_option("rb_min")
    page.get_by_role("button", name="Draw the curve").click()
    expect(page.locator(".ztfnb-score-line-2")).to_have_count(1)
    shoot("scores")
    page.get_by_role("button", name=re.compile("should pass, and did not")).click()
    expect(page.get_by_role("tab", name=re.compile("^should pass, and did not"))).to_have_attribute(
        "aria-selected", "true"
    )

    # Another filter of the name: thresholds that were set stay, versions are compared.
    desk.run(2)
    expect(page.locator(".ztfnb-slider[data-name='nearest']")).to_have_count(1)
    again = told(desk, 1, turns)
    assert again["params"] == {"rb_min": 0.3, "nearest": 1.5, "strict": True, "sign": "t"}
    assert sum(again["counts"]) == sum(found["counts"])
    page.get_by_role("tab", name="Versions").click()
    # Other tests write into the same folder.
    expect(rows.nth(1)).to_be_visible()
    rows.nth(1).click()
    expect(page.locator(".ztfnb-labtable:visible pre")).to_contain_text("nearest")
    expect(page.locator(".ztfnb-labtable-after:visible")).to_contain_text("lost")
    shoot("versions")
    page.get_by_role("tab", name="Source").click()
    expect(page.locator(".ztfnb-source-remark").first).to_be_visible()
    shoot("source")


# A head of which the kernel tells something new before it hears that the box was ticked.
LATE = """
import pathlib, time
from dataclasses import replace
from ztfnb.widgets.labsummary import Summary, Told
summary = Summary()
def tell(**changes): summary.told = replace(summary.told, **changes)
summary.told = Told("bright", live=True, busy=False)
summary.on_auto = lambda on: tell(auto=on)
plain = summary.receive
def late(message):
    if message["kind"] == "auto":
        tell(passed=7)
        while not pathlib.Path("heard-auto").exists(): time.sleep(0.05)
    plain(message)
summary.receive = late
summary
"""


def test_a_late_answer_unticks_nothing(desk: Desk) -> None:
    """The box stays ticked while the kernel has not heard of it, and tells of other things."""
    desk.open([LATE, once("summary.told.auto", "summary.told.auto")])
    desk.run(0)
    box = desk.page.get_by_label("by itself")
    box.check()
    passed = desk.page.locator(".ztfnb-labhead [data-kind=passed] .ztfnb-value")
    expect(passed).to_have_text("7")
    assert box.is_checked()
    (desk.lab.folder / "heard-auto").touch()
    desk.says(1, "True")
    expect(box).to_be_checked()


LIVE = """
import ztfnb, json
live = ztfnb.connect("demo")
@ztfnb.filter
def bright(alert, *, mag_max=19.0):
    return alert["candidate"]["magpsf"] < mag_max
lab = live.lab(bright)
lab
"""


def test_a_live_stream(desk: Desk) -> None:
    """What arrives is counted, and evaluated when that is asked for, or by itself."""
    desk.open(
        [
            LIVE,
            "print('TOLD1:' + json.dumps({'n': len(lab.wait(300))}))",
            "live.stop()",
        ]
    )
    page = desk.page
    desk.run(0)
    expect(page.locator(".ztfnb-labhead-fresh")).to_contain_text(re.compile(r"[1-9]\d* new alerts"))
    page.get_by_role("button", name="Evaluate again").click()
    page.wait_for_function(
        "() => Number(document.querySelector('.ztfnb-labhead-of').textContent.match(/[\\d,]+/)[0]"
        ".replace(',', '')) > 0"
    )
    ready(desk)
    before = told(desk, 1, count(1))["n"]
    page.get_by_label("by itself").check()
    page.wait_for_function(
        "before => Number(document.querySelector('.ztfnb-labhead-of').textContent"
        ".match(/[\\d,]+/)[0].replace(',', '')) > before",
        arg=before,
    )
    desk.picture("filterlab-live")
    desk.run(2)
