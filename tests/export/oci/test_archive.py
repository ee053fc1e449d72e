"""An image of a bundle as one file: what is in it, from which bases, and what is refused."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import json
import os
import shutil
import sys
import tarfile
from pathlib import Path

import pytest
from export.imagemaking import (
    CREATED,
    LIBC,
    SLIM,
    Image,
    tar_of,
    write_archive,
    write_bundle_of,
    write_docker_archive,
    write_layout,
    write_wheel,
)

from ztfnb.errors import ExportError
from ztfnb.export import image
from ztfnb.export.oci.archive import write_image

PACKAGES, BUNDLE = 1, 2
"""Layers above the base's one."""
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
SITE = "venv/lib/python3.11/site-packages"


@pytest.fixture(autouse=True)
def no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wheels come from the bundle alone."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    folder.mkdir()
    return write_bundle_of(folder, write_wheel(folder / "wheels"))


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return write_layout(tmp_path / "base")


def test_s31_the_image_runs_as_nobody(bundle: Path, layout: Path, tmp_path: Path) -> None:
    """User, programs and variables are those that the bundle's Dockerfile sets."""
    written = write_image(bundle, layout, tmp_path / "image.tar")
    made = Image(written.path)
    config = made.config["config"]
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == list(image.ENTRYPOINT)
    assert config["Cmd"] == ["/filter"]
    assert config["WorkingDir"] == "/filter"
    assert config["StopSignal"] == "SIGTERM"
    assert config["ExposedPorts"] == {"8080/tcp": {}}
    variables = dict(one.split("=", 1) for one in config["Env"])
    assert variables == {
        "PATH": "/venv/bin:/usr/local/bin:/bin", "LANG": "C.UTF-8", **image.ENVIRONMENT
    }  # fmt: skip
    assert json.loads(made.manifest["annotations"]["ztfnb.healthcheck"]) == list(image.PROBE)


