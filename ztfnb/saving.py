"""Alerts to files for other people and other programs, in a form chosen by the file's name.

What ends with ``.avro`` or ``.tar.gz``, and a folder, holds the packets' bytes as they came, so
that nothing is lost. The others are tables of the detections: no history and no stamps. A file
appears under its name only when it is whole.
"""

from __future__ import annotations

import csv
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ztfnb.alert import Alert
from ztfnb.archive import ArchiveSink
from ztfnb.arrays import Part, merge
from ztfnb.columns import Columns, decode_columns
from ztfnb.errors import ConfigError, SourceError
from ztfnb.fields import documented
from ztfnb.progress import progress_bar
from ztfnb.source import Packet

if TYPE_CHECKING:
    from astropy.table import Table

Alerts = Alert | Iterable[Alert]

_PIECE = 1_000
_FIRST = ("objectId", "candid")


def save(
    alerts: Alerts,
    path: str | Path,
    *,
    overwrite: bool = False,
    progress: bool | None = None,
) -> Path:
    """Write alerts to a file or folder, in the form that its name asks for.

    ==========================  ===========================================================
    ``packet.avro``             the packet of one alert, byte for byte
    ``some.tar.gz`` (``.tgz``,  the packets of any number, byte for byte, each as
    ``.tar``), or a folder      ``<candid>.avro``; a folder keeps what it holds already
    ``some.parquet``            a table of the detections, with units and meanings
    ``some.ecsv``               the same as text; `astropy.table.Table.read` knows it
    ``some.csv``                the same for anything else; null is an empty cell
    ==========================  ===========================================================

    Several packets are never joined in one ``.avro`` file: each brings the schema that it was
    written with, and its bytes would not stay as they are.

    Parameters
    ----------
    alerts
        One alert, or several.
    path
        Where to.
    overwrite
        Whether a file of that name may be replaced. In a folder, no file ever is.
    progress
        Whether to show a bar. None: when it takes long, in a notebook or terminal.

    Returns
    -------
    Path
        What was written.

    Raises
    ------
    ConfigError
        If the name ends with something else, there is no alert, or several for one ``.avro``.
    SourceError
        If there is a file of that name, or it cannot be written.
    ImportError
        If Parquet needs pyarrow, or ECSV astropy, of the extra ``lab``.
    """
    target = Path(path).expanduser()
    told = [alerts] if isinstance(alerts, Alert) else alerts
    if str(path).endswith(("/", os.sep)) or target.is_dir() or not target.suffix:
        _send(told, target, progress)
        return target
    kind = next((end for end in _WRITERS if target.name.lower().endswith(end)), None)
    if kind is None:
        raise ConfigError(
            f"{target.name}: expected a name that ends with {', '.join(_WRITERS)}, or a folder"
        )
    with _appearing(target, kind, overwrite=overwrite) as partial:
        _WRITERS[kind](told, partial, progress)
    return target


def to_table(alerts: Alerts) -> Table:
    """Return the detections of alerts as an astropy Table with units, masked where null.

    Raises
    ------
    ConfigError
        If there is no alert.
    ImportError
        If astropy, of the extra ``lab``, is missing.
    """
    return _table([alerts] if isinstance(alerts, Alert) else alerts, progress=False)


def columns_of(alerts: Iterable[Alert], *, progress: bool | None = None) -> Columns:
    """Return the detections of alerts as columns: objectId and candid first.

    Raises
    ------
    ConfigError
        If there is no alert.
    DecodeError
        If one cannot be a row of a table.
    """
    parts: list[Part] = []
    piece: list[bytes] = []
    begin = 0

    def decode_piece() -> None:
        nonlocal begin
        found = decode_columns(piece)
        for place, error in found.errors:
            raise error.inside(f"alert number {begin + place + 1:,}")
        parts.append(Part(found.rows + begin, found.arrays, found.masks))
        begin += len(piece)
        piece.clear()

    for alert in _counted(alerts, progress):
        piece.append(alert.raw)
        if len(piece) == _PIECE:
            decode_piece()
    if piece:
        decode_piece()
    whole = merge(parts)
    names = sorted(whole.arrays, key=lambda name: name not in _FIRST)
    return Columns({name: whole.arrays[name] for name in names}, whole.masks, whole.places)


