"""The alerts that a filter is evaluated on, and may be evaluated on again.

A sample keeps what reports need of every alert, and finds the rest again: in memory, in a
stream's source, or in the files that it was read from.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ztfnb.alert import MJD_TAI_ZERO
from ztfnb.errors import DecodeError, NotHeldError, SelectionError, ZtfnbError
from ztfnb.rows import NotAtHandError

Dictionary = Mapping[str, Any]
Values = NDArray[Any]
Mask = NDArray[np.bool_]
Work = Callable[[int, Any], object]
Whole = tuple[int, Dictionary | ZtfnbError]

BATCH = 1_000
"""Alerts that are read together."""


class Sample(ABC):
    """Alerts in an order. Each has a place, counted from 0; candids may occur twice.

    It is read once, by `read`; all else works when that has come to its end.
    """

    name: str
    """What people call it."""
    count: int | None = None
    """How many alerts there will be, where that is known before reading."""
    complete: bool = False
    """Whether it was read to its end."""
    at_hand: bool = False
    """Whether all of an alert is at hand while `batches` yields it."""
    remote: bool = False
    """Whether of an alert nothing is at hand: then all are brought whole."""
    left_out: int = 0
    """Alerts that do not count, since they are later than the moment that was asked for."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.not_read: list[DecodeError] = []
        """What was there in place of an alert and could not be read as one, with the reason."""

    def __len__(self) -> int:
        return len(self.candid)

    def __repr__(self) -> str:
        return f"<Sample {self.name}: {len(self):,} alerts>"

    @property
    @abstractmethod
    def candid(self) -> NDArray[np.int64]:
        """The identifier of each alert."""

    @abstractmethod
    def read(self) -> Iterator[Sequence[Dictionary]]:
        """Yield the alerts for the first time, in batches.

        What a filter reads of one may not be at hand: see `ztfnb.rows`.
        """

    def batches(self) -> Iterator[Sequence[Dictionary]]:
        """Yield the alerts in batches, as `read` does, also when that was done before."""
        if not self.complete:
            yield from self.read()
            return
        yield from self.slices()

    def slices(self) -> Iterator[Sequence[Dictionary]]:
        """Yield the alerts in batches, by their places."""
        for begin in range(0, len(self), BATCH):
            yield list(self.light(range(begin, min(begin + BATCH, len(self)))))

    def completed(self) -> Self:
        """Read it to its end, if that has not been done, and return it."""
        for _batch in self.batches() if not self.complete else ():
            pass
        return self

    @abstractmethod
    def light(self, places: Sequence[int]) -> Iterator[Dictionary]:
        """Yield alerts of which perhaps only the candidate is at hand."""

    @abstractmethod
    def whole(self, places: Sequence[int], *, in_order: bool = False) -> Iterator[Whole]:
        """Yield places with their alerts, of which all is at hand, or the reason why not.

        Parameters
        ----------
        places
            The alerts.
        in_order
            Whether they come as ``places`` has them; otherwise as they are found quickest.
        """

    @abstractmethod
    def column(self, name: str) -> tuple[Values, Mask]:
        """Return a field of the candidate, or of the top level, of every alert.

        Returns
        -------
        values
            Of shape (alerts,); what `missing` marks means nothing.
        missing
            True where it is null, NaN or absent.

        Raises
        ------
        SelectionError
            If no alert has such a field.
        """

    @cached_property
    def jd(self) -> NDArray[np.float64]:
        """When each was observed: Julian date (UTC); NaN where it does not say."""
        found = np.full(len(self), np.nan)
        for name, offset in (("midpointMjdTai", MJD_TAI_ZERO), ("jd", 0.0)):
            try:
                values, missing = self.column(name)
            except SelectionError:
                continue
            found[~missing] = values[~missing] + offset
        return found

    def visit(
        self,
        places: Sequence[int],
        work: Work,
        lost: Callable[[int, ZtfnbError], object] | None = None,
    ) -> None:
        """Call a function with the place of each alert and the alert.

        An alert of which it reads what is not at hand is brought again, whole, after the others;
        one of which that cannot be fetched goes to ``lost``.
        """
        if self.remote:
            asked: Sequence[int] = places
        else:
            asked = attempt(zip(places, self.light(places), strict=True), work)
        for place, alert in self.whole(asked):
            if not isinstance(alert, ZtfnbError):
                work(place, alert)
            elif lost is not None:
                lost(place, alert)

    def at(self, place: int) -> Dictionary:
        """Return one alert, whole.

        Raises
        ------
        ZtfnbError
            If it cannot be fetched.
        """
        [(_place, alert)] = self.whole([place])
        if isinstance(alert, ZtfnbError):
            raise alert
        return alert

    def alert(self, candid: int) -> Dictionary:
        """Return one alert by its candid; the first where there are several.

        Raises
        ------
        NotHeldError
            If there is none.
        """
        return self.at(self.place(candid))

    def place(self, candid: int) -> int:
        """Return the place of an alert; the first where there are several.

        Raises
        ------
        NotHeldError
            If there is none.
        """
        return int(self.places([candid])[0])

    def places(self, candids: ArrayLike) -> NDArray[np.intp]:
        """Return the place of each candid; the first where there are several.

        Raises
        ------
        NotHeldError
            If one is not here.
        """
        sought = np.asarray(candids, np.int64)
        order, ordered = self._ranked
        rank = np.searchsorted(ordered, sought)
        there = rank < len(ordered)
        there[there] = ordered[rank[there]] == sought[there]
        if not there.all():
            raise NotHeldError(f"candid {sought[~there][0]} is not among those of {self.name}")
        return order[rank]

    @cached_property
    def _ranked(self) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        order = np.argsort(self.candid, kind="stable")
        return order, self.candid[order]


def attempt(alerts: Iterable[tuple[int, Any]], work: Work) -> list[int]:
    """Call a function with each place and alert; return the places of those it needs whole."""
    asked = []
    for place, alert in alerts:
        try:
            work(place, alert)
        except NotAtHandError:
            asked.append(place)
        else:
            # The function may have caught that, and gone on.
            if getattr(alert, "asked", False):
                asked.append(place)
    return asked
