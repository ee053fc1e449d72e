"""What keeps widgets up to date: a few beats a second, on the loop that serves their messages.

A page asks for news with a word of readiness, and is sent a few messages for it at most, one at
each beat that has any. So what is sent is always the latest; a page that is frozen, hidden or gone
asks for nothing and is soon sent nothing; and the pump stops by itself when no one asks.

A word is good for more than one message because words are dear: for each, the kernel says that it
is busy and then idle again, and JupyterLab lays out its toolbar and loads an icon at both, some
15 ms in the page.

Kernels serve widget messages on a thread of their own (a subshell) or, older ones, between cells.
The pump beats on whichever loop the last message came through: beats and messages share a thread,
and go on while a cell runs wherever the kernel can do that at all. A lock makes everything that
writes to a widget wait for its turn, also calls from cells, since widgets have no locks.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

INTERVAL = 0.25
"""Time between beats [s]."""
PATIENCE = 60.0
"""How long a word of readiness counts [s]; a page that is still there repeats it sooner."""
CREDIT = 4
"""Messages that a word of readiness is good for; `listen` in ``common.js`` counts them, too."""


class Beating(Protocol):
    """A widget that has news from time to time."""

    def beat(self) -> bool:
        """Send what is new; return whether anything was."""


class Pump:
    """Gives widgets their turn to send, one at a time, when their page is ready.

    Parameters
    ----------
    clock
        Returns the time [s]; tests have their own.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.lock = threading.RLock()
        """Held by whoever writes to a widget of this pump."""
        self._clock = clock
        self._waiting: dict[Beating, tuple[float, int]] = {}
        """When the page of each part last said that it is ready, and what is left of its credit."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._context = contextvars.copy_context()
        self._turn = 0

    @property
    def running(self) -> bool:
        """Whether a page waits for news."""
        return bool(self._waiting)

    def ready(self, part: Beating) -> None:
        """Take note that a part's page waits for news; called where its messages are served."""
        with self.lock:
            self._waiting[part] = (self._clock(), CREDIT)
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                return  # driven by hand, by calls of `beat`
            # Its messages name the subshell that the page listens through.
            self._context = contextvars.copy_context()
            if loop is not self._loop:
                self._loop = loop
                self._schedule(0.0)

    def beat(self) -> None:
        """Give every part that is waited for its turn."""
        with self.lock:
            now = self._clock()
            for part, (since, credit) in list(self._waiting.items()):
                # First: a part that fails now must not fail at every beat.
                del self._waiting[part]
                if now - since <= PATIENCE:
                    left = credit - part.beat()
                    if left > 0:
                        self._waiting.setdefault(part, (since, left))

    def call(self, function: Callable[[], None]) -> None:
        """Run something that writes to widgets, from any thread, where messages are served.

        Returns at once. Where no page has spoken yet there is no such place, and it runs here.
        """
        loop = self._loop
        if loop is not None and loop.is_running():
            with suppress(RuntimeError):  # it has been closed since
                loop.call_soon_threadsafe(self._locked, function, context=self._context)
                return
        self._locked(function)

    def _locked(self, function: Callable[[], None]) -> None:
        with self.lock:
            function()

    def _schedule(self, delay: float) -> None:
        if self._loop is not None:
            self._turn += 1
            self._loop.call_later(delay, self._on_time, self._turn, context=self._context)

    def _on_time(self, turn: int) -> None:
        with self.lock:
            if turn != self._turn:
                return  # beats go on elsewhere
            try:
                self.beat()
            finally:
                if self._waiting:
                    self._schedule(INTERVAL)
                else:
                    self._loop = None
