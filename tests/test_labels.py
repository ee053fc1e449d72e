"""What was said of alerts is kept, whatever happens."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ztfnb import labels as module
from ztfnb import lines
from ztfnb.errors import ConfigError, SourceError
from ztfnb.labels import Labels

LARGE = 2_461_055_750_123_456_789
"""A candid that no float holds."""

words = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1).map(
    lambda word: word[:40]
)
notes = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)
candids = st.integers(0, 5).map(lambda place: LARGE + place)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "labels.jsonl"


def test_kept_at_once(file: Path) -> None:
    """A label is in the file when the call returns, and there when the file is opened again."""
    labels = Labels(file, by="Vera")
    assert not file.exists()
    labels.set(LARGE, "  good ", note="rises", object_id="ZTF18abc")
    assert labels.unsaved == 0
    for held in (labels, Labels(file)):
        told = held[LARGE]
        assert (told.candid, told.object_id, told.label) == (LARGE, "ZTF18abc", "good")
        assert (told.note, told.by) == ("rises", "Vera")
        assert told.time.endswith("Z")
        assert len(held) == 1


def test_candids_are_exact_for_any_reader(file: Path) -> None:
    """A candid is text in the file, as most readers make floats of numbers; both are read."""
    Labels(file).set(LARGE, "good")
    assert json.loads(file.read_text())["candid"] == str(LARGE)
    file.write_text(f'{{"candid": {LARGE + 1}, "label": "bad"}}\n')
    assert Labels(file).words == {LARGE + 1: "bad"}


def test_later_lines_win(file: Path) -> None:
    """A label is changed, taken away with its note left, and removed, each by one more line."""
    labels = Labels(file)
    labels.set(1, "good")
    labels.note(1, "which?", object_id="ZTF1")
    labels.set(1, "bad")
    assert (labels[1].label, labels[1].note, labels[1].object_id) == ("bad", "which?", "ZTF1")
    labels.set(1, "")
    assert Labels(file).words == {}
    assert Labels(file)[1].note == "which?"
    labels.remove(1)
    assert 1 not in Labels(file)
    assert len(file.read_text().splitlines()) == 5


def test_saying_the_same_again_writes_nothing(file: Path) -> None:
    """What changes nothing is no line."""
    labels = Labels(file)
    labels.set(1, "good", note="a")
    before = file.read_bytes()
    labels.set(1, "good")
    labels.note(1, " a ")
    labels.remove(2)
    assert file.read_bytes() == before


def test_counts_progress_words(file: Path) -> None:
    """Counts have good, bad and maybe first; a note alone is no label."""
    labels = Labels(file)
    for candid, word in enumerate(["asteroid", "maybe", "good", "asteroid", "good"]):
        labels.set(candid, word)
    labels.note(9, "look again")
    assert list(labels.counts.items()) == [("good", 2), ("maybe", 1), ("asteroid", 2)]
    assert labels.progress([0, 1, 9, 10, 0]) == (2, 4)
    assert labels.words == {0: "asteroid", 1: "maybe", 2: "good", 3: "asteroid", 4: "good"}
    assert labels.of([4, 9, 10, 1]) == ["good", "", "", "maybe"]
    assert repr(labels) == "<Labels in labels.jsonl: 2 good, 1 maybe, 2 asteroid>"


@pytest.mark.parametrize("label", ["x" * 41, "two\nlines", "bell\a", None, 3, "a\u2028b"])
def test_labels_are_words(file: Path, label: Any) -> None:
    """What is no word is refused, and nothing is written."""
    with pytest.raises(ConfigError, match="label: expected"):
        Labels(file).set(1, label)
    assert not file.exists()


@pytest.mark.parametrize("note", ["n" * 4001, "\0", "\ud800", 3])
def test_notes_are_text(file: Path, note: Any) -> None:
    """What a file of text cannot hold is refused."""
    with pytest.raises(ConfigError, match="note: expected"):
        Labels(file).note(1, note)


@pytest.mark.parametrize("candid", [1.0, True, "1", None, 2**63])
def test_candids_are_whole_numbers(file: Path, candid: Any) -> None:
    """A float may have lost digits, so it is refused; NumPy's integers are taken."""
    labels = Labels(file)
    with pytest.raises(ConfigError, match="candid: expected"):
        labels.set(candid, "good")
    labels.set(np.int64(LARGE), "good")
    assert type(next(iter(labels))) is int


