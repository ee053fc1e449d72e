"""Tabs over panels that stand beside them in one box."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets
import traitlets

from ztfnb.errors import ConfigError
from ztfnb.widgets._part import Part
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of


class Tabs(Part):
    """A row of tabs, of which one is chosen: its panel is shown, the others are not.

    The page shows the panel at once, whatever the kernel does; the kernel is told, so that it can
    spare itself the work for panels that nobody sees.

    Parameters
    ----------
    titles
        What stands on each tab, by its name.
    label
        What the tabs choose between, for people who cannot see it.
    pump
        The pump of the page that the tabs are part of; one of its own where None.
    """

    _esm = text_of("common.js", "tablist.js", "tabs.js")
    _css = text_of("tablist.css")
    _titles: Any = traitlets.List().tag(sync=True)
    _label = traitlets.Unicode().tag(sync=True)
    _chosen = traitlets.Unicode().tag(sync=True)

    def __init__(self, titles: Mapping[str, str], label: str, *, pump: Pump | None = None) -> None:
        super().__init__(pump=pump)
        self._titles = [[name, title] for name, title in titles.items()]
        self._label = label
        self._chosen = next(iter(titles))
        self.on_choose: Callable[[str], None] = lambda _name: None
        """Called with the name of the tab that was chosen."""

    @property
    def chosen(self) -> str:
        """Name of the tab in front; setting it brings another one there.

        Raises
        ------
        ConfigError
            If there is no such tab.
        """
        return self._chosen

    @chosen.setter
    def chosen(self, name: str) -> None:
        names = [known for known, _title in self._titles]
        if name not in names:
            raise ConfigError(f"tab: expected one of {', '.join(names)}, got {name!r}")
        with self.pump.lock:
            if name != self._chosen:
                self._chosen = name
                self.on_choose(name)

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""
        if message.get("kind") == "choose":
            self.chosen = str(message.get("name"))


def panel(names: Sequence[str], children: Sequence[ipywidgets.Widget]) -> ipywidgets.Box:
    """Return a box that is shown while one of these tabs, in the same box as it, is chosen."""
    box = ipywidgets.VBox(children)
    box.add_class("ztfnb-panel")
    for name in names:
        box.add_class(f"ztfnb-panel-{name}")
    return box
