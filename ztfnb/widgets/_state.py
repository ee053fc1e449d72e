"""What a person has chosen in a browser, as a file to keep or to give to somebody else.

A file may come from anybody, so nothing in it is believed: its form is checked here, and what is
in it by the parts that it is for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ztfnb.errors import ConfigError

VERSION = 1
"""Version of the form that is written; files of this and older ones are read."""
MAX_BYTES = 1_000_000
"""The largest file: marks on 40,000 alerts and every choice that there is."""

_NAMES = ("ztfnb", "parts", "marks", "selected")
_CANDID = re.compile(r"-?[0-9]{1,19}")
_WHAT = "the state of a browser"


@dataclass(frozen=True, slots=True)
class BrowserState:
    """Choices in each part of a browser, and the alerts that are marked."""

    parts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The ``settings`` of each part, by its name."""
    marks: tuple[int, ...] = ()
    """Candids that are marked, in the order of marking."""
    selected: int | None = None
    """Candid of the alert in view."""


def dumps(state: BrowserState) -> str:
    """Return a state as text: JSON, with candids as strings, since they fit in no float.

    Raises
    ------
    ConfigError
        If a setting is no plain value, or the text would be too long to be read again.
    """
    document = {
        "ztfnb": VERSION,
        "parts": {name: dict(settings) for name, settings in state.parts.items()},
        "marks": [str(candid) for candid in state.marks],
        "selected": None if state.selected is None else str(state.selected),
    }
    try:
        text = json.dumps(document, indent=1, allow_nan=False) + "\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"{_WHAT}: expected plain values in its settings: {error}") from None
    _refuse_large(text.encode())
    return text


def loads(text: str | bytes) -> BrowserState:
    """Return the state that a text holds.

    Raises
    ------
    ConfigError
        If it is too long, no JSON, of a newer version, or of another form.
    """
    data = text.encode(errors="surrogatepass") if isinstance(text, str) else bytes(text)
    _refuse_large(data)
    try:
        document = json.loads(data.decode("utf-8-sig"), parse_constant=_no_number)
    except (ValueError, RecursionError):
        start = data[:40].decode(errors="replace")
        raise ConfigError(f"{_WHAT}: expected a file of JSON, got {start!r}...") from None
    if not isinstance(document, dict) or "ztfnb" not in document:
        raise ConfigError(f'{_WHAT}: expected {{"ztfnb": {VERSION}, ...}}, got another JSON file')
    version = document["ztfnb"]
    if version != VERSION or isinstance(version, bool | float):
        raise ConfigError(
            f"{_WHAT}: expected version {VERSION}, got {str(version)[:20]!r}: "
            "it may need a newer ztfnb"
        )
    unknown = [name for name in document if name not in _NAMES]
    if unknown:
        raise ConfigError(f"{_WHAT}: expected {', '.join(_NAMES)}, got {unknown[0][:40]!r} too")
    selected = document.get("selected")
    return BrowserState(
        parts=_parts(document.get("parts", {})),
        marks=_marks(document.get("marks", [])),
        selected=None if selected is None else _candid(selected, "selected"),
    )


def _refuse_large(data: bytes) -> None:
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{_WHAT}: {len(data):,} bytes; expected at most {MAX_BYTES:,}")


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def _parts(value: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(value, dict):
        raise ConfigError(f"{_WHAT}: parts: expected settings by name, got {_kind(value)}")
    for name, settings in value.items():
        if not isinstance(settings, dict):
            raise ConfigError(
                f"{_WHAT}: parts, {name[:40]!r}: expected settings by name, got {_kind(settings)}"
            )
    return value


def _marks(value: Any) -> tuple[int, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ConfigError(f"{_WHAT}: marks: expected a list of candids, got {_kind(value)}")
    return tuple(dict.fromkeys(_candid(candid, "marks") for candid in value))


def _candid(value: Any, where: str) -> int:
    if isinstance(value, str) and _CANDID.fullmatch(value):
        number = int(value)
        if -(2**63) <= number < 2**63:
            return number
    raise ConfigError(f"{_WHAT}: {where}: expected a candid as text, got {str(value)[:40]!r}")


def _kind(value: Any) -> str:
    return type(value).__name__
