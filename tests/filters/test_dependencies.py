"""The hash changes with whatever decides, and with nothing else."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import import_module, reload
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cells import Notebook
from hypothesis import given
from hypothesis import strategies as st

from ztfnb.filters.constants import UnseenError, canonical

pytestmark = pytest.mark.filterwarnings("ignore::ztfnb.errors.FilterWarning")

BEFORE = """
import functools
import math
import numpy as np
import ztfnb

LIMIT = 0.65
TABLE = {"g": [1, 2], "r": (3.0, None)}
SKY = np.arange(4.0)

def deeper(value):
    return value * 2

def helper(value, power=2):
    return deeper(value) ** power > LIMIT

double = lambda value: value * 2

class Box:
    size = 3
    def area(self):
        return deeper(self.size)

def outer(inside):
    @ztfnb.filter
    def f(alert, *, rb_min=0.5):
        'A docstring.'
        return (helper(alert) and TABLE["g"][0] < inside and double(alert) > rb_min
                and Box().area() > SKY.sum() and math.hypot(alert, 1) > np.pi)
    return f

f = outer(1)
"""


def hash_of(text: str) -> str:
    book = Notebook()
    book.run(text)
    found: str = book["f"].hash
    assert re.fullmatch("[0-9a-f]{64}", found)
    return found


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 0.65", "LIMIT = 0.7"),
        ("LIMIT = 0.65", "LIMIT = '0.65'"),
        ("[1, 2]", "[1, 3]"),
        ("(3.0, None)", "[3.0, None]"),
        ("(3.0, None)", "(3, None)"),
        ("arange(4.0)", "arange(5.0)"),
        ("arange(4.0)", "arange(4)"),
        ("value * 2\n\ndef helper", "value * 3\n\ndef helper"),
        ("power=2", "power=3"),
        ("lambda value: value * 2", "lambda value: value * 3"),
        ("size = 3", "size = 4"),
        ("f = outer(1)", "f = outer(2)"),
        ("rb_min=0.5", "rb_min=0.6"),
        ("math.hypot", "math.dist"),
        ("np.pi", "np.e"),
        ("< inside", "<= inside"),
        ("helper(alert) and", "not helper(alert) and"),
    ],
)
def test_what_decides_changes_it(old: str, new: str) -> None:
    """Text, helpers of helpers, constants, closures, defaults, classes and lambdas count."""
    assert old in BEFORE
    assert hash_of(BEFORE.replace(old, new)) != hash_of(BEFORE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("import math", "\n\n\n# a comment\nimport math"),
        ("    return deeper(value) **", "    # why\n\n    return  deeper( value )  **"),
        ("    'A docstring.'", "    'Another.'"),
        ("def deeper(value):", "def deeper(value: float) -> float:"),
        ("rb_min=0.5", "rb_min: (0, 1) = 0.5"),
        ("import functools", "import functools\nalert = 3; rb_min = 4; unused = 5"),
    ],
)
def test_what_does_not_decide_leaves_it(old: str, new: str) -> None:
    """Comments, lines, white space, docstrings, types and names of others do not count."""
    assert old in BEFORE
    assert hash_of(BEFORE.replace(old, new)) == hash_of(BEFORE)


def test_as_it_is_now() -> None:
    """A helper or constant that another cell defines anew counts at once; back, it is as it was."""
    book = Notebook()
    book.run(BEFORE)
    first = book["f"].hash
    book.run("LIMIT = 0.9")
    second = book["f"].hash
    book.run("def deeper(value):\n    return value + 1")
    third = book["f"].hash
    book.run("LIMIT = 0.65\ndef deeper(value):\n    return value * 2")
    assert len({first, second, third}) == 3
    assert book["f"].hash == first


def test_told() -> None:
    """What counts is listed by name."""
    book = Notebook()
    book.run(BEFORE)
    found = book["f"].dependencies
    assert set(found.helpers) == {"helper", "deeper", "double", "Box"}
    assert found.helpers["deeper"] == "def deeper(value):\n    return value * 2"
    assert found.constants["LIMIT"] == "0.65"
    assert found.constants["inside"] == "1"
    assert found.libraries == ("math.hypot", "numpy.pi")
    assert found.unseen == ()


def test_of_one_name(module: Path) -> None:
    """Constants of one name in two modules are both listed."""
    assert module.exists()
    book = Notebook()
    book.run("""
        import ztfnb, own_helpers
        FLOOR = 7
        @ztfnb.filter
        def f(alert):
            return alert > FLOOR or own_helpers.is_star(alert)
        """)
    assert book["f"].dependencies.constants == {"FLOOR": "7", "FLOOR (2)": "1"}


def test_what_cannot_be_seen_is_told() -> None:
    """Objects of other kinds, names not defined, written ones and eval are listed as unseen."""
    book = Notebook()
    book.run("""
        import ztfnb
        thing = object()
        count = 0
        made = {}
        exec("def hidden(x): return x", made)
        hidden = made["hidden"]
        @ztfnb.filter
        def f(alert):
            global count
            count += 1
            return eval("alert") and thing and later(alert) and hidden(alert)
        """)
    unseen = "\n".join(book["f"].dependencies.unseen)
    for said in ("thing: a object is known", "count: f writes it", "later: not defined yet",
                 "eval()", "hidden: its source is not to be had"):  # fmt: skip
        assert said in unseen


def test_counting_itself_leaves_it() -> None:
    """A global that the function writes does not change the hash as it runs."""
    book = Notebook()
    book.run("import ztfnb\ncount = 0\n@ztfnb.filter\ndef f(alert):\n"
             "    global count\n    count += 1\n    return True")  # fmt: skip
    before = book["f"].hash
    assert book["f"](1)
    assert book["f"].hash == before


@pytest.mark.parametrize("recursive", ["f(alert - 1)", "again(alert - 1)", "f.with_params()(1)"])
def test_recursion_ends(recursive: str) -> None:
    """Functions that call each other, and a filter that calls itself, have a hash."""
    text = (
        "import ztfnb\ndef again(x):\n    return x and (again(x - 1) or f(x))\n"
        f"@ztfnb.filter\ndef f(alert):\n    return alert and {recursive}"
    )
    assert hash_of(text) == hash_of(text)


def test_filters_that_a_filter_calls() -> None:
    """Another filter counts by its source and what its thresholds are set to."""
    text = """