def _counted(alerts: Iterable[Alert], progress: bool | None) -> Iterator[Alert]:
    """Yield alerts, at least one, with a bar."""
    total = len(alerts) if isinstance(alerts, Sized) else None
    count = 0
    with progress_bar("saving", total, "alert", show=progress) as reached:
        for count, alert in enumerate(alerts, 1):
            yield alert
            reached(count)
    if not count:
        raise ConfigError("expected alerts to save, got none")


@contextmanager
def _appearing(path: Path, kind: str, *, overwrite: bool) -> Iterator[Path]:
    """Give a name to write to, which becomes the right one when all went well."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}{kind}")
    try:
        _refuse(path, overwrite=overwrite)
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        _refuse(path, overwrite=overwrite)
        partial.replace(path)
    except OSError as error:
        raise SourceError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _refuse(path: Path, *, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise SourceError(f"{path} exists; choose another name, or allow it: overwrite=True")


# -- Packets as they are -----------------------------------------------------------------------


def _send(alerts: Iterable[Alert], path: Path, progress: bool | None) -> None:
    sink = ArchiveSink(path)
    try:
        for alert in _counted(alerts, progress):
            sink.send(Packet(alert.raw))
    finally:
        sink.close()


def _write_packet(alerts: Iterable[Alert], path: Path, progress: bool | None) -> None:
    several = list(_counted(alerts, progress))
    if len(several) > 1:
        raise ConfigError(
            f"expected one alert for an .avro file, got {len(several):,}: name a folder or a "
            ".tar.gz, which keep each packet as it is"
        )
    path.write_bytes(several[0].raw)


# -- Tables ------------------------------------------------------------------------------------


def _write_csv(alerts: Iterable[Alert], path: Path, progress: bool | None) -> None:
    columns = columns_of(alerts, progress=progress)
    texts = [
        # NumPy writes as many digits as the number's own width needs.
        np.where(columns.mask(name), "", values.astype(np.str_))
        for name, values in columns.items()
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*(column.tolist() for column in texts), strict=True))


def _write_ecsv(alerts: Iterable[Alert], path: Path, progress: bool | None) -> None:
    _table(alerts, progress=progress).write(path, format="ascii.ecsv")


def _table(alerts: Iterable[Alert], *, progress: bool | None) -> Table:
    try:
        from astropy.table import Column, MaskedColumn, Table  # noqa: PLC0415 - of `lab`
    except ImportError:
        raise ImportError("tables need astropy: pip install 'ztfnb[lab]'") from None
    columns = columns_of(alerts, progress=progress)
    made = []
    for name, values in columns.items():
        unit, doc = _meaning(name)
        meaning = {"unit": unit or None, "description": doc or None}
        if name in columns.masks:
            made.append(MaskedColumn(values, name, mask=columns.masks[name], **meaning))
        else:
            made.append(Column(values, name, **meaning))
    return Table(made, copy=False)


def _write_parquet(alerts: Iterable[Alert], path: Path, progress: bool | None) -> None:
    try:
        import pyarrow as pa  # noqa: PLC0415 - of `lab`
        from pyarrow import parquet  # noqa: PLC0415 - of `lab`
    except ImportError:
        raise ImportError("Parquet needs pyarrow: pip install 'ztfnb[lab]'") from None
    columns = columns_of(alerts, progress=progress)
    made: list[Any] = []
    described: list[Any] = []
    for name, values in columns.items():
        array = pa.array(values, mask=columns.masks.get(name), from_pandas=False)
        unit, doc = _meaning(name)
        about = {key: text for key, text in (("unit", unit), ("description", doc)) if text}
        made.append(array)
        described.append(pa.field(name, array.type, metadata=about or None))
    table = pa.Table.from_arrays(made, schema=pa.schema(described))
    parquet.write_table(table, path)


def _meaning(name: str) -> tuple[str, str]:
    """Return unit and description of a field of the detection; empty where nothing is known."""
    found = documented(name)
    return ("", "") if found is None else (found.unit, found.doc)


_Writer = Callable[[Iterable[Alert], Path, bool | None], None]
_WRITERS: dict[str, _Writer] = {
    ".avro": _write_packet,
    ".tar.gz": _send,
    ".tgz": _send,
    ".tar": _send,
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".ecsv": _write_ecsv,
}
