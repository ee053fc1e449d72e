"""The numbers that the pipeline writes for each detection, consistent with one another.

Everything is a function of the look (object and exposure), so that a detection reads the same
in its own alert and in the histories of later ones. Distributions follow those of real alerts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ztfnb.simulate import draws, identity
from ztfnb.simulate.catalogue import MISSING, catalogue_columns, single
from ztfnb.simulate.geometry import HEIGHT, PIXEL, WIDTH, grid, offset
from ztfnb.simulate.sources import BOGUS, Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ztfnb.simulate.catalogue import Columns
    from ztfnb.simulate.observe import Observations
    from ztfnb.simulate.schedule import Visits
    from ztfnb.simulate.sources import Sources
    from ztfnb.simulate.surroundings import Surroundings

FORCED_MISSING = -99999.0
RB_VERSION, DRB_VERSION = "t17_f5_c3", "d6_m7"
PI = np.array(["", "Kulkarni", "Graham", "Kulkarni"])
_REFERENCE_DEPTH = np.array([0.0, 23.3, 23.1, 22.3])
_SINGLE = np.float32


def exposure_columns(observations: Observations, visits: Visits) -> Columns:
    """Return what belongs to the exposure: the same for detections and upper limits."""
    rows, rcid = observations.visit_row, observations.rcid
    fid, jd, night = visits.fid[rows], visits.jd[rows], visits.night[rows]
    quadrant = draws.key_of(visits.key[rows], rcid)
    field = grid().field[visits.index[rows]]
    color = np.array([0.0, -0.045, 0.095, 0.02])[fid]
    cloud = visits.cloud[rows]
    scatter = (0.019 + 0.03 * cloud) * np.exp(0.22 * draws.normal(quadrant, 22))
    error = 3.2e-6 * np.exp(0.6 * draws.normal(quadrant, 21) + 1.6 * cloud)
    return {
        "jd": jd.tolist(),
        "fid": fid.tolist(),
        "pid": identity.processing_id(night, jd, rcid).tolist(),
        "diffmaglim": single(observations.limit, 4),
        "programpi": PI[visits.programid[rows]].tolist(),
        "programid": visits.programid[rows].tolist(),
        "nid": night.tolist(),
        "rcid": rcid.tolist(),
        "field": field.tolist(),
        "magzpsci": single(observations.zero_point, 4),
        "magzpsciunc": single(error, 11),
        "magzpscirms": single(scatter, 6),
        "clrcoeff": single(color + 0.016 * draws.normal(quadrant, 23), 6),
        "clrcounc": single(error * draws.between(quadrant, 24, 1.6, 2.4), 11),
        "rbversion": [RB_VERSION] * len(rows),
    }


def sky_noise(observations: Observations, visits: Visits) -> NDArray[np.float64]:
    """Return the noise of one pixel of the science image [DN]."""
    rows = observations.visit_row
    limit_flux = 10.0 ** (0.4 * (observations.zero_point - observations.limit))
    ratio = np.array([0.0, 6.8, 5.3, 5.3])[visits.fid[rows]]
    noise: NDArray[np.float64] = (
        limit_flux / 5.0 / ratio * np.sqrt(2.1 / np.maximum(visits.seeing[rows], 1.0))
    )
    return noise


def sky_level(noise: NDArray[np.float64], fid: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the background of the science image [DN] that goes with a pixel's noise."""
    level = 4.3 * noise**2
    return np.clip(level, np.array([0.0, 70.0, 190.0, 260.0])[fid], 900.0)


