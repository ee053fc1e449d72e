"""What people do with cuts: typing with completion, chips, errors, and brushing of histograms."""

from __future__ import annotations

import re

import pytest
from browser.desk import Desk
from playwright.sync_api import Locator, expect

HOST = """
from ztfnb.columns import decode_columns
from ztfnb.simulate import Survey
from ztfnb.source import Packet
from ztfnb.store import Store
from ztfnb.widgets.table import AlertTable

packets = [each.packet for each in Survey(seed=3).night("2026-01-15", limit=400)]
store = Store(50_000_000)
store.append([Packet(value) for value in packets], decode_columns(packets))
table = AlertTable(store)
table.columns = ("objectId", "magpsf", "rb", "ndethist", "fid", "distnr", "jd")
"""

ANY = re.compile("")
NO_FILTER = """
from ztfnb.store import Store
from ztfnb.widgets.table import AlertTable

table = AlertTable(Store(2_000_000))
table.cuts = "nosuch > 1"
table
"""


@pytest.fixture
def page(desk: Desk) -> Desk:
    """A table of 400 simulated alerts."""
    desk.open([HOST, "table"])
    desk.run_all()
    expect(count(desk)).to_have_text("400 alerts")
    expect(bars(desk, "jd")).to_have_attribute("aria-label", re.compile("^.* from "))
    return desk


def box(desk: Desk) -> Locator:
    return desk.page.locator("input.ztfnb-cut")


def offers(desk: Desk) -> Locator:
    return desk.page.locator(".ztfnb-cut-offers:visible [role=option]")


def chips(desk: Desk) -> Locator:
    return desk.page.locator(".ztfnb-cut-chip")


def expect_chips(desk: Desk, *texts: str) -> None:
    expect(desk.page.locator(".ztfnb-cut-text")).to_have_text(list(texts))


def count(desk: Desk) -> Locator:
    return desk.page.locator(".ztfnb-count")


def listed(desk: Desk) -> int:
    return int(count(desk).inner_text().split()[0])


def bars(desk: Desk, field: str) -> Locator:
    return desk.page.locator(f".ztfnb-bars[data-field={field}]")


def brush(desk: Desk, field: str, start: float, stop: float) -> None:
    """Drag from one place of a histogram to another, in parts of its width."""
    frame = desk.place(bars(desk, field))
    middle = frame["y"] + frame["height"] / 2
    desk.page.mouse.move(frame["x"] + frame["width"] * start, middle)
    desk.page.mouse.down()
    desk.page.mouse.move(frame["x"] + frame["width"] * (start + stop) / 2, middle)
    desk.page.mouse.move(frame["x"] + frame["width"] * stop, middle)
    desk.page.mouse.up()


def test_names_are_completed_while_a_cut_is_typed(page: Desk) -> None:
    """Fields that begin so come first, with unit and meaning; keys and pointer take them."""
    box(page).click()
    box(page).press_sequentially("mag")
    expect(offers(page).first).to_contain_text("magpsf")
    expect(offers(page).first).to_contain_text("mag")
    expect(offers(page).first).to_have_attribute("aria-selected", "true")
    names = page.page.locator(".ztfnb-cut-name").all_inner_texts()
    begins = [name.startswith("mag") for name in names]
    assert begins == sorted(begins, reverse=True)
    assert "sigmapsf" not in names
    assert "sigmagap" in names
    expect(box(page)).to_have_attribute("aria-expanded", "true")
    page.picture("cuts-completion")
    box(page).press("ArrowDown")
    second = offers(page).nth(1)
    expect(second).to_have_attribute("aria-selected", "true")
    expect(box(page)).to_have_attribute(
        "aria-activedescendant", second.get_attribute("id") or "none"
    )
    box(page).press("Escape")
    expect(offers(page)).to_have_count(0)
    expect(box(page)).to_have_value("mag")
    box(page).press_sequentially("p")
    box(page).press("Tab")
    expect(box(page)).to_have_value("magpsf ")
    expect(box(page)).to_be_focused()
    box(page).press_sequentially("< 20 a")
    expect(offers(page)).to_have_text("andboth conditions hold")
    box(page).press("Enter")
    expect(box(page)).to_have_value("magpsf < 20 and ")
    box(page).press_sequentially("isdiffpos == t")
    # What stands in quotes cannot be guessed, and a text field is compared with text.
    assert "magpsf" not in page.page.locator(".ztfnb-cut-name:visible").all_inner_texts()
    for _ in range(14):
        box(page).press("Backspace")
    box(page).press_sequentially("isn")
    offers(page).first.click()
    expect(box(page)).to_have_value("magpsf < 20 and isnull(")
    box(page).press_sequentially("drb")
    expect(offers(page).first).to_contain_text("drb")
    box(page).press_sequentially(")")
    box(page).press("Enter")
    expect_chips(page, "magpsf < 20", "isnull(drb)")
    expect(box(page)).to_have_value("")
    expect(page.page.locator(".ztfnb-grid")).to_be_focused()


