"""What became of the alerts that a filter was evaluated on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ztfnb.errors import FilterError, SelectionError, ZtfnbError
from ztfnb.filters.decision import Verdict
from ztfnb.filters.failure import Failure
from ztfnb.filters.judge import Judgement
from ztfnb.filters.sample import Sample
from ztfnb.filters.threshold import Value
from ztfnb.filters.times import Times

if TYPE_CHECKING:
    from astropy.table import Table

Candids = NDArray[np.int64]
Word = Literal["passed", "rejected", "failed"]


class Outcome:
    """The verdict on each alert of a sample, with failures, annotations and the alerts themselves.

    Of the filter it knows nothing: that is what `ztfnb.filters.report.Report` adds.
    """

    def __init__(self, sample: Sample, judgement: Judgement) -> None:
        self.sample = sample
        """The alerts."""
        self.judgement = judgement
        """What became of the alerts, by place."""

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
        # A filter may have changed a dictionary: the sample still has its candid.
        candid = self.candid.tolist() if found else []
        return tuple(
            replace(found[place], candid=candid[place], fetch=partial(self.sample.at, place))
            for place in sorted(found)
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
