"""A batch to Kafka, certain of what was written.

One batch at a time: `begin` takes its records, `turn` sends them as the queue has room and looks
at every report. Nothing here waits, except for transactions.
"""

from __future__ import annotations

import functools
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, KafkaException, Message, Producer, TopicPartition

from ztfnb.errors import DeliveryError, WorkerError
from ztfnb.export.worker.records import Record
from ztfnb.kafka_client import let_go, open_client
from ztfnb.kafka_config import Properties
from ztfnb.kafka_health import Health

_REFUSED = {
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.RECORD_LIST_TOO_LARGE,
    87,  # INVALID_RECORD has no name in the client
}
"""Errors of one message, which no repetition cures."""
_WAIT = 10.0
"""How long the broker has for a step of a transaction [s]."""
_ASK = 5.0
_PURGE_WAIT = 1.0


class UncertainError(DeliveryError):
    """A transaction of which nobody knows yet whether it was committed."""


@dataclass(slots=True, eq=False)
class _Batch:
    """Records on their way."""

    waiting: Iterator[Record]
    more: bool = True
    unsent: Record | None = None
    sent: int = 0
    reported: int = 0
    error: KafkaError | None = None
    refused: deque[Record] = field(default_factory=deque)
    """Refused by the broker; each is tried once more, alone."""
    alone: Record | None = None
    given_up: list[tuple[Record, str]] = field(default_factory=list)


