"""Controls for the thresholds of a filter: sliders, boxes and lists."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import traitlets

from ztfnb.errors import FilterError
from ztfnb.filters.filter import Filter
from ztfnb.filters.threshold import Threshold, Value
from ztfnb.widgets._part import Part
from ztfnb.widgets._pump import Pump
from ztfnb.widgets._static import text_of

_FARTHEST = 1e300
"""No slider goes so far."""


class Sliders(Part):
    """A control for each threshold of a filter, in the convention of ``ipywidgets.interact``.

    A number has a slider and can be typed. A range that the author gave is kept; any other slider
    widens when a number beyond it is typed. The code of what is set can be copied.

    Parameters
    ----------
    filter
        The filter; what it is set to is where the controls begin.
    pump
        The pump of the page that this is part of; one of its own where None.
    """

    _esm = text_of("common.js", "copy.js", "sliders.js")
    _css = text_of("copy.css", "sliders.css")
    _controls: Any = traitlets.List().tag(sync=True)
    _state = traitlets.Dict().tag(sync=True)

    def __init__(self, filter: Filter, *, pump: Pump | None = None) -> None:  # noqa: A002 - what it is
        super().__init__(pump=pump)
        self.on_change: Callable[[Filter, bool], None] = lambda _filter, _settled: None
        """Called with the filter as it is set now, and whether the hand has let go."""
        self._echo: Mapping[str, Any] = {}
        self._spans: dict[str, Threshold] = {}
        self._filter = filter
        self.filter = filter

    @property
    def filter(self) -> Filter:
        """The filter, with its thresholds as they are set; setting it calls nothing back."""
        return self._filter

    @filter.setter  # noqa: A003 - what it is
    def filter(self, made: Filter) -> None:
        with self.pump.lock:
            self._filter = made
            self._spans = {one.name: widened(one, made.params[one.name]) for one in made.thresholds}
            self._controls = [_control(one) for one in self._spans.values()]
            self._tell()

    def set(self, name: str, value: Value, *, settled: bool = True) -> None:
        """Set one threshold, and tell it.

        Raises
        ------
        FilterError
            If there is no such threshold, or it does not take that value.
        """
        with self.pump.lock:
            self._filter = self._filter.with_params(**{name: value})
            span = widened(self._spans[name], value)
            if span != self._spans[name]:
                self._spans[name] = span
                self._controls = [_control(one) for one in self._spans.values()]
            self._tell()
            self.on_change(self._filter, settled)

    def receive(self, message: Mapping[str, Any]) -> None:
        """Act on a message of the page."""
        kind = message.get("kind")
        if kind not in ("set", "reset"):
            return
        self._echo = {"by": str(message.get("by", ""))[:40], "serial": message.get("serial", 0)}
        name = str(message.get("name", ""))
        try:
            one = self._filter.threshold(name)
            value = one.default if kind == "reset" else _read(one, message.get("value"))
            self.set(name, value, settled=bool(message.get("settled", True)))
        except FilterError as error:
            self._tell(name, str(error))

    def _tell(self, name: str = "", trouble: str = "") -> None:
        self._state = {
            "values": {
                one.name: _shown(one, self._filter.params[one.name])
                for one in self._filter.thresholds
            },
            "code": code_of_settings(self._filter),
            "trouble": trouble,
            "of": name,
            **self._echo,
        }


def code_of_settings(made: Filter) -> str:
    """Return the expression that makes a filter as it is set: ``young.with_params(rb_min=0.7)``."""
    changed = [
        f"{one.name}={made.params[one.name]!r}"
        for one in made.thresholds
        if made.params[one.name] != one.default
    ]
    return f"{made.name}.with_params({', '.join(changed)})" if changed else made.name


def carried(old: Filter, new: Filter) -> Filter:
    """Return a filter with the thresholds that were set in another: of the same name, where it can.

    What the other had left at its default is the new one's default, too.
    """
    known = {one.name: one for one in new.thresholds}
    for one in old.thresholds:
        value = old.params[one.name]
        if one.name not in known or value == one.default:
            continue
        try:
            new = new.with_params(**{one.name: value})
        except FilterError:
            continue  # it is of another kind or range now
    return new


def widened(threshold: Threshold, value: Value) -> Threshold:
    """Return a threshold whose slider reaches a value, with some room beyond it."""
    low, high = threshold.low, threshold.high
    if threshold.bounded or low is None or high is None or isinstance(value, str):
        return threshold
    if low <= value <= high or not abs(value) < _FARTHEST:
        return threshold
    reach = value + (value - (low + high) / 2)
    reach = math.floor(reach) if value < low else math.ceil(reach)
    return replace(threshold, low=min(low, reach), high=max(high, reach))


def _control(one: Threshold) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.kind,
        "low": one.low,
        "high": one.high,
        "step": one.step,
        "bounded": one.bounded,
        "choices": [str(choice) for choice in one.choices],
        "default": _shown(one, one.default),
    }


def _shown(one: Threshold, value: Value) -> Value:
    """Return a value as the page has it: a choice by its place, infinity and NaN as text."""
    if one.kind == "choice":
        return one.choices.index(value)
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _read(one: Threshold, value: Any) -> Any:
    """Return a value of the page as the filter takes it; a wrong one is refused there."""
    match one.kind:
        case "choice" if isinstance(value, int) and 0 <= value < len(one.choices):
            return one.choices[value]
        case "int" if isinstance(value, float) and value.is_integer():
            return int(value)
        case "float" if isinstance(value, int) and not isinstance(value, bool):
            return float(value)
    return value
