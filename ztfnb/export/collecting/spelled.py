"""Values as Python source that makes exactly the same again."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import enum
import fractions
import math
import pathlib
import re
import types
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ztfnb.filters.constants import builtin_of, canonical
from ztfnb.filters.libraries import is_library

LARGEST = 1_000
"""Values of an array that may stand in source text."""
LONGEST = 20_000
"""Characters of a constant in source text."""
_DEEPEST = 20
_MOST_BITS = 10_000
"""Of an integer with decimal digits: Python reads and writes 4,300 of them."""

ModuleName = Callable[[str], str]
"""Gives the name under which a module is imported."""
Reference = Callable[[Any], str]
"""Gives the name of a function, class or filter; raises `NotSpelledError` for anything else."""


class NotSpelledError(Exception):
    """A value that source text cannot make again; says why, and what to do."""


def spell(value: Any, module: ModuleName, reference: Reference, depth: int = 0) -> str:
    """Return source text that makes a value.

    Parameters
    ----------
    module
        Asked for the name of each module that the text uses.
    reference
        Asked for the name of each function, class or filter in it.

    Raises
    ------
    NotSpelledError
        If no text makes it.
    """
    if depth > _DEEPEST:
        raise NotSpelledError("holds values in one another too deep to write down")
    inner = partial(spell, module=module, reference=reference, depth=depth + 1)
    kind = type(value)
    if kind is int and value.bit_length() > _MOST_BITS:
        text = hex(value)
    elif kind in (bool, int, str, bytes, types.NoneType, types.EllipsisType):
        text = repr(value)
    elif kind in (float, complex):
        text = _number(value)
    elif kind in (list, tuple, set, frozenset, dict):
        text = _collection(value, inner)
    elif isinstance(value, np.ndarray | np.generic):
        text = _array(value, module, inner)
    elif kind.__module__ in ("datetime", "zoneinfo", "decimal", "fractions"):
        text = _told_by_repr(value, module)
    else:
        text = _object(value, module, inner, reference)
    if len(text) > LONGEST:
        raise NotSpelledError(
            f"is {len(text):,} characters long as source; write it to a file and declare that"
        )
    return text


def _number(value: complex) -> str:
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else f'float("{value!r}")'
    return f"complex({_number(value.real)}, {_number(value.imag)})"


def _collection(value: Any, inner: Callable[[Any], str]) -> str:
    match value:
        case dict():
            return f"{{{', '.join(f'{inner(k)}: {inner(v)}' for k, v in value.items())}}}"
        case list():
            return f"[{_joined(map(inner, value))}]"
        case tuple():
            return f"({_joined(map(inner, value))}{',' if len(value) == 1 else ''})"
        case set() if value:
            return f"{{{_joined(sorted(map(inner, value)))}}}"
        case frozenset() if value:
            return f"frozenset({{{_joined(sorted(map(inner, value)))}}})"
    return f"{type(value).__name__}()"


def _joined(texts: Iterable[str]) -> str:
    return ", ".join(texts)


def _array(value: Any, module: ModuleName, inner: Callable[[Any], str]) -> str:
    kind = type(value)
    if value.size > LARGEST:
        raise NotSpelledError(
            f"is an array of {value.size:,} values (up to {LARGEST:,} are written into the "
            "source); np.save it"
        )
    if value.dtype.hasobject:
        raise NotSpelledError("is an array of Python objects; use numbers or texts")
    np_ = module("numpy")
    if isinstance(value, np.ma.MaskedArray):
        mask = inner(np.ma.getmaskarray(value))
        return f"{np_}.ma.array({inner(np.asarray(value))}, mask={mask})"
    if kind is not np.ndarray and not isinstance(value, np.generic):
        raise NotSpelledError(f"is a {kind.__qualname__}, which is more than its numbers")
    dtype = repr(value.dtype.descr if value.dtype.fields else value.dtype.str)
    if isinstance(value, np.generic):
        text = f"{np_}.{kind.__name__}({_plain(value, inner)})"
    else:
        text = f"{np_}.array({_plain(value, inner)}, dtype={dtype})"
    if _makes(text, np_, value):
        return text
    raw = np.ascontiguousarray(value).tobytes().hex()
    text = f'{np_}.frombuffer(bytes.fromhex("{raw}"), dtype={dtype})'
    return (
        f"{text}[0]" if isinstance(value, np.generic) else f"{text}.reshape({value.shape}).copy()"
    )


def _plain(value: Any, inner: Callable[[Any], str]) -> str:
    if value.dtype.kind in "mM":  # Python's own times have other units
        return repr(str(value))
    try:
        return inner(value.tolist())
    except NotSpelledError:
        return "None"


def _makes(text: str, np_: str, value: Any) -> bool:
    """Return whether text makes an array of the same bytes."""
    try:
        made = eval(text, {np_: np})  # noqa: S307 - text that was written right here
    except (ValueError, TypeError, AttributeError, OverflowError, NameError):
        return False
    same = type(made) is type(value) and made.dtype == value.dtype and made.shape == value.shape
    return same and made.tobytes() == value.tobytes()


_QUALIFIED = re.compile(r"\b(datetime|zoneinfo)\.(?=[A-Za-z])")


def _told_by_repr(value: Any, module: ModuleName) -> str:
    """Return dates, times and exact numbers as Python itself writes them."""
    try:
        text = repr(value)
    except ValueError:
        raise NotSpelledError("has more digits than Python writes down") from None
    if isinstance(value, decimal.Decimal | fractions.Fraction):
        return f"{module(type(value).__module__)}.{text}"
    text = _QUALIFIED.sub(lambda found: f"{module(found[1])}.", text)
    if text.startswith("<") or (
        isinstance(value, dt.datetime | dt.time) and not _known_zone(value)
    ):
        raise NotSpelledError("has a time zone of which no text says everything; use UTC")
    return text


def _known_zone(value: dt.datetime | dt.time) -> bool:
    zone = value.tzinfo
    return zone is None or type(zone).__module__ in ("datetime", "zoneinfo")


def _object(  # noqa: C901, PLR0911, PLR0912 - one for each kind
    value: Any, module: ModuleName, inner: Callable[[Any], str], reference: Reference
) -> str:
    kind = type(value)
    match value:
        case range():
            return repr(value)
        case slice():
            return f"slice({_joined(map(inner, (value.start, value.stop, value.step)))})"
        case bytearray():
            return f"bytearray({bytes(value)!r})"
        case re.Pattern():
            return _pattern(value, module("re"))
        case types.SimpleNamespace():
            return f"{module('types')}.SimpleNamespace({_keywords(vars(value), inner)})"
        case types.MappingProxyType():
            return f"{module('types')}.MappingProxyType({inner(dict(value))})"
        case enum.Enum():
            named = kind.__members__.get(value.name or "") is value
            member = f"[{value.name!r}]" if named else f"({inner(value.value)})"
            return f"{_class(kind, module, reference)}{member}"
        case pathlib.PurePath():
            return f"{module('pathlib')}.{kind.__name__}({str(value)!r})"
        case partial() if kind is partial and not vars(value):
            given = [reference(value.func), *map(inner, value.args)]
            given += [f"{name}={inner(one)}" for name, one in value.keywords.items()]
            return f"{module('functools')}.partial({_joined(given)})"
    if kind.__module__ == "collections":
        return _of_collections(value, module, inner, reference)
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return f"{_class(kind, module, reference)}({_joined(map(inner, value))})"
    if is_dataclass(value) and all(one.init for one in fields(value)):
        held = {one.name: getattr(value, one.name) for one in fields(value)}
        if set(getattr(value, "__dict__", held)) <= set(held) and _comes_again(value):
            return f"{_class(kind, module, reference)}({_keywords(held, inner)})"
    base = builtin_of(kind)
    if base is not None and _is_made_as(kind, base) and not getattr(value, "__dict__", None):
        return f"{_class(kind, module, reference)}({inner(base(value))})"
    return reference(value)


def _is_made_as(kind: type, base: type) -> bool:
    """Return whether a class makes its objects as the one that it extends."""
    return all(getattr(kind, one) is getattr(base, one) for one in ("__new__", "__init__"))


def _comes_again(value: Any) -> bool:
    """Return whether a data class makes of its values the same again; it may change them."""
    if not hasattr(value, "__post_init__"):
        return True
    try:
        return canonical(replace(value)) == canonical(value)
    except Exception:  # noqa: BLE001 - the author's code, and whatever it holds
        return False


def _of_collections(
    value: Any, module: ModuleName, inner: Callable[[Any], str], reference: Reference
) -> str:
    name = f"{module('collections')}.{type(value).__name__}"
    match value:
        case collections.deque():
            return f"{name}({inner(list(value))}, {inner(value.maxlen)})"
        case collections.defaultdict():
            factory = value.default_factory
            made = "None" if factory is None else reference(factory)
            return f"{name}({made}, {inner(dict(value))})"
        case collections.Counter() | collections.OrderedDict():
            return f"{name}({inner(dict(value))})"
    return reference(value)


def _class(kind: type, module: ModuleName, reference: Reference) -> str:
    if is_library(kind.__module__) and "." not in kind.__qualname__:
        return f"{module(kind.__module__)}.{kind.__name__}"
    return reference(kind)


def _pattern(value: re.Pattern[Any], re_: str) -> str:
    flags = re.RegexFlag(value.flags & ~(re.UNICODE if isinstance(value.pattern, str) else 0))
    names = [f"{re_}.{one.name}" for one in flags]
    return f"{re_}.compile({', '.join(filter(None, [repr(value.pattern), ' | '.join(names)]))})"


def _keywords(held: dict[str, Any], inner: Callable[[Any], str]) -> str:
    return _joined(f"{name}={inner(one)}" for name, one in held.items())
