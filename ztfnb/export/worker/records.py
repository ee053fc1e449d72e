"""What is written for a batch: alerts that passed, and dead letters, with their headers."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np

from ztfnb.export.worker.judged import Failed, FilterFacts, Judged
from ztfnb.export.worker.ledger import Place
from ztfnb.export.worker.route import Route
from ztfnb.filters.decision import Verdict

Header = tuple[str, bytes]

_PREFIX = "ztfnb."
FILTER = f"{_PREFIX}filter"
NOTE = f"{_PREFIX}note."
ERROR = f"{_PREFIX}error"


_LONG = (NOTE, ERROR)
"""Headers that may be of any length."""
_LONGEST_KEY = 256


class Record(NamedTuple):
    """One message that is to be written."""

    topic: str
    key: bytes | None
    value: bytes
    headers: tuple[Header, ...]
    dead: bool
    """Whether it is a dead letter."""
    place: int = 0
    """Of its packet in the batch."""
    filter: int = -1
    """Whose verdict it is; -1 for that of none, on what did not decode."""
    foreign: int = 0
    """How many of its headers, the first ones, the packet came with."""
    stripped: bool = False
    """Whether all was left out of it that may be too large."""


@dataclass(frozen=True, slots=True)
class Scribe:
    """Makes the records of a batch."""

    route: Route
    filters: tuple[FilterFacts, ...]

    def records(
        self, messages: Sequence[Any], judged: Judged, received: float, held: Collection[int] | None
    ) -> Iterator[Record]:
        """Yield what is to be written for a batch.

        Parameters
        ----------
        messages
            `confluent_kafka.Message`.
        judged
            What became of them.
        received
            Unix time at which the batch was taken [s].
        held
            Places in the batch of which records are wanted; None for all.
        """
        at = _moment(received).encode()
        for place, failed in judged.undecodable.items():
            if held is None or place in held:
                yield self._letter(messages[place], place, -1, failed, candid=None, at=at)
        for number, verdicts in enumerate(judged.filters):
            passed = np.flatnonzero(np.asarray(verdicts.verdict) == Verdict.PASSED)
            known = self._filter_headers(number)
            for place in passed.tolist():
                if held is None or place in held:
                    notes = verdicts.notes.get(place, {})
                    yield Record(
                        self.route.outputs[number],
                        b"%d" % judged.candid[place],
                        messages[place].value() or b"",
                        (
                            *_own_headers(messages[place]),
                            *known,
                            *_origin(messages[place], at),
                            *((f"{NOTE}{name}", _json(value)) for name, value in notes.items()),
                        ),
                        dead=False,
                        place=place,
                        filter=number,
                        foreign=len(messages[place].headers() or ()),
                    )
            for place, failed in verdicts.failures.items():
                if held is None or place in held:
                    candid = int(judged.candid[place])
                    yield self._letter(messages[place], place, number, failed, candid=candid, at=at)

    def refused(self, record: Record, reason: str) -> Record:
        """Return the dead letter of a record that the broker never takes, because of its size.

        It has no bytes, and no headers but this worker's, nor a long key: any of them may be what
        is too large. The origin in its headers says where they are.
        """
        failed = Failed("not written", f"{record.topic} does not take it: {reason}")
        own = record.headers[record.foreign :]
        kept = tuple(header for header in own if not header[0].startswith(_LONG))
        key = record.key if record.key and len(record.key) <= _LONGEST_KEY else None
        return record._replace(
            topic=self.route.dead_letters,
            key=key,
            value=b"",
            headers=(*kept, *_error_headers(failed)),
            dead=True,
            foreign=0,
            stripped=True,
        )

    def _letter(
        self,
        message: Any,
        place: int,
        number: int,
        failed: Failed,
        *,
        candid: int | None,
        at: bytes,
    ) -> Record:
        return Record(
            self.route.dead_letters,
            message.key() if candid is None else b"%d" % candid,
            message.value() or b"",
            (
                *_own_headers(message),
                *(self._filter_headers(number) if number >= 0 else ()),
                *_origin(message, at),
                *_error_headers(failed),
            ),
            dead=True,
            place=place,
            filter=number,
            foreign=len(message.headers() or ()),
        )

    def _filter_headers(self, number: int) -> tuple[Header, ...]:
        facts = self.filters[number]
        return (
            (FILTER, facts.name.encode()),
            (f"{_PREFIX}version", facts.version.encode()),
            (f"{_PREFIX}params", _json(dict(facts.params))),
        )


def _own_headers(message: Any) -> Iterator[Header]:
    """Yield the headers that a packet came with: also those of a filter before this one."""
    for name, value in message.headers() or ():
        yield name, value or b""


def _origin(message: Any, at: bytes) -> Iterator[Header]:
    yield f"{_PREFIX}source.topic", message.topic().encode()
    yield f"{_PREFIX}source.partition", b"%d" % message.partition()
    yield f"{_PREFIX}source.offset", b"%d" % message.offset()
    timestamp = time_of(message)
    if not math.isnan(timestamp):
        yield f"{_PREFIX}source.timestamp", _moment(timestamp).encode()
    yield f"{_PREFIX}received", at


def _error_headers(failed: Failed) -> Iterator[Header]:
    yield f"{ERROR}.kind", failed.kind.encode()
    yield ERROR, failed.message.encode("utf-8", "replace")
    if failed.line:
        yield f"{ERROR}.line", b"%d" % failed.line


def time_of(message: Any) -> float:
    """Return the Unix time at which the transport took a message [s]; NaN where unknown."""
    kind, milliseconds = message.timestamp()
    return milliseconds / 1000 if kind else math.nan


def place_of(message: Any) -> Place:
    """Return topic and partition of a message."""
    return message.topic(), message.partition()


def _moment(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds")


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
