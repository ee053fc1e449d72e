"""Avro object container files: the frame around the records.

A ZTF packet is such a file with one record and the whole schema in its header. Headers repeat
from packet to packet, so they are recognised by their bytes and parsed once.

Reference: the Avro specification 1.11, "Object Container Files".
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

from ztfnb.binary import BadValueError, Budget, read_long, reader_of
from ztfnb.errors import DecodeError, DecodeWarning
from ztfnb.schema import MAX_SCHEMA_BYTES, SCHEMAS_KEPT, Schema, parse

MAGIC = b"Obj\x01"
SYNC_BYTES = 16
MAX_PACKET_BYTES = 4 * 1024 * 1024
"""The largest packet accepted, as it comes and inflated; real ones take 70-140 kB."""
MAX_BLOCK_BYTES = 16 * 1024 * 1024
"""The largest block of a file of many records, as it comes and inflated."""
_KEY_BYTES = 64


@dataclass(frozen=True, slots=True, eq=False)
class Header:
    """The part of a container file before its sync marker."""

    raw: bytes = field(repr=False)
    """From the magic bytes to the end of the metadata."""
    schema: Schema
    codec: str


class Frame(NamedTuple):
    """Where the one record of a packet lies."""

    header: Header
    buffer: bytes
    """Holds the record: the packet itself, or what its block inflates to."""
    start: int
    end: int


def read_frame(data: bytes) -> Frame:
    """Find the record of a container file that holds exactly one.

    Bytes after a complete first block are passed over with a `DecodeWarning` when they are no
    block of their own.

    Raises
    ------
    DecodeError
        If the bytes are no such file.
    """
    if len(data) > MAX_PACKET_BYTES:
        raise DecodeError(f"{len(data):,} bytes; a packet has at most {MAX_PACKET_BYTES:,}")
    header = read_header(data)
    position = len(header.raw)
    sync = data[position : position + SYNC_BYTES]
    try:
        count, at = read_long(data, position + SYNC_BYTES)
        size, start = read_long(data, at)
    except BadValueError as error:
        raise error.inside("block").located(0) from None
    end = start + size
    if size < 0 or end + SYNC_BYTES > len(data):
        raise DecodeError(
            f"the block claims {size:,} bytes and a sync marker of {SYNC_BYTES} where "
            f"{max(len(data) - start, 0):,} bytes are left",
            where="block",
            offset=position + SYNC_BYTES,
        )
    if data[end : end + SYNC_BYTES] != sync:
        raise DecodeError(
            "the sync marker does not follow the block: its length is wrong or it is cut",
            where="block",
            offset=end,
        )
    if count != 1:
        raise DecodeError(
            f"expected a packet of one record, got {count:,}: read a file of several with "
            "ztfnb.read",
            where="block",
            offset=position + SYNC_BYTES,
        )
    if end + SYNC_BYTES < len(data):
        _judge_trailing(data, end + SYNC_BYTES, sync)
    if header.codec == "null":
        return Frame(header, data, start, end)
    inflated = _inflate(data[start:end], header.codec, MAX_PACKET_BYTES)
    return Frame(header, inflated, 0, len(inflated))


def _judge_trailing(data: bytes, position: int, sync: bytes) -> None:
    left = len(data) - position
    if data.endswith(sync):
        raise DecodeError(
            "expected a packet of one record, got more blocks: read a file of several with "
            "ztfnb.read",
            where="block",
            offset=position,
        )
    warnings.warn(
        f"{left:,} bytes after the record were passed over: they are no Avro block",
        DecodeWarning,
        stacklevel=4,
    )


# Headers seen, by their first bytes; these hold the schema's length, so that few share them.
_headers: dict[bytes, tuple[Header, ...]] = {}
_SHARED = 8


def read_header(data: bytes) -> Header:
    """Return the header of a container file, parsed once for equal bytes.

    Raises
    ------
    DecodeError
        If the bytes do not begin with one.
    """
    for header in _headers.get(data[:_KEY_BYTES], ()):
        if data.startswith(header.raw):
            break
    else:
        header = _keep(_parse_header(data), data[:_KEY_BYTES])
    if len(data) < len(header.raw) + SYNC_BYTES:
        raise DecodeError("the data end inside the header", where="header", offset=len(data))
    return header


def _keep(header: Header, key: bytes) -> Header:
    if sum(map(len, _headers.copy().values())) >= SCHEMAS_KEPT:
        _headers.clear()
    # Replaced, never changed in place: other threads may be reading.
    _headers[key] = (header, *_headers.get(key, ())[: _SHARED - 1])
    return header


def _parse_header(data: bytes) -> Header:
    if not data.startswith(MAGIC):
        raise DecodeError(
            f"expected an Avro container file (it begins with 'Obj' and 1), got {data[:8]!r}",
            where="header",
        )
    try:
        metadata, end = _read_metadata(data)
    except BadValueError as error:
        raise error.inside("header").located(0) from None
    codec = metadata.get("avro.codec", b"null").decode("ascii", "replace")
    if codec not in _INFLATE and codec != "null":
        known = ", ".join(("null", *_INFLATE))
        raise DecodeError(f"codec {codec[:40]!r}; known are {known}", where="header")
    if "avro.schema" not in metadata:
        raise DecodeError("no schema in the header", where="header")
    return Header(data[:end], parse(metadata["avro.schema"]), codec)


def _read_metadata(data: bytes) -> tuple[dict[str, bytes], int]:
    metadata: dict[str, bytes] = {}
    position = len(MAGIC)
    entries = 0
    # The schema may take all that a header is allowed; the names and codec need little more.
    limit = min(len(data), MAX_SCHEMA_BYTES + 4096)
    while True:
        count, position = read_long(data, position)
        if count < 0:
            count = -count
            _size, position = read_long(data, position)
        if count == 0:
            return metadata, position
        entries += count
        if entries > 64:
            raise BadValueError(f"{entries:,} entries", position)
        for _ in range(count):
            parts = []
            for _part in range(2):
                size, start = read_long(data, position)
                if not 0 <= size <= limit - start:
                    reason = f"a length of {size} where {max(limit - start, 0)} bytes may follow"
                    raise BadValueError(reason, position)
                position = start + size
                parts.append(data[start:position])
            try:
                metadata[parts[0].decode()] = parts[1]
            except UnicodeDecodeError:
                raise BadValueError("a name that is not UTF-8", position) from None


def _deflate(data: bytes, limit: int) -> bytes:
    inflater = zlib.decompressobj(wbits=-15)
    result = inflater.decompress(data, limit + 1)
    if len(result) <= limit and not inflater.eof:
        raise ValueError("the compressed data are cut")
    return result


def _snappy(data: bytes, limit: int) -> bytes:
    import cramjam  # noqa: PLC0415 - of the extra `codecs`

    # Four bytes of checksum follow the compressed data.
    if cramjam.snappy.decompress_raw_len(data[:-4]) > limit:
        raise ValueError(f"it inflates to more than {limit:,} bytes")
    result = bytes(cramjam.snappy.decompress_raw(data[:-4]))
    if zlib.crc32(result) != int.from_bytes(data[-4:], "big"):
        raise ValueError("the checksum does not match")
    return result


def _zstandard(data: bytes, limit: int) -> bytes:
    import cramjam  # noqa: PLC0415 - of the extra `codecs`

    room = bytearray(limit + 1)
    return bytes(memoryview(room)[: cramjam.zstd.decompress_into(data, room)])


_INFLATE: dict[str, Callable[[bytes, int], bytes]] = {
    "deflate": _deflate,
    "snappy": _snappy,
    "zstandard": _zstandard,
}


def _inflate(data: bytes, codec: str, limit: int) -> bytes:
    try:
        result = _INFLATE[codec](data, limit)
    except ImportError:
        raise DecodeError(
            f"codec {codec} needs another library: pip install 'ztfnb[codecs]'", where="block"
        ) from None
    except Exception as error:  # noqa: BLE001 - each library raises kinds of its own
        raise DecodeError(f"bad {codec} data: {error}", where="block") from None
    if len(result) > limit:
        raise DecodeError(f"the block inflates to more than {limit:,} bytes", where="block")
    return result


def iter_packets(stream: BinaryIO) -> Iterator[bytes]:
    """Yield each record of a container file as a packet: a container file of that one record.

    The records' own bytes are not changed. A packet of a block with one record is equal to that
    part of the file; the others are framed anew, uncompressed.

    Parameters
    ----------
    stream
        A seekable binary stream at the beginning of the file.

    Raises
    ------
    DecodeError
        At the first byte that is no container file; the records before it have been yielded.
    """
    begin = stream.tell()
    header = read_header(stream.read(MAX_SCHEMA_BYTES + 4096 + SYNC_BYTES))
    stream.seek(begin + len(header.raw))
    sync = stream.read(SYNC_BYTES)
    while first := stream.read(1):
        position = stream.tell() - begin - 1
        try:
            count = _stream_long(first, stream)
            size = _stream_long(stream.read(1), stream)
        except BadValueError as error:
            raise DecodeError(error.reason, where="block", offset=position) from None
        if not 0 <= size <= MAX_BLOCK_BYTES or count < 0:
            raise DecodeError(
                f"a block of {count:,} records and {size:,} bytes; at most "
                f"{MAX_BLOCK_BYTES:,} bytes are accepted",
                where="block",
                offset=position,
            )
        block = stream.read(size)
        if stream.read(SYNC_BYTES) != sync:
            raise DecodeError(
                "the sync marker does not follow the block: its length is wrong or it is cut",
                where="block",
                offset=position,
            )
        if count == 1:
            yield frame_record(header.raw, sync, block)
        elif count > 1:
            yield from _split(header, sync, block, count)


def _stream_long(first: bytes, stream: BinaryIO) -> int:
    data = first
    while data and data[-1] >= 0x80 and len(data) < 10:
        data += stream.read(1) or b"\0"
    return read_long(data, 0)[0]


def _split(header: Header, sync: bytes, block: bytes, count: int) -> Iterator[bytes]:
    body = block if header.codec == "null" else _inflate(block, header.codec, MAX_BLOCK_BYTES)
    raw = header.raw if header.codec == "null" else make_header(header.schema.raw)
    root = header.schema.root
    if count * max(root.min_bytes, 1) > len(body):
        raise DecodeError(f"{count:,} records do not fit in {len(body):,} bytes", where="block")
    read = reader_of(root)
    start = 0
    for number in range(1, count + 1):
        try:
            _record, end = read(body, start, Budget())
        except BadValueError as error:
            raise error.located(0).inside(f"record {number} of {count}") from None
        if end == start:
            raise DecodeError("a record of no bytes", where=f"record {number} of {count}")
        yield frame_record(raw, sync, body[start:end])
        start = end
    if start != len(body):
        raise DecodeError(f"{len(body) - start:,} bytes follow the last record", where="block")


def make_header(schema: bytes) -> bytes:
    """Return the header of a container file: magic bytes, schema text, no compression."""
    entries = ((b"avro.codec", b"null"), (b"avro.schema", schema))
    body = b"".join(_sized(name) + _sized(value) for name, value in entries)
    return MAGIC + write_long(len(entries)) + body + write_long(0)


def frame_record(header: bytes, sync: bytes, block: bytes) -> bytes:
    """Return a container file of one block with one record."""
    return b"".join((header, sync, write_long(1), write_long(len(block)), block, sync))


def write_long(value: int) -> bytes:
    """Write a zig-zag variable-length integer."""
    value = (value << 1) ^ (value >> 63)
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _sized(data: bytes) -> bytes:
    return write_long(len(data)) + data
