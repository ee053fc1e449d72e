"""Alerts on disk: ``.avro`` files, folders of them, and nightly tar files.

What is read is untrusted: it is streamed within limits, never extracted, and a damaged file is an
error with its name, after which reading can go on. What is written appears under its final name
only when it is whole.
"""

from __future__ import annotations

import bisect
import errno
import gzip
import io
import os
import re
import secrets
import stat
import tarfile
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple, Protocol

from ztfnb.alert import Alert
from ztfnb.binary import BadValueError, read_long
from ztfnb.codec import decode
from ztfnb.container import MAGIC, MAX_PACKET_BYTES, SYNC_BYTES, iter_packets, read_header
from ztfnb.errors import ConfigError, DecodeError, DeliveryError, NotHeldError, SourceError
from ztfnb.progress import progress_bar
from ztfnb.source import Coordinates, Found, Packet, SourceStatus, Start
from ztfnb.tarball import SUFFIXES, Tarball

_LEVEL = 6
_LATEST = 8**11
OnError = Callable[[DecodeError], object]


def files_of(path: str | Path) -> list[Path]:
    """Return the files that `read` reads of a path, in its order: itself, or those of a folder.

    Raises
    ------
    ConfigError
        If there is nothing to read.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        files = [Path(folder, name) for folder, name in _walk(path)]
        if not files:
            raise ConfigError(f"{path} holds no .avro file")
        return files
    if not path.exists():
        raise ConfigError(f"there is no file or folder {path}")
    return [path]


def read(
    path: str | Path, *, progress: bool | None = None, on_error: OnError | None = None
) -> Iterator[Alert]:
    """Read the alerts of a file or folder, one by one.

    Parameters
    ----------
    path
        An ``.avro`` file of one or many records; a folder, of which all ``.avro`` files are read,
        those of folders inside it too, sorted by name; or a ``.tar``, ``.tar.gz`` or ``.tgz``
        file, which is streamed without extraction.
    progress
        Whether to show a bar. None: when it takes long, in a notebook or terminal.
    on_error
        Takes the error of each file that is damaged, or each member that is refused, and reading
        goes on with the next. Where None, the first is raised.

    Raises
    ------
    SourceError
        If there is nothing to read.
    DecodeError
        At a damaged file, with its name.
    """
    return _read(_shelf(Path(path).expanduser()), progress, on_error)


def _read(shelf: _Shelf, progress: bool | None, on_error: OnError | None) -> Iterator[Alert]:
    with progress_bar(f"reading {shelf.name}", shelf.total, shelf.unit, show=progress) as reached:
        for record in _records(shelf):
            reached(record.consumed)
            error = record.error
            if error is None:
                try:
                    alert = decode(record.data)
                except DecodeError as damage:
                    error = shelf.located(damage, record.name)
                else:
                    yield alert
                    continue
            if on_error is None:
                raise error
            on_error(error)


# -- What is on disk ------------------------------------------------------------------------


class _Item(NamedTuple):
    """One file, on disk or inside a tar file."""

    name: str
    mark: int
    """Where the shelf finds it again."""
    consumed: int
    """How far the shelf has been read, of its ``total``, when this item has been."""
    packets: Iterator[bytes]
    error: DecodeError | None


class _Record(NamedTuple):
    """One packet of a shelf; or, with empty data, an error between packets."""

    offset: int
    name: str
    mark: int
    consumed: int
    data: bytes
    error: DecodeError | None


class _Shelf(Protocol):
    name: str
    total: int
    unit: str

    leap: int
    """Packets that take longer to read through than to begin to read behind them."""

    def items(self, mark: int = 0) -> Iterator[_Item]: ...
    def located(self, error: DecodeError, item: str) -> DecodeError: ...


class _Files:
    """Files on disk, in the order of their names."""

    unit = " files"
    leap = 1

    def __init__(self, root: Path, files: Sequence[str]) -> None:
        self.name = root.name or str(root)
        self.total = len(files)
        self._root = root
        self._files = files

    def items(self, mark: int = 0) -> Iterator[_Item]:
        for place in range(mark, len(self._files)):
            name = self._files[place]
            packets = _file_packets(self._root / name if name else self._root)
            yield _Item(name, place, place + 1, packets, None)

    def located(self, error: DecodeError, item: str) -> DecodeError:
        return error.inside(item or self.name)


class _Members:
    """Members of a tar file."""

    unit = "B"

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.total = path.stat().st_size
        self._tarball = Tarball(path)
        # What is compressed is entered some 100 packets before the one that is wanted.
        self.leap = 4 if path.name.endswith(".tar") else 200

    def items(self, mark: int = 0) -> Iterator[_Item]:
        for name, position, data, consumed, error in self._tarball.members(mark):
            yield _Item(name, position, consumed, _packets_of(data), error)

    def located(self, error: DecodeError, item: str) -> DecodeError:
        return (error.inside(item) if item else error).inside(self.name)


def _shelf(path: Path) -> _Shelf:
    if path.is_dir():
        files = [
            os.path.relpath(os.path.join(folder, name), path)  # noqa: PTH118 - quicker, for a night
            for folder, name in _walk(path)
        ]
        if not files:
            raise ConfigError(f"{path} holds no .avro file")
        return _Files(path, files)
    if not path.exists():
        raise ConfigError(f"there is no file or folder {path}")
    if path.name.endswith(SUFFIXES):
        return _Members(path)
    return _Files(path, [""])


def _walk(path: Path) -> Iterator[tuple[str, str]]:
    for folder, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            if name.endswith(".avro") and not name.startswith("."):
                yield folder, name


def _records(shelf: _Shelf, mark: int = 0, offset: int = 0) -> Iterator[_Record]:
    """Yield the packets of a shelf from an item on, and the errors where they occur."""
    name, consumed = "", 0
    items = shelf.items(mark)
    while True:
        try:
            item = next(items, None)
        except DecodeError as error:
            # The shelf itself is damaged: nothing more can be found on it.
            yield _Record(offset, "", mark, consumed, b"", error)
            return
        if item is None:
            return
        name, mark, consumed, packets, refusal = item
        if refusal is not None:
            yield _Record(offset, name, mark, consumed, b"", refusal.inside(shelf.name))
            continue
        try:
            for data in packets:
                yield _Record(offset, name, mark, consumed, data, None)
                offset += 1
        except DecodeError as error:
            yield _Record(offset, name, mark, consumed, b"", shelf.located(error, name))


def _file_packets(path: Path) -> Iterator[bytes]:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DecodeError("no regular file")
        with path.open("rb") as file:
            if status.st_size > MAX_PACKET_BYTES:
                yield from iter_packets(file)
            else:
                yield from _packets_of(file.read(MAX_PACKET_BYTES))
    except OSError as error:
        raise DecodeError(f"cannot be read: {error.strerror}") from None


def _packets_of(data: bytes) -> Iterator[bytes]:
    """Yield the packets that some bytes hold: themselves, unless they hold several records."""
    if _is_packet(data):
        yield data
    else:
        yield from iter_packets(io.BytesIO(data))


def _is_packet(data: bytes) -> bool:
    """Return whether bytes are one packet, or no container file: `decode` says what they are."""
    if not data.startswith(MAGIC):
        return True
    try:
        begin = len(read_header(data).raw)
        count, position = read_long(data, begin + SYNC_BYTES)
        size, position = read_long(data, position)
    except (DecodeError, BadValueError):
        return True
    sync = data[begin : begin + SYNC_BYTES]
    behind = data[max(position + size, 0) + SYNC_BYTES :]
    return count == 1 and not behind.endswith(sync)


# -- Source ---------------------------------------------------------------------------------


class ArchiveSource:
    """The packets of an archive: `ztfnb.read` says what that may be.

    The file's or folder's name is the topic; it has one partition, whose offsets count the
    packets. A packet with one record is as it lies in the file; of a file with many, each record
    becomes a packet of its own. There are no timestamps.

    A file that is no alert is a packet too, so that whoever decodes it counts it. What cannot
    become a packet (a refused tar member, the damaged rest of a file) shows in `status`.

    Parameters
    ----------
    path
        A file or folder.
    on_error
        Takes each such error.

    Raises
    ------
    SourceError
        If there is nothing to read.
    """

    def __init__(self, path: str | Path, *, on_error: OnError | None = None) -> None:
        self._on_error = on_error
        self._shelf = _shelf(Path(path).expanduser())
        self.name = self._shelf.name
        self._records = _records(self._shelf)
        self._wanted = 0
        self._exhausted = False
        self._errors = 0
        self._error = ""
        # Items read so far, to find packets again: the first offset of each and its mark.
        self._firsts = array("q")
        self._marks = array("q")
        self._index = threading.Lock()

    def __repr__(self) -> str:
        return f"ArchiveSource({self.name!r})"

    def poll(self, timeout: float, limit: int) -> Sequence[Packet]:
        """Return up to ``limit`` packets, and no more than were read in ``timeout`` [s]."""
        deadline = time.monotonic() + timeout
        packets: list[Packet] = []
        while len(packets) < limit:
            record = next(self._records, None)
            if record is None:
                self._exhausted = True
                break
            if record.error is not None:
                self._errors += 1
                self._error = str(record.error)
                if self._on_error is not None:
                    self._on_error(record.error)
            else:
                self._remember(record)
                if record.offset >= self._wanted:
                    packets.append(Packet(record.data, self.name, 0, record.offset))
            if time.monotonic() > deadline:
                break
        return packets

    def _remember(self, record: _Record) -> None:
        if not self._marks or record.mark > self._marks[-1]:
            with self._index:
                self._firsts.append(record.offset)
                self._marks.append(record.mark)

    def _from(self, offset: int) -> Iterator[_Record]:
        """Read on from the last item known to begin at or before a packet."""
        with self._index:
            known = bisect.bisect_right(self._firsts, offset) - 1
            if known < 0:
                return _records(self._shelf)
            return _records(self._shelf, self._marks[known], self._firsts[known])

    def seek(self, start: Start) -> None:
        """Move to the beginning, the end, or an offset; the next `poll` reads from there.

        Raises
        ------
        SourceError
            If asked for a time: an archive does not know when its packets were sent.
        """
        if start.kind == "time":
            raise SourceError(
                f"{self.name} keeps no arrival times: start at 'beginning', 'latest' or an "
                "offset such as {0: 1000}"
            )
        self._records = iter(())
        self._wanted = start.offsets.get(0, 0)
        if start.kind != "end":
            self._records = self._from(self._wanted)
        self._exhausted = start.kind == "end"
        self._errors = 0
        self._error = ""

    def fetch(self, at: Coordinates) -> Packet:
        """Return one packet by its coordinates without moving the reading position.

        Raises
        ------
        NotHeldError
            If the archive holds no such packet.
        """
        for _, found in self.fetch_many((at,)):
            if isinstance(found, Packet):
                return found
        raise self._not_held(at)

    def fetch_many(self, places: Iterable[Coordinates]) -> Iterator[Found]:
        """Yield packets by their coordinates, or why one is not held, as they lie in the archive.

        What lies close together is read in one go.
        """
        wanted: list[Coordinates] = []
        for at in sorted(set(places)):
            if at.topic == self.name and at.partition == 0 and at.offset >= 0:
                wanted.append(at)
            else:
                yield at, self._not_held(at)
        records: Iterator[_Record] = iter(())
        ahead = -1
        for at in wanted:
            if ahead < 0 or self._is_leap(ahead, at.offset):
                records = self._from(at.offset)
            found: Packet | NotHeldError = self._not_held(at)
            for record in records:
                ahead = record.offset + 1
                if record.offset == at.offset and record.error is None:
                    found = Packet(record.data, *at)
                    break
            yield at, found

    def _is_leap(self, ahead: int, offset: int) -> bool:
        """Whether a packet is reached sooner from elsewhere than by reading on."""
        with self._index:
            known = bisect.bisect_right(self._firsts, offset) - 1
            return known >= 0 and self._firsts[known] - ahead >= self._shelf.leap

    def _not_held(self, at: Coordinates) -> NotHeldError:
        return NotHeldError(f"{self.name} holds no packet at {at}")

    def status(self) -> SourceStatus:
        """Return whether everything has been read, and what could not be."""
        error = f"{self._error} ({self._errors:,} such)" if self._errors > 1 else self._error
        return SourceStatus(
            lag=0 if self._exhausted else None,
            caught_up=self._exhausted,
            exhausted=self._exhausted,
            error=error,
            topics=(self.name,),
        )

    def close(self) -> None:
        """Let the file go; a second call does nothing."""
        self._records = iter(())


# -- Sink -----------------------------------------------------------------------------------


class ArchiveSink:
    """Packets written to a folder or a tar file, each as ``<candid>.avro``, byte for byte.

    An alert that is there already (by its candid) is not written again. A packet that is no alert
    is named by its coordinates.

    Parameters
    ----------
    path
        A ``.tar``, ``.tar.gz`` or ``.tgz`` file, which must not exist and appears when the sink
        is closed; or a folder, in which each file appears when it is whole.

    Raises
    ------
    SourceError
        If it cannot be written there.
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path).expanduser()
        self.name = path.name or str(path)
        self.duplicates = 0
        """Packets not written, since one of their name was there."""
        self._failed = ""
        self._closed = False
        kind = _Tar if path.name.endswith(SUFFIXES) else _Folder
        try:
            self._target: _Tar | _Folder = kind(path)
        except OSError as error:
            raise SourceError(f"cannot write {path}: {error.strerror}") from None

    def __repr__(self) -> str:
        return f"ArchiveSink({self.name!r})"

    def send(self, packet: Packet) -> None:
        """Write one packet.

        Raises
        ------
        DeliveryError
            If it cannot be written, or one before it could not.
        """
        with self._delivering():
            if not self._target.write(_file_name(packet), packet):
                self.duplicates += 1

    def flush(self) -> None:
        """Hand all that was sent to the operating system.

        Raises
        ------
        DeliveryError
            If anything could not be written.
        """
        with self._delivering():
            self._target.flush()

    def close(self) -> None:
        """Give a tar file its name, unless writing failed; a second call does nothing.

        Raises
        ------
        DeliveryError
            If that cannot be done. There is no file of the final name then.
        """
        if self._closed:
            return
        try:
            if not self._failed:
                with self._delivering():
                    self._target.finish()
        finally:
            self._closed = True
            self._target.discard()

    @contextmanager
    def _delivering(self) -> Iterator[None]:
        if self._closed:
            raise DeliveryError(f"{self.name} is closed")
        if self._failed:
            raise DeliveryError(self._failed)
        try:
            yield
        except OSError as error:
            self._failed = f"cannot write to {self.name}: {error.strerror}"
            raise DeliveryError(self._failed) from None


