"""Of the panels in a box one is chosen, by the page or by code."""

from __future__ import annotations

import ipywidgets
import pytest

from ztfnb.errors import ConfigError
from ztfnb.widgets._tabs import Tabs, panel


def made() -> tuple[Tabs, list[str]]:
    tabs = Tabs({"one": "First", "two": "Second"}, "Things")
    chosen: list[str] = []
    tabs.on_choose = chosen.append
    return tabs, chosen


def test_the_first_is_chosen_in_the_beginning() -> None:
    """Nothing has to be chosen for something to be shown."""
    tabs, _ = made()
    assert tabs.chosen == "one"


def test_page_and_code_choose_alike() -> None:
    """Whoever chooses, the one who fills the panels is told, once for each change."""
    tabs, chosen = made()
    tabs._on_message(tabs, {"kind": "choose", "name": "two"}, [])
    tabs._on_message(tabs, {"kind": "choose", "name": "two"}, [])
    assert tabs.chosen == "two"
    tabs.chosen = "one"
    assert chosen == ["two", "one"]


def test_there_is_no_other_tab() -> None:
    """A name that no tab has is refused with those that there are."""
    tabs, chosen = made()
    with pytest.raises(ConfigError, match="one, two"):
        tabs.chosen = "three"
    assert (tabs.chosen, chosen) == ("one", [])


def test_a_panel_may_belong_to_several_tabs() -> None:
    """The page finds a panel by its classes."""
    box = panel(["one", "two"], [ipywidgets.VBox()])
    assert {"ztfnb-panel", "ztfnb-panel-one", "ztfnb-panel-two"} <= set(box._dom_classes)
