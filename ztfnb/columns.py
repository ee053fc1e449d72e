"""Batches of packets to NumPy columns: one for each field of the candidate and the top level.

Ordinary packets are decoded together by `ztfnb.batch`. What does not fit there (another codec,
Rubin's packets, text that is not ASCII, damaged bytes) is decoded one by one by `ztfnb.codec`, to
the same values.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ztfnb.alert import CORES, Alert, layout_of
from ztfnb.arrays import Array, Mask, Part, arrays_of, merge, refuse_long_texts, scalar_fields
from ztfnb.batch import Plan, decode_batch, locate, plan_of
from ztfnb.codec import as_bytes, decode
from ztfnb.errors import DecodeError
from ztfnb.history import History, decode_history
from ztfnb.outline import Outline, outline_of
from ztfnb.schema import SCHEMAS_KEPT, Schema, Type

__all__ = ["Columns", "History", "decode_columns", "decode_history"]

MAX_COLUMNS = 4_000
"""Columns of one batch, whatever its schemas; real ones together have about 200."""
_MAX_OUTLINES = 10_000
_AT_ONCE = 2_048
"""Packets decoded together; more are no quicker, and take memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns(Mapping[str, Array]):
    """The values of a batch of packets by field name, one row for each packet that decoded.

    Nulls are NaN in float columns, 0 in integers, ``False`` and ``""`` elsewhere; `mask` tells
    them, and fields that a packet's schema does not have, from values. (NumPy drops NUL
    characters at the end of a string.)
    """

    arrays: Mapping[str, Array] = field(repr=False)
    masks: Mapping[str, Mask] = field(repr=False)
    """Of the columns that have nulls; True where the value is null or absent."""
    rows: NDArray[np.intp]
    """For each row, the position of its packet in the batch; ascending."""
    errors: tuple[tuple[int, DecodeError], ...] = ()
    """Position and reason of each packet that did not decode."""
    outlines: tuple[Outline, ...] = field(default=(), repr=False)
    """Which fields the packets have."""
    outline: NDArray[np.int16] | None = field(default=None, repr=False)
    """For each row, the number of its packet's outline; -1 where columns cannot tell all of its
    scalars exactly. None where that is not known of any."""

    def __getitem__(self, name: str) -> Array:
        return self.arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    def mask(self, name: str) -> Mask:
        """Return where a column is null or absent."""
        self.arrays[name]  # an unknown name is a KeyError, not an empty mask
        found = self.masks.get(name)
        return np.zeros(len(self.rows), bool) if found is None else found

    @property
    def candid(self) -> NDArray[np.int64]:
        """The identifier of each alert: ``candid`` of ZTF, ``diaSourceId`` of Rubin.

        Raises
        ------
        KeyError
            If it is not among the fields that were asked for.
        """
        if not len(self.rows):
            return np.zeros(0, np.int64)
        names = [name for name in CORES.values() if name in self.arrays]
        if not names:
            raise KeyError(f"none of {', '.join(CORES.values())} is among the columns")
        result = self.arrays[names[0]]
        for name in names[1:]:
            result = np.where(self.mask(names[0]), self.arrays[name], result)
        return result


def decode_columns(values: Sequence[bytes], fields: Collection[str] | None = None) -> Columns:
    """Decode the candidate and the top-level scalars of a batch of packets.

    Parameters
    ----------
    values
        The packets; schemas may differ from one to the next.
    fields
        Names to return; all where None. The candidate's own fields go before top-level ones of
        the same name.

    Returns
    -------
    Columns
        A packet that does not decode is left out and listed in ``errors``; so is one whose
        strings or fields would make columns beyond all measure.
    """
    wanted = None if fields is None else frozenset(fields)
    groups: dict[Plan, tuple[list[int], list[bytes]]] = {}
    slow: list[int] = []
    outlines = _Outlines(len(values))
    for place, data in enumerate(values):
        found = locate(as_bytes(data))
        plan = None if found is None else plan_of(found[0])
        if found is None or plan is None:
            slow.append(place)
            continue
        places, records = groups.setdefault(plan, ([], []))
        places.append(place)
        records.append(found[1])
        outlines.add(place, found[0])

    parts: list[Part] = []
    for plan, (places, records) in groups.items():
        for begin in range(0, len(places), _AT_ONCE):
            some = slice(begin, begin + _AT_ONCE)
            part, left, apart = decode_batch(
                plan, np.array(places[some], np.intp), records[some], wanted
            )
            parts.append(part)
            slow.extend(left.tolist())
            for place in apart.tolist():
                outlines.set_apart(place)
    errors: list[tuple[int, DecodeError]] = []
    parts += _decode_rows(values, slow, wanted, errors, outlines)
    merged = merge(_within_limit(parts, errors))
    errors.sort(key=lambda entry: entry[0])
    return Columns(
        merged.arrays,
        merged.masks,
        merged.places,
        tuple(errors),
        tuple(outlines.known),
        np.array(outlines.numbers, np.int16)[merged.places],
    )


