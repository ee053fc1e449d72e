"""Packet bytes to an `Alert`, and an alert's values to packet bytes.

Two kinds of packets are read: Avro container files (ZTF, and most brokers) and Confluent's wire
format (Rubin): a zero byte, a schema id of four bytes, and the bare record.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import fastavro

from ztfnb.alert import Alert
from ztfnb.container import (
    MAX_PACKET_BYTES,
    frame_record,
    make_header,
    read_frame,
)
from ztfnb.errors import DecodeError, EncodeError
from ztfnb.schema import lsst_schema, ztf_schema

CONFLUENT_HEAD = 5
"""Bytes before the record in Confluent's wire format."""


def decode(data: bytes) -> Alert:
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
    """
    data = bytes(data)
    if data[:1] == b"\0":
        return _decode_confluent(data)
    header, buffer, start, end = read_frame(data)
    return Alert(header.schema, data, buffer, start, end)


def _decode_confluent(data: bytes) -> Alert:
    if not CONFLUENT_HEAD < len(data) <= MAX_PACKET_BYTES:
        raise DecodeError(f"{len(data):,} bytes are no packet in Confluent's wire format")
    schema = lsst_schema(int.from_bytes(data[1:CONFLUENT_HEAD], "big"))
    return Alert(schema, data, data, CONFLUENT_HEAD, len(data))


def encode(alert: Mapping[str, Any], version: str = "4.02") -> bytes:
    """Return a packet that holds an alert: a container file of one record, as ZTF sends them.

    Equal alerts give equal bytes: the sync marker is made from the record.

    Parameters
    ----------
    alert
        The alert's values. A field that is absent takes its default where it has one.
    version
        Schema version, ``"4.02"`` or ``"3.3"``.

    Raises
    ------
    EncodeError
        If a value is missing, of the wrong type or out of range, or the version unknown.
    """
    header, schema = _writer(version)
    record = io.BytesIO()
    try:
        fastavro.schemaless_writer(record, schema, alert)
    except Exception as error:  # noqa: BLE001 - fastavro raises many kinds for a bad value
        raise EncodeError(
            f"the alert does not fit schema {version}: {type(error).__name__}: {error}"
        ) from None
    body = record.getvalue()
    return frame_record(header, hashlib.md5(body, usedforsecurity=False).digest(), body)


@lru_cache(maxsize=8)
def _writer(version: str) -> tuple[bytes, Any]:
    try:
        schema = ztf_schema(version)
    except DecodeError as error:
        raise EncodeError(error.reason) from None
    text = {name: part for name, part in schema.items() if not name.startswith("__")}
    return make_header(json.dumps(text, separators=(",", ":")).encode()), schema
