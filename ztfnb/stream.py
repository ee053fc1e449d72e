"""The stream: one background thread that reads a source into a store.

Everything else pulls: a public call returns at once, from what the thread has published, or puts
a command in its queue. The thread alone polls, seeks and closes the source, which a Kafka client
demands. Nothing that a cell or a packet does ends it.
"""

from __future__ import annotations

import atexit
import math
import os
import queue
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ztfnb.alert import UNIX_EPOCH_JD, Alert
from ztfnb.codec import decode
from ztfnb.columns import decode_columns
from ztfnb.errors import (
    ConfigError,
    DecodeError,
    NotHeldError,
    SourceError,
    StreamClosedError,
)
from ztfnb.snapshot import Snapshot
from ztfnb.source import Packet, Source, SourceStatus, Start, parse_start
from ztfnb.state import STATES, State, Stats, next_state
from ztfnb.store import Store

if TYPE_CHECKING:
    from astropy.table import Table

BATCH = 1_000
"""Packets decoded at once: enough for the decoder's best rate, few enough to stay responsive."""
_POLL = 0.1
_RATE_WINDOW = 5.0
_FAILURES_KEPT = 100
_LOG_LINES = 500
_JOIN_TIMEOUT = 10.0

Moment = str | float | datetime


class LogLine(NamedTuple):
    """One thing that happened to a stream."""

    time: float
    """Unix time [s]."""
    text: str

    def __str__(self) -> str:
        return f"{datetime.fromtimestamp(self.time):%H:%M:%S} {self.text}"  # noqa: DTZ006 - local


@dataclass(frozen=True, slots=True)
class Failure:
    """A packet that held no readable alert: kept to be looked at, saved or reported."""

    packet: Packet
    error: DecodeError


class Pace(Protocol):
    """Something that sends the alerts that a stream reads, at a rate that can be changed."""

    rate: float
    """Alerts a second."""


