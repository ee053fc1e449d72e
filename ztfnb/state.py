"""The states of a stream, and how it goes from one to the next.

Without I/O or threads, so that a test can feed it whatever may happen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from ztfnb.source import Gap, PartitionStatus, SourceStatus

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
    """What a stream has done so far, all of it at one moment.

    ``received`` is always ``decoded + failed``, and ``decoded`` is always
    ``held + duplicates + evicted + unidentified``.
    """

    state: State
    received: int
    """Packets that the source delivered."""
    decoded: int
    failed: int
    """Packets that held no readable alert; the newest are in `Stream.failures`."""
    duplicates: int
    """Decoded alerts whose candid was already held; they take no second row."""
    unidentified: int
    """Decoded alerts without a candid: they cannot be held."""
    held: int
    """Alerts that can be looked at now."""
    evicted: int
    """Alerts that had to make room for newer ones."""
    rate: float
    """Packets received a second, over the last seconds."""
    decoded_rate: float
    """Alerts decoded a second, over the same seconds."""
    lag: int | None
    """Packets that wait at the source; None where it cannot tell."""
    seconds_behind: float | None
    """Age of the newest packet read while others wait [s]; 0 at the head."""
    lost: int
    """Packets that the source had dropped before they could be read; see ``gaps``."""
    gaps: tuple[Gap, ...]
    topics: tuple[str, ...]
    partitions: tuple[PartitionStatus, ...]
    """How far each partition is read, where the source can tell."""
    error: str
    """What is wrong now, in plain words; empty when nothing is."""
    trouble: str
    """Which kind of trouble that is, as `ztfnb.advice` names them; empty where it has no name."""
    last_error: str
    """The newest trouble so far, even if it is over; empty when there was none."""
