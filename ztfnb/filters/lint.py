"""What a careful reader would say of a filter's source.

Read by its syntax tree, with what the documentation of the fields says (`ztfnb.fields`): names
that no schema has, values that may be missing, comparisons that come out alike for every alert,
history where there may be none, and what makes a filter decide otherwise tomorrow. Checks in the
source are understood; where it is not clear what a name stands for, nothing is said.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ztfnb.filters.lint_flow import Flow
from ztfnb.filters.lint_values import LIMIT, Read, Seq, Value, is_newer
from ztfnb.filters.lint_world import lint_world

if TYPE_CHECKING:
    from ztfnb.filters.filter import Filter

_ONCE = ("null", "marker", "version")
"""Rules that are told once for each field: whoever mends the first place sees the others."""

_NULL = (
    ": None in a comparison or calculation raises TypeError, and the alert fails instead of being "
    "rejected; check that it is not None first"
)


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing in the source that may be wrong."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class _Found:
    rule: str
    line: int
    column: int
    text: str
    about: str = ""
    """The field, where it is about one."""


class _Notes:
    """Takes what is found, one remark for each place."""

    def __init__(self, text: Callable[[ast.AST], str]) -> None:
        self.text = text
        self.found: list[_Found] = []
        self._told: set[tuple[object, ...]] = set()

    def say(self, rule: str, node: ast.AST, value: Value, text: str) -> None:
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        about: tuple[object, ...] = (rule, line, column, text)
        if rule in _ONCE and isinstance(value, Read):
            about = (rule, value.field.record, value.field.name)
        elif rule in ("history", "empty") and isinstance(value, Seq):
            about = (rule, value.token)
        if about in self._told:
            return
        self._told.add(about)
        field = value.field.path if isinstance(value, Read) else ""
        text = self._null(node, value) if rule == "null" else text
        self.found.append(_Found(rule, line, column, text, field))

    def world(self, node: ast.AST, text: str) -> None:
        self.say("world", node, None, text)

    def _null(self, node: ast.AST, value: Value) -> str:
        text = self.text(node)
        if isinstance(value, Read) and value.by_get and is_newer(value.field):
            return f"{text} is None before schema {value.field.versions[0]}"
        if isinstance(value, Read) and value.by_get and value.default:
            return f"{text} is None where the field is null (get() replaces only an absent one)"
        if isinstance(value, Read) and LIMIT in value.field.missing:
            return f"{text} is None where the epoch is an upper limit"
        return f"{text} may be null"

    def remarks(self) -> Iterable[Remark]:
        """Return one remark for each place; fields that may be null are told together."""
        told = {one.about for one in self.found if one.rule in ("version", "marker") and one.about}
        nulls: dict[int, list[str]] = {}
        also: set[str] = set()
        for one in self.found:
            if one.rule == "null" and one.about in told:
                also.add(one.about)
            elif one.rule == "null":
                nulls.setdefault(one.line, []).append(one.text)
        for line, texts in nulls.items():
            yield Remark(line, f"{_listed(texts)}{_NULL}")
        for one in self.found:
            if one.rule == "marker" and one.about in also:
                yield Remark(one.line, f"{one.text}; it may be null, too")
            elif one.rule != "null":
                yield Remark(one.line, one.text)


def lint(made: Filter) -> tuple[Remark, ...]:
    """Return what may be wrong in the source of a filter, by line."""
    tree = made.code.tree
    text = partial(_text, made)
    notes = _Notes(text)
    closed = inspect.getclosurevars(made.function)
    names = {**made.function.__globals__, **closed.nonlocals}
    any_version = any(
        isinstance(node, ast.Constant) and node.value == "schemavsn" for node in ast.walk(tree)
    )
    flow = Flow(names, notes.say, text, any_version=any_version)
    flow.run(tree, {one.name: one.default for one in made.thresholds})
    lint_world(tree, names, made.needs, notes.world)
    return tuple(sorted(notes.remarks(), key=lambda remark: (remark.line, remark.text)))


def _text(made: Filter, node: ast.AST) -> str:
    return made.code.segment(node) if hasattr(node, "end_col_offset") else ast.unparse(node)


def _listed(texts: list[str]) -> str:
    *most, last = texts
    return f"{', '.join(most)} and {last}" if most else last