import ztfnb
@ztfnb.filter
def g(alert, *, limit=1):
    return alert > limit
h = g.with_params(limit=2)
@ztfnb.filter
def f(alert):
    return h(alert)
"""
    assert hash_of(text) == hash_of(text)
    assert hash_of(text) != hash_of(text.replace("limit=2", "limit=3"))
    assert hash_of(text) != hash_of(text.replace("alert > limit", "alert >= limit"))


def test_combinations() -> None:
    """A combination's hash is that of its parts and how they are put together."""
    text = """
import ztfnb
@ztfnb.filter
def a(alert): return alert > 1
@ztfnb.filter
def b(alert): return alert < 5
f = a & b
"""
    assert hash_of(text) == hash_of(text)
    assert hash_of(text) != hash_of(text.replace("a & b", "a | b"))
    assert hash_of(text) != hash_of(text.replace("alert < 5", "alert < 6"))


def test_files_and_setup(here: Path) -> None:
    """The bytes of files and the source of the setup count."""
    text = """
import ztfnb
def load(model): return float(model.read_text())
@ztfnb.filter(files={"model": "model.txt"}, setup=load)
def f(alert, *, floor): return alert > floor
"""
    (here / "model.txt").write_text("0.5")
    first = hash_of(text)
    assert first == hash_of(text)
    assert first != hash_of(text.replace("float(model", "1 + float(model"))
    (here / "model.txt").write_text("0.6")
    assert first != hash_of(text)


