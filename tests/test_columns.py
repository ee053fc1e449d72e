"""Columns of a batch hold exactly what its packets hold, decoded one by one."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from forging import (
    alert_schema,
    container,
    mutated,
    outcome,
    plainest,
    record,
    samples,
    sized,
    written,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from packets import needs_real_packets, real_files

from ztfnb import batch, columns
from ztfnb.alert import CORES, Alert, layout_of
from ztfnb.arrays import DTYPES, MAX_TEXT, is_scalar
from ztfnb.batch import WINDOW
from ztfnb.binary import BadValueError, read_long
from ztfnb.codec import decode, encode
from ztfnb.columns import MAX_COLUMNS, Columns, History, decode_columns, decode_history
from ztfnb.container import write_long
from ztfnb.errors import DecodeError
from ztfnb.schema import Type, ztf_schema

FOLDERS = ("night-20181128", "v1.8", "v3.3", "v4.01", "v4.02", "v4.02-no-fp-hists", "legacy")


@cache
def real_packets(pattern: str) -> list[bytes]:
    return [path.read_bytes() for path in real_files(pattern)]


def scalars(alert: Alert) -> dict[str, tuple[Type, Any]]:
    """Type and value of each field that is a column, the candidate's before the top level's."""
    core = alert.schema.root.fields[layout_of(alert.schema).head - 1].type.value
    inside = {field.name: field for field in core.fields}
    found = {
        field.name: (field.type.value, alert[field.name])
        for field in alert.schema.root.fields
        if is_scalar(field.type) and field.name not in inside
    }
    for name, field in inside.items():
        if is_scalar(field.type):
            found[name] = (field.type.value, alert.core[name])
    return found


def check_value(value: Any, column: np.ndarray, mask: np.ndarray, row: int) -> None:
    """Assert that a column's row holds a value of Python."""
    assert mask[row] == (value is None)
    held = column[row].item()
    if value is None:
        assert np.isnan(held) if column.dtype.kind == "f" else not held
    elif isinstance(value, float):
        # NaN is NaN, and -0.0 is not 0.0.
        assert repr(held) == repr(np.array(value, column.dtype).item())
    else:
        assert held == (value.rstrip("\0") if isinstance(value, str) else value)
        assert type(held) is type(value)


def check(packets: Sequence[bytes], found: Columns, fields: Iterable[str] | None = None) -> None:
    """Assert that columns equal what the packets hold one by one: rows, values, masks, errors."""
    alone = [outcome(lambda packet=packet: scalars(decode(packet))) for packet in packets]
    good = [place for place, row in enumerate(alone) if not isinstance(row, DecodeError)]
    assert found.rows.tolist() == good
    assert [place for place, _error in found.errors] == sorted(set(range(len(packets))) - set(good))
    for place, error in found.errors:
        assert str(error) == str(alone[place])
    rows: list[dict[str, tuple[Type, Any]]] = [alone[place] for place in good]
    names = {name for row in rows for name in row}
    assert set(found) == (names if fields is None else names & set(fields))
    for name in found:
        column, mask = found[name], found.mask(name)
        assert column.shape == mask.shape == (len(good),)
        kinds = {row[name][0].kind for row in rows if name in row}
        if len(kinds) == 1:
            expected = np.dtype(DTYPES[kinds.pop()])
            assert column.dtype == expected or column.dtype.kind == expected.kind == "U"
        for number, row in enumerate(rows):
            check_value(row[name][1] if name in row else None, column, mask, number)


