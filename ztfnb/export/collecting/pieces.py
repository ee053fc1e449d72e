"""The pieces of a ``filter.py``, and the order in which they stand."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

Place = tuple[int, str, int]
"""Where something stood, to sort by."""


@dataclass(eq=False, slots=True)
class Piece:
    """A definition or constant that ``filter.py`` has."""

    name: str
    """What it defines."""
    write: Callable[[], str]
    """Gives its text, when all names are known."""
    place: Place = (-1, "", 0)
    constant: bool = False
    fixed: bool = False
    """Whether it cannot have another name."""
    keeps: str = ""
    """The name that its own text defines, whatever it is called: what has that name in the end
    stands behind it."""
    imported: bool = False
    """Whether it stands in a module, and an import brings it."""
    claimed: bool = False
    """Whether a filter stands for it as it is; every other one is set anew."""
    needs: list[Piece] = field(default_factory=list)
    """What must stand before it."""
    uses: list[Piece] = field(default_factory=list)
    """What it asks for when it is called: that must stand before what calls it at once."""
    wanted: dict[str, None] = field(default_factory=dict)
    """The names that the author has for it."""

    @property
    def text(self) -> str:
        """Its text, with further names for the same behind."""
        others = [f"{one} = {self.name}" for one in self.wanted if one != self.name]
        return "\n".join([self.write(), *others])


def ordered(pieces: Iterable[Piece]) -> tuple[list[Piece], list[Piece]]:
    """Return pieces as the author has them, constants first, each after what it needs.

    Returns
    -------
    tuple
        The pieces in order; those that cannot be ordered, since they need each other.
    """
    every = list(dict.fromkeys(pieces))
    rank = {id(one): number for number, one in enumerate(sorted(every, key=_key))}
    by_rank = {rank[id(one)]: one for one in every}
    open_ = _before(every)
    waiting: dict[int, list[Piece]] = {}
    for one in every:
        for need in open_[id(one)]:
            waiting.setdefault(need, []).append(one)
    ready = [rank[id(one)] for one in every if not open_[id(one)]]
    heapq.heapify(ready)
    found: list[Piece] = []
    while ready:
        one = by_rank[heapq.heappop(ready)]
        found.append(one)
        for each in waiting.get(id(one), ()):
            open_[id(each)].discard(id(one))
            if not open_[id(each)]:
                heapq.heappush(ready, rank[id(each)])
    return found, [one for one in sorted(every, key=_key) if one not in found]


def _before(every: list[Piece]) -> dict[int, set[int]]:
    """Return what must stand before each piece, by identity.

    That is what it needs, and what this uses in turn, unless that uses the piece itself.
    """
    direct = {id(one): {id(need) for need in (*one.needs, *one.uses)} for one in every}
    reached = {id(one): _reached(direct[id(one)], direct) for one in every}
    found = {}
    for one in every:
        needs = {id(need) for need in one.needs}
        later = (far for need in needs for far in reached.get(need, ()))
        before = needs | {far for far in later if id(one) not in reached.get(far, ())}
        found[id(one)] = (before & direct.keys()) - {id(one)}
    return found


def _reached(first: set[int], direct: dict[int, set[int]]) -> set[int]:
    found: set[int] = set()
    waiting = [*first]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += direct.get(one, ())
    return found


def _key(piece: Piece) -> tuple[bool, Place]:
    return (not piece.constant, piece.place)
