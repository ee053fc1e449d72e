"""Many alerts at a glance: the three stamps of each on a small card."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import traitlets

from ztfnb.alert import Alert
from ztfnb.codec import decode
from ztfnb.errors import ConfigError
from ztfnb.look import Look
from ztfnb.store import Store
from ztfnb.widgets._card import LONGEST, card_of, description_of
from ztfnb.widgets._part import Part, turn_of
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._stamp import palettes
from ztfnb.widgets._static import text_of

Fetch = Callable[[Sequence[int]], Iterable[tuple[int, Alert | Exception]]]

MOST = 200
"""Cards on a page."""
_DRAWN_IN_PAGE = {"colours", "invert", "marks", "neighbours"}


class Alerts(Protocol):
    """What alerts come from: `ztfnb.stream.Stream`, or `ztfnb.widgets.batch.Batch`."""

    store: Store

    def __getitem__(self, candid: int) -> Alert:
        """Return one alert; it may take time, as an old one is fetched from its source."""


class Gallery(Part):
    """Cards of alerts, each with three small stamps, filled as their packets come.

    Cards are selected by a click, Enter or the arrow keys. An alert that cannot be had leaves its
    place with the reason.

    Parameters
    ----------
    fetch
        Takes candids and yields each with its alert, or with the error that says why there is
        none, in any order; one that never comes is told as missing. It runs in a thread and may
        be slow: `fetching` makes one of a stream or batch.
    pump
        The pump of the page that the gallery is part of; one of its own where None.
    """

    _esm = text_of("common.js", "stampdraw.js", "gallery.js")
    _css = text_of("gallery.css")
    _palettes = traitlets.Dict().tag(sync=True)
    _look = traitlets.Dict().tag(sync=True)
    _page = traitlets.Dict().tag(sync=True)
    _selected = traitlets.Dict({"candid": "", "turn": ""}).tag(sync=True)
    _notes = traitlets.Dict().tag(sync=True)

    def __init__(self, fetch: Fetch, *, pump: Pump | None = None) -> None:
        super().__init__(pump=pump)
        self.fetch = fetch
        self.on_select: Callable[[int], None] = lambda _candid: None
        """Called with the candid of a card that was chosen in the page."""
        self.on_page: Callable[[int], None] = lambda _step: None
        """Called with 1 or -1 when the next or previous alerts are asked for."""
        self.describe: Callable[[Alert], str] = description_of
        """Returns the second line of a card; called in a thread."""
        self.look = Look()
        """How the stamps look; set by `settings`."""
        self._turn = ""
        self._palettes = palettes()
        self._tell_look()
        self._all_notes: Mapping[int, str] = {}
        self._candids: tuple[int, ...] = ()
        self._found: dict[int, Alert | Exception] = {}
        self._cards: dict[int, tuple[dict[str, Any], bytes]] = {}
        self._pending: list[int] = []
        self._serial = 0
        self.show(())

    # -- What code may do ------------------------------------------------------------------

    def show(
        self, candids: Iterable[int], *, place: str = "", before: bool = False, after: bool = False
    ) -> None:
        """Show alerts; returns at once, and the cards fill as their packets come.

        Parameters
        ----------
        candids
            Of the alerts, in order.
        place
            Where these are among all, in words: ``"51 to 100 of 1,234"``.
        before, after
            Whether there are alerts before and after these to turn to.
        """
        with self.pump.lock:
            self._candids = tuple(dict.fromkeys(int(candid) for candid in candids))[:MOST]
            shown = set(self._candids)
            self._found = {
                candid: found
                for candid, found in self._found.items()
                if candid in shown and isinstance(found, Alert)
            }
            self._begin()
            self._page = {
                "serial": self._serial,
                "candids": [str(candid) for candid in self._candids],
                "place": place,
                "before": before,
                "after": after,
            }
            self._send_notes()

    @property
    def candids(self) -> tuple[int, ...]:
        """Candids of the alerts on the page."""
        return self._candids

    @property
    def selected(self) -> int | None:
        """Candid of the card that is outlined; setting it calls nothing back."""
        candid = self._selected["candid"]
        return int(candid) if candid else None

    @selected.setter
    def selected(self, candid: int | None) -> None:
        with self.pump.lock:
            said = "" if candid is None else str(int(candid))
            self._selected = self._selected | {"candid": said}

    @property
    def notes(self) -> Mapping[int, str]:
        """Words on the cards by candid, such as the label of a scan."""
        return self._all_notes

    @notes.setter
    def notes(self, notes: Mapping[int, str]) -> None:
        with self.pump.lock:
            self._all_notes = notes
            self._send_notes()

    @property
    def settings(self) -> dict[str, Any]:
        """How the stamps look, as plain values: the fields of `ztfnb.look.Look`."""
        return self.look.settings()

    @settings.setter
    def settings(self, settings: Mapping[str, Any]) -> None:
        with self.pump.lock:
            before, self.look = self.look.settings(), self.look.choose(settings)
            after = self.look.settings()
            self._tell_look()
            if {name for name in after if after[name] != before[name]} - _DRAWN_IN_PAGE:
                self._begin()
                self._page = self._page | {"serial": self._serial}

    # -- What the page says ----------------------------------------------------------------

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""
        match message.get("kind"):
            case "want":
                self._pending = list(self._cards)
                self._flush()
            case "select":
                candid = int(message["candid"])
                self._selected = {"candid": str(candid), "turn": turn_of(message)}
                self.on_select(candid)
            case "page":
                self.on_page(1 if message["step"] > 0 else -1)
            case "setting":
                self._turn = turn_of(message)
                try:
                    self.settings = message["look"]
                except ConfigError as error:
                    self._tell_look()
                    self.send({"kind": "trouble", "text": str(error)})

    def _tell_look(self) -> None:
        self._look = self.look.settings() | {"turn": self._turn}

    # -- Cards -----------------------------------------------------------------------------

    def _begin(self) -> None:
        """Make the cards of what is shown now, and nothing of what was shown before."""
        self._serial += 1
        self._cards = {}
        self._pending = []
        if self._candids:
            threading.Thread(
                target=self._work,
                args=(self._serial, self._candids, dict(self._found), self.look),
                name="ztfnb gallery",
                daemon=True,
            ).start()

    def _work(
        self, serial: int, candids: Sequence[int], found: dict[int, Alert | Exception], look: Look
    ) -> None:
        for candid, what in self._bring(candids, found):
            try:
                made = card_of(candid, what, look, self.describe)
            except Exception as error:  # noqa: BLE001 - one bad packet must not end the page
                made = card_of(candid, error, look, self.describe)
            if not self._add(serial, candid, what, made):
                return

    def _bring(
        self, candids: Sequence[int], found: dict[int, Alert | Exception]
    ) -> Iterator[tuple[int, Alert | Exception]]:
        """Yield what is known, then what is fetched, then that the others are missing."""
        yield from found.items()
        left = dict.fromkeys(candid for candid in candids if candid not in found)
        if not left:
            return
        try:
            for candid, what in self.fetch(tuple(left)):
                if candid in left:
                    del left[candid]
                    yield candid, what
        except Exception as error:  # noqa: BLE001 - shown, since a thread's are seen by no one
            reason: Exception = error
        else:
            reason = LookupError("it is not held")
        for candid in left:
            yield candid, reason

    def _add(
        self, serial: int, candid: int, what: Alert | Exception, made: tuple[dict[str, Any], bytes]
    ) -> bool:
        """Keep a card for the page; return whether it is still wanted."""
        with self.pump.lock:
            if serial != self._serial:
                return False
            self._found[candid] = what
            self._cards[candid] = made
            self._pending.append(candid)
            alone = len(self._pending) == 1
        if alone:
            # Those that are ready by the time it is sent go with it.
            self.pump.call(self._flush)
        return True

    def _flush(self) -> None:
        made = [self._cards[candid] for candid in self._pending]
        self._pending = []
        if made:
            cards = [card for card, _pixels in made]
            pixels = b"".join(pixels for _card, pixels in made)
            self.send({"kind": "cards", "serial": self._serial, "cards": cards}, [pixels])

    def _send_notes(self) -> None:
        notes = self._all_notes
        self._notes = {
            str(candid): str(notes[candid])[:LONGEST]
            for candid in self._candids
            if notes.get(candid)
        }


def fetching(alerts: Alerts) -> Fetch:
    """Return what fetches alerts of a stream or batch: those that are held, then the others."""

    def fetch(candids: Sequence[int]) -> Iterator[tuple[int, Alert | Exception]]:
        absent = []
        for candid in candids:
            packet = alerts.store.packet(candid)
            if packet is None:
                absent.append(candid)
                continue
            try:
                yield candid, decode(packet.value)
            except Exception as error:  # noqa: BLE001 - of one packet, and told on its card
                yield candid, error
        for candid in absent:
            try:
                yield candid, alerts[candid]
            except Exception as error:  # noqa: BLE001 - of one packet, and told on its card
                yield candid, error

    return fetch
