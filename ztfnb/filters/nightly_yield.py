"""How many alerts a night are to be expected of a filter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from ztfnb.alert import UNIX_EPOCH_JD
from ztfnb.errors import FilterError
from ztfnb.filters.decision import Verdict
from ztfnb.filters.interval import Interval, rate, share

_FEW = 3
"""Nights from which their scatter is taken into account."""
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Night:
    """One night of one programme in the sample."""

    night: str
    """UTC date."""
    programid: int
    """0 where the alerts do not say."""
    alerts: int
    passed: int
    failed: int
    hours: float
    """From the first alert to the last."""


@dataclass(frozen=True, slots=True)
class Yield:
    """What is to be expected of one programme."""

    programid: int
    nights: tuple[Night, ...]
    """What it is told from."""
    passing: Interval
    """The share of its alerts that pass."""
    per_night: Interval
    """Alerts that pass, a night."""
    basis: str
    """What `per_night` rests on, in words."""

    @property
    def alerts(self) -> int:
        """Alerts in the sample."""
        return sum(night.alerts for night in self.nights)

    def __str__(self) -> str:
        return f"programid {self.programid}: {self.per_night} a night, {self.basis}"


def nightly_yield(
    jd: NDArray[np.float64],
    programid: NDArray[np.int64],
    verdict: NDArray[np.int8],
    *,
    alerts_per_night: float | None = None,
) -> tuple[Yield, ...]:
    """Return the expected yield of each programme in a sample.

    Parameters
    ----------
    jd
        Julian date of each alert; alerts without one are left out.
    programid
        Of each alert; 0 where it is unknown.
    verdict
        What became of each.
    alerts_per_night
        How many alerts of the programme a whole night has, where the sample holds only a part of
        its nights: then the share that passes is scaled to it. Where None, the nights are taken
        as they are in the sample.

    Raises
    ------
    FilterError
        If no alert has a date.
    """
    dated = np.isfinite(jd)
    if not dated.any():
        raise FilterError("no alert of this sample has a jd, so there are no nights to count")
    days = np.floor(jd - UNIX_EPOCH_JD)
    found = []
    for programme in np.unique(programid[dated]).tolist():
        mine = dated & (programid == programme)
        nights = tuple(
            _night(int(day), programme, jd[mine & (days == day)], verdict[mine & (days == day)])
            for day in np.unique(days[mine]).tolist()
        )
        found.append(_expected(programme, nights, alerts_per_night))
    return tuple(found)


def _night(day: int, programid: int, jd: NDArray[np.float64], verdict: NDArray[np.int8]) -> Night:
    return Night(
        (_EPOCH + timedelta(days=day)).isoformat(),
        programid,
        len(jd),
        int(np.count_nonzero(verdict == Verdict.PASSED)),
        int(np.count_nonzero(verdict == Verdict.FAILED)),
        float(np.ptp(jd)) * 24,
    )


def _expected(programid: int, nights: tuple[Night, ...], scale: float | None) -> Yield:
    passed = np.array([night.passed for night in nights])
    alerts = sum(night.alerts for night in nights)
    passing = share(int(passed.sum()), alerts)
    names = nights[0].night if len(nights) == 1 else f"{nights[0].night} to {nights[-1].night}"
    hours = sum(night.hours for night in nights)
    sample = (
        f"from {int(passed.sum()):,} of {alerts:,} alerts in {len(nights)} "
        f"{'night' if len(nights) == 1 else 'nights'} ({names}, {hours:.1f} h)"
    )
    if scale is not None:
        scaled = Interval(*(scale * end for end in (passing.value, passing.low, passing.high)))
        return Yield(
            programid, nights, passing, scaled, f"{sample}, scaled to {scale:,.0f} alerts a night"
        )
    excess = 1.0
    if len(nights) >= _FEW and passed.mean() > 0:
        excess = float(passed.var(ddof=1) / passed.mean())
    return Yield(
        programid,
        nights,
        passing,
        rate(int(passed.sum()), len(nights), excess=excess),
        f"{sample}, taken as whole nights",
    )
