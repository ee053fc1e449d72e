"""Claims about the project as a whole: what is imported, shipped, locked and written down."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import ztfnb

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
NOTEBOOK_LIBRARIES = {
    "IPython",
    "ipykernel",
    "ipywidgets",
    "anywidget",
    "bokeh",
    "jupyter_bokeh",
    "astropy",
    "matplotlib",
    "pandas",
    "PIL",
    "tqdm",
}


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False, text=True
    )
    if listed.returncode:
        pytest.skip("not a git work tree")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_import_is_light() -> None:
    """``import ztfnb`` imports no notebook library and nothing else of that weight."""
    code = "import json, sys, ztfnb; print(json.dumps(sorted(sys.modules)))"
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    ).stdout
    imported = {name.partition(".")[0] for name in json.loads(printed)}
    assert not imported & NOTEBOOK_LIBRARIES


def test_all_names_what_is_public() -> None:
    """Each name in ``__all__`` is there, and ``dir`` shows every one; nothing is named twice."""
    assert sorted(set(ztfnb.__all__)) == sorted(ztfnb.__all__)
    for name in ztfnb.__all__:
        assert getattr(ztfnb, name) is not None
    assert set(ztfnb.__all__) <= set(dir(ztfnb))


def test_version_is_the_installed_one() -> None:
    """``ztfnb.__version__`` comes from the package's metadata."""
    assert ztfnb.__version__ == PROJECT["project"]["version"]


def test_every_module_is_described() -> None:
    """Each module of the package begins with a docstring."""
    for path in sorted((ROOT / "ztfnb").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if name.endswith("__main__") or "templates" in path.parts:  # which stand elsewhere
            continue
        assert importlib.import_module(name).__doc__, name


# Written in two halves, so that this file does not hold them.
FORBIDDEN = {
    "a package registry": ["files.python" + "hosted", "index" + "-url", "find" + "-links"],
    "a machine's own path": ["/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/"],
}
# What talks of these on purpose, by the beginning of its path: options that leave registries out,
# and those by which a bundle is installed from its own wheels.
ALLOWED = {
    place: {"index" + "-url", "find" + "-links"}
    for place in ("scripts/lock", "ztfnb/export/", "tests/export/")
}


def test_no_file_names_a_registry_or_a_machine() -> None:
    """No tracked file holds a registry's address or a path of one machine."""
    found = []
    for path in tracked_files():
        name = path.relative_to(ROOT).as_posix()
        text = path.read_bytes().decode("utf-8", "replace")
        for what, strings in FORBIDDEN.items():
            found += [
                f"{name}: {what} ({string})"
                for string in strings
                if string in text
                and not any(string in ALLOWED[place] for place in ALLOWED if name.startswith(place))
            ]
    assert found == []


def pins(lock: Path) -> dict[str, list[Version]]:
    """Versions of each package in a lock file; several where Python versions differ."""
    found: dict[str, list[Version]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", lock.read_text(), re.MULTILINE):
        found.setdefault(canonicalize_name(name), []).append(Version(version))
    return found


def wanted(extras: set[str], groups: set[str]) -> list[Requirement]:
    lists = [PROJECT["project"]["dependencies"]]
    lists += [PROJECT["project"]["optional-dependencies"][extra] for extra in sorted(extras)]
    lists += [PROJECT["dependency-groups"][group] for group in sorted(groups)]
    return [Requirement(line) for lines in lists for line in lines if "ztfnb[" not in line]


@pytest.mark.parametrize(
    ("name", "extras", "groups"),
    [
        ("lab.txt", {"lab", "codecs"}, {"build"}),
        ("test.txt", {"lab", "codecs"}, {"build", "test", "check", "lock"}),
        ("broker.txt", {"broker"}, set()),
    ],
)
def test_lock_file_fits_the_project(name: str, extras: set[str], groups: set[str]) -> None:
    """Every requirement is locked at a version that fits, and every pin has its hashes."""
    lock = ROOT / "requirements" / name
    locked = pins(lock)
    for requirement in wanted(extras, groups):
        versions = locked.get(canonicalize_name(requirement.name), [])
        assert versions, f"{requirement} is not locked: run make lock"
        for version in versions:
            assert version in requirement.specifier, f"{requirement} is locked at {version}"
    entries = re.split(r"^(?=[\w.-]+==)", lock.read_text(), flags=re.MULTILINE)[1:]
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_environments_agree() -> None:
    """What is tested is what a user gets: the lock files hold the same versions."""
    lab = pins(ROOT / "requirements" / "lab.txt")
    test = pins(ROOT / "requirements" / "test.txt")
    broker = pins(ROOT / "requirements" / "broker.txt")
    assert {name: test.get(name) for name in lab} == lab
    assert {name: lab[name] for name in broker if name in lab} == {
        name: versions for name, versions in broker.items() if name in lab
    }


def test_binder_installs_what_make_lab_installs() -> None:
    """Binder's Python is one that the project supports, and its packages are the locked ones."""
    binder = ROOT / "binder"
    version = (binder / "runtime.txt").read_text().strip().removeprefix("python-")
    assert Version(version) >= Version("3.11")
    lines = (binder / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["-r ../requirements/lab.txt"]


def test_changelog_knows_the_version() -> None:
    """The changelog has an entry for the version of the package, or for what comes next."""
    changelog = (ROOT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## \[(.+?)\]", changelog, re.MULTILINE)
    assert versions[0] in {ztfnb.__version__, "Unreleased"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


def test_wheel_holds_more_than_python(wheel: Path) -> None:
    """Schemas, scripts, settings, Maven's pom.xml and the typing marker are shipped."""
    names = zipfile.ZipFile(wheel).namelist()
    for pattern in (
        r"ztfnb/schemas/.*\.avsc",
        r"ztfnb/widgets/static/.*\.js",
        r"ztfnb/broker/pom\.xml",
        r"ztfnb/lab/labconfig/.*\.json",
        r"ztfnb/py\.typed",
    ):
        assert any(re.fullmatch(pattern, name) for name in names), pattern
    assert not [name for name in names if name.startswith("tests/") or name.endswith(".pyc")]


def test_wheel_works_away_from_the_repository(wheel: Path, tmp_path: Path) -> None:
    """Unpacked anywhere, the wheel alone imports, encodes and decodes."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = (
        "import ztfnb, ztfnb.schema; "
        "assert ztfnb.schema.ztf_schema('4.02')['fields']; "
        "print(ztfnb.__file__)"
    )
    environ = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    printed = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environ,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert Path(printed.strip()).is_relative_to(tmp_path)
