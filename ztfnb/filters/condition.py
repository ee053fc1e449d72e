"""The conditions of a filter, and what became of each when the filter ran on one alert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition in the source of a filter, or of a function that it calls."""

    place: int
    """Its number, in the order of the source."""
    text: str
    """As it was written, on one line."""
    line: int
    end_line: int
    column: int
    end_column: int
    """Where it stands in its file or cell; columns count bytes of the text without indentation."""
    function: str
    """The function that it stands in."""
    wanted: bool | None = None
    """The outcome with which an alert goes on towards passing; None where it depends."""
    operator: str = ""
    """``<``, ``==``, ``in``, ...; empty where it is no single comparison."""
    operands: tuple[str, ...] = ()
    """Texts of what is compared."""
    thresholds: frozenset[str] = frozenset()
    """Thresholds that enter it."""
    compares: str = ""
    """The one threshold that it compares with a value in which no threshold enters: then changing
    it changes nothing but the outcome of this comparison."""
    loop: bool = False
    """Whether it stands for a loop as a whole, told by its outcome."""
    forcible: bool = True
    """Whether it can be made to come out otherwise; a loop, a case or an exception cannot."""

    @property
    def stop(self) -> str:
        """What stops an alert, as people read it: the text, with ``not`` where that stops it."""
        return self.text if self.wanted is False else f"not ({self.text})"


class Step(NamedTuple):
    """A condition that was reached in one run."""

    place: int
    """Of the condition."""
    held: bool | None
    """What it came to; None where that could not be judged: an exception, a missing value."""
    values: tuple[Any, ...] = ()
    """What was compared, in the order of `Condition.operands`; or the value whose truth counted."""
    judged: bool = True
    """False where a NaN was compared, or an exception was raised."""


RAISED = (Exception, SystemExit, GeneratorExit)
"""What a filter may raise as the outcome of one alert; an interrupt ends all work."""


class Run(NamedTuple):
    """What a filter did with one alert."""

    value: Any = None
    """What it returned."""
    error: BaseException | None = None
    """What it raised."""
    steps: tuple[Step, ...] = ()
    """The conditions that it reached, in that order."""
