"""Copy packets from a source to a sink, byte for byte, at a chosen pace.

One function serves to replay (an archive into a topic, as it was that night or quicker), to record
(a topic into an archive) and to mirror. The bytes are not touched; times and topics are read from
them only where the pace or the topic's name asks for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ztfnb.alert import UNIX_EPOCH_JD
from ztfnb.columns import Columns, decode_columns
from ztfnb.errors import ConfigError, DeliveryError, SourceError
from ztfnb.nightly import topic_name
from ztfnb.progress import progress_bar
from ztfnb.source import Packet, Sink, Source

BATCH = 500
MAX_FAILURES = 10
"""Packets in a row that a sink may refuse before copying stops."""
_SECONDS_A_DAY = 86_400.0
_POLL = 0.2
_LONGEST_SLEEP = 60.0
_LAST_JD = 5_373_484.5

Seconds = NDArray[np.float64]
Rename = Callable[[float, int], str]


class Clock(Protocol):
    """The two functions of `time` that pacing needs."""

    def monotonic(self) -> float:
        """Return a time [s] that only grows."""

    def sleep(self, seconds: float, /) -> None:
        """Wait."""


@dataclass(frozen=True, slots=True)
class RelayReport:
    """What became of the packets: every one that was read was sent or failed."""

    sent: int
    """Packets that the sink took and confirmed."""
    failed: int
    """Packets that the sink refused."""
    seconds: float
    interrupted: bool = False
    """Whether it was stopped before the source's end and the limit."""
    errors: tuple[str, ...] = ()
    """Why packets failed: the first reasons."""

    def __str__(self) -> str:
        stopped = ", interrupted" if self.interrupted else ""
        failed = f", {self.failed:,} failed ({self.errors[0]})" if self.failed else ""
        return f"{self.sent:,} alerts in {self.seconds:,.1f} s{failed}{stopped}"


def nightly_topic(jd: float, programid: int) -> str:
    """Return the topic that ZTF writes an alert to: ``ztf_YYYYMMDD_programidN``.

    Parameters
    ----------
    jd
        Julian date (UTC) of the exposure; its UTC date names the night.
    programid
        1 public, 2 partnership, 3 Caltech.
    """
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=jd - UNIX_EPOCH_JD)
    return topic_name(moment.date(), programid)


def due(
    times: Seconds, first: float, sent: int, *, speed: float | None, rate: float | None
) -> Seconds:
    """Return when packets are due, in seconds after the first one.

    Parameters
    ----------
    times
        When each was taken [s]; NaN where that is unknown: such a packet is due at once.
    first
        The time of the first packet that had one [s].
    sent
        Packets before these.
    speed
        How many times faster than they were taken; 1 is real time.
    rate
        Packets a second. With neither, all are due at once.
    """
    if rate is not None:
        return (sent + np.arange(len(times))) / rate
    if speed is not None:
        return np.nan_to_num((times - first) / speed, nan=0.0, posinf=0.0).clip(min=0.0)
    return np.zeros(len(times))


def copy(
    source: Source,
    sink: Sink,
    *,
    speed: float | None = None,
    rate: float | None = None,
    by: Literal["jd", "timestamp"] = "jd",
    limit: int | None = None,
    follow: bool = False,
    rename: Rename | None = None,
    progress: bool | None = None,
    clock: Clock = time,
) -> RelayReport:
    """Copy packets until the source ends, the limit is reached, or it is interrupted.

    An interruption (`KeyboardInterrupt`) ends it in order: what was sent is flushed, and the
    report says so. Neither source nor sink is closed.

    Parameters
    ----------
    source, sink
        Where packets come from, from its reading position on, and where they go.
    speed
        1 keeps the time between alerts as it was, 10 makes it ten times shorter. By default
        packets go as fast as both ends allow.
    rate
        Alerts a second, instead of a speed.
    by
        Which time `speed` means: that of the exposure, or that at which the transport took the
        packet. A packet without it goes at once.
    limit
        Packets at most.
    follow
        Whether to wait for more at the end of a live source.
    rename
        Gives the topic for an alert's ``jd`` and ``programid``, such as `nightly_topic`. A packet
        that is no alert follows the one before it. None keeps each packet's topic.
    progress
        Whether to show a bar. None: when it takes long, in a notebook or terminal.
    clock
        For tests.

    Raises
    ------
    ConfigError
        If speed or rate is not positive, or both are given.
    SourceError
        If the source has failed, or the sink refuses one packet after another.
    DeliveryError
        If the sink could not confirm what was sent.
    """
    if speed is not None and rate is not None:
        raise ConfigError("give a speed or a rate, not both")
    for name, value in (("speed", speed), ("rate", rate)):
        if value is not None and not 0 < value < float("inf"):
            raise ConfigError(f"{name}: expected a positive number, got {value!r}")
    run = _Run(sink, speed=speed, rate=rate, by=by, rename=rename, clock=clock)
    start = clock.monotonic()
    interrupted = False
    with progress_bar(f"copying {source.name}", limit, " alerts", show=progress) as reached:
        try:
            while limit is None or run.done < limit:
                packets = source.poll(
                    _POLL, BATCH if limit is None else min(BATCH, limit - run.done)
                )
                run.take(packets, reached)
                if not packets and _ended(source, follow=follow):
                    break
        except KeyboardInterrupt:
            interrupted = True
        finally:
            sink.flush()
    return RelayReport(
        run.sent, run.failed, clock.monotonic() - start, interrupted, tuple(run.errors)
    )