@pytest.fixture
def module(here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    file = here / "own_helpers.py"
    file.write_text("FLOOR = 1\nCEILING = 2\ndef is_star(x):\n    return x > FLOOR\n")
    monkeypatch.syspath_prepend(here)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield file
    sys.modules.pop("own_helpers", None)


def changed(file: Path, old: str, new: str) -> None:
    file.write_text(file.read_text().replace(old, new) + "# so that it is of another size\n")
    reload(import_module("own_helpers"))


def test_own_modules(module: Path) -> None:
    """Of the author's own module, what is used counts by its source."""
    text = ("import ztfnb, own_helpers\n@ztfnb.filter\n"
            "def f(alert): return own_helpers.is_star(alert)")  # fmt: skip
    first = hash_of(text)
    changed(module, "CEILING = 2", "CEILING = 3")
    assert hash_of(text) == first
    changed(module, "FLOOR = 1", "FLOOR = 3")
    assert hash_of(text) != first


def test_own_modules_imported_inside(module: Path) -> None:
    """Of a module that the function imports when it runs, the whole counts."""
    text = ("import ztfnb\n@ztfnb.filter\ndef f(alert):\n"
            "    from own_helpers import is_star\n    import numpy.linalg\n"
            "    return is_star(alert)")  # fmt: skip
    book = Notebook()
    book.run(text)
    first = book["f"].hash
    assert "own_helpers" not in sys.modules
    assert book["f"].dependencies.libraries == ("numpy.linalg",)
    changed(module, "FLOOR = 1", "FLOOR = 3")
    assert book["f"].hash != first


def test_classes_without_methods() -> None:
    """A class of a cell counts by its source, also where no method of it knows the cell."""
    text = """
        import enum, ztfnb
        class Band(enum.IntEnum):
            g = 1
            r = 2
        @ztfnb.filter
        def f(alert): return alert["candidate"]["fid"] == Band.r
        """
    book = Notebook()
    book.run(text)
    assert book["f"].dependencies.unseen == ()
    assert "class Band" in book["f"].dependencies.helpers["Band"]
    assert hash_of(text.replace("g = 1", "g = 3")) != book["f"].hash


def test_the_same_in_a_module(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter with objects of its own classes is the same in a cell and in a module."""
    text = (
        "from dataclasses import dataclass\nimport ztfnb\n@dataclass\nclass Region:\n"
        "    ra: float\nHERE = Region(1.0)\n@ztfnb.filter\ndef f(alert):\n"
        "    class Inner:\n        x = 1\n    return alert['candidate']['ra'] > HERE.ra\n"
    )
    (here / "own_region.py").write_text(text)
    monkeypatch.syspath_prepend(str(here))
    assert import_module("own_region").f.hash == hash_of(text)
    del sys.modules["own_region"]


plain: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)  # fmt: skip


@given(plain, plain)
def test_constants(one: Any, other: Any) -> None:
    """Values have one text exactly where Python writes them alike."""
    assert (canonical(one) == canonical(other)) is (repr(one) == repr(other))


@given(st.lists(st.integers() | st.text(), unique=True), st.randoms())
def test_sets_have_no_order(items: list[Any], random: Any) -> None:
    """A set has one text, in whatever order it was filled."""
    shuffled = random.sample(items, len(items))
    assert canonical(set(items)) == canonical(set(shuffled))
    assert canonical(set(items)) != canonical(frozenset(items))


def test_constants_that_text_does_not_tell() -> None:
    """What no text says everything of is refused; a list in itself too."""
    endless: list[Any] = []
    endless.append(endless)
    for value in (object(), endless, iter([1]), np.array([object()])):
        with pytest.raises(UnseenError):
            canonical(value)


@pytest.mark.parametrize(
    "change",
    [
        "NAMES.rb = 0.7",
        "LIMITS.rb = 0.7",
        "LIMITS.own = 1",
        "Limits.mag = 19.0",
        "LIMITS.inner.fid = 2",
    ],
)
def test_objects_that_change(change: str) -> None:
    """Attributes count as they are now: those of a namespace, a class and its instances."""
    book = Notebook()
    f = book.run(
        """
        from types import SimpleNamespace
        import ztfnb

        class Limits:
            mag = 18.0

            def __init__(self):
                self.rb = 0.5

        NAMES, LIMITS = SimpleNamespace(rb=0.5), Limits()
        LIMITS.inner = SimpleNamespace(fid=1)

        @ztfnb.filter
        def f(alert):
            return alert["rb"] > max(NAMES.rb, LIMITS.rb) and alert["mag"] < Limits.mag
        """
    )["f"]
    before = f.hash
    assert f.hash == before
    assert f.dependencies.unseen == ()
    book.run(change)
    assert f.hash != before
