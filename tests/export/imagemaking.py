"""Small images, wheels and bundles made by hand, to build images upon and from."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ztfnb.export.worker.bundle import Bundle, checksum_of, write_bundle

LIBC = b"\x7fELF...GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\n"
SLIM: Mapping[str, bytes | str] = {
    "usr/local/bin/python3.11": b"an interpreter",
    "lib/x86_64-linux-gnu/libc.so.6": LIBC,
}
"""What an image needs to have, for the code here; a text is what a link points to."""
CREATED = "2026-01-02T03:04:05Z"


def tar_of(files: Mapping[str, bytes | str]) -> bytes:
    """A tar file; a text is what a link points to."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return made.getvalue()


def write_layout(
    folder: Path,
    layers: Iterable[bytes] = (gzip.compress(tar_of(SLIM)),),
    *,
    architecture: str = "amd64",
    system: str = "linux",
    config: Mapping[str, Any] | None = None,
) -> Path:
    """An OCI layout with one image."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(data: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    layers = list(layers)
    packed = [gzip.decompress(one) if one.startswith(b"\x1f\x8b") else one for one in layers]
    document = {
        "architecture": architecture,
        "os": system,
        "config": config or {"Env": ["PATH=/usr/local/bin:/bin", "LANG=C.UTF-8"]},
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(one).hexdigest()}" for one in packed],
        },
        "history": [{"created_by": "a base"}],
    }
    manifest = {"config": put(as_json(document)), "layers": [put(one) for one in layers]}
    index = {
        "schemaVersion": 2,
        "manifests": [
            {**put(b'{"manifests": []}'), "platform": {"os": "unknown", "architecture": "unknown"}},
            {**put(as_json(manifest)), "platform": {"os": system, "architecture": architecture}},
        ],
    }
    # As builders of images for several architectures write it: an index names an index.
    outer = {"schemaVersion": 2, "manifests": [put(as_json(index))]}
    (folder / "index.json").write_bytes(as_json(outer))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return folder


def as_json(document: Any) -> bytes:
    return json.dumps(document).encode()


def write_archive(layout: Path, path: Path, mode: Any = "w") -> Path:
    """A layout as one tar file, as tools write it."""
    with tarfile.open(path, mode) as tar:
        tar.add(layout, ".")
    return path


def write_docker_archive(path: Path, layer: bytes) -> Path:
    """An archive as `docker save` wrote it before there was OCI: layers as plain tar files."""
    document = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "c.json", "Layers": ["one/layer.tar"], "RepoTags": ["base:1"]}]
    path.write_bytes(
        tar_of(
            {
                "one/layer.tar": layer,
                "c.json": as_json(document),
                "manifest.json": as_json(manifest),
            }
        )
    )
    return path


def write_wheel(folder: Path, name: str = "gadget", tag: str = "py3-none-any") -> Path:
    """A wheel with one module and one command."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": "NUMBER = 1\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{one},,\n" for one in (*files, f"{info}/RECORD"))
    path = folder / f"{name}-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for one, text in files.items():
            wheel.writestr(zipfile.ZipInfo(one), text)
    return path


def write_bundle_of(folder: Path, *wheels: Path, python: str = "3.11") -> Path:
    """A bundle as far as an image needs one; what it has installed are some wheels."""
    folder.mkdir(exist_ok=True)
    (folder / "data").mkdir()
    (folder / "fixtures").mkdir()
    files = {"filter.py": b"FILTER = None\n", "data/model.onnx": b"a model"}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "fixtures" / "expected.json").write_text("{}")
    (folder / "secret.env").write_text("PASSWORD=canary")
    write_bundle(
        Bundle(
            folder,
            "Young_and_real",
            "0123456789abcdef" * 4,
            {name: checksum_of(folder / name) for name in files},
        )
    )
    names = [wheel.name.split("-")[0] for wheel in wheels]
    lines = (
        f"{name}==1.0 --hash=sha256:{checksum_of(wheel)}\n"
        for name, wheel in zip(names, wheels, strict=True)
    )
    (folder / "requirements.txt").write_text("".join(lines))
    told = {
        "filter": {"title": "Young and real."},
        "created": CREATED,
        "versions": {"bundle": {"python": python, **dict.fromkeys(names, "1.0")}},
    }
    (folder / "provenance.json").write_text(json.dumps(told))
    return folder


class Image:
    """An OCI archive, read back as simply as can be."""

    def __init__(self, path: Path) -> None:
        with tarfile.open(path, "r:") as tar:
            members = tar.getmembers()
            self.files = {one.name: tar.extractfile(one).read() for one in members if one.isreg()}  # type: ignore[union-attr]
        self.index = json.loads(self.files["index.json"])
        self.descriptor = self.index["manifests"][0]
        self.manifest = json.loads(self.blob(self.descriptor))
        self.config = json.loads(self.blob(self.manifest["config"]))

    def blob(self, descriptor: Mapping[str, Any]) -> bytes:
        data = self.files[f"blobs/{descriptor['digest'].replace(':', '/')}"]
        assert hashlib.sha256(data).hexdigest() == descriptor["digest"].removeprefix("sha256:")
        assert len(data) == descriptor["size"]
        return data

    def layer(self, number: int) -> dict[str, tarfile.TarInfo]:
        with self._open(number) as tar:
            return {member.name: member for member in tar}

    def read(self, number: int, name: str) -> bytes:
        with self._open(number) as tar:
            file = tar.extractfile(name)
            assert file is not None
            return file.read()

    def _open(self, number: int) -> tarfile.TarFile:
        return tarfile.open(fileobj=io.BytesIO(self.blob(self.manifest["layers"][number])))
