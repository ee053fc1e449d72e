"""Alerts that travel with a bundle, with what must become of each: its own tests run on them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from ztfnb.errors import ExportError, ZtfnbError
from ztfnb.export.decisions import Decision, from_json, to_json
from ztfnb.export.facts import Facts
from ztfnb.export.leaks import without_places
from ztfnb.export.packets import packets_of
from ztfnb.filters.decision import Verdict
from ztfnb.filters.evaluate import judge
from ztfnb.filters.filter import Filter
from ztfnb.filters.listed import ListSample
from ztfnb.filters.near_misses import NearMiss
from ztfnb.filters.report import Report
from ztfnb.wording import one_line

FOLDER = "fixtures"
FILE = "expected.json"
MOST = 12
"""Alerts taken from the sample, beside those that are pinned."""
MOST_BYTES = 3_000_000
"""Packets of the sample together, at most."""
_NEAR = 4
_PASSED = 4
_FAILED = 3
_LONGEST = 200
_LINE = re.compile(r"^line \d+: ")


@dataclass(frozen=True, slots=True)
class Fixture:
    """One alert and the decision that is expected on it."""

    packet: bytes
    decision: Decision
    why: str
    """Why it is here, in words."""

    @property
    def file(self) -> str:
        """Its path in the bundle."""
        return f"{FOLDER}/{self.decision.candid}.avro"


def pinned(made: Filter) -> Report | None:
    """Return the report of the filter on its pinned alerts; None without any.

    Raises
    ------
    ExportError
        If one is not decided as it must be, or its packet is not there.
    """
    pins = list(made.pins.values())
    if made.pins.problems:
        raise ExportError(
            f"the pins of {made.name} cannot be read: {made.pins.problems[0]}; mend the file in "
            f"{made.pins.folder.name}"
        )
    if not pins:
        return None
    try:
        sample = ListSample([pin.alert for pin in pins], f"{len(pins):,} pinned alerts")
    except ZtfnbError as error:
        raise ExportError(f"a pin of {made.name} cannot be tried: {error}") from None
    report = Report(made, sample, judge(made, sample, progress=False), datetime.now(UTC))
    red = [
        (pin, Verdict(verdict))
        for pin, verdict in zip(pins, report.judgement.verdict, strict=True)
        if verdict != (Verdict.PASSED if pin.passes else Verdict.REJECTED)
    ]
    if red:
        listed = "; ".join(
            f"{pin.candid} must {'pass' if pin.passes else 'be rejected'}, {came.name.lower()}"
            f"{f' ({report.errors[pin.candid]})' if came == Verdict.FAILED else ''}"
            for pin, came in islice(red, _FAILED)
        )
        raise ExportError(
            f"{len(red)} of {len(pins)} pins of {made.name} are red: {listed}; change the filter, "
            "or unpin them with f.unpin(candid)"
        )
    return report


def fixtures_of(report: Report, pins: Report | None) -> tuple[Fixture, ...]:
    """Return all pinned alerts, and a few of a report: some that passed, near misses, failures.

    An alert whose packet cannot be had any more is left out.
    """
    made = report.filter
    notes = {one.candid: one for one in made.pins.values()} if pins is not None else {}
    found = [
        Fixture(packet, decision, _pin_told(notes[decision.candid]))
        for packet, decision in (packets_of(pins) if pins is not None else ())
    ]
    chosen = choose(report)
    left = MOST_BYTES
    packets = packets_of(report, places=list(chosen), lost=lambda _candid, _why: None)
    known = {one.decision.candid for one in found}
    whys = {int(report.candid[place]): why for place, why in chosen.items()}
    sampled = {}
    for packet, decision in packets:
        if decision.candid not in known and len(packet) <= left:
            left -= len(packet)
            sampled[decision.candid] = Fixture(packet, decision, whys[decision.candid])
    found += [sampled[candid] for candid in whys if candid in sampled]
    return tuple(found)


def choose(report: Report) -> dict[int, str]:
    """Return the places of alerts that show best what a filter does, each with the reason."""
    chosen: dict[int, str] = {}
    taken: set[int] = set()
    for candid, why in _candidates(report):
        place = report.sample.place(candid)
        # Of two packets of one candid the second could not be told from the first.
        if candid not in taken and len(chosen) < MOST and _is_sole(report, candid):
            taken.add(candid)
            chosen[place] = why
    return chosen


def write_fixtures(folder: Path, facts: Facts, fixtures: tuple[Fixture, ...]) -> None:
    """Write packets, byte for byte, and what is expected of them."""
    (folder / FOLDER).mkdir()
    for one in fixtures:
        (folder / one.file).write_bytes(one.packet)
    told = {
        "filter": facts.name,
        "hash": facts.hash,
        "params": dict(facts.params),
        "alerts": [{**to_json(_unplaced(one.decision)), "here": one.why} for one in fixtures],
    }
    text = json.dumps(told, indent=2, ensure_ascii=False)
    (folder / FOLDER / FILE).write_text(without_places(f"{text}\n"), "utf-8", newline="\n")


def read_fixtures(folder: Path) -> tuple[Fixture, ...]:
    """Return the fixtures of a bundle.

    Raises
    ------
    ExportError
        If they are not there, or are none.
    """
    path = folder / FOLDER / FILE
    try:
        found = json.loads(path.read_bytes())
        alerts: list[Mapping[str, Any]] = found["alerts"]
        fixtures = []
        for one in alerts:
            decision = from_json(one)
            packet = (folder / FOLDER / f"{decision.candid}.avro").read_bytes()
            fixtures.append(Fixture(packet, decision, str(one.get("here", ""))))
    except OSError as error:
        raise ExportError(f"{error.filename}: {error.strerror}; export the filter again") from None
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise ExportError(f"{path} tells no decisions ({error}); export again") from None
    return tuple(fixtures)


def _unplaced(decision: Decision) -> Decision:
    """Return a decision whose reason names no line of a cell, which nobody else has."""
    return replace(decision, why=_LINE.sub("", decision.why))


def _pin_told(pin: Any) -> str:
    told = f"pinned: must {'pass' if pin.passes else 'be rejected'}"
    return one_line(f"{told}: {pin.note}" if pin.note else told, _LONGEST)


def _candidates(report: Report) -> Iterator[tuple[int, str]]:
    """Yield alerts with what they show, the most telling first; one may come twice."""
    kinds: dict[tuple[str, int], int] = {}
    for failure in report.failures:
        if failure.kind != "not held":
            kinds.setdefault((failure.kind, failure.line), failure.candid)
    for (kind, _line), candid in islice(kinds.items(), _FAILED):
        yield candid, f"failed: {kind}"
    for one in _near(report):
        yield one.candid, f"near miss: {_short(one.condition.text)}"
    passed = report.passed.tolist()
    step = max(len(passed) // _PASSED, 1)
    yield from ((candid, "passed") for candid in passed[::step][:_PASSED])
    for row in report.funnel_rows:
        stopped = report.stopped_by(row.condition.place)
        if len(stopped):
            yield int(stopped[0]), f"stopped by: {_short(row.condition.text)}"
    yield from ((candid, "rejected") for candid in report.rejected[:_PASSED].tolist())
    yield from ((candid, "passed") for candid in passed[:MOST])


def _near(report: Report) -> Iterator[NearMiss]:
    """Yield near misses, the nearest of each condition first."""
    by_condition: dict[int, list[NearMiss]] = {}
    for one in report.near_misses(None):
        by_condition.setdefault(one.condition.place, []).append(one)
    turns = zip_longest(*by_condition.values())
    yield from islice((one for turn in turns for one in turn if one is not None), _NEAR)


def _short(text: str) -> str:
    return one_line(text, _LONGEST)


def _is_sole(report: Report, candid: int) -> bool:
    return int((report.candid == candid).sum()) == 1
