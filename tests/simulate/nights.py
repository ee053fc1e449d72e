"""Simulated exposures for tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ztfnb.simulate import Truth
from ztfnb.simulate.exposure import alerts
from ztfnb.simulate.schedule import Visits, visits_of_night
from ztfnb.simulate.world import Plan

PLAN = Plan(seed=11, alerts_per_night=30_000)
THIN = Plan(seed=11, alerts_per_night=8_000)


@dataclass(frozen=True)
class Made:
    alert: dict[str, Any]
    truth: Truth

    @property
    def candidate(self) -> dict[str, Any]:
        candidate: dict[str, Any] = self.alert["candidate"]
        return candidate


def night_of(night: int) -> Visits:
    return visits_of_night(PLAN.seed, night)


def exposed(visits: Visits, row: int, plan: Plan = PLAN) -> list[Made]:
    return [Made(*made) for made in alerts(plan, visits.take(np.array([row])))]
