"""The base of the widgets here: a page that asks, a kernel that answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anywidget

from ztfnb.widgets._pump import Pump


class Part(anywidget.AnyWidget):
    """A widget whose page speaks in messages ``{"kind": ...}`` and is told by traits and messages.

    Traits go from the kernel to the page only, messages of the page never set one: so all that is
    written to a widget is written under its pump's lock.
    """

    def __init__(self, *, pump: Pump | None = None) -> None:
        super().__init__()
        self.pump = Pump() if pump is None else pump
        self.on_msg(self._on_message)

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""

    def beat(self) -> bool:
        """Send what is new; return whether anything was."""
        return False

    def _on_message(self, _widget: object, message: Mapping[str, Any], _buffers: object) -> None:
        with self.pump.lock:
            self.receive(message)
            if message.get("kind") == "ready":
                self.pump.ready(self)
