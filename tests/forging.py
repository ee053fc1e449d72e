"""Packets made by hand, good and bad, and a comparison that lets nothing pass."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Sequence
from typing import Any, cast

import fastavro

from ztfnb.container import MAGIC, write_long
from ztfnb.errors import DecodeError

SYNC = bytes(range(16))


def difference(found: Any, expected: Any, path: str = "") -> str:
    """Return where two values differ: in value, type, key order or NaN; "" where nowhere.

    An immutable record counts as a dictionary and an immutable list as a list.
    """
    if isinstance(expected, dict):
        if not isinstance(found, dict) or list(found) != list(expected):
            return f"{path}: {type(found).__name__} with other keys"
        inner = ((name, found[name], expected[name]) for name in expected)
    elif isinstance(expected, list):
        if not isinstance(found, list) or len(found) != len(expected):
            return f"{path}: {type(found).__name__} of another length"
        inner = ((str(n), *pair) for n, pair in enumerate(zip(found, expected, strict=True)))
    elif type(found) is not type(expected):
        return f"{path}: {type(found).__name__}, not {type(expected).__name__}"
    elif isinstance(expected, float) and math.isnan(expected):
        return "" if math.isnan(found) else f"{path}: {found}, not NaN"
    else:
        return "" if found == expected else f"{path}: {found!r}, not {expected!r}"
    return next(filter(None, (difference(a, b, f"{path}.{name}") for name, a, b in inner)), "")


def by_fastavro(packet: bytes) -> dict[str, Any]:
    """Return what fastavro reads from a container file of one record."""
    return cast("dict[str, Any]", next(iter(fastavro.reader(io.BytesIO(packet)))))


def sized(data: bytes) -> bytes:
    return write_long(len(data)) + data


def header(schema: Any, codec: str = "null") -> bytes:
    """Return a container header; ``schema`` is JSON text as bytes, or what becomes such."""
    text = schema if isinstance(schema, bytes) else json.dumps(schema).encode()
    entries = sized(b"avro.codec") + sized(codec.encode()) + sized(b"avro.schema") + sized(text)
    return MAGIC + write_long(2) + entries + write_long(0)


def container(schema: Any, body: bytes, *, codec: str = "null", count: int = 1) -> bytes:
    """Return a container file of one block."""
    return header(schema, codec) + SYNC + write_long(count) + sized(body) + SYNC


def record(name: str, fields: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return the schema of a record."""
    listed = [{"name": field, "type": kind} for field, kind in fields]
    return {"type": "record", "name": name, "fields": listed}


def alert_schema(
    before: Sequence[tuple[str, Any]] = (),
    inside: Sequence[tuple[str, Any]] = (),
    after: Sequence[tuple[str, Any]] = (),
) -> dict[str, Any]:
    """Return the schema of the smallest alert, with more fields before, in and after its core."""
    candidate = record("candidate", [("candid", "long"), *inside])
    return record("alert", [*before, ("candidate", candidate), *after])


def written(schema: Any, value: Any) -> bytes:
    """Return a value in Avro's binary encoding, as fastavro writes it."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    return out.getvalue()


def outcome(read: Any, *arguments: Any) -> Any:
    """Return what a function gives, or the `DecodeError` that it raises; anything else escapes."""
    try:
        return read(*arguments)
    except DecodeError as error:
        return error
