"""What goes into a topic, and what has to come out of a container that runs the filter."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from faults.topics import read
from images.wanted import rising

from ztfnb.codec import decode
from ztfnb.filters.report import Report
from ztfnb.kafka import KafkaSink, create_topics
from ztfnb.source import Packet

BROKEN = (b"", b"Obj\x01 and then nothing", b"\x00" * 1000)
"""Bytes that are no alerts."""


@dataclass(frozen=True)
class Night:
    """Alerts, and what the filter made of them in the notebook."""

    folder: Path
    packets: dict[int, bytes]
    """As they came, by candid."""
    report: Report


class Topics:
    """Of what comes in, what passes and what fails; the alerts of a night are in already."""

    def __init__(self, bootstrap: str, name: str, night: Night) -> None:
        self.bootstrap = bootstrap
        self.input, self.output, self.dead = name, f"{name}-out", f"{name}-dead"
        create_topics(bootstrap, [self.input, self.output, self.dead])
        sink = KafkaSink(bootstrap)
        for candid, packet in night.packets.items():
            sink.send(Packet(packet, self.input, key=b"%d" % candid, headers=(("own", b"1"),)))
        for broken in BROKEN:
            sink.send(Packet(broken, self.input, key=b"broken"))
        sink.close()

    def variables(self) -> dict[str, object]:
        """What a worker between them is told."""
        return {
            "ZTFNB_SOURCE": f"kafka://{self.bootstrap}/{self.input}",
            "ZTFNB_OUTPUT": f"kafka://{self.bootstrap}/{self.output}",
            "ZTFNB_DEAD_LETTERS": self.dead,
            "ZTFNB_GROUP": f"{self.input}-group",
            "ZTFNB_START": "beginning",
            "ZTFNB_PORT": 0,
        }

    def out(self) -> list[Packet]:
        """What has passed until now."""
        return read(self.bootstrap, self.output)

    def letters(self) -> list[Packet]:
        """What has failed until now."""
        return read(self.bootstrap, self.dead)


def check_decisions(topics: Topics, night: Night, version: str) -> None:
    """What came out is what the notebook decided, alert for alert, byte for byte."""
    passed, failed = _decided(night)
    out = {int(packet.key or b""): packet for packet in topics.out()}
    assert out.keys() == passed.keys()
    for candid, packet in out.items():
        headers = dict(packet.headers)
        assert packet.value == night.packets[candid]
        assert headers["own"] == b"1"
        assert headers["ztfnb.filter"] == b"rising"
        assert headers["ztfnb.version"] == version.encode()
        assert json.loads(headers["ztfnb.params"]) == dict(rising.params)
        assert json.loads(headers["ztfnb.note.risen"]) == passed[candid]
        assert headers["ztfnb.source.topic"] == topics.input.encode()
        assert {"ztfnb.source.partition", "ztfnb.source.offset", "ztfnb.received"} <= headers.keys()

    dead = topics.letters()
    letters = {packet.key: packet for packet in dead if packet.key != b"broken"}
    assert letters.keys() == {b"%d" % candid for candid in failed}
    for candid, message in failed.items():
        letter = letters[b"%d" % candid]
        headers = dict(letter.headers)
        assert letter.value == night.packets[candid]
        assert headers["ztfnb.error.kind"] == b"exception"
        assert message in headers["ztfnb.error"].decode()
    broken = [packet for packet in dead if packet.key == b"broken"]
    assert sorted(packet.value for packet in broken) == sorted(BROKEN)
    assert {dict(one.headers)["ztfnb.error.kind"] for one in broken} == {b"not decoded"}


def _decided(night: Night) -> tuple[dict[int, float], dict[int, str]]:
    """What the function says when it is simply called: annotations, and errors."""
    passed: dict[int, float] = {}
    failed: dict[int, str] = {}
    for candid, packet in night.packets.items():
        try:
            decided = rising.function(decode(packet), **rising.params)
        except RuntimeError as error:
            failed[candid] = str(error)
            continue
        if decided is not False:
            passed[candid] = decided["risen"]
    counts = len(passed), len(night.packets) - len(passed) - len(failed), len(failed)
    assert night.report.counts == counts
    assert passed
    assert failed
    return passed, failed
