"""Blocks of columns: the rows of a store, a few thousand at a time.

A `GrowingBlock` takes batches of columns until it is full. Sealed, it becomes a `Block`, which
never changes and takes less room: integers in the narrowest type that holds their range, a value
that never varies once, text as small codes into the block's own vocabulary. Dropping the oldest
block frees everything that belonged to it.

Null values: NaN in float columns, a mask in integer ones, code 0 in text. Where a value itself is
NaN, which is rare, another mask of the block says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import isnan
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
Mask = NDArray[np.bool_]
Rows = slice | NDArray[np.intp]

LARGEST_BLOCK = 16_384
"""Rows of a block at most: codes of text are 16 bits wide."""
MAX_FIELDS = 400
"""Fields of a block at most; alerts have about 110. Further ones are left out."""
MAX_TEXT = 128
"""Characters kept of a text; the longest in real alerts, file names, have about 60."""
TEXT = np.dtype(np.str_)

_EVERY = slice(None)
_OVERHEAD = 400
"""Python objects around one column [bytes]."""
_WORD_OVERHEAD = 120
"""Python objects around one word of a growing vocabulary [bytes]."""


class Part(NamedTuple):
    """One column of one block, which never changes."""

    values: Values
    """Numbers less ``base``, or codes of text."""
    dtype: np.dtype[Any]
    """What a reader gets; `TEXT` for text."""
    base: int = 0
    null: Mask | None = None
    """Of integers: True where there is no value. None where there always is."""
    words: Sequence[str] | Values = ()
    """Text by code; the first stands for null. Sorted in a sealed block."""
    nan: Mask | None = None
    """Of floats: True where NaN is the value, not null. None where it never is."""

    @property
    def is_text(self) -> bool:
        """Whether this is text."""
        return self.dtype.kind == "U"

    @property
    def nbytes(self) -> int:
        """Memory [bytes]."""
        words = self.words.nbytes if isinstance(self.words, np.ndarray) else 0
        masks = sum(_memory(mask) for mask in (self.null, self.nan) if mask is not None)
        return _memory(self.values) + words + masks + _OVERHEAD

    def read(self, rows: Rows) -> Values:
        """Return the values of some rows; null is NaN, 0 or ``""``."""
        stored = self.values[rows]
        if self.is_text:
            return _spell(self.words, stored)
        if stored.dtype == self.dtype:
            return stored
        return np.add(stored, self.base, dtype=self.dtype)

    def missing(self, rows: Rows) -> Mask:
        """Return where some rows have no value, or NaN."""
        stored = self.values[rows]
        if self.is_text:
            return np.asarray(stored == 0)
        return _no_value(stored, None if self.null is None else self.null[rows])

    def absent(self, rows: Rows) -> Mask:
        """Return where some rows have no value: `missing` without those that are NaN."""
        missing = self.missing(rows)
        return missing if self.nan is None else missing & ~self.nan[rows]

    def equal_to(self, text: str) -> Mask:
        """Return which rows hold a text."""
        if isinstance(self.words, np.ndarray):
            sought = text.encode() if self.words.dtype.kind == "S" else text
            found = np.flatnonzero(self.words[1:] == sought) + 1
        else:
            found = np.flatnonzero([word == text for word in self.words[1:]]) + 1
        if not len(found):
            return np.zeros(len(self.values), np.bool_)
        return np.asarray(self.values == found[0])


def _spell(words: Sequence[str] | Values, codes: Values) -> Values:
    if isinstance(words, np.ndarray):
        # The shorter of both is turned into text.
        few = len(codes) < len(words)
        return words[codes].astype(TEXT) if few else words.astype(TEXT)[codes]
    # A growing block adds words while this reads; those it has now are enough.
    known = words[:]
    if len(codes) < len(known):
        return np.array([known[code] for code in codes.tolist()], TEXT)
    return np.array(known, TEXT)[codes]


def _memory(values: Values) -> int:
    """Return what an array takes [bytes]: a value that never varies is one, seen by all rows."""
    return values.itemsize if values.strides == (0,) else values.nbytes


def compact_words(words: Sequence[str] | Values) -> Values:
    """Return words as an array with one byte a character, or with four where one will not do."""
    if isinstance(words, np.ndarray):
        return words
    array: Values = np.array(words[:], TEXT)
    with suppress(UnicodeEncodeError):
        array = array.astype(np.bytes_)
    return array


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Consecutive rows, which never change."""

    serial: int
    size: int
    parts: Mapping[str, Part] = field(repr=False)
    nbytes: int = 0

    def read(self, name: str, rows: Rows, dtype: np.dtype[Any]) -> Values:
        """Return a column as a type that it can be read as; missing where it is not here."""
        part = self.parts.get(name)
        if part is None:
            return np.full(self._count(rows), _filler(dtype), dtype)
        values = part.read(rows)
        if dtype.kind == "U":
            return values if part.is_text else _as_text(values, part.missing(rows))
        if dtype.kind == "f" and part.null is not None:
            values = values.astype(dtype)
            values[part.null[rows]] = np.nan
        return values.astype(dtype, copy=False)

    def tail(self, start: int) -> Block:
        """Return the rows from one on."""
        rows = slice(start, None)
        parts = {
            name: part._replace(
                values=part.values[rows],
                null=None if part.null is None else part.null[rows],
                nan=None if part.nan is None else part.nan[rows],
            )
            for name, part in self.parts.items()
        }
        return Block(self.serial, self.size - start, parts)

    def missing(self, name: str, rows: Rows) -> Mask:
        """Return where a column has no value."""
        part = self.parts.get(name)
        if part is None:
            return np.ones(self._count(rows), np.bool_)
        return part.missing(rows)

    def _count(self, rows: Rows) -> int:
        return len(range(self.size)[rows]) if isinstance(rows, slice) else len(rows)


