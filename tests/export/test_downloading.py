"""The wheels of a bundle's lock, each with its hash, for a build without a network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from export.imagemaking import write_bundle_of, write_wheel

from ztfnb.errors import ExportError
from ztfnb.export.downloading import download_wheels


def offline(wheels: Path) -> dict[str, str]:
    """An environment in which pip has a folder in place of an index."""
    return {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}


def test_locked_wheels_come_into_the_bundle(tmp_path: Path) -> None:
    """What the lock names lies in the bundle's folder of wheels, byte for byte."""
    wheel = write_wheel(tmp_path / "elsewhere")
    bundle = write_bundle_of(tmp_path / "bundle", wheel)
    download_wheels(bundle, environ=offline(wheel.parent))
    assert [one.name for one in (bundle / "wheels").iterdir()] == [wheel.name]
    assert (bundle / "wheels" / wheel.name).read_bytes() == wheel.read_bytes()


def test_another_wheel_is_refused(tmp_path: Path) -> None:
    """A wheel that is not the one of the lock, or not there, ends it with the reason."""
    wheel = write_wheel(tmp_path / "elsewhere")
    bundle = write_bundle_of(tmp_path / "bundle", wheel)
    wheel.write_bytes(wheel.read_bytes() + b"more")
    with pytest.raises(ExportError, match="the locked wheels cannot be downloaded"):
        download_wheels(bundle, environ=offline(wheel.parent))
    wheel.unlink()
    with pytest.raises(ExportError, match=r"No matching distribution found for gadget==1\.0"):
        download_wheels(bundle, environ=offline(wheel.parent))
