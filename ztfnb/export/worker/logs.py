"""The log of a worker: a JSON object a line on standard error, or plain text in a terminal.

Each line has ``time`` (UTC), ``level``, ``event`` and what belongs to the event. An exception is
told on one line. Secrets are taken out of every line, and there are only so many lines a second; of
what the Kafka client says again and again while no broker answers, there is one in half a minute.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TextIO

from ztfnb.export.worker.changes import LogEvent
from ztfnb.wording import one_line

LEVELS = ("debug", "info", "warning", "error")
_A_SECOND = 50
"""Lines a second, on average; a burst may have as many at once."""
_LONGEST = 4_000
"""Characters of a text in a line."""
_FRAMES = 12
_AGAIN = 30.0
"""Seconds in which a library's line is not written again, if only its numbers differ."""
_KINDS = 200
"""Kinds of such lines that are remembered."""
_LONG = ("settings", "filters")
"""Fields that are not for people: they gave the first, and see the others on the last line."""

log = logging.getLogger("ztfnb.worker")


def tell(event: LogEvent) -> None:
    """Write an event to the log of the worker."""
    log.log(event.level, event.event, extra={"fields": event.fields})


def begin_log(
    level: str,
    scrub: Callable[[str], str],
    *,
    stream: TextIO | None = None,
    human: bool | None = None,
    wrap: Callable[[str], str] = lambda line: line,
) -> Callable[[], None]:
    """Write the log of this package from now on; return what ends that.

    Parameters
    ----------
    level
        One of `LEVELS`.
    scrub
        Takes secrets out of a text.
    stream
        Standard error unless given.
    human
        Whether people read it; None: if ``stream`` is a terminal.
    wrap
        What is made of a finished line before it is written: a terminal has a line of progress
        to keep below the log.
    """
    out = sys.stderr if stream is None else stream
    if human is None:
        human = out.isatty()
    handler = _Lines(out, for_people if human else for_programs, scrub, wrap)
    package = logging.getLogger("ztfnb")
    before = package.level, package.propagate
    package.setLevel(level.upper())
    package.propagate = False  # each line once
    package.addHandler(handler)

    def end() -> None:
        package.removeHandler(handler)
        package.setLevel(before[0])
        package.propagate = before[1]

    return end


def for_programs(record: logging.LogRecord, dropped: int = 0) -> str:
    """Return a record as a JSON object on one line."""
    told = {
        "time": f"{_time(record):%Y-%m-%dT%H:%M:%S}.{int(record.msecs):03d}Z",
        "level": record.levelname.lower(),
        "event": record.getMessage()[:_LONGEST],
        **_fields(record),
    }
    if not record.name.startswith(log.name):
        told["logger"] = record.name
    if record.exc_info and record.exc_info[1] is not None:
        told["exception"] = _one_line(record.exc_info[1])
    if dropped:
        told["lines_dropped"] = dropped
    return json.dumps(told, default=str, ensure_ascii=False)


def for_people(record: logging.LogRecord, dropped: int = 0) -> str:
    """Return a record as a line to read: local time, level unless all is well, words, fields."""
    level = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
    given = dict(_fields(record))
    error = given.pop("error", "")  # a sentence
    told = f"{record.getMessage()}: {error}" if error else record.getMessage()
    fields = " ".join(f"{name}={_shown(given[name])}" for name in given if name not in _LONG)
    clock = f"{datetime.fromtimestamp(record.created):%H:%M:%S}"  # noqa: DTZ006 - local
    line = one_line(f"{clock} {level}{told} {fields}", _LONGEST)
    if record.exc_info and record.exc_info[1] is not None:
        line = f"{line} ({_one_line(record.exc_info[1])})"
    return f"{line} ({dropped} lines dropped)" if dropped else line


class _Lines(logging.Handler):
    """Writes lines, not too many; never raises, also when nobody reads any more."""

    def __init__(
        self,
        out: TextIO,
        line_of: Callable[[logging.LogRecord, int], str],
        scrub: Callable[[str], str],
        wrap: Callable[[str], str],
    ) -> None:
        super().__init__()
        self._out, self._line_of, self._scrub, self._wrap = out, line_of, scrub, wrap
        self._left = float(_A_SECOND)
        self._filled = time.monotonic()
        self._dropped = 0
        self._told: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, unless there were too many lately; our errors are always written."""
        now = time.monotonic()
        if self._said(record, now):
            self._dropped += 1
            return
        self._left = min(_A_SECOND, self._left + _A_SECOND * (now - self._filled))
        self._filled = now
        if self._left < 1 and record.levelno < logging.ERROR:
            self._dropped += 1
            return
        self._left = max(0.0, self._left - 1)
        dropped, self._dropped = self._dropped, 0
        line = self._scrub(self._line_of(record, dropped))
        with suppress(OSError, ValueError):  # closed, or nobody reads it
            self._out.write(f"{self._wrap(line)}\n")
            self._out.flush()

    def _said(self, record: logging.LogRecord, now: float) -> bool:
        """Return whether a library said as much lately: its client does for each connection."""
        if record.name.startswith(log.name):
            return False
        kind = re.sub(r"\d+", "0", record.getMessage())
        if now - self._told.get(kind, -_AGAIN) < _AGAIN:
            return True
        if len(self._told) >= _KINDS:
            self._told.clear()
        self._told[kind] = now
        return False


def catch_threads() -> Callable[[], None]:
    """Have what ends a thread told in the log; return what undoes that."""
    before = threading.excepthook

    def tell_of(args: threading.ExceptHookArgs) -> None:
        log.error(
            "a thread ended",
            extra={"fields": {"thread": args.thread.name if args.thread else ""}},
            exc_info=(args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback),
        )

    threading.excepthook = tell_of

    def end() -> None:
        threading.excepthook = before

    return end


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = getattr(record, "fields", {})
    return {
        name: value[:_LONGEST] if isinstance(value, str) else value
        for name, value in fields.items()
    }


def _time(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _one_line(error: BaseException) -> str:
    """Return an exception, and where it came from, on one line."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    places = " > ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
    return one_line(f"{type(error).__name__}: {error} [{places}]", _LONGEST)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value if value and " " not in value else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, default=str, ensure_ascii=False)
