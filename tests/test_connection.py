"""From a name to a stream: which source `connect` opens, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import pytest
from made import made_packet

import ztfnb
from ztfnb import connection
from ztfnb.demo import Demo
from ztfnb.errors import ConfigError
from ztfnb.nightly import NightlyTopics
from ztfnb.source import END, Memory


def test_a_folder_is_read_from_its_beginning(tmp_path: Path) -> None:
    """Every packet of an archive folder is held; the stream knows that it has all."""
    for candid in range(1, 11):
        (tmp_path / f"{candid}.avro").write_bytes(made_packet(candid))
    with ztfnb.connect(tmp_path) as live:
        live.wait("caught up")
        assert sorted(live.select()) == list(range(1, 11))
        assert live[3].candid == 3


def test_a_source_of_ones_own_is_taken_as_it_is() -> None:
    """Anything with the seam of a source can be streamed."""
    with ztfnb.connect(Memory([made_packet(1), made_packet(2)]), start={0: 1}) as live:
        live.wait("caught up")
        assert live.select().tolist() == [2]


@pytest.mark.parametrize(
    ("address", "servers", "topics"),
    [
        ("kafka://127.0.0.1:9092/night", "127.0.0.1:9092", ["night"]),
        ("kafka://a:1,b:2/x,y", "a:1,b:2", ["x", "y"]),
        (
            "kafka://a:1/ztf_{date}_programid1",
            "a:1",
            NightlyTopics(nights=2, template="ztf_{date}_programid1"),
        ),
        (
            "kafka://a:1/ztf_{date}_programid1?nights=3",
            "a:1",
            NightlyTopics(nights=3, template="ztf_{date}_programid1"),
        ),
    ],
)
def test_a_kafka_address_names_servers_and_topics(
    address: str, servers: str, topics: object
) -> None:
    """One topic, several, or a nightly template with its window."""
    assert connection._parse_address(address) == (servers, topics)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("kafka://127.0.0.1:9092", "expected kafka://host:9092/topic"),
        ("kafka:///topic", "expected kafka://host:9092/topic"),
        ("kafka://a:1/ztf_{date}?nights=many", "nights: expected a number"),
        ("nowhere", "expected 'demo', 'kafka://host:9092/topic'"),
        ("kafka://ztf.example.org:9092/topic", "insecure"),
    ],
)
def test_what_cannot_be_opened_is_refused_with_a_way_out(target: str, said: str) -> None:
    """The error says what was expected."""
    with pytest.raises(ConfigError, match=said):
        ztfnb.connect(target, settings={"security.protocol": "PLAINTEXT"})


def test_s28_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    """Secrets do not belong into a cell: the error says where they do, without the secret."""
    with pytest.raises(ConfigError) as caught:
        ztfnb.connect("kafka://me:canary-password@host:9092/topic")
    assert "profile" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_a_profile_opens_its_topics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile's name opens what it describes; the stream bears its name."""
    path = tmp_path / "profiles.toml"
    path.write_text('[here]\nbootstrap = "127.0.0.1:1"\ntopics = ["night"]\n')
    monkeypatch.setenv("ZTFNB_CONFIG", str(path))
    with ztfnb.connect("here") as live:
        assert live.name == "here"
        assert live.state in ("connecting", "disconnected")
    with pytest.raises(ConfigError, match="there: here"):
        ztfnb.connect("elsewhere")


def test_kafka_begins_at_the_latest_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """A topic may hold a million alerts: they are read only when asked for."""
    seen = {}

    class Spy(Memory):
        def __init__(self, *_: object, **options: object) -> None:
            super().__init__()
            seen.update(options)

    monkeypatch.setattr(connection, "KafkaSource", Spy)
    ztfnb.connect("kafka://127.0.0.1:9/topic").stop()
    assert seen["start"] == END


def test_memory_is_given_in_megabytes() -> None:
    """The store keeps to the budget that was asked for."""
    with ztfnb.connect(Memory(), memory=50) as live:
        assert live.store.memory_budget == 50 * 1024 * 1024


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"settings": {"client.id": "me"}}, "settings"),
        ({"insecure": True}, "insecure"),
        ({"settings": {"client.id": "me"}, "insecure": True}, "settings and insecure"),
    ],
)
def test_kafka_options_elsewhere_are_refused(
    options: dict[str, Any], named: str, tmp_path: Path
) -> None:
    """What would have no effect on the demo, an archive or a source is not silently left out."""
    (tmp_path / "1.avro").write_bytes(made_packet(1))
    for target in ("demo", tmp_path, Memory()):
        with pytest.raises(ConfigError, match=f"^{named}: only a Kafka address"):
            ztfnb.connect(target, **options)


def test_a_demo_that_cannot_be_read_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """If anything fails between the demo's start and its stream, the child does not stay."""
    demos: list[Demo] = []

    class Known(Demo):
        def start(self) -> Self:
            demos.append(self)
            return super().start()

    def broken(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(connection, "Demo", Known)
    monkeypatch.setattr(connection, "KafkaSource", broken)
    with pytest.raises(KeyboardInterrupt):
        ztfnb.connect("demo")
    assert [demo.running for demo in demos] == [False]
    assert demos[0].pid is None
