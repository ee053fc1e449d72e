"""Transients without a host galaxy."""

from __future__ import annotations

from typing import Annotated, Any

import ztfnb
from ztfnb.recipes.reading import MINUTES_PER_DAY, detections, distance, is_positive, known


@ztfnb.filter
def orphan(
    alert: Any,
    *,
    rb_min: Annotated[float, (0.0, 1.0)] = 0.65,
    nbad_max: Annotated[int, (0, 25)] = 0,
    host_radius: Annotated[float, (0.0, 30.0)] = 5.0,
    bright_radius: Annotated[float, (0.0, 60.0)] = 15.0,
    bright_mag: Annotated[float, (6.0, 16.0)] = 15.0,
    ss_radius: Annotated[float, (0.0, 30.0)] = 10.0,
    gap_min: Annotated[float, (0.0, 1440.0)] = 30.0,
) -> bool | dict[str, float]:
    """Pass what comes from empty sky, twice, and is no known Solar System object.

    Hostless transients are about 2 in 100 (Pessi et al. 2024, A&A 691, A181, who look for them
    in the stamps). Here a host is a catalogued source; bright stars and Solar System objects are
    kept off as in ZTFReST (Andreoni et al. 2021, ApJ 918, 63).

    Parameters
    ----------
    rb_min, nbad_max
        Real-bogus score, bad pixels.
    host_radius
        No source of Pan-STARRS or of the reference image within this [arcsec].
    bright_radius, bright_mag
        No Pan-STARRS source as bright as this [mag, r] within this [arcsec].
    ss_radius
        No known Solar System object within this [arcsec].
    gap_min
        Time that the detections span [minute].

    Returns
    -------
    False, or the distance of the nearest catalogued source [arcsec].
    """
    candidate = alert["candidate"]

    if not is_positive(candidate):
        return False

    rb = known(candidate, "rb")
    if rb is None or rb < rb_min:
        return False

    nbad = known(candidate, "nbad")
    if nbad is None or nbad > nbad_max:
        return False

    # Where Pan-STARRS knows nothing within 30 arcsec, it has a hole or did not look: south of
    # -30 degrees, around very bright stars. Then nobody can say that there is no host.
    if known(candidate, "distpsnr1") is None:
        return False

    nearest = min(distance(candidate, "distpsnr1"), distance(candidate, "distnr"))
    if nearest < host_radius:
        return False

    # Bright stars leave artefacts in empty sky around them.
    for place in "123":
        star = distance(candidate, f"distpsnr{place}")
        mag = known(candidate, f"srmag{place}")
        if star < bright_radius and mag is not None and mag < bright_mag:
            return False

    if distance(candidate, "ssdistnr") <= ss_radius:
        return False

    # Unknown Solar System objects come from empty sky too, but stay for minutes.
    times = [entry["jd"] for entry in detections(alert) if is_positive(entry)]
    if (max(times) - min(times)) * MINUTES_PER_DAY < gap_min:
        return False
    return {"nearest": nearest}
