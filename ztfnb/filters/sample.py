"""The alerts that a filter is evaluated on, and may be evaluated on again.

A sample keeps what reports need of every alert, and finds the rest again: in memory, in a
stream's source, or in the files that it was read from.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ztfnb.alert import CORES
from ztfnb.errors import ConfigError, DecodeError, NotHeldError, SelectionError, ZtfnbError
from ztfnb.filters.judge import candid_of
from ztfnb.filters.past import jd_of
from ztfnb.rows import NotAtHandError
from ztfnb.selection import unknown_field

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
        for name, offset in (("midpointMjdTai", 2400000.5 - 37 / 86400), ("jd", 0.0)):
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


class ListSample(Sample):
    """Alerts or dictionaries in memory; those of a generator are kept."""

    at_hand = True

    def __init__(self, alerts: Iterable[Dictionary], name: str = "") -> None:
        super().__init__(name)
        self._given: Iterable[Dictionary] = alerts
        self._named = bool(name)
        self._alerts: list[Dictionary] = []
        self._candid = array("q")
        if isinstance(alerts, Sequence):
            self.count = len(alerts)

    @property
    def candid(self) -> NDArray[np.int64]:
        """The identifier of each alert."""
        return np.array(self._candid, np.int64)

    def read(self) -> Iterator[Sequence[Dictionary]]:
        """Take the alerts from what was given."""
        given = iter(self._given)
        while batch := list(islice(given, BATCH)):
            for alert in batch:
                self._candid.append(self._identify(alert))
                self._alerts.append(alert)
            yield batch
        self._given = ()
        self.complete = True
        if not self._named:
            self.name = f"{len(self._alerts):,} alerts"

    def _identify(self, alert: Any) -> int:
        number = len(self._alerts)
        if not isinstance(alert, Mapping):
            raise ConfigError(
                f"alert number {number} (counted from 0): expected an Alert or the dictionary of "
                f"one, got {type(alert).__name__}"
            )
        try:
            return candid_of(alert)
        except ConfigError as error:
            raise ConfigError(f"alert number {number} (counted from 0): {error}") from None

    def light(self, places: Sequence[int]) -> Iterator[Dictionary]:
        """Yield alerts."""
        return (self._alerts[place] for place in places)

    def whole(self, places: Sequence[int], *, in_order: bool = False) -> Iterator[Whole]:
        """Yield places with their alerts, in that order."""
        del in_order
        return ((place, self._alerts[place]) for place in places)

    def column(self, name: str) -> tuple[Values, Mask]:
        """Return a field of every alert."""
        found = [_field(alert, name) for alert in self._alerts]
        if all(value is _ABSENT for value in found):
            known = {key for alert in self._alerts[:1] for key in _names(alert)}
            raise SelectionError(unknown_field(name, sorted(known)))
        missing = np.array(list(map(_is_missing, found)), np.bool_)
        there = np.array([v for v, gone in zip(found, missing, strict=True) if not gone])
        values = np.zeros(len(found), there.dtype)
        if there.dtype.kind == "f":
            values[missing] = np.nan
        values[~missing] = there
        return values, missing

    @cached_property
    def jd(self) -> NDArray[np.float64]:
        """When each was observed."""
        return np.array([jd_of(alert) for alert in self._alerts], np.float64)


_ABSENT = object()


def _field(alert: Dictionary, name: str) -> Any:
    """Return a field as columns have it: the candidate's goes before that of the top level."""
    for core in CORES:
        record = alert.get(core)
        if isinstance(record, Mapping) and name in record:
            return record[name]
    value = alert.get(name, _ABSENT)
    return value if isinstance(value, bool | int | float | str | None) else _ABSENT


def _is_missing(value: Any) -> bool:
    return value is _ABSENT or value is None or (isinstance(value, float) and math.isnan(value))


def _names(alert: Dictionary) -> Iterator[str]:
    for name, value in alert.items():
        if isinstance(value, bool | int | float | str | None):
            yield name
        elif name in CORES:
            yield from value
