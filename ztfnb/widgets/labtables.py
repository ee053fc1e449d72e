"""Small tables of the filter lab: yield, pins and versions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import traitlets

from ztfnb.filters.decision import Verdict
from ztfnb.filters.interval import Interval
from ztfnb.filters.versions import SHOWN
from ztfnb.widgets._part import Part
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of

if TYPE_CHECKING:
    from ztfnb.filters.nightly_yield import Yield
    from ztfnb.filters.pins import PinResult
    from ztfnb.filters.versions import Version

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


def interval_text(found: Interval, *, percent: bool = False) -> str:
    """Return a number with its interval: ``12 (8 to 17)``, or in percent."""
    if math.isnan(found.value):
        return "unknown"
    one = _percent if percent else _plain
    return f"{one(found.value)} ({one(found.low)} to {one(found.high)})"


def _percent(value: float) -> str:
    return f"{100 * value:.3g}%"


def _plain(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


_PROGRAMMES = {1: "1 public", 2: "2 partnership", 3: "3 Caltech", 0: "not told"}


def yield_sheet(found: Sequence[Yield]) -> Sheet:
    """Return the expected yield a night of each programme, and the nights it is told from."""
    rows = []
    for one in found:
        name = _PROGRAMMES.get(one.programid, str(one.programid))
        expected, share = interval_text(one.per_night), interval_text(one.passing, percent=True)
        rows.append(Row("", (name, "expected a night", expected, share, f"{one.alerts:,}"), "now"))
        rows += [
            Row(
                "",
                (
                    "",
                    f"{night.night}, {night.hours:.1f} h",
                    f"{night.passed:,}",
                    _percent(night.passed / night.alerts),
                    f"{night.alerts:,}",
                ),
            )
            for night in one.nights
        ]
    return Sheet(
        note=" ".join(["With 95% intervals.", *(_basis(one) for one in found)]),
        columns=("programid", "night", "pass", "of its alerts", "alerts"),
        numbers=(2, 3, 4),
        rows=tuple(rows),
    )


def _basis(one: Yield) -> str:
    return f"Programme {one.programid}: {one.basis}."


_WORDS = {Verdict.PASSED: "passes", Verdict.REJECTED: "rejected", Verdict.FAILED: "failed"}


def pins_sheet(found: Iterable[PinResult]) -> Sheet:
    """Return the pins of a filter, those first that are red."""
    results = sorted(found, key=lambda one: one.green)
    red = sum(not one.green for one in results)
    if not results:
        note = (
            "No pins yet. Select an alert and press must pass or must be rejected: it is tried "
            "again whenever the filter is changed."
        )
    elif red:
        note = f"{red:,} of {len(results):,} pins are red: the filter decides otherwise."
    else:
        note = f"All {len(results):,} pins are green."
    rows = tuple(
        Row(
            str(one.candid),
            (
                "✓ green" if one.green else "✗ red",
                str(one.candid),
                "must pass" if one.expected else "must be rejected",
                _WORDS[one.verdict] + (f": {one.error}" if one.error else ""),
                one.note,
            ),
            "good" if one.green else "bad",
            "remove",
        )
        for one in results
    )
    return Sheet(note=note, columns=("", "candid", "it", "now", "note"), rows=rows)


def versions_sheet(found: Sequence[Version], now: Version) -> Sheet:
    """Return the versions of a filter, the newest first.

    Parameters
    ----------
    found
        The versions, the oldest first; their place is their key.
    now
        The filter as it is.
    """
    rows = tuple(
        Row(str(place), _version_cells(one), "now" if _same(one, now) else "")
        for place, one in reversed(list(enumerate(found)))
    )
    note = (
        "Evaluations, the newest on top. Choose one to see what has changed since."
        if rows
        else "No versions yet: they are noted when a filter of a notebook is evaluated."
    )
    return Sheet(
        note=note,
        columns=("evaluated", "version", "set to", "passed", "of", "pins", "sample"),
        numbers=(3, 4),
        rows=rows,
        links=(("keep", "Keep it as it is set now"),),
    )


def _same(one: Version, other: Version) -> bool:
    return one.hash == other.hash and dict(one.params) == dict(other.params)


def _version_cells(one: Version) -> tuple[str, ...]:
    counts = one.counts
    pins = [f"{one.green:,} green"] * bool(one.green) + [f"{one.red:,} red"] * bool(one.red)
    return (
        one.time.replace("T", " ").removesuffix("Z"),
        one.hash[:SHOWN],
        ", ".join(f"{name}={value!r}" for name, value in one.params.items()),
        f"{counts.get('passed', 0):,}",
        f"{sum(counts.values()):,}",
        ", ".join(pins),
        one.sample,
    )
