"""Stamps reach the page as pixels with their place, or as a reason; and files of them."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from made import fits, made_alert
from packets import needs_real_packets, real_files
from PIL import Image

import ztfnb
from ztfnb.cutout import KINDS, cutout
from ztfnb.errors import ConfigError
from ztfnb.look import Look
from ztfnb.widgets import Stamps
from ztfnb.widgets._stamp import marks_of, palettes, stamp_of
from ztfnb.widgets._stampfiles import file_name, fits_of


def alert_with(stamp: bytes | None, *, object_id: str = "", **candidate: Any) -> ztfnb.Alert:
    made = made_alert(1, **candidate)
    made["objectId"] = object_id or made["objectId"]
    if stamp is not None:
        made["cutoutScience"] = {"fileName": "science.fits.gz", "stampData": stamp}
    return ztfnb.decode(ztfnb.encode(made))


def test_pixels_from_the_top() -> None:
    """The first row of the file is the top of the picture; the detection is in the middle."""
    pixels = np.arange(63 * 63, dtype=np.float32).reshape(63, 63)
    stamp, given = stamp_of(alert_with(fits(pixels)), "science")
    shown = np.frombuffer(stamp["pixels"], "<f4").reshape(stamp["rows"], stamp["columns"])
    np.testing.assert_array_equal(shown, pixels)
    np.testing.assert_array_equal(given, pixels)
    assert stamp["at"] == (31, 31)
    assert stamp["centre"] == (31.5, 31.5)
    assert stamp["side"] == 63
    assert stamp["compass"]


def test_a_clipped_stamp_keeps_the_detection_in_the_middle() -> None:
    """A stamp of 40 x 63 pixels fills a part of the same view, around the detection."""
    stamp, _ = stamp_of(alert_with(fits(np.ones((63, 40))), xpos=9.0, ypos=2000.0), "science")
    assert stamp["centre"] == (8.5, 31.5)
    assert stamp["side"] == 63


@needs_real_packets
def test_clipped_real_stamps() -> None:
    """In real clipped stamps a bright detection is the brightest pixel near the place given."""
    checked = 0
    for file in real_files("night-20181128/*.avro"):
        alert = ztfnb.decode(file.read_bytes())
        stamp, pixels = stamp_of(alert, "difference")
        if pixels is None or pixels.shape == (63, 63) or alert.mag > 19:
            continue
        row, column = np.unravel_index(np.nanargmax(np.abs(pixels)), pixels.shape)
        assert abs(int(column) - stamp["at"][0]) <= 2
        assert abs(int(row) - stamp["at"][1]) <= 2
        checked += 1
    assert checked >= 2


@needs_real_packets
def test_every_real_alert_is_shown() -> None:
    """Packets of every version and survey give stamps or reasons, and a FITS file."""
    astropy_fits = pytest.importorskip("astropy.io.fits")
    stamps = Stamps()
    kinds = set()
    for folder in ("legacy", "v1.8", "v3.3", "v4.01", "v4.02", "lsst/fink-ocf"):
        for path in real_files(f"{folder}/*.avro")[:3]:
            for alert in ztfnb.read(path):
                stamps.alert = alert
                for stamp in stamps._shown["stamps"]:
                    assert bool(stamp["reason"]) == ("pixels" not in stamp)
                    kinds.add((stamp.get("compass"), stamp.get("at") is None))
                with astropy_fits.open(io.BytesIO(fits_of(alert))) as file:
                    file.verify("exception")
                    assert 1 <= len(file) <= 4
                break
    assert {(True, False), (False, True)} <= kinds


def test_missing_and_damaged_stamps_say_why() -> None:
    """A place without a picture holds the reason."""
    assert stamp_of(alert_with(None), "science")[0]["reason"] == "not in the packet"
    assert "damaged" in stamp_of(alert_with(b"rubbish"), "science")[0]["reason"]
    nothing = fits(np.full((63, 63), np.nan))
    assert stamp_of(alert_with(nothing), "science")[0]["reason"] == "no pixel has a value"


def test_jpeg_stamps_claim_no_directions() -> None:
    """A JPEG stamp is shown as it is: it does not say where north is."""
    file = io.BytesIO()
    Image.fromarray(np.full((63, 63), 128, np.uint8)).save(file, "JPEG")
    alert = alert_with(file.getvalue())
    stamp, _ = stamp_of(alert, "science")
    assert (stamp["rows"], stamp["compass"], stamp["at"]) == (63, False, None)
    assert stamp["centre"] == (31.5, 31.5)
    astropy_fits = pytest.importorskip("astropy.io.fits")
    with astropy_fits.open(io.BytesIO(fits_of(alert))) as made:
        assert "CRVAL1" not in made["SCIENCE"].header
        assert "JPEG" in str(made["SCIENCE"].header["COMMENT"])


def test_shows_and_clears() -> None:
    """Setting an alert shows it; a sentence can stand in its place."""
    alert = alert_with(fits(np.ones((63, 63))))
    stamps = Stamps(alert)
    assert stamps.alert is alert
    assert stamps._shown["candid"] == "1"
    assert stamps._shown["position"] == (alert.ra, alert.dec)
    stamps.say("later")
    assert stamps._alert is None
    assert stamps._shown["note"] == "later"


def test_colour_maps_are_those_of_matplotlib() -> None:
    """Each of 256 colours is the one that matplotlib has by that name, within rounding."""
    matplotlib = pytest.importorskip("matplotlib")
    for name, palette in palettes().items():
        ours = np.frombuffer(palette, np.uint8).reshape(256, 3).astype(int)
        theirs = matplotlib.colormaps[name](np.arange(256), bytes=True)[:, :3].astype(int)
        assert abs(ours - theirs).max() <= 1, name


# -- Neighbours ----------------------------------------------------------------------------------


def test_neighbours_within_the_stamps_are_drawn() -> None:
    """A ring for a distance, a place where it is known, nothing beyond the corners."""
    alert = alert_with(
        None, ra=150.0, dec=60.0, distnr=2.0, ranr=150.0 + 4 / 3600, decnr=60.0 - 1 / 3600,
        distpsnr1=10.0, sgscore1=0.9, neargaia=60.0, maggaia=15.0,
    )  # fmt: skip
    reference, ring = marks_of(alert)
    assert (ring["catalogue"], ring["distance"], ring["east"]) == ("PS1", 10.0, None)
    assert "star" in ring["words"]
    assert reference["east"] == pytest.approx(2.0)
    assert reference["north"] == pytest.approx(-1.0)


def test_only_the_nearest_of_ps1_is_said_to_be_a_star_or_a_galaxy() -> None:
    """The others, and one of which neither is sure, are labelled by the catalogue alone."""
    several: dict[str, Any] = {"distpsnr1": 1.0, "sgscore1": 0.1, "distpsnr2": 3.0, "sgscore2": 0.9}
    for score, label in ((0.1, "PS1 galaxy"), (0.9, "PS1 star"), (0.5, "PS1")):
        alert = alert_with(None, **several | {"sgscore1": score})
        labels = [mark["label"] for mark in marks_of(alert) if mark["catalogue"] == "PS1"]
        assert labels == [label, "PS1"]


def test_neighbours_across_the_beginning_of_right_ascension() -> None:
    """A source at RA 359.9999 is west of a detection at 0.0001, and not 360 degrees away."""
    alert = alert_with(None, ra=0.0001, dec=0.0, distnr=0.7, ranr=359.9999, decnr=0.0)
    assert marks_of(alert)[0]["east"] == pytest.approx(-0.72)


# -- Choices -------------------------------------------------------------------------------------


def test_settings_are_those_of_the_look() -> None:
    """What is chosen is sent back to every page; what cannot be chosen changes nothing."""
    stamps = Stamps()
    stamps.settings = {"stretch": "log", "typed": {"difference": [-5, 5]}}
    assert stamps.look == Look(stretch="log", typed={"difference": (-5.0, 5.0)})
    assert stamps.settings == stamps.look.settings()
    assert stamps._look == stamps.settings | {"turn": ""}
    before = stamps.settings
    with pytest.raises(ConfigError, match="viridis"):
        stamps.settings = {"stretch": "asinh", "colours": "jet"}
    assert stamps.settings == before
    assert stamps._look == before | {"turn": ""}


def test_a_choice_of_the_page(sent: Callable[[Any], list[dict[str, Any]]]) -> None:
    """It is taken over if it can be; if not, the page is told. Both are answers to that choice."""
    stamps = Stamps()
    messages = sent(stamps)
    stamps.receive({"kind": "setting", "look": {"invert": True}, "turn": "view-1"})
    assert stamps.settings["invert"]
    assert stamps._look == stamps.settings | {"turn": "view-1"}
    assert messages == []
    stamps.receive({"kind": "setting", "look": {"limits": 3}, "turn": "view-2"})
    assert messages[0]["kind"] == "trouble"
    assert stamps.settings["limits"] == 99
    assert stamps._look == stamps.settings | {"turn": "view-2"}


def test_zscale_limits_come_from_the_kernel() -> None:
    """They are made when they are chosen, and with every alert after that."""
    alert = alert_with(fits(np.arange(3969).reshape(63, 63)))
    stamps = Stamps(alert)
    assert "zscale" not in stamps._shown["stamps"][0]
    stamps.settings = {"limits": "zscale"}
    low, high = stamps._shown["stamps"][0]["zscale"]
    assert 0 <= low < high <= 3968
    assert stamps._shown["stamps"][1]["zscale"] is None
    stamps.alert = None
    stamps.alert = alert
    assert stamps._shown["stamps"][0]["zscale"] == (low, high)


# -- Epochs --------------------------------------------------------------------------------------


def test_epochs_are_stepped_through_in_order_of_time() -> None:
    """They are listed by time, with date and band; a step calls back with the candid."""
    stamps = Stamps()
    asked: list[int] = []
    stamps.on_epoch = asked.append
    stamps.epochs = [(2, 2461056.25, "r"), (1, 2461055.75)]
    assert stamps.epochs == ((1, 2461055.75), (2, 2461056.25, "r"))
    assert stamps._epochs == [
        {"candid": "1", "text": "2026-01-15 06:00"},
        {"candid": "2", "text": "2026-01-15 18:00 r"},
    ]
    stamps.receive({"kind": "epoch", "candid": "2"})
    assert asked == [2]


# -- Files ---------------------------------------------------------------------------------------


def test_a_file_name_is_safe_anywhere() -> None:
    """Nothing of an object's name leads out of a folder or into a shell."""
    alert = alert_with(None, object_id="../a b;rm -rf '/'\n" + "x" * 99)
    name = file_name(alert, "fits")
    assert name.startswith("___a_b_rm_-rf")
    assert name.endswith("_1_stamps.fits")
    assert len(name) < 80
    assert file_name(alert_with(None), "png") == "ZTF260000001_1_stamps.png"


