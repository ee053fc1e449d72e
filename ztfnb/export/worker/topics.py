"""Which topics a group reads now. Pure.

A list of names, renewed as nights come and go, and not a pattern that the broker's whole list is
matched with: so a worker reads what its window names and nothing that happens to be called alike,
old nights that are still held are not read by a new group, and a user needs no right to other
topics. Topics are subscribed to once they exist.

Nothing is lost at midnight or after a pause of days: a night before the window is read on as long
as the group has not finished it, and also when the group never saw it because it stood still then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ztfnb.export.worker.ledger import Place
from ztfnb.export.worker.route import night_pattern
from ztfnb.nightly import FixedTopics, NightlyTopics, Topics, topic_night


@dataclass(frozen=True, slots=True)
class Extent:
    """What a partition holds, and how far the group is in it."""

    low: int
    high: int
    committed: int | None

    @property
    def unfinished(self) -> bool:
        """Whether anything there has not been read by the group, or is gone unread."""
        return self.unfinished_before(self.high)

    def unfinished_before(self, end: int) -> bool:
        """Whether that is so of what lies before an offset."""
        if self.committed is None:
            return end > self.low
        return self.committed < min(end, self.high)


def candidates(topics: Topics, listed: Mapping[str, int], now: float) -> tuple[str, ...]:
    """Return topics that exist and may be read, oldest night first.

    Parameters
    ----------
    topics
        What is to be read.
    listed
        Topics that the broker has, with their numbers of partitions.
    now
        Unix time [s].
    """
    if isinstance(topics, FixedTopics):
        return tuple(name for name in topics.fixed if name in listed)
    pattern = night_pattern(topics)
    last = max(topics.names(now), key=_night)
    found = [name for name in listed if pattern.fullmatch(name) and _night(name) <= _night(last)]
    return tuple(sorted(found, key=lambda name: (_night(name), name)))


def to_read(
    topics: Topics, found: tuple[str, ...], extents: Mapping[Place, Extent], now: float
) -> tuple[str, ...]:
    """Return which of the candidates to read now."""
    if isinstance(topics, FixedTopics):
        return found
    begun = [
        _night(topic) for (topic, _), extent in extents.items() if extent.committed is not None
    ]
    since = min(begun, default="")
    unfinished = {topic for (topic, _), extent in extents.items() if extent.unfinished}
    window = set(topics.names(now))
    return tuple(
        name
        for name in found
        if name in window or (since and _night(name) >= since and name in unfinished)
    )


def is_nightly(topics: Topics) -> bool:
    """Whether topics come and go."""
    return isinstance(topics, NightlyTopics)


def _night(topic: str) -> str:
    night = topic_night(topic)
    return night.isoformat() if night else ""
