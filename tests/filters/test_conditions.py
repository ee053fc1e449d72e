"""Conditions are found where they stand, with what is wanted of them and what enters them."""
# ruff: noqa: E501 - each case stands in one line

from __future__ import annotations

import textwrap
from typing import Any

import pytest
from filters.twins import filter_from, traced_from

import ztfnb
from ztfnb.filters.condition import Condition
from ztfnb.filters.filter import Filter
from ztfnb.filters.instrument import traced


def found(
    body: str, *, thresholds: str = "low=0.5, high=20.0", before: str = "", **names: object
) -> tuple[Condition, ...]:
    return traced_from(source(body, thresholds, before), **names).conditions


def source(body: str, thresholds: str = "low=0.5, high=20.0", before: str = "") -> str:
    head = (
        f"{textwrap.dedent(before)}\ndef f(alert, *, {thresholds}):\n    c = alert['candidate']\n"
    )
    return head + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ") + "\n"


# The body of a filter, and its conditions with the outcome that is wanted of each.
CASES = [
    ("return c['rb'] > low", {"c['rb'] > low": True}),
    ("if c['rb'] < low:\n    return False\nreturn True", {"c['rb'] < low": False}),
    ("if c['rb'] >= low:\n    return True\nreturn False", {"c['rb'] >= low": True}),
    ("if c['rb'] < low:\n    return\nreturn c['fid'] == 1", {"c['rb'] < low": False, "c['fid'] == 1": True}),
    ("if not c['rb'] > low:\n    raise ValueError\nreturn True", {"c['rb'] > low": True}),
    ("return not (c['nbad'] or c['rb'] < low)", {"c['nbad']": False, "c['rb'] < low": False}),
    ("if c['nbad'] or not c['fid'] == 1:\n    return False\nreturn True", {"c['nbad']": False, "c['fid'] == 1": True}),
    ("if c['fid'] == 1:\n    if c['rb'] > low:\n        return True\nreturn False", {"c['fid'] == 1": True, "c['rb'] > low": True}),
    ("if c['fid'] == 1:\n    return c['rb'] > low\nreturn c['rb'] > 0.9", {"c['fid'] == 1": None, "c['rb'] > low": True, "c['rb'] > 0.9": True}),
    ("if c['fid'] == 1:\n    return c['rb'] > low\nelse:\n    return False", {"c['fid'] == 1": True, "c['rb'] > low": True}),
    ("return c['rb'] > low if c['fid'] == 1 else False", {"c['fid'] == 1": True, "c['rb'] > low": True}),
    ("return None if c['fid'] == 1 else {'rb': c['rb']}", {"c['fid'] == 1": False}),
    ("limit = low if c['fid'] == 1 else 0.9\nreturn c['rb'] > limit", {"c['fid'] == 1": None, "c['rb'] > limit": True}),
    ("return 15 < c['magpsf'] <= high", {"15 < c['magpsf'] <= high": True}),
    ("good = c['rb'] > low\nif not good:\n    return False\nreturn True", {"c['rb'] > low": True}),
    ("bad = c['nbad'] > 0\nreturn not bad and c['fid'] == 1", {"c['nbad'] > 0": False, "c['fid'] == 1": True}),
    ("good = c['rb'] > low\nif good:\n    return c['fid'] == 1\nreturn not good", {"c['rb'] > low": None, "c['fid'] == 1": True}),
    ("good = c['rb'] > low and not c['nbad']\nreturn good", {"c['rb'] > low": True, "c['nbad']": False}),
    ("rows = alert['prv_candidates'] or []\nreturn len(rows) >= 2", {"len(rows) >= 2": True}),
    ("return len([p for p in alert['prv_candidates'] if p['magpsf']]) >= 2", {"len([p for p in alert['prv_candidates'] if p['magpsf']]) >= 2": True}),
    ("return any(p['magpsf'] for p in alert['prv_candidates'])", {"any(p['magpsf'] for p in alert['prv_candidates'])": True}),
    ("for p in alert['prv_candidates']:\n    if p['magpsf'] < high:\n        return False\nreturn True", {"for p in alert['prv_candidates']: if p['magpsf'] < high: return False": False}),
    ("for p in alert['prv_candidates']:\n    if p['fid'] == 1: break\nelse:\n    return False\nreturn c['nbad'] == 0", {"for p in alert['prv_candidates']: if p['fid'] == 1: break": True, "c['nbad'] == 0": True}),
    ("n = 0\nfor p in alert['prv_candidates']:\n    if p['magpsf']: n += 1\nreturn n > 2", {"n > 2": True}),
    ("n = 0\nwhile n < c['fid']:\n    n += 1\nif n > 2:\n    return False\nreturn True", {"n > 2": False}),
    ("if (n := c['ndethist']) > 2 and (ok := c['rb'] > low):\n    return True", {"(n := c['ndethist']) > 2": True, "c['rb'] > low": True}),
    ("match c['fid']:\n    case 1 | 2:\n        return c['rb'] > low\n    case _:\n        return False", {"match c['fid']: case 1 | 2": True, "c['rb'] > low": True}),
    ("match c['fid']:\n    case 3:\n        return False\n    case n if n > 1:\n        return True\nreturn False", {"match c['fid']: case 3": False, "n > 1": True}),
    ("assert c['rb'] > low\nreturn True", {"c['rb'] > low": True}),
    ("try:\n    drb = c['drb']\nexcept KeyError:\n    return False\nreturn drb > low", {"except KeyError": False, "drb > low": True}),
    ("notes = {'rb': c['rb']}\nif c['rb'] > low:\n    return notes", {"c['rb'] > low": True}),
    ("notes = {x: 1 for x in 'ab'}\nif c['rb'] > low:\n    notes |= {'y': 2}\nnotes['x'] = 3\nreturn notes", {"c['rb'] > low": None}),
    ("return True", {}),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), CASES)
