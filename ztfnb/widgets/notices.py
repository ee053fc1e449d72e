"""A sound, or a notification of the browser, when something passes; summed up, never a flood."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import traitlets

from ztfnb.filters.threshold import Value
from ztfnb.settings import flag
from ztfnb.widgets._part import Part
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of
from ztfnb.wording import one_line

EVERY = 10.0
"""Time between two notices of one filter [s]."""
_LINES = 3
_LONGEST = 120
_SWITCHES = ("sound", "notify")


class Digest:
    """What passed one filter, as notices: the first at once, the others summed up.

    Parameters
    ----------
    name
        Of the filter.
    clock
        Returns the time [s].
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._clock = clock
        self._told = -math.inf
        self._lines: list[str] = []
        self._count = 0
        self._candid = 0

    def put(self, candids: Sequence[int], lines: Sequence[str]) -> None:
        """Take note of alerts that passed: all of them, and a line about each of the last few."""
        self._count += len(candids)
        self._lines = [*self._lines, *lines][-_LINES:]
        self._candid = candids[-1]

    @property
    def due(self) -> float | None:
        """In how many seconds there is something to tell; None where there is nothing."""
        return max(0.0, self._told + EVERY - self._clock()) if self._count else None

    def take(self) -> dict[str, Any] | None:
        """Return the notice, if it is time for one."""
        if self.due is None or self.due > 0:
            return None
        count, lines = self._count, self._lines[::-1]
        seconds = self._clock() - self._told
        # After a rest nobody wants to know how long it was.
        within = f" in the last {seconds:.0f} s" if seconds < 2 * EVERY else ""
        more = [f"and {count - len(lines):,} more"] if count > len(lines) else []
        self._told, self._count, self._lines = self._clock(), 0, []
        return {
            "kind": "passed",
            "name": self.name,
            "title": f"{self.name}: {count:,} passed{within}",
            "body": "\n".join([*lines, *more]),
            "candid": str(self._candid),
        }


class Notices(Part):
    """Two switches, sound and notification, and what was told last.

    The page is told also while nobody looks at it: that is what notices are for. So they are off
    until someone switches them on there.

    Parameters
    ----------
    pump
        The pump of the page that this is part of; one of its own where None.
    clock
        Returns the time [s].
    """

    _esm = text_of("common.js", "notices.js")
    _css = text_of("applied.css")
    _on: Any = traitlets.Dict().tag(sync=True)

    def __init__(
        self, *, pump: Pump | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(pump=pump)
        self.on_select: Callable[[int], None] = lambda _candid: None
        """Called with the candid of a notification that was clicked."""
        self._clock = clock
        self._digests: dict[str, Digest] = {}
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._on = dict.fromkeys(_SWITCHES, False)

    @property
    def on(self) -> bool:
        """Whether anything is switched on."""
        return any(self._on.values())

    @property
    def settings(self) -> dict[str, Any]:
        """``sound`` and ``notify``: whether they are on."""
        return dict(self._on)

    @settings.setter
    def settings(self, settings: Mapping[str, Any]) -> None:
        chosen = {name: flag(name, settings.get(name, self._on[name])) for name in _SWITCHES}
        with self.pump.lock:
            self._on = chosen

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""
        match message.get("kind"):
            case "switch" if message.get("name") in _SWITCHES:
                self.settings = {str(message["name"]): bool(message.get("on"))}
            case "select":
                self.on_select(int(message["candid"]))

    def tell(self, name: str, candids: Sequence[int], lines: Sequence[str]) -> None:
        """Tell that alerts passed a filter: now, or with others later. From any thread.

        Parameters
        ----------
        name
            Of the filter.
        candids
            All that passed.
        lines
            About each of some of them.
        """
        if not self.on or not candids:
            return
        with self._lock:
            self._digests.setdefault(name, Digest(name, self._clock)).put(candids, lines)
        self._send_due()

    def _send_due(self) -> None:
        """Send what is due, and come again when the next is."""
        with self._lock:
            found = [notice for one in self._digests.values() if (notice := one.take())]
            waits = [due for one in self._digests.values() if (due := one.due) is not None]
            if waits and self._timer is None and self.on:
                self._timer = threading.Timer(min(waits), self._on_time)
                self._timer.daemon = True
                self._timer.name = "ztfnb notices"
                self._timer.start()
        if found:
            self.pump.call(lambda: self._send_all(found))

    def _on_time(self) -> None:
        with self._lock:
            self._timer = None
        self._send_due()

    def _send_all(self, notices: Sequence[dict[str, Any]]) -> None:
        if self.comm is not None:
            for notice in notices:
                self.send(notice)

    def close(self) -> None:
        """Take it off the page; nothing more is told."""
        with self._lock:
            self._digests = {}
            if self._timer is not None:
                self._timer.cancel()
        super().close()


def note_text(value: Value) -> str:
    """Return an annotation as people read it, on one short line."""
    if isinstance(value, float):
        return f"{value:.5g}"
    return one_line(str(value), _LONGEST)


def notes_text(notes: Mapping[str, Value]) -> str:
    """Return annotations in one line: ``age = 3.2, score = 0.93``."""
    return ", ".join(f"{name} = {note_text(value)}" for name, value in notes.items())