def test_only_what_makes_sense_is_offered(page: Desk) -> None:
    """All fields on demand, a list behind ``in``, and nothing within quotes."""
    box(page).press("Control+Space")
    expect(offers(page)).to_have_count(40)
    expect(offers(page).first).to_have_attribute("aria-selected", "false")
    box(page).press("Escape")
    box(page).press_sequentially("isdiffpos not i")
    expect(page.page.locator(".ztfnb-cut-name:visible")).to_have_text(["in"])
    box(page).press("Tab")
    expect(box(page)).to_have_value("isdiffpos not in ")
    box(page).press_sequentially("('t', 'm")
    expect(offers(page)).to_have_count(0)
    box(page).press_sequentially("')")
    box(page).press("Enter")
    expect_chips(page, "isdiffpos not in ('t', 'm')")


def test_a_mistake_is_shown_where_it_is_and_changes_nothing(page: Desk) -> None:
    """Only the box that it was typed in is marked; what was meant is a click away."""
    search = page.page.locator("input.ztfnb-search")
    error = page.page.locator(".ztfnb-error")
    box(page).fill("rb > 0.4")
    box(page).press("Enter")
    expect_chips(page, "rb > 0.4")
    expect(count(page)).not_to_have_text("400 alerts")
    before = listed(page)
    box(page).fill("fid == 1 and magps < 19.5")
    box(page).press("Enter")
    expect(error.locator("mark")).to_have_text("magps")
    expect(error).to_contain_text("no field 'magps'; did you mean magpsf")
    expect(box(page)).to_have_attribute("aria-invalid", "true")
    expect(box(page)).to_be_focused()
    expect(search).not_to_have_attribute("aria-invalid", ANY)
    expect_chips(page, "rb > 0.4")
    assert listed(page) == before
    page.picture("cuts-error")
    page.theme("Dark")
    page.picture("cuts-error-dark")
    page.theme("Light")
    error.get_by_role("button", name="magpsf", exact=True).click()
    expect_chips(page, "rb > 0.4", "fid == 1", "magpsf < 19.5")
    expect(error).to_be_hidden()
    expect(box(page)).not_to_have_attribute("aria-invalid", ANY)
    search.fill("no name")
    expect(search).to_have_attribute("aria-invalid", "true")
    expect(error).to_contain_text("expected the beginning of an objectId")
    expect(box(page)).not_to_have_attribute("aria-invalid", ANY)
    search.fill("ZTF")
    expect(error).to_be_hidden()
    box(page).fill("publisher == '<img src=x onerror=alert(1)>' and")
    box(page).press("Enter")
    expect(error).to_contain_text("it ends too early")
    expect(error.locator("img")).to_have_count(0)
    box(page).press("Escape")
    expect(error).to_be_hidden()
    expect(box(page)).to_have_value("")


def test_what_was_typed_for_a_search_is_not_lost(page: Desk) -> None:
    """Who goes on before the search has begun finds the words still there, and searched for."""
    search = page.page.locator("input.ztfnb-search")
    page.hold_timer("seek")
    search.fill("ZTF26nosuch")
    box(page).fill("rb > 0.4")
    box(page).press("Enter")
    expect_chips(page, "rb > 0.4")
    expect(search).to_have_value("ZTF26nosuch")
    page.let_go()
    expect(count(page)).to_have_text("0 of 400 alerts")
    expect(search).to_have_value("ZTF26nosuch")


