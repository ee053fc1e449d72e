"""Classes that are other than they stand in a cell, or stand there twice."""

# Cells, and what is told of them, stand side by side.
# ruff: noqa: ISC004

from __future__ import annotations

from pathlib import Path

import pytest
from export.collected import decisions_of, filter_of, loaded, written

from ztfnb.errors import ExportError
from ztfnb.export.collecting.collect import collect

pytestmark = pytest.mark.filterwarnings("ignore::ztfnb.errors.FilterWarning")

_USES = '\n@ztfnb.filter\ndef f(alert):\n    c = alert["candidate"]\n    return {}\n'
_GOOD = "def good(self, c):\n    return c['rb'] > 0.7\n"
THE_SAME = {
    "given twice in one cell": (
        "class Cut:\n    def good(self, c):\n        return True\n"
        "class Cut:\n    def good(self, c):\n        return c['rb'] > 0.7\n",
        "Cut().good(c)",
    ),
    "given in one of two ways": (
        "if not True:\n    class Cut:\n        def good(self, c):\n            return True\n"
        "else:\n    class Cut:\n        def good(self, c):\n            return c['rb'] > 0.7\n",
        "Cut().good(c)",
    ),
    "methods from outside, told in the class": (
        f"{_GOOD}class Cut:\n    good = good\n    also = good\n    low = lambda self: 0.2\n",
        "Cut().good(c) and Cut().also(c) and Cut().low()",
    ),
    "methods of a library": (
        "import functools\n@functools.total_ordering\nclass Cut:\n"
        "    def __init__(self, v):\n        self.v = v\n"
        "    def __eq__(self, other):\n        return self.v == other.v\n"
        "    def __lt__(self, other):\n        return self.v < other.v\n",
        "Cut(c['rb']) >= Cut(0.5)",
    ),
    "methods of a decorator": (
        "def more(kind):\n    kind.twice = lambda self, x: 2 * x\n    return kind\n"
        "@more\nclass Cut:\n    low = 0.2\n",
        "Cut().twice(c['fid'])",
    ),
    "of an abstract class, and of a generic one": (
        "from abc import ABC, abstractmethod\nfrom typing import Generic, TypeVar\n"
        "T = TypeVar('T')\nclass Base(ABC):\n    @abstractmethod\n    def good(self, c): ...\n"
        f"class Cut(Base):\n    {_GOOD.replace(chr(10), chr(10) + '    ')}\n"
        "class Box(Generic[T]):\n    def __init__(self, low):\n        self.low = low\n"
        "CUT = Cut()\nBOX = Box(0.2)\n",
        "CUT.good(c) and BOX.low",
    ),
    "a metaclass that has every attribute": (
        "class Any_(type):\n    def __getattr__(kind, name):\n        return 18.5\n"
        "class Cut(metaclass=Any_):\n    pass\n",
        "c['magpsf'] < Cut.low",
    ),
    "flags together": (
        "import enum\nclass Bits(enum.Flag):\n    A = 1\n    B = 2\n"
        "BOTH, NONE = Bits.A | Bits.B, Bits(0)\n",
        "[BOTH.value, NONE.value, Bits.A in BOTH]",
    ),
    "of Python's own that were extended": (
        "class Limits(dict):\n    pass\nclass Steps(list):\n    pass\nclass Mag(float):\n    pass\n"
        "LIMITS = Limits(low=Mag(18.5))\nLIMITS['high'] = Mag(20)\nSTEPS = Steps([0.2])\n"
        "STEPS.append(0.7)\n",
        "LIMITS['low'] < c['magpsf'] < LIMITS['high'] and c['rb'] > STEPS[-1]",
    ),
    "extended, and made in a way of its own": (
        "class Mag(float):\n    def __new__(cls, flux):\n"
        "        return super().__new__(cls, -flux)\nLOW = Mag(-18.5)\n",
        "c['magpsf'] > LOW",
    ),
    "a base that asks for names when it is extended": (
        "class Base:\n    def __init_subclass__(cls, **kw):\n        cls.low = low_of(cls)\n"
        "LOW = {'Cut': 18.5}\ndef low_of(kind):\n    return LOW[kind.__name__]\n"
        "class Cut(Base):\n    pass\n",
        "c['magpsf'] > Cut.low",
    ),
    "a data class that changes what it is given": (
        "from dataclasses import dataclass\n@dataclass\nclass Cut:\n    low: float\n"
        "    def __post_init__(self):\n        self.low = 2 * self.low\nCUT = Cut(9.3)\n",
        "c['magpsf'] > CUT.low and CUT.low",
    ),
}


def test_what_is_called_at_once_has_all_that_it_asks_for(tmp_path: Path) -> None:
    """In whatever order cells were run again: helpers of helpers stand before the constant."""
    use = _USES.format("c['magpsf'] > LOW.value")
    cells = (
        "def low():\n    return Low()\n",
        "class Low:\n    value = 18.5\n",
        "LOW = low()\n",
        "class Low:\n    value = 18.5\n",
        "def low():\n    return Low()\n",
    )
    made = filter_of(*cells, use)
    written(made, tmp_path)
    assert decisions_of(loaded(tmp_path)) == decisions_of(made)


def test_a_class_that_enters_itself_in_a_list() -> None:
    """What only a class's own definition fills is refused by name, as nothing can stand first."""
    cell = (
        "KNOWN = {}\nclass Base:\n    def __init_subclass__(cls, **kw):\n"
        "        KNOWN[cls.__name__] = cls\nclass Cut(Base):\n    low = 18.5\n"
    )
    with pytest.raises(ExportError, match=r"^f: KNOWN, Cut need each other .* in a function"):
        collect(filter_of(cell, _USES.format("KNOWN['Cut'].low")))


@pytest.mark.parametrize("name", THE_SAME)
def test_the_same_class(name: str, tmp_path: Path) -> None:
    """The class that is meant is taken, and makes the same objects."""
    cell, test = THE_SAME[name]
    made = filter_of(cell, _USES.format(test))
    written(made, tmp_path)
    again = loaded(tmp_path)
    assert (again.hash, decisions_of(again)) == (made.hash, decisions_of(made))


@pytest.mark.parametrize(
    ("later", "told"),
    [
        (f"{_GOOD}Cut.good = good\n", "Cut.good is not what stands in the class"),
        (f"{_GOOD}Cut.other = good\n", "Cut.other is not what stands in the class"),
        ("Cut.other = lambda self: 1\n", "Cut.other is not what stands in the class"),
    ],
)
def test_a_class_that_was_changed_later(later: str, told: str) -> None:
    """What a class was given afterwards stands in no class: it is not left out in silence."""
    cell = "class Cut:\n    def good(self, c):\n        return True\n"
    with pytest.raises(ExportError, match=told):
        collect(filter_of(cell, later, _USES.format("Cut().good(c)")))


def test_a_function_for_each_of_several_types() -> None:
    """The functions that were registered with one are not left out in silence."""
    cell = (
        "import functools\n@functools.singledispatch\ndef kind(x):\n    return 0\n"
        "@kind.register\ndef _(x: float):\n    return 1\n"
    )
    with pytest.raises(ExportError, match="kind has a function for each of several types"):
        collect(filter_of(cell, _USES.format("kind(c['rb'])")))
