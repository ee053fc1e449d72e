"""What people do with a light curve, in JupyterLab."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from browser.desk import Desk, once
from playwright.sync_api import Locator, expect

from ztfnb.curveplot import FAINT, PHASES

PERIOD = 0.5123
STAR = f"""
import numpy as np, ztfnb
from ztfnb.simulate import Survey
from ztfnb.simulate.lightcurves import difference_flux
from ztfnb.simulate.sources import Kind, made
PERIOD = {PERIOD}
night = (one.alert for one in Survey(seed=3).night("2026-01-15"))
plain = next(one for one in night
             if one["fp_hists"] and any(e["candid"] for e in one["prv_candidates"] or ()))
random = np.random.default_rng(4)
count, last = 90, plain["candidate"]["jd"]
jd = np.sort(last - random.choice(27, count) - 1 - random.uniform(0, 0.3, count))
fid = random.choice([1, 2, 3], count, p=[0.45, 0.45, 0.1])
star = made(Kind.RR_LYRAE, np.zeros(1, np.uint64), np.zeros(1), np.zeros(1), **{{
    name: np.array([value]) for name, value in dict(mag=17.0, g_minus_r=0.2, r_minus_i=0.1,
    period=PERIOD, epoch=last, amplitude=0.8, shape=0.2).items()}})
error = 8.0
flux = difference_flux(star, np.zeros(count, int), jd, fid) + error * random.standard_normal(count)
entry = next(e for e in plain["prv_candidates"] if e["candid"])
fp = plain["fp_hists"][0]
plain["objectId"] = "ZTF26rrlyrae"
found = np.abs(flux) > 5 * error
common = [dict(jd=float(t), fid=int(f), pid=n + 1, programid=1, field=500)
          for n, (t, f) in enumerate(zip(jd, fid))]
plain["prv_candidates"] = [
    entry | common[n] | dict(candid=1000 + n, magpsf=float(23.9 - 2.5 * np.log10(abs(flux[n]))),
        sigmapsf=float(1.0857 * error / abs(flux[n])), isdiffpos="t" if flux[n] > 0 else "f",
        diffmaglim=20.4, rb=0.8, distnr=0.3, magnr=17.0 + 0.2 * (fid[n] == 1), sigmagnr=0.02)
    if found[n] else
    entry | common[n] | dict(candid=None, magpsf=None, sigmapsf=None, isdiffpos=None, rb=None,
        diffmaglim=20.4, distnr=None, magnr=None, sigmagnr=None)
    for n in range(count)]
plain["fp_hists"] = [
    fp | common[n] | dict(magzpsci=26.0, forcediffimflux=float(flux[n] * 10 ** 0.84),
                          forcediffimfluxunc=float(error * 10 ** 0.84))
    for n in range(count)]
alert = ztfnb.decode(ztfnb.encode(plain))
epochs = []
curve = ztfnb.widgets.LightCurve(alert)
curve.on_epoch = lambda candid, jd: epochs.append((candid, jd))
"""

# Points of the figure: where they are on the screen, and their data.
POINTS = """() => {
  const view = [...window.Bokeh.index].find(view => view.model.name === 'plot');
  const { data } = view.model.document.get_model_by_name('points');
  const ring = view.model.document.get_model_by_name('ring').data;
  const box = view.el.getBoundingClientRect();
  return { x: [...data.x], y: [...data.y], alpha: [...data.alpha], marker: data.marker,
           told: data.told, ring: [...ring.x],
           left: [...data.x].map(x => box.x + view.frame.x_scale.compute(x)),
           top: [...data.y].map(y => box.y + view.frame.y_scale.compute(y)),
           range: [view.model.x_range.start, view.model.x_range.end] };
}"""


def points(desk: Desk) -> dict[str, Any]:
    found: dict[str, Any] = desk.page.evaluate(POINTS)
    return found


def plot(desk: Desk) -> Locator:
    return desk.page.locator(".ztfnb-plot").last


def button(desk: Desk, name: str) -> Locator:
    return desk.page.locator(".ztfnb-curve").last.get_by_role("button", name=name, exact=True)


def axis(desk: Desk, pattern: str) -> None:
    expect(plot(desk)).to_have_attribute("aria-label", re.compile(pattern))


def hover(desk: Desk, place: int) -> tuple[float, float]:
    """Move the pointer to a point until its tooltip shows: the figure may not be painted yet."""
    tip = desk.page.locator(".bk-Tooltip").last
    where = (0.0, 0.0)

    def shows() -> bool:
        nonlocal where
        at = points(desk)
        where = at["left"][place], at["top"][place]
        desk.page.mouse.move(where[0] + 1, where[1])
        desk.page.mouse.move(*where)
        return tip.is_visible()

    desk.until(shows)
    return where


def bring_into_view(desk: Desk) -> None:
    """Have the whole light curve on the screen, once JupyterLab has scrolled to what ran last."""
    desk.idle()
    desk.page.locator(".ztfnb-curve").evaluate("e => e.scrollIntoView({block: 'center'})")


def show(desk: Desk, *cells: str) -> None:
    """Show the star's light curve in the second cell."""
    desk.open([STAR, "curve", *cells])
    desk.run(0)
    desk.run(1)
    expect(desk.page.locator(".ztfnb-curve")).to_have_attribute("data-candid", re.compile(r"\d+"))
    bring_into_view(desk)


