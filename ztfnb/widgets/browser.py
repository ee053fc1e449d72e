"""The alert browser: a table, and stamps and light curve of the alert that is selected in it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable
from typing import Any, Protocol

import ipywidgets
import traitlets

from ztfnb.alert import Alert
from ztfnb.codec import decode
from ztfnb.columns import decode_columns
from ztfnb.errors import ConfigError, DecodeError, NotHeldError
from ztfnb.source import Packet
from ztfnb.store import SMALLEST_BUDGET, Store
from ztfnb.stream import Stream
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of
from ztfnb.widgets.facts import Facts
from ztfnb.widgets.lightcurve import LightCurve
from ztfnb.widgets.monitor import Monitor
from ztfnb.widgets.stamps import Stamps
from ztfnb.widgets.table import AlertTable

_ROOM = 4_000
"""Memory for each alert of a batch [bytes]: ample, so that none has to leave."""
_PIECE = 1_000


class Alerts(Protocol):
    """What a browser shows: `ztfnb.stream.Stream`, or `Batch`."""

    store: Store

    def __getitem__(self, candid: int) -> Alert:
        """Return one alert; it may take time, as an old one is fetched from its source."""


class Batch:
    """Alerts at hand, to be browsed like a stream."""

    def __init__(self, alerts: Iterable[Alert]) -> None:
        self._alerts = {alert.candid: alert for alert in alerts}
        raw = [alert.raw for alert in self._alerts.values()]
        self.store = Store(max(SMALLEST_BUDGET, len(raw) * _ROOM))
        for start in range(0, len(raw), _PIECE):
            piece = raw[start : start + _PIECE]
            self.store.append([Packet(value) for value in piece], decode_columns(piece))

    def __getitem__(self, candid: int) -> Alert:
        try:
            return self._alerts[candid]
        except KeyError:
            raise NotHeldError(f"candid {candid} is not in this batch") from None


class _Page(AlertTable):
    """The table of a browser, which also brings the style of the whole page."""

    _css = text_of("table.css", "browser.css")


class Browser(ipywidgets.VBox):  # type: ignore[misc] # ipywidgets has no types
    """Table on the left; facts, stamps and light curve of the selected alert on the right.

    Parameters
    ----------
    alerts
        A stream, or a batch.
    """

    selected: Any = traitlets.Instance(Alert, allow_none=True, help="The alert in view.")

    def __init__(self, alerts: Alerts) -> None:
        self.alerts = alerts
        self.pump = Pump()
        self.table = _Page(alerts.store, pump=self.pump)
        self.facts = Facts(pump=self.pump)
        self.stamps = Stamps(pump=self.pump)
        self.light_curve = LightCurve(pump=self.pump)
        self.monitor: Monitor | None = (
            Monitor(alerts, pump=self.pump, missed=lambda: self.table.missed)
            if isinstance(alerts, Stream)
            else None
        )
        self._wanted: int | None = None
        self._fetching = False
        details = ipywidgets.VBox([self.facts, self.stamps, self.light_curve])
        details.add_class("ztfnb-details")
        panes = ipywidgets.Box([self.table, details])
        panes.add_class("ztfnb-panes")
        super().__init__([*([self.monitor] if self.monitor else []), panes])
        self.add_class("ztfnb-browser")
        self.table.observe(lambda change: self._look_at(change["new"]), "selected")
        self.table.before_beat = self._select_first
        self.light_curve.on_epoch = self._show_epoch
        with self.pump.lock:
            self._select_first()

    @property
    def selection(self) -> tuple[Alert, ...]:
        """The alerts that are selected."""
        return () if self.selected is None else (self.selected,)

    def select(self, candid: int | None) -> None:
        """Select an alert by its candid, or none.

        Returns at once; `selected` follows when the packet is there.
        """
        self.table.select(candid)

    def close(self) -> None:
        """Take the browser off the page, and let go of its alerts."""
        _open.discard(self)
        # All of it, from the outside in: a box that is left with a closed widget in it cannot tell
        # its state, and with it no widget can to a page that is loaded again.
        boxes: list[ipywidgets.Widget] = [self]
        parts: list[ipywidgets.Widget] = []
        while boxes:
            children = boxes.pop().children
            parts += children
            boxes += [child for child in children if isinstance(child, ipywidgets.Box)]
        self.children = ()
        for part in parts:
            part.close()
        # The notebook's history may keep this object, but not a night of alerts with it.
        self.monitor = None
        self.alerts = Batch(())
        self.table.store = self.alerts.store
        super().close()

    def __repr__(self) -> str:
        shown = "nothing" if self.selected is None else repr(self.selected)
        return f"<Browser of {len(self.alerts.store):,} alerts, showing {shown}>"

    def _select_first(self) -> None:
        """Show an alert as soon as there is one: an empty page explains nothing."""
        if self.table.selected is None and len(self.alerts.store):
            held = self.alerts.store.snapshot()
            self.table.selected = int(held.column("candid", held.latest(1))[0])

    # -- From a candid to its packet ---------------------------------------------------------

    def _look_at(self, candid: int | None) -> None:
        self._wanted = candid
        if candid is None:
            self._show(None)
            return
        packet = self.alerts.store.packet(candid)
        if packet is not None:
            try:
                self._show(decode(packet.value))
            except DecodeError as error:
                self._say(f"This packet cannot be read: {error}")
            return
        if isinstance(self.alerts, Batch):
            self._show(self.alerts[candid])
            return
        self.stamps.say("Fetching the packet from its source…")
        if not self._fetching:
            self._fetching = True
            threading.Thread(target=self._fetch, name="ztfnb fetch", daemon=True).start()

    def _fetch(self) -> None:
        """Fetch what is wanted, away from the page's messages: it may take seconds."""
        while True:
            with self.pump.lock:
                wanted = self._wanted
            found: Alert | None = None
            reason = ""
            try:
                found = None if wanted is None else self.alerts[wanted]
            except Exception as error:  # noqa: BLE001 - shown, since a thread's are seen by no one
                reason = f"This packet cannot be fetched: {error}"
            with self.pump.lock:
                if self._wanted != wanted:
                    continue
                self._fetching = False
            self.pump.call(lambda: self._fetched(wanted, found, reason))  # noqa: B023 - the last turn
            return

    def _fetched(self, candid: int | None, alert: Alert | None, reason: str) -> None:
        if candid != self._wanted:
            return
        if alert is None:
            self._say(reason)
        else:
            self._show(alert)

    # -- What is shown -----------------------------------------------------------------------

    def _show(self, alert: Alert | None) -> None:
        self.stamps.alert = alert
        self.facts.alert = alert
        self.light_curve.show(alert)
        self.selected = alert

    def _say(self, reason: str) -> None:
        self._show(None)
        self.stamps.say(reason)

    def _show_epoch(self, candid: int, _jd: float) -> None:
        """Let stamps and facts follow to another epoch of the object; its light curve stays."""
        packet = self.alerts.store.packet(candid) if candid else None
        if packet is None:
            self.stamps.say(
                "The alert of that epoch is not held."
                if candid
                else "That epoch raised no alert: it has no stamps."
            )
            return
        alert = decode(packet.value)
        self.stamps.alert = alert
        self.facts.alert = alert
        self.light_curve.mark(candid)


_open: weakref.WeakSet[Browser] = weakref.WeakSet()


def _close_outlived(live: Stream) -> None:
    """Close the browsers of streams that this one has taken the place of, in a cell run again."""
    for browser in list(_open):
        old = browser.alerts
        if isinstance(old, Stream) and old is not live and old.name == live.name:
            browser.close()


def browse(alerts: Stream | Iterable[Alert]) -> Browser:
    """Show alerts in the notebook: a live table, stamps and light curves.

    Parameters
    ----------
    alerts
        A stream, or alerts at hand: a list, or what `ztfnb.read` yields.

    Raises
    ------
    ConfigError
        If it is neither.
    """
    if isinstance(alerts, Stream):
        _close_outlived(alerts)
        browser = Browser(alerts)
        _open.add(browser)
        return browser
    if isinstance(alerts, Iterable) and not isinstance(alerts, str | bytes | dict):
        return Browser(Batch(alerts))
    raise ConfigError(
        f"browse: expected a stream or alerts, got {type(alerts).__name__}; "
        "a file is read with ztfnb.read(path)"
    )


def monitor(live: Stream) -> Any:
    """Show the health of a stream in the notebook."""
    return Monitor(live)