def test_the_image_says_what_it_is(bundle: Path, layout: Path, tmp_path: Path) -> None:
    """Name and version as tag, labels by the specification, layers with their history."""
    written = write_image(bundle, layout, tmp_path / "image.tar")
    assert written.reference == "localhost/young-and-real:0123456789ab"
    made = Image(written.path)
    assert made.descriptor["digest"] == written.digest
    annotations = made.descriptor["annotations"]
    assert annotations["org.opencontainers.image.ref.name"] == written.reference
    assert made.descriptor["platform"] == {"architecture": "amd64", "os": "linux"}
    labels = made.config["config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == "Young_and_real"
    assert labels["org.opencontainers.image.description"] == "Young and real."
    assert labels["org.opencontainers.image.revision"] == "0123456789abcdef" * 4
    assert labels["org.opencontainers.image.created"] == made.config["created"] == CREATED
    assert [one["created_by"] for one in made.config["history"]] == [
        "a base",
        "ztfnb: locked wheels",
        "ztfnb: the bundle",
    ]
    contents = [
        hashlib.sha256(gzip.decompress(made.blob(one))).hexdigest()
        for one in made.manifest["layers"]
    ]
    assert made.config["rootfs"]["diff_ids"] == [f"sha256:{one}" for one in contents]


def test_layers_hold_the_locked_wheels_and_the_bundle(
    bundle: Path, layout: Path, tmp_path: Path
) -> None:
    """A virtual environment of the base's Python, and of the bundle what belongs to it."""
    made = Image(write_image(bundle, layout, tmp_path / "image.tar").path)
    packages = made.layer(PACKAGES)
    assert packages["venv/bin/python"].linkname == "/usr/local/bin/python3.11"
    assert b"home = /usr/local/bin\n" in made.read(PACKAGES, "venv/pyvenv.cfg")
    assert made.read(PACKAGES, f"{SITE}/gadget.py") == b"NUMBER = 1\n"
    assert f"{SITE}/bin" not in packages
    files = {name for name, member in made.layer(BUNDLE).items() if member.isreg()}
    assert files == {
        "filter/bundle.json",
        "filter/filter.py",
        "filter/data/model.onnx",
        "filter/fixtures/expected.json",
    }
    for member in (*packages.values(), *made.layer(BUNDLE).values()):
        assert (member.uid, member.gid, member.mtime) == (0, 0, 0)
        assert member.mode & 0o022 == 0 or member.issym()
        assert member.mode & 0o004


@pytest.mark.skipif(HERE != "3.11", reason="modules are compiled only for the Python at hand")
def test_modules_are_compiled_for_their_place_in_the_image(
    bundle: Path, layout: Path, tmp_path: Path
) -> None:
    """No start compiles anything, whatever the times of files; nothing tells of this machine."""
    made = Image(write_image(bundle, layout, tmp_path / "image.tar").path)
    name = f"{SITE}/__pycache__/gadget.{sys.implementation.cache_tag}.pyc"
    compiled = made.read(PACKAGES, name)
    assert compiled[:4] == importlib.util.MAGIC_NUMBER
    assert int.from_bytes(compiled[4:8], "little") == 0b11  # known by content, which is checked
    assert f"/{SITE}/gadget.py".encode() in compiled
    assert str(tmp_path).encode() not in compiled


def test_equal_bundles_give_equal_images(bundle: Path, layout: Path, tmp_path: Path) -> None:
    """The bytes depend on what is in the files, not on when and where they were written."""
    one = write_image(bundle, layout, tmp_path / "one.tar")
    moved = shutil.copytree(bundle, tmp_path / "moved")
    for path in moved.rglob("*"):
        os.utime(path, (1e9, 1e9))
        path.chmod(0o700)
    two = write_image(moved, write_archive(layout, tmp_path / "base.tar"), tmp_path / "two.tar")
    assert two.digest == one.digest
    assert two.path.read_bytes() == one.path.read_bytes()


def test_every_kind_of_archive_is_a_base(bundle: Path, layout: Path, tmp_path: Path) -> None:
    """A layout, an archive of it (also compressed) and a docker-archive: the layer stays."""
    plain = tar_of(SLIM)
    bases = [
        layout,
        write_archive(layout, tmp_path / "base.tar"),
        write_archive(layout, tmp_path / "base.tar.gz", "w:gz"),
        write_docker_archive(tmp_path / "docker.tar", plain),
    ]
    for base in bases:
        made = Image(write_image(bundle, base, tmp_path / "image.tar").path)
        first = made.blob(made.manifest["layers"][0])
        packed = made.manifest["layers"][0]["mediaType"].endswith("+gzip")
        assert (gzip.decompress(first) if packed else first) == plain
        assert packed == (base.name != "docker.tar")


def test_a_file_that_a_layer_took_away_is_not_there(bundle: Path, tmp_path: Path) -> None:
    """Whiteouts count: a Python that a later layer removed is none; one added later is one."""
    gone = tar_of({"usr/local/bin/.wh.python3.11": b""})
    all_gone = tar_of({"usr/.wh..wh..opq": b""})
    back = tar_of({"./usr/bin/python3.11": b"another"})
    for number, removing in enumerate((gone, all_gone)):
        base = write_layout(tmp_path / f"gone{number}", [tar_of(SLIM), removing])
        with pytest.raises(ExportError, match=r"has no Python 3.11"):
            write_image(bundle, base, tmp_path / "image.tar")
        base = write_layout(tmp_path / f"back{number}", [tar_of(SLIM), removing, back])
        made = Image(write_image(bundle, base, tmp_path / "image.tar").path)
        assert made.layer(3)["venv/bin/python"].linkname == "/usr/bin/python3.11"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"usr/bin/python3.13": b"", "lib/libc.so.6": LIBC}, "has Python 3.13 and not 3.11"),
        ({"bin/sh": b"", "lib/libc.so.6": LIBC}, "has no Python 3.11"),
        ({"usr/bin/python3.11": b"", "lib/ld-musl-x86_64.so.1": b""}, "the base image has musl"),
        ({"usr/bin/python3.11": b"", "lib/libc.so.6": b"?"}, "no C library that is known"),
    ],
)
def test_a_base_that_cannot_run_it_is_refused(
    files: dict[str, bytes], said: str, bundle: Path, tmp_path: Path
) -> None:
    """What it has, what is needed and an image that has it are named; nothing is written."""
    base = write_layout(tmp_path / "other", [tar_of(files)])
    target = tmp_path / "out" / "image.tar"
    with pytest.raises(ExportError, match=f"{said}.*; take one that has, such as python:3.11-slim"):
        write_image(bundle, base, target)
    assert not list(target.parent.iterdir())


def test_other_machines_are_refused_by_name(bundle: Path, tmp_path: Path) -> None:
    """Locks have wheels for two architectures under Linux."""
    for architecture, system in (("s390x", "linux"), ("amd64", "windows")):
        base = write_layout(tmp_path / system, architecture=architecture, system=system)
        with pytest.raises(
            ExportError, match=f"{system}/{architecture}.*linux/amd64 and linux/arm"
        ):
            write_image(bundle, base, tmp_path / "image.tar")


