"""Schemas are parsed within limits, resolved as Avro says, and kept by their bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from forging import alert_schema, outcome, record
from packets import needs_real_packets, real_files

from ztfnb.container import read_header
from ztfnb.errors import DecodeError
from ztfnb.schema import (
    MAX_DEPTH,
    MAX_LEAVES,
    MAX_NODES,
    MAX_SCHEMA_BYTES,
    SCHEMAS_KEPT,
    Type,
    lsst_schema,
    parse,
    schema_files,
    ztf_schema,
)


def text(schema: Any) -> bytes:
    return json.dumps(schema).encode()


def refused(schema: Any) -> str:
    with pytest.raises(DecodeError) as caught:
        parse(schema if isinstance(schema, bytes) else text(schema))
    assert caught.value.where.startswith("schema")
    # It may hold no more of a hostile schema than a person can read.
    assert len(str(caught.value)) < 2_000
    return caught.value.reason


def field_type(schema: Any, name: str = "x") -> Type:
    return next(field.type for field in parse(text(schema)).root.fields if field.name == name)


def test_names_are_followed() -> None:
    """A named type used again, in its namespace or out of it, is the type that was defined."""
    inner = {**record("inner", [("a", "int")]), "namespace": "deep"}
    schema = record(
        "top", [("first", inner), ("x", "deep.inner"), ("y", ["null", "deep.inner"])]
    ) | {"namespace": "outer"}
    root = parse(text(schema)).root
    assert root.name == "outer.top"
    first, again, nullable = (field.type for field in root.fields)
    assert again is first
    assert nullable.value is first
    assert first.name == "deep.inner"


def test_nullable_types_are_seen_through() -> None:
    """``value`` is the other branch of a union with null, in either order, and nothing else."""
    assert field_type(record("r", [("x", ["null", "float"])])).value.kind == "float"
    assert field_type(record("r", [("x", ["float", "null"])])).value.kind == "float"
    for other in (["float"], ["null"], ["null", "int", "float"], ["int", "float"]):
        kind = field_type(record("r", [("x", other)]))
        assert kind.value is kind


def test_logical_types_reach_every_use() -> None:
    """A fixed type with a logical type keeps it where it is used by its name."""
    money = {"type": "fixed", "name": "m", "size": 4, "logicalType": "decimal", "precision": 5}
    schema = record("r", [("first", money), ("x", "m")])
    assert (field_type(schema).logical or {})["precision"] == 5


def test_costs_are_counted() -> None:
    """``leaves`` counts values with arrays empty, and ``min_bytes`` the shortest encoding."""
    pair = record("pair", [("a", "double"), ("b", ["null", "float"])])
    root = parse(text(record("r", [("p", pair), ("q", "pair"), ("l", _list("pair"))]))).root
    assert root.fields[0].type.leaves == 3
    assert root.leaves == 1 + 3 + 3 + 4
    assert root.min_bytes == 2 * (8 + 1) + 1
    assert root.height == 1 + 1 + 2


def _list(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


@pytest.mark.parametrize(
    "schema",
    [
        b"",
        b"\xff\xfe\x00",
        b"{",
        b"null",
        b"5",
        b'"string"',
        b'["null"]',
        b"[" * 100_000,
        b'{"type":' * 20_000,
        b"9" * 200_000,
        text({"type": "record"}),
        text({"type": "record", "name": "r"}),
        text({"type": "record", "name": "", "fields": []}),
        text({"type": "record", "name": 5, "fields": []}),
        text({"type": "record", "name": "r", "fields": 5}),
        text({"type": "record", "name": "r", "fields": [5]}),
        text({"type": "record", "name": "r", "fields": [{"name": "x"}]}),
        text({"type": "record", "name": "r", "fields": [{"type": "int"}]}),
        text({"type": "record", "name": "r", "namespace": [], "fields": []}),
        text({"type": "array", "items": "int"}),
        text(record("r", [("x", "nonsense")])),
        text(record("r", [("x", [])])),
        text(record("r", [("x", "int"), ("x", "int")])),
        text(record("r", [("x", {"type": "enum", "name": "e"})])),
        text(record("r", [("x", {"type": "enum", "name": "e", "symbols": [5]})])),
        text(record("r", [("x", {"type": "fixed", "name": "f", "size": -1})])),
        text(record("r", [("x", {"type": "fixed", "name": "f", "size": 2**62})])),
        text(record("r", [("x", {"type": "fixed", "name": "f", "size": [[[1]]]})])),
        text(record("r", [("x", {"type": "map"})])),
        text(record("r", [("x", None)])),
        text(record("r", [("x", True)])),
        text(record("a", [("x", record("b", [])), ("y", record("b", []))])),
    ],
)
def test_what_is_no_schema_is_refused(schema: bytes) -> None:
    """Text that is not JSON, or JSON that is not the schema of a record, is a `DecodeError`."""
    refused(schema)


@pytest.mark.parametrize("place", ["doc", "logicalType", "namespace", "size", "default", "aliases"])
def test_nested_json_in_odd_places_does_no_harm(place: str) -> None:
    """Values nested 900 deep where a text or number belongs are refused or not looked at."""
    deep = b"[" * 900 + b"]" * 900
    fixed = b'{"type": "fixed", "name": "f", "size": 4, "%s": %s}' % (place.encode(), deep)
    field = b'{"name": "x", "type": %s, "%s": %s}' % (fixed, place.encode(), deep)
    schema = b'{"type": "record", "name": "r", "fields": [%s]}' % field
    assert len(str(outcome(parse, schema))) < 2_000


def test_recursive_names_are_refused() -> None:
    """A record that contains itself, directly or through others, is refused by its name."""
    assert "contains itself" in refused(record("r", [("x", ["null", "r"])]))
    inner = record("b", [("y", _list("a"))])
    assert "contains itself" in refused(record("a", [("x", inner)]))


def test_s24_recursive_schema_five_thousand_deep() -> None:
    """A schema nested 5,000 deep, by brackets or by types, is refused."""
    kind: Any = "int"
    for level in range(300):  # json.dumps itself would stop at a thousand
        kind = record(f"r{level}", [("x", kind)])
    assert "deep" in refused(kind)
    head, tail = b'{"type":"array","items":', b"}"
    many = record("r", [("x", "PLACE")])
    refused(text(many).replace(b'"PLACE"', head * 5_000 + b'"int"' + tail * 5_000))


def test_s24_depth_counts_through_names() -> None:
    """Records that use one another by name are as deep as if they were written in one another."""
    chain: list[Any] = [record("r0", [("x", "int")])]
    chain += [record(f"r{n}", [("x", f"r{n - 1}")]) for n in range(1, MAX_DEPTH + 2)]
    assert "deep" in refused(record("top", [("u", chain)]))
    assert parse(text(record("top", [("u", chain[: MAX_DEPTH - 3])]))).root.height <= MAX_DEPTH


def test_s24_blow_up_by_names_is_refused() -> None:
    """Ten levels of records that each use the one before ten times would hold 10**10 values."""
    fields: list[tuple[str, Any]] = [("r0", record("r0", [("x", "int")]))]
    for level in range(1, 9):
        uses = [(f"x{n}", f"r{level - 1}") for n in range(10)]
        fields.append((f"r{level}", record(f"r{level}", uses)))
    assert f"{MAX_LEAVES:,}" in refused(record("top", fields))


def test_s24_sizes_have_limits() -> None:
    """More text, or more nodes, than any alert's schema has is refused."""
    wide = record("r", [(f"f{n}", "int") for n in range(10_000)])
    assert refused(wide).startswith(("more than", "schema of"))
    assert f"{MAX_NODES:,}" in refused(record("r", [(f"f{n}", "int") for n in range(MAX_NODES)]))
    assert f"{MAX_SCHEMA_BYTES:,}" in refused(b" " * (MAX_SCHEMA_BYTES + 1))
    symbols = {"type": "enum", "name": "e", "symbols": [f"S{n}" for n in range(10**6)]}
    assert f"{MAX_SCHEMA_BYTES:,}" in refused(record("r", [("x", symbols)]))


