"""Distributions in the headers: of all held, with the part that passes, counted now and then."""

from __future__ import annotations

import threading

import pytest
from widgets.conftest import Put

from ztfnb.cuts import Cuts
from ztfnb.store import Store
from ztfnb.widgets._headerbars import EVERY, HeaderBars, Pages, pages_of
from ztfnb.widgets._pump import Pump


class Told:
    """What the page is told, and a way to wait for it."""

    def __init__(self) -> None:
        self.pages: list[Pages] = []
        self._news = threading.Semaphore(0)

    def __call__(self, pages: Pages) -> None:
        self.pages.append(pages)
        self._news.release()

    def wait(self) -> None:
        assert self._news.acquire(timeout=60)


def test_counts_all_and_the_part_that_passes(store: Store, put: Put) -> None:
    """Each bar counts what is held, and of that what the cuts keep; text has none."""
    put(range(1, 9), magpsf=17.0)
    put(range(9, 12), magpsf=19.0)
    pages = pages_of(store.snapshot(), ["magpsf", "objectId", "nosuch"], Cuts("magpsf > 18"))
    assert list(pages) == ["magpsf"]
    assert sum(pages["magpsf"]["counts"]) == 11
    assert sum(pages["magpsf"]["kept"]) == 3


def test_counts_anew_when_there_is_something_else_to_count(
    store: Store, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other columns or cuts are counted at once; new alerts after a rest; the same never again."""
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    told = Told()
    bars = HeaderBars(Pump(), told)
    put(range(1, 4))
    bars.ask(store.snapshot(), ["rb"], Cuts())
    told.wait()
    bars.ask(store.snapshot(), ["rb"], Cuts())
    put([4])
    bars.ask(store.snapshot(), ["rb"], Cuts())
    bars.ask(store.snapshot(), ["rb"], Cuts("rb > 0.1"))
    told.wait()
    now += EVERY
    put([5])
    bars.ask(store.snapshot(), ["rb"], Cuts("rb > 0.1"))
    told.wait()
    assert [sum(pages["rb"]["counts"]) for pages in told.pages] == [3, 4, 5]
    assert bars.pages == told.pages[-1]


def test_waits_while_something_is_in_a_hurry(
    store: Store, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a click, new alerts are not counted for a moment."""
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    told = Told()
    bars = HeaderBars(Pump(clock=lambda: 0.0), told)
    put([1])
    bars.ask(store.snapshot(), ["rb"], Cuts())
    told.wait()
    now = 200.0
    bars.wait(1)
    put([2])
    bars.ask(store.snapshot(), ["rb"], Cuts())
    assert not bars._work.busy
    now = 201.0
    bars.ask(store.snapshot(), ["rb"], Cuts())
    told.wait()
    assert len(told.pages) == 2
