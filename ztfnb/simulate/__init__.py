"""Simulated nights: packets of schema 4.02 from a seeded survey, and the truth behind them.

::

    survey = simulate.Survey(seed=1)
    for alert in survey.night("2026-01-15", limit=100):
        alert.packet, alert.alert, alert.truth

`Survey.packets` gives the same as a topic of Kafka would. Nothing is simulated before it is asked
for: an object's past is computed from its light curve and the field's schedule.
"""

from __future__ import annotations

from ztfnb.simulate.source import SimulatedSource
from ztfnb.simulate.sources import NAMES as KINDS
from ztfnb.simulate.survey import SimulatedAlert, Survey
from ztfnb.simulate.truth import Truth, truth_table, write_truth

__all__ = [
    "KINDS",
    "SimulatedAlert",
    "SimulatedSource",
    "Survey",
    "Truth",
    "truth_table",
    "write_truth",
]
