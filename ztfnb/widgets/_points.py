"""What a light curve looks like: its points, axes and ranges, without any drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ztfnb.alert import BANDS
from ztfnb.lightcurve import Floats, LightCurve
from ztfnb.photometry import AB_ZERO_POINT
from ztfnb.widgets._curveview import CurveView, Palette, Quantity
from ztfnb.widgets._epochs import MJD_OF_JD_0, rows_of, told_of

COLOURS = {1: "#009E73", 2: "#D55E00", 3: "#8856C4"}
"""Of g, r and i: people who cannot tell red from green can tell these (after Okabe & Ito)."""
CLASSIC = {1: "#2E9E2E", 2: "#E02020", 3: "#F59300"}
"""Of g, r and i, as they have long been drawn."""
PALETTES: dict[Palette, dict[int, str]] = {"safe": COLOURS, "classic": CLASSIC}
MARKERS = {1: "circle", 2: "square", 3: "diamond"}
_OTHER_COLOUR, _OTHER_MARKER = "#777777", "hex"
_LIMIT_MARKER = "inverted_triangle"
_CLEAR = "rgba(0, 0, 0, 0)"
_SIZES = {"detection": 9.0, "limit": 7.0, "forced": 7.0}
_MARGIN = 0.07
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
    "difference": "No epoch has a difference magnitude.",
    "apparent": "No apparent magnitude: it needs a reference source within 1.4″ of the detection.",
    "flux": "No epoch has a flux.",
    "forced": "No forced photometry: packets have it since schema 4.01, where it was done.",
}


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Points in arrays of one length, in the order of drawing: detections come last, on top."""

    rows: NDArray[np.intp]
    """Rows of the light curve."""
    jd: Floats
    x: Floats
    y: Floats
    lower: Floats
    upper: Floats
    """Ends of the error bars; NaN where there is none."""
    snr: Floats
    """Flux over its error, without the sign; NaN where unknown."""
    size: Floats
    """[pixels]"""
    color: list[str]
    fill: list[str]
    """The colour, or clear for what is fainter than the reference, and for limits."""
    marker: list[str]
    told: list[str]
    """What is told of the point."""


@dataclass(frozen=True, slots=True, eq=False)
class Plot:
    """A light curve as it is to be drawn."""

    points: Points
    x_label: str
    y_label: str
    x_range: tuple[float, float]
    """From left to right: days before now get fewer."""
    y_range: tuple[float, float]
    """From the bottom of the plot to its top: of magnitudes the faint end comes first."""
    bands: tuple[int, ...]
    """Filters that occur, also those that are hidden, for the legend."""
    kinds: frozenset[str]
    """What else the legend explains: ``negative``, ``limit``, ``forced``."""
    note: str
    """Why there is nothing to see; empty where there is something."""


def plot_of(
    curve: LightCurve,
    view: CurveView | None = None,
    *,
    now: float = float("nan"),
    told: list[str] | None = None,
) -> Plot:
    """Return what to draw.

    Parameters
    ----------
    curve
        The light curve.
    view
        What is chosen. Quantities are never mixed: difference magnitude, with limits; apparent
        magnitude, of the source itself; signed difference flux of detections, with limits as
        fluxes; signed flux of forced photometry, and of nothing else.
    now
        Julian date that days before now are counted from.
    told
        What is told of each epoch; made where None.
    """
    view = CurveView() if view is None else view
    told = told_of(rows_of(curve)) if told is None else told
    x, x_label = _dates(curve, view, now)
    y, error = _values(curve, view)
    there = np.isfinite(y)
    shown = there & ~np.isin(curve.fid, view.hidden)
    order = [np.flatnonzero(shown & (curve.kind == kind)) for kind in _SIZES]
    rows = np.concatenate((order[1], order[2], order[0]))
    ends = x[rows] if len(rows) else x[:0]
    left, right = _widened(ends, _SHORTEST)
    low, high = _extent(y[rows], error[rows], view.quantity)
    flux = view.quantity in ("flux", "forced")
    kinds = set(curve.kind[rows].tolist()) - {"detection"}
    if not flux and not curve.positive[order[0]].all():
        kinds.add("negative")
    return Plot(
        points=_points(curve, view, rows, x=x, y=y, error=error, told=told),
        x_label=x_label,
        y_label=_Y_LABELS[view.quantity],
        x_range=(right, left) if view.time == "ago" else (left, right),
        y_range=(low, high) if flux else (high, low),
        bands=tuple(int(fid) for fid in np.unique(curve.fid[there])),
        kinds=frozenset(kinds),
        note=_note(view, there=bool(there.any()), shown=bool(len(rows))),
    )


