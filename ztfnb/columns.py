"""Batches of packets to NumPy columns, decoded for the whole batch at once.

The bytes that hold the candidates of a batch are gathered in one array and read field by field
for all packets together: a run of fixed-width fields is one gather, a variable-length integer a
few operations on 64-bit words. What does not fit that (another codec, a null in odd places, text
that is not ASCII, damaged bytes) is decoded row by row by `ztfnb.codec`, to the same values.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ztfnb.alert import CORES, Alert, layout_of
from ztfnb.binary import BadValueError, Run, fixed_width_run, read_long
from ztfnb.codec import decode
from ztfnb.container import MAX_PACKET_BYTES, SYNC_BYTES, read_header
from ztfnb.errors import DecodeError
from ztfnb.schema import Field, Schema, Type

WINDOW = 1536
"""Bytes gathered of each record. Candidates of real packets end after 700-1,100."""
_PAD = 4096
"""Bytes behind the last record, so that a gather at any position stays inside the array."""

_DTYPES: dict[str, str] = {
    "boolean": "?",
    "int": "<i4",
    "long": "<i8",
    "float": "<f4",
    "double": "<f8",
    "string": "U",
}

Array = NDArray[Any]
Mask = NDArray[np.bool_]


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
        """The identifier of each alert: ``candid`` of ZTF, ``diaSourceId`` of Rubin."""
        return next(self.arrays[name] for name in CORES.values() if name in self.arrays)


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
        A packet that does not decode is left out and listed in ``errors``.
    """
    groups: dict[Schema, tuple[list[int], list[bytes]]] = {}
    slow: list[int] = []
    for place, data in enumerate(values):
        schema, start, end = _locate(data)
        if schema is None:
            slow.append(place)
            continue
        group = groups.get(schema)
        if group is None:
            group = groups[schema] = ([], [])
        group[0].append(place)
        group[1].append(data[start : min(start + WINDOW, end)])

    parts: list[_Part] = []
    for schema, (places, records) in groups.items():
        plan = plan_of(schema)
        if plan is None:
            slow.extend(places)
            continue
        part, bad = _decode_group(plan, np.array(places, np.intp), records, fields)
        parts.append(part)
        slow.extend(np.asarray(places)[bad].tolist())
    errors: list[tuple[int, DecodeError]] = []
    if slow:
        parts += _decode_rows(values, sorted(slow), fields, errors)
    return _merge(parts, tuple(errors))


def _locate(data: bytes) -> tuple[Schema | None, int, int]:
    """Find the record of an ordinary packet; (None, 0, 0) for one that needs a closer look.

    The same checks as `ztfnb.container.read_frame` makes, without its words.
    """
    try:
        header = read_header(data)
        if len(data) > MAX_PACKET_BYTES:
            return None, 0, 0
        position = len(header.raw)
        at = position + SYNC_BYTES
        # One record: the count is the byte 2.
        if data[at] == 2 and header.codec == "null":
            size, start = read_long(data, at + 1)
            end = start + size
            sync = data[position:at]
            if size > 0 and data[end:] == sync:
                return header.schema, start, end
    except (DecodeError, BadValueError, IndexError):
        pass
    return None, 0, 0


# -- The plan of a schema ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Batch:
    """A batch while it is being decoded."""

    buffer: NDArray[np.uint8]
    position: NDArray[np.intp]
    """Where each record is being read; steps move it."""
    end: NDArray[np.intp]
    """Where each record's gathered bytes end."""
    bad: Mask
    """Records left to the row decoder."""
    arrays: dict[str, Array]
    masks: dict[str, Mask]
    wanted: Collection[str] | None

    def wants(self, name: str) -> bool:
        return self.wanted is None or name in self.wanted

    def gather(self, dtype: str, position: NDArray[np.intp]) -> Array:
        """Read one value of a type at each position, aligned or not."""
        item = np.dtype(dtype)
        return np.ndarray(
            (len(self.buffer) - item.itemsize + 1,), item, self.buffer.data, strides=(1,)
        )[position]

    def reject(self, rows: Mask) -> None:
        """Leave these records to the row decoder; they are read on from a harmless place."""
        if rows.any():
            self.bad[rows] = True
            self.position[rows] = 0

    def keep(self, name: str, values: Array, null: Mask | None) -> None:
        self.arrays[name] = values
        if null is not None and null.any():
            self.masks[name] = null


