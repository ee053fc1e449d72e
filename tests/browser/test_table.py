"""What people do with the table of alerts, in JupyterLab."""

from __future__ import annotations

import re
from functools import partial

import pytest
from browser.desk import Desk, once
from playwright.sync_api import Locator, expect

MADE = """
import ztfnb
from ztfnb import widgets
from ztfnb.columns import decode_columns
from ztfnb.simulate import Survey
from ztfnb.source import Packet
from ztfnb.store import Store
store = Store(50_000_000)
packets = [night.packet for night in Survey(seed=3).night("2026-01-15", limit=600)]
def arrive(packets):
    store.append([Packet(value) for value in packets], decode_columns(packets))
arrive(packets[:500])
table = widgets.AlertTable(store)
table.layout.height = "520px"
typed = []
table.on_key = typed.append
table
"""
SELECTED = ".ztfnb-row[aria-selected='true']"
MARKED = ".ztfnb-marked"
# Whether a control ends where the table does, or before.
INSIDE = """control => control.getBoundingClientRect().right
  <= control.closest('.ztfnb-table').getBoundingClientRect().right + 1"""


def begin(desk: Desk, *cells: str, made: str = MADE) -> None:
    """Show the table and wait for its rows."""
    desk.open([made, *cells])
    desk.run(0)
    expect(row(desk, 0)).not_to_have_attribute("data-candid", "")
    desk.idle()
    desk.page.locator(".ztfnb-table").evaluate("e => e.scrollIntoView({block: 'start'})")


def row(desk: Desk, place: int) -> Locator:
    """The row in a place of the list, counted from 0."""
    return desk.page.locator(f".ztfnb-row:visible[aria-rowindex='{place + 2}']")


def candid(desk: Desk, place: int) -> str:
    return row(desk, place).get_attribute("data-candid") or ""


def header(desk: Desk, name: str) -> Locator:
    return desk.page.locator(f".ztfnb-head [data-column='{name}']")


def names(desk: Desk) -> list[str]:
    found: list[str] = desk.page.locator(".ztfnb-head [data-column]").evaluate_all(
        "headers => headers.map(header => header.dataset.column)"
    )
    return found


def column(desk: Desk, name: str) -> list[str]:
    """What stands in a column of the rows on the screen, from the top."""
    cells: list[str] = desk.page.locator(".ztfnb-row:visible").evaluate_all(
        """(rows, name) => {
          const headers = [...document.querySelectorAll('.ztfnb-head [role=columnheader]')];
          const place = headers.findIndex(header => header.dataset.column === name);
          return rows.sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)
                     .map(row => row.children[place].textContent);
        }""",
        name,
    )
    return cells


def falls(desk: Desk, name: str) -> bool:
    """Whether the rows on the screen are there, the largest of a column first."""
    shown = column(desk, name)
    return all(shown) and shown == sorted(shown, key=float, reverse=True)


def center(desk: Desk, part: Locator) -> tuple[float, float]:
    box = desk.place(part)
    return box["x"] + box["width"] / 2, box["y"] + min(box["height"] / 2, 12)


def drag(desk: Desk, source: Locator, x: float) -> None:
    """Drag something sideways."""
    begin_x, y = center(desk, source)
    desk.page.mouse.move(begin_x, y)
    desk.page.mouse.down()
    desk.page.mouse.move((begin_x + x) / 2, y, steps=4)
    desk.page.mouse.move(x, y, steps=4)
    desk.page.mouse.up()


