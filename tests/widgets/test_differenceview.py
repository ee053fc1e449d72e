from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep
from typing import Any

from made import made_packet

import ztfnb
from ztfnb.filters.filter import Filter
from ztfnb.filters.report import Report
from ztfnb.widgets import DifferenceView


def bright(alert: Any, *, mag_max: float = 18.0, rb_min: float = 0.5) -> bool:
    candidate = alert["candidate"]
    return candidate["magpsf"] <= mag_max and candidate["rb"] >= rb_min  # type: ignore[no-any-return]


def reports() -> tuple[Report, Report]:
    """Two versions of a filter: 2 is gained, 3 is lost."""
    alerts = [
        ztfnb.decode(made_packet(candid, magpsf=mag, rb=rb))
        for candid, mag, rb in ((1, 17.0, 0.9), (2, 18.5, 0.9), (3, 17.5, 0.55), (4, 20.0, 0.9))
    ]
    then = Filter(bright).evaluate(alerts, progress=False)
    return then.with_params(mag_max=19.0, rb_min=0.6), then


def until(so: Callable[[], bool]) -> None:
    deadline = monotonic() + 60
    while not so():
        assert monotonic() < deadline
        sleep(0.01)


def test_what_differs_is_shown_with_the_reason_of_the_side_that_does_not_pass() -> None:
    """A gained alert says why the other rejected it, a lost one why this one does."""
    now, then = reports()
    view = DifferenceView(now.diff(then), now, then)
    assert list(view.verdicts.shelf._tabs) == [["gained", "gained", 1], ["lost", "lost", 1]]
    assert view.verdicts.candids == (2,)
    until(lambda: 2 in view.verdicts.gallery._cards)
    assert "magpsf" in view.verdicts.gallery._cards[2][0]["text"]
    view.verdicts.choose("lost")
    until(lambda: 3 in view.verdicts.gallery._cards)
    assert "rb" in view.verdicts.gallery._cards[3][0]["text"]
    view.close()


def test_a_notebook_shows_it_and_text_is_for_all_others() -> None:
    """A difference is a widget where there is something to see, and a line where there is not."""
    now, then = reports()
    shown = now.diff(then)._repr_mimebundle_()
    data = shown[0] if isinstance(shown, tuple) else shown
    assert "application/vnd.jupyter.widget-view+json" in data
    assert repr(now.diff(then)) == "<Difference +1 gained, -1 lost, 2 the same>"
    assert now.diff(now)._repr_mimebundle_() == {
        "text/plain": "<Difference +0 gained, -0 lost, 4 the same>"
    }
