"""Stamps: from the bytes in a packet to pixels.

The bytes are as untrusted as the packet. A stamp is small, so the limits here are narrow, and
they hold before memory is taken or a library is called.
"""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ztfnb.errors import ConfigError, DecodeError

Floats = NDArray[np.float32]
Kind = Literal["science", "template", "difference"]
Origin = Literal["upper", "lower"]

KINDS: tuple[Kind, ...] = ("science", "template", "difference")
SIDE = 63
"""Pixels along a side of ZTF's stamps, of which the middle one has the detection."""
MAX_SIDE = 256
"""Most pixels along one side."""
MAX_BYTES = 512 * 1024
"""Most bytes of a stamp file, packed or not; unpacking takes three times as much memory."""

_KEYS = {kind: f"cutout{kind.capitalize()}" for kind in KINDS}
_BLOCK = 2880
_CARD = 80
# ZTF's headers have 10 cards, Rubin's 23.
_MAX_HEADER_BLOCKS = 8
_MAX_JPEG_BYTES = 64 * 1024
# A progressive JPEG has about ten scans; thousands would keep the decoder busy for seconds.
_MAX_JPEG_SCANS = 16
_JPEG = b"\xff\xd8"
_HALF = SIDE // 2


def cutout(alert: Mapping[str, Any], kind: Kind, *, origin: Origin = "upper") -> Floats | None:
    """Return one stamp of an alert as pixels, or None where the packet has none.

    Parameters
    ----------
    alert
        A ZTF or Rubin alert: `Alert`, or any mapping of the packet's form.
    kind
        ``"science"``, ``"template"`` or ``"difference"``.
    origin
        Where the first row belongs, as matplotlib's ``imshow`` calls it: ``"upper"``, at the top
        of the picture, or ``"lower"``, at its bottom. Drawn so, ZTF's stamps have north up and
        east to the left: their files begin with the northernmost row, as positions of catalogued
        neighbours show. Rubin's files begin at the bottom and are turned at any angle to the sky,
        which is left as it is. The JPEG stamps of the earliest packets do not say how they lie.

    Returns
    -------
    pixels
        Shape (rows, columns), float32, in the units of the file: DN for ZTF, nJy for Rubin, grey
        levels 0 to 255 for JPEG. Mostly 63 x 63 for ZTF, less at a detector's edge. Pixels
        without a value are NaN.

    Raises
    ------
    DecodeError
        If the bytes are not a stamp: damaged, of another format, more than 256 pixels along a
        side, or more than 512 KiB, packed or not.
    ImportError
        If the stamp is a JPEG and Pillow, of the extra ``lab``, is not installed.
    """
    if kind not in _KEYS:
        raise ConfigError(f"kind of stamp: expected {', '.join(_KEYS)}, got {kind!r}")
    held = alert.get(_KEYS[kind])
    data = held.get("stampData") if isinstance(held, Mapping) else held
    if data is None:
        return None
    try:
        # ZTF's stamps, in a record, begin with the top row; Rubin's, bare, with the bottom one.
        pixels, begins = _read(data), "upper" if data is not held else "lower"
    except DecodeError as error:
        raise error.inside(_KEYS[kind]) from None
    return pixels if begins == origin else np.ascontiguousarray(pixels[::-1])


def detection_in(
    alert: Mapping[str, Any], kind: Kind, pixels: NDArray[Any]
) -> tuple[int, int] | None:
    """Return column and row of the pixel with the detection, or None where it is not known.

    ZTF cuts 63 x 63 pixels around a detection. What of them lies beyond the detector's edge is
    missing: the first ones, where the detection is near the detector's first pixel, else the last.

    Parameters
    ----------
    alert
        The alert.
    kind
        Which stamp.
    pixels
        That stamp, with the first row at the top.
    """
    core = alert.get("candidate")
    if not isinstance(core, Mapping) or is_jpeg(alert, kind):
        return None
    rows, columns = pixels.shape
    return _middle(columns, core.get("xpos")), _middle(rows, core.get("ypos"))


def is_jpeg(alert: Mapping[str, Any], kind: Kind) -> bool:
    """Return whether a stamp is a JPEG, which holds grey levels and does not say how it lies."""
    held = alert.get(_KEYS[kind])
    data = held.get("stampData") if isinstance(held, Mapping) else held
    return isinstance(data, bytes) and data.startswith(_JPEG)


def _middle(size: int, position: Any) -> int:
    if size >= SIDE:
        return size // 2
    near_first = isinstance(position, int | float) and position <= _HALF + 1
    return max(0, size - 1 - _HALF) if near_first else min(_HALF, size - 1)


def _read(data: Any) -> Floats:
    if not isinstance(data, bytes):
        raise DecodeError(f"expected bytes, got {type(data).__name__}")
    if len(data) > MAX_BYTES:
        raise DecodeError(f"{len(data):,} bytes; a stamp has at most {MAX_BYTES:,}")
    if data.startswith(_JPEG):
        return _read_jpeg(data)
    return _read_fits(_unpack(data))


