"""A simulated night as a source of packets."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from ztfnb.errors import NotHeldError, SourceError
from ztfnb.nightly import topic_name
from ztfnb.simulate.survey import Survey
from ztfnb.simulate.truth import Truth
from ztfnb.source import Coordinates, Found, Packet, SourceStatus, Start


class SimulatedSource:
    """The packets of one simulated night, in the topics that ZTF would write them to.

    Each topic has one partition, whose offsets count its packets; a packet's timestamp is when
    the alert would have been sent. Packets are simulated when they are asked for.

    Parameters
    ----------
    survey
        Whose night.
    night
        UTC date, such as ``"2026-01-15"``.
    limit
        Alerts at most.
    programid
        1 public, 2 partnership; None for both, each in its own topic.
    on_truth
        Takes the truth behind each alert that `poll` returns.

    Raises
    ------
    ConfigError
        If the night is no date, or before the survey began.
    """

    def __init__(
        self,
        survey: Survey,
        night: str,
        *,
        limit: int | None = None,
        programid: int | None = 1,
        on_truth: Callable[[Truth], object] | None = None,
    ) -> None:
        self.name = f"simulated night {night}"
        self._survey = survey
        self._night = night
        self._limit = limit
        self._programid = programid
        self._on_truth = on_truth
        self._exhausted = False
        survey.night(night, 0)  # a night that cannot be is told here, not at the first poll
        self._coming = self._packets()
        topics = (1, 2) if programid is None else (programid,)
        self._topics = tuple(topic_name(night, one) for one in topics)

    def __repr__(self) -> str:
        return f"SimulatedSource({self._survey!r}, {self._night!r})"

    def poll(self, timeout: float, limit: int) -> Sequence[Packet]:
        """Return up to ``limit`` packets, and no more than were made in ``timeout`` [s]."""
        deadline = time.monotonic() + timeout
        packets: list[Packet] = []
        for packet, truth in islice(self._coming, limit):
            packets.append(packet)
            if self._on_truth is not None:
                self._on_truth(truth)
            if time.monotonic() > deadline:
                break
        else:
            self._exhausted = len(packets) < limit
        return packets

    def seek(self, start: Start) -> None:
        """Move to the beginning, the end, a time or an offset; the next `poll` reads from there.

        Raises
        ------
        SourceError
            If asked for an offset while there are two topics.
        """
        if start.kind == "offsets" and len(self._topics) > 1:
            raise SourceError(f"{self.name}: an offset is of one topic; choose one programid")
        first = start.offsets.get(0, 0)
        self._exhausted = start.kind == "end"
        self._coming = (
            (packet, truth)
            for packet, truth in (() if start.kind == "end" else self._packets())
            if packet.offset >= first and not packet.timestamp < start.time
        )

    def fetch(self, at: Coordinates) -> Packet:
        """Return one packet by its coordinates, simulating the night up to it.

        Raises
        ------
        NotHeldError
            If there is none.
        """
        for _, found in self.fetch_many((at,)):
            if not isinstance(found, NotHeldError):
                return found
        raise NotHeldError(f"{self.name} holds no packet at {at}")

    def fetch_many(self, places: Iterable[Coordinates]) -> Iterator[Found]:
        """Yield packets by their coordinates, simulating the night once up to the last of them."""
        wanted = set(places)
        for packet, _ in self._packets():
            if not wanted:
                return
            at = packet.coordinates
            if at in wanted:
                wanted.remove(at)
                yield at, packet
        for at in sorted(wanted):
            yield at, NotHeldError(f"{self.name} holds no packet at {at}")

    def status(self) -> SourceStatus:
        """Return whether the night is over."""
        return SourceStatus(
            lag=0 if self._exhausted else None,
            caught_up=self._exhausted,
            exhausted=self._exhausted,
            topics=self._topics,
        )

    def close(self) -> None:
        """Simulate nothing more; a second call does nothing."""
        self._coming = iter(())

    def _packets(self) -> Iterator[tuple[Packet, Truth]]:
        counts: Counter[str] = Counter()
        for one in self._survey.night(self._night, self._limit, programid=self._programid):
            topic = topic_name(self._night, one.alert["candidate"]["programid"])
            yield Packet(one.packet, topic, 0, counts[topic], one.timestamp), one.truth
            counts[topic] += 1
