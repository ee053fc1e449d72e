"""The filter of these tests, as somebody writes it in a notebook."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

import ztfnb


def rise(alert: Any) -> float:
    """How much brighter it is than the last time that it was seen in this band [mag]."""
    candidate = alert["candidate"]
    before = [
        one["magpsf"]
        for one in alert.get("prv_candidates") or ()
        if one["magpsf"] is not None and one["fid"] == candidate["fid"]
    ]
    return float(np.max(before) - candidate["magpsf"]) if before else 0.0


@ztfnb.filter
def rising(
    alert: Any,
    *,
    rb_min: Annotated[float, (0.0, 1.0)] = 0.5,
    rise_min: Annotated[float, (-3.0, 3.0)] = 0.0,
) -> bool | dict[str, float]:
    """Pass what is real and "rises", in $MAG.

    Parameters
    ----------
    rb_min
        Real-bogus score.
    rise_min
        How much [mag].
    """
    candidate = alert["candidate"]
    if candidate["isdiffpos"] not in ("t", "1"):
        return False
    if candidate["rb"] is None or candidate["rb"] < rb_min:
        return False
    if candidate["candid"] % 10 == 7:
        raise RuntimeError(f"not on candid {alert.candid}")
    risen = rise(alert)
    if risen < rise_min:
        return False
    return {"risen": risen}
