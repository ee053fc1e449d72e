"""Work that takes its time, away from the page's messages: of all that is asked for, the latest."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

from ztfnb.widgets._pump import Pump

T = TypeVar("T")


class Latest(Generic[T]):
    """Runs one piece of work at a time, in a thread that is there only while there is some.

    Parameters
    ----------
    pump
        The pump of the page: results are handed over where its messages are served.
    name
        Of the thread.
    """

    def __init__(self, pump: Pump, name: str) -> None:
        self._pump = pump
        self._name = name
        self._asked: tuple[Callable[[], T], Callable[[T | Exception], None]] | None = None
        self._wanted: object = None
        self._running = False

    @property
    def busy(self) -> bool:
        """Whether a result is still to come."""
        return self._wanted is not None

    def ask(self, work: Callable[[], T], done: Callable[[T | Exception], None]) -> None:
        """Have something done.

        What waits or runs is forgotten: its result is handed to no one.

        Parameters
        ----------
        work
            Runs in the thread; must not touch widgets.
        done
            Called with its result, or with what it raised.
        """
        with self._pump.lock:
            self._asked = self._wanted = (work, done)
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def forget(self) -> None:
        """Want no result of what waits or runs."""
        with self._pump.lock:
            self._asked = self._wanted = None

    def _run(self) -> None:
        while True:
            with self._pump.lock:
                asked, self._asked = self._asked, None
                if asked is None:
                    self._running = False
                    return
            result: T | Exception
            try:
                result = asked[0]()
            except Exception as error:  # noqa: BLE001 - told, since a thread's are seen by no one
                result = error
            try:
                self._pump.call(partial(self._hand, asked, result))
            except Exception:  # noqa: BLE001 - of whoever took it; what was asked since is done
                told = (*sys.exc_info(), threading.current_thread())
                threading.excepthook(threading.ExceptHookArgs(told))

    def _hand(
        self, asked: tuple[Callable[[], T], Callable[[T | Exception], None]], result: T | Exception
    ) -> None:
        if self._wanted is asked:
            self._wanted = None
            asked[1](result)
