"""A filter as people see it: its source, thresholds, remarks and pins, as HTML."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from ztfnb.errors import ZtfnbError

if TYPE_CHECKING:
    from ztfnb.filters.filter import Filter
    from ztfnb.filters.threshold import Threshold

_GREEN, _RED = "#1a7f37", "#c62828"
"""Told apart by their signs too."""


def html_of(made: Filter) -> str:
    """Return a filter as HTML; all that comes from elsewhere is escaped. Pins are run for it."""
    title = f"<b>{escape(made.name)}</b> <code>{made.hash[:12]}</code>"
    parts = [title, _source(made), _thresholds(made), _remarks(made), _pins(made)]
    return f'<div class="ztfnb-filter">{"".join(parts)}</div>'


def _source(made: Filter) -> str:
    lines = made.source.splitlines()
    width = len(str(made.code.line + len(lines)))
    numbered = (
        f'<span style="opacity:.5;user-select:none">{number:>{width}} </span>{escape(line)}'
        for number, line in enumerate(lines, made.code.line)
    )
    return f'<pre style="text-align:left;line-height:1.3">{chr(10).join(numbered)}</pre>'


def _thresholds(made: Filter) -> str:
    rows = [
        f"<tr><td><code>{escape(one.name)}</code></td>"
        f"<td>{escape(repr(made.params[one.name]))}</td><td>{escape(_extent(one))}</td></tr>"
        for one in made.thresholds
    ]
    head = "<tr><th>threshold</th><th>set to</th><th>may be</th></tr>"
    return f"<table>{head}{''.join(rows)}</table>" if rows else ""


def _extent(one: Threshold) -> str:
    if one.choices:
        return ", ".join(map(repr, one.choices))
    if one.bounded:
        return f"{one.low:g} to {one.high:g}"
    return {"bool": "True or False", "text": "a text", "int": "a whole number"}.get(
        one.kind, "a number"
    )


def _remarks(made: Filter) -> str:
    return _listed((f"⚠ {escape(str(remark))}" for remark in made.remarks), "remarks")


def _pins(made: Filter) -> str:
    try:
        results = made.check_pins()
    except ZtfnbError as error:
        return f"<div>pins: {escape(str(error))}</div>"
    return _listed(
        (
            f'<span style="color:{_GREEN if one.green else _RED}">'
            f"{'✔' if one.green else '✘'} {escape(str(one))}</span>"
            for one in results
        ),
        "pins",
    )


def _listed(lines: Iterable[str], title: str) -> str:
    items = "".join(f"<li>{line}</li>" for line in lines)
    return f"<div>{title}<ul>{items}</ul></div>" if items else ""