def _ended(source: Source, *, follow: bool) -> bool:
    status = source.status()
    if status.failed:
        raise SourceError(f"{source.name}: {status.error}")
    return status.exhausted or (status.caught_up and not follow)


class _Run:
    """One copy in progress."""

    def __init__(
        self,
        sink: Sink,
        *,
        speed: float | None,
        rate: float | None,
        by: Literal["jd", "timestamp"],
        rename: Rename | None,
        clock: Clock,
    ) -> None:
        self.sent = 0
        self.failed = 0
        self.errors: list[str] = []
        self._sink = sink
        self._speed = speed
        self._rate = rate
        self._by = by
        self._rename = rename
        self._clock = clock
        self._start = clock.monotonic()
        self._first = np.nan
        self._topic = ""
        self._in_a_row = 0

    @property
    def done(self) -> int:
        return self.sent + self.failed

    def take(self, packets: Sequence[Packet], reached: Callable[[int], object]) -> None:
        """Send a batch, each packet when it is due."""
        jds, programids = self._read(packets)
        times = self._times(packets, jds)
        if np.isnan(self._first) and not np.isnan(times).all():
            self._first = float(times[~np.isnan(times)][0])
            # The first alert that says when it was taken is the one that starts the clock.
            self._start = self._clock.monotonic()
        when = due(times, self._first, self.done, speed=self._speed, rate=self._rate)
        for packet, moment, jd, programid in zip(
            packets, when.tolist(), jds.tolist(), programids.tolist(), strict=True
        ):
            while (wait := self._start + moment - self._clock.monotonic()) > 0:
                self._clock.sleep(min(wait, _LONGEST_SLEEP))
            self._send(packet._replace(topic=self._name(packet, jd, programid)))
            reached(self.done)

    def _read(self, packets: Sequence[Packet]) -> tuple[Seconds, NDArray[np.int64]]:
        """Return the jd (NaN where unknown) and programid (0 where unknown) of each packet."""
        jds = np.full(len(packets), np.nan)
        programids = np.zeros(len(packets), np.int64)
        if self._rename is not None or (self._speed is not None and self._by == "jd"):
            fields = ("jd", "programid")
            columns = decode_columns([packet.value for packet in packets], fields)
            for name, values in zip(fields, (jds, programids), strict=True):
                if _is_number(columns, name):
                    known = ~columns.mask(name)
                    values[columns.rows[known]] = columns[name][known]
            # Outside of this no calendar has a date.
            jds[~((jds > UNIX_EPOCH_JD) & (jds < _LAST_JD))] = np.nan
        return jds, programids

    def _times(self, packets: Sequence[Packet], jds: Seconds) -> Seconds:
        if self._by == "timestamp":
            return np.array([packet.timestamp for packet in packets], np.float64)
        return jds * _SECONDS_A_DAY

    def _name(self, packet: Packet, jd: float, programid: int) -> str:
        if self._rename is None:
            return packet.topic
        if programid > 0 and np.isfinite(jd):
            self._topic = self._rename(jd, programid)
        return self._topic or packet.topic

    def _send(self, packet: Packet) -> None:
        try:
            self._sink.send(packet)
        except DeliveryError:
            raise
        except SourceError as error:
            self.failed += 1
            self._in_a_row += 1
            if len(self.errors) < MAX_FAILURES:
                self.errors.append(str(error))
            if self._in_a_row >= MAX_FAILURES:
                raise
        else:
            self.sent += 1
            self._in_a_row = 0


def _is_number(columns: Columns, name: str) -> bool:
    return name in columns and columns[name].dtype.kind in "iuf"