def test_conditions_and_what_is_wanted_of_them(body: str, expected: dict[str, bool | None]) -> None:
    """Worked out by hand: the text of each condition, in order, and the outcome that passes."""
    conditions = found(body)
    shown = [(_on_one_line(one.text), one.wanted) for one in conditions]
    assert shown == [(_on_one_line(text), wanted) for text, wanted in expected.items()]
    assert [one.place for one in conditions] == list(range(len(conditions)))


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def test_a_condition_says_where_it_stands() -> None:
    """Line and columns are those of the file, columns without the indentation of the function."""
    text = "if 1:\n    def f(alert, *, low=0.5):\n        é = alert\n        if é['rb'] > low: return 'é' == é\n"
    first, second = traced_from(text).conditions
    assert (first.line, first.column, first.end_line, first.end_column) == (4, 7, 4, 21)
    assert (second.line, second.column) == (4, 30)
    assert first.text == "é['rb'] > low"
    assert first.function == "f"


def test_a_single_comparison_is_told_in_parts() -> None:
    """Operator and operands; none of a chain; no operator where only truth counts."""
    one, chain, truth = found("return c['rb'] not in (1, 2) and 1 < c['fid'] < high and c['nbad']")
    assert (one.operator, one.operands) == ("not in", ("c['rb']", "(1, 2)"))
    assert (chain.operator, chain.operands) == ("", ("1", "c['fid']", "high"))
    assert (truth.operator, truth.operands) == ("", ())


def test_thresholds_enter_by_assignment_and_through_helpers() -> None:
    """What enters a condition is known also where another name carries it."""
    before = "def real(c, least, *, x=0):\n    return c['rb'] > least and c['nbad'] == x"
    body = "limit = low * 2\nhalf = limit / 2\nreturn c['rb'] > half and real(c, high, x=half)"
    entered = [one.thresholds for one in found(body, before=before)]
    assert entered == [{"low"}, {"high"}, {"low"}]


OPAQUE = [
    ("return c['rb'] > low and high > c['magpsf']", {}, {"low", "high"}),
    ("if c['rb'] < low:\n    return False\ngood = c['magpsf'] < high\nreturn good", {}, {"low", "high"}),
    ("return c['rb'] > low and c['drb'] > low", {"high"}, {"low"}),
    ("return c['rb'] > low * 2 and c['magpsf'] < high", {"low"}, {"high"}),
    ("return low < c['rb'] < high", {"low", "high"}, set()),
    ("return c['rb'] > low - high", {"low", "high"}, set()),
    ("return low < high", {"low", "high"}, set()),
    ("return c['rb'] in (low, high)", {"low", "high"}, set()),
    ("return c['rb'] is low or c['fid'] in high", {"low", "high"}, set()),
    ("return any(p['magpsf'] < high for p in alert['prv_candidates']) and c['rb'] > low", {"high"}, {"low"}),
    ("for p in alert['prv_candidates']:\n    if p['magpsf'] < high:\n        return c['rb'] > low\n", {"high", "low"}, set()),
    ("while c['rb'] > low:\n    return c['fid'] < high", {"high", "low"}, set()),
    ("def g(x):\n    return x > low\nreturn g(c['rb']) and c['fid'] < high", {"low"}, {"high"}),
    ("g = lambda x: x > low\nreturn g(c['rb']) and c['fid'] < high", {"low"}, {"high"}),
    ("low = low\nreturn c['rb'] > low and c['fid'] < high", {"low"}, {"high"}),
    ("if c['rb'] > low and (low := 3): pass\nreturn c['fid'] < high", {"low"}, {"high"}),
    ("for low in (1, 2): pass\nreturn c['rb'] > low and c['fid'] < high", {"low"}, {"high"}),
    ("match c:\n    case {'rb': low}: pass\nreturn c['rb'] > low and c['fid'] < high", {"low"}, {"high"}),
    ("del low\nreturn c['fid'] < high", {"low"}, {"high"}),
    ("n = (c['rb'] > low) + (c['fid'] < high)\nreturn n > 1", {"low", "high"}, set()),
    ("print(c['rb'] > low)\nreturn c['rb'] > low and not c['fid'] < high", {"low"}, {"high"}),
    ("return {'low': low} if c['rb'] > low else c['fid'] < high", {"low"}, {"high"}),
    ("return c['rb'] > low and f'{high}'", {"high"}, {"low"}),
]  # fmt: skip


