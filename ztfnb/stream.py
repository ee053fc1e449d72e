"""The stream: one background thread that reads a source into a store.

Everything else pulls: a public call returns at once, from what the thread has published, or puts
a command in its queue. The thread alone polls, seeks and closes the source, which a Kafka client
demands. Nothing that a cell or a packet does ends it.
"""

from __future__ import annotations

import atexit
import dataclasses
import itertools
import math
import os
import queue
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
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
from ztfnb.meter import Meter
from ztfnb.quarantine import Failure, Quarantine, save
from ztfnb.snapshot import Snapshot
from ztfnb.source import Coordinates, Packet, Source, SourceStatus, Start, parse_start
from ztfnb.state import STATES, State, Stats, next_state
from ztfnb.store import Store

if TYPE_CHECKING:
    from astropy.table import Table

    from ztfnb.filters.applied import Applied
    from ztfnb.filters.filter import Filter
    from ztfnb.filters.following import Following

BATCH = 1_000
"""Packets decoded at once: enough for the decoder's best rate, few enough to stay responsive."""
_POLL = 0.1
_LOG_LINES = 500
_LONGEST_LINE = 500
_JOIN_TIMEOUT = 10.0

Moment = str | float | datetime


class LogLine(NamedTuple):
    """One thing that happened to a stream."""

    time: float
    """Unix time [s]."""
    text: str
    trouble: bool = False
    """Whether something went wrong."""

    def __str__(self) -> str:
        return f"{datetime.fromtimestamp(self.time):%H:%M:%S} {self.text}"  # noqa: DTZ006 - local


