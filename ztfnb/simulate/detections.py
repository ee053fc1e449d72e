"""What one exposure finds: objects that changed, passing asteroids, artefacts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ztfnb.simulate import draws, geometry, sources, world
from ztfnb.simulate.observe import Observations, observe
from ztfnb.simulate.sources import ONE_OFF, Kind, Sources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ztfnb.simulate.schedule import Visits
    from ztfnb.simulate.world import Plan


@dataclass(frozen=True, slots=True)
class Found:
    """The detections of one exposure, in the order of their alerts."""

    sources: Sources
    """One object for each detection, where it is at the time."""
    observations: Observations
    cell: NDArray[np.int64]
    number: NDArray[np.int64]

    def take(self, which: NDArray[np.int64]) -> Found:
        """Return some of them."""
        return Found(
            self.sources.take(which),
            replace(self.observations.take(which), object_row=np.arange(len(which))),
            self.cell[which],
            self.number[which],
        )


def _artefacts(
    plan: Plan, visit: Visits
) -> tuple[Sources, tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]]:
    """Return the one-off artefacts of an exposure and where they lie on the camera."""
    index = int(visit.index[0])
    parts, places = [], []
    for kind in ONE_OFF:
        mean = sources.mean_count(kind, index, plan.alerts_per_night)
        count = draws.poisson(visit.key, 900 + int(kind), mean)
        key = draws.key_of(visit.key, int(kind), np.arange(count))
        rcid = np.floor(64.0 * draws.uniform(key, 1)).astype(np.int64)
        x = draws.between(key, 2, 40.0, geometry.WIDTH - 40.0)
        y = draws.between(key, 3, 40.0, geometry.HEIGHT - 40.0)
        if kind is not Kind.EDGE:
            # Defects stay where they are on the detector.
            which = np.floor(9.0 * draws.uniform(key, 4)).astype(np.int64)
            defect = draws.key_of(43, int(kind), rcid, which)
            x = np.floor(draws.between(defect, 1, 20.0, geometry.WIDTH - 20.0))
            if kind is Kind.HOT_PIXEL:
                y = np.floor(draws.between(defect, 2, 20.0, geometry.HEIGHT - 20.0))
        else:
            side = np.floor(4.0 * draws.uniform(key, 5)).astype(np.int64)
            strips = np.stack(geometry.no_data(np.full(count, index), rcid))
            inward = np.maximum(12.5, strips[side, np.arange(count)] + 4.0)
            inward += 14.0 * draws.uniform(key, 6) ** 2
            x = np.choose(side, [inward, geometry.WIDTH - inward, x, x])
            y = np.choose(side, [y, y, inward, geometry.HEIGHT - inward])
        west, south = geometry.channel_origin(rcid)
        ra, dec = geometry.to_sky(
            west + x - visit.dither_x[0],
            south + y - visit.dither_y[0],
            float(geometry.grid().ra[index]),
            float(geometry.grid().dec[index]),
        )
        parts.append(sources.made(kind, key, ra, dec))
        places.append((rcid, x, y))
    rcid, x, y = (np.concatenate(column) for column in zip(*places, strict=True))
    return Sources.joined(parts), (rcid, x, y)


def find(plan: Plan, visit: Visits) -> Found:
    """Return what an exposure (one row of visits) finds, sorted by channel and number."""
    index, night = int(visit.index[0]), int(visit.night[0])
    sky = geometry.grid()
    there = world.standing(plan, index, night)
    bodies = world.asteroids(plan, index, night, float(visit.jd[0]))
    west, south = geometry.to_plane(
        bodies.ra, bodies.dec, float(sky.ra[index]), float(sky.dec[index])
    )
    west = np.concatenate([there.west, west]) + visit.dither_x[0]
    south = np.concatenate([there.south, south]) + visit.dither_y[0]
    artefacts, (its_rcid, its_x, its_y) = _artefacts(plan, visit)
    everything = Sources.joined([there.sources, bodies, artefacts])
    on_sky = geometry.channel(west, south)
    rcid: NDArray[np.int64] = np.concatenate([on_sky[0], its_rcid])
    x: NDArray[np.float64] = np.concatenate([on_sky[1], its_x])
    y: NDArray[np.float64] = np.concatenate([on_sky[2], its_y])
    rows = np.flatnonzero(geometry.is_covered(np.full(len(x), index), rcid, x, y))
    seen = observe(
        everything, rows, visit, np.zeros(len(rows), np.int64), place=(rcid[rows], x[rows], y[rows])
    ).taking_found()
    who = seen.object_row
    cell = seen.rcid // 4
    passing = who >= len(there.number)
    number = np.concatenate([there.number, np.zeros(len(bodies) + len(artefacts), np.int64)])[who]
    # What is there once is counted after all that stays.
    after = np.zeros(16, np.int64)
    np.maximum.at(after, there.cell, there.number + 1)
    rank = world.rank_in_cell(np.where(passing, cell, -1))
    number = np.where(passing, after[cell] + rank, number)
    order = np.lexsort((number, seen.rcid))
    return Found(everything.take(who), seen, cell, number).take(order)
