"""What filters that are applied to a stream find: counts, galleries and notices, side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import ipywidgets
import numpy as np

from ztfnb.alert import BANDS, Alert
from ztfnb.errors import NotHeldError
from ztfnb.filters.applied import Applied
from ztfnb.filters.decision import Verdict
from ztfnb.filters.following import Arrived, Following
from ztfnb.filters.tally import Counts
from ztfnb.widgets._card import description_of
from ztfnb.widgets._closing import close_children
from ztfnb.widgets._pump import Pump
from ztfnb.widgets.appliedhead import AppliedHead
from ztfnb.widgets.browsing import show_in_browsers
from ztfnb.widgets.gallery import fetching
from ztfnb.widgets.notices import Notices, notes_text
from ztfnb.widgets.verdicts import Listing, Verdicts

_FILL_EVERY = 2.0
"""Time between two changes of the cards that nobody asked for [s]."""
_COUNT_EVERY = 1.0
_LINES = 3
_MOST = 96
"""Alerts of each kind that can be paged through."""
_FIELDS = ("objectId", "fid", "band", "magpsf")
_TABS = {"passed": Verdict.PASSED, "rejected": Verdict.REJECTED, "failed": Verdict.FAILED}


class AppliedPanel(ipywidgets.VBox):  # type: ignore[misc] # ipywidgets has no types
    """One applied filter: its head, and the cards of what passed, was rejected, or failed lately.

    Parameters
    ----------
    applied, name
        Which filter it is.
    pump
        The pump of the page.
    """

    def __init__(self, applied: Applied, name: str, pump: Pump) -> None:
        self._applied = applied
        self._name = name
        self._shown: Following | None = None
        self._revision = -1
        self._count_at = self._fill_at = 0.0
        self._cards: tuple[int, ...] | None = None
        self.head = AppliedHead(pump=pump)
        self.verdicts = Verdicts(fetching(applied.stream), self._reason, pump=pump)
        self.verdicts.gallery.describe = self._describe
        self.head.before_beat = self.renew
        super().__init__([self.head, self.verdicts])
        self.add_class("ztfnb-applied-filter")
        self.renew()

    @property
    def _following(self) -> Following | None:
        return self._applied.get(self._name)

    def renew(self) -> None:
        """Bring the counts up to date, and the cards if nobody looks at them closely."""
        one, now = self._following, time.monotonic()
        if one is None:
            self.head.end()
            return
        if one is not self._shown:
            # Another filter under the same name: all is new.
            self._shown, self._revision, self._cards = one, -1, None
            self._count_at = self._fill_at = 0.0
        if now < self._count_at:
            return
        # Numbers that belong together are of one moment.
        self._count_at, counts = now + _COUNT_EVERY, one.counts
        self.head.show(one, counts)
        revision = one.revision
        if revision == self._revision:
            return
        self._revision = revision
        listings = _listings(one, counts)
        cards = tuple(listings.get(self.verdicts.chosen, listings["passed"]).candids)
        fill = cards != self._cards and now >= self._fill_at and not self.head.hold
        self.verdicts.show(listings, fill=fill)
        if fill:
            self._cards, self._fill_at = cards, now + _FILL_EVERY
        elif cards != self._cards:
            self._revision = -1  # to come again

    def _reason(self, candid: int) -> str:
        one = self._shown
        return "" if one is None else notes_text(one.passed.get(candid, {})) or one.reason(candid)

    def _describe(self, alert: Alert) -> str:
        return "\n".join(filter(None, [description_of(alert), self._reason(alert.candid)]))


class AppliedView(ipywidgets.VBox):  # type: ignore[misc] # ipywidgets has no types
    """Filters that are applied to a stream, side by side; ``view[name]`` is the panel of one.

    Parameters
    ----------
    applied
        What `ztfnb.Stream.apply` returned.
    """

    def __init__(self, applied: Applied) -> None:
        self.applied = applied
        self.pump = Pump()
        self.notices = Notices(pump=self.pump)
        self.on_select: Callable[[int], None] = partial(show_in_browsers, applied.stream)
        """Called with the candid of a card that was chosen; browsers of the stream show it."""
        self._panels: dict[str, AppliedPanel] = {}
        self._row = ipywidgets.Box()
        self._row.add_class("ztfnb-applied-row")
        super().__init__([self.notices, self._row])
        self.add_class("ztfnb-applied")
        self.notices.on_select = self._select
        with self.pump.lock:
            self._renew()

    def __getitem__(self, name: str) -> AppliedPanel:
        return self._panels[name]

    def close(self) -> None:
        """Take it off the page. The filters go on."""
        if self.comm is None:
            return
        for one in self.applied.values():
            one.on_news = _nobody
        for panel in self._panels.values():
            panel.verdicts.gallery.show(())
        close_children(self)
        super().close()

    def _renew(self) -> None:
        """Have a panel for each filter, and be told of what arrives and passes."""
        for name, one in self.applied.items():
            if name not in self._panels:
                panel = AppliedPanel(self.applied, name, self.pump)
                panel.verdicts.gallery.on_select = self._select
                panel.head.before_beat = partial(self._beat, panel)
                self._panels[name] = panel
                self._row.children = tuple(self._panels.values())
            one.on_news = partial(self._news, name)

    def _select(self, candid: int) -> None:
        self.on_select(candid)

    def _beat(self, panel: AppliedPanel) -> None:
        self._renew()
        panel.renew()

    def _news(self, name: str, news: Sequence[Arrived]) -> None:
        if self.notices.on:
            candids = [one.candid for one in news]
            self.notices.tell(name, candids, _lines(self.applied.stream.store, news[-_LINES:]))


def _nobody(_news: Sequence[Arrived]) -> None:
    """Hear what nobody wants to know any more."""


def _listings(one: Following, counts: Counts) -> Mapping[str, Listing]:
    return {
        name: Listing(name, one.latest(verdict, _MOST), getattr(counts, name))
        for name, verdict in _TABS.items()
    }


def _lines(store: Any, news: Sequence[Arrived]) -> list[str]:
    """Return a line about each alert: name, band and magnitude, and its annotations."""
    held = store.snapshot()
    lines = []
    for one in news:
        words = [str(one.candid)]
        try:
            row = held.rows_of([one.candid])
        except NotHeldError:
            row = None
        if row is not None:
            cells = {
                name: values[0]
                for name, (values, missing) in held.cells(_FIELDS, row).items()
                if not missing[0]
            }
            band = BANDS.get(cells.get("fid", 0), cells.get("band", ""))
            mag = cells.get("magpsf", np.nan)
            words = [
                str(cells.get("objectId", one.candid)),
                f"{band} {mag:.2f}" if np.isfinite(mag) else str(band),
            ]
        lines.append("  ".join(filter(None, [*words, notes_text(one.notes)])))
    return lines
