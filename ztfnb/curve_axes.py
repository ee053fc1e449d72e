"""A light curve on axes of matplotlib, by the conventions of the browser's.

Everything is set here, nothing is left to the settings of whoever draws: the same light curve
makes the same picture everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from ztfnb.alert import BANDS
from ztfnb.bands import COLOURS, MARKERS, OTHER_COLOUR, OTHER_MARKER
from ztfnb.errors import ConfigError
from ztfnb.lightcurve import Floats, LightCurve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Quantity = Literal["difference", "apparent", "flux"]
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
_LIMIT, _FORCED = 4.6, 0.62
_FAINT = 0.55
_MARGIN = 0.06
_SHORTEST = 1.0
"""Narrowest time axis [d]."""
_LONGEST_BAR = 1.5
"""Error bars [mag] that the range makes room for."""
_Y_LABELS: dict[Quantity, str] = {
    "difference": "difference magnitude (AB)",
    "apparent": "apparent magnitude (AB)",
    "flux": "difference flux (µJy)",
}
_NOTHING: dict[Quantity, str] = {
    "difference": "no epoch has a difference magnitude",
    "apparent": "no apparent magnitude: it needs a reference source within 1.4″",
    "flux": "no epoch has a flux",
}


def draw_curve(
    axes: Axes, curve: LightCurve, quantity: Quantity, time: Time, *, candid: int
) -> None:
    """Draw a light curve, with a ring around the epoch of one alert.

    Parameters
    ----------
    axes
        Where to.
    curve
        What.
    quantity
        ``difference`` or ``apparent`` magnitude, or signed difference ``flux``.
    time
        ``days`` since the first detection, or ``mjd``.
    candid
        The alert in view.

    Raises
    ------
    ConfigError
        If there is no such quantity or time.
    """
    for name, value, options in (("quantity", quantity, QUANTITIES), ("time", time, TIMES)):
        if value not in options:
            raise ConfigError(f"{name}: expected {', '.join(options)}, got {value!r:.40}")
    y, error = _values(curve, quantity)
    rows = np.flatnonzero(np.isfinite(y) & np.isfinite(curve.jd))
    if not len(rows):
        say_in(axes, _NOTHING[quantity])
        return
    start = curve.start if time == "days" else _MJD_OF_JD_0
    x = curve.jd - start
    told: dict[str, Any] = {}
    for kind in ("limit", "forced", "detection"):
        for fid in np.unique(curve.fid[rows]).tolist():
            for positive in (True, False):
                some = rows[
                    (curve.kind[rows] == kind)
                    & (curve.fid[rows] == fid)
                    & (curve.positive[rows] == positive)
                ]
                if len(some):
                    hollow = kind == "limit" or (not positive and quantity != "flux")
                    _draw(axes, (x[some], y[some], error[some]), kind, fid, hollow=hollow)
                    told |= _meanings(kind, fid, hollow=hollow)
    here = rows[curve.candid[rows] == candid] if candid else rows[:0]
    axes.plot(
        x[here], y[here], "o", markersize=12, markerfacecolor="none", markeredgecolor=INK,
        markeredgewidth=1.1, linestyle="none", zorder=5,
    )  # fmt: skip
    if quantity == "flux":
        axes.axhline(0, color=LINE, linewidth=0.8, zorder=0)
    _set_ranges(axes, x[rows], y[rows], error[rows], quantity)
    _set_labels(axes, curve, quantity, time)
    _set_legend(axes, told)


def _values(curve: LightCurve, quantity: Quantity) -> tuple[Floats, Floats]:
    if quantity == "flux":
        return curve.flux, curve.flux_err
    found = curve.kind == "detection"
    if quantity == "apparent":
        return (
            np.where(found, curve.apparent_mag, np.nan),
            np.where(found, curve.apparent_mag_err, np.nan),
        )
    limits = np.where(curve.kind == "limit", curve.limit, np.nan)
    return np.where(found, curve.mag, limits), np.where(found, curve.mag_err, np.nan)


def _draw(
    axes: Axes, points: tuple[Floats, Floats, Floats], kind: str, fid: int, *, hollow: bool
) -> None:
    x, y, error = points
    colour, form = COLOURS.get(fid, OTHER_COLOUR), MARKERS.get(fid, OTHER_MARKER)
    size = _LIMIT if kind == "limit" else _SIZES[form] * (_FORCED if kind == "forced" else 1)
    faint = _FAINT if kind != "detection" else 1.0
    if kind != "limit":
        axes.errorbar(
            x, y, np.nan_to_num(error), fmt="none", ecolor=colour, elinewidth=0.8, capsize=0,
            alpha=_FAINT, zorder=2,
        )  # fmt: skip
    axes.plot(
        x, y, "v" if kind == "limit" else _SHAPES[form], color=colour, markersize=size,
        markerfacecolor="white" if hollow else colour, markeredgecolor=colour,
        markeredgewidth=0.9, linestyle="none", alpha=faint, zorder=1 if kind == "limit" else 3,
    )  # fmt: skip


def _meanings(kind: str, fid: int, *, hollow: bool) -> dict[str, tuple[str, str, str, float]]:
    """Return words for the legend, with marker, colour, filling and size."""
    form = MARKERS.get(fid, OTHER_MARKER)
    colour = COLOURS.get(fid, OTHER_COLOUR)
    told = {f"{BANDS.get(fid, '?')} band": (_SHAPES[form], colour, colour, _SIZES[form])}
    if kind == "limit":
        told["5-sigma limit"] = ("v", MUTED, "white", _LIMIT)
    elif kind == "forced":
        told["forced photometry"] = ("o", MUTED, MUTED, _SIZES["circle"] * _FORCED)
    elif hollow:
        told["fainter than reference"] = ("o", MUTED, "white", _SIZES["circle"])
    return told


def _set_ranges(axes: Axes, x: Floats, y: Floats, error: Floats, quantity: Quantity) -> None:
    bars = np.nan_to_num(error)
    if quantity == "flux":
        low, high = _widened(np.concatenate((y - bars, y + bars, [0.0])), 1.0)
    else:
        bars = np.minimum(bars, _LONGEST_BAR)
        high, low = _widened(np.concatenate((y - bars, y + bars)), 0.3)
    axes.set_xlim(*_widened(x, _SHORTEST))
    axes.set_ylim(low, high)


def _widened(values: Floats, shortest: float) -> tuple[float, float]:
    low, high = float(np.min(values)), float(np.max(values))
    middle, half = (low + high) / 2, max((high - low) / 2, shortest / 2)
    return middle - half * (1 + 2 * _MARGIN), middle + half * (1 + 2 * _MARGIN)


def _set_labels(axes: Axes, curve: LightCurve, quantity: Quantity, time: Time) -> None:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - of `lab`

    first = "detection" if (curve.kind == "detection").any() else "epoch"
    x_label = (
        f"days since first {first} (MJD {curve.start - _MJD_OF_JD_0:.4f})"
        if time == "days"
        else "MJD (UTC)"
    )
    described: tuple[tuple[Any, str, int], ...] = (
        (axes.xaxis, x_label, 8 if time == "days" else 7),
        (axes.yaxis, _Y_LABELS[quantity], 6),
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


def _set_legend(axes: Axes, told: dict[str, tuple[str, str, str, float]]) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415 - of `lab`

    bands = [f"{band} band" for band in (*BANDS.values(), "?")]
    order = [*bands, "fainter than reference", "5-sigma limit", "forced photometry"]
    handles = [
        Line2D(
            [], [], marker=marker, color=colour, markerfacecolor=filling, markersize=size,
            markeredgecolor=colour, markeredgewidth=0.9, linestyle="none", label=words,
        )
        for words in order
        if words in told
        for marker, colour, filling, size in [told[words]]
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
