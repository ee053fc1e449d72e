"""What a field shows on a night: its objects on the focal plane, with their numbers.

Everything here is kept for the fields in use only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ztfnb.simulate import geometry, schedule, sources
from ztfnb.simulate.geometry import grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ztfnb.simulate.schedule import Visits
    from ztfnb.simulate.sources import Sources


@dataclass(frozen=True, slots=True)
class Plan:
    """The two numbers on which a survey depends."""

    seed: int
    alerts_per_night: int


@dataclass(frozen=True, slots=True)
class FieldObjects:
    """Objects that may fall on the detectors of one field."""

    sources: Sources
    west: NDArray[np.float64]
    """Place on the undithered focal plane [pixels]."""
    south: NDArray[np.float64]
    cell: NDArray[np.int64]
    """Detector 0-15 to which the place belongs, gaps included."""
    number: NDArray[np.int64]
    """Unique among the objects of one detector at any one time."""


def cell_of(west: NDArray[np.float64], south: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the detector (0-15) nearest to a place on the focal plane."""
    pitch_x, pitch_y = geometry.PITCH
    column = np.clip(np.floor(west / pitch_x + 2.0), 0, 3).astype(np.int64)
    row = np.clip(np.floor(south / pitch_y + 2.0), 0, 3).astype(np.int64)
    cell: NDArray[np.int64] = (3 - row) * 4 + column
    return cell


def rank_in_cell(cell: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many earlier elements each element shares its cell with."""
    order = np.argsort(cell, kind="stable")
    arranged = cell[order]
    rank = np.empty(len(cell), np.int64)
    rank[order] = np.arange(len(cell)) - np.searchsorted(arranged, arranged)
    return rank


def _near(index: int, objects: Sources) -> tuple[Sources, NDArray[np.float64], NDArray[np.float64]]:
    """Keep those within reach of the field's detectors."""
    sky = grid()
    west, south = geometry.to_plane(
        objects.ra, objects.dec, float(sky.ra[index]), float(sky.dec[index])
    )
    with np.errstate(invalid="ignore"):
        near = np.flatnonzero(geometry.in_reach(west, south))
    return objects.take(near), west[near], south[near]


@lru_cache(maxsize=128)
def _own_stars(plan: Plan, index: int) -> Sources:
    return sources.stars_and_galaxies(plan.seed, index, plan.alerts_per_night)


@lru_cache(maxsize=1024)
def _own_supernovae(plan: Plan, index: int, span: int) -> Sources:
    return sources.supernovae(plan.seed, index, span, plan.alerts_per_night)


@lru_cache(maxsize=64)
def _stars(plan: Plan, index: int) -> FieldObjects:
    parts = [_own_stars(plan, int(other)) for other in grid().neighbours[index]]
    objects, west, south = _near(index, sources.Sources.joined(parts))
    cell = cell_of(west, south)
    return FieldObjects(objects, west, south, cell, rank_in_cell(cell))


@lru_cache(maxsize=512)
def _supernovae(plan: Plan, index: int, span: int) -> FieldObjects:
    parts = [_own_supernovae(plan, int(other), span) for other in grid().neighbours[index]]
    objects, west, south = _near(index, sources.Sources.joined(parts))
    cell = cell_of(west, south)
    # After the stars; eight spans, which is more than are seen together, take turns.
    first = np.bincount(_stars(plan, index).cell, minlength=16)[cell]
    number = first + 8 * rank_in_cell(cell) + span % 8
    return FieldObjects(objects, west, south, cell, number)


@lru_cache(maxsize=32)
def standing(plan: Plan, index: int, night: int) -> FieldObjects:
    """Return all objects with a fixed place that a field may show on a night."""
    parts = [_stars(plan, index)]
    parts += [_supernovae(plan, index, span) for span in sources.supernova_spans(night)]
    return FieldObjects(
        sources.Sources.joined([part.sources for part in parts]),
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("west", "south", "cell", "number")
        ),
    )


@lru_cache(maxsize=256)
def _own_asteroids(plan: Plan, index: int, span: int) -> Sources:
    return sources.asteroids(plan.seed, index, span, plan.alerts_per_night)


def asteroids(plan: Plan, index: int, night: int, jd: float) -> Sources:
    """Return the asteroids near a field, placed where they are at one moment."""
    span = night // sources.ASTEROID_SPAN
    near = grid().neighbours[index]
    objects = sources.Sources.joined([_own_asteroids(plan, int(other), span) for other in near])
    days = jd - objects.epoch
    return sources.moved(objects, objects.east_rate * days, objects.north_rate * days)


@lru_cache(maxsize=192)
def visits(plan: Plan, index: int, last_night: int) -> Visits:
    """Return every exposure of a field up to a night."""
    return schedule.visits_of_field(plan.seed, index, last_night)


def numbers_on(
    plan: Plan, index: int, night: int, keys: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return number and detector on a field of objects with a fixed place, by their keys."""
    there = standing(plan, index, night)
    order = np.argsort(there.sources.key)
    found = order[np.searchsorted(there.sources.key, keys, sorter=order)]
    return there.number[found], there.cell[found]
