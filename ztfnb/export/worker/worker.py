"""The loop of a worker: alerts in, what passes out, nothing lost.

The order on which everything rests::

    take from Kafka -> judge in the cell -> write, and look at every report -> commit

One batch is written at a time, and it is committed before the next one is begun: what is done
again after a crash is one batch at most. Meanwhile the next two are in the cell, and one more is
gathered. Whatever goes wrong between taking and committing, the answer is the same: nothing is
committed, and the alerts are taken again, here or by whoever owns their partition by then.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from confluent_kafka import KafkaException

from ztfnb.errors import DeliveryError, WorkerError, ZtfnbError
from ztfnb.export.worker.cell import SLOTS, Cell
from ztfnb.export.worker.clients import reader_properties, writer_properties
from ztfnb.export.worker.counts import Counts
from ztfnb.export.worker.job import Job
from ztfnb.export.worker.judged import FilterFacts, Judged
from ztfnb.export.worker.ledger import Ledger, Place
from ztfnb.export.worker.numbers import WorkerNumbers
from ztfnb.export.worker.output import Output
from ztfnb.export.worker.reader import GroupReader
from ztfnb.export.worker.records import Record, Scribe, place_of, time_of
from ztfnb.export.worker.route import Route
from ztfnb.export.worker.settings import WorkerSettings
from ztfnb.export.worker.writer import UncertainError, Writer
from ztfnb.meter import Meter

_SLICE = 200
"""Packets gathered before the loop looks after everything else."""
_GATHER = 0.05
"""How long a batch that is not full waits for more [s]."""
_IDLE, _BUSY, _WRITING = 0.1, 0.02, 0.004
"""How long the loop waits for one thing, depending on what else there is to look after [s]."""
_AHEAD = SLOTS + 1
"""Batches that are taken and not written."""
_PATIENCE = 2.0
"""After how long without room for more the group is served without fetching [s]."""
_BACK_OFF = 1.0
_GIVE_UP = 20.0
"""How long what cannot be written is tried again, while the broker answers [s]."""
_COMMIT_AGAIN, _COMMIT_GIVE_UP = 0.2, 60.0
_STALLED = 20.0
"""After how long without a confirmation the output counts as disconnected [s]."""
_LAST_BATCH = 6.0
"""How long the last batches may take when the worker is stopped [s]."""
_LAST_WRITE = 9.0
"""The same of the one that is being written then, which would be written twice otherwise [s]."""
_LAST_WORDS = 0.5
"""The same where no broker answers [s]."""
_REVOKE = 20.0
"""How long a batch may take, at most, when partitions are given up [s]."""
_ASK_EVERY = 1.0
"""How often a worker that has caught up asks whether its group has [s]."""
_PUBLISH = 0.2
_CONNECT_AGAIN = 2.0


class Judges(Protocol):
    """What decodes packets and runs filters: `ztfnb.export.worker.cell.Cell`."""

    filters: tuple[FilterFacts, ...]
    restarts: int

    def start(self) -> None:
        """Make ready."""

    def submit(self, values: Sequence[bytes]) -> None:
        """Take a batch."""

    def poll(self, timeout: float) -> Judged | None:
        """Return what became of the oldest batch."""

    def close(self) -> None:
        """End."""


def cell_of(settings: WorkerSettings) -> Judges:
    """Return the process that runs the filters of a worker."""
    return Cell(settings.bundles, settings.limits, strict=settings.strict, params=settings.params)


class Worker:
    """From topic to topic; see the module.

    Parameters
    ----------
    settings
        What it is told to do.
    environ
        Where secrets are looked up; `os.environ` unless given.
    clock
        Unix time [s]; tells which night it is.
    make_cell
        Makes what runs the filters; another one for tests.

    Raises
    ------
    ConfigError
        If a setting is wrong or unsafe.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        *,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
        make_cell: Callable[[WorkerSettings], Judges] = cell_of,
    ) -> None:
        self._settings = settings
        self._environ = environ
        self._clock = clock
        route = Route.of(settings, ("{filter}",))
        reader_properties(settings, route, environ)
        writer_properties(settings, route, environ)
        self._cell = make_cell(settings)
        self._ledger = Ledger()
        self._numbers = WorkerNumbers(since=clock())
        self._counts = Counts()
        self._meter = Meter()
        self._judging: deque[Job] = deque()
        self._judged: deque[Job] = deque()
        self._writing: Job | None = None
        self._error = ""
        self._deferred: ZtfnbError | None = None
        self._gathering_since = self._full_since = math.nan
        self._failing_since = self._commit_failing_since = math.nan
        self._next_ask = 0.0
        self._not_before = 0.0
        self._uncertain = self._ended = False
        self._never: dict[tuple[str, int, int, int], str] = {}
        self._next_publish = 0.0
        self._last_time = math.nan

    def numbers(self) -> WorkerNumbers:
        """Return the numbers of now; cheap, and from any thread."""
        return self._numbers

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop, or caught up where the settings say so.

        Raises
        ------
        WorkerError
            If it cannot go on without losing alerts: nothing that is not certain is committed.
        ConfigError
            If settings turn out to be wrong.
        """
        try:
            if not stop.is_set():
                self._start()
                self._connect(stop)
                while not stop.is_set() and not self._is_done():
                    self._turn()
                self._wind_up()
        except (KafkaException, ZtfnbError) as error:
            self._fail(error)
            if isinstance(error, KafkaException):
                raise WorkerError(f"the Kafka client gives up: {self._error}") from error
            raise
        finally:
            self._close()
        self._publish("closed")

    # Beginning

    def _start(self) -> None:
        self._publish("starting")
        self._cell.start()
        settings, facts = self._settings, self._cell.filters
        self._counts = Counts.of(facts)
        self._route = Route.of(settings, [one.name for one in facts])
        self._scribe = Scribe(self._route, facts)
        self._reader = GroupReader(
            reader_properties(settings, self._route, self._environ),
            self._route,
            settings.start,
            self._ledger,
            revoking=self._finish_before_revoke,
            clock=self._clock,
        )
        self._writer = Writer(
            writer_properties(settings, self._route, self._environ), self._route.target
        )
        self._reader.open()

    def _connect(self, stop: threading.Event) -> None:
        """Wait for the brokers, and make sure that there are topics to write to."""
        self._publish("connecting")
        output = Output(self._route, self._writer, self._settings, self._environ)
        while not stop.is_set() and not (self._reader.look() and output.prepare(self._reader)):
            self._error = output.trouble
            self._publish("connecting")
            stop.wait(_CONNECT_AGAIN)
        self._error = ""

    # The loop

    def _turn(self) -> None:
        self._reader.tend()
        self._read()
        self._judge()
        self._write()
        if self._deferred is not None:
            deferred, self._deferred = self._deferred, None
            self._redo(deferred)
        if time.monotonic() >= self._next_publish:
            self._publish(self._state())

    def _read(self) -> None:
        """Gather; where there is no room, serve the group all the same."""
        reader, batch = self._reader, self._settings.batch
        now = time.monotonic()
        if not reader.full(batch):
            self._full_since = math.nan
            reader.hold(held=False)
            busy = self._judging or self._judged or self._writing or reader.taken.values
            before = len(reader.taken)
            reader.gather(min(before + _SLICE, batch), self._wait() if busy else _IDLE)
            if not before and reader.taken.values:
                self._gathering_since = time.monotonic()
            return
        if math.isnan(self._full_since):
            self._full_since = now
        if now - self._full_since > _PATIENCE:
            reader.hold(held=True)
        if now - self._full_since > _PATIENCE or reader.committing:
            reader.gather(batch, 0)

    def _judge(self) -> None:
        """Give the cell a batch, where it has room, and take what it has done."""
        reader, ledger = self._reader, self._ledger
        full = reader.full(self._settings.batch)
        ripe = full or time.monotonic() - self._gathering_since > _GATHER
        ahead = len(self._judging) + len(self._judged)
        if reader.taken.values and ripe and len(self._judging) < SLOTS and ahead < _AHEAD:
            taken = reader.take(self._settings.batch)
            self._gathering_since = time.monotonic()
            job = Job(taken, ledger.take(taken.ends), self._clock())
            self._judging.append(job)
            self._cell.submit(taken.values)
            full = False
        if self._judging:
            judged = self._cell.poll(self._wait() if full else 0)
            if judged is not None:
                job = self._judging.popleft()
                job.judged = judged
                self._judged.append(job)

    def _wait(self) -> float:
        return _WRITING if self._writing is not None else _BUSY

    def _write(self) -> None:
        """Take the one batch that is being written a step further, or begin the next."""
        if time.monotonic() < self._not_before:
            self._writer.serve()
            return
        try:
            if self._uncertain:
                self._resolve()
            elif self._writing is None:
                self._writer.serve()
                self._begin_next()
            else:
                self._step(self._writing)
        except UncertainError as error:
            self._uncertain = True
            self._hesitate(error)
        except DeliveryError as error:
            self._redo(error)

    def _begin_next(self) -> None:
        while self._judged:
            job = self._judged.popleft()
            held = self._ledger.holds(job.ticket)
            if held:
                self._writing = job
                job.began = time.monotonic()
                self._writer.begin(self._records(job, held))
                self._step(job)
                return
        offsets = self._ledger.committable()
        if offsets and not self._reader.committing:
            self._reader.commit(offsets)
            if self._reader.commit_error is not None:
                self._not_before = time.monotonic() + _COMMIT_AGAIN

    def _records(self, job: Job, held: frozenset[Place]) -> Iterator[Record]:
        """Yield what is to be written for a batch, as far as it is still ours."""
        places = job.ours(held)
        chosen = None if places is None else frozenset(places)
        messages = job.taken.messages
        for record in self._scribe.records(messages, job.result, job.received, chosen):
            reason = self._never.get(job.origin(record)) if self._never else None
            if reason is None:
                yield record
            else:
                job.refused += () if record.dead else (record,)
                yield self._scribe.refused(record, reason)

    def _step(self, job: Job) -> None:
        if not job.confirmed:
            if not self._writer.turn() or self._write_refusals(job):
                return
            if self._settings.transactional:
                self._commit_transaction(job)
                return
            self._writer.end()
            self._ledger.confirm(job.ticket)
            job.confirmed = True
        self._commit(job)

    def _write_refusals(self, job: Job) -> bool:
        """Write dead letters for what the broker never takes; return whether there were any."""
        given_up = self._writer.given_up()
        for record, reason in given_up:
            if record.stripped:
                raise WorkerError(f"{record.topic} does not even take an empty message: {reason}")
            if not record.dead:
                job.refused.append(record)
        if given_up and self._settings.transactional:
            self._never.update({job.origin(record): reason for record, reason in given_up})
            raise DeliveryError("the broker refused an alert for its size; a dead letter tells it")
        if given_up:
            self._writer.add([self._scribe.refused(*one) for one in given_up])
        return bool(given_up)

    def _commit(self, job: Job) -> None:
        """Commit what is written; the batch is counted when that is confirmed."""
        reader = self._reader
        if reader.committing:
            return
        if job.asked and reader.commit_error is None:
            self._count(job)
            return
        offsets = self._ledger.committable()
        if not self._ledger.holds(job.ticket) or not offsets:
            self._count(job)
            return
        if job.asked and reader.commit_error is not None:
            self._wait_for_commit(str(reader.commit_error.str()))
        job.asked = True
        reader.commit(offsets)

    def _wait_for_commit(self, reason: str) -> None:
        now = time.monotonic()
        self._error = f"the offsets cannot be committed: {reason}"
        if math.isnan(self._commit_failing_since) or not self._reader.health.connected:
            self._commit_failing_since = now
        if now - self._commit_failing_since > _COMMIT_GIVE_UP:
            raise WorkerError(self._error)
        self._not_before = now + _COMMIT_AGAIN

    def _commit_transaction(self, job: Job) -> None:
        held = self._ledger.holds(job.ticket)
        offsets = {place: job.ticket.spans[place].end for place in held}
        if not offsets:
            raise DeliveryError("every partition of the batch was given up; it is abandoned")
        self._writer.commit(self._reader.origins.listed(offsets), self._reader.group_metadata())
        self._writer.end()
        self._settle(job, offsets)

    def _settle(self, job: Job, offsets: Mapping[Place, int]) -> None:
        """Note a batch whose transaction is committed."""
        self._ledger.confirm(job.ticket)
        self._ledger.committed(offsets)
        self._count(job)

    def _count(self, job: Job) -> None:
        """Count a batch that is certain: written and committed, as far as it is still ours."""
        held = self._ledger.holds(job.ticket)
        places = job.ours(held)
        refused = [
            record.filter for record in job.refused if places is None or record.place in places
        ]
        before = self._counts.received
        self._counts = self._counts.add(job.result, places, refused)
        added = self._counts.received - before
        self._meter.add(added, added)
        self._last_time = time_of(job.taken.messages[-1])
        newest = {place_of(message): message for message in job.taken.messages}
        for place in held & newest.keys():
            self._reader.reach.note_time(place, time_of(newest[place]))
        self._writing = None
        self._failing_since = self._commit_failing_since = math.nan
        self._next_publish = 0.0

    # When something goes wrong

    def _redo(self, error: ZtfnbError) -> None:
        """Abandon everything that is not certain, and read it again; give up where that is vain."""
        if not isinstance(error, DeliveryError):
            raise error
        now = time.monotonic()
        self._error = str(error)
        if math.isnan(self._failing_since) or not self._writer.health.connected:
            self._failing_since = now
        if now - self._failing_since > _GIVE_UP:
            raise WorkerError(f"{error}; tried again for {_GIVE_UP:.0f} s")
        self._writing = None
        self._judged.clear()
        try:
            self._writer.abandon()
        except UncertainError:
            self._uncertain = True
        self._reader.seek(self._ledger.rewind())
        self._not_before = now + _BACK_OFF

    def _hesitate(self, error: ZtfnbError) -> None:
        self._error = str(error)
        self._not_before = time.monotonic() + _BACK_OFF

    def _resolve(self) -> None:
        """Find out what became of a transaction whose end nobody told."""
        self._writer.reopen()
        job = self._writing
        if job is not None:
            held = self._ledger.holds(job.ticket)
            offsets = {place: job.ticket.spans[place].end for place in held}
            try:
                committed = self._reader.committed(offsets)
            except KafkaException as error:
                raise UncertainError(str(error.args[0].str())) from None
            if offsets and all(committed.get(one, -1) >= end for one, end in offsets.items()):
                self._settle(job, offsets)
        self._uncertain = False
        if self._writing is not None:
            self._redo(DeliveryError("a transaction was not committed; its alerts are read again"))

    def _finish_before_revoke(self, budget: float) -> None:
        """Finish what is being written, as partitions are about to be given up; never raises."""
        if self._ended or not self._reader.health.connected:
            return
        deadline = time.monotonic() + min(budget, _REVOKE)
        try:
            while self._writing is not None and time.monotonic() < deadline and not self._uncertain:
                job = self._writing
                if job.confirmed:
                    self._reader.commit_now(self._ledger.committable())
                    self._count(job)
                else:
                    self._step_without_commit(job)
            self._reader.commit_now(self._ledger.committable())
        except UncertainError as error:
            self._uncertain = True
            self._error = str(error)
        except KafkaException as error:
            self._error = error.args[0].str()
        except ZtfnbError as error:
            self._deferred = error

    def _step_without_commit(self, job: Job) -> None:
        if not self._writer.flush(0.2) or self._write_refusals(job):
            return
        if self._settings.transactional:
            self._commit_transaction(job)
        else:
            self._writer.end()
            self._ledger.confirm(job.ticket)
            job.confirmed = True

    # The end

    def _is_done(self) -> bool:
        """Whether all that was there has been judged, by this worker or others of its group."""
        if not self._settings.until_caught_up or not (self._reader.joined or self._caught_up()):
            return False
        now = time.monotonic()
        if now < self._next_ask:
            return False
        self._next_ask = now + _ASK_EVERY
        return self._reader.finished()

    def _caught_up(self) -> bool:
        waiting = self._reader.taken.values or self._judging or self._judged or self._writing
        return (
            not waiting
            and self._reader.settled
            and not self._reader.committing
            and not self._ledger.committable()
        )

    def _wind_up(self) -> None:
        """Finish what is taken, within some seconds; what is left is read again by the next."""
        self._publish("stopping")
        self._reader.retire()
        connected = self._reader.health.connected
        now = time.monotonic()
        deadline = last = now + (_LAST_BATCH if connected else _LAST_WORDS)
        if connected and not self._settings.transactional:
            last = now + _LAST_WRITE
        while (self._judging or self._judged or self._writing) and time.monotonic() < last:
            if time.monotonic() > deadline:
                self._judging.clear()
                self._judged.clear()
            self._reader.gather(0, _WRITING)
            self._judge()
            self._write()
            self._publish("stopping")
        self._reader.measure()

    def _close(self) -> None:
        self._ended = True
        self._cell.close()
        for part in ("_reader", "_writer"):
            if hasattr(self, part):
                with suppress(KafkaException):
                    getattr(self, part).close()

    def _fail(self, error: Exception) -> None:
        self._error = error.args[0].str() if isinstance(error, KafkaException) else str(error)
        self._publish("failed")

    # Numbers

    def _state(self) -> str:
        reader, writer = self._reader, self._writer
        if not reader.health.connected:
            return "disconnected" if reader.rebalances else "connecting"
        job = self._writing
        if job is not None:
            waited = time.monotonic() - job.began
            if waited > _STALLED or (waited > 1.0 and not writer.health.connected):
                return "disconnected"
        if not math.isnan(self._failing_since):
            return "disconnected"
        if self._caught_up():
            return "caught up"
        return "running" if reader.joined else "connecting"

    def _publish(self, state: str) -> None:
        self._next_publish = time.monotonic() + _PUBLISH
        counts = self._counts
        running = hasattr(self, "_reader") and hasattr(self, "_writer")
        told = {}
        if running:
            reader = self._reader
            behind = 0.0 if state == "caught up" else self._clock() - self._last_time
            trouble = reader.health.newest() if state != "closed" else None
            if state == "disconnected" and not self._error and self._writing is not None:
                self._error = self._writer.health.newest().text
            told = {
                "lag": 0 if state == "caught up" else reader.lag,
                "seconds_behind": None if math.isnan(behind) else max(0.0, behind),
                "partitions": reader.reach.partitions,
                "gaps": reader.stopped.gaps,
                "remade": reader.stopped.remade,
                "rebalances": reader.rebalances,
                "ready": reader.joined and state not in ("failed", "closed"),
                "last_error": (trouble.text if trouble else "") or self._error,
            }
        jobs = (*self._judging, *self._judged, *((self._writing,) if self._writing else ()))
        self._numbers = WorkerNumbers(
            **{  # type: ignore[arg-type]
                "last_error": self._error,
                **told,
                "state": state,
                "filters": counts.filters,
                "received": counts.received,
                "undecodable": counts.undecodable,
                "produced": counts.produced,
                "dead_letters": counts.dead_letters,
                "in_flight": sum(len(job.taken) for job in jobs),
                "rate": self._meter.rates()[0],
                "restarts": self._cell.restarts,
                # Starting has a time limit of its own.
                "ticked": math.nan if state == "starting" else time.monotonic(),
                "since": self._numbers.since,
            }
        )
