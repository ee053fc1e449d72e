"""What is saved reads back as what was there."""

from __future__ import annotations

import csv
import math
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made import made_alert, made_packet
from packets import needs_real_packets, real_files

import ztfnb
from ztfnb.columns import decode_columns
from ztfnb.errors import ConfigError, SourceError
from ztfnb.saving import columns_of, save, to_table

TYPES = {"<f4": "float", "<f8": "double", "<i4": "int32", "<i8": "int64", "|b1": "bool"}
LARGE = 2_461_055_750_123_456_789


def alerts_of(*candids: int, **candidate: Any) -> list[ztfnb.Alert]:
    return [ztfnb.decode(made_packet(candid, **candidate)) for candid in candids]


@pytest.fixture(scope="session")
def mixed() -> list[ztfnb.Alert]:
    """Real alerts of several schema versions, with nulls."""
    files = [*real_files("v1.8/*.avro")[:2], *real_files("v3.3/*.avro")[:3],
             *real_files("v4.02/*.avro")[:3]]  # fmt: skip
    return [ztfnb.decode(file.read_bytes()) for file in files]


def parquet(path: Path) -> Any:
    return pytest.importorskip("pyarrow.parquet").read_table(path)


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tgz", "a.tar", "folder", "dotted.folder/"])
def test_packets_keep_their_bytes(tmp_path: Path, name: str) -> None:
    """Packets read back byte for byte, whatever their schemas."""
    alerts = alerts_of(3, 1, LARGE)
    path = f"{tmp_path}/{name}"
    assert save(iter(alerts), path) == Path(path)
    read = {alert.candid: alert.raw for alert in ztfnb.read(path)}
    assert read == {alert.candid: alert.raw for alert in alerts}


def test_one_packet(tmp_path: Path) -> None:
    """An .avro file is the packet; several alerts are refused with what to do instead."""
    one, two = alerts_of(1, 2)
    save(one, tmp_path / "one.avro")
    assert (tmp_path / "one.avro").read_bytes() == one.raw
    with pytest.raises(ConfigError, match=r"one alert for an \.avro file, got 2: name a folder"):
        save([one, two], tmp_path / "two.avro")
    assert [file.name for file in tmp_path.iterdir()] == ["one.avro"]


@needs_real_packets
def test_real_packets_keep_their_bytes(tmp_path: Path, mixed: list[ztfnb.Alert]) -> None:
    """Packets of several schema versions in one tar file are as they came."""
    save(mixed, tmp_path / "mixed.tar.gz")
    with tarfile.open(tmp_path / "mixed.tar.gz") as tar:
        assert tar.getnames() == [f"{alert.candid}.avro" for alert in mixed]
    assert [alert.raw for alert in ztfnb.read(tmp_path / "mixed.tar.gz")] == [
        alert.raw for alert in mixed
    ]


@needs_real_packets
def test_parquet_equals_the_columns(tmp_path: Path, mixed: list[ztfnb.Alert]) -> None:
    """Every value, type and null of the columns is in the Parquet file."""
    save(mixed, tmp_path / "mixed.parquet")
    table = parquet(tmp_path / "mixed.parquet")
    columns = decode_columns([alert.raw for alert in mixed])
    assert set(table.column_names) == set(columns)
    assert any(columns.mask(name).any() for name in columns)
    for name, values in columns.items():
        held = table.column(name)
        null = columns.mask(name)
        assert [value is None for value in held.to_pylist()] == null.tolist()
        there = np.array(held.drop_null().to_pylist())
        assert np.array_equal(there, values[~null], equal_nan=values.dtype.kind == "f")
        assert str(held.type) == TYPES.get(values.dtype.str, "string")


def test_parquet_is_documented(tmp_path: Path) -> None:
    """Columns bring unit and meaning; candid is a whole number of 64 bits and stands first."""
    save(alerts_of(LARGE), tmp_path / "one.parquet")
    schema = parquet(tmp_path / "one.parquet").schema
    assert schema.names[:2] == ["objectId", "candid"]
    assert str(schema.field("candid").type) == "int64"
    assert schema.field("ra").metadata[b"unit"] == b"deg"
    assert b"Brightness of the difference" in schema.field("magpsf").metadata[b"description"]
    assert parquet(tmp_path / "one.parquet").column("candid").to_pylist() == [LARGE]


