"""Filters of different manners, and what a plain loop makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from cells import Notebook

from ztfnb.filters.decision import Verdict, annotations_of, passes
from ztfnb.filters.filter import Filter

NOTEBOOK = '''
import math
import numpy as np
import ztfnb

SEEN_ENOUGH = 2

def detections(alert):
    return [one for one in alert["prv_candidates"] or () if one["magpsf"] is not None]

@ztfnb.filter
def real(alert, *, rb_min=0.65):
    return alert["candidate"]["rb"] >= rb_min

@ztfnb.filter
def seen_often(alert, *, rb_min=0.5, n_min=SEEN_ENOUGH):
    """It reads history of some alerts only."""
    if alert["candidate"]["rb"] < rb_min:
        return None
    return len(detections(alert)) >= n_min

@ztfnb.filter
def deep(alert, *, drb_min=0.5):
    """It fails on most: the field is younger than many packets."""
    return {"drb": alert["candidate"]["drb"]} if alert["candidate"]["drb"] > drb_min else 0

@ztfnb.filter
def careless(alert, *, limit=19.0):
    """It takes every exception for an answer."""
    try:
        last = alert["prv_candidates"][-1]["magpsf"]
        return last < limit
    except:
        return alert["candidate"]["magpsf"] < limit

@ztfnb.filter
def odd(alert, *, band=1):
    """Its values have no truth, or are no annotations, now and then."""
    candidate = alert["candidate"]
    if candidate["fid"] == band:
        return np.array([1.0, 2.0])
    if candidate["rb"] > 0.9:
        return {"rb": candidate["rb"], "list": []}
    return {"rb": candidate["rb"], "name": alert["objectId"], "new": candidate["ndethist"] < 3}

@ztfnb.filter
def stamped(alert):
    return len(alert["cutoutDifference"]["stampData"]) > 10_000
'''
NAMES = ("real", "seen_often", "deep", "careless", "odd", "stamped")


def filters() -> dict[str, Filter]:
    """The filters, written in a cell."""
    names = Notebook().run(NOTEBOOK)
    return {name: names[name] for name in NAMES}


def plain_loop(function: Callable[..., Any], alerts: Iterable[Any]) -> list[int]:
    """The verdicts of a plain loop, written as simply as that."""
    found = []
    for alert in alerts:
        try:
            value = function(alert)
            annotations_of(value)
            found.append(int(Verdict.PASSED if passes(value) else Verdict.REJECTED))
        except Exception:  # noqa: BLE001 - whatever an author's function raises
            found.append(int(Verdict.FAILED))
    return found


def same(one: Any, other: Any) -> None:
    """Assert that two reports tell the same of the same alerts."""
    np.testing.assert_array_equal(one.candid, other.candid)
    np.testing.assert_array_equal(one.verdict, other.verdict)
    assert one.failures == other.failures
    assert dict(one.annotations) == dict(other.annotations)
    assert sorted(map(str, one.not_read)) == sorted(map(str, other.not_read))
