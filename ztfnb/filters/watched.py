"""Alerts judged in a thread that can be left behind, where a filter does not come to its end."""

from __future__ import annotations

import ctypes
import linecache
import queue
import sys
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from time import monotonic

from ztfnb.errors import ZtfnbError
from ztfnb.filters.decision import Verdict
from ztfnb.filters.failure import Failure, failure_of, message_of, not_held
from ztfnb.filters.filter import Filter
from ztfnb.filters.held import ColumnSample
from ztfnb.filters.judge import Judge
from ztfnb.filters.sample import attempt
from ztfnb.filters.threshold import Value
from ztfnb.rows import NotAtHandError

_UNWINDING = 1.0
"""How long a thread that was asked to end is left in peace [s]."""
_AWAY = 1.0
"""Time between two looks at a thread [s] that says that neither may have run."""


class EndedError(BaseException):
    """Raised in a thread that was left behind, to end it."""


class Chunk:
    """Some alerts to be judged together, and what has become of them so far.

    Parameters
    ----------
    made
        The filter.
    sample
        Where the alerts are.
    rows
        Which they are.
    numbers
        How they are called by whoever asks, one for each row.
    in_order
        Whether none may be judged before one that stands before it.
    """

    def __init__(
        self,
        made: Filter,
        sample: ColumnSample,
        rows: Sequence[int],
        numbers: Sequence[int],
        *,
        in_order: bool = False,
    ) -> None:
        self.numbers = numbers
        self._in_order = in_order
        self.candids: list[int] = sample.snapshot.column("candid", rows).tolist()
        self.done = threading.Event()
        """Set when nothing more will become of it."""
        self._made = made
        self._sample = sample
        self._rows = rows
        self._judge = Judge(made)
        self._judgement = self._judge.judgement
        self._judgement.extend(len(rows))
        self._finished = [False] * len(rows)
        self._news: list[int] = []
        self._lock = threading.Lock()
        self._now: tuple[int, float] | None = None
        """The alert that the filter runs on, and since when."""
        self._looked = monotonic()
        self._spared = -1, 0.0
        """The alert during which nobody looked for long, and when somebody did again."""
        self._left_behind = False

    # -- In the thread ---------------------------------------------------------------------

    def judge(self) -> None:
        """Judge all of them, exactly as `Filter.evaluate` does."""
        try:
            asked: Iterable[int] = range(len(self._rows))
            if not self._in_order:
                asked = attempt(enumerate(self._sample.light(self._rows)), self._work)
            places = {self._rows[place]: place for place in asked}
            for row, found in self._sample.whole(list(places), in_order=self._in_order):
                place = places[row]
                if isinstance(found, ZtfnbError):
                    self._lose(place, not_held(self.candids[place], found))
                else:
                    self._work(place, found)
        except EndedError:
            raise
        except Exception as error:  # noqa: BLE001 - one that no filter raised; nothing is hidden
            for place, finished in enumerate(self._finished):
                if not finished:
                    reason = f"it cannot be read: {message_of(error)}"
                    self._lose(place, Failure(self.candids[place], "not held", reason))
        finally:
            self.done.set()

    def _work(self, place: int, alert: object) -> None:
        self._now = place, monotonic()
        try:
            self._judge(place, alert)
        except (NotAtHandError, EndedError):
            raise
        except BaseException as error:  # noqa: BLE001 - sys.exit() in a filter ends nothing here
            if not getattr(alert, "asked", False):
                failure = failure_of(self._made, self.candids[place], error)
                self._judgement.lose(place, failure)
        finally:
            self._now = None
        # What lacks its packet is judged again, though the filter may have gone on without.
        if not getattr(alert, "asked", False):
            self._finish(place)

    def _lose(self, place: int, failure: Failure) -> None:
        self._judgement.lose(place, failure)
        self._finish(place)

    def _finish(self, place: int) -> None:
        with self._lock:
            if self._left_behind:
                raise EndedError
            self._finished[place] = True
            self._news.append(place)

    # -- Beside it -------------------------------------------------------------------------

    def overdue(self, limit: float) -> int | None:
        """Return the place of the alert that takes longer than ``limit`` [s], if one does.

        From then on what the thread does counts no more. Where nobody looked for long, this process
        may have been stopped, and its alert has once more the time that it may take.
        """
        with self._lock:
            now, moment = self._now, monotonic()
            away, self._looked = moment - self._looked > _AWAY, moment
            if now is None or self._finished[now[0]]:
                return None
            place, since = now
            if away and self._spared[0] != place:
                self._spared = place, moment
            if moment - (self._spared[1] if self._spared[0] == place else since) <= limit:
                return None
            self._left_behind = True
            return place

    def give_up(self) -> None:
        """Let what the thread does count no more."""
        with self._lock:
            self._left_behind = True

    def judged(self) -> list[int]:
        """Return the places of the alerts that were judged since this was asked last."""
        with self._lock:
            news, self._news = self._news, []
            return news

    def rest(self, stuck: int) -> Chunk | None:
        """Return the alerts that are still to be judged, without one; None where there is none."""
        left = [
            place
            for place, finished in enumerate(self._finished)
            if not finished and place != stuck
        ]
        if not left:
            return None
        rows, numbers = ([of[place] for place in left] for of in (self._rows, self.numbers))
        return Chunk(self._made, self._sample, rows, numbers, in_order=self._in_order)

    def verdict(self, place: int) -> Verdict:
        """Return what became of an alert that was judged."""
        return Verdict(self._judgement.verdict[place])

    def took(self, place: int) -> int:
        """Return how long the filter ran on it [ns]; 0 where it did not."""
        return self._judgement.took[place]

    def failure(self, place: int) -> Failure | None:
        """Return why it failed, if it did."""
        return self._judgement.failures.get(place)

    def notes(self, place: int) -> dict[str, Value]:
        """Return its annotations."""
        return self._judgement.notes.get(place, {})


