"""Alerts from Kafka, and to it.

`KafkaSource` browses: it reads from explicit positions, joins no group and commits nothing, so
that it leaves no trace on the broker, rewinding is free, and two notebooks never take alerts from
each other. `KafkaSink` writes, and is certain of what it wrote.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from sys import intern

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from ztfnb.errors import ConfigError, StreamClosedError
from ztfnb.kafka_bulk import BulkFetcher
from ztfnb.kafka_client import check_process, let_go, open_client, packet_from
from ztfnb.kafka_config import Memory, Properties, Settings, client_properties, reader_defaults
from ztfnb.kafka_fetch import Fetcher
from ztfnb.kafka_health import Health
from ztfnb.kafka_sink import KafkaSink, create_topics
from ztfnb.kafka_trouble import Trouble, probe
from ztfnb.nightly import FixedTopics, NightlyTopics, Topics
from ztfnb.source import (
    BEGINNING,
    END,
    Coordinates,
    Found,
    Gap,
    Packet,
    PartitionStatus,
    SourceStatus,
    Start,
)

__all__ = ["KafkaSink", "KafkaSource", "create_topics", "packet_from"]

Place = tuple[str, int]
"""A topic and one of its partitions."""

_EOF = KafkaError._PARTITION_EOF  # noqa: SLF001 - the client's own name for a public code
_OUT_OF_RANGE = {
    KafkaError._AUTO_OFFSET_RESET,  # noqa: SLF001 - as above
    KafkaError.OFFSET_OUT_OF_RANGE,
}
# What ListOffsets takes for a time to mean the first and the last offset.
_FIRST, _LAST = -2, -1
# A batch is handed on when nothing more comes for a moment [s], or at a size that the processor's
# caches and the allocator still bear: larger ones are read at two thirds of the rate.
_GATHER = 0.05
_BATCH_BYTES = 32 << 20
_LAG_INTERVAL = 0.25
_RETRY = 1.0


class KafkaSource:
    """Packets of Kafka topics, read from explicit positions; nothing is ever committed.

    Nothing is connected before the first `poll`. One thread polls, seeks and closes; `fetch`,
    `fetch_many` and `status` may be called from any.

    Parameters
    ----------
    bootstrap
        ``host:port``, or several with commas between them.
    topics
        A name, several, or a `ztfnb.nightly.NightlyTopics`, whose topics change at UTC midnight.
    start
        Where reading begins in the topics that are there at first; topics and partitions that
        appear later are read from their beginning. Offsets hold for every topic, and partitions
        that they do not name are read from their beginning.
    settings, insecure, environ
        As `ztfnb.kafka_config.client_properties` takes them.
    memory
        ``"large"`` or ``"small"``: see `ztfnb.kafka_config.reader_defaults`.
    scan_times
        Find a time by reading from the beginning and passing over what is older, for brokers
        that cannot look it up (the embedded one).
    refresh
        How often to look for new topics and partitions [s].
    clock
        Unix time [s]; tells which nights are in the window.

    Raises
    ------
    ConfigError
        If the settings are wrong, incomplete or unsafe.
    """

    def __init__(
        self,
        bootstrap: str,
        topics: str | Iterable[str] | NightlyTopics,
        *,
        start: Start = END,
        settings: Settings | None = None,
        insecure: bool = False,
        memory: Memory = "large",
        scan_times: bool = False,
        refresh: float = 15.0,
        clock: Callable[[], float] = time.time,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._topics = _as_topics(topics)
        self.settings: Settings = dict(settings or {})
        self.insecure = insecure
        self._properties = client_properties(
            bootstrap, reader_defaults(memory), settings, insecure=insecure, environ=environ
        )
        self._fetcher = Fetcher(self._properties, servers=bootstrap)
        self._bulk = BulkFetcher(self._properties, servers=bootstrap)
        self._servers = bootstrap
        self.name = f"{bootstrap}/{_short_name(self._topics.names(clock()))}"
        self._scan_times = scan_times
        self._refresh_interval = refresh
        self._clock = clock
        self._pid = os.getpid()
        self._closed = False
        self._consumer: Consumer | None = None
        self._start: Start | None = start
        self._places: dict[Place, _Place] = {}
        self._unplaced: dict[Place, Start] = {}
        self._broken: set[Place] = set()
        self._health = Health(
            bootstrap,
            scrub=self._properties.scrub,
            prober=functools.partial(probe, environ=environ),
        )
        self._held = False
        self._gaps: tuple[Gap, ...] = ()
        self._lag: int | None = None
        self._partitions: tuple[PartitionStatus, ...] = ()
        self._next_refresh = 0.0
        self._next_lag = 0.0
        self._patience = _RETRY
        self._status = SourceStatus(connected=False)

    @property
    def address(self) -> str:
        """What it reads, as an address: ``kafka://host:9092/topic``, with which to read it anew.

        Raises
        ------
        ConfigError
            If nightly topics of several programmes are read: no address says that.
        """
        if isinstance(self._topics, FixedTopics):
            return f"kafka://{self._servers}/{','.join(self._topics.fixed)}"
        template, ids = self._topics.template, self._topics.programids
        if len(ids) > 1 and "{programid}" in template:
            raise ConfigError(
                f"{self.name}: nightly topics of the programmes {ids} have no address together; "
                "read one programme"
            )
        template = template.replace("{programid}", str(ids[0]))
        return f"kafka://{self._servers}/{template}?nights={self._topics.nights}"

    def poll(self, timeout: float, limit: int) -> Sequence[Packet]:
        """Return up to ``limit`` packets, waiting about ``timeout`` [s] for the first.

        A limit of 0 reads nothing and keeps the connection, and what is known of it, fresh: call
        it now and then while nothing is to be read, or the client's reports pile up.

        Never raises for trouble with the broker: that shows in `status`. Looking for topics may
        take longer than ``timeout`` while the broker is slow to answer: up to 4 s.
        """
        self._check_open()
        deadline = time.monotonic() + timeout
        if self._consumer is None:
            self._consumer = self._open()
        self._hold(held=limit <= 0)
        if not self._held:
            if self._start is not None or time.monotonic() >= self._next_refresh:
                self._attempt(lambda: self._refresh(timeout))
            self._attempt(self._repair)
        # Also after a failure: what the client has to say comes only while it is polled.
        packets = self._read(max(0.0, deadline - time.monotonic()), limit)
        self._publish()
        return packets

    def seek(self, start: Start) -> None:
        """Move the reading position of every topic; the next `poll` reads from there.

        Positions that are no longer held show as a gap, those past the end wait for it.
        """
        self._check_open()
        self._start = start
        self._status = dataclasses.replace(
            self._status, lag=None, caught_up=False, failed=False, partitions=()
        )

    def fetch(self, at: Coordinates) -> Packet:
        """Return one packet by its coordinates; the reading position stays.

        The first call connects a second client; each waits for the one before it.

        Raises
        ------
        NotHeldError
            If the broker does not hold it (any longer).
        SourceError
            If the broker does not answer.
        """
        self._check_open()
        return self._fetcher.fetch(at)

    def fetch_many(self, places: Iterable[Coordinates]) -> Iterator[Found]:
        """Yield packets by their coordinates, each once, or why one is not held.

        Some hundred are fetched at once, over a client of their own; the order is that in which
        they are read. See `ztfnb.source.Source.fetch_many`.

        Raises
        ------
        SourceError
            If the broker does not answer; what was fetched before has been yielded.
        """
        self._check_open()
        return self._bulk.fetch(places)

    def status(self) -> SourceStatus:
        """Return the health of the source as the last `poll` found it."""
        self._check_open()
        return self._status

    def close(self) -> None:
        """Let the connections go; a second call does nothing."""
        if self._closed:
            return
        check_process(self._pid, self.name)
        self._closed = True
        self._fetcher.close()
        self._bulk.close()
        if self._consumer is not None:
            self._consumer.close()
            let_go(self._consumer)
            self._consumer = None

    def __repr__(self) -> str:
        return f"KafkaSource({self.name!r})"

    def _check_open(self) -> None:
        check_process(self._pid, self.name)
        if self._closed:
            raise StreamClosedError(f"{self.name} is closed; open it again")

    def _attempt(self, step: Callable[[], None]) -> None:
        try:
            step()
        except KafkaException as error:
            self._health.note(error.args[0])

    def _open(self) -> Consumer:
        properties = Properties(self._properties)
        properties["error_cb"] = self._health.on_error
        properties["stats_cb"] = self._health.on_statistics
        properties.setdefault("statistics.interval.ms", 1000)
        return open_client(Consumer, properties)

    # Reading

    def _hold(self, *, held: bool) -> None:
        """Stop or go on fetching what is assigned."""
        if held != self._held:
            self._held = held
            places = [TopicPartition(*key) for key in self._places]
            if places:
                change = self._client().pause if held else self._client().resume
                self._attempt(lambda: change(places))
            if not held:
                for place in self._places.values():
                    place.end = -1  # more may have come; the client tells the end again

    def _read(self, timeout: float, limit: int) -> list[Packet]:
        packets: list[Packet] = []
        poll = self._client().poll
        places = self._places
        size = 0
        until = math.inf
        message = poll(timeout)
        while message is not None:
            error = message.error()
            if error is not None:
                self._take_event(error, message)
                if not packets:
                    break
            else:
                packet = packet_from(message)
                place = places.get((packet.topic, packet.partition))
                if place is None:
                    break
                place.position = packet.offset + 1
                place.read = True
                place.timestamp = packet.timestamp
                size += len(packet.value)
                # A packet without a time (NaN) is not known to be older.
                if not packet.timestamp < place.skip_before:
                    place.skip_before = -math.inf
                    packets.append(packet)
                if len(packets) >= limit or size >= _BATCH_BYTES:
                    break
            message = poll(0)
            if message is None:
                until = min(until, time.monotonic() + _GATHER)
                message = poll(max(0.0, until - time.monotonic()))
        if size:
            self._health.arrive()
        return packets

    def _take_event(self, error: KafkaError, message: Message) -> None:
        key = (message.topic() or "", message.partition() or 0)
        place = self._places.get(key)
        if error.code() == _EOF:
            if place is not None:
                place.end = place.position = message.offset() or 0
                self._next_lag = 0.0
            self._health.arrive()
        elif error.code() in _OUT_OF_RANGE and place is not None:
            self._broken.add(key)
        else:
            self._health.note(error, topic=key[0])

    def _repair(self) -> None:
        """Go on where packets are held again, and say what is missing."""
        for key in sorted(self._broken):
            place = self._places.get(key)
            if place is not None:
                low, high = self._client().get_watermark_offsets(
                    TopicPartition(*key), timeout=self._patience
                )
                if place.position < low:
                    self._gaps += (Gap(*key, first=place.position, last=low - 1),)
                    place.position = low
                elif place.read:
                    # A topic that was made anew was shorter than what was read of the old one.
                    place.position = low
                else:
                    # Asked for beyond the end, which may have been reached meanwhile.
                    place.position = min(place.position, high)
                client = self._client()
                client.incremental_unassign([TopicPartition(*key)])
                client.incremental_assign([TopicPartition(*key, place.position)])
            self._broken.discard(key)

    # Topics, partitions and positions

    def _refresh(self, timeout: float) -> None:
        self._next_refresh = time.monotonic() + _RETRY
        wanted = self._topics.names(self._clock())
        found = self._look_up(wanted, timeout)
        start, self._start = self._start, None
        try:
            if start is not None:
                self._place(dict.fromkeys(found, start), anew=True)
            else:
                new = {place: BEGINNING for place in found if place not in self._places}
                self._place({**new, **self._unplaced}, anew=False)
                self._leave_old(set(wanted))
        except KafkaException:
            self._start = start
            raise
        incomplete = self._unplaced or not found
        self._next_refresh = time.monotonic() + (_RETRY if incomplete else self._refresh_interval)

    def _look_up(self, names: Iterable[str], timeout: float) -> list[Place]:
        """Return the partitions of the topics that exist."""
        client = self._client()
        found: list[Place] = []
        troubles: list[Trouble] = []
        wait = max(timeout, self._patience) if self._health.trying else timeout
        for name in names:
            try:
                listed = client.list_topics(name, timeout=max(wait, 0.05)).topics[name]
            except KafkaException:
                self._patience = min(2 * self._patience, 4.0)
                raise
            self._patience = _RETRY
            if listed.error is None:
                found += [(name, partition) for partition in sorted(listed.partitions)]
            else:
                troubles.append(self._health.explain(listed.error, name))
        self._health.arrive()
        self._health.note_topics(self._judge(troubles, missing=not found))
        return found

    def _judge(self, troubles: Sequence[Trouble], *, missing: bool) -> list[Trouble]:
        """Return what is worth telling: a night without a topic is none, if others have one."""
        if isinstance(self._topics, FixedTopics):
            return list(troubles)
        told = [trouble for trouble in troubles if trouble.kind != "unknown"]
        if missing and not told:
            names = ", ".join(self._topics.names(self._clock()))
            told = [Trouble("waiting", f"{self._servers} has none of the topics {names} yet")]
        return told

    def _place(self, starts: Mapping[Place, Start], *, anew: bool) -> None:
        """Begin reading these partitions; ``anew`` drops what was read before."""
        positions = self._offsets(starts)
        client = self._client()
        if anew:
            self._places.clear()
            self._broken.clear()
            self._unplaced.clear()
        for key, start in starts.items():
            if key in positions:
                self._unplaced.pop(key, None)
                skip = start.time if start.kind == "time" and self._scan_times else -math.inf
                self._places[key] = _Place(positions[key], skip_before=skip)
            else:
                self._unplaced[key] = start
        assignment = [TopicPartition(*key, offset) for key, offset in positions.items()]
        if anew:
            client.assign(assignment)
        elif assignment:
            client.incremental_assign(assignment)

    def _offsets(self, starts: Mapping[Place, Start]) -> dict[Place, int]:
        """Return the offset that each start means; leaves out partitions without a leader."""
        asked = {}
        offsets = {}
        for key, start in starts.items():
            if start.kind == "offsets" and key[1] in start.offsets:
                offsets[key] = start.offsets[key[1]]
            elif start.kind == "end":
                asked[key] = _LAST
            elif start.kind == "time" and not self._scan_times:
                asked[key] = max(0, math.ceil(start.time * 1000))
            else:
                asked[key] = _FIRST
        answers = self._ask(asked)
        later = {key: _LAST for key, offset in answers.items() if offset < 0}
        return {**offsets, **answers, **self._ask(later)}

    def _ask(self, times: Mapping[Place, int]) -> dict[Place, int]:
        if not times:
            return {}
        questions = [TopicPartition(*key, moment) for key, moment in times.items()]
        answers = self._client().offsets_for_times(questions, timeout=max(self._patience, 4.0))
        for answer in answers:
            if answer.error is not None:
                self._health.note(answer.error, topic=answer.topic)
        return {
            (intern(answer.topic), answer.partition): answer.offset
            for answer in answers
            if answer.error is None
        }

    def _leave_old(self, wanted: set[str]) -> None:
        """Stop reading topics that left the window, once they are read to their end."""
        kept = {key[0] for key, place in self._places.items() if not place.at_end}
        gone = [key for key in self._places if key[0] not in wanted | kept]
        if gone:
            self._client().incremental_unassign([TopicPartition(*key) for key in gone])
            for key in gone:
                del self._places[key]

    # Health

    def _publish(self) -> None:
        self._measure_lag()
        placed = self._start is None and not self._unplaced and not self._broken
        there = bool(self._places) or isinstance(self._topics, NightlyTopics)
        at_end = all(place.at_end for place in self._places.values())
        caught_up = self._health.connected and placed and there and at_end
        trouble = self._health.newest()
        self._status = SourceStatus(
            connected=self._health.connected,
            lag=0 if caught_up else self._lag,
            caught_up=caught_up,
            error=trouble.text,
            trouble=trouble.kind,
            failed=trouble.final,
            gaps=self._gaps,
            topics=tuple(dict.fromkeys(topic for topic, _ in self._places)),
            partitions=self._partitions,
        )

    def _measure_lag(self) -> None:
        now = time.monotonic()
        if now < self._next_lag:
            return
        self._next_lag = now + _LAG_INTERVAL
        partitions = []
        for key, place in self._places.items():
            _, high = self._client().get_watermark_offsets(TopicPartition(*key), cached=True)
            lag = None if high < 0 else max(0, high - place.position)
            partitions.append(PartitionStatus(*key, place.position, lag, place.timestamp))
        self._partitions = tuple(partitions)
        known = [partition.lag for partition in partitions if partition.lag is not None]
        self._lag = sum(known) if partitions and len(known) == len(partitions) else None

    def _client(self) -> Consumer:
        if self._consumer is None:
            raise StreamClosedError(f"{self.name} is not open")
        return self._consumer


@dataclass(slots=True)
class _Place:
    """How far one partition is read."""

    position: int
    end: int = -1
    """Position at which the broker last said that there is no more."""
    read: bool = False
    timestamp: float = math.nan
    skip_before: float = -math.inf

    @property
    def at_end(self) -> bool:
        return self.position == self.end


def _as_topics(topics: str | Iterable[str] | NightlyTopics) -> Topics:
    if isinstance(topics, NightlyTopics):
        return topics
    return FixedTopics((topics,) if isinstance(topics, str) else tuple(topics))


def _short_name(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
