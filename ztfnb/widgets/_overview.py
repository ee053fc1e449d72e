"""The base of views of all that is held at once: made anew at a calm pace, away from messages."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

from ztfnb.cuts import Cuts
from ztfnb.snapshot import Snapshot
from ztfnb.widgets._held import Held
from ztfnb.widgets._part import Part
from ztfnb.widgets._pump import Pump

REST = 2.0
"""Time between two views made because alerts have arrived [s]."""
_SHARE = 4.0
"""A view that took so long to make rests for this many times as long before the next."""


Publish = Callable[[], None]
Work = Callable[[Snapshot], Publish]


class Overview(Part):
    """A view of everything held, of which the latest is made by a thread when a page asks.

    Parameters
    ----------
    store
        What to show.
    pump
        The pump of the page that the view is part of; one of its own where None.
    """

    def __init__(self, store: Held, *, pump: Pump | None = None) -> None:
        super().__init__(pump=pump)
        self.store = store
        self._cuts = Cuts()
        self._active = True
        self._changed = True
        """Whether something was chosen since the last view was begun."""
        self._made_from = -1
        self._rest_until = 0.0
        self._maker: threading.Thread | None = None

    def work(self) -> Work:
        """Return what a thread does with a snapshot, which returns what publishes its result.

        Raises
        ------
        ImportError
            If it needs a package that is missing; the view then says so.
        """
        raise NotImplementedError

    def refuse(self, reason: str) -> None:
        """Show why there is no view."""
        raise NotImplementedError

    def look_up(self) -> None:
        """Look up what the view says about the selected alert."""
        raise NotImplementedError

    @property
    def active(self) -> bool:
        """Whether somebody may be looking. A view that is hidden does no work."""
        return self._active

    @active.setter
    def active(self, active: bool) -> None:
        with self.pump.lock:
            woken = active and not self._active
            self._active = active
            if woken:
                self.look_up()
                self._begin_if_due()

    @property
    def cuts(self) -> Cuts:
        """Which alerts are shown in strong colour; the others stay visible behind them."""
        return self._cuts

    @cuts.setter
    def cuts(self, cuts: Cuts) -> None:
        with self.pump.lock:
            if cuts != self._cuts:
                self._cuts = cuts
                self.make_anew()

    def make_anew(self) -> None:
        """Make the view again, since something else was chosen."""
        self._changed = True
        if self._active and self.pump.running:
            self._begin_if_due()

    def beat(self) -> bool:
        """Begin to make the view if anything has changed; it is published when it is made."""
        if self._active:
            self._begin_if_due()
        return False

    def _begin_if_due(self) -> None:
        if self._maker is not None:
            return
        arrived = self.store.revision != self._made_from and time.monotonic() >= self._rest_until
        if self._changed or arrived:
            self._changed = False
            held = self.store.snapshot()
            self._made_from = held.revision
            try:
                work = self.work()
            except ImportError as error:
                self.refuse(str(error))
                return
            self._maker = threading.Thread(
                target=self._make, args=(work, held), name="ztfnb overview", daemon=True
            )
            self._maker.start()

    def _make(self, work: Work, held: Snapshot) -> None:
        began = time.monotonic()
        try:
            publish = work(held)
        except Exception as error:  # noqa: BLE001 - shown, since a thread's are seen by no one
            publish = partial(self.refuse, f"This cannot be drawn: {error}")
        took = time.monotonic() - began
        self.pump.call(partial(self._finish, publish, took))

    def _finish(self, publish: Publish, took: float) -> None:
        self._maker = None
        self._rest_until = time.monotonic() + max(REST, _SHARE * took)
        if self._changed and self._active:
            self._begin_if_due()
        else:
            publish()


def passing_in_words(count: int) -> str:
    """Return how many alerts pass the cuts."""
    return f"{count:,} {'passes' if count == 1 else 'pass'} the cuts"
