"""How a filter's verdicts agree with labels: precision, recall, and which alerts are wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ztfnb.errors import FilterError
from ztfnb.filters.decision import Verdict
from ztfnb.filters.interval import Interval, share

Candids = NDArray[np.int64]

POSITIVE = frozenset({"real", "good", "yes", "pass"})
"""Labels that say that an alert should pass, where nobody says which do."""
UNSURE = frozenset({"maybe"})
"""Labels that say neither, unless they are named: such an alert counts as one without a label."""


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """Verdicts beside labels. Alerts of the sample without a label are counted apart."""

    true_passed: Candids
    """Alerts that should pass, and did."""
    false_passed: Candids
    """Alerts that should not, and did."""
    missed: Candids
    """Alerts that should pass, and were rejected or failed."""
    true_rejected: Candids
    """Alerts that should not pass, and did not."""
    failed: Candids
    """Alerts with a label on which the filter failed; they did not pass."""
    unlabelled: int
    """Alerts of the sample that nobody labelled."""
    positive: frozenset[str]
    """The labels that say that an alert should pass."""

    @property
    def labelled(self) -> int:
        """Alerts of the sample that have a label."""
        return sum(map(len, (self.true_passed, self.false_passed, self.missed, self.true_rejected)))

    @property
    def precision(self) -> Interval:
        """The share of passed alerts that should pass."""
        return share(len(self.true_passed), len(self.true_passed) + len(self.false_passed))

    @property
    def recall(self) -> Interval:
        """The share of alerts that should pass which did (completeness)."""
        return share(len(self.true_passed), len(self.true_passed) + len(self.missed))

    @property
    def wrong(self) -> Candids:
        """The alerts on which filter and labels disagree."""
        return np.concatenate((self.false_passed, self.missed))

    @property
    def confusion(self) -> tuple[tuple[str, int, int], ...]:
        """One row for what should pass and one for what should not: passed, and did not."""
        return (
            ("should pass", len(self.true_passed), len(self.missed)),
            ("should not pass", len(self.false_passed), len(self.true_rejected)),
        )

    def __repr__(self) -> str:
        sample = (
            f"from {self.labelled:,} labelled alerts, {self.unlabelled:,} without a label; "
            f"labels that should pass: {', '.join(sorted(self.positive))}"
        )
        lines = [
            f"precision {self.precision}, recall {self.recall}",
            sample,
            f"{'':16}{'passed':>8}{'did not':>9}",
            *(f"{name:16}{passed:8,}{other:9,}" for name, passed, other in self.confusion),
        ]
        if len(self.failed):
            lines.append(f"failed on {len(self.failed):,} of them, which counts as not passed")
        return "\n".join(lines)


def score(
    candid: Candids,
    verdict: NDArray[np.int8],
    labels: Mapping[int, Any],
    *,
    positive: Collection[str] | None = None,
) -> Score:
    """Compare verdicts with labels.

    Parameters
    ----------
    candid, verdict
        Of each alert of the sample.
    labels
        By candid: a word (as `ztfnb.Labels` gives), or True and False. Empty words count as none,
        and so do those in `UNSURE`.
    positive
        Words that say that an alert should pass; `POSITIVE` where None.

    Raises
    ------
    FilterError
        If no alert of the sample has a label, or none of the labels is among ``positive``.
    """
    chosen = frozenset(POSITIVE if positive is None else positive) | {"True"}
    told = ((int(key), _word(value)) for key, value in labels.items())
    words = {key: word for key, word in told if word in chosen or word not in UNSURE}
    known = np.array([bool(words.get(key)) for key in candid.tolist()], np.bool_)
    if not known.any():
        raise FilterError(
            f"none of the {len(candid):,} alerts of this sample has a label; "
            "label some in the browser's tab Labels, or give a mapping of candid to label"
        )
    should = np.array([words.get(key, "") in chosen for key in candid.tolist()], np.bool_)
    if not should.any() and positive is None and set(words.values()) != {"False"}:
        given = ", ".join(sorted({word for word in words.values() if word})[:10])
        raise FilterError(
            f"which labels say that an alert should pass? There are {given}: "
            "name them, as positive=[...]"
        )
    passed = verdict == Verdict.PASSED
    return Score(
        true_passed=candid[known & should & passed],
        false_passed=candid[known & ~should & passed],
        missed=candid[known & should & ~passed],
        true_rejected=candid[known & ~should & ~passed],
        failed=candid[known & (verdict == Verdict.FAILED)],
        unlabelled=int(np.count_nonzero(~known)),
        positive=chosen - {"True"},
    )


def _word(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    text = getattr(value, "label", value)
    return text if isinstance(text, str) else ""
