"""Thresholds: the keyword-only parameters of a filter, and what they may be set to.

As in ``ipywidgets.interact``, a default says what a parameter is, and an annotation its range::

    def young(alert, *, rb_min: (0, 1) = 0.65, band: ["g", "r"] = "r", strict=True): ...
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from ztfnb.errors import FilterError

Value = bool | int | float | str
Kind = Literal["bool", "int", "float", "choice", "text"]
_STEPS = 100


@dataclass(frozen=True, slots=True)
class Threshold:
    """One parameter that decides where a filter cuts."""

    name: str
    default: Value
    kind: Kind
    low: float | None = None
    """Of a number: where its slider begins."""
    high: float | None = None
    step: float | None = None
    choices: tuple[Value, ...] = ()
    bounded: bool = False
    """Whether the author gave the range: then nothing beyond it is accepted."""

    def check(self, value: Any) -> Value:
        """Return a value as this parameter takes it.

        Raises
        ------
        FilterError
            If it is none that could be set.
        """
        value = value.item() if hasattr(value, "item") else value  # a NumPy number
        match self.kind:
            case "bool" if isinstance(value, bool):
                return value
            case "int" if isinstance(value, int) and not isinstance(value, bool):
                self._check_range(value)
                return value
            case "float" if isinstance(value, int | float) and not isinstance(value, bool):
                self._check_range(value)
                return value
            case "text" if isinstance(value, str):
                return value
            case "choice" if value in self.choices:
                return next(choice for choice in self.choices if choice == value)
        expected = {
            "bool": "True or False",
            "int": "a whole number",
            "float": "a number",
            "text": "a text",
            "choice": f"one of {', '.join(map(repr, self.choices))}",
        }[self.kind]
        raise FilterError(f"{self.name}: expected {expected}, got {value!r}")

    def _check_range(self, value: float) -> None:
        low, high = self.low, self.high
        if self.bounded and low is not None and high is not None and not low <= value <= high:
            raise FilterError(
                f"{self.name}: expected a number from {low:g} to {high:g}, got {value!r}"
            )


def thresholds_of(
    function: Callable[..., Any],
) -> tuple[tuple[Threshold, ...], tuple[str, ...]]:
    """Return the thresholds of a function, and the names that it needs beside them.

    Returns
    -------
    thresholds
        One for each keyword-only parameter with a default.
    needs
        Keyword-only parameters without one: data files and what a setup makes.

    Raises
    ------
    FilterError
        If it does not take one alert, or a default is of no kind that can be set.
    """
    name = function.__name__
    try:
        signature = inspect.signature(function, eval_str=True)
    except Exception as error:  # noqa: BLE001 - an annotation may be any text
        raise FilterError(f"{name}: an annotation cannot be read: {error}") from None
    parameters = list(signature.parameters.values())
    first, *others = parameters or [None]
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if first is None or first.kind not in positional:
        raise FilterError(f"{name}: expected a function of an alert: def {name}(alert, ...)")
    odd = [one.name for one in others if one.kind is not inspect.Parameter.KEYWORD_ONLY]
    if odd:
        raise FilterError(
            f"{name}: parameters beside the alert stand behind a star: "
            f"def {name}({first.name}, *, {', '.join(odd)})"
        )
    thresholds = [_threshold(one) for one in others if one.default is not one.empty]
    return tuple(thresholds), tuple(one.name for one in others if one.default is one.empty)


def _threshold(parameter: inspect.Parameter) -> Threshold:
    name, default, stated = parameter.name, parameter.default, parameter.annotation
    default = default.item() if hasattr(default, "item") else default
    choices = _choices(stated)
    if choices:
        if default not in choices:
            raise FilterError(f"{name}: the default {default!r} is none of {choices!r}")
        return Threshold(name, default, "choice", choices=choices)
    if isinstance(default, bool):
        return Threshold(name, default, "bool")
    if isinstance(default, str):
        return Threshold(name, default, "text")
    if not isinstance(default, int | float) or not math.isfinite(default):
        raise FilterError(
            f"{name}: expected a default that is a bool, a number or a text, got {default!r}; "
            "data files and models are declared with files= and setup="
        )
    span = _range(stated)
    whole = isinstance(default, int) and stated is not float
    if span is None:
        low, high = _usual_range(default)
        step = 1.0 if whole else _step(high - low)
        return Threshold(name, default, "int" if whole else "float", low, high, step)
    low, high, *given = span
    if not low < high:
        raise FilterError(f"{name}: expected a range from low to high, got {stated!r}")
    whole = whole and all(isinstance(end, int) for end in span)
    step = given[0] if given else 1.0 if whole else _step(high - low)
    kind: Kind = "int" if whole else "float"
    threshold = Threshold(name, default, kind, low, high, step, bounded=True)
    threshold.check(default)
    return threshold


def _choices(stated: Any) -> tuple[Value, ...]:
    if get_origin(stated) is Literal:
        return get_args(stated)
    if isinstance(stated, list):
        return tuple(stated)
    for extra in getattr(stated, "__metadata__", ()):
        if isinstance(extra, list):
            return tuple(extra)
    return ()


def _range(stated: Any) -> tuple[float, ...] | None:
    for one in (stated, *getattr(stated, "__metadata__", ())):
        if isinstance(one, tuple) and len(one) in (2, 3):
            if all(isinstance(end, int | float) for end in one):
                return one
            raise FilterError(f"expected a range of two or three numbers, got {one!r}")
    return None


def _usual_range(default: float) -> tuple[float, float]:
    """Return where a slider of a bare number goes: as interact has it, -v to 3v."""
    if default == 0:
        return 0.0, 1.0
    return min(-default, 3 * default), max(-default, 3 * default)


def _step(span: float) -> float:
    return 10.0 ** math.floor(math.log10(span / _STEPS))
