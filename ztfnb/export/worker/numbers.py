"""The numbers of a worker at one moment: what its metrics, its log and a notebook show."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ztfnb.source import Gap, PartitionStatus

BUCKETS = (1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Upper bounds [s] of the times that an alert took in a filter; what is longer comes last."""


@dataclass(frozen=True, slots=True)
class FilterNumbers:
    """One filter since the worker began: received = passed + rejected + failed, always."""

    name: str
    version: str
    passed: int = 0
    rejected: int = 0
    failed: int = 0
    """What did not decode among them."""
    reasons: tuple[tuple[str, int], ...] = ()
    """How many failed by kind: see `ztfnb.export.worker.judged.Failed`."""
    times: tuple[int, ...] = (0,) * (len(BUCKETS) + 1)
    """How many alerts took how long, by `BUCKETS`."""
    seconds: float = 0.0
    """Time in the function, of all alerts together [s]."""

    @property
    def received(self) -> int:
        """Alerts that were judged."""
        return self.passed + self.rejected + self.failed


@dataclass(frozen=True, slots=True)
class WorkerNumbers:
    """A worker at one moment. Frozen; `ztfnb.export.worker.worker.Worker.numbers` makes one."""

    state: str = "starting"
    """``starting``, ``connecting``, ``running``, ``caught up``, ``disconnected``, ``stopping``,
    ``failed``, ``closed``."""
    filters: tuple[FilterNumbers, ...] = ()
    received: int = 0
    """Packets that were judged and whose results are certain: written, and committed."""
    undecodable: int = 0
    produced: int = 0
    """Packets confirmed in output topics."""
    dead_letters: int = 0
    """Packets confirmed in the topic of dead letters."""
    in_flight: int = 0
    """Packets taken, and not yet certain."""
    lag: int | None = None
    """Packets that wait; None where unknown."""
    seconds_behind: float | None = None
    """Now minus the time of the packet judged last; 0 when caught up; None where unknown."""
    rate: float = 0.0
    """Packets judged a second, lately."""
    partitions: tuple[PartitionStatus, ...] = ()
    gaps: tuple[Gap, ...] = ()
    """What was deleted on the broker before it could be read."""
    remade: tuple[str, ...] = ()
    """Topics that were deleted and made anew, and are read from their beginning; each time."""
    restarts: int = 0
    """How often the process that runs the filters was started anew."""
    rebalances: int = 0
    last_error: str = ""
    ticked: float = math.nan
    """`time.monotonic` when the loop last turned."""
    ready: bool = False
    """Whether the filters are loaded and the group has been joined."""
    since: float = field(default=math.nan)
    """Unix time at which the worker began [s]."""
