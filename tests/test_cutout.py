"""Stamps."""

from __future__ import annotations

import gzip
import io
import json
import math
import struct
import tracemalloc
import zlib
from collections.abc import Iterator
from typing import Any, cast

import fastavro
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from packets import needs_real_packets, real_files

from ztfnb.codec import decode
from ztfnb.cutout import KINDS, MAX_SIDE, Floats, Kind, Origin, cutout, detection_in, is_jpeg
from ztfnb.errors import ConfigError, DecodeError
from ztfnb.schema import schema_files


def fits_file(pixels: NDArray[Any], *, after: bytes = b"", **cards: object) -> bytes:
    """Return a FITS file of float32 pixels, with some cards replaced or added."""
    rows, columns = pixels.shape
    values = {"SIMPLE": "T", "BITPIX": -32, "NAXIS": 2, "NAXIS1": columns, "NAXIS2": rows, **cards}
    header = "".join(f"{key:8}= {value!s:>20}".ljust(80) for key, value in values.items())
    header = f"{header}{'END':80}"
    data = pixels.astype(">f4").tobytes()
    return (
        header.ljust(math.ceil(len(header) / 2880) * 2880).encode()
        + data.ljust(math.ceil(len(data) / 2880) * 2880, b"\0")
        + after
    )


def packed(pixels: NDArray[Any]) -> bytes:
    """Return a gzipped FITS file, as ZTF sends it."""
    return gzip.compress(fits_file(pixels), mtime=0)


def holding(data: object) -> dict[str, Any]:
    """Return an alert whose science stamp is these bytes."""
    return {"cutoutScience": {"fileName": "stamp", "stampData": data}}


RAMP = np.arange(12, dtype=np.float32).reshape(3, 4)


def test_the_first_row_is_the_top_of_the_picture() -> None:
    """A ZTF stamp comes as it is stored, or reversed for those who draw from the bottom."""
    stored = cutout(holding(packed(RAMP)), "science")
    np.testing.assert_array_equal(stored, RAMP)
    assert stored is not None
    assert stored.dtype == np.float32
    assert stored.dtype.isnative
    below = cutout(holding(packed(RAMP)), "science", origin="lower")
    np.testing.assert_array_equal(below, RAMP[::-1])


@needs_real_packets
def test_north_is_up_and_east_is_left() -> None:
    """Catalogued neighbours of real detections are where the sky has them, and not mirrored."""
    found = 0
    for path in real_files("night-20181128/*.avro"):
        alert = decode(path.read_bytes())
        nearest = alert.candidate
        pixels = cutout(alert, "template")
        if pixels is None or pixels.shape != (63, 63) or not nearest["magnr"] < 20:
            continue
        east = (nearest["ranr"] - alert.ra) * math.cos(math.radians(alert.dec)) * 3600 / 1.0127
        north = (nearest["decnr"] - alert.dec) * 3600 / 1.0127
        if not (3 < abs(east) < 28 and 3 < abs(north) < 28):
            continue

        def brightness(row: float, column: float, pixels: Floats = pixels) -> float:
            area = pixels[round(row) - 2 : round(row) + 3, round(column) - 2 : round(column) + 3]
            return float(area.max() - np.median(pixels))

        there = brightness(31 - north, 31 - east)
        for row, column in ((31 + north, 31 - east), (31 - north, 31 + east)):
            assert there > 1.5 * brightness(row, column)
        found += 1
    assert found >= 1


def test_a_missing_stamp_is_none() -> None:
    """Null, an absent key, and a record without bytes are no stamp."""
    assert cutout({"cutoutScience": None}, "science") is None
    assert cutout({}, "difference") is None
    assert cutout(holding(None), "science") is None


def test_an_unknown_kind_is_refused() -> None:
    """The error lists what there is."""
    with pytest.raises(ConfigError, match="science, template, difference"):
        cutout({}, cast("Kind", "diff"))