@pytest.fixture
def no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the row decoder fail: what is then decoded, the batch decoder decoded."""

    def fail(_data: bytes) -> Alert:
        raise AssertionError("the row decoder was used")

    monkeypatch.setattr(columns, "decode", fail)


# -- Real packets ------------------------------------------------------------------------------


@needs_real_packets
@pytest.mark.parametrize("folder", [*FOLDERS, "lsst/ocf", "lsst/fink-ocf", "lsst/confluent-wire"])
def test_columns_equal_rows(folder: str) -> None:
    """Every scalar of every real packet: value, type and mask, for each kind of schema."""
    packets = real_packets(f"{folder}/*.avro")
    assert packets
    check(packets, decode_columns(packets))


@needs_real_packets
@pytest.mark.filterwarnings("ignore::ztfnb.errors.DecodeWarning")
def test_columns_of_everything_at_once_equal_rows() -> None:
    """The same for all packets of all surveys, good and malformed, shuffled into one batch."""
    packets = list(real_packets("**/*.avro"))
    random.Random(1).shuffle(packets)
    found = decode_columns(packets)
    assert len(found.rows) > 500
    assert len(found.errors) > 5
    assert len(found.rows) + len(found.errors) == len(packets)
    check(packets, found)


@needs_real_packets
@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.usefixtures("no_rows")
def test_ordinary_packets_are_decoded_as_a_batch(folder: str) -> None:
    """Real packets of every version go the quick way, all of them."""
    packets = real_packets(f"{folder}/*.avro")
    assert len(decode_columns(packets).rows) == len(packets) > 0


@pytest.mark.usefixtures("no_rows")
def test_simulated_packets_are_decoded_as_a_batch() -> None:
    """Simulated packets, the last of the samples, go the quick way too."""
    assert len(decode_columns(samples()[-4:]).rows) == 4


@needs_real_packets
def test_large_batches_are_decoded_in_parts() -> None:
    """More packets than are decoded together give the columns of all, in their order."""
    packets = real_packets("v1.8/*.avro") * 100
    found = decode_columns(packets, ["candid", "rb"])
    assert len(packets) > columns._AT_ONCE
    one = decode_columns(packets[:25], ["candid", "rb"])
    assert found["candid"].tolist() == one["candid"].tolist() * 100
    assert found.rows.tolist() == list(range(len(packets)))


@needs_real_packets
def test_fields_are_chosen() -> None:
    """Only the named fields are returned, equal to those of the whole; unknown ones are not."""
    packets = real_packets("v3.3/*.avro") + real_packets("lsst/ocf/*.avro")
    wanted = ["rb", "objectId", "jd", "nid", "psfFlux", "no such field"]
    found = decode_columns(packets, wanted)
    check(packets, found, wanted)
    assert set(found) == {"rb", "objectId", "jd", "nid", "psfFlux"}
    none = decode_columns(packets, [])
    assert not len(none)
    assert none.rows.tolist() == found.rows.tolist()


@needs_real_packets
def test_both_surveys_have_an_identifier() -> None:
    """`candid` is each row's own identifier, ZTF's or Rubin's, in one batch too."""
    packets = [*real_packets("v3.3/*.avro")[:3], *real_packets("lsst/ocf/*.avro")]
    random.Random(2).shuffle(packets)
    found = decode_columns(packets)
    assert found.candid.tolist() == [decode(packet).candid for packet in packets]
    assert found.candid.dtype == np.int64
    assert decode_columns(packets[:0]).candid.tolist() == []
    with pytest.raises(KeyError, match="candid"):
        decode_columns(packets, ["rb"]).candid  # noqa: B018 - the access is the test


def test_no_packets() -> None:
    """An empty batch has no rows, no columns and no errors."""
    found = decode_columns([])
    assert (len(found), found.rows.tolist(), found.errors) == (0, [], ())
    history = decode_history([])
    assert (len(history), history.offsets.tolist(), history.errors) == (0, [0], ())


def test_a_mask_is_of_a_column() -> None:
    """An unknown column has no mask, and a packet that is not bytes is a `TypeError`."""
    found = decode_columns([encode(plainest("4.02"))])
    assert found.mask("rb").tolist() == [True]
    assert found.mask("jd").tolist() == [False]
    with pytest.raises(KeyError):
        found.mask("nothing")
    for wrong in ("text", None, 5):
        with pytest.raises(TypeError, match="expected the bytes of a packet"):
            decode_columns([wrong])  # type: ignore[list-item]
    kinds: list[Any] = [bytearray, memoryview]
    packet = encode(plainest("4.02"))
    assert len(decode_columns([kind(packet) for kind in kinds]).rows) == 2


# -- Made packets ------------------------------------------------------------------------------


def _candidate_types(version: str) -> dict[str, Any]:
    schema: Any = ztf_schema(version)
    core = next(field["type"] for field in schema["fields"] if field["name"] == "candidate")
    return {field["name"]: field["type"] for field in core["fields"]}


_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32),
    "double": st.floats(),
    "string": st.text(max_size=8) | st.text("abc", max_size=70),
}


@st.composite
def _made(draw: st.DrawFn, version: str) -> bytes:
    """An alert with any values, and null wherever it may be, at random."""
    alert = plainest(version)
    for name, kind in _candidate_types(version).items():
        if isinstance(kind, list):
            inner = next(part for part in kind if part != "null")
            alert["candidate"][name] = draw(st.none() | _VALUES[inner])
        else:
            alert["candidate"][name] = draw(_VALUES[kind])
    alert["objectId"] = draw(_VALUES["string"])
    alert["candid"] = draw(_VALUES["long"])
    return encode(alert, version)


