"""One batch on its way through a worker."""

from __future__ import annotations

from dataclasses import dataclass, field

from ztfnb.errors import WorkerError
from ztfnb.export.worker.judged import Judged
from ztfnb.export.worker.ledger import Place, Ticket
from ztfnb.export.worker.records import Record, place_of
from ztfnb.export.worker.taken import Taken


@dataclass(slots=True, eq=False)
class Job:
    """One batch on its way."""

    taken: Taken
    ticket: Ticket
    received: float
    """Unix time [s]."""
    judged: Judged | None = None
    confirmed: bool = False
    """Whether everything is written, and only the commit is missing."""
    asked: bool = False
    """Whether that commit was asked for."""
    refused: list[Record] = field(default_factory=list)
    """What passed, but is never taken by the broker; its dead letters are written instead."""
    began: float = 0.0

    @property
    def result(self) -> Judged:
        """What became of it in the cell."""
        if self.judged is None:
            raise WorkerError("a batch is written before it is judged")
        return self.judged

    def ours(self, held: frozenset[Place]) -> list[int] | None:
        """Return which of its packets are of these partitions; None for all of them."""
        if len(held) == len(self.ticket.spans):
            return None
        messages = enumerate(self.taken.messages)
        return [number for number, message in messages if place_of(message) in held]

    def origin(self, record: Record) -> tuple[str, int, int, int]:
        """Return from where a record comes: topic, partition, offset, and number of the filter."""
        message = self.taken.messages[record.place]
        return message.topic(), message.partition(), message.offset(), record.filter
