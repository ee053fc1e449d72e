"""Every field of a packet, searchable, with its unit and meaning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import traitlets

from ztfnb.alert import Alert
from ztfnb.errors import ConfigError
from ztfnb.links import links
from ztfnb.neighbours import neighbours
from ztfnb.widgets._packet import documentation, history_of, sections_of
from ztfnb.widgets._part import Part, turn_of
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of

_START: dict[str, Any] = {
    "search": "",
    "hide_missing": False,
    "open": ["alert", "candidate", "diaSource"],
}
_LONGEST = 100
_MOST_OPEN = 50


class Details(Part):
    """Every field of an alert's packet: value, unit and documentation, with a search.

    Above the fields stand the catalogue sources next to the detection, in words, and links to
    where the object can be looked up. Histories are counted, and open as tables.

    Parameters
    ----------
    alert
        The alert to begin with.
    pump
        The pump of the page that the details are part of; one of its own where None.
    """

    _esm = text_of("common.js", "details.js")
    _css = text_of("details.css")
    _docs = traitlets.Dict().tag(sync=True)
    _settings = traitlets.Dict().tag(sync=True)
    _shown = traitlets.Dict().tag(sync=True)
    _histories = traitlets.Dict().tag(sync=True)

    def __init__(self, alert: Alert | None = None, *, pump: Pump | None = None) -> None:
        super().__init__(pump=pump)
        self._docs = {
            part: {name: [known.unit, known.doc] for name, known in names.items()}
            for part, names in documentation().items()
        }
        self._chosen, self._turn = dict(_START), ""
        self._tell_settings()
        self._alert: Alert | None = None
        self._active = True
        self.alert = alert

    @property
    def alert(self) -> Alert | None:
        """The alert in view; while the part is not active, the page is not told of it."""
        return self._alert

    @alert.setter
    def alert(self, alert: Alert | None) -> None:
        with self.pump.lock:
            self._alert = alert
            self._show()

    @property
    def active(self) -> bool:
        """Whether anybody can see this part. Where not, alerts cost nothing until it is seen."""
        return self._active

    @active.setter
    def active(self, active: bool) -> None:
        with self.pump.lock:
            changed, self._active = active != self._active, active
            if changed:
                self._show()

    @property
    def settings(self) -> dict[str, Any]:
        """``search`` (text), ``hide_missing`` (bool) and ``open`` (names of sections)."""
        return {name: list(v) if isinstance(v, list) else v for name, v in self._chosen.items()}

    @settings.setter
    def settings(self, settings: Mapping[str, Any]) -> None:
        checked = _checked(settings)
        with self.pump.lock:
            before = self._chosen["open"]
            self._chosen = self._chosen | checked
            self._tell_settings()
            if self._chosen["open"] != before:
                self._show_histories()

    def receive(self, message: Mapping[str, Any]) -> None:
        """Take over what was chosen in the page."""
        if message.get("kind") == "setting":
            self._turn = turn_of(message)
            self.settings = {str(message.get("name")): message.get("value")}

    def _tell_settings(self) -> None:
        self._settings = self._chosen | {"turn": self._turn}

    def _show(self) -> None:
        alert = self._alert
        if not self._active:
            return
        self._shown = {
            "candid": "" if alert is None else str(alert.candid),
            "object": "" if alert is None else alert.object_id,
            "near": [] if alert is None else [one.words for one in neighbours(alert)],
            "links": [] if alert is None else [[x.name, x.url, x.title] for x in links(alert)],
            "sections": [] if alert is None else sections_of(alert),
        }
        self._show_histories()

    def _show_histories(self) -> None:
        alert = self._alert
        if not self._active:
            return
        names = [] if alert is None else [name for name in self._chosen["open"] if name in alert]
        tables = {name: history_of(alert, name) for name in names if alert is not None}
        self._histories = {name: table for name, table in tables.items() if table is not None}


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST


def _are_names(value: object) -> bool:
    return isinstance(value, list) and len(value) <= _MOST_OPEN and all(map(_is_text, value))


_CHOICES: dict[str, tuple[Callable[[object], bool], str]] = {
    "search": (_is_text, f"text of up to {_LONGEST} characters"),
    "hide_missing": (lambda value: isinstance(value, bool), "true or false"),
    "open": (_are_names, f"a list of up to {_MOST_OPEN} names of sections"),
}


def _checked(settings: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in settings.items():
        if name not in _CHOICES:
            known = ", ".join(_CHOICES)
            raise ConfigError(
                f"details: no setting is called {str(name)[:_LONGEST]!r}; {known} are"
            )
        fits, expected = _CHOICES[name]
        if not fits(value):
            raise ConfigError(f"details: {name} is {expected}, got {type(value).__name__}")
    return {name: list(v) if isinstance(v, list) else v for name, v in settings.items()}