_Step = Callable[[_Batch], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How the candidates of one schema are read for a whole batch."""

    steps: tuple[_Step, ...]


@lru_cache(maxsize=256)
def plan_of(schema: Schema) -> Plan | None:
    """Return the plan of a schema; None where only the row decoder can read it."""
    try:
        layout = layout_of(schema)
    except DecodeError:
        return None
    fields = list(schema.root.fields[: layout.head])
    core = fields.pop().type
    if core.kind != "record" or len(schema.root.fields) - layout.head != sum(
        not _is_scalar(entry.type) for entry in schema.root.fields[layout.head :]
    ):
        # A nullable core, or (from some brokers) scalars behind the history.
        return None
    fields += core.fields
    steps: list[_Step] = []
    at = 0
    while at < len(fields):
        run = fixed_width_run(fields[at:])
        if run is not None and run.layout.size < _PAD:
            steps.append(_run_step(run))
            at += len(run.fields)
            continue
        step = _variable_step(fields[at])
        if step is None:
            return None
        steps.append(step)
        at += 1
    return Plan(tuple(steps))


def _is_scalar(kind: Type) -> bool:
    return kind.value.kind in _DTYPES and kind.value.logical is None


def _variable_step(entry: Field) -> _Step | None:
    value = entry.type.value
    if not _is_scalar(entry.type):
        return None
    nullable = entry.type.kind == "union"
    mark = 2 * entry.type.branches.index(value) if nullable else None
    if value.kind == "string":
        return _string_step(entry.name, mark)
    if value.kind == "boolean":
        return _boolean_step(entry.name, mark)
    return _integer_step(entry.name, mark, value.kind)


def _decode_group(
    plan: Plan, places: NDArray[np.intp], records: list[bytes], wanted: Collection[str] | None
) -> tuple[_Part, Mask]:
    count = len(records)
    lengths = np.fromiter(map(len, records), np.intp, count)
    if lengths.min() < WINDOW:
        records = [record.ljust(WINDOW, b"\0") for record in records]
    buffer = np.frombuffer(b"".join((*records, bytes(_PAD))), np.uint8)
    position = np.arange(count, dtype=np.intp) * WINDOW
    batch = _Batch(buffer, position, position + lengths, np.zeros(count, bool), {}, {}, wanted)
    for step in plan.steps:
        step(batch)
        batch.reject(batch.position > batch.end)
    bad = batch.bad
    part = _Part(places, batch.arrays, batch.masks)
    return (part.take(~bad) if bad.any() else part), bad


# -- Steps -------------------------------------------------------------------------------------


def _nulls(batch: _Batch, mark: int | None) -> Mask | None:
    """Read a union's branch at each position; move behind it."""
    if mark is None:
        return None
    byte = batch.buffer[batch.position]
    batch.position[:] += 1
    null: Mask = byte != mark
    if null.any():
        batch.reject(null & (byte != 2 - mark))
    return null


def _read_longs(
    batch: _Batch, position: NDArray[np.intp]
) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Read a variable-length integer at each position: its value and its length in bytes."""
    first = batch.buffer[position]
    if first.max(initial=0) < 0x80:
        small = first.astype(np.int64)
        return (small >> 1) ^ -(small & 1), np.ones(len(first), np.intp)
    # Eight bytes at once: the lowest clear top bit ends the integer; the groups of seven bits
    # are then pushed together in three steps.
    word = batch.gather("<u8", position)
    stop = ~word & np.uint64(0x8080808080808080)
    below = (stop & -stop) - np.uint64(1)
    length = (np.bitwise_count(below).astype(np.intp) + 1) >> 3
    word &= below & np.uint64(0x7F7F7F7F7F7F7F7F)
    for low, high, shift in (
        (0x007F007F007F007F, 0x7F007F007F007F00, 1),
        (0x00003FFF00003FFF, 0x3FFF00003FFF0000, 2),
        (0x000000000FFFFFFF, 0x0FFFFFFF00000000, 4),
    ):
        word = (word & np.uint64(low)) | ((word & np.uint64(high)) >> np.uint64(shift))
    more = stop == 0
    if more.any():
        ninth = batch.buffer[position + 8].astype(np.uint64)
        tenth = np.where(ninth >= 0x80, batch.buffer[position + 9], 0).astype(np.uint64)
        long = word | ((ninth & np.uint64(0x7F)) << np.uint64(56)) | (tenth << np.uint64(63))
        word = np.where(more, long, word)
        length = np.where(more, 9 + (ninth >= 0x80), length)
        batch.reject(more & (tenth > 1))
    half = (word >> np.uint64(1)).view(np.int64)
    return half ^ -(word & np.uint64(1)).view(np.int64), length


def _integer_step(name: str, mark: int | None, kind: str) -> _Step:
    dtype = _DTYPES[kind]

    def step(batch: _Batch) -> None:
        null = _nulls(batch, mark)
        values, length = _read_longs(batch, batch.position)
        if null is not None and null.any():
            values = np.where(null, 0, values)
            length = np.where(null, 0, length)
        batch.position[:] += length
        if kind == "int":
            batch.reject((values < -(2**31)) | (values >= 2**31))
        if batch.wants(name):
            batch.keep(name, values.astype(dtype, copy=False), null)

    return step


def _boolean_step(name: str, mark: int | None) -> _Step:
    def step(batch: _Batch) -> None:
        null = _nulls(batch, mark)
        byte = batch.buffer[batch.position]
        if null is not None and null.any():
            byte = np.where(null, 0, byte)
        batch.position[:] += 1 if null is None else ~null
        batch.reject(byte > 1)
        if batch.wants(name):
            batch.keep(name, byte == 1, null)

    return step


def _string_step(name: str, mark: int | None) -> _Step:
    def step(batch: _Batch) -> None:
        null = _nulls(batch, mark)
        size, length = _read_longs(batch, batch.position)
        if null is not None and null.any():
            size = np.where(null, 0, size)
            length = np.where(null, 0, length)
        start = batch.position + length
        outside = (size < 0) | (size > batch.end - start)
        if outside.any():
            size = np.where(outside, 0, size)
            batch.reject(outside)
            start = np.where(outside, 0, start)
        batch.position[:] = start + size
        if batch.wants(name):
            batch.keep(name, _texts(batch, start, size), null)

    return step


def _texts(batch: _Batch, start: NDArray[np.intp], size: NDArray[np.int64]) -> Array:
    """Gather strings of up to ``max(size)`` ASCII characters; others are rejected."""
    width = int(size.max(initial=0))
    if width == 0:
        return np.zeros(len(start), "U1")
    # Equal to the window at most, which the padding covers.
    text = batch.gather(f"S{width}", start)
    letters = text.view(np.uint8).reshape(len(start), width)
    if size.min() < width:
        letters[np.arange(width) >= size[:, None]] = 0
    foreign = letters >= 0x80
    if foreign.any():
        batch.reject(np.any(foreign, axis=1))
        letters[foreign] = 0
    return text.astype(f"U{width}")


@dataclass(frozen=True, slots=True)
class _RunField:
    """One field of a run: where its value lies when nothing before it in the run is null."""

    name: str
    dtype: np.dtype[Any]
    offset: int
    branch: int | None
    """The byte that says "not null"; None where the field is not nullable."""


def _run_fields(run: Run) -> list[_RunField]:
    fields = []
    at = 0
    for entry, branch in zip(run.fields, run.branches, strict=True):
        dtype = np.dtype(_DTYPES[entry.type.value.kind])
        at += branch is not None
        fields.append(_RunField(entry.name, dtype, at, None if branch is None else branch[0]))
        at += dtype.itemsize
    return fields


def _run_step(run: Run) -> _Step:
    width = run.layout.size
    fields = _run_fields(run)
    marked = [one for one in fields if one.branch is not None]
    mark_places = np.array([one.offset - 1 for one in marked], np.intp)
    mark_values = np.array([one.branch for one in marked], np.uint8)

    def step(batch: _Batch) -> None:
        start = batch.position.copy()
        block = batch.gather(f"V{width}", start)
        head = block.view(np.uint8).reshape(len(start), width)
        whole = (head[:, mark_places] == mark_values).all(axis=1)
        batch.position[:] += width
        for one in fields:
            if batch.wants(one.name):
                view = np.ndarray((len(start),), one.dtype, block.data, one.offset, (width,))
                batch.arrays[one.name] = view.copy()
        if not whole.all():
            _read_with_nulls(batch, fields, start, np.flatnonzero(~whole))

    return step


def _read_with_nulls(
    batch: _Batch, fields: Sequence[_RunField], start: NDArray[np.intp], rows: NDArray[np.intp]
) -> None:
    """Read a run field by field in the rows where something in it is null."""
    position = start[rows]
    odd = np.zeros(len(rows), bool)
    for one in fields:
        null = np.zeros(len(rows), bool)
        if one.branch is not None:
            byte = batch.buffer[position]
            position = position + 1
            null = byte != one.branch
            odd |= null & (byte != 2 - one.branch)
        if batch.wants(one.name):
            values = batch.gather(one.dtype.str, position)
            if null.any():
                values[null] = np.nan
                mask = batch.masks.setdefault(one.name, np.zeros(len(start), bool))
                mask[rows[null]] = True
            batch.arrays[one.name][rows] = values
        position = position + np.where(null, 0, one.dtype.itemsize)
    batch.position[rows] = position
    rejected = np.zeros(len(start), bool)
    rejected[rows[odd]] = True
    batch.reject(rejected)


# -- Rows, and putting parts together ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Part:
    """Columns of some of a batch's packets."""

    places: NDArray[np.intp]
    arrays: Mapping[str, Array]
    masks: Mapping[str, Mask]

    def take(self, rows: Mask) -> _Part:
        return _Part(
            self.places[rows],
            {name: values[rows] for name, values in self.arrays.items()},
            {name: mask[rows] for name, mask in self.masks.items() if mask[rows].any()},
        )


def _decode_rows(
    values: Sequence[bytes],
    places: list[int],
    wanted: Collection[str] | None,
    errors: list[tuple[int, DecodeError]],
) -> list[_Part]:
    """Decode packets one by one; the reference for what the batch decoder does."""
    groups: dict[Schema, tuple[list[int], list[dict[str, Any]]]] = {}
    for place in places:
        try:
            alert = decode(values[place])
            row = _scalars(alert, wanted)
        except DecodeError as error:
            errors.append((place, error))
            continue
        group = groups.setdefault(alert.schema, ([], []))
        group[0].append(place)
        group[1].append(row)
    parts = []
    for schema, (kept, rows) in groups.items():
        arrays, masks = _arrays_of(_scalar_fields(schema), rows)
        parts.append(_Part(np.array(kept, np.intp), arrays, masks))
    return parts


@lru_cache(maxsize=256)
def _scalar_fields(schema: Schema) -> Mapping[str, Type]:
    """Scalar fields of the top level and the core, by name; the core's go before the others."""
    layout = layout_of(schema)
    core = schema.root.fields[layout.head - 1].type.value
    entries = (*schema.root.fields, *core.fields)
    return {entry.name: entry.type.value for entry in entries if _is_scalar(entry.type)}


def _scalars(alert: Alert, wanted: Collection[str] | None) -> dict[str, Any]:
    core = alert.core
    return {
        name: core[name] if name in core else alert[name]
        for name in _scalar_fields(alert.schema)
        if wanted is None or name in wanted
    }


def _arrays_of(
    types: Mapping[str, Type], rows: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Array], dict[str, Mask]]:
    arrays: dict[str, Array] = {}
    masks: dict[str, Mask] = {}
    for name, kind in types.items():
        if rows and name not in rows[0]:
            continue
        found = [row[name] for row in rows]
        dtype = np.dtype(_DTYPES[kind.kind])
        null = np.array([value is None for value in found], bool)
        if null.any():
            masks[name] = null
            found = [_missing(dtype) if value is None else value for value in found]
        arrays[name] = np.array(found, dtype)
    return arrays, masks


