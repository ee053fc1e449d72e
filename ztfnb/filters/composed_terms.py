"""The conditions of a cut as Python that decides alike on one alert, missing values included."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ztfnb.fields import VERSIONS, Field, fields
from ztfnb.filters.lint_values import marker

_SCALARS = ("int", "long", "float", "double", "string")
_OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(9)
_OPERATORS: dict[type[ast.operator], tuple[str, int, str]] = {
    ast.Add: ("+", _SUM, "plus"),
    ast.Sub: ("-", _SUM, "minus"),
    ast.Mult: ("*", _PRODUCT, "times"),
    ast.Div: ("/", _PRODUCT, "over"),
    ast.FloorDiv: ("//", _PRODUCT, "over"),
    ast.Mod: ("%", _PRODUCT, "modulo"),
    ast.Pow: ("**", _POWER, "to"),
}
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_UPWARDS = (ast.Gt, ast.GtE)
_KNOWN_NAMES = {"jd - jdstarthist": "age", "jdendhist - jdstarthist": "span"}
_LONGEST_NAME = 40
_LARGEST_EXPONENT = 709
"""Of e, that still gives a number."""


@lru_cache(maxsize=1)
def readable() -> dict[str, Field]:
    """Return the documented fields that a cut can read; the candidate's own go first."""
    found: dict[str, Field] = {}
    for record in ("candidate", "alert"):
        for one in fields():
            if one.record == record and one.type in _SCALARS:
                found.setdefault(one.name, one)
    return found


@dataclass(frozen=True, slots=True)
class _Term:
    """A value or a condition, as it is written."""

    text: str
    level: int
    """How tightly its outermost operator binds."""
    real: bool = False
    """Whether it may be NaN."""

    def at(self, level: int) -> str:
        """Return it as an operand of an operator of that level, in brackets where needed."""
        return self.text if self.level >= level else f"({self.text})"


