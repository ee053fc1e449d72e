"""The proof that a bundle decides as the notebook did: alert by alert, before anybody gets it.

What judges is what will run in the container: the process that `ztfnb.export.worker` keeps for
the filters, started with the bundle and nothing of the notebook.
"""

from __future__ import annotations

import platform
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

from ztfnb.errors import ExportError, WorkerError
from ztfnb.export.decisions import Decision
from ztfnb.export.environment import environment
from ztfnb.export.worker.bundle import Bundle, read_bundle
from ztfnb.export.worker.judged import Judged
from ztfnb.export.worker.settings import Limits
from ztfnb.filters.decision import Verdict
from ztfnb.filters.threshold import Value
from ztfnb.progress import progress_bar

BATCH = 250
"""Packets given to the process at once; two batches are under way."""
KEPT = 1_000
"""Differences that are kept to be shown; the others are counted."""
_SHOWN = 5
_PATIENCE = 1.0


class Judging(Protocol):
    """What `ztfnb.export.worker.cell.Cell` offers of itself to a proof."""

    @property
    def filters(self) -> Sequence[Loaded]:
        """The filters as they were loaded."""

    def start(self) -> None:
        """Load the bundle."""

    def submit(self, values: Sequence[bytes], /) -> None:
        """Take a batch; at most two may be inside."""

    def poll(self, timeout: float, /) -> Judged | None:
        """Return what became of the oldest batch, if it is known within ``timeout`` [s]."""

    def close(self) -> None:
        """End the process."""


class Loaded(Protocol):
    """A filter as a process of the worker reports it."""

    @property
    def hash(self) -> str:
        """`Filter.hash` of what was loaded."""

    @property
    def params(self) -> Mapping[str, Value]:
        """What its thresholds are set to."""


Start = Callable[[Path, Path | None, Limits], Judging]


@dataclass(frozen=True, slots=True)
class Difference:
    """An alert on which the bundle decides otherwise."""

    candid: int
    notebook: Decision
    bundle: Decision

    def __str__(self) -> str:
        return f"{self.candid}: the notebook {self.notebook}, the bundle {self.bundle}"


@dataclass(frozen=True, slots=True)
class Proof:
    """That a bundle decided on every alert as the notebook did."""

    alerts: int
    passed: int
    rejected: int
    failed: int
    seconds: float
    """How long it took, without making the environment."""
    python: str
    """Version of Python that it ran on."""
    fresh: bool
    """Whether in an environment of the bundle's own requirements, and nothing else."""

    def __str__(self) -> str:
        where = "in a fresh environment" if self.fresh else "in a process of its own"
        return (
            f"{self.alerts:,} alerts decided alike {where}: {self.passed:,} passed, "
            f"{self.rejected:,} rejected, {self.failed:,} failed"
        )


def prove(
    folder: Path,
    expected: Iterable[tuple[bytes, Decision]],
    *,
    params: Mapping[str, Value] | None = None,
    fresh: bool = False,
    limits: Limits | None = None,
    total: int | None = None,
    progress: bool | None = None,
    say: Callable[[str], None] | None = None,
    start: Start | None = None,
) -> Proof:
    """Run a bundle in a clean process, and compare what it decides with what is expected.

    Verdicts and annotations must be equal on every alert; where the notebook's filter failed, the
    bundle's must fail too, not with the same words. Alerts are taken a few hundred at a time, so
    that any number of them needs no more memory.

    Parameters
    ----------
    folder
        The bundle.
    expected
        Packets with the decision on each; an iterator is read once.
    params
        What the thresholds were in the notebook; not compared where None.
    fresh
        Whether to run on a new virtual environment, made of the bundle's requirements.
    limits
        Of time and memory for an alert: those of a deployed filter, unless given. An alert that
        exceeds them there fails there, and so it does here.
    total, progress
        How many alerts there are, and whether to show a bar: see `ztfnb.progress.progress_bar`.
    say
        Told in words how far the making of a fresh environment has come.
    start
        Makes the process; the worker's own unless given.

    Raises
    ------
    ExportError
        If the bundle cannot be loaded, is not what the notebook had, or decides otherwise on any
        alert: then `differences` holds up to 1,000 of them.
    """
    bundle = read_bundle(folder)
    python = environment(folder, say=say) if fresh else None
    cell = (start or _start)(bundle.folder, python, limits or Limits())
    begin = time.monotonic()
    counts: Counter[Verdict] = Counter()
    differing = _Differing()
    with (
        closing(cell),
        progress_bar(f"proving {bundle.name}", total, " alerts", show=progress) as reached,
    ):
        _load(cell, bundle, params)
        for decision, found in _judged(cell, expected):
            counts[decision.verdict] += 1
            differing.compare(decision, found)
            reached(counts.total())
    if differing.count:
        raise differing.error(bundle, counts.total())
    return Proof(
        counts.total(),
        counts[Verdict.PASSED],
        counts[Verdict.REJECTED],
        counts[Verdict.FAILED],
        time.monotonic() - begin,
        platform.python_version(),  # a fresh environment is of the same one
        fresh,
    )


