"""Files and setup give a filter what it names, once, and only what it was defined with."""

from __future__ import annotations

import pickle
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from cells import Notebook

from ztfnb.errors import FilterError

LOADED = """
    import ztfnb
    runs = []

    def load(model):
        runs.append(model)
        return float(model.read_text())

    @ztfnb.filter(files={"model": "model.txt"}, setup=load)
    def f(alert, *, floor, limit=0.0):
        return alert > floor + limit
    """


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Notebook:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.txt").write_text("0.5")
    made = Notebook()
    made.run("import ztfnb")
    return made


def test_a_file(book: Notebook, tmp_path: Path) -> None:
    """A parameter named like a file gets its whole path, found beside the notebook."""
    book.run("""
        @ztfnb.filter(files={"model": "model.txt"})
        def f(alert, *, model, limit=0.0):
            return alert > float(model.read_text()) + limit
        """)
    f = book["f"]
    assert f.resources == {"model": tmp_path / "model.txt"}
    assert f.files == {"model": tmp_path / "model.txt"}
    assert f.checksums["model"].startswith("d2cbad71ff333de6")  # SHA-256 of 0.5
    assert f.needs == ("model",)
    assert f(0.6) is True
    assert f(0.6, limit=1) is False


def test_without_decorating(book: Notebook) -> None:
    """Files and setup may be given with the function."""
    book.run("""
        def f(alert, *, floor):
            return alert > floor
        g = ztfnb.filter(f, setup=lambda: 0.5)
        """)
    assert book["g"](0.6) is True


def test_a_setup_runs_once(book: Notebook, tmp_path: Path) -> None:
    """It gets the path, its result goes to the parameter, and variants share it."""
    book.run(LOADED)
    f = book["f"]
    assert book["runs"] == []
    assert (f(0.6), f(0.4)) == (True, False)
    assert f.with_params(limit=1)(0.6) is False
    assert f.with_params(limit=0.05).plain(0.6) is True
    assert book["runs"] == [tmp_path / "model.txt"]


def test_a_setup_runs_once_for_variants_made_before(book: Notebook) -> None:
    """What one variant has loaded, those made before have too."""
    book.run(LOADED)
    f = book["f"]
    other = f.with_params(limit=1)
    assert f.resources is other.resources
    assert len(book["runs"]) == 1


def test_a_setup_runs_once_for_threads(book: Notebook) -> None:
    """Threads that come at the same time wait for one setup."""
    book.names["wait"] = lambda: time.sleep(0.05)
    book.run("""
        runs = []
        def load():
            runs.append(1)
            wait()
            return 0.5
        @ztfnb.filter(setup=load)
        def f(alert, *, floor):
            return alert > floor
        """)
    barrier = threading.Barrier(8)

    def call(_: int) -> Any:
        barrier.wait()
        return book["f"](0.6)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(call, range(8))) == [True] * 8
    assert book["runs"] == [1]


def test_a_setup_for_several_parameters(book: Notebook) -> None:
    """It returns a mapping by name; a parameter named like a file gets the path still."""
    book.run("""
        def load(model):
            return {"floor": float(model.read_text()), "ceiling": 0.8, "more": 1}
        @ztfnb.filter(files={"model": "model.txt"}, setup=load)
        def f(alert, *, floor, model, ceiling):
            return {"low": floor, "high": ceiling, "name": model.name}
        """)
    assert book["f"](1) == {"low": 0.5, "high": 0.8, "name": "model.txt"}


@pytest.mark.parametrize(
    ("returned", "told"),
    [("3", "expected from its setup a mapping with a, b, got int"), ("{'a': 1}", "has no 'b'")],
)
def test_a_setup_that_returns_too_little(book: Notebook, returned: str, told: str) -> None:
    """What it must return is told when it does not."""
    book.run(f"""
        @ztfnb.filter(setup=lambda: {returned})
        def f(alert, *, a, b):
            return a and b
        """)
    with pytest.raises(FilterError, match=told):
        book["f"](1)


def test_a_setup_that_fails(book: Notebook) -> None:
    """Its exception is told and kept as the cause; the next call tries again."""
    book.run("""
        runs = []
        def load():
            runs.append(1)
            return [0.5][len(runs) - 2 if len(runs) > 1 else 9]
        @ztfnb.filter(setup=load)
        def f(alert, *, floor):
            return alert > floor
        """)
    with pytest.raises(FilterError, match="f: its setup failed: IndexError") as error:
        book["f"](1)
    assert isinstance(error.value.__cause__, IndexError)
    assert book["f"](1) is True


