"""Pinned alerts are kept byte for byte, and tried whenever the filter is defined."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
import pytest
from cells import Notebook
from hypothesis import given, settings
from hypothesis import strategies as st
from made import made_alert, made_packet
from packets import needs_real_packets, real_files

from ztfnb.codec import decode
from ztfnb.errors import ConfigError, FilterError, FilterWarning, NotHeldError, SourceError
from ztfnb.filters import pins as module
from ztfnb.filters.decision import Verdict
from ztfnb.filters.pins import Pins

pytestmark = pytest.mark.filterwarnings("ignore::ztfnb.errors.FilterWarning")

CELL = """
    import ztfnb
    @ztfnb.filter
    def bright(alert, *, limit=19.0):
        return alert["candidate"]["magpsf"] < limit
    """


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Notebook:
    monkeypatch.chdir(tmp_path)
    made = Notebook()
    made.run(CELL)
    return made


@pytest.fixture
def pins(tmp_path: Path) -> Pins:
    return Pins(tmp_path / "f.pins")


@pytest.fixture
def told() -> Iterator[list[str]]:
    """What is warned of, as it comes."""
    lines: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, category, *_: (
            lines.append(str(message)) if category is FilterWarning else None
        )
        yield lines


def test_kept_beside_the_notebook(book: Notebook, tmp_path: Path) -> None:
    """The folder has the filter's name; the packet lies in it as it came."""
    packet = made_packet(7, magpsf=18)
    result = book["bright"].pin(decode(packet), note="the first")
    assert (result.candid, result.expected, result.verdict, result.green) == (7, True, 1, True)
    assert (tmp_path / "bright.pins" / "7.avro").read_bytes() == packet
    (pin,) = book["bright"].pins.values()
    assert (pin.candid, pin.object_id, pin.passes) == (7, "ZTF260000007", True)
    assert pin.note == "the first"
    assert pin.packet == packet
    assert pin.alert == decode(packet)
    assert sorted(file.name for file in (tmp_path / "bright.pins").iterdir()) == [
        "7.avro",
        "pins.jsonl",
    ]


def test_no_folder_without_a_pin(book: Notebook, tmp_path: Path) -> None:
    """Looking for pins, or defining a filter, makes nothing."""
    assert len(book["bright"].pins) == 0
    assert book["bright"].check_pins() == ()
    assert list(tmp_path.iterdir()) == []


def test_checked(book: Notebook) -> None:
    """Each pin is green where the filter decides as it must; a failure never is."""
    bright = book["bright"]
    bright.pin(decode(made_packet(1, magpsf=18)))
    bright.pin(decode(made_packet(2, magpsf=20)), passes=False)
    bright.pin(decode(made_packet(3, magpsf=20)))
    assert [one.green for one in bright.check_pins()] == [True, True, False]
    assert [one.verdict for one in bright.check_pins()] == [1, 0, 0]
    assert [one.green for one in bright.with_params(limit=21).check_pins()] == [True, False, True]
    book.run("""
        @ztfnb.filter
        def bright(alert):
            return alert["no such field"]
        """)
    for one in book["bright"].check_pins():
        assert one.verdict is Verdict.FAILED
        assert not one.green
        assert "no such field" in one.error


def test_pinned_anew_and_unpinned(book: Notebook, tmp_path: Path) -> None:
    """A second pin of an alert replaces the first; an unpinned one is gone with its packet."""
    bright = book["bright"]
    bright.pin(decode(made_packet(1)))
    bright.pin(decode(made_packet(2)))
    bright.pin(decode(made_packet(1)), passes=False)
    assert {one.candid: one.passes for one in bright.pins.values()} == {2: True, 1: False}
    bright.unpin(1)
    assert list(bright.pins) == [2]
    assert not (tmp_path / "bright.pins" / "1.avro").exists()
    with pytest.raises(NotHeldError, match="1 is not pinned"):
        bright.unpin(1)


def test_told_on_definition(book: Notebook, told: list[str]) -> None:
    """Pins that are red are told when the cell is run, once each time; green ones are not."""
    book["bright"].pin(decode(made_packet(1, magpsf=18)), note="SN")
    book.run(CELL)
    assert told == []
    for _ in range(2):
        book.run(CELL.replace("19.0", "17.0"))
    assert len(told) == 2
    assert told[0] == "bright: 1 of 1 pins are red\n  red: 1 must pass, rejected: SN"
    book.run(CELL)
    assert len(told) == 2


