"""What the monitor of a worker says: its numbers as plain values for a page, rounded."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from ztfnb.export.worker.numbers import BUCKETS, FilterNumbers, WorkerNumbers
from ztfnb.widgets._health import Pairs, behind_of, rate_of

STATES = {
    "starting": "The filters are being loaded.",
    "connecting": "Waiting for the brokers to answer.",
    "running": "Alerts are read, judged and written.",
    "caught up": "Everything that has arrived is judged; new alerts follow as they come.",
    "disconnected": "The brokers do not answer; they are tried again by themselves.",
    "stopping": "The batch is finished, written and committed.",
    "failed": "It could not go on without losing alerts; the log says why.",
    "closed": "It has ended in good order.",
}
"""What each state of a worker means."""

_TITLES = {
    "waiting": "Packets at the source",
    "behind": "Age of the packet judged last, while others wait",
    "written": "Packets confirmed in the output",
    "dead letters": "Packets that could not be judged, written to a topic of their own",
    "in flight": "Packets taken, and not yet certain",
    "no alerts": "Packets that hold no readable alert",
    "restarts": "How often the process of the filters was started anew",
    "rebalances": "How often partitions were shared out anew in the group",
    "lost at the source": "Alerts that the broker had deleted before they could be read",
}
_MOST = 0.99


_TOLERATED_LAG = 1_000
"""Packets that may wait before a worker that had caught up is shown as running again."""


def line_of(numbers: WorkerNumbers, shown: str = "") -> dict[str, Any]:
    """Return what stands at the top: state, rate, what waits, and what is wrong.

    Parameters
    ----------
    shown
        The state that is shown: at the head of a topic the state itself changes with every alert.
    """
    lag = numbers.lag
    steady = shown == "caught up" and numbers.state == "running" and (lag or 0) <= _TOLERATED_LAG
    state = shown if steady else numbers.state
    ended = numbers.state in ("failed", "closed")
    wrong = numbers.state in ("disconnected", "failed")
    return {
        "state": state,
        "meaning": STATES.get(state, ""),
        "rate": rate_of(numbers.rate),
        "lag": "" if lag is None or ended else f"{lag:,} waiting" if lag else "none waiting",
        "error": numbers.last_error if wrong else "",
        "running": not ended,
    }


def numbers_of(numbers: WorkerNumbers) -> Pairs:
    """Return label, value and meaning of each number; of troubles, only those that there were."""
    always = [
        ("waiting", "unknown" if numbers.lag is None else f"{numbers.lag:,}"),
        ("behind", behind_of(numbers.seconds_behind)),
        ("written", f"{numbers.produced:,}"),
        ("dead letters", f"{numbers.dead_letters:,}"),
        ("in flight", f"{numbers.in_flight:,}"),
    ]
    seldom = [
        ("no alerts", numbers.undecodable),
        ("restarts", numbers.restarts),
        ("rebalances", numbers.rebalances),
        ("lost at the source", sum(gap.size for gap in numbers.gaps)),
    ]
    told = [*always, *((label, f"{count:,}") for label, count in seldom if count)]
    return [[label, value, _TITLES[label]] for label, value in told]


def filters_of(numbers: WorkerNumbers) -> list[list[str]]:
    """Return name, version and the books of each filter, and how long it takes and why it failed.

    The books add up: received = passed + rejected + failed.
    """
    return [
        [
            one.name,
            one.version,
            f"{one.received:,}",
            f"{one.passed:,}",
            f"{one.rejected:,}",
            f"{one.failed:,}",
            "; ".join(filter(None, [time_of(one), _reasons_of(one)])),
        ]
        for one in numbers.filters
    ]


def time_of(one: FilterNumbers) -> str:
    """Return how long a filter takes for an alert: on average, and for 99 of 100."""
    judged = sum(one.times)
    if not judged:
        return ""
    mean = f"{span_of(one.seconds / judged)} an alert on average"
    reached = list(accumulate(one.times))
    place = next(place for place, count in enumerate(reached) if count >= _MOST * judged)
    if place == len(BUCKETS):
        return f"{mean}, some over {span_of(BUCKETS[-1])}"
    return f"{mean}, 99% within {span_of(BUCKETS[place])}"


def span_of(seconds: float) -> str:
    """Return a short time in its unit, in as many digits as it is worth."""
    units = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))
    unit, size = next((one for one in units if seconds >= one[1]), units[-1])
    value = seconds / size
    return f"{value:.0f} {unit}" if value >= 10 else f"{value:.2g} {unit}"


def _reasons_of(one: FilterNumbers) -> str:
    reasons = ", ".join(f"{kind} {count:,}" for kind, count in one.reasons)
    return f"failed: {reasons}" if reasons else ""