def _note(view: CurveView, *, there: bool, shown: bool) -> str:
    if shown:
        return ""
    return "All of its bands are hidden." if there else _NOTHING[view.quantity]


def _dates(curve: LightCurve, view: CurveView, now: float) -> tuple[Floats, str]:
    if view.time == "ago":
        return now - curve.jd, "days before now"
    if view.time == "mjd" or not len(curve):
        return curve.jd - MJD_OF_JD_0, "MJD (UTC)"
    name = "detection" if (curve.kind == "detection").any() else "epoch"
    return curve.jd - curve.start, f"days since first {name}"


def _values(curve: LightCurve, view: CurveView) -> tuple[Floats, Floats]:
    """Return what is plotted, and its error; NaN for what is not."""
    none = np.full(len(curve), np.nan)
    found = curve.kind == ("forced" if view.quantity == "forced" else "detection")
    value, error = {
        "difference": (curve.mag, curve.mag_err),
        "apparent": (curve.apparent_mag, curve.apparent_mag_err),
    }.get(view.quantity, (curve.flux, curve.flux_err))
    y = np.where(found, value, none)
    if view.limits and view.quantity in ("difference", "flux"):
        bound = curve.limit
        if view.quantity == "flux":
            bound = 10.0 ** (0.4 * (AB_ZERO_POINT - curve.limit))
        y = np.where(curve.kind == "limit", bound, y)
    return y, np.where(found, error, none)


def _points(
    curve: LightCurve,
    view: CurveView,
    rows: NDArray[np.intp],
    *,
    x: Floats,
    y: Floats,
    error: Floats,
    told: list[str],
) -> Points:
    fids = curve.fid[rows].tolist()
    limits = curve.kind[rows] == "limit"
    negative = view.quantity in ("difference", "apparent") and ~curve.positive[rows]
    colours = [PALETTES[view.palette].get(fid, _OTHER_COLOUR) for fid in fids]
    return Points(
        rows=rows,
        jd=curve.jd[rows],
        x=x[rows],
        y=y[rows],
        lower=y[rows] - error[rows],
        upper=y[rows] + error[rows],
        snr=np.abs(curve.snr[rows]),
        size=np.array([_SIZES[kind] for kind in curve.kind[rows].tolist()]),
        color=colours,
        fill=[
            _CLEAR if empty else colour
            for colour, empty in zip(colours, limits | negative, strict=True)
        ],
        marker=[
            _LIMIT_MARKER if limit else MARKERS.get(fid, _OTHER_MARKER)
            for fid, limit in zip(fids, limits, strict=True)
        ],
        told=[told[row] for row in rows.tolist()],
    )


def _extent(y: Floats, error: Floats, quantity: Quantity) -> tuple[float, float]:
    bars = np.nan_to_num(error)
    if quantity in ("flux", "forced"):
        return _widened(np.concatenate((y - bars, y + bars, [0.0])), 1.0)
    bars = np.minimum(bars, _LONGEST_BAR)
    return _widened(np.concatenate((y - bars, y + bars)), 0.2)


def _widened(values: Floats, shortest: float) -> tuple[float, float]:
    if not len(values):
        return 0.0, 1.0
    low, high = float(np.min(values)), float(np.max(values))
    middle, half = (low + high) / 2, max((high - low) / 2, shortest / 2)
    return middle - half * (1 + 2 * _MARGIN), middle + half * (1 + 2 * _MARGIN)


def payload_of(plot: Plot, view: CurveView) -> dict[str, Any]:
    """Return a plot as the page takes it: numbers as float64 bytes, since JSON has no NaN."""
    points = plot.points
    numbers = ("rows", "jd", "x", "y", "lower", "upper", "snr", "size")
    columns: dict[str, Any] = {
        name: np.asarray(getattr(points, name), "<f8").tobytes() for name in numbers
    }
    columns |= {name: getattr(points, name) for name in ("color", "fill", "marker", "told")}
    return {
        "x_label": plot.x_label,
        "y_label": plot.y_label,
        "x_range": list(plot.x_range),
        "y_range": list(plot.y_range),
        "note": plot.note,
        "bands": [
            {"fid": fid, "name": BANDS.get(fid, "?"), "marker": MARKERS.get(fid, _OTHER_MARKER),
             "colour": PALETTES[view.palette].get(fid, _OTHER_COLOUR)}
            for fid in plot.bands
        ],
        "legend": [entry for kind, entry in _EXPLAINED.items() if kind in plot.kinds],
        "points": columns,
    }  # fmt: skip


_EXPLAINED = {
    "negative": ["circle", "open", "fainter than reference"],
    "limit": [_LIMIT_MARKER, "open", "5-sigma limit"],
    "forced": ["circle", "faint", "below the SNR"],
}
"""Marker, look and meaning of what is not a matter of the band."""
