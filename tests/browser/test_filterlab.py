"""The filter lab in the page: what a slider does, why an alert was rejected, how it all looks."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from browser.desk import Desk
from packets import ALERTS, needs_real_packets
from playwright.sync_api import Locator, expect

expect.set_options(timeout=20_000)

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
    if len(alert["prv_candidates"]) > 30:
        raise ValueError("<img src=x onerror=alert(1)> too long a history")
    return candidate["jd"] - candidate["jdstarthist"] <= max_age
'''
NIGHT = str(ALERTS / "night-20181128")
MADE = f"{FILTER}\nlab = ztfnb.lab(young_and_real, {NIGHT!r})\nlab"
TELL = """
r = lab.wait()
print("TOLD" + json.dumps({
    "params": dict(r.params), "counts": r.counts,
    "funnel": [[row.condition.text, row.entered, row.stopped] for row in r.funnel_rows],
    "near": [one.candid for one in r.near_misses(500)],
    "selected": None if lab.selected is None else lab.selected["candidate"]["candid"],
}))
"""


def number(locator: Locator) -> int:
    return int(locator.inner_text().replace(",", ""))


def told(desk: Desk, cell: int) -> dict[str, Any]:
    """Run a cell that tells what code sees, and return it."""
    output = desk.page.locator(".jp-CodeCell").nth(cell).locator(".jp-OutputArea")
    desk.page.evaluate(
        "place => { const cell = window.jupyterapp.shell.currentWidget.content.widgets[place];"
        " cell.model.sharedModel.setOutputs([]); }",
        cell,
    )
    desk.run(cell)
    expect(output).to_contain_text("TOLD")
    found: dict[str, Any] = json.loads(output.inner_text().split("TOLD")[1])
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
    artefacts = desk.picture("filterlab-page").parent
    page.set_viewport_size({"width": 2000, "height": 2400})
    for width in (1500, 1040, 700, 440):
        lab.evaluate("(e, w) => { e.style.width = `${w}px`; }", width)
        page.wait_for_timeout(500)
        for theme in ("Light", "Dark"):
            desk.theme(theme)
            page.wait_for_timeout(300)
            lab.screenshot(path=artefacts / f"filterlab-{theme}-{width}.png")
        assert lab.evaluate("e => e.scrollWidth <= e.clientWidth + 1")