def forced_columns(
    objects: Sources,
    around: Surroundings,
    around_row: NDArray[np.int64],
    observations: Observations,
    visits: Visits,
) -> Columns:
    """Return forced photometry (``fp_hists``) of each look."""
    rows, rcid = observations.visit_row, observations.rcid
    fid = visits.fid[rows]
    common = exposure_columns(observations, visits)
    look = draws.key_of(visits.key[rows], objects.key[observations.object_row])
    limit_flux = 10.0 ** (0.4 * (observations.zero_point - observations.limit))
    flux = np.abs(observations.true_flux)
    error = np.sqrt((0.115 * limit_flux) ** 2 + flux / 6.2 + (0.002 * flux) ** 2)
    deviation = (observations.flux - observations.true_flux) / observations.sigma
    noise = sky_noise(observations, visits)
    failed = draws.uniform(look, 31) < 0.03
    near = nearest_in_reference(objects, around, around_row, observations, visits, exact=True)
    quadrant = draws.key_of(visits.key[rows], rcid)

    def unless_failed(values: NDArray[np.float64], decimals: int) -> list[Any]:
        return single(np.where(failed, FORCED_MISSING, values), decimals)

    return common | {
        "rfid": identity.reference_id(np.array(common["field"]), fid, rcid).tolist(),
        "sciinpseeing": single(visits.seeing[rows] * draws.between(quadrant, 32, 0.96, 1.06), 4),
        "scibckgnd": single(sky_level(noise, fid) * draws.between(quadrant, 33, 0.95, 1.05), 3),
        "scisigpix": single(noise * 1.06, 5),
        "exptime": [30.0] * len(rows),
        "adpctdif1": single(np.abs(0.065 + 0.02 * draws.normal(quadrant, 34)), 6),
        "adpctdif2": single(np.abs(0.065 + 0.02 * draws.normal(quadrant, 35)), 6),
        "forcediffimflux": unless_failed(observations.true_flux + deviation * error, 3),
        "forcediffimfluxunc": unless_failed(error, 4),
        "procstatus": np.where(failed, "61", "0").tolist(),
        "distnr": unless_failed(near["distance"] * PIXEL, 6),
        "ranr": np.where(failed, FORCED_MISSING, near["ra"]).tolist(),
        "decnr": np.where(failed, FORCED_MISSING, near["dec"]).tolist(),
        "magnr": unless_failed(near["magnitude"], 3),
        "sigmagnr": unless_failed(near["error"], 3),
        "chinr": unless_failed(near["chi"], 3),
        "sharpnr": unless_failed(near["sharp"], 3),
    }