class _Folder:
    """Files of their own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, packet: Packet) -> bool:
        final = self._path / name
        if final.exists():
            return False
        partial = _partial(final)
        try:
            partial.write_bytes(packet.value)
            partial.rename(final)
        finally:
            partial.unlink(missing_ok=True)
        return True

    def flush(self) -> None:
        """Do nothing: every file is whole once it is there."""

    def finish(self) -> None:
        """Do nothing, for the same reason."""

    def discard(self) -> None:
        """Do nothing, for the same reason."""


class _Tar:
    """One tar file, gzipped unless its name ends with ``.tar``."""

    def __init__(self, path: Path) -> None:
        _refuse_existing(path)
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._partial = _partial(path)
        self._file = self._partial.open("xb")
        plain = path.suffix == ".tar"
        self._stream: IO[bytes] | gzip.GzipFile = (
            self._file if plain else gzip.GzipFile("", "wb", _LEVEL, self._file, mtime=0)
        )
        self._names: set[str] = set()

    def write(self, name: str, packet: Packet) -> bool:
        if name in self._names:
            return False
        info = tarfile.TarInfo(name)
        info.size = len(packet.value)
        info.mtime = int(packet.timestamp) if 0 <= packet.timestamp < _LATEST else 0
        padding = bytes(-info.size % tarfile.BLOCKSIZE)
        self._stream.write(info.tobuf(tarfile.USTAR_FORMAT) + packet.value + padding)
        self._names.add(name)
        return True

    def flush(self) -> None:
        self._stream.flush()
        self._file.flush()

    def finish(self) -> None:
        self._stream.write(bytes(2 * tarfile.BLOCKSIZE))
        if self._stream is not self._file:
            self._stream.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        _refuse_existing(self._path)
        self._partial.rename(self._path)

    def discard(self) -> None:
        self._file.close()
        self._partial.unlink(missing_ok=True)


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise FileExistsError(errno.EEXIST, "it exists; choose another name or remove it")


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")


def _file_name(packet: Packet) -> str:
    try:
        return f"{int(decode(packet.value).candid)}.avro"
    except (DecodeError, KeyError, TypeError):
        topic = re.sub(r"[^A-Za-z0-9_-]", "_", packet.topic)[:40]
        return f"{topic}-{packet.partition}-{packet.offset}.avro"
