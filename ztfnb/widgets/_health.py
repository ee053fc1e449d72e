"""What the strip and the monitor say of a stream: numbers and words, as plain values for a page.

Numbers are rounded to what they mean, so that a stream that stands still looks the same and
nothing has to be sent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from ztfnb.advice import STATES, advise
from ztfnb.errors import ConfigError
from ztfnb.quarantine import MOST, Failure
from ztfnb.source import PartitionStatus, Start, parse_start
from ztfnb.state import Stats
from ztfnb.stream import LogLine

LINES = 100
"""Lines of the log, and quarantined packets, that a page is sent."""
_LONGEST = 300
_SPAN = re.compile(r"(\d{1,9}(?:\.\d{0,9})?)\s*(s|m|min|h|d|)")
_SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "": 3600.0, "d": 86400.0}
_TITLES = {
    "received": "Packets that the source delivered: decoded + failed",
    "decoded": "Packets that hold an alert",
    "failed": "Packets that hold no readable alert; the newest are kept and can be saved",
    "held": "Alerts that can be looked at now",
    "seen before": "Alerts that arrived again; each is held once",
    "without candid": "Alerts that nothing identifies; they cannot be held",
    "made room": "Alerts that left the memory for newer ones; their source may still have them",
    "lost at the source": "Packets that the source had dropped before they could be read",
    "not shown": "Alerts that came and left before this page could show them; code saw them all",
}

_BEHIND = "Age of the newest packet read while others wait"

Pairs = list[list[str]]
"""Label, value and explanation of each."""


def line_of(stats: Stats, missed: int = 0) -> dict[str, Any]:
    """Return what the strip says; trouble only where there is any."""
    behind = stats.seconds_behind
    counts = _pairs([("received", stats.received), ("held", stats.held)])
    # What comes and goes comes last, so that nothing else moves.
    if behind is not None and behind >= 1:
        counts.append(["behind", _span(behind), _BEHIND])
    counts += _pairs(
        (label, count)
        for label, count in (
            ("failed", stats.failed),
            ("lost at the source", stats.lost),
            ("not shown", missed),
        )
        if count
    )
    return {
        "state": stats.state,
        "meaning": STATES[stats.state],
        "rate": rate_of(stats.rate),
        "lag": ""
        if stats.lag is None
        else f"{stats.lag:,} waiting"
        if stats.lag
        else "none waiting",
        "counts": counts,
        "error": stats.error,
        "helped": advise(stats.trouble) is not None,
    }


def panel_of(stats: Stats, missed: int = 0) -> dict[str, Any]:
    """Return what the monitor says in numbers and words besides the strip's."""
    numbers = [
        ["received/s", rate_of(stats.rate), "Packets a second, over the last seconds"],
        ["decoded/s", rate_of(stats.decoded_rate), "Alerts a second, over the last seconds"],
        ["waiting", "unknown" if stats.lag is None else f"{stats.lag:,}", "At the source"],
        ["behind", behind_of(stats.seconds_behind), _BEHIND],
    ]
    numbers += _pairs([("held", stats.held)])
    numbers += _pairs(
        (label, count)
        for label, count in (
            ("seen before", stats.duplicates),
            ("without candid", stats.unidentified),
            ("made room", stats.evicted),
            ("lost at the source", stats.lost),
            ("not shown", missed),
        )
        if count
    )
    found = advise(stats.trouble)
    return {
        "balance": _pairs(
            [("received", stats.received), ("decoded", stats.decoded), ("failed", stats.failed)]
        ),
        "numbers": numbers,
        "help": found and {"title": found.title, "meaning": found.meaning, "steps": found.steps},
    }


def partitions_of(partitions: Sequence[PartitionStatus]) -> list[list[str]]:
    """Return topic, partition, position, lag and time of the newest packet of each."""
    return [
        [
            one.topic,
            str(one.partition),
            f"{one.position:,}",
            "" if one.lag is None else f"{one.lag:,}",
            clock_of(one.timestamp),
        ]
        for one in sorted(partitions, key=lambda one: (one.topic, one.partition))
    ]


def log_of(log: Sequence[LogLine]) -> list[list[Any]]:
    """Return time, text and whether it is trouble of the newest lines, the newest first."""
    return [
        [clock_of(line.time), line.text[:_LONGEST], line.trouble] for line in log[: -LINES - 1 : -1]
    ]


def failures_of(failures: Sequence[Failure], failed: int) -> dict[str, Any]:
    """Return the newest quarantined packets, the newest first, and how many there are."""
    let_go = sum(not failure.kept for failure in failures)
    notes = []
    if len(failures) > LINES:
        notes.append(f"The newest {LINES} are listed; all {len(failures):,} are saved.")
    if let_go:
        notes.append(f"{let_go:,} are no longer in memory: saving fetches them from the source.")
    if failed > len(failures):
        notes.append(f"Of {failed:,} that failed, the newest {MOST:,} are kept.")
    return {
        "failed": failed,
        "count": len(failures),
        "notes": " ".join(notes),
        "rows": [
            {
                "key": list(failure.packet.coordinates),
                "where": f"{failure.packet.topic[:_LONGEST]}, partition "
                f"{failure.packet.partition}, offset {failure.packet.offset:,}",
                "time": clock_of(failure.time),
                "size": size_of(failure.size),
                "reason": failure.error.reason[:_LONGEST],
            }
            for failure in failures[: -LINES - 1 : -1]
        ],
    }


def start_of(text: str, now: float) -> Start:
    """Read how far back somebody wants to go.

    Parameters
    ----------
    text
        ``"beginning"``; hours, ``"2.5"``; a span with its unit, ``"30 min"`` (s, min, h, d); or an
        ISO time, UTC unless it says otherwise.
    now
        Unix time [s].

    Raises
    ------
    ConfigError
        If it is none of these, or not in the past.
    """
    text = text.strip()[:40]
    span = _SPAN.fullmatch(text)
    if text == "beginning":
        return parse_start(text)
    place = now - float(span[1]) * _SECONDS[span[2]] if span else math.nan
    if not span:
        try:
            place = parse_start(text).time
        except ConfigError:
            place = math.nan
    if not 0 < place < now:
        raise ConfigError(
            "rewind: expected hours (2.5), a span (30 min) or a time that is past "
            f"(2026-01-15T05:00, UTC), got {text!r}"
        )
    return Start("time", time=place)


def rate_of(rate: float) -> str:
    """Return packets a second in as many digits as they are worth."""
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"


def clock_of(moment: float) -> str:
    """Return a Unix time as UTC, with the date unless it is today; empty for NaN."""
    if not 0 <= moment < 2e11:
        return ""
    shown = datetime.fromtimestamp(moment, UTC)
    today = shown.date() == datetime.now(UTC).date()
    return f"{shown:%H:%M:%S}" if today else f"{shown:%Y-%m-%d %H:%M:%S}"


def behind_of(seconds: float | None) -> str:
    """Return how far behind something is [s], in its unit."""
    if seconds is None:
        return "unknown"
    return _span(seconds) if seconds >= 1 else "up to date"


def size_of(size: int) -> str:
    """Return a number of bytes in its unit."""
    if size < 1000:
        return f"{size} B"
    return f"{size / 1e3:.0f} kB" if size < 1e6 else f"{size / 1e6:.1f} MB"


def _pairs(counts: Iterable[tuple[str, int]]) -> Pairs:
    return [[label, f"{count:,}", _TITLES[label]] for label, count in counts]


def _span(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
