"""Taking what is made of several widgets off the page, whole and in time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import ipywidgets

from ztfnb.stream import Stream


class Shown(Protocol):
    """What shows alerts on a page: a browser, or a lab."""

    alerts: Any

    def close(self) -> None:
        """Take it off the page."""


def close_outlived(shown: Iterable[Shown], live: Stream) -> None:
    """Close what shows streams that this one has taken the place of, in a cell run again."""
    for one in list(shown):
        old = one.alerts
        if isinstance(old, Stream) and old is not live and old.name == live.name:
            one.close()


def close_children(box: Any) -> None:
    """Close all that is in a box, from the outside in.

    A box that is left with a closed widget in it cannot tell its state, and with it no widget can
    to a page that is loaded again.
    """
    boxes: list[Any] = [box]
    parts: list[Any] = []
    while boxes:
        children = boxes.pop().children
        parts += children
        boxes += [child for child in children if isinstance(child, ipywidgets.Box)]
    box.children = ()
    for part in parts:
        part.close()
