"""A whole packet in words: every field with its value, what it is readable as, and what it means.

This is a packet of any survey or version: what is known of a field is told from our documentation,
else from the one in the packet's own schema.
"""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from ztfnb.alert import BANDS, MJD_TAI_ZERO, Alert
from ztfnb.errors import DecodeError
from ztfnb.fields import fields
from ztfnb.photometry import PIXEL_SCALE
from ztfnb.schema import Field, Type
from ztfnb.sky import sexagesimal
from ztfnb.widgets._columns import date_of

MOST_ROWS = 300
"""Epochs of one history that are shown, the newest."""
_LONGEST = 2_000
"""Characters of a value that are shown."""
_LONGEST_DOC = 500
_RECORDS = {"candidate": "candidate", "prv_candidates": "prv_candidate", "fp_hists": "fp_hist"}
"""Under which name a part of a ZTF packet is documented."""
_ALERT = "alert"
_CODES = frozenset((-999.0, -99999.0))
"""What stands for a missing value in fields of which nothing is known."""
_LEAN = reprlib.Repr()  # of values with values inside: it looks at the first few only
_LEAN.maxlevel, _LEAN.maxdict, _LEAN.maxlist, _LEAN.maxstring = 4, 20, 20, 200


class Known(NamedTuple):
    """What our documentation says of a field."""

    unit: str
    doc: str
    codes: frozenset[float | str]
    """Values that stand for a missing one."""


@lru_cache(maxsize=1)
def documentation() -> dict[str, dict[str, Known]]:
    """Return what is known of the fields of ZTF packets, by the part that they are in."""
    found: dict[str, dict[str, Known]] = {}
    parts = {record: part for part, record in _RECORDS.items()}
    for field in fields():
        codes: set[float | str] = {float(code) for code in re.findall(r"-\d+", field.missing)}
        if "'null'" in field.missing:
            codes.add("null")
        known = Known(field.unit, field.doc, frozenset(codes))
        found.setdefault(parts.get(field.record, field.record), {})[field.name] = known
    return found


def sections_of(alert: Alert) -> list[dict[str, Any]]:
    """Return a packet as the page takes it: sections of fields, the histories counted only.

    Returns
    -------
    list of dict
        ``name``; ``note``; ``rows`` of a record, or None for a history. A row is the field's name,
        its value, what that is readable as, whether it is missing, and what the packet's schema
        says of it where our documentation is silent.
    """
    top: list[list[Any]] = []
    records: list[dict[str, Any]] = []
    histories: list[dict[str, Any]] = []
    stamps: list[list[Any]] = []
    for field in alert.schema.root.fields:
        try:
            value = alert[field.name]
        except DecodeError as error:
            top.append([field.name, f"damaged: {error.reason}", "", True, _doc(_ALERT, field)])
            continue
        kind = field.type.value
        if isinstance(value, list) or kind.kind == "array":
            if value is None or _entry_type(kind).kind == "record":
                note = _summary(field.name, value)
                histories.append({"name": field.name, "note": note, "rows": None})
                continue
        elif isinstance(value, bytes) or _is_stamp(kind):
            stamps.append([field.name, *_stamp(value), _doc(_ALERT, field)])
            continue
        elif isinstance(value, Mapping) and kind.kind == "record":
            rows = [_row(field.name, inner, value[inner.name]) for inner in kind.fields]
            records.append({"name": field.name, "note": _count(len(rows), "field"), "rows": rows})
            continue
        top.append(_row(_ALERT, field, value))
    sections = [{"name": _ALERT, "note": _count(len(top), "field"), "rows": top}]
    sections += [*records, *histories]
    if stamps:
        sections.append({"name": "stamps", "note": _count(len(stamps), "file"), "rows": stamps})
    return sections


def history_of(alert: Alert, name: str) -> dict[str, Any] | None:
    """Return the epochs of one history as a table, the newest first; None where there is none.

    Returns
    -------
    dict
        ``name``; ``names`` of the fields; ``docs``, what the schema says of those that our
        documentation does not know; ``times``; ``rows`` of texts, and with each row in ``gone``
        the columns that are missing; ``total`` of the epochs.
    """
    kinds = {field.name: field.type.value for field in alert.schema.root.fields}
    if name not in kinds or kinds[name].kind != "array":
        return None
    kind = _entry_type(kinds[name])
    try:
        entries: Sequence[Mapping[str, Any]] = alert[name] or ()
    except DecodeError:
        return None
    if kind.kind != "record" or not entries:
        return None
    newest = sorted(entries, key=lambda entry: -_jd(entry))[:MOST_ROWS]
    rows, gone = [], []
    for entry in newest:
        cells = [_cell(name, field, entry[field.name]) for field in kind.fields]
        rows.append([text for text, _missing in cells])
        gone.append([place for place, (_text, missing) in enumerate(cells) if missing])
    return {
        "name": name,
        "names": [field.name for field in kind.fields],
        "docs": {field.name: doc for field in kind.fields if (doc := _doc(name, field))},
        "times": [_utc(_jd(entry)) for entry in newest],
        "rows": rows,
        "gone": gone,
        "total": len(entries),
    }


