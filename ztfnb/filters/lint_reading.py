"""Reading expressions: what is known at a place, and what may go wrong there."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ztfnb.filters import lint_comparisons as comparisons
from ztfnb.filters.lint_guards import Guards
from ztfnb.filters.lint_values import (
    Facts,
    Read,
    Rec,
    Seq,
    Value,
    known,
)

Say = Callable[[str, ast.AST, Value, str], None]
"""Takes the rule, the place, what it is about, and the text."""


@dataclass(slots=True)
class State:
    """What names stand for at some place, and what is known there."""

    names: dict[str, Value] = field(default_factory=dict)
    facts: Facts = frozenset()

    def copy(self) -> State:
        """Return one that can be changed."""
        return State(dict(self.names), self.facts)

    def knowing(self, facts: Facts) -> State:
        """Return a copy in which more is known."""
        return State(dict(self.names), self.facts | facts)


class Reading:
    """Visits expressions in the order in which Python evaluates them; each kind in a class below.

    Parameters
    ----------
    outer
        What stands for names outside the function.
    say
        Takes what is to be said.
    text
        Returns how a part of the source is written.
    any_version
        Whether the function asks for the schema version: then nothing is said of newer fields.
    """

    def __init__(
        self,
        outer: Mapping[str, Any],
        say: Say,
        text: Callable[[ast.AST], str],
        *,
        any_version: bool,
    ) -> None:
        self.outer = outer
        self.text = text
        self._say = say
        self.any_version = any_version
        self.caught: frozenset[str] = frozenset()
        self._quiet = 0
        self._count = 0
        self.guards = Guards(self.quietly)

    def say(self, rule: str, node: ast.AST, value: Value, text: str) -> None:
        """Say something, unless this only looks what something stands for."""
        if not self._quiet:
            self._say(rule, node, value, text)

    def quietly(self, node: ast.expr, state: State) -> Value:
        """Return what an expression stands for, saying nothing."""
        self._quiet += 1
        try:
            return self.visit(node, state.copy())
        finally:
            self._quiet -= 1

    def truth(self, node: ast.expr, state: State) -> None:
        """Visit an expression of which only the truth counts."""
        value = self.visit(node, state)
        if isinstance(value, Read) and (reason := comparisons.always_true(value)):
            self.say("always", node, value, f"{self.text(node)} is always true: {reason}")

    def visit(self, node: ast.expr, state: State) -> Value:
        """Return what an expression stands for; say what is wrong with it."""
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is not None:
            found: Value = method(node, state)
            return found
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.expr):
                self.visit(part, state)
        return None

    def bind(self, target: ast.expr, value: Value, state: State) -> None:
        """Let a name stand for something."""
        match target:
            case ast.Name(id=name):
                state.names[name] = value
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part in parts:
                    self.bind(part, None, state)
            case ast.Starred(value=inner):
                self.bind(inner, None, state)
            case ast.Subscript() | ast.Attribute():
                owner = self.visit(target.value, state)
                if isinstance(owner, Rec | Seq):
                    self.say(
                        "change", target, None,
                        f"{self.text(target)}: an alert cannot be changed; keep it in a name",
                    )  # fmt: skip

    def bind_each(self, target: ast.expr, iterable: ast.expr, state: State) -> None:
        """Let the target of a loop stand for an entry of what it goes over."""
        match iterable:
            case ast.Call(func=ast.Name(id="enumerate"), args=[inner, *_]) if isinstance(
                target, ast.Tuple
            ):
                self.bind(target.elts[0], None, state)
                self.bind_each(target.elts[1], inner, state)
                return
            case ast.Call(func=ast.Name(id="zip"), args=inners) if isinstance(
                target, ast.Tuple
            ) and len(target.elts) == len(inners):
                for part, inner in zip(target.elts, inners, strict=True):
                    self.bind_each(part, inner, state)
                return
        value = self.visit(iterable, state)
        if isinstance(value, Seq):
            self.need_list(iterable, value, state, "looping over")
            self.bind(target, self.entry(value, state), state)
        else:
            self.bind(target, None, state)

    # -- What may go wrong -------------------------------------------------------------------

    def need_list(self, node: ast.AST, value: Seq, state: State, doing: str) -> bool:
        """Say that a list may be None, where it is used as one; return whether it may."""
        if not value.null or (value.token, "", "value") in state.facts:
            return False
        if {"TypeError"} & self.caught:
            return False
        text = self.text(node)
        given = (
            ": the key is there, so what get() would give instead is not given"
            if value.default
            else ""
        )
        self.say(
            "history", node, value,
            f"{text} is null where a packet has none{given}; {doing} None raises TypeError; "
            f"write ({text} or [])",
        )  # fmt: skip
        return True

    def need_entry(self, node: ast.AST, value: Seq, state: State, error: str, instead: str) -> None:
        """Say that a list may be empty, where an entry is taken."""
        if not value.empty or (value.token, "", "some") in state.facts or error in self.caught:
            return
        self.say(
            "empty", node, value,
            f"{self.text(node)} raises {error} where the packet has no earlier epochs; {instead}",
        )  # fmt: skip

    def need_value(self, node: ast.expr, value: Value, state: State) -> None:
        """Say that a field may be None, where it is calculated or compared with."""
        if not isinstance(value, Read) or not value.missing_none:
            return
        if known(state.facts, value, "value") or "TypeError" in self.caught:
            return
        self.say("null", node, value, "")

    # -- Entries of lists --------------------------------------------------------------------

    def entry(self, value: Seq, state: State) -> Value:
        """Return one entry of a list, with what is known of all."""
        token = self.token()
        state.facts |= frozenset((token, name, what) for name, what in value.facts)
        if isinstance(value.item, Rec | Read):
            return replace(value.item, token=token)
        return value.item

    def token(self) -> str:
        """Return what tells one thing from all others."""
        self._count += 1
        return f"#{self._count}"