@given(changes=st.lists(st.tuples(candids, words, notes), min_size=1, max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_every_truncation_keeps_every_whole_line(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, str, str]]
) -> None:
    """Cut at any byte, the file gives all labels whose lines are whole, and can be added to."""
    file = tmp_path_factory.mktemp("labels") / "labels.jsonl"
    labels = Labels(file)
    states = [(0, dict(labels))]
    for candid, word, note in changes:
        labels.set(candid, word, note=note)
        states.append((file.stat().st_size, dict(labels)))
    whole = file.read_bytes()
    for cut in range(len(whole) + 1):
        file.write_bytes(whole[:cut])
        held = Labels(file)
        # The newline itself is no part of what was said.
        expected = [state for size, state in states if size <= cut + (cut > 0)][-1]
        assert dict(held) == expected
        ends = {size - 1 for size, _ in states} | {size for size, _ in states}
        assert len(held.problems) == (cut not in ends)
    file.write_bytes(whole[:-9])
    held = Labels(file)
    torn = bool(held.problems)
    held.set(1, "after the crash")
    again = Labels(file)
    assert again[1].label == "after the crash"
    assert dict(again) == dict(held)
    assert bool(again.problems) == torn
    assert whole[:-9] in file.read_bytes(), "what was torn stays in the file"


def test_unreadable_lines_are_reported_and_stay(file: Path) -> None:
    """A line that is none has its number and reason told; all others count."""
    bad = [
        b"rubbish", b"[1]", b'{"label": "good"}', b'{"candid": 1.5, "label": "good"}',
        b'{"candid": "7"}', b'{"candid": "7", "label": "a\\nb"}', b"\xff\xfe", b"[" * 5000,
        b'{"candid": ' + b"9" * 5000 + b"}", b'{"candid": true, "label": "good"}',
        b'{"candid": "1", "note": "' + b"x" * 70_000 + b'"}', b'{"candid": "7", "label": null}',
    ]  # fmt: skip
    good = b'{"candid": "1", "label": "good", "more": [1]}'
    lines_ = [good, *bad, b"", b'{"candid": "2", "label": "bad"}\r']
    file.write_bytes(b"\xef\xbb\xbf" + b"\n".join(lines_) + b"\n")
    labels = Labels(file)
    assert labels.words == {1: "good", 2: "bad"}
    assert [problem.split(":")[0] for problem in labels.problems] == [
        f"line {number}" for number in range(2, 2 + len(bad))
    ]
    labels.set(3, "maybe")
    assert file.read_bytes().count(b"rubbish") == 1
    assert len(labels.problems) == len(bad)


def test_two_programs_share_a_file(file: Path) -> None:
    """Each sees what the other has added, and neither loses a line."""
    one, two = Labels(file), Labels(file)
    one.set(1, "good")
    assert 1 not in two
    assert two.refresh()
    assert not two.refresh()
    two.set(2, "bad")
    one.set(3, "maybe")
    assert one.words == {1: "good", 2: "bad", 3: "maybe"}
    two.set(1, "bad")
    one.refresh()
    assert one[1].label == "bad"


def test_programs_in_earnest(file: Path) -> None:
    """Four processes that write at once leave every line whole."""
    code = (
        "import sys; from ztfnb import lines; from ztfnb.labels import Labels\n"
        "lines.PATIENCE = 200.0  # nobody is sure of a turn while three others write on and on\n"
        "labels = Labels(sys.argv[1])\n"
        "for n in range(25): labels.set(int(sys.argv[2]) * 100 + n, 'good', note='n' * 500)"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(file), str(number)])
        for number in range(4)
    ]
    assert [process.wait(240) for process in running] == [0] * 4
    labels = Labels(file)
    assert labels.problems == ()
    assert set(labels) == {number * 100 + n for number in range(4) for n in range(25)}


