"""The loop of a worker on real Kafka: nights, transactions, groups, gaps; with a stand-in cell."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import count

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from standins import StandIn, committed, read, running, settings_of, write

from ztfnb.errors import WorkerError
from ztfnb.export.worker.judged import Judged
from ztfnb.export.worker.settings import WorkerSettings
from ztfnb.kafka import create_topics

pytestmark = pytest.mark.kafka
_NUMBERS = count()
DAY = 86_400.0
NIGHT = 1_768_435_200.0
"""2026-01-15 00:00 UTC."""


@pytest.fixture
def name() -> str:
    """A prefix of topics and groups that no other test uses."""
    return f"loop{next(_NUMBERS)}"


def alerts(number: int, first: int = 0) -> list[bytes]:
    return [b"pass %d" % each for each in range(first, first + number)]


def until(true: Callable[[], bool], seconds: float = 240.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def settings_for(bootstrap: str, name: str, topics: str, **changed: object) -> WorkerSettings:
    values: dict[str, object] = {
        "source": f"kafka://{bootstrap}/{topics}",
        "output": f"kafka://{bootstrap}/{name}-out",
        "group": name,
        "kafka": {},
    }
    return settings_of(bootstrap, **(values | changed))


def outcome(bootstrap: str, name: str, partitions: int) -> list[bytes]:
    return sorted(one.value() or b"" for one in read(bootstrap, f"{name}-out", partitions))


def test_output_topics_are_made_like_the_source(bootstrap: str, name: str) -> None:
    """With as many partitions as what is read; dead letters too."""
    create_topics(bootstrap, [f"{name}-in"], partitions=3)
    write(bootstrap, f"{name}-in", alerts(10))
    settings = settings_for(bootstrap, name, f"{name}-in", until_caught_up=True)
    with running(settings) as worker:
        until(lambda: worker.numbers().state == "closed")
    topics = AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=60).topics
    assert len(topics[f"{name}-out"].partitions) == 3
    assert len(topics[f"{name}-out-dead-letters"].partitions) == 3
    assert outcome(bootstrap, name, 3) == sorted(alerts(10))


def test_caught_up_is_with_what_was_there(bootstrap: str, name: str) -> None:
    """A stream that never stands still does not keep a worker that is to end when caught up."""
    create_topics(bootstrap, [f"{name}-in"], partitions=2)
    write(bootstrap, f"{name}-in", alerts(50))
    over = threading.Event()

    def pour() -> None:
        for number in count(50):
            if over.wait(0.02):
                return
            write(bootstrap, f"{name}-in", alerts(1, number))

    more = threading.Thread(target=pour)
    more.start()
    settings = settings_for(bootstrap, name, f"{name}-in", until_caught_up=True)
    try:
        with running(settings) as worker:
            until(lambda: worker.numbers().state == "closed")
    finally:
        over.set()
        more.join()
    assert worker.numbers().received >= 50


def test_a_member_that_leaves_makes_room_at_once(bootstrap: str, name: str) -> None:
    """A worker that was stopped is not waited for until its session ends."""
    create_topics(bootstrap, [f"{name}-in"], partitions=2)
    write(bootstrap, f"{name}-in", alerts(10))
    # Far longer than one waits here.
    session = {"session.timeout.ms": 240_000}
    settings = settings_for(bootstrap, name, f"{name}-in", kafka=session)
    with running(settings) as first:
        until(lambda: first.numbers().received == 10)
    write(bootstrap, f"{name}-in", alerts(10, 10))
    with running(settings) as second:
        until(lambda: second.numbers().received == 10)
    assert outcome(bootstrap, name, 2) == sorted(alerts(20))


def test_nights_roll_over(bootstrap: str, name: str) -> None:
    """The new night is read from its beginning, the old one to its end, however late it came."""
    topics = [f"{name}_2026011{day}_alerts" for day in range(2, 7)]
    before, old, tonight, tomorrow, after = topics
    create_topics(bootstrap, topics[:3], partitions=2)
    for topic, first in ((before, 0), (old, 100), (tonight, 200)):
        write(bootstrap, topic, alerts(10, first))
    now = [NIGHT - DAY + 60]  # 2026-01-14
    settings = settings_for(bootstrap, name, f"{name}_{{date}}_alerts")
    with running(settings, clock=lambda: now[0]) as worker:
        # The window is of two nights: the one before is not this group's.
        until(lambda: worker.numbers().received == 20)
        now[0] += DAY
        create_topics(bootstrap, [tomorrow], partitions=2)
        write(bootstrap, tomorrow, alerts(10, 300))
        write(bootstrap, tonight, alerts(5, 210))
        until(lambda: worker.numbers().received == 35)
        # The oldest has left the window; what arrives there all the same is not lost.
        write(bootstrap, old, alerts(5, 110))
        until(lambda: worker.numbers().received == 40)
    # It stood still for a night, and two went by.
    create_topics(bootstrap, [after], partitions=2)
    write(bootstrap, after, alerts(10, 400))
    write(bootstrap, tomorrow, alerts(5, 310))
    now[0] += 4 * DAY
    with running(settings, clock=lambda: now[0]) as worker:
        until(lambda: worker.numbers().received == 15)
    expected = [
        *alerts(15, 100),
        *alerts(15, 200),
        *alerts(15, 300),
        *alerts(10, 400),
    ]
    assert outcome(bootstrap, name, 2) == sorted(expected)


def test_a_night_that_does_not_exist_yet_is_waited_for(bootstrap: str, name: str) -> None:
    """A new group that begins at the end reads a topic that comes later from its beginning."""
    settings = settings_for(bootstrap, name, f"{name}_{{date}}_alerts", start="latest")
    with running(settings, clock=lambda: NIGHT) as worker:
        until(lambda: "yet" in worker.numbers().last_error)
        assert worker.numbers().state in ("connecting", "running", "caught up")
        create_topics(bootstrap, [f"{name}_20260115_alerts"], partitions=2)
        # With what it brings before the worker has noticed that it is there.
        write(bootstrap, f"{name}_20260115_alerts", alerts(10))
        until(lambda: worker.numbers().received == 10)


def test_a_gap_is_told(bootstrap: str, name: str) -> None:
    """What was deleted before it was read is reported with its size; reading goes on behind it."""
    create_topics(bootstrap, [f"{name}-in"], partitions=1)
    write(bootstrap, f"{name}-in", alerts(10))
    settings = settings_for(bootstrap, name, f"{name}-in", until_caught_up=True)
    with running(settings) as worker:
        until(lambda: worker.numbers().state == "closed")
    write(bootstrap, f"{name}-in", alerts(30, 10))
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for future in admin.delete_records([TopicPartition(f"{name}-in", 0, 25)]).values():
        future.result(120)
    with running(settings) as worker:
        until(lambda: worker.numbers().state == "closed")
    (gap,) = worker.numbers().gaps
    assert (gap.first, gap.last, gap.size) == (10, 24, 15)
    assert worker.numbers().received == 15


def test_a_transaction_writes_and_commits_at_once(bootstrap: str, name: str) -> None:
    """Output and offsets: each alert is there once, and the next worker goes on behind."""
    create_topics(bootstrap, [f"{name}-in"], partitions=2)
    write(bootstrap, f"{name}-in", alerts(500))
    settings = settings_for(
        bootstrap, name, f"{name}-in", batch=50, transactional=True, transactional_id=name
    )
    with running(settings) as worker:
        until(lambda: worker.numbers().received == 500)
    write(bootstrap, f"{name}-in", alerts(100, 500))
    with running(settings) as worker:
        until(lambda: worker.numbers().received == 100)
    assert outcome(bootstrap, name, 2) == sorted(alerts(600))
    assert sum(committed(bootstrap, name, f"{name}-in", 2)) == 600


def test_a_topic_written_in_transactions_is_read_to_its_end(bootstrap: str, name: str) -> None:
    """The marks of transactions count as no lag: who reads what another worker wrote catches up."""
    create_topics(bootstrap, [f"{name}-in"], partitions=1)
    write(bootstrap, f"{name}-in", alerts(20))
    first = settings_for(bootstrap, name, f"{name}-in", transactional=True, until_caught_up=True)
    with running(first) as worker:
        until(lambda: worker.numbers().state == "closed")
    second = settings_for(bootstrap, f"{name}-second", f"{name}-out", until_caught_up=True)
    with running(second) as worker:
        until(lambda: worker.numbers().state == "closed")
    assert worker.numbers().received == 20
    assert worker.numbers().lag == 0


def test_two_workers_of_one_transactional_id_are_told_apart(bootstrap: str, name: str) -> None:
    """The first is fenced off by the second, and says what to change."""
    create_topics(bootstrap, [f"{name}-in"], partitions=2)
    settings = settings_for(
        bootstrap, name, f"{name}-in", transactional=True, transactional_id=name
    )

    def both() -> None:
        with running(settings) as first:
            until(lambda: first.numbers().state == "caught up")
            with running(settings) as second:
                until(lambda: second.numbers().ready)
                write(bootstrap, f"{name}-in", alerts(100))
                until(lambda: first.numbers().state == "failed")

    with pytest.raises(WorkerError, match="another worker uses the same transactional id"):
        both()


def test_an_alert_too_large_for_the_topic_ends_no_transaction_for_ever(
    bootstrap: str, name: str
) -> None:
    """It is aborted once, and then a dead letter stands for that alert."""
    create_topics(bootstrap, [f"{name}-in"], partitions=1)
    write(bootstrap, f"{name}-in", [*alerts(10), b"pass 10 " + b"x" * 5_000, *alerts(10, 11)])
    settings = settings_for(
        bootstrap,
        name,
        f"{name}-in",
        transactional=True,
        until_caught_up=True,
        kafka={"message.max.bytes": 2_000},
    )
    with running(settings) as worker:
        until(lambda: worker.numbers().state == "closed")
    numbers = worker.numbers()
    assert outcome(bootstrap, name, 1) == sorted([*alerts(10), *alerts(10, 11)])
    assert (numbers.received, numbers.produced, numbers.dead_letters) == (21, 20, 1)
    (letter,) = read(bootstrap, f"{name}-out-dead-letters", 1)
    assert (letter.key(), letter.value()) == (b"10", b"")


def delete(bootstrap: str, topic: str) -> None:
    """Delete a topic; returns when the broker knows it no more, and makes another of its name."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.delete_topics([topic])[topic].result(120)
    until(lambda: topic not in admin.list_topics(timeout=60).topics)


