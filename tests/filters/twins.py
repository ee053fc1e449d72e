"""How a traced twin is held beside the function that it stands for."""

from __future__ import annotations

import functools
import itertools
import linecache
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Self

import fastavro
import numpy as np
from packets import real_files

from ztfnb.filters.filter import Filter
from ztfnb.filters.instrument import Traced, traced

_numbers = itertools.count()


@functools.cache
def real_alerts() -> tuple[dict[str, Any], ...]:
    """Every packet of the real set that holds a ZTF alert, as fastavro decodes it; once."""
    found = []
    for path in real_files("**/*.avro"):
        try:
            with path.open("rb") as file:
                found += [one for one in fastavro.reader(file) if isinstance(one, dict)]
        except Exception:  # noqa: BLE001, S112 - malformed on purpose
            continue
    return tuple(one for one in found if "candidate" in one)


def function_from(source: str, **names: Any) -> Callable[..., Any]:
    """The function ``f`` of a source, which can be read again as that of a cell can."""
    file = f"<cell {next(_numbers)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        code = compile(source, file, "exec", dont_inherit=True)
    space = {"__name__": "__main__", **names}
    exec(code, space)  # noqa: S102 - own source
    function: Callable[..., Any] = space["f"]
    return function


def filter_from(source: str, **names: Any) -> Filter:
    return Filter(function_from(source, **names))


def traced_from(source: str, **names: Any) -> Traced:
    made = traced(filter_from(source, **names))
    assert not made.obstacle
    return made


def plain_outcome(
    made: Filter, alert: Any, params: Mapping[str, Any] = MappingProxyType({})
) -> tuple[Any, ...]:
    try:
        value = made.function(alert, **{**made.params, **params}, **made.resources)
    except Exception as error:  # noqa: BLE001 - an outcome too
        return outcome(None, error, skip=1)
    return outcome(value, None)


def traced_outcome(
    twin: Traced,
    made: Filter,
    alert: Any,
    params: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[Any, ...]:
    run = twin.run(alert, {**made.params, **params}, made.resources)
    return outcome(run.value, run.error)


def outcome(value: Any, error: BaseException | None, skip: int = 0) -> tuple[Any, ...]:
    """All that can be told of how a function ended; of an exception also its way."""
    if error is None:
        if value is None or isinstance(value, bool | int | str):
            return type(value), value
        shown = value.tobytes() if isinstance(value, np.ndarray) else repr(value)
        return type(value), shown
    if isinstance(error, RecursionError):
        return (RecursionError,)  # how deep it went tells of the frames below it
    chain = []
    each: BaseException | None = error
    while each is not None:
        frames = list(traceback.walk_tb(each.__traceback__))[skip:]
        skip = 0
        way = [
            (frame.f_code.co_filename, frame.f_code.co_qualname, line)
            for frame, line in frames
            if not frame.f_globals["__name__"].startswith("ztfnb.filters.")
        ]
        chain.append((type(each), str(each), way, each.__suppress_context__))
        each = each.__cause__ or each.__context__
    return tuple(chain)


class Recording(Mapping[str, Any]):
    """A mapping that writes down every access to it and to what is in it."""

    def __init__(self, values: Mapping[str, Any], log: list[Any], path: str = "") -> None:
        self._values, self._log, self._path = values, log, path

    def _inside(self, name: str, value: Any) -> Any:
        path = f"{self._path}.{name}"
        if isinstance(value, dict):
            return Recording(value, self._log, path)
        if isinstance(value, list):
            return [Recording(one, self._log, f"{path}[{i}]") for i, one in enumerate(value)]
        return Loud(value, self._log, path) if type(value) is float else value

    def __getitem__(self, name: str) -> Any:
        self._log.append(("get", self._path, name))
        return self._inside(name, self._values[name])

    def __contains__(self, name: object) -> bool:
        self._log.append(("in", self._path, name))
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        self._log.append(("iterate", self._path))
        return iter(self._values)

    def __len__(self) -> int:
        self._log.append(("length", self._path))
        return len(self._values)

    def __repr__(self) -> str:
        return f"Recording({self._path})"


class Loud(float):
    """A number that writes down each comparison with it, and each time its truth is taken."""

    def __new__(cls, value: float, log: list[Any], path: str) -> Self:
        made = super().__new__(cls, value)
        made._log, made._path = log, path  # type: ignore[attr-defined]
        return made

    __hash__ = float.__hash__


def _loud(name: str) -> Callable[..., Any]:
    plain = getattr(float, name)

    def method(self: Any, *others: Any) -> Any:
        self._log.append((name, self._path, *map(repr, others)))
        return plain(self, *others)

    return method


for _name in ("__lt__", "__le__", "__gt__", "__ge__", "__eq__", "__ne__", "__bool__", "__add__",
              "__sub__", "__mul__", "__truediv__", "__abs__"):  # fmt: skip
    setattr(Loud, _name, _loud(_name))
