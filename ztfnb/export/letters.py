"""What a worker could not judge: its topic of dead letters, read back."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass

from ztfnb.errors import SourceError
from ztfnb.kafka import KafkaSource
from ztfnb.kafka_config import Settings
from ztfnb.source import BEGINNING, Packet

_BATCH = 1_000
_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One packet that was not judged, and why; its bytes are in the packet."""

    candid: int | None
    """None where it did not decode."""
    reason: str
    kind: str
    """See `ztfnb.export.worker.judged.Failed`."""
    filter: str
    """Empty where it did not decode, for then no filter saw it."""
    line: int
    """The author's line in ``filter.py``; 0 where there is none."""
    topic: str
    partition: int
    offset: int
    """Where it came from."""
    packet: Packet


def read_letters(
    bootstrap: str,
    topic: str,
    *,
    settings: Settings | None = None,
    insecure: bool = False,
    timeout: float = 15.0,
) -> tuple[DeadLetter, ...]:
    """Read a topic of dead letters from its beginning to what is now its end.

    A topic that is not there yet holds none.

    Raises
    ------
    SourceError
        If that takes longer than ``timeout`` [s], or the broker refuses.
    """
    end = time.monotonic() + timeout
    packets: list[Packet] = []
    with closing(
        KafkaSource(bootstrap, topic, start=BEGINNING, settings=settings, insecure=insecure)
    ) as source:
        while True:
            packets += source.poll(0.2, _BATCH)
            now = source.status()
            if now.caught_up or (now.failed and now.trouble == _UNKNOWN):
                return tuple(sorted(map(letter_of, packets), key=_place))
            if now.failed or time.monotonic() > end:
                raise SourceError(
                    f"dead letters: {topic} on {bootstrap} cannot be read: "
                    f"{now.error or f'not within {timeout:g} s'}"
                )


def letter_of(packet: Packet) -> DeadLetter:
    """Read the headers of a dead letter."""
    headers = {name: value.decode("utf-8", "replace") for name, value in packet.headers}

    def number(name: str) -> int:
        text = headers.get(name, "")
        return int(text) if text.isdecimal() else 0

    name = headers.get("ztfnb.filter", "")
    key = (packet.key or b"").decode("ascii", "replace")
    return DeadLetter(
        candid=int(key) if name and key.isdecimal() else None,
        reason=headers.get("ztfnb.error", ""),
        kind=headers.get("ztfnb.error.kind", ""),
        filter=name,
        line=number("ztfnb.error.line"),
        topic=headers.get("ztfnb.source.topic", ""),
        partition=number("ztfnb.source.partition"),
        offset=number("ztfnb.source.offset"),
        packet=packet,
    )


def _place(letter: DeadLetter) -> tuple[str, int, int]:
    return (letter.topic, letter.partition, letter.offset)
