"""The real packets, and one sample of simulated alerts with the truth behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from packets import ALERTS, real_files
from simulate.nights import Made, exposed, night_of

import ztfnb
from ztfnb.alert import Alert
from ztfnb.filters import Filter, passes
from ztfnb.simulate import sources
from ztfnb.simulate.exposure import alerts
from ztfnb.simulate.schedule import night_number
from ztfnb.simulate.sources import Kind
from ztfnb.simulate.world import Plan


@dataclass(frozen=True)
class Shares:
    """What a filter passes of each class of a sample."""

    passed: Counter[str]
    received: Counter[str]

    def of(self, *kinds: str) -> float:
        """The share of some classes together."""
        return sum(self.passed[kind] for kind in kinds) / sum(self.received[kind] for kind in kinds)

    def of_others(self, *kinds: str) -> float:
        """The largest share of any other class."""
        return max(self.of(kind) for kind in self.received if kind not in kinds)


@pytest.fixture(scope="session")
def simulated() -> list[Made]:
    """All alerts of some exposures, from all over the sky and the year."""
    made: list[Made] = []
    for day in ("2026-01-15", "2025-04-20", "2025-08-03", "2025-10-20"):
        visits = night_of(night_number(day))
        for row in range(5, len(visits), 40):
            made += exposed(visits, row)
    return made


@pytest.fixture(scope="session")
def supernovae() -> list[Made]:
    """Alerts of a sky on which nothing happens but supernovae: young ones are rare elsewhere."""
    usual = sources.mean_count
    plan = Plan(seed=4711, alerts_per_night=1_500_000)  # another world than of any other test

    def only_supernovae(kind: Kind, index: int, alerts_per_night: int) -> float:
        return usual(kind, index, alerts_per_night) if kind <= Kind.SN_II else 0.0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "mean_count", only_supernovae)
        visits = night_of(night_number("2026-01-15"))
        rows = range(5, len(visits), 20)
        return [Made(*made) for row in rows for made in alerts(plan, visits.take(np.array([row])))]


@pytest.fixture(scope="session")
def shares(simulated: list[Made]) -> Callable[..., Shares]:
    """Of a filter: how much of each simulated class passes."""

    def measure(recipe: Filter, **params: object) -> Shares:
        plain = recipe.with_params(**params).plain  # type: ignore[arg-type]
        return Shares(
            Counter(made.truth.kind for made in simulated if passes(plain(made.alert))),
            Counter(made.truth.kind for made in simulated),
        )

    return measure


@pytest.fixture(scope="session")
def night() -> list[Alert]:
    """The real alerts of the night of 2018-11-28."""
    if not real_files("night-20181128/*"):
        pytest.skip("no real ZTF packets here: set ZTFNB_ALERTS to a folder that holds some")
    return list(ztfnb.read(ALERTS / "night-20181128"))


@pytest.fixture(scope="session")
def real() -> dict[str, list[Alert]]:
    """All real ZTF alerts, by the folder of their schema."""
    folders = (
        "night-20181128",
        "v1.8",
        "v3.3",
        "v4.01",
        "v4.02",
        "v4.02-no-fp-hists",
        "legacy",
        "multi-record",
        "tarball/ztf_public_20180819_mod1000.tar.gz",
    )
    if not ALERTS.is_dir():
        pytest.skip("no real ZTF packets here: set ZTFNB_ALERTS to a folder that holds some")
    return {folder: list(ztfnb.read(ALERTS / folder)) for folder in folders}