def test_chips_are_changed_and_removed(page: Desk) -> None:
    """By pointer and by keys; when many they wrap, and can be removed at once."""
    box(page).fill("rb > 0.3 and magpsf < 20 and isdiffpos == 't'")
    box(page).press("Enter")
    expect_chips(page, "rb > 0.3", "magpsf < 20", "isdiffpos == 't'")
    share = chips(page).first.locator(".ztfnb-cut-share")
    expect(share).to_contain_text("%")
    expect(share).to_have_attribute("title", re.compile(r"^\d+ of 400 alerts fulfil it$"))
    chips(page).nth(1).locator(".ztfnb-cut-text").click()
    expect(box(page)).to_have_value("magpsf < 20")
    box(page).fill("magpsf < 19.5")
    box(page).press("Enter")
    expect_chips(page, "rb > 0.3", "magpsf < 19.5", "isdiffpos == 't'")
    page.page.get_by_label("Remove the cut rb > 0.3").click()
    expect_chips(page, "magpsf < 19.5", "isdiffpos == 't'")
    page.page.get_by_label("Remove the cut magpsf < 19.5").focus()
    page.page.keyboard.press("Delete")
    expect_chips(page, "isdiffpos == 't'")
    expect(page.page.get_by_label("Remove the cut isdiffpos == 't'")).to_be_focused()
    long = "abs(magpsf - magnr) < 1.5 or distnr > 1.5 or sgscore1 < 0.5 or isnull(sgscore1)"
    box(page).fill(f"({long}) and ndethist > 1 and not (rb < 0.2) and nbad == 0 and fwhm < 8")
    box(page).press("Enter")
    expect(chips(page)).to_have_count(6)
    label = page.page.get_by_label(f"Change the cut {long}")
    assert label.evaluate("node => node.scrollWidth > node.clientWidth")
    expect(label).to_have_attribute("title", f"{long}\nClick to change it")
    page.picture("cuts-chips")
    page.theme("Dark")
    page.picture("cuts-chips-dark")
    page.page.evaluate("() => { document.querySelector('.ztfnb-table').style.width = '420px'; }")
    box(page).click()
    box(page).press_sequentially("dist")
    expect(offers(page).first).to_contain_text("distnr")
    page.picture("cuts-narrow-dark")
    page.theme("Light")
    page.picture("cuts-narrow")
    box(page).press("Escape")
    page.page.get_by_role("button", name="Clear all").click()
    expect(chips(page)).to_have_count(0)
    expect(count(page)).to_have_text("400 alerts")


def test_cuts_become_a_filter(page: Desk) -> None:  # noqa: PLR0915 - one sitting
    """Their source is shown by a name of one's own, follows the cuts, and goes to a cell."""
    button = page.page.get_by_role("button", name="As a filter")
    panel = page.page.get_by_role("group", name="The cuts as a filter")
    name = page.page.get_by_label("Name of the filter")
    source = page.page.locator(".ztfnb-sourcebox")
    put = page.page.get_by_role("button", name="Put in a cell")
    expect(button).to_be_hidden()
    box(page).fill("rb > 0.4 and magpsf < 19")
    box(page).press("Enter")
    expect(button).to_be_enabled()
    expect(button).to_have_attribute("title", re.compile("source of a filter function"))
    expect(panel).to_be_hidden()
    button.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(name).to_be_focused()
    expect(source).to_contain_text("def my_filter(alert, *, rb_min=0.4, magpsf_max=19.0):")
    page.page.keyboard.type("bright ones")
    expect(name).to_have_value("bright ones")
    expect(panel).to_contain_text("letters, digits and _ only")
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(put).to_be_disabled()
    expect(source).to_have_attribute("data-ready", "false")
    page.picture("cuts-filter-name")
    name.fill("bright_ones")
    expect(source).to_contain_text("def bright_ones(alert")
    expect(name).to_have_attribute("aria-invalid", "false")
    box(page).fill("publisher != '<img src=x onerror=alert(1)>'")
    box(page).press("Enter")
    expect(source).to_contain_text("<img src=x onerror=alert(1)>")
    expect(panel.locator("img")).to_have_count(0)
    page.picture("cuts-filter")
    page.theme("Dark")
    page.picture("cuts-filter-dark")
    page.page.evaluate("() => { document.querySelector('.ztfnb-table').style.width = '420px'; }")
    page.picture("cuts-filter-narrow-dark")
    page.theme("Light")
    page.page.get_by_label("Remove the cut publisher").click()
    expect(source).not_to_contain_text("img")

    cells = page.page.locator(".jp-CodeCell")
    before = cells.count()
    put.click()
    expect(panel.get_by_text("in the cell below")).to_be_visible()
    expect(cells).to_have_count(before + 1)
    expect(cells.nth(before).locator(".cm-content")).to_contain_text("def bright_ones(alert, *")
    panel.get_by_role("button", name="Copy").click()
    expect(panel.get_by_text("copied", exact=True)).to_be_visible()
    page.page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(button).to_be_focused()
    button.click()
    expect(source).to_contain_text("def bright_ones(alert")
    page.page.get_by_role("button", name="Clear all").click()
    expect(panel).to_be_hidden()
    expect(button).to_be_hidden()