def test_modes_time_and_epochs(desk: Desk) -> None:
    """The axis says what is plotted; hover tells every number; a tap chooses the epoch."""
    show(
        desk,
        once(
            "curve.settings['hidden'] == [3]",
            "curve.settings['quantity'], curve.time, curve.settings['hidden']",
        ),
        once("epochs", "epochs[-1][0] in curve.curve.candid, len(epochs)"),
    )
    page = desk.page
    for label, words in (
        ("flux", "difference flux .* days since first detection"),
        ("apparent mag", "apparent magnitude"),
        ("difference mag", "difference magnitude"),
    ):
        button(desk, label).click()
        axis(desk, words)
        desk.picture(f"curve-{label.replace(' ', '-')}")
    button(desk, "days ago").click()
    axis(desk, "days before now")
    left, right = points(desk)["range"]
    assert left > right
    button(desk, "MJD").click()
    axis(desk, "MJD")

    # Limits, and one band, can be left out.
    everything = points(desk)
    assert "inverted_triangle" in everything["marker"]
    button(desk, "limits").click()
    expect(button(desk, "limits")).to_have_attribute("aria-pressed", "false")
    desk.until(lambda: "inverted_triangle" not in points(desk)["marker"])
    fewer = points(desk)
    button(desk, "Band i").click()
    expect(button(desk, "Band i")).to_have_attribute("aria-pressed", "false")
    desk.until(lambda: 0 < len(points(desk)["x"]) < len(fewer["x"]))
    kept = points(desk)
    assert not any(told.startswith("i ") for told in kept["told"])
    assert len(kept["ring"]) == 1
    desk.says(2, "difference mjd [3]")

    bring_into_view(desk)
    place = points(desk)["marker"].index("square")
    at = hover(desk, place)
    tip = page.locator(".bk-Tooltip").last
    for number in ("flux", "SNR", "limit", "MJD", "UTC", "candid", "field 500", "rb 0.80"):
        expect(tip).to_contain_text(number)
    desk.picture("curve-hover")
    page.mouse.click(*at)
    desk.says(3, "True 1")

    # Dragging moves the picture, and its toolbar brings it back.
    bring_into_view(desk)
    still = points(desk)
    page.mouse.move(still["left"][place] + 30, still["top"][place] + 25)
    page.mouse.down()
    page.mouse.move(still["left"][place] + 230, still["top"][place] + 25, steps=4)
    page.mouse.up()
    desk.until(lambda: points(desk)["range"][0] < still["range"][0])
    page.locator(".bk-tool-icon-reset").last.click()
    desk.until(lambda: points(desk)["range"] == still["range"])


def test_forced_flux(desk: Desk) -> None:
    """Forced fluxes stand alone; below the cut, which a keyboard can move, they are faint."""
    show(desk, once("curve.settings['snr'] == 6.5", "curve.settings['snr']"))
    button(desk, "forced flux").click()
    axis(desk, "forced difference flux")
    slider = desk.page.get_by_role("slider", name="Least signal-to-noise ratio")
    before = points(desk)
    assert len(before["x"]) == 90
    assert {1.0} < set(before["alpha"])
    slider.focus()
    for _ in range(7):
        desk.page.keyboard.press("ArrowRight")
    expect(desk.page.locator(".ztfnb-cut-snr .ztfnb-value")).to_have_text("6.5")
    desk.says(2, "6.5")
    desk.until(lambda: points(desk)["alpha"].count(1.0) < before["alpha"].count(1.0))
    after = points(desk)
    assert set(after["alpha"]) == {1.0, FAINT}
    assert after["x"] == before["x"]
    desk.picture("curve-forced")


