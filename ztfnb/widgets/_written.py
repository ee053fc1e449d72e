"""Cuts written as a filter: what a page is told of its source, or of what stands in the way."""

from __future__ import annotations

import keyword

from ztfnb.cuts import Cuts
from ztfnb.errors import FilterError, SelectionError
from ztfnb.filters.compose import source_of

_EXAMPLE = "my_filter"


def written(cuts: Cuts, name: str) -> dict[str, str]:
    """Return the source of cuts as a filter, as JSON for a page.

    Returns
    -------
    dict
        ``source``, empty where there is none; ``name``, what is wrong with the name; and
        ``problem``, why the cuts have no source.
    """
    told = {"source": "", "name": problem_of_name(name), "problem": ""}
    try:
        told["source"] = "" if told["name"] else source_of(cuts, name)
    except (FilterError, SelectionError) as error:
        reason = error.reason if isinstance(error, SelectionError) else str(error)
        told["problem"] = f"These cuts make no filter until one is changed or removed: {reason}"
    return told


def problem_of_name(name: str) -> str:
    """Return why a function cannot be named so, in plain words; empty where it can."""
    if keyword.iskeyword(name):
        return f"{name} is a word of Python; take another, such as {_EXAMPLE}"
    try:
        source_of("", name)
    except FilterError:
        return f"letters, digits and _ only, such as {_EXAMPLE}"
    return ""