class Writer:
    """Writes batches.

    Parameters
    ----------
    properties
        Of the producer, as `ztfnb.export.worker.clients.writer_properties` makes them; with a
        ``transactional.id``, each batch is a transaction.
    servers
        The address that the user gave.
    """

    def __init__(self, properties: Properties, servers: str) -> None:
        self._properties = Properties(properties)
        self._servers = servers
        self._transactional = "transactional.id" in properties
        self._producer: Producer | None = None
        self._batch: _Batch | None = None
        self._fatal = ""
        self.health = Health(servers, scrub=properties.scrub)

    def open(self) -> None:
        """Create the client; with transactions, wait until what another left open is resolved.

        Raises
        ------
        ConfigError
            If the client refuses its settings.
        WorkerError
            If the broker refuses transactions.
        """
        properties = Properties(self._properties)
        properties["error_cb"] = self._on_error
        properties["stats_cb"] = self.health.on_statistics
        self._producer = open_client(Producer, properties)
        if self._transactional:
            try:
                self._producer.init_transactions(_WAIT)
            except KafkaException as error:
                self._discard()
                if error.args[0].retriable():
                    raise UncertainError(self._say(error.args[0])) from None
                raise WorkerError(
                    f"{self._servers} allows no transactions: {self._say(error.args[0])}"
                ) from None

    @property
    def opened(self) -> bool:
        """Whether there is a client."""
        return self._producer is not None

    @property
    def busy(self) -> bool:
        """Whether a batch is being written."""
        return self._batch is not None

    def begin(self, records: Iterable[Record]) -> None:
        """Take the records of a batch. The one before must be finished or abandoned.

        Raises
        ------
        DeliveryError
            If a transaction cannot begin.
        """
        self._batch = _Batch(iter(records))
        if self._transactional:
            try:
                self._client.begin_transaction()
            except KafkaException as error:
                raise self._failed(error.args[0]) from None

    def add(self, records: Iterable[Record]) -> None:
        """Take more records of the same batch, when all the others are confirmed."""
        batch = self._current
        batch.waiting, batch.more = iter(records), True

    def turn(self, timeout: float = 0.0) -> bool:
        """Send what there is room for and look at reports; return whether all are confirmed.

        Raises
        ------
        DeliveryError
            If anything could not be written, for another reason than the record itself.
        """
        batch = self._current
        self._send(batch)
        self._poll(timeout)
        if batch.error is not None:
            raise self._failed(batch.error)
        settled = not batch.more and batch.reported == batch.sent
        if settled and batch.refused and self._transactional:
            # One refusal ends a transaction: there is no second try in it.
            batch.given_up += [(record, "too large") for record in batch.refused]
            batch.refused.clear()
        elif settled and batch.refused:
            # A broker refuses several records at once for the size of all together.
            batch.alone = batch.refused.popleft()
            self._produce(batch, batch.alone)
            return False
        return settled

    def flush(self, timeout: float) -> bool:
        """Do as `turn` until all is confirmed or ``timeout`` [s] have passed; return which."""
        deadline = time.monotonic() + timeout
        while not self.turn(0.01):
            if time.monotonic() > deadline:
                return False
        return True

    def given_up(self) -> list[tuple[Record, str]]:
        """Return the records that the broker never takes, with the reason; each is told once."""
        batch = self._current
        given_up, batch.given_up = batch.given_up, []
        return given_up

    def end(self) -> None:
        """Be done with the batch."""
        self._batch = None

    def commit(self, offsets: Sequence[TopicPartition], group: object) -> None:
        """Commit the transaction, and the offsets of the group ``group`` with it.

        Raises
        ------
        DeliveryError
            If it was not, and will not be, committed; `abandon` it.
        UncertainError
            If nobody knows yet; `reopen` before anything else.
        """
        client = self._client
        try:
            if offsets:
                client.send_offsets_to_transaction(list(offsets), group, _WAIT)
        except KafkaException as error:
            raise self._failed(error.args[0]) from None
        try:
            client.commit_transaction(_WAIT)
        except KafkaException as error:
            trouble = error.args[0]
            if trouble.retriable():
                raise UncertainError(
                    f"{self._servers} did not confirm a transaction: {self._say(trouble)}"
                ) from None
            raise self._failed(trouble) from None

    def abandon(self) -> None:
        """Forget the batch: what is not sent yet will not be.

        Raises
        ------
        UncertainError
            If that leaves a transaction open; `reopen`, which aborts it. A client that aborts it
            itself can wait for ever in the next one, after a coordinator came back (librdkafka
            2.16.0).
        """
        batch, self._batch = self._batch, None
        if self._producer is None or batch is None:
            return
        if self._transactional:
            raise UncertainError("a transaction was given up")
        self._producer.purge(in_queue=True, in_flight=False, blocking=False)
        self._producer.poll(0)

    def reopen(self) -> None:
        """Throw the client away and make another, which resolves what the first left open.

        Raises
        ------
        DeliveryError
            If the broker does not answer yet.
        """
        self._batch = None
        self._discard()
        self.open()

    def serve(self) -> None:
        """Let the client report, while nothing is written.

        Raises
        ------
        WorkerError
            If the client cannot go on.
        """
        if self._producer is not None:
            self._poll(0)

    def cluster(self) -> str:
        """Return by which name the cluster knows itself; empty where it does not answer."""
        try:
            cluster = str(self._client.list_topics(timeout=_ASK).cluster_id or "")
        except KafkaException as error:
            self.health.note(error.args[0])
            return ""
        self.health.arrive()
        return cluster

    def close(self) -> None:
        """Let the connection go, with what is not confirmed; a second call does nothing."""
        self._batch = None
        self._discard()

    def _discard(self) -> None:
        if self._producer is not None:
            self._producer.purge(blocking=False)
            self._producer.flush(_PURGE_WAIT)
            let_go(self._producer)
            self._producer = None

    def _poll(self, timeout: float) -> None:
        try:
            self._client.poll(timeout)
        except KafkaException as error:  # what is fatal the client raises here, too
            raise self._failed(error.args[0]) from None
        if self._fatal:
            raise WorkerError(self._fatal)

    @property
    def _client(self) -> Producer:
        if self._producer is None:
            raise DeliveryError(f"{self._servers}: the writer is not open")
        return self._producer

    @property
    def _current(self) -> _Batch:
        if self._batch is None:
            raise DeliveryError(f"{self._servers}: no batch is being written")
        return self._batch

    def _send(self, batch: _Batch) -> None:
        """Hand records to the client until its queue is full."""
        while batch.more:
            record = batch.unsent or next(batch.waiting, None)
            batch.unsent = None
            if record is None:
                batch.more = False
            elif not self._produce(batch, record):
                batch.unsent = record
                return

    def _produce(self, batch: _Batch, record: Record) -> bool:
        """Hand one record to the client; return whether its queue had room."""
        try:
            self._client.produce(
                record.topic,
                record.value,
                record.key,
                headers=list(record.headers),
                on_delivery=functools.partial(self._report, batch, record),
            )
        except BufferError:
            return False
        except KafkaException as error:
            batch.sent += 1
            self._note(batch, record, error.args[0])
        else:
            batch.sent += 1
        return True

    def _report(
        self, batch: _Batch, record: Record, error: KafkaError | None, _: Message | None
    ) -> None:
        """Take the report on one record; runs inside the client's poll, and raises nothing."""
        if error is None:
            batch.reported += 1
        else:
            self._note(batch, record, error)

    def _note(self, batch: _Batch, record: Record, error: KafkaError) -> None:
        batch.reported += 1
        if error.code() not in _REFUSED:
            batch.error = batch.error or error
        elif record is batch.alone:
            batch.given_up.append((record, self._say(error)))
        else:
            batch.refused.append(record)

    def _failed(self, error: KafkaError) -> DeliveryError | WorkerError:
        """Return the error to raise for one of the client."""
        self.health.note(error)
        if error.fatal():
            return WorkerError(f"the Kafka client gives up: {self._say(error)}{_fenced(error)}")
        return DeliveryError(f"{self._servers} did not take what was written: {self._say(error)}")

    def _on_error(self, error: KafkaError) -> None:
        self.health.on_error(error)
        if error.fatal():
            self._fatal = f"the Kafka client gives up: {self._say(error)}{_fenced(error)}"

    def _say(self, error: KafkaError) -> str:
        return self._properties.scrub(error.str())


def _fenced(error: KafkaError) -> str:
    if "fenced" not in error.str():
        return ""
    return "; another worker uses the same transactional id: give each its own"
