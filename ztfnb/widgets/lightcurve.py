"""The light curve of an object, drawn in the page by bokeh."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import traitlets

from ztfnb.alert import Alert
from ztfnb.curveplot import plot_of
from ztfnb.curveview import HIGHEST_SNR, CurveView, Quantity, Time, checked_period
from ztfnb.errors import ConfigError, DecodeError, SelectionError
from ztfnb.lightcurve import LightCurve as Curve
from ztfnb.photometry import photometry
from ztfnb.widgets import _bokeh
from ztfnb.widgets._epochs import HEADERS, TEXTS, rows_of, told_of
from ztfnb.widgets._figure import light_curve_figure
from ztfnb.widgets._part import Part
from ztfnb.widgets._periodsearch import PeriodSearch, Search
from ztfnb.widgets._points import payload_of
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of

Alerts = Alert | Iterable[Alert]

_FORMATS = {"csv": "text/csv", "ecsv": "text/plain"}


class LightCurve(Part):
    """Magnitudes or fluxes of an object over time or phase, and a table of its epochs.

    In the mode of forced fluxes those whose signal-to-noise, of either sign, is below the cut are
    drawn faint: they are measurements all the same. Phase is zero at the first detection.

    Parameters
    ----------
    alerts
        One alert, or several of one object.
    pump
        The pump of the page that the plot is part of; one of its own where None.
    """

    _esm = text_of(
        "common.js",
        "bokeh.js",
        "disclosure.js",
        "curveplot.js",
        "foldbar.js",
        "pointtable.js",
        "curvelegend.js",
        "lightcurve.js",
    )
    _css = text_of("choice.css", "disclosure.css", "lightcurve.css")
    _figure = traitlets.Dict().tag(sync=True)
    _bokeh_version = traitlets.Unicode(_bokeh.VERSION).tag(sync=True)
    _shown = traitlets.Dict().tag(sync=True)
    _chosen = traitlets.Dict().tag(sync=True)
    _mark = traitlets.Dict().tag(sync=True)
    _table = traitlets.Dict().tag(sync=True)
    _found = traitlets.Dict().tag(sync=True)

    def __init__(self, alerts: Alerts | None = None, *, pump: Pump | None = None) -> None:
        super().__init__(pump=pump)
        self._figure = light_curve_figure()
        self._view = CurveView()
        self._curve: Curve | None = None
        self._rows: list[list[str]] = []
        self._told: list[str] = []
        self._candid = 0
        self._reason = ""
        self._serial = 0
        self._search = PeriodSearch(lambda news: self.pump.call(lambda: self._hear(news)))
        self.on_epoch: Callable[[int, float], None] = lambda _candid, _jd: None
        """Called with candid (0 where the epoch has none) and Julian date of an epoch chosen."""
        self.show(alerts)

    @property
    def curve(self) -> Curve | None:
        """The light curve in view; its `table` method gives all numbers."""
        return self._curve

    @property
    def quantity(self) -> Quantity:
        """What is plotted.

        ``"difference"`` or ``"apparent"`` magnitude, ``"flux"`` of detections, or ``"forced"``
        photometry.
        """
        return self._view.quantity

    @quantity.setter
    def quantity(self, quantity: Quantity) -> None:
        self.settings = {"quantity": quantity}

    @property
    def time(self) -> Time:
        """The time axis: ``"days"`` since the first detection, ``"ago"`` before now, ``"mjd"``."""
        return self._view.time

    @time.setter
    def time(self, time: Time) -> None:
        self.settings = {"time": time}

    @property
    def periods(self) -> dict[str, float]:
        """Periods [d] that were typed or found, by objectId."""
        return dict(self._view.periods)

    @periods.setter
    def periods(self, periods: Mapping[str, float]) -> None:
        self.settings = {"periods": periods}

    @property
    def settings(self) -> dict[str, Any]:
        """What a person has chosen: quantity, time, limits, hidden bands, snr, fold and so on."""
        return self._view.plain()

    @settings.setter
    def settings(self, settings: Mapping[str, Any]) -> None:
        with self.pump.lock:
            self._view = self._view.changed(settings)
            self._draw()

    def show(self, alerts: Alerts | None) -> None:
        """Draw the light curve that one alert, or several of one object, hold; or nothing."""
        with self.pump.lock:
            self._reason = ""
            before = self._object_id
            self._curve = None
            told = [alerts] if isinstance(alerts, Alert) else list(alerts or ())
            newest = max(told, key=lambda alert: alert.jd, default=None)
            self._candid = 0 if newest is None else newest.candid
            if told:
                try:
                    self._curve = photometry(told)
                except (DecodeError, SelectionError) as error:
                    self._reason = f"No light curve: {error}"
            self._rows = [] if self._curve is None else rows_of(self._curve)
            self._told = told_of(self._rows)
            self._serial += 1
            with self.hold_sync():
                if self._object_id != before:
                    self._search.cancel()
                    self._tell(Search())
                self._draw()

    def mark(self, candid: int) -> None:
        """Draw a ring around the epoch of an alert."""
        with self.pump.lock:
            self._candid = candid
            self._mark = self._find_mark()

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""
        match message.get("kind"):
            case "bokehjs":
                self.send({"kind": "bokehjs"}, [_bokeh.bokehjs()])
            case "setting":
                # Pages offer only what can be chosen: anything else is none of theirs.
                try:
                    self.settings = {str(message["name"]): message["value"]}
                except ConfigError:
                    return
            case "period":
                self._fold_on(message["value"])
            case "find" if self._curve is not None:
                self.pump.ready(self)
                self._tell(Search(text="Searching", busy=True))
                self._search.start(self._curve)
            case "epoch" if self._curve is not None and message["serial"] == self._serial:
                row = int(message["row"])
                if 0 <= row < len(self._curve):
                    self.on_epoch(int(self._curve.candid[row]), float(self._curve.jd[row]))
            case "download" if self._curve is not None and message["format"] in _FORMATS:
                self.pump.ready(self)
                threading.Thread(
                    target=self._write,
                    args=(self._curve, str(message["format"])),
                    name="ztfnb light curve",
                    daemon=True,
                ).start()

    @property
    def _object_id(self) -> str:
        return "" if self._curve is None else self._curve.object_id

    def _fold_on(self, value: Any) -> None:
        """Remember a period of the object in view, or forget the one there was."""
        if not self._object_id:
            return
        periods = self.periods
        try:
            if value is None:
                periods.pop(self._object_id, None)
            else:
                periods[self._object_id] = checked_period(value)
            self.periods = periods
        except ConfigError as error:
            self._tell(Search(text=str(error)))

    def _hear(self, news: Search) -> None:
        """Show news of a search; the best period is tried at once where there was none."""
        if news.object_id != self._object_id:
            return
        with self.hold_sync():
            self._tell(news)
            if news.peaks and self._object_id not in self._view.periods:
                self._fold_on(news.peaks[0].period)

    def _tell(self, news: Search) -> None:
        self._found = {
            "text": news.text,
            "busy": news.busy,
            "peaks": [
                {
                    "period": peak.period,
                    "chance": f"{peak.false_alarm:.0e}" if peak.false_alarm < 0.01
                    else f"{peak.false_alarm:.2f}",
                    "power": f"{peak.power:.2f}",
                    "remark": peak.remark,
                }
                for peak in news.peaks
            ],
        }  # fmt: skip

    def _write(self, curve: Curve, name: str) -> None:
        """Make a file of the light curve, in a thread: astropy takes long to come."""
        text = io.StringIO()
        try:
            curve.table().write(text, format=f"ascii.{name}")
        except Exception as error:  # noqa: BLE001 - shown, since a thread's are seen by no one
            reason = f"Not saved: {error}"
            self.pump.call(lambda: self._tell(Search(text=reason)))
            return
        content = text.getvalue().encode()
        # The name of an object is a string out of a packet.
        file = f"{re.sub(r'[^A-Za-z0-9]+', '-', curve.object_id)[:40]}.{name}"
        self.pump.call(lambda: self.hand_over(file, content, _FORMATS[name]))

    def _draw(self) -> None:
        # What is the same as before is not sent again.
        with self.hold_sync():
            chosen = self._view.plain()
            period = chosen.pop("periods").get(self._object_id)
            self._chosen = chosen | {"highest_snr": HIGHEST_SNR, "period": period}
            self._shown = self._drawn()
            self._mark = self._find_mark()
            self._table = self._told_as_table() if self._view.form == "table" else {}

    def _drawn(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"serial": self._serial, "note": self._reason}
        if self._curve is None:
            return shown
        # The page folds by itself, as the period is tuned there.
        plot = plot_of(self._curve, replace(self._view, fold=False, periods={}))
        span = float(np.ptp(self._curve.jd))
        return shown | payload_of(plot, self._told) | {"start": self._curve.start, "span": span}

    def _told_as_table(self) -> dict[str, Any]:
        return {
            "serial": self._serial,
            "headers": [list(header) for header in HEADERS],
            "texts": TEXTS,
            "rows": self._rows,
        }

    def _find_mark(self) -> dict[str, Any]:
        """Return the alert that is marked, and its row; -1 where it is none of this curve's."""
        row = -1
        if self._curve is not None and self._candid:
            found = np.flatnonzero(self._curve.candid == self._candid)
            row = int(found[0]) if len(found) else -1
        return {"candid": str(self._candid) if self._candid else "", "row": row}
