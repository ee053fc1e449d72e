"""Filters that are ready to use, each with the source of its recipe.

::

    report = ztfnb.recipes.purity.evaluate("ztf_public_20181128.tar.gz")
    good = ztfnb.recipes.purity & ztfnb.recipes.transient
    print(ztfnb.recipes.transient.source)      # to paste into a cell and change

Each recipe is a module with one filter of the same name. What they share is in
`ztfnb.recipes.reading`: missing values, limits, pixels and signs.
"""

from __future__ import annotations

from ztfnb.recipes.fast import fast
from ztfnb.recipes.nuclear import nuclear
from ztfnb.recipes.orphan import orphan
from ztfnb.recipes.outburst import outburst
from ztfnb.recipes.periodic_variable import periodic_variable
from ztfnb.recipes.purity import purity
from ztfnb.recipes.solar_system import solar_system
from ztfnb.recipes.transient import transient
from ztfnb.recipes.young_supernova import young_supernova

__all__ = [
    "fast",
    "nuclear",
    "orphan",
    "outburst",
    "periodic_variable",
    "purity",
    "solar_system",
    "transient",
    "young_supernova",
]
