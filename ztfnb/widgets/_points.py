"""What a light curve looks like: its points, axes and ranges, without any drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ztfnb.alert import BANDS
from ztfnb.photometry import LightCurve
from ztfnb.widgets._columns import date_of

Floats = NDArray[np.float64]
Quantity = Literal["difference", "apparent", "flux"]
Time = Literal["days", "mjd"]
QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)
TIMES: tuple[Time, ...] = get_args(Time)

COLOURS = {1: "#009E73", 2: "#D55E00", 3: "#8856C4"}
"""Of g, r and i: people who cannot tell red from green can tell these (after Okabe & Ito)."""
MARKERS = {1: "circle", 2: "square", 3: "diamond"}
_OTHER_COLOUR, _OTHER_MARKER = "#777777", "hex"
_LIMIT_MARKER = "inverted_triangle"
_CLEAR = "rgba(0, 0, 0, 0)"
_MJD_OF_JD_0 = 2400000.5
_MARGIN = 0.07
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
    "difference": "No epoch has a difference magnitude.",
    "apparent": "No apparent magnitude: it needs a reference source within 1.4″ of the detection.",
    "flux": "No epoch has a flux.",
}


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Points of one kind, in arrays of one length."""

    x: Floats
    y: Floats
    lower: Floats
    upper: Floats
    """Ends of the error bars; NaN where there is none."""
    color: list[str]
    fill: list[str]
    """The colour, or clear for what is fainter than the reference, and for limits."""
    marker: list[str]
    when: list[str]
    value: list[str]
    """What is told of the point."""
    rows: NDArray[np.intp]
    """Rows of the light curve."""


@dataclass(frozen=True, slots=True, eq=False)
class Plot:
    """A light curve as it is to be drawn."""

    points: dict[str, Points]
    """``detections``, ``limits``, ``forced``."""
    x_label: str
    y_label: str
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    """From the bottom of the plot to its top: of magnitudes the faint end comes first."""
    bands: tuple[int, ...]
    """Filters that occur, for the legend."""
    note: str
    """Why there is nothing to see; empty where there is something."""


def plot_of(curve: LightCurve, quantity: Quantity = "difference", time: Time = "days") -> Plot:
    """Return what to draw.

    Parameters
    ----------
    curve
        The light curve.
    quantity
        ``difference`` magnitude with limits; ``apparent`` magnitude, of the source itself; signed
        difference ``flux`` of detections and forced photometry. They are never mixed.
    time
        ``days`` since the first detection, or ``mjd``.
    """
    origin, x_label = _origin(curve, time)
    x = curve.jd - origin
    y, error = _values(curve, quantity)
    finite = np.isfinite(y)
    chosen = {
        "detections": finite & (curve.kind == "detection"),
        "limits": finite & (curve.kind == "limit"),
        "forced": finite & (curve.kind == "forced"),
    }
    points = {
        name: _points(curve, quantity, np.flatnonzero(rows), x=x, y=y, error=error)
        for name, rows in chosen.items()
    }
    drawn = np.flatnonzero(np.logical_or.reduce(list(chosen.values())))
    lowest, highest = _extent(y[drawn], error[drawn], quantity)
    return Plot(
        points=points,
        x_label=x_label,
        y_label=_Y_LABELS[quantity],
        x_range=_widened(x[drawn], _SHORTEST),
        y_range=(lowest, highest) if quantity == "flux" else (highest, lowest),
        bands=tuple(int(fid) for fid in np.unique(curve.fid[drawn])),
        note="" if len(drawn) else _NOTHING[quantity],
    )


def _origin(curve: LightCurve, time: Time) -> tuple[float, str]:
    if time == "mjd" or not len(curve):
        return _MJD_OF_JD_0, "MJD (UTC)"
    found = curve.jd[curve.kind == "detection"]
    first = float(found[0] if len(found) else curve.jd[0])
    name = "first detection" if len(found) else "first epoch"
    return first, f"days since {name}"


def _values(curve: LightCurve, quantity: Quantity) -> tuple[Floats, Floats]:
    if quantity == "flux":
        return curve.flux, curve.flux_err
    none = np.full(len(curve), np.nan)
    found = curve.kind == "detection"
    if quantity == "apparent":
        return (
            np.where(found, curve.apparent_mag, none),
            np.where(found, curve.apparent_mag_err, none),
        )
    y = np.where(found, curve.mag, np.where(curve.kind == "limit", curve.limit, none))
    return y, np.where(found, curve.mag_err, none)