def _missing(dtype: np.dtype[Any]) -> Any:
    return np.nan if dtype.kind == "f" else np.zeros((), dtype).item()


def _merge(parts: list[_Part], errors: tuple[tuple[int, DecodeError], ...]) -> Columns:
    parts = [part for part in parts if len(part.places)]
    if len(parts) == 1:
        only = parts[0]
        return Columns(only.arrays, only.masks, only.places, errors)
    places = np.concatenate([part.places for part in parts]) if parts else np.zeros(0, np.intp)
    order = np.argsort(places, kind="stable")
    names = dict.fromkeys(name for part in parts for name in part.arrays)
    arrays: dict[str, Array] = {}
    masks: dict[str, Mask] = {}
    for name in names:
        dtype = _common_dtype([part.arrays[name].dtype for part in parts if name in part.arrays])
        pieces, nulls = [], []
        for part in parts:
            size = len(part.places)
            if name in part.arrays:
                pieces.append(part.arrays[name].astype(dtype, copy=False))
                nulls.append(part.masks.get(name, np.zeros(size, bool)))
            else:
                pieces.append(np.full(size, _missing(dtype), dtype))
                nulls.append(np.ones(size, bool))
        arrays[name] = np.concatenate(pieces)[order]
        null = np.concatenate(nulls)[order]
        if null.any():
            masks[name] = null
    return Columns(arrays, masks, places[order], errors)


