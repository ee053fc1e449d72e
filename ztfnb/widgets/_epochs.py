"""What is told of each epoch of a light curve: in words beside the pointer, and in a table."""

from __future__ import annotations

import math

from ztfnb.alert import BANDS
from ztfnb.curveplot import MJD_OF_JD_0
from ztfnb.lightcurve import LightCurve
from ztfnb.widgets._columns import date_of

HEADERS: tuple[tuple[str, str], ...] = (
    ("UTC", "When the exposure began"),
    ("MJD", "Modified Julian date (UTC) at which the exposure began [d]"),
    ("band", "g, r or i"),
    ("kind", "Detection, limit (nothing was found) or forced photometry"),
    ("+/\N{MINUS SIGN}", "Whether the source is brighter or fainter than the reference"),
    ("diff. mag", "Difference magnitude (AB)"),
    ("±", "Standard error of the difference magnitude [mag]"),
    ("app. mag", "Apparent magnitude (AB): reference source and difference together"),
    ("±", "Standard error of the apparent magnitude [mag]"),
    ("limit", "Five-sigma limit of the difference image [mag]"),
    ("flux µJy", "Difference flux [µJy]"),
    ("±", "Standard error of the difference flux [µJy]"),
    ("SNR", "Flux over its error"),
    ("rb", "Real-bogus score, 0 to 1"),
    ("candid", "Number of the detection"),
    ("field", "Field of the survey's grid"),
    ("prog.", "Observing programme: 1 public, 2 partnership, 3 Caltech"),
)
"""Names of the table's columns, and what they mean."""
TEXTS = 5
"""How many of the columns are words or dates, set flush left: the others are numbers."""


def rows_of(curve: LightCurve) -> list[list[str]]:
    """Return the table of a light curve as texts: a row for each epoch, in order of time."""
    floats = [
        (curve.mag, 3), (curve.mag_err, 3), (curve.apparent_mag, 3), (curve.apparent_mag_err, 3),
        (curve.limit, 2), (curve.flux, 1), (curve.flux_err, 1), (curve.snr, 1), (curve.rb, 2),
    ]  # fmt: skip
    numbers = [[_number(value, places) for value in values.tolist()] for values, places in floats]
    counts = [
        [str(value or "") for value in values.tolist()]
        for values in (curve.candid, curve.field, curve.programid)
    ]
    words = [
        [_clock(jd), f"{jd - MJD_OF_JD_0:.5f}", BANDS.get(fid, "?"), kind, sign]
        for jd, fid, kind, sign in zip(
            curve.jd.tolist(), curve.fid.tolist(), curve.kind.tolist(), signs(curve), strict=True
        )
    ]
    rest = zip(*numbers, *counts, strict=True)
    return [[*left, *right] for left, right in zip(words, rest, strict=True)]


def told_of(rows: list[list[str]]) -> list[str]:
    """Return what is told beside the pointer, every number that there is, from rows of a table."""
    return [_told(row) for row in rows]


def signs(curve: LightCurve) -> list[str]:
    """Return + or - of each epoch, nothing where it has no flux."""
    return [
        "" if math.isnan(flux) else "+" if flux > 0 else "\N{MINUS SIGN}"
        for flux in curve.flux.tolist()
    ]


def _told(row: list[str]) -> str:
    utc, mjd, band, kind, sign, mag, mag_err, app, app_err, limit, flux, flux_err, snr = row[:13]
    rb, candid, field, programid = row[13:]
    name = {"limit": "5-sigma limit", "forced": "forced photometry"}.get(kind, kind)
    side = {"+": ", brighter than the reference", "": ""}.get(sign, ", fainter than the reference")
    lines = [f"{band} {name}{side}"]
    if mag:
        lines.append(f"difference {mag} ± {mag_err or '?'} mag")
    if app:
        lines.append(f"apparent {app} ± {app_err or '?'} mag")
    if flux:
        lines.append(f"flux {flux} ± {flux_err or '?'} µJy, SNR {snr or '?'}")
    if limit:
        lines.append(f"limit {limit} mag")
    lines.append(f"{utc} UTC, MJD {mjd}" if utc else f"MJD {mjd}")
    rest = [
        f"{label} {value}"
        for label, value in (
            ("rb", rb), ("candid", candid), ("field", field), ("programme", programid),
        )
        if value
    ]  # fmt: skip
    return "\n".join([*lines, ", ".join(rest)] if rest else lines)


def _number(value: float, places: int) -> str:
    return "" if not math.isfinite(value) else f"{value:.{places}f}".replace("-", "\N{MINUS SIGN}")


def _clock(jd: float) -> str:
    moment = date_of(jd)
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"
