"""Labels are given by keys, clicks and code, and are on the disk at once."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ztfnb import labels as module
from ztfnb.errors import ConfigError
from ztfnb.labels import Labels
from ztfnb.widgets.scan import Scan

LARGE = 2_461_055_750_123_456_789


@pytest.fixture
def scan(tmp_path: Path) -> Scan:
    """A scan of one alert."""
    scan = Scan(Labels(tmp_path / "labels.jsonl"))
    scan.look_at(LARGE, "ZTF18abc")
    return scan


def settle(scan: Scan) -> None:
    """Wait until nothing is being written, and that is shown."""
    for thread in threading.enumerate():
        if thread.name == "ztfnb labels":
            thread.join(60)
    assert scan._writer is None


@pytest.mark.parametrize(
    ("key", "label"), [("g", "good"), ("b", "bad"), ("m", "maybe"), ("2", "asteroid")]
)
def test_keys(scan: Scan, key: str, label: str) -> None:
    """A key labels the alert in view, and the label is in the file."""
    scan.words = ["nova", "asteroid"]
    assert scan.press(key)
    assert scan._shown["label"] == label
    settle(scan)
    told = Labels(scan.labels.path)[LARGE]
    assert (told.label, told.object_id) == (label, "ZTF18abc")
    assert scan._saved["state"] == "saved"


def test_clearing(scan: Scan) -> None:
    """x and 0 take the label away and leave the note."""
    for key in "x0":
        scan.press("g")
        scan.note("look again")
        assert scan.press(key)
        assert (scan._shown["label"], scan._shown["note"]) == ("", "look again")


def test_keys_that_mean_nothing(scan: Scan) -> None:
    """Other keys, digits without a word, and labels without an alert are left to others."""
    assert not any(scan.press(key) for key in ("j", "k", "1", "9", "", "Enter", "12", "?", "²"))
    scan.candid = None
    assert not any(scan.press(key) for key in "gbmx0n")
    assert len(scan.labels) == 0
    with pytest.raises(ConfigError, match="no alert is in view"):
        scan.label("good")
    with pytest.raises(ConfigError, match="no alert is in view"):
        scan.note("text")


def test_words_of_ones_own(scan: Scan) -> None:
    """A word that was used is offered with the next digit as its key, also when reopened."""
    scan.receive({"kind": "label", "word": " microlens "})
    scan.label("dwarf nova")
    assert scan.words == ("microlens", "dwarf nova")
    assert [key for _, key in scan._shown["words"]] == ["g", "b", "m", "1", "2"]
    scan.candid = LARGE + 1
    scan.press("1")
    assert scan.labels[LARGE + 1].label == "microlens"
    settle(scan)
    assert Scan(Labels(scan.labels.path)).words == ("dwarf nova", "microlens")


def test_notes_go_where_they_were_typed(scan: Scan) -> None:
    """A note that arrives after the selection has changed belongs to the alert before."""
    scan.look_at(2, "ZTF2")
    scan.receive({"kind": "note", "candid": str(LARGE), "object": "ZTF18abc", "text": "rising"})
    assert scan.labels[LARGE].note == "rising"
    assert scan.labels[LARGE].object_id == "ZTF18abc"
    assert 2 not in scan.labels
    assert scan._shown["note"] == ""
    scan.receive({"kind": "note", "candid": "2", "object": "", "text": "n" * 9_000})
    assert len(scan.labels[2].note) == 4_000


def test_undo(scan: Scan) -> None:
    """Undo takes labels and notes back one by one and shows the alert again."""
    shown: list[int] = []
    scan.on_select = shown.append
    scan.press("g")
    for text in ("r", "ri", "rises"):
        scan.note(text)
    scan.press("b")
    scan.look_at(2)
    scan.press("m")
    for label, note in (("bad", "rises"), ("good", "rises"), ("good", ""), (None, "")):
        assert scan.press("u")
        told = scan.labels.get(LARGE)
        assert (told.label if told else None, told.note if told else "") == (label, note)
    assert 2 not in scan.labels
    assert shown == [LARGE] * 3
    assert scan._shown["undo"] == 0
    scan.undo()
    settle(scan)
    assert dict(Labels(scan.labels.path)) == {}


def test_progress_through_a_set(scan: Scan) -> None:
    """What is labelled of a set is counted, and the next without a label is known."""
    scan.set_of([5, LARGE, 7, 8, 7])
    assert (scan._shown["done"], scan._shown["total"]) == (0, 4)
    scan.press("g")
    scan.candid = 8
    scan.press("b")
    assert (scan._shown["done"], scan._shown["total"]) == (2, 4)
    assert scan._shown["counts"] == [["good", 1], ["bad", 1]]
    assert scan.next_of_set == 5
    scan.candid = LARGE
    assert scan.next_of_set == 7
    scan.labels.set(5, "bad")
    scan.labels.set(7, "bad")
    assert {scan.next_of_set} == {None}
    scan.set_of(())
    assert scan._shown["total"] == 0


def test_going_on(scan: Scan) -> None:
    """With the switch on, a label tells that the next alert is wanted; clearing does not."""
    labelled: list[int] = []
    changed: list[int] = []
    scan.on_labelled, scan.on_change = labelled.append, changed.append
    scan.press("g")
    assert labelled == []
    scan.receive({"kind": "auto", "on": True})
    assert scan._shown["auto"]
    scan.press("b")
    scan.press("b")
    scan.press("x")
    scan.note("n")
    scan.undo()
    assert labelled == [LARGE] * 2
    assert changed == [LARGE] * 5, "saying the same again changes nothing"


def test_settings(scan: Scan) -> None:
    """Words and the switch can be kept and chosen again."""
    scan.settings = {"words": ["nova", "good", "nova", " CV "], "auto": True}
    assert scan.settings == {"words": ["nova", "CV"], "auto": True}
    scan.settings = {}
    assert scan.settings == {"words": ["nova", "CV"], "auto": True}
    scan.auto = False
    assert not scan.settings["auto"]


@pytest.mark.parametrize(
    "settings",
    [{"words": "nova"}, {"words": ["x" * 41]}, {"words": [3]}, {"words": ["w"] * 51},
     {"auto": "yes"}, {"auto": 1}, {"colour": 1}],
)  # fmt: skip
def test_settings_of_strangers(scan: Scan, settings: dict[str, Any]) -> None:
    """What cannot be chosen is refused, and nothing changes."""
    with pytest.raises(ConfigError, match="expected"):
        scan.settings = {"auto": True} | settings
    assert scan.settings == {"words": [], "auto": False}


def test_a_full_disk(
    scan: Scan, monkeypatch: pytest.MonkeyPatch, sent: Callable[[Any], list[dict[str, Any]]]
) -> None:
    """What cannot be written is told, kept, and written when that is possible again."""
    sent(scan)

    def refuse(_path: Path, _lines: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("ztfnb.widgets.scan._RETRY", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(module, "append", refuse)
        scan.press("g")
        settle(scan)
        assert scan._saved["state"] == "trouble"
        assert scan._saved["unsaved"] == 1
        assert "make room" in scan._saved["trouble"]
        assert scan._shown["label"] == "good"
        scan.receive({"kind": "retry"})
        settle(scan)
        assert scan._saved["state"] == "trouble"
    scan.beat()
    settle(scan)
    assert scan._saved["state"] == "saved"
    assert Labels(scan.labels.path)[LARGE].label == "good"


def test_a_label_is_not_said_to_be_saved_before_it_is(
    scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is told of a label and of its saving in one message."""
    told: list[object] = []
    monkeypatch.setattr(scan, "send_state", lambda key=None: told.append(key and {*key}))
    scan.press("g")
    assert told[0] == {"_shown", "_saved"}


