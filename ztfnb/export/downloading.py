"""The locked wheels in a bundle, so that its image is built without a network."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from ztfnb.errors import ExportError
from ztfnb.export.environment import REQUIREMENTS, WHEELS, reason_of

_PLATFORMS = ("manylinux2014", "manylinux_2_17", "manylinux_2_28")
"""Of wheels that run on the images that are usual."""


def download_wheels(folder: Path, *, environ: Mapping[str, str] | None = None) -> None:
    """Download the wheels that a bundle's requirements name, each with one of its hashes.

    They are for Linux on a machine of this kind, and this Python. No code of a package runs.

    Parameters
    ----------
    folder
        The bundle; they go to its folder of wheels.
    environ
        The environment that ``pip`` works in; `os.environ` unless given.

    Raises
    ------
    ExportError
        If one cannot be had: no network, or no wheel for Linux.
    """
    wheels = str(folder / WHEELS)
    other: list[str] = []
    if sys.platform != "linux":
        machine = platform.machine().lower().replace("arm64", "aarch64").replace("amd64", "x86_64")
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        other = ["--implementation", "cp", "--python-version", version]
        other += [word for one in _PLATFORMS for word in ("--platform", f"{one}_{machine}")]
    done = subprocess.run(  # noqa: S603 - this interpreter
        [
            *(sys.executable, "-I", "-m", "pip", "download", "--no-input", "--quiet"),
            *("--disable-pip-version-check", "--progress-bar", "off", "--no-deps"),
            *("--require-hashes", "--only-binary", ":all:", "--find-links", wheels, *other),
            *("--dest", wheels, "--requirement", str(folder / REQUIREMENTS)),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env=dict(os.environ if environ is None else environ),
        check=False,
    )
    if done.returncode:
        raise ExportError(
            f"the locked wheels cannot be downloaded: {reason_of(done.stderr or done.stdout)}"
        )
