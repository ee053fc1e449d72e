"""The image that another is built upon, read from a file or folder and never unpacked.

OCI archive or layout (image layout specification 1.0), or docker-archive, as ``podman save``,
``docker save`` and ``skopeo copy`` write them. What they hold is untrusted: parts are found by
their checksums, which are checked, and nothing is written under a name that they give.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from ztfnb.errors import ExportError
from ztfnb.export.oci.tar import CarefulInfo

LAYER = "application/vnd.oci.image.layer.v1.tar"
GZIPPED = f"{LAYER}+gzip"
MACHINES: Mapping[str, str] = {"amd64": "x86_64", "arm64": "aarch64"}
"""Architectures for which locks have wheels: as images call them, and as wheels do."""
_MAX_JSON = 4 * 1024 * 1024
_DEEPEST = 3
_CHUNK = 1024 * 1024
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_HOW = (
    "save one with: podman save --format oci-archive --output base.tar IMAGE, or skopeo copy "
    "docker://IMAGE oci-archive:base.tar"
)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer as it lies among the blobs of an image."""

    digest: str
    diff_id: str
    """Digest of what it holds when it is not compressed."""
    size: int
    media_type: str


@dataclass(frozen=True, slots=True)
class Base:
    """An image to build upon; its layers lie as files, named by their digests, in a folder."""

    architecture: str
    """``amd64`` or ``arm64``."""
    variant: str
    config: Mapping[str, Any]
    """What a container of it is started with."""
    history: Sequence[Mapping[str, Any]]
    layers: tuple[Layer, ...]


class _Files(Protocol):
    """Where the parts of an image lie, by their names in it; KeyError for what is not there."""

    def open(self, name: str) -> IO[bytes]: ...


@dataclass(frozen=True, slots=True)
class _Folder:
    path: Path

    def open(self, name: str) -> IO[bytes]:
        path = (self.path / name).resolve()
        if not path.is_relative_to(self.path.resolve()):
            raise KeyError(name)  # of this machine, not of the image
        try:
            return path.open("rb")
        except OSError as error:
            raise KeyError(name) from error


@dataclass(frozen=True, slots=True)
class _Archive:
    tar: tarfile.TarFile

    def open(self, name: str) -> IO[bytes]:
        try:
            found = self.tar.extractfile(name)
        except KeyError:
            found = self.tar.extractfile(f"./{name}")
        if found is None:
            raise KeyError(name)
        return found


