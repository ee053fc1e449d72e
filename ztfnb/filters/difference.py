"""What another filter, or another version of one, gains and loses on the same alerts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ztfnb.filters.decision import Verdict

if TYPE_CHECKING:
    from ztfnb.filters.report import Report

Candids = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """Verdicts of one report beside those of another, on the alerts that both have."""

    gained: Candids
    """Pass now, and did not in the other."""
    lost: Candids
    """Passed in the other, and do not now."""
    failing: Candids
    """Fail now, and did not in the other."""
    mended: Candids
    """Failed in the other, and do not now."""
    same: int
    """Alerts with the same verdict."""
    only_here: int
    """Alerts that the other does not have."""
    only_there: int
    """Alerts of the other that are not here."""
    reports: tuple[Report, Report] | None = None
    """This report and the other, where it is known what they were made of."""

    def __bool__(self) -> bool:
        return any(map(len, (self.gained, self.lost, self.failing, self.mended)))

    def __repr__(self) -> str:
        return f"<Difference {self.summary}>"

    @property
    def summary(self) -> str:
        """How many were gained and lost, and how many are the same."""
        parts = [f"+{len(self.gained):,} gained", f"-{len(self.lost):,} lost"]
        if len(self.failing) or len(self.mended):
            parts.append(f"{len(self.failing):,} fail now, {len(self.mended):,} no longer")
        parts.append(f"{self.same:,} the same")
        if self.only_here or self.only_there:
            parts.append(
                f"not compared: {self.only_here:,} only here, {self.only_there:,} only there"
            )
        return ", ".join(parts)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Show it in a notebook with the stamps of what was gained and lost."""
        if self and self.reports is not None:
            try:
                from ztfnb.widgets import DifferenceView  # noqa: PLC0415 - no notebook is needed
            except ImportError:
                pass
            else:
                return DifferenceView(self, *self.reports)._repr_mimebundle_(**options)
        return {"text/plain": repr(self)}


def difference(
    candid: Candids,
    verdict: NDArray[np.int8],
    other_candid: Candids,
    other_verdict: NDArray[np.int8],
) -> Difference:
    """Compare verdicts with others; candids come out in the order of the first."""
    before = dict(zip(other_candid.tolist(), other_verdict.tolist(), strict=True))
    there = np.array([key in before for key in candid.tolist()], np.bool_)
    common = candid[there]
    now = verdict[there]
    then = np.array([before[key] for key in common.tolist()], np.int8)
    passes, passed = now == Verdict.PASSED, then == Verdict.PASSED
    fails, failed = now == Verdict.FAILED, then == Verdict.FAILED
    return Difference(
        gained=common[passes & ~passed],
        lost=common[passed & ~passes],
        failing=common[fails & ~failed],
        mended=common[failed & ~fails],
        same=int(np.count_nonzero(now == then)),
        only_here=len(candid) - len(common),
        only_there=len(before) - len(common),
    )