def test_the_fits_file_says_what_it_holds() -> None:
    """An image for each stamp, turned as FITS counts, with a WCS that is centred on the alert."""
    astropy_fits = pytest.importorskip("astropy.io.fits")
    wcs = pytest.importorskip("astropy.wcs")
    pixels = np.arange(63 * 50, dtype=np.float32).reshape(63, 50)
    pixels[3, 4] = np.nan
    alert = alert_with(fits(pixels), object_id="ZTF26\u00e4\nb", xpos=9.0, ra=150.1, dec=20.2)
    with astropy_fits.open(io.BytesIO(fits_of(alert)), checksum=True) as file:
        assert [unit.name for unit in file] == ["PRIMARY", "SCIENCE"]
        assert "no template stamp: not in the packet" in str(file[0].header["COMMENT"])
        image = file["SCIENCE"]
        np.testing.assert_array_equal(image.data, pixels[::-1])
        header = image.header
        assert header["OBJECTID"] == "ZTF26??b"
        assert (header["CANDID"], header["KIND"], header["FID"]) == (1, "science", alert.fid)
        assert header["JD"] == alert.jd
        assert "approximate" in str(header["COMMENT"])
        sky = wcs.WCS(header)
        column, row = 50 - 1 - 31, 31
        # In FITS rows are counted from the bottom.
        assert sky.all_pix2world(column, 62 - row, 0) == [
            pytest.approx(150.1, abs=1e-9),
            pytest.approx(20.2, abs=1e-9),
        ]
        north = sky.all_pix2world(column, 62 - row + 10, 0)
        assert (north[1] - 20.2) * 3600 == pytest.approx(10.12, abs=1e-3)
        east = sky.all_pix2world(column - 10, 62 - row, 0)
        offset = (east[0] - 150.1) * np.cos(np.radians(20.2)) * 3600
        assert offset == pytest.approx(10.12, abs=1e-3)


