"""Whether a worker is alive, and whether it does its work: what an orchestrator asks."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ztfnb.export.worker.numbers import WorkerNumbers

LATELY = 60.0
"""Time within which the loop turns unless it hangs [s]: longer than a broker is waited for."""
READY = ("running", "caught up")


@dataclass(frozen=True, slots=True)
class Health:
    """The answer to one question."""

    well: bool
    reason: str
    """Why not; the state where it is well."""


def alive(numbers: WorkerNumbers, now: float, patience: float) -> Health:
    """Return whether the worker does not hang and has not given up.

    A broker that does not answer is no reason: starting anew would not help.

    Parameters
    ----------
    now
        `time.monotonic` [s].
    patience
        Until when, by the same clock, the loop may have its first turn [s].
    """
    if numbers.state == "failed":
        return Health(well=False, reason=f"failed: {numbers.last_error or 'see its log'}")
    if math.isnan(numbers.ticked):
        hangs = now > patience
        return Health(not hangs, "its loop never turned" if hangs else numbers.state)
    quiet = now - numbers.ticked
    if quiet > LATELY and numbers.state != "closed":
        return Health(well=False, reason=f"its loop has not turned for {quiet:.0f} s")
    return Health(well=True, reason=numbers.state)


def ready(numbers: WorkerNumbers) -> Health:
    """Return whether the filters are loaded, the group is joined and the brokers answer."""
    if numbers.ready and numbers.state in READY:
        return Health(well=True, reason=numbers.state)
    why = f": {numbers.last_error}" if numbers.last_error else ""
    return Health(well=False, reason=f"{numbers.state}{why}")
