"""What an export rests on: an evaluation, pinned alerts, and those of them that travel along."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ztfnb.errors import ExportError, ZtfnbError
from ztfnb.export.decisions import Decision
from ztfnb.export.fixtures import Fixture
from ztfnb.export.packets import packets_of
from ztfnb.filters.report import Report


@dataclass(slots=True)
class Evidence:
    """The notebook's decisions, of which the packets are read again, one after the other."""

    report: Report
    """The evaluation that the bundle must agree with."""
    pins: Report | None
    """Of the pinned alerts; they are tried first, unless they are in the report too."""
    fixtures: tuple[Fixture, ...]
    _lost: list[ZtfnbError] = field(default_factory=list)
    """Why packets could not be read again."""

    @property
    def sample(self) -> str:
        """What the alerts are called; without the folder that they lie in on this machine."""
        path = Path(self.report.sample.name)
        return path.name if path.is_absolute() else self.report.sample.name

    @property
    def total(self) -> int:
        """Alerts of the report on which the notebook has decided."""
        return len(self.report) - len(self._undecided)

    @property
    def _undecided(self) -> set[int]:
        """Places of alerts whose packets the notebook could not have either."""
        failures = self.report.judgement.failures
        return {place for place, one in failures.items() if one.kind == "not held"}

    def packets(self) -> Iterator[tuple[bytes, Decision]]:
        """Yield packets with the notebook's decisions on them.

        Raises
        ------
        ExportError
            If not one of the report can be had.
        """
        report = self.report
        if self.pins is not None and self.pins is not report:
            known = set(report.candid.tolist())
            yield from (pair for pair in packets_of(self.pins) if pair[1].candid not in known)
        self._lost.clear()
        undecided = self._undecided
        places = [place for place in range(len(report)) if place not in undecided]
        count = 0
        for pair in packets_of(report, places=places, lost=self._lose):
            count += 1
            yield pair
        if not count:
            raise ExportError(
                f"no packet of {report.sample.name} can be read again, to prove the bundle on it "
                f"({self._why}); give verify=live, or the path of an archive"
            )

    def remarks(self) -> Iterator[str]:
        """Say what was not proven."""
        if count := len(self._undecided) + len(self._lost):
            yield (
                f"not proven on {count:,} of {len(self.report):,} alerts, whose packets cannot be "
                f"read again ({self._why})"
            )

    @property
    def _why(self) -> str:
        return str(self._lost[-1]) if self._lost else "they are no longer held"

    def _lose(self, _candid: int, error: ZtfnbError) -> None:
        self._lost.append(error)
