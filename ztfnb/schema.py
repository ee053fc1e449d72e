"""Avro schemas: parsed within limits, resolved, and kept.

A schema arrives inside every packet and is as untrusted as the packet. `parse` therefore looks
at it before anything else does: bounded size, depth and number of nodes, no recursive names. What
passes is also shown to fastavro, so that a schema which it refuses is refused here.

Facts that shape this module: one ZTF version string has several schema texts, and the order of
unions differs between versions. Schemas are cached by their raw bytes, and many are kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import fastavro

from ztfnb.errors import DecodeError

MAX_SCHEMA_BYTES = 256 * 1024
MAX_FIXED_BYTES = 256 * 1024
MAX_DEPTH = 12
MAX_NODES = 2_000
MAX_LEAVES = 10_000
"""Values in one record with every array empty; a type used twice counts twice."""
SCHEMAS_KEPT = 64
_SHOWN = 80
"""Characters of a name that an error message shows."""

_PRIMITIVES = {
    # kind: fewest bytes that a value takes
    "null": 0,
    "boolean": 1,
    "int": 1,
    "long": 1,
    "float": 4,
    "double": 8,
    "bytes": 1,
    "string": 1,
}


@dataclass(frozen=True, slots=True, eq=False)
class Type:
    """One node of a resolved schema: what comes next in the binary, and what it may cost."""

    kind: str
    """An Avro primitive, or ``record``, ``enum``, ``fixed``, ``array``, ``map``, ``union``."""
    name: str = ""
    """Full name of a record, enum or fixed."""
    fields: tuple[Field, ...] = ()
    items: Type | None = None
    """Of an array's items or a map's values."""
    branches: tuple[Type, ...] = ()
    symbols: tuple[str, ...] = ()
    size: int = 0
    """Bytes of a fixed."""
    logical: Mapping[str, Any] | None = None
    """The schema node, where it carries a logical type."""
    leaves: int = 1
    """Values that one instance holds at least; what is inside arrays and maps counts once."""
    height: int = 0
    """Levels of types below this one, through the names that it uses as well."""
    min_bytes: int = 0

    @property
    def value(self) -> Type:
        """The other branch of a union with null; the type itself where it is no such union."""
        rest = [branch for branch in self.branches if branch.kind != "null"]
        return rest[0] if len(self.branches) == 2 and len(rest) == 1 else self


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One field of a record."""

    name: str
    type: Type
    doc: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """A schema that passed: its bytes as they came, and the resolved tree."""

    raw: bytes = field(repr=False)
    root: Type = field(repr=False)

    @property
    def name(self) -> str:
        """Full name of the top-level record."""
        return self.root.name


# More than a decade of the survey has; the largest that pass take about 1 MB each.
@lru_cache(maxsize=SCHEMAS_KEPT)
def parse(raw: bytes) -> Schema:
    """Parse the JSON text of a schema whose top is a record.

    Raises
    ------
    DecodeError
        If the text is not JSON, not an Avro schema, or larger, deeper or more knotted than any
        alert's schema can be.
    """
    if len(raw) > MAX_SCHEMA_BYTES:
        raise DecodeError(
            f"schema of {len(raw):,} bytes; at most {MAX_SCHEMA_BYTES:,} are accepted",
            where="schema",
        )
    try:
        tree = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise DecodeError(f"the schema is not JSON: {error}", where="schema") from None
    root = _Resolver().resolve(tree, namespace="", depth=0, path="schema")
    if root.kind != "record":
        raise DecodeError(f"expected a record at the top, got {root.kind}", where="schema")
    try:
        # The tree is known to be small and finite by now, which fastavro relies on.
        fastavro.parse_schema(tree)
    except Exception as error:  # noqa: BLE001 - fastavro raises many kinds for a bad schema
        reason = f"not a valid Avro schema: {str(error)[:400]}"
        raise DecodeError(reason, where="schema") from None
    return Schema(raw, root)


