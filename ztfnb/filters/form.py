"""A filter as a form: rows that are filled in, for people who don't write Python yet.

Each row is a condition as `ztfnb.selection` reads it, and the whole a cut: its source comes from
`ztfnb.filters.compose`.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from ztfnb.errors import ConfigError, FilterError, SelectionError
from ztfnb.filters.compose import source_of
from ztfnb.filters.composed_terms import readable
from ztfnb.filters.lint_values import is_text

Joined = Literal["all", "any"]
FIELD = "field"
_LONGEST = 400
_MOST_ROWS = 50


@dataclass(frozen=True, slots=True)
class Operator:
    """One thing that can be asked of a field."""

    name: str
    label: str
    """As people read it."""
    write: str
    """The condition, with the field and its value to be filled in."""
    values: int | None = 1
    """How many values it takes; None where any number of them."""
    only: Literal["", "text", "number"] = ""
    """The kind of field that it can be asked of; both where empty."""


OPERATORS = {
    one.name: one
    for one in (
        Operator("<", "is less than", "{field} < {value}"),
        Operator("<=", "is at most", "{field} <= {value}"),
        Operator(">", "is more than", "{field} > {value}"),
        Operator(">=", "is at least", "{field} >= {value}"),
        Operator("==", "equals", "{field} == {value}"),
        Operator("!=", "differs from", "{field} != {value}"),
        Operator("between", "is between", "{low} <= {field} <= {high}", 2, "number"),
        Operator("in", "is one of", "{field} in ({values},)", None),
        Operator("startswith", "begins with", "startswith({field}, {value})", 1, "text"),
        Operator("missing", "is missing", "isnull({field})", 0),
        Operator("there", "is not missing", "not isnull({field})", 0),
    )
}


@dataclass(frozen=True, slots=True)
class Ready:
    """A row that is nearly filled in."""

    name: str
    before: str
    """The words before its value, and after it."""
    after: str
    value: str
    """That it begins with; empty where it takes none."""
    write: str
    doc: str


READY = {
    one.name: one
    for one in (
        Ready(
            "positive", "positive subtraction", "", "", "isdiffpos in ('t', '1')",
            "The source became brighter than in the reference image.",
        ),
        Ready(
            "detections", "has at least", "detections", "2", "ndethist >= {value}",
            "Detections of three sigma or more at this place since the survey began (ndethist).",
        ),
        Ready(
            "solar system", "no known Solar System object within", "arcsec", "5",
            "not 0 <= ssdistnr <= {value}",
            "Also passes where none is known within 30 arcsec, for which ssdistnr is -999 or null.",
        ),
        Ready(
            "seen before", "seen before, at least", "days ago", "1", "jd - jdstarthist >= {value}",
            "The first detection (jdstarthist) is that old at the time of the alert.",
        ),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One condition of a form."""

    kind: str = FIELD
    """``field``, or the name of one in `READY`."""
    field: str = ""
    operator: str = ">"
    """One of `OPERATORS`."""
    value: str = ""
    """As it was typed; several with commas between them."""
    negated: bool = False

    @property
    def expression(self) -> str:
        """The condition.

        Raises
        ------
        FilterError
            If something in it is missing or wrong: what, in plain words.
        """
        text = self._asked if self.kind == FIELD else self._ready
        return f"not ({text})" if self.negated else text

    @property
    def _ready(self) -> str:
        one = READY.get(self.kind)
        if one is None:
            raise FilterError(f"expected {FIELD} or {', '.join(READY)}, got {self.kind[:40]!r}")
        return one.write.format(value=_number(self.value)) if one.value else one.write

    @property
    def _asked(self) -> str:
        name = self.field.strip()
        if not name:
            raise FilterError("choose a field")
        one = readable().get(name)
        if one is None:
            close = difflib.get_close_matches(name.lower(), readable(), n=3)
            hint = f"; did you mean {' or '.join(close)}?" if close else ""
            raise FilterError(f"no field is called {name[:40]!r}{hint}")
        operator = OPERATORS.get(self.operator)
        if operator is None:
            raise FilterError(f"expected {', '.join(OPERATORS)}, got {self.operator[:40]!r}")
        text = is_text(one)
        if operator.only and (operator.only == "text") != text:
            raise FilterError(
                f"{operator.label!r} is asked of {operator.only}; "
                f"{name} is {'text' if text else 'a number'}"
            )
        values = self._values(operator, text=text)
        low, high = values if operator.values == 2 else ("", "")
        return operator.write.format(
            field=name, value=values[0] if values else "", values=", ".join(values),
            low=low, high=high,
        )  # fmt: skip

    def _values(self, operator: Operator, *, text: bool) -> list[str]:
        if operator.values == 0:
            return []
        several = operator.values != 1
        parts = self.value.split(",") if several else [self.value]
        found = [repr(part.strip()) if text else _number(part) for part in parts]
        if operator.values == 2 and len(found) != 2:
            raise FilterError("expected two numbers with a comma between them, such as 15, 19")
        return found


