"""Where names are used, and what they mean there."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class Home:
    """A piece of source, with the names around it."""

    owner: str
    """What people call it: the name of a function."""
    names: Mapping[str, Any]
    """The globals of the cells or the module that it stands in."""
    nodes: tuple[ast.AST, ...] = ()

    @property
    def module(self) -> str:
        """The name of the module that it stands in."""
        return str(self.names.get("__name__"))

    def place(self, name: str) -> str:
        """Return where a name is used first, as people are told it."""
        used = [
            one.lineno
            for node in self.nodes
            for one in ast.walk(node)
            if isinstance(one, ast.Name) and one.id == name
        ]
        return f"{self.owner}, line {min(used)}" if used else self.owner

    def line(self, number: int) -> str:
        """Return how people are told one of its lines."""
        return f"{self.owner}, line {number}"