def read_base(path: Path, blobs: Path) -> Base:
    """Read an image, and copy its layers.

    Of an image for several architectures, the one of this machine is taken.

    Parameters
    ----------
    path
        An OCI archive, an OCI layout, or a docker-archive.
    blobs
        The folder that its layers are copied to, each named by its digest.

    Raises
    ------
    ExportError
        If it is none, is damaged, or is made for machines that locks have no wheels for.
    """
    try:
        with _opened(path) as files:
            return _read(files, path, blobs)
    except (tarfile.TarError, EOFError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ExportError(f"{path} cannot be read as an image ({reason}); {_HOW}") from None
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ExportError(f"{path} is no whole image: it lacks {error}; {_HOW}") from None


@contextmanager
def _opened(path: Path) -> Iterator[_Files]:
    if path.is_dir():
        yield _Folder(path)
        return
    with tarfile.open(path, "r:*", tarinfo=CarefulInfo) as tar:
        yield _Archive(tar)


def _read(files: _Files, path: Path, blobs: Path) -> Base:
    try:
        index = _json(files, "index.json")
    except KeyError:
        config, layers = _of_docker(files, path)
    else:
        config, layers = _of_oci(files, index)
    architecture = str(config["architecture"])
    if config["os"] != "linux" or architecture not in MACHINES:
        raise ExportError(
            f"{path} is an image for {config['os']}/{architecture}, and locked wheels are for "
            f"linux/{' and linux/'.join(MACHINES)}; take the same image of one of these"
        )
    ids = [_hex(digest) for digest in config["rootfs"]["diff_ids"]]
    if len(ids) != len(layers):
        raise ExportError(f"{path} has {len(layers)} layers, and tells of {len(ids)}; {_HOW}")
    return Base(
        architecture,
        str(config.get("variant", "")),
        dict(config.get("config") or {}),
        list(config.get("history") or []),
        tuple(
            _copy(files, name, expected, diff_id, blobs)
            for (name, expected), diff_id in zip(layers, ids, strict=True)
        ),
    )


Parts = list[tuple[str, str]]
"""Names of layers, and their digests in hexadecimal digits; "" where the image tells none."""


def _of_oci(files: _Files, index: Any) -> tuple[Any, Parts]:
    manifest = _manifest(files, index)
    config = _checked_json(files, manifest["config"]["digest"])
    digests = [_hex(layer["digest"]) for layer in manifest["layers"]]
    return config, [(f"blobs/sha256/{digest}", digest) for digest in digests]


def _manifest(files: _Files, index: Any) -> Any:
    """Return the manifest of the image in an index, or in one that this names."""
    for _ in range(_DEEPEST):
        listed = [one for one in index["manifests"] if not _is_attestation(one)]
        fitting = [one for one in listed if _is_ours(one)] or listed
        found = _checked_json(files, fitting[0]["digest"])
        if "manifests" not in found:
            return found
        index = found
    raise KeyError("a manifest")


def _is_attestation(descriptor: Any) -> bool:
    """Return whether something is said of another image there, as builders do."""
    return (descriptor.get("platform") or {}).get("os") == "unknown"


def _is_ours(descriptor: Any) -> bool:
    architecture = str((descriptor.get("platform") or {}).get("architecture"))
    return platform.machine() in (architecture, MACHINES.get(architecture))


def _of_docker(files: _Files, path: Path) -> tuple[Any, Parts]:
    try:
        (image,) = _json(files, "manifest.json")
    except KeyError:
        raise ExportError(f"{path} is no image: it has no index.json; {_HOW}") from None
    except ValueError:
        raise ExportError(f"{path} holds several images; save one alone") from None
    return _json(files, image["Config"]), [(str(name), "") for name in image["Layers"]]


def _json(files: _Files, name: str) -> Any:
    return _parsed(_bytes(files, name), name)


def _checked_json(files: _Files, digest: str) -> Any:
    expected = _hex(digest)
    name = f"blobs/sha256/{expected}"
    data = _bytes(files, name)
    if hashlib.sha256(data).hexdigest() != expected:
        raise ExportError(f"{name} of the base image is damaged; {_HOW}")
    return _parsed(data, name)


def _bytes(files: _Files, name: str) -> bytes:
    with files.open(name) as file:
        data = file.read(_MAX_JSON + 1)
    if len(data) > _MAX_JSON:
        raise ExportError(f"{name} of the base image is longer than {_MAX_JSON:,} bytes; {_HOW}")
    return data


def _parsed(data: bytes, name: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ExportError(f"{name} of the base image is no JSON ({error}); {_HOW}") from None


def _hex(digest: Any) -> str:
    found = _DIGEST.fullmatch(str(digest))
    if found is None:
        raise ExportError(f"expected a digest as sha256:..., got {str(digest)[:80]!r}; {_HOW}")
    return found[1]


def _copy(files: _Files, name: str, expected: str, diff_id: str, blobs: Path) -> Layer:
    """Copy a layer among the blobs; what it holds is not looked at, beyond how it is packed."""
    partial = blobs / "partial"
    seen = hashlib.sha256()
    with files.open(name) as file, partial.open("wb") as copy:
        first = b""
        while data := file.read(_CHUNK):
            first = first or data[:4]
            seen.update(data)
            copy.write(data)
    if first == b"\x28\xb5\x2f\xfd":
        raise ExportError(
            "the base image is packed with zstandard; pack it with gzip: skopeo copy "
            "--dest-compress-format gzip --dest-force-compress-format FROM oci-archive:base.tar"
        )
    gzipped = first.startswith(b"\x1f\x8b")
    # A docker-archive tells the digests of layers only as they are when not compressed.
    expected = expected or ("" if gzipped else diff_id)
    digest = seen.hexdigest()
    if digest != (expected or digest):
        raise ExportError(f"layer {expected[:12]} of the base image is damaged; {_HOW}")
    size = partial.stat().st_size
    partial.rename(blobs / digest)
    return Layer(f"sha256:{digest}", f"sha256:{diff_id}", size, GZIPPED if gzipped else LAYER)
