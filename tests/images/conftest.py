"""An exported bundle, and images of it: built from its Dockerfile, and written as a file."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from images.building import Buildah, debian, why_not
from images.deciding import Night
from images.wanted import rising
from packets import real_files

from ztfnb.codec import decode
from ztfnb.export.bundling import export
from ztfnb.export.exported import Exported
from ztfnb.export.oci.archive import OciImage, write_image
from ztfnb.simulate import Survey

BASE = "localhost/ztfnb-base"
BUILT = "localhost/built:1"
ALERTS = 300


@pytest.fixture(scope="session")
def buildah(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buildah]:
    """Skips, with the reason, where images cannot be built."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("buildah")
    yield Buildah(folder)
    shutil.rmtree(folder)  # the driver is plain folders, and nothing runs any more


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """Some hundred alerts of a real night; simulated ones where no real ones are."""
    folder = tmp_path_factory.mktemp("night")
    for number, packet in enumerate(_packets()):
        (folder / f"{number}.avro").write_bytes(packet)
    packets = {decode(one).candid: one for one in map(Path.read_bytes, folder.iterdir())}
    return Night(folder, packets, rising.evaluate(folder, progress=False))


def _packets() -> Iterator[bytes]:
    real = real_files("night-20181128/*.avro")
    if real:
        yield from map(Path.read_bytes, real[:ALERTS])
    else:
        simulated = itertools.islice(Survey(seed=1).night("2026-01-15"), ALERTS)
        yield from (alert.packet for alert in simulated)


@pytest.fixture(scope="session")
def exported(night: Night, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The filter as a bundle, with every wheel that its image needs."""
    folder = tmp_path_factory.mktemp("exported") / "rising"
    return export(rising, folder, verify=night.report, wheels=True, progress=False)


@pytest.fixture(scope="session")
def base(buildah: Buildah) -> str:
    """An image of Debian with Python."""
    buildah.import_base(debian(), BASE)
    return BASE


@pytest.fixture(scope="session")
def built(buildah: Buildah, base: str, exported: Exported) -> str:
    """An image of the bundle, built from its own Dockerfile."""
    buildah.build(exported.folder, BUILT, base)
    return BUILT


@pytest.fixture(scope="session")
def archive(
    buildah: Buildah, base: str, exported: Exported, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OciImage]:
    """An image of the bundle that no builder made, in one file."""
    folder = tmp_path_factory.mktemp("archive")
    buildah("push", "--quiet", base, f"oci-archive:{folder / 'base.tar'}")
    yield write_image(exported.folder, folder / "base.tar", folder / "rising.tar")
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def loaded(buildah: Buildah, archive: OciImage) -> str:
    """The same among the images that can be run."""
    buildah("pull", "--quiet", f"oci-archive:{archive.path}")
    return archive.reference