class _Outlines:
    """The outline of each packet of a batch."""

    def __init__(self, count: int) -> None:
        self.known: dict[Outline, int] = {}
        self.numbers = [-1] * count
        self._of: dict[Schema, int] = {}

    def add(self, place: int, schema: Schema) -> None:
        """Note the schema of a packet."""
        number = self._of.get(schema)
        if number is None:
            number = self._of[schema] = self._number(outline_of(schema))
        self.numbers[place] = number

    def set_apart(self, place: int) -> None:
        """Note that a packet's top level and core differ in what both have."""
        number = self.numbers[place]
        if number >= 0:
            outline = next(one for one, known in self.known.items() if known == number)
            self.numbers[place] = self._number(outline.apart)

    def forget(self, place: int) -> None:
        """Note that columns cannot tell a packet's scalars exactly."""
        self.numbers[place] = -1

    def _number(self, outline: Outline) -> int:
        number = self.known.setdefault(outline, len(self.known))
        return number if number <= _MAX_OUTLINES else -1


def _decode_rows(
    values: Sequence[bytes],
    places: Sequence[int],
    wanted: frozenset[str] | None,
    errors: list[tuple[int, DecodeError]],
    outlines: _Outlines,
) -> list[Part]:
    """Decode packets one by one; the reference for what the batch decoder does."""
    groups: dict[Schema, tuple[list[int], list[dict[str, Any]]]] = {}
    for place in places:
        try:
            alert = decode(values[place])
            types = _types(alert.schema, wanted)
            row = _scalars(alert, types)
            refuse_long_texts(types, [row])
        except DecodeError as error:
            errors.append((place, error))
            continue
        kept, rows = groups.setdefault(alert.schema, ([], []))
        kept.append(place)
        rows.append(row)
        outlines.add(place, alert.schema)
        if any(isinstance(value, str) and value.endswith("\0") for value in row.values()):
            outlines.forget(place)
        elif any(alert[name] != alert.core[name] for name in outline_of(alert.schema).shared):
            outlines.set_apart(place)
    return [
        arrays_of(kept, _types(schema, wanted), rows) for schema, (kept, rows) in groups.items()
    ]


@lru_cache(maxsize=SCHEMAS_KEPT)
def _types(schema: Schema, wanted: frozenset[str] | None) -> Mapping[str, Type]:
    """Scalar fields of the top level and the core, by name; the core's go before the others."""
    core = schema.root.fields[layout_of(schema).head - 1].type.value
    inside = {entry.name for entry in core.fields}
    top = scalar_fields(schema.root, wanted)
    return {
        **{name: kind for name, kind in top.items() if name not in inside},
        **scalar_fields(core, wanted),
    }


def _scalars(alert: Alert, types: Mapping[str, Type]) -> dict[str, Any]:
    core = alert.core
    return {name: core[name] if name in core else alert[name] for name in types}


def _within_limit(parts: Sequence[Part], errors: list[tuple[int, DecodeError]]) -> list[Part]:
    """Leave out what brings more columns than a batch may have: the smallest parts first."""
    kept: list[Part] = []
    names: set[str] = set()
    for part in sorted(parts, key=lambda part: len(part.places), reverse=True):
        if not len(part.places):
            break
        if len(names.union(part.arrays)) > MAX_COLUMNS:
            reason = f"its fields would make more than {MAX_COLUMNS:,} columns in one batch"
            errors += [(place, DecodeError(reason)) for place in part.places.tolist()]
            continue
        names.update(part.arrays)
        kept.append(part)
    return kept
