"""Pinned alerts: examples that a filter must pass or must reject, tried whenever it is defined.

They are kept beside the notebook in a folder ``<name>.pins``: the packet of each as
``<candid>.avro``, byte for byte, and what is expected as lines of JSON, of which later ones win.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ztfnb.alert import Alert
from ztfnb.codec import decode
from ztfnb.errors import ConfigError, NotHeldError, SourceError, ZtfnbError
from ztfnb.filters.decision import Verdict
from ztfnb.filters.failure import message_of
from ztfnb.filters.judge import Judge
from ztfnb.filters.pin import Pin, PinResult
from ztfnb.filters.pinned_packet import packet_of
from ztfnb.label import candid_in, candid_of, name_of, note_of
from ztfnb.lines import append

if TYPE_CHECKING:
    from ztfnb.filters.filter import Filter

__all__ = ["LINES", "SUFFIX", "Pin", "PinResult", "Pins", "check", "pins_of", "told"]

SUFFIX = ".pins"
"""What follows a filter's name in that of its folder."""
LINES = "pins.jsonl"


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
        packet = packet_of(alert)
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