def _filler(dtype: np.dtype[Any]) -> Any:
    return np.nan if dtype.kind == "f" else np.zeros((), dtype).item()


def _no_value(values: Values, null: Mask | None) -> Mask:
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), np.bool_)
    return missing if null is None else missing | null


def _as_text(values: Values, missing: Mask) -> Values:
    text = values.astype(TEXT)
    text[missing] = ""
    return text


class _Numbers:
    """A growing column of numbers."""

    is_text = False

    def __init__(self, capacity: int, dtype: np.dtype[Any]) -> None:
        self.values = np.zeros(capacity, dtype)
        self.null: Mask | None = None
        self.nan: Mask | None = None

    @property
    def nbytes(self) -> int:
        size = self.values.nbytes + _OVERHEAD
        size += 0 if self.null is None else self.null.nbytes
        return size if self.nan is None else size + self.nan.nbytes

    def write(self, rows: slice, values: Values, null: Mask | None) -> None:
        if values.dtype != self.values.dtype:
            self._widen(np.result_type(values.dtype, self.values.dtype))
        self.values[rows] = values
        # A sum of squares is NaN where one of them is, and takes half the time of a closer look.
        if values.dtype.kind == "f" and isnan(values.dot(values)):
            self._mark(rows, np.isnan(values), null)
        if null is not None:
            self.skip(rows, null)

    def _mark(self, rows: slice, nan: Mask, null: Mask | None) -> None:
        """Remember where a value is NaN, so that it does not pass for null."""
        nan = nan if null is None else nan & ~null
        if nan.any():
            if self.nan is None:
                self.nan = np.zeros(len(self.values), np.bool_)
            self.nan[rows] = nan

    def skip(self, rows: slice, null: Rows | Mask = _EVERY) -> None:
        """Leave rows, or some of them, without a value."""
        if self.values.dtype.kind == "f":
            self.values[rows][null] = np.nan
            return
        if self.null is None:
            self.null = np.zeros(len(self.values), np.bool_)
        self.null[rows][null] = True

    def _widen(self, dtype: np.dtype[Any]) -> None:
        if dtype == self.values.dtype:
            return
        values = self.values.astype(dtype)
        if dtype.kind == "f" and self.null is not None:
            values[self.null] = np.nan
            self.null = None
        self.values = values

    def part(self, size: int) -> Part:
        null = None if self.null is None else self.null[:size]
        nan = None if self.nan is None else self.nan[:size]
        return Part(self.values[:size], self.values.dtype, null=null, nan=nan)

    def sealed(self, size: int) -> Part:
        values = self.values[:size]
        null = None
        if self.null is not None and self.null[:size].any():
            null = self.null[:size].copy()
        base = 0
        if values.dtype.kind in "iu":
            low, high = int(values.min()), int(values.max())
            narrow = np.min_scalar_type(high - low)
            if narrow.itemsize < values.dtype.itemsize:
                base = low
                values = (values - low).astype(narrow)
        nan = None if self.nan is None else _compact(self.nan[:size])
        return Part(_compact(values), self.values.dtype, base, null, nan=nan)


