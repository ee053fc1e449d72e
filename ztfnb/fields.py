"""The fields of a ZTF alert and what they mean: ``ztfnb.fields("rb")``.

Everything shown is read from the documentation in the shipped schemas; `schemas/README.md`
describes the form in which it stands there.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from html import escape
from typing import Any, overload

from ztfnb.errors import SelectionError
from ztfnb.schema import schema_files

VERSIONS = ("1.1", "1.3", "1.5", "1.6", "1.8", "2.0", "3.0", "3.1", "3.2", "3.3", "4.01", "4.02")
"""Schema versions that alerts were distributed with, oldest first."""

# The newest version, which has every field of the ones before since 1.8.
_NEWEST = VERSIONS[-1]
_RECORDS = ("alert", "candidate", "prv_candidate", "fp_hist", "cutout")
# The keys under which an alert holds its records name them as well.
_ALIASES = {"prv_candidates": "prv_candidate", "fp_hists": "fp_hist"}
_DOCUMENTATION = re.compile(
    r"(?P<meaning>.*)\. Unit: (?P<unit>.*?)\. Missing: (?P<missing>.*?)\."
    r"(?: Since: (?P<since>[0-9.]+)\.)?",
    re.DOTALL,
)
_FEW = 4


@dataclass(frozen=True, slots=True, repr=False)
class Field:
    """One field of one record of the alert packet."""

    name: str
    record: str
    """``alert`` for the top level, ``candidate``, ``prv_candidate``, ``fp_hist``, ``cutout``."""
    type: str
    """Type in the packet, without null: ``float``, ``string``, ``array of fp_hist``, ..."""
    nullable: bool
    unit: str
    """Unit; empty where there is none."""
    doc: str
    missing: str
    """What stands where there is no value: ``null``, ``-999``, ..., or ``never``."""
    versions: tuple[str, ...]
    """Schema versions that have the field, oldest first."""

    @property
    def path(self) -> str:
        """Record and name, as ``candidate.rb``; the name alone at the top level."""
        return self.name if self.record == "alert" else f"{self.record}.{self.name}"

    def __repr__(self) -> str:
        null = " or null" if self.nullable else ""
        span = f"{self.versions[0]} to {self.versions[-1]}"
        return (
            f"{self.path}: {self.type}{null}\n"
            f"  {self.doc}\n"
            f"  unit: {self.unit or 'none'}; missing: {self.missing}; schema versions {span}"
        )

    def _repr_html_(self) -> str:
        return _html([self])


class Fields(Sequence[Field]):
    """Fields that were asked for: a sequence that shows itself as a table."""

    def __init__(self, found: Sequence[Field]) -> None:
        self._found = tuple(found)

    @overload
    def __getitem__(self, index: int) -> Field: ...
    @overload
    def __getitem__(self, index: slice) -> Fields: ...
    def __getitem__(self, index: int | slice) -> Field | Fields:
        if isinstance(index, slice):
            return Fields(self._found[index])
        return self._found[index]

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[Field]:
        return iter(self._found)

    def __repr__(self) -> str:
        if len(self) <= _FEW:
            return "\n".join(map(repr, self))
        width = max(len(field.path) for field in self)
        return "\n".join(
            f"{field.path:{width}}  {field.doc}{f' [{field.unit}]' if field.unit else ''}"
            for field in self
        )

    def _repr_html_(self) -> str:
        return _html(self)


class FieldBrowser:
    """What every field of an alert means.

    ``fields()`` lists all; ``fields("rb")`` or ``fields.rb`` shows one, in each record that has
    it, and ``fields("candidate.rb")`` in that record; ``fields("mag*")`` those that match a
    pattern; ``fields("zp")`` those whose name, or else whose documentation, holds these letters.
    """

    def __call__(self, which: str = "") -> Fields:
        """Return the fields that match.

        Raises
        ------
        SelectionError
            If none does; the message offers the closest names.
        """
        every = _documented()
        wanted = which.strip().lower()
        record, _, name = wanted.rpartition(".")
        record = _ALIASES.get(record, record)
        searched = [field for field in every if record in ("", field.record)]
        for matches in (
            lambda field: field.name.lower() == name,
            lambda field: fnmatchcase(field.name.lower(), name),
            lambda field: name in field.name.lower(),
            lambda field: wanted in field.doc.lower(),
        ):
            found = [field for field in searched if matches(field)]
            if found:
                return Fields(found)
        names = {field.name.lower(): field.name for field in every}
        close = [names[key] for key in difflib.get_close_matches(name, names, n=3, cutoff=0.5)]
        raise SelectionError(
            f"no field of a ZTF alert is called {which!r}"
            + (f"; close are {', '.join(close)}" if close else "")
            + "; fields() lists all"
        )

    def __getattr__(self, name: str) -> Fields:
        found = [field for field in _documented() if field.name == name]
        if not found:
            raise AttributeError(f"no field of a ZTF alert is called {name!r}")
        return Fields(found)

    def __dir__(self) -> list[str]:
        return sorted({field.name for field in _documented()})

    def __repr__(self) -> str:
        return f"{len(_documented())} fields of a ZTF alert: fields() lists, fields('rb') explains"


fields = FieldBrowser()


def documented(name: str) -> Field | None:
    """Return the first field of exactly this name, in the order of the packet; None of others."""
    return next((field for field in _documented() if field.name == name), None)


@lru_cache(maxsize=1)
def _documented() -> tuple[Field, ...]:
    """Return every field of the newest schema, in the order of the packet."""
    folder = schema_files() / "ztf" / _NEWEST
    found: list[Field] = []
    for record in _RECORDS:
        schema = json.loads((folder / f"{record}.avsc").read_text("utf-8"))
        found += [_field(record, entry) for entry in schema["fields"]]
    return tuple(found)


def _field(record: str, entry: Mapping[str, Any]) -> Field:
    stated = _DOCUMENTATION.fullmatch(entry["doc"])
    if stated is None:
        raise ValueError(f"{record}.{entry['name']}: documentation not in the agreed form")
    kind = entry["type"]
    nullable = isinstance(kind, list)
    since = VERSIONS.index(stated["since"] or VERSIONS[0])
    return Field(
        name=entry["name"],
        record=record,
        type=_type(next(branch for branch in kind if branch != "null") if nullable else kind),
        nullable=nullable,
        unit="" if stated["unit"] == "none" else stated["unit"],
        doc=f"{stated['meaning']}.",
        missing=stated["missing"],
        versions=VERSIONS[since:],
    )


def _type(kind: str | Mapping[str, Any]) -> str:
    if isinstance(kind, str):
        return kind.removeprefix("ztf.alert.")
    return f"array of {_type(kind['items'])}"


def _html(found: Sequence[Field]) -> str:
    """Return an HTML table; everything in it is escaped."""
    titles = ("field", "type", "unit", "meaning", "missing", "schema versions")
    rows = (
        (
            f.path,
            f.type,
            f.unit,
            f.doc,
            f.missing,
            f"{f.versions[0]} to {f.versions[-1]}",
        )
        for f in found
    )
    head = "".join(f"<th>{title}</th>" for title in titles)
    body = "".join(
        "<tr>" + "".join(f'<td style="text-align:left">{escape(cell)}</td>' for cell in row)
        + "</tr>"
        for row in rows
    )  # fmt: skip
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