def test_a_disk_that_is_quick(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    """What writes may have ended before it is known to have begun: the next label is written."""

    class Quick(threading.Thread):
        def start(self) -> None:
            super().start()
            self.join(0.5)

    with monkeypatch.context() as patch:
        patch.setattr(threading, "Thread", Quick)
        scan.receive({"kind": "retry"})
    settle(scan)


def test_closing_writes_what_is_left(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be written is tried once more when the part is closed, else warned of."""

    def refuse(_path: Path, _lines: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    other = Scan(Labels(scan.labels.path))
    with monkeypatch.context() as patch:
        patch.setattr(module, "append", refuse)
        for one in (scan, other):
            one.look_at(LARGE)
            one.press("g")
            settle(one)
        with pytest.warns(UserWarning, match="make room"):
            other.close()
    assert LARGE not in Labels(scan.labels.path)
    scan.close()
    assert Labels(scan.labels.path)[LARGE].label == "good"
    other.close()
    assert other.labels.unsaved == 1


def test_nothing_that_fails_while_writing_ends_it(
    scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong is told, and the next label is written with those before it."""

    def fail(_path: Path, _lines: bytes) -> None:
        raise RuntimeError("out of the blue")

    with monkeypatch.context() as patch:
        patch.setattr(module, "append", fail)
        scan.press("g")
        settle(scan)
        assert "out of the blue" in scan._saved["trouble"]
    scan.press("b")
    settle(scan)
    assert Labels(scan.labels.path)[LARGE].label == "bad"


def test_words_that_are_none_are_told(scan: Scan) -> None:
    """A word of the page that is none is told in words, until the next one."""
    scan.receive({"kind": "label", "word": "x" * 41})
    assert "label: expected" in scan._saved["trouble"]
    assert len(scan.labels) == 0
    scan.press("g")
    assert scan._saved["trouble"] == ""


def test_what_others_say_is_shown(
    scan: Scan, sent: Callable[[Any], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels of another notebook, and of code, appear at the next beat."""
    monkeypatch.setattr("ztfnb.widgets.scan._LOOK", 0.0)
    messages = sent(scan)
    assert not scan.beat()
    Labels(scan.labels.path).set(LARGE, "bad")
    assert scan.beat()
    assert scan._shown["label"] == "bad"
    scan.labels.set(LARGE, "good")
    assert scan.beat()
    assert not scan.beat()
    assert scan._shown["label"] == "good"
    assert messages == [{"kind": "told"}] * 2


def test_a_file_that_goes_bad_is_told(
    scan: Scan, sent: Callable[[Any], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines that cannot be read, and a file that cannot be, are shown."""
    monkeypatch.setattr("ztfnb.widgets.scan._LOOK", 0.0)
    sent(scan)
    file = scan.labels.path
    file.write_text("rubbish\n")
    assert "line 1" in Scan(Labels(file))._saved["note"]
    file.write_text("rubbish\n" * 3)
    assert "3 lines of the file" in Scan(Labels(file))._saved["note"]
    file.unlink()
    file.mkdir()
    scan.beat()
    assert "cannot read" in scan._saved["trouble"]


def test_csv(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    """The labels are handed over as CSV."""
    files: list[tuple[str, bytes, str]] = []
    monkeypatch.setattr(scan, "hand_over", lambda *file: files.append(file))
    scan.press("g")
    scan.receive({"kind": "csv"})
    assert files == [("labels.csv", scan.labels.csv().encode(), "text/csv")]
    assert str(LARGE).encode() in files[0][1]


def test_n_goes_to_the_note(scan: Scan, sent: Callable[[Any], list[dict[str, Any]]]) -> None:
    """The key n asks the page to go to the note."""
    messages = sent(scan)
    scan.receive({"kind": "press", "key": "n"})
    assert messages == [{"kind": "note"}]


def test_beside_the_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without more words, labels are in the working directory, even if that changes later."""
    monkeypatch.chdir(tmp_path)
    scan = Scan()
    monkeypatch.chdir("/")
    scan.candid = 1
    assert (scan.candid, scan.object_id) == (1, "")
    scan.object_id = "ZTF1"
    scan.label("good")
    settle(scan)
    assert Labels(tmp_path / "labels.jsonl")[1].object_id == "ZTF1"
    assert scan._saved["path"] == str(tmp_path / "labels.jsonl")
