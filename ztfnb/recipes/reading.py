"""Reading a packet without falling into its traps: missing values, limits, pixels, signs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ztfnb.alert import finite
from ztfnb.photometry import PIXEL_SCALE

MISSING = (-999.0, -99999.0)
"""What the survey writes where it has no number."""

MINUTES_PER_DAY = 1440.0

Record = Mapping[str, Any]


def known(record: Record, name: str) -> float | None:
    """Return a number of a candidate or of an entry of its history; None where it is missing.

    A field that an older schema does not have, null, NaN, -999 and -99999 all mean missing.
    """
    value = finite(record.get(name))
    return None if value in MISSING else value


def distance(candidate: Record, name: str) -> float:
    """Return how far a neighbour is [arcsec]; infinite where none is known.

    ``distnr`` is in pixels in a candidate, ``distpsnr1``, ``neargaia`` and ``ssdistnr`` are in
    arcsec. Any negative number means that there is no neighbour.
    """
    value = known(candidate, name)
    if value is None or value < 0:
        return math.inf
    return value * PIXEL_SCALE if name == "distnr" else value


def is_positive(record: Record) -> bool:
    """Return whether something is brighter than in the reference image."""
    return record.get("isdiffpos") in ("t", "1")


def history(alert: Record) -> list[Record]:
    """Return the entries of the last 30 days, detections and limits, without the alert itself.

    Raises
    ------
    TypeError
        If they are no list, as in packets that a broker has turned into columns.
    """
    entries = alert.get("prv_candidates") or []
    if isinstance(entries, Mapping):
        raise TypeError("prv_candidates: expected a list of records, got one record")
    return list(entries)


def detections(alert: Record) -> list[Record]:
    """Return the detections that a packet holds, oldest first, the alert's own last.

    Entries without a magnitude are upper limits: their ``diffmaglim`` is no magnitude.
    """
    earlier = [entry for entry in history(alert) if known(entry, "magpsf") is not None]
    return [*sorted(earlier, key=lambda entry: float(entry["jd"])), alert["candidate"]]


def limits(alert: Record) -> list[Record]:
    """Return the epochs of a packet at which nothing was found, oldest first.

    The object was then fainter than ``diffmaglim``, which is a limit and no magnitude.
    """
    empty = [entry for entry in history(alert) if known(entry, "magpsf") is None]
    deep = [entry for entry in empty if (known(entry, "diffmaglim") or -1.0) > 0]
    return sorted(deep, key=lambda entry: float(entry["jd"]))


def apparent(record: Record) -> float | None:
    """Return the magnitude of the source itself, from the difference and the reference.

    ``magpsf`` is a difference magnitude. For a star that is in the reference image too, the
    fluxes of the two add, or subtract where the alert is a fading. None where a magnitude is
    missing, or where the star would be darker than nothing.
    """
    difference, reference = known(record, "magpsf"), known(record, "magnr")
    if difference is None or reference is None:
        return None
    sign = 1.0 if is_positive(record) else -1.0
    flux = 10 ** (-0.4 * reference) + sign * 10 ** (-0.4 * difference)
    return -2.5 * math.log10(flux) if flux > 0 else None


def color(alert: Record, days: float) -> float | None:
    """Return g - r of what is new, from the latest detections in g and r [mag].

    Both are difference magnitudes of brightenings, at most ``days`` apart; None where there is
    no such pair.
    """
    latest: dict[int, Record] = {}
    for entry in detections(alert):
        if is_positive(entry):
            latest[entry["fid"]] = entry
    green, red = latest.get(1), latest.get(2)
    if green is None or red is None or abs(green["jd"] - red["jd"]) > days:
        return None
    return float(green["magpsf"] - red["magpsf"])
