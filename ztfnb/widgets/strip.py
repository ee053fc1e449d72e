"""A thin strip that says how a stream does, with its controls; the whole monitor unfolds below."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import traitlets

from ztfnb.errors import ConfigError, ZtfnbError
from ztfnb.quarantine import Failure
from ztfnb.settings import flag
from ztfnb.source import Start
from ztfnb.state import Stats
from ztfnb.stream import LogLine
from ztfnb.widgets._health import (
    failures_of,
    line_of,
    log_of,
    panel_of,
    partitions_of,
    size_of,
    start_of,
)
from ztfnb.widgets._part import Part
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of

_NUMBERS_EVERY = 1.0
"""Time between messages while only numbers change [s]."""


class Live(Protocol):
    """What is watched: `ztfnb.stream.Stream`."""

    speed: float
    """Alerts a second that a demo night sends; nothing else has this."""

    @property
    def stats(self) -> Stats:
        """Counters, rates and health at this moment."""

    @property
    def paused(self) -> bool:
        """Whether it was told to pause."""

    @property
    def arrivals(self) -> tuple[int, ...]:
        """Packets of each of the last seconds."""

    @property
    def log(self) -> tuple[LogLine, ...]:
        """What happened so far."""

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The newest packets that held no readable alert."""

    def pause(self) -> None:
        """Stop reading."""

    def resume(self) -> None:
        """Go on reading."""

    def seek(self, start: Start) -> None:
        """Go on reading from another place."""

    def save_failures(self, path: Path, failures: Sequence[Failure] | None = None) -> Path:
        """Write packets that held no alert to a file that is not there yet."""


class Strip(Part):
    """State, rate, lag and counts of a stream in a line, with its controls.

    Parameters
    ----------
    live
        The stream.
    pump
        The pump of the page that the strip is part of; one of its own where None.
    missed
        Returns how many alerts came and left before a view could show them.
    """

    _esm = text_of("common.js", "flow.js", "monitor.js", "strip.js")
    _css = text_of("strip.css", "monitor.css")
    _whole = traitlets.Bool(default_value=False).tag(sync=True)
    _open = traitlets.Bool(default_value=False).tag(sync=True)
    _line = traitlets.Dict().tag(sync=True)
    _arrivals: Any = traitlets.List().tag(sync=True)
    _panel = traitlets.Dict().tag(sync=True)
    _partitions: Any = traitlets.List().tag(sync=True)
    _log: Any = traitlets.List().tag(sync=True)
    _failures = traitlets.Dict().tag(sync=True)
    _saved = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        live: Live,
        *,
        pump: Pump | None = None,
        missed: Callable[[], int] = lambda: 0,
    ) -> None:
        super().__init__(pump=pump)
        self.live = live
        self._missed = missed
        self._refused = ""
        self._numbers_at = 0.0
        self._saving = False
        self._update()

    @property
    def settings(self) -> dict[str, Any]:
        """``open``: whether the whole monitor is unfolded."""
        return {"open": self._open}

    @settings.setter
    def settings(self, settings: Mapping[str, Any]) -> None:
        chosen = flag("open", settings.get("open", self._open))
        with self.pump.lock:
            self._unfold(unfolded=chosen)

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""
        kind = message.get("kind")
        try:
            if kind == "pause":
                self.live.pause()
            elif kind == "resume":
                self.live.resume()
            elif kind == "rewind":
                self.live.seek(start_of(str(message.get("to", "")), time.time()))
            elif kind == "speed":
                self.live.speed = _number(message.get("rate"))
            elif kind == "setting":
                self.settings = {"open": message.get("open")}
            elif kind == "save":
                self._save(message.get("key"))
            else:
                return
        except (ZtfnbError, ValueError) as error:
            self._refused = str(error)
        else:
            self._refused = ""
        self._update()

    def beat(self) -> bool:
        """Send what changed: the state at once, numbers now and then."""
        return self._update(numbers=time.monotonic() >= self._numbers_at)

    def _unfold(self, *, unfolded: bool) -> None:
        self._open = unfolded
        self._update()

    def _update(self, *, numbers: bool = True) -> bool:
        """Bring what the page knows up to date; return whether anything was new.

        ``numbers`` is whether it is worth a message that only numbers have changed.
        """
        try:
            stats = self.live.stats
            if not numbers and stats.state == self._line.get("state"):
                return False
            shown = self._shown(stats)
        except ZtfnbError as error:
            # Of a parent process: it answers nothing at all.
            shown = {"_line": {"state": "closed", "meaning": str(error), "error": str(error)}}
        news = {name: value for name, value in shown.items() if getattr(self, name) != value}
        with self.hold_sync():
            for name, value in news.items():
                setattr(self, name, value)
        return bool(news)

    def _shown(self, stats: Stats) -> dict[str, Any]:
        missed = self._missed()
        shown: dict[str, Any] = {"_line": line_of(stats, missed)}
        shown["_line"]["paused"] = self.live.paused
        shown["_line"]["error"] = self._refused or shown["_line"]["error"]
        unfolded = self._open or self._whole
        if unfolded:
            shown["_panel"] = panel_of(stats, missed) | {"speed": self._speed()}
        self._numbers_at = time.monotonic() + _NUMBERS_EVERY
        shown["_arrivals"] = list(self.live.arrivals)
        if unfolded:
            shown["_partitions"] = partitions_of(stats.partitions)
            shown["_log"] = log_of(self.live.log)
            if self._failures.get("failed") != stats.failed:
                shown["_failures"] = failures_of(self.live.failures, stats.failed)
        return shown

    def _speed(self) -> float | None:
        try:
            return self.live.speed
        except ConfigError:
            return None

    # -- Quarantined packets -----------------------------------------------------------------

    def _save(self, key: object) -> None:
        """Hand over quarantined packets, all or those of some coordinates."""
        failures = [
            failure
            for failure in self.live.failures
            if key is None or list(failure.packet.coordinates) == key
        ]
        if failures and not self._saving:
            self._saving = True
            self._saved = "Packing…"
            threading.Thread(
                target=self._pack, args=(failures,), name="ztfnb save", daemon=True
            ).start()

    def _pack(self, failures: Sequence[Failure]) -> None:
        """Pack them away from the page's messages: their source may take its time."""
        name = f"ztfnb-failures-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar.gz"
        content = b""
        try:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, name)
                self.live.save_failures(path, failures)
                content = path.read_bytes()
            word = "packet" if len(failures) == 1 else "packets"
            told = f"{len(failures):,} {word} saved as {name} ({size_of(len(content))})."
        except Exception as error:  # noqa: BLE001 - shown, since a thread's are seen by no one
            told = f"Not saved: {error}"
        self.pump.call(lambda: self._packed(name, content, told))

    def _packed(self, name: str, content: bytes, told: str) -> None:
        self._saving = False
        if content:
            self.hand_over(name, content, "application/gzip")
        self._saved = told


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"speed: expected alerts a second, got {value!r}")
    return float(value)
