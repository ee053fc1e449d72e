"""What the buttons save is what is marked or in view, whatever happens on the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from made import made_alert, made_packet

import ztfnb
from ztfnb.drawing import picture
from ztfnb.errors import ConfigError, NotHeldError
from ztfnb.look import Look
from ztfnb.widgets import _savejob
from ztfnb.widgets import save as module
from ztfnb.widgets.save import Save


def alerts_of(*candids: int) -> list[ztfnb.Alert]:
    return [ztfnb.decode(made_packet(candid)) for candid in candids]


class Page:
    """A Save whose downloads are caught."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, *candids: int) -> None:
        monkeypatch.chdir(folder)
        self.save = Save(alerts_of(*candids))
        self.files: list[tuple[str, bytes, str]] = []
        monkeypatch.setattr(self.save, "hand_over", lambda *file: self.files.append(file))

    def press(self, what: Any) -> str:
        """Press a button and return what is said in the end."""
        self.save.receive({"kind": "save", "what": what})
        self.end()
        return str(self.save._work["words"])

    def end(self) -> None:
        last = time.monotonic() + 60
        while self.save._work["state"] == "running":
            assert time.monotonic() < last
            time.sleep(0.005)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Page:
    """Of two alerts."""
    return Page(monkeypatch, tmp_path, 1, 2)


