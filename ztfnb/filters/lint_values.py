"""What names stand for while a filter's source is read: records, fields of them, lists of them.

And what is known of them at some place: facts, such as that a field was seen not to be null.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from ztfnb.fields import VERSIONS, Field, fields

What = Literal["present", "value", "number", "some"]
"""The key is there; it is not null; it is no marker such as -999; a list has an entry."""
Fact = tuple[str, str, What]
"""Of which record, of which field, and what is known."""
Facts = frozenset[Fact]

LISTS = {"prv_candidates": "prv_candidate", "fp_hists": "fp_hist"}
_EVERYWHERE = VERSIONS.index("1.8")
"""Public alerts begin with this version: a field that it has is in all of them."""
_MARKER = re.compile(r"-9+")
LIMIT = "upper limit"
"""What the documentation says of fields that only detections have."""
_NUMBERS = ("int", "long", "float", "double")

# As the documentation of each field states it (`ztfnb.fields`).
_RANGES: dict[str, tuple[float, float]] = {
    "rb": (0, 1),
    "drb": (0, 1),
    "classtar": (0, 1),
    "sgscore1": (0, 1),
    "sgscore2": (0, 1),
    "sgscore3": (0, 1),
    "fid": (1, 3),
    "programid": (1, 3),
    "tooflag": (0, 1),
    "rcid": (0, 63),
    "nneg": (0, 25),
    "nbad": (0, 25),
}
TEXTS: dict[str, tuple[str, ...]] = {"isdiffpos": ("t", "1", "f", "0")}
"""Fields that are one of a few texts."""


@dataclass(frozen=True, slots=True)
class Rec:
    """A record; ``token`` tells entries of a list apart."""

    record: str
    token: str


@dataclass(frozen=True, slots=True)
class Read:
    """A field as it was read."""

    field: Field
    token: str
    by_get: bool = False
    default: bool = False
    """Whether something other than None was to be given where the field is absent."""

    @property
    def missing_none(self) -> bool:
        """Whether it may be None."""
        if self.by_get and is_newer(self.field):
            # Whoever gives a default has thought of what is missing.
            return not self.default
        return self.field.nullable


@dataclass(frozen=True, slots=True)
class Seq:
    """A list, of records or of what was taken from them."""

    item: Value
    token: str
    null: bool = False
    """Whether it may be None."""
    empty: bool = True
    """Whether it may be empty."""
    facts: frozenset[tuple[str, What]] = frozenset()
    """What is known of each entry's fields."""
    default: bool = False
    """Whether it was read by ``get`` with something to be given instead."""


@dataclass(frozen=True, slots=True)
class Const:
    """A value that stands in the source."""

    value: Any


@dataclass(frozen=True, slots=True)
class Setting:
    """A threshold, or a number that is defined outside the function."""

    value: Any


@dataclass(frozen=True, slots=True)
class Test:
    """The outcome of a condition that has a name."""

    node: Any = field(compare=False)


Value = Rec | Read | Seq | Const | Setting | Test | None


@lru_cache(maxsize=1)
def records() -> dict[str, dict[str, Field]]:
    """Return the documented fields of each record, by name."""
    found: dict[str, dict[str, Field]] = {}
    for one in fields():
        found.setdefault(one.record, {})[one.name] = one
    return found


def is_newer(one: Field) -> bool:
    """Return whether some public alerts were written before the field was introduced."""
    return one.record != "fp_hist" and VERSIONS.index(one.versions[0]) > _EVERYWHERE


def is_text(one: Field) -> bool:
    """Return whether the field holds text."""
    return one.type == "string"


def is_number(one: Field) -> bool:
    """Return whether the field holds a number."""
    return one.type in _NUMBERS


def marker(one: Field) -> float | None:
    """Return the number that stands where there is no value; None if there is none."""
    found = _MARKER.search(one.missing)
    return float(found[0]) if found else None


def is_distance(one: Field) -> bool:
    """Return whether nothing near would be a large value: a marker stands on the wrong side."""
    return one.doc.startswith("Distance")


def span(one: Field) -> tuple[float, float] | None:
    """Return the documented range of a field, without its marker."""
    return _RANGES.get(one.name)


def known(facts: Facts, read: Read, what: What) -> bool:
    """Return whether something is known of a field.

    A field of an epoch that is no upper limit is not null, and a newer field is in every packet
    that has one as new.
    """
    name, token, one = read.field.name, read.token, read.field
    if (token, name, what) in facts or (what == "present" and (token, name, "value") in facts):
        return True
    others = records()[one.record]
    seen = [others[other] for where, other, _ in facts if where == token and other in others]
    if what == "value" and one.record == "prv_candidate":
        proven = {other for where, other, fact in facts if where == token and fact == "value"}
        return any(LIMIT in others[other].missing for other in proven if other in others)
    if what == "present":
        since = VERSIONS.index(one.versions[0])
        return any(VERSIONS.index(other.versions[0]) >= since for other in seen)
    return False


def about(facts: Iterable[Fact], token: str) -> frozenset[tuple[str, What]]:
    """Return what is known of one record or list, without its token."""
    return frozenset((name, what) for where, name, what in facts if where == token)
