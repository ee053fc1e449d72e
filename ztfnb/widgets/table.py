"""The table of alerts: a window on columns that stay in the kernel."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import traitlets

from ztfnb.cuts import Cuts
from ztfnb.errors import ConfigError, SelectionError
from ztfnb.snapshot import Snapshot
from ztfnb.widgets._choices import MOST_MARKS, Choices, chosen, marks
from ztfnb.widgets._columns import ExtraColumn, TableColumn, column_of, default_columns, menu
from ztfnb.widgets._completion import completions
from ztfnb.widgets._cutting import CutBox
from ztfnb.widgets._grouping import object_field
from ztfnb.widgets._headerbars import HeaderBars, Pages
from ztfnb.widgets._held import Held
from ztfnb.widgets._lister import Lister
from ztfnb.widgets._listing import Query
from ztfnb.widgets._part import Part, turn_of
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of
from ztfnb.widgets._window import candids_of, window_of
from ztfnb.widgets._written import written

FIRST_ROWS = 60
MOST_ROWS = 1_000
"""Rows in one message at most."""
_COUNTS_EVERY = 1.0
"""Time between messages while rows stand still and only their number grows [s]."""
MOST_UNFOLDED = 50
_LONGEST_ID = 40


class AlertTable(Part):
    """Alerts in rows, live: sorted, searched and cut in the kernel, painted in the page.

    Only the rows in view travel to the page. New alerts come in on top while the table follows;
    it stands still while someone reads: after a click or a key, when scrolled, and while the
    pointer moves over the rows. Alerts are selected, and marked, by candid.

    Parameters
    ----------
    store
        What to show.
    pump
        The pump of the page that the table is part of; one of its own where None.
    """

    _esm = text_of(
        "common.js", "copy.js", "completion.js", "histogram.js", "newcell.js", "sourcebox.js",
        "cutfilter.js", "cutbar.js", "rows.js", "headers.js", "columnmenu.js", "keyhelp.js",
        "table.js",
    )  # fmt: skip
    _css = text_of("table.css", "cutbar.css", "sourcebox.css", "cutfilter.css", "histogram.css")
    _columns: Any = traitlets.List().tag(sync=True)
    _fields: Any = traitlets.List().tag(sync=True)

    selected = traitlets.Int(None, allow_none=True, help="candid of the alert in view")
    following = traitlets.Bool(default_value=True, help="whether new alerts come in on top")
    marked: Any = traitlets.Tuple(help="candids of the alerts that are ticked, as they were ticked")

    def __init__(self, store: Held, *, pump: Pump | None = None) -> None:
        super().__init__(pump=pump)
        self.store = store
        self.missed = 0
        """Alerts that came and left, to make room, before the page could be told of them."""
        self.before_beat: Callable[[], None] = lambda: None
        """Called before each look at the store."""
        self.on_list: Callable[[], None] = lambda: None
        """Called when other alerts are listed, or in another order."""
        self.on_rows: Callable[[Sequence[int]], None] = lambda _candids: None
        """Called with the candids of the rows in view and of some around them as they are sent."""
        self._choices = Choices()
        self._box = CutBox()
        self._extra: dict[str, ExtraColumn] = {}
        self._unfolded: tuple[str, ...] = ()
        self._lister = Lister(self.pump, self._listed)
        self._bars = HeaderBars(self.pump, self._tell_bars)
        self._hold = False
        self._to_top = False
        self._reveal = False
        self._said = False
        self._counts_at = 0.0
        # What the page has been told.
        self._turn = ""
        self._known: tuple[str, ...] = ()
        self._span = (0, FIRST_ROWS)
        self._sent_version = -1
        self._sent_oldest = 0
        self._sent_state: dict[str, Any] = {}
        self._arrivals_told: int | None = None
        self._fields = completions()
        self._tell_columns()
        self.observe(lambda _change: self._tell_marks(), "marked")
        held = store.snapshot()
        if len(held):
            # Code may ask for the list before there is a page.
            with self.pump.lock:
                self._lister.ask(held, self._query, anew=False)

    # -- What code may do ------------------------------------------------------------------

    @property
    def cuts(self) -> Cuts:
        """What the listed alerts fulfil, the search among it; setting it lists anew.

        A text such as ``"rb > 0.65 and magpsf < 19"`` will do, too.

        Raises
        ------
        SelectionError
            If it is no condition that the alerts held can fulfil; the list stays as it was.
        """
        return self._box.every

    @cuts.setter
    def cuts(self, cuts: Cuts | str | Iterable[str]) -> None:
        made = cuts if isinstance(cuts, Cuts) else Cuts(cuts)
        with self.pump.lock:
            made.check(self.store.snapshot())
            self._box.set(made)
            self._list_anew()

    @property
    def search(self) -> str:
        """What is in the search box: the beginning of an objectId, or a candid."""
        return self._box.search

    @search.setter
    def search(self, text: str) -> None:
        with self.pump.lock:
            self._box.set(self._box.cuts, text)
            self._list_anew()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are shown, in their order: fields of the alert, ``"age"``, or extra.

        Raises
        ------
        ConfigError
            If one is none of these.
        """
        return self._choices.columns

    @columns.setter
    def columns(self, names: Sequence[str]) -> None:
        self.settings = {"columns": list(names)}

    @property
    def sort(self) -> str:
        """The column that the list is sorted by, with ``-`` before it for the largest first.

        Empty for the order of arrival, the newest first.
        """
        return self._choices.sort

    @sort.setter
    def sort(self, name: str) -> None:
        self.settings = {"sort": name}

    @property
    def group(self) -> bool:
        """Whether alerts of one object share a row, that of its newest alert."""
        return self._choices.group

    @group.setter
    def group(self, on: bool) -> None:
        self.settings = {"group": on}

    @property
    def extra_columns(self) -> tuple[ExtraColumn, ...]:
        """Columns that no field is behind; setting them shows new ones at the end."""
        return tuple(self._extra.values())

    @extra_columns.setter
    def extra_columns(self, columns: Iterable[ExtraColumn]) -> None:
        with self.pump.lock:
            before, self._extra = self._extra, {column.name: column for column in columns}
            kept = [one for one in self.columns if one not in before or one in self._extra]
            new = [one for one in self._extra if one not in before and one not in kept]
            self._choose({"columns": [*kept, *new]})

    def refresh(self) -> None:
        """Ask the extra columns anew for their texts."""
        with self.pump.lock:
            self._lister.changed()
            self._tell()

    def outdate(self) -> None:
        """Take note that extra columns have other texts; they are sent with the next beat."""
        self._lister.changed()

    @property
    def settings(self) -> dict[str, Any]:
        """What a person has chosen: columns, widths, sort, group, cuts, search and marks."""
        return {
            **self._choices.settings(),
            "cuts": self._box.cuts.to_json(),
            "search": self._box.search,
            # As text: a candid does not fit in a number of every reader of JSON.
            "marked": [str(candid) for candid in self.marked],
        }

    @settings.setter
    def settings(self, settings: Mapping[str, Any]) -> None:
        with self.pump.lock:
            held = self.store.snapshot()
            # Before the first alert no field is known that is not documented.
            known = {one["name"] for one in self._menu()} if len(held) else ()
            choices = chosen(self._choices, settings, known)
            cuts = Cuts.from_json(settings.get("cuts", self._box.cuts.to_json()))
            search = settings.get("search", self._box.search)
            if not isinstance(search, str):
                raise ConfigError(f"search: expected a text, got {str(search)[:80]!r}")
            marked = marks(settings.get("marked", self.marked))
            box = CutBox()
            try:
                cuts.check(held)
                box.set(cuts, search)
            except SelectionError as error:
                raise ConfigError(str(error)) from None
            before = self._query
            self._box.set(cuts, search)
            self._choices = choices
            self._tell_columns()
            self.marked = marked
            if self._query == before:
                # The same list: its rows stay where a person reads them.
                self._lister.changed()
                self._tell()
            else:
                self._list_anew()

    def select(self, candid: int | None) -> None:
        """Select an alert by its candid, or none; while the list stands still, show its row."""
        with self.pump.lock:
            self.selected = candid
            self._reveal = not self.following
            self._tell()

    def mark(self, candids: Iterable[int]) -> None:
        """Mark alerts; those beyond `MOST_MARKS` are left out."""
        with self.pump.lock:
            self.marked = tuple(dict.fromkeys((*self.marked, *candids)))[:MOST_MARKS]
            self._tell()

    def unmark(self, candids: Iterable[int]) -> None:
        """Take marks away."""
        gone = set(candids)
        with self.pump.lock:
            self.marked = tuple(candid for candid in self.marked if candid not in gone)
            self._tell()

    def clear_marks(self) -> None:
        """Take all marks away."""
        self.unmark(self.marked)

    @property
    def total(self) -> int:
        """How many rows are listed."""
        return len(self._lister.listing)

    def listed(self, start: int, stop: int) -> list[int]:
        """Return the candids in places ``start`` to ``stop`` of the list, of those still held."""
        with self.pump.lock:
            return candids_of(self.store.snapshot(), self._lister.listing, start, stop)

    def place_of(self, candid: int) -> int | None:
        """Return the place of an alert in the list, counted from 0; None if it is not there."""
        with self.pump.lock:
            return self._lister.place_of(self.store.snapshot(), candid)

    def follow(self, on: bool = True) -> None:
        """Let new alerts come in, or stand still."""
        with self.pump.lock:
            self.following = on
            if on:
                self._list_anew()
            else:
                self._tell()

    # -- What the page says ----------------------------------------------------------------

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""
        acts: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "ready": self._on_ready,
            "window": self._on_window,
            "select": self._on_select,
            "hold": self._on_hold,
            "follow": lambda said: self.follow(bool(said["on"])),
            "cuts": self._on_cuts,
            "source": self._on_source,
            "mark": self._on_mark,
            "mark range": self._on_mark_range,
            "clear marks": lambda _said: self.clear_marks(),
            "choose": lambda said: self._choose(said["settings"]),
            "default columns": lambda _said: self._choose(
                {"columns": [*default_columns(self._known), *self._extra], "widths": {}}
            ),
            "unfold": lambda said: self._unfold(int(said["candid"]), on=bool(said["on"])),
            "menu": lambda _said: self.send({"kind": "menu", "columns": self._menu()}),
        }
        act = acts.get(str(message.get("kind")))
        if "turn" in message:
            self._turn = turn_of(message)
        if act is not None:
            act(message)

    def _on_ready(self, message: Mapping[str, Any]) -> None:
        self._span = _span(message)
        if int(message.get("version", -1)) < 0:
            # A page that has just come up knows nothing.
            self._sent_version, self._sent_state = -1, {}
            self._tell_marks()
            self._tell_bars(self._bars.pages)

    def _on_window(self, message: Mapping[str, Any]) -> None:
        self._span = _span(message)
        rows = self._rows(self.store.snapshot())
        self.send({"kind": "rows", "version": self._lister.version, **rows})

    def _on_select(self, message: Mapping[str, Any]) -> None:
        self._stand_still()
        self._bars.wait()
        self.selected = int(message["candid"])
        self._tell()

    def _on_hold(self, message: Mapping[str, Any]) -> None:
        self._hold = bool(message["on"])
        if self._hold:
            self._lister.stay()

    def _on_cuts(self, message: Mapping[str, Any]) -> None:
        if self._box.receive(message, self.store.snapshot()):
            self._list_anew()
        else:
            self._tell()

    def _on_source(self, message: Mapping[str, Any]) -> None:
        made = written(self._box.every, str(message.get("name", "")))
        self.send({"kind": "source", "id": str(message.get("id", ""))[:_LONGEST_ID], **made})

    def _on_mark(self, message: Mapping[str, Any]) -> None:
        candids = [int(candid) for candid in message["candids"]]
        if message["on"]:
            self.mark(candids)
        else:
            self.unmark(candids)

    def _on_mark_range(self, message: Mapping[str, Any]) -> None:
        first, last = sorted((int(message["from"]), int(message["to"])))
        last = min(last, first + MOST_MARKS)
        self.mark(candids_of(self.store.snapshot(), self._lister.listing, first, last + 1))

    def _choose(self, settings: Mapping[str, Any]) -> None:
        """Let a person choose columns, widths, the order, or grouping."""
        before, self._choices = self._choices, chosen(self._choices, settings, ())
        self._tell_columns()
        if before.columns != self._choices.columns:
            self._lister.changed()
        if (before.sort, before.group) != (self._choices.sort, self._choices.group):
            self._list_anew()
        else:
            self._tell()

    def _unfold(self, candid: int, *, on: bool) -> None:
        """List the other alerts of an alert's object, or no longer."""
        held = self.store.snapshot()
        number = self._lister.number_of(held, candid)
        if number is None:
            return
        name = str(held.column(object_field(held), [number - held.departed])[0])
        others = [one for one in self._unfolded if one != name]
        self._unfolded = (*others, name)[-MOST_UNFOLDED:] if on else tuple(others)
        self._stand_still()
        self._lister.ask(held, self._query, anew=True)
        self._tell()

    def _menu(self) -> list[dict[str, Any]]:
        """Return the columns that there are to choose from."""
        extra = [
            {"name": one.name, "label": one.name, "unit": "", "doc": one.title, "held": True}
            for one in self._extra.values()
        ]
        return [*extra, *menu(self.store.snapshot().names)]

    # -- The list --------------------------------------------------------------------------

    @property
    def _query(self) -> Query:
        grouped = self._choices.group
        unfolded = self._unfolded if grouped else ()
        return Query(self._box.every, self._choices.order(), grouped, unfolded)

    def _stand_still(self) -> None:
        self.following = False
        self._lister.stay()

    def _list_anew(self) -> None:
        self._to_top = True
        self._span = (0, self._span[1] - self._span[0])
        self._lister.ask(self.store.snapshot(), self._query, anew=True)
        self._tell()

    def _listed(self, error: Exception | None) -> None:
        """Take note of another list, or of what was wrong with the one asked for."""
        if isinstance(error, SelectionError):
            self._box.refuse(error)
        elif error is not None:
            raise error
        else:
            query, held = self._lister.listing.query, self.store.snapshot()
            self._box.counted(query.cuts, self._lister.listing.kept, len(held))
            self.on_list()
        self._tell()

    # -- What the page is told -------------------------------------------------------------

    def beat(self) -> bool:
        """Send what changed: the rows in view, or only the number of new ones."""
        self.before_beat()
        self._said = False
        held = self.store.snapshot()
        self._count_missed(held)
        if held.names != self._known:
            self._meet(held.names)
        still = self._hold or not self.following or self._lister.resting
        if held.revision != self._lister.revision and (not still or self._lister.revision < 0):
            self._lister.ask(held, self._query, anew=False)
        fields = [column.field for column in self._shown if column.bars]
        self._bars.ask(held, fields, self._lister.listing.query.cuts)
        self._tell(counts=time.monotonic() >= self._counts_at)
        return self._said

    def _meet(self, names: tuple[str, ...]) -> None:
        """Take note of the fields that there are."""
        before, default = default_columns(self._known), default_columns(names)
        self._known = names
        self._fields = completions(names)
        if default != before and self.columns == (*before, *self._extra):
            self._choose({"columns": [*default, *self._extra]})

    def _count_missed(self, held: Snapshot) -> None:
        if self._arrivals_told is not None:
            self.missed += max(0, held.departed - self._arrivals_told)
        self._arrivals_told = held.departed + len(held)

    def _tell(self, *, counts: bool = True) -> None:
        """Send the state of the list, with the rows in view if they are others.

        ``counts`` is whether it is worth a message that only more alerts have come.
        """
        held = self.store.snapshot()
        lister = self._lister
        state = self._state(held)
        changed = lister.version != self._sent_version or held.departed > self._sent_oldest
        if not changed and (state == self._sent_state or not counts):
            return
        self._counts_at = time.monotonic() + _COUNTS_EVERY
        self._said = True
        self._sent_state = state
        message = {"kind": "tick", "version": lister.version, "reveal": self._reveal, **state}
        self._reveal = False
        if changed:
            self._sent_version = lister.version
            # Once, when the list is there: later ones leave the page where it is.
            message |= {"top": self._to_top and not lister.busy, **self._rows(held)}
            self._to_top = self._to_top and lister.busy
        self.send(message)

    def _state(self, held: Snapshot) -> dict[str, Any]:
        lister, selected = self._lister, self.selected
        groups = lister.listing.groups
        return {
            # By which a page knows whether this was said before or after it asked for more.
            "turn": self._turn,
            "total": len(lister.listing),
            "held": len(held),
            "objects": None if groups is None else groups.objects,
            "fresh": lister.fresh(held),
            "following": self.following,
            "working": lister.busy,
            "sort": self._choices.sort,
            "group": self._choices.group,
            "cuts": self._box.state(),
            "selected": "" if selected is None else str(selected),
            "place": None if selected is None else lister.place_of(held, selected),
        }

    def _rows(self, held: Snapshot) -> dict[str, Any]:
        window = window_of(held, self._lister.listing, self._shown, *self._span)
        self._sent_oldest = window.oldest
        self.on_rows([int(candid) for candid in window.candids if candid])
        return window.page()

    @property
    def _shown(self) -> list[TableColumn | ExtraColumn]:
        return [self._extra.get(name) or column_of(name) for name in self._choices.columns]

    def _tell_columns(self) -> None:
        widths = self._choices.widths
        self._columns = [
            {**column.page(), "pixels": widths.get(column.name)} for column in self._shown
        ]

    def _tell_marks(self) -> None:
        self.send({"kind": "marks", "candids": [str(candid) for candid in self.marked]})

    def _tell_bars(self, pages: Pages) -> None:
        self.send({"kind": "histograms", "of": pages})


def _span(message: Mapping[str, Any]) -> tuple[int, int]:
    start, stop = int(message.get("start", 0)), int(message.get("stop", FIRST_ROWS))
    return start, min(stop, start + MOST_ROWS)
