"""Why an alert passed, was rejected or failed: condition by condition."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from ztfnb.filters.condition import Condition, Run
from ztfnb.filters.decision import Verdict
from ztfnb.filters.margin import margin_of
from ztfnb.filters.threshold import Value
from ztfnb.wording import one_line

_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Explained:
    """One condition on one alert."""

    condition: Condition
    values: tuple[Any, ...]
    """What was compared."""
    held: bool | None
    """What it came to; None where an exception was raised."""
    judged: bool
    """False where a value was missing."""
    margin: float
    """Distance of what was compared; NaN where that means nothing."""
    decisive: bool
    """Whether it decided: the last that was judged before the alert was rejected, or failed."""

    @property
    def mark(self) -> str:
        """✓ if it came out as it should, ✗ if it decided, · if not needed, ? if not judged."""
        if not self.judged or self.held is None:
            return "?"
        if self.decisive:
            return "✗"
        return "✓" if self.condition.wanted in (None, self.held) else "·"

    @property
    def values_text(self) -> str:
        """What was compared, in words: ``0.41 against 0.65, by 0.24``."""
        if not self.values:
            return ""
        shown = " against ".join(value_text(value) for value in self.values)
        return shown if math.isnan(self.margin) else f"{shown}, by {self.margin:.3g}"

    @property
    def outcome_text(self) -> str:
        """What it came to, in words."""
        if self.held is None:
            return "could not be judged"
        text = "true" if self.held else "false"
        return text if self.judged else f"{text}, as a value is missing"

    def __str__(self) -> str:
        values = f" ({self.values_text})" if self.values else ""
        return f"{self.condition.text} is {self.outcome_text}{values}"


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """What a filter did with one alert."""

    candid: int
    verdict: Verdict
    steps: tuple[Explained, ...]
    """The conditions that it reached, in that order."""
    trouble: str = ""
    """What was raised, where it failed."""
    annotations: Mapping[str, Value] | None = None

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        words = {
            Verdict.PASSED: "passed",
            Verdict.REJECTED: "was rejected",
            Verdict.FAILED: "failed",
        }
        why = self.reason
        return f"{self.candid} {words[self.verdict]}{f': {why}' if why else ''}"

    @property
    def reason(self) -> str:
        """What decided, in one line; empty where the alert passed."""
        if self.verdict == Verdict.FAILED:
            return self.trouble
        return next((str(step) for step in self.steps if step.decisive), "")

    def __repr__(self) -> str:
        width = max((len(step.condition.text) for step in self.steps), default=0)
        width = min(width, _LONGEST)
        lines = [
            f"  {step.mark} line {step.condition.line:>3}  {step.condition.text:{width}}  "
            f"{step.outcome_text:5}  {step.values_text}".rstrip()
            for step in self.steps
        ]
        if self.annotations:
            lines.append(f"  annotations: {_annotations(self.annotations)}")
        return "\n".join([self.headline, *lines])

    def _repr_html_(self) -> str:
        cells = "".join(
            "<tr{style}>{cells}</tr>".format(
                style=' style="font-weight:bold"' if step.decisive else "",
                cells="".join(
                    f'<td style="text-align:left">{escape(text)}</td>'
                    for text in (
                        step.mark,
                        str(step.condition.line),
                        step.condition.text,
                        step.outcome_text,
                        step.values_text,
                    )
                ),
            )
            for step in self.steps
        )
        head = "".join(f"<th>{title}</th>" for title in ("", "line", "condition", "is", "values"))
        notes = f"<p>{escape(_annotations(self.annotations))}</p>" if self.annotations else ""
        return (
            f"<p>{escape(self.headline)}</p>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{cells}</tbody></table>{notes}"
        )


def explanation_of(
    candid: int,
    run: Run,
    conditions: tuple[Condition, ...],
    verdict: Verdict,
    *,
    trouble: str = "",
    annotations: Mapping[str, Value] | None = None,
) -> Explanation:
    """Return the explanation of one run."""
    decided = verdict != Verdict.PASSED
    steps = tuple(
        Explained(
            condition=conditions[step.place],
            values=step.values,
            held=step.held,
            judged=step.judged,
            margin=margin_of(conditions[step.place], step.values),
            decisive=decided and number == len(run.steps) - 1,
        )
        for number, step in enumerate(run.steps)
    )
    return Explanation(candid, verdict, steps, trouble, annotations)


def value_text(value: Any) -> str:
    """Return a value as people read it, on one short line."""
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    return one_line(repr(value), _LONGEST)


def _annotations(notes: Mapping[str, Value]) -> str:
    return ", ".join(f"{name} = {value_text(value)}" for name, value in notes.items())
