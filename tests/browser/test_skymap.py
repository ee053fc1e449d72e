"""What people do with the map of the sky and the distributions, in JupyterLab."""

from __future__ import annotations

import re

from browser.desk import Desk, once
from playwright.sync_api import Locator, expect

FEW = """
import numpy as np, ztfnb
from ztfnb.columns import Columns
from ztfnb.cuts import Cuts
from ztfnb.footprint import fields
from ztfnb.source import Packet
from ztfnb.store import Store
from ztfnb.widgets.distributions import Distributions
from ztfnb.widgets.skymap import SkyMap
store, grid, rng = Store(200_000_000), fields(), np.random.default_rng(5)
def add(count, places):
    first = len(store) + 1
    field = rng.choice(places, count)
    rb = rng.beta(3, 1, count).astype("f4")
    fid = rng.choice([1, 2, 2, 3], count).astype("i4")
    columns = {
        "candid": np.arange(first, first + count), "objectId": np.full(count, "ZTF26aaaaaab"),
        "ra": (grid.ra[field] + rng.uniform(-3, 3, count)) % 360,
        "dec": grid.dec[field] + rng.uniform(-3.5, 3.5, count),
        "jd": np.full(count, 2461055.75), "field": grid.number[field].astype("i4"), "fid": fid,
        "rb": rb, "drb": rb**3,
        "magpsf": (20.5 - rng.exponential(1.2, count) + fid / 4).astype("f4"),
    }
    packets = [Packet(b"", topic="t", partition=0, offset=place) for place in range(count)]
    store.append(packets, Columns(columns, {}, np.arange(count)))
add(400, np.arange(150, 480, 9))
taken = []
"""
MAP = """
sky = SkyMap(store)
sky.on_select = taken.append
sky
"""

# Where on the screen a point of a source is drawn.
POINT = """([name, place]) => {
  const view = [...window.Bokeh.index].filter(view => view.model.name === 'plot').pop();
  const { x, y } = view.model.document.get_model_by_name(name).data;
  const box = view.el.getBoundingClientRect();
  return { x: box.x + view.frame.x_scale.compute(x[place]),
           y: box.y + view.frame.y_scale.compute(y[place]), count: x.length };
}"""
# How many different colours the map of counts has.
COLOURS = """() => {
  const view = [...window.Bokeh.index].filter(view => view.model.name === 'plot').pop();
  return new Set(view.model.document.get_model_by_name('counts').data.image[0]).size;
}"""
SPAN = """() => {
  const view = [...window.Bokeh.index].filter(view => view.model.name === 'plot').pop();
  return view.model.x_range.end - view.model.x_range.start;
}"""


def sky(desk: Desk) -> Locator:
    return desk.page.locator(".ztfnb-sky")


def narrow(desk: Desk, part: str) -> None:
    """Give a part 440 pixels, as the pane of a narrow browser does."""
    desk.page.locator(part).evaluate("e => { e.style.width = '440px'; }")


def both_themes(desk: Desk, part: str, name: str) -> None:
    for theme in ("Light", "Dark"):
        desk.theme(theme)
        desk.page.locator(part).evaluate("e => e.scrollIntoView({block: 'end'})")
        desk.picture(f"{name}-{theme.lower()}")


def point_at(desk: Desk, x: float, y: float, words: re.Pattern[str]) -> None:
    """Move the pointer over the map until it says where that is: it may not be laid out yet."""
    cursor = desk.page.locator(".ztfnb-sky-cursor")

    def said() -> bool:
        desk.page.mouse.move(x + 1, y)
        desk.page.mouse.move(x, y)
        return bool(words.search(cursor.inner_text()))

    desk.until(said)


def zoom_and_come_back(desk: Desk) -> None:
    page = desk.page
    whole = page.evaluate(SPAN)
    page.get_by_role("button", name="Closer").click()
    desk.until(lambda: page.evaluate(SPAN) < whole)
    closer = page.evaluate(SPAN)
    # The place under the pointer stays there.
    at = page.evaluate(POINT, ["selected", 0])
    page.mouse.move(at["x"], at["y"])
    page.keyboard.down("Shift")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Shift")
    page.wait_for_function(f"span => ({SPAN})() < span", arg=closer)

    def stayed() -> bool:
        after = page.evaluate(POINT, ["selected", 0])
        return bool(abs(after["x"] - at["x"]) < 3 and abs(after["y"] - at["y"]) < 3)

    desk.until(stayed)
    desk.picture("sky-points-closer")
    page.get_by_role("button", name="Show the whole sky").click()
    desk.until(lambda: page.evaluate(SPAN) == whole)


