"""What the tables of the filter lab show: the yield of a night, pins and versions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ztfnb.filters.decision import Verdict
from ztfnb.filters.interval import Interval
from ztfnb.filters.versions import SHOWN
from ztfnb.widgets.labtables import Row, Sheet

if TYPE_CHECKING:
    from ztfnb.filters.nightly_yield import Yield
    from ztfnb.filters.pins import PinResult
    from ztfnb.filters.versions import Version


def interval_text(found: Interval, *, percent: bool = False) -> str:
    """Return a number with its interval: ``12 (8 to 17)``, or in percent."""
    if math.isnan(found.value):
        return "unknown"
    one = _percent if percent else _plain
    return f"{one(found.value)} ({one(found.low)} to {one(found.high)})"


def _percent(value: float) -> str:
    return f"{100 * value:.3g}%"


def _plain(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


_PROGRAMMES = {1: "1 public", 2: "2 partnership", 3: "3 Caltech", 0: "not told"}


def yield_sheet(found: Sequence[Yield]) -> Sheet:
    """Return the expected yield a night of each programme, and the nights it is told from."""
    rows = []
    for one in found:
        name = _PROGRAMMES.get(one.programid, str(one.programid))
        expected, share = interval_text(one.per_night), interval_text(one.passing, percent=True)
        rows.append(Row("", (name, "expected a night", expected, share, f"{one.alerts:,}"), "now"))
        rows += [
            Row(
                "",
                (
                    "",
                    f"{night.night}, {night.hours:.1f} h",
                    f"{night.passed:,}",
                    _percent(night.passed / night.alerts),
                    f"{night.alerts:,}",
                ),
            )
            for night in one.nights
        ]
    return Sheet(
        note=" ".join(["With 95% intervals.", *(_basis(one) for one in found)]),
        columns=("programid", "night", "pass", "of its alerts", "alerts"),
        numbers=(2, 3, 4),
        rows=tuple(rows),
    )


def _basis(one: Yield) -> str:
    return f"Programme {one.programid}: {one.basis}."


_WORDS = {Verdict.PASSED: "passes", Verdict.REJECTED: "rejected", Verdict.FAILED: "failed"}


def pins_sheet(found: Iterable[PinResult]) -> Sheet:
    """Return the pins of a filter, those first that are red."""
    results = sorted(found, key=lambda one: one.green)
    red = sum(not one.green for one in results)
    if not results:
        note = (
            "No pins yet. Select an alert and press must pass or must be rejected: it is tried "
            "again whenever the filter is changed."
        )
    elif red:
        note = f"{red:,} of {len(results):,} pins are red: the filter decides otherwise."
    else:
        note = f"All {len(results):,} pins are green."
    rows = tuple(
        Row(
            str(one.candid),
            (
                "✓ green" if one.green else "✗ red",
                str(one.candid),
                "must pass" if one.expected else "must be rejected",
                _WORDS[one.verdict] + (f": {one.error}" if one.error else ""),
                one.note,
            ),
            "good" if one.green else "bad",
            "remove",
        )
        for one in results
    )
    return Sheet(note=note, columns=("", "candid", "it", "now", "note"), rows=rows)


def versions_sheet(found: Sequence[Version], now: Version) -> Sheet:
    """Return the versions of a filter, the newest first.

    Parameters
    ----------
    found
        The versions, the oldest first; their place is their key.
    now
        The filter as it is.
    """
    rows = tuple(
        Row(str(place), _version_cells(one), "now" if _same(one, now) else "")
        for place, one in reversed(list(enumerate(found)))
    )
    note = (
        "Evaluations, the newest on top. Choose one to see what has changed since."
        if rows
        else "No versions yet: they are noted when a filter of a notebook is evaluated."
    )
    return Sheet(
        note=note,
        columns=("evaluated", "version", "set to", "passed", "of", "pins", "sample"),
        numbers=(3, 4),
        rows=rows,
        links=(("keep", "Keep it as it is set now"),),
    )


def _same(one: Version, other: Version) -> bool:
    return one.hash == other.hash and dict(one.params) == dict(other.params)


def _version_cells(one: Version) -> tuple[str, ...]:
    counts = one.counts
    pins = [f"{one.green:,} green"] * bool(one.green) + [f"{one.red:,} red"] * bool(one.red)
    return (
        one.time.replace("T", " ").removesuffix("Z"),
        one.hash[:SHOWN],
        ", ".join(f"{name}={value!r}" for name, value in one.params.items()),
        f"{counts.get('passed', 0):,}",
        f"{sum(counts.values()):,}",
        ", ".join(pins),
        one.sample,
    )
