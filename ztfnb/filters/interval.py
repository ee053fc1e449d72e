"""Intervals that suit small numbers: of a share, and of a count per night."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

LEVEL = 0.95
"""Confidence of every interval."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A number, and between which two it lies with a confidence of `LEVEL`.

    All three are NaN where there is nothing to tell it from.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if math.isnan(self.value):
            return "unknown"
        return f"{self.value:.3g} ({self.low:.3g} to {self.high:.3g})"


UNKNOWN = Interval(math.nan, math.nan, math.nan)


def share(part: int, whole: int) -> Interval:
    """Return the share that a part is of a whole, with Wilson's interval.

    It holds its confidence for small numbers, and with none or all of them (Wilson 1927; Brown,
    Cai and DasGupta 2001).
    """
    if not whole:
        return UNKNOWN
    stats = _stats()
    low, high = stats.binom_conf_interval(part, whole, confidence_level=LEVEL, interval="wilson")
    value = part / whole
    # Rounding may leave an end that is the value itself a little beside it.
    return Interval(value, min(float(low), value), max(float(high), value))


def rate(count: int, nights: int, *, excess: float = 1.0) -> Interval:
    """Return how many a night, with the exact (Garwood) interval of a Poisson count.

    Parameters
    ----------
    count
        In all nights together.
    nights
        How many there were.
    excess
        Variance from night to night over that of a Poisson count: above 1 it widens the
        interval by its square root.
    """
    if not nights:
        return UNKNOWN
    stats = _stats()
    low, high = stats.poisson_conf_interval(
        count, interval="frequentist-confidence", sigma=_sigma()
    )
    wider = math.sqrt(max(excess, 1.0))
    ends = (max(count - wider * (count - float(low)), 0.0), count + wider * (float(high) - count))
    return Interval(count / nights, ends[0] / nights, ends[1] / nights)


def _sigma() -> float:
    """Return the confidence as standard deviations of a normal distribution, as astropy asks."""
    from scipy.special import ndtri  # noqa: PLC0415 - of the extra `lab`

    return float(ndtri((1 + LEVEL) / 2))


def _stats() -> Any:
    try:
        from astropy import stats  # noqa: PLC0415 - of the extra `lab`
    except ImportError:
        raise ImportError("intervals need astropy and scipy: pip install 'ztfnb[lab]'") from None
    return stats
