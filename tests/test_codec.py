"""Every packet reads as fastavro reads it, and every alert written reads back."""

from __future__ import annotations

import copy
import io
import random
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pytest
from forging import by_fastavro, difference, mutated, outcome, plainest, samples
from hypothesis import given
from hypothesis import strategies as st
from packets import ALERTS, needs_real_packets, real_files

from ztfnb.alert import Alert
from ztfnb.codec import CONFLUENT_HEAD, decode, encode
from ztfnb.container import MAX_PACKET_BYTES, read_frame
from ztfnb.errors import DecodeError, DecodeWarning, EncodeError
from ztfnb.schema import lsst_schema

FOLDERS = (
    "night-20181128",
    "v1.8",
    "v3.3",
    "v4.01",
    "v4.02",
    "v4.02-no-fp-hists",
    "legacy",
    "lsst/ocf",
    "lsst/fink-ocf",
)
HELD = range(700, 1101)


def confluent_id(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[1:CONFLUENT_HEAD], "big")


# -- Real packets ------------------------------------------------------------------------------


@needs_real_packets
@pytest.mark.parametrize("folder", FOLDERS)
def test_real_packets_equal_fastavro(folder: str) -> None:
    """Every packet equals what fastavro gives: values, types, key order, NaN."""
    paths = real_files(f"{folder}/*.avro")
    assert paths
    for path in paths:
        data = path.read_bytes()
        expected = by_fastavro(data)
        alert = decode(data)
        assert not difference(alert.as_dict(), expected), path
        assert not difference(dict(alert), expected), path
        # From the last field to the first: the order of access changes nothing.
        backwards = {name: decode(data)[name] for name in reversed(list(expected))}
        assert not difference({name: backwards[name] for name in expected}, expected), path


@needs_real_packets
@pytest.mark.parametrize(
    "path", real_files("lsst/confluent-wire/*.avro"), ids=lambda path: path.name
)
def test_confluent_packets_equal_fastavro(path: Path) -> None:
    """Rubin's packets equal what fastavro reads with the schema held; unknown ids are refused."""
    data = path.read_bytes()
    identity = confluent_id(path)
    if identity not in HELD:
        assert identity in {100, 1101, 12345}
        with pytest.raises(DecodeError, match=f"written with Rubin schema id {identity} "):
            decode(data)
        return
    schema = fastavro.schema.load_schema(
        str(Path(__file__).parents[1] / f"schemas/lsst/{identity // 100}.{identity % 100}.avsc")
    )
    expected = fastavro.schemaless_reader(io.BytesIO(data[CONFLUENT_HEAD:]), schema, None)
    assert not difference(decode(data).as_dict(), expected)
    assert decode(data).schema is lsst_schema(identity)


@needs_real_packets
def test_malformed_packets_are_refused() -> None:
    """Each malformed packet is refused with a reason; the one with trailing bytes is read."""
    paths = real_files("malformed/*.avro")
    reasons: dict[str, DecodeError] = {}
    for path in paths:
        if path.name == "schema_4.02.avro":
            with pytest.warns(DecodeWarning, match="84,660 bytes after the record"):
                alert = decode(path.read_bytes())
            assert not difference(alert.as_dict(), by_fastavro(path.read_bytes()))
            continue
        with pytest.raises(DecodeError) as caught:
            decode(path.read_bytes())
        reasons[path.name] = caught.value
    assert {error.where for error in reasons.values()} == {"block", "schema"}
    assert len(reasons) == len(paths) - 1 == 7


@needs_real_packets
def test_no_other_file_is_an_alert() -> None:
    """A table, a tarball, a file of many: each is refused with words that say what to do."""
    others = {
        "PROVENANCE.csv": "expected an Avro container file",
        "tarball/ztf_public_20180819_mod1000.tar.gz": "expected an Avro container file",
        "multi-record/avro_multi_alerts.avro": r"read a file of several with ztfnb\.read",
    }
    for name, words in others.items():
        with pytest.raises(DecodeError, match=words):
            decode((ALERTS / name).read_bytes())


def test_what_is_not_bytes_is_a_type_error() -> None:
    """Text, numbers and None are no packets, and are told so by their type."""
    for wrong in ("text", None, 5, 10**12, [1, 2], object(), io.BytesIO()):
        with pytest.raises(TypeError, match=f"the bytes of a packet, got {type(wrong).__name__}"):
            decode(wrong)  # type: ignore[arg-type]


@given(st.binary(max_size=300))
def test_noise_is_refused(noise: bytes) -> None:
    """Any bytes at all give a `DecodeError`, with or without a good beginning."""
    for beginning in (b"", b"Obj\x01", b"\0", b"\0\0\0\x02\xc0", b"\0\0\0\x03\x84"):
        assert isinstance(outcome(decode, beginning + noise), DecodeError | Alert)


