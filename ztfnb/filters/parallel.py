"""An evaluation by several processes, or by a cluster; it comes to what one process finds.

Files are read where the filter runs. Of a tar file, which can only be read from its beginning, and
of what is in memory, the packets are handed out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from ztfnb.container import MAX_PACKET_BYTES
from ztfnb.errors import ConfigError, FilterError, ZtfnbError
from ztfnb.filters.archived import PathSample, Reader, is_tar
from ztfnb.filters.crew import Crew, Part, Piece, pickled
from ztfnb.filters.failure import not_held
from ztfnb.filters.filter import Filter
from ztfnb.filters.held import ColumnSample
from ztfnb.filters.judge import Judge, Judgement
from ztfnb.filters.listed import ListSample
from ztfnb.filters.past import Cut
from ztfnb.filters.sample import Sample, attempt
from ztfnb.progress import progress_bar

MANY = 250
"""Alerts, or files, that are handed out together."""
_AHEAD = 3
"""Pieces of work for each process that are under way or wait."""


def judge_by_many(
    made: Filter, sample: Sample, crew: Crew, cut: Cut | None, *, progress: bool | None = None
) -> Judgement:
    """Run a filter on every alert of a sample, reading that if it has not been read.

    Parameters
    ----------
    made, sample
        Which filter, and on what.
    crew
        Who works.
    cut
        How much of its history an alert shows.
    progress
        Whether to show a bar.
    """
    order = pickled(made, cut)
    with progress_bar(
        f"{made.name} on {sample.name or 'alerts'}", sample.count, " alerts", show=progress
    ) as reached:
        if isinstance(sample, PathSample) and not sample.complete:
            return _read_apart(sample, crew, order, reached)
        if crew.slim:
            raise ConfigError("client: a cluster evaluates paths, which its workers can reach")
        if isinstance(sample, ListSample):
            return _share_alerts(sample, crew, order, reached)
        if isinstance(sample, ColumnSample):
            return _share_packets(Judge(made), sample, crew, (order, cut), reached)
        raise ConfigError("workers: a replay is evaluated by one process, in its order")


Reached = Callable[[int], object]


def _read_apart(sample: PathSample, crew: Crew, order: bytes, reached: Reached) -> Judgement:
    judgement = Judgement()
    for part in _done(crew, order, _pieces_of(sample.reader, crew)):
        judgement.add(part.judgement)
        for batch in part.batches:
            sample.take(batch)
        sample.not_read += part.errors
        reached(len(judgement))
    sample.remote = crew.slim
    sample.finish()
    return judgement


def _share_alerts(sample: ListSample, crew: Crew, order: bytes, reached: Reached) -> Judgement:
    def pieces() -> Iterator[Piece]:
        given = 0
        for batch in sample.batches():
            for begin in range(0, len(batch), MANY):
                some = batch[begin : begin + MANY]
                name = f"alerts {given:,} to {given + len(some) - 1:,} of the list"
                yield Piece(name, alerts=some)
                given += len(some)

    judgement = Judgement()
    for part in _done(crew, order, pieces()):
        judgement.add(part.judgement)
        reached(len(judgement))
    return judgement


def _share_packets(
    judge: Judge,
    sample: ColumnSample,
    crew: Crew,
    work: tuple[bytes, Cut | None],
    reached: Reached,
) -> Judgement:
    """Judge here what columns are enough for, and hand out the packets of the others."""
    order, cut = work
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
    for part in _done(crew, order, pieces()):
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


def _done(crew: Crew, order: bytes, pieces: Iterable[Piece]) -> Iterator[Part]:
    """Yield what became of pieces, in their order; only so many are under way."""
    under_way: deque[tuple[Piece, Any]] = deque()

    def next_done() -> Part:
        found: Part = under_way[0][1].result()
        under_way.popleft()
        return found

    try:
        for piece in pieces:
            under_way.append((piece, crew.submit(order, piece)))
            if len(under_way) >= _AHEAD * crew.size:
                yield next_done()
        while under_way:
            yield next_done()
    except crew.deaths as error:
        # Of what is finished already, the processes know nothing any more.
        doubtful = (piece.name for piece, future in under_way if not _went_well(future))
        names = "; ".join(islice(doubtful, crew.size))
        raise FilterError(
            f"a process died while it evaluated one of: {names or 'the next alerts'}. Out of "
            "memory, or a crash in a library that the filter uses? Evaluate these alone, without "
            "workers, to see. In a script, the call must stand under if __name__ == '__main__' "
            f"({type(error).__name__})"
        ) from None


def _went_well(future: Any) -> bool:
    return bool(future.done() and future.exception() is None)