def test_cuts_that_make_no_filter_say_why(desk: Desk) -> None:
    """Before the first alert a cut may name any field; as a filter it cannot."""
    desk.open([NO_FILTER])
    desk.run_all()
    desk.page.get_by_role("button", name="As a filter").click()
    panel = desk.page.get_by_role("group", name="The cuts as a filter")
    expect(panel).to_contain_text("until one is changed or removed: no field 'nosuch'")
    expect(panel.get_by_role("button", name="Copy")).to_be_disabled()
    expect(panel.locator(".ztfnb-sourcebox")).to_be_hidden()
    desk.page.get_by_role("button", name="Close").click()
    expect(panel).to_be_hidden()
    expect(desk.page.get_by_role("button", name="As a filter")).to_be_focused()


def test_brushing_a_histogram_makes_a_cut(page: Desk) -> None:
    """Its chip has round numbers, the table keeps what was brushed, and it can be undone."""
    brush(page, "magpsf", 0.25, 0.6)
    expect(chips(page)).to_have_count(1)
    text = chips(page).locator(".ztfnb-cut-text")
    expect(text).to_contain_text("<= magpsf <")
    ends = text.inner_text().split(" <= magpsf < ")
    assert all(len(end) <= 5 for end in ends)
    expect(count(page)).not_to_have_text("400 alerts")
    kept = listed(page)
    assert 0 < kept < 400
    expect(bars(page, "magpsf")).to_have_attribute(
        "aria-label", re.compile(f" from .*, cut to {ends[0]} to {ends[1]}\\.")
    )
    frame = page.place(bars(page, "rb"))
    page.page.mouse.move(frame["x"] + frame["width"] * 0.7, frame["y"] + 8)
    tip = page.page.locator(".ztfnb-bars-tip")
    expect(tip).to_contain_text("kept")
    page.picture("cuts-brush")
    page.theme("Dark")
    page.picture("cuts-brush-dark")
    page.theme("Light")
    brush(page, "magpsf", 0.5, 1.1)
    expect(text).to_contain_text("magpsf >= ")
    expect(chips(page)).to_have_count(1)
    brush(page, "fid", 0.1, 0.2)
    expect(chips(page)).to_have_count(2)
    expect(text.last).to_have_text("fid == 1")
    bars(page, "magpsf").dblclick()
    expect_chips(page, "fid == 1")
    bars(page, "fid").focus()
    page.page.keyboard.press("Escape")
    expect(count(page)).to_have_text("400 alerts")
    expect(chips(page)).to_have_count(0)
    page.page.keyboard.press("ArrowLeft")
    expect(text).to_have_text("fid <= 2")
    page.page.keyboard.press("Escape")
    expect(chips(page)).to_have_count(0)
    page.page.keyboard.press("ArrowUp")
    expect(page.page.get_by_role("button", name="band", exact=True)).to_be_focused()
    page.page.keyboard.press("ArrowLeft")
    page.page.keyboard.press("Tab")
    expect(bars(page, "ndethist")).to_be_focused()
    page.page.keyboard.press("j")
    expect(page.page.locator(".ztfnb-grid")).to_be_focused()
    expect(page.page.locator(".ztfnb-row[aria-selected=true]")).to_have_count(1)


def test_a_brush_given_up_makes_no_cut(page: Desk) -> None:
    """Escape while dragging leaves things as they were; a click takes one bar."""
    frame = page.place(bars(page, "rb"))
    bars(page, "rb").focus()
    page.page.mouse.move(frame["x"] + 10, frame["y"] + 8)
    page.page.mouse.down()
    page.page.mouse.move(frame["x"] + 60, frame["y"] + 8)
    expect(page.page.locator(".ztfnb-bars-brush:visible")).to_have_count(1)
    page.page.keyboard.press("Escape")
    page.page.mouse.up()
    expect(page.page.locator(".ztfnb-bars-brush:visible")).to_have_count(0)
    expect(chips(page)).to_have_count(0)
    bars(page, "fid").click(position={"x": 4, "y": 10})
    expect_chips(page, "fid == 1")
    box(page).fill("rb > 0.4")
    box(page).press("Enter")
    expect(page.page.locator(".ztfnb-bars-brush:visible")).to_have_count(2)
