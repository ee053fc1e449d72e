"""Avro's binary encoding: what fastavro writes is read equal; what it never writes is refused."""

from __future__ import annotations

import copy
import io
import itertools
import json
import math
import pickle
from datetime import UTC
from typing import Any

import fastavro
import pytest
from forging import difference, record, sized, written
from hypothesis import given
from hypothesis import strategies as st

from ztfnb.binary import (
    ITEM_COST,
    MAX_COST,
    BadValueError,
    Budget,
    Record,
    Records,
    read_long,
    reader_of,
)
from ztfnb.container import write_long
from ztfnb.schema import parse

INT64 = st.integers(-(2**63), 2**63 - 1)
EDGES = [
    sign * (2**power + step)
    for power in range(63)
    for step in (-1, 0, 1)
    for sign in (-1, 1)
    if power < 62 or step < 0
]


def read(schema: Any, data: bytes, budget: Budget | None = None) -> Any:
    """Read a record of one field ``x`` and return the field."""
    root = parse(_text(record("r", [("x", schema)]))).root
    value, end = reader_of(root)(data, 0, budget or Budget())
    assert end == len(data)
    return value["x"]


def _text(schema: Any) -> bytes:
    return json.dumps(schema).encode()


def refused(schema: Any, data: bytes) -> BadValueError:
    with pytest.raises(BadValueError) as caught:
        read(schema, data)
    return caught.value


# -- Integers ----------------------------------------------------------------------------------


@given(INT64)
def test_longs_go_round(value: int) -> None:
    """Every 64-bit integer is written as fastavro writes it, and read back."""
    data = write_long(value)
    assert data == written("long", value)
    assert read_long(b"\xff" + data + b"\xff", 1) == (value, 1 + len(data))


def test_longs_at_the_edges_go_round() -> None:
    """The same at every power of two and beside it."""
    for value in [*EDGES, -(2**63), 2**63 - 1]:
        assert read_long(write_long(value), 0) == (value, len(write_long(value)))
        assert write_long(value) == written("long", value)


@given(st.integers(0, 2**34), st.integers(1, 4))
def test_padded_longs_are_read(value: int, padding: int) -> None:
    """An integer with needless zero groups behind it is legal Avro, up to ten bytes."""
    plain = write_long(value)
    padded = bytes([*plain[:-1], plain[-1] | 0x80, *[0x80] * (padding - 1), 0])
    assert read_long(padded, 0) == (value, len(padded))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80",
        b"\xff" * 9,
        b"\xff" * 9 + b"\x02",
        b"\xff" * 10 + b"\x01",
        b"\x80" * 10 + b"\x00",
        b"\xff" * 1000,
    ],
)
def test_s24_over_long_integers_are_refused(data: bytes) -> None:
    """An integer that is cut, has more than ten bytes or more than 64 bits is an error."""
    with pytest.raises(BadValueError, match="integer"):
        read_long(data, 0)


def test_ints_have_32_bits() -> None:
    """An ``int`` at its limits is read; one beyond them is refused."""
    for value in (-(2**31), 2**31 - 1):
        assert read("int", write_long(value)) == value
    for value in (-(2**31) - 1, 2**31, 2**63 - 1):
        assert "32 bits" in refused("int", write_long(value)).reason


# -- Generated schemas -------------------------------------------------------------------------

_names = (f"name{n}" for n in itertools.count())


def _fixed(size: int) -> tuple[Any, st.SearchStrategy[Any]]:
    kind = {"type": "fixed", "name": next(_names), "size": size}
    return kind, st.binary(min_size=size, max_size=size)


def _enum(count: int) -> tuple[Any, st.SearchStrategy[Any]]:
    symbols = [f"S{n}" for n in range(count)]
    return {"type": "enum", "name": next(_names), "symbols": symbols}, st.sampled_from(symbols)


