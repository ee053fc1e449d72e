"""What another version of a filter gains and loses, with stamps and the reasons."""

from __future__ import annotations

import ipywidgets

from ztfnb.filters.difference import Difference
from ztfnb.filters.report import Report
from ztfnb.widgets.labwork import fetching
from ztfnb.widgets.verdicts import Listing, Verdicts


class DifferenceView(ipywidgets.VBox):  # type: ignore[misc] # ipywidgets has no types
    """Galleries of what was gained and lost; on each card why it did not pass on one side.

    Parameters
    ----------
    difference
        What differs.
    now, then
        The report that gained and lost, and the one that it is compared with.
    """

    def __init__(self, difference: Difference, now: Report, then: Report) -> None:
        passed_then = set(difference.lost.tolist())

        def reason(candid: int) -> str:
            return (now if candid in passed_then else then).reason(candid)

        self.verdicts = Verdicts(fetching(lambda: now), reason)
        """The galleries."""
        super().__init__([ipywidgets.Label(difference.summary), self.verdicts])
        self.add_class("ztfnb-difference")
        listings = {
            "gained": Listing("gained", difference.gained),
            "lost": Listing("lost", difference.lost),
            "failing": Listing("fail now", difference.failing),
            "mended": Listing("fail no longer", difference.mended),
        }
        self.verdicts.show({name: one for name, one in listings.items() if one.count})
