"""What the value that a filter returns means: passed or not, and annotations."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from ztfnb.errors import FilterError
from ztfnb.filters.threshold import Value


class Verdict(IntEnum):
    """What became of an alert. Received = passed + rejected + failed, everywhere."""

    FAILED = -1
    """The filter raised an exception, or returned what cannot be judged."""
    REJECTED = 0
    PASSED = 1


def passes(value: Any) -> bool:
    """Return whether a value that a filter returned lets the alert pass.

    A mapping does, also an empty one; anything else by its truth, None as False.
    """
    return True if isinstance(value, Mapping) else bool(value)


def annotations_of(value: Any) -> dict[str, Value]:
    """Return the annotations in a value that a filter returned; none if it is no mapping.

    Raises
    ------
    FilterError
        If a name is no text, or a value no number, text or bool.
    """
    if not isinstance(value, Mapping):
        return {}
    return {_name(name): _annotation(name, each) for name, each in value.items()}


def merged(*values: Any) -> Any:
    """Return what several filters returned as one: their annotations together, or True."""
    notes: dict[str, Any] = {}
    for value in values:
        notes |= annotations_of(value)
    return notes or True


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise FilterError(f"the name of an annotation is a text, got {name!r}")
    return name


def _annotation(name: str, value: Any) -> Value:
    plain = value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value
    if not isinstance(plain, bool | int | float | str):
        raise FilterError(
            f"the annotation {name!r} is a {type(value).__name__}; "
            "expected a number, a text or True or False"
        )
    return plain
