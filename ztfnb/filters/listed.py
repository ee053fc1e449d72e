"""Alerts in memory as a sample."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ztfnb.alert import CORES
from ztfnb.errors import ConfigError, SelectionError
from ztfnb.filters.judge import candid_of
from ztfnb.filters.past import jd_of
from ztfnb.filters.sample import BATCH, Dictionary, Mask, Sample, Values, Whole
from ztfnb.selection import unknown_field


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
