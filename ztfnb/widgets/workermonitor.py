"""The health of a worker in the background, all of it, as `Monitor` shows that of a stream."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol

import traitlets

from ztfnb.export.worker.numbers import WorkerNumbers
from ztfnb.stream import LogLine
from ztfnb.widgets._health import log_of, partitions_of
from ztfnb.widgets._part import Part
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of
from ztfnb.widgets._workerhealth import filters_of, line_of, numbers_of

_NUMBERS_EVERY = 1.0
"""Time between messages while only numbers change [s]."""


class Working(Protocol):
    """What is watched: `ztfnb.export.background.BackgroundWorker`."""

    name: str

    @property
    def numbers(self) -> WorkerNumbers:
        """What it has done so far."""

    @property
    def arrivals(self) -> tuple[int, ...]:
        """Packets judged in each of the last seconds."""

    @property
    def log(self) -> tuple[LogLine, ...]:
        """What it told last."""

    def ask_to_stop(self) -> None:
        """Tell it to end, and return at once."""


class WorkerMonitor(Part):
    """State, books of each filter, lag, times, partitions and log of a worker; and its end.

    Parameters
    ----------
    worker
        The worker: what `ztfnb.run_worker` returned.
    pump
        The pump of the page that the monitor is part of; one of its own where None.
    """

    _esm = text_of("common.js", "flow.js", "monitor.js", "workermonitor.js")
    _css = text_of("strip.css", "monitor.css", "workermonitor.css")
    _name = traitlets.Unicode().tag(sync=True)
    _line = traitlets.Dict().tag(sync=True)
    _arrivals: Any = traitlets.List().tag(sync=True)
    _filters: Any = traitlets.List().tag(sync=True)
    _numbers: Any = traitlets.List().tag(sync=True)
    _partitions: Any = traitlets.List().tag(sync=True)
    _log: Any = traitlets.List().tag(sync=True)

    def __init__(self, worker: Working, *, pump: Pump | None = None) -> None:
        super().__init__(pump=pump)
        self.worker = worker
        self._numbers_at = 0.0
        self._name = worker.name
        self._update()

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""
        if message.get("kind") == "stop":
            self.worker.ask_to_stop()
        self._update()

    def beat(self) -> bool:
        """Send what changed: the state at once, numbers now and then."""
        now = self.worker.numbers
        known = self._line.get("state", "")
        if time.monotonic() < self._numbers_at and line_of(now, known)["state"] == known:
            return False
        return self._update()

    def _update(self) -> bool:
        """Bring what the page knows up to date; return whether anything was new."""
        self._numbers_at = time.monotonic() + _NUMBERS_EVERY
        now = self.worker.numbers
        shown = {
            "_line": line_of(now, self._line.get("state", "")),
            "_arrivals": list(self.worker.arrivals),
            "_filters": filters_of(now),
            "_numbers": numbers_of(now),
            "_partitions": partitions_of(now.partitions),
            "_log": log_of(self.worker.log),
        }
        news = {name: value for name, value in shown.items() if getattr(self, name) != value}
        with self.hold_sync():
            for name, value in news.items():
                setattr(self, name, value)
        return bool(news)