@settings(max_examples=40, deadline=None)
@given(st.lists(_made("4.02") | _made("3.3"), min_size=1, max_size=6))
def test_made_alerts_equal_rows(packets: list[bytes]) -> None:
    """Any values, any nulls, any text, two versions mixed: columns equal rows."""
    check(packets, decode_columns(packets))


def test_random_nulls_are_decoded_as_a_batch(no_rows: None) -> None:  # noqa: ARG001 - a switch
    """Nulls in any of the nullable fields do not need the row decoder."""
    chance = random.Random(3)
    numbers = {"int": 5, "long": 2**40, "float": 0.5, "double": 0.25, "string": "word"}
    packets = []
    for _ in range(200):
        alert = plainest("4.02")
        for name, kind in _candidate_types("4.02").items():
            inner = kind[-1] if isinstance(kind, list) else kind
            alert["candidate"][name] = numbers[inner]
            if isinstance(kind, list) and chance.random() < 0.5:
                alert["candidate"][name] = None
        packets.append(encode(alert))
    found = decode_columns(packets)
    assert not found.errors
    assert len(found.rows) == 200
    assert found["rb"][~found.mask("rb")].tolist() == [0.5] * int((~found.mask("rb")).sum())


@pytest.mark.parametrize(
    "text",
    ["", "a", "ä", "星", "\x7f", "\x80", "a\0b", "\0", "x" * 63, "x" * 64, "x" * 200]
    + ["x" * size for size in range(WINDOW - 40, WINDOW + 4, 11)]
    + ["y" * 2_000, "ü" * 1_000],
)
@pytest.mark.parametrize("name", ["objectId", "rbversion", "ssnamenr"])
def test_strings_of_every_length(name: str, text: str) -> None:
    """Empty, foreign and very long strings are columns like others, beside ordinary ones."""
    packets = []
    for value in ("plain", text, "other"):
        alert = plainest("4.02")
        (alert if name in alert else alert["candidate"])[name] = value
        alert["candidate"]["rb"] = 0.5
        packets.append(encode(alert))
    check(packets, decode_columns(packets))
    assert decode_columns(packets)[name].tolist() == ["plain", text.rstrip("\0"), "other"]


def forged(body: bytes, inside: Any = (), before: Any = (), after: Any = ()) -> bytes:
    return container(alert_schema(before, inside, after), body)


_LONGS = st.one_of(
    st.integers(-(2**63), 2**63 - 1).map(write_long),
    # Needless zero groups, up to ten bytes and beyond.
    st.tuples(st.integers(0, 2**20), st.integers(1, 10)).map(
        lambda pair: bytes(
            [*write_long(pair[0])[:-1], write_long(pair[0])[-1] | 0x80, *[0x80] * pair[1], 0]
        )
    ),
    st.binary(min_size=1, max_size=12),
    st.integers(1, 12).map(lambda size: b"\xff" * size),
    st.integers(7, 11).map(lambda size: b"\xff" * size + b"\1"),
)


@given(st.lists(_LONGS, min_size=1, max_size=8))
@settings(deadline=None)
def test_integers_of_a_batch_equal_those_read_one_by_one(items: list[bytes]) -> None:
    """Eight bytes at once or one by one: the same integers, of up to ten bytes, or an error."""
    packets = [forged(b"\x0e" + item, inside=[("x", "long")]) for item in items]
    found = decode_columns(packets)
    expected: dict[int, int] = {}
    for place, item in enumerate(items):
        try:
            value, end = read_long(item, 0)
        except BadValueError:
            continue
        if end == len(item):
            expected[place] = value
    assert found.rows.tolist() == list(expected)
    if expected:
        assert found["x"].tolist() == list(expected.values())


def test_integers_at_every_length_are_decoded_as_a_batch(
    no_rows: None,  # noqa: ARG001 - a switch
) -> None:
    """Integers of one to ten bytes in one batch need no row decoder."""
    values = [s * (2**power) - (power % 2) for power in range(63) for s in (-1, 1)]
    values += [-(2**63), 2**63 - 1]
    packets = [forged(b"\x0e" + write_long(v), inside=[("x", "long")]) for v in values]
    assert decode_columns(packets)["x"].tolist() == values


