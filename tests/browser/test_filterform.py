"""The form of a filter in JupyterLab: filled in with keys, shown as Python, put in a cell."""

from __future__ import annotations

import re

from browser.desk import Desk
from playwright.sync_api import expect

FORM = """
import ztfnb
form = ztfnb.widgets.FilterForm()
made = []
form.on_filter = made.append
form
"""


def test_a_filter_without_writing_python(desk: Desk) -> None:  # noqa: PLR0915 - one sitting
    """Rows become source at once; what is wrong is said at its row; the source goes to a cell."""
    desk.open([FORM, "print(made[-1], form.filter is made[-1])"])
    page = desk.page
    desk.run(0)
    source = page.locator(".ztfnb-sourcebox")
    expect(source).to_contain_text("def my_filter(alert, *, rb_min=0.65):")
    name = page.get_by_label("Name of the filter")
    name.fill("bright ones")
    expect(page.locator(".ztfnb-form-problem").first).to_have_text(re.compile("letters, digits"))
    expect(page.get_by_role("button", name="Put in a cell")).to_be_disabled()
    name.fill("bright_ones")
    expect(source).to_contain_text("def bright_ones(")

    page.get_by_role("button", name="+ condition").click()
    page.keyboard.type("magp")
    expect(page.locator(".ztfnb-cut-offers:not([hidden]) li").first).to_contain_text("magpsf")
    desk.picture("filterform-completion")
    page.keyboard.press("Enter")
    row = page.locator(".ztfnb-form-row").nth(2)
    expect(row.get_by_label("Field")).to_have_value("magpsf")
    expect(row).to_contain_text("Brightness of the difference")
    expect(row.locator(".ztfnb-form-problem")).to_have_text("fill in a number")
    page.keyboard.press("Tab")
    # By arrows: letters must come within a second of each other to count as one word.
    asked = row.get_by_label("What is asked")
    expect(asked).to_be_focused()
    page.keyboard.press("Home")
    for _ in range(asked.locator("option").count()):
        if "is less" not in asked.locator("option:checked").inner_text():
            page.keyboard.press("ArrowDown")
    expect(asked.locator("option:checked")).to_have_text("is less than")
    page.keyboard.press("Tab")
    page.keyboard.type("19")
    expect(source).to_contain_text("magpsf < magpsf_max")
    page.get_by_role("button", name="+ no known Solar System object").click()
    expect(source).to_contain_text("0 <= ssdistnr <= ssdistnr_min")
    row.get_by_role("button", name="not", exact=True).click()
    expect(source).to_contain_text("not magpsf < magpsf_min")
    row.get_by_role("button", name="not", exact=True).click()
    expect(source).to_contain_text("magpsf < magpsf_max")
    desk.picture("filterform-light")

    cells = page.locator(".jp-CodeCell")
    before = cells.count()
    page.get_by_role("button", name="Put in a cell").click()
    expect(page.get_by_text("in the cell below")).to_be_visible()
    expect(cells).to_have_count(before + 1)
    expect(cells.nth(1).locator(".cm-content")).to_contain_text("def bright_ones(alert, *")
    desk.run(1)
    desk.says(2, re.compile(r"<Filter bright_ones\(.*\)> True"))
    expect(desk.output(1)).not_to_contain_text("Warning")

    page.get_by_role("button", name="any", exact=True).click()
    expect(source).to_contain_text(" or ")
    row.get_by_role("button", name="Remove this condition").click()
    expect(source).not_to_contain_text("magpsf")
    page.set_viewport_size({"width": 620, "height": 1000})
    desk.command("application:toggle-left-area")
    desk.theme("Dark")
    desk.picture("filterform-dark")
