"""What the columns of the alert table show, and how it is written."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ztfnb.alert import BANDS, UNIX_EPOCH_JD
from ztfnb.errors import SelectionError
from ztfnb.fields import fields
from ztfnb.photometry import PIXEL_SCALE
from ztfnb.snapshot import Snapshot

Values = NDArray[Any]

MISSING = -999.0
_LAST_DAY = 5373484.5
"""Julian date of the year 10,000, the first that a calendar date cannot hold."""


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column of the table: the field that it shows and sorts by, and how to write a value."""

    field: str
    label: str
    write: Callable[[Any], str] = str
    width: int = 8
    """In digits."""
    unit: str = ""
    """Of what is shown, where it differs from the field's own."""
    text: bool = False
    """Whether it is set flush left."""

    @property
    def title(self) -> str:
        """What the field means, for people who ask."""
        try:
            known = next(one for one in fields(self.field) if one.name == self.field)
        except (SelectionError, StopIteration):
            return self.field
        unit = self.unit or known.unit
        return f"{self.field}{f' [{unit}]' if unit else ''}: {known.doc}"

    def texts(self, held: Snapshot, rows: NDArray[np.intp]) -> list[str]:
        """Return what stands in this column; nothing where there is no value or no alert."""
        texts = [""] * len(rows)
        there = np.flatnonzero(rows >= 0)
        if len(there) and self.field in held.names:
            values = held.column(self.field, rows[there])
            missing = held.missing(self.field, rows[there])
            for place, value, no_value in zip(there, values.tolist(), missing, strict=True):
                texts[place] = "" if no_value else self.write(value)
        return texts


def decimals(count: int, *, scale: float = 1.0) -> Callable[[Any], str]:
    """Return a function that writes a number with so many decimals, and the survey's -999 as ""."""

    def write(value: Any) -> str:
        if not isinstance(value, int | float):
            return str(value)
        return "" if value == MISSING or not math.isfinite(value) else f"{value * scale:.{count}f}"

    return write


def date_of(jd: float) -> datetime | None:
    """Return a Julian date (UTC) as a date and time; None where the calendar has none."""
    if not UNIX_EPOCH_JD <= jd < _LAST_DAY:
        return None
    return datetime.fromtimestamp((jd - UNIX_EPOCH_JD) * 86400, UTC)


def _clock(jd: Any) -> str:
    moment = date_of(jd) if isinstance(jd, float) else None
    return "" if moment is None else f"{moment:%m-%d %H:%M:%S}"


def _sign(value: Any) -> str:
    return {"t": "+", "1": "+", "f": "\N{MINUS SIGN}", "0": "\N{MINUS SIGN}"}.get(value, "?")


COLUMNS = (
    TableColumn("jd", "UTC", _clock, 14, "month-day hour:minute:second", text=True),
    TableColumn("objectId", "object", width=14, text=True),
    TableColumn("fid", "band", lambda fid: BANDS.get(fid, "?"), 5, "g, r or i", text=True),
    TableColumn("isdiffpos", "+/\N{MINUS SIGN}", _sign, 4, text=True),
    TableColumn("magpsf", "mag", decimals(2), 6),
    TableColumn("sigmapsf", "error", decimals(2), 6),
    TableColumn("rb", "rb", decimals(2), 5),
    TableColumn("drb", "drb", decimals(2), 5),
    TableColumn("ndethist", "dets", width=6),
    TableColumn("distnr", "ref \N{DOUBLE PRIME}", decimals(1, scale=PIXEL_SCALE), 6, "arcsec"),
    TableColumn("ssdistnr", "SSO \N{DOUBLE PRIME}", decimals(1), 7),
    TableColumn("ra", "RA \N{DEGREE SIGN}", decimals(5), 10),
    TableColumn("dec", "Dec \N{DEGREE SIGN}", decimals(5), 10),
)
"""The columns of the table."""
CANDID = TableColumn("candid", "candid")
"""What tells alerts apart."""
