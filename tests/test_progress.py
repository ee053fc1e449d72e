from __future__ import annotations

import sys
import threading

import pytest

from ztfnb import progress
from ztfnb.progress import progress_bar


class Terminal:
    """What tqdm takes for a person at a terminal."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        """Nothing waits."""

    def isatty(self) -> bool:
        return True


def worked(show: bool | None) -> None:
    with progress_bar("reading", 3, "B", show=show) as reached:
        for position in range(1, 4):
            reached(position)


def watched(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    # Not in a fixture: pytest puts an stderr of its own in place before the test begins.
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    return screen


def test_a_bar_is_shown_where_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long work tells how far it is, and does not where nobody wants to know."""
    terminal = watched(monkeypatch)
    worked(None)
    assert "reading" in terminal.text
    terminal.text = ""
    worked(show=False)
    assert terminal.text == ""


@pytest.mark.parametrize(("show", "seen"), [(None, False), (True, True)])
def test_another_thread_shows_a_bar_only_when_told(
    monkeypatch: pytest.MonkeyPatch, show: bool | None, *, seen: bool
) -> None:
    """In a notebook a bar of its own accord would land in whichever cell runs at that time."""
    terminal = watched(monkeypatch)
    thread = threading.Thread(target=worked, args=(show,))
    thread.start()
    thread.join()
    assert ("reading" in terminal.text) == seen
