"""Calls of a person's functions, away from the work that they are told of."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from ztfnb.filters.failure import message_of

Call = Callable[[list[int]], object]
MOST = 100_000
"""Candids that wait for a slow function at most."""


class Calls:
    """Tells functions of candids, in a thread that is there while there is something to tell.

    What comes while they run waits, and is told together. An exception ends nothing.

    Parameters
    ----------
    name
        Of the thread.
    trouble
        Called with what a function raised, in words.
    """

    def __init__(self, name: str, trouble: Callable[[str], None]) -> None:
        self._name = name
        self._trouble = trouble
        self._functions: tuple[Call, ...] = ()
        self._lock = threading.Lock()
        self._waiting: list[int] = []
        self._running = False

    def add(self, function: Call) -> None:
        """Have a function called from now on."""
        if not callable(function):
            raise TypeError(f"expected a function of a list of candids, got {function!r}")
        self._functions = (*self._functions, function)

    def tell(self, candids: Sequence[int]) -> None:
        """Have every function called with candids; returns at once."""
        if not candids or not self._functions:
            return
        with self._lock:
            over = len(self._waiting) + len(candids) - MOST
            self._waiting.extend(candids)
            if over > 0:
                del self._waiting[:over]
                self._trouble(f"{over:,} alerts were not told: a function called on a pass is slow")
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._lock:
                candids, self._waiting = self._waiting, []
                if not candids:
                    self._running = False
                    return
            for function in self._functions:
                try:
                    function(list(candids))
                except BaseException as error:  # noqa: BLE001 - a person's mistake ends nothing
                    self._trouble(f"a function called on a pass failed: {message_of(error)}")
