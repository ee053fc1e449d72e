"""What a store held at one moment: columns to read, select from and sort.

A snapshot never changes, whatever arrives afterwards, so the rows that one call returns mean the
same to the next. It keeps the rows in memory that it shows: let it go after use, and name an
alert by its candid, never by its row, where that must outlast it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ztfnb.blocks import TEXT, Block, Mask, Part, Rows, Values, compact_words
from ztfnb.errors import NotHeldError, SelectionError
from ztfnb.fields import documented
from ztfnb.outline import Outline
from ztfnb.selection import Selection, parse, unknown_field
from ztfnb.sky import in_cone
from ztfnb.source import Coordinates

if TYPE_CHECKING:
    from astropy.table import Table

RowIndex = NDArray[np.intp]

TOPIC, PARTITION, OFFSET, TIMESTAMP = "@topic", "@partition", "@offset", "@timestamp"
"""Columns that no alert has: where its packet lies, and when the transport took it."""
OUTLINE = "@outline"
"""Another: the number of its packet's outline in `Snapshot.outlines`; -1 where there is none."""

_EVERY = slice(None)
_MANY = 4
"""Where more than one row in so many is to be sorted, all are."""
_FEW = 8
"""Candids up to which looking for each in turn is quicker than sorting."""


class _Places(NamedTuple):
    """Rows grouped by the block that holds them."""

    pieces: tuple[tuple[Block, Rows], ...]
    order: RowIndex | None
    """Where the rows of the joined pieces belong; None where they are in place."""

    def gather(self, dtype: np.dtype[Any], read: Callable[[Block, Rows], Values]) -> Values:
        parts = [read(block, rows) for block, rows in self.pieces]
        joined = np.concatenate(parts) if parts else np.zeros(0, dtype)
        if self.order is None:
            return joined
        placed = np.empty_like(joined)
        placed[self.order] = joined
        return placed


