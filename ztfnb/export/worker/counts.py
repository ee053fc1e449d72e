"""What became of the alerts of a worker, in numbers. Pure: what is certain is counted, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ztfnb.export.worker.judged import FilterFacts, Judged, Verdicts
from ztfnb.export.worker.numbers import BUCKETS, FilterNumbers
from ztfnb.filters.decision import Verdict

NOT_WRITTEN = "not written"
"""The kind of failure of an alert that passed, but that the broker never takes."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of all alerts; for each filter received = passed + rejected + failed."""

    received: int = 0
    undecodable: int = 0
    produced: int = 0
    dead_letters: int = 0
    filters: tuple[FilterNumbers, ...] = field(default=())

    @classmethod
    def of(cls, facts: Sequence[FilterFacts]) -> Counts:
        """Return the numbers of filters that have judged nothing yet."""
        return cls(filters=tuple(FilterNumbers(one.name, one.version) for one in facts))

    def add(
        self, judged: Judged, chosen: Sequence[int] | None = None, refused: Sequence[int] = ()
    ) -> Counts:
        """Return the numbers with those of a batch.

        Parameters
        ----------
        judged
            What became of the batch.
        chosen
            Places in it that count; None for all. The others belong to another worker now.
        refused
            Of alerts that passed and could not be written: the number of the filter of each.
        """
        places = (
            np.arange(len(judged.candid)) if chosen is None else np.asarray(chosen, dtype=np.intp)
        )
        among = None if chosen is None else frozenset(chosen)
        undecodable = [
            failed.kind
            for place, failed in judged.undecodable.items()
            if among is None or place in among
        ]
        refusals = Counter(refused)
        filters = tuple(
            _added(
                numbers,
                verdicts,
                places,
                among=among,
                undecodable=undecodable,
                refused=refusals[number],
            )
            for number, (numbers, verdicts) in enumerate(
                zip(self.filters, judged.filters, strict=True)
            )
        )
        before_and_now = list(zip(self.filters, filters, strict=True))
        passed = sum(now.passed - before.passed for before, now in before_and_now)
        failed = sum(now.failed - before.failed for before, now in before_and_now)
        # One letter for a packet that is no alert, however many filters did not see it.
        letters = failed - (len(filters) - 1) * len(undecodable)
        return Counts(
            self.received + len(places),
            self.undecodable + len(undecodable),
            self.produced + passed,
            self.dead_letters + letters,
            filters,
        )


def _added(
    numbers: FilterNumbers,
    verdicts: Verdicts,
    places: NDArray[np.intp],
    *,
    among: frozenset[int] | None,
    undecodable: Sequence[str],
    refused: int,
) -> FilterNumbers:
    verdict = np.asarray(verdicts.verdict, dtype=np.int8)[places]
    passed = int(np.count_nonzero(verdict == Verdict.PASSED)) - refused
    rejected = int(np.count_nonzero(verdict == Verdict.REJECTED))
    reasons = Counter(dict(numbers.reasons))
    reasons.update(undecodable)
    reasons.update(
        failed.kind
        for place, failed in verdicts.failures.items()
        if among is None or place in among
    )
    if refused:
        reasons[NOT_WRITTEN] += refused
    took = np.asarray(verdicts.took, dtype=np.float64)
    took = took[places] * 1e-9 if len(took) else took
    took = took[took > 0]
    slots = np.bincount(np.searchsorted(BUCKETS, took), minlength=len(numbers.times))
    return replace(
        numbers,
        passed=numbers.passed + passed,
        rejected=numbers.rejected + rejected,
        failed=numbers.failed + len(places) - passed - rejected,
        reasons=tuple(sorted(reasons.items())),
        times=tuple((np.asarray(numbers.times) + slots).tolist()),
        seconds=numbers.seconds + float(took.sum()),
    )
