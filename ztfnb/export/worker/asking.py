"""Questions that a consumer asks its broker: offsets committed, first and last.

Each waits for the answer, and raises `confluent_kafka.KafkaException` where there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from confluent_kafka import Consumer, KafkaException, TopicPartition

from ztfnb.export.worker.ledger import Place
from ztfnb.export.worker.topics import Extent

WAIT = 5.0
"""How long the broker has for an answer [s]."""
FIRST, LAST = -2, -1
"""What ListOffsets takes for a time to mean the first and the last offset."""


def committed_of(client: Consumer, places: Iterable[Place]) -> dict[Place, int]:
    """Return what the group has committed; leaves out partitions without a commit."""
    return {(one.topic, one.partition): one.offset for one in _commits(client, places)}


def carried_of(client: Consumer, places: Iterable[Place]) -> dict[Place, str]:
    """Return what the commits of the group carry; leaves out partitions without a commit."""
    return {(one.topic, one.partition): one.metadata or "" for one in _commits(client, places)}


def offsets_at(client: Consumer, places: Sequence[Place], which: int) -> dict[Place, int]:
    """Return the first or the last offset of each partition."""
    asked = [TopicPartition(*place, which) for place in places]
    answers = client.offsets_for_times(asked, timeout=WAIT) if asked else []
    _check(answers)
    return {(one.topic, one.partition): one.offset for one in answers}


def extents_of(client: Consumer, places: Sequence[Place]) -> dict[Place, Extent]:
    """Return what each partition holds, and how far the group is in it."""
    committed = committed_of(client, places)
    lows, highs = offsets_at(client, places, FIRST), offsets_at(client, places, LAST)
    return {
        place: Extent(lows[place], highs[place], committed.get(place))
        for place in places
        if place in lows and place in highs
    }


def places_of(topics: Iterable[str], counts: Mapping[str, int]) -> list[Place]:
    """Return the partitions of topics, by how many each has."""
    return [(topic, number) for topic in topics for number in range(counts.get(topic, 0))]


def _commits(client: Consumer, places: Iterable[Place]) -> list[TopicPartition]:
    """Return the commits that there are."""
    asked = [TopicPartition(*place) for place in places]
    answers = client.committed(asked, timeout=WAIT) if asked else []
    _check(answers)
    return [one for one in answers if one.offset >= 0]


def _check(answers: Iterable[TopicPartition]) -> None:
    for answer in answers:
        if answer.error is not None:
            raise KafkaException(answer.error)
