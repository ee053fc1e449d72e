"""An interactive analysis environment for the Zwicky Transient Facility's alert stream.

::

    import ztfnb

    live = ztfnb.connect("demo")     # alerts arrive in the background
    live.browse()                    # a table, stamps and light curves of them
    alert = live.latest(1)[0]
    ztfnb.photometry(alert), ztfnb.cutout(alert, "difference"), ztfnb.fields("rb")
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

# Functions in modules of the same name are imported here: so the names are theirs.
from ztfnb.cutout import cutout
from ztfnb.errors import DecodeError, ZtfnbError
from ztfnb.fields import fields
from ztfnb.links import links
from ztfnb.neighbours import neighbours
from ztfnb.periodogram import periodogram
from ztfnb.photometry import photometry

if TYPE_CHECKING:
    from ztfnb import broker, columns, filters, recipes, simulate, widgets
    from ztfnb.alert import Alert
    from ztfnb.archive import read
    from ztfnb.codec import decode, encode
    from ztfnb.connection import connect
    from ztfnb.cuts import Cuts
    from ztfnb.drawing import picture
    from ztfnb.export.running import run_worker
    from ztfnb.filters.defining import filter  # noqa: A004 - what people write is ztfnb.filter
    from ztfnb.filters.filter import Filter
    from ztfnb.labels import Labels
    from ztfnb.saving import save
    from ztfnb.stream import Stream
    from ztfnb.widgets import browse
    from ztfnb.widgets.labbing import lab

__version__ = version("ztfnb")

__all__ = [
    "Alert",
    "Cuts",
    "DecodeError",
    "Filter",
    "Labels",
    "Stream",
    "ZtfnbError",
    "__version__",
    "broker",
    "browse",
    "columns",
    "connect",
    "cutout",
    "decode",
    "encode",
    "fields",
    "filter",
    "filters",
    "lab",
    "links",
    "neighbours",
    "periodogram",
    "photometry",
    "picture",
    "read",
    "recipes",
    "run_worker",
    "save",
    "simulate",
    "widgets",
]

_HOMES = {
    "Alert": "alert",
    "Cuts": "cuts",
    "Filter": "filters.filter",
    "Labels": "labels",
    "Stream": "stream",
    "browse": "widgets",
    "connect": "connection",
    "decode": "codec",
    "encode": "codec",
    "filter": "filters.defining",
    "lab": "widgets.labbing",
    "picture": "drawing",
    "read": "archive",
    "run_worker": "export.running",
    "save": "saving",
}
"""Where the other public names live: imported on first use, so that `import ztfnb` is quick."""


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(f"ztfnb.{_HOMES[name]}"), name)
    elif name in __all__:
        value = import_module(f"ztfnb.{name}")
    else:
        raise AttributeError(f"module 'ztfnb' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
