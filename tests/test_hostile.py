"""Packets made to hurt: whatever reads them ends soon, in little memory, with `DecodeError`.

Each is read in a process of its own, so that a crash of the interpreter is seen as one. The
milliseconds of the processor and the memory of each reading are printed (``pytest -rP``).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cramjam
import pytest
from forging import (
    SYNC,
    alert_schema,
    container,
    header,
    outcome,
    plainest,
    record,
    sized,
    written,
)

from ztfnb.binary import ITEM_COST, MAX_COST
from ztfnb.codec import decode, encode
from ztfnb.columns import decode_columns, decode_history
from ztfnb.container import MAGIC, MAX_PACKET_BYTES, iter_packets, write_long
from ztfnb.errors import DecodeError

MEMORY = 64 * 1024 * 1024
"""Bytes that reading one packet may take."""
HANG = 290
"""Seconds after which reading counts as hung; it takes some milliseconds."""

Case = Callable[[], bytes]
CASES: dict[str, Case] = {}


def case(make: Case) -> Case:
    CASES[make.__name__] = make
    return make


def alert_with(kind: Any, data: bytes) -> bytes:
    """An alert with a hostile field behind its candidate, named as the history is."""
    return container(alert_schema(after=[("prv_candidates", kind)]), b"\x0e" + data)


def head_with(kind: Any, data: bytes) -> bytes:
    """An alert with a hostile field inside its candidate."""
    return container(alert_schema(inside=[("x", kind)]), b"\x0e" + data)


def most(values: int) -> int:
    """Return how many items a record may hold if each holds so many values."""
    return MAX_COST // (ITEM_COST + values)


def array(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


# -- Schemas -----------------------------------------------------------------------------------


@case
def recursive_schema() -> bytes:
    schema = record("alert", [("candidate", record("c", [("candid", "long")]))])
    schema["fields"].append({"name": "next", "type": ["null", "alert"]})
    return container(schema, b"\x0e" + b"\2" * 5_000 + b"\0")


@case
def recursive_schema_of_arrays() -> bytes:
    schema = record("alert", [("next", array("alert"))])
    return container(schema, b"\2" * 5_000 + b"\0" * 5_000)


@case
def schema_five_thousand_deep() -> bytes:
    kind = b'{"type":"array","items":' * 5_000 + b'"int"' + b"}" * 5_000
    text = json.dumps(record("alert", [("x", "PLACE")])).encode().replace(b'"PLACE"', kind)
    return container(text, b"\0")


@case
def brackets() -> bytes:
    return container(b"[" * 100_000, b"\0")


@case
def braces() -> bytes:
    return container(b'{"type":' * 30_000, b"\0")


@case
def deep_documentation() -> bytes:
    text = json.dumps(alert_schema()).encode()
    return container(text[:-1] + b', "doc": ' + b"[" * 950 + b"]" * 950 + b"}", b"\x0e")


@case
def long_number_in_the_schema() -> bytes:
    return container(b'{"type": "record", "name": "r", "x": ' + b"9" * 200_000 + b"}", b"\0")


@case
def doubling_names() -> bytes:
    fields: list[tuple[str, Any]] = [("r0", record("r0", [("x", "null")]))]
    for level in range(1, 100):
        uses = [("a", f"r{level - 1}"), ("b", f"r{level - 1}")]
        fields.append((f"r{level}", record(f"r{level}", uses)))
    return container(alert_schema(before=fields), b"\x0e")


@case
def doubling_names_in_unions() -> bytes:
    # The cost of a union is that of its dearest branch: here nothing adds up but the depth.
    branches: list[Any] = [record("r0", [("x", "null")])]
    for level in range(1, 100):
        below = f"r{level - 1}"
        both = [below, array(below), {"type": "map", "values": below}]
        branches.append(record(f"r{level}", [("u", both)]))
    return container(alert_schema(after=[("u", branches)]), b"\x0e" + write_long(99) + b"\0" * 99)


@case
def doubling_names_within_the_depth() -> bytes:
    branches: list[Any] = [record("r0", [("x", "null")])]
    for level in range(1, 5):
        uses = [(f"a{n}", f"r{level - 1}") for n in range(9)]
        branches.append(record(f"r{level}", uses))
    return container(alert_schema(after=[("u", branches)]), b"\x0e" + write_long(4))


@case
def ten_thousand_fields() -> bytes:
    schema = alert_schema(inside=[(f"f{n}", "int") for n in range(10_000)])
    return container(schema, b"\x0e" + bytes(10_000))


@case
def fields_up_to_the_limit() -> bytes:
    kinds = (["null", "double"], "double", "string", "long")
    fields = [(f"f{n}", kinds[n % 4] if n % 2 else kinds[0]) for n in range(600)]
    return container(alert_schema(inside=fields), b"\x0e" + bytes(10_000))


@case
def schema_of_300_kilobytes() -> bytes:
    return container(alert_schema() | {"doc": "x" * 300_000}, b"\x0e")


@case
def schema_of_250_kilobytes() -> bytes:
    fields = [(f"f{n}" + "x" * 200, "int") for n in range(1_100)]
    return container(alert_schema(inside=fields), b"\x0e" + bytes(1_100))


@case
def million_symbols() -> bytes:
    kind = {"type": "enum", "name": "e", "symbols": [f"S{n}" for n in range(10**6)]}
    return container(alert_schema(inside=[("x", kind)]), b"\x0e\0")


@case
def symbols_up_to_the_limit() -> bytes:
    kind = {"type": "enum", "name": "e", "symbols": [f"S{n}" for n in range(20_000)]}
    return container(alert_schema(inside=[("x", kind)]), b"\x0e" + write_long(19_999))


@case
def large_fixed() -> bytes:
    return head_with({"type": "fixed", "name": "f", "size": 2**60}, b"")


# -- Frames ------------------------------------------------------------------------------------


@case
def eighty_bytes_of_records() -> bytes:
    schema = b'{"type":"record","name":"r","fields":[]}'
    text = MAGIC + write_long(1) + sized(b"avro.schema") + sized(schema) + b"\0"
    return text + SYNC + write_long(2**40) + sized(b"") + SYNC


@case
def records_without_end() -> bytes:
    return container(alert_schema(), b"\x0e" * 100, count=2**40)


@case
def records_of_nothing() -> bytes:
    body = zlib.compress(bytes(10**6), wbits=-15)
    return container(record("r", [("x", "null")]), body, codec="deflate", count=10**6)


@case
def metadata_without_end() -> bytes:
    return MAGIC + write_long(2**40) + (sized(b"") + sized(b"")) * 100_000


@case
def metadata_of_negative_count() -> bytes:
    return MAGIC + write_long(-(2**63)) + write_long(-(2**63)) + bytes(1_000)


@case
def metadata_of_empty_blocks() -> bytes:
    return MAGIC + (write_long(1) + sized(b"") + sized(b"")) * 1_000_000


@case
def header_of_negative_length() -> bytes:
    return MAGIC + write_long(1) + sized(b"avro.schema") + write_long(-(2**40))


@case
def block_of_negative_size() -> bytes:
    return header(alert_schema()) + SYNC + write_long(1) + write_long(-(2**40)) + bytes(100)


@case
def block_of_huge_size() -> bytes:
    return header(alert_schema()) + SYNC + write_long(1) + write_long(2**62) + bytes(100)


@case
def block_of_negative_count() -> bytes:
    return header(alert_schema()) + SYNC + write_long(-(2**63)) + sized(b"\x0e") + SYNC


@case
def trailing_bytes_in_the_block() -> bytes:
    return container(alert_schema(), b"\x0e" + bytes(1_000))


@case
def packet_of_eight_megabytes() -> bytes:
    return container(alert_schema(after=[("x", "bytes")]), b"\x0e" + sized(bytes(8 * 2**20)))


def _deflated_zeros(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, wbits=-15)
    first = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    # After a full flush what is packed does not depend on what came before: repeat it.
    again = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + again * (megabytes - 1) + packer.flush()


@case
def deflate_bomb() -> bytes:
    return container(alert_schema(), _deflated_zeros(2_600), codec="deflate")


@case
def deflate_bomb_of_many() -> bytes:
    return container(alert_schema(), _deflated_zeros(2_600), codec="deflate", count=5)


@case
def deflate_of_many_up_to_the_limit() -> bytes:
    return container(alert_schema(), _deflated_zeros(16), codec="deflate", count=1_000)


@case
def deflate_up_to_the_limit() -> bytes:
    return container(alert_schema(), _deflated_zeros(4), codec="deflate")


@case
def snappy_bomb() -> bytes:
    # A length of 4 GB, as a snappy block begins, and copies of what was before.
    body = b"\xff\xff\xff\xff\x0f" + b"\0a" + b"\xfe\1\0" * 100_000
    return container(alert_schema(), body + bytes(4), codec="snappy")


@case
def snappy_up_to_the_limit() -> bytes:
    data = bytes(4 * 2**20)
    body = bytes(cramjam.snappy.compress_raw(data)) + zlib.crc32(data).to_bytes(4, "big")
    return container(alert_schema(), body, codec="snappy")


@case
def zstandard_bomb() -> bytes:
    body = bytes(cramjam.zstd.compress(bytes(16 * 2**20))) * 200
    return container(alert_schema(), body, codec="zstandard")


@case
def zstandard_up_to_the_limit() -> bytes:
    body = bytes(cramjam.zstd.compress(bytes(4 * 2**20)))
    return container(alert_schema(), body, codec="zstandard")


# -- Values ------------------------------------------------------------------------------------


@case
def array_of_nulls_without_end() -> bytes:
    return alert_with(array("null"), write_long(2**40) + b"\0")


@case
def array_of_nulls_of_negative_count() -> bytes:
    return alert_with(array("null"), write_long(-(2**63)) + b"\0\0")


@case
def array_of_nulls_up_to_the_limit() -> bytes:
    return alert_with(array("null"), write_long(most(1)) + b"\0")


@case
def array_of_nulls_in_many_blocks() -> bytes:
    return alert_with(array("null"), write_long(1_000) * 1_000_000 + b"\0")


@case
def array_of_empty_records() -> bytes:
    return alert_with(array(record("e", [])), write_long(2**40) + b"\0")


@case
def array_of_empty_records_up_to_the_limit() -> bytes:
    return alert_with(array(record("e", [])), write_long(most(1)) + b"\0")


@case
def array_of_records_of_null_up_to_the_limit() -> bytes:
    return alert_with(array(record("e", [("x", "null")])), write_long(most(2)) + b"\0")


@case
def array_of_records_of_text_up_to_the_limit() -> bytes:
    entry = sized("é".encode() * 8)
    items = write_long(most(2)) + entry * most(2)
    return alert_with(array(record("e", [("x", "string")])), items + b"\0")


@case
def array_of_arrays_of_nulls() -> bytes:
    return alert_with(array(array("null")), write_long(1_000) + (write_long(10**6) + b"\0") * 1_000)


@case
def array_of_empty_arrays_up_to_the_limit() -> bytes:
    return alert_with(array(array("null")), write_long(most(2)) + b"\0" * (most(2) + 1))


@case
def array_of_empty_maps_up_to_the_limit() -> bytes:
    kind = array({"type": "map", "values": "null"})
    return alert_with(kind, write_long(most(2)) + b"\0" * (most(2) + 1))


@case
def wide_records_of_null() -> bytes:
    fields = [(f"f{n}", "null") for n in range(1_000)]
    return alert_with(array(record("e", fields)), write_long(2**40) + b"\0")


@case
def wide_records_of_null_up_to_the_limit() -> bytes:
    fields = [(f"f{n}", ["null", "int"]) for n in range(99)]
    return alert_with(
        array(record("e", fields)), write_long(most(100)) + bytes(99 * most(100)) + b"\0"
    )


@case
def map_without_end() -> bytes:
    return alert_with({"type": "map", "values": "null"}, write_long(2**40) + b"\0" * 1_000)


@case
def map_up_to_the_limit() -> bytes:
    keys = b"".join(sized(b"%d" % n) for n in range(most(2)))
    return alert_with({"type": "map", "values": "null"}, write_long(most(2)) + keys + b"\0")


@case
def every_field_an_array() -> bytes:
    fields = [(f"f{n}", array("null")) for n in range(600)]
    body = b"\x0e" + (write_long(most(1)) + b"\0") * 600
    return container(alert_schema(after=fields), body)


@case
def over_long_integer() -> bytes:
    return head_with("long", b"\xff" * 1_000)


@case
def over_long_length() -> bytes:
    return head_with("string", b"\xff" * 9 + b"\1")


@case
def negative_length() -> bytes:
    return head_with("string", write_long(-(2**40)))


@case
def negative_enum_index() -> bytes:
    return head_with({"type": "enum", "name": "e", "symbols": ["A"]}, write_long(-1))


@case
def negative_union_index() -> bytes:
    return head_with(["null", "int"], write_long(-1))


@case
def string_of_four_megabytes() -> bytes:
    return head_with("string", sized(b"x" * (MAX_PACKET_BYTES - 10_000)))


@case
def foreign_string_of_four_megabytes() -> bytes:
    return head_with("string", sized("😀".encode() * (MAX_PACKET_BYTES // 4 - 10_000)))


@case
def names_of_four_megabytes() -> bytes:
    schema = alert_schema(before=[("objectId", "string")])
    return container(schema, sized(b"x" * (MAX_PACKET_BYTES - 10_000)) + b"\x0e")


@case
def long_strings_in_a_history() -> bytes:
    kind = array(record("e", [("s", "string")]))
    body = write_long(most(2)) + sized(b"x" * 2_000_000) + b"\0" * (most(2) - 1)
    return alert_with(kind, body + b"\0")


@case
def decimal_of_a_megabyte() -> bytes:
    kind = {"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2}
    return head_with(kind, sized(b"\x7f" * 2**20))


@case
def decimal_of_huge_precision() -> bytes:
    kind = {"type": "bytes", "logicalType": "decimal", "precision": 10**18, "scale": 10**17}
    return head_with(kind, sized(b"\x7f" * 64))


@case
def many_decimals() -> bytes:
    kind = {"type": "bytes", "logicalType": "decimal", "precision": 200, "scale": 2}
    return alert_with(array(kind), write_long(most(1)) + sized(b"\x7f" * 64) * most(1) + b"\0")


@case
def many_times() -> bytes:
    kind = {"type": "long", "logicalType": "timestamp-micros"}
    return alert_with(array(kind), write_long(most(1)) + write_long(2**40) * most(1) + b"\0")


@case
def times_beyond_the_calendar() -> bytes:
    kind = {"type": "long", "logicalType": "timestamp-millis"}
    return head_with(kind, write_long(2**62))


@case
def date_beyond_the_calendar() -> bytes:
    return head_with({"type": "int", "logicalType": "date"}, write_long(2**31 - 1))


@case
def absurd_numbers() -> bytes:
    alert = plainest("4.02")
    for name in ("jd", "ra", "dec", "magpsf", "rb"):
        alert["candidate"][name] = float("nan")
    alert["candidate"] |= {"jd": float("inf"), "fid": -(2**31), "rb": float("-inf")}
    alert["objectId"] = "<img src=x onerror=alert(1)>" * 1_000
    return encode(alert)


# -- Reading them ------------------------------------------------------------------------------


def _readings(data: bytes) -> Iterator[tuple[str, Callable[[], object]]]:
    """Everything that reads packets, each as a function."""
    ordinary = [encode(plainest("4.02"))] * 20
    batch = [*ordinary, data, *ordinary]

    def split() -> str:
        return f"{sum(1 for _ in iter_packets(io_of(data)))} packets"

    def shown() -> str:
        alert = decode(data)
        assert len(repr(alert)) < 500
        assert len(alert._repr_html_()) < 1_000
        return "shown"

    def columns() -> str:
        found = decode_columns(batch)
        assert len(found.rows) + len(found.errors) == len(batch)
        assert set(range(20)) <= set(found.rows.tolist())
        return f"{len(found.rows)} rows"

    def history() -> str:
        found = decode_history(batch)
        assert len(found.rows) + len(found.errors) == len(batch)
        return f"{len(found.rows)} rows"

    yield "decode", lambda: type(decode(data)).__name__
    yield "repr", shown
    yield "as_dict", lambda: f"{len(decode(data).as_dict())} fields"
    yield "decode_columns", columns
    yield "decode_history", history
    yield "iter_packets", split


def io_of(data: bytes) -> Any:
    import io  # noqa: PLC0415 - of the child only

    return io.BytesIO(data)


def _peak() -> int:
    """Return the most memory [bytes] that this process has had resident since `_forget_peak`."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _child(path: str) -> None:
    """Read a hostile file in every way; print what each took."""
    data = Path(path).read_bytes()
    good = encode(plainest("4.02"))
    for _name, read in _readings(good):
        read()
    results = []
    for name, read in _readings(data):
        _forget_peak()
        before = _peak()
        begin = time.process_time()
        result = outcome(read)
        took = 1_000 * (time.process_time() - begin)
        results.append((name, str(result)[:200], round(took, 1), _peak() - before))
    print(json.dumps(results))  # noqa: T201 - the parent reads it


@pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="measures memory as Linux tells it"
)
@pytest.mark.parametrize("name", CASES)
def test_s24_hostile_packets_end_in_decode_error(name: str, tmp_path: Path) -> None:
    """Whatever reads it, a hostile packet is read or a `DecodeError`, within 64 MB; no crash."""
    path = tmp_path / name
    path.write_bytes(CASES[name]())
    run = subprocess.run(
        [sys.executable, "-W", "ignore::ztfnb.errors.DecodeWarning", __file__, str(path)],
        capture_output=True,
        check=False,
        text=True,
        timeout=HANG,
        env={"PYTHONPATH": f"{Path(__file__).parent}:{Path(__file__).parents[1]}"},
    )
    assert run.returncode == 0, run.stderr[-2_000:]
    results = json.loads(run.stdout)
    assert len(results) == 6
    for reading, result, milliseconds, memory in results:
        print(f"{reading:15} {milliseconds:7.1f} ms {memory / 2**20:6.1f} MB  {result}")  # noqa: T201
        assert memory < MEMORY, reading


@pytest.mark.parametrize(
    "name",
    [
        "recursive_schema",
        "recursive_schema_of_arrays",
        "schema_five_thousand_deep",
        "brackets",
        "doubling_names",
        "doubling_names_in_unions",
        "ten_thousand_fields",
        "schema_of_300_kilobytes",
        "million_symbols",
        "large_fixed",
        "eighty_bytes_of_records",
        "records_without_end",
        "metadata_without_end",
        "deflate_bomb",
        "snappy_bomb",
        "zstandard_bomb",
        "over_long_integer",
        "negative_length",
        "negative_enum_index",
        "negative_union_index",
        "trailing_bytes_in_the_block",
        "decimal_of_a_megabyte",
        "times_beyond_the_calendar",
        "date_beyond_the_calendar",
        "packet_of_eight_megabytes",
    ],
)
def test_s24_hostile_packets_are_refused(name: str) -> None:
    """What no honest sender makes is refused at once, with words that a person can read."""
    with pytest.raises(DecodeError) as caught:
        decode(CASES[name]())
    assert 10 < len(str(caught.value)) < 1_000


def test_the_smallest_is_small() -> None:
    """The file that claims 2**40 records has about a hundred bytes, and takes no memory."""
    assert len(CASES["eighty_bytes_of_records"]()) < 120


def test_absurd_numbers_are_read() -> None:
    """Numbers that make no sense are the sender's business: the alert is read as it is."""
    alert = decode(CASES["absurd_numbers"]())
    assert alert.jd == float("inf")
    assert alert.band == "?"
    body = written(alert_schema(), {"candidate": {"candid": 1}})
    assert decode(container(alert_schema(), body)).jd != alert.jd


if __name__ == "__main__":
    _child(sys.argv[1])
