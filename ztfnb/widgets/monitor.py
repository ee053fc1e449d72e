"""The health of a stream, all of it: the strip, unfolded."""

from __future__ import annotations

import traitlets

from ztfnb.widgets.strip import Strip


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

    _whole = traitlets.Bool(default_value=True).tag(sync=True)
    _open = traitlets.Bool(default_value=True).tag(sync=True)
