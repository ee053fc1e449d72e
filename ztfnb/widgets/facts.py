"""Two lines of facts about an alert."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import traitlets

from ztfnb.alert import Alert
from ztfnb.neighbours import Neighbour, neighbours
from ztfnb.widgets._columns import MISSING, date_of
from ztfnb.widgets._part import Part
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of

_SCORES = {
    "rb": "Real-bogus score: 0 bogus, 1 real",
    "drb": "Real-bogus score of the deep-learning classifier: 0 bogus, 1 real",
    "reliability": "Real-bogus score of Rubin: 0 bogus, 1 real",
}
_MINUTE, _DAYS, _MANY_DAYS = 1 / 1440, 2, 100
"""Ages [d] below are told as new and in hours, and above in whole days."""


class Fact(NamedTuple):
    """A value and what it is."""

    label: str
    value: str
    title: str = ""
    """What it means, in a sentence."""
    copy: str = ""
    """What a button beside it puts on the clipboard; without one where empty."""
    jd: float | None = None
    """Of a time, Julian date (UTC): the page tells how long ago it was."""


class Facts(Part):
    """What one wants to know first about an alert: object, brightness, time, scores, neighbours.

    It takes two lines in the width of a side pane, three in a narrow one, whatever the alert; what
    finds no room there is left out, the least important first.

    Parameters
    ----------
    alert
        The alert to begin with.
    pump
        The pump of the page that the line is part of; one of its own where None.
    """

    _esm = text_of("common.js", "copy.js", "facts.js")
    _css = text_of("copy.css", "facts.css")
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
    return [
        *_brightness(alert),
        *_time(alert),
        *_age(alert),
        *_scores(alert),
        *_near(alert),
        *_place(alert),
        Fact("candid", "", f"Number of the alert: {alert.candid}", str(alert.candid)),
    ]


def _brightness(alert: Alert) -> Iterator[Fact]:
    if not math.isfinite(alert.mag):
        return
    error = _number(alert.core.get("sigmapsf"))
    spread = "" if error is None else f" ± {error:.2f}"
    sign = alert.core.get("isdiffpos")
    flux = _number(alert.core.get("psfFlux"))
    negative = sign in ("f", "0") or sign is False or (flux is not None and flux < 0)
    yield Fact(
        alert.band,
        f"{alert.mag:.2f}{spread}{' negative' if negative else ''}",
        "Magnitude of the difference from the reference image"
        + (": fainter than there" if negative else ""),
    )


def _time(alert: Alert) -> Iterator[Fact]:
    if (moment := date_of(alert.jd)) is not None:
        exact = f"{moment:%Y-%m-%d %H:%M:%S} UTC, JD {alert.jd:.5f}"
        yield Fact("", f"{moment:%Y-%m-%d %H:%M} UTC", exact, jd=alert.jd)


def _age(alert: Alert) -> Iterator[Fact]:
    first = _number(alert.core.get("jdstarthist"))
    days = math.nan if first is None else alert.jd - first
    if math.isnan(days) or days < 0:
        return
    if days < _MINUTE:
        text = "new"
    elif days < _DAYS:
        text = f"{days * 24:.1f} h"
    else:
        text = f"{days:.{0 if days > _MANY_DAYS else 1}f} d"
    yield Fact("age", text, "From the first detection at this place to this one")


def _scores(alert: Alert) -> Iterator[Fact]:
    for name, title in _SCORES.items():
        if (score := _number(alert.core.get(name))) is not None:
            yield Fact(name, f"{score:.2f}", title)


def _near(alert: Alert) -> Iterator[Fact]:
    """Yield the nearest star or galaxy, and the asteroid where there is one."""
    found = neighbours(alert)
    fixed = [one for one in found if one.catalogue in ("PS1", "Gaia")]
    # Gaia's sources are in PS1 too, which tells more of them.
    known = [one for one in fixed if one.catalogue == "PS1"] or fixed
    for one in known[:1]:
        kind = "Gaia source" if one.catalogue == "Gaia" else one.words.split(" ", 1)[0]
        mag = "" if one.mag is None else f", {one.band} {one.mag:.1f}"
        yield Fact(kind, f"{_arcsec(one)}{mag}", f"Nearest: {one.words}")
    for one in found:
        if one.catalogue == "Solar System":
            kind = "comet" if one.words.startswith("comet") else "asteroid"
            yield Fact(kind, f"{one.name} {_arcsec(one)}".strip(), f"Predicted: {one.words}")


def _arcsec(neighbour: Neighbour) -> str:
    return f"{neighbour.distance:.1f}\N{DOUBLE PRIME}"


def _place(alert: Alert) -> Iterator[Fact]:
    if math.isfinite(alert.ra) and math.isfinite(alert.dec):
        title = "Right ascension and declination, J2000 [deg]"
        exact = f"{alert.ra:.7f} {alert.dec:+.7f}"
        yield Fact("", f"{alert.ra:.4f} {alert.dec:+.4f}", title, exact)


def _number(value: Any) -> float | None:
    if not isinstance(value, int | float) or not math.isfinite(value) or value == MISSING:
        return None
    return float(value)
