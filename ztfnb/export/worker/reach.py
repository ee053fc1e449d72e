"""How far the partitions of a worker are read, and how far behind that is."""

from __future__ import annotations

import math
from collections.abc import Iterable

from confluent_kafka import Consumer, TopicPartition

from ztfnb.export.worker.ledger import Ledger, Place
from ztfnb.source import PartitionStatus


class Reach:
    """How far each partition is read.

    Parameters
    ----------
    ledger
        Knows what is taken, and done.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.partitions: tuple[PartitionStatus, ...] = ()
        """As of the last `measure`."""
        self._ledger = ledger
        self._ends: dict[Place, int] = {}
        self._timestamps: dict[Place, float] = {}

    def note_end(self, place: Place, offset: int) -> None:
        """Note where a partition ends."""
        self._ends[place] = offset

    def note_time(self, place: Place, timestamp: float) -> None:
        """Note the time [Unix s] of the packet of a partition that was judged last."""
        self._timestamps[place] = timestamp

    def forget_end(self, place: Place) -> None:
        """Know no longer where a partition ends: it is read from another offset."""
        self._ends.pop(place, None)

    def forget(self, places: Iterable[Place]) -> None:
        """Know nothing of these any longer."""
        for place in places:
            self._ends.pop(place, None)
            self._timestamps.pop(place, None)

    @property
    def complete(self) -> bool:
        """Whether every partition that is owned is taken to its end."""
        # Of a partition that was just assigned neither its end is known, nor where reading begins.
        return all(
            place in self._ends and self._ends[place] == self._ledger.position(place)
            for place in self._ledger.places
        )

    @property
    def lag(self) -> int | None:
        """Packets that wait in all partitions together; None where that is not known of each."""
        lags = [one.lag for one in self.partitions]
        known = [lag for lag in lags if lag is not None]
        return sum(known) if len(known) == len(lags) else None

    def measure(self, client: Consumer) -> None:
        """Find out how far each partition is read; asks nobody."""
        partitions = []
        for place in self._ledger.places:
            position = self._ledger.done(place)
            _, high = client.get_watermark_offsets(TopicPartition(*place), cached=True)
            known = high >= 0 and position is not None
            lag = max(0, high - (position or 0)) if known else None
            at = 0 if position is None else position
            partitions.append(
                PartitionStatus(*place, at, lag, self._timestamps.get(place, math.nan))
            )
        self.partitions = tuple(partitions)
