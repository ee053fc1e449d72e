"""The pump sends what is new to who asked, once, where messages are served."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from ztfnb.widgets import _pump
from ztfnb.widgets._pump import CREDIT, PATIENCE, Pump


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beats follow each other at once."""
    monkeypatch.setattr(_pump, "INTERVAL", 0.01)


class Part:
    """Has news when told so, and notes where it was asked."""

    def __init__(self) -> None:
        self.news = True
        self.threads: list[str] = []

    def beat(self) -> bool:
        self.threads.append(threading.current_thread().name)
        return self.news


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0.01)


def test_few_answers_for_each_word() -> None:
    """A part is asked to send a few times for each time that its page was ready, no more."""
    pump, part = Pump(), Part()
    pump.beat()
    assert part.threads == []
    for words in (1, 2):
        pump.ready(part)
        for _ in range(2 * CREDIT):
            pump.beat()
        assert len(part.threads) == words * CREDIT
        assert not pump.running


def test_a_word_in_between_does_not_add_up() -> None:
    """Words that cross with answers leave no more to be sent than the last of them allows."""
    pump, part = Pump(), Part()
    for _ in range(3):
        pump.ready(part)
    for _ in range(3 * CREDIT):
        pump.beat()
    assert len(part.threads) == CREDIT


def test_waits_for_news() -> None:
    """A page that is ready waits until there is news; a beat without any costs it nothing."""
    pump, part = Pump(), Part()
    part.news = False
    pump.ready(part)
    for _ in range(2 * CREDIT):
        pump.beat()
    assert pump.running
    part.news = True
    for _ in range(CREDIT):
        pump.beat()
    assert not pump.running


def test_forgets_who_is_gone() -> None:
    """A page that says nothing for long is asked no more."""
    clock = Clock()
    pump, part = Pump(clock=clock), Part()
    part.news = False
    pump.ready(part)
    clock.now = PATIENCE + 1
    pump.beat()
    assert not pump.running


@pytest.mark.usefixtures("_quick")
def test_beats_where_messages_are_served() -> None:
    """Beats run on the loop of the last message, and stop when nobody waits."""
    pump, part = Pump(), Part()

    async def serve() -> None:
        pump.ready(part)
        await until(lambda: not pump.running)

    for name in ("first", "second"):
        thread = threading.Thread(target=lambda: asyncio.run(serve()), name=name)
        thread.start()
        thread.join(60)
    assert part.threads == ["first"] * CREDIT + ["second"] * CREDIT


@pytest.mark.usefixtures("_quick")
def test_moves_on_from_a_loop_that_is_busy() -> None:
    """A loop held up by a cell does not hold up a page that speaks through another one."""
    pump, part = Pump(), Part()
    part.news = False
    released, begun = threading.Event(), threading.Event()

    async def busy() -> None:
        pump.ready(part)
        await asyncio.sleep(0.01)
        begun.set()
        released.wait(60)

    async def free() -> None:
        part.news = True
        pump.ready(part)
        await until(lambda: not pump.running)

    held = threading.Thread(target=lambda: asyncio.run(busy()), name="busy")
    held.start()
    begun.wait(60)
    other = threading.Thread(target=lambda: asyncio.run(free()), name="free")
    other.start()
    other.join(60)
    assert part.threads[-1] == "free"
    released.set()
    held.join(60)


@pytest.mark.usefixtures("_quick")
def test_calls_run_with_the_lock_where_messages_are_served() -> None:
    """Work handed over runs on the loop of the messages, or at once where there is none."""
    pump, part = Pump(), Part()
    part.news = False
    ran: list[str] = []

    def work() -> None:
        ran.append(threading.current_thread().name)

    pump.call(work)
    assert ran == [threading.current_thread().name]

    async def serve() -> None:
        pump.ready(part)
        thread = threading.Thread(target=pump.call, args=(work,), name="elsewhere")
        thread.start()
        await until(lambda: len(ran) == 2)

    serving = threading.Thread(target=lambda: asyncio.run(serve()), name="serving")
    serving.start()
    serving.join(60)
    assert ran[1] == "serving"


def test_a_loop_that_is_closed_just_now_loses_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work for a loop that ends between the question and the call runs where it was handed over."""

    pump, ran = Pump(), threading.Event()
    loop = asyncio.new_event_loop()
    loop.close()
    monkeypatch.setattr(loop, "is_running", lambda: True)
    pump._loop = loop
    pump.call(ran.set)
    assert ran.is_set()


def test_four_beats_a_second() -> None:
    """A page is told something at most four times a second."""
    assert _pump.INTERVAL >= 0.25


@pytest.mark.usefixtures("_quick")
def test_failing_beat_does_not_end_the_others() -> None:
    """A part that fails is asked no more; another one still gets its turn."""
    pump = Pump()
    good = Part()

    class Broken:
        def beat(self) -> bool:
            raise RuntimeError("broken")

    async def serve(handle: Callable[..., None]) -> None:
        asyncio.get_running_loop().set_exception_handler(handle)
        pump.ready(Broken())
        pump.ready(good)
        await until(lambda: not pump.running)

    failures: list[object] = []
    asyncio.run(asyncio.wait_for(serve(lambda _loop, context: failures.append(context)), 60))
    assert len(good.threads) == CREDIT
    assert len(failures) == 1