class Snapshot:
    """The alerts held at one moment, in the order in which they arrived.

    Rows count from 0, the oldest. ``len(snapshot)`` is their number.
    """

    def __init__(
        self,
        blocks: Iterable[Block] = (),
        revision: int = 0,
        departed: int = 0,
        outlines: Sequence[Outline] = (),
    ) -> None:
        self._blocks = tuple(block for block in blocks if block.size)
        self._starts = np.cumsum([0, *(block.size for block in self._blocks)])
        self._dtypes: dict[str, np.dtype[Any]] = {}
        self._whole: Snapshot | None = None
        self.revision = revision
        """Grows with every change of the store."""
        self.departed = departed
        """Alerts that had left before these: row ``r`` is number ``departed + r`` of all that came,
        in this snapshot and in every other of its store."""
        self.outlines = outlines
        """Which fields the packets have."""

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __repr__(self) -> str:
        return f"<Snapshot: {len(self):,} alerts, {len(self.names)} fields>"

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The fields that any alert here has, as they first came."""
        if self._whole is not None:
            return self._whole.names
        found: dict[str, None] = {}
        for block in self._blocks:
            # Blocks have the same fields as a rule: seeing that is quicker than adding them.
            if not block.parts.keys() <= found.keys():
                found |= dict.fromkeys(block.parts)
        return tuple(name for name in found if not name.startswith("@"))

    @property
    def candid(self) -> NDArray[np.int64]:
        """The identifier of each alert: int64 of shape (rows,)."""
        return self.column("candid") if len(self) else np.zeros(0, np.int64)

    # -- Reading ---------------------------------------------------------------------------

    def column(self, name: str, rows: ArrayLike | None = None) -> Values:
        """Return one field of all rows, or of some.

        Parameters
        ----------
        name
            A field of the candidate or of the packet's top level.
        rows
            Row numbers, or a bool for each row; all where None.

        Returns
        -------
        numpy.ndarray
            Floats with NaN for null; integers with 0 (`missing` tells); text with ``""``. Where
            alerts disagree on a field's type, the one that holds all. Text takes four bytes for
            each character of the longest one, in every row: better ask for the rows you need.

        Raises
        ------
        SelectionError
            If no alert here has this field.
        """
        return self._column(name, self._places(rows))

    def missing(self, name: str, rows: ArrayLike | None = None) -> Mask:
        """Return where a field of all rows, or of some, is null, NaN or absent."""
        return self._missing(name, self._places(rows))

    def table(self, rows: ArrayLike | None = None, names: Sequence[str] | None = None) -> Table:
        """Return rows as an astropy Table with units, masked where there is no value.

        Parameters
        ----------
        rows
            Row numbers, or a bool for each row; all where None.
        names
            The fields, all where None.
        """
        try:
            from astropy.table import Column, MaskedColumn, Table  # noqa: PLC0415 - of `lab`
        except ImportError:
            raise ImportError("tables need astropy: pip install 'ztfnb[lab]'") from None
        places = self._places(rows)
        columns = []
        for name in self.names if names is None else names:
            values, missing = self._column(name, places), self._missing(name, places)
            meaning = _meaning(name)
            if missing.any():
                columns.append(MaskedColumn(values, name, mask=missing, **meaning))
            else:
                columns.append(Column(values, name, **meaning))
        return Table(columns, copy=False)

    def cells(self, names: Iterable[str], rows: ArrayLike) -> dict[str, tuple[NDArray[Any], Mask]]:
        """Return fields of some rows with where they are missing: `column` and `missing` of each.

        Names that no alert here has are left out.
        """
        places = self._places(rows)
        held = set(self.names)
        return {
            name: (self._column(name, places), self._missing(name, places))
            for name in names
            if name in held
        }

    def tail(self, start: int) -> Snapshot:
        """Return the rows from ``start`` on, with the fields and types of all."""
        which = int(np.searchsorted(self._starts, start, "right")) - 1
        blocks = self._blocks[which:]
        if blocks:
            blocks = (blocks[0].tail(start - int(self._starts[which])), *blocks[1:])
        tail = Snapshot(blocks, self.revision, self.departed + start, self.outlines)
        tail._whole = self
        return tail

    def pieces(self, rows: ArrayLike) -> list[tuple[RowIndex, Block, RowIndex]]:
        """Return the blocks that hold some rows: places among those given, block, rows of it."""
        index = self._index(rows)
        which = np.searchsorted(self._starts, index, "right") - 1
        order = np.argsort(which, kind="stable")
        cuts = np.searchsorted(which[order], np.arange(len(self._blocks) + 1))
        return [
            (order[begin:end], block, index[order[begin:end]] - start)
            for block, start, begin, end in zip(
                self._blocks, self._starts[:-1], cuts[:-1], cuts[1:], strict=True
            )
            if end > begin
        ]

    def coordinates(self, row: int) -> Coordinates:
        """Return where the packet of a row lies."""
        return self.all_coordinates([row])[0]

    def all_coordinates(self, rows: ArrayLike) -> list[Coordinates]:
        """Return where the packets of some rows lie."""
        places = self._places(rows)
        topics, partitions, offsets = (
            self._column(name, places).tolist() for name in (TOPIC, PARTITION, OFFSET)
        )
        return list(map(Coordinates, topics, partitions, offsets))

    def _column(self, name: str, places: _Places) -> Values:
        dtype = self._dtype(name)
        return places.gather(dtype, lambda block, rows: block.read(name, rows, dtype))

    def _missing(self, name: str, places: _Places) -> Mask:
        self._dtype(name)
        return places.gather(np.dtype(bool), lambda block, rows: block.missing(name, rows))

    def _dtype(self, name: str) -> np.dtype[Any]:
        """Return the type that holds a field's values in every block."""
        if self._whole is not None:
            return self._whole._dtype(name)  # noqa: SLF001 - another of this class
        if name not in self._dtypes:
            parts = [block.parts[name] for block in self._blocks if name in block.parts]
            if not parts:
                empty = "" if len(self) else ": no alert is held yet"
                raise SelectionError(unknown_field(name, self.names) + empty)
            text = any(part.is_text for part in parts)
            self._dtypes[name] = TEXT if text else np.result_type(*(p.dtype for p in parts))
        return self._dtypes[name]

    def _places(self, rows: ArrayLike | None) -> _Places:
        if rows is None:
            return _Places(tuple((block, _EVERY) for block in self._blocks), None)
        pieces = self.pieces(rows)
        order = np.concatenate([np.zeros(0, np.intp), *(at for at, _, _ in pieces)])
        return _Places(tuple((block, inside) for _, block, inside in pieces), order)

    def _index(self, rows: ArrayLike) -> RowIndex:
        given = np.asarray(rows)
        if given.dtype.kind == "b":
            if given.shape != (len(self),):
                raise IndexError(f"expected a bool for each of {len(self):,} rows")
            return np.flatnonzero(given)
        index = given.astype(np.intp)
        if index.ndim != 1 or (len(index) and not 0 <= index.min() <= index.max() < len(self)):
            raise IndexError(f"expected row numbers below {len(self):,}, counted from 0")
        return index

    # -- Finding ---------------------------------------------------------------------------

    def latest(self, count: int) -> RowIndex:
        """Return the rows that arrived last, the newest first."""
        return np.arange(len(self) - 1, max(len(self) - count, 0) - 1, -1)

    def rows_of(self, candids: ArrayLike) -> RowIndex:
        """Return the row of each candid.

        Raises
        ------
        NotHeldError
            If one is not here.
        """
        rows = self.find(candids)
        lost = np.flatnonzero(rows < 0)
        if len(lost):
            candid = np.asarray(candids, np.int64)[lost[0]]
            raise NotHeldError(f"candid {candid} is not, or no longer, held")
        return rows

    def find(self, candids: ArrayLike) -> RowIndex:
        """Return the row of each candid; -1 where it is not here."""
        sought = np.asarray(candids, np.int64)
        rows = np.full(len(sought), -1, np.intp)
        ranked = np.argsort(sought)
        # The newest first: that is what people look at.
        for block, start in zip(self._blocks[::-1], self._starts[-2::-1], strict=True):
            if (rows >= 0).all():
                break
            held = self._read(block, "candid")
            if len(sought) <= _FEW:
                for place in np.flatnonzero(rows < 0):
                    hit = np.flatnonzero(held == sought[place])[:1]
                    rows[place] = hit[0] + start if len(hit) else -1
            else:
                rank = np.searchsorted(sought, held, sorter=ranked).clip(max=len(sought) - 1)
                hit = np.flatnonzero(sought[ranked[rank]] == held)
                rows[ranked[rank[hit]]] = hit + start
        return rows

    def select(
        self,
        where: str | Selection | None = None,
        *,
        cone: tuple[float, float, float] | None = None,
        since: float | None = None,
        until: float | None = None,
        object_id: str | None = None,
    ) -> RowIndex:
        """Return the rows that fulfil all conditions given, oldest first.

        Parameters
        ----------
        where
            A condition such as ``"rb > 0.65 and magpsf < 19"``; see `ztfnb.selection`.
        cone
            Right ascension, declination and radius [deg], the edge included.
        since, until
            Julian dates (UTC): alerts from ``since`` on and before ``until``.
        object_id
            The objectId.

        Raises
        ------
        SelectionError
            If the condition is none, or names a field that no alert here has.
        """
        selection = (parse(where) if where else None) if isinstance(where, str) else where
        if not len(self):
            return np.zeros(0, np.intp)
        tests: list[Callable[[Block], Mask]] = []
        if object_id is not None:
            tests.append(lambda block: self._is_object(block, object_id))
        if since is not None:
            tests.append(lambda block: self._read(block, "jd") >= since)
        if until is not None:
            tests.append(lambda block: self._read(block, "jd") < until)
        if cone is not None:
            tests.append(lambda block: self._in_cone(block, *cone))
        if selection is not None:
            selection.check(self.names)
            tests.append(lambda block: self._fulfils(block, selection))
        return np.concatenate(
            [
                np.flatnonzero(_all(block.size, tests, block)) + start
                for block, start in zip(self._blocks, self._starts[:-1], strict=True)
            ]
        )

    def _read(self, block: Block, name: str) -> Values:
        return block.read(name, _EVERY, self._dtype(name))

    def _is_object(self, block: Block, object_id: str) -> Mask:
        dtype = self._dtype("objectId")
        part = block.parts.get("objectId")
        if part is not None and part.is_text:
            return part.equal_to(object_id)
        return np.asarray(block.read("objectId", _EVERY, dtype).astype(TEXT) == object_id)

    def _in_cone(self, block: Block, ra: float, dec: float, radius: float) -> Mask:
        return in_cone(self._read(block, "ra"), self._read(block, "dec"), (ra, dec), radius)

    def _fulfils(self, block: Block, selection: Selection) -> Mask:
        columns = {name: self._read(block, name) for name in selection.names}
        return selection.evaluate(columns, lambda name: block.missing(name, _EVERY))

    # -- Sorting ---------------------------------------------------------------------------

    def order(
        self, name: str, *, descending: bool = False, rows: ArrayLike | None = None
    ) -> RowIndex:
        """Return rows sorted by a field; those without a value come last.

        Parameters
        ----------
        name
            The field. Rows of equal value stay as they were, up or down.
        descending
            Whether the largest comes first.
        rows
            The rows to sort, all where None.
        """
        if rows is None:
            values = self.ranks(name)
            missing = self.missing(name)
            return _sorted(
                self.column(name) if values is None else values, missing, descending=descending
            )
        index = self._index(rows)
        if len(index) > len(self) // _MANY and (index[1:] > index[:-1]).all():
            # Quicker than to gather so many.
            wanted = np.zeros(len(self), np.bool_)
            wanted[index] = True
            every = self.order(name, descending=descending)
            return every[wanted[every]]
        places = self._places(index)
        missing = self._missing(name, places)
        return index[_sorted(self._column(name, places), missing, descending=descending)]

    def ranks(self, name: str) -> RowIndex | None:
        """Return for each row the place of its text among all texts; None if it is no text.

        Rows of equal text have equal ranks, whose order is that of the texts.
        """
        parts = [block.parts.get(name) for block in self._blocks]
        texts = [part for part in parts if part is not None and part.is_text]
        if not texts or len(texts) < len(parts):
            return None
        return np.concatenate(_ranks(texts))


