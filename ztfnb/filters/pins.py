"""Pinned alerts: examples that a filter must pass or must reject, tried whenever it is defined.

They are kept beside the notebook in a folder ``<name>.pins``: the packet of each as
``<candid>.avro``, byte for byte, and what is expected as lines of JSON, of which later ones win.
"""

from __future__ import annotations

import json
import math
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ztfnb.alert import Alert
from ztfnb.codec import decode, encode
from ztfnb.errors import ConfigError, FilterError, NotHeldError, SourceError, ZtfnbError
from ztfnb.filters.decision import Verdict
from ztfnb.filters.failure import message_of
from ztfnb.filters.judge import Judge
from ztfnb.label import candid_in, candid_of, name_of, note_of
from ztfnb.lines import append

if TYPE_CHECKING:
    from ztfnb.filters.filter import Filter

SUFFIX = ".pins"
"""What follows a filter's name in that of its folder."""
LINES = "pins.jsonl"
_VERSIONS = ("4.02", "3.3")


@dataclass(frozen=True, slots=True)
class Pin:
    """One alert of which it is known how a filter must decide."""

    candid: int
    object_id: str
    passes: bool
    """Whether it must pass."""
    note: str
    time: str
    """When it was pinned: UTC, ISO 8601."""
    checksum: str
    """SHA-256 of its packet, in hexadecimal digits."""
    file: Path = field(compare=False)

    @property
    def packet(self) -> bytes:
        """The packet, byte for byte as it was pinned.

        Raises
        ------
        SourceError
            If it is no longer there, or no longer the same.
        """
        try:
            packet = self.file.read_bytes()
        except OSError as error:
            raise SourceError(f"cannot read {self.file}: {error.strerror}; pin it again") from None
        if sha256(packet).hexdigest() != self.checksum:
            raise SourceError(f"{self.file} is not what was pinned; pin the alert again")
        return packet

    @property
    def alert(self) -> Alert:
        """The alert, decoded now."""
        return decode(self.packet)


@dataclass(frozen=True, slots=True)
class PinResult:
    """How a filter decides on a pinned alert."""

    candid: int
    expected: bool
    """Whether it must pass."""
    verdict: Verdict
    error: str = ""
    """Why it failed; empty where it did not."""
    note: str = ""

    @property
    def green(self) -> bool:
        """Whether it is decided as it must be; a failure never is."""
        return self.verdict == (Verdict.PASSED if self.expected else Verdict.REJECTED)

    def __repr__(self) -> str:
        return f"<PinResult {self}>"

    def __str__(self) -> str:
        expected = "must pass" if self.expected else "must be rejected"
        came = "" if self.green else f", {self.verdict.name.lower()}"
        why = f" ({self.error})" if self.error else ""
        note = f": {self.note}" if self.note else ""
        return f"{'green' if self.green else 'red'}: {self.candid} {expected}{came}{why}{note}"


class Pins(Mapping[int, Pin]):
    """The pinned alerts of one filter, by candid, as they are in its folder now.

    Parameters
    ----------
    folder
        It need not exist; the first pin makes it.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).expanduser().absolute()

    def __getitem__(self, candid: int) -> Pin:
        return self._read()[0][candid]

    def __iter__(self) -> Iterator[int]:
        return iter(self._read()[0])

    def __len__(self) -> int:
        return len(self._read()[0])

    def __repr__(self) -> str:
        every = self._read()[0].values()
        passing = sum(one.passes for one in every)
        return (
            f"<Pins in {self.folder.name}: {passing} must pass, "
            f"{len(every) - passing} must be rejected>"
        )

    @property
    def problems(self) -> tuple[str, ...]:
        """The lines of the folder's file that cannot be read, with number and reason."""
        return self._read()[1]

    def pin(self, alert: Alert | Mapping[str, Any], *, passes: bool = True, note: str = "") -> Pin:
        """Keep an alert as an example; one that is pinned already is pinned anew.

        Parameters
        ----------
        alert
            An alert, of which the packet is kept as it came; or the whole dictionary that fastavro
            gives, which is encoded by its schema.
        passes
            Whether the filter must pass it.
        note
            Why.

        Raises
        ------
        FilterError
            If it is a dictionary that its schema cannot hold.
        SourceError
            If it cannot be written.
        """
        packet = _packet_of(alert)
        whole = decode(packet)
        pin = Pin(
            candid_of(whole.candid),
            name_of(whole.object_id),
            bool(passes),
            note_of(note),
            f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            sha256(packet).hexdigest(),
            self._file(whole.candid),
        )
        try:
            self.folder.mkdir(exist_ok=True)
            _write(pin.file, packet)
            self._say(
                candid=str(pin.candid),
                objectId=pin.object_id,
                passes=pin.passes,
                note=pin.note,
                time=pin.time,
                sha256=pin.checksum,
            )
        except OSError as error:
            raise SourceError(
                f"{pin.candid} cannot be pinned in {self.folder}: {error.strerror or error}; "
                "allow writing there, or work in another folder"
            ) from None
        return pin

    def unpin(self, candid: int) -> None:
        """Let go of a pinned alert, and of its packet.

        Raises
        ------
        NotHeldError
            If it is not pinned.
        SourceError
            If that cannot be written.
        """
        if candid not in self:
            raise NotHeldError(f"{candid} is not pinned in {self.folder}")
        try:
            self._say(candid=str(int(candid)), removed=True)
        except OSError as error:
            raise SourceError(
                f"{candid} cannot be unpinned in {self.folder}: {error.strerror or error}; "
                "allow writing there"
            ) from None
        with suppress(OSError):  # it is forgotten already
            self._file(candid).unlink()

    def _file(self, candid: int) -> Path:
        return self.folder / f"{candid}.avro"

    def _say(self, **record: Any) -> None:
        append(self.folder / LINES, f"{json.dumps(record, ensure_ascii=False)}\n".encode())

    def _read(self) -> tuple[dict[int, Pin], tuple[str, ...]]:
        try:
            data = (self.folder / LINES).read_bytes()
        except FileNotFoundError:
            return {}, ()
        except OSError as error:
            raise SourceError(f"cannot read {self.folder / LINES}: {error.strerror}") from None
        pins: dict[int, Pin] = {}
        problems = []
        for number, line in enumerate(data.split(b"\n"), 1):
            try:
                if line.strip():
                    self._take(pins, line)
            except (ConfigError, ValueError, RecursionError) as error:
                problems.append(f"line {number:,}: {error}")
        return pins, tuple(problems)

    def _take(self, pins: dict[int, Pin], line: bytes) -> None:
        """Do what a line says."""
        record = json.loads(line)
        if not isinstance(record, dict):
            raise ConfigError(f"expected an object {{...}}, got {type(record).__name__}")
        candid = candid_in(record.get("candid"))
        pins.pop(candid, None)  # the newest last
        if record.get("removed") is True:
            return
        if not isinstance(record.get("passes"), bool):
            raise ConfigError(f"passes: expected true or false, got {record.get('passes')!r}")
        pins[candid] = Pin(
            candid,
            name_of(record.get("objectId")),
            record["passes"],
            note_of(record.get("note", "")),
            name_of(record.get("time")),
            str(record.get("sha256")),
            self._file(candid),
        )


