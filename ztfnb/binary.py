"""Avro's binary encoding, read one value at a time from untrusted bytes.

A resolved `ztfnb.schema.Type` is compiled once into a reader: a function
``(buffer, position, budget) -> (value, next position)``. Records read runs of fixed-width fields
with a single `struct` call, which makes this quicker than fastavro on alert packets; the values
are equal to fastavro's for every valid record. What fastavro lets pass (a negative union index,
an over-long integer, an array of 2**40 nulls) is an error here, with the path of the field.

Reference: the Avro specification 1.11, "Binary encoding".
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from operator import itemgetter
from typing import Any, NoReturn, TypeVar

from fastavro.read import LOGICAL_READERS

from ztfnb.errors import DecodeError
from ztfnb.schema import MAX_NODES, Field, Type

MAX_COST = 250_000
"""What all arrays and maps of one record may cost; the largest real packets cost about 12,000."""
ITEM_COST = 8
"""What one item costs beside the values in it: an empty record takes memory and time as well."""

_MAX_DECIMAL_BYTES = 64
"""About 150 digits. The time that a conversion takes grows with their square: 1 MB, 2 minutes."""

Reader = Callable[[bytes, int, "Budget"], tuple[Any, int]]
_K = TypeVar("_K")
_V = TypeVar("_V")


@dataclass(slots=True)
class Budget:
    """What one record may still cost."""

    left: int = MAX_COST


class Record(dict[str, Any]):
    """A record of an alert: a dictionary that cannot be changed, with its fields as attributes.

    ``alert.candidate.rb`` is ``alert["candidate"]["rb"]``. A field whose name is that of a
    dictionary's method (``keys``, ``get``) is reached by its key.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            message = f"this record has no field {name!r}; it has {', '.join(self)}"
            raise AttributeError(message) from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self]

    def __reduce__(self) -> tuple[Any, ...]:
        return Record, (dict(self),)

    def _refuse(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise TypeError("an alert cannot be changed; dict(record) is a copy that can")

    __setitem__ = __delitem__ = __ior__ = __setattr__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse


class Records(list[_V]):
    """A list inside an alert, which cannot be changed."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return Records, (list(self),)

    def _refuse(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise TypeError("an alert cannot be changed; list(records) is a copy that can")

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse


class BadValueError(Exception):
    """A value that breaks the encoding; private to decoding, which makes it a `DecodeError`."""

    def __init__(self, reason: str, position: int, path: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position
        self.path = path

    def inside(self, name: str) -> BadValueError:
        """Return the error with one more step in front of its path."""
        return BadValueError(self.reason, self.position, (name, *self.path))

    def located(self, start: int) -> DecodeError:
        """Return the public error; offsets count from ``start``."""
        return DecodeError(self.reason, where=self.where, offset=self.position - start)

    @property
    def where(self) -> str:
        """The path as people write it: ``prv_candidates[3].jd``."""
        return ".".join(self.path).replace(".[", "[")


_SHIFTS = range(7, 70, 7)


def read_long(buffer: bytes, position: int) -> tuple[int, int]:
    """Read a zig-zag variable-length integer of at most 64 bits (ten bytes)."""
    try:
        byte = buffer[position]
        if byte < 0x80:
            return (byte >> 1) ^ -(byte & 1), position + 1
        value = byte & 0x7F
        after = position + 1
        for shift in _SHIFTS:
            byte = buffer[after]
            after += 1
            if byte < 0x80:
                value |= byte << shift
                if value >> 64:
                    break
                return (value >> 1) ^ -(value & 1), after
            value |= (byte & 0x7F) << shift
    except IndexError:
        raise BadValueError("the data end inside an integer", position) from None
    raise BadValueError("an integer of more than 64 bits", position)


# A type that several fields use is compiled once: hostile schemas use one thousands of times.
@lru_cache(maxsize=8 * MAX_NODES)
def reader_of(kind: Type) -> Reader:
    """Return the reader of one type."""
    reader = _READERS[kind.kind](kind)
    return _logical(kind, reader) if kind.logical is not None else reader


def _null(_kind: Type) -> Reader:
    return lambda _buffer, position, _budget: (None, position)


def _boolean(_kind: Type) -> Reader:
    def read(buffer: bytes, position: int, _budget: Budget) -> tuple[bool, int]:
        byte = buffer[position : position + 1]
        if byte not in (b"\0", b"\1"):
            raise BadValueError(f"expected a boolean (0 or 1), got {list(byte)}", position)
        return byte == b"\1", position + 1

    return read


def _integer(kind: Type) -> Reader:
    if kind.kind == "long":
        return lambda buffer, position, _budget: read_long(buffer, position)

    def read(buffer: bytes, position: int, _budget: Budget) -> tuple[int, int]:
        value, after = read_long(buffer, position)
        if not -0x80000000 <= value < 0x80000000:
            raise BadValueError(f"{value} does not fit in 32 bits", position)
        return value, after

    return read


def _floating(kind: Type) -> Reader:
    unpack = struct.Struct("<f" if kind.kind == "float" else "<d")

    def read(buffer: bytes, position: int, _budget: Budget) -> tuple[float, int]:
        if position + unpack.size > len(buffer):
            raise BadValueError(f"the data end inside a {kind.kind}", position)
        return unpack.unpack_from(buffer, position)[0], position + unpack.size

    return read


def _read_bytes(buffer: bytes, position: int, _budget: Budget) -> tuple[bytes, int]:
    size, start = read_long(buffer, position)
    if not 0 <= size <= len(buffer) - start:
        left = len(buffer) - start
        raise BadValueError(f"a length of {size} where {left} bytes are left", position)
    return buffer[start : start + size], start + size


def _string(_kind: Type) -> Reader:
    def read(buffer: bytes, position: int, budget: Budget) -> tuple[str, int]:
        data, after = _read_bytes(buffer, position, budget)
        try:
            return data.decode(), after
        except UnicodeDecodeError as error:
            raise BadValueError(f"a string that is not UTF-8: {error.reason}", position) from None

    return read


def _fixed(kind: Type) -> Reader:
    def read(buffer: bytes, position: int, _budget: Budget) -> tuple[bytes, int]:
        data = buffer[position : position + kind.size]
        if len(data) < kind.size:
            raise BadValueError(f"the data end inside a fixed of {kind.size} bytes", position)
        return data, position + kind.size

    return read


def _choice(buffer: bytes, position: int, options: Sequence[_K], what: str) -> tuple[_K, int]:
    index, after = read_long(buffer, position)
    if not 0 <= index < len(options):
        raise BadValueError(f"{what} {index} of {len(options)}", position)
    return options[index], after


def _enum(kind: Type) -> Reader:
    return lambda buffer, position, _budget: _choice(buffer, position, kind.symbols, "enum index")


def _union(kind: Type) -> Reader:
    readers = [reader_of(branch) for branch in kind.branches]
    # Zig-zag: branch 0 is byte 0, branch 1 is byte 2.
    by_byte = {bytes((2 * place,)): reader for place, reader in enumerate(readers[:64])}

    def read(buffer: bytes, position: int, budget: Budget) -> tuple[Any, int]:
        reader = by_byte.get(buffer[position : position + 1])
        if reader is not None:
            return reader(buffer, position + 1, budget)
        chosen, after = _choice(buffer, position, readers, "union index")
        return chosen(buffer, after, budget)

    return read


def _block(buffer: bytes, position: int, cost: int, budget: Budget) -> tuple[int, int]:
    """Read the head of a block of an array or map: the number of items, paid for in advance."""
    count, after = read_long(buffer, position)
    if count < 0:
        # A negative count is followed by the block's size in bytes, which a reader may skip.
        count = -count
        _size, after = read_long(buffer, after)
    budget.left -= count * cost
    if budget.left < 0:
        reason = f"{count:,} items of {cost}; those of one record may cost {MAX_COST:,}"
        raise BadValueError(reason, position)
    return count, after


def _array(kind: Type) -> Reader:
    assert kind.items is not None  # noqa: S101 - the schema parser gave it
    item = reader_of(kind.items)
    cost = ITEM_COST + kind.items.leaves

    def read(buffer: bytes, position: int, budget: Budget) -> tuple[Records[Any], int]:
        values: list[Any] = []
        count, position = _block(buffer, position, cost, budget)
        while count:
            for _ in range(count):
                try:
                    value, position = item(buffer, position, budget)
                except BadValueError as error:
                    raise error.inside(f"[{len(values)}]") from None
                values.append(value)
            count, position = _block(buffer, position, cost, budget)
        return Records(values), position

    return read


def _map(kind: Type) -> Reader:
    assert kind.items is not None  # noqa: S101 - the schema parser gave it
    item = reader_of(kind.items)
    key = _string(kind)
    cost = ITEM_COST + kind.items.leaves + 1

    def read(buffer: bytes, position: int, budget: Budget) -> tuple[Record, int]:
        values = {}
        count, position = _block(buffer, position, cost, budget)
        while count:
            for _ in range(count):
                name, position = key(buffer, position, budget)
                values[name], position = item(buffer, position, budget)
            count, position = _block(buffer, position, cost, budget)
        return Record(values), position

    return read


def _logical(kind: Type, reader: Reader) -> Reader:
    """Convert as fastavro does, with its own table: values stay equal to what it returns."""
    node = dict(kind.logical or {})
    convert = LOGICAL_READERS.get(f"{kind.kind}-{node['logicalType']}")
    if convert is None:
        return reader

    def read(buffer: bytes, position: int, budget: Budget) -> tuple[Any, int]:
        value, after = reader(buffer, position, budget)
        if isinstance(value, bytes) and len(value) > _MAX_DECIMAL_BYTES:
            raise BadValueError(f"a decimal of {len(value):,} bytes", position)
        try:
            return convert(value, node, None), after
        except Exception as error:  # noqa: BLE001 - whatever a hostile value makes it raise
            raise BadValueError(f"not a {node['logicalType']}: {error}", position) from None

    return read


_READERS: dict[str, Callable[[Type], Reader]] = {
    "null": _null,
    "boolean": _boolean,
    "int": _integer,
    "long": _integer,
    "float": _floating,
    "double": _floating,
    "bytes": lambda _kind: _read_bytes,
    "string": _string,
    "fixed": _fixed,
    "enum": _enum,
    "union": _union,
    "array": _array,
    "map": _map,
    "record": lambda kind: _record(kind),  # noqa: PLW0108 - it is defined further down
}

_FIXED_WIDTH = {"float": "f", "double": "d"}
_STRIDE = 64
"""Fields that one step of a record's reader looks ahead at most."""


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring fields that are floats, doubles, or unions of one of these with null.

    When none is null they take a known number of bytes: one read for all.
    """

    fields: tuple[Field, ...]
    layout: struct.Struct
    """One byte before each nullable value, then the value."""
    branches: tuple[bytes | None, ...]
    """The byte that says "not null" for each field; None where the field is not nullable."""


def fixed_width_run(fields: Sequence[Field]) -> Run | None:
    """Return the run that begins at the first of these fields; None if it begins none."""
    branches: list[bytes | None] = []
    letters = "<"
    for field in fields:
        letter = _FIXED_WIDTH.get(field.type.value.kind)
        if letter is None or field.type.value.logical is not None:
            break
        nullable = field.type.kind == "union"
        # Zig-zag: branch 0 is byte 0, branch 1 is byte 2.
        place = field.type.branches.index(field.type.value) if nullable else 0
        branches.append(bytes([2 * place]) if nullable else None)
        letters += f"c{letter}" if nullable else letter
    if not branches:
        return None
    return Run(tuple(fields[: len(branches)]), struct.Struct(letters), tuple(branches))


def _record(kind: Type) -> Reader:
    steps = [_step(kind.fields, at) for at in range(len(kind.fields))]
    count = len(steps)
    # Nulls, and the order of the fields, are there before the steps begin.
    blank = dict.fromkeys(field.name for field in kind.fields)

    def read(buffer: bytes, position: int, budget: Budget) -> tuple[Record, int]:
        values = blank.copy()
        at = 0
        while at < count:
            at, position = steps[at](buffer, position, budget, values)
        return Record(values), position

    return read


_Step = Callable[[bytes, int, Budget, dict[str, Any]], tuple[int, int]]
"""Reads one field or more into a dictionary of nulls; returns the next number and position."""


def _step(fields: Sequence[Field], at: int) -> _Step:
    ahead = fields[at : at + _STRIDE]
    run = fixed_width_run(ahead)
    one = _field_step(fields[at], at)
    step = one if run is None or len(run.fields) == 1 else _run_step(run, at, one)
    return step if _null_byte(fields[at].type) is None else _nulls_step(ahead, at, step)


def _field_step(field: Field, at: int) -> _Step:
    reader = reader_of(field.type)
    name = field.name
    after = at + 1

    def step(
        buffer: bytes, position: int, budget: Budget, values: dict[str, Any]
    ) -> tuple[int, int]:
        try:
            values[name], position = reader(buffer, position, budget)
        except BadValueError as error:
            raise error.inside(name) from None
        return after, position

    return step


def _null_byte(kind: Type) -> bytes | None:
    """Return what stands for null where a type or null may stand; None for other types."""
    if kind.value is kind:
        return None
    return b"\0" if kind.branches[0].kind == "null" else b"\2"


def _nulls_step(fields: Sequence[Field], at: int, otherwise: _Step) -> _Step:
    """Pass over all nulls that follow one another: most of an upper limit is null."""
    null = _null_byte(fields[0].type) or b""
    stretch = sum(1 for _ in takewhile(lambda field: _null_byte(field.type) == null, fields))

    def step(
        buffer: bytes, position: int, budget: Budget, values: dict[str, Any]
    ) -> tuple[int, int]:
        if not buffer.startswith(null, position):
            return otherwise(buffer, position, budget, values)
        marks = buffer[position : position + stretch]
        count = len(marks) - len(marks.lstrip(null))
        return at + count, position + count

    return step


def _run_step(run: Run, at: int, otherwise: _Step) -> _Step:
    names = [field.name for field in run.fields]
    # Where the values, and the bytes that say "not null", stand among what struct returns.
    takes: list[int] = []
    marks: list[int] = []
    count = 0
    for branch in run.branches:
        if branch is not None:
            marks.append(count)
            count += 1
        takes.append(count)
        count += 1
    expected = tuple(branch for branch in run.branches if branch is not None)
    pick_marks = _getter(marks)
    pick_values = _getter(takes)
    layout = run.layout
    after = at + len(names)

    def step(
        buffer: bytes, position: int, budget: Budget, values: dict[str, Any]
    ) -> tuple[int, int]:
        end = position + layout.size
        if end <= len(buffer):
            parts = layout.unpack_from(buffer, position)
            if pick_marks(parts) == expected:
                values.update(zip(names, pick_values(parts), strict=True))
                return after, end
        return otherwise(buffer, position, budget, values)

    return step


def _getter(places: Sequence[int]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    if len(places) > 1:
        return itemgetter(*places)
    return lambda parts: tuple(parts[place] for place in places)
