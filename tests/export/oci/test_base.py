"""A base image is untrusted: what is refused, and that nothing is written where it says."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from export.imagemaking import (
    SLIM,
    as_json,
    tar_of,
    write_archive,
    write_docker_archive,
    write_layout,
)

from ztfnb.errors import ExportError
from ztfnb.export.oci.base import read_base
from ztfnb.export.oci.ground import look


@pytest.fixture
def blobs(tmp_path: Path) -> Path:
    folder = tmp_path / "blobs"
    folder.mkdir()
    return folder


def manifest_of(layout: Path) -> Path:
    """The file of the manifest in a layout."""
    digest = json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]
    index = json.loads((layout / "blobs" / digest.replace(":", "/")).read_text())
    found: str = index["manifests"][1]["digest"]
    return layout / "blobs" / found.replace(":", "/")


def names(layout: Path, document: Any) -> None:
    """Let the index name another manifest."""
    data = as_json(document)
    digest = hashlib.sha256(data).hexdigest()
    (layout / "blobs" / "sha256" / digest).write_bytes(data)
    index = {"manifests": [{"digest": f"sha256:{digest}"}]}
    (layout / "index.json").write_bytes(as_json(index))


def test_layers_are_copied_under_their_digests(tmp_path: Path, blobs: Path) -> None:
    """What lies among the blobs is what the image says lies there."""
    layers = [gzip.compress(tar_of(SLIM)), tar_of({"etc/motd": b"hello"})]
    base = read_base(write_layout(tmp_path / "base", layers), blobs)
    assert [one.digest for one in base.layers] == [
        f"sha256:{hashlib.sha256(one).hexdigest()}" for one in layers
    ]
    assert [one.media_type.rpartition(".")[2] for one in base.layers] == ["tar+gzip", "tar"]
    for one, content in zip(base.layers, layers, strict=True):
        assert (blobs / one.digest.removeprefix("sha256:")).read_bytes() == content
        assert one.size == len(content)


def test_what_is_no_image_is_refused_with_how_to_get_one(tmp_path: Path, blobs: Path) -> None:
    """Nothing there, no tar file, a tar file of something else, an empty folder."""
    text = tmp_path / "text"
    text.write_text("hello")
    other = tmp_path / "other.tar"
    other.write_bytes(tar_of({"hello": b"hello"}))
    empty = tmp_path / "empty"
    empty.mkdir()
    cut = tmp_path / "cut.tar.gz"
    layout = write_layout(tmp_path / "base")
    cut.write_bytes(write_archive(layout, tmp_path / "whole.tar.gz", "w:gz").read_bytes()[:500])
    for path in (tmp_path / "nothing", text, other, empty, cut):
        with pytest.raises(ExportError, match=r"podman save --format oci-archive") as raised:
            read_base(path, blobs)
        assert str(path) in str(raised.value)


def test_damaged_parts_are_found_by_their_checksums(tmp_path: Path, blobs: Path) -> None:
    """A layer or a document that was changed is not taken; a docker-archive is checked too."""
    layout = write_layout(tmp_path / "base")
    manifest = manifest_of(layout)
    digest = json.loads(manifest.read_text())["layers"][0]["digest"].removeprefix("sha256:")
    layer = layout / "blobs" / "sha256" / digest
    kept = layer.read_bytes()
    layer.write_bytes(kept + b"more")
    with pytest.raises(ExportError, match=f"layer {digest[:12]} of the base image is damaged"):
        read_base(layout, blobs)
    layer.unlink()
    with pytest.raises(ExportError, match=f"is no whole image: it lacks.*{digest}"):
        read_base(layout, blobs)
    manifest.write_bytes(manifest.read_bytes().replace(b"layers", b"strays"))
    with pytest.raises(ExportError, match=f"{manifest.name} of the base image is damaged"):
        read_base(layout, blobs)

    docker = write_docker_archive(tmp_path / "docker.tar", tar_of(SLIM))
    docker.write_bytes(docker.read_bytes().replace(b"an interpreter", b"an interloper!"))
    with pytest.raises(ExportError, match="of the base image is damaged"):
        read_base(docker, blobs)


def test_s26_no_path_of_an_image_leads_anywhere(tmp_path: Path, blobs: Path) -> None:
    """Digests that are paths, members with dots and links outside: nothing is read or written."""
    secret = tmp_path / "secret"
    secret.write_text("canary")
    layout = write_layout(tmp_path / "base")
    document = json.loads(manifest_of(layout).read_text())
    for wrong in ("../../../secret", "sha256:../../../secret", f"sha256:{'A' * 64}", 5):
        names(layout, {**document, "config": {"digest": wrong}})
        with pytest.raises(ExportError, match="expected a digest as sha256"):
            read_base(layout, blobs)
    link = tar_of({"index.json": str(secret), "../outside": b"x", "/absolute": b"x"})
    evil = tmp_path / "evil.tar"
    evil.write_bytes(link)
    with pytest.raises(ExportError):
        read_base(evil, blobs)
    layer = tar_of({**SLIM, "../../outside": b"x", "/etc/outside": b"x", "link": "../../secret"})
    base = read_base(write_layout(tmp_path / "hostile", [layer]), blobs)
    look([blobs / one.digest.removeprefix("sha256:") for one in base.layers], "3.11")
    assert not list(tmp_path.rglob("*outside*"))
    assert {path.name for path in blobs.iterdir()} == {
        one.digest.removeprefix("sha256:") for one in base.layers
    }


def test_documents_made_to_hurt_are_refused(tmp_path: Path, blobs: Path) -> None:
    """Too long, too deep, of other types than they should be, or naming themselves."""
    layout = write_layout(tmp_path / "base")
    document = json.loads(manifest_of(layout).read_text())
    (layout / "index.json").write_bytes(b" " * 5_000_000)
    with pytest.raises(ExportError, match="longer than"):
        read_base(layout, blobs)
    (layout / "index.json").write_bytes(b"[" * 1_000_000)
    with pytest.raises(ExportError, match="is no JSON"):
        read_base(layout, blobs)
    wrong: list[Any] = [
        [],
        {"manifests": []},
        {"manifests": 5},
        {"layers": None, "config": document["config"]},
        {**document, "config": None},
        {**document, "layers": []},
        {**document, "layers": [5]},
    ]
    for one in wrong:
        names(layout, one)
        with pytest.raises(ExportError, match=r"podman save|expected a digest"):
            read_base(layout, blobs)
    inner: dict[str, Any] = {"manifests": []}
    for _ in range(10):
        names(layout, inner)
        inner = json.loads((layout / "index.json").read_text())
    with pytest.raises(ExportError, match="lacks 'a manifest'"):
        read_base(layout, blobs)


def test_a_tar_header_cannot_fill_the_memory(tmp_path: Path, blobs: Path) -> None:
    """An extended header that claims gigabytes, packed into little, is refused unread."""
    header = tarfile.TarInfo("././@PaxHeader")
    header.type, header.size = tarfile.XHDTYPE, 8 << 30
    bomb = header.tobuf(tarfile.GNU_FORMAT)
    base = read_base(write_layout(tmp_path / "base", [gzip.compress(bomb)]), blobs)
    layers = [blobs / one.digest.removeprefix("sha256:") for one in base.layers]
    with pytest.raises(ExportError, match="an extended header of 8,589,934,592 bytes"):
        look(layers, "3.11")
    outer = tmp_path / "outer.tar"
    outer.write_bytes(bomb + bytes(10_240))
    with pytest.raises(ExportError, match="cannot be read as an image"):
        read_base(outer, blobs)


def test_a_layer_that_is_no_tar_file_is_refused(tmp_path: Path, blobs: Path) -> None:
    """Also one that is cut, and one packed in a way that Python does not read."""
    whole = gzip.compress(tar_of({"noise": os.urandom(50_000)}))
    for number, layer in enumerate((b"hello" * 1000, whole[:30_000])):
        path = blobs / str(number)
        path.write_bytes(layer)
        with pytest.raises(ExportError, match="a layer of the base image is no tar file"):
            look([path], "3.11")
    packed = b"\x28\xb5\x2f\xfd" + bytes(100)
    layout = write_layout(tmp_path / "base")
    digest = hashlib.sha256(packed).hexdigest()
    (layout / "blobs" / "sha256" / digest).write_bytes(packed)
    document = json.loads(manifest_of(layout).read_text())
    names(layout, {**document, "layers": [{"digest": f"sha256:{digest}"}]})
    with pytest.raises(ExportError, match=r"packed with zstandard.*--dest-compress-format gzip"):
        read_base(layout, blobs)


def test_of_several_images_in_a_docker_archive_none_is_chosen(tmp_path: Path, blobs: Path) -> None:
    """One has to be saved alone."""
    path = tmp_path / "two.tar"
    path.write_bytes(tar_of({"manifest.json": as_json([{}, {}])}))
    with pytest.raises(ExportError, match="holds several images; save one alone"):
        read_base(path, blobs)


def test_of_several_architectures_this_machines_is_taken(
    tmp_path: Path, blobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a container engine does."""
    layout = write_layout(tmp_path / "amd64")
    amd64 = manifest_of(layout)
    arm64 = manifest_of(write_layout(tmp_path / "arm64", architecture="arm64"))
    for path in (arm64.parent).iterdir():
        (layout / "blobs" / "sha256" / path.name).write_bytes(path.read_bytes())
    index = {
        "manifests": [
            {"digest": f"sha256:{path.name}", "platform": {"os": "linux", "architecture": name}}
            for path, name in ((amd64, "amd64"), (arm64, "arm64"))
        ]
    }
    (layout / "index.json").write_bytes(as_json(index))
    for machine, expected in (("x86_64", "amd64"), ("aarch64", "arm64"), ("arm64", "arm64")):
        monkeypatch.setattr("platform.machine", lambda machine=machine: machine)
        assert read_base(layout, blobs).architecture == expected


def test_s26_a_folder_names_no_file_outside_of_it(tmp_path: Path, blobs: Path) -> None:
    """What a folder calls its layers is not looked up elsewhere, nor where a link leads."""
    outside = tmp_path / "mine.tar.gz"
    outside.write_bytes(gzip.compress(b"private"))
    folder = tmp_path / "image"
    folder.mkdir()
    (folder / "link").symlink_to(outside)
    config = {
        "os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [f"sha256:{'0' * 64}"]},
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    for name in ("../mine.tar.gz", str(outside), "link"):
        told = [{"Config": "config.json", "Layers": [name]}]
        (folder / "manifest.json").write_text(json.dumps(told))
        with pytest.raises(ExportError, match="no whole image"):
            read_base(folder, blobs)
    assert not list(blobs.iterdir())
