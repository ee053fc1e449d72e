"""Where a bundle comes from: what was exported, evaluated on what, and with which versions.

It says when and on what kind of machine, not who or in which folder.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from ztfnb.errors import FilterError, SelectionError
from ztfnb.export.evidence import Evidence
from ztfnb.export.facts import Facts
from ztfnb.export.leaks import without_places
from ztfnb.export.lock import read_lock
from ztfnb.export.proof import Proof
from ztfnb.filters.decision import Verdict
from ztfnb.filters.interval import Interval
from ztfnb.filters.report import Report

FORMAT = 1
LISTED = 5_000
"""Decisions that are listed one by one; of more, their checksum tells."""
_KINDS = 20
_CORE = ("numpy", "fastavro", "confluent-kafka")
_LETTERS = {Verdict.PASSED: "p", Verdict.REJECTED: "r", Verdict.FAILED: "f"}


def provenance(
    facts: Facts,
    evidence: Evidence,
    proof: Proof,
    *,
    requirements: Path,
    files: Mapping[str, str],
    remarks: Sequence[str],
) -> dict[str, Any]:
    """Return all that is known of an export, as JSON has it.

    Parameters
    ----------
    facts
        The filter.
    evidence
        What it was proven on, and the alerts that travel with it.
    proof
        That the bundle decides alike.
    requirements
        The file of the bundle's locked requirements.
    files
        SHA-256 of each file, by path.
    remarks
        What has to be known of the bundle.
    """
    report = evidence.report
    made = report.filter
    depends = made.dependencies
    return {
        "format": FORMAT,
        "created": f"{facts.created:%Y-%m-%dT%H:%M:%SZ}",
        "filter": {
            "name": facts.name,
            "title": facts.title,
            "hash": facts.hash,
            "params": dict(facts.params),
            "thresholds": [asdict(one) for one in facts.thresholds],
            "helpers": sorted(depends.helpers),
            "constants": dict(depends.constants),
            "libraries": list(depends.libraries),
            "unseen": list(depends.unseen),
            "data": dict(made.checksums),
        },
        "versions": {
            "notebook": _installed(facts),
            "bundle": {"python": facts.python, **locked(requirements)},
        },
        "machine": {"system": platform.system(), "kind": platform.machine()},
        "sample": {"name": evidence.sample, **_sample(report)},
        "decisions": _decisions(report),
        "failures": _failures(report),
        "funnel": funnel(report),
        "yield": expected_yield(report),
        "pins": _pins(evidence.pins),
        "remarks": list(remarks),
        "source_remarks": [{"line": one.line, "text": one.text} for one in made.remarks],
        "proof": asdict(proof),
        "fixtures": {str(one.decision.candid): one.why for one in evidence.fixtures},
        "files": dict(sorted(files.items())),
    }


def as_text(told: Mapping[str, Any]) -> str:
    """Return a provenance as the text of its file."""
    return without_places(f"{json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False)}\n")


def locked(requirements: Path) -> dict[str, str]:
    """Return the versions in a requirement file that an image has, by the name of the package."""
    linux = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
    return {
        name: pin.version
        for name, pins in sorted(read_lock(requirements).items())
        for pin in pins
        if pin.requirement.marker is None or pin.requirement.marker.evaluate(linux)
    }


def funnel(report: Report) -> list[dict[str, Any]]:
    """Return what each condition did, the first that is judged on top."""
    return [
        {
            "condition": row.condition.text,
            "line": row.condition.line,
            "entered": row.entered,
            "stopped": row.stopped,
            "only_here": row.only_here,
            "not_judged": row.not_judged,
        }
        for row in report.funnel_rows
    ]


def expected_yield(report: Report) -> list[dict[str, Any]]:
    """Return the alerts to expect a night, of each programme; none where no alert has a date."""
    try:
        found = report.yield_per_night()
    except FilterError:
        return []
    return [
        {
            "programid": one.programid,
            "per_night": _interval(one.per_night),
            "passing": _interval(one.passing),
            "basis": one.basis,
            "nights": [asdict(night) for night in one.nights],
        }
        for one in found
    ]


def _interval(one: Interval) -> dict[str, float | None]:
    numbers = {"value": one.value, "low": one.low, "high": one.high}
    return {name: None if math.isnan(number) else number for name, number in numbers.items()}


def _installed(facts: Facts) -> dict[str, str]:
    """Return what ran in the notebook: Python, this package, and what the filter imports."""
    found = {"python": platform.python_version(), "ztfnb": facts.ztfnb}
    for name in sorted({*_CORE, *facts.distributions}):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # the author's own module is no package
    return found


def _sample(report: Report) -> dict[str, Any]:
    jd = report.sample.jd
    dated = jd[np.isfinite(jd)]
    return {
        "alerts": len(report),
        "not_read": len(report.not_read),
        "left_out": report.sample.left_out,
        "evaluated": f"{report.when:%Y-%m-%dT%H:%M:%SZ}",
        "jd": [float(dated.min()), float(dated.max())] if len(dated) else [],
        "schemas": _schemas(report),
    }


def _schemas(report: Report) -> dict[str, int]:
    """Return how many alerts came of each version of the schema, where the sample can tell."""
    try:
        values = report.column("schemavsn")
    except SelectionError:
        return {}
    return dict(sorted(Counter(map(str, values.tolist())).items()))


def _decisions(report: Report) -> dict[str, Any]:
    passed, rejected, failed = report.counts
    lines = [
        f"{candid} {_LETTERS[Verdict(verdict)]}"
        for candid, verdict in zip(
            report.candid.tolist(), report.judgement.verdict.tolist(), strict=True
        )
    ]
    told: dict[str, Any] = {
        "received": len(report),
        "passed": passed,
        "rejected": rejected,
        "failed": failed,
        "sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
        "sha256_of": "lines of candid and p, r or f (passed, rejected, failed), in order",
    }
    if len(lines) <= LISTED:
        told["each"] = lines
    return told


def _failures(report: Report) -> list[dict[str, Any]]:
    kinds = Counter((one.kind, one.message, one.line, one.text) for one in report.failures)
    return [
        {"kind": kind, "message": message, "line": line, "text": text, "alerts": count}
        for (kind, message, line, text), count in kinds.most_common(_KINDS)
    ]


def _pins(pins: Report | None) -> list[dict[str, Any]]:
    if pins is None:
        return []
    return [
        {"candid": str(pin.candid), "passes": pin.passes, "note": pin.note, "pinned": pin.time}
        for pin in pins.filter.pins.values()
    ]
