"""Failures: the author's line, and what kind of trouble it is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from cells import Notebook
from made import made_alert, made_packet

import ztfnb
from ztfnb.errors import NotHeldError
from ztfnb.filters.failure import Failure, message_of


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a filter of a notebook keeps its versions


def failure_in(body: str, *, before: str = "", alert: Any = None) -> Failure:
    """The failure of a filter with this body, on an alert without ``drb``."""
    cell = Notebook()
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    cell.run(f"import math, json\nimport numpy as np\nimport ztfnb\n{before}")
    cell.run(f"@ztfnb.filter\ndef young(alert, *, low=0.5):\n{lines}\n")
    one = ztfnb.decode(made_packet(7)) if alert is None else alert
    report = cell["young"].evaluate([one])
    assert report.counts == (0, 0, 1)
    found: Failure = report.errors[7]
    return found


pytestmark = pytest.mark.filterwarnings("ignore::ztfnb.errors.FilterWarning")


@pytest.mark.parametrize(
    ("body", "kind", "line", "said"),
    [
        ('return alert["candidate"]["drb"] > low', "missing value", 3, "TypeError"),
        ('c = alert["candidate"]\nreturn c["nbad"] * 2 > low', "missing value", 4, "TypeError"),
        ('return -alert["candidate"]["drb"] > low', "missing value", 3, "NoneType"),
        ('return alert["candidate"]["nonsense"] > low', "missing value", 3, "KeyError: 'nonsense'"),
        ('return alert["nonsense"]', "missing value", 3, "has no field 'nonsense'"),
        ("return alert.candidate.nonsense > low", "missing value", 3, "no field 'nonsense'"),
        ('return alert["candidate"]["drb"].real', "missing value", 3, "NoneType"),
        ("return 1 / 0", "exception", 3, "ZeroDivisionError: division by zero"),
        ("return {1: 2}[3]", "exception", 3, "KeyError: 3"),
        ("x = 1\n\nreturn math.sqrt(-1)", "exception", 5, "ValueError: math domain error"),
        ('return json.loads("{")', "exception", 3, "JSONDecodeError"),
        ("raise ValueError", "exception", 3, "ValueError"),
        ("return np.array([1, 2])", "refused value", 3, "truth value of an array"),
        ('return {"x": [1]}', "refused value", 3, "annotation 'x' is a list"),
        ("return {1: 2}", "refused value", 3, "a text"),
    ],
)
def test_a_failure_tells_line_and_kind(body: str, kind: str, line: int, said: str) -> None:
    """The line is the author's, also where a library raised; it is counted in the cell."""
    found = failure_in(body)
    assert (found.kind, found.line) == (kind, line)
    assert said in found.message
    assert found.text == body.splitlines()[line - 3]
    assert found.function == "young"
    assert str(found) == f"line {line}: {found.message}"


def test_the_line_of_a_helper_in_another_cell_is_the_authors_too() -> None:
    """What is told is where it happened, and in which function."""
    before = 'def bright(alert):\n    return alert["candidate"]["drb"] < 19\n'
    found = failure_in("return bright(alert)", before=before)
    assert (found.function, found.line) == ("bright", 5)
    assert found.text == 'return alert["candidate"]["drb"] < 19'
    assert found.kind == "missing value"


def test_the_same_failure_on_a_dictionary() -> None:
    """A dictionary has no words of its own for a field that is not there."""
    found = failure_in('return alert["candidate"]["nonsense"]', alert=made_alert(7))
    assert (found.kind, found.message) == ("missing value", "KeyError: 'nonsense'")
    assert found.alert == made_alert(7)


def test_an_exception_that_cannot_be_shown_is_shown_by_its_name() -> None:
    """An author's own exception may fail when it is asked for its words."""
    before = "class Sad(Exception):\n    def __str__(self):\n        raise ValueError\n"
    assert failure_in("raise Sad", before=before).message == "Sad: (it cannot be shown)"


def test_a_long_message_is_cut_and_stands_on_one_line() -> None:
    """A report stays readable, whatever was raised."""
    message = message_of(ValueError("a\nb " + 1000 * "x"))
    assert message.startswith("ValueError: a b xxx")
    assert len(message) == 500


def test_a_failure_without_its_sample_says_so() -> None:
    """Its alert cannot be had then."""
    with pytest.raises(NotHeldError, match="candid 3"):
        _ = Failure(3, "exception", "x").alert


def test_what_decides_by_nan_does_not_fail() -> None:
    """A comparison with NaN decides as Python does."""

    @ztfnb.filter
    def bright(alert: Any) -> bool:
        return bool(alert["candidate"]["magpsf"] < 19)

    report = bright.evaluate([made_alert(1, magpsf=math.nan), made_alert(2, magpsf=np.float32(18))])
    assert report.counts == (1, 1, 0)