def measured_place(
    objects: Sources, observations: Observations, visits: Visits
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far East and North of the truth a detection is placed [arcsec]."""
    key = draws.key_of(visits.key[observations.visit_row], objects.key[observations.object_row])
    spread = np.sqrt(0.055**2 + (0.75 / observations.snr) ** 2)
    shift = np.where(objects.kind[observations.object_row] == Kind.DIPOLE, 0.35, 0.0)
    angle = 2.0 * np.pi * draws.uniform(key, 43)
    # Within the association radius of 1.5 arcsec of the object, always.
    east = np.clip(spread * draws.normal(key, 41), -0.6, 0.6) + shift * np.cos(angle)
    north = np.clip(spread * draws.normal(key, 42), -0.6, 0.6) + shift * np.sin(angle)
    return east, north


def nearest_in_reference(
    objects: Sources,
    around: Surroundings,
    around_row: NDArray[np.int64],
    observations: Observations,
    visits: Visits,
    *,
    exact: bool,
) -> dict[str, NDArray[np.float64]]:
    """Return the nearest source of the reference image: place, distance [pixels], photometry.

    ``exact`` measures from the object's mean place, not from where this look found it.
    """
    rows, who = observations.visit_row, observations.object_row
    fid = visits.fid[rows]
    east, north = around.east[around_row], around.north[around_row]
    magnitude = _magnitudes(around, around_row, fid)
    if exact:
        here_east, here_north = np.zeros(len(rows)), np.zeros(len(rows))
    else:
        here_east, here_north = measured_place(objects, observations, visits)
    distance = np.hypot(east - here_east[:, None], north - here_north[:, None]) / PIXEL
    seen = magnitude < _REFERENCE_DEPTH[fid][:, None]
    nearest = np.argmin(np.where(seen, distance, distance + 1e4), axis=1)
    pick = (np.arange(len(rows)), nearest)
    image = draws.key_of(around.key[around_row], nearest, fid, visits.index[rows])
    magnitude_here = magnitude[pick] + 0.02 * draws.normal(image, 1)
    galaxy = around.radius[around_row][pick] > 0.0
    faint = np.clip((magnitude_here - 19.0) / 4.0, 0.0, 1.0)
    ra, dec = offset(objects.ra[who], objects.dec[who], east[pick], north[pick])
    return {
        "ra": np.round(ra, 7),
        "dec": np.round(dec, 7),
        "distance": distance[pick],
        "magnitude": magnitude_here,
        "error": np.minimum(
            0.36,
            draws.between(image, 2, 0.010, 0.018) + 0.28 * 10.0 ** (0.4 * (magnitude_here - 23.0)),
        ),
        "chi": np.exp(-0.45 + 0.4 * draws.normal(image, 3) + 0.5 * galaxy * (1 - faint)),
        "sharp": np.where(
            galaxy & (faint < 0.6),
            np.abs(0.35 + 0.25 * draws.normal(image, 4)),
            -0.025 + (0.02 + 0.2 * faint**2) * draws.normal(image, 5) - 0.2 * faint,
        ),
    }


def _magnitudes(
    around: Surroundings, around_row: NDArray[np.int64], fid: NDArray[np.int64]
) -> NDArray[np.float64]:
    by_filter = np.stack([around.g, around.r, around.i])
    chosen: NDArray[np.float64] = by_filter[fid - 1, around_row]
    return chosen


def _squashed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1.0 / (1.0 + np.exp(-values))


def detection_columns(
    objects: Sources,
    around: Surroundings,
    around_row: NDArray[np.int64],
    observations: Observations,
    visits: Visits,
    *,
    number: NDArray[np.int64],
) -> Columns:
    """Return everything that candidate and history share for each detection."""
    rows, who = observations.visit_row, observations.object_row
    kind = objects.kind[who]
    key = draws.key_of(visits.key[rows], objects.key[who])
    columns = exposure_columns(observations, visits)
    positive = observations.flux > 0.0
    seeing = visits.seeing[rows]

    size = np.abs(observations.flux)
    limit_flux = 10.0 ** (0.4 * (observations.zero_point - observations.limit))
    brightness = size / limit_flux
    magnitude = observations.zero_point - 2.5 * np.log10(size)
    near = nearest_in_reference(objects, around, around_row, observations, visits, exact=False)
    on_star = near["distance"] < 1.4
    bogus = np.isin(kind, [int(each) for each in BOGUS])
    sharp = kind == Kind.HOT_PIXEL
    column = kind == Kind.BAD_COLUMN

    aperture_error = 0.24 * brightness**-0.85 * np.exp(0.15 * draws.normal(key, 51)) + 0.004
    excess = np.where(
        on_star | bogus, -0.12 * np.log(draws.uniform(key, 52)) - 0.05, 0.0
    ) + np.where(sharp, 0.15, 0.0)
    spread = np.hypot(0.45 * aperture_error, 0.04)
    difference = np.clip(excess + spread * draws.normal(key, 53), -0.4, 0.74)
    aperture = magnitude + difference
    bigger = aperture + 0.5 * aperture_error * draws.normal(key, 54) * 0.7

    # SExtractor's widths scatter much more for faint detections, which it sees over the noise.
    wide = draws.uniform(key, 55) < np.where(on_star, 0.25, 0.4)
    fwhm = np.where(
        wide,
        seeing * 1.1 + draws.uniform(key, 56) * (6.9 - seeing * 1.1),
        seeing * np.exp(0.16 * draws.normal(key, 57)) * np.where(on_star, 0.97, 1.08),
    )
    fwhm = np.where(sharp, 1.17 + 0.5 * draws.uniform(key, 58), fwhm)
    fwhm = np.clip(fwhm, 1.15, 6.99)
    core = 3.7 * np.exp(0.13 * draws.normal(key, 59)) * seeing / 2.1
    elongation = 1.005 - np.where(column, 0.22, np.where(bogus, 0.13, 0.085)) * (
        np.log(draws.uniform(key, 60)) + np.log(draws.uniform(key, 61))
    ) * np.where(on_star | bogus, 0.8, 0.7)
    elongation = np.minimum(elongation, 1.6)
    major = np.clip(
        seeing * 0.42 * np.exp(0.16 * draws.normal(key, 62)) * np.where(sharp, 0.6, 1.0), 0.3, 2.0
    )
    minor = major / elongation

    gain = np.where(on_star | bogus, 1.25, 2.1) * np.exp(0.25 * draws.normal(key, 63))
    gain *= np.where(on_star, np.maximum(brightness, 1.0) ** -0.3, 1.0)
    significance = np.maximum(5.0 + draws.uniform(key, 64), observations.snr * gain)
    negative = (
        np.where(bogus, 4.0, np.where(on_star, 2.6, 1.6)) / np.maximum(brightness, 0.8) ** 0.25
    )
    count = np.clip(np.floor(-negative * np.log(draws.uniform(key, 65))), 0, 13)
    ratio = np.where(count == 0, 1.0, 1.0 - count / 26.0 * draws.uniform(key, 66))
    logit = np.where(bogus, -0.35, 0.75 + 0.25 * np.log10(brightness + 0.3) * 1.5)
    width = np.where(bogus, 0.62, 1.05)
    score = np.clip(_squashed(logit + width * draws.normal(key, 67)), 0.17, 0.985)

    ast = kind == Kind.ASTEROID
    known = ast & (draws.uniform(objects.key[who], 801) < 0.9)
    body_mag = np.round(objects.mag[who] + 0.35 + 0.1 * draws.normal(objects.key[who], 802), 1)
    east, north = measured_place(objects, observations, visits)
    ra, dec = offset(objects.ra[who], objects.dec[who], east, north)
    x, y = observations.x - east / PIXEL, observations.y - north / PIXEL
    edge = np.minimum(np.minimum(x, WIDTH - x), np.minimum(y, HEIGHT - y))
    pid = np.array(columns["pid"], np.int64)
    return columns | {
        "candid": identity.candidate_id(pid, positive, number).tolist(),
        "isdiffpos": np.where(positive, "t", "f").tolist(),
        "tblid": number.tolist(),
        "xpos": single(x, 4),
        "ypos": single(y, 4),
        "ra": np.round(ra, 7).tolist(),
        "dec": np.round(dec, 7).tolist(),
        "magpsf": single(magnitude, 5),
        "sigmapsf": single(1.0857362 * observations.sigma / size, 6),
        "chipsf": single(
            (0.55 + np.where(on_star, 1.1, 0.7) * brightness) * np.exp(0.4 * draws.normal(key, 68)),
            4,
        ),
        "magap": single(aperture, 4),
        "sigmagap": single(aperture_error, 4),
        "distnr": single(near["distance"], 6),
        "magnr": single(near["magnitude"], 3),
        "sigmagnr": single(near["error"], 3),
        "chinr": single(near["chi"], 3),
        "sharpnr": single(near["sharp"], 3),
        "sky": single(0.3 * draws.normal(key, 69) / draws.between(key, 70, 0.15, 1.0), 6),
        "magdiff": single(difference, 6),
        "fwhm": single(fwhm, 2),
        "classtar": single(np.clip(1.0 - 0.25 * draws.uniform(key, 71) ** 2.5 * 2.5, 0.02, 1), 3),
        "mindtoedge": single(edge, 4),
        "magfromlim": single(observations.limit - aperture, 6),
        "seeratio": single(np.minimum(2.0, core / fwhm), 6),
        "aimage": single(major, 3),
        "bimage": single(minor, 3),
        "aimagerat": single(major / fwhm, 6),
        "bimagerat": single(minor / fwhm, 6),
        "elong": single(elongation, 5),
        "nneg": count.astype(np.int64).tolist(),
        "nbad": (bogus & (draws.uniform(key, 72) < 0.04)).astype(np.int64).tolist(),
        "rb": single(np.round(score * 700.0) / 700.0),
        "ssdistnr": single(
            np.where(known, np.where(draws.uniform(key, 73) < 0.08, 1.0, 0.0), MISSING)
        ),
        "ssmagnr": single(np.where(known, body_mag, MISSING)),
        "ssnamenr": _body_names(objects.key[who], known),
        "sumrat": single(ratio, 6),
        "magapbig": single(bigger, 4),
        "sigmagapbig": single(aperture_error * 1.28, 4),
        "ranr": near["ra"].tolist(),
        "decnr": near["dec"].tolist(),
        "scorr": np.round(significance, 5).tolist(),
    }


def _body_names(key: NDArray[np.uint64], known: NDArray[np.bool_]) -> list[str]:
    """Return the minor planet's number, ``null`` (as the survey writes it) where there is none."""
    number = (10.0 ** draws.between(key, 803, 2.6, 5.75)).astype(np.int64)
    return [
        str(value) if there else "null"
        for value, there in zip(number.tolist(), known.tolist(), strict=True)
    ]


def candidate_columns(
    objects: Sources,
    around: Surroundings,
    observations: Observations,
    visits: Visits,
) -> Columns:
    """Return what only the alert's own candidate has: catalogues, reference, calibration.

    ``around`` has one place for each row of ``observations``.
    """
    rows, who = observations.visit_row, observations.object_row
    kind, fid, index = objects.kind[who], visits.fid[rows], visits.index[rows]
    key = draws.key_of(visits.key[rows], objects.key[who])
    quadrant = draws.key_of(visits.key[rows], observations.rcid)
    reference = draws.key_of(index, fid, observations.rcid)
    size = np.abs(observations.flux)
    limit_flux = 10.0 ** (0.4 * (observations.zero_point - observations.limit))
    brightness = size / limit_flux
    smoothed = 9.5 * np.maximum(brightness, 0.8) ** 0.85 * np.exp(0.3 * draws.normal(key, 91))
    peak = smoothed * np.clip(0.42 + 0.1 * draws.normal(key, 92), 0.1, 0.9)
    score = np.where(
        np.isin(kind, [int(each) for each in BOGUS]),
        _squashed(-2.9 + 2.0 * draws.normal(key, 93)),
        _squashed(5.2 + 2.4 * draws.normal(key, 94)),
    )
    cloud = visits.cloud[rows]
    latitude = np.abs(grid().galactic_latitude[index])
    matches = (140.0 + 2600.0 * np.exp(-latitude / 14.0)) * np.exp(-0.5 * cloud)
    start = 2458197.5 + 60.0 * draws.uniform(reference, 1)
    return {
        "jdstartref": np.round(start + 0.3 * draws.uniform(reference, 2), 6).tolist(),
        "jdendref": np.round(start + 40.0 + 200.0 * draws.uniform(reference, 3), 6).tolist(),
        "nframesref": np.where(
            draws.uniform(reference, 4) < 0.7, 15, 15 + 25 * draws.uniform(reference, 5)
        )
        .astype(np.int64)
        .tolist(),
        "rfid": identity.reference_id(grid().field[index], fid, observations.rcid).tolist(),
        "tooflag": [0] * len(rows),
        "dsnrms": single(peak),
        "ssnrms": single(smoothed),
        "dsdiff": single(peak.astype(_SINGLE).astype(np.float64) - smoothed.astype(_SINGLE)),
        "nmatches": np.round(matches * draws.between(quadrant, 95, 0.8, 1.2))
        .astype(np.int64)
        .tolist(),
        "zpclrcov": single(-5.0e-6 * np.exp(0.6 * draws.normal(quadrant, 96) + cloud), 10),
        "zpmed": single(
            observations.zero_point
            + np.array([0.0, -0.03, 0.06, 0.01])[fid]
            + 0.01 * draws.normal(quadrant, 97),
            3,
        ),
        "clrmed": single(0.64 + 0.06 * draws.normal(quadrant, 98), 3),
        "clrrms": single(0.24 + 0.04 * draws.normal(quadrant, 99), 6),
        "exptime": [30.0] * len(rows),
        "drb": single(score),
        "drbversion": [DRB_VERSION] * len(rows),
    } | catalogue_columns(objects, around, who, measured_place(objects, observations, visits))
