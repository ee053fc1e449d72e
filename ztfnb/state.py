"""The states of a stream, and how it goes from one to the next.

Without I/O or threads, so that a test can feed it whatever may happen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from ztfnb.source import Gap, SourceStatus

State = Literal["connecting", "live", "paused", "caught up", "disconnected", "failed", "closed"]
STATES: tuple[State, ...] = get_args(State)

_TOLERATED_LAG = 1_000
"""Alerts that may wait before a reader at the head counts as behind again."""


def next_state(previous: State, status: SourceStatus, *, paused: bool) -> State:
    """Return the state that follows from what the source says of itself.

    A stream that has caught up stays so while no more than a few alerts wait: at the head of a
    topic it would otherwise change its state with every alert.
    """
    if previous == "closed" or status.failed:
        return "closed" if previous == "closed" else "failed"
    if not status.connected:
        return "connecting" if previous == "connecting" else "disconnected"
    if paused:
        return "paused"
    if status.caught_up or status.exhausted:
        return "caught up"
    if previous == "caught up" and (status.lag is None or status.lag <= _TOLERATED_LAG):
        return "caught up"
    return "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What a stream has done so far. ``received`` is always ``decoded + failed``."""

    state: State
    received: int
    """Packets that the source delivered."""
    decoded: int
    failed: int
    """Packets that held no readable alert; the newest are in `Stream.failures`."""
    duplicates: int
    """Decoded alerts whose candid was already held; they take no second row."""
    held: int
    """Alerts that can be looked at now."""
    evicted: int
    """Alerts that had to make room for newer ones."""
    rate: float
    """Packets a second, over the last seconds."""
    lag: int | None
    """Packets that wait at the source; None where it cannot tell."""
    seconds_behind: float | None
    """Age of the newest packet read while others wait [s]; 0 at the head."""
    lost: int
    """Packets that the source had dropped before they could be read; see ``gaps``."""
    gaps: tuple[Gap, ...]
    topics: tuple[str, ...]
    last_error: str
    """The newest trouble in plain words; empty when there was none."""
