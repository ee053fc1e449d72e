"""What a bundle has installed."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from ztfnb.errors import ExportError
from ztfnb.export.lock import read_lock, shipped_lock
from ztfnb.export.requirements import Differing, requirements_of
from ztfnb.export.wheel import write_wheel

HASH = "--hash=sha256:" + "1" * 64
WORKER = {"numpy", "fastavro", "confluent-kafka", "prometheus-client", "cramjam"}


def _lock(folder: Path, *lines: str) -> Path:
    path = folder / "lock.txt"
    path.write_text("".join(f"{line} {HASH}\n" for line in lines))
    return path


def _here(*names: str) -> list[str]:
    return [f"{name}=={metadata.version(name)}" for name in names]


def test_the_worker_alone() -> None:
    """Without an import there is what the worker needs, and no test tool."""
    found = requirements_of([])
    assert set(found.names) == WORKER
    assert "pytest" not in found.text
    assert {"pytest==", "pluggy==", "iniconfig=="} <= set(re.findall(r"[a-z-]+==", found.test_text))
    assert "numpy==" not in found.test_text


def test_what_imports_need_comes_along() -> None:
    """Of what the source imports the dependencies come too, each with marker and hashes."""
    found = requirements_of(["Astropy", "astropy_healpix"])
    assert {"astropy", "astropy-healpix", "pyerfa", "pyyaml", "packaging"} <= set(found.names)
    assert "scikit-learn" not in found.names
    # Nor does it come because tests need it too.
    assert "packaging==" not in found.test_text
    lock = read_lock(shipped_lock())
    for name in found.names:
        for pin in lock[name]:
            assert str(pin) in found.text
    # numpy has a line for each range of Pythons.
    assert found.text.count("numpy==") == len(lock["numpy"])


def test_pip_takes_it(tmp_path: Path) -> None:
    """``pip`` reads the file as fully locked, ztfnb's own wheel among the rest."""
    wheel = write_wheel(tmp_path / "wheels")
    found = requirements_of(["astropy"], wheel=wheel)
    (tmp_path / "requirements.txt").write_text(found.text)
    own = [line for line in found.text.splitlines() if line.startswith("ztfnb==")]
    assert own == [f"ztfnb=={metadata.version('ztfnb')} \\"]
    # Only this wheel is here: everything else is found missing by its name, and nothing else is.
    done = subprocess.run(
        [
            *(sys.executable, "-I", "-m", "pip", "download", "--require-hashes", "--no-index"),
            *("--no-deps", "--find-links", str(tmp_path / "wheels"), "--dest", str(tmp_path)),
            *("-r", str(tmp_path / "requirements.txt")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "No matching distribution found for astropy" in done.stderr, done.stderr


def test_what_the_lock_lacks_is_refused_by_name() -> None:
    """The distribution, its line and the command that locks it are told."""
    places = {"Hypothesis": "filter.py, line 3: import hypothesis"}
    with pytest.raises(ExportError) as caught:
        requirements_of(["hypothesis", "numpy"], places=places)
    told = str(caught.value)
    assert "no hypothesis (filter.py, line 3: import hypothesis)" in told
    assert f"hypothesis=={metadata.version('hypothesis')}" in told
    assert "uv pip compile - --universal" in told
    assert "--generate-hashes" in told


def test_a_lock_of_ones_own(tmp_path: Path) -> None:
    """Another lock is taken as it is; it has to have what the worker needs."""
    lock = _lock(tmp_path, *_here(*WORKER, "hypothesis", "sortedcontainers", "pytest"))
    found = requirements_of(["hypothesis"], lock=lock)
    assert set(found.names) == WORKER | {"hypothesis", "sortedcontainers"}
    assert found.differing == ()
    assert not found.warning
    with pytest.raises(ExportError, match=r"lock.txt has hypothesis, but not sortedcontainers"):
        requirements_of(["hypothesis"], lock=_lock(tmp_path, *_here(*WORKER, "hypothesis")))
    with pytest.raises(ExportError, match=r"has no fastavro \(the worker needs it\)"):
        requirements_of([], lock=_lock(tmp_path, *_here(*WORKER - {"fastavro"})))


def test_tests_need_no_place_in_a_lock_of_ones_own(tmp_path: Path) -> None:
    """Where a lock has no pytest, that is taken from the one that ztfnb ships."""
    found = requirements_of([], lock=_lock(tmp_path, *_here(*WORKER)))
    assert "pytest==" in found.test_text
    assert found.test_text.count("--hash") > 2


def test_other_versions_are_told(tmp_path: Path) -> None:
    """Where the notebook has another version than the lock, it is named with both."""
    lock = _lock(tmp_path, *_here(*WORKER - {"fastavro"}), "fastavro==1.0")
    found = requirements_of([], lock=lock)
    here = metadata.version("fastavro")
    assert found.differing == (Differing("fastavro", here, "1.0"),)
    assert f"fastavro {here} (the bundle has 1.0)" in found.warning
    assert "fresh=True" in found.warning


def test_versions_are_compared_for_this_python(tmp_path: Path) -> None:
    """Of the lines for several Pythons, the one that holds here is compared."""
    rest = _here(*WORKER - {"fastavro"})
    lock = _lock(
        tmp_path,
        *rest,
        f"{_here('fastavro')[0]} ; python_version >= '3.0'",
        "fastavro==1.0 ; python_version < '3.0'",
    )
    found = requirements_of([], lock=lock)
    assert found.differing == ()
    assert found.text.count("fastavro==") == 2


def test_what_is_not_installed_is_told(tmp_path: Path) -> None:
    """Of what is only in the lock, nobody knows here what it needs: that is said."""
    lock = _lock(tmp_path, *_here(*WORKER), "not-installed-anywhere==1.0")
    found = requirements_of(["not_installed_anywhere"], lock=lock)
    assert found.unknown == ("not-installed-anywhere",)
    assert "not-installed-anywhere is not installed" in found.warning
