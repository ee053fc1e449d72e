"""The numbers of a worker as Prometheus reads them.

Counters begin at 0 with each process, as Prometheus expects. What fails is told by its kind;
`ztfnb_passed_total + ztfnb_rejected_total + sum(ztfnb_failed_total)` of a filter is
`ztfnb_received_total`.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from ztfnb.export.worker.numbers import BUCKETS, FilterNumbers, WorkerNumbers

UP = ("connecting", "running", "caught up")
"""States in which a worker does, or waits for, its work."""

_COUNTERS: tuple[tuple[str, str, Callable[[WorkerNumbers], int]], ...] = (
    ("received", "Packets whose results are certain: written and committed", lambda n: n.received),
    ("undecodable", "Packets that hold no readable alert", lambda n: n.undecodable),
    ("produced", "Packets confirmed in output topics", lambda n: n.produced),
    ("dead_letters", "Packets confirmed in the topic of dead letters", lambda n: n.dead_letters),
    (
        "gap_alerts",
        "Alerts that the broker had deleted before they could be read",
        lambda n: sum(gap.size for gap in n.gaps),
    ),
    (
        "filter_restarts",
        "How often the process that runs the filters was started anew",
        lambda n: n.restarts,
    ),
    ("rebalances", "How often partitions were shared out anew", lambda n: n.rebalances),
)


class WorkerCollector(Collector):
    """Gives Prometheus the numbers of a worker, as they are whenever it asks.

    Parameters
    ----------
    numbers
        Returns them; called from any thread.
    """

    def __init__(self, numbers: Callable[[], WorkerNumbers]) -> None:
        self._numbers = numbers

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of this moment."""
        yield from families(self._numbers())

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: the registry need not ask for numbers to know the names."""
        yield from ()


def exposition(numbers: Callable[[], WorkerNumbers], accept: str) -> tuple[bytes, str]:
    """Return the metrics as text, and the type of this text.

    Parameters
    ----------
    numbers
        Returns the numbers of the worker.
    accept
        The header of this name in the request: which of Prometheus's formats is wanted.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(WorkerCollector(numbers))
    encode, kind = choose_encoder(accept)
    return encode(registry), kind


def families(numbers: WorkerNumbers) -> Iterable[Metric]:
    """Return the metrics of a worker at one moment."""
    for name, meaning, count in _COUNTERS:
        yield CounterMetricFamily(f"ztfnb_{name}", meaning, value=count(numbers))
    yield from _of_filters(numbers.filters)
    yield from _of_now(numbers)
    yield InfoMetricFamily(
        "ztfnb_build",
        "What runs here",
        value={
            "version": version("ztfnb"),
            "confluent_kafka": version("confluent-kafka"),
            "python": platform.python_version(),
        },
    )


def _of_filters(filters: Iterable[FilterNumbers]) -> Iterable[Metric]:
    labels = ("filter", "version")
    passed = CounterMetricFamily("ztfnb_passed", "Alerts that the filter passed", labels=labels)
    rejected = CounterMetricFamily(
        "ztfnb_rejected", "Alerts that the filter rejected", labels=labels
    )
    failed = CounterMetricFamily(
        "ztfnb_failed",
        "Alerts that the filter could not judge, by what happened",
        labels=(*labels, "kind"),
    )
    seconds = HistogramMetricFamily(
        "ztfnb_filter_seconds", "Time of an alert in the function of the filter", labels=("filter",)
    )
    for one in filters:
        passed.add_metric((one.name, one.version), one.passed)
        rejected.add_metric((one.name, one.version), one.rejected)
        for kind, count in one.reasons:
            failed.add_metric((one.name, one.version, kind), count)
        bounds = (*map(str, BUCKETS), "+Inf")
        counts = map(float, accumulate(one.times))
        seconds.add_metric((one.name,), list(zip(bounds, counts, strict=True)), one.seconds)
    return passed, rejected, failed, seconds


def _of_now(numbers: WorkerNumbers) -> Iterable[Metric]:
    yield GaugeMetricFamily(
        "ztfnb_up", "Whether the worker does its work (1) or not (0)", value=numbers.state in UP
    )
    yield GaugeMetricFamily(
        "ztfnb_in_flight", "Packets taken and not yet certain", value=numbers.in_flight
    )
    # What is not known is left out: a 0 would say that all is well.
    if numbers.lag is not None:
        yield GaugeMetricFamily("ztfnb_lag", "Packets that wait", value=numbers.lag)
    if numbers.seconds_behind is not None:
        yield GaugeMetricFamily(
            "ztfnb_seconds_behind",
            "Age of the packet judged last while others wait; 0 at the head",
            value=numbers.seconds_behind,
        )
    lags = GaugeMetricFamily(
        "ztfnb_partition_lag", "Packets that wait in a partition", labels=("topic", "partition")
    )
    for one in numbers.partitions:
        if one.lag is not None:
            lags.add_metric((one.topic, str(one.partition)), one.lag)
    yield lags
