"""Thresholds: the keyword-only parameters of a filter, and what they may be set to.

As in ``ipywidgets.interact``, a default says what a parameter is, and an annotation its range::

    def young(alert, *, rb_min: (0, 1) = 0.65, band: ["g", "r"] = "r", strict=True): ...
"""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

import numpy as np

from ztfnb.errors import FilterError

Value = bool | int | float | str
Kind = Literal["bool", "int", "float", "choice", "text"]
_STEPS = 100
_LARGEST = sys.float_info.max / 4
"""So that a range has a finite width."""


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
        value = _plain(value)
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
            case "choice":
                for choice in self.choices:
                    if _same(value, choice):
                        return choice
        expected = {
            "bool": "True or False",
            "int": "a whole number",
            "float": "a number",
            "text": "a text",
            "choice": f"one of {', '.join(map(repr, self.choices))}",
        }[self.kind]
        raise FilterError(f"{self.name}: expected {expected}, got {value!r}")

    def _check_range(self, value: float) -> None:
        if not _finite(value):
            raise FilterError(f"{self.name}: expected a finite number, got {value!r}")
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
    parameters = list(inspect.signature(function).parameters.values())
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if not parameters or parameters[0].kind not in positional:
        raise FilterError(f"{name}: expected a function of an alert: def {name}(alert, ...)")
    first, *others = parameters
    if any(one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD) for one in others):
        raise FilterError(
            f"{name}: *args and **kwargs hide what can be set; "
            f"name each threshold: def {name}({first.name}, *, rb_min=0.65)"
        )
    odd = [one.name for one in others if one.kind is not inspect.Parameter.KEYWORD_ONLY]
    if odd:
        raise FilterError(
            f"{name}: parameters beside the alert stand behind a star: "
            f"def {name}({first.name}, *, {', '.join(odd)})"
        )
    thresholds = []
    for one in others:
        if one.default is not one.empty:
            try:
                thresholds.append(threshold_of(one.name, one.default, _stated(one, function)))
            except FilterError as error:
                raise FilterError(f"{name}: {error}") from None
    return tuple(thresholds), tuple(one.name for one in others if one.default is one.empty)


def _stated(parameter: inspect.Parameter, function: Callable[..., Any]) -> Any:
    """Return an annotation itself, also where ``from __future__ import annotations`` hides it."""
    stated = parameter.annotation
    if not isinstance(stated, str):
        return stated
    known = inspect.getclosurevars(function).nonlocals
    try:
        return eval(stated, function.__globals__, dict(known))  # noqa: S307 - the author's own code
    except Exception as error:  # noqa: BLE001 - an annotation may be any text
        raise FilterError(
            f"{parameter.name}: its annotation {stated!r} cannot be read ({error}); expected a "
            "range (0, 1), choices ['g', 'r'] or a type"
        ) from None


def threshold_of(name: str, default: Any, stated: Any = None) -> Threshold:
    """Return what a default and an annotation say of a threshold.

    Raises
    ------
    FilterError
        If the default is of no kind that can be set, or contradicts the annotation.
    """
    default = _plain(default)
    kind, extras = _taken_apart(stated)
    choices = _choices(name, kind, extras)
    if choices:
        if not any(_same(default, choice) for choice in choices):
            raise FilterError(f"{name}: the default {default!r} is none of {choices!r}")
        return Threshold(name, default, "choice", choices=choices)
    if not isinstance(default, Value) or not _finite(default):
        raise FilterError(
            f"{name}: expected a default that is a bool, a finite number or a text, got "
            f"{default!r}; data files and models are declared with files= and setup="
        )
    if kind in _MEANT and not isinstance(default, _MEANT[kind]):
        raise FilterError(
            f"{name}: expected a default of type {kind.__name__} as annotated, got {default!r}"
        )
    if isinstance(default, bool):
        return Threshold(name, default, "bool")
    if isinstance(default, str):
        return Threshold(name, default, "text")
    span = next((one for one in extras if isinstance(one, tuple)), None)
    whole = isinstance(default, int) and kind is not float
    if span is None:
        low, high = _usual_range(default)
        step = 1.0 if whole else _step(high - low)
        return Threshold(name, default, "int" if whole else "float", low, high, step)
    low, high, *given = _range(name, span)
    whole = whole and all(isinstance(end, int) for end in span)
    step = given[0] if given else 1.0 if whole else _step(high - low)
    made = Threshold(name, default, "int" if whole else "float", low, high, step, bounded=True)
    made.check(default)
    return made


_MEANT: dict[Any, Any] = {bool: bool, int: int, float: int | float, str: str}


def _plain(value: Any) -> Any:
    """Return a NumPy number as one of Python."""
    return value.item() if isinstance(value, np.generic) else value


def _finite(value: Value) -> bool:
    try:
        return isinstance(value, str) or math.isfinite(value)
    except OverflowError:  # a whole number that no float holds
        return False


def _same(value: Any, choice: Value) -> bool:
    """Return whether a value is this choice: True is not 1, but 1.0 is."""
    alike = isinstance(value, bool) == isinstance(choice, bool)
    return alike and isinstance(value, Value) and value == choice


def _taken_apart(stated: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return the type that an annotation states, and what it says beside."""
    if get_origin(stated) is Annotated:
        kind, *extras = get_args(stated)
        return _taken_apart(kind)[0], (*_taken_apart(kind)[1], *extras)
    if get_origin(stated) is Literal:
        return None, (list(get_args(stated)),)
    return stated if isinstance(stated, type) else None, (stated,)


def _choices(name: str, kind: Any, extras: tuple[Any, ...]) -> tuple[Value, ...]:
    given = next((one for one in extras if isinstance(one, list)), None)
    if given is None:
        return ()
    choices = tuple(map(_plain, given))
    if not choices or not all(isinstance(one, Value) and _finite(one) for one in choices):
        raise FilterError(f"{name}: expected choices that are numbers or texts, got {given!r}")
    if kind in _MEANT and not all(isinstance(one, _MEANT[kind]) for one in choices):
        raise FilterError(f"{name}: expected choices of type {kind.__name__}, got {given!r}")
    return choices


def _range(name: str, span: tuple[Any, ...]) -> tuple[float, ...]:
    """Return low, high and, where it is given, step."""
    ends = tuple(map(_plain, span))
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in ends)
    if not numbers or len(ends) not in (2, 3) or not all(map(_finite, ends)):
        raise FilterError(f"{name}: expected a range (low, high) or (low, high, step), got {span}")
    low, high, *step = ends
    if not low < high or not math.isfinite(high - low) or (step and not 0 < step[0] <= high - low):
        raise FilterError(
            f"{name}: expected a range from low to high, with a step that fits in, got {span}"
        )
    return ends


def _usual_range(default: float) -> tuple[float, float]:
    """Return where a slider of a bare number goes: as interact has it, -v to 3v."""
    if default == 0:
        return 0.0, 1.0
    far = min(3 * abs(default), _LARGEST)
    near = -min(abs(default), _LARGEST)
    return (near, far) if default > 0 else (-far, -near)


def _step(span: float) -> float:
    return float(10.0 ** math.floor(math.log10(max(span / _STEPS, sys.float_info.min))))
