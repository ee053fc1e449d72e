"""The distributions in a table's headers: counted away from the page's messages, now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ztfnb.cuts import Cuts
from ztfnb.snapshot import Snapshot
from ztfnb.widgets._histogram import histogram_of
from ztfnb.widgets._latest import Latest
from ztfnb.widgets._pump import Pump

EVERY = 2.0
"""Time between countings of what streams in [s]."""
_SHARE = 20.0
"""A counting that took so long rests for this many times as long before the next."""

Pages = dict[str, dict[str, Any]]


class HeaderBars:
    """Keeps the page told of the distributions of some columns, each for all alerts held.

    Parameters
    ----------
    pump
        The pump of the page.
    tell
        Called with what to send.
    """

    def __init__(self, pump: Pump, tell: Callable[[Pages], None]) -> None:
        self._work: Latest[Pages] = Latest(pump, "ztfnb histograms")
        self._tell = tell
        self._made_of: tuple[int, tuple[str, ...], Cuts] | None = None
        self._rest_until = 0.0
        self.pages: Pages = {}
        """What was told last."""

    def wait(self, seconds: float = 1.0) -> None:
        """Count nothing for a while that nobody waits for: something else is in a hurry."""
        self._rest_until = max(self._rest_until, time.monotonic() + seconds)

    def ask(self, held: Snapshot, names: Sequence[str], cuts: Cuts) -> None:
        """Count anew if there is something else to count, and the time for it has come."""
        asked = (held.revision, tuple(names), cuts)
        if asked == self._made_of:
            return
        changed = self._made_of is None or asked[1:] != self._made_of[1:]
        if changed or (not self._work.busy and time.monotonic() >= self._rest_until):
            self._made_of = asked
            self._work.ask(
                partial(pages_of, held, asked[1], cuts), partial(self._done, time.monotonic())
            )

    def _done(self, began: float, pages: Pages | Exception) -> None:
        took = time.monotonic() - began
        self._rest_until = began + took + max(EVERY, _SHARE * took)
        # Cuts that cannot be evaluated are complained of where alerts are listed by them.
        self.pages = {} if isinstance(pages, Exception) else pages
        self._tell(self.pages)


def pages_of(held: Snapshot, names: Sequence[str], cuts: Cuts) -> Pages:
    """Return the distribution of each field that has one, with the part that passes the cuts."""
    kept = None
    if cuts:
        kept = np.zeros(len(held), np.bool_)
        kept[cuts.choose(held).rows] = True
    found = {name: histogram_of(held, name, kept) for name in names}
    return {name: one.page() for name, one in found.items() if one is not None}