def test_folding(desk: Desk) -> None:
    """A period is found, typed, halved, doubled and tuned; the points follow in the page."""
    show(
        desk,
        "print(abs(curve.periods['ZTF26rrlyrae'] - PERIOD) < 0.003)",
        once("curve.periods['ZTF26rrlyrae'] == 0.6", "'typed'"),
        once("curve.periods['ZTF26rrlyrae'] != 0.6", "'tuned'"),
        once("curve.periods['ZTF26rrlyrae'] == 0.6", "'back'") + "import json\n"
        "kept = json.loads(json.dumps(curve.settings))\n"
        "curve.settings = {'periods': {}, 'fold': False}\n"
        "curve.settings = kept\nprint(curve.periods)",
        "phase = curve.curve.phase(0.6)[curve.curve.kind == 'forced']\n"
        "print(f'{phase.min():.6f} {phase.max():.6f}')",
    )
    page = desk.page
    button(desk, "forced flux").click()
    button(desk, "fold").click()
    expect(page.locator(".ztfnb-fold")).to_contain_text("No period yet")
    axis(desk, "days since")
    button(desk, "find").click()
    axis(desk, r"phase \(period = 0\.51\d* d\)")
    expect(page.locator(".ztfnb-peaks button[aria-pressed='true']")).to_have_count(1)
    expect(page.locator(".ztfnb-peaks button")).to_have_count(5)
    desk.picture("curve-folded")
    desk.says(2, "True")

    desk.until(lambda: points(desk)["range"] == list(PHASES))
    found = points(desk)
    assert len(found["x"]) == 180
    assert all(0 <= x < 2 for x in found["x"])
    typed = page.get_by_role("textbox", name="Period in days")
    for name, start in (("\N{MULTIPLICATION SIGN}2", r"1\.02"), ("÷2", r"0\.51")):
        button(desk, name).click()
        axis(desk, f"period = {start}")
    typed.fill("a week")
    typed.press("Enter")
    expect(page.locator(".ztfnb-fold-status")).to_contain_text("number of days")
    expect(typed).to_have_attribute("aria-invalid", "true")
    typed.fill("1e9")
    typed.press("Enter")
    expect(page.locator(".ztfnb-fold-status")).to_contain_text("0.001 to 100,000 days")
    typed.fill("0.6")
    typed.press("Enter")
    axis(desk, r"period = 0\.6 d")
    desk.says(3, "typed")
    at_06 = points(desk)
    slider = page.get_by_role("slider", name="Fine tuning of the period")
    slider.focus()
    page.keyboard.press("ArrowRight")
    axis(desk, r"period = 0\.600\d+ d")
    tuned = points(desk)
    assert tuned["x"] != at_06["x"]
    assert tuned["y"] == at_06["y"]
    desk.says(4, "tuned")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    axis(desk, r"period = 0\.6 d")
    desk.says(5, "{'ZTF26rrlyrae': 0.6}")
    first = [x for x in at_06["x"] if x < 1]
    desk.says(6, f"{min(first):.6f} {max(first):.6f}")


def test_table_and_downloads(desk: Desk, tmp_path: Path) -> None:
    """The epochs stand in a table that keys walk through; they can be had as files."""
    show(
        desk,
        once("len(epochs) == 2", "epochs[-1][1] == curve.curve.jd[1], len(epochs)"),
    )
    page = desk.page
    button(desk, "table").click()
    rows = page.locator(".ztfnb-points tbody tr")
    expect(rows.first).to_be_visible()
    expect(rows).to_have_count(181)
    expect(page.locator(".ztfnb-points tr[aria-current]")).to_have_count(1)
    desk.picture("curve-table")
    rows.first.click()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    desk.says(2, "True 2")
    button(desk, "more").click()
    for name in ("CSV", "ECSV"):
        with page.expect_download() as waiting:
            button(desk, name).click()
        file = tmp_path / name
        waiting.value.save_as(file)
        assert waiting.value.suggested_filename == f"ZTF26rrlyrae.{name.lower()}"
        text = file.read_text()
        assert ("unit: uJy" in text) == (name == "ECSV")
        assert len([line for line in text.splitlines() if not line.startswith("#")]) == 182
    desk.picture("curve-more")
    page.keyboard.press("Escape")
    expect(button(desk, "CSV")).to_be_hidden()


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_narrow(desk: Desk, theme: str) -> None:
    """In 440 pixels nothing is cut off, and choosing a mode moves nothing."""
    desk.open([STAR, "curve"])
    page = desk.page
    desk.theme(theme)
    desk.run(0)
    desk.run(1)
    box = page.locator(".ztfnb-curve")
    expect(box).to_have_attribute("data-candid", re.compile(r"\d+"))
    box.evaluate("e => { e.style.width = '440px'; e.scrollIntoView({block: 'center'}); }")
    button(desk, "flux").click()
    axis(desk, "difference flux")
    desk.idle()
    frame = page.locator(".ztfnb-curve-frame")
    where = desk.place(frame)
    for label in ("forced flux", "difference mag", "MJD"):
        button(desk, label).click()
        expect(button(desk, label)).to_have_attribute("aria-pressed", "true")
        assert desk.place(frame) == where
        desk.picture(f"curve-440-{theme.lower()}-{label.replace(' ', '-')}")
    hover(desk, -5)
    expect(page.locator(".bk-Tooltip").last).to_contain_text("candid")
    desk.picture(f"curve-440-{theme.lower()}-hover")
    page.mouse.move(0, 0)
    button(desk, "table").click()
    expect(page.locator(".ztfnb-points tbody tr").first).to_be_visible()
    assert desk.place(frame) == where
    desk.picture(f"curve-440-{theme.lower()}-table")
    button(desk, "plot").click()
    button(desk, "fold").click()
    button(desk, "find").click()
    axis(desk, "phase")
    button(desk, "more").click()
    button(desk, "classic").click()
    expect(button(desk, "Band g").locator("path")).to_have_attribute("stroke", "#2E9E2E")
    desk.picture(f"curve-440-{theme.lower()}-folded")
    for row in page.locator(".ztfnb-curve-bar, .ztfnb-fold-row").all():
        assert row.evaluate("e => e.clientHeight") <= 30
    desk.until(lambda: box.evaluate("e => e.scrollWidth <= e.clientWidth"))
