"""What is known of a place from before: earlier looks, first detection, counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ztfnb.simulate import geometry, identity, world
from ztfnb.simulate.observe import RAW_THRESHOLD, Observations, observe
from ztfnb.simulate.schedule import Visits
from ztfnb.simulate.sources import ONE_OFF, Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ztfnb.simulate.detections import Found
    from ztfnb.simulate.world import Plan

HISTORY = 30.0
"""How far back a packet's history reaches [day]."""


def is_passing(kind: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which are there once only: asteroids, and artefacts of one exposure."""
    return np.isin(kind, [int(Kind.ASTEROID), *map(int, ONE_OFF)])


@dataclass(frozen=True, slots=True)
class Past:
    """All earlier looks at some objects, in order of time for each."""

    visits: Visits
    observations: Observations


def look_back(plan: Plan, found: Found, visit: Visits) -> Past:
    """Return every earlier look at the places of detections, since the survey began."""
    index, night, now = int(visit.index[0]), int(visit.night[0]), float(visit.jd[0])
    sky = geometry.grid()
    parts: list[Visits] = []
    rows: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]] = []
    start = 0
    for other in sky.neighbours[index].tolist():
        west, south = geometry.to_plane(
            found.sources.ra, found.sources.dec, float(sky.ra[other]), float(sky.dec[other])
        )
        with np.errstate(invalid="ignore"):
            near = np.flatnonzero(geometry.in_reach(west, south))
        if not len(near):
            continue
        visits = world.visits(plan, other, night)
        visits = visits.take(np.arange(np.searchsorted(visits.jd, now)))
        if not len(visits):
            continue
        rcid, x, y = geometry.channel(
            (west[near][:, None] + visits.dither_x).ravel(),
            (south[near][:, None] + visits.dither_y).ravel(),
        )
        covered = np.flatnonzero(geometry.is_covered(np.full(len(x), other), rcid, x, y))
        who, when = np.divmod(covered, len(visits))
        rows.append((near[who], start + when, rcid[covered], x[covered], y[covered]))
        parts.append(visits)
        start += len(visits)
    if not parts:
        nothing = visit.take(np.zeros(0, np.int64))
        return Past(nothing, found.observations.take(np.zeros(0, np.int64)))
    columns = [np.concatenate(column) for column in zip(*rows, strict=True)]
    visits = Visits.joined(parts)
    order = np.lexsort((visits.jd[columns[1]], columns[0]))
    who, when, rcid, x, y = (column[order] for column in columns)
    stays = ~is_passing(found.sources.kind)
    return Past(
        visits, observe(found.sources, who, visits, when, place=(rcid, x, y), present=stays[who])
    )


def numbers_of(
    plan: Plan, found: Found, past: Past, which: Observations, night: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return number and detector of earlier detections."""
    number = np.zeros(len(which), np.int64)
    cell = np.zeros(len(which), np.int64)
    field = past.visits.index[which.visit_row]
    keys = found.sources.key[which.object_row]
    for index in np.unique(field).tolist():
        rows = np.flatnonzero(field == index)
        number[rows], cell[rows] = world.numbers_on(plan, index, night, keys[rows])
    return number, cell


def names(plan: Plan, found: Found, past: Past, visit: Visits) -> list[str]:
    """Return the objectId of each object: from its first detection ever."""
    night = np.full(len(found.number), visit.night[0])
    jd = np.full(len(found.number), visit.jd[0])
    cell, number = found.cell.copy(), found.number.copy()
    passing = is_passing(found.sources.kind)
    before = past.observations.taking_found()
    before = before.take(np.flatnonzero(~passing[before.object_row]))
    first = before.take(np.unique(before.object_row, return_index=True)[1])
    who = first.object_row
    number[who], cell[who] = numbers_of(plan, found, past, first, int(visit.night[0]))
    night[who] = past.visits.night[first.visit_row]
    jd[who] = past.visits.jd[first.visit_row]
    return identity.object_names(night, jd, cell, number)


def counts(past: Past, found: Found, visit: Visits) -> dict[str, list[Any]]:
    """Return how often the place was covered and the object seen, this time included."""
    count = len(found.number)
    looks = past.observations
    who = looks.object_row
    covered = np.bincount(who, minlength=count) + 1
    same = (past.visits.index[looks.visit_row] == visit.index[0]) & (
        looks.rcid == found.observations.rcid[who]
    )
    raw = (looks.snr >= RAW_THRESHOLD) & (np.abs(looks.true_flux) > looks.sigma)
    seen = np.flatnonzero(same & (looks.found | raw))
    detected = np.bincount(who[seen], minlength=count) + 1
    first = np.full(count, visit.jd[0])
    np.minimum.at(first, who[seen], past.visits.jd[looks.visit_row[seen]])
    return {
        "ndethist": detected.tolist(),
        "ncovhist": covered.tolist(),
        "jdstarthist": first.tolist(),
        "jdendhist": [float(visit.jd[0])] * count,
    }


def recent(past: Past, visit: Visits) -> Observations:
    """Return the looks of the last 30 days that the receivers of this alert may see."""
    rows = past.observations.visit_row
    new = past.visits.jd[rows] > visit.jd[0] - HISTORY
    new &= past.visits.programid[rows] <= visit.programid[0]
    return past.observations.take(np.flatnonzero(new))
