"""The process around a worker: signals, log, the port for those who look after it, exit codes.

The worker has the main thread. Beside it one thread looks at its numbers now and then, and tells
what has happened; another answers on the port.
"""

from __future__ import annotations

import logging
import math
import os
import platform
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from typing import Protocol, Self
from urllib.parse import urlsplit

from ztfnb.errors import ConfigError, ExportError, ZtfnbError
from ztfnb.export.worker.changes import LogEvent, changes, summary
from ztfnb.export.worker.logs import begin_log, catch_threads, log, tell
from ztfnb.export.worker.masking import scrubber, shown, without_user
from ztfnb.export.worker.numbers import WorkerNumbers
from ztfnb.export.worker.settings import WorkerSettings
from ztfnb.export.worker.told import accounting_of

DONE, GAVE_UP, WRONG_SETTINGS = 0, 1, 2
"""Exit codes: stopped or caught up; cannot go on; settings that are wrong."""
GRACE = 20.0
"""Time from being asked to end until it ends by force [s]: below the 30 s of Kubernetes."""
_BEAT = 0.5
_SOON = 1.0
"""After how long without an answer of a broker this is told [s]."""
_SUMMARY_EVERY = 60.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Runs(Protocol):
    """What is served: `ztfnb.export.worker.worker.Worker`."""

    def run(self, stop: threading.Event) -> None:
        """Work until it is told to stop, or has caught up."""

    def numbers(self) -> WorkerNumbers:
        """Return its numbers; from any thread."""


Make = Callable[[WorkerSettings, Mapping[str, str]], Runs]


def serve(
    settings: WorkerSettings,
    *,
    environ: Mapping[str, str] | None = None,
    stop: threading.Event | None = None,
    began: Callable[[int | None], None] = lambda _port: None,
    look: Callable[[WorkerNumbers], None] = lambda _numbers: None,
    wrap: Callable[[str], str] = lambda line: line,
    make: Make | None = None,
    force: Callable[[int], object] = os._exit,
) -> int:
    """Run a worker until it is stopped, has caught up, or cannot go on; return the exit code.

    SIGTERM and SIGINT end it in good order: the batch is finished, written and committed. A second
    one ends it at once, which loses nothing: what was not certain is done again.

    Parameters
    ----------
    settings
        What the worker is told to do.
    environ
        Where secrets are looked up; the environment unless given.
    stop
        Ends the worker like a signal when it is set.
    began
        Called once with the port that answers, None where there is none.
    look
        Called with the numbers twice a second, and with the last ones at the end.
    wrap
        What is made of each line of the log before it is written.
    make
        Makes the worker; another one for tests.
    force
        Ends the process without further ado.
    """
    environ = os.environ if environ is None else environ
    stop = threading.Event() if stop is None else stop
    with ExitStack() as at_end:
        try:
            scrub = scrubber(settings, environ)
        except ConfigError as error:
            at_end.callback(begin_log(settings.log_level, lambda text: text, wrap=wrap))
            return _told(error)
        at_end.callback(begin_log(settings.log_level, scrub, wrap=wrap))
        at_end.callback(catch_threads())
        at_end.enter_context(_signals(stop, force))
        return _serve(
            settings,
            environ,
            stop,
            scrub,
            began=began,
            look=look,
            make=make or _worker,
            force=force,
        )


def _serve(
    settings: WorkerSettings,
    environ: Mapping[str, str],
    stop: threading.Event,
    scrub: Callable[[str], str],
    *,
    began: Callable[[int | None], None],
    look: Callable[[WorkerNumbers], None],
    make: Make,
    force: Callable[[int], object],
) -> int:
    tell(LogEvent(logging.INFO, "starting", {**_versions(), "settings": shown(settings)}))
    watch: Watch | None = None
    failed: Exception | None = None
    with ExitStack() as at_end:
        try:
            worker = make(settings, environ)
            numbers = partial(_scrubbed, worker.numbers, scrub)
            port = None
            if settings.port is not None:
                from ztfnb.export.worker.httpd import StatusServer  # noqa: PLC0415 - an extra

                setup = settings.limits.setup_seconds
                server = StatusServer(numbers, settings.host, settings.port, setup=setup)
                port = at_end.enter_context(server).port
                tell(LogEvent(logging.INFO, "listening", {"host": settings.host, "port": port}))
            began(port)
            watch = at_end.enter_context(Watch(numbers, stop, look, force, _brokers(settings)))
            worker.run(stop)
        except Exception as error:  # noqa: BLE001 - the end of the process: told, with its code
            failed = error
    code = DONE if failed is None else _told(failed)
    if code == WRONG_SETTINGS:
        return code  # told in one line: there is nothing to account for
    fields = accounting_of(watch.last) if watch else {}
    level = logging.INFO if code == DONE else logging.ERROR
    tell(LogEvent(level, "ended", {"code": code, **fields}))
    return code


