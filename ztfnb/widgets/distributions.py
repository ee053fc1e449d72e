"""Distributions of scores and magnitudes of what is held, with the cuts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal, get_args

import traitlets

from ztfnb.bands import COLOURS
from ztfnb.cuts import Cuts
from ztfnb.errors import ConfigError
from ztfnb.snapshot import Snapshot
from ztfnb.widgets._distribution import Distribution, Panel, distribution_of, values_of
from ztfnb.widgets._held import Held
from ztfnb.widgets._overview import Overview, Publish, Work, passing_in_words
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of

Scale = Literal["linear", "log"]
SCALES: tuple[Scale, ...] = get_args(Scale)


class Distributions(Overview):
    """How many alerts have which real-bogus score and which magnitude, live.

    The part that passes `cuts` is drawn in strong colour before all that is held; where a cut is
    a plain range of the field, a line stands at its ends. The selected alert's value is marked.

    Parameters
    ----------
    store
        What to show.
    pump
        The pump of the page that the plots are part of; one of its own where None.
    """

    _esm = text_of("common.js", "distributions.js")
    _css = text_of("choice.css", "distributions.css")
    _plots = traitlets.Dict().tag(sync=True)
    _mark = traitlets.Dict().tag(sync=True)
    _chosen = traitlets.Dict().tag(sync=True)

    selected = traitlets.Int(None, allow_none=True, help="candid of the alert that is marked")

    def __init__(self, store: Held, *, pump: Pump | None = None) -> None:
        super().__init__(store, pump=pump)
        self._scale: Scale = "linear"
        self._chosen = self.settings
        self.observe(self._on_selected, "selected")

    @property
    def settings(self) -> dict[str, Any]:
        """How counts are drawn: ``{"scale": "linear"}`` or ``"log"``."""
        return {"scale": self._scale}

    @settings.setter
    def settings(self, settings: Mapping[str, Any]) -> None:
        scale = settings.get("scale", self._scale)
        if not isinstance(scale, str) or scale not in SCALES:
            raise ConfigError(f"scale: expected {', '.join(SCALES)}, got {str(scale)[:40]!r}")
        with self.pump.lock:
            self._scale = scale
            self._chosen = self.settings

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""
        if message.get("kind") == "setting" and message.get("name") in self.settings:
            self.settings = {str(message["name"]): message.get("value")}

    def work(self) -> Work:
        """Return what a thread does with a snapshot."""
        return partial(self._look_at, self._cuts)

    def _look_at(self, cuts: Cuts, held: Snapshot) -> Publish:
        return partial(self._show, distribution_of(held, cuts))

    def _show(self, found: Distribution) -> None:
        self._plots = {
            "held": f"{found.held:,} held" if found.held else "No alerts yet",
            "passing": passing_in_words(found.passing) if found.cut else "",
            "error": found.error,
            "panels": [_packed(panel, cut=found.cut) for panel in found.panels],
        }

    def refuse(self, reason: str) -> None:
        """Show why there are no plots."""
        self._plots = {"held": "", "passing": "", "error": reason, "panels": []}

    def _on_selected(self, _change: object) -> None:
        with self.pump.lock:
            if self._active:
                self.look_up()

    def look_up(self) -> None:
        """Find the values of the selected alert, and mark them."""
        held = self.store.snapshot()
        self._mark = {} if self.selected is None else values_of(held, self.selected)


def _packed(panel: Panel, *, cut: bool) -> dict[str, Any]:
    return {
        "name": panel.name,
        "label": panel.label,
        "colour": COLOURS.get(panel.fid, ""),
        "low": panel.axis.low,
        "high": panel.axis.high,
        "held": panel.held.astype("<u4").tobytes(),
        "passing": panel.passing.astype("<u4").tobytes(),
        "edges": list(panel.edges),
        "text": panel.text(cut=cut),
    }
