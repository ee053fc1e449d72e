"""Brings an alert that has left the memory, away from the page's messages: it may take seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from ztfnb.alert import Alert
from ztfnb.widgets._pump import Pump

Found = Callable[[int, Alert | None, str], None]


class Fetcher:
    """Fetches one alert at a time; of several that are asked for, only the latest.

    Parameters
    ----------
    get
        Returns an alert by its candid; takes time, and may fail.
    found
        Called where the page's messages are served, with the candid, and the alert or the reason
        why there is none; unless another has been asked for meanwhile.
    pump
        The pump of the page.
    """

    def __init__(self, get: Callable[[int], Alert], found: Found, pump: Pump) -> None:
        self._get = get
        self._found = found
        self._pump = pump
        self._wanted: int | None = None
        self._running = False

    def ask(self, candid: int | None) -> None:
        """Fetch an alert, and let go of what was asked for before; None lets go of it only."""
        with self._pump.lock:
            self._wanted = candid
            if candid is not None and not self._running:
                self._running = True
                threading.Thread(target=self._run, name="ztfnb fetch", daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._pump.lock:
                wanted = self._wanted
                if wanted is None:
                    self._running = False
                    return
            alert: Alert | None = None
            reason = ""
            try:
                alert = self._get(wanted)
            except Exception as error:  # noqa: BLE001 - shown, since a thread's are seen by no one
                reason = f"This packet cannot be fetched: {error}"
            with self._pump.lock:
                if self._wanted != wanted:
                    continue
                self._wanted = None
                self._running = False
            self._pump.call(partial(self._found, wanted, alert, reason))
            return
