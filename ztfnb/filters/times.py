"""How long a filter takes for an alert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_SECOND = 1e9
_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))


@dataclass(frozen=True, slots=True)
class Times:
    """Times of the plain function for one alert [s]; what it decodes counts, reading does not."""

    p50: float
    """Half of the alerts took no longer."""
    p95: float
    max: float
    total: float
    n: int

    @classmethod
    def of(cls, nanoseconds: NDArray[Any]) -> Self:
        """Sum up the times of each alert [ns]; NaN of no alerts."""
        if not len(nanoseconds):
            return cls(np.nan, np.nan, np.nan, 0.0, 0)
        p50, p95, longest = np.percentile(nanoseconds, [50, 95, 100]) / _SECOND
        total = float(nanoseconds.sum()) / _SECOND
        return cls(float(p50), float(p95), float(longest), total, len(nanoseconds))

    def __str__(self) -> str:
        if not self.n:
            return "no alert was timed"
        return (
            f"{duration(self.p50)} an alert (95% within {duration(self.p95)}, "
            f"longest {duration(self.max)}; {duration(self.total)} in all)"
        )


def duration(seconds: float) -> str:
    """Return a time as people read it: ``3.2 us``."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"
