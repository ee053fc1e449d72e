"""Alerts made by hand for recipes: a candidate with every field that one reads, and a history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from made import NIGHT_JD, made_alert

from ztfnb.filters import Filter, passes

Changes = Mapping[str, Any]

CLEAN: Changes = {
    "jd": NIGHT_JD,
    "fid": 2,
    "magpsf": 18.5,
    "sigmapsf": 0.1,
    "rb": 0.9,
    "drb": 0.99,
    "nbad": 0,
    "fwhm": 2.0,
    "elong": 1.1,
    "magdiff": 0.0,
    "isdiffpos": "t",
    "ssdistnr": -999.0,
    "ssmagnr": -999.0,
    "ssnamenr": "null",
    "distpsnr1": 8.0,
    "sgscore1": 0.1,
    "srmag1": 20.0,
    "distpsnr2": -999.0,
    "sgscore2": -999.0,
    "srmag2": -999.0,
    "distpsnr3": -999.0,
    "sgscore3": -999.0,
    "srmag3": -999.0,
    "distnr": 8.0,
    "magnr": 20.0,
    "neargaiabright": -999.0,
    "maggaiabright": -999.0,
    "ndethist": 2,
    "jdstarthist": NIGHT_JD - 1.0,
}
"""A real source in empty sky."""


def detection(days_ago: float, magpsf: float, **changes: Any) -> dict[str, Any]:
    """An earlier detection of the same source."""
    return {
        "jd": NIGHT_JD - days_ago,
        "fid": 2,
        "pid": int(1e6 * days_ago),
        "programid": 1,
        "candid": int(1e6 * days_ago) + 7,
        "isdiffpos": "t",
        "magpsf": magpsf,
        "sigmapsf": 0.1,
        "magnr": 20.0,
        "distnr": 8.0,
        "diffmaglim": 20.5,
    } | changes


def limit(days_ago: float, diffmaglim: float, fid: int = 2) -> dict[str, Any]:
    """An earlier exposure that shows nothing."""
    nothing = dict.fromkeys(("candid", "isdiffpos", "magpsf", "sigmapsf", "magnr", "distnr"))
    return detection(days_ago, 0.0, fid=fid, diffmaglim=diffmaglim) | nothing


def given(*earlier: Changes, **candidate: Any) -> dict[str, Any]:
    """An alert with some values changed, and a history."""
    alert = made_alert(1, **{**CLEAN, **candidate})
    return alert | {"prv_candidates": list(earlier) or None}


def decides(recipe: Filter, alert: Any, **params: Any) -> bool:
    """Whether an alert passes."""
    return passes(recipe(alert, **params))
