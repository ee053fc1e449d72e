from __future__ import annotations

import math

from ztfnb.filters.condition import Condition, Run, Step
from ztfnb.filters.decision import Verdict
from ztfnb.filters.explanation import explanation_of, value_text

FIRST = Condition(
    0, 'c["rb"] < rb_min', 3, 3, 7, 23, "young", wanted=False, operator="<",
    operands=('c["rb"]', "rb_min"), thresholds=frozenset({"rb_min"}), compares="rb_min",
)  # fmt: skip
SECOND = Condition(
    1, 'c["nbad"] == 0', 5, 5, 11, 25, "young", wanted=True, operator="==",
    operands=('c["nbad"]', "0"),
)  # fmt: skip
THIRD = Condition(2, 'c["drb"] > 0.5', 6, 6, 11, 25, "young", wanted=True, operator=">",
                  operands=('c["drb"]', "0.5"))  # fmt: skip
CONDITIONS = (FIRST, SECOND, THIRD)


def test_a_rejection_names_what_decided_with_its_values_and_margin() -> None:
    """The last condition is the decisive one: its text, what it came to, both sides, margin."""
    run = Run(value=False, steps=(Step(0, held=True, values=(0.41, 0.65)),))
    why = explanation_of(7, run, CONDITIONS, Verdict.REJECTED)
    assert why.reason == 'c["rb"] < rb_min is true (0.41 against 0.65, by 0.24)'
    assert why.headline.startswith("7 was rejected: c[")
    assert [step.mark for step in why.steps] == ["✗"]
    assert why.steps[0].decisive


def test_what_let_an_alert_go_on_is_ticked_whatever_its_outcome() -> None:
    """A condition that has to be false to go on is ticked when it is false."""
    steps = (Step(0, held=False, values=(0.9, 0.65)), Step(1, held=True, values=(0, 0)))
    why = explanation_of(7, Run(value=True, steps=steps), CONDITIONS, Verdict.PASSED)
    assert [step.mark for step in why.steps] == ["✓", "✓"]
    assert why.reason == ""
    assert not any(step.decisive for step in why.steps)


def test_what_another_condition_made_up_for_is_not_called_a_fault() -> None:
    """Of `a or b` the first may be false in an alert that passes."""
    steps = (Step(1, held=False, values=(2, 0)), Step(2, held=True, values=(0.9, 0.5)))
    why = explanation_of(7, Run(value=True, steps=steps), CONDITIONS, Verdict.PASSED)
    assert [step.mark for step in why.steps] == ["·", "✓"]


def test_a_failure_is_told_with_what_was_raised() -> None:
    """A condition that raised is marked with a question mark, and the error is the reason."""
    steps = (Step(0, held=False, values=(0.9, 0.65)), Step(2, held=None, judged=False))
    why = explanation_of(
        7, Run(error=TypeError("x"), steps=steps), CONDITIONS, Verdict.FAILED,
        trouble="line 6: TypeError: x",
    )  # fmt: skip
    assert why.headline == "7 failed: line 6: TypeError: x"
    assert why.steps[-1].mark == "?"
    assert why.steps[-1].outcome_text == "could not be judged"


def test_a_missing_value_is_said() -> None:
    """A comparison with NaN decides, and says that a value is missing."""
    steps = (Step(2, held=False, values=(math.nan, 0.5), judged=False),)
    why = explanation_of(7, Run(value=False, steps=steps), CONDITIONS, Verdict.REJECTED)
    assert why.steps[0].outcome_text == "false, as a value is missing"
    assert why.steps[0].mark == "?"


def test_annotations_are_shown() -> None:
    """What travels with a passed alert stands below its conditions."""
    why = explanation_of(
        7, Run(value={"slope": 0.31}), CONDITIONS, Verdict.PASSED, annotations={"slope": 0.31}
    )
    assert "slope = 0.31" in repr(why)
    assert "slope = 0.31" in why._repr_html_()


def test_text_of_an_alert_cannot_become_markup() -> None:
    """Values, errors and annotations are escaped in the rich view."""
    hostile = "<img onerror=alert(1)>"
    steps = (Step(1, held=False, values=(hostile, 0)),)
    why = explanation_of(
        7, Run(value=False, steps=steps), CONDITIONS, Verdict.FAILED, trouble=hostile,
        annotations={"a": hostile},
    )  # fmt: skip
    assert "<img" not in why._repr_html_()
    assert "&lt;img" in why._repr_html_()


def test_a_plain_view_has_one_line_a_condition() -> None:
    """The text view lists mark, line, condition, outcome and values."""
    steps = (Step(0, held=False, values=(0.9, 0.65)), Step(1, held=False, values=(2, 0)))
    why = explanation_of(7, Run(value=False, steps=steps), CONDITIONS, Verdict.REJECTED)
    lines = repr(why).splitlines()
    assert len(lines) == 3
    assert lines[1].split() == [
        "✓", "line", "3", 'c["rb"]', "<", "rb_min", "false", "0.9", "against", "0.65,", "by", "0.25"
    ]  # fmt: skip
    assert lines[2].split()[-1] == "2"


def test_long_values_are_shortened() -> None:
    """A value of any size is shown on one short line."""
    assert len(value_text("x" * 10_000)) <= 60
    assert "\n" not in value_text(["a\nb"] * 30)
