"""Virtual environments of a bundle's requirements, without any network."""

from __future__ import annotations

import os
import subprocess
import time
import zipfile
from pathlib import Path

import pytest

from ztfnb.errors import ExportError
from ztfnb.export.environment import KEPT, environment, reason_of
from ztfnb.export.worker.bundle import checksum_of


def _wheel(folder: Path, name: str, body: str) -> Path:
    """Write a wheel of one module."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", body)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return path


def _bundle(folder: Path, body: str = "VALUE = 1\n") -> Path:
    """Write the requirements of a bundle, of which one wheel is all."""
    wheel = _wheel(folder / "wheels", "tiny", body)
    text = f"tiny==1.0 --hash=sha256:{checksum_of(wheel)}\n"
    (folder / "requirements.txt").write_text(text)
    return folder


@pytest.fixture
def offline(tmp_path: Path) -> dict[str, str]:
    """Return an environment with a cache of its own, and without an index."""
    return {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "PIP_NO_INDEX": "1"}


def test_made_once_and_kept(tmp_path: Path, offline: dict[str, str]) -> None:
    """It has what the requirements name and nothing else; a second call finds it."""
    bundle = _bundle(tmp_path / "bundle")
    said: list[str] = []
    python = environment(bundle, say=said.append, environ=offline)
    assert python.is_relative_to(tmp_path / "cache" / "ztfnb")
    assert [words.partition(" ")[0] for words in said] == ["making", "installing"]
    code = "import tiny, importlib.util as u; print(tiny.VALUE, u.find_spec('pip'))"
    done = subprocess.run([python, "-I", "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["1", "None"]
    said.clear()
    assert environment(bundle, say=said.append, environ=offline) == python
    assert said == []
    other = _bundle(tmp_path / "other", "VALUE = 2\n")
    assert environment(other, environ=offline) != python


def test_a_wheel_that_is_not_the_one_of_the_lock(tmp_path: Path, offline: dict[str, str]) -> None:
    """A wheel with another hash is refused, and nothing is left of the environment."""
    bundle = _bundle(tmp_path / "bundle")
    _wheel(bundle / "wheels", "tiny", "VALUE = 'changed'\n")
    with pytest.raises(ExportError, match=r"(?i)cannot be installed.*hash"):
        environment(bundle, environ=offline)
    assert list((tmp_path / "cache" / "ztfnb" / "environments").iterdir()) == []


def test_what_cannot_be_found_is_named(tmp_path: Path, offline: dict[str, str]) -> None:
    """A requirement that nobody has is named."""
    bundle = _bundle(tmp_path / "bundle")
    with (bundle / "requirements.txt").open("a") as file:
        file.write(f"nowhere==3.0 --hash=sha256:{'1' * 64}\n")
    with pytest.raises(ExportError, match=r"nowhere==3\.0"):
        environment(bundle, environ=offline)


def test_no_network_is_said(tmp_path: Path, offline: dict[str, str]) -> None:
    """An index that cannot be reached is told as that, with what to do."""
    bundle = _bundle(tmp_path / "bundle")
    (bundle / "requirements.txt").write_text(f"nowhere==3.0 --hash=sha256:{'1' * 64}\n")
    closed = {
        **{name: value for name, value in offline.items() if name != "PIP_NO_INDEX"},
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_CONFIG_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    with pytest.raises(ExportError, match="the package index cannot be reached; check the network"):
        environment(bundle, environ=closed)


def test_s28_a_credential_of_the_index_is_not_told() -> None:
    """What pip says is passed on without passwords in addresses, and on one line."""
    output = (
        "Looking in indexes: https://me:canary-81c2@example.org/simple\n"
        "ERROR: 404 for https://me:canary-81c2@example.org/simple/x\nERROR: gave up\n"
    )
    assert reason_of(output) == "404 for https://***@example.org/simple/x gave up"
    assert reason_of("") == "pip does not say why"


def test_no_requirements(tmp_path: Path, offline: dict[str, str]) -> None:
    """A folder without requirements is no bundle."""
    with pytest.raises(ExportError, match=r"requirements\.txt cannot be read"):
        environment(tmp_path, environ=offline)


def test_without_pip(
    tmp_path: Path, offline: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no pip, it is said how to get it."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ExportError, match="needs pip"):
        environment(_bundle(tmp_path / "bundle"), environ=offline)


def test_old_ones_are_removed(tmp_path: Path, offline: dict[str, str]) -> None:
    """Of those not used for a day, only the last few stay."""
    folder = tmp_path / "cache" / "ztfnb" / "environments"
    now = time.time()
    for age in range(KEPT + 2):
        made = folder / f"days-{age}"
        made.mkdir(parents=True)
        os.utime(made, (now - age * 90_000, now - age * 90_000))
    # What another process removes at the same moment: it is listed, and gone when it is looked at.
    (folder / "gone").symlink_to("nowhere")
    environment(_bundle(tmp_path / "bundle"), environ=offline)
    left = {path.name for path in folder.iterdir() if path.name.startswith("days-")}
    assert left == {f"days-{age}" for age in range(KEPT - 1)}
