from __future__ import annotations

import io
import json
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from export.worker.operated import NUMBERS

from ztfnb.export.worker import logs
from ztfnb.export.worker.changes import LogEvent, changes, summary
from ztfnb.export.worker.logs import begin_log, catch_threads, log, tell
from ztfnb.source import Gap


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    """Where the log is written to, as programs read it."""
    stream = io.StringIO()
    end = begin_log("info", lambda text: text.replace("hunter2", "***"), stream=stream)
    yield stream
    end()


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_is_an_object(out: io.StringIO) -> None:
    """Time in UTC, level, event and fields; a line that is not asked for is not there."""
    tell(LogEvent(logging.WARNING, "gap", {"alerts": 5, "topic": "n\night"}))
    log.debug("too fine")
    (line,) = lines(out)
    assert datetime.fromisoformat(line.pop("time")).utcoffset() is not None
    assert line == {"level": "warning", "event": "gap", "alerts": 5, "topic": "n\night"}


def test_an_exception_is_on_one_line(out: io.StringIO) -> None:
    """What was raised, and where, is one field; no line is broken."""
    try:
        int("first\nsecond")
    except ValueError:
        log.exception("failed")
    (line,) = lines(out)
    assert line["exception"].startswith("ValueError: invalid literal for int()")
    assert "test_logs.py" in line["exception"]


def test_no_secret_in_any_field(out: io.StringIO) -> None:
    """Events, fields and exceptions are scrubbed, those of other modules too."""
    log.info("hunter2", extra={"fields": {"a": "hunter2", "b": {"c": ["hunter2"]}}})
    error = RuntimeError("with hunter2")
    logging.getLogger("ztfnb.kafka").warning("client says hunter2", exc_info=error)
    assert len(lines(out)) == 2
    assert lines(out)[1]["logger"] == "ztfnb.kafka"
    assert "hunter2" not in out.getvalue()


