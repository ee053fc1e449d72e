"""The traced twin of a filter decides exactly as the filter, and tells what it compared."""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packets import needs_real_packets

sys.path.insert(0, str(Path(__file__).parent))

import functions
from twins import (
    Recording,
    plain_outcome,
    real_alerts,
    traced_outcome,
)

from ztfnb.filters.filter import Filter
from ztfnb.filters.instrument import traced

NAMES = [function.__name__ for function in functions.FUNCTIONS]
FILTERS = {function.__name__: Filter(function) for function in functions.FUNCTIONS}


def candidate(**changed: Any) -> dict[str, Any]:
    values = {
        "rb": 0.8, "drb": 0.9, "nbad": 0, "nneg": 3, "fwhm": 2.5, "elong": 1.1, "magdiff": 0.05,
        "magpsf": 18.2, "diffmaglim": 20.5, "isdiffpos": "t", "fid": 1, "jd": 2458450.7,
        "jdstarthist": 2458448.7, "ndethist": 4, "distnr": 0.7, "ra": 210.5, "dec": 12.25,
        "field": 600, "rcid": 12, "ssdistnr": -999.0, "objectId": "x",
    }  # fmt: skip
    values |= changed
    return {name: value for name, value in values.items() if value is not Ellipsis}


def previous(*mags: float | None, fid: int = 1, **changed: Any) -> list[dict[str, Any]]:
    return [
        {"jd": 2458450.7 - 1 - i, "magpsf": mag, "fid": fid + i % 2, "isdiffpos": "t"} | changed
        for i, mag in enumerate(mags)
    ]


def made_alert(before: Any = None, **changed: Any) -> dict[str, Any]:
    return {"objectId": "ZTF18a", "candid": 1, "prv_candidates": before} | {
        "candidate": candidate(**changed)
    }


ODD_VALUES = (None, math.nan, -999.0, 0, 0.4, 1, 2, 3, math.inf, ...)


def made_alerts() -> Iterator[dict[str, Any]]:
    """Alerts with every field of a candidate absent, null, NaN or odd; and such histories."""
    yield made_alert()
    for name in candidate():
        for value in ODD_VALUES:
            yield made_alert(previous(19.1, 18.0), **{name: value})
            yield made_alert(None, **{"fid": 2, "rb": 0.45, name: value})
    for fid in (1, 2, 3, None):
        for mags in ((), (None,), (19.5, None, 17.5), (16.0,) * 5, (math.nan, 20.5, 17), (None,) * 4):
            yield made_alert(previous(*mags), fid=fid)
            yield made_alert(previous(*mags, fid=2), fid=fid, rb=0.3, nbad=2)
    yield made_alert(previous(19.0, isdiffpos=None), isdiffpos="f")
    yield made_alert([{}, {"jd": None}])
    yield {"candidate": {}}
    yield {"candidate": None, "prv_candidates": 3}
    yield {}


@pytest.mark.parametrize("name", NAMES)
def test_every_function_can_be_traced(name: str) -> None:
    """None of the hand-written functions is put aside."""
    assert traced(FILTERS[name]).obstacle == ""


def test_there_are_enough_functions() -> None:
    """The claim is about at least forty functions."""
    assert len(functions.FUNCTIONS) >= 40
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_decides_as_the_plain_function_on_made_alerts(name: str) -> None:
    """Value, exception, message, cause and the lines of the traceback are the same."""
    made = FILTERS[name]
    twin = traced(made)
    for alert in made_alerts():
        before = copy.deepcopy(alert)
        assert traced_outcome(twin, made, alert) == plain_outcome(made, alert), alert
        assert repr(alert) == repr(before)


@needs_real_packets
@pytest.mark.parametrize("name", NAMES)
def test_decides_as_the_plain_function_on_real_packets(name: str) -> None:
    """The same, on fastavro's dictionary of every packet in the real set."""
    made = FILTERS[name]
    twin = traced(made)
    assert len(real_alerts()) > 500
    for alert in real_alerts():
        assert traced_outcome(twin, made, alert) == plain_outcome(made, alert), alert["objectId"]


@pytest.mark.parametrize("name", NAMES)
def test_asks_the_alert_as_the_plain_function_does(name: str) -> None:
    """Every access, comparison and truth in the same order, none twice."""
    made = FILTERS[name]
    twin = traced(made)
    for alert in made_alerts():
        logs: list[list[Any]] = [[], []]
        plain_outcome(made, Recording(alert, logs[0]))
        traced_outcome(twin, made, Recording(alert, logs[1]))
        assert _truths_once(logs[1]) == _truths_once(logs[0])
        assert len(logs[1]) <= len(logs[0])


def _truths_once(log: list[Any]) -> list[Any]:
    """The log, with a truth that is taken twice in a row once: Python may do so for ``not``."""
    return [
        one for i, one in enumerate(log) if not (i and one[0] == "__bool__" and log[i - 1] == one)
    ]
