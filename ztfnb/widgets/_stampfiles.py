"""Stamps as a FITS file that other programs can read."""

from __future__ import annotations

import io
import math
import re
from typing import Any

import numpy as np

from ztfnb.alert import Alert
from ztfnb.cutout import KINDS, Floats, Kind, detection_in, is_jpeg
from ztfnb.photometry import PIXEL_SCALE
from ztfnb.widgets._stamp import position_of, read_stamp

_LONGEST = 40


def file_name(alert: Alert, ending: str) -> str:
    """Return a name for a file with the stamps of an alert, safe wherever it is saved."""
    name = re.sub(r"[^A-Za-z0-9_-]", "_", alert.object_id)[:_LONGEST]
    return f"{name}_{alert.candid}_stamps.{ending}"


def fits_of(alert: Alert) -> bytes:
    """Return the stamps of an alert as one FITS file.

    Each stamp is an image extension named by its kind, with the pixels as the packet has them and
    the first row at the bottom, as FITS counts. Where the packet tells how a stamp lies, it has a
    tangential WCS with the detection's pixel at the alert's position, which is approximate. A
    stamp that is missing or damaged is named in a comment.

    Raises
    ------
    ImportError
        If astropy, of the extra ``lab``, is not installed.
    """
    try:
        from astropy.io import fits  # noqa: PLC0415 - optional, and slow
    except ImportError as error:
        raise ImportError("FITS files need astropy: pip install 'ztfnb[lab]'") from error
    first = fits.PrimaryHDU()
    _describe(first.header, alert)
    units = [first]
    for kind in KINDS:
        pixels, reason = read_stamp(alert, kind)
        if pixels is None:
            first.header.add_comment(f"no {kind} stamp: {_ascii(reason)}")
            continue
        image = fits.ImageHDU(np.ascontiguousarray(pixels[::-1]), name=kind.upper())
        _describe(image.header, alert)
        image.header["KIND"] = (kind, "which stamp of the alert")
        _place(image.header, alert, kind, pixels)
        units.append(image)
    file = io.BytesIO()
    fits.HDUList(units).writeto(file, output_verify="exception", checksum=True)
    return file.getvalue()


def _describe(header: Any, alert: Alert) -> None:
    header["OBJECTID"] = (_ascii(alert.object_id)[:_LONGEST], "object that the alert is of")
    header["CANDID"] = (alert.candid, "identifier of the alert")
    if math.isfinite(alert.jd):
        header["JD"] = (alert.jd, "[d] start of the exposure (UTC)")
    if alert.fid is not None:
        header["FID"] = (alert.fid, "filter: 1 g, 2 r, 3 i")


def _place(header: Any, alert: Alert, kind: Kind, pixels: Floats) -> None:
    at, position = detection_in(alert, kind, pixels), position_of(alert)
    if is_jpeg(alert, kind):
        header.add_comment("grey levels of a JPEG, which does not say where north is")
    if at is None or position is None:
        return
    step = PIXEL_SCALE / 3600
    header["RADESYS"] = "ICRS"
    for axis, (ctype, value, pixel, delta) in enumerate(
        (
            ("RA---TAN", position[0], at[0] + 1, -step),
            ("DEC--TAN", position[1], pixels.shape[0] - at[1], step),
        ),
        start=1,
    ):
        header[f"CTYPE{axis}"] = ctype
        header[f"CUNIT{axis}"] = "deg"
        header[f"CRPIX{axis}"] = float(pixel)
        header[f"CRVAL{axis}"] = value
        header[f"CDELT{axis}"] = delta
    header.add_comment("The WCS is approximate: the pixel of the detection is placed at its RA")
    header.add_comment("and Dec, north up and east left, without rotation or distortion.")


def _ascii(text: str) -> str:
    """Return what a FITS header can hold of a text."""
    return re.sub(r"[^ -~]", "?", text)[:200]
