"""A picture of an alert shows what the packet holds, everywhere the same."""

from __future__ import annotations

import gzip
import io
import re
import subprocess
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made import NIGHT_JD, made_alert
from numpy.typing import NDArray
from packets import needs_real_packets, real_files

import ztfnb
from ztfnb.bands import CLASSIC, COLOURS
from ztfnb.curve_axes import CurveLook, draw_curve
from ztfnb.drawing import FORMS, Picture, facts_of, picture
from ztfnb.errors import ConfigError, SourceError
from ztfnb.look import Look

mpl = pytest.importorskip("matplotlib")
image = pytest.importorskip("PIL.Image")


def fits(pixels: NDArray[Any]) -> bytes:
    cards = [
        "SIMPLE  =                    T", "BITPIX  =                  -32",
        "NAXIS   =                    2", f"NAXIS1  = {pixels.shape[1]:>20}",
        f"NAXIS2  = {pixels.shape[0]:>20}", "END",
    ]  # fmt: skip
    header = "".join(card.ljust(80) for card in cards).ljust(2880).encode()
    data = pixels.astype(">f4").tobytes()
    return gzip.compress(header + data.ljust(-(-len(data) // 2880) * 2880, b"\0"))


def alert_with(
    stamps: dict[str, bytes] | None = None,
    history: list[dict[str, Any]] | None = None,
    **candidate: Any,
) -> ztfnb.Alert:
    made = made_alert(1, **candidate)
    for name, data in (stamps or {}).items():
        made[name] = {"fileName": "stamp.fits.gz", "stampData": data}
    if history:
        made["prv_candidates"] = history
    return ztfnb.decode(ztfnb.encode(made))


def earlier(days: float, **values: Any) -> dict[str, Any]:
    return {
        "jd": NIGHT_JD - days, "fid": 2, "pid": int(days * 1e6), "diffmaglim": 20.0,
        "programid": 1, "rbversion": "t17_f5_c3",
    } | values  # fmt: skip


HISTORY = [
    earlier(9),
    earlier(8, candid=8, magpsf=19.0, sigmapsf=0.1, isdiffpos="f", ra=150.0, dec=20.0),
    earlier(7, candid=7, magpsf=18.0, sigmapsf=0.1, isdiffpos="t", fid=1, ra=150.0, dec=20.0),
]


def pixels_of(made: bytes) -> NDArray[np.int64]:
    return np.asarray(image.open(io.BytesIO(made)).convert("RGB"), np.int64)


def science(made: bytes, rows: int = 63) -> NDArray[np.int64]:
    """The middles of the science stamp's pixels in a PNG, grey levels."""
    shown = pixels_of(made)
    inch = shown.shape[1] / 7.1
    left, side = 0.66 * inch, (7.1 - 0.66 - 0.12 - 0.2) / 3 * inch
    top = 0.9 * inch
    at = (np.arange(rows) + 0.5) / rows * side
    return np.asarray(shown[np.ix_((top + at).astype(int), (left + at).astype(int))].mean(axis=2))


def axes_of(alert: Mapping[str, Any], *args: Any, **options: Any) -> Any:
    figure = mpl.figure.Figure()
    axes = figure.add_subplot()
    draw_curve(axes, ztfnb.photometry(alert), CurveLook(*args, **options), candid=alert["candid"])
    return axes


@pytest.mark.parametrize("form", ["png", "pdf"])
def test_everywhere_the_same(form: Any) -> None:
    """The same alert makes the same bytes, whatever somebody has set in matplotlib."""
    alert = alert_with({"cutoutScience": fits(np.eye(63))}, HISTORY)
    plain = picture(alert, form=form)
    dressed = {
        "text.usetex": True, "font.family": "serif", "axes.grid": False, "xtick.top": True,
        "xtick.direction": "in", "xtick.minor.visible": True, "lines.linewidth": 9,
        "figure.facecolor": "black", "axes.facecolor": "red", "text.color": "pink",
        "axes.labelcolor": "blue", "legend.frameon": True, "figure.autolayout": True,
        "pdf.fonttype": 3, "axes.spines.left": False, "savefig.bbox": "tight", "font.size": 30,
        "lines.markeredgewidth": 5, "image.cmap": "jet", "axes.unicode_minus": False,
        "legend.loc": "center", "savefig.dpi": 30, "axes.linewidth": 7, "grid.color": "red",
    }  # fmt: skip
    with mpl.rc_context(dressed):
        assert picture(alert, form=form) == plain
        assert mpl.rcParams["pdf.fonttype"] == 3


def test_pyplot_is_left_alone() -> None:
    """Making a picture does not touch pyplot, which may belong to a notebook's own figures."""
    code = (
        "import sys; sys.path.insert(0, 'tests'); import ztfnb; from made import made_packet\n"
        "from ztfnb.drawing import picture; picture(ztfnb.decode(made_packet()))\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[1],
    )  # fmt: skip
    assert done.stdout.strip() == "False"


def test_pdf_has_true_type_and_text() -> None:
    """A PDF's fonts are TrueType, with their letters named, so that text can be searched."""
    made = picture(alert_with(), form="pdf")
    assert made.startswith(b"%PDF")
    for part in (b"/FontFile2", b"/CIDFontType2", b"/ToUnicode"):
        assert made.count(part)
    assert not re.search(rb"/Type3\b", made)
    assert not made.count(b"CreationDate")


def test_size() -> None:
    """A PNG is 7.1 inches wide at its resolution, and a notebook shows it."""
    made = picture(alert_with(), dpi=100)
    assert pixels_of(made).shape[1] == 710
    assert made._repr_png_() == made
    assert Picture(b"%PDF-1.4")._repr_png_() is None
    assert repr(made).endswith("bytes of PNG>")


def test_north_is_up() -> None:
    """The file's first row is on top and its first column left: north up, east left."""
    stamp = np.zeros((63, 63))
    stamp[2, 5] = stamp[60, 20] = 1.0
    made = picture(alert_with({"cutoutScience": fits(stamp)}), look={"marks": False, "limits": 100})
    shown = science(made)
    assert {tuple(map(int, place)) for place in np.argwhere(shown > 200)} == {(2, 5), (60, 20)}


def test_clipped_stamps_keep_the_detection_in_the_middle() -> None:
    """At a detector's edge the missing part is left free, at the same scale."""
    stamp = np.zeros((63, 40))
    stamp[31, 8] = 1.0
    alert = alert_with({"cutoutScience": fits(stamp)}, xpos=9.0, ypos=2000.0)
    shown = science(picture(alert, look={"marks": False, "limits": 100}))
    assert np.argwhere(shown > 240).tolist() == [[31, 31]]
    assert np.all(shown[:, :22] == shown[0, 0])
    assert shown[0, 0] > 200


def test_no_value_is_no_colour() -> None:
    """Pixels without a value are grey, as what lies outside."""
    stamp = np.zeros((63, 63))
    stamp[:10] = np.nan
    stamp[40:] = 1.0
    shown = science(picture(alert_with({"cutoutScience": fits(stamp)}), look={"marks": False}))
    assert np.all(shown[1:9] == 0xE4)
    assert np.all(shown[12:38] < 20)


def test_marks_can_be_left_out_and_colours_chosen() -> None:
    """The look of the page is that of the picture."""
    alert = alert_with({"cutoutScience": fits(np.random.default_rng(1).normal(size=(63, 63)))})
    looks: list[Any] = [
        Look(),
        Look(marks=False),
        {"colours": "viridis"},
        {"invert": True},
        {"limits": 90},
    ]
    assert len({bytes(picture(alert, look=look)) for look in looks}) == len(looks)


def test_what_is_missing_is_told() -> None:
    """Damaged and missing stamps leave their place, and an alert without epochs has a picture."""
    nothing = fits(np.full((63, 63), np.nan))
    alert = alert_with({"cutoutScience": b"rubbish", "cutoutTemplate": nothing})
    assert len(picture(alert)) > 10_000
    with pytest.raises(ConfigError, match="form of a picture"):
        picture(alert, form="svg")  # type: ignore[arg-type]
    assert picture(alert, quantity="apparent") != picture(alert, quantity="flux")


@pytest.mark.parametrize(
    "name", ["$\\frac{1}{$", "$$", "a\nb\0c", "<b>", "😀 名前", "\\input{x}", "x" * 5_000,
             "%&#_^{}"]
)  # fmt: skip
def test_names_are_only_text(name: str) -> None:
    """What an alert calls itself is neither mathematics nor a reason to fail or warn."""
    made = made_alert(1, ssdistnr=1.0, ssmagnr=18.0, ssnamenr=name)
    made["objectId"] = name
    alert = ztfnb.decode(ztfnb.encode(made))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for form in FORMS:
            picture(alert, form=form)
    assert all(len(line) <= 100 and line.isprintable() for line in facts_of(alert))


def test_facts() -> None:
    """Object, detection and place are written out; what is missing is left out."""
    alert = alert_with(jd=2461055.75, ra=15.0 * (1 + 2 / 60 + 3.456 / 3600), dec=-0.5,
                       fid=2, isdiffpos="f", drb=-999.0)  # fmt: skip
    name, number, second, third = facts_of(alert)
    assert (name, number) == ("ZTF260000001", "candid 1")
    assert second.split("    ") == [
        "2026-01-15 06:00:00 UTC", "r = 18.50 ± 0.10 fainter than reference", "rb = 0.80",
    ]  # fmt: skip
    assert third.startswith("01:02:03.46 \N{MINUS SIGN}00:30:00.0")
    assert facts_of(alert_with(ra=359.9999999, dec=89.99999999))[3].startswith(
        "24:00:00.00 +90:00:00.0"
    )
    assert "JD 9999999.00000" in facts_of(alert_with(jd=9999999.0))[2]


def test_light_curve_is_that_of_the_packet() -> None:
    """Magnitudes grow downward; limits are open triangles, negative detections open; one ring."""
    axes = axes_of(alert_with(history=HISTORY))
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


def test_flux_and_mjd() -> None:
    """Flux grows upward around zero; the axes say what is drawn against what."""
    axes = axes_of(alert_with(history=HISTORY), "flux", "mjd")
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
    alert = alert_with(history=HISTORY)
    assert "5-sigma limit" not in words_of(axes_of(alert, limits=False))
    assert words_of(axes_of(alert, hidden=(2,))) == ["g band"]
    colours = {line.get_color() for line in axes_of(alert, palette="classic").lines}
    assert {CLASSIC[1], CLASSIC[2]} <= colours
    assert not {COLOURS[1], COLOURS[2]} & colours
    everything = axes_of(alert, hidden=(1, 2, 3))
    assert [text.get_text() for text in everything.texts] == ["all of its bands are hidden"]


def test_forced_flux_stands_alone() -> None:
    """Forced photometry is drawn without detections; faint where it is below the SNR."""
    made = made_alert(1)
    made["fp_hists"] = [
        {"jd": NIGHT_JD - days, "fid": 1, "pid": days, "rfid": 1, "programid": 1,
         "forcediffimflux": flux, "forcediffimfluxunc": 10.0, "magzpsci": 23.9}
        for days, flux in ((1, 100.0), (2, 5.0))
    ]  # fmt: skip
    axes = axes_of(made, "forced")
    drawn = {line.get_alpha(): line.get_ydata().tolist() for line in axes.lines[:3]}
    assert drawn[1.0] == pytest.approx([100.0])
    assert drawn[0.3] == pytest.approx([5.0])
    assert words_of(axes) == ["g band", "below the SNR"]
    nothing = axes_of(alert_with(), "forced")
    assert nothing.texts[0].get_text().startswith("no forced photometry")


def test_folded() -> None:
    """Folded on a period, every point is drawn in two cycles, and the axis says the period."""
    axes = axes_of(alert_with(history=HISTORY), period=4.0, limits=False)
    assert axes.get_xlim() == (-0.04, 2.04)
    assert axes.get_xlabel() == "phase (period = 4 d)"
    green = next(line for line in axes.lines if line.get_color() == COLOURS[1])
    assert green.get_xdata() == pytest.approx([0.25, 1.25])
    assert green.get_ydata().tolist() == [18.0, 18.0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"quantity": "colour"}, "quantity: expected difference, apparent, flux, forced"),
        ({"time": "weeks"}, "time: expected days, mjd"),
        ({"palette": "rainbow"}, "palette: expected safe, classic"),
        ({"period": 0.0}, "period: expected days"),
        ({"period": float("nan")}, "period: expected days"),
    ],
)
def test_what_cannot_be_chosen(options: dict[str, Any], said: str) -> None:
    """Settings that are none are refused with those there are."""
    with pytest.raises(ConfigError, match=said):
        picture(alert_with(), **options)


