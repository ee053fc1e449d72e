"""Cuts are written as a filter for the page, or it is told what stands in the way."""

from __future__ import annotations

import pytest

from ztfnb.cuts import Cuts
from ztfnb.filters.compose import source_of
from ztfnb.widgets._written import problem_of_name, written


def test_cuts_have_a_source() -> None:
    """The one that code gets, ready for a cell."""
    cuts = Cuts("rb > 0.65 and magpsf < 19")
    told = written(cuts, "bright_ones")
    assert told == {"source": source_of(cuts, "bright_ones"), "name": "", "problem": ""}
    head = "@ztfnb.filter\ndef bright_ones(alert, *, rb_min=0.65, magpsf_max=19.0):\n"
    assert told["source"].startswith(head)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "letters, digits and _"),
        ("bright ones", "letters, digits and _"),
        ("1st", "letters, digits and _"),
        ("x(): pass\nimport os\ndef y", "letters, digits and _"),
        ("class", "class is a word of Python"),
    ],
)
def test_a_name_that_no_function_has_is_refused(name: str, said: str) -> None:
    """There is no source then: nothing of a name is ever run or pasted unseen."""
    told = written(Cuts("rb > 0.65"), name)
    assert said in told["name"]
    assert (told["source"], told["problem"]) == ("", "")
    assert not problem_of_name("bright_ones")


def test_cuts_that_make_no_filter_say_why() -> None:
    """Such as those of a field that filters do not know."""
    told = written(Cuts("rb > 0.65 and nosuch > 1"), "f")
    assert told["problem"].endswith("changed or removed: no field 'nosuch'")
    assert (told["source"], told["name"]) == ("", "")
