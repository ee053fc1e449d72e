"""How far a worker is, on the last line of a terminal, below its log."""

from __future__ import annotations

import shutil
import sys
from typing import TextIO

from ztfnb.export.worker.numbers import WorkerNumbers

_CLEAR = "\r\033[K"
_BAR = 20


class ProgressLine:
    """Writes the line anew whenever it is shown numbers; a log line goes above it.

    Parameters
    ----------
    out
        The terminal; standard error unless given.
    """

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = sys.stderr if out is None else out

    def show(self, numbers: WorkerNumbers) -> None:
        """Write how far it is now."""
        room = shutil.get_terminal_size().columns - 1
        self._out.write(f"{_CLEAR}{line_of(numbers)[:room]}")
        self._out.flush()

    def above(self, line: str) -> str:
        """Return a line of the log so that it takes the place of the line of progress."""
        return f"{_CLEAR}{line}"

    def clear(self) -> None:
        """Take the line away."""
        self._out.write(_CLEAR)
        self._out.flush()


def line_of(numbers: WorkerNumbers) -> str:
    """Return how far a worker is, as a line to read."""
    parts = [f"{numbers.state:<9} {numbers.received:,} received"]
    if numbers.lag is not None:
        parts = [f"{_bar(numbers.received, numbers.lag)} {parts[0]}", f"{numbers.lag:,} left"]
    parts += [f"{numbers.rate:,.0f}/s"]
    parts += [f"{one.name} passed {one.passed:,}" for one in numbers.filters]
    failed = sum(one.failed for one in numbers.filters)
    return ", ".join(parts + [f"{failed:,} failed"] * bool(failed))


def report_of(numbers: WorkerNumbers) -> str:
    """Return the accounting of a worker that has ended, a line for each filter."""
    lines = [
        f"{one.name} ({one.version}): {one.received:,} received = {one.passed:,} passed + "
        f"{one.rejected:,} rejected + {one.failed:,} failed"
        for one in numbers.filters
    ]
    lines += [f"{numbers.produced:,} produced, {numbers.dead_letters:,} dead letters"]
    lost = sum(gap.size for gap in numbers.gaps)
    lines += [f"{lost:,} were deleted on the broker before they could be read"] * bool(lost)
    return "\n".join(lines)


def _bar(done: int, left: int) -> str:
    whole = done + left
    full = _BAR * done // whole if whole else _BAR
    return f"[{'#' * full}{'.' * (_BAR - full)}]"
