"""A filter is its function, never changes, and goes to other processes with its source."""

from __future__ import annotations

import copy
import inspect
import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import cloudpickle
import numpy as np
import pytest
from cells import Notebook
from made import made_alert, made_packet

import ztfnb
from ztfnb.codec import decode
from ztfnb.errors import FilterError, FilterWarning
from ztfnb.filters.filter import Filter

pytestmark = pytest.mark.filterwarnings("ignore::ztfnb.errors.FilterWarning")


@ztfnb.filter
def bright(alert: Any, *, limit: Annotated[float, (10, 22)] = 19.0, strict: bool = False) -> Any:
    """Pass what is bright."""
    mag = alert["candidate"]["magpsf"]
    return mag < limit if strict else mag <= limit


CELL = """
    import ztfnb
    offset = 0.5

    def shifted(value):
        return value + offset

    @ztfnb.filter
    def near(alert, *, limit=19.0):
        "Uses a helper and a global."
        return shifted(alert["candidate"]["magpsf"]) <= limit
    """


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Notebook:
    monkeypatch.chdir(tmp_path)
    made = Notebook()
    made.run(CELL)
    return made


def test_calling_it() -> None:
    """It returns what the function returns, on alerts and on dictionaries."""
    for alert in (made_alert(magpsf=19.0), decode(made_packet(magpsf=19.0))):
        assert bright(alert) is True
        assert bright(alert, strict=True) is False
        assert bright(alert, limit=18) is False
        assert bright(alert) is True
        assert bright.plain(alert) is True


def test_calling_it_with_what_it_has_not() -> None:
    """An unknown threshold, or a value beyond its range, is refused by name."""
    with pytest.raises(FilterError, match="has no threshold 'limits'; it has limit, strict"):
        bright(made_alert(), limits=3)
    with pytest.raises(FilterError, match="limit: expected a number from 10 to 22, got 23"):
        bright(made_alert(), limit=23)


def test_what_it_raises() -> None:
    """An exception of the function is the caller's, as it is."""
    with pytest.raises(KeyError):
        bright({})


def test_thresholds_named_as_its_own_parameters(book: Notebook) -> None:
    """A threshold may have any name."""
    book.run("""
        @ztfnb.filter
        def odd(packet, *, self=1, alert=2, params=3, name="x"):
            return {"sum": packet + self + alert + params}
        """)
    odd = book["odd"]
    assert odd(1, alert=5, self=0) == {"sum": 9}
    assert odd.with_params(self=10, name="y")(1) == {"sum": 16}


def test_with_params() -> None:
    """Another filter comes back; the first stays as it was."""
    other = bright.with_params(limit=np.float64(18.0))
    assert dict(other.params) == {"limit": 18.0, "strict": False}
    assert dict(bright.params) == {"limit": 19.0, "strict": False}
    assert other.with_params(strict=True).params == {"limit": 18.0, "strict": True}
    assert not other(made_alert(magpsf=18.5))
    assert bright(made_alert(magpsf=18.5))
    assert other.source == bright.source
    assert other.hash == bright.hash
    with pytest.raises(FilterError, match="no threshold"):
        bright.with_params(rb=1)


def test_never_changes() -> None:
    """Nothing of it can be set or taken away."""
    with pytest.raises(AttributeError, match=r"bright\.with_params"):
        bright.name = "dim"
    with pytest.raises(AttributeError, match="never changes"):
        bright.anything = 1
    with pytest.raises(AttributeError, match="never changes"):
        del bright.function
    with pytest.raises(TypeError):
        bright.params["limit"] = 3.0  # type: ignore[index]
    with pytest.raises(TypeError):
        bright.checksums["x"] = ""  # type: ignore[index]


def test_copies_are_itself() -> None:
    """What never changes needs no copy."""
    assert copy.copy(bright) is copy.deepcopy(bright) is bright