def test_two_texts_of_one_version_are_two_schemas() -> None:
    """Schemas are told apart by their bytes: one version's texts may order unions differently."""
    first = text(alert_schema(inside=[("rb", ["float", "null"])]))
    second = text(alert_schema(inside=[("rb", ["null", "float"])]))
    assert parse(first) is parse(first)
    assert parse(first) is not parse(second)
    kinds = [
        parse(raw).root.fields[0].type.fields[1].type.branches[0].kind for raw in (first, second)
    ]
    assert kinds == ["float", "null"]


def test_cache_is_bounded() -> None:
    """Many more schemas than are kept leave no more behind."""
    for number in range(2 * SCHEMAS_KEPT):
        parse(text(record(f"r{number}", [])))
    assert parse.cache_info().currsize <= SCHEMAS_KEPT


@pytest.mark.parametrize("version", ["3.3", "4.02"])
def test_shipped_schemas_are_found(version: str) -> None:
    """The schemas for writing lie where they are looked for."""
    assert ztf_schema(version)["name"] == "ztf.alert"
    assert (schema_files() / "ztf" / version).is_dir()


@pytest.mark.parametrize("version", ["", "..", ".", "4.01", "4.02/..", "/", "nonsense"])
def test_unknown_versions_are_named(version: str) -> None:
    """A version that is not shipped is an error that lists those that are."""
    with pytest.raises(DecodeError, match=r"there are 3\.3, 4\.02"):
        ztf_schema(version)


def test_rubin_schemas_are_found_by_id() -> None:
    """A registry id is major * 100 + minor; one that is not held is an error that lists others."""
    assert lsst_schema(704).root.fields[0].name == "alertId"
    assert lsst_schema(1000).root.fields[0].name == "diaSourceId"
    for unknown in (0, 100, 1101, 12345, 2**32 - 1):
        with pytest.raises(DecodeError, match=rf"{unknown} .*held are 7\.0, .*, 9\.0, 10\.0, 11"):
            lsst_schema(unknown)


@needs_real_packets
def test_real_schemas_are_far_from_the_limits() -> None:
    """Every real packet's schema has at most half the depth, nodes and text that are allowed."""
    seen = {
        read_header(path.read_bytes()).schema
        for pattern in ("v*/*.avro", "night-*/*.avro", "legacy/*.avro", "lsst/*ocf/*.avro")
        for path in real_files(pattern)
    }
    assert len(seen) > 10
    for schema in seen:
        assert schema.root.height <= MAX_DEPTH // 2
        assert schema.root.leaves <= MAX_LEAVES // 2
        assert len(schema.raw) <= MAX_SCHEMA_BYTES // 2