_ONE_OF_EACH = [
    ("flag", "boolean"),
    ("n", ["null", "int"]),
    ("flag2", ["boolean", "null"]),
    ("a", "float"),
    ("b", ["float", "null"]),
    ("c", ["null", "double"]),
    ("s", ["string", "null"]),
    ("l", ["null", "long"]),
    ("t", "string"),
]


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=5))
@settings(deadline=None, max_examples=300)
def test_s24_noise_in_a_batch_equals_rows(bodies: list[bytes]) -> None:
    """Any bytes as records: the batch decoder accepts what the row decoder does, and no more."""
    good = written(
        alert_schema(inside=_ONE_OF_EACH, after=[("rest", {"type": "array", "items": "int"})]),
        {"candidate": {"candid": 1, **_plain_one()}, "rest": []},
    )
    packets = [
        forged(body, inside=_ONE_OF_EACH, after=[("rest", {"type": "array", "items": "int"})])
        for body in (good, *bodies, *(good[: len(body)] + body for body in bodies), good)
    ]
    check(packets, decode_columns(packets))
    # The same where nothing may follow the candidate.
    packets = [forged(body, inside=_ONE_OF_EACH) for body in (good[:-1], good, *bodies)]
    check(packets, decode_columns(packets))


def _plain_one() -> dict[str, Any]:
    return dict.fromkeys([name for name, _kind in _ONE_OF_EACH]) | {
        "flag": True,
        "a": 1.5,
        "t": "",
    }


def test_s24_a_rejected_record_reads_no_long_strings_elsewhere() -> None:
    """A record that goes astray does not make the batch gather strings of its whole length.

    It is read on from the first record's beginning, where a candid of 100,000 looks like the
    length of a string.
    """
    names = [("x", "int"), ("s", "string"), ("t", "string")]
    good = write_long(100_000) + b"\x02" + sized(b"a") + sized(b"b")
    bad = b"\x0e" + b"\xff" * 12
    packets = [forged(body, inside=names) for body in [good, *[good, bad] * 400]]
    found = decode_columns(packets)
    assert len(found.errors) == 400
    assert found["s"].dtype.itemsize <= 4 * WINDOW
    check(packets, found)


def test_the_candidate_goes_before_the_top_level() -> None:
    """Of two fields of one name the candidate's is the column, whatever the other's nulls."""
    schema = alert_schema(before=[("x", ["null", "int"])], inside=[("x", "int")])
    packets = [
        container(schema, written(schema, {"x": outer, "candidate": {"candid": 1, "x": 5}}))
        for outer in (None, 3)
    ]
    found = decode_columns(packets)
    assert found["x"].tolist() == [5, 5]
    assert found.mask("x").tolist() == [False, False]
    check(packets, found)
    # A list in the candidate is no column, and hides the number of the same name.
    inside = [("x", {"type": "array", "items": "int"})]
    schema = alert_schema(before=[("x", "int")], inside=inside)
    value = {"x": 3, "candidate": {"candid": 1, "x": [1, 2]}}
    assert set(decode_columns([container(schema, written(schema, value))])) == {"candid"}


def test_a_nullable_candidate_is_decoded_as_a_batch(
    no_rows: None,  # noqa: ARG001 - a switch
) -> None:
    """Some brokers let the candidate, and its candid, be null; where they are not, all is well."""
    core = record("c", [("candid", ["null", "long"]), ("jd", "double")])
    schema = record("r", [("candidate", ["null", core])])
    body = written(schema, {"candidate": {"candid": 7, "jd": 2.5}})
    found = decode_columns([container(schema, body)] * 3)
    assert found.candid.tolist() == [7] * 3
    assert found["jd"].tolist() == [2.5] * 3


def test_a_missing_candidate_is_an_error() -> None:
    """Where such a candidate, or its candid, is null, the packet is among the errors."""
    core = record("c", [("candid", ["null", "long"]), ("jd", "double")])
    schema = record("r", [("candidate", ["null", core])])
    bodies = [b"\2\2\x0e" + bytes(8), b"\0", b"\2\0" + bytes(8)]
    packets = [container(schema, body) for body in bodies]
    check(packets, decode_columns(packets))
    assert [place for place, _error in decode_columns(packets).errors] == [1, 2]


