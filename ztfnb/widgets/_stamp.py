"""One stamp, and what is drawn on it, as the page takes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import bokeh.palettes
import numpy as np
from numpy.typing import NDArray

from ztfnb.alert import Alert
from ztfnb.cutout import SIDE, Floats, Kind, cutout, detection_in, is_jpeg
from ztfnb.errors import DecodeError
from ztfnb.neighbours import Neighbour, neighbours
from ztfnb.photometry import PIXEL_SCALE

_REACH = 45.0
"""From the middle of a stamp to its corners [arcsec]."""
_POLE = 89.9
"""Declination [deg] beyond which positions are not told by offsets in right ascension."""
_LONGEST_LABEL = 14
_PALETTES = {
    "grey": bokeh.palettes.Greys256,
    "viridis": bokeh.palettes.Viridis256,
    "inferno": bokeh.palettes.Inferno256,
    "magma": bokeh.palettes.Magma256,
}


def read_stamp(alert: Mapping[str, Any], kind: Kind) -> tuple[Floats | None, str]:
    """Return one stamp of an alert, or None and the reason why there is none to show."""
    try:
        pixels = cutout(alert, kind)
    except DecodeError as error:
        return None, f"damaged: {error.reason}"
    except ImportError as error:
        return None, str(error)
    if pixels is None:
        return None, "not in the packet"
    if not np.isfinite(pixels).any():
        return None, "no pixel has a value"
    return pixels, ""


def frame_of(alert: Mapping[str, Any], kind: Kind, pixels: NDArray[Any]) -> dict[str, Any]:
    """Return where a stamp lies.

    Returns
    -------
    dict
        ``rows``, ``columns``; ``at``, column and row of the detection's pixel, or None where it
        is not known; ``centre``, the point in the middle of the view, counted from the corner;
        ``side`` of the view [pixels].
    """
    rows, columns = pixels.shape
    at = detection_in(alert, kind, pixels)
    middle = (columns / 2, rows / 2) if at is None else (at[0] + 0.5, at[1] + 0.5)
    beyond = max(middle[0], columns - middle[0], middle[1], rows - middle[1])
    return {
        "rows": rows,
        "columns": columns,
        "at": at,
        "centre": middle,
        "side": max(2 * beyond, SIDE if at else 0),
    }


def stamp_of(alert: Mapping[str, Any], kind: Kind) -> tuple[dict[str, Any], Floats | None]:
    """Return one stamp as the page takes it, and its pixels.

    Returns
    -------
    dict
        ``kind``; ``reason`` why there is none, or ``""``; else what `frame_of` gives;
        ``pixels`` (float32 bytes, row by row from the top); ``compass``, whether north is up;
        ``scale``, arcsec a pixel or None.
    """
    pixels, reason = read_stamp(alert, kind)
    if pixels is None:
        return {"kind": kind, "reason": reason, "rows": 0, "columns": 0}, None
    survey = "candidate" in alert and not is_jpeg(alert, kind)
    return {
        "kind": kind,
        "reason": "",
        **frame_of(alert, kind, pixels),
        "pixels": np.ascontiguousarray(pixels, "<f4").tobytes(),
        "compass": survey,
        "scale": PIXEL_SCALE if survey else None,
    }, pixels


def marks_of(alert: Alert) -> list[dict[str, Any]]:
    """Return the catalogue sources within the stamps: distance or place [arcsec], and words."""
    marks: list[dict[str, Any]] = []
    for source in neighbours(alert):
        if source.distance > _REACH:
            continue
        east = north = None
        if source.ra is not None and source.dec is not None and position_of(alert):
            turn = (source.ra - alert.ra + 180) % 360 - 180
            east = turn * math.cos(math.radians(alert.dec)) * 3600
            north = (source.dec - alert.dec) * 3600
        marks.append(
            {
                "catalogue": source.catalogue,
                "distance": source.distance,
                "east": east,
                "north": north,
                "label": _label(
                    source, nearest=all(mark["catalogue"] != source.catalogue for mark in marks)
                ),
                "words": source.words,
            }
        )
    return marks


def _label(source: Neighbour, *, nearest: bool) -> str:
    """Return what is written beside a mark; only the nearest of PS1 is said to be of a form."""
    match source.catalogue:
        case "PS1" if nearest and source.score is not None and source.score != 0.5:
            return "PS1 star" if source.score > 0.5 else "PS1 galaxy"
        case "Solar System":
            return source.name[:_LONGEST_LABEL] or "asteroid"
        case "reference":
            return "ref"
    return source.catalogue


def position_of(alert: Alert) -> tuple[float, float] | None:
    """Return right ascension and declination [deg] of the detection, None where of no use."""
    ra, dec = alert.ra, alert.dec
    return (ra, dec) if 0 <= ra <= 360 and abs(dec) <= _POLE else None


@lru_cache(maxsize=1)
def palettes() -> dict[str, bytes]:
    """Return the colour maps, each as 256 times red, green, blue."""
    return {
        name: b"".join(bytes.fromhex(colour[1:7]) for colour in palette)
        for name, palette in _PALETTES.items()
    }
