"""Which topics there are, looked after: nights that come, and topics that are missing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from confluent_kafka import Consumer

from ztfnb.export.worker.asking import WAIT, extents_of, places_of
from ztfnb.export.worker.ledger import Place
from ztfnb.export.worker.route import Route
from ztfnb.export.worker.topics import Extent, candidates, is_nightly, to_read
from ztfnb.kafka_health import Health
from ztfnb.kafka_trouble import Trouble

_GRACE = 30.0
"""How long a fixed topic may be missing before that is an error [s]."""


class TopicWatch:
    """The topics of a route, as the broker has them.

    What asks the broker raises `confluent_kafka.KafkaException` where it does not answer.

    Parameters
    ----------
    route
        What to read.
    health
        Told what is wrong with topics.
    clock
        Unix time [s].
    """

    def __init__(self, route: Route, health: Health, clock: Callable[[], float]) -> None:
        self.read: tuple[str, ...] = ()
        """What is to be read now."""
        self.fatal = ""
        """Why waiting will not help; empty where it may."""
        self.cluster = ""
        """By which name the cluster knows itself."""
        self._route = route
        self._health = health
        self._clock = clock
        self._counts: dict[str, int] = {}
        self._missing_since: float | None = None

    @property
    def nightly(self) -> bool:
        """Whether topics come and go."""
        return is_nightly(self._route.topics)

    @property
    def missing(self) -> bool:
        """Whether a topic, or every night of the window, was not there at the last look."""
        return self._missing_since is not None

    @property
    def places(self) -> list[Place]:
        """Partitions of what is to be read now."""
        return places_of(self.read, self._counts)

    @property
    def found(self) -> tuple[str, ...]:
        """The topics that were there at the last look, and may be read."""
        return candidates(self._route.topics, self._counts, self._clock())

    @property
    def partition_count(self) -> int:
        """The largest number of partitions among the topics that may be read; 0 for none."""
        return max((self._counts[topic] for topic in self.found), default=0)

    def look(self, client: Consumer) -> None:
        """Look which topics there are."""
        self._counts = self._list(client)
        self._watch_missing(self._counts)

    def renew(self, client: Consumer) -> None:
        """Look which topics are to be read now.

        New partitions of a topic the client finds by itself.
        """
        if self.read and not self.nightly:
            return
        topics, now = self._route.topics, self._clock()
        listed = self._list(client)
        found = candidates(topics, listed, now)
        extents: dict[Place, Extent] = {}
        if self.nightly and found:
            extents = extents_of(client, places_of(found, listed))
        wanted = to_read(topics, found, extents, now)
        self._watch_missing(listed, wanted)
        self._counts = listed
        self.read = wanted or self.read

    def known_places(self, client: Consumer) -> list[Place]:
        """Return the partitions of all topics that there are, and may be read."""
        found = candidates(self._route.topics, self._list(client), self._clock())
        return places_of(found, self._counts)

    def _list(self, client: Consumer) -> dict[str, int]:
        """Return the topics that exist, of those that may matter, and their partitions."""
        if self.nightly:
            answer = client.list_topics(timeout=WAIT)
            found = answer.topics
        else:
            found = {}
            for name in self._route.topics.names(self._clock()):
                answer = client.list_topics(name, timeout=WAIT)
                found[name] = answer.topics[name]
        self.cluster = answer.cluster_id or ""
        self._health.arrive()
        troubles = [
            self._health.explain(one.error, name) for name, one in found.items() if one.error
        ]
        self._health.note_topics(one for one in troubles if one.kind != "unknown")
        return {
            name: len(one.partitions)
            for name, one in found.items()
            if one.error is None and one.partitions
        }

    def _watch_missing(self, listed: Mapping[str, int], wanted: Sequence[str] = ()) -> None:
        """Wait for topics that do not exist yet: for nights as long as it takes."""
        now = time.monotonic()
        names = self._route.topics.names(self._clock())
        missing = [name for name in names if name not in listed]
        if not missing or (self.nightly and wanted):
            self._missing_since = None
            return
        if self._missing_since is None:
            self._missing_since = now
        text = f"{self._route.source} has no topic {', '.join(missing)}"
        if self.nightly or now - self._missing_since < _GRACE:
            self._health.note_topics([Trouble("waiting", f"{text} yet")])
        else:
            self.fatal = f"{text}; check the name, or create it"