class Stream:
    """Alerts as they arrive from a source. Made by `ztfnb.connect`; also a context manager.

    Parameters
    ----------
    source
        Where packets come from; the stream owns and closes it.
    store
        Where alerts are held; a new one with the default memory budget where None.
    name
        What people call the stream. Opening another of the same name stops this one.
    pace
        What sets the speed of the alerts, where that can be set.
    on_close
        Called once when the stream has stopped, for what lives and dies with it.
    """

    def __init__(
        self,
        source: Source,
        *,
        store: Store | None = None,
        name: str | None = None,
        pace: Pace | None = None,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self.name = source.name if name is None else name
        self.store = Store() if store is None else store
        self._source = source
        self._pace = pace
        self._on_close = on_close
        self._pid = os.getpid()
        self._commands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._pending = 0
        """Commands given and not yet carried out."""
        self._stopping = threading.Event()
        self._changed = threading.Condition()
        self._paused = False
        self._state: State = "connecting"
        self._status = SourceStatus(connected=False)
        # Decoded and failed; one tuple, so that readers never see half of a change.
        self._counts = (0, 0)
        # Alerts held when they were last counted: whoever waits for them finds them counted, too.
        self._held = 0
        self._newest = math.nan
        self._error = ""
        self._failures: deque[Failure] = deque(maxlen=_FAILURES_KEPT)
        self._log: deque[LogLine] = deque(maxlen=_LOG_LINES)
        self._arrivals: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])
        self._note(f"reading {source.name}")
        # A daemon, so that a kernel that dies is not held up; `_stop_all` ends it in good order.
        self._thread = threading.Thread(target=self._run, name=f"ztfnb {self.name}", daemon=True)
        _register(self)
        self._thread.start()

    # -- What it is doing --------------------------------------------------------------------

    @property
    def state(self) -> State:
        """What the stream is doing, in one of the words of `ztfnb.state.State`."""
        self._check_process()
        return self._state

    @property
    def stats(self) -> Stats:
        """Counters, rates and health at this moment."""
        self._check_process()
        status = self._status
        now = time.monotonic()
        arrivals = list(self._arrivals)
        recent = [entry for entry in arrivals if entry[0] >= now - _RATE_WINDOW] or arrivals[-1:]
        span = now - recent[0][0]
        count = arrivals[-1][1] - recent[0][1]
        decoded, failed = self._counts
        return Stats(
            state=self._state,
            received=decoded + failed,
            decoded=decoded,
            failed=failed,
            duplicates=self.store.duplicates,
            held=len(self.store),
            evicted=self.store.evicted,
            rate=count / span if span > 0.5 else 0.0,
            lag=status.lag,
            seconds_behind=self._seconds_behind(status),
            lost=sum(gap.size for gap in status.gaps),
            gaps=status.gaps,
            topics=status.topics,
            last_error=self._error,
        )

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The newest packets that held no readable alert, oldest first; at most 100."""
        return tuple(self._failures)

    @property
    def log(self) -> tuple[LogLine, ...]:
        """What happened so far: changes of state, trouble, commands. Oldest first."""
        return tuple(self._log)

    def wait(
        self,
        state: State | None = None,
        *,
        alerts: int | None = None,
        timeout: float | None = 60.0,
    ) -> Self:
        """Block the caller, and nobody else, until something is so; return the stream.

        Parameters
        ----------
        state
            The state to wait for.
        alerts
            The number of alerts that are to be held.
        timeout
            How long [s]; None for ever. Interrupting the cell ends the wait, not the stream.

        Raises
        ------
        TimeoutError
            If the time is over, with where the stream stands.
        SourceError
            If the stream failed or was stopped, so that it can never become so.
        """
        if state is not None and state not in STATES:
            raise ValueError(f"state: expected one of {', '.join(STATES)}, got {state!r}")
        self._check_process()

        def reached() -> bool:
            ended = self._state in ("failed", "closed")
            # What was said before the wait is done before it ends: `live.pause(); live.wait(...)`.
            there = self._pending == 0 and (state is None or self._state == state)
            return ended or (there and (alerts is None or self._held >= alerts))

        with self._changed:
            in_time = self._changed.wait_for(reached, timeout)
        what = " and ".join(
            ([f"state {state!r}"] if state else []) + ([f"{alerts:,} alerts"] if alerts else [])
        )
        if not in_time:
            raise TimeoutError(
                f"waited {timeout:g} s for {what}: {self.name} is {self._state}, "
                f"{self._held:,} alerts held. {self._error}".rstrip()
            )
        if self._state in ("failed", "closed") and self._state != state:
            raise SourceError(f"{self.name} is {self._state}: {self._error or 'it was stopped'}")
        return self

    # -- Commands ----------------------------------------------------------------------------

    def pause(self) -> None:
        """Stop reading; nothing is lost, and the position is kept."""
        self._check_open()
        self._paused = True
        self._tell(lambda: self._note("paused"))

    def resume(self) -> None:
        """Go on reading from where `pause` stopped."""
        self._check_open()
        self._paused = False
        self._tell(lambda: self._note("resumed"))

    def rewind(self, *, hours: float = 0.0, minutes: float = 0.0, seconds: float = 0.0) -> None:
        """Read again what arrived in the last hours, minutes and seconds.

        Alerts that are held already keep their one row and are counted as duplicates.
        """
        back = 3600.0 * hours + 60.0 * minutes + seconds
        if not back > 0:
            raise ValueError("rewind: how far? For example rewind(hours=2)")
        self.seek(time.time() - back)

    def seek(self, start: str | float | datetime | Mapping[int, int] | Start) -> None:
        """Go on reading from another place: see `ztfnb.source.parse_start`.

        Returns at once. A place that the source cannot reach shows in ``stats.last_error``.
        """
        self._check_open()
        place = parse_start(start)

        def go() -> None:
            try:
                self._source.seek(place)
            except SourceError as error:
                self._trouble(f"cannot go there: {error}")
            else:
                self._note(f"reading on from {_describe(place)}")
                self._set_state("live")

        self._tell(go)

    @property
    def speed(self) -> float:
        """Alerts a second that the demo night sends; setting it takes effect at once.

        Raises
        ------
        ConfigError
            If the alerts come from anywhere else: nobody can hurry the sky.
        """
        return self._paced().rate

    @speed.setter
    def speed(self, rate: float) -> None:
        self._check_open()
        if not rate > 0:
            raise ValueError(f"speed: expected alerts a second above 0, got {rate!r}")
        self._paced().rate = rate
        self._note(f"speed set to {rate:g} alerts a second")

    def _tell(self, command: Callable[[], None]) -> None:
        with self._changed:
            self._pending += 1
        self._commands.put(command)

    def _paced(self) -> Pace:
        if self._pace is None:
            raise ConfigError(
                f"the speed of {self.name} cannot be set; that of connect('demo') can"
            )
        return self._pace

    def stop(self) -> None:
        """End the stream and let its source go. What is held stays; a second call does nothing."""
        self._check_process()
        self._stopping.set()
        self._tell(lambda: None)
        if threading.current_thread() is not self._thread:
            self._thread.join(_JOIN_TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # -- Alerts ------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.store)

    def __contains__(self, candid: object) -> bool:
        try:
            self.store.coordinates(int(candid))  # type: ignore[call-overload]
        except (NotHeldError, TypeError, ValueError):
            return False
        return True

    def __getitem__(self, candid: int) -> Alert:
        """Return one alert; an older one is fetched again from the source by its coordinates.

        Raises
        ------
        NotHeldError
            If no such alert is held, or the source no longer has its packet.
        """
        self._check_process()
        candid = int(candid)
        packet = self.store.packet(candid)
        if packet is None:
            packet = self._source.fetch(self.store.coordinates(candid))
        return decode(packet.value)

    def select(
        self,
        where: str | None = None,
        *,
        cone: tuple[float, float, float] | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        object_id: str | None = None,
    ) -> NDArray[np.int64]:
        """Return the candid of every alert held that meets all conditions, oldest first.

        Parameters
        ----------
        where
            An expression over the alerts' fields: ``"rb > 0.65 and magpsf < 19"``.
        cone
            Right ascension, declination and radius [deg].
        since, until
            Bounds of the observation's time: Julian date, ISO text (UTC) or `datetime`.
        object_id
            ``objectId`` of the alerts.

        Raises
        ------
        SelectionError
            If the expression cannot be evaluated.
        """
        held, rows = self._rows(where, cone, since, until, object_id)
        return held.candid[rows]

    def alerts(self, where: str | None = None, **conditions: Any) -> Iterator[Alert]:
        """Yield the alerts held that meet all conditions of `select`, oldest first."""
        for candid in self.select(where, **conditions):
            yield self[int(candid)]

    def latest(self, count: int = 20) -> list[Alert]:
        """Return the alerts that arrived last, newest first."""
        self._check_process()
        return [self[int(candid)] for candid in self.store.latest(count)]

    def table(
        self,
        where: str | None = None,
        *,
        fields: tuple[str, ...] | None = None,
        cone: tuple[float, float, float] | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        object_id: str | None = None,
    ) -> Table:
        """Return the alerts held that meet all conditions of `select` as an astropy Table.

        Parameters
        ----------
        fields
            Columns to return; all where None.
        where, cone, since, until, object_id
            As in `select`.
        """
        held, rows = self._rows(where, cone, since, until, object_id)
        return held.table(rows, fields)

    def browse(self) -> Any:
        """Show the alerts in the notebook: a live table, stamps and light curve."""
        from ztfnb.widgets import browse  # noqa: PLC0415 - the core never needs a notebook

        return browse(self)

    def monitor(self) -> Any:
        """Show the stream's health in the notebook, with its controls."""
        from ztfnb.widgets import monitor  # noqa: PLC0415 - the core never needs a notebook

        return monitor(self)

    def __repr__(self) -> str:
        if os.getpid() != self._pid:
            return f"<Stream {self.name}, of the parent process>"
        stats = self.stats
        behind = "" if stats.lag is None else f", {stats.lag:,} waiting"
        return f"<Stream {self.name}: {stats.state}, {stats.held:,} alerts held{behind}>"

    # -- The thread --------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._execute_commands(wait=self._paused or self._state == "failed")
                if not self._stopping.is_set():
                    self._turn()
        except BaseException as error:  # noqa: BLE001 - shown, since no one else can see it
            self._trouble(f"the stream ended: {type(error).__name__}: {error}")
        finally:
            self._close()

    def _execute_commands(self, *, wait: bool) -> None:
        try:
            command = self._commands.get(timeout=_POLL) if wait else self._commands.get_nowait()
            while True:
                command()
                with self._changed:
                    self._pending -= 1
                    self._changed.notify_all()
                command = self._commands.get_nowait()
        except queue.Empty:
            pass

    def _turn(self) -> None:
        """Read one batch, and publish what became of it."""
        # A paused source is still served, or a Kafka client's reports would pile up.
        timeout, limit = (0.0, 0) if self._paused else (_POLL, BATCH)
        try:
            packets = self._source.poll(timeout, limit)
        except SourceError as error:
            self._trouble(str(error))
            self._stopping.wait(_POLL)
            packets = ()
        if packets:
            failed = self._take(packets)
            self._count(packets, failed)
        status = self._source.status()
        if status.error and status.error != self._status.error:
            self._trouble(status.error)
        for gap in status.gaps[len(self._status.gaps) :]:
            self._trouble(str(gap))
        self._status = status
        self._set_state(next_state(self._state, status, paused=self._paused))
        if status.exhausted and not packets:
            self._stopping.wait(_POLL)

    def _take(self, packets: Sequence[Packet]) -> Sequence[tuple[int, DecodeError]]:
        """Decode and hold a batch; return the place and reason of each that is no alert."""
        try:
            columns = decode_columns([packet.value for packet in packets])
            if len(columns.rows):
                self.store.append(packets, columns)
        except Exception as error:  # noqa: BLE001 - no packet may end the stream
            reason = DecodeError(f"{type(error).__name__}: {error}")
            return [(place, reason) for place in range(len(packets))]
        return columns.errors

    def _count(self, packets: Sequence[Packet], failed: Sequence[tuple[int, DecodeError]]) -> None:
        for place, error in failed:
            packet = packets[place]
            topic, partition, offset = packet.coordinates
            located = error.inside(f"{topic}, partition {partition}, offset {offset}")
            self._failures.append(Failure(packet, located))
            self._trouble(f"a packet that is no alert: {located}")
        self._counts = (
            self._counts[0] + len(packets) - len(failed),
            self._counts[1] + len(failed),
        )
        self._held = len(self.store)
        self._newest = packets[-1].timestamp
        now = time.monotonic()
        self._arrivals.append((now, sum(self._counts)))
        while self._arrivals[0][0] < now - 2 * _RATE_WINDOW:
            self._arrivals.popleft()
        with self._changed:
            self._changed.notify_all()

    def _close(self) -> None:
        for end in (self._source.close, self._on_close):
            try:
                if end is not None:
                    end()
            except Exception as error:  # noqa: BLE001 - the other is closed all the same
                self._trouble(f"while closing: {error}")
        self._note("stopped")
        self._set_state("closed")

    def _seconds_behind(self, status: SourceStatus) -> float | None:
        if status.caught_up or status.lag == 0:
            return 0.0
        return None if math.isnan(self._newest) else max(0.0, time.time() - self._newest)

    def _set_state(self, state: State) -> None:
        if state == self._state:
            return
        if state in ("caught up", "live") and self._state == "disconnected":
            self._note("connected again")
        self._state = state
        with self._changed:
            self._changed.notify_all()

    def _trouble(self, text: str) -> None:
        self._error = text
        self._note(text)

    def _note(self, text: str) -> None:
        self._log.append(LogLine(time.time(), text))

    def _rows(
        self,
        where: str | None,
        cone: tuple[float, float, float] | None,
        since: Moment | None,
        until: Moment | None,
        object_id: str | None,
    ) -> tuple[Snapshot, NDArray[np.intp]]:
        self._check_process()
        # One snapshot for both: alerts may come and go in between.
        held = self.store.snapshot()
        rows = held.select(
            where, cone=cone, since=_jd(since), until=_jd(until), object_id=object_id
        )
        return held, rows

    def _check_process(self) -> None:
        if os.getpid() != self._pid:
            raise StreamClosedError(
                f"{self.name} belongs to the parent process: a stream does not survive a fork; "
                "connect again in this process"
            )

    def _check_open(self) -> None:
        self._check_process()
        if self._stopping.is_set():
            raise StreamClosedError(f"{self.name} was stopped; connect again")


