"""The packet of an alert that is pinned, or of the dictionary of one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ztfnb.alert import Alert
from ztfnb.codec import decode, encode
from ztfnb.errors import FilterError, ZtfnbError

_VERSIONS = ("4.02", "3.3")


def packet_of(alert: Alert | Mapping[str, Any]) -> bytes:
    """Return the packet of an alert, as it came; that of a dictionary is written by its schema.

    Raises
    ------
    FilterError
        If it is a dictionary that its schema cannot hold.
    """
    if isinstance(alert, Alert):
        return alert.raw
    if not isinstance(alert, Mapping):
        raise FilterError(f"expected an alert or the dictionary of one, got {type(alert).__name__}")
    version = str(alert.get("schemavsn"))
    try:
        packet = encode(alert, version if version in _VERSIONS else _VERSIONS[0])
        whole = decode(packet)
    except ZtfnbError as error:
        raise FilterError(
            f"only a whole alert can be pinned, and this dictionary is none: {error}; "
            "pin what ztfnb.decode gives for its packet"
        ) from None
    lost = _lost(alert, whole.as_dict())
    if lost:
        raise FilterError(
            f"the schema {version} has no place for {lost}, which would be lost; "
            "pin what ztfnb.decode gives for the packet"
        )
    return packet


def _lost(given: Any, kept: Any, where: str = "") -> str:
    """Return the first field that is not kept as it was given; empty where all are."""
    if isinstance(given, Mapping) and isinstance(kept, Mapping):
        for name, value in given.items():
            path = f"{where}.{name}".lstrip(".")
            if name not in kept:
                return path
            if found := _lost(value, kept[name], path):
                return found
        return ""
    if isinstance(given, list | tuple) and isinstance(kept, list) and len(given) == len(kept):
        pairs = enumerate(zip(given, kept, strict=True))
        every = (_lost(one, other, f"{where}[{place}]") for place, (one, other) in pairs)
        return next((found for found in every if found), "")
    if isinstance(given, float) and isinstance(kept, float):
        alike = math.isclose(given, kept, rel_tol=1e-6, abs_tol=1e-37)
        return "" if alike or (math.isnan(given) and math.isnan(kept)) else where
    return "" if given == kept else where
