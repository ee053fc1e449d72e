"""What is set for the whole process of a notebook is told, since no bundle brings it."""

from __future__ import annotations

import decimal
import sys
import warnings
from collections.abc import Iterator

import numpy as np
import pytest

from ztfnb.export.processwide import remarks_on

TEXT = "import numpy as np\nimport decimal\n"


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    limit = sys.getrecursionlimit()
    with np.errstate(), decimal.localcontext(), warnings.catch_warnings():
        warnings.resetwarnings()
        yield
    sys.setrecursionlimit(limit)


def test_a_process_as_it_comes_is_not_told_of() -> None:
    """Neither are warnings that are hidden, nor what the filter does not import."""
    warnings.simplefilter("ignore")
    assert not list(remarks_on([TEXT]))
    np.seterr(divide="raise")
    decimal.getcontext().prec = 50
    assert not list(remarks_on(["import math\n"]))


def test_each_thing_is_named_with_a_way_out() -> None:
    """NumPy's errors, the context of decimal, calls in one another, warnings that are errors."""
    np.seterr(divide="raise", under="warn")
    decimal.getcontext().rounding = decimal.ROUND_DOWN
    sys.setrecursionlimit(20_000)
    warnings.simplefilter("error")
    told = list(remarks_on(["import decimal\n", "import numpy as np\n"]))
    assert [one.partition(" has ")[2].partition(",")[0] for one in told] == [
        "np.seterr(divide='raise'",
        "the context of decimal",
        "sys.setrecursionlimit(20000)",
        "warnings as errors",
    ]
    assert "write with np.errstate(divide='raise', under='warn'): ..." in told[0]


def test_numbers_of_another_country(monkeypatch: pytest.MonkeyPatch) -> None:
    """A locale in which numbers are written otherwise is told, whatever the filter imports."""
    monkeypatch.setattr("locale.setlocale", lambda _category: "de_DE.UTF-8")
    (told,) = remarks_on([""])
    assert "the locale de_DE.UTF-8" in told
    assert told.endswith("write locale.setlocale in setup=")
