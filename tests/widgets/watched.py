"""A stream that notes what it is told, for the widgets that watch one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ztfnb.errors import ConfigError, StreamClosedError
from ztfnb.quarantine import Failure
from ztfnb.quarantine import save as write
from ztfnb.source import Start
from ztfnb.state import Stats
from ztfnb.stream import LogLine

STATS = Stats(
    state="live", received=1200, decoded=1199, failed=1, duplicates=0, unidentified=0, held=1199,
    evicted=0, rate=42.4, decoded_rate=41.6, lag=7, seconds_behind=130.0, lost=0, gaps=(),
    topics=(), partitions=(), error="", trouble="", last_error="",
)  # fmt: skip


class Watched:
    """What a stream shows, to be set at will."""

    def __init__(self) -> None:
        self.stats = STATS
        self.paused = False
        self.arrivals: tuple[int, ...] = (0,) * 120
        self.log: tuple[LogLine, ...] = ()
        self.failures: tuple[Failure, ...] = ()
        self.pace: float | None = None
        self.told: list[Any] = []
        self.closed = False

    @property
    def speed(self) -> float:
        if self.pace is None:
            raise ConfigError("its speed cannot be set; that of connect('demo') can")
        return self.pace

    @speed.setter
    def speed(self, rate: float) -> None:
        if not rate > 0:
            raise ValueError("speed: expected alerts a second above 0")
        self.pace = rate

    def pause(self) -> None:
        if self.closed:
            raise StreamClosedError("demo was stopped; connect again")
        self.told.append("pause")

    def resume(self) -> None:
        self.told.append("resume")

    def seek(self, start: Start) -> None:
        self.told.append(start)

    def save_failures(self, path: Path, failures: Any = None) -> Path:
        return write(path, self.failures if failures is None else failures)
