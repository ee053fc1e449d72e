"""Texts as people read them in a small place."""

from __future__ import annotations


def one_line(text: str, longest: int) -> str:
    """Return a text on one line, with single spaces, cut where it is longer."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
