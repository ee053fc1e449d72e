"""A light curve on axes of matplotlib, by the conventions of the browser's.

Everything is set here, nothing is left to the settings of whoever draws: the same light curve
makes the same picture everywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ztfnb.alert import BANDS
from ztfnb.bands import MARKERS, OTHER_COLOUR, OTHER_MARKER, PALETTES, Palette
from ztfnb.errors import ConfigError
from ztfnb.lightcurve import Floats, LightCurve
from ztfnb.photometry import AB_ZERO_POINT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Quantity = Literal["difference", "apparent", "flux", "forced"]
Time = Literal["days", "mjd"]
QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)
TIMES: tuple[Time, ...] = get_args(Time)

INK, MUTED, LINE = "#222222", "#666666", "#B8B8B8"
FONT = "DejaVu Sans"
"""It comes with matplotlib."""
TEXT: dict[str, Any] = {"family": FONT, "parse_math": False, "usetex": False}
"""How every text is set: what an alert brings is no mathematics."""

_MJD_OF_JD_0 = 2400000.5
_SHAPES = {"circle": "o", "square": "s", "diamond": "D", "hex": "h"}
_SIZES = {"circle": 5.4, "square": 5.0, "diamond": 4.8, "hex": 5.6}
_LIMIT, _FORCED = 4.6, 0.75
_FAINT, _VERY_FAINT = 0.55, 0.3
_MARGIN = 0.06
_SHORTEST = 1.0
"""Narrowest time axis [d]."""
_LONGEST_BAR = 1.5
"""Error bars [mag] that the range makes room for."""
_Y_LABELS: dict[Quantity, str] = {
    "difference": "difference magnitude (AB)",
    "apparent": "apparent magnitude (AB)",
    "flux": "difference flux (µJy)",
    "forced": "forced difference flux (µJy)",
}
_NOTHING: dict[Quantity, str] = {
    "difference": "no epoch has a difference magnitude",
    "apparent": "no apparent magnitude: it needs a reference source within 1.4″",
    "flux": "no epoch has a flux",
    "forced": "no forced photometry: packets have it since schema 4.01",
}
_BELOW = "below the SNR"


@dataclass(frozen=True, slots=True)
class CurveLook:
    """What of a light curve is drawn, and how."""

    quantity: Quantity = "difference"
    """Difference or apparent magnitude, flux of detections, or forced flux."""
    time: Time = "days"
    """Days since the first detection, or modified Julian date."""
    limits: bool = True
    """Whether five-sigma limits are drawn."""
    hidden: tuple[int, ...] = ()
    """Filters that are not drawn."""
    palette: Palette = "safe"
    """Colours that everyone can tell, or the classic green, red and orange."""
    snr: float = 3.0
    """Forced fluxes of less signal-to-noise than this are drawn faint."""
    period: float | None = None
    """Period to fold on [d]."""

    def __post_init__(self) -> None:
        for name, options in (
            ("quantity", QUANTITIES), ("time", TIMES), ("palette", tuple(PALETTES)),
        ):  # fmt: skip
            value = getattr(self, name)
            if value not in options:
                raise ConfigError(f"{name}: expected {', '.join(options)}, got {value!r:.40}")
        if self.period is not None and not (math.isfinite(self.period) and self.period > 0):
            raise ConfigError(f"period: expected days, got {self.period!r:.40}")

    @property
    def is_flux(self) -> bool:
        """Whether the quantity grows upward, and has a sign."""
        return self.quantity in ("flux", "forced")


def draw_curve(axes: Axes, curve: LightCurve, look: CurveLook, *, candid: int = 0) -> None:
    """Draw a light curve, with a ring around the epoch of one alert.

    Parameters
    ----------
    axes
        Where to.
    curve
        What.
    look
        How.
    candid
        The alert in view; 0 for none.
    """
    y, error = _values(curve, look)
    there = np.isfinite(y) & np.isfinite(curve.jd)
    rows = np.flatnonzero(there & ~np.isin(curve.fid, look.hidden))
    if not len(rows):
        say_in(axes, "all of its bands are hidden" if there.any() else _NOTHING[look.quantity])
        return
    x = _dates(curve, look)
    told: dict[str, Any] = {}
    for group, kind, fid, faint in _groups(curve, rows, look):
        hollow = kind == "limit" or not (look.is_flux or curve.positive[group[0]])
        points = (x[group], y[group], error[group])
        _draw(axes, _folded(points, look), kind, fid, look, hollow=hollow, faint=faint)
        told |= _meanings(kind, fid, look, hollow=hollow, faint=faint)
    here = rows[curve.candid[rows] == candid] if candid else rows[:0]
    ring_x, ring_y, _ = _folded((x[here], y[here], error[here]), look)
    axes.plot(
        ring_x, ring_y, "o", markersize=12, markerfacecolor="none", markeredgecolor=INK,
        markeredgewidth=1.1, linestyle="none", zorder=5,
    )  # fmt: skip
    if look.is_flux:
        axes.axhline(0, color=LINE, linewidth=0.8, zorder=0)
    _set_ranges(axes, x[rows], y[rows], error[rows], look)
    _set_labels(axes, curve, look)
    _set_legend(axes, told)


def _values(curve: LightCurve, look: CurveLook) -> tuple[Floats, Floats]:
    """Return what is drawn and its error; NaN for what is not: quantities are never mixed."""
    value, error = {
        "difference": (curve.mag, curve.mag_err),
        "apparent": (curve.apparent_mag, curve.apparent_mag_err),
    }.get(look.quantity, (curve.flux, curve.flux_err))
    found = curve.kind == ("forced" if look.quantity == "forced" else "detection")
    y = np.where(found, value, np.nan)
    if look.limits and look.quantity in ("difference", "flux"):
        bound = curve.limit
        if look.quantity == "flux":
            bound = 10.0 ** (0.4 * (AB_ZERO_POINT - curve.limit))
        y = np.where(curve.kind == "limit", bound, y)
    return y, np.where(found, error, np.nan)


def _dates(curve: LightCurve, look: CurveLook) -> Floats:
    if look.period is not None:
        return curve.phase(look.period)
    return curve.jd - (curve.start if look.time == "days" else _MJD_OF_JD_0)


_Points = tuple[Floats, Floats, Floats]


def _folded(points: _Points, look: CurveLook) -> _Points:
    """Return points twice, for two cycles, where they are folded."""
    if look.period is None:
        return points
    x, y, error = points
    return np.concatenate((x, x + 1)), np.tile(y, 2), np.tile(error, 2)


def _groups(
    curve: LightCurve, rows: NDArray[np.intp], look: CurveLook
) -> list[tuple[NDArray[np.intp], str, int, bool]]:
    """Return rows that look alike, with kind, filter and whether they are faint; on top last."""
    weak = (curve.kind == "forced") & ~(np.abs(curve.snr) >= look.snr)
    groups = []
    for kind in ("limit", "forced", "detection"):
        for fid in np.unique(curve.fid[rows]).tolist():
            for positive in (True, False):
                for faint in (True, False):
                    some = rows[
                        (curve.kind[rows] == kind)
                        & (curve.fid[rows] == fid)
                        & (curve.positive[rows] == positive)
                        & (weak[rows] == faint)
                    ]
                    if len(some):
                        groups.append((some, kind, fid, faint))
    return groups


def _draw(
    axes: Axes,
    points: _Points,
    kind: str,
    fid: int,
    look: CurveLook,
    *,
    hollow: bool,
    faint: bool,
) -> None:
    x, y, error = points
    colour = PALETTES[look.palette].get(fid, OTHER_COLOUR)
    form = MARKERS.get(fid, OTHER_MARKER)
    limit = kind == "limit"
    alpha = _VERY_FAINT if faint else _FAINT if limit else 1.0
    if not limit:
        axes.errorbar(
            x, y, np.nan_to_num(error), fmt="none", ecolor=colour, elinewidth=0.8, capsize=0,
            alpha=_FAINT * alpha, zorder=2,
        )  # fmt: skip
    axes.plot(
        x, y, "v" if limit else _SHAPES[form], color=colour,
        markersize=_size(kind, form), markerfacecolor="white" if hollow else colour,
        markeredgecolor=colour, markeredgewidth=0.9, linestyle="none", alpha=alpha,
        zorder=1 if limit else 3,
    )  # fmt: skip


def _size(kind: str, form: str) -> float:
    return _LIMIT if kind == "limit" else _SIZES[form] * (_FORCED if kind == "forced" else 1)


def _meanings(
    kind: str, fid: int, look: CurveLook, *, hollow: bool, faint: bool
) -> dict[str, tuple[str, str, str, float, float]]:
    """Return words for the legend, with marker, colour, filling, size and opacity."""
    form = MARKERS.get(fid, OTHER_MARKER)
    colour = PALETTES[look.palette].get(fid, OTHER_COLOUR)
    told = {f"{BANDS.get(fid, '?')} band": (_SHAPES[form], colour, colour, _SIZES[form], 1.0)}
    circle = _SIZES["circle"]
    if kind == "limit":
        told["5-sigma limit"] = ("v", MUTED, "white", _LIMIT, 1.0)
    elif faint:
        told[_BELOW] = ("o", MUTED, MUTED, circle * _FORCED, _VERY_FAINT)
    elif hollow:
        told["fainter than reference"] = ("o", MUTED, "white", circle, 1.0)
    return told


def _set_ranges(axes: Axes, x: Floats, y: Floats, error: Floats, look: CurveLook) -> None:
    bars = np.nan_to_num(error)
    if look.is_flux:
        low, high = _widened(np.concatenate((y - bars, y + bars, [0.0])), 1.0)
    else:
        bars = np.minimum(bars, _LONGEST_BAR)
        high, low = _widened(np.concatenate((y - bars, y + bars)), 0.3)
    axes.set_xlim(*((-0.04, 2.04) if look.period is not None else _widened(x, _SHORTEST)))
    axes.set_ylim(low, high)


def _widened(values: Floats, shortest: float) -> tuple[float, float]:
    low, high = float(np.min(values)), float(np.max(values))
    middle, half = (low + high) / 2, max((high - low) / 2, shortest / 2)
    return middle - half * (1 + 2 * _MARGIN), middle + half * (1 + 2 * _MARGIN)


def _x_label(curve: LightCurve, look: CurveLook) -> str:
    if look.period is not None:
        return f"phase (period = {look.period:.6g} d)"
    if look.time == "mjd":
        return "MJD (UTC)"
    first = "detection" if (curve.kind == "detection").any() else "epoch"
    return f"days since first {first} (MJD {curve.start - _MJD_OF_JD_0:.4f})"


def _set_labels(axes: Axes, curve: LightCurve, look: CurveLook) -> None:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - of `lab`

    described: tuple[tuple[Any, str, int], ...] = (
        (axes.xaxis, _x_label(curve, look), 7),
        (axes.yaxis, _Y_LABELS[look.quantity], 6),
    )
    for axis, label, most in described:
        axis.set_label_text(label, fontsize=9, color=INK, **TEXT)
        low, high = sorted(axis.get_view_interval())
        ticks = MaxNLocator(most, steps=[1, 2, 5, 10]).tick_values(low, high)
        shown = ticks[(ticks >= low) & (ticks <= high)]
        step = float(np.diff(ticks)[0])
        decimals = max(0, -int(np.floor(np.log10(step) + 1e-9)))
        texts = [f"{tick + 0.0:.{decimals}f}".replace("-", "\N{MINUS SIGN}") for tick in shown]
        axis.set_ticks(shown, texts, fontsize=8, color=INK, **TEXT)
    axes.tick_params(
        which="both", direction="out", length=3, width=0.8, color=LINE, labelcolor=INK, pad=3,
        top=False, right=False, bottom=True, left=True,
        labeltop=False, labelright=False, labelbottom=True, labelleft=True,
    )  # fmt: skip
    axes.minorticks_off()
    axes.grid(visible=True, color="#EBEBEB", linewidth=0.7, linestyle="-", alpha=1.0)
    axes.set_axisbelow(True)


def _set_legend(axes: Axes, told: dict[str, tuple[str, str, str, float, float]]) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415 - of `lab`

    bands = [f"{band} band" for band in (*BANDS.values(), "?")]
    order = [*bands, "fainter than reference", "5-sigma limit", _BELOW]
    handles = [
        Line2D(
            [], [], marker=marker, color=colour, markerfacecolor=filling, markersize=size,
            markeredgecolor=colour, markeredgewidth=0.9, linestyle="none", label=words, alpha=alpha,
        )
        for words in order
        if words in told
        for marker, colour, filling, size, alpha in [told[words]]
    ]  # fmt: skip
    legend = axes.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(-0.012, 1.0), ncols=len(handles),
        frameon=False, borderpad=0, borderaxespad=0.5, handletextpad=0.15, columnspacing=1.4,
        handlelength=1.2, prop={"family": FONT, "size": 8}, labelcolor=INK, numpoints=1,
        markerscale=1.0,
    )  # fmt: skip
    for text in legend.get_texts():
        text.set_usetex(False)


def say_in(axes: Axes, words: str) -> None:
    """Write why there is nothing to see, in the middle of empty axes."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(
        0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", fontsize=8.5,
        color=MUTED, wrap=True, **TEXT,
    )  # fmt: skip
