"""Stamps: from the bytes in a packet to pixels, and from pixels to grey levels.

The bytes are as untrusted as the packet. A stamp is small, so the limits here are narrow, and
they hold before memory is taken or a library is called.
"""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ztfnb.errors import ConfigError, DecodeError

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Kind = Literal["science", "template", "difference"]
Origin = Literal["upper", "lower"]
How = Literal["asinh", "linear", "symmetric", "zscale", "sqrt", "log"]

MAX_SIDE = 256
"""Most pixels along one side; ZTF's stamps have 63."""
MAX_BYTES = 512 * 1024
"""Most bytes of a stamp file, packed or not; unpacking takes three times as much memory."""

_KEYS = {kind: f"cutout{kind.capitalize()}" for kind in ("science", "template", "difference")}
_BLOCK = 2880
_CARD = 80
# ZTF's headers have 10 cards, Rubin's 23.
_MAX_HEADER_BLOCKS = 8
_MAX_JPEG_BYTES = 64 * 1024
# A progressive JPEG has about ten scans; thousands would keep the decoder busy for seconds.
_MAX_JPEG_SCANS = 16
_WHITE = 255


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


def default_stretch(kind: Kind) -> How:
    """Return the stretch that suits a kind of stamp: grey is zero in a difference."""
    return "symmetric" if kind == "difference" else "asinh"


def stretch(
    pixels: NDArray[Any],
    how: How = "asinh",
    limits: tuple[float, float] | None = None,
) -> NDArray[np.uint8]:
    """Return pixels as grey levels: 1 (dark) to 255 (bright), and 0 where there is no value.

    Parameters
    ----------
    pixels
        Values of any shape. NaN and infinite ones become 0, which nothing else does.
    how
        ``"linear"``, ``"sqrt"``, ``"asinh"`` and ``"log"`` show ever more of what is faint;
        ``"symmetric"`` is linear with zero in the middle; ``"zscale"`` is linear between the
        limits that IRAF would choose (needs astropy, of the extra ``lab``).
    limits
        Values that become dark and bright. By default the percentiles 0.5 and 99.5, or for
        ``"symmetric"`` the larger of their distances from zero, to both sides.

    Raises
    ------
    ConfigError
        If there is no such stretch, or the limits are not two finite numbers in order.
    """
    if how not in _CURVES:
        raise ConfigError(f"stretch: expected {', '.join(_CURVES)}, got {how!r}")
    values = np.asarray(pixels, np.float64)
    finite = np.isfinite(values)
    levels = np.zeros(values.shape, np.uint8)
    if not finite.any():
        return levels
    shown = values[finite]
    low, high = _limits(shown, how) if limits is None else map(float, limits)
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ConfigError(f"limits: expected two numbers in order, got {limits!r}")
    span = high - low
    share = np.clip((shown - low) / span, 0, 1) if span > 0 else np.full(shown.shape, 0.5)
    levels[finite] = np.rint(1 + (_WHITE - 1) * _CURVES[how](share)).astype(np.uint8)
    return levels


# Each takes 0 to 1 onto 0 to 1; the constants are those that ds9 and astropy use.
_CURVES: dict[How, Callable[[Doubles], Doubles]] = {
    "linear": lambda share: share,
    "symmetric": lambda share: share,
    "zscale": lambda share: share,
    "sqrt": np.sqrt,
    "asinh": lambda share: np.arcsinh(share / 0.1) / math.asinh(1 / 0.1),
    "log": lambda share: np.log1p(1000 * share) / math.log1p(1000),
}


def _limits(shown: Doubles, how: How) -> tuple[float, float]:
    if how == "zscale":
        try:
            from astropy.visualization import ZScaleInterval  # noqa: PLC0415 - optional, and slow
        except ImportError as error:
            raise ImportError("the zscale stretch needs astropy: pip install ztfnb[lab]") from error
        low, high = ZScaleInterval().get_limits(shown)
        return float(low), float(high)
    low, high = np.percentile(shown, (0.5, 99.5))
    if how == "symmetric":
        reach = max(abs(low), abs(high))
        return -float(reach), float(reach)
    return float(low), float(high)


def _read(data: Any) -> Floats:
    if not isinstance(data, bytes):
        raise DecodeError(f"expected bytes, got {type(data).__name__}")
    if len(data) > MAX_BYTES:
        raise DecodeError(f"{len(data):,} bytes; a stamp has at most {MAX_BYTES:,}")
    if data.startswith(b"\xff\xd8"):
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
