"""The ledger: what is taken, certain and committed."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ztfnb.export.worker.ledger import Ledger, Place, Span, Ticket

A, B = ("night", 0), ("night", 1)
PLACES = (A, B, ("night", 2))


def begun(*places: Place, at: int = 0) -> Ledger:
    ledger = Ledger()
    ledger.assign(places)
    for place in places:
        ledger.begin(place, at)
    return ledger


def test_only_what_is_done_without_a_break_may_be_committed() -> None:
    """A later batch that is done first waits for the earlier one."""
    ledger = begun(A)
    first, second = ledger.take({A: 10}), ledger.take({A: 25})
    assert second.spans == {A: Span(10, 25)}
    ledger.confirm(second)
    assert ledger.committable() == {A: 0}
    ledger.confirm(first)
    assert ledger.committable() == {A: 25}
    ledger.committed({A: 25})
    assert ledger.committable() == {}


def test_where_reading_begins_is_committed_at_once() -> None:
    """So that it is known when the worker starts again, whatever has arrived by then."""
    assert begun(A, at=7).committable() == {A: 7}


def test_nothing_of_a_partition_that_was_lost_is_committed() -> None:
    """Also when it comes back: what was taken before is another's, or is taken anew."""
    ledger = begun(A, B)
    ticket = ledger.take({A: 10, B: 10})
    ledger.drop([A])
    assert ledger.holds(ticket) == {B}
    ledger.assign([A])
    ledger.begin(A, 4)
    assert ledger.holds(ticket) == {B}
    ledger.confirm(ticket)
    assert ledger.committable() == {A: 4, B: 10}


def test_what_failed_is_taken_again_from_its_start() -> None:
    """Rewinding abandons every batch that is not done, and says where to read from."""
    ledger = begun(A, B)
    ledger.confirm(ledger.take({A: 5}))
    lost = ledger.take({A: 9})
    assert ledger.rewind() == {A: 5}
    assert not ledger.holds(lost)
    ledger.confirm(lost)
    assert ledger.done(A) == ledger.position(A) == 5
    assert ledger.take({A: 9}).spans == {A: Span(5, 9)}


def test_a_gap_is_passed_over_only_after_what_came_before_it() -> None:
    """What expired behind a batch that is not done is committed with it, not before."""
    ledger = begun(A)
    ticket = ledger.take({A: 10})
    ledger.skip(A, 100)
    assert ledger.committable() == {A: 0}
    assert ledger.position(A) == 100
    ledger.confirm(ticket)
    assert ledger.committable() == {A: 100}


def test_a_topic_made_anew_is_read_from_its_beginning() -> None:
    """Restarting goes back behind what is done, and what was taken counts no longer."""
    ledger = begun(A, at=50)
    ticket = ledger.take({A: 60})
    ledger.restart(A, 0)
    assert not ledger.holds(ticket)
    assert ledger.committable() == {A: 0}


def test_a_batch_takes_something() -> None:
    """An offset that is not ahead is a mistake of the caller."""
    ledger = begun(A, at=5)
    with pytest.raises(ValueError, match="expected an offset above 5, got 5"):
        ledger.take({A: 5})


# Score-card 4


@dataclass
class Member:
    """A worker of the group as the ledger sees it."""

    ledger: Ledger = field(default_factory=Ledger)
    owned: set[Place] = field(default_factory=set)
    alive: bool = True
    paused: bool = False
    aware: bool = True
    """Whether it has noticed what became of its partitions."""
    batches: list[Ticket] = field(default_factory=list)


