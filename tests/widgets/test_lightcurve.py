"""The light curve widget keeps what is chosen, and tells which epoch was chosen."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from made import NIGHT_JD, made_alert, made_packet

import ztfnb
from ztfnb.errors import ConfigError
from ztfnb.lightcurve import LightCurve as Curve
from ztfnb.widgets import LightCurve, _bokeh

PERIOD = 0.7


def say(part: LightCurve, kind: str, **message: Any) -> None:
    part._on_message(part, {"kind": kind, **message}, [])


def an_alert(candid: int = 1, name: str = "ZTF1") -> ztfnb.Alert:
    """An alert of one object."""
    plain = made_alert(candid)
    plain["objectId"] = name
    return ztfnb.decode(ztfnb.encode(plain))


def a_star(count: int = 60) -> ztfnb.Alert:
    """An alert with forced photometry of a sine."""
    plain = made_alert(1)
    jd = np.sort(NIGHT_JD - np.random.default_rng(1).uniform(0, 29, count))
    plain["fp_hists"] = [
        {"jd": one, "fid": 1 + n % 2, "pid": n, "rfid": 1, "programid": 1, "magzpsci": 26.0,
         "forcediffimflux": 100 * math.sin(2 * math.pi * one / PERIOD), "forcediffimfluxunc": 5.0,
         "ranr": 150.0, "decnr": 20.0}
        for n, one in enumerate(jd.tolist())
    ]  # fmt: skip
    return ztfnb.decode(ztfnb.encode(plain))


def chosen(part: LightCurve) -> tuple[str, str]:
    return part.quantity, part.time


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def search(part: LightCurve) -> None:
    """Look for periods, and wait until all that is found is told: a period after the peaks."""
    say(part, "find")
    wait_for(lambda: not any("ztfnb periods" in name for name in threads()))


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


def test_marks_the_newest_alert() -> None:
    """The ring is around the detection of the newest alert, and moves when told."""
    widget = LightCurve([an_alert(1), an_alert(2)])
    assert widget._mark == {"candid": "2", "row": 1}
    widget.mark(1)
    assert widget._mark == {"candid": "1", "row": 0}
    widget.mark(99)
    assert widget._mark == {"candid": "99", "row": -1}


def test_page_chooses() -> None:
    """Buttons of the page set what code reads; what is none is passed over."""
    widget = LightCurve(an_alert())
    say(widget, "setting", name="quantity", value="flux")
    say(widget, "setting", name="time", value="ago")
    say(widget, "setting", name="time", value="lunar")
    say(widget, "setting", name="colour", value=1)
    assert chosen(widget) == ("flux", "ago")
    assert "flux" in widget._shown["y_label"]
    assert widget._chosen["time"] == "ago"


def test_code_chooses() -> None:
    """What is none is refused by name, and nothing changes."""
    widget = LightCurve(an_alert())
    widget.time = "mjd"
    with pytest.raises(ConfigError, match="difference, apparent, flux, forced"):
        widget.quantity = "luminosity"  # type: ignore[assignment]
    with pytest.raises(ConfigError, match="mjd, days, ago"):
        widget.settings = {"limits": False, "time": "phase"}
    assert widget.settings["limits"] is True
    assert chosen(widget) == ("difference", "mjd")


def test_settings_go_to_another_view() -> None:
    """A second view that is given them shows the same."""
    one, other = LightCurve(an_alert()), LightCurve(an_alert())
    one.settings = {"quantity": "flux", "hidden": [1], "fold": True, "periods": {"ZTF1": 0.5}}
    other.settings = one.settings
    assert other.settings == one.settings
    assert other._shown == one._shown
    assert other._chosen["period"] == 0.5


def test_what_did_not_change_is_not_sent_again() -> None:
    """A period or a cut sends itself, not the points; a page without a table gets none."""
    widget = LightCurve(an_alert())
    changed: list[str] = []
    widget.observe(lambda change: changed.append(change["name"]))
    widget.settings = {"snr": 5.0}
    say(widget, "period", value=0.5)
    assert changed == ["_chosen", "_chosen"]
    assert widget._table == {}
    widget.settings = {"form": "table"}
    assert len(widget._table["rows"]) == 1
    widget.settings = {"form": "plot"}
    assert widget._table == {}


def test_an_epoch_is_chosen_by_its_row() -> None:
    """A point or row calls back with candid and date; one of an older picture does not."""
    alert = an_alert(7)
    widget = LightCurve(alert)
    epochs: list[tuple[int, float]] = []
    widget.on_epoch = lambda candid, jd: epochs.append((candid, jd))
    serial = widget._shown["serial"]
    say(widget, "epoch", row=0, serial=serial)
    say(widget, "epoch", row=5, serial=serial)
    say(widget, "epoch", row=-1, serial=serial)
    widget.show(an_alert(8))
    say(widget, "epoch", row=0, serial=serial)
    assert epochs == [(7, alert.jd)]


def test_a_period_is_remembered_with_its_object() -> None:
    """Coming back to an object brings its period; another has its own, or none."""
    widget = LightCurve(an_alert(1, "ZTF1"))
    say(widget, "setting", name="fold", value=True)
    say(widget, "period", value=0.5)
    shown = [widget._chosen["period"]]
    widget.show(an_alert(2, "ZTF2"))
    shown.append(widget._chosen["period"])
    assert widget._chosen["fold"] is True
    say(widget, "period", value=0.25)
    widget.show(an_alert(1, "ZTF1"))
    shown.append(widget._chosen["period"])
    assert shown == [0.5, None, 0.5]
    assert widget.periods == {"ZTF1": 0.5, "ZTF2": 0.25}
    say(widget, "period", value=None)
    assert widget.periods == {"ZTF2": 0.25}


def test_a_period_that_is_none_is_explained() -> None:
    """The page is told what was expected; nothing is remembered."""
    widget = LightCurve(an_alert())
    for value in (0, -1, 1e9, "fast", float("nan"), True):
        say(widget, "period", value=value)
        assert "expected 0.001 to 100,000 days" in widget._found["text"]
    assert widget.periods == {}
    LightCurve().receive({"kind": "period", "value": 0.5})


def test_periods_are_found_beside_the_messages() -> None:
    """The search returns at once; its best period is tried, the others are offered."""
    widget = LightCurve(a_star())
    search(widget)
    assert widget.curve is not None
    assert widget.periods[widget.curve.object_id] == pytest.approx(PERIOD, abs=1e-3)
    best, *others = widget._found["peaks"]
    assert best["period"] == pytest.approx(PERIOD, abs=1e-3)
    assert len(others) == 4
    assert float(best["chance"]) < 1e-6


def test_a_period_that_was_typed_is_kept_by_a_search() -> None:
    """What a person chose stays until they choose another."""
    widget = LightCurve(a_star())
    say(widget, "period", value=3.0)
    search(widget)
    assert widget._found["peaks"]
    assert list(widget.periods.values()) == [3.0]


def test_what_is_found_of_another_object_is_not_shown() -> None:
    """A search ends with its object."""
    widget = LightCurve(a_star())
    say(widget, "find")
    widget.show(an_alert(2, "ZTF2"))
    assert widget._found["text"] == ""
    wait_for(lambda: not any("ztfnb periods" in name for name in threads()))
    assert widget._found["text"] == ""
    assert widget.periods == {}


def test_too_few_points_are_explained() -> None:
    """A search that cannot be made says why."""
    widget = LightCurve(an_alert())
    search(widget)
    assert not widget._found["busy"]
    assert "10 fluxes" in widget._found["text"]


@pytest.mark.parametrize("name", ["csv", "ecsv"])
def test_the_table_can_be_had_as_a_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All epochs, named after the object; a format that is none gives nothing."""
    widget = LightCurve(a_star())
    files: list[tuple[str, bytes]] = []
    monkeypatch.setattr(widget, "hand_over", lambda *given: files.append(given[:2]))
    say(widget, "download", format="exe")
    say(widget, "download", format=name)
    wait_for(lambda: files)
    ((called, content),) = files
    assert called == f"ZTF260000001.{name}"
    lines = [line for line in content.decode().splitlines() if not line.startswith("#")]
    assert len(lines) == 62


def test_a_file_that_cannot_be_made_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong while a file is made is said in the page."""
    widget = LightCurve(a_star())

    def fail(_curve: Curve) -> None:
        raise RuntimeError("out of the blue")

    monkeypatch.setattr(Curve, "table", fail)
    say(widget, "download", format="csv")
    wait_for(lambda: "out of the blue" in widget._found["text"])


def test_names_of_objects_are_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path in the name of an object is none in that of a file; a name may be too long to keep."""
    widget = LightCurve(an_alert(1, "../../<b>" + 200 * "x"))
    files: list[str] = []
    monkeypatch.setattr(widget, "hand_over", lambda *given: files.append(given[0]))
    say(widget, "download", format="csv")
    wait_for(lambda: files)
    assert files == ["-b-" + 37 * "x" + ".csv"]
    say(widget, "period", value=0.5)
    assert "objectId" in widget._found["text"]
    assert widget.periods == {}


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
