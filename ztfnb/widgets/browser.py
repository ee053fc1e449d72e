"""The alert browser: a table, and all that is known of the alert that is selected in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets
import traitlets

from ztfnb.alert import Alert
from ztfnb.codec import decode
from ztfnb.cuts import Cuts
from ztfnb.errors import ConfigError, DecodeError, NotHeldError, SourceError
from ztfnb.labels import FILE, Labels
from ztfnb.saving import save
from ztfnb.source import Packet
from ztfnb.stream import Stream
from ztfnb.widgets._closing import close_children
from ztfnb.widgets._companions import companions_of, epochs_of
from ztfnb.widgets._divider import Divider
from ztfnb.widgets._gallerypages import GalleryPages
from ztfnb.widgets._latest import Latest
from ztfnb.widgets._marking import Marking
from ztfnb.widgets._part import Part
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._scanning import Scanning
from ztfnb.widgets._state import MAX_BYTES, BrowserState, dumps, loads
from ztfnb.widgets._tabs import Tabs, panel
from ztfnb.widgets.batch import Batch
from ztfnb.widgets.details import Details
from ztfnb.widgets.distributions import Distributions
from ztfnb.widgets.facts import Facts
from ztfnb.widgets.gallery import Alerts, Gallery, fetching
from ztfnb.widgets.lightcurve import LightCurve
from ztfnb.widgets.save import Save
from ztfnb.widgets.scan import Scan
from ztfnb.widgets.skymap import SkyMap
from ztfnb.widgets.stamps import Stamps
from ztfnb.widgets.strip import Strip
from ztfnb.widgets.table import AlertTable

_LEFT = {"table": "Table", "gallery": "Gallery"}
_RIGHT = {
    "alert": "Alert", "details": "Details", "sky": "Sky", "labels": "Labels", "save": "Save"
}  # fmt: skip


class Browser(ipywidgets.VBox):  # type: ignore[misc] # ipywidgets has no types
    """Table on the left; facts, stamps, light curve and more of the selected alert on the right.

    Every part is a widget of use alone, and an attribute: ``table``, ``gallery``, ``facts``,
    ``stamps``, ``light_curve``, ``details``, ``sky``, ``distributions``, ``scan``, ``saving``,
    and ``strip``, which a batch does not have.

    Parameters
    ----------
    alerts
        A stream, or a batch.
    labels
        Where labels are kept; the file ``labels.jsonl`` in the notebook's folder by default.
    state
        The file of a view that was saved, to begin with.

    Raises
    ------
    ConfigError
        If that file holds no such view.
    SourceError
        If there is a file of labels that cannot be read.
    """

    selected: Any = traitlets.Instance(Alert, allow_none=True, help="The alert in view.")
    marked: Any = traitlets.Tuple(help="candid of each alert that is marked, in that order")

    def __init__(
        self,
        alerts: Alerts,
        *,
        labels: Labels | str | Path = FILE,
        state: str | Path | None = None,
    ) -> None:
        self.alerts = alerts
        self.labels = labels if isinstance(labels, Labels) else Labels(labels)
        self.pump = Pump()
        self.table = AlertTable(alerts.store, pump=self.pump)
        self.gallery = Gallery(self._fetched_for_gallery, pump=self.pump)
        self.facts = Facts(pump=self.pump)
        self.stamps = Stamps(pump=self.pump)
        self.light_curve = LightCurve(pump=self.pump)
        self.details = Details(pump=self.pump)
        self.sky = SkyMap(alerts.store, pump=self.pump)
        self.distributions = Distributions(alerts.store, pump=self.pump)
        self.scan = Scan(self.labels, pump=self.pump)
        self.saving = Save(pump=self.pump)
        self.strip = (
            Strip(alerts, pump=self.pump, missed=lambda: self.table.missed)
            if isinstance(alerts, Stream)
            else None
        )
        self._left = Tabs(_LEFT, "List", pump=self.pump)
        self._right = Tabs(_RIGHT, "The alert in view", pump=self.pump)
        self._divider = Divider(pump=self.pump)
        self._fetching: Latest[Alert] = Latest(self.pump, "ztfnb fetch")
        self._shown: dict[int, Alert] = {}
        """The alerts of the object in view that its light curve is made of, by candid."""
        self._pages = GalleryPages(self.table, self.gallery)
        self._scanning = Scanning(self.scan, self.table, self.gallery)
        self._marking = Marking(self.table, alerts)
        self._kept: dict[int, Packet] = {}
        """Packets of the rows in view, by candid."""
        self._in_view: Alert | None = None
        self._stale: set[str] = set()
        """Tabs that show another alert than the one in view, since nobody looks at them."""
        super().__init__(self._laid_out())
        self.add_class("ztfnb-browser")
        if self.strip is None:
            self.add_class("ztfnb-whole")
        with self.pump.lock:
            self._join()
            self._choose_right(self._right.chosen)
            if state is not None:
                try:
                    self.load_state(state)
                except BaseException:
                    self.close()
                    raise
            self._select_first()

    def _laid_out(self) -> list[ipywidgets.Widget]:
        left = ipywidgets.VBox(
            [self._left, panel(["table"], [self.table]), panel(["gallery"], [self.gallery])]
        )
        # Labels are given while looking at the stamps: that tab shows them, too.
        alert = panel(["alert", "labels"], [self.stamps, self.light_curve])
        scrolled = [
            panel(["details"], [self.details]),
            panel(["sky"], [self.sky, self.distributions]),
            panel(["save"], [self.saving]),
        ]
        for box in scrolled:
            box.add_class("ztfnb-scrolled")
        right = ipywidgets.VBox(
            [self.facts, self._right, panel(["labels"], [self.scan]), alert, *scrolled]
        )
        for name, box in (("left", left), ("right", right)):
            box.add_class("ztfnb-tabbed")
            box.add_class(f"ztfnb-{name}")
        panes = ipywidgets.Box([left, self._divider, right])
        panes.add_class("ztfnb-panes")
        return [*([self.strip] if self.strip else []), panes]

    def _join(self) -> None:
        """Let every part know what happens in the others."""
        self.table.observe(lambda change: self._look_at(change["new"]), "selected")
        self.table.observe(lambda change: self._mark(change["new"]), "marked")
        self.table.before_beat = self._before_beat
        self.table.on_list = self._list_changed
        self.table.on_rows = self._keep
        self.gallery.on_select = self.select
        self.stamps.on_epoch = self._step_to
        self.light_curve.on_epoch = lambda candid, _jd: self._step_to(candid)
        self.sky.on_select = self.select
        self.saving.alerts_of = self._to_save
        self.saving.in_view = lambda: None if self.selected is None else self.selected.candid
        self.saving.fetch = self._alert_of
        self.saving.others_of = self._companions
        self.saving.picture_options = self._picture_options
        self.saving.state_of = lambda: self.state
        self._left.on_choose = self._choose_left
        self._right.on_choose = self._choose_right

    # -- What code may do ------------------------------------------------------------------

    @property
    def selection(self) -> tuple[Alert, ...]:
        """The alerts that are marked, or the one in view where none is.

        Those that have left the memory are fetched from their source, which may take time.
        """
        if self.marked:
            return tuple(self._alert_of(candid) for candid in self.marked)
        return () if self.selected is None else (self.selected,)

    @property
    def cuts(self) -> Cuts:
        """What listed alerts fulfil: a function of an alert, and ``cuts.expression``; settable."""
        return self.table.cuts

    @cuts.setter
    def cuts(self, cuts: Cuts | str | Iterable[str]) -> None:
        self.table.cuts = cuts if isinstance(cuts, Cuts) else Cuts(cuts)

    def select(self, candid: int | None) -> None:
        """Select an alert by its candid, or none.

        Returns at once; `selected` follows when the packet is there.
        """
        self.table.select(candid)

    @property
    def state(self) -> str:
        """What was chosen here - columns, cuts, modes, marks - as text that `load_state` reads."""
        with self.pump.lock:
            settings: dict[str, Mapping[str, Any]] = {
                name: part.settings for name, part in self._parts().items()
            }
            # Elsewhere other filters may be applied, or none.
            settings["table"] = self._marking.without(settings["table"])
            tabs = {"left": self._left.chosen, "right": self._right.chosen}
            return dumps(BrowserState(settings | {"tabs": tabs}, self.marked, self.table.selected))

    def save_state(self, path: str | Path) -> None:
        """Write `state` to a file, to be opened by ``browse(..., state=path)``.

        Raises
        ------
        SourceError
            If it cannot be written. A file of that name is replaced.
        """
        file = Path(path).expanduser()
        try:
            file.write_text(self.state, encoding="utf-8")
        except OSError as error:
            raise SourceError(f"cannot write {file}: {error.strerror or error}") from None

    def load_state(self, path: str | Path) -> None:
        """Choose what was chosen in another browser when its state was saved.

        Raises
        ------
        ConfigError
            If the file holds no such state, or something in it cannot be chosen; then nothing is.
        """
        file = Path(path).expanduser()
        try:
            with file.open("rb") as opened:
                data = opened.read(MAX_BYTES + 1)
        except OSError as error:
            raise ConfigError(f"the state of a browser cannot be read: {file}: {error}") from None
        self._restore(loads(data))

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the `selection` to a file or folder: see `ztfnb.saving.save`."""
        save(self.selection, path, overwrite=overwrite)

    def close(self) -> None:
        """Take the browser off the page, and let go of its alerts.

        What threads are doing for it is given up, but labels are written first.
        """
        if self.comm is None:
            return  # it is closed, or was never whole
        self._fetching.forget()
        self.saving.cancel()
        self.gallery.show(())
        self.light_curve.show(None)
        close_children(self)
        # The notebook's history may keep this object, but not a night of alerts with it.
        self.strip = None
        self._kept = {}
        self._marking.forget()
        self.alerts = Batch(())
        for view in (self.table, self.sky, self.distributions):
            view.store = self.alerts.store
        super().close()

    def __repr__(self) -> str:
        shown = "nothing" if self.selected is None else repr(self.selected)
        return f"<Browser of {len(self.alerts.store):,} alerts, showing {shown}>"

    def _parts(self) -> dict[str, Part]:
        """Return the parts in which something can be chosen, by the name that a file has."""
        parts: dict[str, Part] = {
            "table": self.table, "gallery": self.gallery, "divider": self._divider,
            "stamps": self.stamps, "light_curve": self.light_curve, "details": self.details,
            "sky": self.sky, "distributions": self.distributions, "scan": self.scan,
            "saving": self.saving,
        }  # fmt: skip
        if self.strip is not None:
            parts["strip"] = self.strip
        return parts

    def _restore(self, state: BrowserState) -> None:
        parts = self._parts()
        unknown = [name for name in state.parts if name not in (*parts, "tabs", "strip")]
        if unknown:
            raise ConfigError(f"no part of a browser is called {unknown[0][:40]!r}")
        with self.pump.lock:
            before = loads(self.state)
            try:
                self._choose(state)
            except Exception:
                self._choose(before)
                raise

    def _choose(self, state: BrowserState) -> None:
        parts = self._parts()
        for name, settings in state.parts.items():
            if name == "tabs":
                self._left.chosen = settings.get("left", self._left.chosen)
                self._right.chosen = settings.get("right", self._right.chosen)
            elif name in parts:
                parts[name].settings = settings
        self._marking.show()
        self.table.clear_marks()
        self.table.mark(state.marks)
        if state.selected is not None:
            self.table.select(state.selected)

    def _before_beat(self) -> None:
        self._select_first()
        self._marking.renew()

    def _select_first(self) -> None:
        """Show an alert as soon as there is one: an empty page explains nothing."""
        if self.table.selected is None and len(self.alerts.store):
            held = self.alerts.store.snapshot()
            self.table.selected = int(held.column("candid", held.latest(1))[0])

    # -- From a candid to its packet ---------------------------------------------------------

    def _alert_of(self, candid: int) -> Alert:
        return self.alerts[candid]

    def _fetched_for_gallery(
        self, candids: Sequence[int]
    ) -> Iterable[tuple[int, Alert | Exception]]:
        return fetching(self.alerts)(candids)

    def _look_at(self, candid: int | None) -> None:
        self._fetching.forget()
        if candid is None:
            self._show(None)
            return
        self.gallery.selected = candid
        self.sky.selected = self.distributions.selected = candid
        alert = self._at_hand(candid)
        if alert is not None:
            self._show(alert)
        else:
            self.stamps.say("Fetching the packet from its source…")
            self._fetching.ask(partial(self._alert_of, candid), partial(self._fetched, candid))

    def _keep(self, candids: Sequence[int]) -> None:
        """Keep the packets of the rows in view while they are read: they leave the store soon."""
        packets = {one: self.alerts.store.packet(one) or self._kept.get(one) for one in candids}
        self._kept = {one: packet for one, packet in packets.items() if packet is not None}
        self._marking.see(candids)

    def _at_hand(self, candid: int) -> Alert | None:
        """Return an alert if that takes no time."""
        if isinstance(self.alerts, Batch):
            return self.alerts[candid]
        packet = self.alerts.store.packet(candid) or self._kept.get(candid)
        try:
            return None if packet is None else decode(packet.value)
        except DecodeError:
            return None  # fetching it will meet that, too, and say so

    def _fetched(self, candid: int, found: Alert | Exception) -> None:
        if candid != self.table.selected:
            return
        if isinstance(found, Exception):
            self._show(None)
            self.stamps.say(f"This packet cannot be fetched: {found}")
        else:
            self._show(found)

    # -- What is shown -----------------------------------------------------------------------

    def _show(self, alert: Alert | None) -> None:
        self._in_view = alert
        self._stale = {"alert", "details"}
        # What takes longest to paint goes first; whoever observes `selected` waits for no one.
        self._fill()
        self.facts.alert = alert
        self.scan.look_at(*((None, "") if alert is None else (alert.candid, alert.object_id)))
        self.selected = alert

    def _fill(self) -> None:
        """Show the alert in view in the tab that is in front."""
        tab = {"labels": "alert"}.get(self._right.chosen, self._right.chosen)
        if tab not in self._stale:
            return
        self._stale.discard(tab)
        if tab == "details":
            self.details.alert = self._in_view
            return
        self.stamps.alert = self._in_view
        if self._in_view is not None:
            self._show_object(self._in_view)
        else:
            self._shown = {}
            self.stamps.epochs = ()
            self.light_curve.show(None)

    def _show_object(self, alert: Alert) -> None:
        """Show the light curve of an alert's object, of all its alerts that are at hand."""
        epochs = epochs_of(self.alerts.store.snapshot(), alert.object_id)
        told = companions_of(alert, epochs, self._at_hand)
        before = self._shown
        if any(one.object_id == alert.object_id for one in before.values()):
            told = before | told
        # Stepping through its epochs leaves the light curve as it is, zoom and all.
        with self.light_curve.hold_sync():
            if told.keys() != before.keys():
                self._shown = told
                self.light_curve.show(told.values())
            self.light_curve.mark(alert.candid)
        self.stamps.epochs = epochs

    def _companions(self, alert: Alert) -> Iterable[Alert]:
        epochs = epochs_of(self.alerts.store.snapshot(), alert.object_id)
        return companions_of(alert, epochs, self._at_hand).values()

    def _step_to(self, candid: int) -> None:
        """Go to another epoch of the object in view."""
        try:
            self.alerts.store.coordinates(candid)
        except NotHeldError:
            self.stamps.say(
                "The alert of that epoch is not held."
                if candid
                else "That epoch raised no alert: it has no stamps."
            )
        else:
            self.select(candid)

    def _choose_left(self, name: str) -> None:
        if name == "gallery":
            self._pages.begin()

    def _choose_right(self, name: str) -> None:
        self.details.active = name == "details"
        self.sky.active = self.distributions.active = name == "sky"
        self._scanning.active = name == "labels"
        self._fill()

    def _list_changed(self) -> None:
        self.sky.cuts = self.distributions.cuts = self.table.cuts
        if self._left.chosen == "gallery":
            self._pages.renew()
        self._scanning.renew()

    def _mark(self, candids: tuple[int, ...]) -> None:
        self.marked = candids

    # -- What is saved -----------------------------------------------------------------------

    def _to_save(self) -> Sequence[int]:
        alone = () if self.selected is None else (self.selected.candid,)
        return self.marked or alone

    def _picture_options(self) -> Mapping[str, Any]:
        """Return what makes a picture look as the page does."""
        return {"look": self.stamps.look, "view": self.light_curve.settings}