def _common_dtype(dtypes: Sequence[np.dtype[Any]]) -> np.dtype[Any]:
    if len({dtype.kind == "U" for dtype in dtypes}) > 1:
        # Text in one schema version and a number in another: text holds both.
        return np.result_type("U32", *(dtype for dtype in dtypes if dtype.kind == "U"))
    return np.result_type(*dtypes)


# -- History -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class History(Mapping[str, Array]):
    """Histories of many alerts as ragged columns.

    The entries of row ``i`` are ``history[name][offsets[i]:offsets[i + 1]]``, in the packet's
    order. Nulls are as in `Columns`.
    """

    arrays: Mapping[str, Array] = field(repr=False)
    masks: Mapping[str, Mask] = field(repr=False)
    offsets: NDArray[np.intp]
    """Shape (rows + 1,)."""
    rows: NDArray[np.intp]
    """For each row, the position of its packet in the batch."""
    errors: tuple[tuple[int, DecodeError], ...] = ()

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
        packet without it has no entries.
    fields
        Names to return; all scalar fields where None.
    """
    counts: list[int] = []
    places: list[int] = []
    errors: list[tuple[int, DecodeError]] = []
    # Neighbours mostly share a schema; a change of schema begins a new part.
    runs: list[tuple[Schema, list[Mapping[str, Any]]]] = []
    for place, data in enumerate(values):
        try:
            alert = decode(data)
            entries = alert.get(which) or ()
        except DecodeError as error:
            errors.append((place, error))
            continue
        places.append(place)
        counts.append(len(entries))
        if not runs or runs[-1][0] is not alert.schema:
            runs.append((alert.schema, []))
        runs[-1][1].extend(entries)
    parts = []
    begin = 0
    for schema, rows in runs:
        types = _item_fields(schema, which)
        if fields is not None:
            types = {name: kind for name, kind in types.items() if name in fields}
        arrays, masks = _arrays_of(types, rows)
        parts.append(_Part(np.arange(begin, begin + len(rows)), arrays, masks))
        begin += len(rows)
    merged = _merge(parts, ())
    offsets = np.concatenate(([0], np.cumsum(counts, dtype=np.intp))).astype(np.intp)
    rows_array = np.array(places, np.intp)
    return History(merged.arrays, merged.masks, offsets, rows_array, tuple(errors))


def _item_fields(schema: Schema, which: str) -> dict[str, Type]:
    for entry in schema.root.fields:
        items = entry.type.value.items
        if entry.name == which and items is not None:
            return {one.name: one.type.value for one in items.fields if _is_scalar(one.type)}
    return {}
