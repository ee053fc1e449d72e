"""The selected alert on the map of the sky: where it lies, and the field that it was found in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ztfnb.errors import NotHeldError
from ztfnb.projection import mollweide
from ztfnb.snapshot import Snapshot
from ztfnb.widgets._sky_figure import outline_of, packed
from ztfnb.widgets._sky_view import positions

_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Place:
    """Where an alert lies."""

    name: str
    """The objectId; empty where there is none."""
    ra: float
    dec: float
    field: int
    """0 where it is not known."""


def place_of(held: Snapshot, candid: int) -> Place | None:
    """Return where an alert lies; None if it is not held or has no position."""
    try:
        rows = held.rows_of([candid])
    except NotHeldError:
        return None
    ra, dec = (float(value[0]) for value in positions(held, rows))
    if not (math.isfinite(ra) and abs(dec) <= 90):
        return None
    known = {
        name: held.column(name, rows)[0] for name in ("objectId", "field") if name in held.names
    }
    field = known.get("field", 0)
    whole = isinstance(field, np.integer) and field > 0
    return Place(
        str(known.get("objectId", ""))[:_LONGEST_NAME], ra, dec, int(field) if whole else 0
    )


def mark_of(place: Place | None, candid: int | None, centre: float) -> dict[str, Any]:
    """Return the mark of the selected alert on a map, ready for the page.

    Parameters
    ----------
    place
        Where it lies; None if it is on no map.
    candid
        The alert; None if none is selected.
    centre
        Right ascension in the middle of the map [deg].
    """
    if place is None:
        text = "" if candid is None else "The selected alert has no place on the map."
        return {"candid": "", "text": text, "field": ""}
    name = f"{place.name} at " if place.name else ""
    inside = f" in field {place.field}" if place.field else ""
    return {
        "candid": str(candid),
        "text": f"{name}{place.ra:.4f} {place.dec:+.4f}{inside}",
        "field": str(place.field) if place.field else "",
        "at": packed(*map(np.atleast_1d, mollweide(place.ra, place.dec, centre))),
        "outline": outline_of(place.field, centre),
    }
