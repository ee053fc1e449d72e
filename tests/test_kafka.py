"""`KafkaSource` on the embedded broker; `tests/kafka` has it on the real one."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from confluent_kafka import KafkaError
from reading import drain, poll_until

from ztfnb import kafka_bulk
from ztfnb.broker import EmbeddedBroker
from ztfnb.errors import ConfigError, NotHeldError, SourceError, StreamClosedError
from ztfnb.kafka import KafkaSink, KafkaSource
from ztfnb.nightly import NightlyTopics
from ztfnb.source import BEGINNING, END, Coordinates, Gap, Packet, Source, parse_start


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(["night"]) as broker:
        yield broker


def fill(broker: EmbeddedBroker, number: int, *, first: int = 0, at: float = 1.5e9) -> list[bytes]:
    """Write packets a second apart, and return their bytes."""
    sink = KafkaSink(broker.bootstrap, topic="night", partitions=None)
    sent = [b"alert %d" % i for i in range(first, first + number)]
    for i, value in enumerate(sent, start=first):
        sink.send(Packet(value, key=str(i).encode(), timestamp=at + i))
    sink.close()
    return sorted(sent)


def values(packets: Iterable[Packet]) -> list[bytes]:
    return sorted(packet.value for packet in packets)


def test_it_is_a_source(broker: EmbeddedBroker) -> None:
    """It fulfils the protocol, and nothing is connected before the first poll."""
    source = KafkaSource(broker.bootstrap, "night")
    assert isinstance(source, Source)
    assert source.name == f"{broker.bootstrap}/night"
    assert not source.status().connected
    source.close()


def test_everything_is_read_and_then_what_comes(broker: EmbeddedBroker) -> None:
    """From the beginning to the end, which shows, and on from there."""
    sent = fill(broker, 200)
    source = KafkaSource(broker.bootstrap, "night", start=BEGINNING, memory="small")
    assert values(drain(source)) == sent
    assert source.status().lag == 0
    assert source.status().topics == ("night",)
    new = fill(broker, 10, first=200)
    assert values(poll_until(source, lambda packets: len(packets) >= 10)) == new
    source.close()


def test_no_more_than_the_limit(broker: EmbeddedBroker) -> None:
    """A poll returns at most as many packets as asked for, and the next goes on."""
    sent = fill(broker, 50)
    source = KafkaSource(broker.bootstrap, "night", start=BEGINNING)
    got: list[Packet] = []
    while len(got) < 50:
        batch = source.poll(1.0, 7)
        assert len(batch) <= 7
        got += batch
    source.close()
    assert values(got) == sent


def test_times_are_found_by_scanning(broker: EmbeddedBroker) -> None:
    """A broker that looks up no times is read from the beginning, passing over what is older."""
    fill(broker, 300)
    source = KafkaSource(broker.bootstrap, "night", start=parse_start(1.5e9 + 250), scan_times=True)
    got = drain(source)
    assert values(got) == sorted(b"alert %d" % i for i in range(250, 300))
    source.seek(parse_start(1.5e9 + 290))
    assert len(drain(source)) == 10
    new = fill(broker, 5, first=1000, at=0.0)
    # Only what lies before the first packet of that time is passed over.
    late = poll_until(source, lambda packets: len(packets) >= 1)
    assert set(values(late)) <= set(new)
    source.close()


def test_s07_expired_offsets_are_reported(broker: EmbeddedBroker) -> None:
    """What expired while the reader was away is a gap of exactly that size."""
    fill(broker, 300)
    source = KafkaSource(broker.bootstrap, "night", start=BEGINNING)
    drain(source)
    broker.expire("night", 4, 9)
    source.seek(parse_start({4: 3, 5: 10**9}))
    got = drain(source)
    status = source.status()
    assert status.gaps == (Gap("night", 4, 3, 8),)
    assert str(status.gaps[0]) == "gap: 6 alerts, night, partition 4, offsets 3-8"
    assert min(packet.offset for packet in got if packet.partition == 4) == 9
    assert not [packet for packet in got if packet.partition == 5]
    source.close()


def test_s11_broker_gone_and_back(broker: EmbeddedBroker) -> None:
    """A broker that goes shows in words; when it is back, everything is read, once."""
    sent = fill(broker, 100)
    source = KafkaSource(broker.bootstrap, "night", start=BEGINNING)
    got = drain(source)
    broker.set_down()
    poll_until(source, lambda _: not source.status().connected)
    poll_until(source, lambda _: "cannot be reached" in source.status().error)
    assert not source.status().caught_up
    source.seek(BEGINNING)
    assert list(source.poll(0.2, 100)) == []
    broker.set_up()
    sent += fill(broker, 50, first=100)
    got = poll_until(source, lambda packets: len(packets) >= 150)
    poll_until(source, lambda _: source.status().caught_up and not source.status().error)
    assert values(got) == sorted(sent)
    source.close()


def test_s22_topic_unknown(broker: EmbeddedBroker) -> None:
    """A topic that is not there is final after a moment; if it comes after all, it is read."""
    source = KafkaSource(broker.bootstrap, ["nihgt"], start=END)
    poll_until(source, lambda _: source.status().failed)
    assert "has no topic nihgt" in source.status().error
    assert not source.status().caught_up
    broker.create_topic("nihgt")
    drain(source)
    assert source.status().error == ""
    source.close()


def test_s22_topic_not_authorised(broker: EmbeddedBroker) -> None:
    """A topic that this user may not read is final after a moment."""
    broker.refuse_topic("night", KafkaError.TOPIC_AUTHORIZATION_FAILED)
    source = KafkaSource(broker.bootstrap, "night")
    poll_until(source, lambda _: source.status().failed)
    assert "may not read topic night" in source.status().error
    source.close()


def test_one_topic_of_two(broker: EmbeddedBroker) -> None:
    """What is there is read, though another topic is missing."""
    sent = fill(broker, 40)
    source = KafkaSource(broker.bootstrap, ["night", "other"], start=BEGINNING)
    assert source.name.endswith("/night and 1 more")
    got = poll_until(source, lambda packets: len(packets) >= 40)
    assert values(got) == sent
    assert "no topic other" in source.status().error
    source.close()


def test_a_night_that_comes_later(broker: EmbeddedBroker) -> None:
    """The topic of a night is read from its beginning when it appears, though asked for the end."""
    nights = NightlyTopics(nights=1, template="night{date}")
    source = KafkaSource(
        broker.bootstrap, nights, start=END, refresh=0.1, clock=lambda: 1_543_363_200.0
    )
    assert drain(source) == []
    assert "none of the topics night20181128 yet" in source.status().error
    broker.create_topic("night20181128")
    sink = KafkaSink(broker.bootstrap, topic="night20181128", partitions=None)
    sink.send(Packet(b"first"))
    sink.close()
    assert values(poll_until(source, lambda packets: len(packets) >= 1)) == [b"first"]
    assert source.status().error == ""
    source.close()


@pytest.mark.parametrize(
    "code", [KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.NOT_ENOUGH_REPLICAS]
)
def test_what_a_broker_refused_at_first_is_written(code: int) -> None:
    """A request that is refused, while the one behind it is taken, is written all the same."""
    with EmbeddedBroker(["night"], partitions=1) as broker:
        settings = {"linger.ms": 0, "batch.num.messages": 1}
        sink = KafkaSink(broker.bootstrap, topic="night", partitions=None, settings=settings)
        sink.send(Packet(b"0"))
        sink.flush()
        broker.set_delay(0.2)  # so that one is on its way while others are sent
        broker.fail("produce", code)
        for number in range(1, 6):
            sink.send(Packet(b"%d" % number))
        sink.close()
        broker.set_delay(0)
        source = KafkaSource(broker.bootstrap, "night", start=BEGINNING)
        assert [packet.value for packet in drain(source)] == [b"%d" % one for one in range(6)]
        source.close()


def test_fetch_from_another_thread(broker: EmbeddedBroker) -> None:
    """While one thread polls, others fetch; each gets its packet, and nothing is disturbed."""
    fill(broker, 200)
    source = KafkaSource(broker.bootstrap, "night", start=BEGINNING)
    got = drain(source)
    fetched: dict[Coordinates, Packet] = {}

    def fetch(places: list[Packet]) -> None:
        for packet in places:
            fetched[packet.coordinates] = source.fetch(packet.coordinates)

    threads = [threading.Thread(target=fetch, args=(got[i::4],)) for i in range(4)]
    for thread in threads:
        thread.start()
    new = fill(broker, 20, first=200)
    later = poll_until(source, lambda packets: len(packets) >= 20)
    for thread in threads:
        thread.join()
    assert values(later) == new
    assert fetched == {packet.coordinates: packet for packet in got}
    source.close()


def test_fetch_of_what_is_not_held(broker: EmbeddedBroker) -> None:
    """Expired, future and misplaced packets are not held, which is said at once."""
    fill(broker, 200)
    broker.expire("night", 1, 2)
    source = KafkaSource(broker.bootstrap, "night")
    source._fetcher._timeout = 600.0  # longer than a test may take: none of these waits for it
    for at in (
        Coordinates("night", 1, 0),
        Coordinates("night", 1, 9999),
        Coordinates("night", 16, 0),
        Coordinates("elsewhere", 0, 0),
    ):
        with pytest.raises(NotHeldError, match="does not hold the packet"):
            source.fetch(at)
    source.close()


def test_many_are_fetched_while_another_thread_reads(broker: EmbeddedBroker) -> None:
    """In any order, each once; two threads at a time, and reading goes on undisturbed."""
    fill(broker, 400)
    source = KafkaSource(broker.bootstrap, "night", start=BEGINNING)
    got = drain(source)
    random.Random(6).shuffle(got)
    wanted = [packet.coordinates for packet in [*got, *got[:50]]]
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(lambda: list(source.fetch_many(wanted))) for _ in range(2)]
        new = fill(broker, 20, first=400)
        later = poll_until(source, lambda packets: len(packets) >= 20)
        for one in asked:
            found = one.result()
            assert len(found) == 400
            assert dict(found) == {packet.coordinates: packet for packet in got}
    assert values(later) == new
    assert list(source.fetch_many([])) == []
    source.close()


def test_many_that_are_not_held_are_told_one_by_one(broker: EmbeddedBroker) -> None:
    """Expired, future and misplaced packets, among others that are held."""
    fill(broker, 400)
    source = KafkaSource(broker.bootstrap, "night", start=BEGINNING)
    got = {packet.coordinates: packet for packet in drain(source)}
    broker.expire("night", 1, 2)
    gone = [
        Coordinates("night", 1, 0),
        Coordinates("night", 1, 1),
        Coordinates("night", 1, 9999),
        Coordinates("night", 2, 10**6),
        Coordinates("night", 3, -1),
        Coordinates("night", 16, 0),
        Coordinates("elsewhere", 0, 0),
        Coordinates("elsewhere", 0, 1),
    ]
    held = {at: packet for at, packet in got.items() if at not in gone}
    found = dict(source.fetch_many([*gone, *held]))
    for at in gone:
        error = found.pop(at)
        assert isinstance(error, NotHeldError)
        assert f"{at.topic}, partition {at.partition}, offset {at.offset}" in str(error)
    assert found == held
    source.close()


def test_many_from_a_broker_that_goes_away(
    broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was fetched before is there; then comes an error that is not about a packet."""
    fill(broker, 200)
    monkeypatch.setattr(kafka_bulk, "_AT_ONCE", 50)
    source = KafkaSource(broker.bootstrap, "night", start=BEGINNING)
    wanted = [packet.coordinates for packet in drain(source)]
    coming = source.fetch_many(wanted)
    found = [next(coming)]
    broker.set_down()
    source._bulk._timeout = 1.0
    with pytest.raises(SourceError, match=r"did not send|cannot be fetched") as caught:
        found += coming
    assert not isinstance(caught.value, NotHeldError)
    source.close()
    with pytest.raises(StreamClosedError):
        source.fetch_many(wanted)


