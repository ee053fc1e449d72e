"""The evaluations that this process still holds: an export proves itself on the newest of them."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from itertools import count
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ztfnb.filters.filter import Filter
    from ztfnb.filters.report import Report

_held: weakref.WeakValueDictionary[int, Report] = weakref.WeakValueDictionary()
_numbers: Iterator[int] = count()


def remember(report: Report) -> None:
    """Take note of a report, for as long as somebody holds it."""
    _held[next(_numbers)] = report


def newest_of(made: Filter) -> Report | None:
    """Return the newest report of this very filter, set as it is; None where nobody holds one.

    One whose helpers or constants have been defined anew since is another filter's.
    """
    key, params = made.hash, dict(made.params)
    # A list made at once: other threads may take note of reports meanwhile.
    held = [(ref.key, report) for ref in _held.valuerefs() if (report := ref()) is not None]
    same = [pair for pair in held if pair[1].hash == key and dict(pair[1].params) == params]
    return max(same, key=itemgetter(0))[1] if same else None
