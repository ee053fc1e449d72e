"""Many packets by their coordinates, in as few requests as their places allow."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from ztfnb.errors import NotHeldError, SourceError, StreamClosedError
from ztfnb.kafka_client import let_go, open_client, packet_from
from ztfnb.kafka_config import Properties
from ztfnb.kafka_fetch import NOT_HELD, named
from ztfnb.source import Coordinates, Found

_AT_ONCE = 500
"""Packets fetched before the first of them is handed on: about 35 MB."""
_LEAP = 64
"""Packets between two wanted ones that are read through rather than leapt over, which takes a
round trip to the broker."""
# A request brings about four packets of each partition, and is never waited for.
_MEDIUM = {
    "fetch.wait.max.ms": 10,
    "fetch.max.bytes": 8_388_608,
    "fetch.message.max.bytes": 262_144,
    "fetch.queue.backoff.ms": 5,
    "queued.min.messages": 100,
    "queued.max.messages.kbytes": 16_384,
}
_POLL = 0.5
_ANSWER = 5.0
_BEYOND = {
    KafkaError._AUTO_OFFSET_RESET,  # noqa: SLF001 - the client's own name for a public code
    KafkaError.OFFSET_OUT_OF_RANGE,
}

Place = tuple[str, int]


class BulkFetcher:
    """A client of its own for many packets at a time, connected at the first ones.

    Any thread may call. What is fetched at once waits for what another thread fetches.
    """

    def __init__(self, properties: Properties, *, servers: str, timeout: float = 10.0) -> None:
        self._properties = Properties({**properties, **_MEDIUM})
        self._servers = servers
        self._timeout = timeout
        self._lock = threading.Lock()
        self._consumer: Consumer | None = None
        self._closed = False
        self._partitions: dict[str, frozenset[int]] = {}

    def fetch(self, places: Iterable[Coordinates]) -> Iterator[Found]:
        """Yield each packet once, or why it is not held, in the order in which they are read.

        Raises
        ------
        SourceError
            If the broker does not answer in time; what was fetched before has been yielded.
        """
        # Partitions are read side by side, each from its beginning on.
        wanted = sorted(set(places), key=lambda at: (at.topic, at.offset, at.partition))
        for begin in range(0, len(wanted), _AT_ONCE):
            found, trouble = self._fetch(wanted[begin : begin + _AT_ONCE])
            yield from found
            if trouble is not None:
                raise trouble

    def close(self) -> None:
        """Let the connection go; a second call does nothing."""
        self._closed = True
        with self._lock:
            if self._consumer is not None:
                self._consumer.close()
                let_go(self._consumer)
                self._consumer = None

    def _fetch(self, places: Sequence[Coordinates]) -> tuple[list[Found], SourceError | None]:
        with self._lock:
            self._check_open()
            if self._consumer is None:
                self._consumer = open_client(Consumer, self._properties)
            reading = _Reading(self._consumer, self._servers)
            trouble = None
            try:
                reading.begin(self._there(self._consumer, places, reading))
                trouble = self._read(reading)
                self._consumer.unassign()
            except KafkaException as error:
                reason = self._properties.scrub(error.args[0].str())
                trouble = SourceError(
                    f"{named(places[0])} and {len(places) - 1:,} more cannot be fetched: {reason}"
                )
        return reading.found, trouble

    def _check_open(self) -> None:
        if self._closed:
            raise StreamClosedError(f"{self._servers} is closed; open it again")

    def _there(
        self, consumer: Consumer, places: Iterable[Coordinates], reading: _Reading
    ) -> Iterator[Coordinates]:
        """Yield those whose partition there is; the client would wait for others in vain."""
        looked: set[str] = set()
        for at in places:
            known = self._partitions.get(at.topic, frozenset())
            if at.partition not in known and at.topic not in looked:
                looked.add(at.topic)
                listed = consumer.list_topics(at.topic, timeout=self._timeout).topics[at.topic]
                known = self._partitions[at.topic] = frozenset(listed.partitions)
            if at.partition in known and at.offset >= 0:
                yield at
            else:
                reading.miss(at)

    def _read(self, reading: _Reading) -> SourceError | None:
        """Read until nothing is waited for, or nothing came for too long: return that."""
        deadline = time.monotonic() + self._timeout
        reason = "no answer"
        while reading.waiting and time.monotonic() < deadline:
            self._check_open()
            message = reading.consumer.poll(_POLL)
            if message is None:
                continue
            if reading.take(message):
                deadline = time.monotonic() + self._timeout
            elif (error := message.error()) is not None:
                reason = self._properties.scrub(error.str())
        for (topic, partition), offsets in reading.waiting.items():
            at = named(Coordinates(topic, partition, offsets[0]))
            return SourceError(
                f"{self._servers} did not send {at} within {self._timeout:g} s: {reason}"
            )
        return None


class _Reading:
    """What is still waited for, by partition, and what has been found."""

    def __init__(self, consumer: Consumer, servers: str) -> None:
        self.consumer = consumer
        self.waiting: dict[Place, deque[int]] = {}
        self.found: list[Found] = []
        self._servers = servers

    def begin(self, places: Iterable[Coordinates]) -> None:
        """Begin to read; offsets of a partition ascend."""
        for at in places:
            self.waiting.setdefault((at.topic, at.partition), deque()).append(at.offset)
        self.consumer.assign(
            [TopicPartition(*place, offsets[0]) for place, offsets in self.waiting.items()]
        )

    def miss(self, at: Coordinates) -> None:
        """Note that a packet is not held."""
        error = NotHeldError(f"{self._servers} does not hold {named(at)}")
        self.found.append((at, error))

    def take(self, message: Message) -> bool:
        """Take what the client brings; return whether it tells anything of what is waited for."""
        place = (message.topic() or "", message.partition() or 0)
        offsets = self.waiting.get(place)
        if offsets is None:
            return False
        error = message.error()
        if error is None:
            self._take_packet(place, offsets, message)
        elif error.code() in _BEYOND:
            self._go_on(place, offsets)
        elif error.code() in NOT_HELD:
            self._miss_below(place, offsets, None)
            self._leave(place)
        else:
            return False
        return True

    def _take_packet(self, place: Place, offsets: deque[int], message: Message) -> None:
        offset = message.offset() or 0
        self._miss_below(place, offsets, offset)
        if offsets and offsets[0] == offset:
            self.found.append((Coordinates(*place, offsets.popleft()), packet_from(message)))
        if not offsets:
            self._leave(place)
        elif offsets[0] - offset > _LEAP:
            self.consumer.seek(TopicPartition(*place, offsets[0]))

    def _go_on(self, place: Place, offsets: deque[int]) -> None:
        """Go on where packets are held: those before have expired, or are still to come."""
        low, high = self.consumer.get_watermark_offsets(TopicPartition(*place), timeout=_ANSWER)
        self._miss_below(place, offsets, low)
        if offsets and offsets[0] >= high:
            self._miss_below(place, offsets, None)
        self.consumer.incremental_unassign([TopicPartition(*place)])
        if offsets:
            self.consumer.incremental_assign([TopicPartition(*place, offsets[0])])
        else:
            del self.waiting[place]

    def _leave(self, place: Place) -> None:
        del self.waiting[place]
        self.consumer.incremental_unassign([TopicPartition(*place)])

    def _miss_below(self, place: Place, offsets: deque[int], limit: int | None) -> None:
        """Give up what lies before an offset; everything where None."""
        while offsets and (limit is None or offsets[0] < limit):
            self.miss(Coordinates(*place, offsets.popleft()))