def _row(part: str, field: Field, value: Any) -> list[Any]:
    text, missing = _cell(part, field, value)
    note = "" if missing else _readable(part, field.name, value)
    return [field.name, f"missing ({text})" if missing else text, note, missing, _doc(part, field)]


def _cell(part: str, field: Field, value: Any) -> tuple[str, bool]:
    """Return a value in words, and whether it stands for a missing one."""
    if value is None:
        return "null", True
    if isinstance(value, float) and math.isnan(value):
        return "NaN", True
    known = documentation().get(part, {}).get(field.name)
    missing = isinstance(value, int | float | str) and value in (known.codes if known else _CODES)
    return _text(value, field.type.value.kind), missing


def _text(value: Any, kind: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # As many digits as the packet's number has.
        return f"{value:.7g}" if kind == "float" else f"{value:.15g}"
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    text = str(value) if isinstance(value, int | str) else _LEAN.repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"


def _doc(part: str, field: Field) -> str:
    """Return what the packet says of a field of which we know nothing."""
    return "" if field.name in documentation().get(part, {}) else field.doc[:_LONGEST_DOC]


# -- What a value is readable as -----------------------------------------------------------------


def _readable(part: str, name: str, value: Any) -> str:
    if isinstance(value, float):
        if name.startswith("jd"):
            return _utc(value)
        if name.endswith("MjdTai"):
            return _utc(value + MJD_TAI_ZERO)
        if name == "distnr" and part != "fp_hists":
            return f"{value * PIXEL_SCALE:.2f} arcsec"
        if name.startswith("sgscore"):
            return "star" if value > 0.5 else "galaxy" if value < 0.5 else ""
    reader = _READABLE.get(name)
    return "" if reader is None else reader(value)


def _utc(jd: float) -> str:
    moment = date_of(jd)
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _hours(value: Any) -> str:
    inside = isinstance(value, float) and 0 <= value <= 360
    return sexagesimal(value / 15, 2, ":") if inside else ""


def _degrees(value: Any) -> str:
    if not isinstance(value, float) or not abs(value) <= 90:
        return ""
    return f"{'-' if value < 0 else '+'}{sexagesimal(value, 1, ':')}"


def _named(names: Mapping[Any, str]) -> Callable[[Any], str]:
    return lambda value: names.get(value, "") if isinstance(value, int | str) else ""


_POSITIVE, _NEGATIVE = "positive: brighter than the reference", "negative: fainter"
_READABLE: dict[str, Callable[[Any], str]] = {
    "fid": _named({fid: f"{band} band" for fid, band in BANDS.items()}),
    "programid": _named({1: "public", 2: "partnership", 3: "Caltech"}),
    "isdiffpos": _named({"t": _POSITIVE, "1": _POSITIVE, "f": _NEGATIVE, "0": _NEGATIVE}),
    "ra": _hours,
    "ranr": _hours,
    "dec": _degrees,
    "decnr": _degrees,
}


# -- Histories and stamps ------------------------------------------------------------------------


def _entry_type(kind: Type) -> Type:
    return kind if kind.items is None else kind.items.value


def _summary(name: str, entries: Sequence[Mapping[str, Any]] | None) -> str:
    if not entries:
        return "not in this packet" if entries is None else "none"
    words = [_count(len(entries), "epoch")]
    if name == "prv_candidates":
        found = sum(entry.get("candid") is not None for entry in entries)
        words.append(f"{_count(found, 'detection')}, {_count(len(entries) - found, 'limit')}")
    days = sorted(day for entry in entries if (day := _utc(_jd(entry))[:10]))
    if days:
        words.append(days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}")
    return "; ".join(words)


def _jd(entry: Mapping[str, Any]) -> float:
    for name, zero in (("jd", 0.0), ("midpointMjdTai", MJD_TAI_ZERO)):
        value = entry.get(name)
        if isinstance(value, float) and math.isfinite(value):
            return value + zero
    return 0.0


def _is_stamp(kind: Type) -> bool:
    names = {field.name for field in kind.fields}
    return kind.kind == "bytes" or "stampData" in names


def _stamp(value: Any) -> Iterator[Any]:
    """Yield the size of a stamp, the name of its file, and whether it is missing."""
    data = value.get("stampData") if isinstance(value, Mapping) else value
    name = value.get("fileName") if isinstance(value, Mapping) else ""
    if not isinstance(data, bytes):
        yield from ("missing (null)", "", True)
        return
    yield f"{len(data):,} bytes"
    yield _text(name, "string") if isinstance(name, str) else ""
    yield False


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
