"""The base of the widgets here: a page that asks, a kernel that answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import anywidget

from ztfnb.widgets._pump import Pump

_LONGEST_TURN = 40


def turn_of(message: Mapping[str, Any]) -> str:
    """Return which choice of which view a message is: the answer to it has the same.

    By this a view knows that an answer is outdated (``turnTaking`` in ``common.js``).
    """
    return str(message.get("turn", ""))[:_LONGEST_TURN]


def _as_sent(_data: object, subshell: str | None) -> str | None:
    """Return the shell that a page has addressed its message to."""
    return subshell


class Part(anywidget.AnyWidget):
    """A widget whose page speaks in messages ``{"kind": ...}`` and is told by traits and messages.

    Traits go from the kernel to the page only, messages of the page never set one: so all that is
    written to a widget is written under its pump's lock.
    """

    def __init__(self, *, pump: Pump | None = None) -> None:
        super().__init__()
        self.pump = Pump() if pump is None else pump
        self.on_key: Callable[[str], None] = lambda _key: None
        """Called with a key that was pressed on this part and means nothing to it."""
        # ipykernel 7.4 gives what a page says to the shell that spoke to it last (`BaseComm` in its
        # comm/comm.py): messages would overtake each other, or wait for a cell.
        self.comm._reply_subshell_for = _as_sent  # noqa: SLF001 - there is no public way
        self.on_msg(self._on_message)

    @property
    def settings(self) -> dict[str, Any]:
        """What a person has chosen in this view, as plain values that JSON can hold.

        Setting it chooses the same again; what is absent stays as it is.

        Raises
        ------
        ConfigError
            If a value is none that could be chosen; then nothing changes.
        """
        return {}

    @settings.setter
    def settings(self, settings: Mapping[str, Any]) -> None:
        """Do nothing: here is nothing to choose."""

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""

    def beat(self) -> bool:
        """Send what is new; return whether anything was."""
        return False

    def hand_over(self, name: str, content: bytes, media_type: str) -> None:
        """Give a file to the person at the page, as a download of their browser.

        Parameters
        ----------
        name
            Of the file.
        content, media_type
            What is in it, and of which kind: ``"text/csv"``.
        """
        self.send({"kind": "download", "name": name, "type": media_type}, [content])

    def _on_message(self, _widget: object, message: Mapping[str, Any], _buffers: object) -> None:
        with self.pump.lock:
            if message.get("kind") == "key":
                self.on_key(str(message.get("key", ""))[:20])
                return
            self.receive(message)
            if message.get("kind") == "ready":
                self.pump.ready(self)
