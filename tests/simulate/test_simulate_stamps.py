from __future__ import annotations

import gzip
import struct
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from packets import needs_real_packets, real_files
from simulate.nights import Made

import ztfnb

Pixels = NDArray[np.float64]


def pixels(alert: Any, which: str) -> Pixels:
    """Read a stamp as it lies in the packet."""
    data = gzip.decompress(alert[f"cutout{which}"]["stampData"])
    cards = [data[at : at + 80].decode("ascii") for at in range(0, 2880, 80)]
    sizes = {card[:8].strip(): card[9:].strip() for card in cards}
    shape = int(sizes["NAXIS2"]), int(sizes["NAXIS1"])
    return np.frombuffer(data, ">f4", shape[0] * shape[1], 2880).reshape(shape).astype(float)


def triplet(made: Made) -> tuple[Pixels, Pixels, Pixels]:
    science, template, difference = (
        pixels(made.alert, which) for which in ("Science", "Template", "Difference")
    )
    return science, template, difference


def spread(image: Pixels) -> float:
    """Return a robust standard deviation."""
    return float(1.4826 * np.nanmedian(np.abs(image - np.nanmedian(image))))


def test_difference_is_science_minus_template(sample: list[Made]) -> None:
    """The difference is science - template (template - science for a negative one), and noise."""
    for made in sample[::3]:
        science, template, difference = triplet(made)
        positive = made.candidate["isdiffpos"] == "t"
        name = made.alert["cutoutDifference"]["fileName"]
        assert name.endswith(f"{'scimref' if positive else 'refmsci'}.fits.gz")
        expected = science - template if positive else template - science
        faint = (template < 4e4) & (science < 4e4)
        rest = np.where(faint, difference - expected, np.nan)
        if np.isfinite(rest).sum() < 500:
            continue
        assert abs(np.nanmedian(rest)) < 0.2 * spread(difference)
        assert spread(rest) < 0.4 * spread(difference)


def test_stamp_shows_the_magnitude(sample: list[Made]) -> None:
    """The flux in the difference stamp is that of magpsf and magzpsci, within the noise."""
    y, x = np.mgrid[-31:32, -31:32]
    inside = np.hypot(x, y) <= 7.0
    deviations, ratios = [], []
    for made in sample:
        candidate = made.candidate
        if not made.truth.real or candidate["distnr"] < 12.0:
            continue
        difference = triplet(made)[2]
        if difference.shape != (63, 63) or np.isnan(difference).any():
            continue
        expected = 10.0 ** (-0.4 * (candidate["magpsf"] - candidate["magzpsci"]))
        flux = float(np.sum(difference[inside]))
        noise = spread(difference) * np.sqrt(inside.sum())
        deviations.append((flux - expected) / np.hypot(noise, 0.03 * expected))
        if expected > 15.0 * noise:
            ratios.append(flux / expected)
    assert len(deviations) > 30
    assert abs(np.median(deviations)) < 0.7
    assert 0.5 < spread(np.array(deviations)) < 1.6
    assert np.median(ratios) == pytest.approx(1.0, abs=0.03)


def test_source_is_in_the_middle(sample: list[Made]) -> None:
    """Bright changes peak at the middle pixel of the difference."""
    bright = [
        m
        for m in sample
        if m.truth.real and m.candidate["sigmapsf"] < 0.06 and m.candidate["distnr"] > 5.0
    ]
    assert len(bright) > 5
    for made in bright:
        difference = triplet(made)[2]
        if difference.shape == (63, 63):
            row, column = np.unravel_index(np.nanargmax(difference[26:37, 26:37]), (11, 11))
            assert abs(row - 5) <= 1
            assert abs(column - 5) <= 1