def _start(folder: Path, python: Path | None, limits: Limits) -> Judging:
    from ztfnb.export.worker.cell import Cell  # noqa: PLC0415 - only a proof starts one here

    return Cell([folder], limits, python=python)


def _load(cell: Judging, bundle: Bundle, params: Mapping[str, Value] | None) -> None:
    try:
        cell.start()
    except WorkerError as error:
        raise ExportError(f"{bundle.name} cannot be loaded from its bundle: {error}") from None
    [loaded] = cell.filters
    if loaded.hash != bundle.hash:
        raise ExportError(
            f"the source of {bundle.name} in the bundle is not the notebook's: loaded from there "
            f"its hash is {loaded.hash[:12]}, in the notebook {bundle.hash[:12]}; something that "
            "it uses was not taken along as it is: simplify what it refers to"
        )
    if params is not None and dict(loaded.params) != dict(params):
        raise ExportError(
            f"the thresholds of {bundle.name} in the bundle are {dict(loaded.params)}, in the "
            f"notebook {dict(params)}"
        )


def _judged(
    cell: Judging, expected: Iterable[tuple[bytes, Decision]]
) -> Iterator[tuple[Decision, Decision]]:
    """Yield what is expected with what was found."""
    waiting: deque[list[Decision]] = deque()
    given = iter(expected)
    while batch := list(islice(given, BATCH)):
        if len(waiting) == 2:
            yield from _next(cell, waiting.popleft())
        cell.submit([packet for packet, _ in batch])
        waiting.append([decision for _, decision in batch])
    while waiting:
        yield from _next(cell, waiting.popleft())


def _next(cell: Judging, decisions: list[Decision]) -> Iterator[tuple[Decision, Decision]]:
    judged = None
    while judged is None:
        try:
            judged = cell.poll(_PATIENCE)
        except WorkerError as error:
            raise ExportError(f"the bundle cannot be run: {error}") from None
    return zip(decisions, decisions_of(judged), strict=True)


def decisions_of(judged: Judged, number: int = 0) -> list[Decision]:
    """Return what one filter, by its place among all, decided on each packet of a batch."""
    one = judged.filters[number]
    found = []
    for place, candid in enumerate(judged.candid):
        failed = judged.undecodable.get(place) or one.failures.get(place)
        line = f"line {failed.line}: " if failed is not None and failed.line else ""
        why = "" if failed is None else f"{line}{failed.message or failed.kind}"
        verdict = Verdict(one.verdict[place])
        found.append(Decision(candid, verdict, one.notes.get(place, {}), why))
    return found


class _Differing:
    """Gathers the differences, not more than can be shown."""

    def __init__(self) -> None:
        self.count = 0
        self._kept: list[Difference] = []

    def compare(self, notebook: Decision, bundle: Decision) -> None:
        if notebook == bundle:
            return
        self.count += 1
        if len(self._kept) < KEPT:
            self._kept.append(Difference(notebook.candid, notebook, bundle))

    def error(self, bundle: Bundle, alerts: int) -> ExportError:
        shown = "".join(f"\n  {one}" for one in self._kept[:_SHOWN])
        more = f"\n  and {self.count - _SHOWN:,} more" if self.count > _SHOWN else ""
        return ExportError(
            f"{bundle.name}: the bundle decides otherwise than the notebook on {self.count:,} of "
            f"{alerts:,} alerts:{shown}{more}\nA filter must decide by the alert alone: look for "
            "chance, clocks, state kept between alerts, and libraries of other versions",
            differences=tuple(self._kept),
        )
