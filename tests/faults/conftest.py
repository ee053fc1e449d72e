"""Brokers that may be killed, a bundle, and topics that no other test uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from faults.bench import Bench, MakeBench, Measured
from faults.cluster import Cluster, running
from faults.workerprocess import made_bundle
from ports import free_ports

from ztfnb.broker.real import RealBroker


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Measured:
    """Says what a test measured, in the summary of the run."""
    return lambda text: record_property("measured", text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what was measured, also of tests that passed."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, text in report.user_properties:
                if name == "measured" and report.when == "call":
                    terminalreporter.write_line(f"{report.location[2]}: {text}")


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A filter that passes odd candids, and fails on every hundredth alert."""
    return made_bundle(tmp_path_factory.mktemp("bundle") / "odd")


@pytest.fixture
def cluster(
    kafka_parts: None,  # noqa: ARG001 - must be there
    tmp_path: Path,
) -> Iterator[Cluster]:
    """Three nodes."""
    with running(Cluster(tmp_path / "cluster")) as made:
        yield made


@pytest.fixture
def own_broker(
    kafka_parts: None,  # noqa: ARG001 - must be there
    tmp_path: Path,
) -> Iterator[RealBroker]:
    """A broker that a test may kill."""
    (port,) = free_ports(1)
    broker = RealBroker(tmp_path / "broker", port=port, heap="256m")
    broker.start()
    yield broker
    broker.stop(force=True)


@pytest.fixture
def bench_on(bundle: Path, tmp_path: Path) -> Iterator[MakeBench]:
    """Makes topics on a broker; the workers end with the test."""
    with ExitStack() as stack:
        yield lambda bootstrap: Bench(bootstrap, bundle, tmp_path, stack)


@pytest.fixture
def bench(bootstrap: str, bench_on: MakeBench) -> Bench:
    """Topics on the broker of the session, and workers between them."""
    return bench_on(bootstrap)