def test_reading_and_marking(desk: Desk) -> None:
    """Alerts are read and marked by keys and by the pointer, and the rows stand still meanwhile."""
    heard = once("typed", "table.marked, table.selected, typed")
    begin(desk, "arrive(packets[500:510])", heard)
    page = desk.page
    grid = page.locator(".ztfnb-grid")
    still = [candid(desk, place) for place in range(10)]
    desk.until(lambda: all(re.fullmatch(r"\d+ (d|yr) ago", text) for text in column(desk, "age")))
    grid.focus()
    for key, place in (("j", 0), ("ArrowDown", 1), ("j", 2), ("k", 1), ("ArrowUp", 0)):
        page.keyboard.press(key)
        expect(page.locator(SELECTED)).to_have_attribute("aria-rowindex", str(place + 2))
    page.keyboard.press("End")
    expect(page.locator(SELECTED)).to_have_attribute("aria-rowindex", "501")
    page.keyboard.press("PageUp")
    page.keyboard.press("Home")
    expect(page.locator(SELECTED)).to_have_attribute("data-candid", still[0])

    # Marks: by key, by click on the box, from one to another.
    page.keyboard.press("Space")
    expect(row(desk, 0)).to_have_class(re.compile("ztfnb-marked"))
    row(desk, 3).locator(".ztfnb-tick").click()
    expect(page.locator(SELECTED)).to_have_attribute("data-candid", still[0])
    row(desk, 5).locator("[aria-colindex='4']").click(modifiers=["Shift"])
    expect(page.locator(MARKED)).to_have_count(4)
    page.keyboard.press("Space")
    expect(page.locator(MARKED)).to_have_count(3)
    expect(page.locator(".ztfnb-marks")).to_have_text("3 marked")
    page.keyboard.press("g")

    # Nothing moves under a reader; what is new is counted.
    desk.run(1)
    expect(page.locator(".ztfnb-follow")).to_have_text("Follow: 10 new")
    assert [candid(desk, place) for place in range(10)] == still
    desk.picture("table-marks")
    desk.says(2, f"({still[3]}, {still[4]}, {still[5]}) {still[0]} ['g']")
    page.locator(".ztfnb-follow").click()
    expect(row(desk, 10)).to_have_attribute("data-candid", still[0])
    page.get_by_role("button", name="Take all marks away").click()
    expect(page.locator(MARKED)).to_have_count(0)
    # Who clicks an alert reads it: the rows stand still, whichever was selected before.
    row(desk, 10).click()
    expect(page.locator(".ztfnb-follow")).to_have_text("Follow")

    # Help, and the way back.
    page.keyboard.press("?")
    help_box = page.get_by_role("dialog", name="Keys")
    expect(help_box).to_be_visible()
    desk.picture("table-keys")
    page.keyboard.press("Escape")
    expect(help_box).to_be_hidden()
    expect(grid).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator(".ztfnb-search")).to_be_focused()


def test_columns_are_chosen(desk: Desk) -> None:
    """Columns are found in a list by name and meaning, shown, explained, and reset."""
    begin(desk)
    page = desk.page
    page.locator(".ztfnb-columns").click()
    menu = page.get_by_role("dialog", name="Columns")
    expect(menu.locator("label")).not_to_have_count(0)
    desk.picture("table-columns")
    page.keyboard.type("full width")
    expect(menu.locator("label").first).to_contain_text("fwhm")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(header(desk, "fwhm")).to_be_attached()
    desk.until(lambda: any(re.fullmatch(r"\d+\.\d\d", text) for text in column(desk, "fwhm")))
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(page.locator(".ztfnb-columns")).to_be_focused()
    assert "Missing:" in (header(desk, "fwhm").get_attribute("title") or "")
    header(desk, "jd").locator("button").focus()
    page.keyboard.press("Delete")
    expect(header(desk, "jd")).to_have_count(0)
    page.locator(".ztfnb-columns").click()
    page.get_by_role("button", name="Reset to default").click()
    expect(header(desk, "jd")).to_be_attached()
    expect(header(desk, "fwhm")).to_have_count(0)
    desk.until(lambda: names(desk)[:3] == ["jd", "age", "objectId"])