class _Resolver:
    """Turns schema JSON into `Type`, following names, within the limits."""

    def __init__(self) -> None:
        self._nodes = 0
        self._named: dict[str, Type] = {}
        self._open: set[str] = set()

    def resolve(self, node: Any, *, namespace: str, depth: int, path: str) -> Type:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise DecodeError(f"more than {MAX_NODES:,} nodes", where=path)
        if depth > MAX_DEPTH:
            raise DecodeError(f"nested more than {MAX_DEPTH} deep", where=path)
        if isinstance(node, str):
            return self._reference(node, namespace, path)
        if isinstance(node, list):
            return self._union(node, namespace, depth, path)
        if not isinstance(node, dict):
            raise DecodeError(f"expected a type, got {type(node).__name__}", where=path)
        result = self._described(node, namespace, depth, path)
        if result.leaves > MAX_LEAVES:
            raise DecodeError(f"a record of more than {MAX_LEAVES:,} values", where=path)
        if result.height > MAX_DEPTH:
            raise DecodeError(f"types in one another more than {MAX_DEPTH} deep", where=path)
        if isinstance(node.get("logicalType"), str) and result.kind in (*_PRIMITIVES, "fixed"):
            result = replace(result, logical=node)
            if result.name:
                self._named[result.name] = result
        return result

    def _described(self, node: dict[str, Any], namespace: str, depth: int, path: str) -> Type:
        kind = node.get("type")
        if kind in ("record", "enum", "fixed"):
            return self._named_type(node, str(kind), namespace, depth, path)
        if kind not in ("array", "map"):
            return self.resolve(kind, namespace=namespace, depth=depth + 1, path=path)
        inner = node.get("items" if kind == "array" else "values")
        items = self.resolve(inner, namespace=namespace, depth=depth + 1, path=f"{path}[]")
        return Type(
            str(kind),
            items=items,
            leaves=1 + items.leaves,
            height=1 + items.height,
            min_bytes=1,
        )

    def _reference(self, name: str, namespace: str, path: str) -> Type:
        if name in _PRIMITIVES:
            return Type(name, min_bytes=_PRIMITIVES[name])
        full = name if "." in name or not namespace else f"{namespace}.{name}"
        for candidate in (full, name):
            if candidate in self._open:
                raise DecodeError(f"the type {candidate[:_SHOWN]} contains itself", where=path)
            if candidate in self._named:
                return self._named[candidate]
        raise DecodeError(f"the type {name[:_SHOWN]!r} is used but not defined", where=path)

    def _union(self, node: list[Any], namespace: str, depth: int, path: str) -> Type:
        if not node:
            raise DecodeError("a union without branches", where=path)
        branches = tuple(
            self.resolve(branch, namespace=namespace, depth=depth + 1, path=path) for branch in node
        )
        return Type(
            "union",
            branches=branches,
            leaves=max(branch.leaves for branch in branches),
            height=1 + max(branch.height for branch in branches),
            min_bytes=1 + min(branch.min_bytes for branch in branches),
        )

    def _named_type(
        self, node: dict[str, Any], kind: str, namespace: str, depth: int, path: str
    ) -> Type:
        name = node.get("name")
        if not isinstance(name, str) or not name:
            raise DecodeError(f"a {kind} without a name", where=path)
        if "." not in name:
            space = node.get("namespace", namespace)
            if not isinstance(space, str | None):
                raise DecodeError("a namespace that is no text", where=path)
            name = f"{space}.{name}" if space else name
        if name in self._named or name in self._open:
            raise DecodeError(f"the type {name[:_SHOWN]} is defined twice", where=path)
        self._open.add(name)
        if kind == "record":
            result = self._record(node, name, depth, path)
        elif kind == "enum":
            symbols = node.get("symbols")
            if not isinstance(symbols, list) or not all(isinstance(s, str) for s in symbols):
                raise DecodeError("an enum without symbols", where=path)
            result = Type("enum", name=name, symbols=tuple(symbols), min_bytes=1)
        else:
            size = node.get("size")
            if not isinstance(size, int) or not 0 <= size <= MAX_FIXED_BYTES:
                reason = f"a fixed without a size from 0 to {MAX_FIXED_BYTES:,}"
                raise DecodeError(reason, where=path)
            result = Type("fixed", name=name, size=size, min_bytes=size)
        self._open.remove(name)
        self._named[name] = result
        return result

    def _record(self, node: dict[str, Any], name: str, depth: int, path: str) -> Type:
        listed = node.get("fields")
        if not isinstance(listed, list):
            raise DecodeError("a record without fields", where=path)
        space = name.rpartition(".")[0]
        fields = []
        for entry in listed:
            if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
                raise DecodeError("a field without a name", where=path)
            inner = self.resolve(
                entry.get("type"),
                namespace=space,
                depth=depth + 1,
                path=f"{path}.{entry['name'][:_SHOWN]}",
            )
            doc = entry.get("doc")
            fields.append(Field(entry["name"], inner, doc if isinstance(doc, str) else ""))
        names = [entry.name for entry in fields]
        if len(set(names)) < len(names):
            raise DecodeError("two fields of one name", where=path)
        return Type(
            "record",
            name=name,
            fields=tuple(fields),
            leaves=1 + sum(entry.type.leaves for entry in fields),
            height=1 + max((entry.type.height for entry in fields), default=0),
            min_bytes=sum(entry.type.min_bytes for entry in fields),
        )


