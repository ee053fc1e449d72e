"""The frame around records: what is a container file is read, and what is not is refused."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from typing import Any

import cramjam
import fastavro
import pytest
from forging import SYNC, alert_schema, by_fastavro, container, difference, header, sized, written
from hypothesis import given
from hypothesis import strategies as st
from packets import needs_real_packets, real_files

from ztfnb.codec import decode
from ztfnb.container import (
    MAGIC,
    MAX_BLOCK_BYTES,
    MAX_PACKET_BYTES,
    _headers,
    frame_record,
    iter_packets,
    make_header,
    read_frame,
    read_header,
    write_long,
)
from ztfnb.errors import DecodeError, DecodeWarning
from ztfnb.schema import MAX_SCHEMA_BYTES, SCHEMAS_KEPT

SCHEMA = alert_schema(before=[("objectId", "string")])
VALUE = {"objectId": "ZTF18abc", "candidate": {"candid": 5}}
BODY = written(SCHEMA, VALUE)
GOOD = container(SCHEMA, BODY)


def _deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def _snappy(data: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(data)) + zlib.crc32(data).to_bytes(4, "big")


def _zstandard(data: bytes) -> bytes:
    return bytes(cramjam.zstd.compress(data))


PACK: dict[str, Callable[[bytes], bytes]] = {
    "null": lambda data: data,
    "deflate": _deflate,
    "snappy": _snappy,
    "zstandard": _zstandard,
}
COMPRESSED = [name for name in PACK if name != "null"]


def refused(data: bytes, reason: str) -> DecodeError:
    with pytest.raises(DecodeError, match=reason) as caught:
        read_frame(data)
    assert len(str(caught.value)) < 2_000
    return caught.value


# -- One packet --------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", PACK)
def test_every_codec_is_read(codec: str) -> None:
    """A packet's record is found whichever codec its block is packed with."""
    packet = container(SCHEMA, PACK[codec](BODY), codec=codec)
    frame = read_frame(packet)
    assert frame.buffer[frame.start : frame.end] == BODY
    assert frame.header.codec == codec
    assert decode(packet) == VALUE


@pytest.mark.parametrize("codec", COMPRESSED)
@given(noise=st.binary(max_size=200))
def test_packed_noise_is_refused(codec: str, noise: bytes) -> None:
    """Bytes that a codec cannot unpack are a `DecodeError`, whatever its library raises."""
    try:
        read_frame(container(SCHEMA, noise, codec=codec))
    except DecodeError as error:
        assert error.where == "block"  # noqa: PT017 - noise may be valid by chance


@pytest.mark.parametrize("codec", COMPRESSED)
def test_cut_compressed_data_are_refused(codec: str) -> None:
    """A compressed block that is cut is refused, not read as far as it goes."""
    for size in (0, 1, len(PACK[codec](BODY)) // 2, len(PACK[codec](BODY)) - 1):
        refused(container(SCHEMA, PACK[codec](BODY)[:size], codec=codec), codec)


def test_every_cut_is_refused() -> None:
    """A packet cut after any of its bytes is a `DecodeError` that tells where."""
    for size in range(len(GOOD)):
        error = refused(GOOD[:size], "expected|end|claims|follow")
        assert error.offset is None or error.offset <= size


def test_trailing_bytes_are_told() -> None:
    """Bytes behind a complete record are passed over, with a warning; more blocks are refused."""
    with pytest.warns(DecodeWarning, match="7 bytes after the record"):
        frame = read_frame(GOOD + b"garbage")
    assert frame.buffer[frame.start : frame.end] == BODY
    block = write_long(1) + sized(BODY) + SYNC
    refused(GOOD + block, r"more blocks: read a file of several with ztfnb\.read")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "expected an Avro container file"),
        (b"Obj\x02", "expected an Avro container file"),
        (b'{"objectId": "x"}', "expected an Avro container file"),
        (b"\x1f\x8b\x08\x00" * 10, "expected an Avro container file"),
        (MAGIC, "the data end"),
        (MAGIC + write_long(2**40), "1,099,511,627,776 entries"),
        (MAGIC + (write_long(1) + sized(b"a") + sized(b"b")) * 100, "65 entries"),
        (
            MAGIC + write_long(99) + b"".join(sized(b"%d" % n) + sized(b"") for n in range(99)),
            "99 entries",
        ),
        (MAGIC + write_long(1) + write_long(-5), "a length of -5"),
        (MAGIC + write_long(1) + write_long(2**62), "a length of"),
        (MAGIC + write_long(-(2**63)) + b"\0", "entries"),
        (MAGIC + b"\0" + SYNC, "no schema"),
        (header(SCHEMA, "xz") + SYNC, "codec 'xz'; known are null, deflate, snappy, zstandard"),
        (header(SCHEMA), "data end inside the header"),
        (header(b"{") + SYNC, "not JSON"),
        (container(SCHEMA, BODY, count=0), "one record, got 0"),
        (container(SCHEMA, BODY, count=-1), "one record, got -1"),
        (container(SCHEMA, BODY, count=2), "one record, got 2"),
        (container(SCHEMA, BODY, count=2**40), "one record"),
        (header(SCHEMA) + SYNC + write_long(1) + write_long(-5) + SYNC, "claims -5 bytes"),
        (header(SCHEMA) + SYNC + write_long(1) + write_long(2**62), "claims"),
        (header(SCHEMA) + SYNC + b"\xff" * 20, "64 bits"),
        (GOOD[:-1] + b"?", "sync marker does not follow"),
        (bytes(MAX_PACKET_BYTES + 1), "at most"),
    ],
)
def test_s24_bad_frames_are_refused(data: bytes, reason: str) -> None:
    """Magic bytes, metadata, block and sync marker must be right; what is not is named."""
    refused(data, reason)


