"""Names of fields in a cell of JupyterLab, with what they mean."""

from __future__ import annotations

from browser.desk import Desk
from playwright.sync_api import expect

FIRST = """
import ztfnb

@ztfnb.filter
def any_alert(alert):
    return True
"""


def test_names_complete_while_typing(desk: Desk) -> None:
    """Tab behind ``c["`` lists the fields of the record that c is, type and meaning beside them."""
    desk.open([FIRST, ""])
    page = desk.page
    desk.run(0)
    desk.idle()
    editor = page.locator(".jp-CodeCell").nth(1).locator(".cm-content")
    editor.click()
    page.keyboard.type("@ztfnb.filter\ndef young(alert):\n")
    page.keyboard.type('c = alert["candidate"]\nif c["jd')
    page.keyboard.press("Tab")
    box = page.locator(".jp-Completer")
    expect(box.locator(".jp-Completer-item")).to_have_count(5)
    expect(box).to_contain_text("jdstarthist")
    expect(box).to_contain_text("double [d]: julian date of the first of the ndethist")
    desk.picture("completing-cell")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(editor).to_contain_text('if c["jdendhist')