def pins_of(made: Filter) -> Pins:
    """Return the pins of a filter: in a folder of its name, where it was defined."""
    return Pins(made.home / f"{made.name}{SUFFIX}")


def check(made: Filter, pin: Pin) -> PinResult:
    """Run a filter on a pinned alert."""
    try:
        judge = Judge(made)
        judge.judgement.extend(1)
        judge(0, pin.alert)
    except ZtfnbError as error:  # no packet, no model
        return PinResult(pin.candid, pin.passes, Verdict.FAILED, message_of(error), pin.note)
    found = judge.judgement
    why = str(found.failures[0]) if found.failures else ""
    return PinResult(pin.candid, pin.passes, Verdict(found.verdict[0]), why, pin.note)


def told(made: Filter) -> str:
    """Return which pins of a filter are red; empty where none is."""
    try:
        results = made.check_pins()
    except ZtfnbError as error:
        return f"{made.name}: its pins cannot be tried: {error}"
    red = [f"  {one}" for one in results if not one.green]
    if not red:
        return ""
    return "\n".join([f"{made.name}: {len(red)} of {len(results)} pins are red", *red])


def _packet_of(alert: Alert | Mapping[str, Any]) -> bytes:
    if isinstance(alert, Alert):
        return alert.raw
    if not isinstance(alert, Mapping):
        raise FilterError(f"expected an alert or the dictionary of one, got {type(alert).__name__}")
    version = str(alert.get("schemavsn"))
    try:
        packet = encode(alert, version if version in _VERSIONS else _VERSIONS[0])
        whole = decode(packet)
    except ZtfnbError as error:
        raise FilterError(
            f"only a whole alert can be pinned, and this dictionary is none: {error}; "
            "pin what ztfnb.decode gives for its packet"
        ) from None
    lost = _lost(alert, whole.as_dict())
    if lost:
        raise FilterError(
            f"the schema {version} has no place for {lost}, which would be lost; "
            "pin what ztfnb.decode gives for the packet"
        )
    return packet


def _lost(given: Any, kept: Any, where: str = "") -> str:
    """Return the first field that is not kept as it was given; empty where all are."""
    if isinstance(given, Mapping) and isinstance(kept, Mapping):
        for name, value in given.items():
            path = f"{where}.{name}".lstrip(".")
            if name not in kept:
                return path
            if found := _lost(value, kept[name], path):
                return found
        return ""
    if isinstance(given, list | tuple) and isinstance(kept, list) and len(given) == len(kept):
        pairs = enumerate(zip(given, kept, strict=True))
        every = (_lost(one, other, f"{where}[{place}]") for place, (one, other) in pairs)
        return next((found for found in every if found), "")
    if isinstance(given, float) and isinstance(kept, float):
        alike = math.isclose(given, kept, rel_tol=1e-6, abs_tol=1e-37)
        return "" if alike or (math.isnan(given) and math.isnan(kept)) else where
    return "" if given == kept else where


def _write(file: Path, data: bytes) -> None:
    """Write a file that appears only when it is whole, and on the disk."""
    partial = file.with_name(f".{file.name}.{secrets.token_hex(4)}.partial")
    try:
        with partial.open("xb") as opened:
            opened.write(data)
            opened.flush()
            os.fsync(opened.fileno())
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
