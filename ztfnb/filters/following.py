"""One filter that follows a stream: what it was given, and what became of it."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from time import monotonic, sleep
from typing import NamedTuple

import numpy as np

from ztfnb.errors import FilterError, NotHeldError, ZtfnbError
from ztfnb.filters.calls import Call, Calls
from ztfnb.filters.condition import Run
from ztfnb.filters.decision import Verdict
from ztfnb.filters.evaluate import is_stateful, sample_of
from ztfnb.filters.explanation import Explanation, explanation_of
from ztfnb.filters.failure import Failure, message_of
from ztfnb.filters.filter import Filter
from ztfnb.filters.followed import BoundTwin
from ztfnb.filters.held import ColumnSample
from ztfnb.filters.instrument import traced
from ztfnb.filters.newest import Newest
from ztfnb.filters.tally import Counts, Tally
from ztfnb.filters.threshold import Value
from ztfnb.filters.times import Times
from ztfnb.filters.watched import Chunk, Worker, too_long
from ztfnb.meter import Meter
from ztfnb.snapshot import Snapshot
from ztfnb.stream import Stream

LIMIT = 10.0
"""How long a filter may take for an alert [s]."""
MOST_KEPT = 100_000
"""Alerts that passed of which annotations are kept, and of those that failed the reasons."""
LATEST = 200
"""Alerts of each kind whose order is kept."""
_AT_ONCE = 1_000
_TAKES = 0.25
"""How long a piece of work should take [s]: new alerts wait no longer for those held before."""
_GLANCE = 0.1
_TIMES = 10_000
"""Alerts of which the time is kept."""
_NOTES = 100
_REASONS = 2_000
"""Reasons that are kept, to be given again."""
_MOST_LEFT_BEHIND = 8
_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Pace:
    """How quickly a filter goes on."""

    judged: float
    """Alerts a second."""
    passed: float
    """Alerts a second that passed."""
    times: Times
    """How long it took for each of the latest alerts."""


class Arrived(NamedTuple):
    """An alert that passed after the filter was applied: news."""

    candid: int
    notes: Mapping[str, Value]


class Following:
    """A filter that is applied to a stream, in threads of its own; it never slows the stream.

    Alerts that arrive are judged first, in their order; then those that were held when it was
    applied, from the newest to the oldest. A filter that keeps state between alerts gets all in
    order of arrival.

    Parameters
    ----------
    made
        The filter.
    stream
        The stream.
    limit
        How long it may take for an alert [s]; one on which it takes longer has failed.

    Raises
    ------
    FilterError
        If what the filter needs cannot be had.
    """

    def __init__(self, made: Filter, stream: Stream, *, limit: float = LIMIT) -> None:
        self.filter = made
        self.stream = stream
        self.limit = limit
        self.passed: Newest[Mapping[str, Value]] = Newest(MOST_KEPT)
        """What passed, with its annotations, by candid."""
        self.failed: Newest[Failure] = Newest(MOST_KEPT)
        """What failed, with the reason, by candid."""
        self.annotations: tuple[str, ...] = ()
        """Names of all annotations so far."""
        self.revision = 0
        """Grows with everything that becomes of an alert."""
        self.notes: deque[str] = deque(maxlen=_NOTES)
        """What went wrong, and is no alert's: oldest first."""
        self.on_news: Callable[[list[Arrived]], None] = lambda _news: None
        """Called in a thread with what arrived and passed; has to be quick."""
        # What cannot be had is told to whoever applies it.
        made.resources  # noqa: B018
        self._in_order = is_stateful(made)
        self._tally = Tally(stream.store.snapshot(), in_order=self._in_order)
        self._latest: dict[Verdict, Newest[None]] = {one: Newest(LATEST) for one in Verdict}
        self._took: deque[int] = deque(maxlen=_TIMES)
        self._meter = Meter()
        self._numbers: dict[int, int] = {}
        self._reasons: dict[int, str] = {}
        self._size = _AT_ONCE
        self._worker = Worker(f"ztfnb filter {made.name}")
        self._calls = Calls(f"ztfnb told {made.name}", self.notes.append)
        self._calls_held = Calls(f"ztfnb told {made.name}", self.notes.append)
        self._stopping = threading.Event()
        self._reached = threading.Condition()
        self._thread = threading.Thread(
            target=self._run, name=f"ztfnb apply {made.name}", daemon=True
        )
        self._thread.start()

    # -- What is known ---------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Name of the filter."""
        return self.filter.name

    @property
    def running(self) -> bool:
        """Whether alerts are still judged."""
        return not self._stopping.is_set()

    @property
    def counts(self) -> Counts:
        """How many alerts passed, were rejected, failed, wait, and were missed."""
        return self._tally.counts(self.stream.store.snapshot())

    @property
    def pace(self) -> Pace:
        """How quickly it goes on, and how long it takes for an alert."""
        judged, passed = self._meter.rates()
        took = np.array(self._took.copy(), np.int64)
        return Pace(judged, passed, Times.of(took[took > 0]))

    def latest(self, verdict: Verdict, count: int = 20) -> list[int]:
        """Return the candids of the alerts of a verdict that arrived last, the newest first.

        At most `LATEST` are known.
        """
        return self._latest[verdict].latest(count)

    def verdicts(self, candids: Iterable[int]) -> list[Verdict | None]:
        """Return what became of alerts that are held; None where one has not been judged."""
        numbers = self._numbers_of(list(candids))
        return [None if number is None else self._tally.verdict(number) for number in numbers]

    def explain(self, candid: int) -> Explanation:
        """Return what the conditions come to on one alert, and which decides.

        Raises
        ------
        NotHeldError
            If the alert is not, or no longer, held and cannot be fetched.
        """
        sample = self._sample()
        place = int(sample.snapshot.rows_of([candid])[0])
        runs: list[Run] = []

        def lost(_place: int, error: ZtfnbError) -> None:
            raise error

        twin = self._twin
        sample.visit([place], lambda _place, alert: runs.append(twin(alert, {})), lost)
        verdict = self.verdicts([candid])[0]
        return explanation_of(
            candid,
            runs[-1],
            twin.conditions,
            Verdict.FAILED if verdict is None else verdict,
            trouble=str(self.failed.get(candid, "it has not been judged yet")),
            annotations=self.passed.get(candid),
        )

    def reason(self, candid: int) -> str:
        """Return in one line why an alert was rejected, or failed; empty for another.

        Of a filter that keeps state between alerts it says only why one failed, since running it
        once more would change what it does next.
        """
        failure = self.failed.get(candid)
        if failure is not None:
            return str(failure)
        known = self._reasons.get(candid)
        if known is not None:
            return known
        [verdict] = self.verdicts([candid])
        if verdict is not Verdict.REJECTED or self._in_order:
            return ""
        try:
            reason = self.explain(candid).reason
        except ZtfnbError as error:
            return message_of(error)
        if len(self._reasons) >= _REASONS:
            self._reasons = {}
        self._reasons[candid] = reason
        return reason

    @cached_property
    def _twin(self) -> BoundTwin:
        return BoundTwin(self.filter, traced(self.filter))

    def _sample(self) -> ColumnSample:
        sample = sample_of(self.stream)
        assert isinstance(sample, ColumnSample)  # noqa: S101 - that of a stream is
        return sample

    def _numbers_of(self, candids: list[int]) -> list[int | None]:
        """Return which alerts these are of all that arrived; None for one that is not held."""
        held = self.stream.store.snapshot()
        known = before = self._numbers  # read once: another thread may ask for other rows
        sought = [one for one in candids if known.get(one, -1) < held.departed]
        if sought:
            known = dict(zip(sought, _numbers(held, sought), strict=True))
            known |= {one: before[one] for one in candids if one not in known}
            # Of what was asked for last: a table asks for the same rows again and again.
            self._numbers = known
        return [number if (number := known[one]) >= held.departed else None for one in candids]

    # -- What can be asked -----------------------------------------------------------------

    def on_pass(self, function: Call, *, held: bool = False) -> None:
        """Have a function called with a list of the candids that pass, in a thread.

        Parameters
        ----------
        function
            If it raises, that is in `notes`, and ends nothing.
        held
            Whether it is told of alerts that were held when the filter was applied, too.
        """
        self._calls.add(function)
        if held:
            self._calls_held.add(function)

    def wait(self, timeout: float | None = 60.0) -> Counts:
        """Block the caller until every alert that has arrived is judged; return the counts.

        Raises
        ------
        TimeoutError
            If that takes longer [s]; None for ever.
        """
        with self._reached:
            self._reached.wait_for(
                lambda: not self.counts.waiting or self._stopping.is_set(), timeout
            )
        counts = self.counts
        if counts.waiting and not self._stopping.is_set():
            raise TimeoutError(f"{self.name} is still at work after {timeout:g} s: {counts}")
        return counts

    def stop(self, *, wait: bool = True) -> None:
        """Judge no more; what is known stays. A second call does nothing."""
        self._stopping.set()
        if wait and threading.current_thread() is not self._thread:
            self._thread.join(_GLANCE * 20)

    def __repr__(self) -> str:
        return f"<{self.filter!r} on {self.stream.name}: {self.counts}>"

    # -- The thread ------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._stopping.is_set() and self.stream.state != "closed":
                if not self._turn():
                    self._worker.left_behind()
                    self._stopping.wait(_GLANCE)
        except Exception as error:  # noqa: BLE001 - told, since a thread's are seen by no one
            self.notes.append(f"{self.name} judges no more: {message_of(error)}")
        finally:
            self._stopping.set()
            with self._reached:
                self._reached.notify_all()
            self._worker.leave()
            for _ in range(_ATTEMPTS):
                # One that catches every exception has to be told more than once.
                if not self._worker.left_behind():
                    break
                sleep(_GLANCE)

    def _turn(self) -> bool:
        """Judge some alerts; return whether there were any."""
        sample = self._sample()
        held = sample.snapshot
        numbers = self._tally.take(held, self._size)
        if not numbers:
            return False
        rows = [number - held.departed for number in numbers]
        began = monotonic()
        self._judge(Chunk(self.filter, sample, rows, numbers, in_order=self._in_order))
        took = max(monotonic() - began, 1e-6)
        self._size = int(min(max(len(rows) * _TAKES / took, 1), _AT_ONCE, 4 * self._size + 1))
        return True

    def _judge(self, chunk: Chunk | None) -> None:
        while chunk is not None:
            self._worker.take(chunk)
            stuck = self._watch(chunk)
            self._book(chunk)
            if stuck is None:
                return
            self._leave(chunk, stuck)
            chunk = chunk.rest(stuck)

    def _watch(self, chunk: Chunk) -> int | None:
        """Wait for a chunk; return the place of an alert on which the filter does not end."""
        while not chunk.done.wait(_GLANCE):
            self._worker.left_behind()
            self._book(chunk)
            stuck = chunk.overdue(self.limit)
            if stuck is not None:
                return stuck
            if self._stopping.is_set():
                chunk.give_up()
                return None
        return None

    def _leave(self, chunk: Chunk, stuck: int) -> None:
        """Leave an alert behind on which the filter does not come to its end."""
        at = self._worker.stuck_at(self.filter.code.file)
        self._worker.leave()
        candid = chunk.candids[stuck]
        failure = too_long(self.filter, candid, self.limit, at)
        with self._booking():
            self._note(chunk.numbers[stuck], candid, Verdict.FAILED, failure, {})
        if self._worker.left_behind() >= _MOST_LEFT_BEHIND:
            raise FilterError(
                f"{_MOST_LEFT_BEHIND} threads wait for calls that do not return; {failure}"
            )

    def _book(self, chunk: Chunk) -> None:
        """Note what became of a chunk, and tell of what passed."""
        passed: dict[bool, list[Arrived]] = {True: [], False: []}
        places = chunk.judged()
        if not places:
            return
        departed = self.stream.store.snapshot().departed
        with self._booking():
            for place in places:
                number, candid = chunk.numbers[place], chunk.candids[place]
                verdict, notes = chunk.verdict(place), chunk.notes(place)
                failure = chunk.failure(place)
                if failure is not None and failure.kind == "not held" and number < departed:
                    # It left while its packet was asked for: the filter did not fail on it.
                    self._tally.miss()
                    continue
                self._note(number, candid, verdict, failure, notes)
                self._took.append(chunk.took(place))
                if verdict is Verdict.PASSED:
                    passed[number >= self._tally.start].append(Arrived(candid, notes))
            new, old = passed[True], passed[False]
            self._meter.add(len(places), len(new) + len(old))
        self._calls.tell([one.candid for one in new])
        self._calls_held.tell([one.candid for one in old])
        if new:
            try:
                self.on_news(new)
            except Exception as error:  # noqa: BLE001 - a view that fails ends nothing
                self.notes.append(f"news could not be told: {message_of(error)}")

    @contextmanager
    def _booking(self) -> Iterator[None]:
        """Change what is known while nobody who waits looks: they see all of it, or nothing."""
        with self._reached:
            yield
            self.revision += 1
            self._reached.notify_all()

    def _note(
        self,
        number: int,
        candid: int,
        verdict: Verdict,
        failure: Failure | None,
        notes: Mapping[str, Value],
    ) -> None:
        # What was kept of it comes first: who reads the verdict finds the rest.
        if verdict is Verdict.PASSED:
            self.passed.put(number, candid, notes)
            if not notes.keys() <= set(self.annotations):
                self.annotations = tuple(dict.fromkeys((*self.annotations, *notes)))
        elif failure is not None:
            self.failed.put(number, candid, failure)
        self._latest[verdict].put(number, candid, None)
        self._tally.note(number, verdict)


def _numbers(held: Snapshot, candids: list[int]) -> Iterable[int]:
    """Return the numbers of alerts; -1 for one that is not held."""
    try:
        return [int(row) + held.departed for row in held.rows_of(candids)]
    except NotHeldError:
        if len(candids) == 1:
            return [-1]
        half = len(candids) // 2
        return itertools.chain(_numbers(held, candids[:half]), _numbers(held, candids[half:]))
