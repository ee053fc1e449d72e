"""What an image of a bundle says of itself, whoever builds it: a Dockerfile, or `oci`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from ztfnb.export.facts import Facts
from ztfnb.export.worker.bundle import Bundle

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


def names_of(bundle: Bundle) -> dict[str, str]:
    """Return the labels that a bundle knows without what it was exported from."""
    return {
        f"{_LABEL}title": bundle.name,
        f"{_LABEL}version": bundle.version,
        f"{_LABEL}revision": bundle.hash,
    }


def labels_of(facts: Facts) -> dict[str, str]:
    """Return the labels of an image, by the keys of the OCI image specification."""
    return {
        f"{_LABEL}title": facts.name,
        f"{_LABEL}description": " ".join(facts.title.split()),
        f"{_LABEL}version": facts.version,
        f"{_LABEL}revision": facts.hash,
        f"{_LABEL}created": moment(facts.created),
    }


def moment(time: datetime) -> str:
    """Return a time as images have it: UTC, whole seconds."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def distribution(name: str) -> str:
    """Return the name of a distribution in its normal form."""
    return re.sub(r"[-_.]+", "-", name).lower()
