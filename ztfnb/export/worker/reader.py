"""Packets from Kafka as a member of a consumer group, which commits what it is told, when told.

One thread opens, turns, commits and closes it; rebalances happen inside `gather`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from ztfnb.errors import WorkerError
from ztfnb.export.worker.asking import WAIT, carried_of, committed_of, extents_of
from ztfnb.export.worker.clients import MAX_POLL_INTERVAL
from ztfnb.export.worker.ledger import Ledger, Place
from ztfnb.export.worker.origins import Origins, origin_of
from ztfnb.export.worker.reach import Reach
from ztfnb.export.worker.route import Route
from ztfnb.export.worker.standstill import Standstill
from ztfnb.export.worker.taken import Taken
from ztfnb.export.worker.topicids import TopicIds
from ztfnb.export.worker.watch import TopicWatch
from ztfnb.kafka_client import let_go, open_client
from ztfnb.kafka_config import Properties
from ztfnb.kafka_health import Health
from ztfnb.kafka_trouble import probe

_EOF = KafkaError._PARTITION_EOF  # noqa: SLF001 - the client's own name for a public code
_OUT_OF_RANGE = {
    KafkaError._AUTO_OFFSET_RESET,  # noqa: SLF001 - as above
    KafkaError.OFFSET_OUT_OF_RANGE,
}
_BATCH_BYTES = 32 << 20
"""Of a batch; what is larger is read more slowly, as the caches of processors are what they are."""
_REFRESH, _RETRY = 15.0, 1.0
_LAG_EVERY = 0.5
_LEAVE = 3.0
"""How long leaving the group may take [s]."""
_FINISH = 0.2
"""What finishing may take when partitions are revoked, of the longest time without a poll."""


class GroupReader:
    """A member of a consumer group.

    Parameters
    ----------
    properties
        Of the consumer, as `ztfnb.export.worker.clients.reader_properties` makes them.
    route
        What to read.
    start
        Where a new group begins: ``latest`` or ``beginning``.
    ledger
        Knows what is taken; told of partitions as they come and go, and of commits.
    revoking
        Called before partitions are given up, with the seconds that there are to finish: what is
        certain afterwards is committed, everything else of them is abandoned.
    clock
        Unix time [s].
    """

    def __init__(
        self,
        properties: Properties,
        route: Route,
        start: str,
        ledger: Ledger,
        *,
        revoking: Callable[[float], None],
        clock: Callable[[], float] = time.time,
        refresh: float = _REFRESH,
    ) -> None:
        self._properties = Properties(properties)
        self._route = route
        self._ledger = ledger
        self._revoking = revoking
        self._refresh = refresh
        self.taken = Taken()
        """What is gathered for the next batch."""
        self.reach = Reach(ledger)
        """How far it is read."""
        self.rebalances = 0
        self.joined = False
        self.commit_error: KafkaError | None = None
        """Why the last commit failed; None where it did not."""
        self.committing = False
        """Whether a commit is under way."""
        self.health = Health(route.source, scrub=properties.scrub, prober=probe)
        self.watch = TopicWatch(route, self.health, clock)
        """The topics that are read."""
        self.origins = Origins()
        """Of which topics, of those that had their names, partitions are read."""
        self.stopped = Standstill(start, ledger, self.watch, self.origins, self._put)
        """Partitions that came to a stop."""
        self._ids = TopicIds(self._properties)
        self._consumer: Consumer | None = None
        self._subscribed: tuple[str, ...] = ()
        self._goal: dict[Place, int] | None = None
        self._held = self._retired = False
        self._unheld = False
        self._fatal = ""
        self._next_refresh = self._next_place = self._next_lag = 0.0
        self._budget = _FINISH * float(
            properties.get("max.poll.interval.ms", MAX_POLL_INTERVAL * 1000) / 1000
        )

    def open(self) -> None:
        """Create the client; nothing is awaited.

        Raises
        ------
        ConfigError
            If it refuses its settings.
        """
        self._properties["error_cb"] = self._on_error
        self._properties["stats_cb"] = self.health.on_statistics
        self._properties["on_commit"] = self._on_commit
        self._consumer = open_client(Consumer, self._properties)

    def gather(self, limit: int, timeout: float) -> None:
        """Add what has come to `taken`, up to ``limit`` packets in it; serves the group.

        Waits for the first up to ``timeout`` [s].
        """
        taken, ends = self.taken, self.taken.ends
        messages, values = taken.messages, taken.values
        before = len(values)
        poll: Callable[[float], Any] = self._client.poll
        message = poll(timeout)
        while message is not None:
            if message.error() is not None:
                self._take_event(message)
            elif not self._retired:
                place = (message.topic(), message.partition())
                if place not in ends and not self._enter(place, message.offset()):
                    message = poll(0)
                    continue
                value = message.value() or b""
                ends[place] = message.offset() + 1
                messages.append(message)
                values.append(value)
                taken.size += len(value)
                if self.full(limit):
                    break
            message = poll(0)
        if len(values) > before:
            self.health.arrive()

    def full(self, limit: int) -> bool:
        """Whether the batch that is gathered is as large as one may be."""
        return len(self.taken.values) >= limit or self.taken.size >= _BATCH_BYTES

    def take(self, limit: int) -> Taken:
        """Return what is gathered, up to a limit, and begin anew."""
        taken, self.taken = self.taken.split(limit)
        return taken

    def retire(self) -> None:
        """Gather no more, and forget what is gathered; the group is served until `close`."""
        self._retired = True
        self.taken = Taken()
        self.hold(held=True)

    def look(self) -> bool:
        """Return whether the broker answers, and has what is to be read.

        Nights need not exist yet.

        Raises
        ------
        WorkerError
            If waiting will not help.
        """
        self._client.poll(0)
        try:
            self.watch.look(self._client)
            self._note_nights(self.watch.found)
            self._ids.ask(self.watch.found)
        except KafkaException as error:
            self.health.note(error.args[0])
        self._raise_final()
        return self.health.connected and (self.watch.nightly or not self.watch.missing)

    def tend(self) -> None:
        """See to topics, to partitions that came to a stop, and to the numbers.

        Raises
        ------
        WorkerError
            If waiting will not help.
        """
        now = time.monotonic()
        if self._unheld:
            # Also to let them go: the client remembers a pause through losing a partition.
            self._unheld = False
            self._apply_hold()
            self._stop_remade()
        told = self._ids.answers()
        if told:
            self.origins.learn({one: origin_of(self.watch.cluster, told[one]) for one in told})
            self._stop_remade()
        try:
            if now >= self._next_refresh and (self.health.connected or not self._subscribed):
                self._next_refresh = now + _RETRY
                self.watch.renew(self._client)
                self._note_nights(self.watch.read)
                self._subscribe()
                self._ids.ask(self.watch.found)
                self._next_refresh = now + (self._refresh if self._subscribed else _RETRY)
            if self.stopped.places and self.health.connected and now >= self._next_place:
                self._next_place = now + _RETRY
                self.stopped.end(self._client, self.taken.ends.keys())
        except KafkaException as error:
            self.health.note(error.args[0])
        if now >= self._next_lag:
            self._next_lag = now + _LAG_EVERY
            self.measure()
        self._raise_final()

    @property
    def settled(self) -> bool:
        """Whether every partition that is owned is read to its end, and none has come to a stop.

        A member that lost its partitions is not, until it has been given others, or none.
        """
        if not self.joined:
            # Nothing is there to join for: no night of the window has a topic.
            return self.watch.nightly and self.watch.missing
        return not self.stopped.places and self.reach.complete

    @property
    def lag(self) -> int | None:
        """Packets that wait; None where that is not known, or the group is not joined."""
        return self.reach.lag if self.joined else None

    def finished(self) -> bool:
        """Return whether the group, of which others may be members, has committed what was there.

        That is what was there when this was asked first: more may come all the time. Asks the
        broker; False where it does not answer.
        """
        places = self.watch.places
        try:
            extents = extents_of(self._client, places)
            carried = carried_of(self._client, places)
        except KafkaException as error:
            self.health.note(error.args[0])
            return False
        if self._ids.awaited or self.origins.outdated(carried):
            return False  # commits may be, or are, for topics that are no more
        if self._goal is None:
            self._goal = {place: extent.high for place, extent in extents.items()}
        return not any(
            extent.unfinished_before(self._goal.get(place, extent.low))
            for place, extent in extents.items()
        )

    def hold(self, *, held: bool) -> None:
        """Stop fetching, or go on; the group is served all the same."""
        if held != self._held:
            self._held = held
            self._apply_hold()

    def commit(self, offsets: Mapping[Place, int]) -> None:
        """Ask for a commit; `committing` ends, and the ledger is told, when it is confirmed."""
        self.committing, self.commit_error = True, None
        try:
            self._client.commit(offsets=self.origins.listed(offsets), asynchronous=True)
        except KafkaException as error:
            self.committing, self.commit_error = False, error.args[0]

    def commit_now(self, offsets: Mapping[Place, int]) -> None:
        """Commit, and tell the ledger.

        Raises
        ------
        KafkaException
            If it is not confirmed.
        """
        if offsets:
            self._client.commit(offsets=self.origins.listed(offsets), asynchronous=False)
            self._ledger.committed(offsets)

    def committed(self, places: Iterable[Place]) -> dict[Place, int]:
        """Return what the broker has as committed; leaves out partitions without a commit.

        Raises
        ------
        KafkaException
            If it does not answer.
        """
        return committed_of(self._client, places)

    def seek(self, positions: Mapping[Place, int]) -> None:
        """Read these partitions from other offsets; what is gathered is forgotten."""
        gathered = self.taken.ends
        self.taken = Taken()
        everywhere = dict(positions)
        for place in gathered:
            position = self._ledger.position(place)
            if place not in everywhere and position is not None:
                everywhere[place] = position
        for place, offset in everywhere.items():
            if place not in self.stopped.places:
                self._put(place, offset)

    def measure(self) -> None:
        """Find out how far each partition is read; asks nobody."""
        self.reach.measure(self._client)

    def group_metadata(self) -> object:
        """Return what a transaction must know of this member."""
        return self._client.consumer_group_metadata()

    def cluster(self) -> str:
        """Return by which name the cluster knows itself; empty where it does not answer."""
        try:
            return str(self._client.list_topics(timeout=WAIT).cluster_id or "")
        except KafkaException:
            return ""

    def close(self) -> None:
        """Leave the group, giving up all partitions; a second call does nothing.

        Where no broker answers, the client would wait for a commit until its session ends: it is
        then left to a thread, which ends with the process if not before.
        """
        if self._consumer is not None:
            leaving = threading.Thread(target=_leave, args=(self._consumer,), daemon=True)
            leaving.start()
            leaving.join(_LEAVE)
            self._consumer = None
            self._ids.close()

    @property
    def _client(self) -> Consumer:
        if self._consumer is None:
            raise WorkerError("the reader is not open")
        return self._consumer

    # What the client reports; nothing may be raised here.

    def _on_error(self, error: KafkaError) -> None:
        self.health.on_error(error)
        self._note_final(error)

    def _note_final(self, error: KafkaError) -> None:
        if error.fatal():
            self._fatal = f"the Kafka client gives up: {self._properties.scrub(error.str())}"
        elif error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
            self._fatal = (
                f"{self._route.source}: this user may not read as group {self._route.group}; ask "
                "for access to it, or name another group"
            )

    def _on_commit(self, error: KafkaError | None, partitions: Sequence[TopicPartition]) -> None:
        self.committing = False
        self.commit_error = error
        for one in partitions or ():
            if one.error is not None:
                self.commit_error = one.error
            elif error is None:
                self._ledger.committed({(one.topic, one.partition): one.offset})
        if self.commit_error is not None:
            self._note_final(self.commit_error)

    def _on_assign(self, client: Consumer, partitions: Sequence[TopicPartition]) -> None:
        self.joined = True
        self.rebalances += 1
        places = [(one.topic, one.partition) for one in partitions]
        self._ledger.assign(places)
        try:
            carried = carried_of(client, places)
        except KafkaException:
            carried = {}
        self.stopped.begun |= bool(carried)
        for place in places:
            self.origins.assign(place, carried.get(place, ""))
        self._unheld = True
        self._next_refresh = 0.0

    def _on_revoke(self, _: Consumer, partitions: Sequence[TopicPartition]) -> None:
        self._revoking(self._budget)
        self._forget(partitions)

    def _on_lost(self, _: Consumer, partitions: Sequence[TopicPartition]) -> None:
        self.joined = False  # what it lost is still there, for it or for others
        self._forget(partitions)

    def _forget(self, partitions: Sequence[TopicPartition]) -> None:
        if not self._retired:  # leaving the group is none
            self.rebalances += 1
        places = {(one.topic, one.partition) for one in partitions}
        self._ledger.drop(places)
        self.taken.drop(places)
        self.stopped.places -= places
        self.reach.forget(places)
        self.origins.drop(places)

    # Reading

    def _enter(self, place: Place, offset: int) -> bool:
        """Return whether packets of a partition are taken, from this one on."""
        self._ledger.begin(place, offset)
        return self._ledger.owns(place)

    def _take_event(self, message: Any) -> None:
        error = message.error()
        place = (message.topic() or "", message.partition() or 0)
        if error.code() == _EOF and not self._retired:
            self._reach_end(place, message.offset() or 0)
        elif error.code() == _EOF:
            return  # nobody knows any longer what was gathered before that end
        elif error.code() in _OUT_OF_RANGE and self._ledger.owns(place):
            self.stopped.places.add(place)
        else:
            self.health.note(error, topic=place[0])
            self._note_final(error)

    def _reach_end(self, place: Place, offset: int) -> None:
        """Note the end of a partition; behind its last packet may be a transaction's marks."""
        self.health.arrive()
        self._next_lag = 0.0
        self.reach.note_end(place, offset)
        if place in self.taken.ends:
            self.taken.ends[place] = max(offset, self.taken.ends[place])
        else:
            self._ledger.skip(place, offset)

    def _apply_hold(self) -> None:
        change = self._client.pause if self._held else self._client.resume
        change(self._assigned(set(self._ledger.places) - self.stopped.places))

    def _stop_remade(self) -> None:
        """Stop reading topics that were made anew, until what was taken of them is done."""
        places = self.origins.remade - self.stopped.places
        self._client.pause(self._assigned(places))
        self.stopped.places |= places

    def _assigned(self, places: Iterable[Place]) -> list[TopicPartition]:
        """Return those of the partitions that the client has, as it takes them."""
        assigned = {(one.topic, one.partition) for one in self._client.assignment()}
        return [TopicPartition(*place) for place in places if place in assigned]

    def _put(self, place: Place, offset: int) -> None:
        """Read a partition from an offset, whether it is being read or has come to a stop."""
        at = TopicPartition(*place, offset)
        self._client.incremental_unassign([at])
        self._client.incremental_assign([at])
        self.reach.forget_end(place)
        change = self._client.pause if self._held else self._client.resume
        change([at])

    def _note_nights(self, there: Sequence[str]) -> None:
        """Note where no night is there yet: then all of the first that comes is to be read."""
        self.stopped.begun |= self.watch.nightly and not there

    def _subscribe(self) -> None:
        if set(self.watch.read) != set(self._subscribed):
            self._client.subscribe(
                list(self.watch.read),
                on_assign=self._on_assign,
                on_revoke=self._on_revoke,
                on_lost=self._on_lost,
            )
            self._subscribed = self.watch.read

    def _raise_final(self) -> None:
        trouble = self.health.newest()
        fatal = self._fatal or self.watch.fatal
        if fatal or trouble.final:
            raise WorkerError(fatal or trouble.text)


def _leave(consumer: Consumer) -> None:
    consumer.close()
    let_go(consumer)
