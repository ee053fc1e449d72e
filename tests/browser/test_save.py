"""Saving in JupyterLab: downloads, files beside the notebook, long work."""

from __future__ import annotations

import re
from pathlib import Path

from browser.desk import Desk
from playwright.sync_api import expect

SAVE = """
import threading, ztfnb
from ztfnb.simulate import Survey
from ztfnb.widgets.save import Save
night = Survey(seed=3).night('2026-01-15', limit=4)
alerts = {a.candid: a for a in (ztfnb.decode(n.packet) for n in night)}
save = Save(alerts.values())
save.state_of = lambda: '{"ztfnb": 1}'
go = threading.Event(); go.set()
def fetch(candid):
    go.wait(600)
    return alerts[candid]
save.fetch = fetch
save
"""


def button(desk: Desk, name: str) -> None:
    desk.page.get_by_role("button", name=name, exact=True).click()


def download(desk: Desk, name: str) -> tuple[str, bytes]:
    """Press a button and return name and content of what is downloaded."""
    with desk.page.expect_download() as waited:
        button(desk, name)
    content: bytes = waited.value.path().read_bytes()
    expect(desk.page.locator(".ztfnb-save")).to_have_attribute("data-state", "done")
    return waited.value.suggested_filename, content


def test_saving(desk: Desk) -> None:
    """Each button hands a file over; work is told, can be cancelled, and goes to a folder."""
    # The word to go on must not be heard before that to give up.
    give_up = "save._job.cancelled.wait(600); go.set()"
    desk.open([SAVE, "go.clear()", give_up, "save.alerts_of = lambda: ()"])
    page = desk.page
    desk.run(0)
    part = page.locator(".ztfnb-save")
    expect(page.locator(".ztfnb-save-count")).to_have_text("4 alerts")
    for what, end, begins in (
        ("Avro", ".tar.gz", b"\x1f\x8b"), ("Parquet", ".parquet", b"PAR1"),
        ("CSV", ".csv", b"objectId,candid,"), ("ECSV", ".ecsv", b"# %ECSV"),
        ("PNG", ".png", b"\x89PNG"), ("PDF", ".pdf", b"%PDF"), ("state", ".json", b'{"ztfnb"'),
    ):  # fmt: skip
        name, content = download(desk, what)
        assert name.endswith(end)
        assert content.startswith(begins)
    desk.picture("save-light")
    button(desk, "notebook's folder")
    expect(page.get_by_role("button", name="notebook's folder")).to_have_attribute(
        "aria-pressed", "true"
    )
    button(desk, "CSV")
    expect(part.get_by_role("status")).to_have_text(re.compile("saved in the notebook's folder"))
    assert len(list(Path(desk.lab.folder).glob("alerts-*.csv"))) == 1
    desk.run(1)
    desk.idle()
    button(desk, "Avro")
    expect(part).to_have_attribute("data-state", "running")
    expect(page.get_by_role("button", name="CSV", exact=True)).to_be_disabled()
    page.set_viewport_size({"width": 560, "height": 900})
    desk.command("application:toggle-left-area")
    desk.theme("Dark")
    desk.picture("save-440-dark")
    button(desk, "cancel")
    desk.run(2)
    expect(part.get_by_role("status")).to_have_text("cancelled")
    desk.run(3)
    expect(page.locator(".ztfnb-save-count")).to_have_text("no alert")
    expect(page.get_by_role("button", name="Avro")).to_be_disabled()
