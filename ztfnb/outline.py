"""What columns cannot tell of a packet: which fields it has, in which order, of which kind.

With it, a row of columns can stand for the packet's candidate: null is told from absent, and a
value that a column does not hold as the packet has it is known to lie in the packet alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from ztfnb.alert import CORES, Layout, layout_of
from ztfnb.arrays import DTYPES, is_scalar
from ztfnb.schema import SCHEMAS_KEPT, Field, Schema

_KINDS = {kind: dtype.lstrip("<")[:1].replace("?", "b") for kind, dtype in DTYPES.items()}
"""NumPy's kind of the column that holds a type exactly."""
_COMPARED = ("boolean", "int", "long", "string")


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """The fields of the packets of one schema, or of several that differ elsewhere."""

    layout: Layout
    """Names of the top level, and which of them is the core; it reads nothing."""
    fields: Mapping[str, str]
    """Of the core, in the packet's order: NumPy's kind of its column; "" where it has none."""
    top: Mapping[str, str]
    """The same of the top level."""
    shared: frozenset[str]
    """Those of ``top`` that the core has as well, and whose column is the core's."""
    columns: frozenset[str] = field(repr=False)
    """All columns that its packets fill."""

    @property
    def identity(self) -> str:
        """Name of the core's identifier."""
        return CORES[self.layout.core]

    @property
    def apart(self) -> Outline:
        """The same of a packet whose top level and core differ in what both have."""
        return _apart(self)


@lru_cache(maxsize=SCHEMAS_KEPT)
def outline_of(schema: Schema) -> Outline:
    """Return the outline of a schema of alerts.

    Raises
    ------
    DecodeError
        If its records are no alerts.
    """
    layout = layout_of(schema)
    top = schema.root.fields
    core = top[layout.head - 1].type.value.fields
    return _outline(layout.names, layout.core, layout.head, _kinds(top), _kinds(core))


def _kinds(fields: tuple[Field, ...]) -> tuple[tuple[str, str], ...]:
    """Return name and Avro type of each field; "" for the type of what no column holds."""
    return tuple(
        (entry.name, entry.type.value.kind if is_scalar(entry.type) else "") for entry in fields
    )


# The many schema texts of one version share one.
@lru_cache(maxsize=SCHEMAS_KEPT)
def _outline(
    names: tuple[str, ...],
    core: str,
    head: int,
    top: tuple[tuple[str, str], ...],
    inside: tuple[tuple[str, str], ...],
) -> Outline:
    inner = dict(inside)
    # What stands behind the core is not read for comparing.
    shared = {name for name, kind in top[: head - 1] if comparable(kind, inner.get(name, ""))}
    own = {name for name, kind in top if kind and name not in inner}
    return Outline(
        Layout(names, (), core, head),
        {name: _KINDS.get(kind, "") for name, kind in inside},
        {name: _KINDS[kind] if name in shared | own else "" for name, kind in top},
        frozenset(shared),
        frozenset(own | {name for name, kind in inside if kind}),
    )


@lru_cache(maxsize=SCHEMAS_KEPT)
def _apart(outline: Outline) -> Outline:
    top = {name: "" if name in outline.shared else kind for name, kind in outline.top.items()}
    return replace(outline, top=top, shared=frozenset())


def comparable(kind: str, other: str) -> bool:
    """Whether values of two Avro types can be compared by comparing their columns."""
    return kind in _COMPARED and _KINDS.get(kind) == _KINDS.get(other)