class Watch:
    """Looks at a worker's numbers now and then, in a thread; a context manager.

    Parameters
    ----------
    numbers
        Returns them.
    stop
        When this is set, the worker has `GRACE` to end.
    look
        Called with them each time, and when all has ended.
    force
        Ends the process when that time is over.
    brokers
        What it waits for where it does not connect.
    """

    def __init__(
        self,
        numbers: Callable[[], WorkerNumbers],
        stop: threading.Event,
        look: Callable[[WorkerNumbers], None],
        force: Callable[[int], object],
        brokers: str = "the brokers",
    ) -> None:
        self._numbers, self._stop, self._look, self._force = numbers, stop, look, force
        self._brokers = brokers
        self._connecting_since = math.inf
        self._told_of_waiting = False
        self._ended = threading.Event()
        self._asked_at: float | None = None
        self.last = WorkerNumbers()
        """The numbers that were seen last."""
        self._thread = threading.Thread(target=self._run, name="ztfnb watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._see()

    def _run(self) -> None:
        due = time.monotonic() + _SUMMARY_EVERY
        while not self._ended.wait(_BEAT):
            self._see()
            now = time.monotonic()
            if now >= due:
                due = now + _SUMMARY_EVERY
                tell(summary(self.last))
            if self._stop.is_set():
                self._wait_for_end(now)

    def _see(self) -> None:
        before, self.last = self.last, self._numbers()
        for event in changes(before, self.last):
            tell(event)
        self._tell_of_waiting()
        self._look(self.last)

    def _tell_of_waiting(self) -> None:
        """Tell once, and soon, that nobody answers: why, the client says only when it gives up."""
        if self.last.state != "connecting" or self.last.last_error or self._told_of_waiting:
            self._connecting_since = math.inf
            return
        now = time.monotonic()
        self._connecting_since = min(self._connecting_since, now)
        if now - self._connecting_since >= _SOON:
            self._told_of_waiting = True
            fields = {"error": f"{self._brokers} does not answer yet; it is tried again and again"}
            tell(LogEvent(logging.WARNING, "waiting", fields))

    def _wait_for_end(self, now: float) -> None:
        if self._asked_at is None:
            self._asked_at = now
            tell(LogEvent(logging.INFO, "asked to end", {"seconds": GRACE}))
        elif now - self._asked_at > GRACE:
            fields = {"code": GAVE_UP, **accounting_of(self.last)}
            tell(LogEvent(logging.ERROR, "ended by force", fields))
            self._force(GAVE_UP)


def _worker(settings: WorkerSettings, environ: Mapping[str, str]) -> Runs:
    # Only now: settings can be refused before the Kafka client is loaded.
    from ztfnb.export.worker.bundle import check_files, check_params, read_bundle  # noqa: PLC0415
    from ztfnb.export.worker.worker import Worker  # noqa: PLC0415

    bundles = [read_bundle(folder) for folder in settings.bundles]
    check_params(settings.params, bundles)
    for one in bundles:
        check_files(one)
    return Worker(settings, environ=environ)


def _brokers(settings: WorkerSettings) -> str:
    addresses = (urlsplit(one).netloc for one in (settings.source, settings.output))
    return " or ".join(dict.fromkeys(addresses))


def refuse(error: ConfigError) -> int:
    """Tell, where there are no settings yet, what is wrong with them; return the exit code."""
    end = begin_log("info", without_user)
    code = _told(error)
    end()
    return code


def _told(error: Exception) -> int:
    """Tell what ended the worker; return the exit code."""
    refused = (error, error.__cause__)  # the filters' process tells what it was refused for
    if any(isinstance(one, ConfigError | ExportError) for one in refused):
        fields = {"error": str(error), "code": WRONG_SETTINGS}
        log.error("wrong settings", extra={"fields": fields})
        return WRONG_SETTINGS
    if isinstance(error, ZtfnbError | ImportError):
        log.error("gave up", extra={"fields": {"error": str(error)}})
        return GAVE_UP
    log.error("failed", exc_info=error)
    return GAVE_UP


def _scrubbed(numbers: Callable[[], WorkerNumbers], scrub: Callable[[str], str]) -> WorkerNumbers:
    """Return numbers in which no error speaks of a secret."""
    found = numbers()
    return replace(found, last_error=scrub(found.last_error))


def _versions() -> dict[str, object]:
    return {
        "pid": os.getpid(),
        "ztfnb": version("ztfnb"),
        "confluent_kafka": version("confluent-kafka"),
        "python": platform.python_version(),
    }


@contextmanager
def _signals(stop: threading.Event, force: Callable[[int], object]) -> Iterator[None]:
    """Let the first signal set ``stop``, and the second end the process; only the main thread can.

    Nothing else happens in the handler: the line of the log that is being written may be this
    thread's own.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def asked(number: int, _frame: object) -> None:
        if stop.is_set():
            force(128 + number)
        stop.set()

    before = {one: signal.signal(one, asked) for one in _SIGNALS}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
