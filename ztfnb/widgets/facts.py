"""One line of facts about an alert."""

from __future__ import annotations

from typing import Any, NamedTuple

import traitlets

from ztfnb.alert import Alert
from ztfnb.widgets._columns import MISSING, date_of
from ztfnb.widgets._part import Part
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of

_STAR_LIKE = 0.5


class Fact(NamedTuple):
    """A value and what it is."""

    label: str
    value: str
    title: str = ""
    """What it means, in a sentence."""


class Facts(Part):
    """What one wants to know first about an alert: object, time, brightness, scores, neighbours.

    Parameters
    ----------
    alert
        The alert to begin with.
    pump
        The pump of the page that the line is part of; one of its own where None.
    """

    _esm = text_of("common.js", "facts.js")
    _css = text_of("facts.css")
    _shown = traitlets.Dict().tag(sync=True)

    def __init__(self, alert: Alert | None = None, *, pump: Pump | None = None) -> None:
        super().__init__(pump=pump)
        self._alert: Alert | None = None
        self.alert = alert

    @property
    def alert(self) -> Alert | None:
        """The alert in view."""
        return self._alert

    @alert.setter
    def alert(self, alert: Alert | None) -> None:
        with self.pump.lock:
            self._alert = alert
            self._shown = {
                "candid": "" if alert is None else str(alert.candid),
                "object": "No alert selected" if alert is None else alert.object_id,
                "facts": [] if alert is None else [fact._asdict() for fact in facts_of(alert)],
            }


def facts_of(alert: Alert) -> list[Fact]:
    """Return what one wants to know first; what an alert does not tell is left out."""
    core = alert.core
    facts = []
    if (moment := date_of(alert.jd)) is not None:
        facts.append(Fact("", f"{moment:%Y-%m-%d %H:%M:%S} UTC", f"JD {alert.jd:.5f}"))
    facts.append(_brightness(alert))
    first = _number(core.get("jdstarthist"))
    if first is not None:
        days = alert.jd - first
        facts.append(Fact("age", f"{days:.1f} d", "Since the first detection known here"))
    facts += [
        Fact(name, f"{score:.2f}", "Real-bogus score: 0 bogus, 1 real")
        for name in ("rb", "drb")
        if (score := _number(core.get(name))) is not None
    ]
    facts += [fact for fact in (_neighbour(core), _asteroid(core)) if fact is not None]
    facts.append(Fact("at", f"{alert.ra:.5f} {alert.dec:+.5f}", "RA and Dec, J2000 [deg]"))
    facts.append(Fact("candid", str(alert.candid)))
    return facts


def _brightness(alert: Alert) -> Fact:
    error = _number(alert.core.get("sigmapsf"))
    spread = "" if error is None else f" ± {error:.2f}"
    sign = alert.core.get("isdiffpos")
    fainter = sign in ("f", "0") or sign is False
    note = " fainter than reference" if fainter else ""
    return Fact(
        alert.band, f"{alert.mag:.2f}{spread}{note}", "Magnitude of the difference from reference"
    )


def _neighbour(core: Any) -> Fact | None:
    distance, score = _number(core.get("distpsnr1")), _number(core.get("sgscore1"))
    if distance is None or distance < 0:
        return None
    form = "source" if score is None else "star" if score > _STAR_LIKE else "galaxy"
    mag = _number(core.get("srmag1"))
    bright = "" if mag is None or mag < 0 else f", r {mag:.1f}"
    title = "Nearest source of Pan-STARRS1" + ("" if score is None else f", sgscore {score:.2f}")
    return Fact("nearest", f"{form} {distance:.1f}″{bright}", title)


def _asteroid(core: Any) -> Fact | None:
    distance = _number(core.get("ssdistnr"))
    if distance is None or distance < 0:
        return None
    name = str(core.get("ssnamenr") or "unnamed")
    return Fact("solar system", f"{name} {distance:.1f}″", "Nearest known Solar System object")


def _number(value: Any) -> float | None:
    if not isinstance(value, int | float) or value != value or value == MISSING:  # noqa: PLR0124 - NaN
        return None
    return float(value)