@given(
    values=st.lists(
        st.none() | st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1,
        max_size=5,
    )
)  # fmt: skip
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_tables_agree(tmp_path: Path, values: list[float | None]) -> None:
    """Parquet, CSV, ECSV and the Table hold the same numbers to the last bit, and nulls."""
    pytest.importorskip("astropy")
    from astropy.table import Table  # noqa: PLC0415 - optional

    alerts = [ztfnb.decode(made_packet(n, rb=value)) for n, value in enumerate(values)]
    for end in ("parquet", "csv", "ecsv"):
        save(alerts, tmp_path / f"t.{end}", overwrite=True)
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert parquet(tmp_path / "t.parquet").column("rb").to_pylist() == values
    from_csv = [np.float32(row["rb"]) if row["rb"] else None for row in rows]
    assert from_csv == values
    for table in (to_table(alerts), Table.read(tmp_path / "t.ecsv")):
        rb = np.ma.MaskedArray(table["rb"])
        assert [None if hidden else number for number, hidden in
                zip(rb.data.tolist(), np.ma.getmaskarray(rb), strict=True)] == values  # fmt: skip


def test_table_has_units() -> None:
    """The Table's columns have units and say what they mean."""
    pytest.importorskip("astropy")
    table = to_table(alerts_of(1)[0])
    assert str(table["ra"].unit) == "deg"
    assert table["objectId"][0] == "ZTF260000001"
    assert table["candid"].dtype == np.int64


@pytest.mark.parametrize("name", ["a.fits", "a.json", "a.avro.gz", "a.tar.bz2", "a.gz"])
def test_unknown_ends_are_refused(tmp_path: Path, name: str) -> None:
    """A name of another kind is refused with those there are."""
    with pytest.raises(ConfigError, match=r"\.avro, \.tar\.gz, .*\.parquet, \.csv, \.ecsv, or a"):
        save(alerts_of(1), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.avro", "a.tar.gz", "a.parquet", "a.csv", "a.ecsv", "folder"])
def test_nothing_to_save(tmp_path: Path, name: str) -> None:
    """No alert is no file."""
    with pytest.raises(ConfigError, match="got none"):
        save([], tmp_path / name)
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


@pytest.mark.parametrize("name", ["a.avro", "a.tar.gz", "a.parquet", "a.csv", "a.ecsv"])
def test_a_file_is_replaced_only_when_allowed(tmp_path: Path, name: str) -> None:
    """A file that is there stays as it is, unless it may be replaced."""
    path = tmp_path / name
    save(alerts_of(1), path)
    before = path.read_bytes()
    with pytest.raises(SourceError, match=f"{name} exists"):
        save(alerts_of(2), path)
    assert path.read_bytes() == before
    save(alerts_of(2), path, overwrite=True)
    assert path.read_bytes() != before
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a.tar.gz", "a.parquet", "a.csv", "a.ecsv"])
def test_what_fails_leaves_nothing(tmp_path: Path, name: str) -> None:
    """Where alerts stop with an error, neither a new file appears nor an old one changes."""
    path = tmp_path / name
    save(alerts_of(1), path)
    before = path.read_bytes()

    def ending() -> Iterator[ztfnb.Alert]:
        yield alerts_of(2)[0]
        raise RuntimeError("the source is gone")

    with pytest.raises(RuntimeError, match="gone"):
        save(ending(), path, overwrite=True)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_folder_keeps_what_it_holds(tmp_path: Path) -> None:
    """More alerts can be added to a folder; those it has are not written again."""
    save(alerts_of(1), tmp_path / "folder")
    (tmp_path / "folder" / "1.avro").write_bytes(b"precious")
    save(alerts_of(1, 2), tmp_path / "folder")
    assert (tmp_path / "folder" / "1.avro").read_bytes() == b"precious"
    assert (tmp_path / "folder" / "2.avro").exists()


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    """A path through a file is told in words."""
    (tmp_path / "file").write_text("")
    for name in ("file/a.csv", "file/a.tar.gz", "file/folder"):
        with pytest.raises(SourceError, match="cannot write"):
            save(alerts_of(1), tmp_path / name)


def test_many_alerts_are_one_table() -> None:
    """Columns of more alerts than are decoded at once are in their order, with their nulls."""
    alerts = alerts_of(1) + alerts_of(*range(2, 2_100), rb=0.5) + alerts_of(2_100)
    alerts[0] = ztfnb.decode(ztfnb.encode(_without_rb(made_alert(1))))
    columns = columns_of(alerts)
    assert columns["candid"].tolist() == [alert.candid for alert in alerts]
    assert np.flatnonzero(columns.mask("rb")).tolist() == [0]
    assert math.isnan(columns["rb"][0])
    assert list(columns)[:2] == ["objectId", "candid"]


def _without_rb(alert: dict[str, Any]) -> dict[str, Any]:
    alert["candidate"]["rb"] = None
    return alert
