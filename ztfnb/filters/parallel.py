"""An evaluation by several processes, or by a cluster; it comes to what one process finds.

Files are read where the filter runs. Of a tar file, which can only be read from its beginning, and
of what is in memory, the packets are handed out.
"""

from __future__ import annotations

import multiprocessing
import pickle
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, Self

from ztfnb.container import MAX_PACKET_BYTES
from ztfnb.errors import ConfigError, DecodeError, FilterError, ZtfnbError
from ztfnb.filters.archived import Batch, PathSample, Reader, is_tar
from ztfnb.filters.failure import not_held
from ztfnb.filters.filter import Filter
from ztfnb.filters.held import ColumnSample
from ztfnb.filters.judge import Judge, Judgement
from ztfnb.filters.past import Cut
from ztfnb.filters.sample import Dictionary, ListSample, Sample, attempt
from ztfnb.progress import progress_bar
from ztfnb.source import Packet

MANY = 250
"""Alerts, or files, that are handed out together."""
_AHEAD = 3
"""Pieces of work for each process that are under way or wait."""


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
        """Begin to work on a piece; the result has a method ``result``."""


def judge_by_many(
    made: Filter, sample: Sample, crew: Crew, cut: Cut | None, *, progress: bool | None = None
) -> Judgement:
    """Run a filter on every alert of a sample, reading that if it has not been read.

    Parameters
    ----------
    made, sample
        Which filter, and on what.
    crew
        Who works: see `processes` and `cluster`.
    cut
        How much of its history an alert shows.
    progress
        Whether to show a bar.
    """
    pickled = _pickled(made, cut)
    with progress_bar(
        f"{made.name} on {sample.name or 'alerts'}", sample.count, " alerts", show=progress
    ) as reached:
        if isinstance(sample, PathSample) and not sample.complete:
            return _read_apart(sample, crew, pickled, reached)
        if crew.slim:
            raise ConfigError("client: a cluster evaluates paths, which its workers can reach")
        if isinstance(sample, ListSample):
            return _share_alerts(sample, crew, pickled, reached)
        if isinstance(sample, ColumnSample):
            return _share_packets(Judge(made), sample, crew, (pickled, cut), reached)
        raise ConfigError("workers: a replay is evaluated by one process, in its order")


Reached = Callable[[int], object]


def _read_apart(sample: PathSample, crew: Crew, pickled: bytes, reached: Reached) -> Judgement:
    judgement = Judgement()
    for part in _done(crew, pickled, _pieces_of(sample.reader, crew)):
        judgement.add(part.judgement)
        for batch in part.batches:
            sample.take(batch)
        sample.not_read += part.errors
        reached(len(judgement))
    sample.remote = crew.slim
    sample.finish()
    return judgement


def _share_alerts(sample: ListSample, crew: Crew, pickled: bytes, reached: Reached) -> Judgement:
    def pieces() -> Iterator[Piece]:
        given = 0
        for batch in sample.batches():
            for begin in range(0, len(batch), MANY):
                some = batch[begin : begin + MANY]
                name = f"alerts {given:,} to {given + len(some) - 1:,} of the list"
                yield Piece(name, alerts=some)
                given += len(some)

    judgement = Judgement()
    for part in _done(crew, pickled, pieces()):
        judgement.add(part.judgement)
        reached(len(judgement))
    return judgement


def _share_packets(
    judge: Judge,
    sample: ColumnSample,
    crew: Crew,
    order: tuple[bytes, Cut | None],
    reached: Reached,
) -> Judgement:
    """Judge here what columns are enough for, and hand out the packets of the others."""
    pickled, cut = order
    judgement = judge.judgement
    asked: list[int] = []
    for batch in sample.batches():
        places = judgement.extend(len(batch))
        asked += attempt(zip(places, batch if cut is None else map(cut, batch), strict=True), judge)
        reached(len(judgement) - len(asked))
    judgement.fetched = len(asked)
    candid = sample.candid
    given: deque[list[int]] = deque()

    def pieces() -> Iterator[Piece]:
        fetched = sample.packets(asked)
        while some := list(islice(fetched, MANY)):
            packets = []
            name = f"candids {candid[some[0][0]]} to {candid[some[-1][0]]}"
            places: list[int] = []
            for place, packet in some:
                if isinstance(packet, ZtfnbError):
                    judgement.lose(place, not_held(int(candid[place]), packet))
                else:
                    packets.append(packet)
                    places.append(place)
            given.append(places)
            yield Piece(name, packets=packets)

    done = len(judgement) - len(asked)
    for part in _done(crew, pickled, pieces()):
        mine = given.popleft()
        for found in part.batches:
            for at, error in found.columns.errors:
                judgement.lose(mine[at], not_held(int(candid[mine[at]]), error))
            judgement.put([mine[at] for at in found.columns.rows.tolist()], part.judgement)
        done += len(mine)
        reached(done)
    return judgement


def _pieces_of(reader: Reader, crew: Crew) -> Iterator[Piece]:
    """Divide files into pieces, in their order."""
    many = max(1, min(MANY, len(reader.files) // (4 * crew.size)))
    together: list[tuple[int, Path]] = []
    for number, file in reader.files.items():
        whole = is_tar(file) or _is_large(file)
        if together and (whole or len(together) >= many):
            yield _files(together)
            together = []
        if not whole:
            together.append((number, file))
        elif crew.slim:
            yield _files([(number, file)])
        else:
            packets = reader.packets([number])
            while some := list(islice(packets, MANY)):
                first, last = some[0].offset, some[-1].offset
                yield Piece(f"packets {first:,} to {last:,} of {file.name}", packets=some)
    if together:
        yield _files(together)


def _files(files: list[tuple[int, Path]]) -> Piece:
    first, last = files[0][1].name, files[-1][1].name
    more = f" to {last} ({len(files):,} files)" if len(files) > 1 else ""
    return Piece(f"{first}{more}", files=tuple(files))


def _is_large(file: Path) -> bool:
    try:
        return file.stat().st_size > MAX_PACKET_BYTES
    except OSError:
        return False  # whoever reads it says why not


def _done(crew: Crew, pickled: bytes, pieces: Iterable[Piece]) -> Iterator[Part]:
    """Yield what became of pieces, in their order; only so many are under way."""
    under_way: deque[tuple[Piece, Any]] = deque()

    def next_done() -> Part:
        found: Part = under_way[0][1].result()
        under_way.popleft()
        return found

    try:
        for piece in pieces:
            under_way.append((piece, crew.submit(pickled, piece)))
            if len(under_way) >= _AHEAD * crew.size:
                yield next_done()
        while under_way:
            yield next_done()
    except crew.deaths as error:
        names = "; ".join(piece.name for piece, _result in islice(under_way, crew.size))
        raise FilterError(
            f"a process died while it evaluated one of: {names or 'the first alerts'}. Out of "
            "memory, or a crash in a library that the filter uses? Evaluate these alone, without "
            f"workers, to see ({type(error).__name__})"
        ) from None


# -- Who works -------------------------------------------------------------------------------


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


def _pickled(made: Filter, cut: Cut | None) -> bytes:
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
    return pickle.loads(pickled)  # type: ignore[no-any-return]  # noqa: S301
