"""Values of many records to NumPy arrays, and arrays of several schemas to columns.

A column has one type for all its rows. Where a value is null, or a record's schema does not have
the field, the column holds NaN (floats), 0, ``False`` or ``""``, and its mask says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ztfnb.errors import DecodeError
from ztfnb.schema import Type

DTYPES: dict[str, str] = {
    "boolean": "?",
    "int": "<i4",
    "long": "<i8",
    "float": "<f4",
    "double": "<f8",
    "string": "U",
}
MAX_TEXT = 2_048
"""Characters in the strings of one record; a column is as wide in all rows as in its widest."""
_MAX_TEXTS = 512 * 1024
"""The same for all records that one packet brings, each as wide as the widest."""

Array = NDArray[Any]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Part:
    """Columns of some of a batch's records."""

    places: NDArray[np.intp]
    """Where in the batch each record stands."""
    arrays: Mapping[str, Array]
    masks: Mapping[str, Mask]
    """Of the columns that have nulls."""

    def take(self, rows: Mask) -> Part:
        """Return some of the records."""
        return Part(
            self.places[rows],
            {name: values[rows] for name, values in self.arrays.items()},
            {name: mask[rows] for name, mask in self.masks.items() if mask[rows].any()},
        )


def is_scalar(kind: Type) -> bool:
    """Whether a column can hold a type: a number, a boolean or a string, or one of them or null."""
    return kind.value.kind in DTYPES and kind.value.logical is None


def scalar_fields(record: Type, wanted: frozenset[str] | None) -> dict[str, Type]:
    """Return the fields of a record that a column can hold, by name, without the null."""
    return {
        entry.name: entry.type.value
        for entry in record.fields
        if is_scalar(entry.type) and (wanted is None or entry.name in wanted)
    }


def refuse_long_texts(types: Mapping[str, Type], rows: Sequence[Mapping[str, Any]]) -> None:
    """Refuse the records of a packet whose strings would make columns beyond all measure.

    Raises
    ------
    DecodeError
        If they do.
    """
    texts = [name for name, kind in types.items() if kind.kind == "string"]
    widest = max((sum(len(row[name] or "") for name in texts) for row in rows), default=0)
    if widest > MAX_TEXT or widest * len(rows) > _MAX_TEXTS:
        raise DecodeError(
            f"strings of {widest:,} characters in a record; a column holds up to {MAX_TEXT:,}, "
            f"and up to {_MAX_TEXTS:,} in all records of a packet"
        )


def arrays_of(
    places: Iterable[int], types: Mapping[str, Type], rows: Sequence[Mapping[str, Any]]
) -> Part:
    """Return the values of decoded records as columns."""
    arrays: dict[str, Array] = {}
    masks: dict[str, Mask] = {}
    for name, kind in types.items():
        found = [row[name] for row in rows]
        dtype = np.dtype(DTYPES[kind.kind])
        null = np.array([value is None for value in found], bool)
        if null.any():
            masks[name] = null
            found = [_missing(dtype) if value is None else value for value in found]
        arrays[name] = np.array(found, dtype)
    return Part(np.array(list(places), np.intp), arrays, masks)


def _missing(dtype: np.dtype[Any]) -> Any:
    return np.nan if dtype.kind == "f" else np.zeros((), dtype).item()


def merge(parts: Sequence[Part]) -> Part:
    """Return several parts as one, in order of their places."""
    if len(parts) == 1:
        return parts[0]
    places = np.sort(np.concatenate([np.zeros(0, np.intp), *(part.places for part in parts)]))
    rows = [np.searchsorted(places, part.places) for part in parts]
    arrays: dict[str, Array] = {}
    masks: dict[str, Mask] = {}
    for name in dict.fromkeys(name for part in parts for name in part.arrays):
        dtype = _common_dtype([part.arrays[name].dtype for part in parts if name in part.arrays])
        values = np.full(len(places), _missing(dtype), dtype)
        null = np.ones(len(places), bool)
        for part, at in zip(parts, rows, strict=True):
            if name in part.arrays:
                values[at] = part.arrays[name]
                null[at] = part.masks.get(name, False)
        arrays[name] = values
        if null.any():
            masks[name] = null
    return Part(places, arrays, masks)


def _common_dtype(dtypes: Sequence[np.dtype[Any]]) -> np.dtype[Any]:
    if len({dtype.kind == "U" for dtype in dtypes}) > 1:
        # Text in one schema version and a number in another: text holds both.
        return np.result_type("U32", *(dtype for dtype in dtypes if dtype.kind == "U"))
    return np.result_type(*dtypes)
