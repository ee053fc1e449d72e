"""Filters: plain functions of one alert that say whether it passes, and all that is asked of them.

::

    @ztfnb.filter
    def young_and_real(alert, *, rb_min=0.65, max_age=5.0):
        candidate = alert["candidate"]
        if candidate["rb"] < rb_min:
            return False
        return candidate["jd"] - candidate["jdstarthist"] <= max_age

    report = young_and_real.evaluate(live)
    report.funnel, report.explain(candid), report.near_misses(20)
"""

from __future__ import annotations

from ztfnb.filters.compose import filter_from as from_cuts
from ztfnb.filters.compose import source_of
from ztfnb.filters.decision import Verdict, merged, passes
from ztfnb.filters.defining import filter  # noqa: A004 - what people write is ztfnb.filter
from ztfnb.filters.filter import Filter

__all__ = ["Filter", "Verdict", "filter", "from_cuts", "merged", "passes", "source_of"]
