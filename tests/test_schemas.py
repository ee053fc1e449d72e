"""The shipped schemas: what they promise to other readers, and their documentation."""

from __future__ import annotations

import io
import json
import os
import re
import struct
from pathlib import Path
from typing import Any

import fastavro
import pytest
from packets import needs_real_packets, real_files

from ztfnb.schema import schema_files

SCHEMAS = Path(str(schema_files()))
ZTF = sorted(SCHEMAS.glob("ztf/*/*.avsc"))
RUBIN = sorted(SCHEMAS.glob("lsst/*.avsc"))
PUBLIC = Path(
    os.environ.get("ZTFNB_PUBLIC_SCHEMAS") or Path(__file__).parents[2] / "shared" / "schemas"
).resolve()
FORM = re.compile(r".{10,}\. Unit: [^.]+\. Missing: [^.]+\.(?: Since: [0-9.]+\.)?")


def without_docs(node: Any) -> Any:
    """Return a schema without its documentation."""
    if isinstance(node, dict):
        return {key: without_docs(value) for key, value in node.items() if key != "doc"}
    if isinstance(node, list):
        return [without_docs(item) for item in node]
    return node


def assembled(version: str) -> Any:
    """Return the ZTF alert schema of a version with all types written out."""
    folder = SCHEMAS / "ztf" / version
    names = ("candidate", "prv_candidate", "fp_hist", "cutout", "alert")
    paths = [str(folder / f"{name}.avsc") for name in names]
    return fastavro.schema.load_schema_ordered([path for path in paths if Path(path).exists()])


def test_the_promised_schemas_are_there() -> None:
    """Two ZTF versions and every Rubin version from 7.0 to 11.0 are held."""
    assert [f"{path.parent.name}/{path.stem}" for path in ZTF] == [
        "3.3/alert",
        "3.3/candidate",
        "3.3/cutout",
        "3.3/prv_candidate",
        "4.02/alert",
        "4.02/candidate",
        "4.02/cutout",
        "4.02/fp_hist",
        "4.02/prv_candidate",
    ]
    versions = {path.stem for path in RUBIN}
    assert versions == {"7.0", "7.1", "7.2", "7.3", "7.4", "8.0", "9.0", "10.0", "11.0"}


@pytest.mark.parametrize("path", ZTF, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_names_order_types_and_defaults_are_the_public_ones(path: Path) -> None:
    """A file differs from the public one in documentation and in nothing else."""
    public = PUBLIC / "ztf-avro-alert" / path.parent.name / path.name
    if not public.exists():
        pytest.skip("no public schemas here: set ZTFNB_PUBLIC_SCHEMAS to a folder that holds them")
    ours, theirs = (json.loads(p.read_text("utf-8")) for p in (path, public))
    assert without_docs(ours) == without_docs(theirs)
    written = {field.get("doc", "") for field in theirs["fields"]} - {""}
    assert not written & {field["doc"] for field in ours["fields"]}


@needs_real_packets
@pytest.mark.parametrize("version", ["3.3", "4.02"])
def test_a_real_packet_carries_the_same_structure(version: str) -> None:
    """The schema inside real packets of this version equals ours but for documentation."""
    carried = set()
    for path in real_files(f"v{version}/*.avro"):
        with path.open("rb") as file:
            raw = fastavro.reader(file).metadata["avro.schema"]
        carried.add(_canonical(json.loads(raw)))
    assert _canonical(assembled(version)) in carried


def _canonical(schema: Any) -> str:
    return str(fastavro.schema.to_parsing_canonical_form(fastavro.parse_schema(schema)))


@pytest.mark.parametrize("path", ZTF, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_field_is_documented_in_one_form_on_one_line(path: Path) -> None:
    """Each field has one line, with its meaning, its unit and what stands for a missing value."""
    text = path.read_text("utf-8")
    for field in json.loads(text)["fields"]:
        assert FORM.fullmatch(field["doc"]), field["name"]
        (line,) = (x for x in text.splitlines() if f'"name": "{field["name"]}", "type"' in x)
        assert json.loads(line.strip().rstrip(",")) == field


@pytest.mark.parametrize("path", RUBIN, ids=lambda path: str(path.stem))
def test_rubin_schemas_stand_alone(path: Path) -> None:
    """A Rubin schema parses by itself, is an alert, and holds no documentation."""
    schema = json.loads(path.read_text("utf-8"))
    assert schema["name"].endswith(f"v{path.stem.replace('.', '_')}.alert")
    assert without_docs(schema) == schema
    fastavro.parse_schema(schema)


@needs_real_packets
def test_rubin_packets_in_wire_format_are_read_to_the_last_byte() -> None:
    """Every packet whose schema number is held decodes, and leaves nothing over."""
    read = 0
    for path in real_files("lsst/confluent-wire/*.avro"):
        data = path.read_bytes()
        (number,) = struct.unpack(">I", data[1:5])
        held = SCHEMAS / "lsst" / f"{number // 100}.{number % 100}.avsc"
        if held.exists():
            body = io.BytesIO(data[5:])
            alert = fastavro.schemaless_reader(body, json.loads(held.read_text("utf-8")), None)
            assert isinstance(alert, dict)
            assert {"alertId", "diaSourceId"} & set(alert)
            assert body.read() == b""
            read += 1
    assert read == 8
