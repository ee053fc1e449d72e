"""Small tables of the filter lab."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import traitlets

from ztfnb.widgets._part import Part
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of

MOST = 200
"""Rows that are shown."""
_LONGEST = 300
_LONGEST_TEXT = 20_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table."""

    key: str
    """What the page says when it is chosen; nothing to choose where empty."""
    cells: tuple[str, ...]
    mark: Literal["", "good", "bad", "now"] = ""
    action: str = ""
    """On the button of this row; none where empty."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a table shows."""

    note: str = ""
    columns: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    """Columns with numbers, which stand on the right."""
    rows: tuple[Row, ...] = ()
    chosen: str = ""
    """Key of the row that is marked."""
    text: str = ""
    """Lines of a difference below the table."""
    after: str = ""
    """A sentence before these."""
    links: tuple[tuple[str, str], ...] = ()
    """Name and title of buttons after that sentence."""


class LabTable(Part):
    """A table with a sentence above it, rows to be chosen and a text below.

    Parameters
    ----------
    label
        What it is, for people who cannot see it.
    pump
        The pump of the page that this is part of; one of its own where None.
    """

    _esm = text_of("common.js", "labtable.js")
    _css = text_of("labtable.css")
    _label = traitlets.Unicode().tag(sync=True)
    _shown = traitlets.Dict().tag(sync=True)

    def __init__(self, label: str, *, pump: Pump | None = None) -> None:
        super().__init__(pump=pump)
        self._label = label
        self.on_choose: Callable[[str], None] = lambda _key: None
        """Called with the key of a row that was chosen."""
        self.on_action: Callable[[str], None] = lambda _key: None
        """Called with the key of a row whose button was pressed."""
        self.on_link: Callable[[str], None] = lambda _name: None
        """Called with the name of a button below the table."""
        self.show(Sheet())

    @property
    def sheet(self) -> Sheet:
        """What is shown."""
        return self._sheet

    def show(self, sheet: Sheet) -> None:
        """Show something else."""
        with self.pump.lock:
            self._sheet = sheet
            shown = asdict(sheet)
            shown["rows"] = [
                [row.key, [cell[:_LONGEST] for cell in row.cells], row.mark, row.action]
                for row in sheet.rows[:MOST]
            ]
            left = len(sheet.rows) - MOST
            shown["left"] = f"{left:,} more are not shown" if left > 0 else ""
            shown["text"] = sheet.text[:_LONGEST_TEXT]
            self._shown = shown

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""
        key = str(message.get("key", ""))
        match message.get("kind"):
            case "choose":
                self.on_choose(key)
            case "act":
                self.on_action(key)
            case "link":
                self.on_link(key)
