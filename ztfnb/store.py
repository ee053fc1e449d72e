"""The alerts at hand: the fields of each in columns, within a memory budget.

A store is a ring. The oldest alerts leave when the budget is reached, a block of some thousand at
a time. Of every alert held it keeps all scalar fields of the candidate and the packet's
coordinates; the packets themselves only of the newest, since older ones can be fetched again from
their source. An alert that arrives twice (by its candid) is one row.

One thread appends. Any other may read at any time: reading goes through `Store.snapshot`, which
takes no lock and keeps nobody waiting.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ztfnb.alert import CORES
from ztfnb.blocks import LARGEST_BLOCK, MAX_TEXT, Block, GrowingBlock, Values
from ztfnb.columns import Columns
from ztfnb.errors import ConfigError
from ztfnb.outline import Outline
from ztfnb.seen import Seen
from ztfnb.selection import Selection
from ztfnb.snapshot import OFFSET, OUTLINE, PARTITION, TIMESTAMP, TOPIC, Snapshot
from ztfnb.source import Coordinates, Packet

if TYPE_CHECKING:
    from astropy.table import Table

DEFAULT_BUDGET = 800_000_000
"""Memory [bytes] in which a night of 1.2 million alerts fits."""
SMALLEST_BUDGET = 1_000_000
MAX_PACKETS = 2_000
"""Packets of which the bytes are kept."""
MAX_PACKET_BYTES = 100_000_000
"""Memory of those packets at most; and at most a quarter of the budget."""
_ROW_BYTES = 640
"""About what an alert takes: for choosing sizes, not for accounting."""
_PACKET_OVERHEAD = 500
_PIECE = 64
"""Packets that are let go together."""
_MAX_OUTLINES = 1_000
"""Kinds of packets that are told apart; a survey has one for each version of its schema."""


class Store:
    """A ring of alerts: their fields, the place of their packets, and the newest packets.

    Parameters
    ----------
    memory_budget
        Memory [bytes] for everything in it. Readers' copies come on top.

    Raises
    ------
    ConfigError
        If the budget is too small to hold anything.
    """

    def __init__(self, memory_budget: int = DEFAULT_BUDGET) -> None:
        if memory_budget < SMALLEST_BUDGET:
            raise ConfigError(
                f"memory_budget: expected at least {SMALLEST_BUDGET:,} bytes, got {memory_budget:,}"
            )
        self.memory_budget = memory_budget
        self.duplicates = 0
        """Alerts that arrived while one of the same candid was held."""
        self.evicted = 0
        """Alerts that have left to make room."""
        self.unidentified = 0
        """Alerts without a candid: there is no telling whether they came before."""
        self._appending = threading.Lock()
        self._capacity = min(LARGEST_BLOCK, memory_budget // (16 * _ROW_BYTES))
        self._sealed: deque[Block] = deque()
        self._growing = GrowingBlock(1, self._capacity)
        self._seen = Seen(memory_budget // _ROW_BYTES)
        self._sealed_bytes = 0
        self._packets: dict[int, Packet] = {}
        self._pieces: deque[tuple[list[int], int]] = deque()
        self._packet_bytes = 0
        self._outlines: tuple[Outline, ...] = ()
        self._snapshot = Snapshot()

    def __len__(self) -> int:
        return len(self._snapshot)

    def __repr__(self) -> str:
        return f"<Store: {len(self):,} alerts, {self.nbytes / 1e6:,.0f} MB>"

    @property
    def nbytes(self) -> int:
        """Memory in use [bytes]."""
        return self._sealed_bytes + self._growing.nbytes + self._seen.nbytes + self._packet_bytes

    @property
    def revision(self) -> int:
        """A number that grows with every change of what is held."""
        return self._snapshot.revision

    def snapshot(self) -> Snapshot:
        """Return what is held now, to read from; it does not change."""
        return self._snapshot

    # -- Appending -------------------------------------------------------------------------

    def append(self, packets: Sequence[Packet], columns: Columns) -> int:
        """Take a batch and return how many alerts of it are new.

        Of alerts with one candid the first to arrive is kept. Every row of ``columns`` is new, or
        counted in ``duplicates`` or ``unidentified``.

        Parameters
        ----------
        packets
            A batch.
        columns
            What `ztfnb.columns.decode_columns` gives for it.
        """
        with self._appending:
            rows, candids = _identify(columns)
            self.unidentified += len(columns.rows) - len(rows)
            origins = [packets[place] for place in columns.rows[rows].tolist()]
            outline = self._outline(columns)[rows]
            own: dict[str, Values] = {"candid": candids, OUTLINE: outline}
            own |= _coordinates(origins)
            # They come first: fields beyond the most that a block takes are left out.
            arrays = {**own, **_take(columns.arrays, rows), **own}
            nulls = _take(columns.masks, rows)
            for name in _OWN & nulls.keys():
                del nulls[name]
            new = 0
            start = 0
            while start < len(candids):
                stop = start + self._growing.room
                fresh = start + self._seen.add(
                    candids[start:stop], self._growing.serial, self._oldest
                )
                if len(fresh):
                    self._growing.append(len(fresh), _take(arrays, fresh), _take(nulls, fresh))
                    self._keep(
                        [origins[row] for row in fresh[-MAX_PACKETS:].tolist()], candids[fresh]
                    )
                new += len(fresh)
                if not self._growing.room or self._growing.nbytes > self.memory_budget // 8:
                    self._seal()
                start = stop
            self.duplicates += len(candids) - new
            if new:
                self._make_room()
                blocks = (*self._sealed, self._growing.view())
                revision = self._snapshot.revision + 1
                self._snapshot = Snapshot(blocks, revision, self.evicted, self._outlines)
            return new

    def _outline(self, columns: Columns) -> NDArray[np.int16]:
        """Return for each row of a batch the number of its packet's outline here."""
        if columns.outline is None:
            return np.full(len(columns.rows), -1, np.int16)
        numbers = [self._number(outline, columns.arrays) for outline in columns.outlines]
        found = np.array([*numbers, -1], np.int16)[columns.outline]
        for values in columns.arrays.values():
            # What is cut short here stands in the packet alone.
            if values.dtype.kind == "U" and values.dtype.itemsize > 4 * MAX_TEXT:
                found[np.strings.str_len(values) > MAX_TEXT] = -1
        return found

    def _number(self, outline: Outline, arrays: Mapping[str, Values]) -> int:
        if not outline.columns <= arrays.keys():
            return -1
        if outline not in self._outlines:
            if len(self._outlines) >= _MAX_OUTLINES:
                return -1
            self._outlines += (outline,)
        return self._outlines.index(outline)

    @property
    def _oldest(self) -> int:
        return self._sealed[0].serial if self._sealed else self._growing.serial

    def _seal(self) -> None:
        block = self._growing.seal()
        self._sealed.append(block)
        self._sealed_bytes += block.nbytes
        self._growing = GrowingBlock(block.serial + 1, self._capacity)

    def _keep(self, packets: Sequence[Packet], candids: NDArray[np.int64]) -> None:
        """Keep the bytes of the newest packets."""
        limit = min(MAX_PACKET_BYTES, self.memory_budget // 4)
        named = candids[-len(packets) :].tolist()
        for start in range(0, len(packets), _PIECE):
            piece = packets[start : start + _PIECE]
            names = named[start : start + _PIECE]
            size = _size(piece)
            self._packets.update(zip(names, piece, strict=True))
            self._pieces.append((names, size))
            self._packet_bytes += size
        while len(self._packets) > MAX_PACKETS or self._packet_bytes > limit:
            self._drop_packets()

    def _drop_packets(self) -> None:
        names, size = self._pieces.popleft()
        for name in names:
            del self._packets[name]
        self._packet_bytes -= size

    def _make_room(self) -> None:
        while self._sealed and self.nbytes > self.memory_budget:
            block = self._sealed.popleft()
            self._sealed_bytes -= block.nbytes
            self.evicted += block.size
        # The packets kept are those of the newest rows.
        held = self._growing.size + sum(block.size for block in self._sealed)
        while len(self._packets) > held:
            self._drop_packets()

    # -- Reading ---------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that any alert held has."""
        return self._snapshot.names

    @property
    def candid(self) -> NDArray[np.int64]:
        """The candid of each alert held, in the order in which they arrived."""
        return self._snapshot.candid

    def column(self, name: str) -> Values:
        """Return one field of all alerts held; see `ztfnb.snapshot.Snapshot.column`."""
        return self._snapshot.column(name)

    def select(
        self,
        where: str | Selection | None = None,
        *,
        cone: tuple[float, float, float] | None = None,
        since: float | None = None,
        until: float | None = None,
        object_id: str | None = None,
    ) -> NDArray[np.int64]:
        """Return the candids of the alerts that fulfil all conditions given, oldest first.

        See `ztfnb.snapshot.Snapshot.select`, which returns rows.
        """
        held = self._snapshot
        rows = held.select(where, cone=cone, since=since, until=until, object_id=object_id)
        return held.column("candid", rows) if len(held) else held.candid

    def table(self, candids: ArrayLike | None = None, names: Sequence[str] | None = None) -> Table:
        """Return alerts as an astropy Table, all where None.

        Raises
        ------
        NotHeldError
            If one of them is not held.
        """
        held = self._snapshot
        return held.table(None if candids is None else held.rows_of(candids), names)

    def latest(self, count: int) -> NDArray[np.int64]:
        """Return the candids of the alerts that arrived last, the newest first."""
        held = self._snapshot
        return held.candid[held.latest(count)]

    def packet(self, candid: int) -> Packet | None:
        """Return the packet of an alert; None if it is not kept.

        It can then be fetched again from its source, by its `coordinates`.
        """
        return self._packets.get(candid)

    def coordinates(self, candid: int) -> Coordinates:
        """Return where the packet of an alert lies.

        Raises
        ------
        NotHeldError
            If the alert is not, or no longer, held.
        """
        held = self._snapshot
        return held.coordinates(int(held.rows_of([candid])[0]))


_OWN = {"candid", OUTLINE, TOPIC, PARTITION, OFFSET, TIMESTAMP}
"""Columns that come from the packet or stand for every kind of alert's identifier."""


def _identify(columns: Columns) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Return the rows that have an identifier, and it: ZTF's candid or Rubin's diaSourceId."""
    candids = np.zeros(len(columns.rows), np.int64)
    known = np.zeros(len(columns.rows), np.bool_)
    for name in CORES.values():
        if name in columns and columns[name].dtype.kind in "iu":
            mine = ~known & ~columns.mask(name)
            candids[mine] = columns[name][mine]
            known |= mine
    rows = np.flatnonzero(known)
    return rows, candids[rows]


def _take(arrays: Mapping[str, Values], rows: NDArray[np.intp]) -> dict[str, Values]:
    """Return some rows of columns, given in ascending order."""
    return {
        name: values if len(rows) == len(values) else values[rows]
        for name, values in arrays.items()
    }


def _coordinates(packets: Sequence[Packet]) -> dict[str, Values]:
    topics = [packet.topic for packet in packets]
    if topics and topics.count(topics[0]) == len(topics):
        topic = np.full(len(topics), topics[0])
    else:
        topic = np.array(topics, np.str_)
    return {
        TOPIC: topic,
        PARTITION: np.array([packet.partition for packet in packets], np.int32),
        OFFSET: np.array([packet.offset for packet in packets], np.int64),
        TIMESTAMP: np.array([packet.timestamp for packet in packets], np.float64),
    }


def _size(packets: Sequence[Packet]) -> int:
    size = sum([len(packet.value) for packet in packets]) + _PACKET_OVERHEAD * len(packets)
    for packet in packets:
        if packet.key or packet.headers:
            size += len(packet.key or b"")
            size += sum(len(name) + len(value) for name, value in packet.headers)
    return size
