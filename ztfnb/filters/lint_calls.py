"""Reading calls: what ``get``, ``len``, ``min`` and the like make of records and lists."""

from __future__ import annotations

import ast
import math
from dataclasses import replace

from ztfnb.filters.lint_guards import facts_of
from ztfnb.filters.lint_names import Names, instead
from ztfnb.filters.lint_reading import State
from ztfnb.filters.lint_values import (
    Const,
    Read,
    Rec,
    Seq,
    Value,
    records,
)

_ARITHMETIC = ("abs", "float", "int", "round", "math.", "np.", "numpy.")
_UNHURT = ("isfinite", "isnan", "asarray", "array")
_SAME_LIST = ("list", "tuple", "sorted", "reversed", "set", "iter")
_FOLDS = ("min", "max", "sum", "next", "any", "all")


class Calls(Names):
    """Reads calls."""

    def _call(self, node: ast.Call, state: State) -> Value:
        name = self.text(node.func)
        if isinstance(node.func, ast.Attribute):
            owner = self.visit(node.func.value, state)
            if isinstance(owner, Rec) and node.func.attr == "get" and node.args:
                return self._get(node, owner, state)
            if isinstance(owner, Rec) and node.func.attr == "copy":
                return owner
            self.visit(node.func, state)
        first = self._arguments(node, name, state)
        match first:
            case Const(value=text) if name == "float" and str(text).lower() == "nan":
                return Const(math.nan)
            case Rec():
                return self._of_record(node, name, first, state)
            case Seq():
                return self._of_list(node, name, first, state)
        if name in ("min", "max") or (name.startswith(_ARITHMETIC) and not name.endswith(_UNHURT)):
            for argument in node.args:
                self.need_value(argument, self.quietly(argument, state), state)
        return None

    def _of_record(self, node: ast.Call, name: str, first: Rec, state: State) -> Value:
        if name == "getattr" and len(node.args) == len(("record", "name", "default")):
            return self._get(ast.Call(node.func, node.args[1:], []), first, state, at=node)
        return first if name == "dict" else None

    def _of_list(self, node: ast.Call, name: str, first: Seq, state: State) -> Value:
        if name == "len":
            self.need_list(node.args[0], first, state, "the length of")
            # Who counts knows that there may be none.
            state.facts |= facts_of(first, "some")
        elif name in _SAME_LIST:
            self.need_list(node.args[0], first, state, f"{name}() of")
            return replace(first, null=False)
        elif name in _FOLDS:
            return self._folded(node, name, first, state)
        return None

    def _arguments(self, node: ast.Call, name: str, state: State) -> Value:
        """Visit the arguments; a function of one entry is given an entry of the list beside it."""
        plain = [a for a in node.args if not isinstance(a, ast.Lambda)]
        values = [self.visit(argument, state) for argument in plain]
        lists = [value for value in values if isinstance(value, Seq)]
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            if isinstance(argument, ast.Lambda):
                inner = state.copy()
                for place, one in enumerate(argument.args.args):
                    entry = self.entry(lists[0], inner) if lists and not place else None
                    inner.names[one.arg] = entry
                self.visit(argument.body, inner)
            elif argument not in plain:
                self.visit(argument, state)
        if name == "filter" and lists:
            return lists[0]
        return values[0] if values else None

    def _lambda(self, node: ast.Lambda, state: State) -> Value:
        inner = state.copy()
        inner.names |= dict.fromkeys([one.arg for one in node.args.args])
        self.visit(node.body, inner)
        return None

    def _get(self, node: ast.Call, owner: Rec, state: State, at: ast.AST | None = None) -> Value:
        keys = [self.visit(argument, state) for argument in node.args]
        key = keys[0]
        if not isinstance(key, Const) or not isinstance(key.value, str):
            return None
        known_fields = records()[owner.record]
        text = self.text(at or node)
        if key.value not in known_fields:
            self.say(
                "field", at or node, owner, f"no schema has {text}; {instead(owner, key.value)}"
            )
            return None
        default = len(keys) > 1 and not (isinstance(keys[1], Const) and keys[1].value is None)
        return self.kind(Read(known_fields[key.value], owner.token, by_get=True, default=default))

    def _folded(self, node: ast.Call, name: str, value: Seq, state: State) -> Value:
        """Return what a function makes of a list."""
        single = len(node.args) == 1
        self.need_list(node.args[0], value, state, f"{name}() of")
        defaulted = any(keyword.arg == "default" for keyword in node.keywords)
        if name in ("min", "max", "next") and single and not defaulted:
            error = "StopIteration" if name == "next" else "ValueError"
            instead = "give None as a second argument" if name == "next" else "give default="
            self.need_entry(node, value, state, error, instead)
        if name in ("min", "max", "sum") and isinstance(value.item, Read):
            inner = state.copy()
            entry = self.entry(value, inner)
            self.need_value(node.args[0], entry, inner)
        if name in ("min", "max", "next") and single and not defaulted:
            return self.entry(value, state)
        return None
