"""Which alerts a changed threshold can concern.

The traces of a run know every value that was compared with each threshold. A threshold that is
used in such comparisons alone can change what becomes of an alert only through their outcomes: an
alert for which all of them stay as they were takes the same way through the filter.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from ztfnb.filters.condition import Condition
from ztfnb.filters.recorder import OPERATORS
from ztfnb.filters.threshold import Value
from ztfnb.filters.traces import LARGEST_EXACT, Column, Rows, Traces

_COMPARE = {sign: OPERATORS[sign] for sign in ("<", "<=", ">", ">=", "==", "!=")}


def concerned(
    traces: Traces,
    opaque: Collection[str],
    before: Mapping[str, Value],
    after: Mapping[str, Value],
) -> Rows | None:
    """Return the alerts whose verdict may change, as places in the sample, ascending.

    Parameters
    ----------
    traces
        Of the run with the thresholds as they were.
    opaque
        Thresholds that are used in other ways than single comparisons.
    before, after
        What the thresholds were, and are, set to.

    Returns
    -------
    numpy.ndarray or None
        None where it may be any of them.
    """
    changed = {name for name in after if not _same(before[name], after[name])}
    if changed & set(opaque) or not all(_is_number(after[name]) for name in changed):
        return None
    found = [np.zeros(0, np.int32)]
    for condition, *columns in zip(traces.conditions, traces.columns, traces.others, strict=True):
        if condition.compares in changed:
            if condition.operator not in _COMPARE:
                return None
            value = float(after[condition.compares])
            found += [column.rows[_differs(condition, column, value)] for column in columns]
    # A filter that decides otherwise when it is run again can be trusted with nothing; and of an
    # alert that cannot be brought, it is not known what was compared.
    return np.unique(np.concatenate([*found, traces.unsteady, traces.lost])).astype(np.int32)


def _same(one: Value, other: Value) -> bool:
    return type(one) is type(other) and one == other


def _is_number(value: Value) -> bool:
    return isinstance(value, bool | int | float) and abs(value) <= LARGEST_EXACT


def _differs(condition: Condition, column: Column, value: float) -> NDArray[np.bool_]:
    compare = _COMPARE[condition.operator]
    if condition.operands[1] == condition.compares:
        outcome = compare(column.left, value)
    else:
        outcome = compare(value, column.right)
    return np.asarray((outcome != (column.held == 1)) | (column.held < 0) | ~column.exact)
