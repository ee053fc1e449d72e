"""A light curve on axes of matplotlib.

Everything is set here, nothing is left to the settings of whoever draws: the same plot makes the
same picture everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ztfnb.bands import LIMIT_MARKER, Marker
from ztfnb.curveplot import FAINT, SIZES, Plot, faded

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, LINE = "#222222", "#666666", "#B8B8B8"
FONT = "DejaVu Sans"
"""It comes with matplotlib."""
TEXT: dict[str, Any] = {"family": FONT, "parse_math": False, "usetex": False}
"""How every text is set: what an alert brings is no mathematics."""

_FORMS: dict[Marker, tuple[str, float]] = {
    "circle": ("o", 0.6),
    "square": ("s", 0.56),
    "diamond": ("D", 0.53),
    "hex": ("h", 0.62),
    "inverted_triangle": ("v", 0.66),
}
"""Marker of matplotlib, and its size in points of one pixel of the page: forms look alike large."""
_EDGE, _RING = 0.9, 12.0
_BAR_OPACITY = 0.55

_Look = tuple[Marker, str, bool, float, float]
"""Marker, colour, whether hollow, size, opacity."""


def draw_curve(axes: Axes, plot: Plot, *, candid: int = 0) -> None:
    """Draw a light curve, with a ring around the epoch of one alert.

    Parameters
    ----------
    axes
        Where to.
    plot
        What.
    candid
        The alert in view; 0 for none.
    """
    if plot.note:
        say_in(axes, plot.note)
        return
    points = plot.points
    for (marker, colour, hollow, size, opacity), group in _groups(plot).items():
        x, y = points.x[group], points.y[group]
        axes.errorbar(
            x, y, np.nan_to_num(points.upper[group] - y), fmt="none", ecolor=colour,
            elinewidth=0.8, capsize=0, alpha=_BAR_OPACITY * opacity, zorder=2,
        )  # fmt: skip
        form, scale = _FORMS[marker]
        axes.plot(
            x, y, form, color=colour, markersize=scale * size, markeredgecolor=colour,
            markerfacecolor="white" if hollow else colour, markeredgewidth=_EDGE,
            linestyle="none", alpha=opacity, zorder=3,
        )  # fmt: skip
    here = (points.candid == candid) & (points.candid != 0)
    axes.plot(
        points.x[here], points.y[here], "o", markersize=_RING, markerfacecolor="none",
        markeredgecolor=INK, markeredgewidth=1.1, linestyle="none", zorder=5,
    )  # fmt: skip
    if plot.signed:
        axes.axhline(0, color=LINE, linewidth=0.8, zorder=0)
    axes.set_xlim(*plot.x_range)
    axes.set_ylim(*plot.y_range)
    _set_labels(axes, plot)
    _set_legend(axes, plot)


def _groups(plot: Plot) -> dict[_Look, list[int]]:
    """Return the places of points that look alike, in the order of drawing."""
    points = plot.points
    groups: dict[_Look, list[int]] = {}
    looks = zip(
        points.marker, points.colour, points.hollow.tolist(), points.size.tolist(),
        faded(plot).tolist(), strict=True,
    )  # fmt: skip
    for place, look in enumerate(looks):
        groups.setdefault(look, []).append(place)
    return groups


def _set_labels(axes: Axes, plot: Plot) -> None:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - of `lab`

    # Beside a picture nothing tells when it is zero.
    across = f"{plot.x_label} ({plot.x_zero})" if plot.x_zero else plot.x_label
    described: tuple[tuple[Any, str, int], ...] = (
        (axes.xaxis, across, 7),
        (axes.yaxis, plot.y_label, 6),
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


def _set_legend(axes: Axes, plot: Plot) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415 - of `lab`

    entries: list[tuple[Marker, str, str, float, float, str]] = [
        (band.marker, band.colour, band.colour, SIZES["detection"], 1.0, f"{band.name} band")
        for band in plot.bands
        if not band.hidden
    ]
    any_faint = bool(np.any(faded(plot) == FAINT))
    for sign in plot.signs:
        if sign.style == "open":
            size = SIZES["limit" if sign.marker == LIMIT_MARKER else "detection"]
            entries.append((sign.marker, MUTED, "white", size, 1.0, sign.words))
        elif any_faint:
            entries.append((sign.marker, MUTED, MUTED, SIZES["forced"], FAINT, sign.words))
    handles = [
        Line2D(
            [], [], marker=_FORMS[marker][0], color=colour, markerfacecolor=filling,
            markersize=_FORMS[marker][1] * size, markeredgecolor=colour, markeredgewidth=_EDGE,
            linestyle="none", label=words, alpha=opacity,
        )
        for marker, colour, filling, size, opacity, words in entries
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