def test_not_more_lines_than_one_can_read(
    out: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a storm most lines are dropped and counted; errors are all written."""
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    for _ in range(1000):
        log.warning("storm")
    log.error("the end")
    told = lines(out)
    assert len(told) < 300
    assert told[-1]["event"] == "the end"
    assert len(told) + sum(line.get("lines_dropped", 0) for line in told) == 1001


def test_a_client_that_says_the_same_is_heard_once(
    out: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that does not answer is one line of the client's in half a minute, errors too."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    client = logging.getLogger("ztfnb.kafka")
    for tried in range(100):
        client.error("connection refused (after %d ms)", tried)
    client.error("certificate refused")
    now[0] += 31
    client.error("connection refused (after 7 ms)")
    told = [(line["event"], line.get("lines_dropped")) for line in lines(out)]
    assert told == [
        ("connection refused (after 0 ms)", None),
        ("certificate refused", 99),
        ("connection refused (after 7 ms)", None),
    ]


def test_what_ends_the_process_tells_why(out: io.StringIO) -> None:
    """A worker that fails is no second line with the same words."""
    assert events(state="failed", last_error="no route") == {}
    assert not out.getvalue()


def test_a_thread_that_ends_is_told(out: io.StringIO) -> None:
    """An error in a thread is a line like others, not a traceback."""
    end = catch_threads()
    thread = threading.Thread(target=lambda: 1 / 0, name="watcher")
    thread.start()
    thread.join()
    end()
    (line,) = lines(out)
    assert (line["event"], line["thread"]) == ("a thread ended", "watcher")
    assert line["exception"].startswith("ZeroDivisionError")


def test_people_read_words() -> None:
    """In a terminal a line is for people: time, level where something is wrong, words."""
    terminal = Terminal()
    end = begin_log("info", str, stream=terminal)
    tell(LogEvent(logging.INFO, "rebalanced", {"partitions": ["night/0"]}))
    fields = {"alerts": 5, "topic": "the night", "settings": {"batch": 1}, "filters": [{}]}
    tell(LogEvent(logging.ERROR, "gap", fields))
    tell(LogEvent(logging.WARNING, "trouble", {"error": "no route to it", "times": 2}))
    end()
    first, second, third = terminal.getvalue().splitlines()
    assert first[8:] == ' rebalanced partitions=["night/0"]'
    assert second[8:] == ' error: gap alerts=5 topic="the night"'
    assert third[8:] == " warning: trouble: no route to it times=2"


def test_nobody_reads_any_more() -> None:
    """A log that is closed ends nothing."""
    closed = io.StringIO()
    end = begin_log("info", str, stream=closed)
    closed.close()
    log.error("into the void")
    end()


def test_the_log_ends() -> None:
    """Afterwards the package logs as it did before."""
    package = logging.getLogger("ztfnb")
    before = (package.level, package.propagate, list(package.handlers))
    begin_log("debug", str, stream=io.StringIO())()
    assert (package.level, package.propagate, list(package.handlers)) == before


def events(**now: Any) -> dict[str, dict[str, Any]]:
    return {told.event: told.fields for told in changes(NUMBERS, replace(NUMBERS, **now))}


def test_nothing_happened() -> None:
    """Numbers that only grow are no event."""
    assert events(received=500, lag=0, produced=9, rate=1.0) == {}


def test_what_happened() -> None:
    """Whatever an operator should know of is a line, with what matters: a gap, a restart, ..."""
    gap = Gap("night", 1, 5, 7)
    told = events(
        rebalances=2, gaps=(*NUMBERS.gaps, gap), remade=("night",), restarts=3, state="caught up"
    )
    assert told["rebalanced"] == {"partitions": {"night": [0, 1]}, "times": 2}
    assert told["gap"] == {"alerts": 3, "topic": "night", "partition": 1, "first": 5, "last": 7}
    assert told["topic made anew"] == {"topic": "night"}
    assert told["filters restarted"]["times"] == 3
    assert told["caught up"] == {}


def test_the_head_of_a_topic_is_quiet() -> None:
    """A state that changes with every alert is no line of the log; one that lasts is."""
    head = replace(NUMBERS, state="caught up")
    assert [told.level for told in changes(NUMBERS, head)] == [logging.DEBUG]
    assert [told.level for told in changes(head, NUMBERS)] == [logging.DEBUG]
    away = replace(NUMBERS, state="disconnected")
    assert [told.level for told in changes(NUMBERS, away)] == [logging.WARNING]
    assert [told.level for told in changes(away, NUMBERS)] == [logging.INFO]


def test_dead_letters_are_one_line() -> None:
    """However many there are, one line says how many more, and of what kinds."""
    young = replace(NUMBERS.filters[0], failed=1003, reasons=(("not decoded", 1), ("time", 1002)))
    told = events(dead_letters=1003, filters=(young, NUMBERS.filters[1]))
    assert told == {
        "dead letters": {"new": 1000, "in_all": 1003, "reasons": {"young": {"time": 1000}}}
    }


def test_many_gaps_are_a_few_lines() -> None:
    """A hundred gaps at once are told as the first of them and a sum."""
    gaps = tuple(Gap("night", place, 0, 9) for place in range(100, 200))
    told = list(changes(NUMBERS, replace(NUMBERS, gaps=gaps)))
    assert len(told) == 21
    assert told[-1].fields == {"more": 80, "alerts": 800}


def test_trouble_is_told_once() -> None:
    """What went wrong last is a line when it is new, or goes with the change of state."""
    assert events(last_error="no route") == {"trouble": {"error": "no route"}}
    assert events(last_error="no route", state="disconnected") == {
        "disconnected": {"error": "no route"}
    }
    assert events(last_error="no topic yet", state="connecting") == {
        "connecting": {"error": "no topic yet"}
    }


def test_summary() -> None:
    """The numbers now and then: counts of each filter, lag and rate."""
    fields = summary(NUMBERS).fields
    assert fields["received"] == 100
    assert fields["filters"]["young"] == {"passed": 7, "rejected": 90, "failed": 3}
    assert (fields["lag"], fields["rate"]) == (34, 123.4)


def test_levels_are_those_of_logging() -> None:
    """Each word that a setting may be is a level."""
    for level in logs.LEVELS:
        begin_log(level, str, stream=io.StringIO())()
