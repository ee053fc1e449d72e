"""What a person chooses in the alert table, apart from cuts: columns, their widths, the order."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from ztfnb.errors import ConfigError
from ztfnb.label import candid_in
from ztfnb.widgets._columns import AGE, DEFAULT, column_of
from ztfnb.widgets._grouping import SIZE
from ztfnb.widgets._listing import Order

MOST_COLUMNS = 60
MOST_MARKS = 10_000
NARROWEST, WIDEST = 24, 600
"""Limits of a column's width [px]."""


@dataclass(frozen=True, slots=True)
class Choices:
    """Choices that stand until others are made; a changed set is a new object."""

    columns: tuple[str, ...] = DEFAULT
    widths: Mapping[str, int] = field(default_factory=dict)
    """Of columns that were given one [px]."""
    sort: str = ""
    """The column to sort by, with a minus before it for the largest first; empty for arrival."""
    group: bool = False

    def order(self) -> Order:
        """Return what the list is sorted by."""
        name, descending = self.sort.removeprefix("-"), self.sort.startswith("-")
        if not name:
            return Order()
        if name == SIZE:
            return Order(SIZE, descending) if self.group else Order()
        # The older an alert, the smaller its date.
        return Order(column_of(name).field, descending != (name == AGE))

    def settings(self) -> dict[str, Any]:
        """Return them as JSON holds them."""
        return {
            "columns": list(self.columns),
            "widths": dict(self.widths),
            "sort": self.sort,
            "group": self.group,
        }


def chosen(before: Choices, settings: Mapping[str, Any], known: Collection[str]) -> Choices:
    """Return choices with some made anew.

    Parameters
    ----------
    before
        What stands where ``settings`` are silent.
    settings
        As `Choices.settings` gives them, from anywhere.
    known
        Names of columns; empty if any might be one.

    Raises
    ------
    ConfigError
        If one cannot be chosen.
    """
    made = before
    if "columns" in settings:
        names = settings["columns"]
        if not isinstance(names, list | tuple) or not 0 < len(names) <= MOST_COLUMNS:
            raise ConfigError(f"columns: expected 1 to {MOST_COLUMNS} names in a list")
        made = replace(
            made, columns=tuple(dict.fromkeys(_name("columns", one, known) for one in names))
        )
    if "widths" in settings:
        made = replace(made, widths=_widths(settings["widths"], known))
    if "sort" in settings:
        sort = settings["sort"]
        if not isinstance(sort, str):
            raise ConfigError(f"sort: expected the name of a column, got {_shown(sort)}")
        name = sort.removeprefix("-")
        if name and name != SIZE:
            _name("sort", name, known)
        made = replace(made, sort=sort if name else "")
    if "group" in settings:
        if not isinstance(settings["group"], bool):
            raise ConfigError(f"group: expected true or false, got {_shown(settings['group'])}")
        made = replace(made, group=settings["group"])
    return made


def marks(values: Any) -> tuple[int, ...]:
    """Return the candids of marked alerts as settings hold them: as text, or as numbers.

    Raises
    ------
    ConfigError
        If they are none, or too many.
    """
    if isinstance(values, list | tuple) and len(values) <= MOST_MARKS:
        with suppress(ConfigError):
            return tuple(dict.fromkeys(map(candid_in, values)))
    raise ConfigError(f"marked: expected at most {MOST_MARKS:,} candids, got {_shown(values)}")


def _name(what: str, name: Any, known: Collection[str]) -> str:
    if not isinstance(name, str) or not name or (known and name not in known):
        raise ConfigError(f"{what}: expected names of fields, got {_shown(name)}")
    return name


def _widths(widths: Any, known: Collection[str]) -> dict[str, int]:
    if not isinstance(widths, Mapping):
        raise ConfigError(f"widths: expected names of columns with pixels, got {_shown(widths)}")
    for name, width in widths.items():
        _name("widths", name, known)
        if not isinstance(width, int) or isinstance(width, bool) or width <= 0:
            raise ConfigError(f"widths: expected pixels, got {_shown(width)} for {_shown(name)}")
    return {name: min(max(width, NARROWEST), WIDEST) for name, width in widths.items()}


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
