"""From one exposure to its alerts: what is found, what was known before, what the packet holds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ztfnb.simulate import draws, geometry, identity, measure, packet, sources, stamps, world
from ztfnb.simulate.lightcurves import AB_ZERO, flux_of
from ztfnb.simulate.observe import RAW_THRESHOLD, Observations, observe
from ztfnb.simulate.schedule import Visits, unix_time
from ztfnb.simulate.sources import BOGUS, NAMES, ONE_OFF, Kind, Sources
from ztfnb.simulate.surroundings import Surroundings, around
from ztfnb.simulate.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ztfnb.simulate.world import Plan

HISTORY = 30.0
"""How far back a packet's history reaches [day]."""
_FORCED_MOST = 21
_AT_ONCE = 48  # alerts made together: few enough that the first comes soon


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


def _artefacts(plan: Plan, visit: Visits) -> tuple[Sources, tuple[NDArray[Any], ...]]:
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
    joined = tuple(np.concatenate(column) for column in zip(*places, strict=True))
    return Sources.joined(parts), joined


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
    rcid = np.concatenate([on_sky[0], its_rcid])
    x, y = np.concatenate([on_sky[1], its_x]), np.concatenate([on_sky[2], its_y])
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
    who, when, rcid, x, y = (np.concatenate(column) for column in zip(*rows, strict=True))
    visits = Visits.joined(parts)
    order = np.lexsort((visits.jd[when], who))
    who, when, rcid, x, y = (column[order] for column in (who, when, rcid, x, y))
    stays = ~np.isin(found.sources.kind, [int(Kind.ASTEROID), *map(int, ONE_OFF)])
    return Past(
        visits, observe(found.sources, who, visits, when, place=(rcid, x, y), present=stays[who])
    )


