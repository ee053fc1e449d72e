"""How stamps look: which values are dark and bright, and what lies between.

The page draws by the same rules (``widgets/static/stampdraw.js``), so that a picture made here and
the page agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ztfnb.cutout import KINDS, Kind
from ztfnb.errors import ConfigError
from ztfnb.settings import flag, one_of

Doubles = NDArray[np.float64]
Stretch = Literal["auto", "asinh", "linear", "sqrt", "log"]
Limits = tuple[float, float]

STRETCHES: tuple[Stretch, ...] = ("auto", "asinh", "linear", "sqrt", "log")
COLOURS = ("grey", "viridis", "inferno", "magma")
"""Colour maps, by the names that matplotlib has for them too."""
_LEAST_PERCENT = 50.0
_MOST = 3.5e38
"""No pixel is larger: they are float32."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a person has chosen about the look of stamps."""

    stretch: Stretch = "auto"
    """``"auto"`` is asinh for science and template, and linear for the difference."""
    limits: float | Literal["zscale"] = 99.0
    """Percentage of the pixels that lie between dark and bright, or IRAF's choice of the two.

    A difference that is drawn linearly has limits symmetric about zero.
    """
    typed: Mapping[Kind, Limits] = field(default_factory=dict)
    """Values of dark and bright that were set by hand; they go before `limits`."""
    same: bool = False
    """Whether the template has the limits of the science stamp."""
    colours: str = "grey"
    """One of `COLOURS`."""
    invert: bool = False
    """Whether the colour map is reversed."""
    marks: bool = True
    """Whether crosshair, compass and scale are drawn."""
    neighbours: bool = True
    """Whether catalogue sources are drawn."""

    @property
    def cmap(self) -> str:
        """Name of the colour map in matplotlib."""
        return f"{self.colours}_r" if self.invert else self.colours

    def settings(self) -> dict[str, Any]:
        """Return all this as plain values that JSON can hold."""
        return asdict(self) | {"typed": {kind: list(ends) for kind, ends in self.typed.items()}}

    def choose(self, settings: Mapping[str, Any]) -> Look:
        """Return a look with some settings changed, which may come from anywhere.

        Raises
        ------
        ConfigError
            If one is unknown, or has a value that it cannot have.
        """
        checked: dict[str, Any] = {}
        for name, value in settings.items():
            if name not in _CHECKS:
                raise ConfigError(
                    f"settings of stamps: expected {', '.join(_CHECKS)}, got {str(name)[:40]!r}"
                )
            checked[name] = _CHECKS[name](name, value)
        return replace(self, **checked)


def limits_of(stamps: Mapping[Kind, NDArray[Any] | None], look: Look) -> dict[Kind, Limits]:
    """Return the values that become dark and bright in each stamp that has any value."""
    found: dict[Kind, Limits] = {}
    for kind, pixels in stamps.items():
        if pixels is None:
            continue
        values = np.asarray(pixels, np.float64)
        values = values[np.isfinite(values)]
        if values.size:
            found[kind] = look.typed.get(kind) or _limits(values, kind, look)
    if look.same and "science" in found and "template" in found:
        found["template"] = found["science"]
    return found


def shares(stamps: Mapping[Kind, NDArray[Any] | None], look: Look) -> dict[Kind, Doubles]:
    """Return the pixels of stamps as places on a colour map: 0 is its beginning, 1 its end.

    Parameters
    ----------
    stamps
        Pixels by kind; None where there is no stamp.
    look
        How they are to look.

    Returns
    -------
    dict
        An array for each stamp that has any value; NaN where a pixel has none.
    """
    limits = limits_of(stamps, look)
    return {
        kind: share_of(np.asarray(stamps[kind], np.float64), ends, curve_of(kind, look))
        for kind, ends in limits.items()
    }


def curve_of(kind: Kind, look: Look) -> Stretch:
    """Return the stretch that a kind of stamp is drawn with."""
    if look.stretch != "auto":
        return look.stretch
    return "linear" if kind == "difference" else "asinh"