def test_columns_are_moved_and_resized(desk: Desk) -> None:
    """Columns are moved, resized and sorted, by pointer and by key; code sees it."""
    begin(desk, "print(table.settings['columns'][:3], table.settings['widths'])")
    page = desk.page

    # Dragged to another place, and by key to a further one.
    drag(desk, header(desk, "objectId").locator("button"), center(desk, header(desk, "jd"))[0] - 40)
    page.wait_for_function(
        "() => document.querySelector('.ztfnb-head [data-column]').dataset.column === 'objectId'"
    )
    assert header(desk, "objectId").get_attribute("aria-sort") == "none"
    button = header(desk, "objectId").locator("button")
    button.focus()
    page.keyboard.press("Alt+ArrowRight")
    expect(page.locator(".ztfnb-head [data-column]").nth(1)).to_have_attribute(
        "data-column", "objectId"
    )
    expect(header(desk, "objectId").locator("button")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(header(desk, "jd").locator("button")).to_be_focused()

    # Wider by dragging, by key; fitting by a double click.
    edge = header(desk, "objectId").locator(".ztfnb-edge")
    before = desk.place(header(desk, "objectId"))
    drag(desk, edge, before["x"] + before["width"] + 100)
    wide = desk.place(header(desk, "objectId"))
    assert wide["width"] == pytest.approx(before["width"] + 100, abs=4)
    edge.dblclick()
    page.wait_for_function(
        "width => document.querySelector('[data-column=objectId]').offsetWidth < width",
        arg=wide["width"] - 50,
    )
    texts = row(desk, 0).locator("[role=gridcell]").nth(2)
    desk.until(lambda: texts.evaluate("cell => cell.scrollWidth <= cell.clientWidth"))
    header(desk, "jd").locator("button").focus()
    page.keyboard.press("Delete")
    expect(header(desk, "objectId").locator("button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(header(desk, "objectId")).to_have_attribute("aria-sort", "descending")

    def sorted_by_name() -> bool:
        shown = column(desk, "objectId")
        return all(shown) and shown == sorted(shown, reverse=True)

    desk.until(sorted_by_name)
    desk.says(1, "['objectId', 'age', 'fid'] {'objectId': ")


def test_sort_and_cut(desk: Desk) -> None:
    """A header sorts; cuts are typed, brushed and removed; an error stands at its own box."""
    begin(desk, "print(len(store.snapshot().select(table.cuts.selection)))")
    page = desk.page
    header(desk, "magpsf").locator("button").click()
    expect(header(desk, "magpsf")).to_have_attribute("aria-sort", "descending")
    desk.until(lambda: falls(desk, "magpsf"))
    header(desk, "magpsf").locator("button").click()
    expect(header(desk, "magpsf")).to_have_attribute("aria-sort", "ascending")
    header(desk, "magpsf").locator("button").click()
    expect(header(desk, "magpsf")).to_have_attribute("aria-sort", "none")

    cut, search = page.locator(".ztfnb-cut"), page.locator(".ztfnb-search")
    cut.fill("magpsf < 18 and rb > 0.5")
    cut.press("Enter")
    expect(page.locator(".ztfnb-cut-chip")).to_have_count(2)
    expect(page.locator(".ztfnb-count")).to_contain_text(" of 500 alerts")
    expect(page.locator(".ztfnb-spoken")).to_contain_text(" of 500 alerts")
    desk.until(lambda: all(text and float(text) < 18 for text in column(desk, "magpsf")))
    search.fill("a b")
    expect(search).to_have_attribute("aria-invalid", "true")
    assert cut.get_attribute("aria-invalid") != "true"
    expect(page.locator(".ztfnb-error")).to_contain_text("objectId")
    desk.picture("table-search-refused")
    search.fill("")
    expect(page.locator(".ztfnb-error")).to_be_hidden()

    bars = header(desk, "ndethist").locator(".ztfnb-bars")
    expect(bars).to_have_attribute("aria-label", re.compile("^.* from "))
    box = desk.place(bars)
    page.mouse.move(box["x"] + 2, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 10, steps=5)
    page.mouse.up()
    expect(page.locator(".ztfnb-cut-chip")).to_have_count(3)
    desk.picture("table-cuts")
    desk.says(1, re.compile(r"\d"))
    expect(page.locator(".ztfnb-count")).to_have_text(
        f"{desk.output(1).inner_text().strip()} of 500 alerts"
    )
    page.locator(".ztfnb-cut-remove").first.click()
    expect(page.locator(".ztfnb-cut-chip")).to_have_count(2)
    page.locator(".ztfnb-cut-clear").click()
    expect(page.locator(".ztfnb-count")).to_have_text("500 alerts")


def test_a_second_view_agrees(desk: Desk) -> None:
    """A table that is shown again, scrolled elsewhere, has the same columns, order and marks."""
    begin(desk, "table.columns = ['objectId', 'magpsf']\ntable.sort = 'magpsf'\ntable")
    page = desk.page
    row(desk, 2).locator(".ztfnb-tick").click()
    expect(page.locator(MARKED)).to_have_count(1)
    desk.run(1)
    expect(page.locator(".ztfnb-table")).to_have_count(2)
    first, second = page.locator(".ztfnb-table").first, page.locator(".ztfnb-table").last
    second.evaluate("e => e.scrollIntoView({block: 'start'})")
    for view in (first, second):
        expect(view.locator("[data-column]")).to_have_count(2)
        expect(view.locator("[aria-sort='ascending']")).to_have_count(1)
        expect(view.locator(".ztfnb-marks")).to_have_text("1 marked")
    second.locator(".ztfnb-grid").evaluate("e => { e.scrollTop = 24 * 200; }")
    expect(second.locator(".ztfnb-row:visible[aria-rowindex='205']")).not_to_have_attribute(
        "data-candid", ""
    )
    top = ".ztfnb-row:visible[aria-rowindex='2']"
    expect(first.locator(top)).not_to_have_attribute("data-candid", "")
    second.locator(".ztfnb-row:visible[aria-rowindex='205']").click()
    chosen = second.locator(SELECTED).get_attribute("data-candid")
    expect(second.locator(SELECTED)).to_have_attribute("data-candid", chosen or "nothing")
    expect(first.locator(".ztfnb-follow")).to_have_text("Follow")


GROUPED = MADE.replace(
    "arrive(packets[:500])",
    """
from ztfnb.codec import decode, encode
def again(value, n):
    alert = decode(value).as_dict()
    alert["candid"] = alert["candidate"]["candid"] = alert["candid"] + 10**6 * n
    return encode(alert)
arrive(packets[:40])
arrive([again(value, n) for value in packets[:2] for n in (1, 2)])
""",
)


def test_group_by_object(desk: Desk) -> None:
    """Objects share a row with their count, which unfolds by key and by click, and counts on."""
    begin(desk, "arrive([again(packets[0], 3)])", made=GROUPED)
    page = desk.page
    page.locator(".ztfnb-group").click()
    expect(page.locator(".ztfnb-count")).to_have_text(re.compile("objects among 44 alerts"))
    sizes = page.locator(".ztfnb-row:visible .ztfnb-size")
    expect(sizes.nth(0)).to_have_text("▸ \N{MULTIPLICATION SIGN}3")
    expect(page.locator("[role=treegrid]")).to_be_attached()
    desk.run(1)
    expect(sizes.nth(0)).to_have_text("▸ \N{MULTIPLICATION SIGN}4")
    first = candid(desk, 0)
    page.locator(".ztfnb-grid").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(row(desk, 0)).to_have_attribute("aria-expanded", "true")
    expect(row(desk, 3)).to_have_attribute("aria-level", "2")

    def share_rows() -> bool:
        same = column(desk, "objectId")
        return same[0] == same[3] != same[4]

    desk.until(share_rows)
    desk.picture("table-unfolded")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(SELECTED)).to_have_attribute("data-candid", first)
    page.keyboard.press("ArrowLeft")
    expect(row(desk, 0)).to_have_attribute("aria-expanded", "false")
    row(desk, 1).locator(".ztfnb-size").click()
    expect(row(desk, 2)).to_have_attribute("aria-level", "2")
    page.locator(".ztfnb-size button").click()
    expect(page.locator(".ztfnb-head .ztfnb-size")).to_have_attribute("aria-sort", "descending")


def test_look(desk: Desk) -> None:
    """The table is calm in light and dark, in a wide and in a narrow place."""
    begin(desk)
    page = desk.page
    page.locator(".ztfnb-cut").fill("magpsf < 19.5")
    page.locator(".ztfnb-cut").press("Enter")
    expect(page.locator(".ztfnb-cut-chip")).to_have_count(1)
    row(desk, 3).click()
    page.keyboard.press("Space")
    expect(page.locator(MARKED)).to_have_count(1)
    for theme in ("Light", "Dark"):
        desk.theme(theme)
        for width in (1600, 1000, 700):
            page.set_viewport_size({"width": width, "height": 1000})
            page.locator(".ztfnb-table").evaluate("e => e.scrollIntoView({block: 'start'})")
            desk.picture(f"table-{theme.lower()}-{width}")
            follow = page.locator(".ztfnb-follow")
            desk.until(partial(follow.evaluate, INSIDE))


MANY = """
import numpy as np, ztfnb
from ztfnb.columns import Columns, decode_columns
from ztfnb.simulate import Survey
from ztfnb.source import Packet
from ztfnb.store import Store
columns = decode_columns([a.packet for a in Survey(seed=3).night("2026-01-15", limit=500)])
store = Store(1_000_000_000)
nothing = [Packet(b"", "many", 0, n) for n in range(len(columns.rows))]
def arrive(parts):
    for part in parts:
        candid = np.arange(part * 500, (part + 1) * 500) + 10 ** 18
        store.append(nothing, Columns({**columns.arrays, "candid": candid}, columns.masks,
                                      columns.rows))
arrive(range(800))
table = ztfnb.widgets.AlertTable(store)
table.layout.height = "520px"
table
"""


def test_very_many_rows(desk: Desk) -> None:
    """A list taller than a browser can scroll is reached from end to end, row by row."""
    begin(desk, "arrive(range(800, 802))", made=MANY)
    page = desk.page
    grid = page.locator(".ztfnb-grid")
    newest, oldest = 10**18 + 399_999, 10**18
    expect(row(desk, 0)).to_have_attribute("data-candid", str(newest))
    grid.focus()
    page.keyboard.press("End")
    expect(page.locator(SELECTED)).to_have_attribute("data-candid", str(oldest))
    page.keyboard.press("Home")
    expect(page.locator(SELECTED)).to_have_attribute("data-candid", str(newest))
    x, y = center(desk, row(desk, 3))
    page.mouse.move(x, y)
    page.mouse.wheel(0, 24 * 10)
    expect(row(desk, 12)).to_have_attribute("data-candid", str(newest - 12))
    grid.evaluate("e => { e.scrollTop = e.scrollHeight / 2; }")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.ztfnb-row:not([hidden])')]"
        ".every(row => row.dataset.candid && row.ariaRowIndex > 100000)"
    )
    header(desk, "magpsf").locator("button").click()
    expect(header(desk, "magpsf")).to_have_attribute("aria-sort", "descending")
    page.wait_for_function("() => document.querySelector('[aria-rowindex=\"2\"]')")
    expect(page.locator(".ztfnb-working")).to_be_hidden()
    expect(page.locator(".ztfnb-spoken")).to_have_text("Sorted by magpsf, largest first")
    desk.until(lambda: falls(desk, "magpsf"))
    desk.run(1)
    expect(page.locator(".ztfnb-follow")).to_have_text("Follow: 1,000 new")
