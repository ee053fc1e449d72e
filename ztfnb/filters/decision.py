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
    passed = [(name, annotations_of(value)) for name, value in _named(values, named)]
    notes: dict[str, Value] = {}
    for owner, own in passed:
        for name, value in own.items():
            others = [each[name] for _, each in passed if name in each]
            agree = all(type(each) is type(value) and each == value for each in others)
            notes[name if agree else f"{owner}_{name}"] = value
    return notes or True


def _named(values: tuple[Any, ...], named: dict[str, Any]) -> list[tuple[str, Any]]:
    every = [(f"filter{place}", value) for place, value in enumerate(values, 1)]
    every += named.items()
    return [(name, value) for name, value in every if passes(value)]


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise FilterError(f"the name of an annotation is a text, got {name!r}")
    return name


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
