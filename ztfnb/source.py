"""Where packets come from and go to: the packet itself, and the two seams around it.

A `Source` yields packets and a `Sink` takes them. Neither looks inside the bytes, so what
passes through is exact. Kafka, archive files and the simulation have theirs in modules of
their own; the one in memory, for tests and for alerts at hand, is here.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, Protocol, runtime_checkable

from ztfnb.errors import ConfigError, NotHeldError


class Coordinates(NamedTuple):
    """Where one packet lies: topic, partition and offset, as Kafka has them.

    An archive file is a topic with one partition, whose offsets count its packets.
    """

    topic: str
    partition: int
    offset: int


class Packet(NamedTuple):
    """One alert as it travels: the bytes, untouched, and what the transport says of them."""

    value: bytes
    topic: str = ""
    partition: int = 0
    offset: int = 0
    timestamp: float = math.nan
    """Unix time [s] at which the transport took the packet; NaN where it does not say."""
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def coordinates(self) -> Coordinates:
        """Topic, partition and offset."""
        return Coordinates(self.topic, self.partition, self.offset)


Found = tuple[Coordinates, Packet | NotHeldError]
"""What was fetched from a place: its packet, or why it is not held."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Alerts that are gone: offsets that a reader asked for and the source no longer holds."""

    topic: str
    partition: int
    first: int
    """First offset that is missing."""
    last: int
    """Last offset that is missing."""

    @property
    def size(self) -> int:
        """Number of alerts missing."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        return (
            f"gap: {self.size:,} alerts, {self.topic}, "
            f"partition {self.partition}, offsets {self.first:,}-{self.last:,}"
        )


@dataclass(frozen=True, slots=True)
class PartitionStatus:
    """How far one partition of a topic is read."""

    topic: str
    partition: int
    position: int
    """Offset of the packet that is read next."""
    lag: int | None = None
    """Packets that wait between the position and the end; None where unknown."""
    timestamp: float = math.nan
    """Unix time [s] at which the transport took the packet read last; NaN where unknown."""


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """The health of a source at one moment."""

    connected: bool = True
    """Whether packets can flow now."""
    lag: int | None = None
    """Packets that wait between the reading position and the end; None where unknown."""
    caught_up: bool = False
    """Whether everything that is there has been read."""
    exhausted: bool = False
    """Whether nothing will ever follow (the end of a file, not of a topic)."""
    error: str = ""
    """The newest trouble in plain words; empty when there is none."""
    trouble: str = ""
    """Which kind of trouble that is, as `ztfnb.advice` names them; empty where unknown."""
    failed: bool = False
    """Whether that trouble is final (wrong password, unknown topic)."""
    gaps: tuple[Gap, ...] = ()
    """Everything that was lost before it could be read, oldest first."""
    topics: tuple[str, ...] = ()
    """Topics being read now."""
    partitions: tuple[PartitionStatus, ...] = ()
    """How far each partition is read, where the source can tell."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where reading begins: build it with `parse_start`.

    Exactly one of the forms: ``beginning``, ``end``, a Unix ``time`` [s], or ``offsets`` by
    partition.
    """

    kind: str
    time: float = math.nan
    offsets: Mapping[int, int] = field(default_factory=dict)


BEGINNING = Start("beginning")
END = Start("end")


def parse_start(value: str | float | datetime | Mapping[int, int] | Start) -> Start:
    """Read a starting place as people write it.

    Parameters
    ----------
    value
        ``"beginning"``, ``"latest"`` (or ``"end"``), an ISO 8601 time (UTC unless it says
        otherwise), a `datetime.datetime`, a Unix time [s], or ``{partition: offset}``.

    Raises
    ------
    ConfigError
        If it is none of these.
    """
    if isinstance(value, Start):
        return value
    if isinstance(value, Mapping):
        offsets = {int(partition): int(offset) for partition, offset in value.items()}
        if any(number < 0 for pair in offsets.items() for number in pair):
            raise ConfigError(f"start: partitions and offsets count from 0, got {value!r}")
        return Start("offsets", offsets=offsets)
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return Start("time", time=moment.timestamp())
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Start("time", time=float(value))
    named = {"beginning": BEGINNING, "earliest": BEGINNING, "latest": END, "end": END}
    if isinstance(value, str):
        if value in named:
            return named[value]
        try:
            return parse_start(datetime.fromisoformat(value))
        except ValueError:
            pass
    raise ConfigError(
        "start: expected 'beginning', 'latest', an ISO time such as '2018-11-28T05:00', "
        f"a Unix time or {{partition: offset}}, got {value!r}"
    )


@runtime_checkable
class Source(Protocol):
    """Where packets come from.

    One thread opens, polls, seeks and closes a source (a Kafka client demands it); `fetch`,
    `fetch_many` and `status` may be called from any thread.
    """

    name: str
    """What people call it: shown in states and errors."""

    def poll(self, timeout: float, limit: int) -> Sequence[Packet]:
        """Return up to ``limit`` packets, waiting at most ``timeout`` [s] for the first.

        A limit of 0 reads nothing, and lets the source see to its connection. Never raises for
        trouble that may pass: that shows in `status`.
        """

    def seek(self, start: Start) -> None:
        """Move the reading position; the next `poll` reads from there.

        Raises
        ------
        SourceError
            If the source cannot go there.
        """

    def fetch(self, at: Coordinates) -> Packet:
        """Return one packet by its coordinates without moving the reading position.

        Raises
        ------
        NotHeldError
            If the source does not hold it (any longer).
        """

    def fetch_many(self, places: Iterable[Coordinates]) -> Iterator[Found]:
        """Yield packets by their coordinates, or why one is not held; the position stays.

        Each place once, however often it was given, in the order that is the quickest to read.
        Packets come as they are read: thousands need not fit into memory.

        Raises
        ------
        SourceError
            If the source cannot be read; what was read before has been yielded.
        """

    def status(self) -> SourceStatus:
        """Return the health of the source; cheap, and without waiting."""

    def close(self) -> None:
        """Let everything go; a second call does nothing."""


def fetch_each(
    fetch: Callable[[Coordinates], Packet], places: Iterable[Coordinates]
) -> Iterator[Found]:
    """Fetch packets one by one: `Source.fetch_many` where nothing is quicker."""
    for at in dict.fromkeys(places):
        try:
            yield at, fetch(at)
        except NotHeldError as error:
            yield at, error


@runtime_checkable
class Sink(Protocol):
    """Where packets go."""

    name: str

    def send(self, packet: Packet) -> None:
        """Take one packet; it is certain only after `flush`. Waits when the sink is full."""

    def flush(self) -> None:
        """Wait until all that was sent is certain.

        Raises
        ------
        DeliveryError
            If anything sent since the last flush was not confirmed.
        """

    def close(self) -> None:
        """Flush and let everything go; a second call does nothing."""


class Memory:
    """Packets held in memory: a source and a sink at once.

    Parameters
    ----------
    packets
        What it holds at first. Offsets are given in order of arrival, in one partition.
    topic
        The name under which they are held.
    """

    def __init__(self, packets: Iterable[Packet | bytes] = (), *, topic: str = "memory") -> None:
        self.name = topic
        self._packets: list[Packet] = []
        self._position = 0
        self._arrived = threading.Condition()
        for packet in packets:
            self.send(packet if isinstance(packet, Packet) else Packet(packet))

    def send(self, packet: Packet) -> None:
        """Hold one packet, at the next offset."""
        with self._arrived:
            timestamp = time.time() if math.isnan(packet.timestamp) else packet.timestamp
            self._packets.append(
                packet._replace(
                    topic=self.name, partition=0, offset=len(self._packets), timestamp=timestamp
                )
            )
            self._arrived.notify_all()

    def flush(self) -> None:
        """Do nothing: what was sent is held."""

    def poll(self, timeout: float, limit: int) -> Sequence[Packet]:
        """Return up to ``limit`` packets, waiting at most ``timeout`` [s] for the first."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._position < len(self._packets), timeout)
            batch = self._packets[self._position : self._position + limit]
            self._position += len(batch)
            return batch

    def seek(self, start: Start) -> None:
        """Move the reading position."""
        with self._arrived:
            if start.kind == "beginning":
                self._position = 0
            elif start.kind == "end":
                self._position = len(self._packets)
            elif start.kind == "offsets":
                self._position = min(start.offsets.get(0, 0), len(self._packets))
            else:
                later = (i for i, p in enumerate(self._packets) if p.timestamp >= start.time)
                self._position = next(later, len(self._packets))

    def fetch(self, at: Coordinates) -> Packet:
        """Return one packet by its coordinates."""
        with self._arrived:
            if at.topic == self.name and at.partition == 0 and 0 <= at.offset < len(self._packets):
                return self._packets[at.offset]
        raise NotHeldError(f"{self.name} holds no packet at {at}")

    def fetch_many(self, places: Iterable[Coordinates]) -> Iterator[Found]:
        """Yield packets by their coordinates, or why one is not held."""
        return fetch_each(self.fetch, places)

    def status(self) -> SourceStatus:
        """Return how many packets wait to be read."""
        with self._arrived:
            position = self._position
            lag = len(self._packets) - position
            newest = self._packets[position - 1].timestamp if position else math.nan
        return SourceStatus(
            lag=lag,
            caught_up=lag == 0,
            topics=(self.name,),
            partitions=(PartitionStatus(self.name, 0, position, lag, newest),),
        )

    def close(self) -> None:
        """Do nothing: what is held stays readable."""
