"""What is written into a bundle's folder, and what each file is for."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import ztfnb
from ztfnb.export import image
from ztfnb.export.collecting.collect import Collected
from ztfnb.export.deployment import deployment_files
from ztfnb.export.dockerfile import image_files
from ztfnb.export.environment import REQUIREMENTS, WHEELS
from ztfnb.export.evidence import Evidence
from ztfnb.export.facts import Facts
from ztfnb.export.fixtures import Fixture, write_fixtures
from ztfnb.export.placing import PROVENANCE, files_in
from ztfnb.export.proof import Proof
from ztfnb.export.provenance import as_text, provenance
from ztfnb.export.readme import readme
from ztfnb.export.requirements import Requirements, requirements_of
from ztfnb.export.templating import filled
from ztfnb.export.wheel import write_wheel
from ztfnb.export.worker.bundle import FILE, SOURCE, Bundle, checksum_of, read_bundle, write_bundle
from ztfnb.filters.filter import Filter

TEST_REQUIREMENTS = "requirements-test.txt"
TEST = "test_filter.py"
README = "README.md"
_PURPOSES: tuple[tuple[str, str], ...] = (
    (SOURCE, "the filter, with its thresholds as they are set, and all that it uses"),
    (FILE, "its name and hash, and a checksum of every file that decides"),
    ("data/", "data files of the filter"),
    ("fixtures/", "alerts with the decisions expected on them"),
    (TEST, "tests that it decides here as in the notebook"),
    (PROVENANCE, "sample, decisions, funnel, yield, versions: where it comes from"),
    (README, "how to test, build, run, deploy and undo it"),
    (REQUIREMENTS, "what is installed for it, by hashes"),
    (TEST_REQUIREMENTS, "what its tests need beside that"),
    (f"{WHEELS}/", "ztfnb itself; the other wheels, where they were taken along"),
    ("pyproject.toml", "the name of the folder, and how its tests run"),
    ("Dockerfile", "builds the image"),
    (".dockerignore", "what stays out of it"),
    ("compose.yaml", "broker, stream, filter and reader on one machine"),
    ("k8s/", "manifests for Kubernetes"),
    ("monitoring/", "dashboard and alarms"),
    (".github/", "tests and builds it in a repository"),
)


def facts_of(made: Filter, collected: Collected) -> Facts:
    """Return what every file says of the filter."""
    title = (made.function.__doc__ or "").strip().partition("\n")[0].strip()
    return Facts(
        made.name,
        title or made.name.replace("_", " "),
        made.hash,
        made.thresholds,
        dict(made.params),
        collected.distributions,
        f"{sys.version_info.major}.{sys.version_info.minor}",
        ztfnb.__version__,
        datetime.now(UTC).replace(microsecond=0),
    )


def write_run_time(
    folder: Path,
    facts: Facts,
    collected: Collected,
    fixtures: tuple[Fixture, ...],
    lock: Path | None,
) -> Requirements:
    """Write what decides, what it runs on, and the alerts to try it: then it can be proven.

    Raises
    ------
    ExportError
        If the lock lacks a package that the filter imports.
    """
    texts = {SOURCE: collected.text, **collected.modules}
    for name, text in texts.items():
        _write(folder, name, text)
    for name, path in collected.files.items():
        to = folder / name
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, to)
    decide = {name: checksum_of(folder / name) for name in (*texts, *collected.files)}
    write_bundle(Bundle(folder, facts.name, facts.hash, decide))
    write_fixtures(folder, facts, fixtures)
    wheel = write_wheel(folder / WHEELS)
    needed = requirements_of(facts.distributions, lock=lock, places=collected.imported, wheel=wheel)
    _write(folder, REQUIREMENTS, needed.text)
    _write(folder, TEST_REQUIREMENTS, needed.test_text)
    return needed


def write_papers(
    folder: Path, facts: Facts, evidence: Evidence, proof: Proof, remarks: Sequence[str]
) -> Mapping[str, str]:
    """Write all that builds, deploys and explains a bundle that was proven.

    Returns
    -------
    Mapping
        What each file is for, by path; those of one folder together.
    """
    _write(folder, TEST, filled(TEST, {}))
    _write(folder, "pyproject.toml", filled("project.toml", _project(facts)))
    held = image.content(read_bundle(folder))
    for name, text in {**image_files(facts, held), **deployment_files(facts)}.items():
        _write(folder, name, text)
    _write(folder, PROVENANCE, "")
    _write(folder, README, "")
    purposes = purposes_of(files_in(folder))
    _write(folder, README, readme(facts, evidence, proof, purposes, remarks))
    written = (name for name in files_in(folder) if name != PROVENANCE)
    told = provenance(
        facts,
        evidence,
        proof,
        requirements=folder / REQUIREMENTS,
        files={name: checksum_of(folder / name) for name in written},
        remarks=remarks,
    )
    _write(folder, PROVENANCE, as_text(told))
    return purposes


def purposes_of(files: Sequence[str]) -> dict[str, str]:
    """Return what each file is for; those of one folder together."""
    known = {
        name: what
        for name, what in _PURPOSES
        if any(one == name or (name.endswith("/") and one.startswith(name)) for one in files)
    }
    others = [one for one in files if one not in known and f"{one.partition('/')[0]}/" not in known]
    return known | dict.fromkeys(others, "a module that the filter imports")


def _write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", newline="\n")


def _project(facts: Facts) -> dict[str, str]:
    # Texts of JSON are texts of TOML.
    return {
        "slug": facts.slug,
        "version": facts.version,
        "description": json.dumps(facts.title, ensure_ascii=False),
        "python": facts.python,
        "dependencies": ", ".join(map(json.dumps, ("ztfnb", *facts.distributions))),
    }
