"""A worker in the background of a notebook: the process of a container, beside the kernel.

It reads, filters and writes as it would in its container, in a process group of its own: an
interrupted cell does not reach it. It ends with the kernel. Passwords go to it by its environment.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any, Self

from ztfnb.errors import ConfigError, WorkerError
from ztfnb.export.letters import DeadLetter, read_letters
from ztfnb.export.worker.bundle import read_bundle
from ztfnb.export.worker.masking import scrubber
from ztfnb.export.worker.numbers import WorkerNumbers
from ztfnb.export.worker.route import Route
from ztfnb.export.worker.settings import KAFKA, settings_from
from ztfnb.export.worker.told import from_json
from ztfnb.kafka_client import check_process
from ztfnb.meter import Meter
from ztfnb.stream import LogLine, Stream

if TYPE_CHECKING:
    from ztfnb.widgets.workermonitor import WorkerMonitor

STATES = (
    "starting",
    "connecting",
    "running",
    "caught up",
    "disconnected",
    "stopping",
    "failed",
    "closed",
)
_ENDED = ("failed", "closed")
_LOG_LINES = 500
_LONGEST_LINE = 2_000
_END = 25.0
"""How long a worker may take to end after it was asked [s]: longer than it gives itself."""
_LAST_WORDS = 5.0
"""How long its log may take to be read after its end [s]."""
_MODULE = "ztfnb.export.worker.beside"
_BRIEF = ("time", "level", "event", "settings", "filters")


class BackgroundWorker:
    """A worker in a process beside this one. Made by `ztfnb.run_worker`; a context manager.

    Parameters
    ----------
    given
        Options, as `ztfnb.export.worker.settings.settings_from` takes them.
    name
        What to call it; another of the same name is stopped first.
    create
        Creates a topic where the worker itself cannot; called with each that it writes to.
    on_close
        Called once when its process has ended.

    Raises
    ------
    ConfigError
        If the options are wrong.
    ExportError
        If a bundle is none.
    """

    def __init__(
        self,
        given: Mapping[str, Any],
        *,
        name: str | None = None,
        create: Callable[[str], object] = lambda _topic: None,
        on_close: Callable[[], object] = lambda: None,
    ) -> None:
        environ = {one: text for one, text in os.environ.items() if one.startswith(KAFKA)}
        self.settings = settings_from(environ, given)
        """What it is told to do."""
        names = [read_bundle(folder).name for folder in self.settings.bundles]
        self._scrub = scrubber(self.settings, os.environ)
        self._route = Route.of(self.settings, names)
        self.outputs: Mapping[str, str] = {
            filter_name: f"kafka://{self._route.target}/{topic}"
            for filter_name, topic in zip(names, self._route.outputs, strict=True)
        }
        """The address of the output topic of each filter."""
        self.name = name or f"{', '.join(names)} -> {self.settings.output}"
        self.port: int | None = None
        """Where it answers ``/healthz`` and ``/metrics``; None where it was not told to."""
        self._on_close = on_close
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._numbers = WorkerNumbers()
        self._meter = Meter()
        self._log: deque[LogLine] = deque(maxlen=_LOG_LINES)
        self._stopped = False
        self.exit_code: int | None = None
        """0 stopped or caught up; 1 could not go on; 2 settings that are wrong; None: it runs."""
        _register(self)
        for topic in self._route.written:
            create(topic)
        self._process = self._start(given)
        self._logging = threading.Thread(target=self._read_log, name="ztfnb log", daemon=True)
        self._logging.start()
        threading.Thread(target=self._listen, name="ztfnb numbers", daemon=True).start()

    def _start(self, given: Mapping[str, Any]) -> subprocess.Popen[str]:
        # A session of its own: an interrupted cell interrupts the kernel's whole process group.
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-P", "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        assert process.stdin is not None  # noqa: S101 - given above
        with suppress(OSError):  # it ended at once: its log says why
            process.stdin.write(f"{json.dumps(given, default=str)}\n")
            process.stdin.flush()
        return process

    # -- What it is doing --------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self.exit_code is None

    @property
    def state(self) -> str:
        """What it is doing, in one of the words of `WorkerNumbers.state`."""
        return self.numbers.state

    @property
    def numbers(self) -> WorkerNumbers:
        """Its numbers, at most half a second old; the last ones when it has ended."""
        return self._numbers

    @property
    def arrivals(self) -> tuple[int, ...]:
        """Packets whose results became certain in each of the last 120 seconds, oldest first."""
        return self._meter.arrivals()

    @property
    def log(self) -> tuple[LogLine, ...]:
        """What it told last, oldest first: at most 500 lines."""
        return tuple(self._log)

    @property
    def pid(self) -> int:
        """Process id; also of its process group."""
        return self._process.pid

    @property
    def output(self) -> str:
        """The address of the output topic.

        Raises
        ------
        ConfigError
            If there are several: see ``outputs``.
        """
        return self._output(None)

    def wait(
        self,
        state: str | None = None,
        *,
        received: int | None = None,
        timeout: float | None = 60.0,
    ) -> Self:
        """Block the caller, and nobody else, until something is so; return the worker.

        Parameters
        ----------
        state
            The state to wait for: ``"caught up"``, for one.
        received
            The number of packets whose results are to be certain.
        timeout
            How long [s]; None for ever. Interrupting the cell ends the wait, not the worker.

        Raises
        ------
        TimeoutError
            If the time is over, with where it stands.
        WorkerError
            If it has ended, so that it can never become so.
        """
        if state is not None and state not in STATES:
            raise ValueError(f"state: expected one of {', '.join(STATES)}, got {state!r}")

        def reached() -> bool:
            now = self._numbers
            return (state is None or self._is(state)) and (
                received is None or now.received >= received
            )

        with self._changed:
            in_time = self._changed.wait_for(lambda: reached() or not self.running, timeout)
        if reached():
            return self
        words = [f"state {state!r}"] * bool(state)
        words += [f"{received:,} received" for _ in (received,) if received]
        if not in_time:
            raise TimeoutError(f"waited {timeout:g} s for {' and '.join(words)}: {self._stands()}")
        raise WorkerError(f"{' and '.join(words)} will not come: {self._stands()}")

    def _is(self, state: str) -> bool:
        # One that ends when it has caught up has caught up when it has ended well.
        ended_so = self.settings.until_caught_up and self.exit_code == 0 and not self._stopped
        return self._numbers.state == state or (state == "caught up" and ended_so)

    def _stands(self) -> str:
        now = self._numbers
        ended = "" if self.running else f" (exit code {self.exit_code})"
        told = [line.text for line in self._log if line.trouble]
        trouble = [text for text in told if not text.startswith("ended ")][-1:]
        error = now.last_error or "".join(trouble)
        return f"{self.name} is {now.state}{ended}, {now.received:,} received. {error}".rstrip()

    # -- What it makes -----------------------------------------------------------------------

    def connect(self, filter_name: str | None = None, **options: Any) -> Stream:
        """Open the output topic as a stream, from its beginning: see `ztfnb.connect`.

        Parameters
        ----------
        filter_name
            Which filter's, where there are several.
        options
            As `ztfnb.connect` takes them.
        """
        from ztfnb.connection import connect  # noqa: PLC0415 - a worker is of use without

        given = {
            "start": "beginning",
            "settings": self.settings.kafka or None,
            "insecure": self.settings.insecure,
        }
        return connect(self._output(filter_name), **{**given, **options})

    def dead_letters(self, *, timeout: float = 15.0) -> tuple[DeadLetter, ...]:
        """Read the topic of dead letters, all that is there now.

        Parameters
        ----------
        timeout
            How long to wait for the broker [s].

        Raises
        ------
        SourceError
            If it cannot be read in time.
        """
        return read_letters(
            self._route.target,
            self._route.dead_letters,
            settings=self.settings.kafka,
            insecure=self.settings.insecure,
            timeout=timeout,
        )

    def _output(self, filter_name: str | None) -> str:
        addresses = set(self.outputs.values())
        if filter_name is None and len(addresses) == 1:
            return addresses.pop()
        address = self.outputs.get(filter_name or "")
        if address is None:
            raise ConfigError(
                f"which output? Expected one of {', '.join(self.outputs)}, got {filter_name!r}"
            )
        return address

    def monitor(self) -> WorkerMonitor:
        """Show its numbers in the notebook: see `ztfnb.widgets.WorkerMonitor`."""
        from ztfnb.widgets.workermonitor import WorkerMonitor  # noqa: PLC0415 - the extra "lab"

        return WorkerMonitor(self)

    # -- Its end -----------------------------------------------------------------------------

    def stop(self, *, timeout: float = _END) -> None:
        """End it in good order: the batch is finished, written and committed.

        Returns when it has ended; after ``timeout`` [s] by force, which loses nothing either. A
        second call does nothing.
        """
        self.ask_to_stop()
        with self._changed:
            if not self._changed.wait_for(lambda: not self.running, timeout):
                self._kill()
                self._changed.wait_for(lambda: not self.running, _END)

    def ask_to_stop(self) -> None:
        """Tell it to end in good order, and return at once.

        Raises
        ------
        StreamClosedError
            In a forked child: the worker is its parent's.
        """
        check_process(self._pid, self.name)
        if self.running:
            self._stopped = True
            with suppress(OSError):
                self._process.send_signal(signal.SIGTERM)

    def _kill(self) -> None:
        with suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        now = self._numbers
        books = "; ".join(
            f"{one.name}: {one.received:,} received = {one.passed:,} passed + "
            f"{one.rejected:,} rejected + {one.failed:,} failed"
            for one in now.filters
        )
        lag = "" if now.lag is None else f", {now.lag:,} waiting"
        return f"<worker {self.name}: {now.state}{lag}{f'; {books}' if books else ''}>"

    # -- What it tells -----------------------------------------------------------------------

    def _listen(self) -> None:
        for line in _lines(self._process.stdout):
            with suppress(ValueError):
                told = json.loads(line)
                if "port" in told:
                    self.port = told["port"]
                else:
                    self._publish(from_json(told["numbers"]))
        code = self._process.wait()
        self._logging.join(_LAST_WORDS)
        end = "closed" if code == 0 else "failed"
        with self._changed:
            self._numbers = replace(self._numbers, state=end, rate=0.0, ready=False)
            self.exit_code = code
            self._changed.notify_all()
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        self._on_close()

    def _publish(self, numbers: WorkerNumbers) -> None:
        if numbers.state in _ENDED:  # its process still has to
            numbers = replace(numbers, state="stopping")
        with self._changed:
            new = numbers.received - self._numbers.received
            self._meter.add(new, new)
            self._numbers = numbers
            self._changed.notify_all()

    def _read_log(self) -> None:
        for line in _lines(self._process.stderr):
            self._log.append(_log_line(self._scrub(line.rstrip("\n"))))


def _lines(pipe: IO[str] | None) -> Iterable[str]:
    assert pipe is not None  # noqa: S101 - all pipes are given
    return pipe


def _log_line(line: str) -> LogLine:
    """Return a line of the worker's log as people read it."""
    try:
        told = json.loads(line)
        moment = datetime.fromisoformat(told["time"]).timestamp()
    except (ValueError, TypeError, KeyError):
        # What Python itself says when something ends badly.
        return LogLine(time.time(), line[:_LONGEST_LINE], trouble=True)
    fields = " ".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value)}"
        for name, value in told.items()
        if name not in _BRIEF
    )
    text = f"{told['event']} {fields}".rstrip()
    return LogLine(moment, text[:_LONGEST_LINE], told["level"] in ("warning", "error"))


_workers: weakref.WeakValueDictionary[str, BackgroundWorker] = weakref.WeakValueDictionary()


def _register(worker: BackgroundWorker) -> None:
    """Make room for a worker: the one of the same name, from a cell run before, is stopped."""
    old = _workers.pop(worker.name, None)
    if old is not None and old._pid == os.getpid():  # noqa: SLF001 - the registry is its own
        old.stop()
    _workers[worker.name] = worker


@atexit.register
def _stop_all() -> None:
    mine = os.getpid()
    workers = [
        worker
        for worker in list(_workers.values())
        if worker.running and worker._pid == mine  # noqa: SLF001 - the registry is its own
    ]
    for worker in workers:  # all at once, then each is waited for
        worker.ask_to_stop()
    for worker in workers:
        worker.stop(timeout=5.0)