@pytest.mark.parametrize("transactional", [False, True])
def test_a_topic_made_anew_is_read_from_its_beginning(
    bootstrap: str, name: str, *, transactional: bool
) -> None:
    """Also where it is longer already than what was read of the old one; and that is told."""
    create_topics(bootstrap, [f"{name}-in"], partitions=2)
    write(bootstrap, f"{name}-in", alerts(10))
    settings = settings_for(bootstrap, name, f"{name}-in", transactional=transactional)
    with running(settings) as worker:
        until(lambda: worker.numbers().state == "caught up")
        delete(bootstrap, f"{name}-in")
        create_topics(bootstrap, [f"{name}-in"], partitions=2)
        write(bootstrap, f"{name}-in", alerts(40, 100))
        until(lambda: bool(worker.numbers().remade))
        until(lambda: worker.numbers().state == "caught up")
    assert {*outcome(bootstrap, name, 2)} == {*alerts(10), *alerts(40, 100)}
    assert {*worker.numbers().remade} == {f"{name}-in"}
    assert sum(committed(bootstrap, name, f"{name}-in", 2)) == 40


def test_a_topic_that_was_away_for_a_while_is_read_from_its_beginning(
    bootstrap: str, name: str
) -> None:
    """A group that began at the end of the old one does not begin at the end of the new one."""
    create_topics(bootstrap, [f"{name}-in"], partitions=2)
    settings = settings_for(bootstrap, name, f"{name}-in", start="latest")
    with running(settings) as worker:
        until(lambda: worker.numbers().state == "caught up")
        write(bootstrap, f"{name}-in", alerts(10))
        until(lambda: worker.numbers().received == 10)
        delete(bootstrap, f"{name}-in")
        until(lambda: not worker.numbers().partitions)
        create_topics(bootstrap, [f"{name}-in"], partitions=2)
        write(bootstrap, f"{name}-in", alerts(40, 100))
        until(lambda: worker.numbers().received >= 50)
        until(lambda: worker.numbers().state == "caught up")
    assert {*outcome(bootstrap, name, 2)} == {*alerts(10), *alerts(40, 100)}