def test_attributes_of_the_function_stay_there(book: Notebook) -> None:
    """A function's own attributes do not get among the filter's."""
    book.run("""
        def f(alert):
            return True
        f.name = f._params = f.home = "mine"
        g = ztfnb.filter(f)
        """)
    assert book["g"].name == "f"
    assert book["g"].params == {}


def test_looks_like_its_function() -> None:
    """Name, doc, signature and source are the function's."""
    assert (bright.__name__, bright.__doc__) == ("bright", "Pass what is bright.")
    assert list(inspect.signature(bright).parameters) == ["alert", "limit", "strict"]
    assert "mag < limit" in inspect.getsource(bright)
    assert bright.source.startswith("def bright(")
    assert repr(bright) == "<Filter bright(limit=19.0, strict=False)>"
    assert bright.cell.startswith("@ztfnb.filter\ndef bright(")


def test_decorated_in_several_ways() -> None:
    """The decorator works bare and with parentheses; other decorators may stand above it."""

    def passed_on(made: Filter) -> Filter:
        return made

    @passed_on
    @ztfnb.filter()
    def f(alert: Any) -> bool:
        return bool(alert)

    assert isinstance(f, Filter)
    assert f.source.startswith("def f(")
    with pytest.raises(FilterError, match="stands there twice"):
        ztfnb.filter(f)


def test_remarks_are_told_at_once(book: Notebook) -> None:
    """What lint says is a warning at the filter's line, each time that the cell is run."""
    cell = "\n\n@ztfnb.filter\ndef f(alert):\n    return alert['candidate']['rbb'] > 0.5"
    for _ in range(2):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            book.run(cell)
        (said,) = [each for each in caught if each.category is FilterWarning]
        assert "rbb" in str(said.message)
        assert said.lineno == 4 - 2  # blank lines before the cell are no part of it
        assert said.filename == book["f"].code.file
        assert len(book["f"].remarks) == 1


def test_definitions_are_silent_where_nothing_is_wrong(book: Notebook) -> None:
    """A filter without faults says nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        book.run("@ztfnb.filter\ndef f(alert):\n    return alert['candidate']['magpsf'] < 19")


def test_pickled_by_name() -> None:
    """A filter of a module goes by its name, with its thresholds."""
    for made in (bright, bright.with_params(limit=20)):
        again = pickle.loads(pickle.dumps(made))  # noqa: S301 - our own
        assert again.params == made.params
        assert again.function is bright.function


ELSEWHERE = """
import inspect, pickle, sys
made, alert = pickle.load(open(sys.argv[1], "rb"))
assert made(alert) is True, made(alert)
assert made(alert, limit=10) is False
assert made.params == {"limit": 20}, made.params
other = made.with_params(limit=15)
assert other(alert) is False
assert "Uses a helper" in inspect.getsource(made) and "Uses a helper" in made.code.text
assert "value + offset" in inspect.getsource(made.function.__globals__["shifted"])
assert made.code.tree.name == "near"
again = pickle.loads(__import__("cloudpickle").dumps(made))
assert again(alert) is True and again.hash == made.hash
print(made.hash)
"""


def test_sent_to_another_process(book: Notebook, tmp_path: Path) -> None:
    """A filter of a notebook works elsewhere, with its helpers, source and hash."""
    near = book["near"].with_params(limit=20)
    sent = tmp_path / "sent.pickle"
    # As a kernel's own: what cloudpickle finds in __main__ it sends whole.
    sent.write_bytes(cloudpickle.dumps((near, made_alert(magpsf=19.2))))
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(sent)],
        capture_output=True, text=True, cwd="/", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == near.hash


def test_sent_though_it_calls_itself(book: Notebook) -> None:
    """A filter that names itself can be sent."""
    book.run("""
        @ztfnb.filter
        def deep(alert, *, limit=3):
            return alert >= limit or deep(alert + 1)
        """)
    again = pickle.loads(cloudpickle.dumps(book["deep"]))  # noqa: S301 - our own
    assert again(0) is True
    assert again.hash == book["deep"].hash
