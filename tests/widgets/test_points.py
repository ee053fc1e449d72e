"""A light curve is drawn as astronomers draw it, and each quantity apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from made import NIGHT_JD, made_alert

from ztfnb import photometry
from ztfnb.photometry import LightCurve
from ztfnb.widgets._points import COLOURS, Quantity, payload_of, plot_of


def curve(**candidate: Any) -> LightCurve:
    """One r detection of mag 18.5, fainter than the reference, an older g limit of 20.5."""
    alert = made_alert(1, isdiffpos="f", **candidate)
    alert["prv_candidates"] = [
        {"jd": NIGHT_JD - 2, "fid": 1, "pid": 5, "diffmaglim": 20.5, "programid": 1,
         "candid": None, "magpsf": None}
    ]  # fmt: skip
    return photometry(alert)


def test_difference_magnitudes_and_limits() -> None:
    """Detections with bars, limits as open triangles pointing down, bright up."""
    plot = plot_of(curve())
    found, limits = plot.points["detections"], plot.points["limits"]
    assert found.y == pytest.approx([18.5])
    assert found.lower == pytest.approx([18.4], abs=1e-6)
    assert found.upper == pytest.approx([18.6], abs=1e-6)
    assert found.color == [COLOURS[2]]
    assert limits.y == pytest.approx([20.5])
    assert limits.marker == ["inverted_triangle"]
    assert limits.fill == found.fill == ["rgba(0, 0, 0, 0)"], "negative subtractions are open"
    assert np.isnan(limits.lower).all()
    bottom, top = plot.y_range
    assert bottom > 20.5
    assert top < 18.4


def test_time_since_first_detection_or_mjd() -> None:
    """Limits before the first detection lie at negative days; MJD is that of the jd."""
    days = plot_of(curve(), time="days")
    assert days.points["detections"].x == pytest.approx([0.0])
    assert days.points["limits"].x == pytest.approx([-2.0], abs=1e-4)
    mjd = plot_of(curve(), time="mjd")
    assert mjd.points["detections"].x == pytest.approx([NIGHT_JD - 2400000.5], abs=1e-4)
    assert "MJD" in mjd.x_label


@pytest.mark.parametrize(
    ("quantity", "word"),
    [("difference", "difference mag"), ("apparent", "apparent mag"), ("flux", "flux")],
)
def test_axis_says_what_is_plotted(quantity: Quantity, word: str) -> None:
    """Each quantity names itself on the axis."""
    assert word in plot_of(curve(), quantity).y_label


def test_apparent_magnitudes_never_mix_with_others() -> None:
    """Apparent magnitudes come without limits, and without any when there is no reference."""
    plot = plot_of(curve(), "apparent")
    assert len(plot.points["limits"].rows) == 0
    assert len(plot.points["forced"].rows) == 0
    none = plot_of(curve(distnr=20.0), "apparent")
    assert len(none.points["detections"].rows) == 0
    assert "reference source" in none.note


def test_flux_is_signed_and_shows_zero() -> None:
    """A source fainter than its reference has a negative flux, and zero is in view."""
    plot = plot_of(curve(), "flux")
    assert plot.points["detections"].y[0] < 0
    bottom, top = plot.y_range
    assert bottom < plot.points["detections"].y[0]
    assert bottom < 0 < top


def test_forced_photometry_is_flux_only() -> None:
    """Forced photometry appears among fluxes, and not among magnitudes."""
    alert = made_alert(1)
    alert["fp_hists"] = [
        {"jd": NIGHT_JD - 1, "fid": 2, "pid": 6, "rfid": 1, "exptime": 30.0, "magzpsci": 26.0,
         "forcediffimflux": -40.0, "forcediffimfluxunc": 10.0, "diffmaglim": 20.0,
         "programid": 1, "field": 500, "rcid": 1, "procstatus": "0"}
    ]  # fmt: skip
    held = photometry(alert)
    assert plot_of(held, "flux").points["forced"].y == pytest.approx(
        [-40 * 10 ** (0.4 * (23.9 - 26.0))], rel=1e-5
    )
    assert len(plot_of(held, "difference").points["forced"].rows) == 0


def test_payload_has_no_nan_as_text() -> None:
    """Numbers travel as bytes: JSON has no NaN."""
    payload = payload_of(plot_of(curve()))
    limits = payload["sources"]["limits"]
    assert np.isnan(np.frombuffer(limits["lower"], "<f8")).all()
    assert [entry[3] for entry in payload["legend"]] == [
        "g", "r", "fainter than reference", "5-sigma limit",
    ]  # fmt: skip
