"""The loop of a worker, on the embedded broker, with a stand-in for the process of the filters."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from confluent_kafka import KafkaError, Producer, TopicPartition
from standins import QUICK, StandIn, committed, read, running, settings_of, write

from ztfnb.broker import EmbeddedBroker
from ztfnb.errors import ConfigError, WorkerError
from ztfnb.export.worker import worker as loop
from ztfnb.export.worker.judged import Judged
from ztfnb.export.worker.numbers import WorkerNumbers
from ztfnb.export.worker.service import GAVE_UP, serve
from ztfnb.export.worker.settings import WorkerSettings
from ztfnb.export.worker.worker import Worker

PARTITIONS = 4
TOPICS = ("night", "out", "out-dead-letters", "out-young", "out-other")


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(TOPICS, partitions=PARTITIONS) as broker:
        yield broker


def alerts(count: int, word: bytes = b"pass", first: int = 0) -> list[bytes]:
    return [b"%s %d" % (word, number) for number in range(first, first + count)]


def spread(number: int) -> int:
    return number % PARTITIONS


def work(settings: WorkerSettings, cell: StandIn | None = None) -> WorkerNumbers:
    """Run until caught up."""
    worker = Worker(settings, environ={}, make_cell=lambda _: cell or StandIn())
    worker.run(threading.Event())
    return worker.numbers()


def values(broker: EmbeddedBroker, topic: str) -> list[bytes]:
    return [message.value() or b"" for message in read(broker.bootstrap, topic, PARTITIONS)]


def until(true: Callable[[], bool], seconds: float = 240.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def sums(numbers: WorkerNumbers) -> bool:
    return all(one.received == numbers.received for one in numbers.filters)


def test_what_passes_goes_on_as_it_came(broker: EmbeddedBroker) -> None:
    """Original bytes, candid as key, its own headers first, then the filter's and the origin."""
    write(broker.bootstrap, "night", [b"pass 7", b"reject 8"], lambda _: 2)
    numbers = work(settings_of(broker.bootstrap, until_caught_up=True))
    (message,) = read(broker.bootstrap, "out", PARTITIONS)
    assert (message.key(), message.value()) == (b"7", b"pass 7")
    headers = message.headers()
    assert headers is not None
    assert [header[0] for header in headers] == [
        "from",
        "ztfnb.filter",
        "ztfnb.version",
        "ztfnb.params",
        "ztfnb.source.topic",
        "ztfnb.source.partition",
        "ztfnb.source.offset",
        "ztfnb.source.timestamp",
        "ztfnb.received",
        "ztfnb.note.score",
    ]
    told = dict(headers)
    assert told["ztfnb.filter"] == b"young"
    assert told["ztfnb.version"] == b"0123456789ab"
    assert json.loads(told["ztfnb.params"] or b"") == {"rb": 0.8}
    assert (told["ztfnb.source.partition"], told["ztfnb.source.offset"]) == (b"2", b"0")
    assert told["ztfnb.note.score"] == b"0.5"
    assert (numbers.received, numbers.produced, numbers.dead_letters) == (2, 1, 0)
    assert numbers.state == "closed"
    assert committed(broker.bootstrap, "ztfnb-young", "night", PARTITIONS)[2] == 2


def test_what_fails_goes_to_dead_letters(broker: EmbeddedBroker) -> None:
    """With origin, kind, message and the author's line; what is no alert keeps its key."""
    write(broker.bootstrap, "night", [b"fail 7", b"rubbish"], lambda number: number)
    numbers = work(settings_of(broker.bootstrap, until_caught_up=True))
    letters = read(broker.bootstrap, "out-dead-letters", PARTITIONS)
    failed, undecodable = sorted(letters, key=lambda one: one.value() or b"")
    told = dict(failed.headers() or ())
    assert (failed.key(), told["ztfnb.filter"]) == (b"7", b"young")
    assert told["ztfnb.error.kind"] == b"exception"
    assert told["ztfnb.error"] == b"ValueError: no"
    assert told["ztfnb.error.line"] == b"3"
    told = dict(undecodable.headers() or ())
    assert (undecodable.key(), undecodable.value()) == (b"key 1", b"rubbish")
    assert "ztfnb.filter" not in told
    assert told["ztfnb.error.kind"] == b"not decoded"
    assert told["ztfnb.source.partition"] == b"1"
    assert numbers.filters[0].reasons == (("exception", 1), ("not decoded", 1))
    assert (numbers.received, numbers.undecodable, numbers.dead_letters) == (2, 1, 2)


