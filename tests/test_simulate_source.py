from __future__ import annotations

import pytest

import ztfnb
from ztfnb.errors import ConfigError, NotHeldError, SourceError
from ztfnb.simulate import SimulatedSource, Survey, Truth
from ztfnb.source import BEGINNING, END, Coordinates, Packet, Source, Start

SURVEY = Survey(seed=3, alerts_per_night=1_000)
NIGHT = "2026-01-15"


def everything(source: Source) -> list[Packet]:
    packets: list[Packet] = []
    while not source.status().exhausted:
        packets += source.poll(0.1, 7)
    return packets


def test_gives_what_the_survey_gives() -> None:
    """Its packets are those of the survey's topic, and then it is exhausted."""
    source = SimulatedSource(SURVEY, NIGHT, limit=20)
    assert isinstance(source, Source)
    assert everything(source) == list(SURVEY.packets(NIGHT, 20))
    assert source.poll(0.1, 5) == []
    assert source.status().caught_up


def test_truth_beside_the_packets() -> None:
    """Each packet that is polled comes with its truth, in the same order."""
    truths: list[Truth] = []
    source = SimulatedSource(SURVEY, NIGHT, limit=10, on_truth=truths.append)
    packets = everything(source)
    assert [ztfnb.decode(packet.value).candid for packet in packets] == [
        truth.candid for truth in truths
    ]


def test_both_programmes_in_their_topics() -> None:
    """Without a programme each alert is in the topic of its own, and offsets count there."""
    source = SimulatedSource(SURVEY, NIGHT, limit=400, programid=None)
    packets = everything(source)
    assert {packet.topic for packet in packets} == set(source.status().topics)
    for packet in packets:
        programid = ztfnb.decode(packet.value)["candidate"]["programid"]
        assert packet.topic == f"ztf_20260115_programid{programid}"
    for topic in source.status().topics:
        offsets = [packet.offset for packet in packets if packet.topic == topic]
        assert offsets == list(range(len(offsets)))
    with pytest.raises(SourceError, match="choose one programid"):
        source.seek(Start("offsets", offsets={0: 3}))


def test_seek() -> None:
    """It goes to the beginning, the end, an offset and a time."""
    source = SimulatedSource(SURVEY, NIGHT, limit=30)
    packets = everything(source)
    source.seek(BEGINNING)
    assert everything(source) == packets
    source.seek(END)
    assert source.status().exhausted
    assert everything(source) == []
    source.seek(Start("offsets", offsets={0: 25}))
    assert everything(source) == packets[25:]
    moment = sorted(packet.timestamp for packet in packets)[15]
    source.seek(Start("time", time=moment))
    assert everything(source) == [packet for packet in packets if packet.timestamp >= moment]


def test_fetch() -> None:
    """One packet comes by its coordinates, whatever was polled; others are not held."""
    source = SimulatedSource(SURVEY, NIGHT, limit=10)
    packets = everything(source)
    assert source.fetch(packets[4].coordinates) == packets[4]
    with pytest.raises(NotHeldError):
        source.fetch(Coordinates(packets[0].topic, 0, 10))
    gone = Coordinates(packets[0].topic, 0, 10)
    found = dict(source.fetch_many([gone, *(packet.coordinates for packet in packets[::-3])]))
    assert isinstance(found.pop(gone), NotHeldError)
    assert found == {packet.coordinates: packet for packet in packets[::-3]}


def test_night_that_cannot_be() -> None:
    """A night that is no date, or before the survey, is refused at once."""
    for night in ("tonight", "2010-01-01"):
        with pytest.raises(ConfigError):
            SimulatedSource(SURVEY, night)


def test_closed() -> None:
    """Closed, it simulates nothing more."""
    source = SimulatedSource(SURVEY, NIGHT)
    source.close()
    source.close()
    assert everything(source) == []
