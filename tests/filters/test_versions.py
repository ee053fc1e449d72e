"""Versions are kept beside the notebook, and say what changed since it worked."""

from __future__ import annotations

import errno
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from cells import Notebook
from hypothesis import given, settings
from hypothesis import strategies as st
from made import made_packet

from ztfnb.codec import decode
from ztfnb.errors import FilterError, FilterWarning, SourceError
from ztfnb.filters.versions import Version, Versions, keep, version_of

pytestmark = pytest.mark.filterwarnings("ignore:.*pins are red:ztfnb.errors.FilterWarning")

CELL = """
    import ztfnb
    LIMIT = 19.0

    def brighter(value):
        return value < LIMIT

    @ztfnb.filter
    def bright(alert, *, shift=0.0):
        return brighter(alert["candidate"]["magpsf"] + shift)
    """
COUNTS = {"passed": 3, "rejected": 4, "failed": 1}


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Notebook:
    monkeypatch.chdir(tmp_path)
    made = Notebook()
    made.run(CELL)
    return made


def test_kept_beside_the_notebook(book: Notebook, tmp_path: Path) -> None:
    """An evaluation is a line of the file of the filter's name, and read again as it was."""
    made = book["bright"].with_params(shift=0.5)
    version = keep(made, COUNTS, "night-20181128")
    assert version is not None
    assert (tmp_path / "bright.versions.jsonl").is_file()
    (found,) = made.versions
    assert found == version
    assert found.hash == made.hash
    assert found.params == {"shift": 0.5}
    assert found.counts == COUNTS
    assert found.sample == "night-20181128"
    assert found.time.endswith("Z")
    assert made.source in found.source
    assert "def brighter" in found.source
    assert "LIMIT = 19.0" in found.source


def test_nothing_is_written_for_modules(book: Notebook, tmp_path: Path) -> None:
    """A filter of a module leaves no file, unless one is named."""
    other = Notebook("some_module")
    other.run(CELL)
    assert keep(other["bright"], COUNTS, "x") is None
    assert len(other["bright"].versions) == 0
    assert list(tmp_path.iterdir()) == []
    named = tmp_path / "named.jsonl"
    assert keep(other["bright"], COUNTS, "x", named) is not None
    assert len(Versions(named)) == 1
    assert len(book["bright"].versions) == 0


def test_pins_are_counted(book: Notebook) -> None:
    """A version says how many pinned alerts were green and red."""
    assert not version_of(book["bright"], COUNTS, "x").worked  # without pins nobody knows
    book["bright"].pin(decode(made_packet(1, magpsf=18)))
    book["bright"].pin(decode(made_packet(2, magpsf=20)), passes=False)
    found = version_of(book["bright"], COUNTS, "x")
    assert (found.green, found.red, found.worked) == (2, 0, True)
    found = version_of(book["bright"].with_params(shift=3.0), COUNTS, "x")
    assert (found.green, found.red, found.worked) == (1, 1, False)


def test_what_changed_since_it_worked(book: Notebook) -> None:
    """The difference of source, helpers, constants and thresholds is told."""
    book["bright"].pin(decode(made_packet(1, magpsf=18)))
    keep(book["bright"], COUNTS, "a")
    assert book["bright"].versions.since_green() == ""
    book.run(CELL.replace("19.0", "17.0").replace("value <", "value <="))
    keep(book["bright"].with_params(shift=0.25), COUNTS, "b")
    versions = book["bright"].versions
    green = versions.last_green()
    assert green == versions[0]
    told = versions.since_green().splitlines()
    assert "-    return value < LIMIT" in told
    assert "+    return value <= LIMIT" in told
    assert "-LIMIT = 19.0" in told
    assert "+LIMIT = 17.0" in told
    assert "-shift = 0.0" in told
    assert "+shift = 0.25" in told
    assert told[0].startswith(f"--- {versions[0].hash[:12]} ")
    assert told[1].startswith(f"+++ {versions[1].hash[:12]} ")
    assert versions.changed(0, 1) == versions.changed(versions[0], versions[1])
    assert versions.changed(1, 1) == ""


