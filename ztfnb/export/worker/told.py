"""The numbers of a worker as JSON, and back: for programs that ask, and for a notebook."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from ztfnb.export.worker.numbers import FilterNumbers, WorkerNumbers
from ztfnb.source import Gap, PartitionStatus

_NOT_KNOWN = ("ticked", "since")


def as_json(numbers: WorkerNumbers) -> dict[str, Any]:
    """Return numbers as plain values; a time that is not known is None."""
    told: dict[str, Any] = _plain(dataclasses.asdict(numbers))
    return told


def from_json(told: Mapping[str, Any]) -> WorkerNumbers:
    """Return what `as_json` made plain.

    Raises
    ------
    ValueError
        If it is none: of another version, for one.
    """
    try:
        return WorkerNumbers(
            **{
                **told,
                **{name: _time(told[name]) for name in _NOT_KNOWN},
                "filters": tuple(_filter(one) for one in told["filters"]),
                "partitions": tuple(
                    PartitionStatus(**{**one, "timestamp": _time(one["timestamp"])})
                    for one in told["partitions"]
                ),
                "gaps": tuple(Gap(**one) for one in told["gaps"]),
                "remade": tuple(told["remade"]),
            }
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"these are no numbers of a worker: {error}") from None


def accounting_of(numbers: WorkerNumbers) -> dict[str, Any]:
    """Return the books of a worker, as its last line and its report have them."""
    return {
        "received": numbers.received,
        "undecodable": numbers.undecodable,
        "produced": numbers.produced,
        "dead_letters": numbers.dead_letters,
        "in_flight": numbers.in_flight,
        "lost": sum(gap.size for gap in numbers.gaps),
        "restarts": numbers.restarts,
        "rebalances": numbers.rebalances,
        "filters": [
            {
                "filter": one.name,
                "version": one.version,
                "received": one.received,
                "passed": one.passed,
                "rejected": one.rejected,
                "failed": one.failed,
                "reasons": dict(one.reasons),
            }
            for one in numbers.filters
        ],
    }


def _filter(told: Mapping[str, Any]) -> FilterNumbers:
    reasons = tuple((str(kind), int(count)) for kind, count in told["reasons"])
    return FilterNumbers(**{**told, "reasons": reasons, "times": tuple(told["times"])})


def _time(value: float | None) -> float:
    return math.nan if value is None else value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    # JSON has no such numbers.
    return None if isinstance(value, float) and not math.isfinite(value) else value
