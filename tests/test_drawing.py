"""A picture of an alert shows what the packet holds, everywhere the same."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made import NIGHT_JD, fits, made_alert
from numpy.typing import NDArray
from packets import needs_real_packets, real_files

import ztfnb
from ztfnb.curveview import CurveView
from ztfnb.drawing import FORMS, Picture, facts_of, picture
from ztfnb.errors import ConfigError, SourceError
from ztfnb.look import Look

mpl = pytest.importorskip("matplotlib")
image = pytest.importorskip("PIL.Image")


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
    assert picture(alert, view={"quantity": "apparent"}) != picture(alert, view=CurveView("flux"))


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


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"view": {"quantity": "colour"}}, "quantity: expected difference, apparent, flux, forced"),
        ({"view": {"colour": "red"}}, "no setting 'colour'"),
        ({"view": [1]}, "expected settings by name"),
        ({"look": {"colours": "rainbow"}}, "colours"),
        ({"period": 0.0}, "expected 0.001 to 100,000 days"),
        ({"period": float("nan")}, "expected 0.001 to 100,000 days"),
    ],
)
def test_what_cannot_be_chosen(options: dict[str, Any], said: str) -> None:
    """Settings that are none are refused with those there are."""
    with pytest.raises(ConfigError, match=said):
        picture(alert_with(), **options)


def test_period() -> None:
    """A period folds the light curve, as the view of a browser that folds on it does."""
    alert = alert_with(history=HISTORY)
    folded = picture(alert, period=4.0)
    assert folded != picture(alert)
    assert folded == picture(alert, view={"fold": True, "periods": {alert.object_id: 4.0}})
    assert picture(alert, view={"fold": True}) == picture(alert)


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
        picture(alert, tmp_path / "a.png", view={"quantity": "flux"})
    assert picture(alert, tmp_path / "a.png", look={"invert": True}, overwrite=True) != made
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
