"""Labelling in JupyterLab: keys, clicks, notes, and a disk that refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from browser.desk import Desk, once
from playwright.sync_api import expect

SCAN = """
import pathlib
from ztfnb.labels import Labels
from ztfnb.widgets.scan import Scan
folder = pathlib.Path('NAME'); folder.mkdir()
scan = Scan(Labels(folder / 'labels.jsonl'))
names = {2461055750123456789 + n: f'ZTF26aaaaaa{n}' for n in range(4)}
scan.set_of(names)
def go(candid):
    scan.look_at(candid, names[candid])
def on(candid):
    if (following := scan.next_of_set) is not None: go(following)
scan.on_labelled, scan.on_select = on, go
keys = []; scan.on_key = keys.append
go(next(iter(names)))
scan
"""
FIRST = "2461055750123456789"


def open_scan(desk: Desk, *more: str) -> None:
    desk.open([SCAN.replace("NAME", desk.name), *more])
    desk.run(0)
    expect(desk.page.locator(".ztfnb-scan")).to_have_attribute("data-candid", FIRST)


def told(desk: Desk) -> dict[str, dict[str, Any]]:
    """What the file says, by candid."""
    file = Path(desk.lab.folder) / desk.name / "labels.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return {line["candid"]: line for line in lines}


def execute(desk: Desk, code: str) -> None:
    """Run code in the kernel without leaving what has the focus."""
    desk.page.evaluate(
        """code => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
             .requestExecute({ code }).done.then(() => null)""",
        code,
    )


def test_scanning(desk: Desk) -> None:
    """Keys and clicks label, notes stay with their alert, and all of it is in the file."""
    open_scan(desk)
    page = desk.page
    scan = page.locator(".ztfnb-scan")
    expect(page.locator(".ztfnb-scan-saved")).to_have_text("labels go to labels.jsonl")
    scan.focus()
    page.keyboard.press("g")
    expect(scan).to_have_attribute("data-label", "good")
    expect(page.get_by_role("button", name="good")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".ztfnb-scan-saved")).to_have_text("saved in labels.jsonl")
    assert told(desk)[FIRST]["label"] == "good"
    expect(page.locator(".ztfnb-scan-progress")).to_have_text("1 of 4 labelled")
    words_and_notes(desk)
    going_on(desk)
    desk.theme("Dark")
    desk.picture("scan-dark")


def words_and_notes(desk: Desk) -> None:
    """A word of one's own gets a key; a note is saved while it is typed."""
    page = desk.page
    scan = page.locator(".ztfnb-scan")
    page.get_by_label("Another label").fill("dwarf nova")
    page.keyboard.press("Enter")
    expect(scan).to_have_attribute("data-label", "dwarf nova")
    page.keyboard.press("x")
    expect(scan).to_have_attribute("data-label", "")
    page.keyboard.press("1")
    expect(scan).to_have_attribute("data-label", "dwarf nova")
    # What follows at once is the note, however long the kernel takes.
    page.keyboard.press("n")
    note = page.get_by_label("Note", exact=True)
    page.keyboard.type("good grief, <b>x</b> ", delay=5)
    desk.until(lambda: told(desk)[FIRST].get("note", "").startswith("good grief"))
    expect(note).to_have_value("good grief, <b>x</b> ")
    page.keyboard.press("Enter")
    expect(scan).to_be_focused()
    desk.picture("scan-light")


def going_on(desk: Desk) -> None:
    """A label goes on to the next alert; the alert of one that is undone comes back."""
    page = desk.page
    scan = page.locator(".ztfnb-scan")
    note = page.get_by_label("Note", exact=True)
    page.get_by_label("next after a label").check()
    page.get_by_role("button", name="bad").click()
    expect(scan).not_to_have_attribute("data-candid", FIRST)
    expect(note).to_have_value("")
    expect(page.locator(".ztfnb-scan-progress")).to_have_text("1 of 4 labelled")
    expect(scan).to_be_focused()
    page.keyboard.press("u")
    expect(scan).to_have_attribute("data-candid", FIRST)
    expect(scan).to_have_attribute("data-label", "dwarf nova")
    expect(note).to_have_value("good grief, <b>x</b>")
    page.keyboard.press("m")
    page.keyboard.press("m")
    page.keyboard.press("b")
    expect(page.locator(".ztfnb-scan-progress")).to_have_text("3 of 4 labelled")
    expect(page.locator(".ztfnb-scan-counts")).to_have_text(re.compile("bad 1.*maybe 2", re.DOTALL))
    with page.expect_download() as waited:
        page.get_by_role("button", name="CSV", exact=True).click()
    assert waited.value.suggested_filename == "labels.csv"
    rows = waited.value.path().read_text().splitlines()
    assert rows[1].startswith(f"{FIRST},ZTF26aaaaaa0,maybe,")
    expect(scan).to_have_attribute("data-saved", "saved")
    lines = told(desk)
    assert [line["label"] for line in lines.values()] == ["maybe", "maybe", "bad"], lines
    assert lines[FIRST]["note"] == "good grief, <b>x</b>"


def test_notes_are_not_lost(desk: Desk) -> None:
    """What is typed while another alert comes into view stays a note of the first."""
    open_scan(
        desk,
        once("keys", "keys"),
    )
    page = desk.page
    scan = page.locator(".ztfnb-scan")
    note = page.get_by_label("Note", exact=True)
    note.focus()
    page.keyboard.type("first half")
    execute(desk, "go(list(names)[1])")
    expect(scan).to_have_attribute("data-candid", str(int(FIRST) + 1))
    expect(page.locator(".ztfnb-scan-which")).to_contain_text("still of ZTF26aaaaaa0")
    desk.picture("scan-note-kept")
    page.keyboard.type(", second half")
    page.keyboard.press("Enter")
    expect(note).to_have_value("")
    # Keys that mean nothing here are passed on; those of the notebook do nothing.
    page.keyboard.press("j")
    page.keyboard.press("g")
    expect(scan).to_have_attribute("data-label", "good")
    desk.says(1, "['j']")
    expect(scan).to_have_attribute("data-saved", "saved")
    lines = told(desk)
    assert len(lines) == 2, lines
    assert lines[FIRST]["note"] == "first half, second half"
    assert lines[str(int(FIRST) + 1)] | {"time": ""} == {
        "candid": str(int(FIRST) + 1), "objectId": "ZTF26aaaaaa1", "label": "good", "time": "",
    }  # fmt: skip


def test_a_disk_that_refuses(desk: Desk) -> None:
    """A folder that is gone is told with what to do; writing is tried again, and succeeds."""
    # Only the button tries again: what is written by itself before it is pressed takes it away.
    gone = "import shutil, ztfnb.widgets.scan as scanning\nscanning._RETRY = 1e9\n"
    open_scan(desk, gone + "shutil.rmtree(folder)", "folder.mkdir()")
    page = desk.page
    page.set_viewport_size({"width": 560, "height": 900})
    desk.command("application:toggle-left-area")
    desk.run(1)
    desk.idle()
    scan = page.locator(".ztfnb-scan")
    scan.focus()
    page.keyboard.press("g")
    expect(scan).to_have_attribute("data-saved", "trouble")
    expect(page.locator(".ztfnb-scan-trouble")).to_contain_text("make the folder anew")
    desk.picture("scan-trouble-440")
    desk.run(2)
    desk.idle()
    page.get_by_role("button", name="try again").click()
    expect(scan).to_have_attribute("data-saved", "saved")
    expect(page.locator(".ztfnb-scan-trouble")).to_be_hidden()
    assert told(desk)[FIRST]["label"] == "good"
    desk.picture("scan-440")
