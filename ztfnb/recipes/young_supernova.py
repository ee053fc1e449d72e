"""Supernovae within days of their explosion."""

from __future__ import annotations

from typing import Annotated, Any

import ztfnb
from ztfnb.recipes.reading import detections, distance, is_positive, known, limits


@ztfnb.filter
def young_supernova(
    alert: Any,
    *,
    rb_min: Annotated[float, (0.0, 1.0)] = 0.35,
    magpsf_max: Annotated[float, (14.0, 21.0)] = 20.0,
    star_radius: Annotated[float, (0.0, 10.0)] = 2.0,
    star_score: Annotated[float, (0.0, 1.0)] = 0.76,
    bright_radius: Annotated[float, (0.0, 60.0)] = 20.0,
    bright_mag: Annotated[float, (6.0, 16.0)] = 12.0,
    ss_radius: Annotated[float, (0.0, 30.0)] = 5.0,
    age_min: Annotated[float, (0.0, 1.0)] = 0.02,
    age_max: Annotated[float, (0.5, 30.0)] = 5.0,
    gap_max: Annotated[float, (0.5, 15.0)] = 2.5,
    depth_min: Annotated[float, (0.0, 3.0)] = 0.3,
) -> bool | dict[str, float]:
    """Pass what was not there a few days ago, is no star, and does not move.

    Star, bright star and real-bogus conditions as in the filter of the Bright Transient Survey
    (Fremling et al. 2020, ApJ 895, 32; Perley et al. 2020, ApJ 904, 35; AMPEL's RcfFilter). Young
    means that a recent exposure shows nothing, as in searches for infant supernovae (Bruch et al.
    2021, ApJ 912, 46; AMPEL's XShooterFilter).

    Parameters
    ----------
    rb_min
        Real-bogus score, 0 to 1: low, as young supernovae are faint and sit on galaxies.
    magpsf_max
        Difference magnitude [mag].
    star_radius, star_score
        On no Pan-STARRS source of at least this star-galaxy score within this [arcsec].
    bright_radius, bright_mag
        No Gaia star as bright as this [mag] within this [arcsec].
    ss_radius
        No known Solar System object within this [arcsec].
    age_min, age_max
        Time since the first detection [day].
    gap_max
        Time from the last exposure without it to the first detection [day].
    depth_min
        How much fainter than the first detection that exposure would have shown it [mag].

    Returns
    -------
    False, or the age and the gap [day].
    """
    candidate = alert["candidate"]

    # A supernova adds light.
    if not is_positive(candidate):
        return False

    rb = known(candidate, "rb")
    if rb is None or rb < rb_min:
        return False

    magpsf = known(candidate, "magpsf")
    if magpsf is None or magpsf > magpsf_max:
        return False

    # On a star the change is the star's own.
    star = distance(candidate, "distpsnr1")
    score = known(candidate, "sgscore1")
    if star < star_radius and score is not None and score >= star_score:
        return False

    # Bright stars leave rings and spikes. Schemas before 3.0 do not know of Gaia.
    bright = distance(candidate, "neargaiabright")
    gaia_mag = known(candidate, "maggaiabright")
    if bright < bright_radius and gaia_mag is not None and gaia_mag < bright_mag:
        return False

    if distance(candidate, "ssdistnr") <= ss_radius:
        return False

    # The first detection of all that the survey knows of, which may be before the 30 days that
    # the packet's own history goes back.
    found = [entry for entry in detections(alert) if is_positive(entry)]
    first = min(found[0]["jd"], known(candidate, "jdstarthist") or found[0]["jd"])
    age = candidate["jd"] - first

    # Asteroids are found once at a place.
    if age < age_min:
        return False

    if age > age_max:
        return False

    # Shortly before the first detection an exposure that would have shown a fainter one, did not.
    faint = found[0]["magpsf"] + depth_min
    empty = [
        entry["jd"]
        for entry in limits(alert)
        if entry["jd"] < first and entry["diffmaglim"] >= faint
    ]
    if not empty:
        return False

    gap = first - max(empty)
    if gap > gap_max:
        return False
    return {"age": age, "gap": gap}