class _Published(NamedTuple):
    """All that the thread has told, replaced as one, so that readers never see half of a change."""

    state: State = "connecting"
    status: SourceStatus = SourceStatus(connected=False)
    decoded: int = 0
    failed: int = 0
    duplicates: int = 0
    unidentified: int = 0
    held: int = 0
    evicted: int = 0
    newest: float = math.nan
    """Unix time [s] of the packet read last."""
    mishap: str = ""
    """What went wrong here, not in the source, and still matters."""


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
        # Only the thread replaces it.
        self._now = _Published(**self._books())
        self._error = ""
        self._quarantine = Quarantine()
        self._log: deque[LogLine] = deque(maxlen=_LOG_LINES)
        self._applied: tuple[Applied, ...] = ()
        self._meter = Meter()
        self._note(f"reading {source.name}")
        # A daemon, so that a kernel that dies is not held up; `_stop_all` ends it in good order.
        self._thread = threading.Thread(target=self._run, name=f"ztfnb {self.name}", daemon=True)
        _register(self)
        self._thread.start()

    # -- What it is doing --------------------------------------------------------------------

    @property
    def source(self) -> Source:
        """Where packets come from; it is the stream's own, to be asked what it is and no more."""
        return self._source

    @property
    def pace(self) -> Pace | None:
        """What sends its alerts, where their speed can be set: the demo night; else None."""
        return self._pace

    @property
    def state(self) -> State:
        """What the stream is doing, in one of the words of `ztfnb.state.State`."""
        self._check_process()
        return self._now.state

    @property
    def stats(self) -> Stats:
        """Counters, rates and health at this moment."""
        self._check_process()
        now = self._now
        status = now.status
        rate, decoded_rate = self._meter.rates()
        return Stats(
            state=now.state,
            received=now.decoded + now.failed,
            decoded=now.decoded,
            failed=now.failed,
            duplicates=now.duplicates,
            unidentified=now.unidentified,
            held=now.held,
            evicted=now.evicted,
            rate=rate,
            decoded_rate=decoded_rate,
            lag=status.lag,
            seconds_behind=_seconds_behind(now),
            lost=sum(gap.size for gap in status.gaps),
            gaps=status.gaps,
            topics=status.topics,
            partitions=status.partitions,
            error=now.mishap or status.error,
            trouble="" if now.mishap else status.trouble,
            last_error=self._error,
        )

    @property
    def paused(self) -> bool:
        """Whether it was told to pause, also while the source does not answer."""
        return self._paused

    @property
    def arrivals(self) -> tuple[int, ...]:
        """Packets received in each of the last 120 seconds, oldest first."""
        self._check_process()
        return self._meter.arrivals()

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The newest packets that held no readable alert, oldest first; at most 1,000.

        Those that no longer fit into 32 MB are there without their bytes.
        """
        return self._quarantine.failures()

    def save_failures(self, path: str | Path, failures: Sequence[Failure] | None = None) -> Path:
        """Write `failures` byte for byte, with ``reasons.json``; return where they are.

        Bytes that are no longer in memory are fetched again from the source. This waits for disk
        and source; reading goes on meanwhile.

        Parameters
        ----------
        path
            A name that is still free: of a ``.tar.gz`` file, or of a folder. It appears only when
            all is written. ``ztfnb.read`` takes either.
        failures
            Those to write; all where None.

        Raises
        ------
        ConfigError
            If there is something of that name.
        DeliveryError
            If it cannot be written.
        """
        self._check_process()
        return save(path, self.failures if failures is None else failures, fetch=self._source.fetch)

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
            now = self._now
            ended = now.state in ("failed", "closed")
            # What was said before the wait is done before it ends: `live.pause(); live.wait(...)`.
            there = self._pending == 0 and (state is None or now.state == state)
            return ended or (there and (alerts is None or now.held >= alerts))

        with self._changed:
            in_time = self._changed.wait_for(reached, timeout)
        what = " and ".join(
            ([f"state {state!r}"] if state else []) + ([f"{alerts:,} alerts"] if alerts else [])
        )
        now = self._now
        if not in_time:
            raise TimeoutError(
                f"waited {timeout:g} s for {what}: {self.name} is {now.state}, "
                f"{now.held:,} alerts held. {self._error}".rstrip()
            )
        if now.state in ("failed", "closed") and now.state != state:
            raise SourceError(f"{self.name} is {now.state}: {self._error or 'it was stopped'}")
        return self

    # -- Commands ----------------------------------------------------------------------------

    def pause(self) -> None:
        """Stop reading; nothing is lost, and the position is kept."""
        self._check_open()
        self._paused = True
        self._tell(lambda: self._obey("paused"))

    def resume(self) -> None:
        """Go on reading from where `pause` stopped."""
        self._check_open()
        self._paused = False
        self._tell(lambda: self._obey("resumed"))

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
                self._publish(mishap=self._error)
            else:
                self._obey(f"reading on from {_describe(place)}")
                self._publish(state="live")

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

    def _obey(self, text: str) -> None:
        """Note a command that was carried out: what went wrong with one before is over."""
        self._note(text)
        self._publish(mishap="")

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

    def fetch_many(self, candids: Iterable[int]) -> Iterator[tuple[int, Alert | Exception]]:
        """Yield many alerts, each with its candid: quicker than one by one where they are old.

        Those whose packets are at hand come first, the others as the source reads them. Each
        candid comes once. One that is not held, or cannot be read, comes with its error.
        """
        self._check_process()
        return self._fetch_many(dict.fromkeys(int(candid) for candid in candids))

    def _fetch_many(self, candids: Iterable[int]) -> Iterator[tuple[int, Alert | Exception]]:
        older: list[int] = []
        for candid in candids:
            packet = self.store.packet(candid)
            if packet is None:
                older.append(candid)
            else:
                yield candid, _alert_of(candid, packet)
        held = self.store.snapshot()
        rows = held.find(older)
        places = iter(held.all_coordinates(rows[rows >= 0]) if len(held) else ())
        waiting: dict[Coordinates, list[int]] = {}
        for candid, row in zip(older, rows.tolist(), strict=True):
            if row < 0:
                yield candid, NotHeldError(f"candid {candid} is not, or no longer, held")
            else:
                # A topic that was made anew may have two alerts of one place.
                waiting.setdefault(next(places), []).append(candid)
        try:
            for at, found in self._source.fetch_many(list(waiting)):
                for candid in waiting.pop(at):
                    yield candid, _alert_of(candid, found)
        except (SourceError, StreamClosedError) as error:
            for candid in itertools.chain.from_iterable(waiting.values()):
                yield candid, error

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

    def browse(self, **options: Any) -> Any:
        """Show the alerts in the notebook: a live table, stamps, light curves and more.

        Parameters
        ----------
        **options
            ``labels`` and ``state`` of `ztfnb.browse`.
        """
        from ztfnb.widgets import browse  # noqa: PLC0415 - the core never needs a notebook

        return browse(self, **options)

    def apply(self, *filters: Filter, **options: Any) -> Applied:
        """Judge every alert held and every one that arrives, in the background; mark what passes.

        A filter that is applied again replaces the one of its name.

        Parameters
        ----------
        *filters
            Made by `ztfnb.filter`.
        **options
            ``limit`` of `ztfnb.filters.applied.Applied`.
        """
        from ztfnb.filters.applied import apply  # noqa: PLC0415 - a stream is of use without

        self._check_open()
        return apply(self, *filters, **options)

    @property
    def applied(self) -> Mapping[str, Following]:
        """What is applied, by the name of the filter."""
        return {name: one for each in self._applied for name, one in each.items()}

    def lab(self, filter: Filter, **options: Any) -> Any:  # noqa: A002 - what it is
        """Show a filter at work on the alerts: sliders, funnel, galleries, and why.

        Parameters
        ----------
        filter
            Made by `ztfnb.filter`.
        **options
            ``labels``, ``positive`` and ``auto`` of `ztfnb.lab`.
        """
        from ztfnb.widgets.labbing import lab  # noqa: PLC0415 - the core never needs a notebook

        return lab(filter, self, **options)

    def monitor(self) -> Any:
        """Show the stream's health in the notebook, with its controls."""
        from ztfnb.widgets import Monitor  # noqa: PLC0415 - the core never needs a notebook

        return Monitor(self)

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
                self._execute_commands(wait=self._paused or self._now.state == "failed")
                if not self._stopping.is_set():
                    self._turn()
        except BaseException as error:  # noqa: BLE001 - shown, since no one else can see it
            self._trouble(f"the stream ended: {type(error).__name__}: {error}")
            self._publish(mishap=self._error)
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
        raised = ""
        try:
            packets = self._source.poll(timeout, limit)
        except SourceError as error:
            raised = str(error)
            self._stopping.wait(_POLL)
            packets = ()
        counted = self._count(packets, self._take(packets)) if packets else {}
        status = self._source.status()
        if raised:
            status = dataclasses.replace(status, error=raised, trouble="")
        if status.error and status.error != self._now.status.error:
            self._trouble(status.error)
        for gap in status.gaps[len(self._now.status.gaps) :]:
            self._trouble(str(gap))
        state = next_state(self._now.state, status, paused=self._paused)
        self._publish(state=state, status=status, **counted)
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

    def _count(
        self, packets: Sequence[Packet], failed: Sequence[tuple[int, DecodeError]]
    ) -> dict[str, Any]:
        """Count a batch; return what is to be published of it."""
        now = time.time()
        for place, error in failed:
            packet = packets[place]
            topic, partition, offset = packet.coordinates
            located = error.inside(f"{topic}, partition {partition}, offset {offset}")
            self._quarantine.add(packet, located, now)
        if len(failed) == 1:
            self._trouble(f"a packet that is no alert: {located}")
        elif failed:
            # One line, or a topic of something else would drive all others out of the log.
            self._trouble(f"{len(failed):,} packets that are no alerts, the last: {located}")
        self._meter.add(len(packets), len(packets) - len(failed))
        return {
            "decoded": self._now.decoded + len(packets) - len(failed),
            "failed": self._now.failed + len(failed),
            "newest": packets[-1].timestamp,
            **self._books(),
        }

    def _books(self) -> dict[str, Any]:
        """Return what the store has counted."""
        return {
            "duplicates": self.store.duplicates,
            "unidentified": self.store.unidentified,
            "held": len(self.store),
            "evicted": self.store.evicted,
        }

    def _close(self) -> None:
        for end in (self._source.close, self._on_close):
            try:
                if end is not None:
                    end()
            except Exception as error:  # noqa: BLE001 - the other is closed all the same
                self._trouble(f"while closing: {error}")
        self._note("stopped")
        self._publish(state="closed")

    def _publish(self, **changes: Any) -> None:
        """Tell what has changed, all at once."""
        before = self._now.state
        state = changes.get("state", before)
        if state in ("caught up", "live") and before in ("connecting", "disconnected"):
            self._note("connected again" if before == "disconnected" else "connected")
        self._now = self._now._replace(**changes)
        if state != before or "held" in changes:
            with self._changed:
                self._changed.notify_all()

    def _trouble(self, text: str) -> None:
        self._error = text[:_LONGEST_LINE]
        self._note(text, trouble=True)

    def _note(self, text: str, *, trouble: bool = False) -> None:
        self._log.append(LogLine(time.time(), text[:_LONGEST_LINE], trouble))

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


def _alert_of(candid: int, packet: Packet | NotHeldError) -> Alert | Exception:
    """Return the alert of a packet that was fetched for a candid, or why it is not there."""
    if isinstance(packet, NotHeldError):
        return packet
    try:
        alert = decode(packet.value)
    except DecodeError as error:
        return error
    if alert.candid != candid:
        place = "{}, partition {}, offset {}".format(*packet.coordinates)
        return NotHeldError(f"candid {candid} is no longer at {place}: {alert.candid} is")
    return alert


def _seconds_behind(now: _Published) -> float | None:
    if now.status.caught_up or now.status.lag == 0:
        return 0.0
    return None if math.isnan(now.newest) else max(0.0, time.time() - now.newest)


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
