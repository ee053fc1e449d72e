"""The monitor of a worker says its numbers in words that add up, and can end it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from export.worker.operated import NUMBERS

from ztfnb.export.worker.numbers import BUCKETS, FilterNumbers, WorkerNumbers
from ztfnb.stream import LogLine
from ztfnb.widgets import WorkerMonitor
from ztfnb.widgets._workerhealth import STATES, filters_of, line_of, numbers_of, span_of, time_of


class Worked:
    """What a worker shows, to be set at will."""

    def __init__(self) -> None:
        self.name = "young -> kafka://127.0.0.1:9092/out"
        self.numbers = NUMBERS
        self.arrivals: tuple[int, ...] = (0,) * 119 + (7,)
        self.log: tuple[LogLine, ...] = (
            LogLine(0.0, "starting"),
            LogLine(1.0, "gap", trouble=True),
        )
        self.asked = 0

    def ask_to_stop(self) -> None:
        self.asked += 1


def say(monitor: WorkerMonitor, **message: Any) -> None:
    monitor._on_message(monitor, message, [])


def test_everything_is_there_at_once() -> None:
    """State, books, numbers, partitions and log are sent without being asked for."""
    monitor = WorkerMonitor(Worked())
    assert monitor._line["state"] == "running"
    assert monitor._line["meaning"] == STATES["running"]
    assert [row[0] for row in monitor._filters] == ["young", "old"]
    assert monitor._partitions[0][:4] == ["night", "0", "60", "30"]
    assert [text for _, text, _ in monitor._log] == ["gap", "starting"]
    assert monitor._arrivals[-1] == 7


def test_the_books_add_up() -> None:
    """What a page shows of each filter is received = passed + rejected + failed, and why."""
    for row in filters_of(NUMBERS):
        received, passed, rejected, failed = (int(text.replace(",", "")) for text in row[2:6])
        assert received == passed + rejected + failed
    assert filters_of(NUMBERS)[0][-1] == (
        "12 ms an alert on average, some over 10 s; failed: not decoded 1, time 2"
    )


def test_numbers_seldom_seen_are_shown_when_there_are_any() -> None:
    """Restarts, rebalances and losses stand there only where there were some."""
    shown = {label: value for label, value, _ in numbers_of(NUMBERS)}
    assert shown == {
        "waiting": "34", "behind": "6 s", "written": "8", "dead letters": "3", "in flight": "12",
        "no alerts": "1", "restarts": "2", "rebalances": "1", "lost at the source": "5",
    }  # fmt: skip
    fresh = [label for label, _, _ in numbers_of(WorkerNumbers())]
    assert fresh == ["waiting", "behind", "written", "dead letters", "in flight"]


def test_the_line() -> None:
    """Rate and lag; an error while it matters; nothing waits for a worker that has ended."""
    line = line_of(NUMBERS)
    assert (line["rate"], line["lag"], line["running"]) == ("123", "34 waiting", True)
    away = line_of(replace(NUMBERS, state="disconnected", last_error="no route"))
    assert away["error"] == "no route"
    over = line_of(replace(NUMBERS, state="closed", last_error="no route"))
    assert (over["error"], over["lag"], over["running"]) == ("", "", False)


def test_time_of_an_alert() -> None:
    """On average and for 99 of 100, by the bounds that are counted; in units that people read."""
    times = [0] * (len(BUCKETS) + 1)
    times[2], times[6] = 99, 1
    one = FilterNumbers("f", "0", passed=100, times=tuple(times), seconds=0.002)
    assert time_of(one) == "20 µs an alert on average, 99% within 10 µs"
    times[-1] = 50
    late = replace(one, times=tuple(times), seconds=600.0)
    assert time_of(late) == "4 s an alert on average, some over 10 s"
    assert time_of(FilterNumbers("f", "0")) == ""
    assert [span_of(seconds) for seconds in (2.5, 0.0031, 1e-4, 1e-6)] == [
        "2.5 s", "3.1 ms", "100 µs", "1 µs"
    ]  # fmt: skip


def test_stop() -> None:
    """The button asks it to end, and does not wait."""
    worker = Worked()
    monitor = WorkerMonitor(worker)
    say(monitor, kind="stop")
    assert worker.asked == 1
    say(monitor, kind="anything else")
    assert worker.asked == 1


def test_numbers_are_sent_now_and_then_and_a_state_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second goes by between messages unless the state changes; the same is not sent again."""
    monkeypatch.setattr("time.monotonic", lambda: 1000.0)
    worker = Worked()
    monitor = WorkerMonitor(worker)
    worker.numbers = replace(NUMBERS, produced=9)
    assert not monitor.beat()
    worker.numbers = replace(NUMBERS, produced=10, state="caught up")
    assert monitor.beat()
    assert monitor._numbers[2][1] == "10"
    monitor._numbers_at = 0.0
    assert not monitor.beat()


def test_the_head_of_a_topic_does_not_flicker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shown as caught up, a worker stays so while a few alerts wait; with many it runs again."""
    monkeypatch.setattr("time.monotonic", lambda: 1000.0)
    worker = Worked()
    worker.numbers = replace(NUMBERS, state="caught up")
    monitor = WorkerMonitor(worker)
    worker.numbers = replace(NUMBERS, state="running", lag=12)
    assert not monitor.beat()
    assert monitor._line["state"] == "caught up"
    worker.numbers = replace(NUMBERS, state="running", lag=50_000)
    assert monitor.beat()
    assert monitor._line["state"] == "running"
