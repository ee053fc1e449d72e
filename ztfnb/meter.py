"""How many packets arrive: rates over the last seconds, and counts by the second.

One thread counts, any may read. Memory is bounded: two minutes of seconds.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

SECONDS = 120
"""How far back the counts by the second go."""
_WINDOW = 5.0
_SHORTEST = 0.5


class Meter:
    """Counts packets as they come.

    Parameters
    ----------
    clock
        Seconds from any zero.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # Time, and the totals received and decoded by then.
        self._totals: deque[tuple[float, int, int]] = deque([(clock(), 0, 0)])
        self._seconds: deque[tuple[int, int]] = deque(maxlen=SECONDS + 1)

    def add(self, received: int, decoded: int) -> None:
        """Count packets that arrived now, and how many of them were alerts."""
        with self._lock:
            now = self._clock()
            _, before, good = self._totals[-1]
            self._totals.append((now, before + received, good + decoded))
            while self._totals[0][0] < now - 2 * _WINDOW:
                self._totals.popleft()
            second = int(now)
            if self._seconds and self._seconds[-1][0] == second:
                received += self._seconds.pop()[1]
            self._seconds.append((second, received))

    def rates(self) -> tuple[float, float]:
        """Return packets received and alerts decoded a second, over the last seconds."""
        with self._lock:
            now = self._clock()
            last = self._totals[-1]
            first = next((entry for entry in self._totals if entry[0] >= now - _WINDOW), last)
        span = now - first[0]
        if span <= _SHORTEST:
            return 0.0, 0.0
        return (last[1] - first[1]) / span, (last[2] - first[2]) / span

    def arrivals(self) -> tuple[int, ...]:
        """Return the packets of each of the last 120 seconds, oldest first.

        The second that has only begun is left out.
        """
        with self._lock:
            end = int(self._clock())
            counts = [0] * SECONDS
            for second, count in self._seconds:
                if 0 < end - second <= SECONDS:
                    counts[second - end] = count
        return tuple(counts)