def test_never_green(book: Notebook) -> None:
    """Where it never worked, that is told."""
    keep(book["bright"], COUNTS, "a")
    assert book["bright"].versions.last_green() is None
    with pytest.raises(FilterError, match=r"f\.pin\(alert\)"):
        book["bright"].versions.since_green()


def test_a_text_is_written_once(book: Notebook, tmp_path: Path) -> None:
    """The same source again takes no room; another text of the same hash is kept."""
    for _ in range(3):
        keep(book["bright"], COUNTS, "a")
    book.run(CELL.replace("return brighter", "# why\n        return brighter"))
    keep(book["bright"], COUNTS, "a")
    lines = (tmp_path / "bright.versions.jsonl").read_text().splitlines()
    assert ["source" in json.loads(line) for line in lines] == [True, False, False, True]
    versions = book["bright"].versions
    assert len({one.hash for one in versions}) == 1
    assert [("# why" in one.source) for one in versions] == [False, False, False, True]


def test_where_it_cannot_be_written(book: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    """The evaluation stands; that its version is not kept is a warning with a way out."""

    def refuse(*_: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("ztfnb.filters.versions.append", refuse)
    with pytest.warns(FilterWarning, match=r"Read-only file system; name a file elsewhere"):
        assert keep(book["bright"], COUNTS, "a") is not None
    with pytest.raises(SourceError, match="Read-only"):
        book["bright"].versions.add(version_of(book["bright"], COUNTS, "a"))


def test_lines_that_cannot_be_read(book: Notebook, tmp_path: Path) -> None:
    """A torn or foreign line is reported and stays; the others count."""
    keep(book["bright"], COUNTS, "a")
    file = tmp_path / "bright.versions.jsonl"
    with file.open("ab") as opened:
        opened.write(b'[1]\n{"hash": "x"}\n\xff\n\n{"hash": "x", "ti')
    keep(book["bright"], COUNTS, "b")
    versions = book["bright"].versions
    assert [one.sample for one in versions] == ["a", "b"]
    assert len(versions.problems) == 4
    assert versions.problems[0].startswith("line 2: ")


def test_threads(tmp_path: Path) -> None:
    """Versions added at the same time are all kept, each with its text."""
    versions = Versions(tmp_path / "f.versions.jsonl")

    def add(place: int) -> None:
        versions.add(Version("aa", f"text {place % 2}", {"x": place}, "now", "s", COUNTS))

    threads = [threading.Thread(target=add, args=(place,)) for place in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.params["x"] for one in versions) == list(range(12))
    assert all(one.source == f"text {int(one.params['x']) % 2}" for one in versions)


texts = st.text(st.characters(codec="utf-8"), max_size=20)
kept = st.builds(
    Version,
    hash=st.text("0123456789abcdef", min_size=64, max_size=64),
    source=texts,
    params=st.dictionaries(
        texts, st.booleans() | st.integers() | texts | st.floats(allow_nan=False)
    ),
    time=st.just("2026-01-01T00:00:00Z"),
    sample=texts,
    counts=st.dictionaries(texts, st.integers(0, 10**9)),
    green=st.integers(0, 9),
    red=st.integers(0, 9),
)


@settings(max_examples=30)  # each writes to the disk
@given(st.lists(kept, max_size=5))
def test_read_as_written(tmp_path_factory: pytest.TempPathFactory, versions: list[Version]) -> None:
    """Any versions come back as they were, in their order."""
    held = Versions(tmp_path_factory.mktemp("versions") / "f.versions.jsonl")
    for one in versions:
        held.add(one)
    assert list(held) == versions
    assert held[:2] == versions[:2]
    assert repr(held).startswith(f"<Versions in f.versions.jsonl: {len(versions)}")
    assert held.last_green() == next((one for one in reversed(versions) if one.worked), None)


def test_told_on_one_line(book: Notebook) -> None:
    """A version says what was evaluated, on what, and what came of it."""
    told = str(version_of(book["bright"], COUNTS, "night"))
    assert book["bright"].hash[:12] in told
    assert "(shift=0.0) on night: 3 passed, 4 rejected, 1 failed" in told
