"""Reading names: which field of which record is meant."""

from __future__ import annotations

import ast
import difflib
import math
from dataclasses import replace

from ztfnb.alert import Alert
from ztfnb.filters.lint_reading import Reading, State
from ztfnb.filters.lint_values import (
    LISTS,
    Const,
    Read,
    Rec,
    Seq,
    Setting,
    Value,
    is_newer,
    known,
    records,
)

ALERT = Rec("alert", "alert")
_PROPERTIES = {name for name in dir(Alert) if not name.startswith("_")}
_NAN = ("nan", "NaN", "NAN")


class Names(Reading):
    """Reads names, and fields of records."""

    def _name(self, node: ast.Name, state: State) -> Value:
        if node.id in state.names:
            return state.names[node.id]
        if node.id in self.outer:
            value = self.outer[node.id]
            if isinstance(value, float) and value != value:  # noqa: PLR0124 - NaN
                return Const(value)
            if isinstance(value, str | int | float | tuple | list | set | frozenset):
                return Setting(value)
        return None

    def _constant(self, node: ast.Constant, _state: State) -> Value:
        return Const(node.value)

    def _tuple(self, node: ast.Tuple | ast.List | ast.Set, state: State) -> Value:
        parts = [self.visit(part, state) for part in node.elts]
        for part, value in zip(node.elts, parts, strict=True):
            if isinstance(part, ast.Starred) and isinstance(value, Seq):
                return replace(value, null=False, empty=len(parts) == 1, token=self.token())
        if parts and all(isinstance(part, Const) for part in parts):
            return Const(tuple(part.value for part in parts if isinstance(part, Const)))
        return None

    _list = _set = _tuple

    def _starred(self, node: ast.Starred, state: State) -> Value:
        value = self.visit(node.value, state)
        if isinstance(value, Seq):
            self.need_list(node.value, value, state, "unpacking")
        return value

    def _namedexpr(self, node: ast.NamedExpr, state: State) -> Value:
        value = self.visit(node.value, state)
        self.bind(node.target, value, state)
        return value

    def _subscript(self, node: ast.Subscript, state: State) -> Value:
        owner = self.visit(node.value, state)
        key = self.visit(node.slice, state)
        if isinstance(owner, Rec) and isinstance(key, Const) and isinstance(key.value, str):
            return self._field(node, owner, key.value, state)
        if isinstance(owner, Seq):
            lacking = self.need_list(node.value, owner, state, "taking an entry of")
            if isinstance(node.slice, ast.Slice):
                return replace(owner, token=self.token(), empty=False, null=False)
            if not lacking:
                instead = f"check {self.text(node.value)} first"
                self.need_entry(node, owner, state, "IndexError", instead)
            return self.entry(owner, state)
        return None

    def _attribute(self, node: ast.Attribute, state: State) -> Value:
        owner = self.visit(node.value, state)
        if node.attr in _NAN and isinstance(node.value, ast.Name) and owner is None:
            return Const(math.nan)
        if isinstance(owner, Rec) and owner.record == "alert":
            return self._property(node, owner)
        if isinstance(owner, Rec) and not hasattr(dict, node.attr):
            return self._field(node, owner, node.attr, state)
        if isinstance(owner, Read):
            self.need_value(node.value, owner, state)
        return None

    def _property(self, node: ast.Attribute, owner: Rec) -> Value:
        if node.attr == "candidate":
            return Rec("candidate", "candidate")
        if node.attr in _PROPERTIES:
            return None
        text = self.text(node)
        top, inside = records()["alert"], records()["candidate"]
        if node.attr in top:
            instead = f'write {self.text(node.value)}["{node.attr}"]'
        elif node.attr in inside:
            instead = f"write {self.text(node.value)}.candidate.{node.attr}"
        else:
            close = difflib.get_close_matches(node.attr, [*_PROPERTIES, *top, *inside], n=2)
            instead = f"did you mean {' or '.join(close)}?" if close else "see ztfnb.fields()"
        self.say("field", node, owner, f"an alert has no attribute {text}; {instead}")
        return None

    def _field(self, node: ast.expr, owner: Rec, name: str, state: State) -> Value:
        known_fields = records()[owner.record]
        text = self.text(node)
        if name not in known_fields:
            self.say("field", node, owner, f"no schema has {text}; {instead(owner, name)}")
            return None
        found = Read(known_fields[name], owner.token)
        self._newer(node, found, text, state)
        return self.kind(found)

    def _newer(self, node: ast.expr, read: Read, text: str, state: State) -> None:
        errors = {"AttributeError"} if isinstance(node, ast.Attribute) else {"KeyError"}
        if not is_newer(read.field) or self.any_version or errors & self.caught:
            return
        if known(state.facts, read, "present"):
            return
        since = read.field.versions[0]
        owner = self.text(node.value) if isinstance(node, ast.Subscript | ast.Attribute) else "it"
        self.say(
            "version", node, read,
            f"{text} exists since schema {since} only: for older alerts this raises "
            f'{next(iter(errors))} and they fail; write {owner}.get("{read.field.name}") and '
            "check that it is not None",
        )  # fmt: skip

    def kind(self, read: Read) -> Value:
        """Return what a field holds: a record, a list of them, or a value."""
        one = read.field
        if one.record == "alert" and one.name == "candidate":
            return Rec("candidate", "candidate")
        if one.record == "alert" and one.name in LISTS:
            entry = Rec(LISTS[one.name], "")
            return Seq(entry, f"alert.{one.name}", null=one.nullable, default=read.default)
        return read


def instead(owner: Rec, name: str) -> str:
    """Say what may have been meant by a field that a record does not have."""
    every = records()
    inside = {"alert": 'alert["candidate"]["{}"]', "candidate": 'alert["{}"]'}.get(owner.record)
    other = {"alert": "candidate", "candidate": "alert"}.get(owner.record)
    if inside and other and name in every[other]:
        return f"it stands in the {'candidate' if other == 'candidate' else 'alert itself'}: " + (
            inside.format(name)
        )
    close = difflib.get_close_matches(name, every[owner.record], n=3, cutoff=0.6)
    close = (
        close
        or [each for each in every[owner.record] if each.lower().startswith(name.lower()[:2])][:3]
    )
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f'ztfnb.fields("{owner.record}.*") lists what there is'
