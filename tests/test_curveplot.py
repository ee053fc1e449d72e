"""A light curve is drawn as astronomers draw it, and each quantity apart."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from made import NIGHT_JD, made_alert

from ztfnb import photometry
from ztfnb.bands import CLASSIC, COLOURS, OTHER_COLOUR
from ztfnb.curveplot import FAINT, PHASES, Band, Plot, faded, plot_of
from ztfnb.curveview import CurveView, Quantity
from ztfnb.lightcurve import LightCurve


def curve(**candidate: Any) -> LightCurve:
    """One r detection of mag 18.5, fainter than the reference, an older g limit of 20.5."""
    alert = made_alert(1, isdiffpos="f", **candidate)
    alert["prv_candidates"] = [
        {"jd": NIGHT_JD - 2, "fid": 1, "pid": 5, "diffmaglim": 20.5, "programid": 1,
         "candid": None, "magpsf": None}
    ]  # fmt: skip
    return photometry(alert)


def with_forced(*fluxes: float) -> LightCurve:
    """The same with forced fluxes [DN at zero point 26] in r, each with an error of 10."""
    alert = made_alert(1)
    alert["fp_hists"] = [
        {"jd": NIGHT_JD - 1 - n, "fid": 2, "pid": 6 + n, "magzpsci": 26.0, "forcediffimflux": flux,
         "forcediffimfluxunc": 10.0, "diffmaglim": 20.0, "programid": 1, "field": 500}
        for n, flux in enumerate(fluxes)
    ]  # fmt: skip
    return photometry(alert)


def drawn(held: LightCurve, now: float = NIGHT_JD + 10, **view: Any) -> Plot:
    return plot_of(held, CurveView(**view), now=now)


def test_difference_magnitudes_and_limits() -> None:
    """Detections with bars, limits as open triangles pointing down, bright up, detections last."""
    plot = plot_of(curve())
    points = plot.points
    assert points.y == pytest.approx([20.5, 18.5])
    assert points.lower == pytest.approx([np.nan, 18.4], abs=1e-6, nan_ok=True)
    assert points.upper == pytest.approx([np.nan, 18.6], abs=1e-6, nan_ok=True)
    assert points.colour == [COLOURS[1], COLOURS[2]]
    assert points.marker == ["inverted_triangle", "square"]
    assert points.hollow.tolist() == [True, True], "limits and negative subtractions are open"
    assert [(sign.marker, sign.style, sign.words) for sign in plot.signs] == [
        ("circle", "open", "fainter than reference"),
        ("inverted_triangle", "open", "5-sigma limit"),
    ]  # fmt: skip
    bottom, top = plot.y_range
    assert bottom > 20.5
    assert top < 18.4


def test_limits_can_be_left_out() -> None:
    """Without limits the range is that of the detections."""
    plot = drawn(curve(), limits=False)
    assert plot.points.y == pytest.approx([18.5])
    assert plot.y_range[0] < 19
    assert [band.fid for band in plot.bands] == [2]


def test_three_kinds_of_time() -> None:
    """Days since the first detection, days before now that grow to the left, or MJD of the jd."""
    days = drawn(curve(), time="days")
    assert days.points.x == pytest.approx([-2.0, 0.0], abs=1e-4)
    assert days.x_label == "days since first detection"
    assert days.x_zero == f"MJD {NIGHT_JD - 2400000.5:.4f}"
    ago = drawn(curve(), time="ago")
    assert ago.points.x == pytest.approx([12.0, 10.0], abs=1e-4)
    assert ago.x_label == "days before now"
    assert ago.x_zero == f"MJD {NIGHT_JD + 10 - 2400000.5:.4f}"
    assert ago.x_range[0] > 12
    assert ago.x_range[1] < 10
    mjd = drawn(curve(), time="mjd")
    assert mjd.points.x[1] == pytest.approx(NIGHT_JD - 2400000.5, abs=1e-4)
    assert (mjd.x_label, mjd.x_zero) == ("MJD (UTC)", "")
    nothing_found = curve()[:1]
    assert drawn(nothing_found, time="days").x_label == "days since first epoch"


@pytest.mark.parametrize(
    ("quantity", "words"),
    [
        ("difference", "difference magnitude (AB)"),
        ("apparent", "apparent magnitude (AB)"),
        ("flux", "difference flux (µJy)"),
        ("forced", "forced difference flux (µJy)"),
    ],
)
def test_axis_says_what_is_plotted(quantity: Quantity, words: str) -> None:
    """Each quantity names itself on the axis, with its unit."""
    assert drawn(curve(), quantity=quantity).y_label == words


def test_apparent_magnitudes_never_mix_with_others() -> None:
    """Apparent magnitudes come without limits, and without any when there is no reference."""
    plot = drawn(curve(magnr=18.0), quantity="apparent")
    assert plot.points.marker == ["square"]
    none = drawn(curve(distnr=20.0), quantity="apparent")
    assert len(none.points.rows) == 0
    assert "reference source" in none.note


def test_flux_is_signed_and_shows_zero() -> None:
    """A source fainter than its reference has a negative flux; a limit is one as a flux."""
    plot = drawn(curve(), quantity="flux")
    assert plot.points.y == pytest.approx([10 ** (0.4 * 3.4), -(10 ** (0.4 * 5.4))], rel=1e-4)
    assert not plot.points.hollow[1], "the sign of a flux needs no mark"
    bottom, top = plot.y_range
    assert bottom < plot.points.y[1]
    assert bottom < 0 < top


def test_forced_photometry_stands_alone() -> None:
    """Forced fluxes appear in their own mode, and nothing else does."""
    held = with_forced(-40.0, 20.0)
    forced = drawn(held, quantity="forced")
    scale = 10 ** (0.4 * (23.9 - 26.0))
    assert forced.points.y == pytest.approx([20 * scale, -40 * scale], rel=1e-5)
    assert forced.points.snr == pytest.approx([2.0, 4.0]), "of either sign"
    assert [sign.words for sign in forced.signs] == ["below the SNR"]
    for quantity in get_args(Quantity)[:3]:
        alone = drawn(held, quantity=quantity)
        assert alone.signs == ()
        assert set(held.kind[alone.points.rows]) <= {"detection"}
    assert "4.01" in drawn(curve(), quantity="forced").note


def test_weak_forced_fluxes_are_faint() -> None:
    """What is below the chosen signal-to-noise is faint; of other quantities nothing is."""
    held = with_forced(-40.0, 20.0)
    assert faded(drawn(held, quantity="forced", snr=3.0)).tolist() == [FAINT, 1.0]
    assert faded(drawn(held, quantity="forced", snr=2.0)).tolist() == [1.0, 1.0]
    limit, found = faded(drawn(curve(), snr=20.0)).tolist()
    assert limit < found == 1.0


def test_folded() -> None:
    """Folded on its object's period, every point is there in two cycles."""
    held = curve()
    plot = drawn(held, fold=True, periods={held.object_id: 8.0})
    assert plot.points.x == pytest.approx([0.75, 0.0, 1.75, 1.0], abs=1e-5)
    assert plot.points.y == pytest.approx([20.5, 18.5, 20.5, 18.5])
    assert plot.points.candid.tolist() == [0, 1, 0, 1]
    assert plot.x_label == "phase (period = 8 d)"
    assert plot.x_range == PHASES
    assert plot.y_range == drawn(held).y_range
    for view in ({"fold": True, "periods": {"other": 8.0}}, {"periods": {held.object_id: 8.0}}):
        assert drawn(held, **view).x_label == "days since first detection"


def test_hidden_bands_stay_in_the_legend() -> None:
    """What is hidden can be shown again; with everything hidden a sentence says so."""
    plot = drawn(curve(), hidden=(1,))
    assert plot.points.colour == [COLOURS[2]]
    assert plot.bands == (
        Band(1, "g", "circle", COLOURS[1], hidden=True),
        Band(2, "r", "square", COLOURS[2], hidden=False),
    )
    assert drawn(curve(), hidden=(1, 2)).note == "All of its bands are hidden."


def test_filters_that_are_none() -> None:
    """A filter that ZTF does not have is drawn too."""
    plot = drawn(curve(fid=7))
    assert plot.points.marker[1] == "hex"
    assert plot.bands[1] == Band(7, "?", "hex", OTHER_COLOUR, hidden=False)


def test_classic_colours() -> None:
    """Green, red and orange on request."""
    assert drawn(curve(), palette="classic").points.colour == [CLASSIC[1], CLASSIC[2]]
