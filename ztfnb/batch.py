"""The candidates of a whole batch of packets, decoded at once with NumPy.

The bytes that hold the candidates are gathered in one array and read field by field for all
packets together: a run of fixed-width fields is one gather, a variable-length integer a few
operations on 64-bit words. A record that does not fit that (a null in odd places, text that is
not ASCII, damaged bytes) is marked and left to the row decoder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ztfnb.alert import CORES, layout_of
from ztfnb.arrays import DTYPES, Array, Mask, Part, is_scalar
from ztfnb.binary import BadValueError, read_long
from ztfnb.container import MAX_PACKET_BYTES, SYNC_BYTES, read_header
from ztfnb.errors import DecodeError
from ztfnb.outline import comparable
from ztfnb.schema import SCHEMAS_KEPT, Field, Schema

WINDOW = 1536
"""Bytes gathered of each record. Candidates of real packets end after 700-1,100."""
_PAD = 4096
"""Bytes behind the last record, so that a gather at any position stays inside the array."""
_LONGEST_RUN = 64
"""Fields read by one gather: fewer bytes than the padding has."""


def locate(data: bytes) -> tuple[Schema, bytes] | None:
    """Find the record of an ordinary packet: its schema and its first bytes.

    None for one that needs a closer look. The same checks as `ztfnb.container.read_frame` makes,
    without its words.
    """
    try:
        header = read_header(data)
        if len(data) > MAX_PACKET_BYTES:
            return None
        position = len(header.raw)
        at = position + SYNC_BYTES
        # One record: the count is the byte 2.
        if data[at] == 2 and header.codec == "null":
            size, start = read_long(data, at + 1)
            end = start + size
            if size > 0 and data[end:] == data[position:at]:
                return header.schema, data[start : min(end, start + WINDOW)]
    except (DecodeError, BadValueError, IndexError):
        pass
    return None


# -- The plan of a schema ----------------------------------------------------------------------


class _Slot(NamedTuple):
    """One value of a record, as far as reading and naming it goes."""

    name: str
    kind: str
    mark: int | None
    """The byte that says "not null"; None where null cannot stand."""
    kept: bool
    """Whether it is a column: what the candidate has too is not taken from the top level."""
    shared: bool
    """Whether it is of the top level and the candidate has it too, to be compared."""
    needed: bool
    """Whether null cannot be accepted: then the packet is no alert."""


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
    wanted: frozenset[str] | None
    shared: dict[str, tuple[Array, Mask | None]]
    """What the top level has of the candidate's fields."""

    def wants(self, slot: _Slot) -> bool:
        return (slot.kept or slot.shared) and (self.wanted is None or slot.name in self.wanted)

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

    def keep(self, slot: _Slot, values: Array, null: Mask | None) -> None:
        if slot.shared:
            self.shared[slot.name] = values, null
            return
        self.arrays[slot.name] = values
        if null is not None and null.any():
            self.masks[slot.name] = null

    def apart(self) -> Mask:
        """Return where the top level and the candidate differ in what both have."""
        found = np.zeros(len(self.bad), bool)
        for name, (values, null) in self.shared.items():
            found |= values != self.arrays[name]
            other = self.masks.get(name)
            if null is not None or other is not None:
                found |= (False if null is None else null) != (False if other is None else other)
        return found


_Step = Callable[[_Batch], None]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """How the candidates of one schema, or of several that differ elsewhere, are read."""

    steps: tuple[_Step, ...]
    whole: bool
    """Whether nothing may follow the candidate."""


