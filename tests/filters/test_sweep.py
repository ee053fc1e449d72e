from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from ztfnb.errors import FilterError
from ztfnb.filters.decision import Verdict
from ztfnb.filters.score import Score, score
from ztfnb.filters.sweep import POINTS, Sweep, grid, sweep
from ztfnb.filters.threshold import Threshold, Value

RB = Threshold("rb_min", 0.65, "float", 0.0, 1.0, 0.01, bounded=True)
VALUES = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9])
LABELS = dict(enumerate([False, False, False, True, False, True, True, True]))


@dataclass(frozen=True)
class Cut:
    """What a report of `rb >= rb_min` on `VALUES` would say."""

    verdict: np.ndarray[tuple[int], np.dtype[np.int8]]

    @property
    def counts(self) -> tuple[int, int, int]:
        passed = int(np.count_nonzero(self.verdict == Verdict.PASSED))
        return passed, len(self.verdict) - passed, 0


def again(value: Value) -> Cut:
    return Cut((float(value) <= VALUES).astype(np.int8))


def scored(cut: Cut) -> Score:
    return score(np.arange(len(VALUES), dtype=np.int64), cut.verdict, LABELS)


def swept(**options: object) -> Sweep:
    return sweep(RB, 0.65, again, **options)  # type: ignore[arg-type] # options of one call each


def test_the_curve_is_that_of_the_cut() -> None:
    """At each value as many pass as lie at or above it, in ascending order of values."""
    found = swept(values=[0.5, 0.0, 0.95])
    assert [(point.value, point.passed, point.rejected) for point in found.points] == [
        (0.0, 8, 0), (0.5, 4, 4), (0.95, 0, 8)
    ]  # fmt: skip
    assert found.points[1].pass_rate.value == 0.5


def test_without_values_the_range_is_gone_through_with_the_current_one() -> None:
    """25 points from end to end, and what is set now."""
    values = [point.value for point in swept().points]
    assert values[0] == 0.0
    assert values[-1] == 1.0
    assert 0.65 in values
    assert len(values) == POINTS + 1


@pytest.mark.parametrize(
    ("threshold", "current", "expected"),
    [
        (Threshold("strict", default=True, kind="bool"), True, [False, True]),
        (Threshold("band", "g", "choice", choices=("g", "r")), "g", ["g", "r"]),
        (Threshold("n", 2, "int", 0, 3, 1), 2, [0, 1, 2, 3]),
    ],
)
def test_other_kinds_have_their_own_values(
    threshold: Threshold, current: Value, expected: list[Value]
) -> None:
    """Bools, choices and whole numbers are tried as what they are."""
    assert sorted(set(grid(threshold, current)), key=str) == expected


def test_a_suggestion_keeps_recall_and_states_its_sample() -> None:
    """All four good ones pass up to 0.4, where one bad one does: 0.2 or 0.3 would let in more."""
    found = swept(values=[0.2, 0.3, 0.4, 0.5, 0.7], scored=scored).suggest(recall=1.0)
    assert found.value == 0.4
    assert found.precision.value == 0.8
    assert found.recall.value == 1.0
    assert "4 labelled alerts that should pass and 4 that should not" in str(found)
    assert "the same that it was chosen on" in str(found)


def test_a_suggestion_may_give_up_some() -> None:
    """With three of four enough, 0.7 has no bad one left."""
    assert swept(values=[0.4, 0.65, 0.7], scored=scored).suggest(recall=0.75).value == 0.7


def test_a_suggestion_is_refused_without_ground() -> None:
    """No labels, labels of one kind, or no value that finds enough: each says so."""
    with pytest.raises(FilterError, match="needs labels"):
        swept(values=[0.5]).suggest()
    with pytest.raises(FilterError, match="at most 75%"):
        swept(values=[0.65, 0.9], scored=scored).suggest(recall=0.95)

    def all_good(cut: Cut) -> Score:
        return score(np.arange(8, dtype=np.int64), cut.verdict, dict.fromkeys(range(8), True))

    with pytest.raises(FilterError, match="both kinds"):
        swept(values=[0.5], scored=all_good).suggest()


def test_values_beyond_what_a_threshold_takes_are_refused() -> None:
    """A range that the author gave holds here, too."""
    with pytest.raises(FilterError, match="from 0 to 1"):
        swept(values=[2.0])
