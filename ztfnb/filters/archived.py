"""The alerts of files as a sample: their candidates in columns, their packets where they lie."""

from __future__ import annotations

import math
import sys
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ztfnb.alert import Alert
from ztfnb.archive import ArchiveSource, files_of
from ztfnb.codec import decode
from ztfnb.columns import Columns, decode_columns
from ztfnb.errors import DecodeError, SelectionError, ZtfnbError
from ztfnb.filters.held import ColumnSample
from ztfnb.filters.sample import BATCH, Dictionary, Mask, Values, Whole
from ztfnb.outline import Outline
from ztfnb.rows import alerts_of
from ztfnb.seen import Seen
from ztfnb.snapshot import OFFSET, PARTITION, Snapshot
from ztfnb.source import Coordinates, Packet
from ztfnb.store import Store
from ztfnb.tarball import SUFFIXES

KEPT = frozenset(
    {"candid", "diaSourceId", "objectId", "diaObjectId", "jd", "midpointMjdTai"}
    | {"fid", "programid", "magpsf", "ra", "dec"}
)
"""Columns that come back from a cluster: what reports show of every alert."""
_NAMED = 3


class Batch:
    """Packets of files that were read together, and decoded.

    Parameters
    ----------
    packets
        The number of its file is the partition of each.
    fields
        Columns to decode; all where None.
    """

    def __init__(self, packets: Sequence[Packet], fields: frozenset[str] | None = None) -> None:
        self._values = [packet.value for packet in packets]
        self.columns: Columns = decode_columns(self._values, fields)
        self.errors = [error.inside(_named(packets[place])) for place, error in self.columns.errors]
        self.origins = [packet._replace(value=b"") for packet in packets]
        """The packets without their bytes."""

    def alerts(self) -> list[Alert]:
        """Return the alerts of its rows, all of which is at hand."""
        return alerts_of(self.columns, self._values)

    def light(self) -> Batch:
        """Return it without its packets."""
        found = object.__new__(Batch)
        found.__dict__.update(self.__dict__, _values=[])
        return found

    def slim(self) -> Batch:
        """Return it without its packets, and of its columns those of `KEPT`."""
        found = self.light()
        columns = self.columns
        found.columns = replace(
            columns,
            arrays={name: values for name, values in columns.arrays.items() if name in KEPT},
            masks={name: mask for name, mask in columns.masks.items() if name in KEPT},
        )
        return found


class Reader:
    """Reads files in batches.

    Parameters
    ----------
    files
        The files of a sample, by number.
    """

    def __init__(self, files: Mapping[int, Path]) -> None:
        self.files = files
        self.errors: list[DecodeError] = []
        """What could not become a packet, so far."""
        self._sources: dict[int, ArchiveSource] = {}

    def batches(
        self, numbers: Sequence[int] | None = None, fields: frozenset[str] | None = None
    ) -> Iterator[Batch]:
        """Yield what is in some files, by their numbers, or in all."""
        packets = self.packets(list(self.files) if numbers is None else numbers)
        while some := list(islice(packets, BATCH)):
            yield Batch(some, fields)

    def packets(self, numbers: Sequence[int]) -> Iterator[Packet]:
        """Yield the packets of some files; the number of the file is the partition of each."""
        for number in numbers:
            source = ArchiveSource(self.files[number], on_error=self.errors.append)
            if is_tar(self.files[number]):
                self._sources[number] = source  # it learns where the members lie
            while packets := source.poll(math.inf, BATCH):
                for packet in packets:
                    yield packet._replace(partition=number)

    def fetch(
        self, number: int, offsets: Sequence[int]
    ) -> Iterator[tuple[int, Packet | ZtfnbError]]:
        """Yield packets of one file by their numbers in it, in that order, or why there is none."""
        try:
            source = self._sources.get(number) or ArchiveSource(self.files[number])
        except ZtfnbError as error:
            yield from ((offset, error) for offset in offsets)
            return
        for at, packet in source.fetch_many([Coordinates(source.name, 0, n) for n in offsets]):
            yield at.offset, packet