class Terms:
    """Writes conditions, and notes what they read and which limits they set."""

    def __init__(self) -> None:
        self.thresholds: dict[str, int | float] = {}
        """Names and values of the limits."""
        self._fields: dict[str, Field] = {}
        self._imports: set[str] = set()
        self._guards: list[str] = []
        self._negative = False

    def conjunction(self, parts: Sequence[ast.expr]) -> list[str]:
        """Return conditions that all have to hold, as operands of ``and``."""
        known: set[str] = set()
        return [self._condition(part, known).at(_AND) for part in parts]

    def alternatives(self, parts: Sequence[ast.expr]) -> list[str]:
        """Return conditions of which one has to hold, as operands of ``or``."""
        return [self._condition(part, set()).at(_AND) for part in parts]

    def reads(self) -> list[str]:
        """Return the lines that get what the conditions name."""
        imports = [f"from math import {', '.join(sorted(self._imports))}"] if self._imports else []
        records = {one.record for one in self._fields.values()}
        candidate = ['candidate = alert["candidate"]'] if "candidate" in records else []
        return [*imports, *candidate, *(_read(one) for one in self._fields.values())]

    # -- Conditions --------------------------------------------------------------------------

    def _condition(  # noqa: PLR0911 - one for each kind of condition
        self, node: ast.expr, known: set[str]
    ) -> _Term:
        """Write one condition.

        Parameters
        ----------
        node
            The condition.
        known
            Guards that hold where it is evaluated; those that it adds for what comes behind it.
        """
        match node:
            case ast.BoolOp(op=ast.And(), values=parts):
                terms = [self._condition(part, known).at(_AND) for part in parts]
                return _Term(" and ".join(terms), _AND)
            case ast.BoolOp(values=parts):
                terms = [self._condition(part, set(known)).at(_AND) for part in parts]
                return _Term(" or ".join(terms), _OR)
            case ast.UnaryOp(op=ast.Not(), operand=ast.UnaryOp(op=ast.Not(), operand=operand)):
                return self._condition(operand, known)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self._negative = not self._negative
                inner = self._condition(operand, set(known))
                self._negative = not self._negative
                return _Term(f"not {inner.at(_NOT)}", _NOT)
            case ast.Call(func=ast.Name(id="isnull"), args=[ast.Name(id=name)]):
                return self._is_null(name)
            case ast.Call(func=ast.Name(id="startswith"), args=[operand, head]):
                text = f"{self._value(operand).text}.startswith({_constant(head)})"
                return self._guarded(_Term(text, _ATOM), known)
        assert isinstance(node, ast.Compare)  # noqa: S101 - all else was refused by `Selection`
        return self._guarded(self._comparison(node), known)

    def _guarded(self, term: _Term, known: set[str]) -> _Term:
        guards = [guard for guard in dict.fromkeys(self._guards) if guard not in known]
        self._guards = []
        known.update(guards)
        text = " and ".join([*guards, term.text])
        return _Term(text, _AND if guards else term.level)

    def _is_null(self, name: str) -> _Term:
        value = self._value(ast.Name(id=name))
        self._guards = []
        if not value.real:
            return _Term(f"{name} is None", _COMPARE)
        self._imports.add("isnan")
        return _Term(f"{name} is None or isnan({name})", _OR)

    def _comparison(self, node: ast.Compare) -> _Term:
        if isinstance(node.ops[0], ast.In | ast.NotIn):
            return self._membership(node)
        parts = [node.left, *node.comparators]
        terms = [self._value(part) for part in parts]
        for place, op in enumerate(node.ops):
            left, right = parts[place], parts[place + 1]
            if _number(right) is not None and place + 1 == len(node.ops):
                terms[place + 1] = self._limit(left, op, right, upwards=isinstance(op, _UPWARDS))
            elif _number(left) is not None and place == 0:
                up = isinstance(op, ast.Lt | ast.LtE)
                terms[0] = self._limit(right, op, left, upwards=up)
            if isinstance(op, ast.NotEq):
                self._refuse_nan(terms[place], terms[place + 1])
        text = terms[0].at(_SUM)
        for op, term in zip(node.ops, terms[1:], strict=True):
            text += f" {_COMPARISONS[type(op)]} {term.at(_SUM)}"
        return _Term(text, _COMPARE)

    def _membership(self, node: ast.Compare) -> _Term:
        left = self._value(node.left)
        items = [_constant(item) for item in getattr(node.comparators[0], "elts", ())]
        listed = f"({', '.join(items)}{',' if len(items) == 1 else ''})"
        if isinstance(node.ops[0], ast.In):
            return _Term(f"{left.at(_SUM)} in {listed}", _COMPARE)
        self._refuse_nan(left)
        return _Term(f"{left.at(_SUM)} not in {listed}", _COMPARE)

    def _refuse_nan(self, *terms: _Term) -> None:
        for term in terms:
            if term.real:
                self._imports.add("isnan")
                self._guards.append(f"not isnan({term.text})")

    def _limit(self, compared: ast.expr, op: ast.cmpop, node: ast.expr, *, upwards: bool) -> _Term:
        """Return what something is compared with: a threshold, where that is of use."""
        value = _number(node)
        text = _constant(node)
        level = _SIGN if text.startswith("-") else _ATOM
        one = readable().get(compared.id) if isinstance(compared, ast.Name) else None
        of_marker = one is not None and marker(one) is not None and value is not None and value <= 0
        named = any(
            isinstance(part, ast.Name) and part.id in readable() for part in ast.walk(compared)
        )
        if isinstance(op, ast.Eq | ast.NotEq) or of_marker or not named or value is None:
            return _Term(text, level)
        if not math.isfinite(value):
            return _Term(text, level)
        real = self._quietly(compared).real
        return _Term(self._name(compared, value=float(value) if real else value,
                                upwards=upwards is not self._negative), _ATOM)  # fmt: skip

    def _quietly(self, node: ast.expr) -> _Term:
        guards = list(self._guards)
        term = self._value(node)
        self._guards = guards
        return term

    def _name(self, compared: ast.expr, *, value: float, upwards: bool) -> str:
        base = _KNOWN_NAMES.get(ast.unparse(compared)) or _words(compared)
        base = base if base.isidentifier() and len(base) <= _LONGEST_NAME else "limit"
        first = name = f"{base}_{'min' if upwards else 'max'}"
        number = 1
        while name in self.thresholds or name in readable():
            number += 1
            name = f"{first}_{number}"
        self.thresholds[name] = value
        return name

    # -- Values ------------------------------------------------------------------------------

    def _value(self, node: ast.expr) -> _Term:
        match node:
            case ast.Name(id=name):
                return self._field(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self._value(operand)
                return _Term(f"-{inner.at(_SIGN)}", _SIGN, inner.real)
            case ast.UnaryOp(operand=operand):
                return self._value(operand)
            case ast.BinOp():
                return self._calculation(node)
            case ast.Call(func=ast.Name(id=name), args=parts):
                return self._function(name, [self._value(part) for part in parts])
        return _Term(_constant(node), _ATOM)

    def _field(self, name: str) -> _Term:
        one = self._fields.setdefault(name, readable()[name])
        if not _always_there(one):
            self._guards.append(f"{name} is not None")
        return _Term(name, _ATOM, one.type in ("float", "double"))

    def _calculation(self, node: ast.BinOp) -> _Term:
        left, right = self._value(node.left), self._value(node.right)
        sign, level, _ = _OPERATORS[type(node.op)]
        if isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod) and not _number(node.right):
            self._guards.append(f"{right.at(_SUM)} != 0")
        real = left.real or right.real or isinstance(node.op, ast.Div)
        if isinstance(node.op, ast.Pow):
            if not _number(node.right):
                self._refuse_nan(left)  # NaN ** 0 is 1
            return _Term(f"{left.at(_ATOM)} ** {right.text}", _POWER, real)
        text = f"{left.at(level)} {sign} {right.at(level + 1)}"
        return _Term(text, level, real)

    def _function(self, name: str, parts: list[_Term]) -> _Term:
        inside = ", ".join(part.text for part in parts)
        if name == "abs":
            return _Term(f"abs({inside})", _ATOM, parts[0].real)
        if name in ("min", "max"):
            # Python's own would take the other number for a NaN.
            self._refuse_nan(*parts)
            return _Term(f"{name}({inside})", _ATOM, any(part.real for part in parts))
        self._imports.add(name)
        if name == "exp":
            self._refuse_nan(*parts)
            self._imports.add("inf")
            test = f"{parts[0].at(_SUM)} < {_LARGEST_EXPONENT}"
            return _Term(f"(exp({inside}) if {test} else inf)", _ATOM, real=True)
        self._guards.append(f"{parts[0].at(_SUM)} >= 0")
        if name == "sqrt":
            return _Term(f"sqrt({inside})", _ATOM, real=True)
        self._imports.add("inf")
        return _Term(f"({name}({inside}) if {parts[0].at(_SUM)} > 0 else -inf)", _ATOM, real=True)


