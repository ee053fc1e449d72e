"""A batch of packets judged, where the filters run: what is known already is not done again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from time import monotonic_ns

from ztfnb.alert import Alert
from ztfnb.columns import decode_columns
from ztfnb.export.worker.cell_memory import (
    DECODED,
    FILTER,
    PLACE,
    SERIAL,
    SINCE,
    STATE,
    TURN,
    UNDECODABLE,
    Code,
    Memory,
    Progress,
    Results,
    State,
    packet_spans,
)
from ztfnb.export.worker.cell_wire import MOST_NOTES, send, size_of
from ztfnb.filters.decision import Verdict
from ztfnb.filters.failure import Failure, failure_of
from ztfnb.filters.filter import Filter
from ztfnb.filters.judge import Judge
from ztfnb.rows import alerts_of

_PACKETS, _BYTES = 500, 40 * 1024 * 1024
"""Packets that are decoded together, at most."""
_REJECTED, _PASSED = int(Verdict.REJECTED), int(Verdict.PASSED)
_CODE_REJECTED, _CODE_PASSED = int(Code.REJECTED), int(Code.PASSED)
_CODE_NOTED, _CODE_FAILED = int(Code.NOTED), int(Code.FAILED)


class OutOfMemoryError(Exception):
    """A filter ran out of memory; what its process has in memory is trusted no more."""


class Judging:
    """Runs filters on batches of packets.

    Parameters
    ----------
    filters
        The filters, set up.
    progress
        Where it says what it is doing.
    messages
        Descriptor through which reasons and annotations go.
    """

    def __init__(self, filters: Sequence[Filter], progress: Progress, messages: int) -> None:
        self._filters = filters
        self._words = progress.words
        self._messages = messages
        self._process = os.getpid()

    def judge(
        self, serial: int, packets: Memory, size: int, results: Results, apart: range
    ) -> None:
        """Judge what is pending of a batch.

        Parameters
        ----------
        serial
            Number of the batch.
        packets, size
            Where the packets are, and the bytes of all.
        results
            Where to put what becomes of them.
        apart
            Places of packets that are decoded each for itself.
        """
        self._words[SERIAL] = serial
        memory, spans = packet_spans(packets, results.count, size)
        for places in _chunks(results.pending().tolist(), spans, apart):
            self._begin(State.DECODING, places[0], len(places))
            values = [bytes(memory[spans[place] : spans[place + 1]]) for place in places]
            self._judge_some(serial, places, values, results)

    def _begin(self, state: State, place: int, number: int) -> None:
        words = self._words
        words[SINCE] = 0
        words[STATE] = state
        words[PLACE] = place
        words[FILTER] = number
        words[TURN] += 1
        words[SINCE] = monotonic_ns()

    def _judge_some(
        self, serial: int, places: Sequence[int], values: Sequence[bytes], results: Results
    ) -> None:
        columns = decode_columns(values)
        for at, error in columns.errors:
            send(self._messages, "failure", serial, places[at], -1, "not decoded", str(error), 0)
            results.decoded[places[at]] = UNDECODABLE
        rows = [places[at] for at in columns.rows.tolist()]
        for place, candid in zip(rows, columns.candid.tolist(), strict=True):
            results.candid[place] = candid
            results.decoded[place] = DECODED
        alerts = alerts_of(columns, values)
        # Each is let go when it has been judged, with all that was decoded of it.
        alerts.reverse()
        judges = [Judge(made) for made in self._filters]
        for judge in judges:
            judge.judgement.extend(len(rows))
        words, verdict = self._words, results.verdict
        words[SINCE] = 0
        words[STATE] = State.JUDGING
        for row, place in enumerate(rows):
            alert = alerts.pop()
            words[PLACE] = place
            at = place
            for number, judge in enumerate(judges):
                if not verdict[at]:
                    words[FILTER] = number
                    words[TURN] += 1
                    words[SINCE] = monotonic_ns()
                    self._run(number, judge, row, alert)
                    results.took[at] = judge.judgement.took[row]
                    verdict[at] = self._told(serial, place, number, row, judge)
                    words[SINCE] = 0
                    self._look_after(judge, row)
                at += results.count
        words[STATE] = State.IDLE

    def _run(self, number: int, judge: Judge, row: int, alert: Alert) -> None:
        try:
            judge(row, alert)
        except BaseException as error:  # noqa: BLE001 - no filter ends this process so
            judge.judgement.lose(row, failure_of(self._filters[number], 0, error))
        if os.getpid() != self._process:
            os._exit(0)  # a filter has forked, and this is the other one

    def _told(self, serial: int, place: int, number: int, row: int, judge: Judge) -> int:
        """Tell what has to be said of a verdict; return what stands for it."""
        found = judge.judgement.verdict[row]
        if found == _REJECTED:
            return _CODE_REJECTED
        if found == _PASSED and row not in judge.judgement.notes:
            return _CODE_PASSED
        return self._say(serial, place, number, row, judge)

    def _look_after(self, judge: Judge, row: int) -> None:
        if judge.judgement.verdict[row] < 0 and judge.judgement.failures[row].kind == "memory":
            raise OutOfMemoryError

    def _say(self, serial: int, place: int, number: int, row: int, judge: Judge) -> int:
        """Tell the annotations of an alert, or why it failed; return what stands for that."""
        said: tuple[str, str, int]
        failure: Failure | None = judge.judgement.failures.get(row)
        if failure is None:
            notes = judge.judgement.notes[row]
            if (size := size_of(notes)) <= MOST_NOTES:
                send(self._messages, "notes", serial, place, number, notes)
                return _CODE_NOTED
            reason = f"its annotations take {size:,} bytes; at most {MOST_NOTES:,} fit in headers"
            said = "refused value", reason, self._filters[number].code.line
        else:
            said = failure.kind, failure.message, failure.line
        send(self._messages, "failure", serial, place, number, *said)
        return _CODE_FAILED


def _chunks(places: Sequence[int], spans: Sequence[int], apart: range) -> Iterator[list[int]]:
    """Divide packets into pieces that are decoded together."""
    some: list[int] = []
    size = 0
    for place in places:
        bytes_ = spans[place + 1] - spans[place]
        alone = place in apart
        if some and (alone or len(some) == _PACKETS or size + bytes_ > _BYTES):
            yield some
            some, size = [], 0
        some.append(place)
        size += bytes_
        if alone:
            yield some
            some, size = [], 0
    if some:
        yield some
