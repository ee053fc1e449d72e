"""A filter on many alerts: what became of each, and why."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from ztfnb.alert import Alert
from ztfnb.codec import decode
from ztfnb.errors import ConfigError, FilterWarning, NotHeldError, ZtfnbError
from ztfnb.filters.archived import PathSample
from ztfnb.filters.arrivals import Arrivals
from ztfnb.filters.crew import Cluster, Processes
from ztfnb.filters.failure import not_held
from ztfnb.filters.filter import Filter
from ztfnb.filters.held import HeldSample
from ztfnb.filters.instrument import traced
from ztfnb.filters.judge import Judge, Judgement
from ztfnb.filters.listed import ListSample
from ztfnb.filters.parallel import judge_by_many
from ztfnb.filters.past import Cut, moment_jd
from ztfnb.filters.report import Report
from ztfnb.filters.sample import Sample, attempt
from ztfnb.filters.threshold import Value
from ztfnb.filters.versions import keep
from ztfnb.progress import progress_bar
from ztfnb.snapshot import Snapshot
from ztfnb.source import Packet
from ztfnb.store import Store
from ztfnb.stream import Moment, Stream


def evaluate(
    made: Filter,
    alerts: Any,
    *,
    progress: bool | None = None,
    as_of: Moment | None = None,
    workers: int | None = None,
    client: Any = None,
    versions: str | Path | None = None,
    on_error: Literal["keep", "raise"] = "keep",
    **params: Value,
) -> Report:
    """Run a filter on alerts, and return what became of each.

    An alert on which it raises an exception has failed; it is counted, with its line and message,
    and the next is taken. Interrupting the work leaves nothing behind.

    Parameters
    ----------
    made
        The filter.
    alerts
        A stream, of which what it holds now is taken; a path (an ``.avro`` file, a folder, a tar
        file) or several; Alerts or the dictionaries of alerts, also from a generator, which are
        then kept; another report, of which the sample is taken.
    progress
        Whether to show a bar. None: when it takes long, in a notebook or terminal.
    as_of
        True: in order of arrival, the history of each alert cut at its own jd, as in the night
        itself. A moment (Julian date, ISO text, `datetime`): as all was known then; later alerts
        do not count.
    workers
        Number of processes among which files, or alerts in memory, are divided.
    client
        A `distributed.Client`: its workers, which must reach the paths, each take whole files.
    versions
        A file in which this run is noted, with the source and what came out; where None, one
        beside the notebook that the filter was written in.
    on_error
        ``"raise"``: an exception of the filter ends the work, for a debugger to look at.
    **params
        Thresholds, set otherwise for this run.

    Raises
    ------
    ConfigError
        If ``alerts`` is none of these, or there is nothing to read.
    FilterError
        If it has no such threshold, or what it needs cannot be had.
    """
    if on_error not in ("keep", "raise"):
        raise ConfigError(f"on_error: expected 'keep' or 'raise', got {on_error!r}")
    chosen = made.with_params(**params) if params else made
    sample = alerts.sample if isinstance(alerts, Report) else sample_of(alerts)
    past = as_of is not None and as_of is not False
    until = None if as_of is None or isinstance(as_of, bool) else moment_jd(as_of)
    when = datetime.now(UTC)
    crew = _crew(chosen, workers, client, strict=on_error == "raise")
    if crew is None:
        if past:
            sample = Arrivals(sample.completed(), until)
        judgement = judge(chosen, sample, progress=progress, strict=on_error == "raise")
    else:
        with crew:
            cut = Cut(until) if past else None
            judgement = judge_by_many(chosen, sample, crew, cut, progress=progress)
        if past:
            arrivals = Arrivals(sample, until)
            sample, judgement = arrivals, judgement.taken(arrivals.order)
    report = Report(chosen, sample, judgement, when)
    names = ("passed", "rejected", "failed")
    keep(chosen, dict(zip(names, report.counts, strict=True)), sample.name, versions)
    return report


def _crew(
    made: Filter, workers: int | None, client: Any, *, strict: bool
) -> Processes | Cluster | None:
    if workers is None and client is None:
        return None
    if workers is not None and client is not None:
        raise ConfigError("workers and client: expected one of them, got both")
    if strict:
        raise ConfigError("on_error='raise': an exception of another process cannot be looked at")
    if is_stateful(made):
        warnings.warn(
            f"{made.name} keeps state between alerts: each process has its own, so that verdicts "
            "may differ from those without workers",
            FilterWarning,
            stacklevel=4,
        )
    return Processes(workers) if workers is not None else Cluster(client)


def is_stateful(made: Filter) -> bool:
    """Return whether what a filter decides may depend on the alerts before."""
    return traced(made).stateful


def again(report: Report, made: Filter) -> Report:
    """Return the report of the same sample and filter with other thresholds."""
    when = datetime.now(UTC)
    # A helper that was defined anew makes it another filter.
    base = report.base if made.hash == report.hash else None
    places = None if base is None else base.followed.concerned(made)
    if base is None or places is None:
        return Report(made, report.sample, judge(made, report.sample), when)
    judgement = base.judgement.copy()
    rejudge(made, report.sample, places.tolist(), judgement)
    return Report(made, report.sample, judgement, when, differs=(base, places))


def judge(
    made: Filter, sample: Sample, *, progress: bool | None = None, strict: bool = False
) -> Judgement:
    """Run a filter on every alert of a sample, reading that if it has not been read.

    Parameters
    ----------
    made, sample
        Which filter, and on what.
    progress
        Whether to show a bar.
    strict
        Whether an exception of the filter ends the work.
    """
    work = Judge(made, strict=strict)
    judgement = work.judgement
    what = f"{made.name} on {sample.name or 'alerts'}"
    with progress_bar(what, sample.count, " alerts", show=progress) as reached:
        asked: list[int] = []
        in_order = not sample.at_hand and is_stateful(made)
        for batch in sample.batches():
            places = judgement.extend(len(batch))
            if sample.remote or in_order:
                # Those that only the packet can tell of would come behind the others.
                asked += places
            else:
                asked += attempt(zip(places, batch, strict=True), work)
            reached(len(judgement) - len(asked))
        judgement.fetched = len(asked)
        brought = sample.whole(asked, in_order=in_order)
        for done, (place, alert) in enumerate(brought, len(judgement) - len(asked)):
            if isinstance(alert, ZtfnbError):
                judgement.lose(place, not_held(int(sample.candid[place]), alert))
            else:
                work(place, alert)
            reached(done + 1)
    return judgement


def rejudge(made: Filter, sample: Sample, places: Any, judgement: Judgement) -> None:
    """Run a filter again on some alerts of a sample; what became of them is noted anew."""
    candid = sample.candid
    sample.visit(
        places,
        Judge(made, judgement),
        lambda place, error: judgement.lose(place, not_held(int(candid[place]), error)),
    )


def sample_of(alerts: Any) -> Sample:
    """Return alerts as a sample.

    Raises
    ------
    ConfigError
        If they are none, or there is nothing to read.
    """
    match alerts:
        case Sample():
            return alerts
        case Stream():
            store = alerts.store
            return HeldSample(alerts.name, store.snapshot(), store.packet, alerts.fetch_many)
        case Store():
            found = partial(_from_memory, alerts.packet)
            return HeldSample("store", alerts.snapshot(), alerts.packet, found)
        case Snapshot():
            return HeldSample("snapshot", alerts, _nothing, partial(_from_memory, _nothing))
        case str() | Path():
            return PathSample([alerts])
        case Mapping() | bytes() | bytearray() | memoryview():
            what = "one alert" if isinstance(alerts, Mapping) else "bytes"
            raise ConfigError(f"{_EXPECTED}, got {what}: put it in a list, decoded")
        case Iterable():
            return _sample_of_many(alerts)
    raise ConfigError(f"{_EXPECTED}, got {type(alerts).__name__}")


_EXPECTED = (
    "evaluate: expected a stream, a path or several, or an iterable of Alerts or dictionaries"
)


def _sample_of_many(alerts: Iterable[Any]) -> Sample:
    many = iter(alerts)
    try:
        first = next(many)
    except StopIteration:
        return ListSample([])
    if isinstance(first, str | Path):
        paths = [first, *many]
        odd = next((path for path in paths if not isinstance(path, str | Path)), None)
        if odd is not None:
            raise ConfigError(f"{_EXPECTED}, got a path and a {type(odd).__name__} in one list")
        return PathSample(paths)
    return ListSample(alerts if hasattr(alerts, "__len__") else chain([first], many))


def _nothing(_candid: int) -> None:
    """Return no packet: a snapshot has none."""


def _from_memory(
    packet: Callable[[int], Packet | None], candids: Sequence[int]
) -> Iterator[tuple[int, Alert | Exception]]:
    for candid in candids:
        found = packet(candid)
        try:
            if found is None:
                raise NotHeldError("it is not in memory; evaluate on the stream, which fetches it")
            yield candid, decode(found.value)
        except ZtfnbError as error:
            yield candid, error
