"""What became of a batch of packets in the process that runs the filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ztfnb.export.worker.bundle import VERSION_DIGITS
from ztfnb.filters.threshold import Value


@dataclass(frozen=True, slots=True)
class FilterFacts:
    """A filter as the process that runs it has loaded it."""

    name: str
    hash: str
    """`ztfnb.filters.filter.Filter.hash`, found anew where it runs."""
    params: Mapping[str, Value]

    @property
    def version(self) -> str:
        """The first digits of `hash`."""
        return self.hash[:VERSION_DIGITS]


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a filter failed on an alert, or why bytes are no alert."""

    kind: str
    """``not decoded``, ``exception``, ``missing value``, ``refused value``, ``time``, ``memory``,
    ``crash``; ``setup`` where the filter could not be made ready."""
    message: str
    line: int = 0
    """The author's line in ``filter.py``; 0 where there is none."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What one filter decided on a batch, by the place of the alert in it."""

    verdict: Sequence[int]
    """A `ztfnb.filters.decision.Verdict` of each packet; of what did not decode, FAILED."""
    failures: Mapping[int, Failed] = field(default_factory=dict)
    """Of those that failed in the filter; what did not decode stands in `Judged.undecodable`."""
    notes: Mapping[int, Mapping[str, Value]] = field(default_factory=dict)
    """Annotations of those that passed with some."""
    took: Sequence[int] = ()
    """How long the function ran on each [ns]; 0 where it did not."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one batch."""

    candid: Sequence[int]
    """Of each packet; 0 where it did not decode."""
    undecodable: Mapping[int, Failed]
    """Places of packets that are no alerts."""
    filters: Sequence[Verdicts]
    """In the order in which the filters were given."""
