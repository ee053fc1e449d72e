"""From a filter to a bundle: collected, written, proven, and only then there."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ztfnb.errors import ExportError
from ztfnb.export.collecting.collect import collect
from ztfnb.export.contents import facts_of, write_papers, write_run_time
from ztfnb.export.decisions import Decision
from ztfnb.export.downloading import download_wheels
from ztfnb.export.evaluated import report_for
from ztfnb.export.evidence import Evidence
from ztfnb.export.exported import Exported, shown
from ztfnb.export.facts import Facts
from ztfnb.export.fixtures import fixtures_of, pinned
from ztfnb.export.leaks import check_leaks
from ztfnb.export.oci.archive import write_image
from ztfnb.export.placing import beside, check_free, place
from ztfnb.export.processwide import remarks_on
from ztfnb.export.proof import prove
from ztfnb.export.zipped import write_zip
from ztfnb.filters.evaluate import is_stateful
from ztfnb.filters.filter import Filter

_NEWS = 0.5
"""Seconds between two words on how far the proof is."""


def export(
    made: Filter,
    folder: str | Path,
    *,
    verify: Any = None,
    fresh: bool = False,
    requirements: str | Path | None = None,
    wheels: bool = False,
    archive: bool = False,
    oci: str | Path | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
    say: Callable[[str], None] | None = None,
) -> Exported:
    """Write a filter with all that it needs to a folder that can be read, tested and deployed.

    The folder appears when it is whole, and only if the bundle, run in a clean process, decides on
    every alert as the filter did in the notebook.

    Parameters
    ----------
    made
        The filter, its thresholds set as they are to be deployed.
    folder
        Where; what is there and is no bundle is never touched.
    verify
        What it is proven on: a report of this filter, or anything that `Filter.evaluate` takes.
        None: the newest report of it as it is now that is still held; else its pinned alerts.
    fresh
        Whether it is proven in a new environment of the bundle's own requirements, which are
        installed for it.
    requirements
        A requirement file with hashes, in place of the one that ztfnb ships.
    wheels
        Whether the locked wheels are downloaded too, so that the image is built without network.
    archive
        Whether the folder is also written as a zip file beside it.
    oci
        A base image (archive or layout), on which an image is made without a daemon, beside it.
    overwrite
        Whether a bundle that is there is replaced. What its export did not write goes over to the
        new one; files of it that were changed by hand are kept in a folder beside.
    progress
        Whether to show bars: see `ztfnb.progress.progress_bar`.
    say
        Told in words what is going on.

    Raises
    ------
    ExportError
        If something cannot be taken along (named, with its line and a way out), a pinned alert is
        red, or the bundle decides otherwise: then `differences` has the alerts. Nothing is written.
    """
    say = say or (lambda _words: None)
    target = Path(folder).expanduser().absolute()
    zipped = target.with_name(f"{target.name}.zip")
    image = target.with_name(f"{target.name}.oci.tar")
    others = [zipped] * archive + [image] * (oci is not None)
    _check_targets(target, others, overwrite=overwrite)
    say("collecting what it needs")
    collected = collect(made)
    facts = facts_of(made, collected)
    say("evaluating it")
    pins = pinned(made)
    report = report_for(made, verify, pins, progress)
    evidence = Evidence(report, pins, fixtures_of(report, pins))
    lock = None if requirements is None else Path(requirements).expanduser()
    with beside(target) as partial:
        say("writing it")
        needed = write_run_time(partial, facts, collected, evidence.fixtures, lock)
        if wheels:
            say("downloading wheels")
            download_wheels(partial)
        say("proving that it decides as the notebook")
        stays = tuple(remarks_on([collected.text, *collected.modules.values()]))
        with _explained(stays):
            proof = prove(
                partial,
                _counted(evidence, say),
                params=facts.params,
                fresh=fresh,
                total=evidence.total,
                progress=progress,
                say=say,
            )
            _check_alone(partial, evidence)
        remarks = list(evidence.remarks())
        if needed.warning and not fresh:
            remarks.append(needed.warning)
        remarks += stays
        files = write_papers(partial, facts, evidence, proof, remarks)
        check_leaks(partial, os.environ)
        if oci is not None:
            say("making an image")
            write_image(partial, Path(oci).expanduser(), image)
        if archive:
            say("packing it")
            write_zip(partial, zipped, name=target.name)
        before = place(partial, target)
    return Exported(
        target,
        facts.name,
        facts.hash,
        proof,
        evidence.sample,
        len(evidence.fixtures),
        files,
        tuple(remarks),
        zipped if archive else None,
        image if oci is not None else None,
        before,
        _commands(target, facts),
    )


def _check_targets(target: Path, others: Iterable[Path], *, overwrite: bool) -> None:
    check_free(target, overwrite=overwrite)
    for one in others:
        if one.exists() and not overwrite:
            raise ExportError(
                f"{one} is there; replace it with overwrite=True (--overwrite), or move it"
            )


@contextmanager
def _explained(reasons: Sequence[str]) -> Iterator[None]:
    """Add to an error that tells of differences what may have made them."""
    try:
        yield
    except ExportError as error:
        if not (reasons and error.differences):
            raise
        told = "\n".join((str(error), *reasons))
        raise ExportError(told, differences=error.differences) from None


def _counted(evidence: Evidence, say: Callable[[str], None]) -> Iterator[tuple[bytes, Decision]]:
    """Yield packets, with a word now and then on how many there were."""
    told = time.monotonic()
    for count, pair in enumerate(evidence.packets()):
        if time.monotonic() - told > _NEWS:
            told = time.monotonic()
            say(f"proving that it decides as the notebook: {count:,} of {evidence.total:,} alerts")
        yield pair


def _check_alone(folder: Path, evidence: Evidence) -> None:
    """Try a filter that keeps state on its fixtures alone, as its own tests do.

    Raises
    ------
    ExportError
        If it decides otherwise without the alerts before.
    """
    made = evidence.report.filter
    if not is_stateful(made):
        return
    pairs = [(one.packet, one.decision) for one in evidence.fixtures]
    try:
        prove(folder, pairs, progress=False)
    except ExportError as error:
        raise ExportError(
            f"{made.name} keeps state between alerts, and decides otherwise on alerts that come "
            f"alone: a container would decide by those that it happened to get. {error}",
            differences=error.differences,
        ) from None


def _commands(target: Path, facts: Facts) -> tuple[tuple[str, str], ...]:
    there = shlex.quote(shown(target))
    topics = f"--from kafka://HOST:9092/TOPIC --to kafka://HOST:9092/{facts.slug}"
    return (
        ("test it here", f"ztfnb filter test {there}"),
        ("run it here", f"ztfnb filter run {there} {topics}"),
        ("build its image", f"docker build --tag {facts.slug}:{facts.version} {there}"),
    )
