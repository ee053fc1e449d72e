"""What a light curve looks like: its points, axes, ranges and legend, without any drawing.

The browser's page (`ztfnb.widgets.LightCurve`) and pictures (`ztfnb.picture`) draw this.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ztfnb.alert import BANDS, UNIX_EPOCH_JD
from ztfnb.bands import (
    LIMIT_MARKER,
    MARKERS,
    OTHER_COLOUR,
    OTHER_MARKER,
    PALETTES,
    Marker,
)
from ztfnb.curveview import CurveView, Quantity
from ztfnb.lightcurve import Floats, LightCurve
from ztfnb.photometry import AB_ZERO_POINT

MJD_OF_JD_0 = 2400000.5
PHASES = (-0.04, 2.04)
"""Range of the axis of phases: two cycles, and room for what lies at their ends."""
SIZES = {"detection": 9.0, "limit": 7.0, "forced": 7.0}
"""Of a point in pixels of the page."""
FAINT = 0.22
"""Opacity of a forced flux below the cut."""

_LIMIT_OPACITY = 0.6
_MARGIN = 0.07
_SHORTEST = 1.0
"""Narrowest time axis [d]."""
_LEAST_MAG, _LEAST_FLUX = 0.2, 1.0
"""Shortest ranges of magnitudes and of fluxes [µJy]."""
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
    """As in `SIZES`."""
    opacity: Floats
    """0 to 1, before `faded`."""
    colour: list[str]
    hollow: NDArray[np.bool_]
    """What is fainter than the reference, and limits."""
    marker: list[Marker]
    candid: NDArray[np.int64]
    """0 where there is none."""


@dataclass(frozen=True, slots=True)
class Band:
    """A filter in the legend."""

    fid: int
    name: str
    marker: Marker
    colour: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class Sign:
    """What else the legend explains, whatever the band."""

    marker: Marker
    style: Literal["open", "faint"]
    words: str


_SIGNS = {
    "negative": Sign("circle", "open", "fainter than reference"),
    "limit": Sign(LIMIT_MARKER, "open", "5-sigma limit"),
    "forced": Sign("circle", "faint", "below the SNR"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Plot:
    """A light curve as it is to be drawn."""

    points: Points
    x_label: str
    x_zero: str
    """Date at which x is zero, where the label does not tell it."""
    y_label: str
    x_range: tuple[float, float]
    """From left to right: days before now get fewer."""
    y_range: tuple[float, float]
    """From the bottom of the plot to its top: of magnitudes the faint end comes first."""
    bands: tuple[Band, ...]
    """Filters that occur, also those that are hidden."""
    signs: tuple[Sign, ...]
    """Signs that occur."""
    signed: bool
    """Whether y is a flux, which has a sign, so that zero means something."""
    snr: float | None
    """Signal-to-noise below which points are faint; None where none is."""
    note: str
    """Why there is nothing to see; empty where there is something."""


def plot_of(curve: LightCurve, view: CurveView | None = None, *, now: float | None = None) -> Plot:
    """Return what to draw.

    Parameters
    ----------
    curve
        The light curve.
    view
        What is chosen. Quantities are never mixed: difference magnitude, with limits; apparent
        magnitude, of the source itself; signed difference flux of detections, with limits as
        fluxes; signed flux of forced photometry, and of nothing else. Where it folds on a period
        of the object, each point is there twice, in two cycles.
    now
        Julian date that days before now are counted from; the present where None.
    """
    view = CurveView() if view is None else view
    period = view.period_of(curve.object_id)
    y, error = _values(curve, view)
    there = np.isfinite(y) & np.isfinite(curve.jd)
    shown = there & ~np.isin(curve.fid, view.hidden)
    order = [np.flatnonzero(shown & (curve.kind == kind)) for kind in ("limit", "forced")]
    found = np.flatnonzero(shown & (curve.kind == "detection"))
    rows = np.concatenate((*order, found))
    x, x_label, x_zero = _dates(curve, view, now)
    left, right = _widened(x[rows], _SHORTEST)
    x_range = (right, left) if view.time == "ago" else (left, right)
    low, high = _extent(y[rows], error[rows], view.quantity)
    signed = view.quantity in ("flux", "forced")
    kinds = set(curve.kind[rows].tolist())
    if not signed and not curve.positive[found].all():
        kinds.add("negative")
    places = x[rows]
    if period is not None:
        phase = curve.phase(period)[rows]
        places, rows = np.concatenate((phase, phase + 1)), np.tile(rows, 2)
        x_label, x_zero, x_range = f"phase (period = {period:.7g} d)", "", PHASES
    return Plot(
        points=_points(curve, view, rows, x=places, y=y[rows], error=error[rows]),
        x_label=x_label,
        x_zero=x_zero,
        y_label=_Y_LABELS[view.quantity],
        x_range=x_range,
        y_range=(low, high) if signed else (high, low),
        bands=tuple(_band(fid, view) for fid in np.unique(curve.fid[there]).tolist()),
        signs=tuple(sign for kind, sign in _SIGNS.items() if kind in kinds),
        signed=signed,
        snr=view.snr if view.quantity == "forced" else None,
        note=_note(view, there=bool(there.any()), shown=bool(len(rows))),
    )


def faded(plot: Plot) -> Floats:
    """Return the opacity of each point: those below the cut in signal-to-noise are faint.

    The page does the same (``widgets/static/curveplot.js``), since there the cut can be moved.
    """
    points = plot.points
    if plot.snr is None:
        return points.opacity
    return np.where(points.snr >= plot.snr, points.opacity, FAINT)


def _note(view: CurveView, *, there: bool, shown: bool) -> str:
    if shown:
        return ""
    return "All of its bands are hidden." if there else _NOTHING[view.quantity]


def _band(fid: int, view: CurveView) -> Band:
    return Band(
        fid, BANDS.get(fid, "?"), _marker(fid), _colour(fid, view), hidden=fid in view.hidden
    )


def _marker(fid: int) -> Marker:
    return MARKERS.get(fid, OTHER_MARKER)


def _colour(fid: int, view: CurveView) -> str:
    return PALETTES[view.palette].get(fid, OTHER_COLOUR)


def _dates(curve: LightCurve, view: CurveView, now: float | None) -> tuple[Floats, str, str]:
    """Return dates as they are plotted, what they are, and when they are zero."""
    if view.time == "ago":
        now = time.time() / 86400 + UNIX_EPOCH_JD if now is None else now
        return now - curve.jd, "days before now", _mjd(now)
    if view.time == "mjd" or not len(curve):
        return curve.jd - MJD_OF_JD_0, "MJD (UTC)", ""
    name = "detection" if (curve.kind == "detection").any() else "epoch"
    return curve.jd - curve.start, f"days since first {name}", _mjd(curve.start)


def _mjd(jd: float) -> str:
    return f"MJD {jd - MJD_OF_JD_0:.4f}"


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
) -> Points:
    fids = curve.fid[rows].tolist()
    kinds = curve.kind[rows]
    limits = kinds == "limit"
    negative = view.quantity in ("difference", "apparent") and ~curve.positive[rows]
    return Points(
        rows=rows,
        jd=curve.jd[rows],
        x=x,
        y=y,
        lower=y - error,
        upper=y + error,
        snr=np.abs(curve.snr[rows]),
        size=np.array([SIZES[kind] for kind in kinds.tolist()]),
        opacity=np.where(limits, _LIMIT_OPACITY, 1.0),
        colour=[_colour(fid, view) for fid in fids],
        hollow=limits | negative,
        marker=[
            LIMIT_MARKER if limit else _marker(fid)
            for fid, limit in zip(fids, limits.tolist(), strict=True)
        ],
        candid=curve.candid[rows],
    )


def _extent(y: Floats, error: Floats, quantity: Quantity) -> tuple[float, float]:
    bars = np.nan_to_num(error)
    if quantity in ("flux", "forced"):
        return _widened(np.concatenate((y - bars, y + bars, [0.0])), _LEAST_FLUX)
    bars = np.minimum(bars, _LONGEST_BAR)
    return _widened(np.concatenate((y - bars, y + bars)), _LEAST_MAG)


def _widened(values: Floats, shortest: float) -> tuple[float, float]:
    if not len(values):
        return 0.0, 1.0
    low, high = float(np.min(values)), float(np.max(values))
    middle, half = (low + high) / 2, max((high - low) / 2, shortest / 2)
    return middle - half * (1 + 2 * _MARGIN), middle + half * (1 + 2 * _MARGIN)
