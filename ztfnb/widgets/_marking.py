"""Marks of the filters that are applied to a stream, as columns of a table of its alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from ztfnb.filters.decision import Verdict
from ztfnb.filters.following import Following
from ztfnb.widgets._columns import ExtraColumn
from ztfnb.widgets.notices import note_text, notes_text
from ztfnb.widgets.table import AlertTable
from ztfnb.wording import one_line

MARKS = {Verdict.PASSED: "✓", Verdict.REJECTED: "", Verdict.FAILED: "!", None: "…"}
_MOST_NOTES = 12
"""Annotations of a filter that get a column."""
_AT_FIRST = 2
"""Annotations of a filter that are shown at first; the others are in the list of columns."""
_LONGEST = 30
_BESIDE = ("label", "objectId")


class Marked(Protocol):
    """What filters may be applied to: `ztfnb.stream.Stream`."""

    @property
    def applied(self) -> Mapping[str, Following]:
        """The filters, by name."""


class Marking:
    """Gives each applied filter a column in a table, and one for each of its annotations.

    Parameters
    ----------
    table
        Of the alerts.
    alerts
        What they come from. A batch has no applied filters, and gets no columns.
    """

    def __init__(self, table: AlertTable, alerts: Any) -> None:
        self._table = table
        self._alerts = alerts
        self._known: Any = ()
        self._mine: dict[str, ExtraColumn] = {}
        self._spare: set[str] = set()
        """Those that are shown only when a person chooses them."""
        self._in_view: tuple[int, ...] = ()
        self._told: list[list[str]] = []
        self.renew()

    def renew(self) -> None:
        """Take note of filters that came or went, and of what became of the rows in view."""
        applied: Mapping[str, Following] = getattr(self._alerts, "applied", {})
        known = [(one, one.annotations) for one in applied.values()]
        if known != self._known:
            self._known = known
            self._set(applied)
        if self._mine and self._texts() != self._told:
            self._table.outdate()

    def see(self, candids: Sequence[int]) -> None:
        """Take note of the rows in view, as they are sent."""
        self._in_view = tuple(candids)
        self._told = self._texts()

    def show(self) -> None:
        """Show the columns, as after others were chosen without knowing of these."""
        self._arrange([one for one in self._mine if one not in self._spare])

    def without(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return a table's settings without these columns: elsewhere no filter may be applied."""
        columns = [one for one in settings["columns"] if one not in self._mine]
        widths = {one: size for one, size in settings["widths"].items() if one not in self._mine}
        return {**settings, "widths": widths, "columns": columns or list(settings["columns"])}

    def forget(self) -> None:
        """Let go of the alerts."""
        self._alerts = None
        self._known, self._mine, self._told = (), {}, []

    def _set(self, applied: Mapping[str, Following]) -> None:
        before, shown = self._mine, self._table.columns
        self._mine, self._spare = _columns(applied)
        others = [one for one in self._table.extra_columns if one.name not in before]
        self._table.extra_columns = [*others, *self._mine.values()]
        # Those that a person has hidden, or fetched from the list of all, stay so.
        mine = [one for one in self._mine if one in shown or one not in {*before, *self._spare}]
        if any(one not in before for one in mine):
            self._arrange(mine)
        else:
            self._table.columns = [one for one in shown if one not in before or one in self._mine]

    def _arrange(self, mine: Sequence[str]) -> None:
        """Show some of the columns, beside the name of the object, and no other."""
        columns = [one for one in self._table.columns if one not in self._mine]
        beside = next((columns.index(one) + 1 for one in _BESIDE if one in columns), len(columns))
        columns[beside:beside] = mine
        self._table.columns = columns

    def _texts(self) -> list[list[str]]:
        return [column.texts(self._in_view) for column in self._mine.values()]


def _columns(applied: Mapping[str, Following]) -> tuple[dict[str, ExtraColumn], set[str]]:
    """Return the columns by name, and which of them are not shown at first."""
    found: dict[str, ExtraColumn] = {}
    spare: set[str] = set()
    for name, one in applied.items():
        params = notes_text(one.filter.params)
        title = (
            f"{name}{f' ({params})' if params else ''}: ✓ passed, empty if rejected, "
            "! failed, … not judged yet"
        )
        # No field has such a name.
        own = f"✓ {one_line(name, _LONGEST)}"
        found[own] = ExtraColumn(own, title, 2, partial(_marks, one), one_line(own, 10))
        for place, note in enumerate(one.annotations[:_MOST_NOTES]):
            title = f"The annotation {one_line(note, _LONGEST)} of {name}"
            own = one_line(f"{name}.{note}", _LONGEST)
            found[own] = ExtraColumn(own, title, 8, partial(_notes, one, note), one_line(note, 12))
            if place >= _AT_FIRST:
                spare.add(own)
    return found, spare


def _marks(one: Following, candids: Sequence[int]) -> list[str]:
    return [MARKS[verdict] for verdict in one.verdicts(candids)]


def _notes(one: Following, name: str, candids: Sequence[int]) -> list[str]:
    found = (one.passed.get(candid, {}) for candid in candids)
    return [note_text(notes[name]) if name in notes else "" for notes in found]
