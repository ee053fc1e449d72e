"""What became of the alerts that a filter was evaluated on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ztfnb.errors import FilterError, SelectionError, ZtfnbError
from ztfnb.filters.decision import Verdict
from ztfnb.filters.failure import Failure
from ztfnb.filters.filter import Filter
from ztfnb.filters.judge import Judgement
from ztfnb.filters.sample import Sample
from ztfnb.filters.threshold import Value
from ztfnb.filters.times import Times

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

Candids = NDArray[np.int64]
Word = Literal["passed", "rejected", "failed"]

_MANY = 1_000
"""Packets fetched for an evaluation from which what spares the next one is worth its price."""


class Report:
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
        self.filter = made
        """The filter, with its thresholds as they were set."""
        self.sample = sample
        """The alerts."""
        self.when = when
        """When the evaluation began (UTC)."""
        self.hash = made.hash
        """What tells this source, with all that it used then, from any other."""
        self.judgement = judgement
        """What became of the alerts, by place."""
        self._differs = differs

    @property
    def params(self) -> Mapping[str, Value]:
        """What each threshold was set to."""
        return self.filter.params

    # -- Verdicts --------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.judgement)

    @cached_property
    def candid(self) -> Candids:
        """The identifier of each alert, in the order of the sample."""
        return self.sample.candid

    @cached_property
    def verdict(self) -> NDArray[np.int8]:
        """The `Verdict` of each alert: 1 passed, 0 rejected, -1 failed."""
        found = np.array(self.judgement.verdict, np.int8)
        found.flags.writeable = False
        return found

    @cached_property
    def passed(self) -> Candids:
        """The alerts that passed."""
        return self._with(Verdict.PASSED)

    @cached_property
    def rejected(self) -> Candids:
        """The alerts that were rejected."""
        return self._with(Verdict.REJECTED)

    @cached_property
    def failed(self) -> Candids:
        """The alerts on which the filter failed: `errors` says why."""
        return self._with(Verdict.FAILED)

    def _with(self, verdict: Verdict) -> Candids:
        found: Candids = self.candid[self.verdict == verdict]
        return found

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many passed, were rejected, and failed; together all that were received."""
        count = np.bincount(self.verdict.astype(np.intp) + 1, minlength=3)
        return int(count[2]), int(count[1]), int(count[0])

    @cached_property
    def failures(self) -> tuple[Failure, ...]:
        """Why alerts failed, in the order of the sample; the alert itself is fetched when asked."""
        found = self.judgement.failures
        return tuple(
            replace(found[place], fetch=partial(self.sample.at, place)) for place in sorted(found)
        )

    @cached_property
    def errors(self) -> Mapping[int, Failure]:
        """The same by candid; the first where one occurs twice."""
        return MappingProxyType({one.candid: one for one in reversed(self.failures)})

    @property
    def not_read(self) -> Sequence[ZtfnbError]:
        """What stood in place of alerts and could not be read as one, with the reasons."""
        return tuple(self.sample.not_read)

    @cached_property
    def times(self) -> Times:
        """How long the filter took for an alert."""
        took = np.array(self.judgement.took, np.int64)
        return Times.of(took[took > 0])

    @cached_property
    def annotations(self) -> Mapping[int, Mapping[str, Value]]:
        """What the filter returned of each alert that has annotations, by candid."""
        candid = self.candid.tolist()
        return MappingProxyType(
            {candid[place]: one for place, one in sorted(self.judgement.notes.items())}
        )

    @cached_property
    def annotation_columns(self) -> Mapping[str, np.ma.MaskedArray[Any, Any]]:
        """The annotations by name, a value for each alert; masked where there is none."""
        names = dict.fromkeys(name for note in self.judgement.notes.values() for name in note)
        return MappingProxyType({name: self._annotation(name) for name in names})

    def _annotation(self, name: str) -> np.ma.MaskedArray[Any, Any]:
        found = {p: note[name] for p, note in self.judgement.notes.items() if name in note}
        kinds = {type(value) for value in found.values()}
        texts = str in kinds and len(kinds) > 1
        values = np.array([str(value) if texts else value for value in found.values()])
        column = np.zeros(len(self), values.dtype)
        missing = np.ones(len(self), np.bool_)
        places = list(found)
        column[places], missing[places] = values, False
        return np.ma.MaskedArray(column, missing)

    # -- Alerts ----------------------------------------------------------------------------

    def alert(self, candid: int) -> Mapping[str, Any]:
        """Return one alert of the sample, fetched again where it is not at hand.

        Raises
        ------
        NotHeldError
            If it is not of this sample, or its source no longer has it.
        """
        return self.sample.alert(candid)

    def alerts(self, which: Word | ArrayLike = "passed") -> Iterator[Mapping[str, Any]]:
        """Yield alerts by their verdict, or by their candids, in the order of the sample.

        Raises
        ------
        NotHeldError
            If one cannot be fetched.
        """
        if isinstance(which, str):
            words = {
                "passed": Verdict.PASSED,
                "rejected": Verdict.REJECTED,
                "failed": Verdict.FAILED,
            }
            if which not in words:
                raise FilterError(f"expected one of {', '.join(words)}, got {which!r}")
            places = np.flatnonzero(self.verdict == words[which])
        else:
            places = self.sample.places(which)
        for _place, alert in self.sample.whole(places.tolist(), in_order=True):
            if isinstance(alert, ZtfnbError):
                raise alert
            yield alert

    def column(self, name: str) -> NDArray[Any]:
        """Return a field of every alert of the sample; masked where it is missing.

        Where there is none of that name, an annotation.

        Raises
        ------
        SelectionError
            If there is no such field.
        """
        try:
            values, missing = self.sample.column(name)
        except SelectionError:
            if name in self.annotation_columns:
                return self.annotation_columns[name]
            raise
        return np.ma.MaskedArray(values, missing) if missing.any() else values

    def table(self) -> Table:
        """Return one row for each alert: candid, objectId, jd, verdict and the annotations."""
        try:
            from astropy.table import Table  # noqa: PLC0415 - of the extra `lab`
        except ImportError:
            raise ImportError("tables need astropy: pip install 'ztfnb[lab]'") from None
        words = np.array(["failed", "rejected", "passed"])
        columns: dict[str, Any] = {"candid": self.candid}
        for name in ("objectId", "jd"):
            try:
                columns[name] = self.column(name)
            except SelectionError:
                continue
        columns["verdict"] = words[self.verdict.astype(np.intp) + 1]
        # A field's name is not taken from it by an annotation.
        for name, values in self.annotation_columns.items():
            columns[name if name not in columns else f"{name} (annotation)"] = values
        return Table(columns)

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
        """Return what this run gained and lost beside another."""
        from ztfnb.filters.difference import difference  # noqa: PLC0415 - when it is asked for

        return difference(self.candid, self.verdict, other.candid, other.verdict)

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