def test_a_definition_never_fails_for_its_pins(
    book: Notebook, tmp_path: Path, told: list[str]
) -> None:
    """Pins that cannot be read or tried are told, and the filter is there."""
    book["bright"].pin(decode(made_packet(1, magpsf=18)))
    (tmp_path / "bright.pins" / "1.avro").write_bytes(b"damaged")
    book.run(CELL)
    assert "1 of 1 pins are red" in told[-1]
    assert "is not what was pinned" in told[-1]
    (tmp_path / "bright.pins" / "1.avro").unlink()
    book.run(CELL)
    assert "cannot read" in told[-1]
    (tmp_path / "bright.pins" / "pins.jsonl").unlink()
    (tmp_path / "bright.pins" / "pins.jsonl").mkdir()
    book.run(CELL)
    assert "its pins cannot be tried" in told[-1]
    assert book["bright"](made_alert(magpsf=18))


def test_a_filter_of_a_module_runs_no_pins(book: Notebook, told: list[str]) -> None:
    """Importing a filter does not run what lies in the working directory."""
    book["bright"].pin(decode(made_packet(1, magpsf=20)))
    other = Notebook("some_module")
    other.run(CELL)
    assert told == []
    assert not other["bright"].check_pins()[0].green  # unless it is asked


def test_the_folder_stays_where_the_filter_was_defined(
    book: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another working directory later moves no pins."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    book["bright"].with_params(limit=20).pin(decode(made_packet(1)))
    assert (tmp_path / "bright.pins" / "1.avro").exists()


def test_dictionaries(pins: Pins) -> None:
    """The dictionary of a whole alert is encoded by its schema, and read again as it was."""
    alert = decode(made_packet(5, rb=0.123)).as_dict()
    pin = pins.pin(alert)
    assert pin.alert == alert
    partial = made_alert(6)  # optional fields are absent
    assert pins.pin(partial).alert["candidate"]["ssdistnr"] is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda alert: alert.pop("candidate"), "only a whole alert can be pinned"),
        (lambda alert: alert["candidate"].pop("jd"), "only a whole alert can be pinned"),
        (lambda alert: alert["candidate"].update(jd="x"), "only a whole alert can be pinned"),
        (lambda alert: alert["candidate"].update(mine=1), "no place for candidate.mine"),
        (lambda alert: alert.update(mine=1), "no place for mine"),
    ],
)
def test_dictionaries_that_are_none(pins: Pins, change: Any, told: str) -> None:
    """What the schema cannot hold is refused, and nothing is written."""
    alert = made_alert(1)
    change(alert)
    with pytest.raises(FilterError, match=told):
        pins.pin(alert)
    assert not pins.folder.exists()
    with pytest.raises(FilterError, match="expected an alert or the dictionary of one, got int"):
        pins.pin(3)  # type: ignore[arg-type]


@needs_real_packets
def test_real_packets(pins: Pins) -> None:
    """Packets of every schema are kept byte for byte; fastavro's dictionary comes back equal."""
    whole = 0
    for file in real_files("**/*.avro")[::25]:
        data = file.read_bytes()
        if data.startswith(b"Obj"):
            assert pins.pin(decode(data)).packet == data
            with file.open("rb") as opened:
                record: Any = next(iter(fastavro.reader(opened)))
            if record.get("schemavsn") in ("3.3", "4.02"):
                again = pins.pin(record)
                assert {name: again.alert[name] for name in record} == record
                whole += 1
        else:  # of Rubin
            assert pins.pin(decode(data)).packet == data
    assert whole


def test_lines_that_cannot_be_read(pins: Pins) -> None:
    """A torn or foreign line is reported and stays; the others count."""
    pins.pin(decode(made_packet(1)))
    file = pins.folder / "pins.jsonl"
    with file.open("ab") as opened:
        opened.write(b'{"candid": "2", "passes": "yes"}\n[1]\n\xff\n\n{"candid": "x"}\n{"cand')
    assert list(pins) == [1]
    assert len(pins.problems) == 5
    assert pins.problems[0].startswith("line 2: passes: expected true or false")
    pins.pin(decode(made_packet(3)))
    assert list(pins) == [1, 3]
    assert len(pins.problems) == 5