class Worker:
    """Judges chunks in a thread of its own, and in another where that was left behind.

    Parameters
    ----------
    name
        Of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._chunks: queue.SimpleQueue[Chunk | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._chunk: Chunk | None = None
        self._left: dict[threading.Thread, float] = {}
        """Threads that were left behind, and when each may be asked to end again."""

    def take(self, chunk: Chunk) -> None:
        """Have a chunk judged; returns at once."""
        if self._thread is None:
            self._chunks = queue.SimpleQueue()
            self._thread = threading.Thread(
                target=_serve, args=(self._chunks,), name=self._name, daemon=True
            )
            self._thread.start()
        self._chunk = chunk
        self._chunks.put(chunk)

    def stuck_at(self, file: str) -> tuple[int, str]:
        """Return the line of a file that the thread runs, and its function; 0 where it is none."""
        number = None if self._thread is None else self._thread.ident
        # Nothing else tells where a thread is.
        frame = sys._current_frames().get(number or 0)  # noqa: SLF001
        while frame is not None and frame.f_code.co_filename != file:
            frame = frame.f_back
        return (0, "") if frame is None else (frame.f_lineno, frame.f_code.co_name)

    def leave(self) -> None:
        """Leave the thread behind, and have it end; the next chunk goes to another."""
        if self._thread is not None:
            if self._chunk is not None and not self._chunk.done.is_set():
                self._left[self._thread] = 0.0
            self._thread = self._chunk = None
            self._chunks.put(None)
        self.left_behind()

    def left_behind(self) -> int:
        """Return how many threads that were left behind go on; each is asked to end again."""
        now = monotonic()
        self._left = {thread: then for thread, then in self._left.items() if thread.is_alive()}
        for thread, then in self._left.items():
            if now >= then:
                _end(thread)
                # Time to unwind: asked meanwhile, it could end with a lock in its hand.
                self._left[thread] = now + _UNWINDING
        return len(self._left)


def _serve(chunks: queue.SimpleQueue[Chunk | None]) -> None:
    with suppress(EndedError):
        while (chunk := chunks.get()) is not None:
            chunk.judge()


def _end(thread: threading.Thread) -> None:
    """Raise an exception in a thread: Python code meets it at once, a call into C at its end."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident or 0), ctypes.py_object(EndedError)
    )


def too_long(made: Filter, candid: int, limit: float, at: tuple[int, str]) -> Failure:
    """Return the failure of an alert on which a filter did not come to its end.

    Parameters
    ----------
    made, candid
        The filter and the alert.
    limit
        How long it was given [s].
    at
        The line that it was at, and the function.
    """
    line, function = at
    file = made.code.file if line else ""
    text = linecache.getline(file, line).strip() if line else ""
    message = f"took longer than {limit:g} s"
    return Failure(candid, "exception", message, line, text, function, file)
