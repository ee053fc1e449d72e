"""What an image of a bundle says of itself, whoever builds it: a Dockerfile, or `oci`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from ztfnb.export.fixtures import FOLDER as FIXTURES
from ztfnb.export.worker.bundle import FILE, VERSION_DIGITS, Bundle

USER = "65532:65532"
"""A number, so that an orchestrator can see that it is not root; nobody has it on a host."""
VENV = "/venv"
FOLDER = "/filter"
"""Where the bundle is."""
PORT = 8080
PYTHON = f"{VENV}/bin/python"
ENTRYPOINT = (PYTHON, "-m", "ztfnb.export.worker")
COMMAND = (FOLDER,)
PROBE = (PYTHON, "-m", "ztfnb.export.worker.probe")
ENVIRONMENT: Mapping[str, str] = MappingProxyType(
    {
        "PYTHONDONTWRITEBYTECODE": "1",  # the root may be read-only
        "PYTHONUNBUFFERED": "1",
        "ZTFNB_HOST": "0.0.0.0",  # noqa: S104 - a container's own addresses, of which its host opens what it wants
        "ZTFNB_PORT": str(PORT),
    }
)
LIBRARIES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"lightgbm": ("libgomp1", "libgomp.so.1")}
)
"""Distributions whose wheels need a library that slim images lack: its Debian package, its file."""

_LABEL = "org.opencontainers.image."


def labels_of(name: str, title: str, revision: str, created: datetime) -> dict[str, str]:
    """Return the labels of an image, by the keys of the OCI image specification.

    Parameters
    ----------
    name, title
        Of the filter.
    revision
        `Filter.hash`.
    created
        When it was exported.
    """
    return {
        f"{_LABEL}title": name,
        f"{_LABEL}description": " ".join(title.split()),
        f"{_LABEL}version": revision[:VERSION_DIGITS],
        f"{_LABEL}revision": revision,
        f"{_LABEL}created": moment(created),
    }


def content(bundle: Bundle) -> list[str]:
    """Return the files of a bundle that its image holds: what decides, and the alerts to try it."""
    tried = (bundle.folder / FIXTURES).rglob("*")
    fixtures = (path.relative_to(bundle.folder).as_posix() for path in tried if path.is_file())
    return sorted({FILE, *bundle.files, *fixtures})


def moment(time: datetime) -> str:
    """Return a time as images have it: UTC, whole seconds."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def distribution(name: str) -> str:
    """Return the name of a distribution in its normal form."""
    return re.sub(r"[-_.]+", "-", name).lower()