def test_more_alerts_of_the_object() -> None:
    """Epochs of other alerts of the object are joined; those of another object are refused."""
    alert = alert_with()
    older = made_alert(2, jd=NIGHT_JD - 20)
    other = ztfnb.decode(ztfnb.encode(older))
    same = ztfnb.decode(ztfnb.encode(older | {"objectId": alert.object_id}))
    alone = picture(alert)
    assert picture(alert, alerts=[same]) != alone
    assert picture(alert, alerts=iter([alert])) == alone
    assert picture(alert, alerts=[other]) != picture(alert, alerts=[same])


def test_files(tmp_path: Path) -> None:
    """The name of the file says what it becomes; nothing is replaced unless it may be."""
    alert = alert_with()
    for name in ("a.png", "a.PDF"):
        made = picture(alert, tmp_path / name)
        assert (tmp_path / name).read_bytes() == made
    with pytest.raises(SourceError, match="exists"):
        picture(alert, tmp_path / "a.png", quantity="flux")
    assert picture(alert, tmp_path / "a.png", quantity="flux", overwrite=True) != made
    with pytest.raises(SourceError, match="cannot write"):
        picture(alert, tmp_path / "nowhere" / "a.png")
    with pytest.raises(ConfigError, match="expected png or pdf, got 'jpg'"):
        picture(alert, tmp_path / "a.jpg")


@pytest.mark.parametrize("dpi", [0, 19, 10**6, 200.5, True])
def test_resolution_is_bounded(dpi: Any) -> None:
    """A resolution beyond measure is refused."""
    with pytest.raises(ConfigError, match="dpi: expected 20 to 1,200"):
        picture(alert_with(), dpi=dpi)


@needs_real_packets
@pytest.mark.parametrize(
    "pattern", ["v1.8/*.avro", "v3.3/*.avro", "v4.02/*.avro", "night-20181128/*.avro",
                "legacy/*.avro", "lsst/ocf/*.avro"],
)  # fmt: skip
def test_real_alerts(pattern: str) -> None:
    """Alerts of every kind have a picture, without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for file in real_files(pattern)[:4]:
            for alert in list(ztfnb.read(file))[:1]:
                assert len(picture(alert, dpi=60)) > 5_000