def _numbered(
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


def _names(plan: Plan, found: Found, past: Past, visit: Visits) -> list[str]:
    """Return the objectId of each object: from its first detection ever."""
    night = np.full(len(found.number), visit.night[0])
    jd = np.full(len(found.number), visit.jd[0])
    cell, number = found.cell.copy(), found.number.copy()
    moving = np.isin(found.sources.kind, [int(Kind.ASTEROID), *map(int, ONE_OFF)])
    before = past.observations.taking_found()
    before = before.take(np.flatnonzero(~moving[before.object_row]))
    first = before.take(np.unique(before.object_row, return_index=True)[1])
    who = first.object_row
    number[who], cell[who] = _numbered(plan, found, past, first, int(visit.night[0]))
    night[who] = past.visits.night[first.visit_row]
    jd[who] = past.visits.jd[first.visit_row]
    return identity.object_names(night, jd, cell, number)


def alerts(plan: Plan, visit: Visits) -> Iterator[tuple[dict[str, Any], Truth]]:
    """Yield the alerts of one exposure with their truths."""
    everything = find(plan, visit)
    for start in range(0, len(everything.number), _AT_ONCE):
        stop = min(start + _AT_ONCE, len(everything.number))
        yield from _batch(plan, everything.take(np.arange(start, stop)), visit)


def _split(owner: NDArray[np.int64], items: list[Any], count: int) -> list[list[Any]]:
    """Return the items of each owner; owners are sorted."""
    edges = np.searchsorted(owner, np.arange(count + 1)).tolist()
    return [items[a:b] for a, b in pairwise(edges)]


def _batch(plan: Plan, found: Found, visit: Visits) -> Iterator[tuple[dict[str, Any], Truth]]:
    count = len(found.number)
    past = look_back(plan, found, visit)
    moving = found.sources.kind == Kind.ASTEROID
    place_key = np.where(moving, draws.key_of(found.sources.key, visit.key), found.sources.key)
    nearby = around(found.sources, place_key)
    names = _names(plan, found, past, visit)
    shared = measure.detection_columns(
        found.sources, nearby, np.arange(count), found.observations, visit, number=found.number
    )
    columns = shared | measure.candidate_columns(found.sources, nearby, found.observations, visit)
    columns |= _counts(past, found, visit)
    columns["pdiffimfilename"] = _image_names(found.observations, visit, archived=False)
    candidates = packet.records(columns, "candidate", count)
    histories = _histories(plan, found, past, nearby, visit)
    forced = _forced(found, past, nearby, visit)
    scenes = _scenes(found, nearby, visit, shared)
    truths = _truths(found, visit, names, columns["candid"])
    made_at = int(unix_time(float(visit.jd[0]))) + 40
    for place in range(count):
        positive = candidates[place]["isdiffpos"] == "t"
        images = stamps.images(scenes[place], _noise(int(place_key[place]), int(visit.key[0])))
        science, template, difference = images
        yield (
            packet.alert(
                names[place],
                candidates[place],
                histories[place],
                forced[place],
                (
                    stamps.packed(science, made_at),
                    stamps.packed(template, made_at),
                    stamps.packed(difference if positive else -difference, made_at),
                ),
            ),
            truths[place],
        )


def _noise(place: int, exposure: int) -> NDArray[np.float32]:
    """Return the noise of one set of stamps."""
    generator = np.random.Generator(np.random.SFC64([place, exposure]))
    return generator.standard_normal((3, stamps.SIDE, stamps.SIDE), dtype=np.float32)


def _image_names(observations: Observations, visits: Visits, *, archived: bool) -> list[str]:
    rows = observations.visit_row
    return identity.image_names(
        visits.night[rows],
        visits.jd[rows],
        geometry.grid().field[visits.index[rows]],
        visits.fid[rows],
        observations.rcid,
        archived=archived,
    )


def _counts(past: Past, found: Found, visit: Visits) -> dict[str, list[Any]]:
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


def _recent(past: Past, visit: Visits) -> Observations:
    """Return the looks of the last 30 days that the receivers of this alert may see."""
    rows = past.observations.visit_row
    recent = past.visits.jd[rows] > visit.jd[0] - HISTORY
    recent &= past.visits.programid[rows] <= visit.programid[0]
    return past.observations.take(np.flatnonzero(recent))


def _histories(
    plan: Plan, found: Found, past: Past, nearby: Surroundings, visit: Visits
) -> list[list[dict[str, Any]]]:
    """Return ``prv_candidates`` of each alert."""
    looks = _recent(past, visit)
    is_detection = looks.found & ~np.isin(
        found.sources.kind[looks.object_row], [int(Kind.ASTEROID), *map(int, ONE_OFF)]
    )
    detections = looks.take(np.flatnonzero(is_detection))
    limits = looks.take(np.flatnonzero(~is_detection))
    number, _ = _numbered(plan, found, past, detections, int(visit.night[0]))
    columns = measure.detection_columns(
        found.sources, nearby, detections.object_row, detections, past.visits, number=number
    )
    # The survey keeps the nearest minor planet in the alert itself only.
    for name in ("ssdistnr", "ssmagnr", "ssnamenr"):
        del columns[name]
    columns["pdiffimfilename"] = _image_names(detections, past.visits, archived=True)
    rows = packet.records(columns, "prv_candidate", len(detections))
    empty = measure.exposure_columns(limits, past.visits)
    empty["pdiffimfilename"] = _image_names(limits, past.visits, archived=True)
    empty_rows = packet.records(empty, "prv_candidate", len(limits))
    entries: list[dict[str, Any]] = [{}] * len(looks)
    for place, row in zip(np.flatnonzero(is_detection).tolist(), rows, strict=True):
        entries[place] = row
    for place, row in zip(np.flatnonzero(~is_detection).tolist(), empty_rows, strict=True):
        entries[place] = row
    return _split(looks.object_row, entries, len(found.number))


def _forced(
    found: Found, past: Past, nearby: Surroundings, visit: Visits
) -> list[list[dict[str, Any]]]:
    """Return ``fp_hists`` of each alert: up to 21 epochs of earlier nights, newest first."""
    looks = _recent(past, visit)
    earlier = past.visits.night[looks.visit_row] < visit.night[0]
    exposure = past.visits.key[looks.visit_row]
    earlier &= draws.uniform(draws.key_of(exposure, looks.rcid), 95) > 0.1
    looks = looks.take(np.flatnonzero(earlier))
    columns = measure.forced_columns(found.sources, nearby, looks.object_row, looks, past.visits)
    rows = packet.records(columns, "fp_hist", len(looks))
    split = _split(looks.object_row, rows, len(found.number))
    return [entries[: -_FORCED_MOST - 1 : -1] for entries in split]


def _scenes(
    found: Found, nearby: Surroundings, visit: Visits, shared: dict[str, list[Any]]
) -> list[stamps.Scene]:
    """Return what the stamps of each alert show."""
    observations = found.observations
    count = len(found.number)
    x, y = np.array(shared["xpos"]), np.array(shared["ypos"])
    column, row = np.round(x), np.round(y)
    # From the middle pixel to the object's true place, from which offsets are counted.
    from_x, from_y = observations.x - column, observations.y - row
    zero_point = observations.zero_point[:, None]
    fid = int(visit.fid[0])
    magnitudes = (nearby.g, nearby.r, nearby.i)[fid - 1]
    flux = flux_of(magnitudes) * 10.0 ** (0.4 * (zero_point - AB_ZERO))
    noise = measure.sky_noise(observations, visit)
    sky = measure.sky_level(noise, np.full(count, fid))
    strips = np.stack(
        geometry.no_data(np.full(count, int(visit.index[0])), observations.rcid), axis=1
    )
    look = draws.key_of(visit.key, found.sources.key)
    tilt = 2.0 * np.pi * draws.uniform(found.sources.key, 81)
    patch = draws.uniform(look, 82)
    misfit = 2.0 * np.pi * draws.uniform(look, 83)
    return [
        stamps.Scene(
            x=from_x[place] + stamps.to_pixels(nearby.east[place]),
            y=from_y[place] + stamps.to_pixels(nearby.north[place]),
            flux=flux[place],
            radius=nearby.radius[place] / geometry.PIXEL,
            tilt=float(tilt[place]),
            misfit=float(misfit[place]),
            change=float(observations.flux[place]),
            change_x=float(x[place] - column[place]),
            change_y=float(y[place] - row[place]),
            kind=int(found.sources.kind[place]),
            sky=float(sky[place]),
            noise=float(noise[place]),
            seeing=float(visit.seeing[0]),
            column=int(column[place]),
            row=int(row[place]),
            strips=tuple(strips[place].tolist()),
            patch=float(patch[place]),
        )
        for place in range(count)
    ]


def _truths(found: Found, visit: Visits, names: list[str], candids: list[int]) -> list[Truth]:
    """Return the truth of each alert."""
    objects = found.sources
    flux = found.observations.true_flux * 10.0 ** (-0.4 * (found.observations.zero_point - AB_ZERO))
    with np.errstate(divide="ignore"):
        magnitude = np.where(flux != 0.0, AB_ZERO - 2.5 * np.log10(np.abs(flux)), np.nan)
    bogus = [int(kind) for kind in BOGUS]
    truths = []
    for place, name in enumerate(names):
        kind = int(objects.kind[place])
        supernova = kind in (Kind.SN_IA, Kind.SN_II)
        moves = kind == Kind.ASTEROID
        type_ii = kind == Kind.SN_II

        def number(column: str, place: int = place) -> float:
            return float(getattr(objects, column)[place])

        epoch = number("epoch")
        # A plateau begins, and the flux is highest, when the rise ends.
        risen = 9.0 * (1.0 + number("redshift")) if type_ii else 0.0
        truths.append(
            Truth(
                candid=candids[place],
                object_id=name,
                source=int(objects.key[place] >> np.uint64(1)),
                kind=NAMES[kind],
                real=kind not in bogus,
                jd=float(visit.jd[0]),
                fid=int(visit.fid[0]),
                ra=number("ra"),
                dec=number("dec"),
                flux=float(flux[place]),
                magnitude=float(magnitude[place]),
                period=float("nan") if kind == Kind.AGN else number("period"),
                epoch=float("nan") if moves or kind == Kind.SN_IA else epoch,
                peak_jd=epoch + risen if supernova else float("nan"),
                peak_mag=number("mag") if supernova else float("nan"),
                redshift=number("redshift"),
                amplitude=float("nan") if kind in bogus else number("amplitude"),
                stretch=number("shape") if kind == Kind.SN_IA else float("nan"),
                timescale=number("period")
                if kind == Kind.AGN
                else number("shape")
                if type_ii
                else float("nan"),
                east_rate=number("east_rate") / 24.0 if moves else float("nan"),
                north_rate=number("north_rate") / 24.0 if moves else float("nan"),
            )
        )
    return truths