def test_schemas_that_differ_in_words_share_a_plan() -> None:
    """Texts of one version are decoded together: they differ in documentation only."""
    schemas = []
    for doc in ("one", "another"):
        schema = alert_schema(inside=[("jd", "double")])
        schemas.append(schema | {"doc": doc})
    first, second = (decode(container(s, b"\x0e" + bytes(8))).schema for s in schemas)
    assert first is not second
    assert batch.plan_of(first) is batch.plan_of(second)


def test_types_that_differ_between_schemas_are_widened() -> None:
    """An int here and a double there make a double column; a number and a text make text."""
    values: list[tuple[Any, Any]] = [("int", 5), ("double", 0.5), ("float", 2.5)]
    packets = []
    for kind, value in values:
        schema = alert_schema(inside=[("x", kind)])
        packets.append(container(schema, written(schema, {"candidate": {"candid": 1, "x": value}})))
    assert decode_columns(packets)["x"].tolist() == [5.0, 0.5, 2.5]
    schema = alert_schema(inside=[("x", "string")])
    body = written(schema, {"candidate": {"candid": 1, "x": "word"}})
    mixed = decode_columns([packets[0], container(schema, body)])
    assert mixed["x"].tolist() == ["5", "word"]


# -- What would make columns beyond all measure ------------------------------------------------


def test_s24_one_long_string_does_not_widen_a_batch() -> None:
    """A string of millions of characters would take gigabytes as a column: it is an error."""
    packets = []
    for value in ("short", "x" * (MAX_TEXT + 1), "y" * 3_000_000, "z" * 2_000):
        alert = plainest("4.02")
        alert["objectId"] = value
        packets.append(encode(alert))
    found = decode_columns(packets)
    assert found.rows.tolist() == [0, 3]
    assert [place for place, _error in found.errors] == [1, 2]
    assert "strings of" in str(found.errors[0][1])
    assert found["objectId"].dtype.itemsize <= 4 * MAX_TEXT
    # It can be read one by one, and beside columns that do not hold it.
    assert len(decode(packets[2]).object_id) == 3_000_000
    assert decode_columns(packets, ["jd"]).rows.tolist() == [0, 1, 2, 3]


def test_s24_ever_new_fields_do_not_widen_a_batch() -> None:
    """Packets that each bring a thousand new fields are errors beyond a number of columns."""
    ordinary = [encode(plainest("4.02"))] * 3
    packets = list(ordinary)
    for number in range(8):
        inside = [(f"x{number}_{n}", "int") for n in range(900)]
        packets.append(forged(b"\x0e" + bytes(900), inside=inside))
    found = decode_columns([*packets[3:], *ordinary])
    assert len(found) <= MAX_COLUMNS
    assert {8, 9, 10} <= set(found.rows.tolist())
    assert found.errors
    assert [place for place, _error in found.errors] == sorted(p for p, _error in found.errors)
    assert "columns in one batch" in str(found.errors[0][1])


# -- Mutations ---------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::ztfnb.errors.DecodeWarning")
def test_s24_mutated_packets_in_a_batch_equal_rows() -> None:
    """Among good packets, mutated ones decode as they do alone, or are errors with its words."""
    chance = random.Random(42)
    originals = samples()
    for _ in range(25):
        packets = [
            mutated(packet, chance) if chance.random() < 0.7 else packet for packet in originals
        ]
        chance.shuffle(packets)
        # Text in a version where others have a number is compared elsewhere.
        check(packets, decode_columns(packets))


# -- Histories ---------------------------------------------------------------------------------


def check_history(packets: Sequence[bytes], which: str, found: History) -> None:
    """Assert that a history's columns equal the entries of each packet, one by one."""
    histories: dict[int, list[Any]] = {}
    kinds: dict[str, Type] = {}
    for place, packet in enumerate(packets):
        alert = outcome(decode, packet)
        entries = outcome(alert.get, which) if isinstance(alert, Alert) else alert
        if isinstance(entries, DecodeError):
            continue
        histories[place] = entries or []
        for field in alert.schema.root.fields:
            if field.name == which and field.type.value.items is not None:
                inside = field.type.value.items.value.fields
                kinds |= {one.name: one.type.value for one in inside if is_scalar(one.type)}
    assert found.rows.tolist() == list(histories)
    assert {place for place, _error in found.errors} == set(range(len(packets))) - set(histories)
    assert np.diff(found.offsets).tolist() == [len(entries) for entries in histories.values()]
    assert set(found) == set(kinds)
    flat = [entry for entries in histories.values() for entry in entries]
    for name in found:
        assert found[name].shape == found.mask(name).shape == (len(flat),)
        for number, entry in enumerate(flat):
            check_value(entry.get(name), found[name], found.mask(name), number)
    for row, entries in enumerate(histories.values()):
        assert all(len(part) == len(entries) for part in found.of(row).values())


