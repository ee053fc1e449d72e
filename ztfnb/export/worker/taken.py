"""A batch of packets as it was taken from Kafka."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from ztfnb.export.worker.ledger import Place


@dataclass(slots=True)
class Taken:
    """Packets that are gathered for one batch; the messages are held with them."""

    messages: list[Any] = field(default_factory=list)
    """`confluent_kafka.Message`."""
    values: list[bytes] = field(default_factory=list)
    ends: dict[Place, int] = field(default_factory=dict)
    """Up to which offset, without it, each partition is taken."""
    size: int = 0
    """Bytes."""

    def __len__(self) -> int:
        return len(self.values)

    def split(self, limit: int) -> tuple[Taken, Taken]:
        """Return the first packets, up to a limit, and the others."""
        if len(self) <= limit:
            return self, Taken()
        first = Taken(self.messages[:limit], self.values[:limit])
        rest = Taken(self.messages[limit:], self.values[limit:])
        for part in (first, rest):
            part.size = sum(len(value) for value in part.values)
            for message in part.messages:
                part.ends[message.topic(), message.partition()] = message.offset() + 1
        # An end that is known to be further on belongs to the part that reaches it.
        for place, end in self.ends.items():
            (rest if place in rest.ends else first).ends[place] = end
        return first, rest

    def drop(self, places: Collection[Place]) -> None:
        """Take these partitions out of it. The lists stay the same objects."""
        if not places or self.ends.keys().isdisjoint(places):
            return
        kept = [
            number
            for number, message in enumerate(self.messages)
            if (message.topic(), message.partition()) not in places
        ]
        self.messages[:] = [self.messages[number] for number in kept]
        self.values[:] = [self.values[number] for number in kept]
        self.size = sum(len(value) for value in self.values)
        for place in places:
            self.ends.pop(place, None)
