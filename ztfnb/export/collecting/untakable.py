"""What cannot leave the notebook, and what to do instead."""

from __future__ import annotations

import io
import socket
import threading
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ztfnb.filters.filter import Filter
from ztfnb.filters.libraries import is_library

_TABLES = {
    "pandas": "parquet", "polars": "parquet", "pyarrow": "parquet", "dask": "parquet",
    "modin": "parquet", "astropy.table": "ecsv", "xarray": "nc",
}  # fmt: skip
_WIDGETS = (
    "ipywidgets", "anywidget", "bokeh", "matplotlib", "traitlets", "plotly", "panel", "IPython",
    "ipykernel", "ztfnb.widgets",
)  # fmt: skip
_MODELS = (
    "sklearn", "lightgbm", "xgboost", "catboost", "torch", "tensorflow", "keras", "onnxruntime",
    "onnx", "jax", "flax",
)  # fmt: skip
_HANDLES = (
    "_io", "io", "socket", "_socket", "sqlite3", "threading", "_thread", "multiprocessing",
    "subprocess", "asyncio", "selectors", "select", "mmap", "tempfile", "h5py", "zipfile",
    "tarfile", "gzip", "bz2", "lzma", "shelve", "dbm", "requests", "httpx", "aiohttp", "urllib3",
    "http", "confluent_kafka", "cimpl", "kafka", "redis", "pymongo", "psycopg", "psycopg2",
    "sqlalchemy", "concurrent", "queue", "_queue", "distributed", "astropy.io",
    "contextvars", "_contextvars", "weakref", "ssl", "_ssl", "_asyncio",
)  # fmt: skip
_OPEN = (
    io.IOBase, socket.socket, threading.Thread, type(threading.Lock()), type(threading.RLock()),
)  # fmt: skip
_RUNNING = (
    Iterator, types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType, types.FrameType,
    types.TracebackType,
)  # fmt: skip
_METHODS = (types.MethodType, types.MethodWrapperType, types.BuiltinFunctionType)
_DEFINED = (type, types.FunctionType, types.ModuleType)


def why_not(name: str, value: Any) -> str | None:
    """Return why a value cannot be taken, and a way out; None where it can, or nobody knows."""
    if isinstance(value, _METHODS):
        return _method(name, value)
    known = vars(value).get("registry") if isinstance(value, types.FunctionType) else None
    if isinstance(known, Mapping) and len(known) > 1 and hasattr(value, "dispatch"):
        return (
            f"{name} has a function for each of several types, which do not stand in its source; "
            "ask for the type with isinstance, in one function"
        )
    if isinstance(value, (*_DEFINED, Filter)):
        return None
    homes = [one.__module__ for one in type(value).__mro__]
    reason = next((told for test, told in _REASONS if test(homes, value)), None)
    if reason is None:
        return None
    table = _found(homes, _TABLES)
    told = {"name": name, "ending": _TABLES[table] if table else ""}
    return f"{name} is {_called(type(value))}{reason.format_map(told)}"


def file_named(value: Any) -> bool:
    """Return whether a value is the path of a file that is here."""
    try:
        return isinstance(value, Path) and value.expanduser().is_file()
    except (OSError, RuntimeError, ValueError):
        return False


def _is_running(_homes: list[str], value: Any) -> bool:
    return isinstance(value, _RUNNING) and not isinstance(value, io.IOBase)


def _is_open(homes: list[str], value: Any) -> bool:
    return isinstance(value, _OPEN) or _found(homes, _HANDLES) is not None


def _is_model(homes: list[str], value: Any) -> bool:
    trained = callable(getattr(value, "predict", None)) and is_library(homes[0])
    return trained or _found(homes, _MODELS) is not None


_AS_FILE = (
    '; write it to a file and declare it: @ztfnb.filter(files={{"{name}": "{name}.{ending}"}})'
)
_AS_THRESHOLD = (
    ", a thing to see; take its value as a threshold instead: def f(alert, *, {name}_min=...)"
)
_AS_LIST = ", which runs and cannot be written down; make a list of it, or make it in the function"
_IN_SETUP = (
    ", which is open here and nowhere else; open it in setup=, from a file that is declared: "
    '@ztfnb.filter(files={{"path": "file"}}, setup=load)'
)
_AS_MODEL = (
    ", a trained model; save it to a file, and declare that and a function that loads it: "
    '@ztfnb.filter(files={{"path": "{name}.onnx"}}, setup=load)'
)
_AS_CONSTANTS = (
    " of this notebook, such as a live stream, a source or a report; a filter has the alert "
    "alone: take the values that it needs into constants"
)
_REASONS: tuple[tuple[Callable[[list[str], Any], bool], str], ...] = (
    (lambda homes, _: _found(homes, _TABLES) is not None, _AS_FILE),
    (lambda homes, _: _found(homes, _WIDGETS) is not None, _AS_THRESHOLD),
    (_is_running, _AS_LIST),
    (_is_open, _IN_SETUP),
    (_is_model, _AS_MODEL),
    (lambda homes, _: homes[0].startswith("ztfnb."), _AS_CONSTANTS),
)


def _method(name: str, value: Any) -> str | None:
    """Return why a method cannot be taken; None for functions, and methods of classes."""
    owner = value.__self__
    if owner is None or isinstance(owner, types.ModuleType | type):
        return None
    return (
        f"{name} is the method {value.__name__} of {_called(type(owner))}, which holds more than "
        f"can be seen; name the object itself and call its method: it.{value.__name__}(...)"
    )


def _found(homes: list[str], known: Iterable[str]) -> str | None:
    """Return the first of some modules that a class or one of its bases is from."""
    return next(
        (one for home in homes for one in known if home == one or home.startswith(f"{one}.")), None
    )


def _called(kind: type) -> str:
    root = kind.__module__.partition(".")[0].strip("_")
    where = "" if root in ("builtins", "main", kind.__name__) else f"{root} "
    article = "an" if (where or kind.__name__)[0].lower() in "aeio" else "a"
    return f"{article} {where}{kind.__name__}"