def test_form(sample: list[Made]) -> None:
    """Stamps are gzip of FITS with seven cards and big-endian floats, 11-16 kB."""
    made = next(m for m in sample if triplet(m)[0].shape == (63, 63))
    for which in ("Science", "Template", "Difference"):
        packed = made.alert[f"cutout{which}"]["stampData"]
        assert packed[:4] == b"\x1f\x8b\x08\x00"
        # The time in the gzip header is the exposure's, not now: bytes must not change.
        stamped = struct.unpack("<I", packed[4:8])[0]
        assert 0 < stamped - (made.candidate["jd"] - 2440587.5) * 86400.0 < 60.0
        data = gzip.decompress(packed)
        assert len(data) == 20160
        assert data[80:110] == b"BITPIX  =                  -32"
        assert data[6 * 80 : 7 * 80].strip() == b"END"
        assert 11_000 < len(packed) < 16_500
        same = ztfnb.cutout(made.alert, which.lower())  # type: ignore[arg-type]
        np.testing.assert_array_equal(same, pixels(made.alert, which).astype(np.float32))


def test_clipped_at_the_edge(sample: list[Made]) -> None:
    """A stamp loses the pixels outside the quadrant, and only there other shapes occur."""
    clipped = 0
    for made in sample:
        x, y = round(made.candidate["xpos"]), round(made.candidate["ypos"])
        columns = min(x + 31, 3072) - max(x - 31, 1) + 1
        rows = min(y + 31, 3080) - max(y - 31, 1) + 1
        assert pixels(made.alert, "Science").shape == (rows, columns)
        clipped += (rows, columns) != (63, 63)
    assert 0.005 < clipped / len(sample) < 0.06


def test_pixels_without_data(sample: list[Made]) -> None:
    """Some stamps have NaN, at borders without data or flagged pixels, never at the source."""
    with_gaps = 0
    for made in sample:
        science, template, difference = triplet(made)
        np.testing.assert_array_equal(np.isnan(science), np.isnan(difference))
        assert not np.any(np.isnan(template) & ~np.isnan(science))
        if np.isnan(science).any():
            with_gaps += 1
            assert not np.isnan(science).all()
    assert 0.02 < with_gaps / len(sample) < 0.16


def quadrants(alerts: list[Any]) -> dict[tuple[int, int], int]:
    """Count in which of four places the nearest reference source shows, by (row, column) sign.

    The sign is that of the row's change towards North and of the column's towards East.
    """
    votes: dict[tuple[int, int], int] = {}
    for alert in alerts:
        candidate = alert["candidate"]
        if not (4.0 < candidate["distnr"] < 26.0 and candidate["magnr"] < 20.0):
            continue
        north = (candidate["decnr"] - candidate["dec"]) * 3600.0 / 1.0125
        east = (candidate["ranr"] - candidate["ra"]) * 3600.0 / 1.0125
        east *= np.cos(np.radians(candidate["dec"]))
        template = pixels(alert, "Template")
        if template.shape != (63, 63) or min(abs(north), abs(east)) < 2.0:
            continue
        template = np.nan_to_num(template - np.nanmedian(template))
        found = {}
        for row in (1, -1):
            for column in (1, -1):
                at = round(31 + row * north), round(31 + column * east)
                box = template[max(at[0] - 1, 0) : at[0] + 2, max(at[1] - 1, 0) : at[1] + 2]
                found[row, column] = float(box.max()) if box.size else 0.0
        best, second = sorted(found.values())[:-3:-1]
        if best > 2.0 * second:
            winner = max(found, key=lambda key: found[key])
            votes[winner] = votes.get(winner, 0) + 1
    return votes


def test_first_row_is_north(sample: list[Made]) -> None:
    """The first row lies north and the first column east: sources are where ranr, decnr say."""
    votes = quadrants([made.alert for made in sample])
    assert votes[-1, -1] > 10
    assert votes[-1, -1] > 0.9 * sum(votes.values())


@needs_real_packets
def test_first_row_is_north_in_real_stamps() -> None:
    """Real stamps lie the same way."""
    alerts = [
        alert for path in real_files("night-20181128/*.avro") for alert in ztfnb.read(path)
    ] + [alert for path in real_files("v4.0*/*.avro") for alert in ztfnb.read(path)]
    votes = quadrants(alerts)
    assert votes == {(-1, -1): votes[-1, -1]}
    assert votes[-1, -1] >= 3