def test_rubin_stamps_are_plain_fits_and_may_go_on_with_extensions() -> None:
    """Bytes instead of a record, not gzipped, with extensions behind: the first image is read."""
    extension = b"XTENSION= 'IMAGE   '".ljust(2880)
    alert = {"cutoutTemplate": fits_file(RAMP, after=extension)}
    np.testing.assert_array_equal(cutout(alert, "template"), RAMP[::-1])
    np.testing.assert_array_equal(cutout(alert, "template", origin="lower"), RAMP)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "expected a FITS, gzip or JPEG file"),
        (b"<html>", "expected a FITS, gzip or JPEG file"),
        ("text", "expected bytes, got str"),
        (packed(RAMP)[:-9], "cut short"),
        (packed(RAMP)[:40], "cut short"),
        (packed(RAMP)[:-8] + b"\0" * 8, "damaged gzip"),
        (packed(RAMP) + b"more", "4 bytes after the end"),
        (packed(RAMP) + packed(RAMP), "bytes after the end"),
        (fits_file(RAMP)[:-1], "3 x 4|4 x 3"),
        (fits_file(RAMP) + b"\0" * 2880, "4 x 3 pixels"),
        (fits_file(RAMP, NAXIS1=400_000_000_000), "NAXIS1"),
        (fits_file(RAMP, NAXIS2=MAX_SIDE + 1), "NAXIS2"),
        (fits_file(RAMP, NAXIS2=0), "NAXIS2"),
        (fits_file(RAMP, NAXIS2=-3), "NAXIS2"),
        (fits_file(RAMP, NAXIS2="1" * 60), "NAXIS2"),
        (fits_file(RAMP, NAXIS1=3), None),
        (fits_file(RAMP, BITPIX=16), "BITPIX 16"),
        (fits_file(RAMP, BITPIX=-64), "BITPIX -64"),
        (fits_file(RAMP, NAXIS=3), "NAXIS 3"),
        (fits_file(RAMP, SIMPLE="F"), "expected a FITS"),
        (fits_file(RAMP, BZERO=32768), "scaled"),
        (b"SIMPLE  =  T".ljust(2880), "without an end"),
        (b"SIMPLE  =  T".ljust(2880 * 100), "without an end"),
        (fits_file(RAMP, after=b"XTENSION".ljust(600_000)), "605,760 bytes; a stamp has at most"),
        (b"\xff\xd8\xff\xe0nothing", "damaged JPEG"),
    ],
)  # fmt: skip
def test_what_is_not_a_stamp_is_refused(data: object, message: str | None) -> None:
    """Damaged files of every kind are a DecodeError that names the stamp and the fault."""
    if message is None:
        # A smaller image within the same blocks cannot be told from a stamp of that size.
        assert cutout(holding(data), "science") is not None
        return
    with pytest.raises(DecodeError, match=message) as caught:
        cutout(holding(data), "science")
    assert caught.value.where == "cutoutScience"


@pytest.mark.parametrize("sides", [(1, 1), (MAX_SIDE, MAX_SIDE), (53, 63), (63, 47)])
def test_stamps_of_all_accepted_sizes_keep_their_pixels(sides: tuple[int, int]) -> None:
    """From one pixel to 256 x 256, square or not, NaN and infinity included."""
    pixels = np.random.default_rng(3).normal(size=sides).astype(np.float32)
    pixels[0, 0] = np.nan
    pixels[-1, -1] = np.inf
    read = cutout(holding(packed(pixels)), "science")
    np.testing.assert_array_equal(read, pixels)


def bombs() -> dict[str, bytes]:
    """Return small files that would take much memory or time to open."""
    zeros = gzip.compress(b"\0" * 300_000_000, mtime=0)
    header = fits_file(RAMP, NAXIS1=1_000_000, NAXIS2=1_000_000)
    return {
        "gzip": zeros,
        "gzip that begins as a stamp": gzip.compress(header + b"\0" * 100_000_000, mtime=0),
        "gzip in gzip": gzip.compress(zeros, mtime=0),
        "huge header": gzip.compress(
            fits_file(RAMP)[:80] + b"COMMENT ".ljust(80) * 2_000_000, mtime=0
        ),
        "jpeg of huge size": _jpeg((64, 64)).replace(
            struct.pack(">HH", 64, 64), struct.pack(">HH", 65_000, 65_000)
        ),
        "jpeg of many scans": _jpeg((64, 64))[:-2] + b"\xff\xda\0\0" * 10_000,
    }


def _jpeg(size: tuple[int, int]) -> bytes:
    image = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    image.linear_gradient("L").resize(size).save(file, "JPEG", quality=95)
    return file.getvalue()


