"""Work in a thread: the latest that was asked for is handed over, and nothing else."""

from __future__ import annotations

import threading

import pytest

from ztfnb.widgets._latest import Latest
from ztfnb.widgets._pump import Pump


def test_the_latest_wins() -> None:
    """Of requests made while one runs, only the last result is handed over."""
    work: Latest[int] = Latest(Pump(), "test")
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()
    got: list[int | Exception] = []

    def slow() -> int:
        begun.set()
        go_on.wait(10)
        return 1

    def done(result: int | Exception) -> None:
        got.append(result)
        ended.set()

    work.ask(slow, done)
    assert begun.wait(10)
    work.ask(lambda: 2, done)
    work.ask(lambda: 3, done)
    assert work.busy
    go_on.set()
    assert ended.wait(10)
    assert got == [3]
    assert not work.busy


def test_a_failure_is_handed_over() -> None:
    """What the work raises comes where its result would."""
    work: Latest[int] = Latest(Pump(), "test")
    ended = threading.Event()
    got: list[int | Exception] = []

    def fail() -> int:
        raise ValueError("no")

    def done(result: int | Exception) -> None:
        got.append(result)
        ended.set()

    work.ask(fail, done)
    assert ended.wait(10)
    assert isinstance(got[0], ValueError)


def test_forgotten_work_is_handed_to_no_one() -> None:
    """A result that is wanted no more is dropped."""
    work: Latest[int] = Latest(Pump(), "test")
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()
    got: list[int | Exception] = []

    def slow() -> int:
        begun.set()
        go_on.wait(10)
        return 1

    def done(result: int | Exception) -> None:
        got.append(result)
        ended.set()

    work.ask(slow, done)
    assert begun.wait(10)
    work.forget()
    assert not work.busy
    go_on.set()
    work.ask(lambda: 2, done)
    assert ended.wait(10)
    assert got == [2]


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
    assert failed.wait(10)
    assert raised == [ZeroDivisionError]
    work.ask(lambda: 2, lambda _result: ended.set())
    assert ended.wait(10)
