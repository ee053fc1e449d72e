"""Partitions that came to a stop, as the client cannot tell where to read on in them.

Nothing is skipped in silence: what is gone is told as a gap, and what a group never had is read
from its beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet

from confluent_kafka import Consumer, TopicPartition

from ztfnb.export.worker.asking import FIRST, LAST, WAIT, committed_of, offsets_at
from ztfnb.export.worker.ledger import Ledger, Place
from ztfnb.export.worker.origins import Origins
from ztfnb.export.worker.watch import TopicWatch
from ztfnb.source import Gap


class Standstill:
    """Finds out where partitions that came to a stop are to be read on.

    Parameters
    ----------
    start
        Where a new group begins: ``latest`` or ``beginning``.
    ledger
        Knows how far they were taken; told where they go on.
    watch
        Knows which partitions there are.
    origins
        Knows of which topic partitions are read, of those that had its name.
    put
        Reads a partition from an offset.
    """

    def __init__(
        self,
        start: str,
        ledger: Ledger,
        watch: TopicWatch,
        origins: Origins,
        put: Callable[[Place, int], object],
    ) -> None:
        self.places: set[Place] = set()
        """What came to a stop."""
        self.begun = False
        """Whether the group is known to have begun."""
        self.gaps: tuple[Gap, ...] = ()
        self.remade: tuple[str, ...] = ()
        """Topics that were made anew, and are read from their beginning."""
        self._start = start
        self._ledger = ledger
        self._watch = watch
        self._origins = origins
        self._put = put

    def end(self, client: Consumer, gathered: AbstractSet[Place]) -> None:
        """Go on where packets are held again and say what is missing, or begin.

        Partitions wait until all that is gathered and taken of them is done, and committed: of a
        topic that is no more it cannot be taken again.

        Raises
        ------
        KafkaException
            If the broker does not answer.
        """
        everything = sorted({*self._watch.known_places(client), *self.places})
        committed = committed_of(client, everything)
        known = any(self._ledger.position(one) is not None for one in self.places)
        if not committed and not known and not self.begun:
            here = sorted({*self._watch.places, *self.places})
            if not self._ledger.owns(here[0]):
                return  # whoever owns the first begins for all; then there are commits
            committed = self._begin_group(client, here)
        self.begun = True
        remade = set()
        for place in sorted(self.places - gathered - self._ledger.committable().keys()):
            position = self._ledger.position(place)
            if position != self._ledger.done(place):
                continue
            if self._resume(client, place, committed.get(place) if position is None else position):
                remade.add(place[0])
            self.places.discard(place)
        self.remade += tuple(sorted(remade))

    def _begin_group(self, client: Consumer, places: Sequence[Place]) -> dict[Place, int]:
        """Commit where a new group begins in all partitions that there are.

        At once and by one member: so every other, and each that comes later, knows that what has
        no commit was not there when the group began, and is to be read from its beginning.
        """
        offsets = offsets_at(client, places, FIRST if self._start == "beginning" else LAST)
        client.commit(offsets=self._origins.listed(offsets), asynchronous=False)
        return offsets

    def _resume(self, client: Consumer, place: Place, position: int | None) -> bool:
        """Read a partition on; return whether it was made anew."""
        low, high = client.get_watermark_offsets(TopicPartition(*place), timeout=WAIT)
        # Where brokers tell no ids, one that is shorter than what was read of it tells as much.
        remade = place in self._origins.remade or (position is not None and position > high)
        if remade:
            self._origins.restart(place)
            self._ledger.restart(place, low)
            self._put(place, low)
        elif position is None:
            self._ledger.begin(place, low)
            self._put(place, low)
        elif position < low:
            self.gaps += (Gap(*place, first=position, last=low - 1),)
            self._ledger.begin(place, position)
            self._ledger.skip(place, low)
            self._put(place, low)
        else:
            self._ledger.begin(place, position)
            self._put(place, position)
        return remade