_NAMED = st.one_of(st.integers(0, 9).map(_fixed), st.integers(1, 200).map(_enum))
_LOGICAL: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (
        {"type": "long", "logicalType": "timestamp-millis"},
        st.datetimes(timezones=st.just(UTC)),
    ),
    (
        {"type": "long", "logicalType": "timestamp-micros"},
        st.datetimes(timezones=st.just(UTC)),
    ),
    ({"type": "long", "logicalType": "local-timestamp-micros"}, st.datetimes()),
    ({"type": "int", "logicalType": "date"}, st.dates()),
    ({"type": "int", "logicalType": "time-millis"}, st.times()),
    ({"type": "long", "logicalType": "time-micros"}, st.times()),
    ({"type": "string", "logicalType": "uuid"}, st.uuids()),
    (
        {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 3},
        st.decimals(-(10**9), 10**9, places=3),
    ),
    ({"type": "long", "logicalType": "of-our-own"}, INT64),
]
_PRIMITIVE: list[tuple[Any, st.SearchStrategy[Any]]] = [
    ("null", st.none()),
    ("boolean", st.booleans()),
    ("int", st.integers(-(2**31), 2**31 - 1)),
    ("long", INT64),
    ("float", st.floats(width=32)),
    ("double", st.floats()),
    ("bytes", st.binary(max_size=40)),
    ("string", st.text(max_size=40)),
]
_Typed = tuple[Any, st.SearchStrategy[Any]]


def _array(inner: _Typed) -> _Typed:
    return {"type": "array", "items": inner[0]}, st.lists(inner[1], max_size=5)


def _map(inner: _Typed) -> _Typed:
    return {"type": "map", "values": inner[0]}, st.dictionaries(st.text(max_size=5), inner[1])


def _nullable(inner: _Typed, null_first: bool) -> _Typed:
    if inner[0] == "null" or isinstance(inner[0], list):
        return inner
    kinds = ["null", inner[0]] if null_first else [inner[0], "null"]
    return kinds, st.none() | inner[1]


def _record(fields: list[_Typed]) -> _Typed:
    named = {f"f{n}": values for n, (_kind, values) in enumerate(fields)}
    schema = record(next(_names), [(f"f{n}", kind) for n, (kind, _values) in enumerate(fields)])
    return schema, st.fixed_dictionaries(named)


_leaf = st.sampled_from(_PRIMITIVE) | st.sampled_from(_LOGICAL) | _NAMED
# Nullable numbers side by side, as alerts have them, are what records are read in runs for.
_run = st.lists(
    st.tuples(st.sampled_from(_PRIMITIVE[2:6]), st.booleans()).map(lambda pair: _nullable(*pair)),
    min_size=2,
    max_size=20,
).map(_record)
_inner = st.recursive(
    _leaf | _run,
    lambda deeper: st.one_of(
        deeper.map(_array),
        deeper.map(_map),
        st.tuples(deeper, st.booleans()).map(lambda pair: _nullable(*pair)),
        st.lists(deeper, max_size=4).map(_record),
    ),
    max_leaves=12,
)
_schemas = st.lists(_inner, max_size=6).map(_record)


