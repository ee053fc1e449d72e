"""What was evaluated last is known for as long as somebody holds it."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from cells import Notebook
from made import made_alert

from ztfnb.filters.evaluations import newest_of
from ztfnb.filters.report import Report

CELL = """
    import ztfnb

    LIMIT = 19.0

    @ztfnb.filter
    def bright(alert, *, shift=0.0):
        return alert["candidate"]["magpsf"] + shift < LIMIT
    """


def test_newest_of_this_very_filter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other thresholds, or a constant that was defined anew, make another filter."""
    monkeypatch.chdir(tmp_path)  # versions are kept beside the notebook
    book = Notebook()
    made = book.run(CELL)["bright"]
    alerts = [made_alert(1), made_alert(2)]
    assert newest_of(made) is None
    first: Report = made.evaluate(alerts)
    assert newest_of(made) is first
    second: Report = made.evaluate(alerts)
    assert newest_of(made) is second
    assert newest_of(made.with_params(shift=1.0)) is None
    shifted = second.with_params(shift=1.0)
    assert newest_of(made.with_params(shift=1.0)) is shifted
    book.run("LIMIT = 18.0")
    assert newest_of(made) is None
    book.run("LIMIT = 19.0")
    assert newest_of(made) is second
    del second, shifted
    gc.collect()
    assert newest_of(made) is first
