"""The line between two panes, which can be dragged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import traitlets

from ztfnb.errors import ConfigError
from ztfnb.widgets._part import Part, turn_of
from ztfnb.widgets._static import text_of

_NARROWEST, _WIDEST = 0.2, 0.8


class Divider(Part):
    """A line between two panes: dragged, or moved with the arrow keys, it gives one more room.

    A double click gives both the room that suits them again. The panes stand beside it in one box;
    their style comes with it.
    """

    _esm = text_of("common.js", "divider.js")
    _css = text_of("divider.css", "panes.css")
    _told = traitlets.Dict({"share": 0.0, "turn": ""}).tag(sync=True)

    @property
    def settings(self) -> dict[str, Any]:
        """``share``: how much of the width the left pane takes; 0 what suits it."""
        return {"share": self._told["share"]}

    @settings.setter
    def settings(self, settings: Mapping[str, Any]) -> None:
        share = settings.get("share", self._told["share"])
        if not _is_share(share):
            raise ConfigError(
                f"share: expected 0 or a number from {_NARROWEST} to {_WIDEST}, got {share!r}"
            )
        with self.pump.lock:
            self._told = self._told | {"share": float(share)}

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""
        if message.get("kind") == "share" and _is_share(message.get("share")):
            self._told = {"share": float(message["share"]), "turn": turn_of(message)}


def _is_share(share: object) -> bool:
    number = isinstance(share, int | float) and not isinstance(share, bool)
    return number and (share == 0 or _NARROWEST <= share <= _WIDEST)  # type: ignore[operator] # seen
