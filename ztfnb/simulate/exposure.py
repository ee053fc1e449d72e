"""From one exposure to its alerts: what each packet holds, and the truth behind it."""

from __future__ import annotations

from itertools import pairwise
from math import isnan, nan
from typing import TYPE_CHECKING, Any

import numpy as np

from ztfnb.simulate import draws, geometry, identity, measure, packet, stamps
from ztfnb.simulate.detections import find
from ztfnb.simulate.lightcurves import AB_ZERO, flux_of
from ztfnb.simulate.past import counts, is_passing, look_back, names, numbers_of, recent
from ztfnb.simulate.schedule import unix_time
from ztfnb.simulate.sources import BOGUS, NAMES, Kind
from ztfnb.simulate.surroundings import Surroundings, around
from ztfnb.simulate.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ztfnb.simulate.detections import Found
    from ztfnb.simulate.observe import Observations
    from ztfnb.simulate.past import Past
    from ztfnb.simulate.schedule import Visits
    from ztfnb.simulate.world import Plan

_FORCED_MOST = 21
_AT_ONCE = 48  # alerts made together: few enough that the first comes soon


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
    object_ids = names(plan, found, past, visit)
    shared = measure.detection_columns(
        found.sources, nearby, np.arange(count), found.observations, visit, number=found.number
    )
    columns = shared | measure.candidate_columns(found.sources, nearby, found.observations, visit)
    columns |= counts(past, found, visit)
    columns["pdiffimfilename"] = _image_names(found.observations, visit, archived=False)
    candidates = packet.records(columns, "candidate", count)
    histories = _histories(plan, found, past, nearby, visit)
    forced = _forced(found, past, nearby, visit)
    scenes = _scenes(found, nearby, visit, shared)
    truths = _truths(found, visit, object_ids, columns["candid"])
    made_at = int(unix_time(float(visit.jd[0]))) + 40
    for place in range(count):
        positive = candidates[place]["isdiffpos"] == "t"
        images = stamps.images(scenes[place], _noise(int(place_key[place]), int(visit.key[0])))
        science, template, difference = images
        yield (
            packet.alert(
                object_ids[place],
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


def _histories(
    plan: Plan, found: Found, past: Past, nearby: Surroundings, visit: Visits
) -> list[list[dict[str, Any]]]:
    """Return ``prv_candidates`` of each alert."""
    looks = recent(past, visit)
    is_detection = looks.found & ~is_passing(found.sources.kind)[looks.object_row]
    detections = looks.take(np.flatnonzero(is_detection))
    limits = looks.take(np.flatnonzero(~is_detection))
    number, _ = numbers_of(plan, found, past, detections, int(visit.night[0]))
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
    looks = recent(past, visit)
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


def _truths(found: Found, visit: Visits, object_ids: list[str], candids: list[int]) -> list[Truth]:
    """Return the truth of each alert."""
    objects = found.sources
    flux = found.observations.true_flux * 10.0 ** (-0.4 * (found.observations.zero_point - AB_ZERO))
    size = np.where(flux == 0.0, 1.0, np.abs(flux))
    magnitude = AB_ZERO - 2.5 * np.log10(size)
    bogus = [int(kind) for kind in BOGUS]
    truths = []
    for place, object_id in enumerate(object_ids):
        kind = int(objects.kind[place])
        supernova = kind in (Kind.SN_IA, Kind.SN_II)
        moves = kind == Kind.ASTEROID
        type_ii = kind == Kind.SN_II

        def number(column: str, place: int = place) -> float:
            value = float(getattr(objects, column)[place])
            # One NaN for all, so that equal truths compare as equal.
            return nan if isnan(value) else value

        epoch = number("epoch")
        # A plateau begins, and the flux is highest, when the rise ends.
        risen = 9.0 * (1.0 + number("redshift")) if type_ii else 0.0
        truths.append(
            Truth(
                candid=candids[place],
                object_id=object_id,
                source=int(objects.key[place] >> np.uint64(1)),
                kind=NAMES[kind],
                real=kind not in bogus,
                jd=float(visit.jd[0]),
                fid=int(visit.fid[0]),
                ra=number("ra"),
                dec=number("dec"),
                flux=float(flux[place]),
                magnitude=float(magnitude[place]) if flux[place] else nan,
                period=nan if kind == Kind.AGN else number("period"),
                epoch=nan if moves or kind == Kind.SN_IA else epoch,
                peak_jd=epoch + risen if supernova else nan,
                peak_mag=number("mag") if supernova else nan,
                redshift=number("redshift"),
                amplitude=nan if kind in bogus else number("amplitude"),
                stretch=number("shape") if kind == Kind.SN_IA else nan,
                timescale=number("period")
                if kind == Kind.AGN
                else number("shape")
                if type_ii
                else nan,
                east_rate=number("east_rate") / 24.0 if moves else nan,
                north_rate=number("north_rate") / 24.0 if moves else nan,
            )
        )
    return truths
