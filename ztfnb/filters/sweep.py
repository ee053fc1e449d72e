"""One threshold over its range: how many pass, and how well that agrees with labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ztfnb.errors import FilterError
from ztfnb.filters.interval import Interval, share
from ztfnb.filters.score import Score
from ztfnb.filters.threshold import Threshold, Value

POINTS = 25
"""Values tried where nobody says which."""


class Evaluated(Protocol):
    """A report, as far as it is looked at here."""

    @property
    def counts(self) -> tuple[int, int, int]:
        """Passed, rejected and failed."""


@dataclass(frozen=True, slots=True)
class Point:
    """A filter with one threshold set to one value."""

    value: Value
    passed: int
    rejected: int
    failed: int
    score: Score | None = None
    """Beside labels, where there are any."""

    @property
    def pass_rate(self) -> Interval:
        """The share of the sample that passes."""
        return share(self.passed, self.passed + self.rejected + self.failed)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A value for a threshold, and what it was chosen from."""

    name: str
    value: Value
    precision: Interval
    recall: Interval
    sample: str

    def __str__(self) -> str:
        return (
            f"{self.name}={self.value!r}: precision {self.precision}, recall {self.recall}, "
            f"{self.sample}"
        )


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a filter does as one threshold goes through its values, in ascending order."""

    name: str
    points: tuple[Point, ...]

    def suggest(self, *, recall: float = 0.95) -> Suggestion:
        """Return the value with the highest precision that still finds enough.

        Of equal ones the one that finds most, then the one in the middle, which is the least
        sensitive to a value that lies a little beside.

        Parameters
        ----------
        recall
            Share of the alerts that should pass, which have to.

        Raises
        ------
        FilterError
            If there are no labels of both kinds, or no value finds so much.
        """
        scored = [(point, point.score) for point in self.points if point.score is not None]
        if not scored:
            raise FilterError("a suggestion needs labels: sweep(name, labels=...)")
        first = scored[0][1]
        should = len(first.true_passed) + len(first.missed)
        should_not = first.labelled - should
        if not should or not should_not:
            raise FilterError(
                f"a suggestion needs labels of both kinds; there are {should:,} alerts that "
                f"should pass and {should_not:,} that should not"
            )
        enough = [(p, s) for p, s in scored if s.recall.value >= recall]
        if not enough:
            most = max(s.recall.value for _point, s in scored)
            raise FilterError(
                f"no value of {self.name} finds {recall:.0%} of the alerts that should pass; "
                f"at most {most:.0%} pass: another condition stops them"
            )

        def rank(found: tuple[Point, Score]) -> tuple[float, float]:
            return (_known(found[1].precision.value), found[1].recall.value)

        best = max(map(rank, enough))
        equal = [found for found in enough if rank(found) == best]
        point, chosen = equal[len(equal) // 2]
        return Suggestion(
            self.name,
            point.value,
            chosen.precision,
            chosen.recall,
            f"from {should:,} labelled alerts that should pass and {should_not:,} that should "
            "not, the same that it was chosen on: expect somewhat less of others",
        )


def sweep(
    threshold: Threshold,
    current: Value,
    again: Callable[[Value], Evaluated],
    *,
    values: Sequence[Value] | None = None,
    scored: Callable[[Evaluated], Score] | None = None,
    reached: Callable[[int], object] = lambda _done: None,
) -> Sweep:
    """Evaluate a filter with one threshold at many values.

    Parameters
    ----------
    threshold
        Which.
    current
        What it is set to; always one of the points, where none are given.
    again
        Evaluates with the threshold at a value.
    values
        Those to try; `POINTS` over its range where None.
    scored
        Compares with labels.
    reached
        Called with how many are done.
    """
    tried = grid(threshold, current) if values is None else [threshold.check(v) for v in values]
    points = []
    for done, value in enumerate(sorted(set(tried), key=_order), 1):
        report = again(value)
        points.append(Point(value, *report.counts, scored(report) if scored else None))
        reached(done)
    return Sweep(threshold.name, tuple(points))


def grid(threshold: Threshold, current: Value) -> list[Value]:
    """Return values over a threshold's range, the current one among them."""
    match threshold.kind:
        case "bool":
            return [False, True]
        case "choice":
            return list(threshold.choices)
        case "text":
            raise FilterError(f"{threshold.name} is a text; give values=[...] to try")
    low, high = threshold.low, threshold.high
    if low is None or high is None:
        raise FilterError(f"{threshold.name} has no range; give values=[...] to try")
    spaced = np.linspace(low, high, POINTS)
    found: list[Value] = (
        [round(value) for value in spaced.tolist()]
        if threshold.kind == "int"
        else [float(f"{value:.10g}") for value in spaced.tolist()]
    )
    return [*found, current]


def _order(value: Value) -> tuple[str, Value]:
    # Numbers among each other, and texts; a choice may have both.
    return ("text" if isinstance(value, str) else "number", value)


def _known(value: float) -> float:
    """Nothing passes: there is no precision, and nothing speaks for that value."""
    return -1.0 if math.isnan(value) else value