def _unpack(data: bytes) -> bytes:
    """Return the content of a gzip file, or the data themselves where they are none."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        content = unpacker.decompress(data, MAX_BYTES)
    except zlib.error as error:
        raise DecodeError(f"damaged gzip: {error}") from None
    if unpacker.unconsumed_tail:
        raise DecodeError(f"gzip that unpacks to more than {MAX_BYTES:,} bytes")
    if not unpacker.eof:
        raise DecodeError("gzip that is cut short", offset=len(data))
    if unpacker.unused_data:
        raise DecodeError(
            f"{len(unpacker.unused_data):,} bytes after the end of the gzip file",
            offset=len(data) - len(unpacker.unused_data),
        )
    return content


def _read_fits(content: bytes) -> Floats:
    """Return the image of the first header and data unit.

    This is the little of FITS that alert stamps use (Pence et al. 2010, A&A 524, A42): float32
    pixels in two dimensions. Rubin's files go on with extensions, which are passed over.
    """
    header, start = _fits_header(content)
    if header.get("BITPIX") != "-32" or header.get("NAXIS") != "2":
        found = f"BITPIX {header.get('BITPIX')}, NAXIS {header.get('NAXIS')}"
        raise DecodeError(f"expected a FITS image with BITPIX -32 and NAXIS 2, got {found}")
    columns, rows = (_side(header, name) for name in ("NAXIS1", "NAXIS2"))
    if "BSCALE" in header or "BZERO" in header:
        raise DecodeError("FITS pixels that are scaled (BSCALE, BZERO); those of stamps are not")
    size = columns * rows * 4
    end = start + math.ceil(size / _BLOCK) * _BLOCK
    if len(content) != end and not content.startswith(b"XTENSION", end):
        raise DecodeError(
            f"a header for {columns} x {rows} pixels, which need {end:,} bytes, "
            f"in a FITS file of {len(content):,}"
        )
    stored = np.frombuffer(content, ">f4", count=columns * rows, offset=start)
    return stored.reshape(rows, columns).astype(np.float32)


def _fits_header(content: bytes) -> tuple[dict[str, str], int]:
    """Return the values of the first header as text, and where it ends."""
    first = content[:_CARD]
    # ZTF puts the T of SIMPLE elsewhere than the standard says.
    if not first.startswith(b"SIMPLE  =") or _value(first) != "T":
        raise DecodeError(f"expected a FITS, gzip or JPEG file, got {content[:8]!r}...")
    header: dict[str, str] = {}
    for place in range(0, min(len(content), _MAX_HEADER_BLOCKS * _BLOCK), _CARD):
        card = content[place : place + _CARD]
        keyword = card[:8].rstrip().decode("latin1")
        if keyword == "END":
            return header, (place // _BLOCK + 1) * _BLOCK
        if card[8:9] == b"=":
            header.setdefault(keyword, _value(card))
    raise DecodeError("a FITS header without an end", offset=len(content))


def _value(card: bytes) -> str:
    # Latin 1 takes any byte; what is not a number is refused where it is used.
    return card[9:].partition(b"/")[0].strip().decode("latin1")


def _side(header: Mapping[str, str], name: str) -> int:
    value = header.get(name, "")
    plain = value.isascii() and value.isdigit() and len(value) <= len(str(MAX_SIDE))
    if not plain or not 1 <= int(value) <= MAX_SIDE:
        raise DecodeError(f"{name}: expected 1 to {MAX_SIDE} pixels, got {value[:20]!r}")
    return int(value)


def _read_jpeg(data: bytes) -> Floats:
    # These limits bound the work before the decoder begins.
    scans = data.count(b"\xff\xda")
    if len(data) > _MAX_JPEG_BYTES or scans > _MAX_JPEG_SCANS:
        raise DecodeError(
            f"a JPEG of {len(data):,} bytes and {scans} scans; "
            f"at most {_MAX_JPEG_BYTES:,} and {_MAX_JPEG_SCANS} are accepted"
        )
    try:
        from PIL.JpegImagePlugin import JpegImageFile  # noqa: PLC0415 - optional
    except ImportError as error:
        raise ImportError("JPEG stamps need Pillow: pip install ztfnb[lab]") from error
    try:
        # Only the header is read until the pixels are asked for.
        image = JpegImageFile(io.BytesIO(data))
        too_large = max(image.size) > MAX_SIDE
        pixels = None if too_large else np.asarray(image.convert("L"), np.float32)
    except Exception as error:  # noqa: BLE001 - Pillow raises many kinds for a damaged file
        raise DecodeError(f"damaged JPEG: {error}") from None
    if pixels is None:
        raise DecodeError(
            f"a JPEG of {image.width} x {image.height} pixels; expected at most {MAX_SIDE} a side"
        )
    return pixels
