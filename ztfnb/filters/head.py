"""The first lines of a function that is written for the author."""

from __future__ import annotations

from collections.abc import Sequence

LONGEST_LINE = 88
"""Characters of a line of code, as most formatters have it."""


def head(name: str, settings: Sequence[str]) -> list[str]:
    """Return the ``def`` of a function of an alert, on one line where that is not too long.

    Parameters
    ----------
    name
        Of the function.
    settings
        Its thresholds as they are written there, such as ``rb_min=0.65``.
    """
    star = ["*", *settings] if settings else []
    line = f"def {name}({', '.join(['alert', *star])}):"
    if len(line) <= LONGEST_LINE:
        return [line]
    return [f"def {name}(", *(f"    {one}," for one in ("alert", *star)), "):"]
