"""Images of an exported filter: really built, loaded, and run against a real Kafka."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from faults.cluster import until
from images.building import Buildah, Container, inspected, program_of, skopeo
from images.deciding import BROKEN, Night, Topics, check_decisions
from ports import free_ports

from ztfnb.export import image
from ztfnb.export.environment import REQUIREMENTS
from ztfnb.export.exported import Exported
from ztfnb.export.lock import read_lock
from ztfnb.export.oci.archive import OciImage

# The first of them makes a Debian, a bundle and an image, at the side of other tests.
pytestmark = pytest.mark.timeout(1200)

PATIENCE = 180.0
"""How long a container may take to start and to judge some hundred alerts [s]."""
PLACES = ("/", "/filter", "/venv", "/tmp", "/etc", "/var")  # noqa: S108 - tried, and denied
TRY_TO_WRITE = f"""
import os
for place in {PLACES}:
    try:
        open(os.path.join(place, "written"), "w")
    except OSError as error:
        print(error.strerror)
    else:
        print(place, "can be written to")
"""


@pytest.fixture(scope="session", params=["built", "loaded"])
def container(request: pytest.FixtureRequest, buildah: Buildah) -> Container:
    """Of the image that was built from the Dockerfile, and of the one that was loaded.

    One for all tests: what runs in it cannot change it.
    """
    return buildah.container(request.getfixturevalue(request.param))


@pytest.fixture
def topics(bootstrap: str, night: Night, request: pytest.FixtureRequest) -> Topics:
    return Topics(bootstrap, re.sub(r"\W+", "-", request.node.name).strip("-"), night)


def said(log: Path) -> str:
    return log.read_text("utf-8", "replace")[-3000:]


def ended(process: subprocess.Popen[bytes], log: Path) -> int:
    """The exit code of what ends by itself, or was told to."""
    try:
        return process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        pytest.fail(f"it still runs: {said(log)}")


def end(process: subprocess.Popen[bytes], container: Container) -> None:
    """Send SIGTERM to the program of a container, as an engine does."""
    worker = program_of(process, container.words)
    if worker is None:
        process.kill()
    else:
        os.kill(worker, signal.SIGTERM)


def test_s31_the_image_asks_for_nothing(buildah: Buildah, built: str, exported: Exported) -> None:
    """A number as user, programs without a shell, a health check, wheels by their hashes."""
    config = buildah.config(built)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", config["User"])
    assert config["Entrypoint"] == list(image.ENTRYPOINT)
    assert config["Cmd"] == ["/filter"]
    assert config["Healthcheck"]["Test"] == ["CMD", *image.PROBE]
    assert config["StopSignal"] == "SIGTERM"
    assert config["WorkingDir"] == "/filter"
    assert set(config["ExposedPorts"]) == {"8080/tcp"}
    pins = read_lock(exported.folder / REQUIREMENTS)
    assert {"ztfnb", "numpy", "confluent-kafka"} <= pins.keys()
    assert all(pin.hashes for pins_of_one in pins.values() for pin in pins_of_one)


def test_the_same_bundle_builds_the_same_image(
    buildah: Buildah, base: str, built: str, exported: Exported
) -> None:
    """With the time of its files told to the builder, a second build has the same layers."""
    buildah.build(exported.folder, "localhost/again:1", base)
    assert buildah.layers("localhost/again:1") == buildah.layers(built)


def test_the_image_says_what_it_is(buildah: Buildah, built: str, exported: Exported) -> None:
    """Labels by the OCI specification; a docstring with quotes and variables stays a text."""
    labels = buildah.config(built)["Labels"]
    told = {key.rpartition(".")[2]: text for key, text in labels.items() if "opencontainers" in key}
    created = told.pop("created")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created)
    assert told == {
        "title": "rising",
        "description": 'Pass what is real and "rises", in $MAG.',
        "version": exported.version,
        "revision": exported.hash,
        "name": "localhost/ztfnb-base",
        "source": "",
        "licenses": "",
    }


def test_tools_take_the_archive_for_what_was_built(
    buildah: Buildah, built: str, archive: OciImage, loaded: str, tmp_path: Path
) -> None:
    """Skopeo reads and copies it, buildah loads it; its settings are those of the Dockerfile."""
    found = inspected(f"oci-archive:{archive.path}")
    assert found["Digest"] == archive.digest
    copied = f"oci:{tmp_path / 'layout'}:copied"
    skopeo("copy", "--quiet", f"oci-archive:{archive.path}", copied)
    assert inspected(copied)["Digest"] == archive.digest

    one, other = buildah.config(built), buildah.config(loaded)
    for key in ("User", "Entrypoint", "Cmd", "WorkingDir", "ExposedPorts", "StopSignal"):
        assert other[key] == one[key], key
    variables = [dict(text.split("=", 1) for text in each["Env"]) for each in (one, other)]
    assert variables[0].pop("PATH").startswith("/venv/bin:")
    assert variables[1].pop("PATH").startswith("/venv/bin:")
    assert variables[0] == variables[1]
    labels = {key: text for key, text in other["Labels"].items() if "opencontainers" in key}
    assert labels.items() <= one["Labels"].items()


def test_the_image_holds_what_runs_and_no_more(container: Container) -> None:
    """The bundle's run-time files, nobody's to change, and no tool that installs packages."""
    root = container.mounted()
    files = {path.relative_to(root / "filter").parts[0] for path in (root / "filter").iterdir()}
    assert files == {"bundle.json", "filter.py", "fixtures"}
    assert not list((root / "venv/bin").glob("pip*"))
    packages = {path.name.partition("-")[0] for path in (root / "venv").rglob("*.dist-info")}
    assert packages == {
        "confluent_kafka", "cramjam", "fastavro", "numpy", "prometheus_client", "ztfnb"
    }  # fmt: skip
    for place in ("filter", "venv"):
        for path in (root / place).rglob("*"):
            status = path.lstat()
            assert (status.st_uid, status.st_gid) == (0, 0), path
            assert path.is_symlink() or status.st_mode & 0o022 == 0, path
            assert status.st_mode & 0o004, path
    assert list((root / "venv").rglob("ztfnb/export/worker/__pycache__/worker.*.pyc"))


@pytest.mark.kafka
def test_alerts_in_the_notebooks_decisions_out(
    container: Container, topics: Topics, night: Night, exported: Exported, tmp_path: Path
) -> None:
    """As its own user, the container passes, rejects and fails exactly what the notebook did."""
    log = tmp_path / "log"
    process = container.start(log, topics.variables() | {"ZTFNB_UNTIL_CAUGHT_UP": "true"})
    assert ended(process, log) == 0, said(log)
    check_decisions(topics, night, exported.version)


@pytest.mark.kafka
def test_s31_it_runs_with_nothing_allowed(
    container: Container, topics: Topics, night: Night, exported: Exported, tmp_path: Path
) -> None:
    """On a root that denies writing, without capabilities, strict: it decides the same."""
    log = tmp_path / "log"
    tried = container.start_closed(log, {}, [image.PYTHON, "-c", TRY_TO_WRITE])
    assert ended(tried, log) == 0, said(log)
    assert said(log).splitlines() == ["Read-only file system"] * len(PLACES)

    process = container.start_closed(log, topics.variables() | {"ZTFNB_STRICT": "true"})
    try:
        passed, _, failed = night.report.counts
        until(lambda: len(topics.out()) >= passed, PATIENCE, lambda: said(log))
        letters = failed + len(BROKEN)
        until(lambda: len(topics.letters()) >= letters, PATIENCE, lambda: said(log))
        worker = program_of(process, container.words)
        assert worker is not None
        cell = Path(f"/proc/{worker}/task/{worker}/children").read_text().split()
        assert cell
        for one in (worker, *cell):
            assert_powerless(Path(f"/proc/{one}/status").read_text())
    finally:
        end(process, container)
    assert ended(process, log) == 0, said(log)
    check_decisions(topics, night, exported.version)


def assert_powerless(status: str) -> None:
    """A process, by what the kernel says of it, can do nothing that others cannot."""
    told = dict(line.split(":\t", 1) for line in status.splitlines())
    sets = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
    assert {name: int(told[name], 16) for name in sets} == dict.fromkeys(sets, 0)
    assert told["NoNewPrivs"] == "1"


@pytest.mark.kafka
def test_an_engine_asks_how_it_is_and_ends_it(
    container: Container, topics: Topics, tmp_path: Path
) -> None:
    """The health check of the image says well while it works; SIGTERM ends it with exit code 0."""
    log = tmp_path / "log"
    (port,) = free_ports(1)
    process = container.start(log, topics.variables() | {"ZTFNB_PORT": port})

    def asked(*options: str) -> int:
        asking = container.start(tmp_path / "probe", {"ZTFNB_PORT": port}, [*image.PROBE, *options])
        return ended(asking, tmp_path / "probe")

    try:
        until(lambda: asked("--ready") == 0, PATIENCE, lambda: said(log))
        assert asked() == 0
        worker = program_of(process, container.words)
        assert worker is not None
        user, group = Path(f"/proc/{worker}").stat().st_uid, Path(f"/proc/{worker}").stat().st_gid
        assert f"{user}:{group}" == image.USER
    finally:
        end(process, container)
    assert ended(process, log) == 0, said(log)
    assert asked() == 1
    last = json.loads(said(log).splitlines()[-1])
    assert last["code"] == 0
