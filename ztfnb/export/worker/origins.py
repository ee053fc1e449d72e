"""Of which topic a partition is read, of those that had its name one after the other. No I/O.

A topic that was deleted and made anew has its old name and nothing else: its offsets count from
its beginning again, and what was read of the old one says nothing of it. Brokers give each topic
an id of its own. Every commit carries the one that it is for, so that also who comes later, and
was not there when the topic was made anew, knows whether an offset is of what there is now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from confluent_kafka import TopicPartition

from ztfnb.export.worker.ledger import Place

_OURS = "topic "


def origin_of(cluster: str, topic_id: str) -> str:
    """Return what a commit carries."""
    return f"{_OURS}{cluster}:{topic_id}"


def _comparable(one: str, other: str) -> bool:
    """Whether two origins are of one cluster: a mirror takes over commits, and has its own ids."""
    return one.startswith(_OURS) and one.rpartition(":")[0] == other.rpartition(":")[0]


class Origins:
    """Of which topic each partition is read; an origin that is not known is an empty text."""

    def __init__(self) -> None:
        self._now: dict[str, str] = {}
        self._read: dict[Place, str] = {}

    def assign(self, place: Place, committed: str) -> None:
        """Read a partition of the topic that its commit is for, or else of the one last heard of.

        Parameters
        ----------
        place
            The partition.
        committed
            What its commit carries.
        """
        self._read[place] = committed or self._now.get(place[0], "")
        self._settle(place)

    def drop(self, places: Iterable[Place]) -> None:
        """Read these no longer."""
        for place in places:
            self._read.pop(place, None)

    def learn(self, origins: Mapping[str, str]) -> None:
        """Note the origins that topics have now."""
        self._now.update(origins)
        for place in self._read:
            self._settle(place)

    @property
    def remade(self) -> set[Place]:
        """Partitions that were read of another topic than there is now."""
        return self.outdated(self._read)

    def outdated(self, carried: Mapping[Place, str]) -> set[Place]:
        """Return the partitions whose commits, by what they carry, are for another topic."""
        return {
            place
            for place, origin in carried.items()
            if _comparable(origin, now := self._now.get(place[0], "")) and origin != now
        }

    def restart(self, place: Place) -> None:
        """Read a partition of the topic that there is now."""
        self._read[place] = self._now.get(place[0], "")

    def listed(self, offsets: Mapping[Place, int]) -> list[TopicPartition]:
        """Return offsets as the client commits them."""
        return [
            TopicPartition(
                *place, offset, metadata=self._read.get(place) or self._now.get(place[0], "")
            )
            for place, offset in offsets.items()
        ]

    def _settle(self, place: Place) -> None:
        now = self._now.get(place[0], "")
        if now and not _comparable(self._read[place], now):
            self._read[place] = now