def test_s25_bombs_are_refused_without_being_opened() -> None:
    """Every bomb is a DecodeError, and takes at most 2 MiB."""
    _jpeg((8, 8))  # Pillow is imported before memory is counted.
    for name, data in bombs().items():
        alert = holding(data)
        tracemalloc.start()
        try:
            with pytest.raises(DecodeError):
                cutout(alert, "science")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak <= 2 * 1024 * 1024, name


def test_jpeg_stamps_are_grey_levels_in_the_order_of_the_file() -> None:
    """A gradient from black at the top to white stays one, within what JPEG loses."""
    read = cutout(holding(_jpeg((51, 51))), "science")
    assert read is not None
    assert read.shape == (51, 51)
    assert read.dtype == np.float32
    assert read[0].mean() < 10
    assert read[-1].mean() > 245


def test_a_jpeg_that_is_too_large_is_refused() -> None:
    """257 pixels along a side are too many, before any is decoded."""
    with pytest.raises(DecodeError, match="257 x 10"):
        cutout(holding(_jpeg((MAX_SIDE + 1, 10))), "science")


@given(
    st.lists(st.tuples(st.integers(0, 25_000), st.integers(0, 255)), min_size=1, max_size=8),
    st.booleans(),
    st.integers(0, 25_000),
)
@settings(max_examples=300)
def test_s25_a_mutated_stamp_is_read_or_refused(
    changes: list[tuple[int, int]], zipped: bool, cut: int
) -> None:
    """Changed bytes, inside gzip or around it, give pixels or DecodeError and nothing else."""
    pixels = np.random.default_rng(4).normal(size=(63, 63))
    data = bytearray(fits_file(pixels))
    data = bytearray(gzip.compress(data, mtime=0)) if zipped else data
    for place, value in changes:
        # Headers are short and matter most: half of the changes go there.
        data[place % (400 if place % 2 else len(data))] = value
    if cut < len(data):
        del data[len(data) - cut // 20 :]
    for content in (bytes(data), gzip.compress(bytes(data), mtime=0)):
        try:
            read = cutout(holding(content), "science")
        except DecodeError:
            continue
        assert read is not None
        assert read.dtype == np.float32
        assert max(read.shape) <= MAX_SIDE


def test_s25_a_mutated_jpeg_is_read_or_refused() -> None:
    """Every byte of a small JPEG changed in turn gives pixels or DecodeError."""
    good = _jpeg((16, 16))
    for place in range(2, len(good)):
        for value in (0x00, 0xFF, good[place] ^ 0x55):
            data = good[:place] + bytes([value]) + good[place + 1 :]
            try:
                read = cutout(holding(data), "science")
            except DecodeError:
                continue
            assert read is not None
            assert read.ndim == 2


@pytest.mark.parametrize(
    ("shape", "position", "at"),
    [
        ((63, 63), (9.0, 9.0), (31, 31)),
        ((63, 44), (3059.9, 2000.0), (31, 31)),
        ((63, 40), (9.0, 2000.0), (8, 31)),
        ((50, 63), (2000.0, 3070.0), (31, 31)),
        ((40, 63), (2000.0, 9.0), (31, 8)),
        ((20, 20), (3070.0, 9.0), (19, 0)),
        ((101, 65), (9.0, 9.0), (32, 50)),
        ((50, 63), (2000.0, None), (31, 31)),
    ],
)
def test_the_detection_is_where_missing_pixels_leave_it(
    shape: tuple[int, int], position: tuple[float, float | None], at: tuple[int, int]
) -> None:
    """In the middle of 63 pixels, of which the first or the last are cut off at an edge."""
    pixels = np.ones(shape, np.float32)
    alert = {**holding(packed(pixels)), "candidate": {"xpos": position[0], "ypos": position[1]}}
    assert detection_in(alert, "science", pixels) == at


def test_where_nothing_tells_of_the_detection_there_is_no_place() -> None:
    """JPEG stamps and those of other surveys."""
    pixels = np.ones((63, 63), np.float32)
    assert detection_in(holding(packed(pixels)), "science", pixels) is None
    jpeg = {**holding(_jpeg((63, 63))), "candidate": {"xpos": 1000.0, "ypos": 1000.0}}
    assert is_jpeg(jpeg, "science")
    assert detection_in(jpeg, "science", pixels) is None


def real_alerts(folders: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Yield the packets of some folders."""
    for folder in folders:
        for path in real_files(f"{folder}/*.avro"):
            with path.open("rb") as file:
                yield from cast("Iterator[dict[str, Any]]", fastavro.reader(file))


@needs_real_packets
def test_every_real_stamp_is_read() -> None:
    """All stamps of real packets: their shapes, NaN and JPEG included; none is refused."""
    shapes: dict[str, int] = {}
    folders = ("legacy", "v1.8", "night-20181128", "v3.3", "v4.01", "v4.02", "multi-record")
    for alert in real_alerts(folders):
        for kind in KINDS:
            pixels = cutout(alert, kind)
            if pixels is None:
                what = "none"
            else:
                what = "whole" if pixels.shape == (63, 63) else "other"
                if np.isnan(pixels).any():
                    shapes["with NaN"] = shapes.get("with NaN", 0) + 1
                at = detection_in(alert, kind, pixels)
                assert (at is None) == is_jpeg(alert, kind)
                assert at is None or (at[0] < pixels.shape[1] and at[1] < pixels.shape[0])
                assert np.isfinite(pixels).any()
            shapes[what] = shapes.get(what, 0) + 1
    assert shapes["whole"] > 1600
    assert shapes["other"] == 27
    assert shapes["with NaN"] > 100
    assert shapes["none"] == 3


@needs_real_packets
def test_real_stamps_equal_what_astropy_reads() -> None:
    """Pixels of ZTF's and Rubin's stamps are those that astropy gives."""
    fits = pytest.importorskip("astropy.io.fits")
    compared = 0
    for alert in real_alerts(("v4.02", "lsst/fink-ocf")):
        for kind in KINDS:
            held = alert[f"cutout{kind.capitalize()}"]
            data = held["stampData"] if isinstance(held, dict) else held
            content = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
            with fits.open(io.BytesIO(content), ignore_missing_simple=True) as file:
                expected = file[0].data.astype(np.float32)
            # Rubin's rows begin at the bottom, which is how astropy gives them.
            origin: Origin = "upper" if isinstance(held, dict) else "lower"
            np.testing.assert_array_equal(cutout(alert, kind, origin=origin), expected)
            compared += 1
    assert compared == 30


@needs_real_packets
def test_rubin_packets_in_wire_format_have_stamps() -> None:
    """The stamps of real Rubin packets are square images of 30 or 35 pixels."""
    sides = []
    for path in real_files("lsst/confluent-wire/*.avro"):
        data = path.read_bytes()
        (number,) = struct.unpack(">I", data[1:5])
        held = schema_files() / "lsst" / f"{number // 100}.{number % 100}.avsc"
        if held.exists():
            schema = json.loads(held.read_text("utf-8"))
            alert = fastavro.schemaless_reader(io.BytesIO(data[5:]), schema, None)
            stamps = [cutout(cast("dict[str, Any]", alert), kind) for kind in KINDS]
            sides += [stamp.shape for stamp in stamps if stamp is not None]
    assert len(sides) == 12
    assert set(sides) == {(30, 30), (35, 35)}


@needs_real_packets
@pytest.mark.parametrize("level", [0, 9])
def test_s25_mutated_real_stamps_are_read_or_refused(level: int) -> None:
    """A real stamp with bytes changed after unpacking is read or refused, never a crash."""
    path = real_files("v4.02/*.avro")[0]
    with path.open("rb") as file:
        alert = cast("dict[str, Any]", next(fastavro.reader(file)))
    content = gzip.decompress(alert["cutoutScience"]["stampData"])
    rng = np.random.default_rng(level)
    outcomes = {"read": 0, "refused": 0}
    for _ in range(500):
        changed = bytearray(content)
        for place in rng.integers(0, 2000, rng.integers(1, 5)):
            changed[place] = rng.integers(0, 256)
        packer = zlib.compressobj(level, wbits=31)
        try:
            pixels = cutout(holding(packer.compress(changed) + packer.flush()), "science")
        except DecodeError:
            outcomes["refused"] += 1
        else:
            assert pixels is not None
            outcomes["read"] += 1
    assert min(outcomes.values()) > 50