def _jd(moment: Moment | None) -> float | None:
    """Return a Julian date for a Julian date, ISO text or `datetime`."""
    if moment is None or (isinstance(moment, int | float) and not isinstance(moment, bool)):
        return moment
    return parse_start(moment).time / 86400 + UNIX_EPOCH_JD


def _describe(place: Start) -> str:
    if place.kind == "time":
        return f"{datetime.fromtimestamp(place.time):%Y-%m-%d %H:%M:%S}"  # noqa: DTZ006 - local
    if place.kind == "offsets":
        return ", ".join(f"partition {p} offset {o:,}" for p, o in place.offsets.items())
    return f"the {place.kind}"


# -- The streams of this process ---------------------------------------------------------------

_streams: weakref.WeakValueDictionary[str, Stream] = weakref.WeakValueDictionary()


def _register(stream: Stream) -> None:
    """Make room for a stream: the one of the same name, from a cell run before, is stopped."""
    stop_stream(stream.name)
    _streams[stream.name] = stream


def stop_stream(name: str) -> None:
    """Stop the stream of this name, if there is one that runs."""
    old = _streams.pop(name, None)
    if old is not None and old._pid == os.getpid():  # noqa: SLF001 - the registry is its own
        old.stop()


def open_streams() -> list[Stream]:
    """Return the streams of this process that have not been stopped."""
    return [stream for stream in _streams.values() if not stream._stopping.is_set()]  # noqa: SLF001


@atexit.register
def _stop_all() -> None:
    for stream in open_streams():
        if stream._pid == os.getpid():  # noqa: SLF001 - the registry is its own
            stream.stop()