def test_several_filters_share_what_is_read(broker: EmbeddedBroker) -> None:
    """Each has an output and numbers; one letter for what is no alert, one for each failure."""
    packets = [*alerts(30), *alerts(20, b"fail", 30), b"rubbish"]
    write(broker.bootstrap, "night", packets, spread)
    settings = settings_of(
        broker.bootstrap,
        output=f"kafka://{broker.bootstrap}/out-{{filter}}",
        dead_letters="out-dead-letters",
        until_caught_up=True,
    )
    numbers = work(settings, StandIn(["young", "other"]))
    assert sorted(values(broker, "out-young")) == sorted(alerts(30))
    assert values(broker, "out-other") == []
    assert len(values(broker, "out-dead-letters")) == 20 + 20 + 1
    young, other = numbers.filters
    assert (young.passed, young.rejected, young.failed) == (30, 0, 21)
    assert (other.passed, other.rejected, other.failed) == (0, 30, 21)
    assert numbers.received == 51
    assert numbers.dead_letters == 41


def test_s03_errors_that_pass_lose_nothing(
    broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """100 injected produce errors, of those that are tried again and of those that are not."""
    monkeypatch.setattr(loop, "_GIVE_UP", 240.0)  # they pass, however slowly
    write(broker.bootstrap, "night", alerts(2_000), spread)
    for _ in range(20):
        broker.fail("produce", KafkaError.NOT_LEADER_FOR_PARTITION, times=2)
        broker.fail("produce", KafkaError.REQUEST_TIMED_OUT, times=2)
    with running(settings_of(broker.bootstrap, batch=100), StandIn(seconds=0.3)) as worker:
        for most in (0, 400, 800, 1_200):  # each time it has got over those before
            until(lambda: worker.numbers().received > most)  # noqa: B023 - called here
            broker.fail("produce", KafkaError.TOPIC_AUTHORIZATION_FAILED, times=5)
        until(lambda: worker.numbers().received >= 2_000)
        numbers = worker.numbers()
    assert {*alerts(2_000)} == {*values(broker, "out")}
    assert numbers.received == numbers.produced == 2_000
    assert sums(numbers)
    assert committed(broker.bootstrap, "ztfnb-young", "night", PARTITIONS) == [500] * PARTITIONS


def test_s03_what_was_refused_at_first_is_written(broker: EmbeddedBroker) -> None:
    """Of several requests one is refused while those behind it are taken: nothing is missing."""
    write(broker.bootstrap, "night", alerts(40), spread)
    settings = settings_of(broker.bootstrap, kafka=QUICK | {"batch.num.messages": 1})
    refused = threading.Event()

    class Refusing(StandIn):
        """Has the broker refuse the first request for what it judges."""

        def poll(self, timeout: float) -> Judged | None:
            judged = super().poll(timeout)
            if judged is not None and not refused.is_set():
                refused.set()
                broker.set_delay(0.2)  # so that others are on their way meanwhile
                broker.fail("produce", KafkaError.NOT_LEADER_FOR_PARTITION)
            return judged

    with running(settings, Refusing()) as worker:
        until(lambda: worker.numbers().received == 40)
        broker.set_delay(0)
    assert refused.is_set()
    assert sorted(values(broker, "out")) == sorted(alerts(40))


def test_s03_a_permanent_error_ends_the_worker(broker: EmbeddedBroker) -> None:
    """Nothing is committed, it is unhealthy within 30 s, and its process ends with another code."""
    write(broker.bootstrap, "night", alerts(100), spread)
    broker.fail("produce", KafkaError.TOPIC_AUTHORIZATION_FAILED, times=50_000)
    seen: list[tuple[float, WorkerNumbers]] = []
    began = time.monotonic()
    code = serve(
        settings_of(broker.bootstrap),
        environ={},
        look=lambda numbers: seen.append((time.monotonic() - began, numbers)),
        make=lambda settings, environ: Worker(
            settings, environ=environ, make_cell=lambda _: StandIn()
        ),
    )
    assert code == GAVE_UP
    last = seen[-1][1]
    assert last.state == "failed"
    assert "authorization" in last.last_error.lower()
    assert last.received == 0
    first = next(at for at, numbers in seen if numbers.ready)
    unwell = next(at for at, numbers in seen if numbers.state in ("disconnected", "failed"))
    assert unwell - first < 30
    # Where reading begins is committed; nothing behind it.
    assert committed(broker.bootstrap, "ztfnb-young", "night", PARTITIONS) == [0] * PARTITIONS


def test_an_alert_too_large_for_the_output_blocks_nothing(broker: EmbeddedBroker) -> None:
    """It fails with a dead letter that says where its bytes are; all others are written."""
    write(broker.bootstrap, "night", alerts(50), lambda _: 0)
    settings = settings_of(
        broker.bootstrap, until_caught_up=True, kafka=QUICK | {"message.max.bytes": 1_000}
    )
    write(broker.bootstrap, "night", [b"pass 50 " + b"x" * 5_000], lambda _: 0)
    numbers = work(settings)
    assert sorted(values(broker, "out")) == sorted(alerts(50))
    (letter,) = read(broker.bootstrap, "out-dead-letters", PARTITIONS)
    told = dict(letter.headers() or ())
    assert (letter.key(), letter.value()) == (b"50", b"")
    assert told["ztfnb.error.kind"] == b"not written"
    assert told["ztfnb.source.offset"] == b"50"
    (young,) = numbers.filters
    assert (young.passed, young.failed, numbers.received) == (50, 1, 51)
    assert young.reasons == (("not written", 1),)


def test_headers_too_large_for_the_output_block_nothing(broker: EmbeddedBroker) -> None:
    """Also where the headers or the key that a packet came with are what is too large."""
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for value in (b"pass 1", b"fail 2", b"no alert", None):
        for key, size in ((b"k", 5_000), (b"k" * 5_000, 1)):
            producer.produce("night", value, key, partition=0, headers={"much": b"x" * size})
    producer.flush()
    write(broker.bootstrap, "night", alerts(10, first=10), lambda _: 0)
    settings = settings_of(
        broker.bootstrap, until_caught_up=True, kafka=QUICK | {"message.max.bytes": 1_000}
    )
    numbers = work(settings)
    (young,) = numbers.filters
    # A long key is not kept where there is a candid.
    assert (young.passed, young.failed, numbers.received) == (11, 7, 18)
    letters = read(broker.bootstrap, "out-dead-letters", PARTITIONS)
    origins = {dict(one.headers() or ())["ztfnb.source.offset"] for one in letters}
    assert len(letters) == numbers.dead_letters == 7
    assert origins == {b"%d" % place for place in (0, *range(2, 8))}


def test_records_refused_together_are_written_one_by_one(broker: EmbeddedBroker) -> None:
    """A broker refuses a set of records for the size of all together: none of them is at fault."""
    write(broker.bootstrap, "night", alerts(40), spread)
    # Once, since what is refused alone is at fault, and nobody knows what comes together.
    broker.fail("produce", KafkaError.MSG_SIZE_TOO_LARGE)
    numbers = work(settings_of(broker.bootstrap, until_caught_up=True))
    assert sorted(values(broker, "out")) == sorted(alerts(40))
    assert (numbers.produced, numbers.dead_letters) == (40, 0)


def test_a_slow_filter_keeps_its_partitions(
    broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the cell is at work nothing more is fetched, the group is served, and all is judged."""
    monkeypatch.setattr(loop, "_PATIENCE", 0.1)
    write(broker.bootstrap, "night", alerts(60), spread)
    cell = StandIn(seconds=4.0)
    numbers = work(
        settings_of(
            broker.bootstrap,
            batch=10,
            until_caught_up=True,
            kafka=QUICK | {"max.poll.interval.ms": 10_000},
        ),
        cell,
    )
    assert sorted(values(broker, "out")) == sorted(alerts(60))
    assert (numbers.received, numbers.rebalances, cell.most) == (60, 1, 2)


def test_a_stopped_worker_has_committed_what_it_wrote(broker: EmbeddedBroker) -> None:
    """Stopped under load, it ends before that is done, and another one writes nothing again."""
    write(broker.bootstrap, "night", alerts(6_000), spread)
    settings = settings_of(broker.bootstrap, batch=100)
    # So slow that it would be at work for half a minute yet.
    with running(settings, StandIn(seconds=1.0)) as worker:
        until(lambda: worker.numbers().received > 200)
    assert worker.numbers().received < 6_000
    work(settings_of(broker.bootstrap, batch=100, until_caught_up=True))
    assert sorted(values(broker, "out")) == sorted(alerts(6_000))


def test_what_is_being_written_is_finished(
    broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped with no time left, a worker commits what it has begun to write, and that alone."""
    monkeypatch.setattr(loop, "_LAST_BATCH", 0.0)
    write(broker.bootstrap, "night", alerts(60), spread)
    settings = settings_of(broker.bootstrap, batch=10)

    class Slowing(StandIn):
        """Has the broker answer slowly when there is something to write."""

        def poll(self, timeout: float) -> Judged | None:
            judged = super().poll(timeout)
            if judged is not None:
                broker.set_delay(0.5)
            return judged

    with running(settings, Slowing()) as worker:
        until(lambda: worker._writing is not None)
    broker.set_delay(0)
    work(settings_of(broker.bootstrap, batch=10, until_caught_up=True))
    assert sorted(values(broker, "out")) == sorted(alerts(60))


def test_told_to_end_before_it_has_begun(broker: EmbeddedBroker) -> None:
    """Nothing is started any more."""
    cell, stop = StandIn(), threading.Event()
    stop.set()
    worker = Worker(settings_of(broker.bootstrap), environ={}, make_cell=lambda _: cell)
    worker.run(stop)
    assert not cell.started
    assert worker.numbers().state == "closed"


def test_numbers_add_up_at_every_moment(broker: EmbeddedBroker) -> None:
    """received = passed + rejected + failed, however often one looks."""
    packets = [*alerts(2_000), *alerts(2_000, b"reject", 2_000), *alerts(500, b"fail", 4_000)]
    write(broker.bootstrap, "night", packets, spread)
    with running(settings_of(broker.bootstrap, batch=50)) as worker:
        while (numbers := worker.numbers()).state != "caught up":
            assert sums(numbers)
            time.sleep(0.001)
    (young,) = numbers.filters
    assert (young.passed, young.rejected, young.failed) == (2_000, 2_000, 500)
    assert (numbers.lag, numbers.seconds_behind, numbers.in_flight) == (0, 0.0, 0)
    assert sum(young.times) == 4_500


def test_two_workers_share_a_group(broker: EmbeddedBroker) -> None:
    """One joins under load and one leaves: every alert is written once, none is lost."""
    write(broker.bootstrap, "night", alerts(6_000), spread)
    settings = settings_of(broker.bootstrap, batch=50)
    cells = StandIn(seconds=2.0), StandIn(seconds=2.0)
    with running(settings, cells[0]) as first:
        until(lambda: first.numbers().received > 100)
        with running(settings, cells[1]) as second:
            until(lambda: second.numbers().received > 200)
            until(lambda: len(first.numbers().partitions) == PARTITIONS // 2)
        cells[0].seconds = 0.0
        until(lambda: first.numbers().received + second.numbers().received == 6_000)
    assert sorted(values(broker, "out")) == sorted(alerts(6_000))


def test_a_new_group_begins_where_it_is_told(broker: EmbeddedBroker) -> None:
    """At the end of what is there, and it is known after a restart: nothing in between is lost."""
    write(broker.bootstrap, "night", alerts(100), spread)
    latest = settings_of(broker.bootstrap, start="latest", until_caught_up=True)
    assert work(latest).received == 0
    write(broker.bootstrap, "night", alerts(40, first=100), spread)
    assert work(latest).received == 40
    assert sorted(values(broker, "out")) == sorted(alerts(40, first=100))


def test_what_appears_later_is_read_from_its_beginning(broker: EmbeddedBroker) -> None:
    """A topic that the group did not have when it began, though it begins at the end."""
    first = settings_of(broker.bootstrap, group="g", start="latest", until_caught_up=True)
    write(broker.bootstrap, "night", alerts(10), spread)
    assert work(first).received == 0
    broker.create_topic("later", 2)
    write(broker.bootstrap, "later", alerts(20))
    both = settings_of(
        broker.bootstrap,
        source=f"kafka://{broker.bootstrap}/night,later",
        group="g",
        start="latest",
        until_caught_up=True,
    )
    assert work(both).received == 20


def test_a_gap_is_told(broker: EmbeddedBroker) -> None:
    """What expired before it was read is reported with its size, once, and reading goes on."""
    settings = settings_of(broker.bootstrap, until_caught_up=True)
    write(broker.bootstrap, "night", alerts(10), lambda _: 1)
    assert work(settings).received == 10
    write(broker.bootstrap, "night", alerts(30, first=10), lambda _: 1)
    broker.expire("night", 1, before=25)
    numbers = work(settings)
    (gap,) = numbers.gaps
    assert (gap.topic, gap.partition, gap.first, gap.last, gap.size) == ("night", 1, 10, 24, 15)
    assert numbers.received == 15
    assert work(settings).gaps == ()


def test_a_broker_that_goes_away_and_comes_back(broker: EmbeddedBroker) -> None:
    """Shown as disconnected; goes on by itself, and nothing is lost."""
    write(broker.bootstrap, "night", alerts(3_000), spread)
    with running(settings_of(broker.bootstrap, batch=50), StandIn(seconds=0.02)) as worker:
        until(lambda: worker.numbers().received > 200)
        broker.set_down()
        until(lambda: worker.numbers().state == "disconnected")
        until(lambda: bool(worker.numbers().last_error))
        time.sleep(2)
        broker.set_up()
        until(lambda: worker.numbers().state == "caught up")
    assert {*values(broker, "out")} == {*alerts(3_000)}


def test_a_topic_that_is_not_there_is_an_error_after_a_while(
    broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be made any moment, so it is waited for; then it says what to do."""
    monkeypatch.setattr("ztfnb.export.worker.watch._GRACE", 2.0)
    source = f"kafka://{broker.bootstrap}/nigth"
    with pytest.raises(WorkerError, match=r"has no topic nigth; check the name, or create it"):
        work(settings_of(broker.bootstrap, source=source))


def test_an_output_that_cannot_be_made_is_an_error(
    broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The embedded broker makes no topics on request: that is said, and nothing is read."""
    monkeypatch.setattr("ztfnb.export.worker.output._GIVE_UP", 1.0)
    monkeypatch.setattr("ztfnb.kafka_sink._WAIT", 1.0)
    # To be asked which topics it has may take it longer than that.
    monkeypatch.setattr("ztfnb.kafka_sink._exists", lambda *_: False)
    output = f"kafka://{broker.bootstrap}/elsewhere"
    with pytest.raises(WorkerError, match="elsewhere"):
        work(settings_of(broker.bootstrap, output=output))


def test_what_is_written_is_not_read_again(broker: EmbeddedBroker) -> None:
    """Also where source and output name the same cluster in two ways."""
    with pytest.raises(ConfigError, match="endless loop"):
        Worker(settings_of(broker.bootstrap, output=f"kafka://{broker.bootstrap}/night"))


def test_the_cell_is_closed_whatever_happens(broker: EmbeddedBroker) -> None:
    """A worker that fails leaves no process behind."""
    cell = StandIn()

    def fail(_: float) -> None:
        raise WorkerError("the filters cannot be started again")

    cell.poll = fail  # type: ignore[assignment]
    write(broker.bootstrap, "night", alerts(10), spread)
    worker = Worker(settings_of(broker.bootstrap), environ={}, make_cell=lambda _: cell)
    with pytest.raises(WorkerError, match="cannot be started again"):
        worker.run(threading.Event())
    assert cell.closed
    assert worker.numbers().state == "failed"
    with suppress(WorkerError):
        assert committed(broker.bootstrap, "ztfnb-young", "night", PARTITIONS) == [0] * PARTITIONS


def test_who_lost_everything_is_not_caught_up(broker: EmbeddedBroker) -> None:
    """What a member lost waits still: it is not at its end before the group has given again."""
    worker = Worker(settings_of(broker.bootstrap), environ={}, make_cell=lambda _: StandIn())
    worker._start()
    reader = worker._reader
    given = [TopicPartition("night", 0)]
    try:
        reader._on_assign(reader._client, given)
        reader._reach_end(("night", 0), 8)
        found = [reader.settled]
        reader._on_lost(reader._client, given)
        found.append(reader.settled)
        reader._on_assign(reader._client, [])
        found.append(reader.settled)
    finally:
        worker._close()
    assert found == [True, False, True]


def test_who_was_just_given_partitions_is_not_caught_up(broker: EmbeddedBroker) -> None:
    """Before it knows where a partition begins and ends, nothing says that it is at its end."""
    worker = Worker(settings_of(broker.bootstrap), environ={}, make_cell=lambda _: StandIn())
    worker._start()
    reader = worker._reader
    try:
        reader._on_assign(reader._client, [TopicPartition("night", 0)])
        assert reader.joined
        assert not reader.settled
        reader._reach_end(("night", 0), 8)
        assert reader.settled
    finally:
        worker._close()


def test_what_is_gathered_already_is_no_sign_of_life(broker: EmbeddedBroker) -> None:
    """A batch that waits for more does not hide that no broker answers."""
    broker.set_down()
    worker = Worker(settings_of(broker.bootstrap), environ={}, make_cell=lambda _: StandIn())
    worker._start()
    reader = worker._reader
    try:
        reader.taken.values.append(b"before")
        assert not reader.health.connected
        reader.gather(10, 0)
        assert not reader.health.connected
    finally:
        worker._close()
