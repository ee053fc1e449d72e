"""Conditions over alert fields, written as text: ``rb > 0.65 and magpsf < 19``.

The text is parsed as a Python expression, of which only what a condition needs is allowed; the
rest is refused, so a condition from anywhere can be evaluated without harm. It works on columns:
every operation is one NumPy call for all rows.

Allowed are field names, numbers and quoted text; ``+ - * / // %`` and ``**`` with a small whole
number; ``< <= == != >= >`` (also chained, ``15 < magpsf < 19``); ``in`` and ``not in`` with a
list; ``and``, ``or``, ``not``; and the functions of `FUNCTIONS`.

**Missing values.** A comparison (``in`` too) of a value that is null, NaN or undefined (a division
by zero) is False, whatever the operator; ``isnull(drb)`` asks for it. ``not`` simply inverts, so
that ``not drb > 0.5`` holds where ``drb`` is missing. The survey's own markers (-999, -99999) are
ordinary numbers.

**Numbers** are compared in double precision, as Python does with the values of one alert.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from ztfnb.errors import SelectionError
from ztfnb.syntax import tree_of

MAX_LENGTH = 2000
"""Characters of a condition."""
MAX_DEPTH = 40
MAX_NODES = 500
MAX_POWER = 8

Values = NDArray[Any]
Missing = NDArray[np.bool_]
Masks = Callable[[str], Missing | None]


class _Value(NamedTuple):
    """Numbers or text, one for each row or one for all."""

    values: Values
    missing: Missing | None
    """True where there is no value; None where there always is."""


_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.true_divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.mod,
    ast.Pow: np.power,
}
_SIGNS: dict[type[ast.operator], tuple[str, str]] = {
    ast.BitAnd: ("&", "and"),
    ast.BitOr: ("|", "or"),
    ast.BitXor: ("^", "**"),
    ast.LShift: ("<<", ""),
    ast.RShift: (">>", ""),
    ast.MatMult: ("@", ""),
}
"""What cannot be calculated with, and what may have been meant."""
_PLAIN = {
    "IfExp": "if ... else",
    "NamedExpr": ":=",
    "JoinedStr": "an f-string",
    "Tuple": "a comma, except behind 'in',",
    "List": "a list, except behind 'in',",
    "Set": "a list, except behind 'in',",
    "Dict": "a dictionary",
    "ListComp": "a loop",
    "SetComp": "a loop",
    "DictComp": "a loop",
    "GeneratorExp": "a loop",
    "Starred": "*",
}
_MATHS: dict[str, Callable[[Any], Any]] = {
    "abs": np.absolute,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "log10": np.log10,
}
_EXTREME: dict[str, Callable[[Any, Any], Any]] = {"min": np.minimum, "max": np.maximum}
_FOREIGN = (
    (re.compile(r"&&|\bAND\b"), "and"),
    (re.compile(r"\|\||\bOR\b"), "or"),
    (re.compile(r"\bNOT\b|!(?!=)"), "not"),
    (re.compile(r"<>"), "!="),
    (re.compile(r"(?<![<>=!])=(?!=)"), "=="),
)
"""How other languages write what is written differently here."""
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
FUNCTIONS = ("isnull", "startswith", *_EXTREME, *_MATHS)
"""``isnull(field)``, ``startswith(field, 'text')``, ``min`` and ``max`` of two or more numbers,
``abs``, ``sqrt``, ``exp``, natural ``log`` and ``log10``."""


@dataclass(frozen=True, slots=True)
class Selection:
    """A condition over alert fields, checked and ready: build it with `parse`."""

    text: str
    names: tuple[str, ...]
    """The fields that it reads, in the order they first appear."""
    _tree: ast.expr = field(repr=False, compare=False)

    def __str__(self) -> str:
        return self.text

    def evaluate(
        self, columns: Mapping[str, Values], masks: Masks = lambda _name: None
    ) -> NDArray[np.bool_]:
        """Return which rows fulfil the condition.

        Parameters
        ----------
        columns
            At least the fields in ``names``: arrays of one length. NaN is missing.
        masks
            Gives, for a field's name, where it is null (True), or None where it never is.

        Returns
        -------
        numpy.ndarray
            bool, one for each row.

        Raises
        ------
        SelectionError
            If a field is unknown, or text is used as a number or the other way round.
        """
        self.check(columns)
        evaluation = _Evaluation(self.text, columns, masks)
        with np.errstate(all="ignore"):
            held = evaluation.condition(self._tree)
        rows = len(columns[self.names[0]])
        return np.array(np.broadcast_to(held, rows))

    def check(self, known: Collection[str]) -> None:
        """Raise SelectionError unless all fields that it reads are known."""
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Name) and node.id in self.names and node.id not in known:
                reason = unknown_field(node.id, known)
                _refuse(self.text, node, reason, _close(node.id, known))


def unknown_field(name: str, known: Collection[str]) -> str:
    """Say that there is no such field, with the names that look most like it."""
    close = _close(name, known)
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    return f"no field {name!r}{hint}"


def _close(name: str, known: Collection[str]) -> tuple[str, ...]:
    bare = {each.lower(): each for each in known}
    return tuple(bare[each] for each in difflib.get_close_matches(name.lower(), bare, n=3))


def parse(text: str) -> Selection:
    """Read a condition over alert fields.

    Parameters
    ----------
    text
        Such as ``"rb > 0.65 and magpsf < 19"`` or ``"isdiffpos in ('t', '1')"``; what is allowed
        is listed in `ztfnb.selection`.

    Raises
    ------
    SelectionError
        If it is no such condition, with the position of what is wrong.
    """
    if not isinstance(text, str) or not text.strip():
        raise SelectionError(f"expected a condition such as 'rb > 0.65', got {text!r}")
    if len(text) > MAX_LENGTH:
        raise SelectionError(
            f"a condition has at most {MAX_LENGTH:,} characters, this one {len(text):,}"
        )
    line = " ".join(text.split("\n")).strip()
    try:
        tree = tree_of(line, "eval").body
    except SyntaxError as error:
        raise _no_condition(line, error) from None
    except (ValueError, MemoryError, RecursionError) as error:
        raise SelectionError(f"not a condition: {error}") from None
    names = _Check(line).names(tree)
    if not names:
        raise SelectionError("the condition names no field", text=line)
    return Selection(line, names, tree)


def _no_condition(line: str, error: SyntaxError) -> SelectionError:
    """Return what is wrong with a text that is no expression, and where."""
    unquoted = _QUOTED.sub(lambda found: "'" * len(found[0]), line)
    for pattern, word in _FOREIGN:
        if found := pattern.search(unquoted):
            reason = f"not a condition: write {word} instead of {found[0]}"
            return SelectionError(
                reason,
                text=line,
                position=found.start() + 1,
                length=len(found[0]),
                close=(word,),
            )
    # Python gives no place, or one after the last character, where the text ends too early.
    position = error.offset if error.offset and error.offset <= len(line) else len(line) + 1
    ends_early = position > len(line)
    message = "it ends too early" if ends_early else error.msg
    return SelectionError(f"not a condition: {message}", text=line, position=position)


def _refuse(text: str, node: ast.AST, reason: str, close: tuple[str, ...] = ()) -> NoReturn:
    encoded = text.encode()

    def place(column: int) -> int:
        # Positions in a syntax tree count bytes of UTF-8.
        return len(encoded[:column].decode("utf-8", "ignore"))

    start = place(getattr(node, "col_offset", 0))
    end = place(getattr(node, "end_col_offset", None) or len(encoded))
    raise SelectionError(
        reason, text=text, position=start + 1, length=max(end - start, 1), close=close
    )


class _Check:
    """Walks over a tree once and refuses all that is not listed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.count = 0
        self.found: dict[str, None] = {}

    def names(self, tree: ast.expr) -> tuple[str, ...]:
        self.visit(tree, 1)
        return tuple(self.found)

    def visit(self, node: ast.expr, depth: int) -> None:
        self.count += 1
        if depth > MAX_DEPTH or self.count > MAX_NODES:
            _refuse(self.text, node, "the condition is too long or too deeply nested")
        for part in self.operands(node):
            self.visit(part, depth + 1)

    def operands(self, node: ast.expr) -> list[ast.expr]:
        match node:
            case ast.BoolOp(values=parts):
                return parts
            case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.UAdd(), operand=operand):
                return [operand]
            case ast.BinOp():
                return self.arithmetic(node)
            case ast.Compare():
                return self.comparison(node)
            case ast.Call():
                return self.call(node)
        self.leaf(node)
        return []

    def leaf(self, node: ast.expr) -> None:
        match node:
            case ast.Name(id=name):
                self.found[name] = None
            case ast.Constant():
                self.constant(node)
            case ast.Attribute() | ast.Subscript():
                _refuse(self.text, node, "write a field by its name alone, such as rb")
            case ast.UnaryOp():
                _refuse(self.text, node, "~ is not allowed in a condition; write not")
            case _:
                name = type(node).__name__
                what = _PLAIN.get(name, f"{name.lower()} expression")
                _refuse(self.text, node, f"{what} is not allowed in a condition")

    def arithmetic(self, node: ast.BinOp) -> list[ast.expr]:
        if type(node.op) not in _ARITHMETIC:
            sign, word = _SIGNS.get(type(node.op), ("this", ""))
            hint = f"; write {word}" if word else ""
            _refuse(self.text, node, f"{sign} is not allowed in a condition{hint}")
        if isinstance(node.op, ast.Pow):
            power = node.right.value if isinstance(node.right, ast.Constant) else None
            if not isinstance(power, int) or isinstance(power, bool) or power > MAX_POWER:
                reason = f"expected a whole number of at most {MAX_POWER} after **"
                _refuse(self.text, node.right, reason)
        return [node.left, node.right]

    def comparison(self, node: ast.Compare) -> list[ast.expr]:
        parts = [node.left]
        for operator, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, ast.In | ast.NotIn):
                if not isinstance(right, ast.Tuple | ast.List | ast.Set):
                    reason = "expected a list after 'in', such as ('t', '1')"
                    _refuse(self.text, right, reason)
                if len(node.ops) > 1:
                    _refuse(self.text, node, "'in' cannot be chained with other comparisons")
                kinds = {isinstance(_literal(item), str) for item in right.elts}
                if not right.elts or any(_literal(item) is None for item in right.elts):
                    _refuse(self.text, right, "the list after 'in' holds numbers or texts only")
                if len(kinds) > 1:
                    _refuse(self.text, right, "the list after 'in' mixes numbers and texts")
                parts += right.elts
            elif isinstance(operator, ast.Is | ast.IsNot):
                _refuse(self.text, right, "write isnull(field) or not isnull(field)")
            else:
                parts.append(right)
        return parts

    def call(self, node: ast.Call) -> list[ast.expr]:
        name = node.func.id if isinstance(node.func, ast.Name) else "this"
        if name not in FUNCTIONS:
            known = ", ".join(FUNCTIONS)
            reason = f"{name} is no function here; known are {known}"
            _refuse(self.text, node.func, reason, _close(name, FUNCTIONS))
        count = len(node.args)
        wanted = {"startswith": "two", "min": "two or more", "max": "two or more"}.get(name, "one")
        fits = {"one": count == 1, "two": count == 2, "two or more": count >= 2}[wanted]
        if node.keywords or not fits:
            _refuse(self.text, node, f"{name} takes {wanted} value{'s' * (wanted != 'one')}")
        if name == "isnull" and not isinstance(node.args[0], ast.Name):
            _refuse(self.text, node, "isnull takes the name of a field")
        if name == "startswith" and not (
            isinstance(node.args[0], ast.Name) and isinstance(_literal(node.args[1]), str)
        ):
            _refuse(self.text, node, "startswith takes the name of a field and a quoted text")
        return node.args

    def constant(self, node: ast.Constant) -> None:
        value = node.value
        if value is None:
            _refuse(self.text, node, "write isnull(field) for a missing value")
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            _refuse(self.text, node, f"expected a number or a quoted text, got {value!r}")
        if isinstance(value, int) and value > np.iinfo(np.int64).max:
            _refuse(self.text, node, f"{str(value)[:40]} is too large a number")


