"""One alert packet as an immutable mapping that decodes only what is asked for.

An `Alert` equals the dictionary that fastavro gives for the same packet. Making one reads the
record's beginning up to the end of the candidate; history, forced photometry and stamps are
decoded on the first access to them, once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from html import escape
from typing import Any

from ztfnb.binary import (
    MAX_COST,
    BadValueError,
    Budget,
    Reader,
    Record,
    Records,
    reader_of,
)
from ztfnb.errors import DecodeError
from ztfnb.schema import SCHEMAS_KEPT, Schema, parse

BANDS = {1: "g", 2: "r", 3: "i"}
"""ZTF's filters by ``fid``."""

UNIX_EPOCH_JD = 2440587.5
_YEAR_10000_JD = 5373484.5
MJD_TAI_ZERO = 2400000.5 - 37.0 / 86400
"""Julian date (UTC) at which an MJD in TAI is 0, which Rubin gives: 37 leap seconds since 2017."""

CORES = {"candidate": "candid", "diaSource": "diaSourceId"}
"""The record that describes the detection, of ZTF and of Rubin, and its identifier inside."""

_SHOWN = 64
"""Characters of an object's name in a repr."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """How the records of one schema are read: what stands before and after the core's end."""

    names: tuple[str, ...]
    readers: tuple[Reader, ...]
    core: str
    """``candidate`` (ZTF) or ``diaSource`` (Rubin)."""
    head: int
    """Number of fields up to and including the core: they are read at once."""


@lru_cache(maxsize=SCHEMAS_KEPT)
def layout_of(schema: Schema) -> Layout:
    """Return the layout of a schema.

    Raises
    ------
    DecodeError
        If its records are no alerts.
    """
    fields = schema.root.fields
    names = tuple(field.name for field in fields)
    for core, identity in CORES.items():
        if core not in names:
            continue
        place = names.index(core)
        inside = {field.name: field.type.value for field in fields[place].type.value.fields}
        if identity in inside and inside[identity].kind in ("int", "long"):
            readers = tuple(reader_of(field.type) for field in fields)
            return Layout(names, readers, core, place + 1)
    raise DecodeError(
        f"the record {schema.name!r} is no alert: it has neither a candidate with a candid nor a "
        "diaSource with a diaSourceId (a whole number)",
        where="schema",
    )


