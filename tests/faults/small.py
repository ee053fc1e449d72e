"""Valid packets of a few kB, made quickly: for tests that need a hundred thousand of them."""

from __future__ import annotations

import io
import json
from functools import cache
from typing import Any

import fastavro
from made import made_alert

from ztfnb.container import frame_record, make_header, write_long
from ztfnb.schema import ztf_schema

FIRST = 2_000_000_000_000_000_000
"""The candid of the first of them: all that follow are as long in Avro."""
_SYNC = bytes(range(16))


def small_packet(number: int) -> bytes:
    """The packet of candid ``FIRST + number``: no history, no stamps, a schema without words."""
    return write_long(FIRST + number).join(_parts())


@cache
def _parts() -> list[bytes]:
    schema = dict(ztf_schema("4.02"))
    body = io.BytesIO()
    fastavro.schemaless_writer(body, schema, made_alert(FIRST))
    header = make_header(json.dumps(_bare(schema), separators=(",", ":")).encode())
    parts = frame_record(header, _SYNC, body.getvalue()).split(write_long(FIRST))
    assert len(parts) == 3, "a candid stands in the packet, and in its candidate"
    return parts


def _bare(node: Any) -> Any:
    """The schema without its documentation, which is most of it."""
    if isinstance(node, list):
        return [_bare(part) for part in node]
    if not isinstance(node, dict):
        return node
    return {name: _bare(part) for name, part in node.items() if name in _NEEDED}


_NEEDED = {"type", "name", "namespace", "fields", "items", "default", "version"}
