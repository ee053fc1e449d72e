"""A light curve on matplotlib's axes shows what its plot says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from made import NIGHT_JD, made_alert

import ztfnb
from ztfnb.bands import CLASSIC, COLOURS
from ztfnb.curve_axes import draw_curve
from ztfnb.curveplot import FAINT, PHASES, plot_of
from ztfnb.curveview import CurveView, Quantity, Time

figure = pytest.importorskip("matplotlib.figure")


def earlier(days: float, **values: Any) -> dict[str, Any]:
    return {
        "jd": NIGHT_JD - days, "fid": 2, "pid": int(days * 1e6), "diffmaglim": 20.0, "programid": 1,
    } | values  # fmt: skip


def an_alert() -> dict[str, Any]:
    """A positive r detection after one of g, a negative one of r and a limit."""
    return made_alert(1) | {
        "prv_candidates": [
            earlier(9),
            earlier(8, candid=8, magpsf=19.0, sigmapsf=0.1, isdiffpos="f"),
            earlier(7, candid=7, magpsf=18.0, sigmapsf=0.1, isdiffpos="t", fid=1),
        ]
    }


def axes_of(alert: Any, **view: Any) -> Any:
    axes = figure.Figure().add_subplot()
    plot = plot_of(ztfnb.photometry(alert), CurveView(**view), now=NIGHT_JD + 2)
    draw_curve(axes, plot, candid=alert["candid"])
    return axes


def test_light_curve_is_that_of_the_packet() -> None:
    """Magnitudes grow downward; limits are open triangles, negative detections open; one ring."""
    axes = axes_of(an_alert())
    bottom, top = axes.get_ylim()
    assert bottom > 20.0
    assert top < 18.0
    drawn = {
        (line.get_marker(), line.get_color(), line.get_markerfacecolor()): (
            np.round(line.get_xdata(), 3).tolist(), line.get_ydata().tolist()
        )
        for line in axes.lines
        if line.get_marker() in "osv" and len(line.get_xdata())
    }  # fmt: skip
    green, orange = COLOURS[1], COLOURS[2]
    assert drawn[("v", orange, "white")] == ([-1.0], [20.0])
    assert drawn[("s", orange, "white")] == ([0.0], [19.0])
    assert drawn[("o", green, green)] == ([1.0], [18.0])
    assert drawn[("s", orange, orange)] == ([8.0], [18.5])
    rings = [line for line in axes.lines if line.get_markersize() == 12]
    assert [ring.get_ydata().tolist() for ring in rings] == [[18.5]]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "g band", "r band", "fainter than reference", "5-sigma limit",
    ]  # fmt: skip
    assert axes.get_xlabel() == "days since first detection (MJD 61047.2500)"


@pytest.mark.parametrize("quantity", ["difference", "apparent", "flux"])
@pytest.mark.parametrize("time", ["mjd", "days", "ago"])
def test_every_point_is_drawn(quantity: Quantity, time: Time) -> None:
    """Each point of the plot is where, and in the colour, that the plot says; none besides."""
    alert = an_alert()
    alert["candidate"] |= {"magnr": 18.0, "sigmagnr": 0.05, "distnr": 0.5}
    view = CurveView(quantity, time, palette="classic")
    plot = plot_of(ztfnb.photometry(alert), view, now=NIGHT_JD + 2)
    axes = axes_of(alert, **view.plain())
    shapes = {"circle": "o", "square": "s", "inverted_triangle": "v"}
    points = plot.points
    expected = zip(
        points.x.tolist(), points.y.tolist(), points.colour, (shapes[one] for one in points.marker),
        points.hollow.tolist(), strict=True,
    )  # fmt: skip
    drawn = [
        (x, y, line.get_color(), line.get_marker(), line.get_markerfacecolor() == "white")
        for line in axes.lines
        if line.get_zorder() == 3
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    ]
    assert sorted(drawn) == sorted(expected)
    assert axes.get_xlim() == plot.x_range
    assert axes.get_ylim() == plot.y_range


def test_days_before_now() -> None:
    """Days before now get fewer to the right; the axis says when now was."""
    axes = axes_of(an_alert(), time="ago")
    left, right = axes.get_xlim()
    assert left > 11
    assert right < 2
    assert axes.get_xlabel() == f"days before now (MJD {NIGHT_JD + 2 - 2400000.5:.4f})"


def test_flux_and_mjd() -> None:
    """Flux grows upward around zero; the axes say what is drawn against what."""
    axes = axes_of(an_alert(), quantity="flux", time="mjd")
    bottom, top = axes.get_ylim()
    assert bottom < 0 < top
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("difference flux (µJy)", "MJD (UTC)")
    assert "\N{MINUS SIGN}" in "".join(label.get_text() for label in axes.get_yticklabels())
    bound = next(line for line in axes.lines if line.get_marker() == "v").get_ydata()
    assert bound == pytest.approx([10 ** (0.4 * (23.9 - 20.0))])


def words_of(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_what_is_drawn_can_be_chosen() -> None:
    """Limits and bands can be left out, and the classic colours taken."""
    alert = an_alert()
    assert "5-sigma limit" not in words_of(axes_of(alert, limits=False))
    assert words_of(axes_of(alert, hidden=(2,))) == ["g band"]
    colours = {line.get_color() for line in axes_of(alert, palette="classic").lines}
    assert {CLASSIC[1], CLASSIC[2]} <= colours
    assert not {COLOURS[1], COLOURS[2]} & colours
    everything = axes_of(alert, hidden=(1, 2, 3))
    assert [text.get_text() for text in everything.texts] == ["All of its bands are hidden."]


def test_forced_flux_stands_alone() -> None:
    """Forced photometry is drawn without detections; faint where it is below the SNR."""
    made = made_alert(1)
    made["fp_hists"] = [
        {"jd": NIGHT_JD - days, "fid": 1, "pid": days, "rfid": 1, "programid": 1,
         "forcediffimflux": flux, "forcediffimfluxunc": 10.0, "magzpsci": 23.9}
        for days, flux in ((1, 100.0), (2, 5.0))
    ]  # fmt: skip
    axes = axes_of(made, quantity="forced")
    drawn = {line.get_alpha(): line.get_ydata().tolist() for line in axes.lines[:3]}
    assert drawn[1.0] == pytest.approx([100.0])
    assert drawn[FAINT] == pytest.approx([5.0])
    assert words_of(axes) == ["g band", "below the SNR"]
    nothing = axes_of(made_alert(1), quantity="forced")
    assert nothing.texts[0].get_text().startswith("No forced photometry")


def test_folded() -> None:
    """Folded on a period, every point is drawn in two cycles, and the axis says the period."""
    alert = an_alert()
    axes = axes_of(alert, fold=True, periods={alert["objectId"]: 4.0}, limits=False)
    assert axes.get_xlim() == PHASES
    assert axes.get_xlabel() == "phase (period = 4 d)"
    green = next(line for line in axes.lines if line.get_color() == COLOURS[1])
    assert green.get_xdata() == pytest.approx([0.25, 1.25])
    assert green.get_ydata().tolist() == [18.0, 18.0]
