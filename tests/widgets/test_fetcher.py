"""An alert is fetched away from the page's messages, and only the latest that was asked for."""

from __future__ import annotations

import threading

from made import made_packet

from ztfnb.alert import Alert
from ztfnb.codec import decode
from ztfnb.errors import NotHeldError
from ztfnb.widgets._fetcher import Fetcher
from ztfnb.widgets._pump import Pump


class Slow:
    """A source that answers when it is let."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.begun = threading.Semaphore(0)
        self.go = threading.Semaphore(0)

    def __call__(self, candid: int) -> Alert:
        self.asked.append(candid)
        self.begun.release()
        assert self.go.acquire(timeout=10)
        if candid < 0:
            raise NotHeldError("it is gone")
        return decode(made_packet(candid))


class Told:
    """What was found, in order."""

    def __init__(self) -> None:
        self.found: list[tuple[int, bool, str]] = []
        self.told = threading.Semaphore(0)

    def __call__(self, candid: int, alert: Alert | None, reason: str) -> None:
        assert alert is None or alert.candid == candid
        self.found.append((candid, alert is not None, reason))
        self.told.release()


def test_the_latest_wins() -> None:
    """Of alerts asked for while one is being fetched only the last is fetched and told."""
    source, told = Slow(), Told()
    fetcher = Fetcher(source, told, Pump())
    fetcher.ask(1)
    assert source.begun.acquire(timeout=10)
    fetcher.ask(2)
    fetcher.ask(3)
    source.go.release(2)
    assert told.told.acquire(timeout=10)
    assert told.found == [(3, True, "")]
    assert source.asked == [1, 3]


def test_failure_is_told() -> None:
    """Why there is no alert is said in words."""
    source, told = Slow(), Told()
    Fetcher(source, told, Pump()).ask(-1)
    source.go.release()
    assert told.told.acquire(timeout=10)
    assert told.found == [(-1, False, "This packet cannot be fetched: it is gone")]


def test_let_go() -> None:
    """Nothing is told of an alert that nobody wants any more; the next one is fetched as ever."""
    source, told = Slow(), Told()
    fetcher = Fetcher(source, told, Pump())
    fetcher.ask(1)
    assert source.begun.acquire(timeout=10)
    fetcher.ask(None)
    source.go.release(2)
    fetcher.ask(2)
    assert told.told.acquire(timeout=10)
    assert told.found == [(2, True, "")]
