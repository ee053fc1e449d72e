"""What is taken, what is certain and what may be committed, by partition. No I/O, no threads.

A partition is owned from the moment it is assigned until it is revoked or lost. What is taken of
it is done when its results are written, and only what is done without a break from the last
commit on may be committed: the commit never passes the first alert that is not done. A partition
that comes back later is another ownership: what was taken in an earlier one no longer counts, and
is taken anew by whoever owns it now.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Place = tuple[str, int]
"""A topic and one of its partitions."""


class Span(NamedTuple):
    """Offsets of one partition, taken in one batch: from ``first`` up to, but without, ``end``."""

    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Ticket:
    """What one batch took."""

    spans: Mapping[Place, Span]
    tenures: Mapping[Place, int]
    """Of which ownership of its partition each span is."""


@dataclass(slots=True)
class _Pending:
    end: int
    done: bool


@dataclass(slots=True)
class _Owned:
    """One partition, as long as it is owned; anew after what was taken has been abandoned."""

    tenure: int
    position: int | None = None
    """Offset that is taken next; None until it is known where reading begins."""
    done: int | None = None
    """Everything below is done."""
    committed: int | None = None
    """What the broker has confirmed in this ownership."""
    pending: deque[_Pending] = field(default_factory=deque)


class Ledger:
    """What is taken, certain and committed of the partitions that are owned."""

    def __init__(self) -> None:
        self._owned: dict[Place, _Owned] = {}
        self._tenures = 0

    @property
    def places(self) -> tuple[Place, ...]:
        """Partitions that are owned."""
        return tuple(self._owned)

    def owns(self, place: Place) -> bool:
        """Whether a partition is owned."""
        return place in self._owned

    def position(self, place: Place) -> int | None:
        """Return the offset that is taken next; None where reading has not begun."""
        owned = self._owned.get(place)
        return owned.position if owned else None

    def done(self, place: Place) -> int | None:
        """Return the offset below which everything is done; None where reading has not begun."""
        owned = self._owned.get(place)
        return owned.done if owned else None

    def assign(self, places: Iterable[Place]) -> None:
        """Own these partitions from now on; where reading begins in them is not known yet."""
        for place in places:
            self._owned[place] = _Owned(self._next_tenure())

    def drop(self, places: Iterable[Place]) -> None:
        """Own these no longer: revoked or lost. What was taken of them is abandoned."""
        for place in places:
            self._owned.pop(place, None)

    def begin(self, place: Place, offset: int) -> None:
        """Read a partition from this offset on; all below is done, or not to be done.

        Does nothing where reading has begun, or the partition is not owned.
        """
        owned = self._owned.get(place)
        if owned is not None and owned.position is None:
            owned.position = owned.done = offset

    def skip(self, place: Place, offset: int) -> None:
        """Pass over what the partition does not hold below this offset: it can never be taken.

        The offset may be committed once everything taken before is done.
        """
        owned = self._owned.get(place)
        if owned is None:
            return
        if owned.position is None:
            self.begin(place, offset)
        elif offset > owned.position:
            owned.position = offset
            owned.pending.append(_Pending(offset, done=True))
            self._advance(owned)

    def restart(self, place: Place, offset: int) -> None:
        """Read a partition from an earlier offset: it was made anew, and is shorter now."""
        if place in self._owned:
            self._owned[place] = _Owned(self._next_tenure(), offset, offset)

    def take(self, ends: Mapping[Place, int]) -> Ticket:
        """Take a batch: of each partition everything from its position up to ``end``.

        Reading must have begun in each.
        """
        spans, tenures = {}, {}
        for place, end in ends.items():
            owned = self._owned[place]
            first = owned.position
            if first is None or end <= first:
                raise ValueError(f"{place}: expected an offset above {first}, got {end}")
            spans[place] = Span(first, end)
            tenures[place] = owned.tenure
            owned.position = end
            owned.pending.append(_Pending(end, done=False))
        return Ticket(spans, tenures)

    def holds(self, ticket: Ticket) -> frozenset[Place]:
        """Return the partitions of a batch that are still owned as they were when it was taken."""
        return frozenset(
            place
            for place, tenure in ticket.tenures.items()
            if place in self._owned and self._owned[place].tenure == tenure
        )

    def confirm(self, ticket: Ticket) -> None:
        """Note that the results of a batch are written; of what is owned no longer, nothing."""
        for place in self.holds(ticket):
            owned = self._owned[place]
            for pending in owned.pending:
                if pending.end == ticket.spans[place].end:
                    pending.done = True
            self._advance(owned)

    def committable(self) -> dict[Place, int]:
        """Return the offsets that may be committed, and are not yet."""
        return {
            place: owned.done
            for place, owned in self._owned.items()
            if owned.done is not None and owned.done != owned.committed
        }

    def committed(self, offsets: Mapping[Place, int]) -> None:
        """Note what the broker has confirmed."""
        for place, offset in offsets.items():
            owned = self._owned.get(place)
            if owned is not None and owned.done is not None and offset <= owned.done:
                owned.committed = offset

    def rewind(self) -> dict[Place, int]:
        """Abandon everything that is taken and not done; return where to read from again."""
        positions = {}
        for place, owned in self._owned.items():
            if owned.done is not None and owned.pending:
                committed, done = owned.committed, owned.done
                self._owned[place] = _Owned(self._next_tenure(), done, done, committed)
                positions[place] = done
        return positions

    def _next_tenure(self) -> int:
        self._tenures += 1
        return self._tenures

    @staticmethod
    def _advance(owned: _Owned) -> None:
        while owned.pending and owned.pending[0].done:
            owned.done = owned.pending.popleft().end
