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
    wanted: dict[str, None] = field(default_factory=dict)
    """The names that the author has for it."""

    @property
    def text(self) -> str:
        """Its text, with further names for the same behind."""
        others = [f"{one} = {self.name}" for one in self.wanted if one != self.name]
        return "\n".join([self.write(), *others])


def ordered(pieces: Iterable[Piece]) -> list[Piece]:
    """Return pieces as the author has them, constants first, each after what it needs."""
    every = list(dict.fromkeys(pieces))
    rank = {id(one): number for number, one in enumerate(sorted(every, key=_key))}
    by_rank = {rank[id(one)]: one for one in every}
    open_ = {id(one): {id(need) for need in one.needs if need is not one} for one in every}
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
    # Two that need each other to be defined cannot have been: as the author has them.
    return [*found, *(one for one in sorted(every, key=_key) if one not in found)]


def _key(piece: Piece) -> tuple[bool, Place]:
    return (not piece.constant, piece.place)