def _all(size: int, tests: Sequence[Callable[[Block], Mask]], block: Block) -> Mask:
    held = np.ones(size, np.bool_)
    for test in tests:
        held &= test(block)
        if not held.any():
            break
    return held


def _ranks(parts: Sequence[Part]) -> list[NDArray[np.intp]]:
    """Return for each row of some columns of text its place among the texts of all of them."""
    words = [compact_words(part.words) for part in parts]
    pool = np.concatenate(words)
    # The vocabularies of sealed blocks are sorted, which a stable sort turns to account.
    order = np.argsort(pool, kind="stable")
    rank = np.empty(len(pool), np.intp)
    ordered = pool[order]
    rank[order] = np.cumsum(np.concatenate(([False], ordered[1:] != ordered[:-1])))
    starts = np.cumsum([0, *map(len, words)])[:-1]
    return [rank[part.values + start] for part, start in zip(parts, starts, strict=True)]


def _sorted(values: Values, missing: Mask, *, descending: bool) -> RowIndex:
    if missing.any():
        present = np.flatnonzero(~missing)
        order = _sorted(values[present], missing[present], descending=descending)
        return np.concatenate((present[order], np.flatnonzero(missing)))
    rough = np.argsort(values)
    ordered = values[rough]
    # NumPy's quick sort is several times quicker than its stable one, and leaves only equal
    # values to be put in order.
    group = np.zeros(len(rough), np.int64)
    np.cumsum(ordered[1:] != ordered[:-1], out=group[1:])
    if descending:
        group = group[-1:] - group
    group <<= 32
    group |= rough
    group.sort()
    return group & 0xFFFFFFFF


def _meaning(name: str) -> dict[str, str]:
    """Return the unit and description of a field, as a table's column takes them."""
    found = documented(name)
    if found is None:
        return {}
    meaning = {"description": found.doc}
    return {**meaning, "unit": found.unit} if found.unit else meaning
