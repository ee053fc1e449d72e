"""Packets made by hand, good and bad, and a comparison that lets nothing pass."""

from __future__ import annotations

import io
import json
import math
import random
from collections.abc import Sequence
from functools import cache
from typing import Any, cast

import fastavro
from packets import real_files

from ztfnb.container import MAGIC, write_long
from ztfnb.errors import DecodeError
from ztfnb.schema import ztf_schema
from ztfnb.simulate import Survey

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


def _zero(kind: Any) -> Any:
    """Return the plainest value of a type: its default, null where it may be."""
    if isinstance(kind, list):
        return None
    if isinstance(kind, dict):
        return {
            field["name"]: field.get("default", _zero(field["type"])) for field in kind["fields"]
        }
    return {"int": 0, "long": 0, "float": 0.0, "double": 0.0, "string": ""}[kind]


def plainest(version: str) -> dict[str, Any]:
    """Return the values of an alert in which everything is null, zero or empty."""
    schema: Any = ztf_schema(version)
    value: dict[str, Any] = _zero(schema)
    return value


@cache
def samples() -> list[bytes]:
    """Return some real packets of each kind, where there are any, and some simulated ones."""
    patterns = ("v1.8/*", "v3.3/*", "v4.0*/*", "night-*/*", "legacy/*", "lsst/*/*")
    found = [paths[:: max(len(paths) // 4, 1)] for paths in map(real_files, patterns)]
    simulated = [alert.packet for alert in Survey(seed=24).night("2026-01-15", limit=4)]
    return [path.read_bytes() for paths in found for path in paths] + simulated


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Change a packet somewhere: mostly in the record's beginning, where most decisions are."""
    out = bytearray(data)
    head = data.find(b"\0", 5_000) if data[:1] == b"O" else 5
    for _ in range(chance.choice([1, 1, 2, 5])):
        low, high = chance.choice([(0, len(out)), (0, 100), (head, head + 1_500)])
        at = chance.randrange(min(low, len(out)), min(high, len(out)) + 1)
        match chance.randrange(5):
            case 0:
                out[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del out[at : at + chance.choice([1, 2, 16, 1_000])]
            case 2:
                out[at:at] = chance.randbytes(chance.choice([1, 2, 9, 100]))
            case 3:
                del out[at:]
            case _:
                run = chance.choice([b"\0", b"\x80", b"\xff", b"\x01"]) * chance.randrange(1, 12)
                out[at : at + len(run)] = run
    return bytes(out)