def test_a_wheel_for_another_machine_is_not_taken(tmp_path: Path) -> None:
    """The wheels fit the base image: its architecture and C library, not this machine's."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    arm = write_wheel(folder / "wheels", tag="cp311-cp311-manylinux_2_28_aarch64")
    write_bundle_of(folder, arm)
    base = write_layout(tmp_path / "arm", architecture="arm64")
    made = Image(write_image(folder, base, tmp_path / "image.tar").path)
    assert f"{SITE}/gadget.py" in made.layer(PACKAGES)
    with pytest.raises(
        ExportError, match=r"locked wheels cannot be installed for the image.*gadget"
    ):
        write_image(folder, write_layout(tmp_path / "amd"), tmp_path / "image.tar")
    old = LIBC.replace(b"2.36.", b"2.27.")
    layer = tar_of({**SLIM, "lib/x86_64-linux-gnu/libc.so.6": old})
    base = write_layout(tmp_path / "old", [layer], architecture="arm64")
    with pytest.raises(ExportError, match="locked wheels cannot be installed"):
        write_image(folder, base, tmp_path / "image.tar")


def test_markers_are_those_of_the_image(bundle: Path, layout: Path, tmp_path: Path) -> None:
    """What is locked for another system or Python is left out, whatever this machine is."""
    lock = bundle / "requirements.txt"
    other = "other==1.0 ; sys_platform == 'win32' --hash=sha256:00\n"
    newer = "newer==1.0 ; python_full_version >= '3.12' --hash=sha256:00\n"
    lock.write_text(lock.read_text() + other + newer)
    made = Image(write_image(bundle, layout, tmp_path / "image.tar").path)
    assert f"{SITE}/gadget.py" in made.layer(PACKAGES)


def test_a_wheel_that_is_not_that_of_the_lock_is_refused(
    bundle: Path, layout: Path, tmp_path: Path
) -> None:
    """Hashes are checked."""
    lock = bundle / "requirements.txt"
    lock.write_text(f"gadget==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(ExportError, match=r"cannot be installed for the image.*(?i:hash)"):
        write_image(bundle, layout, tmp_path / "image.tar")


def test_a_library_that_a_wheel_needs_is_looked_for(tmp_path: Path) -> None:
    """LightGBM starts only where OpenMP is: the package that has it is named."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    write_bundle_of(folder, write_wheel(folder / "wheels", "lightgbm"))
    with pytest.raises(ExportError, match=r"lightgbm needs libgomp\.so\.1.*package libgomp1"):
        write_image(folder, write_layout(tmp_path / "base"), tmp_path / "image.tar")
    layer = tar_of({**SLIM, "usr/lib/x86_64-linux-gnu/libgomp.so.1": "libgomp.so.1.0.0"})
    base = write_layout(tmp_path / "openmp", [layer])
    write_image(folder, base, tmp_path / "image.tar")


def test_what_was_changed_since_the_export_is_refused(
    bundle: Path, layout: Path, tmp_path: Path
) -> None:
    """An image holds what was proven."""
    (bundle / "filter.py").write_text("FILTER = 1\n")
    with pytest.raises(ExportError, match=r"filter\.py is not what was exported"):
        write_image(bundle, layout, tmp_path / "image.tar")


def test_a_name_that_no_registry_takes_is_refused(
    bundle: Path, layout: Path, tmp_path: Path
) -> None:
    """With an example of one that is taken."""
    for wrong in ("Young:1", "young", "a b:1", "young:", ""):
        with pytest.raises(ExportError, match=r"is no name of an image.*localhost/young-and-real"):
            write_image(bundle, layout, tmp_path / "image.tar", tag=wrong)
    written = write_image(
        bundle, layout, tmp_path / "image.tar", tag="registry.example:5000/astro/young:v1"
    )
    assert written.reference == "registry.example:5000/astro/young:v1"


def test_an_image_is_replaced_when_the_new_one_is_whole(
    bundle: Path, layout: Path, tmp_path: Path
) -> None:
    """What was there stays when something goes wrong, and nothing is left beside it."""
    target = tmp_path / "out" / "image.tar"
    write_image(bundle, layout, target)
    before = target.read_bytes()
    with pytest.raises(ExportError):
        write_image(bundle, tmp_path / "nothing", target)
    assert target.read_bytes() == before
    assert list(target.parent.iterdir()) == [target]
    with tarfile.open(target) as tar:
        assert {"index.json", "oci-layout"} <= set(tar.getnames())
