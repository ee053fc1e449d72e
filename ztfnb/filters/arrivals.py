"""A sample in order of arrival, in which no alert shows what became known after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ztfnb.errors import ZtfnbError
from ztfnb.filters.past import Cut
from ztfnb.filters.sample import Dictionary, Mask, Sample, Values, Whole


class Arrivals(Sample):
    """Alerts as they came: by jd, then candid; those without a jd last.

    Parameters
    ----------
    sample
        All alerts, read.
    until
        Julian date (UTC): later alerts do not count, and histories end there. Where None, all
        count, and each history ends with the alert itself.
    """

    def __init__(self, sample: Sample, until: float | None = None) -> None:
        super().__init__(sample.name)
        self.not_read = sample.not_read
        self.at_hand, self.remote = sample.at_hand, sample.remote
        self._sample = sample
        self._cut = Cut(until)
        order = np.lexsort((sample.candid, sample.jd))
        if until is not None:
            # One without a time cannot be shown to be of the past.
            order = order[sample.jd[order] <= until]
        self.order: NDArray[np.intp] = order
        """The place of each alert in the sample itself."""
        self.left_out = len(sample) - len(order)
        self.count = len(order)

    @property
    def candid(self) -> NDArray[np.int64]:
        """The identifier of each alert."""
        return self._sample.candid[self.order]

    def read(self) -> Iterator[Sequence[Dictionary]]:
        """Yield the alerts in order of arrival."""
        yield from self.slices()
        self.complete = True

    def light(self, places: Sequence[int]) -> Iterator[Dictionary]:
        """Yield alerts of which perhaps only the candidate is at hand."""
        return map(self._cut, self._sample.light(self._inner(places)))

    def whole(self, places: Sequence[int], *, in_order: bool = False) -> Iterator[Whole]:
        """Yield places with their alerts, or the reason why there is none."""
        inner = self._inner(places)
        outer = dict(zip(inner, places, strict=True))
        for place, alert in self._sample.whole(inner, in_order=in_order):
            yield outer[place], alert if isinstance(alert, ZtfnbError) else self._cut(alert)

    def column(self, name: str) -> tuple[Values, Mask]:
        """Return a field of every alert."""
        values, missing = self._sample.column(name)
        return values[self.order], missing[self.order]

    def _inner(self, places: Sequence[int]) -> list[int]:
        found: list[int] = self.order[list(places)].tolist()
        return found
