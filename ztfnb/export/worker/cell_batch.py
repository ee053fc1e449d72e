"""A batch that is inside the process of the filters: what is known of it, and what is charged.

Nothing that the process says is believed beyond what it can know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic_ns
from typing import Any

from ztfnb.export.worker.cell_memory import UNDECODABLE, Code, Doing, Results, State, as_list
from ztfnb.export.worker.cell_wire import MOST_NOTES, WireError, size_of
from ztfnb.export.worker.judged import Failed, Judged, Verdicts
from ztfnb.filters.decision import Verdict, is_name
from ztfnb.filters.threshold import Value

_SAYS = 500
_MOST_LINES = 1 << 31
_LONGEST_TIME = 1 << 62
"""More nanoseconds than anything takes."""
_VERDICTS = {
    int(Code.REJECTED): int(Verdict.REJECTED),
    int(Code.PASSED): int(Verdict.PASSED),
    int(Code.NOTED): int(Verdict.PASSED),
}
_FAILED = int(Verdict.FAILED)
_KINDS = ("not decoded", "exception", "missing value", "refused value", "memory")
"""Kinds of failures that the process tells; the others are seen from outside."""
_LOST = Failed("crash", "what became of it was lost: the filter closed what it is told through")


@dataclass(slots=True)
class Batch:
    """A batch that is inside."""

    serial: int
    slot: int
    """Which memory it has."""
    size: int
    """Bytes of its packets, and of the table before them."""
    results: Results
    failures: Mapping[int, dict[int, Failed]]
    notes: Mapping[int, dict[int, Mapping[str, Value]]]
    undecodable: dict[int, Failed] = field(default_factory=dict)
    apart: range = range(0)
    """Packets that are decoded each for itself, since decoding ended the process."""
    done: bool = False

    @classmethod
    def new(cls, serial: int, slot: int, size: int, results: Results) -> Batch:
        """Return a batch of which nothing is known."""
        results.clear()
        numbers = range(results.filters)
        return cls(serial, slot, size, results, {n: {} for n in numbers}, {n: {} for n in numbers})

    @property
    def count(self) -> int:
        """How many packets it has."""
        return self.results.count

    # -- What the process says -------------------------------------------------------------

    def take_failure(self, place: Any, number: Any, kind: Any, reason: Any, line: Any) -> None:
        """Note why a filter failed on an alert; why a packet is none where the filter is -1.

        Raises
        ------
        WireError, KeyError, IndexError, TypeError, ValueError
            If that makes no sense.
        """
        if kind not in _KINDS or type(line) is not int or not 0 <= line < _MOST_LINES:
            raise WireError("a failure of an unknown kind, or of no line")
        failed = Failed(str(kind), str(reason)[:_SAYS], line)
        of = self.undecodable if number == -1 else self.failures[number]
        of[range(self.count)[place]] = failed

    def take_notes(self, place: Any, number: Any, notes: Mapping[str, Any]) -> None:
        """Note the annotations of an alert; raises as `take_failure` does."""
        if not all(is_name(name) and isinstance(one, Value) for name, one in notes.items()):
            raise WireError("annotations of other kinds")
        if size_of(notes) > MOST_NOTES:
            raise WireError("annotations that no headers hold")
        self.notes[number][range(self.count)[place]] = notes

    def finish(self) -> None:
        """Note that all of it is known; raises `WireError` if that is not so."""
        if len(self.results.pending()):
            raise WireError("a batch is not done")
        self.done = True

    # -- What an end of the process costs --------------------------------------------------

    def charge(self, doing: Doing, failed: Failed, *, surely: bool) -> bool:
        """Let the alert fail on which the process ended; return whether there was one.

        Parameters
        ----------
        doing
            What the process did.
        failed
            Why it ended.
        surely
            Whether that counts also where the filter came to an end after all, since a signal may
            have woken it.
        """
        if not doing.since or not (0 <= doing.place < self.count and doing.filter in self.failures):
            return False
        at = doing.filter * self.count + doing.place
        if not surely and self.results.verdict[at] != Code.PENDING:
            return False
        self.failures[doing.filter][doing.place] = failed
        self.results.took[at] = min(max(0, monotonic_ns() - doing.since), _LONGEST_TIME)
        self.results.verdict[at] = Code.FAILED
        return True

    def charge_decoding(self, doing: Doing, failed: Failed) -> None:
        """Have packets decoded each for itself, or give up the one that cannot be.

        That is one before which nothing was done: it may have been what filters left in memory.
        """
        if not 0 <= doing.place < self.count:
            return
        if doing.filter == 1 and doing.turn == 1:
            self.undecodable[doing.place] = Failed(failed.kind, f"decoding it: {failed.message}")
            self.results.decoded[doing.place] = UNDECODABLE
        else:
            self.apart = range(doing.place, self.count)

    def standing(self) -> Doing:
        """Return what is to be done next, whatever the process says of itself."""
        place = int(self.results.pending()[0])
        if not self.results.decoded[place]:
            return Doing(State.DECODING, self.serial, place, 1, monotonic_ns(), 1)
        verdicts = (self.results.verdict[n * self.count + place] for n in self.failures)
        number = next((n for n, code in enumerate(verdicts) if code == Code.PENDING), 0)
        return Doing(State.JUDGING, self.serial, place, number, monotonic_ns(), 1)

    # -- What became of it -----------------------------------------------------------------

    def judged(self) -> Judged:
        """Return what became of it, and let go of its memory."""
        results = self.results
        found = [self._of_filter(number) for number in self.failures]
        undecodable = {
            place: self.undecodable.get(place, _LOST)
            for place, state in enumerate(as_list(results.decoded))
            if state == UNDECODABLE
        }
        judged = Judged(as_list(results.candid), undecodable, found)
        results.release()
        return judged

    def _of_filter(self, number: int) -> Verdicts:
        span = self.results.of_filter(number)
        codes, said = as_list(self.results.verdict[span]), self.notes[number]
        verdict = [_VERDICTS.get(code, _FAILED) for code in codes]
        failures, notes = {}, {}
        for place, code in enumerate(codes):
            if code == Code.NOTED and place in said:
                notes[place] = said[place]
            elif code == Code.NOTED:
                failures[place], verdict[place] = _LOST, _FAILED
            elif code not in _VERDICTS and code != Code.PENDING:
                failures[place] = self.failures[number].get(place, _LOST)
        return Verdicts(verdict, failures, notes, as_list(self.results.took[span]))