@needs_real_packets
@pytest.mark.parametrize(
    ("pattern", "which"),
    [
        ("night-20181128/*.avro", "prv_candidates"),
        ("v[134]*/*.avro", "prv_candidates"),
        ("v4.0*/*.avro", "fp_hists"),
        ("lsst/*ocf/*.avro", "prvDiaSources"),
        ("lsst/*ocf/*.avro", "prvDiaForcedSources"),
    ],
)
def test_histories_equal_rows(pattern: str, which: str) -> None:
    """Every entry of every real history: value, type, mask and order; schemas shuffled."""
    packets = list(real_packets(pattern))
    random.Random(4).shuffle(packets)
    check_history(packets[:120], which, decode_history(packets[:120], which))


@needs_real_packets
def test_histories_of_chosen_fields() -> None:
    """Only the named fields, with the same offsets; a packet without history has no entries."""
    packets = [*real_packets("v4.02/*.avro"), *real_packets("v1.8/*.avro"), b"bad"]
    whole = decode_history(packets, "fp_hists")
    assert len(whole["jd"]) > 0
    # Columns are there even where no packet has an entry.
    bare = decode_history([encode(plainest("4.02"))], "fp_hists")
    assert bare["forcediffimflux"].dtype == np.float32
    assert bare.offsets.tolist() == [0, 0]
    few = decode_history(packets, "fp_hists", ["jd", "forcediffimflux", "nothing"])
    assert set(few) == {"jd", "forcediffimflux"}
    assert few.offsets.tolist() == whole.offsets.tolist()
    np.testing.assert_array_equal(few["jd"], whole["jd"])
    assert [place for place, _error in few.errors] == [len(packets) - 1]
    assert np.diff(few.offsets)[-25:].tolist() == [0] * 25


@pytest.mark.parametrize(
    "kind",
    [
        "int",
        "string",
        "bytes",
        {"type": "array", "items": "int"},
        {"type": "array", "items": {"type": "map", "values": "int"}},
        {"type": "map", "values": record("e", [("jd", "double")])},
        record("e", [("jd", "double")]),
    ],
)
def test_s24_a_history_that_is_none_is_an_error(kind: Any) -> None:
    """Where the field is no list of records, the packet is among the errors."""
    # Zero, no bytes, no items: the first bytes of any of these.
    found = decode_history([forged(b"\x0e" + bytes(8), after=[("prv_candidates", kind)])])
    assert found.rows.tolist() == []
    assert "expected a list of records" in str(found.errors[0][1])


def test_null_entries_are_left_out() -> None:
    """A list whose entries may be null counts those that are not."""
    entry = record("e", [("jd", "double")])
    kind = {"type": "array", "items": ["null", entry]}
    schema = alert_schema(after=[("prv_candidates", ["null", kind])])
    value = {"candidate": {"candid": 1}, "prv_candidates": [None, {"jd": 1.5}, None, {"jd": 2.5}]}
    found = decode_history([container(schema, written(schema, value))] * 2)
    assert found["jd"].tolist() == [1.5, 2.5] * 2
    assert found.offsets.tolist() == [0, 2, 4]


def test_s24_long_strings_do_not_widen_histories() -> None:
    """A history of many entries with one long string would take gigabytes: it is an error."""
    entry = record("e", [("s", "string")])
    schema = alert_schema(after=[("prv_candidates", {"type": "array", "items": entry})])
    packets = []
    for texts in (["a"], ["x" * (MAX_TEXT + 1)], ["x" * 1_000] + [""] * 5_000, ["b"] * 5_000):
        entries = [{"s": text} for text in texts]
        value = {"candidate": {"candid": 1}, "prv_candidates": entries}
        packets.append(container(schema, written(schema, value)))
    found = decode_history(packets)
    assert found.rows.tolist() == [0, 3]
    assert len(decode_history(packets, fields=[]).rows) == 4


def test_every_core_has_a_plan() -> None:
    """The identifiers of both surveys are read by the batch decoder."""
    for core, identity in CORES.items():
        schema = record("r", [(core, record("c", [(identity, "long")]))])
        assert batch.plan_of(decode(container(schema, b"\x0e")).schema) is not None
