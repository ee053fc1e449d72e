"""Why one alert passed, was rejected or failed: a row for each condition that it met."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import traitlets

from ztfnb.filters.decision import Verdict
from ztfnb.filters.explanation import Explained, Explanation, value_text
from ztfnb.widgets._part import Part
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of

_VERDICTS = {Verdict.PASSED: "passed", Verdict.REJECTED: "rejected", Verdict.FAILED: "failed"}
_LONGEST = 400
MOST = 200
"""Conditions that are shown: a loop over helpers may meet thousands."""


class ExplanationView(Part):
    """The conditions that an alert met, each with its values, outcome and margin.

    Buttons pin the alert as one that must pass, or must be rejected.

    Parameters
    ----------
    pump
        The pump of the page that this is part of; one of its own where None.
    """

    _esm = text_of("common.js", "explanationview.js")
    _css = text_of("explanationview.css")
    _shown = traitlets.Dict().tag(sync=True)

    def __init__(self, *, pump: Pump | None = None) -> None:
        super().__init__(pump=pump)
        self.on_pin: Callable[[bool | None], None] = lambda _passes: None
        """Called with whether the alert must pass; None when its pin is taken away."""
        self.explanation: Explanation | None = None
        """What is shown."""
        self.show(None)

    def show(
        self, explanation: Explanation | None, *, pinned: bool | None = None, note: str = ""
    ) -> None:
        """Show an explanation.

        Parameters
        ----------
        explanation
            None to show none.
        pinned
            Whether the alert is pinned to pass; None where it has no pin.
        note
            A sentence above it, or why there is none.
        """
        with self.pump.lock:
            self.explanation = explanation
            self._shown = (
                {"note": note}
                if explanation is None
                else _packed(explanation)
                | {
                    "pinned": pinned,
                    "note": note,
                }
            )

    def say(self, note: str, *, pinned: bool | None) -> None:
        """Change the sentence and the pin, and leave the rest as it is."""
        self.show(self.explanation, pinned=pinned, note=note)

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""
        if message.get("kind") == "pin" and self.explanation is not None:
            passes = message.get("passes")
            self.on_pin(None if passes is None else bool(passes))


def _packed(explanation: Explanation) -> dict[str, Any]:
    steps = explanation.steps
    # What decided is the last.
    shown = steps if len(steps) <= MOST else (*steps[: MOST - 1], steps[-1])
    notes = explanation.annotations or {}
    return {
        "candid": str(explanation.candid),
        "verdict": _VERDICTS[explanation.verdict],
        "reason": explanation.reason[:_LONGEST],
        "steps": [_step(one) for one in shown],
        "left": len(steps) - len(shown),
        "annotations": [[str(name)[:80], value_text(value)] for name, value in notes.items()],
    }


def _step(one: Explained) -> dict[str, Any]:
    return {
        "mark": one.mark,
        "line": one.condition.line,
        "text": one.condition.text[:_LONGEST],
        "outcome": one.outcome_text,
        "values": one.values_text[:_LONGEST],
        "decisive": one.decisive,
    }