def test_packets(page: Page, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One alert is its packet; several are a tar file of theirs, byte for byte."""
    assert page.press("avro").startswith("downloaded alerts-")
    name, content, media = page.files[0]
    assert name.endswith(".tar.gz")
    assert media == "application/octet-stream"
    (tmp_path / name).write_bytes(content)
    assert [alert.raw for alert in ztfnb.read(tmp_path / name)] == [
        alert.raw for alert in alerts_of(1, 2)
    ]
    alone = Page(monkeypatch, tmp_path, 2)
    assert alone.press("avro") == "downloaded ZTF260000002_2.avro"
    assert alone.files[0][1] == made_packet(2)


@pytest.mark.parametrize("kind", ["parquet", "csv", "ecsv"])
def test_tables(page: Page, kind: str) -> None:
    """A table of both detections is handed over."""
    page.press(kind)
    name, content, _ = page.files[0]
    assert name.endswith(f".{kind}")
    assert b"magpsf" in content
    if kind == "csv":
        assert content.count(b"\n") == 3


def test_pictures(page: Page) -> None:
    """A picture is of the alert in view, as it looks in the browser."""
    page.save.in_view = lambda: 2
    page.save.picture_options = lambda: {"look": Look(invert=True), "view": {"quantity": "flux"}}
    other = ztfnb.decode(ztfnb.encode(made_alert(5) | {"objectId": alerts_of(2)[0].object_id}))
    page.save.others_of = lambda _alert: [other]
    assert page.press("png") == "downloaded ZTF260000002_2.png"
    expected = picture(
        alerts_of(2)[0], alerts=[other], look={"invert": True}, view={"quantity": "flux"}
    )
    assert page.files[0][1:] == (expected, "image/png")
    page.press("pdf")
    assert page.files[1][1].startswith(b"%PDF")


def test_state(page: Page) -> None:
    """The browser's state is a file of text; without a browser there is none."""
    assert not page.save._offer["state"]
    assert "no browser" in page.press("state")
    page.save.state_of = lambda: '{"ztfnb": 1}'
    page.save.refresh()
    assert page.save._offer["state"]
    page.press("state")
    assert page.files[0][1:] == (b'{"ztfnb": 1}', "application/json")


def test_beside_the_notebook(page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files can go to the folder where the notebook was, under a name that is free."""
    monkeypatch.chdir("/")
    page.save.receive({"kind": "where", "value": "folder"})
    page.save.in_view = lambda: 1
    for name in ("ZTF260000001_1.png", "ZTF260000001_1-2.png"):
        assert page.press("png") == f"saved in the notebook's folder as {name}"
    assert len({file.read_bytes() for file in tmp_path.glob("*.png")}) == 1
    assert len(list(tmp_path.iterdir())) == 2
    assert page.files == []


def test_settings(page: Page) -> None:
    """Where files go can be kept and chosen again, and nothing else."""
    page.save.settings = {"where": "folder"}
    assert page.save.settings == {"where": "folder"}
    for wrong in ({"where": "/etc"}, {"where": ["folder"]}, {"where": None}, {"folder": "/etc"}):
        with pytest.raises(ConfigError, match="download or folder"):
            page.save.settings = wrong
    assert page.save.settings == {"where": "folder"}
    page.save.receive({"kind": "where", "value": "elsewhere"})
    assert page.save._work["state"] == "failed"


def test_nothing_to_save(page: Page) -> None:
    """Without an alert, and with a kind that is none, it is said what to do."""
    page.save.alerts_of = lambda: ()
    for kind in ("avro", "png"):
        assert "select one" in page.press(kind)
    assert "kind: expected avro" in page.press("exe")
    assert "kind: expected avro" in page.press(None)
    assert page.save._thread is None


def test_alerts_that_cannot_be_fetched(page: Page) -> None:
    """Those that are gone are counted and told; the others are saved."""

    def fetch(candid: int) -> ztfnb.Alert:
        if candid != 2:
            raise NotHeldError(f"candid {candid} is gone")
        return alerts_of(2)[0]

    page.save.fetch = fetch
    page.save.alerts_of = lambda: (1, 2, 3)
    said = page.press("csv")
    assert said.endswith("without 2 that could not be fetched: candid 3 is gone")
    assert page.files[0][1].count(b"\n") == 2
    page.save.alerts_of = lambda: (1, 3)
    for kind in ("csv", "avro"):
        assert page.press(kind) == "not saved: no packet could be fetched: candid 3 is gone"
    page.save.alerts_of = lambda: (1,)
    for kind in ("avro", "png"):
        assert page.press(kind) == "not saved: no packet could be fetched: candid 1 is gone"
    assert len(page.files) == 1


def test_progress_and_cancelling(
    page: Page, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Long work says how far it is, keeps others waiting, and leaves nothing when cancelled."""
    monkeypatch.setattr(_savejob, "_NEWS", -1.0)
    go = threading.Semaphore(0)
    told: list[str] = []
    page.save.observe(lambda change: told.append(change["new"]["words"]), "_work")

    def fetch(candid: int) -> ztfnb.Alert:
        assert go.acquire(timeout=60)
        return alerts_of(candid)[0]

    page.save.fetch = fetch
    page.save.alerts_of = lambda: (1, 2, 3)
    page.save.settings = {"where": "folder"}
    page.save.start("avro")
    go.release()
    wait_for(lambda: "1 of 3 alerts" in told)
    page.save.start("csv")  # not now
    page.save.receive({"kind": "cancel"})
    go.release()
    page.end()
    assert page.save._work == {"state": "done", "words": "cancelled"}
    assert list(tmp_path.iterdir()) == []
    go.release(3)
    assert page.press("avro").startswith("saved in")
    assert len(list(tmp_path.iterdir())) == 1


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_large_downloads_are_refused(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too large for the connection is told, with another way."""
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    assert "let it go to the notebook's folder" in page.press("csv")
    assert page.files == []


def test_a_folder_that_cannot_be_written(page: Page, tmp_path: Path) -> None:
    """What goes wrong while writing is told in words."""
    (tmp_path / "file").write_text("")
    page.save.folder = tmp_path / "file"
    page.save.settings = {"where": "folder"}
    assert page.press("csv").startswith("not saved: cannot write")
    assert page.save._work["state"] == "failed"


def test_the_number_follows(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is told when other alerts would be saved."""
    messages: list[Any] = []
    monkeypatch.setattr(page.save, "send", lambda message, _=None: messages.append(message))
    assert not page.save.beat()
    page.save.alerts_of = lambda: tuple(range(7))
    assert page.save.beat()
    assert page.save._offer["count"] == 7
    assert messages == [{"kind": "told"}]


def test_names_are_safe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A name out of an alert makes no path."""

    def hostile() -> Iterator[ztfnb.Alert]:
        yield ztfnb.decode(ztfnb.encode(made_alert(1) | {"objectId": "../../etc/<x>" + "y" * 99}))

    page = Page(monkeypatch, tmp_path)
    page.save = Save(hostile())
    monkeypatch.setattr(page.save, "hand_over", lambda *file: page.files.append(file))
    page.press("avro")
    assert page.files[0][0] == f"______etc__x_{'y' * 27}_1.avro"
