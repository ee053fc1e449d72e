"""The wheel of this package, made from where it is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

import ztfnb
from ztfnb.errors import ExportError
from ztfnb.export.lock import shipped_lock
from ztfnb.export.wheel import write_wheel

LOOK = """
import json, ztfnb, ztfnb.schema, ztfnb.export.lock, importlib.metadata as m
print(json.dumps({
    "file": ztfnb.__file__,
    "version": m.version("ztfnb"),
    "schemas": str(ztfnb.schema.schema_files()),
    "fields": len(ztfnb.schema.ztf_schema("4.02")["fields"]),
    "lock": str(ztfnb.export.lock.shipped_lock()),
    "script": [e.value for e in m.distribution("ztfnb").entry_points if e.name == "ztfnb"],
}))
"""


def test_the_same_bytes_twice(tmp_path: Path) -> None:
    """Written again, also elsewhere and with other times of files, the wheel has the same bytes."""
    one = write_wheel(tmp_path / "one")
    os.utime(Path(ztfnb.__file__))
    two = write_wheel(tmp_path / "two")
    assert one.name == two.name == f"ztfnb-{metadata.version('ztfnb')}-py3-none-any.whl"
    assert one.read_bytes() == two.read_bytes()


def test_what_is_in_it(tmp_path: Path) -> None:
    """It has the package with its static files, schemas and lock, and no cache of Python's."""
    with zipfile.ZipFile(write_wheel(tmp_path)) as wheel:
        names = set(wheel.namelist())
        lock = wheel.read("ztfnb/export/lock.txt")
        source = wheel.read("ztfnb/export/wheel.py")
    assert lock == shipped_lock().read_bytes()
    assert source == Path(ztfnb.__file__).with_name("export").joinpath("wheel.py").read_bytes()
    assert {"ztfnb/py.typed", "ztfnb/broker/pom.xml", "ztfnb/schemas/ztf/4.02/alert.avsc"} <= names
    assert "ztfnb/export/templates/compose.yaml" in names
    assert any(name.startswith("ztfnb/widgets/") and name.endswith(".js") for name in names)
    assert not any("__pycache__" in name or name.endswith(".pyc") for name in names)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_it_is_installed_by_its_hash_and_works(tmp_path: Path) -> None:
    """``pip`` installs it without any index, checks its hash, and it runs from there."""
    from ztfnb.export.worker.bundle import checksum_of  # noqa: PLC0415

    wheel = write_wheel(tmp_path / "wheels")
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin" / "python"
    requirements = tmp_path / "requirements.txt"
    version = metadata.version("ztfnb")
    requirements.write_text(f"ztfnb=={version} --hash=sha256:{checksum_of(wheel)}\n")
    pip = [sys.executable, "-I", "-m", "pip", "--python", str(python), "install", "--no-index"]
    pip += ["--no-deps", "--require-hashes", "--find-links", str(tmp_path / "wheels")]
    subprocess.run([*pip, "-r", str(requirements)], check=True, capture_output=True)
    # The dependencies of this environment, but not its ztfnb.
    [site] = environment.glob("lib/python*/site-packages")
    outer = Path(str(metadata.distribution("numpy").locate_file("")))
    (site / "outer.pth").write_text(f"{outer}\n")
    done = subprocess.run(
        [python, "-I", "-c", LOOK], check=True, capture_output=True, text=True, cwd=tmp_path
    )
    found = json.loads(done.stdout)
    inside = str(site / "ztfnb")
    assert found["file"].startswith(inside)
    assert found["schemas"].startswith(inside)
    assert found["lock"].startswith(inside)
    assert found["version"] == version
    assert found["script"] == ["ztfnb.cli:main"]
    assert found["fields"] > 5
    # What is installed there makes the same wheel again.
    again = "import sys, pathlib, ztfnb.export.wheel as w; w.write_wheel(pathlib.Path(sys.argv[1]))"
    subprocess.run([python, "-I", "-c", again, tmp_path / "again"], check=True, cwd=tmp_path)
    assert (tmp_path / "again" / wheel.name).read_bytes() == wheel.read_bytes()


def test_a_package_that_is_only_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing is known of an installation, it is said what to do."""

    def none(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", none)
    with pytest.raises(ExportError, match="pip install --no-deps --editable"):
        write_wheel(tmp_path)
