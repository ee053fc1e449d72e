"""Exporting from the lab in the page: a folder, a download, and what was refused."""

from __future__ import annotations

import re
from pathlib import Path
from zipfile import ZipFile

from browser.desk import ARTEFACTS, Desk
from packets import ALERTS, needs_real_packets
from playwright.sync_api import Locator, expect

FILTER = '''
import random
import ztfnb

@ztfnb.filter
def young_and_real(alert, *, rb_min: (0, 1) = 0.65, max_age=30.0):
    """Young and probably real."""
    candidate = alert["candidate"]
    if candidate["rb"] is None or candidate["rb"] < rb_min:
        return False
    return candidate["jd"] - (candidate["jdstarthist"] or candidate["jd"]) <= max_age

@ztfnb.filter
def lucky(alert):
    """No two runs agree."""
    return random.random() < 0.5
'''
NIGHT = str(ALERTS / "night-20181128")
OPEN = f"lab = ztfnb.lab(young_and_real.with_params(rb_min=0.3), {NIGHT!r})\nlab"
OTHER = f"lab = ztfnb.lab(lucky, {NIGHT!r})\nlab"


def form_of(desk: Desk) -> Locator:
    """Open the tab, as soon as the lab has something to export."""
    expect(desk.page.locator(".ztfnb-labhead")).to_have_attribute("aria-busy", "false")
    desk.page.get_by_role("tab", name="Export").click()
    form = desk.page.get_by_role("group", name="Export")
    expect(form.locator(".ztfnb-export-what")).to_contain_text("380 alerts")
    return form


@needs_real_packets
def test_a_folder_and_its_zip(desk: Desk, tmp_path: Path) -> None:
    """The folder is written and proven, its zip is downloaded, the file browser is a click away."""
    desk.open([FILTER, OPEN])
    page = desk.page
    page.set_viewport_size({"width": 1600, "height": 1200})
    desk.run_all()
    form = form_of(desk)
    folder = form.get_by_label("Folder of the bundle")
    expect(folder).to_have_value("young-and-real")
    folder.fill("bundles-of-browser-test")
    form.get_by_label("zip file too").check()
    desk.picture("export-form")
    form.get_by_role("button", name="Export", exact=True).click()
    expect(form.locator(".ztfnb-export-words")).to_contain_text("380 alerts decided alike")
    for theme in ("Light", "Dark"):
        desk.theme(theme)
        desk.picture(f"export-done-{theme}", page.locator(".ztfnb-lab"))
    with page.expect_download() as waiting:
        form.get_by_role("button", name=re.compile("^Download")).click()
    waiting.value.save_as(tmp_path / "got.zip")
    names = ZipFile(tmp_path / "got.zip").namelist()
    assert "bundles-of-browser-test/filter.py" in names
    written = desk.lab.folder / "bundles-of-browser-test"
    assert (written / "provenance.json").is_file()
    link = form.get_by_role("link", name="Show the folder")
    expect(link).to_have_attribute("href", re.compile("/bundles-of-browser-test$"))
    with page.context.expect_page() as opening:
        link.click()
    there = opening.value
    expect(there.locator(".jp-DirListing-item", has_text="provenance.json")).to_be_visible()
    there.screenshot(path=ARTEFACTS / "export-folder.png")
    there.close()


@needs_real_packets
def test_what_differs_is_shown(desk: Desk) -> None:
    """A bundle that would decide otherwise is refused, and its alerts come into the gallery."""
    desk.open([FILTER, OTHER])
    page = desk.page
    page.set_viewport_size({"width": 1600, "height": 1200})
    desk.run_all()
    form = form_of(desk)
    form.get_by_role("button", name="Export", exact=True).click()
    expect(form.locator(".ztfnb-export-words")).to_contain_text("decides otherwise")
    show = form.get_by_role("button", name=re.compile("^Show the [0-9]+ alerts"))
    count = int(re.sub(r"\D", "", show.inner_text()))
    assert count > 0
    show.click()
    tab = page.get_by_role("tab", name=re.compile("^decided otherwise by the bundle"))
    expect(tab).to_have_attribute("aria-selected", "true")
    expect(page.locator(".ztfnb-gallery-place")).to_have_text(re.compile(f" of {count}$"))
    assert not (desk.lab.folder / "lucky").exists()
    desk.picture("export-refused")