@pytest.mark.parametrize("transactional", [False, True])
def test_a_commit_for_a_topic_that_is_no_more_does_not_count(
    bootstrap: str, name: str, *, transactional: bool
) -> None:
    """A worker that had not noticed yet that the topic was made anew left it behind."""
    create_topics(bootstrap, [f"{name}-in"], partitions=1)
    write(bootstrap, f"{name}-in", alerts(10))
    settings = settings_for(
        bootstrap, name, f"{name}-in", until_caught_up=True, transactional=transactional
    )
    with running(settings) as worker:
        until(lambda: worker.numbers().state == "closed")
    member = Consumer({"bootstrap.servers": bootstrap, "group.id": name})
    left = member.committed([TopicPartition(f"{name}-in", 0)], timeout=120)
    assert [one.offset for one in left] == [10]
    delete(bootstrap, f"{name}-in")
    create_topics(bootstrap, [f"{name}-in"], partitions=1)
    write(bootstrap, f"{name}-in", alerts(10, 100))
    member.commit(offsets=left, asynchronous=False)
    member.close()
    with running(settings) as worker:
        until(lambda: worker.numbers().state == "closed")
    assert outcome(bootstrap, name, 1) == sorted([*alerts(10), *alerts(10, 100)])
    assert worker.numbers().remade == (f"{name}-in",)


def test_what_was_taken_of_a_topic_that_is_no_more_is_written(bootstrap: str, name: str) -> None:
    """Nobody could read it again: the new topic is begun when everything of the old one is done."""
    create_topics(bootstrap, [f"{name}-in"], partitions=1)
    write(bootstrap, f"{name}-in", alerts(10))
    noticed = threading.Event()

    class Waiting(StandIn):
        """Has judged nothing before that is noticed."""

        def poll(self, timeout: float) -> Judged | None:
            return super().poll(timeout) if noticed.wait(timeout) else None

    with running(settings_for(bootstrap, name, f"{name}-in"), Waiting()) as worker:
        until(lambda: worker.numbers().in_flight == 10)
        delete(bootstrap, f"{name}-in")
        create_topics(bootstrap, [f"{name}-in"], partitions=1)
        write(bootstrap, f"{name}-in", alerts(10, 100))
        until(lambda: bool(worker._reader.stopped.places))
        noticed.set()
        until(lambda: bool(worker.numbers().remade))
        until(lambda: worker.numbers().state == "caught up")
    assert worker.numbers().received == worker.numbers().produced == 20
    assert outcome(bootstrap, name, 1) == sorted([*alerts(10), *alerts(10, 100)])
