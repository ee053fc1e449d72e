"""Values of which text says everything: those that a filter's hash can see."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import fractions
import pathlib
import re
from contextlib import suppress
from dataclasses import fields, is_dataclass
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import numpy as np

from ztfnb.filters.libraries import is_library

_DEEPEST = 20


class UnseenError(Exception):
    """A value of which no text says everything."""


def canonical(value: Any, depth: int = 0) -> str:
    """Return a text that is the same for equal values, and another for any other.

    Numbers, texts, dates, paths, patterns, arrays, and what holds only such.

    Raises
    ------
    UnseenError
        If it is of another kind; says of which.
    """
    kind = type(value)
    if depth > _DEEPEST:
        raise UnseenError("values in one another too deep to follow")
    if kind in _SIMPLE or _is_flat(kind, value):
        with suppress(ValueError):  # Python writes no decimal number of more than 4,300 digits
            return f"{kind.__name__} {value!r}"
    if kind is int:
        return f"int {value:#x}"
    if kind in (set, frozenset):
        return f"{kind.__name__}[{','.join(sorted(canonical(v, depth + 1) for v in value))}]"
    if isinstance(value, np.ndarray | np.generic) and not value.dtype.hasobject:
        return _array(value, depth)
    inner = _inside(value)
    if inner is None:
        raise UnseenError(f"a {kind.__qualname__} is known by its type only")
    # Of the author's classes no text says where they stand: a cell, a module, a bundle.
    home = kind.__module__ if is_library(kind.__module__) else "__main__"
    return f"{home}.{kind.__qualname__}[{_several(inner, depth)}]"


def _is_flat(kind: type, value: Any) -> bool:
    """Return whether a value holds nothing but simple ones, of which Python's text says all."""
    if kind is dict:
        return _SIMPLE.issuperset(map(type, value)) and _SIMPLE.issuperset(
            map(type, value.values())
        )
    return kind in (list, tuple) and _SIMPLE.issuperset(map(type, value))


def _inside(  # noqa: PLR0911 - one for each kind
    value: Any,
) -> list[Any] | None:
    """Return the values that one is made of; None where these do not say everything."""
    kind = type(value)
    if kind in (tuple, list) or (isinstance(value, tuple) and hasattr(kind, "_fields")):
        return list(value)
    if kind in (dict, SimpleNamespace):
        items = value.items() if kind is dict else vars(value).items()
        return [each for pair in items for each in pair]
    if kind is re.Pattern:
        return [value.pattern, value.flags]
    if isinstance(value, enum.Enum):
        return [value.name, value.value]
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, one.name) for one in fields(value)]
    if (base := builtin_of(kind)) is not None:
        return [base(value), getattr(value, "__dict__", {})]
    return [str(value)] if isinstance(value, pathlib.PurePath) else None


def builtin_of(kind: type) -> type | None:
    """Return what of Python's own an author's class extends; None where it holds more than that."""
    own = [one for one in kind.__mro__ if not is_library(one.__module__)]
    base, *rest = kind.__mro__[len(own) :]
    alone = own and rest == [object] and base in _EXTENDED
    return base if alone and not any(vars(one).get("__slots__") for one in own) else None


def _array(value: Any, depth: int) -> str:
    masked = isinstance(value, np.ma.MaskedArray)
    extra = canonical(np.ma.getmaskarray(value), depth + 1) if masked else ""
    digest = sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
    return f"array {value.dtype.descr} {np.shape(value)} {digest} {extra}"


def _several(values: Any, depth: int) -> str:
    return ",".join(canonical(value, depth + 1) for value in values)


_EXTENDED = (dict, list, tuple, set, frozenset, str, bytes, int, float, complex)
_SIMPLE = frozenset(
    {
        *(bool, int, float, complex, str, bytes, type(None), type(...), range, slice),
        *(dt.date, dt.datetime, dt.time, dt.timedelta, dt.timezone),
        *(decimal.Decimal, fractions.Fraction),
    }
)
