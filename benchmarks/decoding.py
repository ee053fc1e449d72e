"""What decoding an alert costs, beside the ways in which other clients do it."""

from __future__ import annotations

import io
import json

import fastavro
from measure import Row, packets, seconds

from ztfnb.codec import decode
from ztfnb.columns import decode_columns

BATCH = 1_000


def reader_for_each(values: list[bytes]) -> None:
    """Decode as the usual loop does: `fastavro.reader` on each message."""
    for value in values:
        next(fastavro.reader(io.BytesIO(value)))


def schema_parsed_for_each(values: list[bytes]) -> None:
    """Decode as some clients do: read the header, parse its schema, read the record with it."""
    for value in values:
        stream = io.BytesIO(value)
        blocks = fastavro.block_reader(stream)
        schema = fastavro.parse_schema(json.loads(blocks.metadata["avro.schema"]))
        block = next(blocks)
        fastavro.schemaless_reader(io.BytesIO(block.bytes_.getvalue()), schema)


def decoded_twice(values: list[bytes]) -> None:
    """Decode as some clients do: once to look at the candid, and again to use the alert."""
    for value in values:
        next(fastavro.reader(io.BytesIO(value)))["candid"]
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
        ratio = f"{base / cost:.3g} x"
        return Row(what, f"{cost * 1e6:.3g} us", f"{base * 1e6:.3g} us", ratio, target)

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