def test_fetch_from_a_broker_that_is_gone(broker: EmbeddedBroker) -> None:
    """A broker that does not answer is an error, not a packet that is not held."""
    fill(broker, 20)
    source = KafkaSource(broker.bootstrap, "night")
    source._fetcher._timeout = 0.5
    broker.set_down()
    with pytest.raises(SourceError) as caught:
        source.fetch(Coordinates("night", 0, 0))
    assert not isinstance(caught.value, NotHeldError)
    source.close()


def test_a_closed_source_says_so(broker: EmbeddedBroker) -> None:
    """After closing, which can be repeated, every call is a clear error."""
    source = KafkaSource(broker.bootstrap, "night")
    source.poll(0.1, 1)
    source.close()
    source.close()
    for call in (
        lambda: source.poll(0.1, 1),
        lambda: source.seek(END),
        lambda: source.fetch(Coordinates("night", 0, 0)),
        source.status,
    ):
        with pytest.raises(StreamClosedError, match="is closed; open it again"):
            call()


def test_no_threads_remain(broker: EmbeddedBroker) -> None:
    """Opening and closing again and again leaves no thread behind."""
    fill(broker, 20)
    before = set(threading.enumerate())
    for _ in range(5):
        source = KafkaSource(broker.bootstrap, "night", start=BEGINNING)
        drain(source)
        source.close()
    for thread in set(threading.enumerate()) - before:
        thread.join(60)  # a probe of the port may be under way
        assert not thread.is_alive()


