"""An evaluation of a filter: its verdicts, what made them, and what they are worth."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ztfnb.errors import SelectionError
from ztfnb.filters.decision import Verdict
from ztfnb.filters.evaluations import remember
from ztfnb.filters.filter import Filter
from ztfnb.filters.judge import Judgement
from ztfnb.filters.outcome import Candids, Outcome
from ztfnb.filters.sample import Sample
from ztfnb.filters.threshold import Value

if TYPE_CHECKING:
    from astropy.table import Table

    from ztfnb.filters.completeness import Found, Truth
    from ztfnb.filters.difference import Difference
    from ztfnb.filters.explanation import Explanation
    from ztfnb.filters.followed import Followed
    from ztfnb.filters.funnel import FunnelRow
    from ztfnb.filters.near_misses import NearMiss
    from ztfnb.filters.nightly_yield import Yield
    from ztfnb.filters.score import Score
    from ztfnb.filters.sweep import Sweep
    from ztfnb.filters.traces import Rows

_MANY = 1_000
"""Packets fetched for an evaluation from which what spares the next one is worth its price."""


class Report(Outcome):
    """A filter's verdicts on a sample, and the reasons. Made by `Filter.evaluate`.

    Every alert of the sample has passed, was rejected, or failed; what could not be read as an
    alert is in `not_read` beside. It never changes.
    """

    def __init__(
        self,
        made: Filter,
        sample: Sample,
        judgement: Judgement,
        when: datetime,
        *,
        differs: tuple[Report, Rows] | None = None,
    ) -> None:
        super().__init__(sample, judgement)
        self.filter = made
        """The filter, with its thresholds as they were set."""
        self.when = when
        """When the evaluation began (UTC)."""
        self.hash = made.hash
        """What tells this source, with all that it used then, from any other."""
        self._differs = differs
        remember(self)

    @property
    def params(self) -> Mapping[str, Value]:
        """What each threshold was set to."""
        return self.filter.params

    # -- Again -----------------------------------------------------------------------------

    def with_params(self, **params: Value) -> Report:
        """Return the report of the same sample with some thresholds set otherwise.

        Only the alerts that the change can concern are judged again, where that is known.

        Raises
        ------
        FilterError
            If the filter has no such threshold, or a value is none that it takes.
        """
        from ztfnb.filters.evaluate import again  # noqa: PLC0415 - it makes reports

        return again(self, self.filter.with_params(**params))

    @property
    def base(self) -> Report | None:
        """The report of this sample from which one with other thresholds is found quickest.

        None where judging all alerts again is quicker.
        """
        if "followed" in self.__dict__ or self.judgement.fetched > _MANY:
            return self
        return None if self._differs is None else self._differs[0]

    # -- Conditions ------------------------------------------------------------------------

    @cached_property
    def followed(self) -> Followed:
        """What the conditions of the filter came to; found out when it is asked for."""
        from ztfnb.filters.followed import follow  # noqa: PLC0415 - read when it is asked for

        if self._differs is None:
            return follow(self.filter, self.sample, self.verdict)
        base, places = self._differs
        found = base.followed.again(self.filter, self.sample, self.verdict, places)
        self._differs = None  # or every report would keep all before it
        return found

    @cached_property
    def funnel_rows(self) -> tuple[FunnelRow, ...]:
        """What each condition in the source did, in its order."""
        from ztfnb.filters.funnel import funnel_of  # noqa: PLC0415 - read when it is asked for

        followed = self.followed
        return funnel_of(followed.traces, self.verdict, repeatable=followed.repeatable)

    @property
    def funnel(self) -> Table:
        """The same as a table: text, line, entered, stopped, only here, not judged."""
        from ztfnb.filters.funnel import funnel_table  # noqa: PLC0415 - read when it is asked for

        return funnel_table(self.funnel_rows)

    @property
    def note(self) -> str:
        """What has to be said beside the funnel; empty where there is nothing."""
        return self.followed.note

    def stopped_by(self, place: int) -> Candids:
        """Return the alerts that a condition stopped, by its place in the funnel."""
        from ztfnb.filters.funnel import stopped_by  # noqa: PLC0415 - read when it is asked for

        return self.candid[stopped_by(self.followed.traces, self.verdict, place)]

    def near_misses(self, count: int | None = 20) -> tuple[NearMiss, ...]:
        """Return rejected alerts that one condition alone stopped, the nearest first.

        Parameters
        ----------
        count
            How many at most; all where None.
        """
        from ztfnb.filters.near_misses import near_misses_of  # noqa: PLC0415 - when asked for

        if not self.followed.repeatable:
            return ()
        return near_misses_of(self.followed.traces, self.candid, self.params, count)

    def explain(self, candid: int) -> Explanation:
        """Return what the conditions came to on one alert, and which decided.

        Raises
        ------
        NotHeldError
            If it is not of this sample, or its source no longer has it.
        """
        from ztfnb.filters.explanation import explanation_of  # noqa: PLC0415 - when asked for
        from ztfnb.filters.followed import run_of  # noqa: PLC0415

        place = self.sample.place(candid)
        conditions, run = run_of(self.filter, self.sample, place)
        failure = self.judgement.failures.get(place)
        return explanation_of(
            int(candid),
            run,
            conditions,
            Verdict(int(self.verdict[place])),
            trouble=str(failure or ""),
            annotations=self.judgement.notes.get(place),
        )

    def reason(self, candid: int) -> str:
        """Return in one line what decided on an alert; empty where it passed."""
        place = self.sample.place(candid)
        if self.verdict[place] == Verdict.PASSED:
            return ""
        failure = self.judgement.failures.get(place)
        return str(failure) if failure is not None else self.explain(candid).reason

    # -- Science ---------------------------------------------------------------------------

    def diff(self, other: Report) -> Difference:
        """Return what this run gained and lost beside another; a notebook shows their stamps."""
        from ztfnb.filters.difference import difference  # noqa: PLC0415 - when it is asked for

        found = difference(self.candid, self.verdict, other.candid, other.verdict)
        return replace(found, reports=(self, other))

    def score(self, labels: Mapping[int, Any], *, positive: Collection[str] | None = None) -> Score:
        """Compare the verdicts with labels: see `ztfnb.filters.score.score`."""
        from ztfnb.filters.score import score  # noqa: PLC0415 - read when it is asked for

        return score(self.candid, self.verdict, labels, positive=positive)

    def completeness(
        self, truth: Iterable[Truth], *, magnitudes: Sequence[float] | None = None
    ) -> tuple[Found, ...]:
        """Return what passed of each class: see `ztfnb.filters.completeness.completeness`."""
        from ztfnb.filters.completeness import completeness  # noqa: PLC0415 - when asked for

        return completeness(self.candid, self.verdict, truth, magnitudes=magnitudes)

    def sweep(
        self,
        name: str,
        values: Sequence[Value] | None = None,
        *,
        labels: Mapping[int, Any] | None = None,
        positive: Collection[str] | None = None,
        reached: Callable[[int], object] = lambda _done: None,
    ) -> Sweep:
        """Evaluate with one threshold at many values: see `ztfnb.filters.sweep.sweep`.

        Parameters
        ----------
        name
            The threshold.
        values
            Those to try; over its range where None.
        labels, positive
            As in `score`: then precision and recall are told of each value.
        reached
            Called with how many are done.
        """
        from ztfnb.filters.sweep import sweep  # noqa: PLC0415 - read when it is asked for

        return sweep(
            self.filter.threshold(name),
            self.params[name],
            lambda value: self.with_params(**{name: value}),
            values=values,
            scored=None if labels is None else partial(_scored, labels, positive),
            reached=reached,
        )

    def yield_per_night(self, *, alerts_per_night: float | None = None) -> tuple[Yield, ...]:
        """Return the alerts to expect in a night: see `ztfnb.filters.nightly_yield`."""
        from ztfnb.filters.nightly_yield import nightly_yield  # noqa: PLC0415 - when asked for

        try:
            programid, missing = self.sample.column("programid")
            known = np.where(missing, 0, programid).astype(np.int64)
        except SelectionError:
            known = np.zeros(len(self), np.int64)
        return nightly_yield(self.sample.jd, known, self.verdict, alerts_per_night=alerts_per_night)

    # -- Views -----------------------------------------------------------------------------

    def __repr__(self) -> str:
        from ztfnb.filters.reportview import as_text  # noqa: PLC0415 - it reads reports

        return as_text(self)

    def _repr_html_(self) -> str:
        from ztfnb.filters.reportview import as_html  # noqa: PLC0415 - it reads reports

        return as_html(self)


def _scored(labels: Mapping[int, Any], positive: Collection[str] | None, report: Report) -> Score:
    return report.score(labels, positive=positive)