# -- Mutations ---------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::ztfnb.errors.DecodeWarning")
def test_s24_mutated_packets_read_as_fastavro_or_are_refused() -> None:
    """A packet with bytes changed, lost or added is read as fastavro reads it, or refused."""
    chance = random.Random(24)
    refused = read = 0
    for _ in range(60 if ALERTS.is_dir() else 400):
        for data in samples():
            packet = mutated(data, chance)
            found = outcome(lambda packet=packet: decode(packet).as_dict())
            if isinstance(found, DecodeError):
                refused += 1
                continue
            read += 1
            if packet[:1] == b"O":
                assert not difference(found, by_fastavro(packet))
    assert refused > 100
    assert read > 100


# -- Writing -----------------------------------------------------------------------------------


@needs_real_packets
@pytest.mark.parametrize(
    ("pattern", "version"), [("v3.3/*.avro", "3.3"), ("v4.0[12]/*.avro", "4.02")]
)
def test_real_alerts_go_round(pattern: str, version: str) -> None:
    """A real alert, written again, has equal values, for us and for fastavro; equal bytes twice."""
    paths = real_files(pattern)
    assert paths
    for path in paths:
        alert = decode(path.read_bytes())
        packet = encode(alert, version)
        expected = alert.as_dict()
        assert not difference(decode(packet).as_dict(), expected)
        assert not difference(by_fastavro(packet), expected)
        assert encode(expected, version) == packet == encode(copy.deepcopy(expected), version)


@pytest.mark.parametrize("version", ["3.3", "4.02"])
def test_absent_fields_take_their_defaults(version: str) -> None:
    """What may be null may be absent; what may not be null may not, and is named."""
    whole = plainest(version)
    full = decode(encode(whole, version))
    sparse = {name: value for name, value in whole.items() if value is not None}
    sparse["candidate"] = {k: v for k, v in whole["candidate"].items() if v is not None}
    assert decode(encode(sparse, version)) == full
    for name in ("objectId", "candidate"):
        with pytest.raises(EncodeError, match=name):
            encode({key: value for key, value in sparse.items() if key != name}, version)


def test_written_header_is_clean() -> None:
    """The schema in the header is the one shipped, without what fastavro keeps in it."""
    raw = read_frame(encode(plainest("4.02"))).header.schema.raw
    assert b"__" not in raw
    assert len(raw) < 64 * 1024


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("candidate.fid", None),
        ("candidate.fid", "1"),
        ("candidate.fid", 1.5),
        ("candidate.fid", 2**31),
        ("candidate.fid", -(2**40)),
        ("candidate.pid", 2**63),
        ("candidate.jd", "x"),
        ("candidate.jd", "2458450.5"),
        ("candidate.jd", None),
        ("candidate.magpsf", 1e300),
        ("candidate.rb", -1e300),
        ("candidate.rb", "good"),
        ("candidate.nid", 2**31),
        ("candidate.tblid", 2**63),
        ("candidate.isdiffpos", 1),
        ("candidate", None),
        ("candidate", [1]),
        ("objectId", 5),
        ("objectId", b"ZTF"),
        ("objectId", "\ud800"),
        ("objectId", "x" * MAX_PACKET_BYTES),
        ("candid", 1.5),
        ("prv_candidates", 5),
        ("prv_candidates", [{}]),
        ("cutoutScience", b"x"),
        ("cutoutScience", {"fileName": "x", "stampData": "text"}),
    ],
)
def test_bad_values_are_refused(path: str, value: Any) -> None:
    """A value of the wrong type or out of range is an `EncodeError`; nothing is changed quietly."""
    alert = plainest("4.02")
    inside: Any = alert
    *outer, last = path.split(".")
    for name in outer:
        inside = inside[name]
    inside[last] = value
    with pytest.raises(EncodeError) as caught:
        encode(alert)
    assert len(str(caught.value)) < 1_000


def test_a_bad_value_is_named() -> None:
    """The error says which field, what came, and what it would have become."""
    alert = plainest("4.02")
    alert["candidate"]["fid"] = 1.5
    with pytest.raises(EncodeError, match=r"schema 4\.02: candidate\.fid: 1\.5 would become 1"):
        encode(alert)
    alert["candidate"]["fid"] = 2**40
    with pytest.raises(EncodeError, match=r"candidate\.fid: 1099511627776 does not fit in 32"):
        encode(alert)


def test_numbers_of_numpy_are_numbers() -> None:
    """NumPy's scalars, NaN and infinity are written as what they are."""
    alert = plainest("4.02")
    core = alert["candidate"]
    core["fid"] = np.int32(3)
    core["rb"] = np.float32(0.1)
    core["magpsf"] = np.float64(0.1)
    core["ra"] = float("inf")
    core["drb"] = float("nan")
    found = decode(encode(alert)).candidate
    assert (found.fid, found.rb, found.ra) == (3, float(np.float32(0.1)), float("inf"))
    assert found.magpsf == float(np.float32(0.1))
    assert found.drb != found.drb


@pytest.mark.parametrize("version", ["4.01", "", "..", "3"])
def test_unknown_versions_are_refused(version: str) -> None:
    """A version that is not shipped is an `EncodeError` that lists those that are."""
    with pytest.raises(EncodeError, match=r"3\.3, 4\.02"):
        encode({}, version)
