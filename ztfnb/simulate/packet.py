"""One alert as a dictionary, in the order of schema 4.02."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import repeat
from typing import TYPE_CHECKING, Any

from ztfnb.schema import ztf_schema

if TYPE_CHECKING:
    from ztfnb.simulate.catalogue import Columns

SCHEMA_VERSION = "4.02"
PUBLISHER = "ZTF (www.ztf.caltech.edu)"


@cache
def field_names(record: str) -> tuple[str, ...]:
    """Return the names of ``candidate``, ``prv_candidate`` or ``fp_hist``, in schema order."""
    found: tuple[str, ...] = ()
    waiting: list[Any] = [ztf_schema(SCHEMA_VERSION)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            if node.get("type") == "record" and node["name"] == f"ztf.alert.{record}":
                found = tuple(field["name"] for field in node["fields"])
            waiting += node.values()
        elif isinstance(node, list | tuple):
            waiting += node
    return found


def records(columns: Columns, record: str, count: int) -> list[dict[str, Any]]:
    """Return columns as ``count`` records of a kind; a column that is missing is null."""
    names = field_names(record)
    values = [columns[name] if name in columns else repeat(None, count) for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def alert(
    object_id: str,
    candidate: dict[str, Any],
    history: list[dict[str, Any]],
    forced: list[dict[str, Any]],
    stamps: tuple[bytes, bytes, bytes],
) -> dict[str, Any]:
    """Return the whole alert."""
    candid, pid = candidate["candid"], candidate["pid"]
    positive = candidate["isdiffpos"] == "t"
    target = f"candid{candid}_pid{pid}_targ"
    names = (
        f"{target}_sci.fits.gz",
        f"candid{candid}_ref.fits.gz",
        f"{target}_{'scimref' if positive else 'refmsci'}.fits.gz",
    )
    science, template, difference = (
        {"fileName": name, "stampData": stamp} for name, stamp in zip(names, stamps, strict=True)
    )
    return {
        "schemavsn": SCHEMA_VERSION,
        "publisher": PUBLISHER,
        "objectId": object_id,
        "candid": candid,
        "candidate": candidate,
        "prv_candidates": history or None,
        "fp_hists": forced or None,
        "cutoutScience": science,
        "cutoutTemplate": template,
        "cutoutDifference": difference,
    }
