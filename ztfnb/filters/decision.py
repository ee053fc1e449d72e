"""What the value that a filter returns means: passed or not, and annotations."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

import numpy as np

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
    if value is True or value is False:  # what is usual first: this runs for every alert
        return value
    return isinstance(value, Mapping) or bool(value)


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


def merged(*values: Any, **named: Any) -> Any:
    """Return what several filters returned as one: the annotations of those that pass, or True.

    Where two of them give other values to one name, both stay, each behind the name of its filter:
    ``merged(young=first, real=second)`` gives ``young_score`` and ``real_score``.
    """
    if all(value is True or value is False for value in (*values, *named.values())):
        return True
    numbered = [(f"filter{place}", value) for place, value in enumerate(values, 1)]
    passed = [
        (owner, annotations_of(value))
        for owner, value in (*numbered, *named.items())
        if passes(value)
    ]
    # Nothing is changed in place here: who reads the source sees that it may be run again.
    return {
        name if _agree(name, value, passed) else f"{owner}_{name}": value
        for owner, notes in passed
        for name, value in notes.items()
    } or True


def _agree(name: str, value: Value, passed: list[tuple[str, dict[str, Value]]]) -> bool:
    """Return whether all that have an annotation of this name have this value."""
    others = [notes[name] for _, notes in passed if name in notes]
    return all(type(other) is type(value) and other == value for other in others)


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise FilterError(f"the name of an annotation is a text, got {name!r}")
    if not is_name(name):
        raise FilterError(f"no header of a message can be called {name!r}; use another name")
    return name


def is_name(text: str) -> bool:
    """Return whether an annotation may have a text as its name: it becomes that of a header.

    One that UTF-8 cannot say makes the Kafka client crash (confluent-kafka 2.16.1); at a zero it
    would be cut off.
    """
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def _annotation(name: str, value: Any) -> Value:
    if value is np.ma.masked:
        raise FilterError(f"the annotation {name!r} is masked; leave it out where it is missing")
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        value = value.item()
    if not isinstance(value, Value):
        raise FilterError(
            f"the annotation {name!r} is a {type(value).__name__}; "
            "expected a number, a text or True or False"
        )
    return value
