"""Reading expressions: which field of which record is meant, and what may go wrong with it."""

from __future__ import annotations

import ast
import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ztfnb.alert import Alert
from ztfnb.filters import lint_comparisons as comparisons
from ztfnb.filters.lint_guards import Guards, facts_of
from ztfnb.filters.lint_values import (
    LISTS,
    Const,
    Facts,
    Read,
    Rec,
    Seq,
    Setting,
    Test,
    Value,
    about,
    is_distance,
    is_newer,
    known,
    marker,
    records,
)

ALERT = Rec("alert", "alert")
_PROPERTIES = {name for name in dir(Alert) if not name.startswith("_")}
_ARITHMETIC = ("abs", "float", "int", "round", "math.", "np.", "numpy.")
_UNHURT = ("isfinite", "isnan", "asarray", "array")
_NAN = ("nan", "NaN", "NAN")
_SAME_LIST = ("list", "tuple", "sorted", "reversed", "set", "iter")
_FOLDS = ("min", "max", "sum", "next", "any", "all")

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


class Expressions:
    """Visits expressions in the order in which Python evaluates them.

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
            self.bind(target, self._entry(value, state), state)
        else:
            self.bind(target, None, state)

    # -- What may go wrong -------------------------------------------------------------------

    def need_list(self, node: ast.AST, value: Seq, state: State, doing: str) -> None:
        """Say that a list may be None, where it is used as one."""
        if not value.null or (value.token, "", "value") in state.facts:
            return
        if {"TypeError"} & self.caught:
            return
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

    # -- Reading -----------------------------------------------------------------------------

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
                return replace(value, null=False, empty=len(parts) == 1, token=self._token())
        if parts and all(isinstance(part, Const) for part in parts):
            return Const(tuple(part.value for part in parts if isinstance(part, Const)))
        return None

    _list = _set = _tuple

    def _starred(self, node: ast.Starred, state: State) -> Value:
        value = self.visit(node.value, state)
        if isinstance(value, Seq):
            self.need_list(node.value, value, state, "unpacking")
        return value

    def _unaryop(self, node: ast.UnaryOp, state: State) -> Value:
        if isinstance(node.op, ast.Not):
            self.truth(node.operand, state)
            return Test(node)
        value = self.visit(node.operand, state)
        limit = comparisons.number(value)
        if isinstance(node.op, ast.USub) and isinstance(value, Const) and limit is not None:
            return Const(-value.value)
        self.need_value(node.operand, value, state)
        return None

    def _namedexpr(self, node: ast.NamedExpr, state: State) -> Value:
        value = self.visit(node.value, state)
        self.bind(node.target, value, state)
        return value

    def _boolop(self, node: ast.BoolOp, state: State) -> Value:
        is_or = isinstance(node.op, ast.Or)
        here, values = state, []
        for place, part in enumerate(node.values):
            last = place == len(node.values) - 1
            if last:
                values.append(self.visit(part, here))
            else:
                self.truth(part, here)
                values.append(self.quietly(part, here))
                here = here.knowing(self.guards.learn(part, not is_or, here))
        if here is not state:
            state.names |= {k: v for k, v in here.names.items() if k not in state.names}
        self._constant_part(node, values)
        first = values[0]
        if is_or and isinstance(first, Seq):
            return replace(first, null=False)
        return Test(node)

    def _constant_part(self, node: ast.BoolOp, values: list[Value]) -> None:
        """Say where a value stands alone behind ``or``, as in ``a == "t" or "1"``."""
        for before, part, value in zip(node.values, node.values[1:], values[1:], strict=False):
            asked = isinstance(before, ast.Compare | ast.BoolOp)
            if asked and isinstance(value, Const) and isinstance(value.value, str | float | int):
                if isinstance(value.value, bool) or not value.value:
                    continue
                text = self.text(part)
                hint = "" if not isinstance(before, ast.Compare) else (
                    f"; write {self.text(before.left)} in "
                    f"({self.text(before.comparators[0])}, {text})"
                )  # fmt: skip
                self.say(
                    "always", node, None,
                    f"{text} stands alone here and is always true{hint}",
                )  # fmt: skip

    def _ifexp(self, node: ast.IfExp, state: State) -> Value:
        self.truth(node.test, state)
        yes = self.visit(node.body, state.knowing(self.guards.learn(node.test, True, state)))
        no = self.visit(node.orelse, state.knowing(self.guards.learn(node.test, False, state)))
        for one in (yes, no):
            if isinstance(one, Seq):
                return replace(one, null=False, token=self._token())
        return yes if yes == no else None

    def _subscript(self, node: ast.Subscript, state: State) -> Value:
        owner = self.visit(node.value, state)
        key = self.visit(node.slice, state)
        if isinstance(owner, Rec) and isinstance(key, Const) and isinstance(key.value, str):
            return self._field(node, owner, key.value, state)
        if isinstance(owner, Seq):
            self.need_list(node.value, owner, state, "taking an entry of")
            if isinstance(node.slice, ast.Slice):
                return replace(owner, token=self._token(), empty=False, null=False)
            self.need_entry(
                node, owner, state, "IndexError", f"check {self.text(node.value)} first"
            )
            return self._entry(owner, state)
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
            self.say("field", node, owner, f"no schema has {text}; {_instead(owner, name)}")
            return None
        found = Read(known_fields[name], owner.token)
        self._newer(node, found, text, state)
        return self._kind(found)

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

    def _kind(self, read: Read) -> Value:
        one = read.field
        if one.record == "alert" and one.name == "candidate":
            return Rec("candidate", "candidate")
        if one.record == "alert" and one.name in LISTS:
            entry = Rec(LISTS[one.name], "")
            return Seq(entry, f"alert.{one.name}", null=one.nullable, default=read.default)
        return read

    def _entry(self, value: Seq, state: State) -> Value:
        """Return one entry of a list, with what is known of all."""
        token = self._token()
        state.facts |= frozenset((token, name, what) for name, what in value.facts)
        if isinstance(value.item, Rec | Read):
            return replace(value.item, token=token)
        return value.item

    def _token(self) -> str:
        self._count += 1
        return f"#{self._count}"

    # -- Calls -------------------------------------------------------------------------------

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
                    entry = self._entry(lists[0], inner) if lists and not place else None
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
                "field", at or node, owner, f"no schema has {text}; {_instead(owner, key.value)}"
            )
            return None
        default = len(keys) > 1 and not (isinstance(keys[1], Const) and keys[1].value is None)
        return self._kind(Read(known_fields[key.value], owner.token, by_get=True, default=default))

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
            entry = self._entry(value, inner)
            self.need_value(node.args[0], entry, inner)
        if name in ("min", "max", "next") and single and not defaulted:
            return self._entry(value, state)
        return None

    # -- Calculating and comparing -----------------------------------------------------------

    def _binop(self, node: ast.BinOp, state: State) -> Value:
        sides = [(part, self.visit(part, state)) for part in (node.left, node.right)]
        for part, value in sides:
            if isinstance(value, Seq):
                self.need_list(part, value, state, "adding")
                return replace(value, null=False, empty=False, token=self._token())
        for part, value in sides:
            self.need_value(part, value, state)
            self._calculated(part, value, state)
        return None

    def _calculated(self, node: ast.expr, value: Value, state: State) -> None:
        if not isinstance(value, Read) or marker(value.field) is None:
            return
        if not known(state.facts, value, "number"):
            self.say(
                "marker", node, value,
                f"{self.text(node)} is {marker(value.field):g} where there is no value, and that "
                f"is calculated with; check {self.text(node)} > {marker(value.field):g} first",
            )  # fmt: skip

    def _compare(self, node: ast.Compare, state: State) -> Value:
        parts = [node.left, *node.comparators]
        values = [self.visit(part, state) for part in parts]
        outcomes = []
        for place, op in enumerate(node.ops):
            left, right = values[place], values[place + 1]
            outcomes.append(comparisons.decided(left, op, right))
            self._ordered(node, place, parts, values, state)
        self._decided(node, values, outcomes)
        return Test(node)

    def _ordered(
        self,
        node: ast.Compare,
        place: int,
        parts: list[ast.expr],
        values: list[Value],
        state: State,
    ) -> None:
        op = node.ops[place]
        if type(op) not in comparisons.ORDERED:
            return
        left, right = values[place], values[place + 1]
        if odd := comparisons.mixed(left, op, right):
            self.say(
                "always", node, None, f"{self.text(node)} raises TypeError for every alert: {odd}"
            )
            return
        # What an earlier part of a chain has found out.
        here = state
        for earlier in range(place):
            chain = ast.Compare(parts[earlier], [node.ops[earlier]], [parts[earlier + 1]])
            here = here.knowing(self.guards.learn(chain, True, here))
        swapped = comparisons.SWAPPED[type(op)]
        for part, value, kind, other in (
            (parts[place], left, type(op), right), (parts[place + 1], right, swapped, left)
        ):  # fmt: skip
            self.need_value(part, value, here)
            limit = comparisons.number(other)
            if not isinstance(value, Read) or limit is None:
                continue
            if place + 1 < len(node.ops) and self._later_refuses(node, place, values, value):
                continue
            if comparisons.fooled(value, kind, limit) and not known(here.facts, value, "number"):
                self._fooled(node, part, value, kind, limit)

    def _later_refuses(
        self, node: ast.Compare, place: int, values: list[Value], read: Read
    ) -> bool:
        """Return whether the other end of a chain, ``5 > x > 0``, is false for a marker."""
        limit = comparisons.number(values[place + 2])
        if limit is None or values[place + 1] != read:
            return False
        return comparisons.holds_for_marker(read, type(node.ops[place + 1]), limit) is False

    def _fooled(
        self, node: ast.Compare, part: ast.expr, read: Read, kind: type[ast.cmpop], limit: float
    ) -> None:
        text, stands = self.text(part), marker(read.field)
        holds = comparisons.holds_for_marker(read, kind, limit)
        none = "nothing is near" if is_distance(read.field) else "there is no value"
        self.say(
            "marker", node, read,
            f"{text} is {stands:g} where {none}, so that {self.text(node)} is "
            f"{'true' if holds else 'false'} there; check {text} < 0 or {text} >= 0 first",
        )  # fmt: skip

    def _decided(
        self, node: ast.Compare, values: list[Value], outcomes: list[tuple[bool, str] | None]
    ) -> None:
        text = self.text(node)
        sure = [outcome for outcome in outcomes if outcome is not None]
        false = next((reason for holds, reason in sure if not holds), None)
        if false is not None:
            self.say("always", node, None, f"{text} is always false: {false}")
        elif sure and len(sure) == len(outcomes):
            self.say("always", node, None, f"{text} is always true: {sure[0][1]}")
        elif isinstance(node.ops[0], ast.In | ast.NotIn) and (
            odd := comparisons.odd_item(values[0], values[1])
        ):
            self.say("always", node, None, f"in {text}, {odd}")

    # -- Comprehensions ----------------------------------------------------------------------

    def _listcomp(self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp, state: State) -> Value:
        inner, sequence = self._generators(node.generators, state)
        item = self.visit(node.elt, inner)
        if sequence is None:
            return None
        token = item.token if isinstance(item, Rec | Read) else ""
        name_facts = about(inner.facts, token)
        if not isinstance(item, Rec | Read):
            item = None
        whole = len(node.generators) == 1 and not node.generators[0].ifs
        some = not sequence.empty or (sequence.token, "", "some") in state.facts
        return Seq(item, self._token(), facts=name_facts, empty=not (whole and some))

    _generatorexp = _setcomp = _listcomp

    def _dictcomp(self, node: ast.DictComp, state: State) -> Value:
        inner, _ = self._generators(node.generators, state)
        self.visit(node.key, inner)
        self.visit(node.value, inner)
        return None

    def _generators(
        self, generators: list[ast.comprehension], state: State
    ) -> tuple[State, Seq | None]:
        inner = state.copy()
        sequence: Seq | None = None
        for one in generators:
            found = self.quietly(one.iter, inner)
            sequence = found if isinstance(found, Seq) else sequence
            self.bind_each(one.target, one.iter, inner)
            for test in one.ifs:
                self.truth(test, inner)
                inner.facts |= self.guards.learn(test, True, inner)
        return inner, sequence


def _instead(owner: Rec, name: str) -> str:
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
