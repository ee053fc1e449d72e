"""What a filter decided on one alert: in the notebook, in a bundle, and in its files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ztfnb.errors import ExportError
from ztfnb.filters.decision import Verdict
from ztfnb.filters.threshold import Value

_NUMBER = "number"
"""Marks a number that JSON has not: ``{"number": "nan"}``. No annotation is an object itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """A verdict with its annotations.

    Two are equal where candid, verdict and annotations are: values of one type, NaN equal to NaN.
    Why an alert failed is not compared: where it says so, lines and addresses differ.
    """

    candid: int
    verdict: Verdict
    annotations: Mapping[str, Value] = field(default_factory=dict)
    why: str = ""
    """Of a failure: the reason in one line."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Decision):
            return NotImplemented
        return (
            self.candid == other.candid
            and self.verdict == other.verdict
            and self.annotations.keys() == other.annotations.keys()
            and all(_same(value, other.annotations[n]) for n, value in self.annotations.items())
        )

    def __hash__(self) -> int:
        return hash((self.candid, self.verdict))

    def __str__(self) -> str:
        notes = ", ".join(f"{name}={value!r}" for name, value in sorted(self.annotations.items()))
        told = f"{self.verdict.name.lower()}{f' with {notes}' if notes else ''}"
        return f"{told} ({self.why})" if self.why else told


def to_json(decision: Decision) -> dict[str, Any]:
    """Return a decision as JSON has it; the candid as text, since it has more than 53 bits."""
    told: dict[str, Any] = {
        "candid": str(decision.candid),
        "verdict": decision.verdict.name.lower(),
    }
    if decision.annotations:
        notes = sorted(decision.annotations.items())
        told["annotations"] = {name: _number_to_json(value) for name, value in notes}
    if decision.why:
        told["why"] = decision.why
    return told


def from_json(found: Any) -> Decision:
    """Return the decision that `to_json` wrote.

    Raises
    ------
    ExportError
        If it is none.
    """
    try:
        return Decision(
            int(found["candid"]),
            Verdict[str(found["verdict"]).upper()],
            {str(name): _from_json(value) for name, value in found.get("annotations", {}).items()},
            str(found.get("why", "")),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ExportError(
            'a decision: expected {"candid": "...", "verdict": "passed", "rejected" or "failed"}, '
            f"got {str(found)[:200]}"
        ) from None


def _same(one: Value, other: Value) -> bool:
    if type(one) is not type(other):
        return False  # 1, 1.0 and True are equal, but not the same text in a header
    both_nan = isinstance(one, float) and math.isnan(one) and math.isnan(float(other))
    return both_nan or one == other


def _number_to_json(value: Value) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {_NUMBER: str(value)}
    return value


def _from_json(value: Any) -> Value:
    if isinstance(value, dict):
        return float(value[_NUMBER])
    if not isinstance(value, Value):
        raise TypeError
    return value
