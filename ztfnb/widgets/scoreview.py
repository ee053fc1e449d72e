"""How a filter agrees with labels, and what one threshold does over its range."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import traitlets

from ztfnb.filters.score import Score
from ztfnb.filters.sweep import Suggestion, Sweep
from ztfnb.filters.threshold import Value
from ztfnb.widgets._part import Part
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of
from ztfnb.widgets.labsheets import interval_text

CELLS = {
    "true_passed": "should pass, and passed",
    "missed": "should pass, and did not",
    "false_passed": "should not pass, and passed",
    "true_rejected": "should not pass, and did not",
}
"""The cells of the confusion, by the name of what they hold in a `Score`."""


class ScoreView(Part):
    """Precision, recall and confusion beside labels; the curve of one threshold, with or without.

    Parameters
    ----------
    pump
        The pump of the page that this is part of; one of its own where None.
    """

    _esm = text_of("common.js", "scoreview.js")
    _css = text_of("scoreview.css")
    _score = traitlets.Dict().tag(sync=True)
    _curve = traitlets.Dict().tag(sync=True)

    def __init__(self, *, pump: Pump | None = None) -> None:
        super().__init__(pump=pump)
        self.on_cell: Callable[[str], None] = lambda _name: None
        """Called with the name of a cell of the confusion, of `CELLS`, that was chosen."""
        self.on_curve: Callable[[str], None] = lambda _name: None
        """Called with the name of a threshold whose curve is asked for."""
        self.sweep: Sweep | None = None
        """Of the curve that is shown."""
        self._names: tuple[str, ...] = ()
        self.show_score(None)
        self.offer(())

    def show_score(self, found: Score | None, note: str = "") -> None:
        """Show how verdicts agree with labels, or in a sentence why that is not known."""
        with self.pump.lock:
            self._score = {"note": note} if found is None else _packed(found) | {"note": note}

    @property
    def scored(self) -> bool:
        """Whether there are labels to compare with."""
        return "cells" in self._score

    def offer(self, names: Sequence[str]) -> None:
        """Offer the curve of some thresholds; the one that is shown is no longer."""
        with self.pump.lock:
            self._names, self.sweep = tuple(names), None
            self._curve = {"names": list(names), "name": "", "note": ""}

    def say(self, name: str, note: str) -> None:
        """Say in place of a curve why there is none, or that it is being made."""
        with self.pump.lock:
            self._curve = {"names": list(self._names), "name": name, "note": note}

    def show_curve(self, found: Sweep, current: Value, suggestion: Suggestion | str) -> None:
        """Show the curve of one threshold.

        Parameters
        ----------
        found
            The filter at each value.
        current
            What the threshold is set to.
        suggestion
            A value, or why there is none.
        """
        with self.pump.lock:
            values = [point.value for point in found.points]
            plain = all(isinstance(value, int | float) for value in values)
            lines: dict[str, list[float | None]] = {
                "pass rate": [_number(point.pass_rate.value) for point in found.points]
            }
            scores = [point.score for point in found.points if point.score is not None]
            if len(scores) == len(found.points):
                lines["precision"] = [_number(one.precision.value) for one in scores]
                lines["recall"] = [_number(one.recall.value) for one in scores]
            self._curve = {
                "names": list(self._names),
                "name": found.name,
                "note": str(suggestion) if isinstance(suggestion, str) else "",
                "suggested": "" if isinstance(suggestion, str) else f"Suggested: {suggestion}",
                # What is no number, or True and False, stands side by side.
                "at": [float(value) for value in values] if plain else list(range(len(values))),
                "words": [_word(value) for value in values],
                "passed": [point.passed for point in found.points],
                "current": values.index(current) if current in values else -1,
                "best": -1 if isinstance(suggestion, str) else values.index(suggestion.value),
                "lines": lines,
            }
            self.sweep = found  # last: whoever waits for it then looks at the curve

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""
        name = str(message.get("name", ""))
        match message.get("kind"):
            case "cell" if name in CELLS:
                self.on_cell(name)
            case "curve" if name in self._names:
                self.on_curve(name)


def _packed(found: Score) -> dict[str, Any]:
    return {
        "measures": [
            ["precision", interval_text(found.precision, percent=True), "of what passes should"],
            ["recall", interval_text(found.recall, percent=True), "of what should pass does"],
        ],
        "cells": {name: len(getattr(found, name)) for name in CELLS},
        "basis": (
            f"From {found.labelled:,} labelled alerts; {found.unlabelled:,} of the sample have no "
            f"label. Should pass: {', '.join(sorted(found.positive)) or 'what is labelled True'}. "
            "95% intervals."
            + (f" The filter failed on {len(found.failed):,}, which counts as not passed."
               if len(found.failed) else "")
        ),
    }  # fmt: skip


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _word(value: Value) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)[:40]