@pytest.mark.parametrize(
    ("options", "signature", "told"),
    [
        ("", "*, model", r"nothing provides 'model'.*\(model=0.5\).*files=\{\"model\".*setup="),
        ("files={'model': 'model.txt'}", "", r"takes the file 'model'.*def f\(alert, \*, model"),
        ("files={'model': 'model.txt'}", "*, model, x", "nothing provides 'x'"),
        ("files={'model': 'absent.txt'}", "*, model", "absent.txt is not in .*; put it there"),
        ("files={'model': '/absent.txt'}", "*, model", "absent.txt is not there"),
        ("files={'model': '.'}", "*, model", "to be a file"),
        ("files='model.txt'", "*, model", "expected names and paths"),
        ("files={'a b': 'model.txt'}", "*, model", "expected the name of a parameter, got 'a b'"),
        ("files={'model': 3}", "*, model", "expected the path of 'model', got 3"),
        ("setup=3", "*, model", "expected a function, got int"),
        ("setup=print_all", "", "nothing takes what the setup returns"),
        ("setup=needs_path", "*, model", "takes 'path', which is no file; files has none"),
        ("setup=needs_path, files={'a': 'model.txt'}", "*, model", "files has a"),
        ("setup=next", "*, model", "a function with def"),
        (
            "setup=needs_model, files={'model': 'model.txt'}", "*, model",
            r"named like no file: def f\(alert, \*, loaded\)",
        ),
    ],
)  # fmt: skip
def test_refused_at_definition(book: Notebook, options: str, signature: str, told: str) -> None:
    """What cannot be provided is told when the filter is defined, with what to write."""
    book.run("""
        def print_all(): ...
        def needs_path(path): ...
        def needs_model(model): ...
        """)
    with pytest.raises(FilterError, match=told) as error:
        book.run(f"@ztfnb.filter({options})\ndef f(alert, {signature}): ...")
    assert str(error.value).startswith("f: ")


def test_a_file_that_changes(book: Notebook, tmp_path: Path) -> None:
    """Another file in its place is refused where the filter has not read it yet."""
    book.run(LOADED)
    (tmp_path / "model.txt").write_text("0.7")
    with pytest.raises(FilterError, match="not the file that the filter was defined with"):
        book["f"](0.6)
    (tmp_path / "model.txt").write_text("0.5")
    assert book["f"](0.6) is True


def test_a_file_defined_anew(book: Notebook, tmp_path: Path) -> None:
    """Defining the filter again takes the file as it is now, even of the same size."""
    book.run(LOADED)
    before = book["f"].checksums["model"]
    (tmp_path / "model.txt").write_text("0.7")
    book.run(LOADED)
    assert book["f"].checksums["model"] != before
    assert book["f"](0.6) is False


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A module with a file beside it; in the working directory lies another of its name."""
    home = tmp_path / "library"
    home.mkdir()
    (home / "floors.txt").write_text("0.9")
    (home / "floor_filters.py").write_text(
        "import ztfnb\n@ztfnb.filter(files={'floors': 'floors.txt'})\n"
        "def f(alert, *, floors):\n    return alert > float(floors.read_text())\n"
    )
    here = tmp_path / "here"
    here.mkdir()
    (here / "floors.txt").write_text("0.1")
    monkeypatch.chdir(here)
    monkeypatch.syspath_prepend(home)
    yield import_module("floor_filters")
    del sys.modules["floor_filters"]


def test_a_file_beside_the_module(module: Any) -> None:
    """A module's own file is found first, whatever lies in the working directory."""
    assert module.f.files["floors"].parent.name == "library"
    assert module.f(0.5) is False


def test_sent_elsewhere(book: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter that was sent runs its setup there, on a file of the same bytes only."""
    book.run(LOADED)
    assert book["f"](0.6)
    sent = cloudpickle.dumps(book["f"])
    again = pickle.loads(sent)  # noqa: S301 - our own
    assert (again(0.6), again.checksums) == (True, book["f"].checksums)
    # On another machine it lies in another folder.
    other = tmp_path / "other"
    other.mkdir()
    (tmp_path / "model.txt").rename(other / "model.txt")
    monkeypatch.chdir(other)
    assert pickle.loads(sent)(0.6) is True  # noqa: S301 - our own
    (other / "model.txt").write_text("0.7")
    with pytest.raises(FilterError, match="not the file"):
        pickle.loads(sent)(0.6)  # noqa: S301 - our own
    (other / "model.txt").unlink()
    with pytest.raises(FilterError, match="is not in"):
        pickle.loads(sent)(0.6)  # noqa: S301 - our own