class _Texts:
    """A growing column of text: codes into a vocabulary that grows with it."""

    is_text = True

    def __init__(self, capacity: int) -> None:
        self.values = np.zeros(capacity, np.uint16)
        self.words = [""]
        self._codes: dict[str, int] = {}
        self._word_bytes = 0

    @property
    def nbytes(self) -> int:
        return self.values.nbytes + self._word_bytes + _OVERHEAD

    def write(self, rows: slice, values: Values, null: Mask | None) -> None:
        if values.dtype.kind != "U":
            null = _no_value(values, null)
            values = _as_text(values, null)
        if values.dtype.itemsize > 4 * MAX_TEXT:
            values = values.astype(f"U{MAX_TEXT}")
        if (values == values[0]).all():
            self.values[rows] = self._learn(values[:1].tolist())[0]
        else:
            self.values[rows] = self._learn(values.tolist())
        if null is not None:
            self.values[rows][null] = 0

    def _learn(self, texts: list[str]) -> Values:
        with suppress(KeyError):
            return np.fromiter(map(self._codes.__getitem__, texts), np.uint16, len(texts))
        for text in dict.fromkeys(texts):
            if text not in self._codes:
                self._codes[text] = len(self.words)
                self.words.append(text)
                self._word_bytes += _WORD_OVERHEAD + len(text)
        return np.fromiter(map(self._codes.__getitem__, texts), np.uint16, len(texts))

    def skip(self, _rows: slice) -> None:
        """Leave rows without a value: their code is 0 already."""

    def part(self, size: int) -> Part:
        return Part(self.values[:size], TEXT, words=self.words)

    def sealed(self, size: int) -> Part:
        words = compact_words(self.words)
        # Stable, so that what stands for null stays before an empty text.
        order = np.argsort(words, kind="stable")
        rank = np.empty(len(words), np.min_scalar_type(len(words) - 1))
        rank[order] = np.arange(len(words))
        return Part(_compact(rank[self.values[:size]]), TEXT, words=words[order])


def _compact(values: Values) -> Values:
    """Return the same values in memory of their own: one element where all are equal."""
    first = values[:1]
    same = np.isnan(values).all() if values.dtype.kind == "f" and np.isnan(first[0]) else False
    if same or (values == first).all():
        return np.broadcast_to(first.copy(), values.shape)
    return values.copy()


class GrowingBlock:
    """Rows that batches are appended to, up to a capacity.

    One thread appends. What `view` returned before stays as it was.
    """

    def __init__(self, serial: int, capacity: int) -> None:
        self.serial = serial
        self.capacity = capacity
        self.size = 0
        self._columns: dict[str, _Numbers | _Texts] = {}

    @property
    def room(self) -> int:
        """Rows that still fit."""
        return self.capacity - self.size

    @property
    def nbytes(self) -> int:
        """Memory [bytes]."""
        return sum(column.nbytes for column in self._columns.values())

    def append(self, count: int, arrays: Mapping[str, Values], nulls: Mapping[str, Mask]) -> None:
        """Append rows; a field that is not among ``arrays`` is null in them."""
        rows = slice(self.size, self.size + count)
        with np.errstate(over="ignore", invalid="ignore"):
            for name, values in arrays.items():
                column = self._column(name, values.dtype)
                if column is not None:
                    column.write(rows, values, nulls.get(name))
        for name in self._columns.keys() - arrays.keys():
            self._columns[name].skip(rows)
        self.size += count

    def _column(self, name: str, dtype: np.dtype[Any]) -> _Numbers | _Texts | None:
        column = self._columns.get(name)
        text = dtype.kind == "U"
        if column is None:
            if len(self._columns) >= MAX_FIELDS:
                return None
            column = _Texts(self.capacity) if text else _Numbers(self.capacity, dtype)
            column.skip(slice(0, self.size))
            self._columns[name] = column
        elif text and not column.is_text:
            # A number in one schema and text in another: text holds both.
            numbers = column.part(self.size)
            column = self._columns[name] = _Texts(self.capacity)
            if self.size:
                column.write(slice(0, self.size), numbers.values, numbers.null)
        return column

    def view(self) -> Block:
        """Return the rows so far."""
        parts = {name: column.part(self.size) for name, column in self._columns.items()}
        return Block(self.serial, self.size, parts)

    def seal(self) -> Block:
        """Return the rows as a block that takes less room."""
        parts = {name: column.sealed(self.size) for name, column in self._columns.items()}
        return Block(self.serial, self.size, parts, _total(parts.values()))


def _total(parts: Iterable[Part]) -> int:
    return sum(part.nbytes for part in parts)