def _points(
    curve: LightCurve,
    quantity: Quantity,
    rows: NDArray[np.intp],
    *,
    x: Floats,
    y: Floats,
    error: Floats,
) -> Points:
    fids = curve.fid[rows].tolist()
    limits = curve.kind[rows] == "limit"
    hollow = limits | (~curve.positive[rows] if quantity != "flux" else False)
    colours = [COLOURS.get(fid, _OTHER_COLOUR) for fid in fids]
    return Points(
        x=x[rows],
        y=y[rows],
        lower=y[rows] - error[rows],
        upper=y[rows] + error[rows],
        color=colours,
        fill=[_CLEAR if empty else colour for colour, empty in zip(colours, hollow, strict=True)],
        marker=[
            _LIMIT_MARKER if limit else MARKERS.get(fid, _OTHER_MARKER)
            for fid, limit in zip(fids, limits, strict=True)
        ],
        when=[_when(jd) for jd in curve.jd[rows].tolist()],
        value=[_told(curve, quantity, row, y[row], error[row]) for row in rows.tolist()],
        rows=rows,
    )


def _when(jd: float) -> str:
    moment = date_of(jd)
    mjd = f"MJD {jd - _MJD_OF_JD_0:.5f}"
    return mjd if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC, {mjd}"


def _told(curve: LightCurve, quantity: Quantity, row: int, y: float, error: float) -> str:
    band = BANDS.get(int(curve.fid[row]), "?")
    kind = str(curve.kind[row])
    if quantity == "flux":
        source = "forced" if kind == "forced" else "detection"
        return f"{band}: {y:.1f} ± {error:.1f} µJy ({source})"
    if kind == "limit":
        return f"{band} > {y:.2f} (5-sigma limit)"
    sign = "" if curve.positive[row] else ", fainter than the reference"
    return f"{band} = {y:.2f} ± {error:.2f}{sign}"


def _extent(y: Floats, error: Floats, quantity: Quantity) -> tuple[float, float]:
    bars = np.nan_to_num(error)
    if quantity != "flux":
        return _widened(
            np.concatenate(
                (y - np.minimum(bars, _LONGEST_BAR), y + np.minimum(bars, _LONGEST_BAR))
            ),
            0.2,
        )
    return _widened(np.concatenate((y - bars, y + bars, [0.0])), 1.0)


def _widened(values: Floats, shortest: float) -> tuple[float, float]:
    if not len(values):
        return 0.0, 1.0
    low, high = float(np.min(values)), float(np.max(values))
    middle, half = (low + high) / 2, max((high - low) / 2, shortest / 2)
    return middle - half * (1 + 2 * _MARGIN), middle + half * (1 + 2 * _MARGIN)


def payload_of(plot: Plot) -> dict[str, Any]:
    """Return a plot as the page takes it: numbers as float64 bytes, since JSON has no NaN."""
    return {
        "x_label": plot.x_label,
        "y_label": plot.y_label,
        "x_range": list(plot.x_range),
        "y_range": list(plot.y_range),
        "note": plot.note,
        "legend": _legend(plot),
        "sources": {name: _columns(points) for name, points in plot.points.items()},
    }


def _columns(points: Points) -> dict[str, Any]:
    numbers = {"x": points.x, "y": points.y, "lower": points.lower, "upper": points.upper}
    return {name: np.asarray(values, "<f8").tobytes() for name, values in numbers.items()} | {
        name: getattr(points, name) for name in ("color", "fill", "marker", "when", "value")
    }


def _legend(plot: Plot) -> list[list[str]]:
    """Return marker, colour, "filled" or "open", and meaning of what the plot holds."""
    entries = [
        [
            MARKERS.get(fid, _OTHER_MARKER),
            COLOURS.get(fid, _OTHER_COLOUR),
            "filled",
            BANDS.get(fid, "?"),
        ]
        for fid in plot.bands
    ]
    found = plot.points["detections"]
    if any(fill == _CLEAR for fill in found.fill):
        entries.append(["circle", "", "open", "fainter than reference"])
    if len(plot.points["limits"].rows):
        entries.append([_LIMIT_MARKER, "", "open", "5-sigma limit"])
    if len(plot.points["forced"].rows):
        entries.append(["circle", "", "small", "forced photometry"])
    return entries
