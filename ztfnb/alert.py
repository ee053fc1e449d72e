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
from threading import RLock
from typing import Any

from ztfnb.binary import BadValueError, Budget, Reader, Record, Records, reader_of
from ztfnb.errors import DecodeError
from ztfnb.schema import Schema, parse

BANDS = {1: "g", 2: "r", 3: "i"}
"""ZTF's filters by ``fid``."""

UNIX_EPOCH_JD = 2440587.5
_YEAR_10000_JD = 5373484.5
_TAI_MINUS_UTC = 37.0
"""Leap seconds [s] since 2017; Rubin gives times in TAI."""

CORES = {"candidate": "candid", "diaSource": "diaSourceId"}
"""The record that describes the detection, of ZTF and of Rubin, and its identifier inside."""

# Held while a part is decoded on demand: two widgets may ask one alert at the same time.
_decoding = RLock()


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """How the records of one schema are read: what stands before and after the core's end."""

    names: tuple[str, ...]
    readers: tuple[Reader, ...]
    core: str
    """``candidate`` (ZTF) or ``diaSource`` (Rubin)."""
    head: int
    """Number of fields up to and including the core: they are read at once."""


@lru_cache(maxsize=256)
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
        inside = [field.name for field in fields[place].type.value.fields]
        if identity in inside:
            readers = tuple(reader_of(field.type) for field in fields)
            return Layout(names, readers, core, place + 1)
    raise DecodeError(
        f"the record {schema.name!r} is no alert: it has neither a candidate with a candid nor a "
        "diaSource with a diaSourceId",
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

    __slots__ = ("_budget", "_end", "_layout", "_position", "_source", "_values", "raw")

    raw: bytes
    """The packet's bytes as they came."""

    def __init__(self, schema: Schema, raw: bytes, buffer: bytes, start: int, end: int) -> None:
        self.raw = raw
        self._source = (schema, buffer, start)
        self._layout = layout_of(schema)
        self._position = start
        self._end = end
        self._budget = Budget()
        self._values: dict[str, Any] = {}
        self._decode(self._layout.head)
        if not isinstance(self._values[self._layout.core], Record):
            raise DecodeError("the packet holds no detection", where=self._layout.core)

    def _decode(self, upto: int) -> None:
        """Decode the fields before number ``upto`` that have not been decoded yet."""
        layout, values, buffer = self._layout, self._values, self._source[1]
        for place in range(len(values), upto):
            name = layout.names[place]
            try:
                value, after = layout.readers[place](buffer, self._position, self._budget)
            except BadValueError as error:
                raise error.inside(name).located(0) from None
            if after > self._end:
                raise DecodeError("the record ends inside it", where=name, offset=self._end)
            self._position = after
            values[name] = value
        if upto == len(layout.names) and self._position != self._end:
            raise DecodeError(
                f"{self._end - self._position:,} bytes follow the last field",
                where="record",
                offset=self._position,
            )

    def __getitem__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            names = self._layout.names
            if name not in names:
                message = f"this alert has no field {name!r}; it has {', '.join(names)}"
                raise KeyError(message) from None
        with _decoding:
            self._decode(names.index(name) + 1)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._layout.names)

    def __len__(self) -> int:
        return len(self._layout.names)

    def __contains__(self, name: object) -> bool:
        return name in self._layout.names

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Alert) and self.raw == other.raw:
            return True
        return dict(self) == dict(other) if isinstance(other, Mapping) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.candid)

    def __reduce__(self) -> tuple[Any, ...]:
        schema, buffer, start = self._source
        return _rebuild, (schema.raw, self.raw, buffer, start, self._end)

    def __repr__(self) -> str:
        return f"<Alert {self._summary()}>"

    def _repr_html_(self) -> str:
        return f"<code>Alert</code> {escape(self._summary())}"

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def _summary(self) -> str:
        parts = [self.object_id, f"candid {self.candid}"]
        if UNIX_EPOCH_JD <= self.jd < _YEAR_10000_JD:
            parts.append(f"{self.time:%Y-%m-%d %H:%M:%S} UTC")
        parts.append(f"{self.band} = {self.mag:.2f}")
        if (score := self.core.get("rb")) is not None:
            parts.append(f"rb = {score:.2f}")
        return ", ".join(parts)

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
        """Right ascension, J2000 [deg]."""
        return float(self.core["ra"])

    @property
    def dec(self) -> float:
        """Declination, J2000 [deg]."""
        return float(self.core["dec"])

    @property
    def jd(self) -> float:
        """Julian date of the exposure, UTC [days]: its start for ZTF, its middle for Rubin."""
        if "jd" in self.core:
            return float(self.core["jd"])
        return float(self.core["midpointMjdTai"]) + 2400000.5 - _TAI_MINUS_UTC / 86400

    @property
    def time(self) -> datetime:
        """The same as `jd`, as a date and time in UTC.

        Raises
        ------
        OverflowError
            If it lies outside the years 1 to 9999.
        """
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=self.jd - UNIX_EPOCH_JD)

    @property
    def fid(self) -> int | None:
        """ZTF's filter number: 1 is g, 2 is r, 3 is i. None for Rubin."""
        return self.core.get("fid")

    @property
    def band(self) -> str:
        """Name of the filter."""
        return BANDS.get(self.core["fid"], "?") if "fid" in self.core else str(self.core["band"])

    @property
    def mag(self) -> float:
        """Difference magnitude (AB): ``magpsf`` of ZTF; of Rubin from ``psfFlux`` [nJy].

        NaN where there is none.
        """
        if "magpsf" in self.core:
            value = self.core["magpsf"]
            return math.nan if value is None else float(value)
        flux = self.core.get("psfFlux")
        return 31.4 - 2.5 * math.log10(abs(flux)) if flux else math.nan

    @property
    def programid(self) -> int | None:
        """ZTF's programme: 1 public, 2 partnership, 3 Caltech. None for Rubin."""
        return self.core.get("programid")


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, Records):
        return [_plain(inner) for inner in value]
    return value


def _rebuild(schema: bytes, raw: bytes, buffer: bytes, start: int, end: int) -> Alert:
    return Alert(parse(schema), raw, buffer, start, end)
