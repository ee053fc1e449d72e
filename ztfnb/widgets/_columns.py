"""What the columns of the alert table show, and how it is written."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ztfnb.alert import BANDS, UNIX_EPOCH_JD
from ztfnb.fields import Field, fields
from ztfnb.photometry import PIXEL_SCALE

Cells = tuple[NDArray[Any], NDArray[np.bool_]]
"""Values, and where there are none."""

MISSING = -999.0
AGE = "age"
"""The column of how long ago an alert's exposure was: counted in the page, from its date."""
_LAST_DAY = 5373484.5
"""Julian date of the year 10,000, the first that a calendar date cannot hold."""
_NAME_FILLER = "null"
"""What stands for the name of no Solar System object."""
_IDENTIFIERS = (
    "candid", "pid", "tblid", "rfid", "objectidps1", "objectidps2", "objectidps3",
    "diaSourceId", "diaObjectId", "ssObjectId", "parentDiaSourceId", "visit",
)  # fmt: skip
_SCORES = ("sgscore1", "sgscore2", "sgscore3", "classtar")


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column of the table: the field that it shows and sorts by, and how to write a value."""

    name: str
    """What it is called in settings; the field's own, but where a field has two columns."""
    label: str
    write: Callable[[Any], str] = str
    width: int = 8
    """In digits."""
    unit: str = ""
    """Of what is shown, where it differs from the field's own."""
    text: bool = False
    """Whether it is set flush left."""
    bars: bool = True
    """Whether the distribution of its values says anything."""
    of: str = ""
    """The field, where the column has another name."""

    @property
    def field(self) -> str:
        """The field of the alert."""
        return self.of or self.name

    @property
    def title(self) -> str:
        """What the field means, for people who ask: name, unit, meaning, what is missing."""
        known = documented(self.field)
        if known is None:
            return self.field
        unit = self.unit or known.unit
        return f"{self.field}{f' [{unit}]' if unit else ''}: {known.doc}\nMissing: {known.missing}."

    def texts(self, cells: Cells) -> list[str]:
        """Return values as they are written; nothing where there is none."""
        values, missing = cells
        return [
            "" if no_value else self.write(value)
            for value, no_value in zip(values.tolist(), missing.tolist(), strict=True)
        ]

    def page(self) -> dict[str, Any]:
        """Return what the page needs to know of it."""
        return {
            "name": self.name,
            "field": self.field,
            "label": self.label,
            "title": self.title,
            "width": self.width,
            "text": self.text,
            "bars": self.bars,
            "sorts": True,
        }


@dataclass(frozen=True, slots=True)
class ExtraColumn:
    """A column that no field is behind: code says what stands in it."""

    name: str
    """What it is called; no field's name."""
    title: str
    """What it means, in a sentence."""
    width: int
    """In digits."""
    texts: Callable[[Sequence[int]], list[str]]
    """Returns a text for each candid. Called often, so it has to be quick."""
    heading: str = ""
    """Its heading, where that is not the name."""

    @property
    def field(self) -> str:
        """No field of the alert."""
        return ""

    @property
    def bars(self) -> bool:
        """Whether the distribution of its values says anything: it has none."""
        return False

    def page(self) -> dict[str, Any]:
        """Return what the page needs to know of it."""
        return {
            "name": self.name,
            "field": "",
            "label": self.heading or self.name,
            "title": self.title,
            "width": max(self.width, len(self.heading or self.name)),
            "text": True,
            "bars": False,
            "sorts": False,
        }


# -- How values are written -------------------------------------------------------------------


def decimals(count: int, *, scale: float = 1.0) -> Callable[[Any], str]:
    """Return a function that writes a number with so many decimals, and the survey's -999 as ""."""

    def write(value: Any) -> str:
        if not isinstance(value, int | float):
            return str(value)
        return "" if value == MISSING or not math.isfinite(value) else f"{value * scale:.{count}f}"

    return write


def figures(count: int) -> Callable[[Any], str]:
    """Return a function that writes a number with so many significant figures."""

    def write(value: Any) -> str:
        if not isinstance(value, int | float):
            return str(value)
        return "" if value == MISSING or not math.isfinite(value) else f"{value:.{count}g}"

    return write


def date_of(jd: float) -> datetime | None:
    """Return a Julian date (UTC) as a date and time; None where the calendar has none."""
    if not UNIX_EPOCH_JD <= jd < _LAST_DAY:
        return None
    return datetime.fromtimestamp((jd - UNIX_EPOCH_JD) * 86400, UTC)


def _clock(jd: Any) -> str:
    moment = date_of(jd) if isinstance(jd, float) else None
    return "" if moment is None else f"{moment:%m-%d %H:%M:%S}"


def _date(jd: Any) -> str:
    moment = date_of(jd) if isinstance(jd, float) else None
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def _day(jd: Any) -> str:
    return f"{jd:.6f}" if isinstance(jd, float) and date_of(jd) else ""


def _sign(value: Any) -> str:
    return {"t": "+", "1": "+", "f": "\N{MINUS SIGN}", "0": "\N{MINUS SIGN}"}.get(value, "?")


def _whole(value: Any) -> str:
    return "" if value == MISSING else str(value)


def _named(value: Any) -> str:
    return "" if value == _NAME_FILLER else str(value)