def _literal(node: ast.expr) -> int | float | str | None:
    """Return the number or text that is written there; None if there is none."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _literal(node.operand)
        return None if value is None or isinstance(value, str) else -value
    return None


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """One evaluation of a checked tree."""

    text: str
    columns: Mapping[str, Values]
    masks: Masks

    def condition(self, node: ast.expr) -> NDArray[np.bool_]:
        match node:
            case ast.BoolOp(op=operator, values=parts):
                join = np.logical_and if isinstance(operator, ast.And) else np.logical_or
                held = self.condition(parts[0])
                for part in parts[1:]:
                    held = join(held, self.condition(part))
                return held
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return np.logical_not(self.condition(operand))
            case ast.Compare():
                return self.comparison(node)
            case ast.Call(func=ast.Name(id="isnull"), args=[operand]):
                missing = self.value(operand).missing
                return np.asarray(False) if missing is None else missing
            case ast.Call(
                func=ast.Name(id="startswith"), args=[operand, ast.Constant(value=str(head))]
            ):
                value = self.value(operand)
                if value.values.dtype.kind != "U":
                    _refuse(self.text, operand, "startswith looks at text, this is a number")
                return _present(np.strings.startswith(value.values, head), value)
            case ast.Name(id=name) if self.columns[name].dtype.kind == "b":
                return _present(self.columns[name], self.value(node))
        _refuse(self.text, node, "expected a condition here, such as rb > 0.65")

    def comparison(self, node: ast.Compare) -> NDArray[np.bool_]:
        left = self.value(node.left)
        held: Any = np.bool_(True)
        for operator, right_node in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, ast.In | ast.NotIn):
                return self.membership(left, operator, right_node)
            right = self.value(right_node)
            self.same_kind(left, right, right_node)
            compared = _COMPARE[type(operator)](left.values, right.values)
            held = held & _present(_present(compared, left), right)
            left = right
        return np.asarray(held)

    def membership(self, left: _Value, operator: ast.cmpop, listed: ast.expr) -> NDArray[np.bool_]:
        items = [_literal(item) for item in getattr(listed, "elts", ())]
        self.same_kind(left, _Value(np.array(items), None), listed)
        within: Any = np.bool_(False)
        for item in items:
            within = within | (left.values == item)
        if isinstance(operator, ast.NotIn):
            within = np.logical_not(within)
        return _present(within, left)

    def same_kind(self, left: _Value, right: _Value, node: ast.expr) -> None:
        if (left.values.dtype.kind == "U") != (right.values.dtype.kind == "U"):
            _refuse(self.text, node, "this compares text with a number")

    def value(self, node: ast.expr) -> _Value:
        match node:
            case ast.Name(id=name):
                return self.field(name)
            case ast.Constant(value=value):
                return _Value(np.asarray(value), None)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as operator, operand=operand):
                inner = self.number(operand)
                if isinstance(operator, ast.USub):
                    return _Value(np.negative(inner.values), inner.missing)
                return inner
            case ast.BinOp():
                return self.arithmetic(node)
            case ast.Call(func=ast.Name(id=name), args=parts) if name in {*_MATHS, *_EXTREME}:
                return self.function(name, [self.number(part) for part in parts])
        _refuse(self.text, node, "expected a value here, not a condition")

    def function(self, name: str, parts: list[_Value]) -> _Value:
        if name in _MATHS:
            return _defined(_MATHS[name](parts[0].values), parts[0].missing)
        result = parts[0]
        for part in parts[1:]:
            values = _EXTREME[name](result.values, part.values)
            result = _Value(values, _either(result.missing, part.missing))
        return result

    def field(self, name: str) -> _Value:
        values = self.columns[name]
        missing = self.masks(name)
        if values.dtype.kind == "f":
            # A literal must not be rounded to a field's single precision: 0.65 is not above it.
            return _defined(values.astype(np.float64, copy=False), missing)
        if values.dtype.kind in "iub":
            values = values.astype(np.int64, copy=False)
        return _Value(values, missing)

    def number(self, node: ast.expr) -> _Value:
        value = self.value(node)
        if value.values.dtype.kind == "U":
            _refuse(self.text, node, "expected a number here, this is text")
        return value

    def arithmetic(self, node: ast.BinOp) -> _Value:
        left, right = self.number(node.left), self.number(node.right)
        missing = _either(left.missing, right.missing)
        divisor = right.values
        if isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod):
            missing = _either(missing, np.asarray(divisor == 0))
        if isinstance(node.op, ast.Pow):
            left = _Value(left.values.astype(np.float64), left.missing)
        return _defined(_ARITHMETIC[type(node.op)](left.values, divisor), missing)


def _either(first: Missing | None, second: Missing | None) -> Missing | None:
    if first is None or second is None:
        return first if second is None else second
    return first | second


def _defined(values: Values, missing: Missing | None) -> _Value:
    """Mark what is not a number as missing."""
    if values.dtype.kind == "f":
        missing = _either(missing, np.isnan(values))
    return _Value(values, missing)


def _present(held: Any, value: _Value) -> NDArray[np.bool_]:
    """Let a comparison hold only where there is a value."""
    return np.asarray(held if value.missing is None else held & ~value.missing)
