"""The width of the panes is a share, or left to the page."""

from __future__ import annotations

import pytest

from ztfnb.errors import ConfigError
from ztfnb.widgets._divider import Divider


def test_the_page_moves_it() -> None:
    """What is dragged in the page is what is saved; the answer says to which drag it is one."""
    divider = Divider()
    assert divider.settings == {"share": 0.0}
    divider._on_message(divider, {"kind": "share", "share": 0.4, "turn": "view-1"}, [])
    assert divider.settings == {"share": 0.4}
    assert divider._told == {"share": 0.4, "turn": "view-1"}
    divider._on_message(divider, {"kind": "share", "share": 0}, [])
    assert divider.settings == {"share": 0.0}


@pytest.mark.parametrize("share", [0.1, 0.9, -1, "0.5", None, True, float("nan"), 10**400])
def test_no_pane_vanishes(share: object) -> None:
    """A share that leaves no room for a pane, or is none, is refused and changes nothing."""
    divider = Divider()
    divider.settings = {"share": 0.3}
    divider._on_message(divider, {"kind": "share", "share": share}, [])
    with pytest.raises(ConfigError, match="share: expected"):
        divider.settings = {"share": share}
    assert divider.settings == {"share": 0.3}
