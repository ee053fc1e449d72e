"""A filter run on one alert after the other: what became of each, and how long it took."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ztfnb.alert import CORES, Alert
from ztfnb.errors import ConfigError
from ztfnb.filters.condition import RAISED
from ztfnb.filters.decision import Verdict, annotations_of, passes
from ztfnb.filters.failure import Failure, failure_of, refused
from ztfnb.filters.filter import Filter
from ztfnb.filters.threshold import Value

_FAILED, _REJECTED, _PASSED = map(int, (Verdict.FAILED, Verdict.REJECTED, Verdict.PASSED))
_CANDIDS = range(-(2**63), 2**63)


@dataclass(slots=True)
class Judgement:
    """What became of alerts, by their place in a sample."""

    verdict: array[int] = field(default_factory=lambda: array("b"))
    """A `Verdict` of each."""
    took: array[int] = field(default_factory=lambda: array("q"))
    """How long the plain function ran [ns]."""
    failures: dict[int, Failure] = field(default_factory=dict)
    notes: dict[int, dict[str, Value]] = field(default_factory=dict)
    """Annotations of those that have some."""
    fetched: int = 0
    """How many had to be brought whole, since columns were not enough for the filter."""

    def __len__(self) -> int:
        return len(self.verdict)

    def extend(self, count: int) -> range:
        """Make room for more alerts, and return their places."""
        first = len(self.verdict)
        self.verdict.extend([_FAILED] * count)
        self.took.extend([0] * count)
        return range(first, first + count)

    def add(self, other: Judgement) -> None:
        """Put what became of further alerts behind these."""
        first = len(self)
        self.verdict.extend(other.verdict)
        self.took.extend(other.took)
        self.failures.update({first + place: one for place, one in other.failures.items()})
        self.notes.update({first + place: one for place, one in other.notes.items()})

    def put(self, places: Sequence[int], other: Judgement) -> None:
        """Replace what became of some alerts."""
        for number, place in enumerate(places):
            self.verdict[place], self.took[place] = other.verdict[number], other.took[number]
            self.failures.pop(place, None)
            self.notes.pop(place, None)
        self.failures.update({places[number]: one for number, one in other.failures.items()})
        self.notes.update({places[number]: one for number, one in other.notes.items()})

    def taken(self, places: NDArray[np.intp]) -> Judgement:
        """Return those at some places, in that order."""
        new = {old: place for place, old in enumerate(places.tolist())}
        return Judgement(
            array("b", np.asarray(self.verdict, np.int8)[places].tobytes()),
            array("q", np.asarray(self.took, np.int64)[places].tobytes()),
            {new[place]: one for place, one in self.failures.items() if place in new},
            {new[place]: one for place, one in self.notes.items() if place in new},
        )

    def copy(self) -> Self:
        """Return the same, to be changed."""
        return type(self)(self.verdict[:], self.took[:], {**self.failures}, {**self.notes})

    def lose(self, place: int, failure: Failure) -> None:
        """Note that an alert could not be brought whole."""
        self.verdict[place] = _FAILED
        self.took[place] = 0
        self.notes.pop(place, None)
        self.failures[place] = failure


class Judge:
    """Runs a filter's plain function, and notes what became of each alert.

    An alert that is judged again, at the same place, leaves no trace of the first time. An
    interrupt ends the work; `sys.exit` in a filter is a failure as any other.

    Parameters
    ----------
    made
        The filter.
    judgement
        Where that is noted; a new one where None.
    strict
        Whether an exception ends the work too.
    """

    def __init__(
        self, made: Filter, judgement: Judgement | None = None, *, strict: bool = False
    ) -> None:
        self.judgement = Judgement() if judgement is None else judgement
        self._made = made
        self._plain = made.plain
        self._strict = strict
        # Looked up once, since there may be millions of alerts.
        self._verdict, self._took = self.judgement.verdict, self.judgement.took

    def __call__(self, place: int, alert: Any) -> None:
        """Judge one alert."""
        failures = self.judgement.failures
        if place in failures:
            del failures[place]
        if place in self.judgement.notes:
            del self.judgement.notes[place]
        begin = perf_counter_ns()
        try:
            value = self._plain(alert)
        except RAISED as error:
            self._took[place] = perf_counter_ns() - begin
            if self._strict and not getattr(alert, "asked", False):
                raise
            self._verdict[place] = _FAILED
            failures[place] = failure_of(self._made, _candid_left(alert), error)
            return
        self._took[place] = perf_counter_ns() - begin
        if value is False or value is None:
            self._verdict[place] = _REJECTED
        elif value is True:
            self._verdict[place] = _PASSED
        else:
            self._weigh(place, alert, value)

    def _weigh(self, place: int, alert: Any, value: Any) -> None:
        """Judge what is neither True nor False."""
        try:
            notes = annotations_of(value)
            self._verdict[place] = _PASSED if passes(value) else _REJECTED
        except Exception as error:  # noqa: BLE001 - a truth that cannot be had, such as an array's
            self._verdict[place] = _FAILED
            self.judgement.failures[place] = refused(self._made, _candid_left(alert), error)
        else:
            if notes:
                self.judgement.notes[place] = notes


def candid_of(alert: Any) -> int:
    """Return the identifier of an alert or its dictionary: candid, or Rubin's diaSourceId.

    Raises
    ------
    ConfigError
        If it has none, or one of more than 64 bits.
    """
    if isinstance(alert, Alert):
        return alert.candid
    for record, name in ((alert, "candid"), *((alert.get(core), i) for core, i in CORES.items())):
        if hasattr(record, "get") and isinstance(record.get(name), int | np.integer):
            candid = int(record[name])
            if candid not in _CANDIDS:
                raise ConfigError(f"expected a candid of at most 64 bits, got {candid}")
            return candid
    raise ConfigError("expected an alert, got a dictionary without a candid")


def _candid_left(alert: Any) -> int:
    """Return the identifier of an alert that a filter had; 0 where it has taken that away."""
    try:
        return candid_of(alert)
    except ConfigError:
        return 0  # the sample knows it