class PathSample(ColumnSample):
    """The alerts of files, folders and tar files.

    Parameters
    ----------
    paths
        Where they are.

    Raises
    ------
    SourceError
        If there is nothing to read at one of them.
    """

    def __init__(self, paths: Sequence[str | Path]) -> None:
        given = [Path(path).expanduser() for path in paths]
        super().__init__(_title([path.name or str(path) for path in given]))
        files = [file for path in given for file in files_of(path)]
        self.reader = Reader(dict(enumerate(files)))
        self.at_hand = True  # while it is read
        self._rows = _Rows()
        self._outlines: dict[Hashable, Outline] = {}
        if len(files) > 1 and not any(map(is_tar, files)):
            self.count = len(files)  # of most archives

    @property
    def snapshot(self) -> Snapshot:
        """The rows."""
        return self._rows.snapshot()

    def read(self) -> Iterator[Sequence[Dictionary]]:
        """Read all files."""
        for batch in self.reader.batches():
            self.take(batch)
            yield batch.alerts()
        self.finish()

    def take(self, batch: Batch) -> None:
        """Hold the rows of a batch, and count what could not be read."""
        self.not_read += batch.errors
        if len(batch.columns.rows):
            outlines = tuple(map(self._known, batch.columns.outlines))
            self._rows.append(batch.origins, replace(batch.columns, outlines=outlines))

    def _known(self, outline: Outline) -> Outline:
        """Return the first outline like this one: from other processes come copies of it."""
        layout = outline.layout
        fields, top = tuple(outline.fields.items()), tuple(outline.top.items())
        key = (layout.names, layout.core, layout.head, fields, top, outline.shared)
        return self._outlines.setdefault(key, outline)

    def finish(self) -> None:
        """Count what could not become a packet."""
        self.not_read += self.reader.errors
        self.reader.errors = []
        self.complete, self.at_hand = True, False

    def found(self, places: Sequence[int]) -> Iterator[Whole]:
        """Yield places with their alerts, in the order of the files."""
        asked = np.asarray(places, np.intp)
        files, offsets = self._coordinates(asked)
        order = np.lexsort((offsets, files))
        ends = np.flatnonzero(np.diff(files[order])) + 1
        for some in np.split(order, ends) if len(order) else ():
            where = dict(zip(offsets[some].tolist(), asked[some].tolist(), strict=True))
            for offset, packet in self.reader.fetch(int(files[some[0]]), list(where)):
                yield where[offset], _decoded(packet)

    def column(self, name: str) -> tuple[Values, Mask]:
        """Return a field of every alert; the files are read again where it is not here."""
        if not self.remote or name in self.snapshot.names:
            return super().column(name)
        return self._read_column(name)

    def _read_column(self, name: str) -> tuple[Values, Mask]:
        own = _keys(*self._coordinates(np.arange(len(self))))
        found, gaps, keys = [], [], []
        reader = Reader(self.reader.files)
        for batch in reader.batches(fields=frozenset({name})):
            columns = batch.columns
            if name in columns:
                found.append(columns[name])
                gaps.append(columns.mask(name) | (columns[name] != columns[name]))
                places = columns.rows.tolist()
                files = np.array([batch.origins[place].partition for place in places], np.int64)
                offsets = np.array([batch.origins[place].offset for place in places], np.int64)
                keys.append(_keys(files, offsets))
        if not found:
            raise SelectionError(f"no alert of {self.name} has a field {name!r}")
        missing = np.ones(len(self), np.bool_)
        values = np.zeros(len(self), np.result_type(*found))
        at = np.searchsorted(own, np.concatenate(keys))
        values[at], missing[at] = np.concatenate(found), np.concatenate(gaps)
        return values, missing

    def _coordinates(self, places: NDArray[np.intp]) -> tuple[NDArray[Any], NDArray[Any]]:
        held = self.snapshot
        if not len(places):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        return held.column(PARTITION, places), held.column(OFFSET, places)


def is_tar(file: Path) -> bool:
    """Return whether a file is a tar file, which can only be read from its beginning."""
    return file.name.endswith(SUFFIXES)


def _keys(files: NDArray[Any], offsets: NDArray[Any]) -> NDArray[np.int64]:
    found: NDArray[np.int64] = (files.astype(np.int64) << 40) | offsets
    return found


def _decoded(packet: Packet | ZtfnbError) -> Alert | ZtfnbError:
    if isinstance(packet, ZtfnbError):
        return packet
    try:
        return decode(packet.value)
    except DecodeError as error:
        return error


def _named(packet: Packet) -> str:
    return f"{packet.topic}, packet {packet.offset:,}" if packet.offset else packet.topic


def _title(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    more = ", ..." if len(names) > _NAMED else ""
    return f"{len(names)} paths: {', '.join(names[:_NAMED])}{more}"


class _Rows(Store):
    """A store that holds every alert, also those that came twice, and no packet."""

    def __init__(self) -> None:
        super().__init__()
        self.memory_budget = sys.maxsize
        self._seen = _NeverSeen()

    def _keep(self, packets: Sequence[Packet], candids: NDArray[np.int64]) -> None:
        """Keep nothing: the packets are where they were."""


class _NeverSeen(Seen):
    """Takes every key for new."""

    def add(self, keys: NDArray[np.int64], block: int, oldest: int) -> NDArray[np.intp]:
        """Return the positions of all."""
        del block, oldest
        return np.arange(len(keys))