@lru_cache(maxsize=SCHEMAS_KEPT)
def plan_of(schema: Schema) -> Plan | None:
    """Return the plan of a schema; None where only the row decoder can read it."""
    try:
        layout = layout_of(schema)
    except DecodeError:
        return None
    top = schema.root.fields
    core = top[layout.head - 1].type
    inside = core.value.fields
    if (
        # From some brokers: scalars behind the history.
        any(is_scalar(entry.type) for entry in top[layout.head :])
        or not all(is_scalar(entry.type) for entry in (*top[: layout.head - 1], *inside))
    ):
        return None
    kinds = {entry.name: entry.type.value.kind for entry in inside}
    slots = [
        _slot(
            entry,
            kept=entry.name not in kinds,
            shared=comparable(entry.type.value.kind, kinds.get(entry.name, "")),
        )
        for entry in top[: layout.head - 1]
    ]
    if core.branches:
        slots.append(_slot(top[layout.head - 1], kept=False, needed=True))
    identity = CORES[layout.core]
    slots += [_slot(entry, needed=entry.name == identity) for entry in inside]
    return _plan(tuple(slots), layout.head == len(top))


def _slot(entry: Field, *, kept: bool = True, shared: bool = False, needed: bool = False) -> _Slot:
    value = entry.type.value
    # Zig-zag: branch 0 is byte 0, branch 1 is byte 2.
    mark = 2 * entry.type.branches.index(value) if entry.type.branches else None
    return _Slot(entry.name, value.kind, mark, kept, shared, needed)


# Schema texts of one version differ in words only, and then share a plan.
@lru_cache(maxsize=SCHEMAS_KEPT)
def _plan(slots: tuple[_Slot, ...], whole: bool) -> Plan:
    steps: list[_Step] = []
    at = 0
    while at < len(slots):
        ahead = slots[at : at + _LONGEST_RUN]
        run = list(takewhile(lambda slot: slot.kind in ("float", "double"), ahead))
        steps.append(_run_step(run) if run else _STEPS[slots[at].kind](slots[at]))
        at += max(len(run), 1)
    return Plan(tuple(steps), whole)


def decode_batch(
    plan: Plan,
    places: NDArray[np.intp],
    records: Sequence[bytes],
    wanted: frozenset[str] | None,
) -> tuple[Part, NDArray[np.intp], NDArray[np.intp]]:
    """Decode the first bytes of records that share a plan.

    Returns
    -------
    part
        The columns of those that could be read.
    left
        Places of the others.
    apart
        Places of those whose top level and candidate differ in what both have.
    """
    count = len(records)
    lengths = np.fromiter(map(len, records), np.intp, count)
    if lengths.min() < WINDOW:
        records = [record.ljust(WINDOW, b"\0") for record in records]
    buffer = np.frombuffer(b"".join((*records, bytes(_PAD))), np.uint8)
    position = np.arange(count, dtype=np.intp) * WINDOW
    batch = _Batch(buffer, position, position + lengths, np.zeros(count, bool), {}, {}, wanted, {})
    for step in plan.steps:
        step(batch)
        batch.reject(batch.position > batch.end)
    if plan.whole:
        batch.reject(batch.position != batch.end)
    bad = batch.bad
    part = Part(places, batch.arrays, batch.masks)
    return (part.take(~bad) if bad.any() else part), places[bad], places[batch.apart() & ~bad]


# -- Steps -------------------------------------------------------------------------------------


def _nulls(batch: _Batch, slot: _Slot) -> Mask | None:
    """Read a union's branch at each position; move behind it."""
    if slot.mark is None:
        return None
    byte = batch.buffer[batch.position]
    batch.position[:] += 1
    null: Mask = byte != slot.mark
    if null.any():
        batch.reject(null if slot.needed else null & (byte != 2 - slot.mark))
    return null


def _record_step(slot: _Slot) -> _Step:
    """Pass over the byte that says that a nullable candidate is there."""

    def step(batch: _Batch) -> None:
        _nulls(batch, slot)

    return step


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


def _integer_step(slot: _Slot) -> _Step:
    dtype = DTYPES[slot.kind]

    def step(batch: _Batch) -> None:
        null = _nulls(batch, slot)
        values, length = _read_longs(batch, batch.position)
        if null is not None and null.any():
            values = np.where(null, 0, values)
            length = np.where(null, 0, length)
        batch.position[:] += length
        if slot.kind == "int":
            batch.reject((values < -(2**31)) | (values >= 2**31))
        if batch.wants(slot):
            batch.keep(slot, values.astype(dtype, copy=False), null)

    return step


