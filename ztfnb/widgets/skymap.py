"""The sky map: where the alerts lie that have arrived."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, get_args

import traitlets

from ztfnb.cuts import Cuts
from ztfnb.errors import ConfigError
from ztfnb.projection import mollweide
from ztfnb.snapshot import Snapshot
from ztfnb.widgets import _bokeh
from ztfnb.widgets._held import Held
from ztfnb.widgets._overview import Overview, Publish, Work, passing_in_words
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._sky_figure import PALETTE, ground_of, packed, sky_figure
from ztfnb.widgets._sky_mark import Place, mark_of, place_of
from ztfnb.widgets._sky_view import (
    FEW,
    MAP_HEIGHT,
    MAP_WIDTH,
    Cells,
    Direction,
    Shows,
    SkyView,
    cells_of_map,
    healpix,
    view_of,
)
from ztfnb.widgets._static import text_of

SHOWS: tuple[Shows, ...] = get_args(Shows)
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
CENTRES = (0, 6, 12, 18)
"""Right ascensions that the map can be centred on [h]."""
_FARTHEST = 10.0
"""How far from a tap an alert may lie [deg]."""


class SkyMap(Overview):
    """A map of the whole sky, live: alerts as points, or counted where they are many.

    Alerts that pass `cuts` are points in strong colour, or counted. The others are faint points
    while they are few; where they are many, cells in which none passes are grey. A tap or an arrow
    key selects an alert.

    Parameters
    ----------
    store
        What to show.
    pump
        The pump of the page that the map is part of; one of its own where None.
    """

    _esm = text_of("common.js", "bokeh.js", "skymap.js")
    _css = text_of("choice.css", "skymap.css")
    _figure = traitlets.Dict().tag(sync=True)
    _bokeh_version = traitlets.Unicode(_bokeh.VERSION).tag(sync=True)
    _ground = traitlets.Dict().tag(sync=True)
    _chosen = traitlets.Dict().tag(sync=True)
    _sky = traitlets.Dict().tag(sync=True)
    _mark = traitlets.Dict().tag(sync=True)

    selected = traitlets.Int(None, allow_none=True, help="candid of the alert that is marked")

    def __init__(self, store: Held, *, pump: Pump | None = None) -> None:
        super().__init__(store, pump=pump)
        self._figure = sky_figure() | {"palette": list(PALETTE)}
        self._shows: Shows = "auto"
        self._centre = 0
        self._cells = Cells()
        self._view: SkyView | None = None
        self._place: Place | None = None
        self.on_select: Callable[[int], None] = lambda _candid: None
        """Called with the candid of an alert that was selected on the map."""
        self.observe(self._on_selected, "selected")
        self._draw_ground()
        self._draw_mark()

    # -- What may be chosen ----------------------------------------------------------------

    @property
    def shows(self) -> Shows:
        """``"points"`` (the newest 2,000), ``"counts"``, or ``"auto"``: points while they are few.

        Raises
        ------
        ConfigError
            If it is set to anything else.
        """
        return self._shows

    @shows.setter
    def shows(self, shows: Shows) -> None:
        self.settings = {"shows": shows}

    @property
    def centre(self) -> int:
        """Right ascension in the middle of the map: 0, 6, 12 or 18 h.

        Raises
        ------
        ConfigError
            If it is set to anything else.
        """
        return self._centre

    @centre.setter
    def centre(self, hours: int) -> None:
        self.settings = {"centre": hours}

    @property
    def settings(self) -> dict[str, Any]:
        """What is shown, and on which centre: ``{"shows": "auto", "centre": 0}``."""
        return {"shows": self._shows, "centre": self._centre}

    @settings.setter
    def settings(self, settings: Mapping[str, Any]) -> None:
        shows = settings.get("shows", self._shows)
        centre = settings.get("centre", self._centre)
        if not isinstance(shows, str) or shows not in SHOWS:
            raise ConfigError(f"shows: expected {', '.join(SHOWS)}, got {str(shows)[:40]!r}")
        if not isinstance(centre, int) or isinstance(centre, bool) or centre not in CENTRES:
            expected = ", ".join(map(str, CENTRES))
            raise ConfigError(f"centre: expected {expected} h, got {str(centre)[:40]!r}")
        with self.pump.lock:
            turned, self._centre = centre != self._centre, centre
            redrawn, self._shows = shows != self._shows, shows
            self._draw_ground()
            if turned:
                self._draw_mark()
                if self._view is not None:
                    self._show(self._view)
            if redrawn:
                self.make_anew()

    # -- What the page says ----------------------------------------------------------------

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""
        match message.get("kind"):
            case "bokehjs":
                self.send({"kind": "bokehjs"}, [_bokeh.bokehjs()])
            case "cells":
                cells = cells_of_map(self._centre // 6)
                self.send({"kind": "cells", "centre": self._centre}, [cells.tobytes()])
            case "setting":
                name = message.get("name")
                if name in self.settings:
                    self.settings = {name: message.get("value")}
            case "tap" if self._view is not None:
                ra, dec, reach = (_number(message.get(name)) for name in ("ra", "dec", "reach"))
                if math.isfinite(ra + dec + reach) and abs(dec) <= 90:
                    self._choose(self._view.at(ra, dec, min(reach, _FARTHEST)))
            case "step" if self._view is not None:
                for way in DIRECTIONS:
                    if way == message.get("way"):
                        self._step(self._view, way)

    def _step(self, view: SkyView, way: Direction) -> None:
        here = self._place
        if here is None:
            self._choose(int(view.candid[-1]) if len(view.candid) else None)
        else:
            self._choose(view.beside(here.ra, here.dec, way, self._centre * 15.0))

    def _choose(self, candid: int | None) -> None:
        if candid is not None:
            self.selected = candid
            self.on_select(candid)

    # -- What is drawn ---------------------------------------------------------------------

    def work(self) -> Work:
        """Return what a thread does with a snapshot."""
        healpix()  # imported here: a thread must not import what a cell imports at the same time
        return partial(self._look_at, self._cuts, self._shows)

    def _look_at(self, cuts: Cuts, shows: Shows, held: Snapshot) -> Publish:
        view = view_of(held, self._cells.of(held), cuts, shows)
        if view.counts.any():
            cells_of_map(0)  # the page will ask for it, and the first takes a while
        return partial(self._show, view)

    def _show(self, view: SkyView) -> None:
        self._view = view
        centre = self._centre * 15.0
        sky: dict[str, Any] = {
            "summary": summary_of(view),
            "error": view.error,
            "centre": self._centre,
        }
        if view.counts.any():
            sky["counts"] = view.counts.astype("<i4").tobytes()
        if view.counted:
            sky["most"] = max(1, int(view.counts.max()))
        else:
            sky["points"] = packed(*mollweide(view.ra, view.dec, centre))
            sky["others"] = packed(*mollweide(*view.others, centre))
        self._sky = sky

    def refuse(self, reason: str) -> None:
        """Show why there is no map."""
        self._sky = {"summary": "", "error": reason, "centre": self._centre}

    def _draw_ground(self) -> None:
        self._chosen = self.settings | {"width": MAP_WIDTH, "height": MAP_HEIGHT, "few": FEW}
        self._ground = ground_of(self._centre * 15.0)

    def _on_selected(self, _change: object) -> None:
        with self.pump.lock:
            if self._active:
                self.look_up()

    def look_up(self) -> None:
        """Find where the selected alert lies, and mark it."""
        self._place = (
            None if self.selected is None else place_of(self.store.snapshot(), self.selected)
        )
        self._draw_mark()

    def _draw_mark(self) -> None:
        self._mark = mark_of(self._place, self.selected, self._centre * 15.0)


def summary_of(view: SkyView) -> str:
    """Return what a map shows, in words."""
    totals = view.totals
    if not totals.held:
        return "No alerts yet"
    told = _many(totals.held, "alert")
    if totals.fields:
        told += f" in {_many(totals.fields, 'field')}"
    if totals.passing < totals.placed:
        told += f"; {passing_in_words(totals.passing)}"
    if not view.counted and totals.passing > len(view.candid):
        told += f"; the newest {len(view.candid):,} are drawn"
    if totals.placed < totals.held:
        told += f"; {totals.held - totals.placed:,} without a position"
    return told


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
