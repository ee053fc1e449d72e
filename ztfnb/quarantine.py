"""Packets that held no readable alert: kept with the reason, so that they can be saved.

Memory is bounded. The reasons and coordinates of the newest 1,000 are kept, and of those the
bytes of as many as fit into 32 MB; the bytes of older ones are fetched again from the source when
they are saved. All of them are counted in `ztfnb.state.Stats.failed`.
"""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import math
import os
import re
import secrets
import shutil
import tarfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ztfnb.errors import ConfigError, DecodeError, DeliveryError, NotHeldError
from ztfnb.source import Coordinates, Packet

MOST = 1_000
"""Failures of which reason and coordinates are kept."""
MOST_BYTES = 32_000_000
"""Memory for the bytes of their packets."""
REASONS = "reasons.json"
"""The file that says, of each packet saved, where it came from and why it is no alert."""
_SUFFIXES = (".tar.gz", ".tgz")
_LEVEL = 6
_LATEST = 8**11

Fetch = Callable[[Coordinates], Packet]


@dataclass(frozen=True, slots=True)
class Failure:
    """A packet that held no readable alert: kept to be looked at, saved or reported."""

    packet: Packet
    """The packet; its value is empty where ``kept`` is false."""
    error: DecodeError
    time: float = math.nan
    """Unix time [s] at which it was found."""
    size: int = 0
    """Length of its value [bytes]."""

    @property
    def kept(self) -> bool:
        """Whether its bytes are still in memory."""
        return len(self.packet.value) == self.size


class Quarantine:
    """The newest packets that held no alert, oldest first.

    One thread adds, any may read.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: deque[Failure] = deque()
        self._first_kept = 0
        self._bytes = 0

    def add(self, packet: Packet, error: DecodeError, time: float) -> None:
        """Take one packet in, and let go what there is no more room for."""
        with self._lock:
            self._failures.append(Failure(packet, error, time, len(packet.value)))
            self._bytes += _weight(packet)
            # The newest is kept whatever its size: the transport bounds that.
            while self._bytes > MOST_BYTES and self._first_kept < len(self._failures) - 1:
                old = self._failures[self._first_kept]
                self._failures[self._first_kept] = dataclasses.replace(
                    old, packet=old.packet._replace(value=b"", key=None, headers=())
                )
                self._bytes -= _weight(old.packet)
                self._first_kept += 1
            if len(self._failures) > MOST:
                left = self._failures.popleft()
                if self._first_kept:
                    self._first_kept -= 1
                else:
                    self._bytes -= _weight(left.packet)

    def failures(self) -> tuple[Failure, ...]:
        """Return what is kept, oldest first."""
        with self._lock:
            return tuple(self._failures)


def _let_go(_at: Coordinates) -> Packet:
    raise NotHeldError("its bytes are no longer in memory")


def _weight(packet: Packet) -> int:
    """Return about what a packet takes in memory [bytes]."""
    headers = sum(len(name) + len(value) for name, value in packet.headers)
    return len(packet.value) + len(packet.key or b"") + headers


def save(path: str | Path, failures: Sequence[Failure], *, fetch: Fetch = _let_go) -> Path:
    """Write failures to a tar file or folder, which appears only when it is whole.

    Parameters
    ----------
    path
        A name that is still free. One that ends with ``.tar.gz`` or ``.tgz`` becomes a file, any
        other a folder.
    failures
        What to write.
    fetch
        Returns a packet of which the bytes were let go; without it such a packet has a reason
        only.

    Returns
    -------
    pathlib.Path
        What was written.

    Raises
    ------
    ConfigError
        If there is something of that name: it may hold packets that are nowhere else.
    DeliveryError
        If it cannot be written; nothing of that name is there then.
    """
    path = Path(path).expanduser()
    if path.exists():
        raise ConfigError(f"{path} exists; choose another name, or move it away")
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.name.endswith(_SUFFIXES):
            with partial.open("xb") as file:
                _write_tar(file, failures, fetch)
                file.flush()
                os.fsync(file.fileno())
        else:
            partial.mkdir()
            for name, content, _ in _files(failures, fetch):
                (partial / name).write_bytes(content)
        partial.rename(path)
    except OSError as error:
        raise DeliveryError(f"cannot write {path}: {error.strerror}") from None
    finally:
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            partial.unlink(missing_ok=True)
    return path


def _write_tar(target: IO[bytes], failures: Iterable[Failure], fetch: Fetch) -> None:
    with (
        gzip.GzipFile("", "wb", _LEVEL, target, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name, content, moment in _files(failures, fetch):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.mtime = int(moment) if 0 <= moment < _LATEST else 0
            tar.addfile(info, io.BytesIO(content))


def _files(failures: Iterable[Failure], fetch: Fetch) -> Iterator[tuple[str, bytes, float]]:
    """Yield name, content and time of each packet's file, and of the reasons' last."""
    reasons = []
    for place, failure in enumerate(failures):
        packet, missing = failure.packet, ""
        if not failure.kept:
            try:
                packet = fetch(packet.coordinates)
            except NotHeldError as error:
                missing = str(error)
            except Exception as error:  # noqa: BLE001 - whatever a source does, the rest is saved
                # Each further question would wait for an answer as long as this one did.
                missing, fetch = str(error), _let_go
        name = _file_name(place, packet)
        reasons.append(_described(failure, "" if missing else name, missing))
        if not missing:
            yield name, packet.value, packet.timestamp
    yield REASONS, json.dumps(reasons, indent=1).encode(), math.nan


def _described(failure: Failure, name: str, missing: str) -> dict[str, object]:
    packet = failure.packet
    described: dict[str, object] = {
        "file": name or None,
        "topic": packet.topic,
        "partition": packet.partition,
        "offset": packet.offset,
        "timestamp": _number(packet.timestamp),
        "found": _number(failure.time),
        "size": failure.size,
        "reason": str(failure.error),
    }
    return described | {"missing": missing} if missing else described


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _file_name(place: int, packet: Packet) -> str:
    """Return a name without anything that a topic, which anyone may name, could mean by it."""
    topic = re.sub(r"[^A-Za-z0-9_-]", "_", packet.topic)[:40]
    return f"{place:04d}-{topic}-{packet.partition}-{packet.offset}.avro"
