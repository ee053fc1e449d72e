"""A filter: a plain function of one alert that says whether it passes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial, update_wrapper
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, overload

from ztfnb.errors import FilterError, FilterWarning
from ztfnb.filters.code import FunctionCode, code_of
from ztfnb.filters.threshold import Threshold, Value, thresholds_of

if TYPE_CHECKING:
    from ztfnb.alert import Alert
    from ztfnb.filters.lint import Remark
    from ztfnb.filters.report import Report

Plain = Callable[..., Any]


class Filter:
    """A function of one alert, with thresholds that can be set. Made by `ztfnb.filter`.

    Calling it gives what the function itself gives. It never changes: `with_params` and
    combining (``a & b``, ``a | b``, ``~a``) return others.

    Raises
    ------
    FilterError
        If the function cannot be a filter.
    """

    def __init__(
        self,
        function: Plain,
        *,
        params: Mapping[str, Value] | None = None,
        files: Mapping[str, str | Path] | None = None,
        setup: Plain | None = None,
    ) -> None:
        self.function = function
        """The function as it was written."""
        self.code: FunctionCode = code_of(function)
        """Its source."""
        self.thresholds, self.needs = thresholds_of(function)
        """What can be set, and the names of what `files` and `setup` provide."""
        self.files: Mapping[str, Path] = {name: Path(path) for name, path in (files or {}).items()}
        self.setup = setup
        update_wrapper(self, function)
        self.name: str = function.__name__
        self._params = {one.name: one.default for one in self.thresholds}
        self._params |= self._checked(params or {})

    @property
    def params(self) -> Mapping[str, Value]:
        """What each threshold is set to."""
        return MappingProxyType(self._params)

    @property
    def source(self) -> str:
        """The text of the function, from its ``def``."""
        return self.code.text

    @cached_property
    def remarks(self) -> tuple[Remark, ...]:
        """What a careful reader would say of the source: see `ztfnb.filters.lint`."""
        from ztfnb.filters.lint import lint  # noqa: PLC0415 - read when it is asked for

        return lint(self)

    @cached_property
    def resources(self) -> Mapping[str, Any]:
        """What `files` and `setup` provide, by the name of the parameter that takes it; made once.

        Raises
        ------
        FilterError
            If a file is not there, or the setup fails.
        """
        from ztfnb.filters.needs import provide  # noqa: PLC0415 - read when it is asked for

        return provide(self)

    @property
    def plain(self) -> Plain:
        """The function of one alert alone: thresholds and resources are bound to it."""
        return partial(self.function, **self._params, **self.resources)

    def __call__(self, alert: Alert | Mapping[str, Any], **params: Value) -> Any:
        """Return what the function returns, with some thresholds set otherwise for this call."""
        return self.plain(alert, **(self._checked(params) if params else {}))

    def with_params(self, **params: Value) -> Filter:
        """Return the same filter with some thresholds set otherwise.

        Raises
        ------
        FilterError
            If it has no such threshold, or a value is none that it takes.
        """
        found = Filter(
            self.function,
            params={**self._params, **params},
            files=self.files,
            setup=self.setup,
        )
        if "resources" in self.__dict__:
            found.__dict__["resources"] = self.resources  # a model is loaded once
        return found

    def threshold(self, name: str) -> Threshold:
        """Return one threshold.

        Raises
        ------
        FilterError
            If there is none of that name.
        """
        for one in self.thresholds:
            if one.name == name:
                return one
        known = ", ".join(one.name for one in self.thresholds) or "none"
        raise FilterError(f"{self.name} has no threshold {name!r}; it has {known}")

    def _checked(self, params: Mapping[str, Value]) -> dict[str, Value]:
        return {name: self.threshold(name).check(value) for name, value in params.items()}

    def __and__(self, other: Filter) -> Filter:
        """Return the filter that passes what both pass."""
        from ztfnb.filters.combine import both  # noqa: PLC0415 - it makes filters

        return both(self, other)

    def __or__(self, other: Filter) -> Filter:
        """Return the filter that passes what one of both passes."""
        from ztfnb.filters.combine import either  # noqa: PLC0415 - it makes filters

        return either(self, other)

    def __invert__(self) -> Filter:
        """Return the filter that passes what this one rejects."""
        from ztfnb.filters.combine import opposite  # noqa: PLC0415 - it makes filters

        return opposite(self)

    def evaluate(self, alerts: Any, **options: Any) -> Report:
        """Run the filter on many alerts: see `ztfnb.filters.evaluate.evaluate`."""
        from ztfnb.filters.evaluate import evaluate  # noqa: PLC0415 - a filter is of use without

        return evaluate(self, alerts, **options)

    def __repr__(self) -> str:
        params = ", ".join(f"{name}={value!r}" for name, value in self._params.items())
        return f"<Filter {self.name}({params})>"


@overload
def filter(function: Plain, /) -> Filter: ...  # noqa: A001 - ztfnb.filter is what people write
@overload
def filter(  # noqa: A001
    *, files: Mapping[str, str | Path] | None = None, setup: Plain | None = None
) -> Callable[[Plain], Filter]: ...
def filter(  # noqa: A001
    function: Plain | None = None,
    /,
    *,
    files: Mapping[str, str | Path] | None = None,
    setup: Plain | None = None,
) -> Filter | Callable[[Plain], Filter]:
    """Make a filter of a function of one alert that returns True or False.

    Keyword-only parameters with defaults are its thresholds. What looks wrong in the source is
    told at once, with its line, as a `ztfnb.errors.FilterWarning`.

    Parameters
    ----------
    files
        Data files that it needs, by the name of the parameter that takes the path.
    setup
        Run once, with the files that it names as parameters; its result goes to the keyword-only
        parameter of the filter that has no default. Where there are several, it returns a mapping.

    Raises
    ------
    FilterError
        If the function cannot be a filter.
    """
    if function is None:
        return partial(_make, files=files, setup=setup)
    return _make(function)


def _make(
    function: Plain,
    *,
    files: Mapping[str, str | Path] | None = None,
    setup: Plain | None = None,
) -> Filter:
    made = Filter(function, files=files, setup=setup)
    if made.remarks:
        warnings.warn(_told(made, made.remarks), FilterWarning, stacklevel=3)
    return made


def _told(made: Filter, remarks: Iterable[Remark]) -> str:
    return f"{made.name}:\n" + "\n".join(f"  {remark}" for remark in remarks)