@needs_real_packets
def test_neighbours_are_where_the_wcs_of_the_file_has_them() -> None:
    """At the reference source's position the template of a real alert is bright."""
    astropy_fits = pytest.importorskip("astropy.io.fits")
    wcs = pytest.importorskip("astropy.wcs")
    checked = 0
    for path in real_files("night-20181128/*.avro"):
        alert = ztfnb.decode(path.read_bytes())
        core = alert.candidate
        pixels = cutout(alert, "template")
        if pixels is None or not (core["magnr"] < 20 and 4 < core["distnr"] < 29):
            continue
        with astropy_fits.open(io.BytesIO(fits_of(alert))) as file:
            image = file["TEMPLATE"]
            x, y = wcs.WCS(image.header).all_world2pix(core["ranr"], core["decnr"], 0)
            column, row = round(float(x)), round(float(y))
            area = image.data[max(0, row - 2) : row + 3, max(0, column - 2) : column + 3]
            spread = np.nanstd(image.data)
            assert np.nanmax(area) > np.nanmedian(image.data) + spread
        checked += 1
    assert checked >= 1


def test_the_file_is_made_away_from_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread makes it, since its library is slow to import; what goes wrong is told."""
    pytest.importorskip("astropy.io.fits")
    stamps = Stamps(alert_with(fits(np.ones((63, 63)))))
    came = threading.Event()
    messages: list[tuple[dict[str, Any], Any]] = []

    def send(message: dict[str, Any], buffers: Any = None) -> None:
        messages.append((message, buffers))
        came.set()

    monkeypatch.setattr(stamps, "send", send)
    stamps.receive({"kind": "fits"})
    assert came.wait(60)
    message, buffers = messages.pop()
    assert message["kind"] == "download"
    assert message["name"] == "ZTF260000001_1_stamps.fits"
    assert buffers[0].startswith(b"SIMPLE  =")

    def fail(_alert: ztfnb.Alert) -> bytes:
        raise OSError("disk full")

    monkeypatch.setattr("ztfnb.widgets.stamps.fits_of", fail)
    came.clear()
    stamps.receive({"kind": "fits"})
    assert came.wait(60)
    assert messages[0][0] == {"kind": "trouble", "text": "No FITS file: disk full"}


def test_without_an_alert_there_is_no_file(sent: Callable[[Any], list[dict[str, Any]]]) -> None:
    """Asking for one does nothing."""
    stamps = Stamps()
    messages = sent(stamps)
    stamps.receive({"kind": "fits"})
    assert messages == []
    assert {stamp["kind"] for stamp in Stamps(alert_with(None))._shown["stamps"]} == set(KINDS)
