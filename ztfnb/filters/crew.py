"""Who works on an evaluation: processes of this machine, or a cluster; and what they do."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, Self

from ztfnb.errors import ConfigError, DecodeError, FilterError
from ztfnb.filters.archived import Batch, Reader
from ztfnb.filters.filter import Filter
from ztfnb.filters.judge import Judge, Judgement
from ztfnb.filters.past import Cut
from ztfnb.filters.sample import Dictionary
from ztfnb.source import Packet


@dataclass(frozen=True, slots=True)
class Piece:
    """What one process works on at a time: one of these."""

    name: str
    """What people call it."""
    files: Sequence[tuple[int, Path]] = ()
    """To be read, with their numbers."""
    packets: Sequence[Packet] = ()
    alerts: Sequence[Dictionary] = ()


@dataclass(slots=True)
class Part:
    """What became of one piece."""

    judgement: Judgement = field(default_factory=Judgement)
    batches: list[Batch] = field(default_factory=list)
    errors: list[DecodeError] = field(default_factory=list)


class Crew(Protocol):
    """Processes that work."""

    size: int
    slim: bool
    """Whether of the columns only those of `KEPT` come back."""
    deaths: tuple[type[Exception], ...]
    """What is raised when a process has died."""

    def submit(self, pickled: bytes, piece: Piece) -> Any:
        """Begin to work on a piece; returns a future, of `concurrent.futures` or alike."""


class Processes:
    """Processes of this machine; a context manager, which ends them.

    Parameters
    ----------
    size
        How many.
    """

    slim = False
    deaths: tuple[type[Exception], ...] = (BrokenExecutor,)

    def __init__(self, size: int) -> None:
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise ConfigError(f"workers: expected a number of processes from 1 on, got {size!r}")
        self.size = size
        # Forked processes would share the threads' locks of this one.
        self._pool = ProcessPoolExecutor(
            size, multiprocessing.get_context("spawn"), initializer=_begin
        )

    def submit(self, pickled: bytes, piece: Piece) -> Future[Part]:
        """Begin to work on a piece."""
        return self._pool.submit(work, pickled, piece)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        running = list((self._pool._processes or {}).values())  # noqa: SLF001 - no other way before 3.14
        self._pool.shutdown(wait=kind is None, cancel_futures=True)
        if kind is not None:
            for process in running:
                process.terminate()  # a filter that never returns would hold them


class Cluster:
    """The workers of a Dask cluster; a context manager, which takes back what is not done.

    Parameters
    ----------
    client
        A `distributed.Client`.
    """

    slim = True

    def __init__(self, client: Any) -> None:
        from distributed import KilledWorker  # noqa: PLC0415 - of the extra `cluster`

        if not hasattr(client, "submit"):
            raise ConfigError(f"client: expected a distributed.Client, got {type(client).__name__}")
        self.deaths: tuple[type[Exception], ...] = (KilledWorker,)
        self._client = client
        self._given: list[Any] = []
        self.size = max(1, len(client.scheduler_info()["workers"]))

    def submit(self, pickled: bytes, piece: Piece) -> Any:
        """Begin to work on a piece."""
        self._given = [one for one in self._given if not one.done()]
        self._given.append(self._client.submit(work, pickled, piece, slim=True, pure=False))
        return self._given[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._client.cancel(self._given)


def _begin() -> None:
    """Leave the keyboard to the process that people talk to."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


# -- In the other process --------------------------------------------------------------------


def work(pickled: bytes, piece: Piece, *, slim: bool = False) -> Part:
    """Run a filter on one piece."""
    made, cut = _unpickled(pickled)
    part = Part()
    judge = Judge(made, part.judgement)

    def run(alerts: Sequence[Any]) -> None:
        for place, alert in zip(part.judgement.extend(len(alerts)), alerts, strict=True):
            judge(place, alert if cut is None else cut(alert))

    if piece.files:
        reader = Reader(dict(piece.files))
        for batch in reader.batches([number for number, _file in piece.files]):
            run(batch.alerts())
            part.batches.append(batch.slim() if slim else batch.light())
        part.errors = reader.errors
    elif piece.packets:
        batch = Batch(piece.packets)
        run(batch.alerts())
        part.batches.append(batch.light())
    else:
        run(piece.alerts)
    return part


def pickled(made: Filter, cut: Cut | None) -> bytes:
    """Return a filter, and how alerts are cut for it, as they travel to other processes.

    Raises
    ------
    FilterError
        If it cannot travel.
    """
    try:
        import cloudpickle  # noqa: PLC0415 - of the extra `lab`
    except ImportError:
        raise ImportError("other processes need cloudpickle: pip install 'ztfnb[lab]'") from None
    try:
        found: bytes = cloudpickle.dumps((made, cut))
    except Exception as error:
        raise FilterError(
            f"{made.name} cannot be taken to another process: {error}; what setup makes can be "
            "of any kind, since each process makes its own"
        ) from error
    return found


@lru_cache(maxsize=4)
def _unpickled(pickled: bytes) -> tuple[Filter, Cut | None]:
    try:
        made, cut = pickle.loads(pickled)  # noqa: S301 - of the filter that its author runs
    except ImportError as error:
        raise FilterError(
            f"the filter cannot be taken to another process: {error}; install that module there, "
            "or define the filter in the notebook"
        ) from None
    return made, cut
