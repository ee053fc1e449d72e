"""The health of a stream, all of it: the strip, unfolded."""

from __future__ import annotations

from collections.abc import Callable

from ztfnb.widgets._pump import Pump
from ztfnb.widgets.strip import Live, Strip


class Monitor(Strip):
    """State and its meaning, rates, lag, partitions, log and quarantined packets, with controls.

    Parameters
    ----------
    live
        The stream.
    pump
        The pump of the page that the monitor is part of; one of its own where None.
    missed
        Returns how many alerts came and left before a view could show them.
    """

    def __init__(
        self,
        live: Live,
        *,
        pump: Pump | None = None,
        missed: Callable[[], int] = lambda: 0,
    ) -> None:
        super().__init__(live, pump=pump, missed=missed)
        self._whole = True
        self._unfold(unfolded=True)
