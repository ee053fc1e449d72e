"""What cannot leave the notebook, and what to do instead."""

from __future__ import annotations

import io
import socket
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ztfnb.filters.filter import Filter

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
    "contextvars", "_contextvars", "weakref", "ssl", "_ssl",
)  # fmt: skip
_LOCKS = (
    io.IOBase,
    socket.socket,
    threading.Thread,
    type(threading.Lock()),
    type(threading.RLock()),
)
_RUNNING = (
    types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType, types.FrameType,
    types.TracebackType,
)  # fmt: skip


def why_not(name: str, value: Any) -> str | None:
    """Return why a value cannot be taken, and a way out; None where it can, or nobody knows."""
    if isinstance(value, type | types.FunctionType | types.BuiltinFunctionType | types.ModuleType):
        if isinstance(value, types.BuiltinFunctionType) and not _is_function(value):
            return _method(name, value)
        return None
    if isinstance(value, Filter):
        return None
    kind = type(value)
    homes = [one.__module__ for one in kind.__mro__]
    called = _called(kind)
    if isinstance(value, types.MethodType | types.MethodWrapperType):
        return None if isinstance(value.__self__, type) else _method(name, value)
    if table := _found(homes, _TABLES):
        ending = _TABLES[table]
        return (
            f"{name} is {called}; write it to a file and declare it: "
            f'@ztfnb.filter(files={{"{name}": "{name}.{ending}"}})'
        )
    if _found(homes, _WIDGETS):
        return (
            f"{name} is {called}, a thing to see; take its value as a threshold instead: "
            f"def f(alert, *, {name}_min=...)"
        )
    if isinstance(value, _RUNNING) or (isinstance(value, Iterator) and not _is_file(value)):
        return (
            f"{name} is {called}, which runs and cannot be written down; "
            f"make a list of it, or make it inside the function"
        )
    if isinstance(value, _LOCKS) or _found(homes, _HANDLES):
        return (
            f"{name} is {called}, which is open here and nowhere else; open it in setup=, from a "
            f'file that is declared: @ztfnb.filter(files={{"path": "file"}}, setup=load)'
        )
    if _found(homes, _MODELS) or (not _is_own(homes) and callable(getattr(value, "predict", None))):
        return (
            f"{name} is {called}, a trained model; save it to a file, and declare that and a "
            f'function that loads it: @ztfnb.filter(files={{"path": "{name}.onnx"}}, setup=load)'
        )
    if homes[0].startswith("ztfnb."):
        return (
            f"{name} is {called} of this notebook, such as a live stream, a source or a report; "
            "a filter has the alert alone: take the values that it needs into constants"
        )
    return None


def _is_file(value: Any) -> bool:
    return isinstance(value, io.IOBase)


def file_named(value: Any) -> bool:
    """Return whether a value is the path of a file that is here."""
    try:
        return isinstance(value, Path) and value.expanduser().is_file()
    except (OSError, RuntimeError, ValueError):
        return False


def _is_own(homes: list[str]) -> bool:
    from ztfnb.filters.libraries import is_library  # noqa: PLC0415

    return not is_library(homes[0])


def _is_function(value: types.BuiltinFunctionType) -> bool:
    owner = value.__self__
    return owner is None or isinstance(owner, types.ModuleType | type)


def _method(name: str, value: Any) -> str:
    owner = type(value.__self__).__qualname__
    called = value.__name__
    return (
        f"{name} is the method {called} of a {owner}, which holds more than can be seen; name the "
        f"object itself and call its method: it.{called}(...)"
    )


def _found(homes: list[str], known: Any) -> str | None:
    return next(_matches(homes, known), None)


def _matches(homes: list[str], known: Any) -> Iterator[str]:
    for home in homes:
        for one in known:
            if home == one or home.startswith(f"{one}."):
                yield one


def _called(kind: type) -> str:
    root = kind.__module__.partition(".")[0].lstrip("_")
    where = "" if root in ("builtins", "main", kind.__name__) else f"{root} "
    article = "an" if (where or kind.__name__)[0].lower() in "aeio" else "a"
    return f"{article} {where}{kind.__name__}"
