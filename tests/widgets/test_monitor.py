"""The strip tells a stream's health in words, and passes commands on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ztfnb.errors import StreamClosedError
from ztfnb.state import Stats
from ztfnb.widgets import Monitor
from ztfnb.widgets.monitor import facts_of

STATS = Stats(
    state="live", received=1200, decoded=1199, failed=1, duplicates=0, held=1199, evicted=0,
    rate=42.4, lag=7, seconds_behind=130.0, lost=0, gaps=(), topics=(), last_error="",
)  # fmt: skip


class Fake:
    """A stream that notes what it is told."""

    def __init__(self) -> None:
        self.stats = STATS
        self.told: list[str] = []
        self.closed = False

    def pause(self) -> None:
        if self.closed:
            raise StreamClosedError("demo was stopped; connect again")
        self.told.append("pause")

    def resume(self) -> None:
        self.told.append("resume")


def say(monitor: Monitor, kind: str) -> None:
    monitor._on_message(monitor, {"kind": kind}, [])


def test_facts() -> None:
    """Rate, lag and counts; trouble only where there is any."""
    facts: dict[str, Any] = dict(map(tuple, facts_of(STATS, missed=3)))  # type: ignore[arg-type]
    assert facts == {
        "": "42 alerts/s", "waiting": "7", "behind": "2 min", "received": "1,200",
        "held": "1,199", "failed": "1", "not shown": "3",
    }  # fmt: skip


def test_buttons() -> None:
    """Pause and resume reach the stream; nothing else does."""
    live = Fake()
    monitor = Monitor(live)
    for kind in ("pause", "resume", "stop", "__init__"):
        say(monitor, kind)
    assert live.told == ["pause", "resume"]


def test_refusal_is_shown() -> None:
    """A command that fails leaves its reason on the strip."""
    live = Fake()
    live.closed = True
    monitor = Monitor(live)
    say(monitor, "pause")
    assert "connect again" in monitor._status["error"]


def test_beat_only_on_change() -> None:
    """The page is told when something changed."""
    live = Fake()
    monitor = Monitor(live)
    assert not monitor.beat()
    live.stats = replace(STATS, state="disconnected", last_error="the broker does not answer")
    assert monitor.beat()
    assert monitor._status["state"] == "disconnected"
    assert monitor._status["error"] == "the broker does not answer"
