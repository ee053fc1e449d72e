"""The light curve of an object, drawn in the page by bokeh."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import traitlets

from ztfnb.alert import Alert
from ztfnb.errors import DecodeError, SelectionError
from ztfnb.photometry import LightCurve as Curve
from ztfnb.photometry import photometry
from ztfnb.widgets import _bokeh
from ztfnb.widgets._figure import light_curve_figure
from ztfnb.widgets._part import Part
from ztfnb.widgets._points import QUANTITIES, TIMES, Plot, Quantity, Time, payload_of, plot_of
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of

Alerts = Alert | Iterable[Alert]


class LightCurve(Part):
    """Magnitudes or fluxes of an object over time, with limits and forced photometry.

    Parameters
    ----------
    alerts
        One alert, or several of one object.
    pump
        The pump of the page that the plot is part of; one of its own where None.
    """

    _esm = text_of("common.js", "bokeh.js", "lightcurve.js")
    _css = text_of("lightcurve.css")
    _figure = traitlets.Dict().tag(sync=True)
    _bokeh_version = traitlets.Unicode(_bokeh.VERSION).tag(sync=True)
    _shown = traitlets.Dict().tag(sync=True)
    _mark = traitlets.Dict().tag(sync=True)

    def __init__(self, alerts: Alerts | None = None, *, pump: Pump | None = None) -> None:
        super().__init__(pump=pump)
        self._figure = light_curve_figure()
        self._quantity: Quantity = "difference"
        self._time: Time = "days"
        self._curve: Curve | None = None
        self._plot: Plot | None = None
        self._candid = 0
        self._reason = ""
        self.on_epoch: Callable[[int, float], None] = lambda _candid, _jd: None
        """Called with candid (0 where the epoch has none) and Julian date of a point tapped on."""
        self.show(alerts)

    @property
    def curve(self) -> Curve | None:
        """The light curve in view."""
        return self._curve

    @property
    def quantity(self) -> Quantity:
        """What is plotted: ``"difference"`` or ``"apparent"`` magnitude, or ``"flux"``."""
        return self._quantity

    @quantity.setter
    def quantity(self, quantity: Quantity) -> None:
        if quantity not in QUANTITIES:
            raise ValueError(f"quantity: expected {', '.join(QUANTITIES)}, got {quantity!r}")
        with self.pump.lock:
            self._quantity = quantity
            self._draw()

    @property
    def time(self) -> Time:
        """What it is plotted against: ``"days"`` since the first detection, or ``"mjd"``."""
        return self._time

    @time.setter
    def time(self, time: Time) -> None:
        if time not in TIMES:
            raise ValueError(f"time: expected {', '.join(TIMES)}, got {time!r}")
        with self.pump.lock:
            self._time = time
            self._draw()

    def show(self, alerts: Alerts | None) -> None:
        """Draw the light curve that one alert, or several of one object, hold; or nothing."""
        with self.pump.lock:
            self._reason = ""
            self._curve = None
            told = [alerts] if isinstance(alerts, Alert) else list(alerts or ())
            newest = max(told, key=lambda alert: alert.jd, default=None)
            self._candid = 0 if newest is None else newest.candid
            if told:
                try:
                    self._curve = photometry(told)
                except (DecodeError, SelectionError) as error:
                    self._reason = f"No light curve: {error}"
            self._draw()

    def mark(self, candid: int) -> None:
        """Draw a ring around the epoch of an alert."""
        with self.pump.lock:
            self._candid = candid
            self._draw_mark()

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""
        match message.get("kind"):
            case "bokehjs":
                self.send({"kind": "bokehjs"}, [_bokeh.bokehjs()])
            case "quantity" if message["value"] in QUANTITIES:
                self.quantity = message["value"]
            case "time" if message["value"] in TIMES:
                self.time = message["value"]
            case "tap" if self._plot is not None and self._curve is not None:
                points = self._plot.points.get(str(message["source"]))
                place = int(message["place"])
                if points is not None and 0 <= place < len(points.rows):
                    row = points.rows[place]
                    self.on_epoch(int(self._curve.candid[row]), float(self._curve.jd[row]))

    def _draw(self) -> None:
        chosen = {
            "candid": str(self._candid) if self._candid else "",
            "quantity": self._quantity,
            "time": self._time,
        }
        self._plot = None
        if self._curve is None:
            self._shown = chosen | {"note": self._reason, "legend": [], "sources": {}}
        else:
            self._plot = plot_of(self._curve, self._quantity, self._time)
            self._shown = chosen | payload_of(self._plot)
        self._draw_mark()

    def _draw_mark(self) -> None:
        self._mark = self._find_mark()

    def _find_mark(self) -> dict[str, float]:
        if self._plot is None or self._curve is None or not self._candid:
            return {}
        points = self._plot.points["detections"]
        found = np.flatnonzero(self._curve.candid[points.rows] == self._candid)
        if not len(found):
            return {}
        return {"x": float(points.x[found[0]]), "y": float(points.y[found[0]])}
