"""The conditions of a filter on the sample of a report: made once, when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ztfnb.filters.condition import Condition, Run
from ztfnb.filters.filter import Filter
from ztfnb.filters.instrument import Traced, traced
from ztfnb.filters.replay import concerned
from ztfnb.filters.sample import Sample
from ztfnb.filters.traces import Rows, Traces, replaced, trace


class BoundTwin:
    """The traced twin of a filter, with its thresholds and resources."""

    def __init__(self, made: Filter, twin: Traced) -> None:
        self.conditions: tuple[Condition, ...] = twin.conditions
        self._run = twin.run
        self._params, self._resources = dict(made.params), made.resources

    def __call__(self, alert: Any, forced: Mapping[int, bool]) -> Run:
        """Run it on one alert, some conditions coming out as told."""
        return self._run(alert, self._params, self._resources, forced)


@dataclass(frozen=True, slots=True)
class Followed:
    """What the conditions of a filter came to on a sample."""

    filter: Filter
    twin: Traced
    traces: Traces

    @property
    def repeatable(self) -> bool:
        """Whether the filter may be run twice on an alert."""
        return not self.twin.stateful

    @property
    def note(self) -> str:
        """What has to be said beside the funnel; empty where there is nothing."""
        if self.twin.obstacle:
            return f"its conditions are not to be told apart: {self.twin.obstacle}"
        if not self.repeatable:
            return "it keeps state between alerts, so that nobody can say what only one stopped"
        if count := len(self.traces.unsteady):
            return f"it decided otherwise on {count:,} alerts when it was run again"
        if count := len(self.traces.lost):
            return f"{count:,} alerts could not be brought again: what else stops them is not known"
        return ""

    def concerned(self, made: Filter) -> Rows | None:
        """Return the alerts whose verdict other thresholds may change; None where any may."""
        if not self.repeatable:
            return None
        return concerned(self.traces, self.twin.opaque, self.filter.params, made.params)

    def again(
        self, made: Filter, sample: Sample, verdict: NDArray[np.int8], places: Rows
    ) -> Followed:
        """Return the same with other thresholds, which concern some alerts alone."""
        some: Sequence[int] = places.tolist()
        new = trace(BoundTwin(made, self.twin), verdict, sample.visit, some)
        return Followed(made, self.twin, replaced(self.traces, new, places))


def follow(made: Filter, sample: Sample, verdict: NDArray[np.int8]) -> Followed:
    """Run a filter's traced twin on a sample of which the verdicts are known."""
    twin = traced(made)
    return Followed(made, twin, trace(BoundTwin(made, twin), verdict, sample.visit))


def run_of(made: Filter, sample: Sample, place: int) -> tuple[tuple[Condition, ...], Run]:
    """Run the traced twin of a filter on one alert of a sample.

    Raises
    ------
    ZtfnbError
        If the alert cannot be fetched.
    """
    twin = BoundTwin(made, traced(made))
    runs: list[Run] = []

    def work(_place: int, alert: Any) -> None:
        runs.append(twin(alert, {}))

    def lost(_place: int, error: Exception) -> None:
        raise error

    sample.visit([place], work, lost)
    return twin.conditions, runs[-1]
