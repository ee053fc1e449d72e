"""An image of a bundle as one file, made with no daemon, no root and no container.

Two layers are put on a base image: the locked wheels, as a virtual environment, and the bundle.
What comes out is an OCI archive (image specification 1.0) and runs as what the bundle's Dockerfile
builds does: same places, user, variables and programs.

Own code, for lack of a library that serves. olot 1.2.1 puts files on a base image, but under one
fixed folder of models, each with a mark of its own, in a layout that it changes in place, and
cannot set a user, an entrypoint or a variable. oras 0.2.43 carries artefacts to and from registries
and makes no image: no configuration, no layer on a base. Both would bring more (pydantic; requests,
jsonschema) than the few JSON documents here have lines.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ztfnb.errors import ExportError
from ztfnb.export import image
from ztfnb.export.facts import slug_of
from ztfnb.export.oci.base import GZIPPED, MACHINES, Base, Layer, read_base
from ztfnb.export.oci.content import bundle_entries, venv
from ztfnb.export.oci.ground import Ground, look
from ztfnb.export.oci.packages import install_for
from ztfnb.export.oci.tar import Entry, entries_below, write_archive, write_layer
from ztfnb.export.placing import PROVENANCE
from ztfnb.export.worker.bundle import Bundle, check_files, read_bundle

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_REFERENCE = re.compile(
    r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?::\d+)?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*"
    r":[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
)


@dataclass(frozen=True, slots=True)
class OciImage:
    """An image that was written."""

    path: Path
    reference: str
    """Its name and tag: ``localhost/young-and-real:0123456789ab``."""
    digest: str
    """Of its manifest: ``sha256:...``; a registry knows it by that."""

    def __str__(self) -> str:
        return f"{self.path}: {self.reference} ({self.digest})"


@dataclass(frozen=True, slots=True)
class _Origin:
    """What a bundle's provenance says that an image needs."""

    title: str
    created: datetime
    python: str
    distributions: tuple[str, ...]


def write_image(bundle: Path, base: Path, target: Path, *, tag: str | None = None) -> OciImage:
    """Write the image of a bundle: ``podman load``, ``skopeo copy`` and registries take it.

    The same bundle and base give the same bytes. An image that is there is replaced when the new
    one is whole.

    Parameters
    ----------
    bundle
        The folder of the bundle.
    base
        The image to build upon, with the Python that the bundle was proven with: an OCI archive,
        an OCI layout or a docker-archive. Of several architectures that of this machine is taken.
    target
        The file to write.
    tag
        Name and tag; ``localhost/``, the name of the filter and its version unless given.

    Raises
    ------
    ExportError
        If the base is no image, has another Python or architecture than there are wheels for, or
        lacks a library that a wheel needs; if the wheels cannot be had; if it cannot be written.
    """
    made = read_bundle(bundle)
    check_files(made)
    origin = _origin(bundle)
    reference = _reference(made, tag)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as place:
            digest = _assemble(made, origin, base, Path(place), reference)
            partial = Path(place, "image.tar")
            write_archive(Path(place, "layout"), partial)
            partial.replace(target)
    except OSError as error:
        raise ExportError(f"{target} cannot be written: {error.strerror}") from None
    return OciImage(target, reference, digest)


def _assemble(made: Bundle, origin: _Origin, base: Path, place: Path, reference: str) -> str:
    """Write an image layout; return the digest of its manifest."""
    layout = place / "layout"
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    below = read_base(base, blobs)
    ground = look([blobs / _name(layer.digest) for layer in below.layers], origin.python)
    _check_libraries(origin, ground)
    packages = place / "packages"
    site = f"{image.VENV}/lib/python{origin.python}/site-packages"
    install_for(
        made.folder,
        packages,
        site,
        python=origin.python,
        machine=MACHINES[below.architecture],
        glibc=ground.glibc,
    )
    environment = [*venv(ground, origin.python), *entries_below(packages, site.lstrip("/"))]
    layers = [_layer(environment, blobs), _layer(bundle_entries(made), blobs)]
    labels = image.labels_of(made.name, origin.title, made.hash, origin.created)
    config = _config(below, layers, labels, image.moment(origin.created))
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": _put(config, blobs, _CONFIG),
        "layers": [
            {"mediaType": one.media_type, "digest": one.digest, "size": one.size}
            for one in (*below.layers, *layers)
        ],
        # The image specification has no health check: for those who set one up where it runs.
        "annotations": {**labels, "ztfnb.healthcheck": json.dumps(image.PROBE)},
    }
    described = _put(manifest, blobs, _MANIFEST)
    described["platform"] = _platform(below)
    described["annotations"] = {
        "org.opencontainers.image.ref.name": reference,
        "io.containerd.image.name": reference,
    }
    index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [described]}
    (layout / "index.json").write_bytes(_json(index))
    (layout / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))
    return str(described["digest"])