def test_threads_share_labels(file: Path) -> None:
    """Threads that label at once lose nothing."""
    labels = Labels(file)

    def work(number: int) -> None:
        for n in range(20):
            labels.set(number * 100 + n, "good")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(labels) == len(Labels(file)) == 80
    assert labels.unsaved == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_a_killed_kernel_loses_nothing_said(file: Path) -> None:
    """Whatever a process reported as labelled is there after SIGKILL."""
    code = (
        "import itertools, sys; from ztfnb.labels import Labels; labels = Labels(sys.argv[1])\n"
        "for n in itertools.count():\n"
        "    labels.set(n, 'good', note='x' * 300); print(n, flush=True)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(file)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for _ in range(40):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    told = 39 + len(process.stdout.read().splitlines())
    process.wait()
    process.stdout.close()
    assert set(range(told)) <= set(Labels(file))


def test_a_file_put_in_its_place_is_read_anew(file: Path) -> None:
    """What an editor has changed, removed or replaced is what counts."""
    labels = Labels(file)
    labels.set(1, "good")
    labels.set(2, "good")
    text = file.read_text().replace("good", "poor")
    other = file.with_name("other")
    other.write_text(text)
    other.rename(file)
    assert labels.refresh()
    assert labels.words == {1: "poor", 2: "poor"}
    labels.set(3, "good")
    assert Labels(file).words == {1: "poor", 2: "poor", 3: "good"}
    file.unlink()
    assert labels.refresh()
    assert len(labels) == 0


def test_an_end_that_is_taken_away(file: Path) -> None:
    """A last line without its end counts as long as it is there."""
    labels = Labels(file)
    labels.set(1, "good")
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"candid": "2", "label": "bad"}')
    assert labels.refresh()
    assert labels.words == {1: "good", 2: "bad"}
    file.write_bytes(whole)
    assert labels.refresh()
    assert labels.words == {1: "good"}


def test_revision(file: Path) -> None:
    """The revision grows with what is said, here or elsewhere, and with nothing else."""
    labels, other = Labels(file), Labels(file)
    before = labels.revision
    labels.set(1, "good")
    assert labels.revision == before + 1
    assert not labels.refresh()
    other.set(1, "bad")
    assert labels.refresh()
    assert labels.revision == before + 2
    with file.open("a") as opened:
        opened.write(f"{file.read_text().splitlines()[-1]}\n\nrubbish\n")
    assert not labels.refresh(), "it says nothing new"
    assert labels.revision == before + 2
    assert len(labels.problems) == 1


@pytest.mark.parametrize(
    ("code", "advice"),
    [(errno.ENOSPC, "make room"), (errno.EACCES, "elsewhere"), (errno.EIO, "input/output error")],
)
def test_what_cannot_be_written_is_kept(
    file: Path, monkeypatch: pytest.MonkeyPatch, code: int, advice: str
) -> None:
    """A full disk or a forbidden folder is told with what to do, and writing is tried again."""
    labels = Labels(file)

    def refuse(_path: Path, _lines: bytes) -> int:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(module, "append", refuse)
        with pytest.raises(SourceError, match=advice):
            labels.set(1, "good")
        with pytest.raises(SourceError, match=r"2 changes .* Nothing is lost"):
            labels.note(1, "note")
        assert labels[1].label == "good"
        assert labels.unsaved == 2
        # What another program adds meanwhile does not undo it.
        file.write_text('{"candid": "1", "label": "bad"}\n{"candid": "2", "label": "bad"}\n')
        labels.refresh()
        assert labels.words == {1: "good", 2: "bad"}
    labels.save()
    assert labels.unsaved == 0
    assert Labels(file).words == {1: "good", 2: "bad"}