def _always_there(one: Field) -> bool:
    first = one.versions[0] == VERSIONS[0]
    return first and not one.nullable and one.record == "candidate"


def _read(one: Field) -> str:
    owner = "candidate" if one.record == "candidate" else "alert"
    if _always_there(one):
        return f'{one.name} = {owner}["{one.name}"]'
    return f'{one.name} = {owner}.get("{one.name}")'


def _number(node: ast.expr) -> int | float | None:
    match node:
        case ast.Constant(value=int() | float() as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _number(operand)
            return None if inner is None else -inner
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _number(operand)
    return None


def _constant(node: ast.expr) -> str:
    """Return a number or text as it is written, texts in double quotes where that is simple."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        text = repr(node.value)
        simple = text.startswith("'") and not {'"', "\\"} & set(node.value)
        return f'"{text[1:-1]}"' if simple else text
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd):
        return _constant(node.operand)
    return ast.unparse(node)


def _words(node: Any) -> str:  # noqa: PLR0911 - one for each kind of value
    """Return a name for what is compared."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"minus_{_words(operand)}"
        case ast.UnaryOp(operand=operand):
            return _words(operand)
        case ast.Call(func=ast.Name(id=name), args=parts):
            return "_".join([name, *map(_words, parts)])
        case ast.BinOp(left=left, op=op, right=right):
            return f"{_words(left)}_{_OPERATORS[type(op)][2]}_{_words(right)}"
        case ast.Constant(value=value):
            return re.sub(r"\W", "_", str(value))
    return ""
