"""What decoding an alert costs, beside the ways in which other clients do it."""

from __future__ import annotations

import io
import json

import fastavro
from measure import Row, packets, seconds

from ztfnb.codec import decode
from ztfnb.columns import decode_columns
from ztfnb.container import read_frame, read_header

BATCH = 1_000


def reader_for_each(values: list[bytes]) -> None:
    """Decode as the usual loop does: `fastavro.reader` on each message."""
    for value in values:
        next(fastavro.reader(io.BytesIO(value)))


def schema_parsed_for_each(values: list[bytes]) -> None:
    """Decode as some clients do: read the header, parse its schema, read the record with it."""
    for value in values:
        header = read_header(value)
        schema = fastavro.parse_schema(json.loads(header.schema.raw))
        frame = read_frame(value)
        fastavro.schemaless_reader(io.BytesIO(frame.buffer[frame.start : frame.end]), schema, None)


def decoded_twice(values: list[bytes]) -> None:
    """Decode as some clients do: once to look at the candid, and again to use the alert."""
    for value in values:
        for record in fastavro.reader(io.BytesIO(value)):
            assert isinstance(record, dict)  # noqa: S101 - what an alert's schema says
            record["candid"]
        next(fastavro.reader(io.BytesIO(value)))


def rows() -> list[Row]:
    """Measure the cost of an alert, every way."""
    values, _label = packets(BATCH)
    few = values[:200]
    base = seconds(lambda: reader_for_each(few), repeat=3) / len(few)
    parsed = seconds(lambda: schema_parsed_for_each(few), repeat=3) / len(few)
    twice = seconds(lambda: decoded_twice(few), repeat=3) / len(few)
    columns = seconds(lambda: decode_columns(values), repeat=15) / BATCH
    candidate = seconds(lambda: [decode(value) for value in few]) / len(few)
    whole = seconds(lambda: [decode(value).as_dict() for value in few]) / len(few)

    def row(what: str, cost: float, target: str = "") -> Row:
        ratio = base / cost
        return Row(
            what,
            f"{cost * 1e6:,.1f} us",
            f"{base * 1e6:,.0f} us",
            f"{ratio:.0f} x" if ratio > 20 else f"{ratio:.1f} x",
            target,
        )

    return [
        row("fastavro.reader for each message (the baseline)", base),
        row("a client that parses the schema for each message", parsed),
        row("a client that decodes twice", twice),
        row(
            f"candidate columns, batches of {BATCH:,}",
            columns,
            "at most 8 us; at least 100 x",
        ),
        row("decode, up to the candidate", candidate),
        row("decode, the whole packet", whole),
    ]
