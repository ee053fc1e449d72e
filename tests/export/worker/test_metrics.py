from __future__ import annotations

from dataclasses import replace

from export.worker.operated import NUMBERS
from prometheus_client.parser import text_string_to_metric_families

from ztfnb.export.worker.metrics import exposition
from ztfnb.export.worker.numbers import BUCKETS, WorkerNumbers

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(numbers: WorkerNumbers) -> Samples:
    """Return what Prometheus reads: values by name and labels."""
    body, _ = exposition(lambda: numbers, "text/plain")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def test_every_number_has_its_name() -> None:
    """Counters and gauges of a worker are scraped under the names that dashboards know."""
    samples = scraped(NUMBERS)
    expected = {
        "ztfnb_received_total": 100, "ztfnb_undecodable_total": 1, "ztfnb_produced_total": 8,
        "ztfnb_dead_letters_total": 3, "ztfnb_gap_alerts_total": 5, "ztfnb_in_flight": 12,
        "ztfnb_lag": 34, "ztfnb_seconds_behind": 5.5, "ztfnb_filter_restarts_total": 2,
        "ztfnb_rebalances_total": 1, "ztfnb_up": 1,
    }  # fmt: skip
    assert {name: value(samples, name) for name in expected} == expected
    assert value(samples, "ztfnb_partition_lag", topic="night", partition="0") == 30
    assert len([name for name, _ in samples if name == "ztfnb_partition_lag"]) == 1
    assert [dict(labels)["version"] for name, labels in samples if name == "ztfnb_build_info"]


def test_the_books_balance_in_prometheus() -> None:
    """passed + rejected + failed of each filter is what was received."""
    samples = scraped(NUMBERS)
    for one in NUMBERS.filters:
        mine = {("filter", one.name), ("version", one.version)}
        names = ("ztfnb_passed_total", "ztfnb_rejected_total", "ztfnb_failed_total")
        counted = sum(
            count for (name, labels), count in samples.items() if name in names and mine <= labels
        )
        assert counted == value(samples, "ztfnb_received_total")
    young = {"filter": "young", "version": "0123456789ab"}
    assert value(samples, "ztfnb_failed_total", kind="time", **young) == 2


def test_times_are_a_histogram() -> None:
    """Buckets are cumulative, the last holds all, and the sum is the time of all together."""
    samples = scraped(NUMBERS)
    counts = [
        value(samples, "ztfnb_filter_seconds_bucket", filter="young", le=bound)
        for bound in (*(f"{bound}" for bound in BUCKETS), "+Inf")
    ]
    assert counts == [place * (place + 1) / 2 for place in range(len(BUCKETS) + 1)]
    assert value(samples, "ztfnb_filter_seconds_count", filter="young") == counts[-1]
    assert value(samples, "ztfnb_filter_seconds_sum", filter="young") == 1.5


def test_what_is_not_known_is_not_told() -> None:
    """A lag that nobody knows is absent, not 0; a worker that failed is not up."""
    samples = scraped(replace(NUMBERS, lag=None, seconds_behind=None, state="failed"))
    names = {name for name, _ in samples}
    assert not names & {"ztfnb_lag", "ztfnb_seconds_behind"}
    assert value(samples, "ztfnb_up") == 0


def test_a_worker_without_filters_yet() -> None:
    """Before anything is loaded there are numbers too: zeros."""
    samples = scraped(WorkerNumbers())
    assert value(samples, "ztfnb_received_total") == 0
    assert value(samples, "ztfnb_up") == 0


def test_openmetrics_where_it_is_asked_for() -> None:
    """The request's header decides on the format."""
    body, kind = exposition(lambda: NUMBERS, "application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
