"""Packets that are no alerts: what is kept, within what bounds, and what is written."""

from __future__ import annotations

import io
import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ztfnb
from ztfnb import quarantine
from ztfnb.errors import (
    ConfigError,
    DecodeError,
    DeliveryError,
    NotHeldError,
    SourceError,
    StreamClosedError,
)
from ztfnb.quarantine import MOST, REASONS, Failure, Quarantine, save
from ztfnb.source import Coordinates, Packet

REASON = DecodeError("expected an alert, got junk", where="t, partition 0, offset 7", offset=3)


def failure(offset: int, value: bytes = b"junk", **changes: Any) -> Failure:
    packet = Packet(value, "t", 0, offset, 1.5e9)._replace(**changes)
    return Failure(packet, REASON, 1.6e9, len(value))


def read(content: bytes) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """Return the reasons and the files of a packed quarantine."""
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
        files = {info.name: tar.extractfile(info).read() for info in tar}  # type: ignore[union-attr]
    reasons = json.loads(files.pop(REASONS))
    return reasons, files


@given(st.lists(st.integers(0, 60), max_size=80), st.integers(1, 20), st.integers(1, 200))
def test_what_is_kept_is_bounded(sizes: list[int], most: int, most_bytes: int) -> None:
    """The newest reasons are kept, and the bytes of the newest that fit; sizes stay known."""
    kept = Quarantine()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quarantine, "MOST", most)
        patch.setattr(quarantine, "MOST_BYTES", most_bytes)
        for place, size in enumerate(sizes):
            kept.add(Packet(b"x" * size, "t", 0, place), REASON, float(place))
    found = kept.failures()
    assert [one.packet.offset for one in found] == list(range(len(sizes)))[-most:]
    assert [one.size for one in found] == sizes[-most:]
    held = sum(len(one.packet.value) for one in found)
    assert held <= max([most_bytes, *sizes[-1:]])
    # What was let go is older than what is kept, and no more was let go than had to be.
    gone = [one for one in found if not one.kept]
    whole = [one for one in found if one.packet.value]
    if gone and whole:
        assert max(one.time for one in gone) < min(one.time for one in whole)
        assert held + gone[-1].size > most_bytes


def test_a_packet_of_nothing_is_kept() -> None:
    """An empty packet is not taken for one that was let go."""
    kept = Quarantine()
    kept.add(Packet(b""), REASON, 0.0)
    assert kept.failures()[0].kept


def test_bytes_and_reasons_are_packed(tmp_path: Path) -> None:
    """Each packet is a file, byte for byte; the list says where it came from and why."""
    failures = [failure(7, b"\x00junk"), failure(8, timestamp=float("nan"))]
    reasons, files = read(save(tmp_path / "f.tgz", failures).read_bytes())
    assert [files[one["file"]] for one in reasons] == [b"\x00junk", b"junk"]
    assert reasons[0] == {
        "file": "0000-t-0-7.avro", "topic": "t", "partition": 0, "offset": 7, "timestamp": 1.5e9,
        "found": 1.6e9, "size": 5, "reason": str(REASON),
    }  # fmt: skip
    assert reasons[1]["timestamp"] is None


def test_a_topic_is_no_path(tmp_path: Path) -> None:
    """Whatever a topic is called, its packets' files lie in the folder, under plain names."""
    bad = "../../etc/\x00<img>\n" + "x" * 500
    _, files = read(save(tmp_path / "f.tgz", [failure(1, topic=bad)]).read_bytes())
    (name,) = files
    assert re.fullmatch(r"0000-[A-Za-z_]{40}-0-1\.avro", name)


@pytest.mark.parametrize("name", ["failures.tar.gz", "failures.tgz", "folder"])
def test_saved_packets_can_be_read_again(tmp_path: Path, name: str) -> None:
    """A file or folder holds all of them, reading it finds the faults, and nothing else is left."""
    path = save(tmp_path / "new" / name, [failure(1), failure(2)])
    assert path.exists()
    assert [one.name for one in path.parent.iterdir()] == [name]
    errors: list[DecodeError] = []
    assert list(ztfnb.read(path, on_error=errors.append)) == []
    assert len(errors) == 2
    if path.is_dir():
        assert len(json.loads((path / REASONS).read_text())) == 2


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A name that is taken is refused: what it holds may be nowhere else."""
    for name in ("a.tar.gz", "a"):
        path = tmp_path / name
        path.write_text("precious")
        with pytest.raises(ConfigError, match="choose another name"):
            save(path, [failure(1)])
        assert path.read_text() == "precious"


def test_a_save_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full there is an error with its reason, and no half of a file or folder."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ztfnb.quarantine.os.fsync", full)
    monkeypatch.setattr(Path, "write_bytes", full)
    for name in ("a.tar.gz", "a"):
        with pytest.raises(DeliveryError, match="No space left"):
            save(tmp_path / name, [failure(1)])
    assert list(tmp_path.iterdir()) == []


def test_what_was_let_go_is_fetched_again(tmp_path: Path) -> None:
    """Bytes that are no longer in memory come from the source; what it has not either is said."""
    asked: list[int] = []

    def fetch(at: Coordinates) -> Packet:
        asked.append(at.offset)
        if at.offset == 2:
            raise NotHeldError("expired")
        return Packet(b"again", *at)

    gone = [Failure(Packet(b"", "t", 0, place), REASON, 0.0, 5) for place in (1, 2, 3)]
    path = save(tmp_path / "f.tgz", [*gone, failure(4)], fetch=fetch)
    reasons, files = read(path.read_bytes())
    assert asked == [1, 2, 3]
    assert [one["file"] and files[one["file"]] for one in reasons] == [
        b"again", None, b"again", b"junk",
    ]  # fmt: skip
    assert reasons[1]["missing"] == "expired"


@pytest.mark.parametrize("error", [SourceError, StreamClosedError, AttributeError])
def test_a_source_that_does_not_answer_is_asked_once(
    tmp_path: Path, error: type[Exception]
) -> None:
    """A save does not wait for each packet of a source that is away, or broken."""
    asked: list[int] = []

    def fetch(at: Coordinates) -> Packet:
        asked.append(at.offset)
        raise error("no answer")

    gone = [Failure(Packet(b"", "t", 0, place), REASON, 0.0, 5) for place in range(MOST)]
    reasons, files = read(save(tmp_path / "f.tgz", gone, fetch=fetch).read_bytes())
    assert asked == [0]
    assert files == {}
    assert reasons[0]["missing"] == "no answer"
    assert "no longer in memory" in reasons[1]["missing"]