def _boolean_step(slot: _Slot) -> _Step:
    def step(batch: _Batch) -> None:
        null = _nulls(batch, slot)
        byte = batch.buffer[batch.position]
        if null is not None and null.any():
            byte = np.where(null, 0, byte)
        batch.position[:] += 1 if null is None else ~null
        batch.reject(byte > 1)
        if batch.wants(slot):
            batch.keep(slot, byte == 1, null)

    return step


def _string_step(slot: _Slot) -> _Step:
    def step(batch: _Batch) -> None:
        null = _nulls(batch, slot)
        size, length = _read_longs(batch, batch.position)
        if null is not None and null.any():
            size = np.where(null, 0, size)
            length = np.where(null, 0, length)
        start = batch.position + length
        # A rejected record is read on from the batch's beginning, far from its own end.
        outside = (size < 0) | (size > np.minimum(batch.end - start, WINDOW))
        if outside.any():
            size = np.where(outside, 0, size)
            batch.reject(outside)
            start = np.where(outside, 0, start)
        batch.position[:] = start + size
        # A NUL at the end, which a column would drop.
        batch.reject((size > 0) & (batch.buffer[start + size - 1] == 0))
        if batch.wants(slot):
            batch.keep(slot, _texts(batch, start, size), null)

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


_STEPS: dict[str, Callable[[_Slot], _Step]] = {
    "boolean": _boolean_step,
    "int": _integer_step,
    "long": _integer_step,
    "string": _string_step,
    "record": _record_step,
}


class _RunField(NamedTuple):
    """One float or double of a run."""

    slot: _Slot
    dtype: np.dtype[Any]
    offset: int
    """Where its value lies when nothing before it in the run is null."""


def _run_step(slots: Sequence[_Slot]) -> _Step:
    fields = []
    width = 0
    for slot in slots:
        dtype = np.dtype(DTYPES[slot.kind])
        width += slot.mark is not None
        fields.append(_RunField(slot, dtype, width))
        width += dtype.itemsize
    marked = [field for field in fields if field.slot.mark is not None]
    mark_places = np.array([field.offset - 1 for field in marked], np.intp)
    mark_values = np.array([field.slot.mark for field in marked], np.uint8)

    def step(batch: _Batch) -> None:
        start = batch.position.copy()
        block = batch.gather(f"V{width}", start)
        head = block.view(np.uint8).reshape(len(start), width)
        whole = (head[:, mark_places] == mark_values).all(axis=1)
        batch.position[:] += width
        for slot, dtype, offset in fields:
            if batch.wants(slot):
                view = np.ndarray((len(start),), dtype, block.data, offset, (width,))
                batch.arrays[slot.name] = view.copy()
        if not whole.all():
            _read_with_nulls(batch, fields, start, np.flatnonzero(~whole))

    return step


def _read_with_nulls(
    batch: _Batch, fields: Sequence[_RunField], start: NDArray[np.intp], rows: NDArray[np.intp]
) -> None:
    """Read a run field by field in the rows where something in it is null."""
    position = start[rows]
    odd = np.zeros(len(rows), bool)
    for slot, dtype, _offset in fields:
        null = np.zeros(len(rows), bool)
        if slot.mark is not None:
            byte = batch.buffer[position]
            position = position + 1
            null = byte != slot.mark
            odd |= null & (byte != 2 - slot.mark)
        if batch.wants(slot):
            values = batch.gather(dtype.str, position)
            if null.any():
                values[null] = np.nan
                mask = batch.masks.setdefault(slot.name, np.zeros(len(start), bool))
                mask[rows[null]] = True
            batch.arrays[slot.name][rows] = values
        position = position + np.where(null, 0, dtype.itemsize)
    batch.position[rows] = position
    rejected = np.zeros(len(start), bool)
    rejected[rows[odd]] = True
    batch.reject(rejected)