def test_points(desk: Desk) -> None:
    """Alerts are points; a tap and arrow keys select; lines, outline and words say where."""
    desk.open([FEW, MAP, "print(taken[-1] == sky.selected)", "sky"])
    page = desk.page
    desk.run(0)
    desk.run(1)
    expect(page.locator(".ztfnb-sky-summary")).to_have_text(
        re.compile(r"^400 alerts in \d+ fields$")
    )
    desk.until(lambda: page.evaluate(POINT, ["points", 0])["count"] == 400)
    for line in ("graticule", "galactic", "ecliptic", "edge"):
        assert page.evaluate(POINT, [line, 0])["count"] > 100
    desk.idle()
    sky(desk).evaluate("e => e.scrollIntoView({block: 'end'})")

    desk.place(page.locator(".ztfnb-sky-plot"))
    at = page.evaluate(POINT, ["points", 7])
    where = re.compile(r"^\d+\.\d\d [+\u2212]\d+\.\d\d \(\d\dh \d\dm\)$")
    point_at(desk, at["x"] + 2, at["y"] + 1, where)
    page.mouse.click(at["x"] + 2, at["y"] + 1)
    expect(sky(desk)).to_have_attribute("data-candid", re.compile(r"\d+"))
    expect(page.locator(".ztfnb-sky-marked")).to_have_text(
        re.compile(r"^ZTF26aaaaaab at \d+\.\d{4} [+-]\d+\.\d{4} in field \d+$")
    )
    marked = page.evaluate(POINT, ["selected", 0])
    assert abs(marked["x"] - at["x"]) < 15
    assert abs(marked["y"] - at["y"]) < 15
    desk.until(lambda: page.evaluate(POINT, ["outline", 0])["count"] > 40)
    both_themes(desk, ".ztfnb-sky", "sky-points")

    # The tap has put the keys on the map.
    before = page.evaluate(POINT, ["selected", 0])
    chosen = sky(desk).get_attribute("data-candid") or ""
    page.keyboard.press("ArrowLeft")
    expect(sky(desk)).not_to_have_attribute("data-candid", chosen)
    desk.until(lambda: page.evaluate(POINT, ["selected", 0])["x"] < before["x"])
    desk.says(2, "True")
    desk.idle()

    zoom_and_come_back(desk)
    page.get_by_label("Right ascension in the middle of the map").select_option("12")
    expect(page.get_by_label("Right ascension in the middle of the map")).to_have_value("12")
    narrow(desk, ".ztfnb-sky")
    both_themes(desk, ".ztfnb-sky", "sky-points-12h-narrow")

    # A second view of the same map agrees with the first.
    desk.run(3)
    expect(page.locator(".ztfnb-sky-summary")).to_have_text([re.compile("^400 alerts")] * 2)
    expect(page.get_by_label("Right ascension in the middle of the map").last).to_have_value("12")
    chosen = sky(desk).first.get_attribute("data-candid") or ""
    expect(sky(desk).last).to_have_attribute("data-candid", chosen)
    desk.until(lambda: page.evaluate(POINT, ["points", 0])["count"] == 400)