def schema_files() -> Path:
    """Return the folder of the schemas that ztfnb ships.

    In an installed wheel it lies inside the package; in a checkout beside it.
    """
    package = Path(__file__).parent
    inside = package / "schemas"
    return inside if inside.is_dir() else package.parent / "schemas"


@lru_cache(maxsize=8)
def ztf_schema(version: str) -> Mapping[str, Any]:
    """Return the ZTF alert schema of one version as fastavro wants it, for writing.

    Raises
    ------
    DecodeError
        If no schema of that version is shipped.
    """
    shipped = sorted(path.name for path in (schema_files() / "ztf").iterdir())
    if version not in shipped:
        raise DecodeError(f"no ZTF schema {version!r} is held; there are {', '.join(shipped)}")
    folder = schema_files() / "ztf" / version
    # Every type before the one that uses it; 3.3 has no fp_hist.
    order = ("candidate", "prv_candidate", "fp_hist", "cutout", "alert")
    paths = [str(folder / f"{name}.avsc") for name in order]
    schema = fastavro.schema.load_schema_ordered([path for path in paths if Path(path).exists()])
    return cast("Mapping[str, Any]", schema)


@lru_cache(maxsize=64)
def lsst_schema(schema_id: int) -> Schema:
    """Return the Rubin alert schema of one registry id (major * 100 + minor).

    Raises
    ------
    DecodeError
        If no schema of that id is held.
    """
    if schema_id not in lsst_schemas():
        held = ", ".join(map(_lsst_version, lsst_schemas()))
        raise DecodeError(
            f"the packet was written with Rubin schema id {schema_id} "
            f"(v{_lsst_version(schema_id)}), which is not held here; held are {held}",
            where="schema",
        )
    return parse((schema_files() / "lsst" / f"{_lsst_version(schema_id)}.avsc").read_bytes())


@lru_cache(maxsize=1)
def lsst_schemas() -> tuple[int, ...]:
    """Return the registry ids of the Rubin alert schemas that are held."""
    stems = (path.stem for path in (schema_files() / "lsst").glob("*.avsc"))
    parts = (stem.split(".") for stem in stems)
    return tuple(sorted(int(major) * 100 + int(minor) for major, minor in parts))


def _lsst_version(schema_id: int) -> str:
    return f"{schema_id // 100}.{schema_id % 100}"
