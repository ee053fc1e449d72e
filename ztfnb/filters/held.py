"""Samples in columns: the alerts that a store holds, and those of files.

The candidate comes from the columns. What else a filter reads is in the packet, which is fetched
again from where it lies.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ztfnb.alert import Alert
from ztfnb.errors import NotHeldError, ZtfnbError
from ztfnb.filters.sample import Dictionary, Mask, Sample, Values, Whole
from ztfnb.rows import HeldAlerts
from ztfnb.snapshot import Snapshot
from ztfnb.source import Packet

_AT_ONCE = 250
"""Packets that are held at once while they are brought in the order that was asked for."""


class ColumnSample(Sample):
    """Alerts whose candidates are the rows of a snapshot."""

    @property
    @abstractmethod
    def snapshot(self) -> Snapshot:
        """The rows."""

    @abstractmethod
    def found(self, places: Sequence[int]) -> Iterator[Whole]:
        """Yield places with their alerts, as they are found quickest, or the reason why not."""

    def packets(self, places: Sequence[int]) -> Iterator[tuple[int, Packet | ZtfnbError]]:
        """Yield the same as packets, which travel to other processes."""
        for place, alert in self.found(places):
            yield place, Packet(alert.raw) if isinstance(alert, Alert) else _error_of(alert)

    @property
    def candid(self) -> NDArray[np.int64]:
        """The identifier of each alert."""
        return self.snapshot.candid

    def light(self, places: Sequence[int]) -> Iterator[Dictionary]:
        """Yield alerts of which perhaps only the candidate is at hand."""
        return HeldAlerts(self.snapshot, self.kept).alerts(list(places))

    def kept(self, candid: int) -> Packet | None:  # noqa: ARG002 - of most samples none is
        """Return the packet of a candid, where it is in memory."""
        return None

    def whole(self, places: Sequence[int], *, in_order: bool = False) -> Iterator[Whole]:
        """Yield places with their alerts, all of which is at hand, or the reason why not."""
        if not in_order:
            yield from self.found(places)
            return
        for begin in range(0, len(places), _AT_ONCE):
            some = places[begin : begin + _AT_ONCE]
            found = dict(self.found(some))
            yield from ((place, found[place]) for place in some)

    def column(self, name: str) -> tuple[Values, Mask]:
        """Return a field of every alert."""
        return self.snapshot.column(name), self.snapshot.missing(name)


def _error_of(found: object) -> ZtfnbError:
    return found if isinstance(found, ZtfnbError) else NotHeldError(str(found))


class HeldSample(ColumnSample):
    """What a store holds at one moment.

    Parameters
    ----------
    name
        What people call it.
    snapshot
        The alerts.
    packet
        Returns the packet of a candid where it is in memory.
    fetch_many
        Yields candids with their alerts, or an error, as they are found quickest.
    """

    def __init__(
        self,
        name: str,
        snapshot: Snapshot,
        packet: Callable[[int], Packet | None],
        fetch_many: Callable[[Sequence[int]], Iterator[tuple[int, Alert | Exception]]],
    ) -> None:
        super().__init__(name)
        self.count = len(snapshot)
        self._snapshot = snapshot
        self._packet = packet
        self._fetch_many = fetch_many

    @property
    def snapshot(self) -> Snapshot:
        """The rows."""
        return self._snapshot

    def read(self) -> Iterator[Sequence[Dictionary]]:
        """Yield the alerts, in batches."""
        yield from self.slices()
        self.complete = True

    def kept(self, candid: int) -> Packet | None:
        """Return the packet of a candid, where it is in memory."""
        return self._packet(candid)

    def found(self, places: Sequence[int]) -> Iterator[Whole]:
        """Yield places with their alerts, from memory or the source."""
        candids = self.candid[list(places)].tolist()
        where = dict(zip(candids, places, strict=True))
        for candid, alert in self._fetch_many(candids):
            yield where[candid], alert if isinstance(alert, Alert) else _error_of(alert)