def test_counts(desk: Desk) -> None:
    """Many alerts are counted, live, once the map is in view; a tap takes the newest of a cell."""
    desk.open(
        [
            FEW,
            (
                "add(80_000, np.arange(150, 480, 3))\n"
                + MAP.replace("\nsky\n", "\n")
                + "import ipywidgets\nbox = ipywidgets.VBox([sky])\n"
                "box.layout.display = 'none'\nsky.active = False\nbox"
            ),
            "add(30_000, np.arange(480, 520))",
            "sky.cuts = Cuts('rb > 0.9999')",
            "sky.cuts = Cuts('rb > 0.65'); sky.shows = 'counts'",
            # Its page asks for news, and is told nothing.
            once("sky.pump.running", "sky.beat(), sky._sky")
            + "box.layout.display = 'flex'\nsky.active = True",
        ]
    )
    page = desk.page
    desk.run(0)
    desk.run(1)
    page.wait_for_selector(".ztfnb-sky-plot .bk-Figure", state="attached")
    desk.says(5, "False {}")
    expect(sky(desk)).to_have_attribute("data-shows", "counts")
    summary = page.locator(".ztfnb-sky-summary")
    expect(summary).to_have_text(re.compile(r"^80,400 alerts in \d+ fields$"))
    page.wait_for_function(f"({COLOURS})() > 10")
    desk.run(2)
    expect(summary).to_have_text(re.compile(r"^110,400 alerts"))
    desk.idle()
    sky(desk).evaluate("e => e.scrollIntoView({block: 'end'})")
    box = desk.place(page.locator(".ztfnb-sky-plot"))
    at = (box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.42)
    point_at(desk, *at, re.compile(r"· [\d,]+ alerts?$"))
    page.mouse.click(*at)
    expect(sky(desk)).to_have_attribute("data-candid", re.compile(r"\d+"))
    both_themes(desk, ".ztfnb-sky", "sky-counts")
    chosen = sky(desk).get_attribute("data-candid") or ""
    page.keyboard.press("ArrowRight")
    expect(sky(desk)).not_to_have_attribute("data-candid", chosen)

    desk.run(3)
    expect(summary).to_contain_text("pass the cuts")
    expect(sky(desk)).to_have_attribute("data-shows", "points")
    expect(page.locator("[data-line=none]")).to_be_visible()
    both_themes(desk, ".ztfnb-sky", "sky-cut-points")
    desk.run(4)
    counts = sky(desk).get_by_role("button", name="counts", exact=True)
    expect(counts).to_have_attribute("aria-pressed", "true")
    expect(sky(desk)).to_have_attribute("data-shows", "counts")
    page.get_by_role("button", name="auto").click()
    expect(page.get_by_role("button", name="auto")).to_have_attribute("aria-pressed", "true")
    narrow(desk, ".ztfnb-sky")
    both_themes(desk, ".ztfnb-sky", "sky-counts-narrow")


def test_distributions(desk: Desk) -> None:
    """Scores and magnitudes are drawn with the cuts and their edges, the selected value marked."""
    desk.open(
        [
            FEW + "add(20_000, np.arange(150, 480, 3))",
            "plots = Distributions(store)\nplots",
            "plots.cuts = Cuts('rb > 0.65 and 17 < magpsf <= 19.5')\nplots.selected = 5",
            "add(1000, np.arange(150, 480, 3))",
            "plots.cuts = Cuts('rb > 0.999')\nprint(plots.settings)",
        ]
    )
    page = desk.page
    desk.run(0)
    desk.run(1)
    held, passing = (
        page.locator(f".ztfnb-dist-words[data-part={part}]") for part in ("held", "passing")
    )
    expect(held).to_have_text("20,400 held")
    expect(passing).to_be_hidden()
    panels = page.locator(".ztfnb-dist-panel")
    expect(panels).to_have_count(5)
    expect(panels.locator(".ztfnb-dist-title")).to_have_text(
        [
            "rb, real-bogus score", "drb, deep-learning score",
            "magpsf in g [mag]", "magpsf in r [mag]", "magpsf in i [mag]",
        ]
    )  # fmt: skip
    whole = panels.locator(".ztfnb-dist-passing").first.get_attribute("d")
    desk.run(2)
    expect(passing).to_have_text(re.compile(r"^[\d,]+ pass the cuts$"))
    expect(panels.locator(".ztfnb-dist-passing").first).not_to_have_attribute("d", whole or "")
    expect(panels.locator(".ztfnb-dist-held").first).to_have_attribute("d", whole or "")
    edges = panels.locator(".ztfnb-dist-edges")
    lines = "all => all.map(edges => edges.getAttribute('d')?.split('M').length - 1)"
    desk.until(lambda: edges.evaluate_all(lines) == [1, 0, 2, 2, 2])
    expect(panels.locator(".ztfnb-dist-value").first).to_have_text(re.compile(r"^\d\.\d\d$"))
    told = r"^rb, .*: 20,400 values, median about .*; [\d,]+ pass the cuts.*the selected alert has"
    expect(panels.locator("svg").first).to_have_attribute("aria-label", re.compile(told))
    both_themes(desk, ".ztfnb-dist", "distributions")
    desk.run(3)
    expect(held).to_have_text("21,400 held")
    desk.run(4)
    expect(passing).to_have_text(re.compile(r"^\d\d pass the cuts$"))
    page.get_by_role("button", name="log", exact=True).click()
    expect(page.get_by_role("button", name="log", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    narrow(desk, ".ztfnb-dist")
    both_themes(desk, ".ztfnb-dist", "distributions-log-narrow")
