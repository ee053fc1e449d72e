"""How a light curve is looked at: what a person has chosen, checked.

The browser's page and pictures are drawn by the same choices.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

from ztfnb.bands import Palette
from ztfnb.errors import ConfigError
from ztfnb.settings import flag, one_of

Quantity = Literal["difference", "apparent", "flux", "forced"]
Time = Literal["mjd", "days", "ago"]
Form = Literal["plot", "table"]

SHORTEST_PERIOD, LONGEST_PERIOD = 0.001, 100_000.0
"""Periods that can be folded on [d]."""
HIGHEST_SNR = 20.0
_MOST_PERIODS = 10_000
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class CurveView:
    """What a person has chosen.

    Raises
    ------
    ConfigError
        If a value is none that could be chosen.
    """

    quantity: Quantity = "difference"
    """Difference magnitude, apparent magnitude, flux of detections, or forced flux."""
    time: Time = "days"
    """Modified Julian date, days since the first detection, or days before now."""
    limits: bool = True
    """Whether five-sigma limits are drawn."""
    hidden: tuple[int, ...] = ()
    """Filters that are not drawn."""
    snr: float = 3.0
    """Forced fluxes of less signal-to-noise than this are drawn faint."""
    palette: Palette = "safe"
    """Colours that everyone can tell, or the classic green, red and orange."""
    form: Form = "plot"
    """In the browser, the plot or a table of its epochs; a picture is always the plot."""
    fold: bool = False
    """Whether points are folded on the object's period, where it has one."""
    periods: Mapping[str, float] = field(default_factory=dict)
    """Periods [d] of objects, by objectId."""

    def __post_init__(self) -> None:
        for name, check in _CHECKS.items():
            object.__setattr__(self, name, check(name, getattr(self, name)))

    def plain(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self) | {"hidden": list(self.hidden), "periods": dict(self.periods)}

    def changed(self, settings: Mapping[str, Any]) -> CurveView:
        """Return the view with some of it chosen anew.

        Raises
        ------
        ConfigError
            If a name is none of these, or a value none that could be chosen.
        """
        if not isinstance(settings, Mapping):
            raise ConfigError(f"expected settings by name, got {type(settings).__name__}")
        for name in settings:
            if name not in _CHECKS:
                raise ConfigError(
                    f"a light curve has no setting {str(name)[:40]!r}; it has {', '.join(_CHECKS)}"
                )
        return replace(self, **settings)

    def period_of(self, object_id: str) -> float | None:
        """Return the period [d] that an object is folded on; None where it is not."""
        return self.periods.get(object_id) if self.fold else None


def checked_period(value: Any, name: str = "period") -> float:
    """Return a period [d] that can be folded on.

    Raises
    ------
    ConfigError
        If it is no number, or out of range.
    """
    return _number(name, value, SHORTEST_PERIOD, LONGEST_PERIOD, " days")


def _number(name: str, value: Any, low: float, high: float, unit: str = "") -> float:
    wrong = isinstance(value, bool) or not isinstance(value, int | float)
    if wrong or not math.isfinite(value) or not low <= value <= high:
        raise ConfigError(f"{name}: expected {low:g} to {high:,.0f}{unit}, got {str(value)[:40]!r}")
    return float(value)


def _filters(name: str, value: Any) -> tuple[int, ...]:
    if not isinstance(value, list | tuple) or not all(type(fid) is int for fid in value):
        raise ConfigError(f"{name}: expected filters such as [1, 3], got {str(value)[:40]!r}")
    return tuple(sorted(set(value)))[:100]


def _periods(name: str, value: Any) -> dict[str, float]:
    if not isinstance(value, Mapping) or len(value) > _MOST_PERIODS:
        raise ConfigError(f"{name}: expected at most {_MOST_PERIODS:,} periods by objectId")
    for one in value:
        if not isinstance(one, str) or not 0 < len(one) <= _LONGEST_NAME:
            raise ConfigError(f"{name}: expected an objectId, got {str(one)[:40]!r}")
    return {one: checked_period(days, f"{name}[{one[:20]}]") for one, days in value.items()}


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "quantity": one_of(get_args(Quantity)),
    "time": one_of(get_args(Time)),
    "limits": flag,
    "hidden": _filters,
    "snr": lambda name, value: _number(name, value, 0.0, HIGHEST_SNR),
    "palette": one_of(get_args(Palette)),
    "form": one_of(get_args(Form)),
    "fold": flag,
    "periods": _periods,
}
