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

# These three are functions in modules of the same name: imported here, the names are theirs.
from ztfnb.cutout import cutout
from ztfnb.errors import DecodeError, ZtfnbError
from ztfnb.fields import fields
from ztfnb.photometry import photometry

if TYPE_CHECKING:
    from ztfnb import broker, columns, simulate, widgets
    from ztfnb.alert import Alert
    from ztfnb.archive import read
    from ztfnb.codec import decode, encode
    from ztfnb.connection import connect
    from ztfnb.stream import Stream

__version__ = version("ztfnb")

__all__ = [
    "Alert",
    "DecodeError",
    "Stream",
    "ZtfnbError",
    "__version__",
    "broker",
    "columns",
    "connect",
    "cutout",
    "decode",
    "encode",
    "fields",
    "photometry",
    "read",
    "simulate",
    "widgets",
]

_HOMES = {
    "Alert": "alert",
    "Stream": "stream",
    "connect": "connection",
    "decode": "codec",
    "encode": "codec",
    "read": "archive",
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
