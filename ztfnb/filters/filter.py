"""A filter: a plain function of one alert that says whether it passes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Never

from ztfnb.errors import FilterError
from ztfnb.filters import sources
from ztfnb.filters.code import FunctionCode, code_of
from ztfnb.filters.needs import Files, Provided, provide
from ztfnb.filters.threshold import Threshold, Value, thresholds_of

if TYPE_CHECKING:
    from ztfnb.alert import Alert
    from ztfnb.export.background import BackgroundWorker
    from ztfnb.export.exported import Exported
    from ztfnb.filters.dependencies import Dependencies
    from ztfnb.filters.lint import Remark
    from ztfnb.filters.needs import DataFile
    from ztfnb.filters.pins import PinResult, Pins
    from ztfnb.filters.report import Report
    from ztfnb.filters.versions import Versions
    from ztfnb.stream import Stream

Plain = Callable[..., Any]


class Filter:
    """A function of one alert, with thresholds that can be set. Made by `ztfnb.filter`.

    Calling it gives what the function itself gives. It never changes: `with_params` and
    combining (``a & b``, ``a | b``, ``~a``) return others. It can be sent to other processes, by
    pickle where it stands in a module, by cloudpickle where it stands in a notebook; its source
    goes with it.

    Raises
    ------
    FilterError
        If the function cannot be a filter.
    """

    function: Plain
    """The function as it was written."""
    code: FunctionCode
    """Its source."""
    name: str
    __name__: str
    thresholds: tuple[Threshold, ...]
    """What can be set."""
    needs: tuple[str, ...]
    """Names of the parameters that `files` and `setup` provide."""
    provided: Provided
    parts: tuple[Filter, ...]
    """The filters that it was combined from, if it was."""
    home: Path
    """Where its pins and versions are kept: the working directory when it was defined."""
    _params: dict[str, Value]
    _last: tuple[dict[str, Value], dict[str, Any]]
    """What the latest call set, and all that it gave to the function: most set the same."""

    def __init__(
        self,
        function: Plain,
        *,
        params: Mapping[str, Value] | None = None,
        files: Files | None = None,
        setup: Plain | None = None,
        parts: tuple[Filter, ...] = (),
    ) -> None:
        code = code_of(function)
        thresholds, needs = thresholds_of(function)
        self._set(
            function=function,
            code=code,
            name=function.__name__,
            thresholds=thresholds,
            needs=needs,
            provided=Provided(function, needs, files, setup),
            parts=parts,
            home=Path.cwd(),
            _params={one.name: one.default for one in thresholds},
        )
        vars(self)["_params"] |= self._checked(params or {})

    def _set(self, **values: Any) -> None:
        vars(self).update(values, _last=({}, {}))
        for name in ("__module__", "__name__", "__qualname__", "__doc__"):
            vars(self)[name] = getattr(self.function, name)
        # Then inspect.signature and inspect.getsource look at the function.
        vars(self)["__wrapped__"] = self.function

    def __setattr__(self, name: str, value: Any) -> Never:
        raise AttributeError(
            f"a filter never changes, so {name} cannot be set; "
            f"{self.name}.with_params(...) returns another"
        )

    def __delattr__(self, name: str) -> Never:
        raise AttributeError(f"a filter never changes, so {name} cannot be taken away")

    @property
    def params(self) -> Mapping[str, Value]:
        """What each threshold is set to."""
        return MappingProxyType(self._params)

    @property
    def source(self) -> str:
        """The text of the function, from its ``def``."""
        return self.code.text

    @property
    def cell(self) -> str:
        """The text of a cell that defines it; of a combination, where its parts are defined."""
        if self.parts:
            from ztfnb.filters.combine import cell_of  # noqa: PLC0415 - it makes filters

            return cell_of(self)
        given = {name: str(file.given) for name, file in self.provided.files.items()}
        stated = [f"files={given!r}"] if given else []
        stated += [f"setup={self.setup.__name__}"] if self.setup is not None else []
        options = f"({', '.join(stated)})" if stated else ""
        return f"@ztfnb.filter{options}\n{self.source}"

    @cached_property
    def remarks(self) -> tuple[Remark, ...]:
        """What a careful reader would say of the source: see `ztfnb.filters.lint`."""
        from ztfnb.filters.lint import lint  # noqa: PLC0415 - read when it is asked for

        return lint(self)

    @property
    def files(self) -> Mapping[str, Path]:
        """Where each data file lies, by name; of a combination, those of both."""
        return MappingProxyType({name: each.path for name, each in self._data_files().items()})

    @property
    def checksums(self) -> Mapping[str, str]:
        """SHA-256 of each data file when the filter was defined, in hexadecimal digits."""
        return MappingProxyType({name: each.checksum for name, each in self._data_files().items()})

    def _data_files(self) -> dict[str, DataFile]:
        every = dict(self.provided.files)
        for part in self.parts:
            for name, file in part._data_files().items():  # noqa: SLF001 - of the same class
                same = every.get(name, file).checksum == file.checksum
                every[name if same else f"{part.name}_{name}"] = file
        return every

    @property
    def setup(self) -> Plain | None:
        """The function that is run once, where there is one."""
        return self.provided.setup

    @property
    def resources(self) -> Mapping[str, Any]:
        """What `files` and `setup` provide, by the name of the parameter that takes it; made once.

        Raises
        ------
        FilterError
            If a file is not there or has changed, or the setup fails.
        """
        return provide(self)

    @property
    def local(self) -> bool:
        """Whether it was written in a notebook or the program that runs, not in a module."""
        if self.parts:
            return any(part.local for part in self.parts)
        return bool(self.function.__module__ == "__main__")

    @property
    def dependencies(self) -> Dependencies:
        """What its decisions depend on beside the alert and its own text, as it is now."""
        from ztfnb.filters.dependencies import dependencies_of  # noqa: PLC0415 - it knows filters

        return dependencies_of(self)

    @property
    def hash(self) -> str:
        """SHA-256 of its source and all that this uses, as it is now, in hexadecimal digits.

        Helpers, constants, files and defaults count; line numbers, comments, white space and what
        the thresholds are set to do not.
        """
        return self.dependencies.hash

    @property
    def pins(self) -> Pins:
        """The alerts that must pass or must be rejected, kept beside the notebook."""
        from ztfnb.filters.pins import pins_of  # noqa: PLC0415 - it runs filters

        return pins_of(self)

    def pin(
        self, alert: Alert | Mapping[str, Any], passes: bool = True, note: str = ""
    ) -> PinResult:
        """Keep an alert as an example that must pass, or must be rejected; see `Pins.pin`."""
        from ztfnb.filters.pins import check  # noqa: PLC0415 - it runs filters

        return check(self, self.pins.pin(alert, passes=passes, note=note))

    def unpin(self, candid: int) -> None:
        """Let go of a pinned alert; see `Pins.unpin`."""
        self.pins.unpin(candid)

    def check_pins(self) -> tuple[PinResult, ...]:
        """Run the filter on each pinned alert: green where it decides as it must, or red."""
        from ztfnb.filters.pins import check  # noqa: PLC0415 - it runs filters

        return tuple(check(self, pin) for pin in self.pins.values())

    @property
    def versions(self) -> Versions:
        """What has been evaluated under this name, kept in a file beside the notebook."""
        from ztfnb.filters.versions import versions_of  # noqa: PLC0415 - it asks filters

        return versions_of(self)

    @property
    def plain(self) -> Plain:
        """The function of one alert alone: thresholds and resources are bound to it."""
        return partial(self.function, **self._params, **self.resources)

    def __call__(self, alert: Alert | Mapping[str, Any], /, **params: Value) -> Any:
        """Return what the function returns, with some thresholds set otherwise for this call."""
        given, bound = self._last
        if params != given or not bound:
            bound = {**self._params, **self._checked(params), **self.provided.get()}
            vars(self)["_last"] = (params, bound)
        return self.function(alert, **bound)

    def with_params(self, /, **params: Value) -> Filter:
        """Return the same filter with some thresholds set otherwise.

        Raises
        ------
        FilterError
            If it has no such threshold, or a value is none that it takes.
        """
        return self._with(_params=self._params | self._checked(params))

    def _with(self, **values: Any) -> Filter:
        """Return a copy with other values; what files and setup provide is shared."""
        made: Filter = object.__new__(Filter)
        made._set(**{**vars(self), **values})
        return made

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
        if not isinstance(other, Filter):
            return NotImplemented
        from ztfnb.filters.combine import both  # noqa: PLC0415 - it makes filters

        return both(self, other)

    def __or__(self, other: Filter) -> Filter:
        """Return the filter that passes what one of both passes."""
        if not isinstance(other, Filter):
            return NotImplemented
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

    def export(self, folder: str | Path, **options: Any) -> Exported:
        """Write it with all that it needs to a folder: see `ztfnb.export.bundling.export`."""
        from ztfnb.export.bundling import export  # noqa: PLC0415 - of a higher layer

        return export(self, folder, **options)

    def run(self, source: str | Stream, to: str, **options: Any) -> BackgroundWorker:
        """Run it from topic to topic, in the background: see `ztfnb.export.running.run_filter`."""
        from ztfnb.export.running import run_filter  # noqa: PLC0415 - of a higher layer

        return run_filter(self, source, to, **options)

    def __repr__(self) -> str:
        params = ", ".join(f"{name}={value!r}" for name, value in self._params.items())
        return f"<Filter {self.name}({params})>"

    def _repr_html_(self) -> str:
        from ztfnb.filters.shown import html_of  # noqa: PLC0415 - for people only

        return html_of(self)

    def __copy__(self) -> Filter:
        return self  # it never changes

    def __deepcopy__(self, _memo: dict[int, Any]) -> Filter:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if self.parts:
            from ztfnb.filters.combine import again  # noqa: PLC0415 - it makes filters

            names = self.function.__globals__.items()
            parts = {name: value for name, value in names if isinstance(value, Filter)}
            return again, (self.__name__, self.code.text, parts, self._params, self.home)
        module = sys.modules.get(self.function.__module__)
        known = getattr(module, self.__name__, None)
        if not self.local and isinstance(known, Filter) and known.function is self.function:
            return _imported, (self.function.__module__, self.__name__, self._params, self.home)
        return object.__new__, (Filter,), self._state()

    def _state(self) -> dict[str, Any]:
        """Return what travels: the texts of cells too, which nobody has elsewhere."""
        from ztfnb.filters.dependencies import functions_of  # noqa: PLC0415 - it knows filters

        state = {name: value for name, value in vars(self).items() if not name.startswith("__")}
        for made_anew in ("_last", "remarks"):
            state.pop(made_anew, None)
        return {**state, "texts": sources.carried(functions_of(self))}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for file, text in state.pop("texts").items():
            sources.keep(file, text)
        self._set(**state)


def _imported(module: str, name: str, params: Mapping[str, Value], home: Path) -> Filter:
    made = getattr(import_module(module), name)
    if not isinstance(made, Filter):
        raise FilterError(
            f"{module}.{name} is no filter here: is it another version of the module?"
        )
    return made.with_params(**params)._with(home=home)  # noqa: SLF001 - of this module
