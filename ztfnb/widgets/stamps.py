"""The three stamps of an alert, painted in the page from their pixels."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import traitlets

from ztfnb.alert import Alert
from ztfnb.cutout import KINDS, Floats, Kind
from ztfnb.errors import ConfigError
from ztfnb.look import Look, limits_of
from ztfnb.widgets._columns import date_of
from ztfnb.widgets._part import Part, turn_of
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._stamp import marks_of, palettes, position_of, stamp_of
from ztfnb.widgets._stampfiles import file_name, fits_of
from ztfnb.widgets._static import text_of

_NOTHING: dict[str, Any] = {
    "candid": "",
    "object": "",
    "name": "",
    "title": "",
    "note": "",
    "position": None,
    "stamps": [],
    "neighbours": [],
}

Epoch = tuple[int, float] | tuple[int, float, str]


class Stamps(Part):
    """Science, template and difference stamp of one alert, side by side at one scale.

    North is up and east is left where the packet's form tells so, and the detection is in the
    middle. A stamp that is missing or damaged leaves its place with the reason. Stretch, limits
    and colours are chosen in the page, or by `settings`: those of `ztfnb.look.Look`.

    Parameters
    ----------
    alert
        The alert to begin with.
    pump
        The pump of the page that the stamps are part of; one of its own where None.
    """

    _esm = text_of(
        "common.js", "stampdraw.js", "stampmarks.js", "stampsheet.js", "stampepochs.js",
        "disclosure.js", "stamps.js",
    )  # fmt: skip
    _css = text_of("disclosure.css", "stamps.css")
    _palettes = traitlets.Dict().tag(sync=True)
    _look = traitlets.Dict().tag(sync=True)
    _shown = traitlets.Dict().tag(sync=True)
    _epochs: Any = traitlets.List().tag(sync=True)

    def __init__(self, alert: Alert | None = None, *, pump: Pump | None = None) -> None:
        super().__init__(pump=pump)
        self.on_epoch: Callable[[int], None] = lambda _candid: None
        """Called with the candid of an epoch that was stepped to."""
        self.look = Look()
        """How the stamps look; set by `settings`."""
        self._turn = ""
        self._palettes = palettes()
        self._tell_look()
        self._alert: Alert | None = None
        self._listed: tuple[Epoch, ...] = ()
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
                self._shown = _NOTHING | {"note": "Select an alert to see its stamps."}
            else:
                self._shown = shown_of(alert, self.look)

    @property
    def epochs(self) -> tuple[Epoch, ...]:
        """The alerts to step through, as candid, jd and, where known, the name of the band."""
        return self._listed

    @epochs.setter
    def epochs(self, epochs: Iterable[Epoch]) -> None:
        with self.pump.lock:
            self._listed = tuple(sorted(epochs, key=lambda epoch: epoch[1:2]))
            self._epochs = [
                {"candid": str(candid), "text": _when(jd, *band)}
                for candid, jd, *band in self._listed
            ]

    @property
    def settings(self) -> dict[str, Any]:
        """How the stamps look, as plain values: the fields of `ztfnb.look.Look`."""
        return self.look.settings()

    @settings.setter
    def settings(self, settings: Mapping[str, Any]) -> None:
        with self.pump.lock:
            before, self.look = self.look, self.look.choose(settings)
            self._tell_look()
            if self._alert is not None and "zscale" in {self.look.limits} - {before.limits}:
                self._shown = shown_of(self._alert, self.look)

    def say(self, note: str) -> None:
        """Show a sentence in the place of the stamps."""
        with self.pump.lock:
            self._alert = None
            self._shown = _NOTHING | {"note": note}

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""
        match message.get("kind"):
            case "setting":
                self._turn = turn_of(message)
                try:
                    self.settings = message["look"]
                except ConfigError as error:
                    self._tell_look()
                    self.send({"kind": "trouble", "text": str(error)})
            case "epoch":
                self.on_epoch(int(message["candid"]))
            case "fits" if self._alert is not None:
                # Its library takes a moment to import.
                threading.Thread(
                    target=self._make_fits, args=(self._alert,), name="ztfnb fits", daemon=True
                ).start()

    def _tell_look(self) -> None:
        self._look = self.look.settings() | {"turn": self._turn}

    def _make_fits(self, alert: Alert) -> None:
        try:
            content = fits_of(alert)
        except Exception as error:  # noqa: BLE001 - shown, since a thread's are seen by no one
            trouble = {"kind": "trouble", "text": f"No FITS file: {error}"}
            self.pump.call(partial(self.send, trouble))
            return
        name = file_name(alert, "fits")
        self.pump.call(partial(self.hand_over, name, content, "application/fits"))


def shown_of(alert: Alert, look: Look) -> dict[str, Any]:
    """Return all about an alert's stamps as the page takes it."""
    stamps: list[dict[str, Any]] = []
    pixels: dict[Kind, Floats | None] = {}
    for kind in KINDS:
        stamp, pixels[kind] = stamp_of(alert, kind)
        stamps.append(stamp)
    if look.limits == "zscale":
        # The one choice of limits that the page does not make itself.
        found = limits_of(pixels, Look(limits="zscale"))
        for kind, stamp in zip(KINDS, stamps, strict=True):
            stamp["zscale"] = found.get(kind)
    return {
        "candid": str(alert.candid),
        "object": alert.object_id,
        "name": file_name(alert, "png"),
        "title": _title(alert),
        "note": "",
        "position": position_of(alert),
        "stamps": stamps,
        "neighbours": marks_of(alert),
    }


def _title(alert: Alert) -> str:
    mag = f" {alert.band} = {alert.mag:.2f} " if math.isfinite(alert.mag) else " "
    return f"{alert.object_id[:40]}  {_when(alert.jd)} UTC {mag} candid {alert.candid}"


def _when(jd: float, band: str = "") -> str:
    moment = date_of(jd)
    date = "" if moment is None else f"{moment:%Y-%m-%d %H:%M}"
    return f"{date} {band}".strip()
