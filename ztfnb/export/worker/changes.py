"""What happened to a worker between two moments: the lines of its log, worked out from its numbers.

Pure, so that a test can say what happened. However fast things happen, there are at most a few
lines for each look at the numbers.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ztfnb.export.worker.numbers import WorkerNumbers

_MOST_GAPS = 20
"""Gaps that are told one by one, of one look."""


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One line of a log."""

    level: int
    """As `logging` has them."""
    event: str
    fields: dict[str, Any] = field(default_factory=dict)


def changes(before: WorkerNumbers, now: WorkerNumbers) -> Iterator[LogEvent]:
    """Yield what happened from one moment to the next, if anything worth telling did."""
    if now.rebalances != before.rebalances:
        held: dict[str, list[int]] = {}
        for one in now.partitions:
            held.setdefault(one.topic, []).append(one.partition)
        yield LogEvent(logging.INFO, "rebalanced", {"times": now.rebalances, "partitions": held})
    yield from _gaps(before, now)
    for topic in now.remade[len(before.remade) :]:
        yield LogEvent(logging.WARNING, "topic made anew", {"topic": topic})
    if now.restarts != before.restarts:
        yield LogEvent(
            logging.WARNING,
            "filters restarted",
            {"times": now.restarts, "error": now.last_error},
        )
    if now.dead_letters != before.dead_letters:
        yield LogEvent(
            logging.WARNING,
            "dead letters",
            {
                "new": now.dead_letters - before.dead_letters,
                "in_all": now.dead_letters,
                "reasons": _reasons(before, now),
            },
        )
    if now.state != before.state:
        # Why it failed is told by what ends the process.
        waits = now.state in ("connecting", "disconnected")
        told = {"error": now.last_error} if waits and now.last_error else {}
        level = logging.WARNING if told else _level(before.state, now.state)
        if now.state != "failed":
            yield LogEvent(level, now.state, told)
    elif now.last_error != before.last_error and now.last_error and now.restarts == before.restarts:
        yield LogEvent(logging.WARNING, "trouble", {"error": now.last_error})


def summary(now: WorkerNumbers) -> LogEvent:
    """Return the numbers of a moment as one line."""
    return LogEvent(
        logging.INFO,
        "numbers",
        {
            "state": now.state,
            "received": now.received,
            "produced": now.produced,
            "dead_letters": now.dead_letters,
            "in_flight": now.in_flight,
            "lag": now.lag,
            "seconds_behind": now.seconds_behind,
            "rate": round(now.rate, 1),
            "filters": {
                one.name: {
                    "passed": one.passed,
                    "rejected": one.rejected,
                    "failed": one.failed,
                }
                for one in now.filters
            },
        },
    )


def _level(before: str, now: str) -> int:
    if {before, now} == {"running", "caught up"}:
        return logging.DEBUG  # at the head of a topic this comes with every alert
    return logging.WARNING if now == "disconnected" else logging.INFO


def _gaps(before: WorkerNumbers, now: WorkerNumbers) -> Iterator[LogEvent]:
    known = set(before.gaps)
    fresh = [gap for gap in now.gaps if gap not in known]
    for gap in fresh[:_MOST_GAPS]:
        where = {"topic": gap.topic, "partition": gap.partition}
        offsets = {"first": gap.first, "last": gap.last}
        yield LogEvent(logging.ERROR, "gap", {"alerts": gap.size, **where, **offsets})
    if fresh[_MOST_GAPS:]:
        rest = fresh[_MOST_GAPS:]
        yield LogEvent(
            logging.ERROR,
            "gaps",
            {"more": len(rest), "alerts": sum(gap.size for gap in rest)},
        )


def _reasons(before: WorkerNumbers, now: WorkerNumbers) -> dict[str, dict[str, int]]:
    """Return how many failed since, by filter and kind."""
    known = {one.name: dict(one.reasons) for one in before.filters}
    return {
        one.name: more
        for one in now.filters
        if (
            more := {
                kind: count - known.get(one.name, {}).get(kind, 0)
                for kind, count in one.reasons
                if count != known.get(one.name, {}).get(kind, 0)
            }
        )
    }