class Group:
    """A broker with a consumer group of three members, each with a ledger.

    It refuses commits of who does not own a partition, as Kafka does; and it checks each.
    """

    LENGTH = 60

    def __init__(self) -> None:
        self.committed = dict.fromkeys(PLACES, 0)
        self.written: dict[Place, set[int]] = {place: set() for place in PLACES}
        self.owner: dict[Place, int] = {}
        self.members = [Member() for _ in range(3)]
        for place in PLACES:
            self.give(place, 0)

    def give(self, place: Place, number: int) -> None:
        member = self.members[number]
        self.owner[place] = number
        member.owned.add(place)
        member.ledger.assign([place])
        member.ledger.begin(place, self.committed[place])

    def first_unprocessed(self, place: Place) -> int:
        written = self.written[place]
        return next(offset for offset in range(self.LENGTH + 1) if offset not in written)

    def consume(self, member: Member, count: int) -> None:
        if member.paused or not member.owned:
            return
        ends = {}
        for place in sorted(member.owned):
            position = member.ledger.position(place) or 0
            end = min(position + count, self.LENGTH)
            if end > position:
                ends[place] = end
        if ends:
            member.batches.append(member.ledger.take(ends))

    def deliver(self, member: Member, which: int) -> None:
        if member.batches:
            ticket = member.batches.pop(which % len(member.batches))
            for place in member.ledger.holds(ticket):
                self.written[place] |= set(range(*ticket.spans[place]))
            member.ledger.confirm(ticket)

    def fail(self, member: Member) -> None:
        """A delivery error: part of a batch may be written all the same."""
        if member.batches:
            ticket = member.batches[0]
            for place, span in ticket.spans.items():
                self.written[place] |= set(range(span.first, (span.first + span.end) // 2))
        member.ledger.rewind()
        member.batches.clear()

    def commit(self, member: Member) -> None:
        number = self.members.index(member)
        for place, offset in member.ledger.committable().items():
            if self.owner.get(place) != number:
                continue  # fenced by the group's generation
            assert offset <= self.first_unprocessed(place), "an alert was passed over"
            assert offset >= self.committed[place], "what was committed is taken back"
            self.committed[place] = offset
            member.ledger.committed({place: offset})

    def revoke(self, place: Place, to: int, *, noticed: bool) -> None:
        """A rebalance; one who does not notice goes on as if it still had the partition."""
        before = self.members[self.owner[place]]
        if self.owner[place] == to or not self.members[to].alive:
            return
        if noticed:
            before.ledger.drop([place])
            before.owned.discard(place)
        else:
            before.aware = False
        self.give(place, to)

    def notice(self, member: Member) -> None:
        number = self.members.index(member)
        gone = {place for place in member.owned if self.owner[place] != number}
        member.ledger.drop(gone)
        member.owned -= gone
        member.aware = True

    def crash(self, number: int) -> None:
        self.members[number] = Member(alive=False)
        others = [i for i, member in enumerate(self.members) if member.alive]
        if not others:
            self.members[number].alive = True
            others = [number]
        for place, owner in list(self.owner.items()):
            if owner == number:
                self.give(place, others[place[1] % len(others)])

    def step(self, what: str, number: int, amount: int) -> None:
        member = self.members[number]
        if what == "restart":
            member.alive = True
        if not member.alive:
            return
        place = PLACES[amount % len(PLACES)]
        if what == "pause":
            member.paused = not member.paused
        elif what != "restart":
            {
                "consume": lambda: self.consume(member, amount),
                "deliver": lambda: self.deliver(member, amount),
                "fail": lambda: self.fail(member),
                "commit": lambda: self.commit(member),
                "crash": lambda: self.crash(number),
                "rebalance": lambda: self.revoke(place, number, noticed=True),
                "lose": lambda: self.revoke(place, number, noticed=False),
                "notice": lambda: self.notice(member),
            }[what]()

    def drain(self) -> None:
        """Everybody gets well, and works until all is done."""
        for member in self.members:
            if member.alive:
                self.notice(member)
                member.paused = False
                self.fail(member)
        for _ in range(self.LENGTH):
            for member in self.members:
                if member.alive:
                    self.consume(member, 10)
                    self.deliver(member, 0)
                    self.commit(member)


STEPS = ("consume", "deliver", "fail", "commit", "crash", "restart", "rebalance", "lose", "notice")


@settings(max_examples=1_000)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([*STEPS, "pause", "consume", "deliver", "commit"]),
            st.integers(0, 2),
            st.integers(0, 12),
        ),
        max_size=80,
    )
)
def test_s04_the_commit_never_passes_the_first_unprocessed(
    steps: list[tuple[str, int, int]],
) -> None:
    """1,000 random sequences: committed never exceeds the first unprocessed; nothing is skipped."""
    group = Group()
    for step in steps:
        group.step(*step)
    group.drain()
    assert all(group.committed[place] == Group.LENGTH for place in PLACES)
    assert all(len(group.written[place]) == Group.LENGTH for place in PLACES)