def share_of(values: Doubles, limits: Limits, curve: Stretch) -> Doubles:
    """Return values as places between two limits, bent by a stretch; NaN for what is not finite."""
    low, high = limits
    known = np.where(np.isfinite(values), values, np.nan)
    span = high - low
    if not span > 0:
        return np.where(np.isnan(known), np.nan, 0.5)
    return _CURVES[curve](np.clip((known - low) / span, 0, 1))


# Each takes 0 to 1 onto 0 to 1; the constants are those that ds9 and astropy use.
_CURVES: dict[Stretch, Callable[[Doubles], Doubles]] = {
    "linear": lambda share: share,
    "sqrt": np.sqrt,
    "asinh": lambda share: np.arcsinh(share / 0.1) / math.asinh(1 / 0.1),
    "log": lambda share: np.log1p(1000 * share) / math.log1p(1000),
}


def _limits(values: Doubles, kind: Kind, look: Look) -> Limits:
    if look.limits == "zscale":
        return zscale(values)
    beyond = (100 - look.limits) / 2
    low, high = (float(limit) for limit in np.percentile(values, (beyond, 100 - beyond)))
    if kind == "difference" and curve_of(kind, look) == "linear":
        reach = max(abs(low), abs(high))
        return -reach, reach
    return low, high


def zscale(values: Doubles) -> Limits:
    """Return the limits that IRAF's display chooses: around the median, as steep as most pixels.

    Parameters
    ----------
    values
        Finite values, at least one.

    Notes
    -----
    A line through the sorted values of 1,000 pixels, from which outliers of 2.5 sigma are taken
    out up to five times, with a contrast of 0.25: as ``astropy.visualization.ZScaleInterval``.
    """
    samples = np.sort(values[:: max(1, values.size // 1000)][:1000])
    count = len(samples)
    low, high = float(samples[0]), float(samples[-1])
    least, grow = max(5, count // 2), np.ones(max(1, count // 100), bool)
    place = np.arange(count)
    good = np.ones(count, bool)
    left, before, slope = count, count + 1, 0.0
    for _ in range(5):
        if left >= before or left < least:
            break
        x, y = place[good], samples[good]
        offset = x - x.mean()
        slope = float((offset * (y - y.mean())).sum() / (offset**2).sum())
        flat = samples - (y.mean() + slope * (place - x.mean()))
        good = ~np.convolve(~good | (abs(flat) > 2.5 * flat[good].std()), grow, mode="same")
        before, left = left, int(good.sum())
    if left < least:
        return low, high
    middle, reach = float(np.median(samples)), slope / 0.25
    centre = (count - 1) // 2
    return max(low, middle - (centre - 1) * reach), min(high, middle + (count - centre) * reach)


# -- What a setting may be ----------------------------------------------------------------------


def _percent(name: str, value: Any) -> float | str:
    if value == "zscale":
        return "zscale"
    if not _is_number(value) or not _LEAST_PERCENT <= value <= 100:
        raise ConfigError(
            f"{name}: expected zscale or a percentage from {_LEAST_PERCENT:g} to 100, "
            f"got {value!r:.60}"
        )
    return float(value)


def _ends(name: str, value: Any) -> dict[Kind, Limits]:
    if not isinstance(value, Mapping) or not set(value) <= set(KINDS):
        raise ConfigError(f"{name}: expected pairs by {', '.join(KINDS)}, got {value!r:.60}")
    found: dict[Kind, Limits] = {}
    for kind, pair in value.items():
        plain = isinstance(pair, list | tuple) and len(pair) == 2 and all(map(_is_number, pair))
        if not plain or pair[0] > pair[1]:
            raise ConfigError(f"{name}: expected two numbers in order, got {pair!r:.60}")
        found[kind] = (float(pair[0]), float(pair[1]))
    return found


def _is_number(value: Any) -> bool:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return plain and -_MOST <= value <= _MOST


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "stretch": one_of(STRETCHES),
    "limits": _percent,
    "typed": _ends,
    "same": flag,
    "colours": one_of(COLOURS),
    "invert": flag,
    "marks": flag,
    "neighbours": flag,
}
