"""Packet bytes to an `Alert`, and an alert's values to packet bytes.

Two kinds of packets are read: Avro container files (ZTF, and most brokers) and Confluent's wire
format (Rubin): a zero byte, a schema id of four bytes, and the bare record.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from functools import lru_cache
from hashlib import md5
from numbers import Real
from typing import Any, NamedTuple

import fastavro

from ztfnb.alert import Alert
from ztfnb.binary import BadValueError, Budget, Reader, Record, Records, reader_of
from ztfnb.container import (
    MAX_PACKET_BYTES,
    frame_record,
    make_header,
    read_frame,
)
from ztfnb.errors import DecodeError, EncodeError
from ztfnb.schema import lsst_schema, parse, ztf_schema

CONFLUENT_HEAD = 5
"""Bytes before the record in Confluent's wire format."""


def decode(data: bytes | bytearray | memoryview) -> Alert:
    """Return the alert that a packet holds.

    Only the first bytes of the record are decoded, up to the end of the candidate; the rest is
    decoded when it is asked for.

    Parameters
    ----------
    data
        A container file of one record, of any ZTF schema version (the packet brings its own
        schema), or a Rubin packet in Confluent's wire format.

    Raises
    ------
    DecodeError
        If the bytes are anything else, with what was wrong and where. A part that is decoded
        later may raise it then.
    TypeError
        If ``data`` is not bytes.
    """
    data = as_bytes(data)
    if data[:1] == b"\0":
        return _decode_confluent(data)
    header, buffer, start, end = read_frame(data)
    return Alert(header.schema, data, buffer, start, end)


def as_bytes(data: object) -> bytes:
    """Return a packet given as bytes, bytearray or memoryview as bytes.

    Raises
    ------
    TypeError
        If it is anything else.
    """
    if isinstance(data, bytes):
        return data
    if isinstance(data, bytearray | memoryview):
        return bytes(data)
    raise TypeError(f"expected the bytes of a packet, got {type(data).__name__}")


def _decode_confluent(data: bytes) -> Alert:
    if not CONFLUENT_HEAD < len(data) <= MAX_PACKET_BYTES:
        raise DecodeError(f"{len(data):,} bytes are no packet in Confluent's wire format")
    schema = lsst_schema(int.from_bytes(data[1:CONFLUENT_HEAD], "big"))
    return Alert(schema, data, data, CONFLUENT_HEAD, len(data))


def encode(alert: Mapping[str, Any], version: str = "4.02", *, checked: bool = True) -> bytes:
    """Return a packet that holds an alert: a container file of one record, as ZTF sends them.

    Equal alerts give equal bytes: the sync marker is made from the record.

    Parameters
    ----------
    alert
        The alert's values. A field that is absent takes its default where it has one; what the
        schema does not have is left out.
    version
        Schema version, ``"4.02"`` or ``"3.3"``.
    checked
        Whether what was written is read again and compared, which costs as much as writing. Only
        for values that cannot be wrong, such as simulated ones, should it be False.

    Raises
    ------
    EncodeError
        If a value is missing, of the wrong type or out of range, or the version unknown.
    """
    writer = _writer(version)
    record = io.BytesIO()
    # fastavro takes no list but `list` itself.
    plain = {name: list(v) if isinstance(v, Records) else v for name, v in alert.items()}
    try:
        fastavro.schemaless_writer(record, writer.schema, plain)
        body = record.getvalue()
        if checked:
            _compare(writer.read(body, 0, Budget())[0], alert)
    except BadValueError as error:
        raise EncodeError(
            f"the alert does not fit schema {version}: {error.where}: {error.reason}"
        ) from None
    except Exception as error:  # noqa: BLE001 - fastavro raises many kinds for a bad value
        raise EncodeError(
            f"the alert does not fit schema {version}: {type(error).__name__}: {str(error)[:400]}"
        ) from None
    packet = frame_record(writer.header, md5(body, usedforsecurity=False).digest(), body)
    if len(packet) > MAX_PACKET_BYTES:
        raise EncodeError(f"{len(packet):,} bytes; a packet has at most {MAX_PACKET_BYTES:,}")
    return packet


def _compare(written: Any, given: Any) -> None:
    """Refuse what fastavro changes in silence: 1.5 or 2**40 in an int, 1e300 in a float."""
    if isinstance(written, Record):
        inner = [(name, value, given[name]) for name, value in written.items() if name in given]
    elif isinstance(written, Records):
        inner = [(f"[{place}]", value, given[place]) for place, value in enumerate(written)]
    elif isinstance(written, float):
        if isinstance(given, Real) and math.isinf(written) == math.isinf(given):
            return
        raise BadValueError(f"{given!r} is no number that it can hold", 0)
    elif written != given:
        raise BadValueError(f"{given!r} would become {written!r}", 0)
    else:
        return
    for name, value, from_value in inner:
        # Most are null or equal, and need no closer look.
        if value is not from_value and value != from_value:
            try:
                _compare(value, from_value)
            except BadValueError as error:
                raise error.inside(name) from None


class _Writer(NamedTuple):
    header: bytes
    schema: dict[str, Any]
    read: Reader


@lru_cache(maxsize=8)
def _writer(version: str) -> _Writer:
    try:
        schema = ztf_schema(version)
    except DecodeError as error:
        raise EncodeError(error.reason) from None
    raw = json.dumps(_in_order(schema), separators=(",", ":")).encode()
    return _Writer(make_header(raw), dict(schema), reader_of(parse(raw).root))


# As the public schemas write them.
_SCHEMA_KEYS = ("namespace", "name", "type", "version", "default", "doc")


def _in_order(node: Any) -> Any:
    """Return a schema with its keys in one order: fastavro's differs from process to process."""
    if isinstance(node, list):
        return [_in_order(part) for part in node]
    if not isinstance(node, Mapping):
        return node
    names = [name for name in _SCHEMA_KEYS if name in node]
    names += sorted(node.keys() - set(names))
    return {name: _in_order(node[name]) for name in names if not name.startswith("__")}