@pytest.mark.parametrize(("body", "opaque", "compared"), OPAQUE)
def test_a_threshold_is_opaque_unless_it_is_only_compared(
    body: str, opaque: set[str], compared: set[str]
) -> None:
    """Every other use of it, by hand: only plain comparisons can be done again without a run."""
    made = traced_from(source(body))
    assert made.opaque == set(opaque)
    assert {one.compares for one in made.conditions} - {""} == compared
    for one in made.conditions:
        assert not one.compares or one.compares in one.operands


def test_an_unused_threshold_is_opaque_or_harmless() -> None:
    """A threshold that is never used counts as used in a way that nobody knows."""
    assert traced_from(source("return c['rb'] > low")).opaque == {"high"}


HELPERS = """
def real(c, least=0.5):
    if c['nbad'] > 0:
        return False
    return c['rb'] > least

def mag(c):
    return c['magpsf'] if c['distnr'] < 1 else 99

def loop(c):
    return c['fid'] and loop(c)
"""


def test_a_helper_is_followed_at_each_call() -> None:
    """Its conditions stand where it is called, wanted as that call wants it."""
    conditions = found("if real(c) and not real(c, 0.9):\n    return c['fid'] == 1", before=HELPERS)
    told = [(one.function, one.text, one.wanted) for one in conditions]
    assert told == [
        ("real", "c['nbad'] > 0", False),
        ("real", "c['rb'] > least", True),
        ("real", "c['nbad'] > 0", True),
        ("real", "c['rb'] > least", False),
        ("f", "c['fid'] == 1", True),
    ]


def test_a_helper_for_a_value_is_not_followed() -> None:
    """What it computes is a value: how is not what decides. A recursive one ends the following."""
    assert [one.text for one in found("return mag(c) < high", before=HELPERS)] == ["mag(c) < high"]
    assert [one.text for one in found("return loop(c)", before=HELPERS)] == ["c['fid']", "loop(c)"]


def test_a_nested_function_is_read_where_it_stands() -> None:
    """Wanted as its calls want it; not told apart where it runs in a comprehension."""
    body = (
        "def ok(x):\n    return x > low\nif not ok(c['rb']):\n    return False\nreturn ok(c['drb'])"
    )
    assert [(one.text, one.wanted) for one in found(body)] == [("x > low", True)]
    body = "def ok(p):\n    return p['magpsf'] > low\nreturn all(ok(p) for p in alert['prv_candidates'])"
    assert [one.text for one in found(body)] == ["all(ok(p) for p in alert['prv_candidates'])"]


@Filter
def real(alert: Any, *, rb_min: float = 0.5) -> Any:
    return alert["candidate"]["rb"] > rb_min


@Filter
def bright(alert: Any, *, mag_max: float = 18.0) -> Any:
    if alert["candidate"]["magpsf"] > mag_max:
        return False
    return {"mag": alert["candidate"]["magpsf"]}


def test_combined_filters_are_told_by_the_conditions_of_their_parts() -> None:
    """Of both, either, the opposite; wanted turned round there."""
    both = [(one.function, one.wanted) for one in traced(real & bright).conditions]
    assert both == [("real", True), ("bright", False)]
    assert len(traced(real | bright).conditions) == 2
    assert [one.wanted for one in traced(~(real & bright)).conditions] == [False, True]
    assert traced(real & ~bright).conditions[1].thresholds == {"mag_max"}


def test_filters_are_followed_by_name_in_a_module() -> None:
    """Also as an attribute of an imported module."""
    conditions = found("return ztfnb.recipes.purity(alert)", before="import ztfnb.recipes")
    assert len(conditions) >= 3
    assert {one.function for one in conditions} == {"purity"}


def test_an_obstacle_makes_it_one_condition() -> None:
    """The whole function, with its name."""
    made = traced(filter_from(source("return c['rb'] > len(locals())")))
    (one,) = made.conditions
    assert "locals" in made.obstacle
    assert (one.text, one.wanted, one.line) == ("f", True, 2)
    assert made.opaque == {"low", "high"}


def test_public_recipes_can_be_traced() -> None:
    """Every shipped filter tells its conditions."""
    shipped = [one for one in vars(ztfnb.recipes).values() if isinstance(one, Filter)]
    assert shipped
    for one in shipped:
        made = traced(one)
        assert not made.obstacle
        assert not made.stateful
        assert len(made.conditions) > 1
