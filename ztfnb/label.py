"""What was said of one alert, and the line of JSON that it is kept as."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np

from ztfnb.errors import ConfigError

MAX_WORD = 40
"""Most characters of a label."""
MAX_NOTE = 4_000
"""Most characters of a note."""
COLUMNS = ("candid", "objectId", "label", "note", "time", "by")
"""Names of a label's values in files and tables."""
_MAX_NAME = 100
_MAX_LINE = 64 * 1024
_NUMBER = re.compile(r"-?[0-9]{1,19}")
_LARGEST = 2**63


@dataclass(frozen=True, slots=True)
class Label:
    """What was said of one alert; with neither a label nor a note, nothing any more."""

    candid: int
    object_id: str
    label: str
    """A word, or ``""`` where there is only a note."""
    note: str
    time: str
    """When it was said: UTC, ISO 8601."""
    by: str = ""
    """Who said it, where that is known."""


def word_of(label: str) -> str:
    """Return a label as it is kept: without spaces around it.

    Raises
    ------
    ConfigError
        If it is no word or a few.
    """
    word = label.strip() if isinstance(label, str) else None
    if word is None or len(word) > MAX_WORD or not word.isprintable():
        raise ConfigError(
            f"label: expected a word or a few, of at most {MAX_WORD} characters on one line, "
            f"got {str(label)[:60]!r}"
        )
    return word


def candid_of(candid: Any) -> int:
    """Return a candid as a plain integer.

    Raises
    ------
    ConfigError
        If it is none: a float may have lost its last digits.
    """
    if isinstance(candid, bool) or not isinstance(candid, int | np.integer):
        raise ConfigError(f"candid: expected a whole number, got {str(candid)[:40]!r}")
    if not -_LARGEST <= candid < _LARGEST:
        raise ConfigError(f"candid: expected 64 bits, got {candid}")
    return int(candid)


def candid_in(value: Any) -> int:
    """Return the candid that JSON holds: as text, since it fits in no float, or as a number.

    Raises
    ------
    ConfigError
        If it is none.
    """
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = int(value)
    return candid_of(value)


def note_of(note: str) -> str:
    """Return a note as it is kept.

    Raises
    ------
    ConfigError
        If it is no text, or too long.
    """
    text = note.strip() if isinstance(note, str) else None
    # Half a pair of UTF-16 is no text, and no file takes it.
    if text is None or len(text) > MAX_NOTE or re.search("[\0\ud800-\udfff]", text):
        raise ConfigError(
            f"note: expected text of at most {MAX_NOTE:,} characters, got {str(note)[:60]!r}"
        )
    return text


def name_of(name: Any) -> str:
    """Return a name as it is kept; names come out of alerts, and are never refused."""
    text = name if isinstance(name, str) else str(name or "")
    if not text.isprintable():
        text = "".join(letter for letter in text if letter.isprintable())
    return text.strip()[:_MAX_NAME]


def record_of(told: Label) -> dict[str, Any]:
    """Return what a line says of a label: its values, or that nothing is left of it."""
    # As text: many programs read numbers as floats, which a candid does not fit in.
    record = {"candid": str(told.candid)}
    if not told.label and not told.note:
        return record | {"removed": True, "time": told.time}
    values = dict(zip(COLUMNS[1:], astuple(told)[1:], strict=True))
    return record | {name: value for name, value in values.items() if value or name == "label"}


def label_of(record: Mapping[str, Any]) -> Label:
    """Return what a line's values say; without label and note where they say it is removed.

    Raises
    ------
    ConfigError
        If they say nothing of a label.
    """
    candid = candid_in(record.get("candid"))
    removed = record.get("removed") is True
    if not removed and "label" not in record and "note" not in record:
        raise ConfigError("expected a label, a note or a removal")
    return Label(
        candid,
        name_of(record.get("objectId", "")),
        "" if removed else word_of(record.get("label", "")),
        "" if removed else note_of(record.get("note", "")),
        name_of(record.get("time", "")),
        name_of(record.get("by", "")),
    )


def read_line(line: bytes) -> Label | None:
    """Return what a line of a file says; None where it is empty.

    Raises
    ------
    ConfigError
        If it cannot be read.
    """
    line = line.removeprefix(b"\xef\xbb\xbf").strip()
    if not line:
        return None
    if len(line) > _MAX_LINE:
        raise ConfigError(f"{len(line):,} bytes; expected at most {_MAX_LINE:,}")
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        start = line[:40].decode(errors="replace")
        raise ConfigError(f"expected a whole line of JSON, got {start!r}...") from None
    if not isinstance(record, dict):
        raise ConfigError(f"expected an object {{...}}, got {type(record).__name__}")
    return label_of(record)
