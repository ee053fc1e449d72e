"""A report as people read it: in a terminal and on a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ztfnb.filters.report import Report

_SHOWN = 10
"""Kinds of failures that are listed; of the others the number is told."""


def as_text(report: Report) -> str:
    """Return a report as plain text."""
    lines = [f"<Report {_title(report)}>", f"  {_counts(report)}", f"  {report.times}"]
    lines += [f"  {line}" for line in _remarks(report)]
    lines += [f"  {line}" for line in _failures(report)]
    return "\n".join(lines)


def as_html(report: Report) -> str:
    """Return a report as HTML; all that others wrote in it is escaped."""
    items = [_counts(report), str(report.times), *_remarks(report)]
    body = "".join(f"<div>{escape(item)}</div>" for item in items)
    failures = "".join(f"<li><code>{escape(line)}</code></li>" for line in _failures(report))
    listed = f"<ul>{failures}</ul>" if failures else ""
    return f"<div><b>{escape(_title(report))}</b>{body}{listed}</div>"


def _title(report: Report) -> str:
    params = ", ".join(f"{name}={value!r}" for name, value in report.params.items())
    return f"{report.filter.name}({params}) on {report.sample.name}"


def _counts(report: Report) -> str:
    passed, rejected, failed = report.counts
    return (
        f"{len(report):,} received = {passed:,} passed + {rejected:,} rejected + {failed:,} failed"
    )


def _remarks(report: Report) -> Iterator[str]:
    if count := len(report.not_read):
        reasons = Counter(str(error) for error in report.not_read)
        yield f"{count:,} beside could not be read as alerts:"
        yield from _listed(reasons)
    if report.sample.left_out:
        yield f"{report.sample.left_out:,} left out: later than the moment asked for, or undated"


def _failures(report: Report) -> Iterator[str]:
    groups = Counter(
        (one.line, f"{one}  [{one.text}]" if one.text else str(one)) for one in report.failures
    )
    yield from _listed(Counter({text: count for (_line, text), count in groups.items()}))


def _listed(found: Counter[str]) -> Iterator[str]:
    common = found.most_common()
    for text, count in common[:_SHOWN]:
        yield f"{count:,} x {text}"
    if rest := common[_SHOWN:]:
        yield f"{sum(count for _text, count in rest):,} x {len(rest):,} other reasons"
