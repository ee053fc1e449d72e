"""Work in a thread: the latest that was asked for is handed over, and nothing else."""

from __future__ import annotations

import threading

import pytest

from ztfnb.widgets._latest import Latest
from ztfnb.widgets._pump import Pump


class Slow:
    """Work that ends when it is let; and what was handed over, in order."""

    def __init__(self) -> None:
        self.begun, self.go_on, self.ended = (threading.Event() for _ in range(3))
        self.ran: list[int] = []
        self.got: list[int | Exception] = []

    def __call__(self) -> int:
        self.begun.set()
        self.go_on.wait(60)
        return self.quick(1)

    def quick(self, number: int) -> int:
        self.ran.append(number)
        return number

    def done(self, result: int | Exception) -> None:
        self.got.append(result)
        self.ended.set()


def test_the_latest_wins() -> None:
    """Of requests made while one runs, only the last is worked on and its result handed over."""
    work: Latest[int] = Latest(Pump(), "test")
    slow = Slow()
    work.ask(slow, slow.done)
    assert slow.begun.wait(60)
    work.ask(lambda: slow.quick(2), slow.done)
    work.ask(lambda: slow.quick(3), slow.done)
    assert work.busy
    slow.go_on.set()
    assert slow.ended.wait(60)
    assert slow.got == [3]
    assert slow.ran == [1, 3]
    assert not work.busy


def test_a_failure_is_handed_over() -> None:
    """What the work raises comes where its result would."""
    work: Latest[int] = Latest(Pump(), "test")
    slow = Slow()

    def fail() -> int:
        raise ValueError("no")

    work.ask(fail, slow.done)
    assert slow.ended.wait(60)
    assert isinstance(slow.got[0], ValueError)


def test_forgotten_work_is_handed_to_no_one() -> None:
    """A result that is wanted no more is dropped."""
    work: Latest[int] = Latest(Pump(), "test")
    slow = Slow()
    work.ask(slow, slow.done)
    assert slow.begun.wait(60)
    work.forget()
    assert not work.busy
    slow.go_on.set()
    work.ask(lambda: slow.quick(2), slow.done)
    assert slow.ended.wait(60)
    assert slow.got == [2]


def test_who_fails_to_take_a_result_does_not_end_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What raises while it takes a result is seen as any thread's error, and work goes on."""
    raised: list[type[BaseException]] = []
    failed, ended = threading.Event(), threading.Event()

    def note(what: threading.ExceptHookArgs) -> None:
        raised.append(what.exc_type)
        failed.set()

    monkeypatch.setattr(threading, "excepthook", note)
    work: Latest[int] = Latest(Pump(), "test")

    def fail(_result: int | Exception) -> None:
        raise ZeroDivisionError

    work.ask(lambda: 1, fail)
    assert failed.wait(60)
    assert raised == [ZeroDivisionError]
    work.ask(lambda: 2, lambda _result: ended.set())
    assert ended.wait(60)


def test_what_is_asked_by_who_then_fails_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked for before a result's taker raises is not forgotten with it."""
    monkeypatch.setattr(threading, "excepthook", lambda _what: None)
    ended = threading.Event()
    work: Latest[int] = Latest(Pump(), "test")

    def ask_and_fail(_result: int | Exception) -> None:
        work.ask(lambda: 2, lambda _result: ended.set())
        raise ZeroDivisionError

    work.ask(lambda: 1, ask_and_fail)
    assert ended.wait(60)