# -- Which columns there are -------------------------------------------------------------------

_OWN = (
    TableColumn("jd", "UTC", _clock, 13, "month-day hour:minute:second", text=True),
    TableColumn(AGE, AGE, _day, 8, "time since the exposure", text=True, bars=False, of="jd"),
    TableColumn("objectId", "object", width=16, text=True, bars=False),
    TableColumn("fid", "band", lambda fid: BANDS.get(fid, "?"), 5, "g, r or i", text=True),
    TableColumn("isdiffpos", "+/\N{MINUS SIGN}", _sign, 4, text=True, bars=False),
    TableColumn("magpsf", "mag", decimals(2), 6),
    TableColumn("rb", "rb", decimals(2), 5),
    TableColumn("drb", "drb", decimals(2), 5),
    TableColumn("sigmapsf", "error", decimals(2), 6),
    TableColumn("ndethist", "dets", width=6),
    TableColumn("distnr", "ref \N{DOUBLE PRIME}", decimals(1, scale=PIXEL_SCALE), 6, "arcsec"),
    TableColumn("ssdistnr", "SSO \N{DOUBLE PRIME}", decimals(1), 7),
    TableColumn("ra", "RA \N{DEGREE SIGN}", decimals(5), 10),
    TableColumn("dec", "Dec \N{DEGREE SIGN}", decimals(5), 10),
)
_RUBIN = (
    TableColumn("midpointMjdTai", "MJD", decimals(5), 12, "d, TAI"),
    TableColumn("diaObjectId", "object", _whole, 19, text=True, bars=False),
    TableColumn("band", "band", width=5, text=True, bars=False),
    TableColumn("psfFlux", "flux nJy", decimals(0), 10, "nJy"),
    TableColumn("psfFluxErr", "error", decimals(0), 7, "nJy"),
    TableColumn("snr", "SNR", decimals(1), 7),
    TableColumn("reliability", "reliability", decimals(2), 11),
    TableColumn("extendedness", "extended", decimals(2), 9),
)
_BY_NAME = {column.name: column for column in (*_OWN, *_RUBIN)}
DEFAULT = tuple(column.name for column in _OWN)
"""The columns that are shown at first."""
DEFAULT_RUBIN = (*(column.name for column in _RUBIN), "ra", "dec")
"""The same for alerts of the Rubin Observatory, whose fields have other names."""
_BY_UNIT: dict[str, tuple[Callable[[Any], str], int]] = {
    "deg": (decimals(5), 10),
    "mag": (decimals(2), 6),
    "pixel": (decimals(2), 8),
    "arcsec": (decimals(2), 7),
    "s": (decimals(0), 5),
}


def documented(name: str) -> Field | None:
    """Return what is known of a field of the candidate, or else of the packet's top level."""
    return _documented().get(name)


def documented_names() -> tuple[str, ...]:
    """Return every field that can be a column, as the packet has them."""
    return tuple(_documented())


@lru_cache(maxsize=1)
def _documented() -> dict[str, Field]:
    plain = ("string", "float", "double", "int", "long")
    every = [one for one in fields() if one.record in ("alert", "candidate") and one.type in plain]
    return {one.name: one for one in every}


@lru_cache(maxsize=1000)
def column_of(name: str) -> TableColumn:
    """Return the column of any field, also of one that no documentation knows."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name in _IDENTIFIERS:
        return TableColumn(name, name, _whole, 19, text=True, bars=False)
    known = documented(name)
    if known is None:
        return TableColumn(name, name, figures(6), max(8, len(name) + 1))
    return _by_type(known)


def _by_type(known: Field) -> TableColumn:
    name, room = known.name, max(8, len(known.name) + 1)
    if known.type == "string":
        return TableColumn(name, name, _named, max(room, 12), text=True, bars=False)
    if known.unit == "d":
        unit = "year-month-day hour:minute, UTC"
        return TableColumn(name, name, _date, max(room, 17), unit, text=True)
    if known.type in ("int", "long"):
        return TableColumn(name, name, _whole, room)
    write, width = _BY_UNIT.get(known.unit, (figures(4), 8))
    if name in _SCORES:
        write = decimals(2)
    return TableColumn(name, name, write, max(width, len(name) + 1))


def default_columns(names: Collection[str]) -> tuple[str, ...]:
    """Return the columns to begin with for alerts that have some fields."""
    return DEFAULT_RUBIN if "diaObjectId" in names and "objectId" not in names else DEFAULT


def menu(names: Iterable[str]) -> list[dict[str, Any]]:
    """Return every column that can be chosen, for the page's list of them.

    Parameters
    ----------
    names
        The fields that are held; the documented ones stand there anyway.
    """
    held = list(names)
    every = dict.fromkeys((*default_columns(held), *held, *documented_names()))
    return [
        {
            "name": name,
            "label": column.label,
            # One in words would not fit beside the name.
            "unit": column.unit
            if column.unit and " " not in column.unit
            else known.unit
            if known
            else "",
            "doc": _menu_doc(name, known),
            "held": column.field in held,
        }
        for name in every
        for column, known in [(column_of(name), documented(column_of(name).field))]
    ]


def _menu_doc(name: str, known: Field | None) -> str:
    if name == AGE:
        return "How long ago the exposure was."
    return known.doc if known else ""
