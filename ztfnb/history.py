"""Histories of a batch of packets as ragged NumPy columns."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ztfnb.arrays import Array, Mask, arrays_of, merge, refuse_long_texts, scalar_fields
from ztfnb.codec import decode
from ztfnb.errors import DecodeError
from ztfnb.schema import Schema, Type


@dataclass(frozen=True, slots=True, eq=False)
class History(Mapping[str, Array]):
    """Histories of many alerts as ragged columns.

    The entries of row ``i`` are ``history[name][offsets[i]:offsets[i + 1]]``, in the packet's
    order. Nulls are as in `ztfnb.columns.Columns`.
    """

    arrays: Mapping[str, Array] = field(repr=False)
    masks: Mapping[str, Mask] = field(repr=False)
    """Of the columns that have nulls; True where the value is null or absent."""
    offsets: NDArray[np.intp]
    """Shape (rows + 1,)."""
    rows: NDArray[np.intp]
    """For each row, the position of its packet in the batch; ascending."""
    errors: tuple[tuple[int, DecodeError], ...] = ()
    """Position and reason of each packet that did not decode."""

    def __getitem__(self, name: str) -> Array:
        return self.arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    def mask(self, name: str) -> Mask:
        """Return where a column is null or absent; one element for each entry."""
        entries = len(self.arrays[name])
        found = self.masks.get(name)
        return np.zeros(entries, bool) if found is None else found

    def of(self, row: int) -> dict[str, Array]:
        """Return the entries of one row, by field name."""
        part = slice(self.offsets[row], self.offsets[row + 1])
        return {name: values[part] for name, values in self.arrays.items()}


def decode_history(
    values: Sequence[bytes],
    which: str = "prv_candidates",
    fields: Collection[str] | None = None,
) -> History:
    """Decode the histories of a batch of packets.

    Parameters
    ----------
    values
        The packets; schemas may differ.
    which
        ``"prv_candidates"`` or ``"fp_hists"`` (Rubin: ``"prvDiaSources"`` and the like). A
        packet without it has no entries; entries that are null are left out.
    fields
        Names to return; all scalar fields where None.

    Returns
    -------
    History
        A packet that does not decode, or in which ``which`` is no list of records, is left out
        and listed in ``errors``.
    """
    wanted = None if fields is None else frozenset(fields)
    offsets = [0]
    rows: list[int] = []
    errors: list[tuple[int, DecodeError]] = []
    groups: dict[Schema, tuple[list[int], list[Mapping[str, Any]]]] = {}
    for place, data in enumerate(values):
        try:
            alert = decode(data)
            types = _entry_fields(alert.schema, which, wanted)
            entries = [entry for entry in alert.get(which) or () if entry is not None]
            refuse_long_texts(types, entries)
        except DecodeError as error:
            errors.append((place, error))
            continue
        places, found = groups.setdefault(alert.schema, ([], []))
        places.extend(range(offsets[-1], offsets[-1] + len(entries)))
        found.extend(entries)
        rows.append(place)
        offsets.append(offsets[-1] + len(entries))
    merged = merge(
        [
            arrays_of(places, _entry_fields(schema, which, wanted), found)
            for schema, (places, found) in groups.items()
        ]
    )
    return History(
        merged.arrays,
        merged.masks,
        np.array(offsets, np.intp),
        np.array(rows, np.intp),
        tuple(errors),
    )


def _entry_fields(schema: Schema, which: str, wanted: frozenset[str] | None) -> dict[str, Type]:
    for entry in schema.root.fields:
        if entry.name == which:
            items = entry.type.value.items
            if entry.type.value.kind == "array" and items and items.value.kind == "record":
                return scalar_fields(items.value, wanted)
            raise DecodeError(
                f"expected a list of records, got {entry.type.value.kind}", where=which
            )
    return {}