def test_metadata_may_come_in_blocks() -> None:
    """Metadata in several blocks, with sizes behind negative counts, are legal Avro."""
    text = header(SCHEMA)[len(MAGIC) :]
    entry = sized(b"made.by") + sized(b"hand")
    blocks = write_long(-1) + write_long(len(entry)) + entry
    packet = MAGIC + blocks + text + SYNC + write_long(1) + sized(BODY) + SYNC
    assert not difference(decode(packet).as_dict(), by_fastavro(packet))


# -- The cache of headers ----------------------------------------------------------------------


def test_headers_are_parsed_once() -> None:
    """Equal headers give one object; headers that differ behind their first bytes stay apart."""
    assert read_header(GOOD) is read_header(container(SCHEMA, BODY))
    other = alert_schema(before=[("objectIe", "string")])
    same_beginning = container(other, BODY)
    assert same_beginning[:64] == GOOD[:64]
    for _ in range(2):
        assert decode(GOOD)["objectId"] == decode(same_beginning)["objectIe"] == "ZTF18abc"


def test_header_cache_is_bounded() -> None:
    """Ever new headers, alike in their beginning or not, leave a bounded number behind."""
    for number in range(3 * SCHEMAS_KEPT):
        name = f"f{number:05}" * (1 + number % 7)
        read_header(container(alert_schema(before=[(name, "int")]), b"\0\0"))
        assert sum(map(len, _headers.values())) <= SCHEMAS_KEPT
    assert read_header(GOOD) is read_header(GOOD)


def test_what_is_made_is_read() -> None:
    """`make_header` and `frame_record` make what `read_frame` and fastavro read."""
    packet = frame_record(make_header(read_header(GOOD).schema.raw), SYNC, BODY)
    assert by_fastavro(packet) == VALUE
    assert decode(packet) == VALUE


# -- Files of many -----------------------------------------------------------------------------


def _file(blocks: list[list[dict[str, Any]]], codec: str) -> bytes:
    out = [header(SCHEMA, codec), SYNC]
    for block in blocks:
        body = PACK[codec](b"".join(written(SCHEMA, value) for value in block))
        out += [write_long(len(block)), sized(body), SYNC]
    return b"".join(out)


def _values(count: int) -> list[dict[str, Any]]:
    return [{"objectId": "x" * (n % 9), "candidate": {"candid": n}} for n in range(count)]


@pytest.mark.parametrize("codec", PACK)
def test_files_of_many_are_split(codec: str) -> None:
    """Each record of each block comes out as a packet of its own, in order."""
    values = _values(20)
    data = _file([values[:1], [], values[1:4], values[4:5], values[5:]], codec)
    packets = list(iter_packets(io.BytesIO(data)))
    assert [decode(packet).as_dict() for packet in packets] == values
    if codec != "zstandard":  # for which fastavro wants another library
        assert [by_fastavro(packet) for packet in packets] == values