class Alert(Mapping[str, Any]):
    """One alert: the packet as a read-only dictionary, with its main values as properties.

    Made by `ztfnb.decode`. ``alert["candidate"]["rb"]`` and ``alert.candidate.rb`` are the same;
    tab completion lists the fields of both.

    Raises
    ------
    DecodeError
        On access to a part whose bytes are damaged.
    """

    __slots__ = ("_end", "_layout", "_marks", "_raw", "_source", "_values")

    def __init__(self, schema: Schema, raw: bytes, buffer: bytes, start: int, end: int) -> None:
        self._raw = raw
        self._source = (schema, buffer, start)
        self._layout = layout_of(schema)
        self._end = end
        # Where each field begins, as far as that is known, and what may still be spent there.
        self._marks = {0: (start, MAX_COST)}
        self._values: dict[str, Any] = {}
        self._decode(self._layout.head)
        core = self._values[self._layout.core]
        if not isinstance(core, Record) or core[CORES[self._layout.core]] is None:
            raise DecodeError("the packet holds no detection", where=self._layout.core)

    def _decode(self, upto: int) -> None:
        """Decode the fields before number ``upto`` that have not been decoded yet.

        Two threads may do so at once: both find the same, and a value once seen stays. No lock is
        held, which a process forked at that moment would wait for without end.
        """
        layout, values, buffer = self._layout, self._values, self._source[1]
        for place in range(upto):
            name = layout.names[place]
            if name in values:
                continue
            position, left = self._marks[place]
            budget = Budget(left)
            try:
                value, after = layout.readers[place](buffer, position, budget)
            except BadValueError as error:
                raise error.inside(name).located(0) from None
            if after > self._end:
                raise DecodeError("the record ends inside it", where=name, offset=self._end)
            if place + 1 == len(layout.names) and after != self._end:
                raise DecodeError(
                    f"{self._end - after:,} bytes follow the last field",
                    where="record",
                    offset=after,
                )
            self._marks[place + 1] = (after, budget.left)
            values.setdefault(name, value)

    def __getitem__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            names = self._layout.names
            if name not in names:
                message = f"this alert has no field {name!r}; it has {', '.join(names)}"
                raise KeyError(message) from None
        self._decode(names.index(name) + 1)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._layout.names)

    def __len__(self) -> int:
        return len(self._layout.names)

    def __contains__(self, name: object) -> bool:
        return name in self._layout.names

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Alert):
            if self.raw == other.raw:
                return True
            # Known without decoding either to the end.
            if self.candid != other.candid:
                return False
        return dict(self) == dict(other) if isinstance(other, Mapping) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.candid)

    def __reduce__(self) -> tuple[Any, ...]:
        schema, buffer, start = self._source
        return _rebuild, (schema.raw, self._raw, buffer, start, self._end)

    def __repr__(self) -> str:
        return f"<Alert {self._summary()}>"

    def _repr_html_(self) -> str:
        return f"<code>Alert</code> {escape(self._summary())}"

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def _summary(self) -> str:
        try:
            name = self.object_id[:_SHOWN]
        except DecodeError:
            name = "(damaged)"
        parts = [name, f"candid {self.candid}"]
        if UNIX_EPOCH_JD <= self.jd < _YEAR_10000_JD:
            parts.append(f"{self.time:%Y-%m-%d %H:%M:%S} UTC")
        parts.append(f"{self.band} = {self.mag:.2f}")
        if not math.isnan(score := self._number("rb")):
            parts.append(f"rb = {score:.2f}")
        return ", ".join(parts)

    def _number(self, name: str) -> float:
        value = self.core.get(name)
        return float(value) if isinstance(value, int | float) else math.nan

    @property
    def raw(self) -> bytes:
        """The packet's bytes as they came."""
        return self._raw

    @property
    def schema(self) -> Schema:
        """The schema that the packet was written with."""
        return self._source[0]

    def as_dict(self) -> dict[str, Any]:
        """Return the whole packet as plain dictionaries and lists, free to change."""
        return {name: _plain(value) for name, value in self.items()}

    @property
    def candidate(self) -> Record:
        """The detection that raised the alert (of ZTF; for either survey see `core`)."""
        record: Record = self["candidate"]
        return record

    @property
    def core(self) -> Record:
        """The record of the detection: ``candidate`` of ZTF, ``diaSource`` of Rubin."""
        record: Record = self._values[self._layout.core]
        return record

    @property
    def candid(self) -> int:
        """Identifier of the alert: ``candid`` of ZTF, ``diaSourceId`` of Rubin."""
        return int(self.core[CORES[self._layout.core]])

    @property
    def object_id(self) -> str:
        """Identifier of the object: ``objectId`` of ZTF, ``diaObjectId`` of Rubin."""
        name = self.get("objectId") if self._layout.core == "candidate" else None
        return str(self.core.get("diaObjectId") if name is None else name)

    @property
    def ra(self) -> float:
        """Right ascension, J2000 [deg]; NaN where the packet does not say."""
        return self._number("ra")

    @property
    def dec(self) -> float:
        """Declination, J2000 [deg]; NaN where the packet does not say."""
        return self._number("dec")

    @property
    def jd(self) -> float:
        """Julian date of the exposure, UTC [days]: its start for ZTF, its middle for Rubin.

        NaN where the packet does not say.
        """
        if "jd" in self.core:
            return self._number("jd")
        return self._number("midpointMjdTai") + MJD_TAI_ZERO

    @property
    def time(self) -> datetime:
        """The same as `jd`, as a date and time in UTC.

        Raises
        ------
        ValueError
            If it is NaN.
        OverflowError
            If it lies outside the years 1 to 9999.
        """
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=self.jd - UNIX_EPOCH_JD)

    @property
    def fid(self) -> int | None:
        """ZTF's filter number: 1 is g, 2 is r, 3 is i. None for Rubin."""
        return self._integer("fid")

    @property
    def band(self) -> str:
        """Name of the filter; ``"?"`` where the packet does not say."""
        name = self.core.get("band")
        return name if isinstance(name, str) else BANDS.get(self.fid or 0, "?")

    @property
    def mag(self) -> float:
        """Difference magnitude (AB): ``magpsf`` of ZTF; of Rubin from ``psfFlux`` [nJy].

        NaN where there is none.
        """
        if "magpsf" in self.core:
            return self._number("magpsf")
        flux = abs(self._number("psfFlux"))
        return 31.4 - 2.5 * math.log10(flux) if flux else math.nan

    @property
    def programid(self) -> int | None:
        """ZTF's programme: 1 public, 2 partnership, 3 Caltech. None for Rubin."""
        return self._integer("programid")

    def _integer(self, name: str) -> int | None:
        value = self.core.get(name)
        return value if isinstance(value, int) else None


def finite(value: Any) -> float | None:
    """Return a value of a packet as a number; None where it is none, or not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, Records):
        return [_plain(inner) for inner in value]
    return value


def _rebuild(schema: bytes, raw: bytes, buffer: bytes, start: int, end: int) -> Alert:
    return Alert(parse(schema), raw, buffer, start, end)
