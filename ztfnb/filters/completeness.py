"""How much of each simulated class a filter finds, by magnitude."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ztfnb.errors import FilterError
from ztfnb.filters.decision import Verdict
from ztfnb.filters.interval import Interval, share

MAGNITUDES = (-np.inf, 16.0, 17.0, 18.0, 19.0, 20.0, np.inf)
"""Edges of the bins of magnitude."""


class Truth(Protocol):
    """What an alert really shows: a `ztfnb.simulate.Truth`."""

    @property
    def candid(self) -> int:
        """Of the alert."""

    @property
    def kind(self) -> str:
        """Class of the source."""

    @property
    def magnitude(self) -> float:
        """True difference magnitude; NaN where nothing differs."""


@dataclass(frozen=True, slots=True)
class Found:
    """How many alerts of one class, and range of magnitudes, passed."""

    kind: str
    low: float
    """From this true magnitude on; NaN for alerts of nothing real, which have none."""
    high: float
    """Below this one."""
    alerts: int
    passed: int
    failed: int

    @property
    def completeness(self) -> Interval:
        """The share that passed."""
        return share(self.passed, self.alerts)

    def __str__(self) -> str:
        return f"{self.kind}: {self.passed:,} of {self.alerts:,} passed, {self.completeness}"


def completeness(
    candid: NDArray[np.int64],
    verdict: NDArray[np.int8],
    truth: Iterable[Truth],
    *,
    magnitudes: Sequence[float] | None = None,
) -> tuple[Found, ...]:
    """Return what passed of each class, largest completeness first.

    Parameters
    ----------
    candid, verdict
        Of each alert of the sample.
    truth
        Of the alerts; of those not in the sample it is passed over.
    magnitudes
        Edges of bins, such as `MAGNITUDES`; every class is one row where None.

    Raises
    ------
    FilterError
        If nothing is known of any alert of the sample.
    """
    verdicts = dict(zip(candid.tolist(), verdict.tolist(), strict=True))
    groups: dict[tuple[str, float, float], list[int]] = {}
    for one in truth:
        found = verdicts.get(int(one.candid))
        if found is not None:
            low, high = _bin(float(one.magnitude), magnitudes)
            groups.setdefault((one.kind, low, high), []).append(found)
    if not groups:
        raise FilterError("the truth tells nothing of the alerts of this sample: are they others?")
    rows = [
        Found(kind, low, high, len(found), found.count(Verdict.PASSED), found.count(Verdict.FAILED))
        for (kind, low, high), found in groups.items()
    ]
    if magnitudes is None:
        return tuple(sorted(rows, key=lambda row: (-row.passed / row.alerts, row.kind)))
    return tuple(sorted(rows, key=lambda row: (row.kind, np.nan_to_num(row.low, nan=np.inf))))


def _bin(magnitude: float, edges: Sequence[float] | None) -> tuple[float, float]:
    if edges is None:
        return -np.inf, np.inf
    if np.isnan(magnitude):
        return np.nan, np.nan
    place = int(np.searchsorted(edges, magnitude, "right"))
    ends = (-np.inf, *edges, np.inf)
    return float(ends[place]), float(ends[place + 1])
