"""Stamps reach the page as pixels with their place, or as a reason."""

from __future__ import annotations

import gzip
import io
from typing import Any

import numpy as np
import pytest
from made import made_alert
from numpy.typing import NDArray
from packets import needs_real_packets, real_files
from PIL import Image

import ztfnb
from ztfnb.widgets import Stamps
from ztfnb.widgets.stamps import stamp_of


def fits(pixels: NDArray[Any]) -> bytes:
    cards = [
        "SIMPLE  =                    T", "BITPIX  =                  -32",
        "NAXIS   =                    2", f"NAXIS1  = {pixels.shape[1]:>20}",
        f"NAXIS2  = {pixels.shape[0]:>20}", "END",
    ]  # fmt: skip
    header = "".join(card.ljust(80) for card in cards).ljust(2880).encode()
    data = pixels.astype(">f4").tobytes()
    return gzip.compress(header + data.ljust(-(-len(data) // 2880) * 2880, b"\0"))


def alert_with(stamp: bytes | None, **candidate: Any) -> ztfnb.Alert:
    made = made_alert(1, **candidate)
    if stamp is not None:
        made["cutoutScience"] = {"fileName": "science.fits.gz", "stampData": stamp}
    return ztfnb.decode(ztfnb.encode(made))


def test_pixels_from_the_top() -> None:
    """The first row of the file is the top of the picture; the detection is in the middle."""
    pixels = np.arange(63 * 63, dtype=np.float32).reshape(63, 63)
    stamp = stamp_of(alert_with(fits(pixels)), "science")
    shown = np.frombuffer(stamp["pixels"], "<f4").reshape(stamp["rows"], stamp["columns"])
    assert np.array_equal(shown, pixels)
    assert stamp["at"] == (31, 31)
    assert stamp["compass"]
    assert stamp["stretch"] == "asinh"


@pytest.mark.parametrize(
    ("shape", "position", "at"),
    [
        ((63, 44), (3059.9, 2000.0), (31, 31)),
        ((63, 40), (9.0, 2000.0), (8, 31)),
        ((50, 63), (2000.0, 3070.0), (31, 31)),
        ((40, 63), (2000.0, 9.0), (31, 8)),
    ],
)
def test_clipped_stamps(
    shape: tuple[int, int], position: tuple[float, float], at: tuple[int, int]
) -> None:
    """At a detector's edge the detection is where the missing pixels leave it."""
    alert = alert_with(fits(np.ones(shape)), xpos=position[0], ypos=position[1])
    assert stamp_of(alert, "science")["at"] == at


@needs_real_packets
def test_clipped_real_stamps() -> None:
    """In real clipped stamps a bright detection is the brightest pixel near the place given."""
    checked = 0
    for file in real_files("night-20181128/*.avro"):
        alert = ztfnb.decode(file.read_bytes())
        stamp = stamp_of(alert, "difference")
        if stamp["rows"] == stamp["columns"] == 63 or alert.mag > 19:
            continue
        pixels = np.frombuffer(stamp["pixels"], "<f4").reshape(stamp["rows"], stamp["columns"])
        row, column = np.unravel_index(np.nanargmax(np.abs(pixels)), pixels.shape)
        assert abs(int(column) - stamp["at"][0]) <= 2
        assert abs(int(row) - stamp["at"][1]) <= 2
        checked += 1
    assert checked >= 2


def test_missing_and_damaged_stamps_say_why() -> None:
    """A place without a picture holds the reason."""
    assert stamp_of(alert_with(None), "science")["reason"] == "not in the packet"
    assert "damaged" in stamp_of(alert_with(b"rubbish"), "science")["reason"]
    nothing = fits(np.full((63, 63), np.nan))
    assert stamp_of(alert_with(nothing), "science")["reason"] == "no pixel has a value"


def test_jpeg_stamps_claim_no_directions() -> None:
    """A JPEG stamp is shown as it is: it does not say where north is."""
    file = io.BytesIO()
    Image.fromarray(np.full((63, 63), 128, np.uint8)).save(file, "JPEG")
    stamp = stamp_of(alert_with(file.getvalue()), "science")
    assert (stamp["rows"], stamp["compass"], stamp["at"]) == (63, False, None)


def test_shows_and_clears() -> None:
    """Setting an alert shows it; a sentence can stand in its place."""
    alert = alert_with(fits(np.ones((63, 63))))
    stamps = Stamps(alert)
    assert stamps.alert is alert
    assert stamps._shown["candid"] == "1"
    stamps.say("later")
    assert stamps._alert is None
    assert stamps._shown["note"] == "later"


def test_colour_maps_are_whole() -> None:
    """Each colour map has 256 colours."""
    assert {len(palette) for palette in Stamps()._palettes.values()} == {768}