def _origin(bundle: Path) -> _Origin:
    path = bundle / PROVENANCE
    try:
        told = json.loads(path.read_bytes())
        return _Origin(
            str(told["filter"]["title"]),
            datetime.fromisoformat(told["created"]),
            str(told["versions"]["bundle"]["python"]),
            tuple(told["versions"]["bundle"]),
        )
    except OSError as error:
        raise ExportError(f"{path} cannot be read: {error.strerror}; export again") from None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ExportError(f"{path} is not what an export writes ({error}); export again") from None


def _reference(made: Bundle, tag: str | None) -> str:
    reference = f"localhost/{slug_of(made.name)}:{made.version}" if tag is None else tag
    if not _REFERENCE.fullmatch(reference):
        raise ExportError(
            f"{reference!r} is no name of an image; expected small letters, digits and a tag, as "
            "in tag='localhost/young-and-real:1'"
        )
    return reference


def _check_libraries(origin: _Origin, ground: Ground) -> None:
    """Refuse a base that lacks a library of the system which a wheel expects."""
    for name in map(image.distribution, origin.distributions):
        package, file = image.LIBRARIES.get(name, ("", ""))
        if file and file not in ground.libraries:
            raise ExportError(
                f"{name} needs {file}, which the base image lacks; take one that has the Debian "
                f"package {package}, or build with the bundle's Dockerfile, which installs it"
            )


def _layer(entries: list[Entry], blobs: Path) -> Layer:
    partial = blobs / "partial"
    written = write_layer(entries, partial)
    partial.rename(blobs / written.digest)
    return Layer(f"sha256:{written.digest}", f"sha256:{written.content}", written.size, GZIPPED)


def _config(
    below: Base, layers: list[Layer], labels: Mapping[str, str], created: str
) -> dict[str, Any]:
    """Return an image configuration: that of the base, with what a bundle's Dockerfile sets."""
    before = below.config
    variables = dict(str(one).partition("=")[::2] for one in before.get("Env") or [])
    path = variables.get("PATH", "/usr/local/bin:/usr/bin:/bin")
    variables |= {**image.ENVIRONMENT, "PATH": f"{image.VENV}/bin:{path}"}
    config = {
        **before,
        "User": image.USER,
        "Env": [f"{name}={value}" for name, value in variables.items()],
        "Entrypoint": list(image.ENTRYPOINT),
        "Cmd": list(image.COMMAND),
        "WorkingDir": image.FOLDER,
        "ExposedPorts": {**(before.get("ExposedPorts") or {}), f"{image.PORT}/tcp": {}},
        "Labels": {**(before.get("Labels") or {}), **labels},
        "StopSignal": "SIGTERM",
    }
    history = [
        {"created": created, "created_by": "ztfnb: locked wheels"},
        {"created": created, "created_by": "ztfnb: the bundle"},
    ]
    return {
        "created": created,
        **_platform(below),
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [one.diff_id for one in (*below.layers, *layers)]},
        "history": [*below.history, *history],
    }


def _platform(below: Base) -> dict[str, str]:
    variant = {"variant": below.variant} if below.variant else {}
    return {"architecture": below.architecture, "os": "linux", **variant}


def _put(document: Mapping[str, Any], blobs: Path, media_type: str) -> dict[str, Any]:
    """Write a document among the blobs; return its descriptor."""
    data = _json(document)
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()


def _name(digest: str) -> str:
    return digest.removeprefix("sha256:")
