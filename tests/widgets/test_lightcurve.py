"""The light curve widget keeps mode and mark, and tells which epoch was tapped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from made import made_alert, made_packet

import ztfnb
from ztfnb.widgets import LightCurve, _bokeh

Sent = Callable[[Any], list[dict[str, Any]]]


def say(part: LightCurve, kind: str, **message: Any) -> None:
    part._on_message(part, {"kind": kind, **message}, [])


def test_marks_the_newest_alert() -> None:
    """The ring is around the detection of the newest alert, and moves when told."""
    alerts = [ztfnb.decode(made_packet(n, objectId="ZTF1")) for n in (1,)]
    other = made_alert(2)
    other["objectId"] = alerts[0].object_id
    alerts.append(ztfnb.decode(ztfnb.encode(other)))
    widget = LightCurve(alerts)
    newest = dict(widget._mark)
    widget.mark(1)
    assert widget._mark["x"] < newest["x"]
    widget.mark(99)
    assert widget._mark == {}


def test_page_chooses_the_mode() -> None:
    """Buttons of the page set quantity and time; what is none is passed over."""
    widget = LightCurve(ztfnb.decode(made_packet(1)))
    say(widget, "quantity", value="flux")
    say(widget, "time", value="mjd")
    say(widget, "time", value="lunar")
    assert (widget.quantity, widget.time) == ("flux", "mjd")
    assert "flux" in widget._shown["y_label"]


def test_code_chooses_the_mode() -> None:
    """A mode that is none is refused by name."""
    widget = LightCurve()
    with pytest.raises(ValueError, match="difference, apparent, flux"):
        widget.quantity = "luminosity"  # type: ignore[assignment]
    with pytest.raises(ValueError, match="days, mjd"):
        widget.time = "phase"  # type: ignore[assignment]


def test_tap_tells_the_epoch() -> None:
    """A tap on a point calls back with candid and date; a tap on nothing does not."""
    alert = ztfnb.decode(made_packet(7))
    widget = LightCurve(alert)
    epochs: list[tuple[int, float]] = []
    widget.on_epoch = lambda candid, jd: epochs.append((candid, jd))
    say(widget, "tap", source="detections", place=0)
    say(widget, "tap", source="detections", place=5)
    say(widget, "tap", source="nonsense", place=0)
    assert epochs == [(7, alert.jd)]


def test_alerts_of_two_objects_are_explained() -> None:
    """Alerts that belong together in no light curve leave a sentence in its place."""
    widget = LightCurve([ztfnb.decode(made_packet(n)) for n in (1, 2)])
    assert widget.curve is None
    assert widget._shown["note"].startswith("No light curve")


def test_bokeh_travels_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """BokehJS is sent to a page that has none, and is whole."""
    widget = LightCurve()
    sent: list[Any] = []
    monkeypatch.setattr(widget, "send", lambda *message: sent.append(message))
    say(widget, "bokehjs")
    ((message, (script,)),) = sent
    assert message == {"kind": "bokehjs"}
    assert script is _bokeh.bokehjs()
    assert len(script) > 1e6