def test_a_line_cannot_name_another_file(pins: Pins) -> None:
    """What a line says is a number, never a path."""
    pins.pin(decode(made_packet(1)))
    with (pins.folder / "pins.jsonl").open("a") as opened:
        opened.write('{"candid": "../../secret", "passes": true}\n')
    assert list(pins) == [1]


def test_refused_by_the_disk(
    book: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that refuses leaves what was there, no pieces, and a clear error."""
    book["bright"].pin(decode(made_packet(1, magpsf=18)))

    def refuse(*_: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    for place in ("append", "os.fsync"):
        with monkeypatch.context() as patched:
            patched.setattr(f"ztfnb.filters.pins.{place}", refuse)
            with pytest.raises(SourceError, match=r"cannot be pinned in .*: Read-only file system"):
                book["bright"].pin(decode(made_packet(2)))
            if place == "append":
                with pytest.raises(SourceError, match="1 cannot be unpinned"):
                    book["bright"].unpin(1)
        assert list(book["bright"].pins) == [1]
        assert book["bright"].check_pins()[0].green
    assert not list((tmp_path / "bright.pins").glob(".*"))


def test_a_file_where_the_folder_would_be(book: Notebook, tmp_path: Path) -> None:
    """A file of the folder's name is told, not overwritten."""
    (tmp_path / "bright.pins").write_text("mine")
    with pytest.raises(SourceError, match=r"bright\.pins"):
        book["bright"].pin(decode(made_packet(1)))
    assert (tmp_path / "bright.pins").read_text() == "mine"


def test_notes_are_text(pins: Pins) -> None:
    """A note that is none is refused before anything is written."""
    with pytest.raises(ConfigError, match="note"):
        pins.pin(decode(made_packet(1)), note="x" * 5000)
    assert not pins.folder.exists()


def test_threads(pins: Pins, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pins made at the same time are all kept."""
    # Each waits for the disk of all others, which may be slow.
    monkeypatch.setattr("ztfnb.lines.PATIENCE", 240.0)
    threads = [
        threading.Thread(target=pins.pin, args=(decode(made_packet(candid)),))
        for candid in range(1, 17)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(pins) == set(range(1, 17))
    assert all(pin.packet for pin in pins.values())


KILLED = """
import sys
sys.path[:0] = [sys.argv[2]]
from made import made_packet
from ztfnb.codec import decode
from ztfnb.filters.pins import Pins
pins = Pins(sys.argv[1])
for candid in range(1, 10_000):
    pins.pin(decode(made_packet(candid)))
    print(candid, flush=True)
"""


def test_a_crash_loses_nothing(pins: Pins) -> None:
    """Whatever was pinned when the program is killed is there, whole."""
    tests = str(Path(__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(pins.folder), tests], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        said = [int(running.stdout.readline()) for _ in range(5)]
        running.send_signal(signal.SIGKILL)
        said += [int(line) for line in running.stdout if line.endswith("\n")]
    assert set(said) <= set(pins)
    for candid, pin in pins.items():
        assert pin.packet == made_packet(candid)


@settings(max_examples=30)  # each writes to the disk
@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["pass", "reject", "unpin"]))))
def test_the_last_word_counts(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str]]
) -> None:
    """After any pins and unpins, what was said last of each alert is what is kept."""
    pins = Pins(tmp_path_factory.mktemp("pins") / "f.pins")
    expected: dict[int, bool] = {}
    for candid, step in steps:
        if step == "unpin":
            if expected.pop(candid, None) is None:
                continue
            pins.unpin(candid)
        else:
            expected[candid] = step == "pass"
            pins.pin(decode(made_packet(candid)), passes=step == "pass")
    again = Pins(pins.folder)
    assert {candid: pin.passes for candid, pin in again.items()} == expected
    if steps:
        files = {file.name for file in pins.folder.glob("*.avro")}
        assert files == {f"{candid}.avro" for candid in expected}


def test_candids_are_exact_for_any_reader(pins: Pins) -> None:
    """A candid is text in the file, as most readers make floats of numbers."""
    pins.pin(decode(made_packet(2_461_055_750_123_456_789)))
    (line,) = (pins.folder / module.LINES).read_text().splitlines()
    assert json.loads(line)["candid"] == "2461055750123456789"
