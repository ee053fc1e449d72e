"""What a ZTF packet tells of the catalogue sources next to its detection.

The packet brings up to three sources of Pan-STARRS1 (Tachibana & Miller 2018, PASP 130, 128001,
tell stars from galaxies among them), the nearest source of Gaia and the nearest bright one, the
nearest known Solar System object, and the nearest source of the reference image.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ztfnb.alert import BANDS, finite
from ztfnb.photometry import PIXEL_SCALE

_SURE_OF_NOTHING = 0.5
"""A ``sgscore`` of which neither a star nor a galaxy follows."""
_FAINTEST_NONSENSE = -90.0
"""Magnitudes up to here are codes for a missing one: -999, -99."""
_SOLAR_SYSTEM_RADIUS = 30.0
"""Within which the survey looks for Solar System objects [arcsec]."""
_LONGEST_NAME = 64
_COMET = re.compile(r"\d*[PCDXIA]/|\d+[PDI](-|$)")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A source of a catalogue near a detection."""

    catalogue: str
    """``PS1``, ``Gaia``, ``Solar System`` or ``reference``."""
    name: str
    """Its name or number there; empty where the packet does not say."""
    distance: float
    """From the detection [arcsec]."""
    mag: float | None
    """Magnitude (AB for PS1 and reference, Vega for Gaia), None where unknown."""
    band: str
    """Of the magnitude: ``r`` (or ``i``, ``g``, ``z``), ``G``, ``V``, the band of the alert."""
    score: float | None
    """Of PS1, how star-like: 1 star, 0 galaxy; else None."""
    ra: float | None
    """J2000 [deg]; only known of the reference source."""
    dec: float | None
    """J2000 [deg]; only known of the reference source."""
    words: str
    """All this in words: ``star 0.1 arcsec, r 16.2 (PS1, sgscore 0.98)``."""


def neighbours(alert: Mapping[str, Any]) -> tuple[Neighbour, ...]:
    """Return the catalogue sources that a packet names, the nearest first.

    Parameters
    ----------
    alert
        An alert or the dictionary of one. Fields that are missing, null, NaN or the survey's -999
        are no sources, so that every version of ZTF's schema is read; of other surveys' packets
        nothing comes.
    """
    core = alert.get("candidate")
    if not isinstance(core, Mapping):
        return ()
    found = [*_stars(core), *_gaia(core), *_asteroid(core), *_reference(core)]
    return tuple(sorted(found, key=lambda neighbour: neighbour.distance))


def _stars(core: Mapping[str, Any]) -> Iterator[Neighbour]:
    for place in "123":
        distance = _distance(core.get(f"distpsnr{place}"))
        if distance is None:
            continue
        score = finite(core.get(f"sgscore{place}"))
        if score is not None and not 0 <= score <= 1:
            score = None
        name = core.get(f"objectidps{place}")
        found = ((band, _mag(core.get(f"s{band}mag{place}"))) for band in "rigz")
        band, mag = next((pair for pair in found if pair[1] is not None), ("", None))
        origin = "PS1" if score is None else f"PS1, sgscore {score:.2f}"
        yield Neighbour(
            catalogue="PS1",
            name=str(name) if isinstance(name, int) and name > 0 else "",
            distance=distance,
            mag=mag,
            band=band,
            score=score,
            ra=None,
            dec=None,
            words=f"{_form(score)} {distance:.1f} arcsec{_bright(band, mag)} ({origin})",
        )


def _form(score: float | None) -> str:
    if score is None or score == _SURE_OF_NOTHING:
        return "source"
    return "star" if score > _SURE_OF_NOTHING else "galaxy"


def _gaia(core: Mapping[str, Any]) -> Iterator[Neighbour]:
    seen: set[float] = set()
    for which, kind in (("", "Gaia source"), ("bright", "bright Gaia source")):
        distance, mag = _distance(core.get(f"neargaia{which}")), _mag(core.get(f"maggaia{which}"))
        # The nearest source may be a bright one, which the packet then tells of twice.
        if distance is None or distance in seen:
            continue
        seen.add(distance)
        yield Neighbour(
            catalogue="Gaia",
            name="",
            distance=distance,
            mag=mag,
            band="G",
            score=None,
            ra=None,
            dec=None,
            words=f"{kind} {distance:.1f} arcsec{_bright('G', mag)}",
        )


def _asteroid(core: Mapping[str, Any]) -> Iterator[Neighbour]:
    distance, mag = _distance(core.get("ssdistnr")), _mag(core.get("ssmagnr"))
    name = core.get("ssnamenr")
    name = name.strip()[:_LONGEST_NAME] if isinstance(name, str) and name != "null" else ""
    # Where it found no object the survey writes -999 or, without a name, a distance beyond all.
    if distance is None or (not name and distance > _SOLAR_SYSTEM_RADIUS):
        return
    kind = "comet" if _COMET.match(name) else "asteroid" if name else "unnamed asteroid"
    yield Neighbour(
        catalogue="Solar System",
        name=name,
        distance=distance,
        mag=mag,
        band="V",
        score=None,
        ra=None,
        dec=None,
        words=f"{f'{kind} {name}'.strip()} at {distance:.1f} arcsec{_bright('V', mag)}",
    )


def _reference(core: Mapping[str, Any]) -> Iterator[Neighbour]:
    pixels, mag = _distance(core.get("distnr")), _mag(core.get("magnr"))
    if pixels is None:
        return
    distance, fid = pixels * PIXEL_SCALE, core.get("fid")
    ra, dec = finite(core.get("ranr")), finite(core.get("decnr"))
    known = ra is not None and dec is not None and 0 <= ra <= 360 and -90 <= dec <= 90
    yield Neighbour(
        catalogue="reference",
        name="",
        distance=distance,
        mag=mag,
        band=BANDS.get(fid, "") if isinstance(fid, int) else "",
        score=None,
        ra=ra if known else None,
        dec=dec if known else None,
        words=f"reference image source {distance:.1f} arcsec{_bright('', mag)}",
    )


def _bright(band: str, mag: float | None) -> str:
    return "" if mag is None else f", {f'{band} ' if band else ''}{mag:.1f}"


def _distance(value: Any) -> float | None:
    number = finite(value)
    return None if number is None or number < 0 else number


def _mag(value: Any) -> float | None:
    number = finite(value)
    return None if number is None or number <= _FAINTEST_NONSENSE else number