def test_records_are_not_rewritten() -> None:
    """Splitting copies the records' bytes: joined, they are the block again."""
    body = b"\x80\x00" + BODY[1:]  # an empty name, by a padded integer that no writer makes
    body = body[:2] + BODY[1 + len("ZTF18abc") :]
    packets = list(iter_packets(io.BytesIO(container(SCHEMA, BODY + body, count=2))))
    frames = [read_frame(packet) for packet in packets]
    assert b"".join(f.buffer[f.start : f.end] for f in frames) == BODY + body


def test_a_file_is_read_from_where_the_stream_stands() -> None:
    """A stream that is not at its beginning is read from its position on."""
    stream = io.BytesIO(b"something before" + GOOD)
    stream.seek(len(b"something before"))
    assert [decode(packet) for packet in iter_packets(stream)] == [VALUE]


@pytest.mark.parametrize(
    ("tail", "reason"),
    [
        (b"garbage", "block|sync|integer"),
        (write_long(1), "end inside an integer"),
        (write_long(1) + sized(BODY), "sync marker"),
        (write_long(1) + sized(BODY) + SYNC[:-1] + b"?", "sync marker"),
        (write_long(-1) + sized(BODY) + SYNC, "block of -1 records"),
        (write_long(1) + write_long(-1), "-1 bytes"),
        (write_long(1) + write_long(MAX_BLOCK_BYTES + 1), "accepted"),
        (write_long(1) + write_long(2**62), "accepted"),
        (b"\xff" * 30, "64 bits"),
        (write_long(2**40) + sized(b"") + SYNC, "do not fit in 0 bytes"),
        (write_long(2**40) + sized(BODY) + SYNC, "do not fit"),
        (write_long(3) + sized(BODY + BODY) + SYNC, "record 3 of 3"),
        (write_long(2) + sized(BODY + BODY + b"\0") + SYNC, "1 bytes follow the last record"),
    ],
)
def test_s24_damage_comes_after_what_is_good(tail: bytes, reason: str) -> None:
    """Records before the damage are yielded; then a `DecodeError` says what is wrong."""
    packets = iter_packets(io.BytesIO(GOOD + tail))
    assert decode(next(packets)) == VALUE
    with pytest.raises(DecodeError, match=reason):
        list(packets)


def test_s24_records_of_no_bytes_are_refused() -> None:
    """A million records that take no bytes at all do not become a million packets."""
    schema = {"type": "record", "name": "r", "fields": [{"name": "x", "type": "null"}]}
    body = _deflate(bytes(10**6))
    with pytest.raises(DecodeError, match="no bytes"):
        list(iter_packets(io.BytesIO(container(schema, body, codec="deflate", count=10**6))))


@pytest.mark.parametrize("data", [b"", b"Obj", MAGIC, GOOD[:100], header(SCHEMA), b"\0" * 5_000])
def test_what_is_no_file_is_refused(data: bytes) -> None:
    """A stream that does not begin with a whole header is a `DecodeError`."""
    with pytest.raises(DecodeError):
        list(iter_packets(io.BytesIO(data)))


@needs_real_packets
@pytest.mark.parametrize("path", real_files("multi-record/*.avro"), ids=lambda path: path.name)
def test_real_files_of_many_equal_fastavro(path: Any) -> None:
    """Every record of every real file comes out equal to what fastavro gives."""
    with path.open("rb") as stream:
        packets = list(iter_packets(stream))
    with path.open("rb") as stream:
        records = list(fastavro.reader(stream))
    assert len(packets) == len(records) > 0
    for packet, expected in zip(packets, records, strict=True):
        assert not difference(decode(packet).as_dict(), expected)
        assert not difference(by_fastavro(packet), expected)


@needs_real_packets
def test_a_packet_of_one_record_comes_out_unchanged() -> None:
    """Reading a packet as a file yields its own bytes."""
    for path in real_files("v*/*.avro")[::10]:
        data = path.read_bytes()
        assert list(iter_packets(io.BytesIO(data))) == [data]


def test_the_largest_header_is_read() -> None:
    """A header as large as is accepted is read from a stream as well as from memory."""
    padded = b" " * (MAX_SCHEMA_BYTES - len(read_header(GOOD).schema.raw))
    data = container(read_header(GOOD).schema.raw + padded, BODY)
    assert decode(data) == VALUE
    assert [decode(packet) for packet in iter_packets(io.BytesIO(data))] == [VALUE]
    with pytest.raises(DecodeError, match="schema of"):
        decode(container(read_header(GOOD).schema.raw + padded + b" ", BODY))
