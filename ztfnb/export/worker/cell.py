"""The process of the filters as the worker sees it: batches in, what became of them out.

Whatever a filter does to its process costs the alert that it does it on, for that filter, and
nothing else: all that was known before is kept, and another process goes on behind it.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import monotonic, monotonic_ns, sleep
from typing import Any, Self

from ztfnb.errors import ExportError, WorkerError
from ztfnb.export.worker.bundle import Bundle, read_bundle
from ztfnb.export.worker.cell_batch import Batch
from ztfnb.export.worker.cell_log import Printed
from ztfnb.export.worker.cell_memory import (
    OWN_MEMORY,
    PROGRESS_BYTES,
    Doing,
    Progress,
    Results,
    Segment,
    State,
    new_segment,
    put_packets,
)
from ztfnb.export.worker.cell_process import CellProcess
from ztfnb.export.worker.cell_wire import OUT_OF_MEMORY, RENEW, WireError
from ztfnb.export.worker.judged import Failed, FilterFacts, Judged
from ztfnb.export.worker.settings import Limits
from ztfnb.wording import one_line

SLOTS = 2
"""Batches that may be inside."""
_GLANCE = 0.1
"""How often limits are looked at [s]."""
_AWAY = 2.0
"""After so long without a look [s], an alert that seems overdue gets its time once more."""
_ATTEMPTS = 4
"""Processes that may end one after the other without having done anything."""
_PAUSE = 0.5
"""Before the second of these [s]; twice as long before each further one."""
_DECODING_SECONDS = 60.0
_BEGUN = 2
"""A process that has begun with more has done something: packets decoded, an alert judged."""
_AT_ONCE = 100
"""Times that what the process says is read before something else is looked after."""
_TAIL = 600
_NOWHERE = -1, 0, 0.0
_SENSELESS = Failed("crash", "it wrote where only the process itself writes")


class Cell:
    """A process that decodes packets and runs filters on them, and is replaced where it ends.

    One at a time belongs to one thread.

    Parameters
    ----------
    bundles
        Folders of the filters.
    limits
        What a filter may use up for one alert. They are watched while `poll` runs.
    strict
        Whether the filters are denied files, sockets, environment and further processes.
    params
        Variables ``ZTFNB_PARAM_...``: thresholds set otherwise than exported.
    python
        The interpreter that runs it; this one unless given.
    """

    def __init__(
        self,
        bundles: Sequence[Path],
        limits: Limits,
        *,
        strict: bool = False,
        params: Mapping[str, str] = {},
        python: Path | None = None,
    ) -> None:
        self.filters: tuple[FilterFacts, ...] = ()
        """Known when it has started."""
        self.restarts = 0
        """How often the process was replaced."""
        self._folders = [Path(bundle).absolute() for bundle in bundles]
        self._limits = limits
        self._strict = strict
        self._params = dict(params)
        self._bundles: list[Bundle] = []
        self._python = Path(sys.executable) if python is None else python
        self._process: CellProcess | None = None
        self._segments: list[Segment] = []
        self._handed: list[int] = []
        self._batches: list[Batch] = []
        self._serial = 0
        self._ready = False
        self._at_hand = 0
        self._reason = ""
        self._refusal: ExportError | None = None
        """Why a bundle is refused, or what is to be set in it."""
        self._fruitless = 0
        self._next_start = 0.0
        self._looked = monotonic()
        self._spared = -1, 0
        """An alert that has got its time once more, and since when [ns]."""
        self._stood = _NOWHERE
        """A batch, of how many of its packets something is not known yet, and since when [s]."""
        self._overdue: tuple[Doing, Failed] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- Beginning and end -----------------------------------------------------------------

    def start(self) -> None:
        """Start the process; returns when every filter is loaded and set up.

        Raises
        ------
        WorkerError
            If that is not possible, with the reason.
        """
        if self._segments:
            raise WorkerError("this cell has been started; make another")
        if sys.platform == "win32":
            raise WorkerError("a worker needs Linux or macOS; in Windows, start it in WSL")
        self._make_memory()
        try:
            self._launch()
            while not self._ready:
                self._turn(_GLANCE)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the process and let go of all that is inside. A second call does nothing."""
        if self._process is not None:
            self._process.close()
            self._process = None
        self._ready = False
        for batch in self._batches:
            batch.results.release()
        self._batches.clear()
        if not self._segments:
            return
        self._progress.words.release()
        for segment in self._segments:
            segment.close()
        for fd in self._handed:
            os.close(fd)
        self._segments, self._handed = [], []
        self._printed.close()

    def _make_memory(self) -> None:
        self._packets: list[Segment] = []
        self._results: list[Segment] = []
        for slot in range(SLOTS):
            packets, reading = new_segment(f"packets {slot}")
            results, other = new_segment(f"results {slot}")
            os.close(other)
            self._packets.append(packets)
            self._results.append(results)
            self._handed.append(reading)
        self._of_progress, other = new_segment("progress")
        os.close(other)
        self._of_progress.grow(PROGRESS_BYTES)
        self._progress = Progress(self._of_progress)
        self._segments = [*self._packets, *self._results, self._of_progress]
        self._printed = Printed()

    def _launch(self) -> None:
        """Start a process, and tell it what is to be done."""
        try:
            bundles = [read_bundle(folder) for folder in self._folders]
        except ExportError as error:
            raise WorkerError(str(error)) from None
        if self._bundles not in ([], bundles):
            raise WorkerError("a bundle was changed while it runs; start the worker anew")
        self._bundles = bundles
        self._progress.reset()
        self._spared = -1, 0
        self._printed.clear()
        results = [segment.fd for segment in self._results]
        order = {
            "bundles": [str(folder) for folder in self._folders],
            "params": self._params,
            "progress": self._of_progress.fd,
            "packets": self._handed,
            "results": results,
            "memory": self._limits.memory,
            "strict": self._strict,
            "facts": not self.filters,
        }
        inherited = [self._of_progress.fd, *self._handed, *results]
        self._process = CellProcess(
            self._python, self._folders[0], order, inherited, self._printed.fd
        )
        self._ready = False
        self._reason, self._refusal = "", None
        for batch in self._batches:
            if not batch.done:
                self._tell(batch)

    def _tell(self, batch: Batch) -> None:
        if self._process is not None:
            apart = (batch.apart.start, batch.apart.stop)
            self._process.tell("judge", batch.serial, batch.slot, batch.count, batch.size, apart)

    # -- Batches ---------------------------------------------------------------------------

    def submit(self, values: Sequence[bytes]) -> None:
        """Take a batch to be judged; the bytes are copied.

        Raises
        ------
        WorkerError
            If two are inside.
        """
        free = set(range(SLOTS)) - {batch.slot for batch in self._batches}
        if not free:
            raise WorkerError(f"{SLOTS} batches are inside; poll until one is done")
        slot = min(free)
        self._serial += 1
        size = put_packets(self._packets[slot], values)
        count, filters = len(values), len(self.filters)
        self._results[slot].grow(Results.bytes_of(count, filters))
        results = Results(self._results[slot], count, filters)
        batch = Batch.new(self._serial, slot, size, results)
        self._batches.append(batch)
        self._tell(batch)

    def poll(self, timeout: float) -> Judged | None:
        """Return what became of the oldest batch; None if that is not known within a time [s].

        Raises
        ------
        WorkerError
            If the process cannot be started again.
        """
        end = monotonic() + timeout
        while True:
            left = end - monotonic()
            if self._batches and not self._batches[0].done:
                self._turn(max(0.0, min(left, _GLANCE)))
            elif self._batches:
                return self._batches.pop(0).judged()
            elif left > 0:
                self._turn(min(left, _GLANCE))
            if left <= 0 and not (self._batches and self._batches[0].done):
                return None

    # -- The process -----------------------------------------------------------------------

    def _turn(self, wait: float) -> None:
        """Wait for a message for a while, take what came, and look after the process."""
        process = self._process
        if process is None:
            sleep(max(0.0, min(wait, self._next_start - monotonic())))
            if monotonic() >= self._next_start:
                self._launch()
            return
        waiting = select.poll()
        for fd in process.descriptors:
            waiting.register(fd, select.POLLIN)
        waiting.poll(wait * 1000)
        ended = process.ended()  # first, since what it said last is read then
        broken = self._hear(process)
        if ended is not None:
            self._replace(process, ended)
        elif broken:
            self._overdue = self._progress.read(), _SENSELESS
            process.kill()
            self._replace(process, 0)
        elif monotonic() - self._looked > _GLANCE / 2:
            self._watch(process)
            self._looked = monotonic()

    def _hear(self, process: CellProcess) -> bool:
        """Take what the process says; return whether that makes no sense."""
        try:
            for _ in range(_AT_ONCE):
                for message in process.incoming.receive():
                    self._take_message(process, *message)
                if process.incoming.drained:
                    return False
        except (WireError, ValueError, TypeError, IndexError, KeyError, OverflowError):
            return True
        return False

    def _take_message(self, process: CellProcess, kind: str, *rest: Any) -> None:
        match kind, rest:
            case "ready", [facts] if not self._ready:
                if not self.filters:
                    self.filters = self._said_by(facts)
                self._at_hand = next(iter(process.memory()), 0)
                self._ready = True
                self._stood = _NOWHERE
            case "failed" | "refused" as word, [reason]:
                self._reason = one_line(str(reason), _TAIL)
                self._refusal = ExportError(self._reason) if word == "refused" else None
            case "done", [serial]:
                self._batch(serial).finish()
                self._fruitless = 0
            case "failure", [serial, *failure]:
                self._batch(serial).take_failure(*failure)
            case "notes", [serial, place, number, dict() as notes]:
                self._batch(serial).take_notes(place, number, notes)
            case _:
                raise WireError(f"{kind!r} of {len(rest)} parts")

    def _said_by(self, facts: Any) -> tuple[FilterFacts, ...]:
        """Return what the process says of its filters; by name, they are those of the bundles."""
        said = tuple(FilterFacts(str(name), str(hash_), dict(set_)) for name, hash_, set_ in facts)
        if [one.name for one in said] != [one.name for one in self._bundles]:
            self._reason = "the filters have other names than their bundles; export them again"
            raise WireError(self._reason)
        return said

    def _batch(self, serial: Any) -> Batch:
        return {batch.serial: batch for batch in self._batches}[serial]

    def _watch(self, process: CellProcess) -> None:
        """End a process that is over a limit."""
        if not self._ready:
            if monotonic() - process.begun > self._limits.setup_seconds:
                process.kill()
                raise WorkerError(
                    "the filters were not ready (import and setup) within "
                    f"{self._limits.setup_seconds:g} s; allow more, or do less in setup"
                )
            return
        doing = self._progress.read()
        if (standing := self._stands()) is not None:
            process.kill()
            self._overdue = standing, Failed("time", "its process came to a stop")
            return
        over = self._over_memory(process)
        reason = over or self._over_time(doing)
        if reason is None or (over is None and self._progress.read() != doing):
            return
        line = process.where(self._folders) if doing.state == State.JUDGING else 0
        process.kill()
        # Memory is charged to the alert that was under way at the end.
        self._overdue = doing if over is None else self._progress.read(), replace(reason, line=line)

    def _over_time(self, doing: Doing) -> Failed | None:
        limit = self._limits.seconds if doing.state == State.JUDGING else _DECODING_SECONDS
        if doing.state == State.IDLE or not doing.since:
            return None
        now = monotonic_ns()
        if now - doing.since <= limit * 1e9:
            return None
        if monotonic() - self._looked > _AWAY and self._spared[0] != doing.turn:
            self._spared = doing.turn, now  # both may have been stopped meanwhile
        if self._spared[0] == doing.turn and now - self._spared[1] <= limit * 1e9:
            return None
        return Failed("time", f"took longer than {limit:g} s")

    def _stands(self) -> Doing | None:
        """Return what is overdue, going by what is known and not by what the process says it does.

        A filter that writes over that would go on for ever otherwise.
        """
        now = monotonic()
        batch = next((one for one in self._batches if not one.done), None)
        left = (-1, 0) if batch is None else (batch.serial, len(batch.results.pending()))
        serial, fewest, since = self._stood
        away = now - self._looked > _AWAY
        if batch is None or not left[1] or away or left[0] != serial or left[1] < fewest:
            self._stood = *left, now
            return None
        most = _DECODING_SECONDS + self._limits.seconds * len(self.filters)
        return batch.standing() if now - since > most else None

    def _over_memory(self, process: CellProcess) -> Failed | None:
        """Look at what is refused to nobody: memory that is shared, and other processes'."""
        used = process.memory()
        shared = sum(segment.size for segment in self._segments)
        # Another process begins with a copy of what this one has.
        beyond = sum(max(0, each - self._at_hand) for each in used) - shared
        if beyond <= self._limits.memory + OWN_MEMORY:
            return None
        return Failed("memory", f"took more than {self._limits.memory / (1 << 20):,.0f} MiB")

    def _replace(self, process: CellProcess, code: int) -> None:
        """Charge the alert that ended the process, and have another started."""
        doing = self._progress.read()
        line = process.where(self._folders) if code < 0 else 0
        process.close()
        self._process = None
        was_ready, self._ready = self._ready, False
        self._fruitless += 1
        if was_ready:
            self.restarts += 1
            self._charge(doing, code, line)
        elif not self.filters or self._fruitless >= _ATTEMPTS:
            raise WorkerError(self._why(code)) from self._refusal
        if self._fruitless >= _ATTEMPTS:
            raise WorkerError(
                f"the process of the filters ended {self._fruitless} times before it did anything: "
                f"{self._why(code)}"
            )
        pause = _PAUSE * 2 ** (self._fruitless - 2) if self._fruitless > 1 else 0.0
        self._next_start = monotonic() + pause

    def _charge(self, doing: Doing, code: int, line: int) -> None:
        """Note what an ended process cost."""
        overdue, self._overdue = self._overdue, None
        if doing.turn > _BEGUN or code == RENEW:
            self._fruitless = 0
        if overdue is not None:
            # What was begun between the look and the end is judged again.
            doing = overdue[0]
        batch = next((one for one in self._batches if one.serial == doing.serial), None)
        if batch is None or code == RENEW:
            return
        failed = overdue[1] if overdue is not None else _crashed(code, line)
        if doing.state == State.JUDGING:
            charged = batch.charge(doing, failed, surely=overdue is not None)
            self._fruitless = 0 if charged else self._fruitless
        elif doing.state == State.DECODING:
            batch.charge_decoding(doing, failed)
            self._fruitless = 0

    def _why(self, code: int) -> str:
        if self._reason:
            return self._reason
        said = one_line(self._printed.tail(), _TAIL)
        ended = f"the filters could not be made ready: {_crashed(code, 0).message}"
        return f"{ended}; it printed: {said}" if said else ended


def _crashed(code: int, line: int) -> Failed:
    """Return the failure that the end of a process means."""
    if code == OUT_OF_MEMORY:
        return Failed("memory", "memory ran out")
    name = f"exit code {code}"
    if code < 0:
        with suppress(ValueError):
            name = signal.Signals(-code).name
    return Failed("crash", f"the process ended with {name}", line)