@given(st.data())
def test_generated_records_equal_fastavro(data: st.DataObject) -> None:
    """Values of generated schemas, written by fastavro, are read as fastavro reads them."""
    schema, values = data.draw(_schemas)
    value = data.draw(values)
    try:
        encoded = written(schema, value)
    except Exception:  # noqa: BLE001 - a date that fastavro cannot write is not our subject
        return
    expected = fastavro.schemaless_reader(io.BytesIO(encoded), fastavro.parse_schema(schema), None)
    root = parse(_text(schema)).root
    found, end = reader_of(root)(encoded, 0, Budget())
    assert end == len(encoded)
    assert not difference(found, expected)
    # Cut anywhere, it is an error and nothing else.
    for size in {0, len(encoded) // 2, len(encoded) - 1} & set(range(len(encoded))):
        with pytest.raises(BadValueError):
            reader_of(root)(encoded[:size], 0, Budget())


@given(st.data(), st.binary(max_size=60))
def test_any_bytes_read_or_are_refused(data: st.DataObject, noise: bytes) -> None:
    """Whatever the bytes, a reader gives a value inside them or `BadValueError`."""
    schema, _values = data.draw(_schemas)
    try:
        _value, end = reader_of(parse(_text(schema)).root)(noise, 0, Budget())
    except BadValueError:
        return
    assert 0 <= end <= len(noise)


def test_unions_of_many_branches() -> None:
    """The index of a union of 100 branches takes two bytes from the 65th on."""
    kinds = [record(f"r{n}", [("x", "int")]) for n in range(100)]
    for index in (0, 1, 63, 64, 65, 99):
        assert read(kinds, write_long(index) + b"\x0e") == {"x": 7}


@pytest.mark.parametrize("pattern", list(itertools.product([True, False], repeat=6)))
def test_runs_of_nullable_numbers(pattern: tuple[bool, ...]) -> None:
    """Neighbouring nullable numbers are read right whichever of them are null."""
    kinds: list[Any] = [
        ["null", "float"],
        ["double", "null"],
        ["null", "double"],
        ["null", "int"],
        ["null", "string"],
        ["null", "float"],
    ]
    values = [1.5, -2.25, math.inf, 300, "ä", 0.0]
    schema = record("r", [("jd", "double"), *((f"f{n}", kind) for n, kind in enumerate(kinds))])
    given_values = {"jd": 1e300} | {
        f"f{n}": values[n] if present else None for n, present in enumerate(pattern)
    }
    found, _end = reader_of(parse(_text(schema)).root)(written(schema, given_values), 0, Budget())
    assert not difference(found, given_values)


# -- What fastavro lets pass -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "data", "reason"),
    [
        (["null", "int"], write_long(-1), "union index -1"),
        (["null", "int"], write_long(2), "union index 2"),
        ({"type": "enum", "name": "e", "symbols": ["A", "B"]}, write_long(-1), "enum index -1"),
        ({"type": "enum", "name": "e", "symbols": ["A", "B"]}, write_long(2), "enum index 2"),
        ("boolean", b"\x02", "boolean"),
        ("boolean", b"", "boolean"),
        ("string", write_long(-1), "length of -1"),
        ("string", write_long(2**62), "bytes are left"),
        ("string", sized(b"\xff"), "UTF-8"),
        ("string", sized(b"\xed\xa0\x80"), "UTF-8"),
        ("bytes", write_long(-(2**63)), "length of"),
        ("float", b"\0\0\0", "end inside a float"),
        ("double", b"", "end inside a double"),
        ({"type": "fixed", "name": "f", "size": 3}, b"ab", "end inside a fixed"),
        ({"type": "array", "items": "null"}, write_long(2**40), "items"),
        ({"type": "array", "items": "null"}, write_long(-(2**63)) + b"\0", "items"),
        ({"type": "map", "values": "null"}, write_long(2**40), "items"),
        (
            {"type": "array", "items": record("e", [])},
            write_long(MAX_COST // (ITEM_COST + 1) + 1),
            "items",
        ),
    ],
)
def test_s24_bad_values_are_refused(schema: Any, data: bytes, reason: str) -> None:
    """A value that breaks the encoding is refused, with the reason and the field."""
    error = refused(schema, data)
    assert reason in error.reason
    assert error.path == ("x",)


def test_the_place_of_a_fault_is_told() -> None:
    """An error inside a list of records names the list, the entry and the field."""
    schema = {"type": "array", "items": record("e", [("jd", "double"), ("ok", "boolean")])}
    good = bytes(8) + b"\1"
    error = refused(schema, write_long(3) + good + good + bytes(8) + b"\7").located(0)
    assert error.where == "x[2].ok"
    assert error.offset == 1 + 9 + 9 + 8


def test_blocks_of_negative_count() -> None:
    """An array's block may give its size in bytes behind a negative count; both forms are read."""
    data = write_long(-2) + write_long(2) + b"\2\4" + write_long(1) + b"\6" + b"\0"
    assert read({"type": "array", "items": "int"}, data) == [1, 2, 3]


def test_s24_many_small_blocks_share_one_budget() -> None:
    """What one record may hold is counted over all its arrays and blocks together."""
    data = (write_long(1_000)) * (MAX_COST // (9 * 1_000) + 1) + b"\0"
    assert "items" in refused({"type": "array", "items": "null"}, data).reason


@pytest.mark.parametrize(
    ("schema", "data"),
    [
        ({"type": "long", "logicalType": "timestamp-millis"}, write_long(2**62)),
        ({"type": "long", "logicalType": "timestamp-micros"}, write_long(-(2**63))),
        ({"type": "int", "logicalType": "date"}, write_long(2**31 - 1)),
        ({"type": "int", "logicalType": "time-millis"}, write_long(-(2**31))),
        ({"type": "string", "logicalType": "uuid"}, sized(b"no uuid")),
        (
            {"type": "bytes", "logicalType": "decimal", "precision": 10**18 + 1, "scale": 10**18},
            sized(b"\1"),
        ),
        ({"type": "bytes", "logicalType": "decimal", "precision": 4}, sized(b"\x7f" * 2**20)),
    ],
)
def test_s24_absurd_logical_values_are_refused(schema: Any, data: bytes) -> None:
    """Dates, times and decimals that Python cannot hold are errors, found in no time."""
    refused(schema, data)


# -- Records and lists -------------------------------------------------------------------------


def test_records_cannot_be_changed() -> None:
    """Every method and operator of a dictionary that changes it raises `TypeError`."""
    one = Record({"a": 1, "b": 2})
    attempts: list[Any] = [
        lambda: one.__setitem__("a", 2),
        lambda: one.__delitem__("a"),
        lambda: one.__ior__({"c": 3}),
        lambda: setattr(one, "a", 2),
        one.clear,
        one.popitem,
        lambda: one.pop("a"),
        lambda: one.setdefault("c", 3),
        lambda: one.update(c=3),
    ]
    for attempt in attempts:
        with pytest.raises(TypeError, match="cannot be changed"):
            attempt()
    with pytest.raises((TypeError, AttributeError)):
        del one.a
    assert one == {"a": 1, "b": 2}
    mutators = {"clear", "pop", "popitem", "setdefault", "update"}
    assert {name for name in dir(dict) if not name.startswith("_")} - mutators == {
        "copy",
        "fromkeys",
        "get",
        "items",
        "keys",
        "values",
    }


def test_lists_cannot_be_changed() -> None:
    """Every method and operator of a list that changes it raises `TypeError`."""
    one = Records([3, 1, 2])
    attempts: list[Any] = [
        lambda: one.__setitem__(0, 9),
        lambda: one.__delitem__(0),
        lambda: one.__iadd__([4]),
        lambda: one.__imul__(2),
        lambda: one.append(4),
        lambda: one.extend([4]),
        lambda: one.insert(0, 4),
        lambda: one.remove(3),
        one.clear,
        one.pop,
        one.reverse,
        one.sort,
    ]
    for attempt in attempts:
        with pytest.raises(TypeError, match="cannot be changed"):
            attempt()
    assert one == [3, 1, 2]
    assert {name for name in dir(list) if not name.startswith("_")} == {
        *("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"),
        *("copy", "count", "index"),
    }


def test_copies() -> None:
    """``dict(r)`` and ``r.copy()`` may be changed; copy, deepcopy and pickle give equal records."""
    one = Record({"a": Records([Record({"b": 1})])})
    for plain in (dict(one), one.copy()):
        plain["c"] = 1
        assert type(plain) is dict
    pickled = pickle.loads(pickle.dumps(one))  # noqa: S301 - our own
    for same in (copy.copy(one), copy.deepcopy(one), pickled):
        assert same == one
        assert type(same) is Record
        assert type(same["a"]) is Records
        assert type(same["a"][0]) is Record


def test_fields_are_attributes() -> None:
    """Fields are reached and listed as attributes; an unknown one is told with those there are."""
    one = Record({"rb": 0.5, "keys": 1})
    assert one.rb == 0.5
    assert "rb" in dir(one)
    assert list(one.keys()) == ["rb", "keys"]
    with pytest.raises(AttributeError, match="no field 'rbb'; it has rb, keys"):
        one.rbb  # noqa: B018 - the access is the test
    assert not hasattr(one, "drb")
