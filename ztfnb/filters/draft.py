"""The conditions of a filter while its functions are still being read."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from ztfnb.filters.condition import Condition
from ztfnb.filters.goal import Goal
from ztfnb.filters.recorder import Spot

_MOST = 300
"""Conditions beyond which no more helpers are followed."""


@dataclass(eq=False)
class Draft:
    """A condition while the function is still being read."""

    node: ast.AST
    text: str
    goal: Goal
    function: str
    indent: int
    root: ast.FunctionDef
    signs: tuple[str, ...] = ()
    operands: tuple[str, ...] = ()
    thresholds: frozenset[str] = frozenset()
    loop: bool = False
    forcible: bool = True
    compares: str = ""

    def condition(self, place: int) -> Condition:
        """Return it as it is told to others."""
        node: Any = self.node
        return Condition(
            place=place,
            text=self.text,
            line=node.lineno,
            end_line=node.end_lineno,
            column=max(node.col_offset - self.indent, 0),
            end_column=max(node.end_col_offset - self.indent, 0),
            function=self.function,
            wanted=self.goal.outcome,
            operator=self.signs[0] if len(self.signs) == 1 else "",
            operands=self.operands,
            thresholds=self.thresholds,
            compares=self.compares,
            loop=self.loop,
            forcible=self.forcible,
        )

    def spot(self, place: int) -> Spot:
        """Return the stretch of source that it covers."""
        node: Any = self.node
        start, end = (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)
        return Spot(start, end, place)


@dataclass
class Book:
    """All that is found in a filter and its helpers."""

    drafts: list[Draft] = field(default_factory=list)
    helpers: list[Any] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """Whether there are too many conditions to look for more."""
        return len(self.drafts) >= _MOST