@dataclass(frozen=True, slots=True)
class Form:
    """Rows, all of which have to hold, or any of them."""

    name: str = "my_filter"
    rows: tuple[Row, ...] = field(default=())
    joined: Joined = "all"

    @property
    def expression(self) -> str:
        """The whole as a cut.

        Raises
        ------
        FilterError
            If a row is not filled in as it must be.
        """
        word = {"all": " and ", "any": " or "}[self.joined]
        texts = [row.expression for row in self.rows]
        if self.joined == "any":
            texts = [text if text.startswith("not (") else f"({text})" for text in texts]
        return word.join(texts)

    @property
    def source(self) -> str:
        """The source of the filter.

        Raises
        ------
        FilterError, SelectionError
            If a row is not filled in as it must be, or the name is none.
        """
        return source_of(self.expression, self.name)

    @property
    def problems(self) -> dict[int, str]:
        """What is wrong in which row, in plain words."""
        found = {}
        for place, row in enumerate(self.rows):
            try:
                source_of(row.expression)
            except (FilterError, SelectionError) as error:
                found[place] = str(error)
        return found

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "name": self.name,
            "joined": self.joined,
            "rows": [asdict(row) for row in self.rows],
        }

    @classmethod
    def from_json(cls, value: Any) -> Form:
        """Return what `to_json` gave; what is absent is as in an empty form.

        Raises
        ------
        ConfigError
            If it is nothing of the kind.
        """
        if not isinstance(value, Mapping) or set(value) - {"name", "joined", "rows"}:
            raise ConfigError(f"form: expected name, joined and rows, got {str(value)[:80]!r}")
        joined = value.get("joined", "all")
        if joined not in get_args(Joined):
            raise ConfigError(f"joined: expected all or any, got {str(joined)[:40]!r}")
        rows = value.get("rows", [])
        if not isinstance(rows, list | tuple) or len(rows) > _MOST_ROWS:
            raise ConfigError(f"rows: expected a list of at most {_MOST_ROWS}")
        return cls(_text(value.get("name", "my_filter")), tuple(map(_row, rows)), joined)


def _row(value: Any) -> Row:
    names = {one.name for one in fields(Row)}
    if not isinstance(value, Mapping) or set(value) - names:
        raise ConfigError(f"row: expected {', '.join(sorted(names))}, got {str(value)[:80]!r}")
    texts = {name: _text(value[name]) for name in value if name != "negated"}
    return Row(**texts, negated=value.get("negated", False) is True)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise ConfigError(f"form: expected a short text, got {str(value)[:40]!r}")
    return value


def _number(text: str) -> str:
    """Return a number as Python writes it."""
    typed = text.strip()
    try:
        value: int | float = int(typed)
    except ValueError:
        try:
            value = float(typed)
        except ValueError:
            value = math.nan
    if not math.isfinite(value):
        raise FilterError(
            f"expected a number, got {typed[:40]!r}" if typed else "fill in a number"
        ) from None
    return repr(value)