def test_wrong_arguments_are_refused(broker: EmbeddedBroker) -> None:
    """Settings are judged at once, before anything is connected."""
    with pytest.raises(ConfigError, match="at least one name"):
        KafkaSource(broker.bootstrap, [])
    with pytest.raises(ConfigError, match="expected host:port"):
        KafkaSource("", "night")
    source = KafkaSource(broker.bootstrap, "night", settings={"no.such.setting": 1})
    with pytest.raises(ConfigError, match=r"no\.such\.setting"):
        source.poll(0.1, 1)


def test_a_limit_of_nothing_holds_the_position(broker: EmbeddedBroker) -> None:
    """While nothing is to be read, nothing is; afterwards nothing is missing or repeated."""
    sent = fill(broker, 300)
    source = KafkaSource(broker.bootstrap, "night", start=BEGINNING)
    got = poll_until(source, lambda packets: len(packets) >= 1)
    got += source.poll(1.0, 20)
    for _ in range(20):
        assert list(source.poll(0.05, 0)) == []
    assert source.status().connected
    sent += fill(broker, 100, first=300)
    for _ in range(10):
        assert list(source.poll(0.05, 0)) == []
    # It may have been at the end before.
    got += poll_until(source, lambda packets: len(got) + len(packets) >= 400)
    assert values([*got, *drain(source)]) == sorted(sent)
    source.poll(0.05, 0)
    source.seek(BEGINNING)
    assert list(source.poll(0.05, 0)) == []
    assert len(drain(source)) == 400
    source.close()


def test_what_is_read_has_an_address() -> None:
    """A source says with which address, and settings, the same is read again."""
    source = KafkaSource(
        "127.0.0.1:1,127.0.0.1:2", ["one", "two"], settings={"client.id": "me"}, insecure=True
    )
    assert source.address == "kafka://127.0.0.1:1,127.0.0.1:2/one,two"
    assert (source.settings, source.insecure) == ({"client.id": "me"}, True)
    nights = NightlyTopics((2,), nights=3)
    night = KafkaSource("127.0.0.1:9092", nights)
    assert night.address == "kafka://127.0.0.1:9092/ztf_{date}_programid2?nights=3"
    with pytest.raises(ConfigError, match="read one programme"):
        _ = KafkaSource("127.0.0.1:9092", NightlyTopics((1, 2))).address
