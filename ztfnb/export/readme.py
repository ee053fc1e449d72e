"""What a stranger is told of a bundle: its ``README.md``."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ztfnb.errors import FilterError
from ztfnb.export.deployment import as_text
from ztfnb.export.evidence import Evidence
from ztfnb.export.facts import Facts
from ztfnb.export.proof import Proof
from ztfnb.export.templating import filled
from ztfnb.filters.interval import Interval
from ztfnb.filters.report import Report
from ztfnb.filters.threshold import Threshold
from ztfnb.wording import one_line

_LONGEST = 160
_PROGRAMMES = {0: "not told", 1: "1 (public)", 2: "2 (partnership)", 3: "3 (Caltech)"}


def readme(
    facts: Facts,
    evidence: Evidence,
    proof: Proof,
    files: Mapping[str, str],
    remarks: Sequence[str],
) -> str:
    """Return the text of a bundle's ``README.md``.

    Parameters
    ----------
    facts
        The filter.
    evidence
        What it was proven on.
    proof
        That the bundle decides alike.
    files
        What each file is for, by path.
    remarks
        What has to be known of the bundle.
    """
    report = evidence.report
    values = {
        "name": facts.name,
        "slug": facts.slug,
        "version": facts.version,
        "hash": facts.hash,
        "title": facts.title,
        "python": facts.python,
        "ztfnb": facts.ztfnb,
        "created": f"{facts.created:%Y-%m-%d %H:%M} UTC",
        "about": _about(report.filter.__doc__),
        "proof": _proof(proof),
        "sample": evidence.sample,
        "remarks": "".join(f"\n- {one}" for one in remarks) + ("\n" if remarks else ""),
        "thresholds": _thresholds(facts),
        "example": _example(facts),
        "funnel": _funnel(report),
        "yields": _yields(report),
        "files": table(("file", "what it is"), ((f"`{n}`", what) for n, what in files.items())),
    }
    return filled("README.md", values)


def _proof(proof: Proof) -> str:
    where = f"an environment of its own requirements on Python {proof.python}"
    return (
        f"run in {where if proof.fresh else 'a clean process'}, it decided as the notebook on each "
        f"of {proof.alerts:,} alerts: {proof.passed:,} passed, {proof.rejected:,} were rejected, "
        f"the filter failed on {proof.failed:,}"
    )


def table(head: Iterable[str], rows: Iterable[Iterable[str]], *, right: int = 0) -> str:
    """Return a table as Markdown has it.

    Parameters
    ----------
    head, rows
        What stands in it.
    right
        How many of its last columns hold numbers.
    """
    titles = list(head)
    signs = ["---"] * (len(titles) - right) + ["---:"] * right
    lines = [titles, signs, *map(list, rows)]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def code(text: str) -> str:
    """Return a text as Markdown has code on one line, whatever is in it."""
    line = one_line(text, _LONGEST)
    fence = "`" * (1 + max((len(run) for run in _runs(line)), default=0))
    return f"{fence} {line} {fence}" if fence != "`" else f"`{line}`"


def _runs(text: str) -> Iterator[str]:
    run = ""
    for sign in text:
        run = f"{run}`" if sign == "`" else ""
        if run:
            yield run


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _about(doc: str | None) -> str:
    """Return a docstring's prose below its first line, which is the title."""
    lines = [line.strip() for line in (doc or "").strip().splitlines()]
    sections = (at for at, line in enumerate(lines) if line and not line.strip("-"))
    about = "\n".join(lines[1 : next(sections, len(lines) + 1) - 1]).strip()
    return f"\n{about}\n" if about else ""


def _thresholds(facts: Facts) -> str:
    if not facts.thresholds:
        return "It has no thresholds."
    return table(
        ("threshold", "set to", "default", "may be", "variable"),
        (
            (
                code(one.name),
                code(repr(facts.params[one.name])),
                code(repr(one.default)),
                extent(one),
                code(variable) if (variable := facts.variable_of(one.name)) else "none",
            )
            for one in facts.thresholds
        ),
    )


def extent(one: Threshold) -> str:
    """Return what a threshold may be, in words."""
    if one.choices:
        return ", ".join(code(repr(choice)) for choice in one.choices)
    if one.bounded:
        return f"{one.low:g} to {one.high:g}"
    return {"bool": "true or false", "text": "a text", "int": "a whole number"}.get(
        one.kind, "a number"
    )


def _example(facts: Facts) -> str:
    """Return how one threshold is set otherwise, on the command line of a container."""
    for name, value in facts.params.items():
        if variable := facts.variable_of(name):
            return f" \\\n  --env {variable}={shlex.quote(as_text(value))}"
    return ""


def _funnel(report: Report) -> str:
    rows = report.funnel_rows
    if not rows:
        return "No condition of it could be told apart in its source."
    note = f"\n\n{report.note}" if report.note else ""
    return (
        table(
            ("condition", "entered", "stopped", "only here", "not judged"),
            (
                (
                    code(row.condition.text),
                    f"{row.entered:,}",
                    f"{row.stopped:,}",
                    "" if row.only_here is None else f"{row.only_here:,}",
                    f"{row.not_judged:,}",
                )
                for row in rows
            ),
            right=4,
        )
        + note
    )


def _yields(report: Report) -> str:
    try:
        found = report.yield_per_night()
    except FilterError as error:
        return f"Not known: {error}."
    return table(
        ("programid", "pass a night (95% interval)", "of its alerts", "told from"),
        (
            (
                _PROGRAMMES.get(one.programid, str(one.programid)),
                _interval(one.per_night),
                _interval(one.passing, percent=True),
                one.basis,
            )
            for one in found
        ),
    )


def _interval(found: Interval, *, percent: bool = False) -> str:
    if math.isnan(found.value):
        return "not known"
    scale, unit = (100.0, "%") if percent else (1.0, "")
    value, low, high = (f"{scale * one:.3g}{unit}" for one in (found.value, found.low, found.high))
    return f"{value} ({low} to {high})"