def test_a_line_half_written_is_finished_by_the_next_try(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fills up within a line leaves that line torn, and the whole of it follows."""
    write: Callable[[int, Any], int] = os.write
    left = [10]

    def narrow(descriptor: int, data: Any) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count = write(descriptor, data[: left[0]])
        left[0] -= count
        return count

    labels = Labels(file)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", narrow)
        with pytest.raises(SourceError, match="no space left"):
            labels.set(1, "good")
    labels.set(2, "bad")
    assert Labels(file).words == {1: "good", 2: "bad"}
    assert len(Labels(file).problems) == 1


def test_waiting_is_optional(file: Path) -> None:
    """Without waiting nothing is written until `save`, which writes all."""
    labels = Labels(file)
    labels.set(1, "good", wait=False)
    labels.note(1, "n", wait=False)
    assert not file.exists()
    assert labels.unsaved == 2
    labels.save()
    assert len(file.read_text().splitlines()) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="no such locks there")
def test_a_file_kept_locked_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program that does not let go of the file is named as the reason."""
    import fcntl  # noqa: PLC0415 - not on every system

    monkeypatch.setattr(lines, "PATIENCE", 0.05)
    labels = Labels(file)
    with file.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(SourceError, match="another program keeps it locked"):
            labels.set(1, "good")
    labels.save()
    assert Labels(file).words == {1: "good"}


@pytest.mark.skipif(sys.platform == "win32", reason="no such locks there")
def test_a_file_system_without_locks(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where files cannot be locked, labels are kept all the same."""
    import fcntl  # noqa: PLC0415 - not on every system

    def refuse(_file: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    Labels(file).set(1, "good")
    assert Labels(file).words == {1: "good"}


def test_a_file_replaced_at_the_wrong_moment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line goes to the file that has the name when it is written, not to one that had it."""
    labels = Labels(file)
    labels.set(1, "good")
    lock = lines._lock
    moments = iter([True])

    def replacing(opened: int) -> None:
        lock(opened)
        if next(moments, False):
            other = file.with_name("other")
            other.write_text('{"candid": "7", "label": "bad"}\n')
            other.rename(file)

    monkeypatch.setattr(lines, "_lock", replacing)
    labels.set(2, "maybe")
    assert labels.words == Labels(file).words == {7: "bad", 2: "maybe"}


def test_a_file_that_cannot_be_read_is_an_error(file: Path) -> None:
    """A folder of that name is refused when it is opened."""
    file.mkdir()
    with pytest.raises(SourceError, match="is a directory; name a file"):
        Labels(file)


def test_csv(file: Path) -> None:
    """The table of labels is CSV that reads back, and never takes another file's place."""
    labels = Labels(file)
    labels.set(LARGE, 'so "so", or so', note="two\nlines", object_id="ZTF1")
    labels.set(2, "good")
    out = file.with_suffix(".csv")
    labels.to_csv(out)
    with out.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [int(row["candid"]) for row in rows] == [LARGE, 2]
    assert (rows[0]["label"], rows[0]["note"]) == ('so "so", or so', "two\nlines")
    with pytest.raises(SourceError, match="exists"):
        labels.to_csv(out)
    labels.to_csv(out, overwrite=True)
    assert next(csv.reader(io.StringIO(labels.csv()))) == [
        "candid", "objectId", "label", "note", "time", "by",
    ]  # fmt: skip
    with pytest.raises(SourceError, match="cannot write"):
        labels.to_csv(file.with_name("nowhere") / "labels.csv")


def test_table(file: Path) -> None:
    """As an astropy Table, candids are whole numbers; an empty one has its columns."""
    labels = Labels(file)
    assert labels.table().colnames == ["candid", "objectId", "label", "note", "time", "by"]
    labels.set(LARGE, "good")
    assert labels.table()["candid"][0] == LARGE


def test_names_out_of_alerts_are_kept_short_and_plain(file: Path) -> None:
    """An object's name is never refused, but neither long nor of several lines."""
    labels = Labels(file)
    labels.set(1, "good", object_id="<img>\n" + "x" * 5000)
    assert labels[1].object_id.startswith("<img>xxx")
    assert len(labels[1].object_id) == 100


class Sharing(RuleBasedStateMachine):
    """Two programs on one file, crashes in between: the model is a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(os.environ.get("TMPDIR", "/tmp")) / f"ztfnb-labels-{os.getpid()}"  # noqa: S108 - removed below
        self.folder.mkdir(exist_ok=True)
        self.file = self.folder / "labels.jsonl"
        self.file.unlink(missing_ok=True)
        self.held = [Labels(self.file), Labels(self.file)]
        self.said: dict[int, tuple[str, str]] = {}

    def _say(self, candid: int, word: str, note: str) -> None:
        self.said[candid] = (word, note)
        if not word and not note:
            del self.said[candid]

    @rule(which=st.booleans(), candid=candids, word=words, note=notes)
    def label(self, which: bool, candid: int, word: str, note: str) -> None:
        self.held[which].refresh()
        self.held[which].set(candid, word, note=note)
        self._say(candid, word.strip(), note.strip())

    @rule(which=st.booleans(), candid=candids)
    def clear(self, which: bool, candid: int) -> None:
        self.held[which].refresh()
        self.held[which].set(candid, "")
        self._say(candid, "", self.said.get(candid, ("", ""))[1])

    @rule(which=st.booleans(), candid=candids)
    def remove(self, which: bool, candid: int) -> None:
        self.held[which].refresh()
        self.held[which].remove(candid)
        self._say(candid, "", "")

    @rule(garbage=st.binary(min_size=1, max_size=9).filter(lambda data: b"\n" not in data))
    def crash(self, garbage: bytes) -> None:
        with self.file.open("ab") as file:
            file.write(b'{"candid": "' + garbage)

    @rule(which=st.booleans())
    def reopen(self, which: bool) -> None:
        self.held[which] = Labels(self.file)

    @invariant()
    def agree(self) -> None:
        for labels in self.held:
            labels.refresh()
            assert {c: (told.label, told.note) for c, told in labels.items()} == self.said

    def teardown(self) -> None:
        self.file.unlink(missing_ok=True)
        self.folder.rmdir()


Sharing.TestCase.settings = settings(max_examples=25, stateful_step_count=20)
TestSharing = Sharing.TestCase
