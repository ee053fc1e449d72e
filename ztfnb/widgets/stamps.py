"""The three stamps of an alert, painted in the page from their pixels."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import bokeh.palettes
import numpy as np
import traitlets

from ztfnb.alert import Alert
from ztfnb.cutout import Floats, Kind, cutout, default_stretch
from ztfnb.errors import DecodeError
from ztfnb.photometry import PIXEL_SCALE
from ztfnb.widgets._part import Part
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of

KINDS: tuple[Kind, ...] = ("science", "template", "difference")
_SIDE = 63
_HALF = 31
_JPEG = b"\xff\xd8"
_PALETTES = {
    "grey": bokeh.palettes.Greys256,
    "inverted grey": bokeh.palettes.Greys256[::-1],
    "viridis": bokeh.palettes.Viridis256,
    "cividis": bokeh.palettes.Cividis256,
    "inferno": bokeh.palettes.Inferno256,
}


class Stamps(Part):
    """Science, template and difference stamp of one alert, side by side at one scale.

    North is up and east is left where the packet's form tells so. A stamp that is missing or
    damaged leaves its place with the reason. Stretch and colour map are chosen in the page.

    Parameters
    ----------
    alert
        The alert to begin with.
    pump
        The pump of the page that the stamps are part of; one of its own where None.
    """

    _esm = text_of("common.js", "stamps.js")
    _css = text_of("stamps.css")
    _palettes = traitlets.Dict().tag(sync=True)
    _shown = traitlets.Dict().tag(sync=True)

    def __init__(self, alert: Alert | None = None, *, pump: Pump | None = None) -> None:
        super().__init__(pump=pump)
        self._palettes = {name: _bytes_of(palette) for name, palette in _PALETTES.items()}
        self._alert: Alert | None = None
        self.alert = alert

    @property
    def alert(self) -> Alert | None:
        """The alert in view; setting it paints its stamps."""
        return self._alert

    @alert.setter
    def alert(self, alert: Alert | None) -> None:
        with self.pump.lock:
            self._alert = alert
            if alert is None:
                self._shown = {
                    "candid": "",
                    "note": "Select an alert to see its stamps.",
                    "stamps": [],
                }
            else:
                self._shown = {
                    "candid": str(alert.candid),
                    "note": "",
                    "stamps": [stamp_of(alert, kind) for kind in KINDS],
                }

    def say(self, note: str) -> None:
        """Show a sentence in the place of the stamps."""
        with self.pump.lock:
            self._alert = None
            self._shown = {"candid": "", "note": note, "stamps": []}


def stamp_of(alert: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
    """Return one stamp as the page takes it.

    Returns
    -------
    dict
        ``kind``; ``reason`` why there is none, or ``""``; ``rows``, ``columns``, ``pixels``
        (float32 bytes, row by row from the top); ``at``, the place of the detection as column and
        row, or None where it is not known; ``compass``, whether north is up; ``scale``, arcsec a
        pixel or None; ``stretch``, the one that suits it.
    """
    stamp: dict[str, Any] = {"kind": kind, "reason": "", "rows": 0, "columns": 0}
    try:
        pixels = cutout(alert, kind)
    except DecodeError as error:
        return stamp | {"reason": f"damaged: {error.reason}"}
    except ImportError as error:
        return stamp | {"reason": str(error)}
    if pixels is None:
        return stamp | {"reason": "not in the packet"}
    if not np.isfinite(pixels).any():
        return stamp | {"reason": "no pixel has a value"}
    rows, columns = pixels.shape
    survey = "candidate" in alert and not _is_jpeg(alert, kind)
    return stamp | {
        "rows": rows,
        "columns": columns,
        "pixels": np.ascontiguousarray(pixels, "<f4").tobytes(),
        "at": _place(alert["candidate"], pixels) if survey else None,
        "compass": survey,
        "scale": PIXEL_SCALE if "candidate" in alert else None,
        "stretch": default_stretch(kind),
    }


def _place(candidate: Mapping[str, Any], pixels: Floats) -> tuple[int, int]:
    """Return column and row of the detection in a stamp; the first row is the top.

    It is in the middle of 63 x 63 pixels, of which those beyond the detector's edge are cut off:
    the first ones, where the detection is near the detector's first pixel, else the last.
    """
    rows, columns = pixels.shape
    return _middle(columns, candidate.get("xpos")), _middle(rows, candidate.get("ypos"))


def _middle(size: int, position: float | None) -> int:
    if size == _SIDE or position is None or position > _HALF + 1:
        return min(_HALF, size - 1)
    return max(0, size - 1 - _HALF)


def _is_jpeg(alert: Mapping[str, Any], kind: Kind) -> bool:
    held = alert.get(f"cutout{kind.capitalize()}")
    data = held.get("stampData") if isinstance(held, Mapping) else held
    return isinstance(data, bytes) and data.startswith(_JPEG)


@lru_cache(maxsize=len(_PALETTES))
def _bytes_of(palette: tuple[str, ...]) -> bytes:
    return b"".join(bytes.fromhex(colour[1:7]) for colour in palette)
