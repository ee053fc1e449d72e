"""Transients in the nuclei of galaxies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import ztfnb
from ztfnb.recipes.reading import Record, detections, distance, is_positive, known


def mean_offset(found: Sequence[Record]) -> float:
    """Return the mean distance of detections from the reference source [arcsec].

    Bright detections are placed better: each counts by its signal-to-noise ratio squared, which
    is the inverse square of its magnitude's error.
    """
    total = weights = 0.0
    for entry in found:
        error = known(entry, "sigmapsf")
        weight = 1.0 if error is None or error <= 0 else error**-2
        total += weight * distance(entry, "distnr")
        weights += weight
    return total / weights


@ztfnb.filter
def nuclear(
    alert: Any,
    *,
    rb_min: Annotated[float, (0.0, 1.0)] = 0.3,
    magpsf_max: Annotated[float, (14.0, 21.0)] = 20.0,
    host_radius: Annotated[float, (0.0, 5.0)] = 1.0,
    host_score: Annotated[float, (0.0, 1.0)] = 0.3,
    offset_max: Annotated[float, (0.0, 3.0)] = 0.6,
    magnr_min: Annotated[float, (8.0, 20.0)] = 12.0,
    increase_max: Annotated[float, (-2.0, 6.0)] = 2.5,
    detections_min: Annotated[int, (1, 30)] = 3,
    gap_min: Annotated[float, (0.0, 1440.0)] = 15.0,
) -> bool | dict[str, float]:
    """Pass brightenings in the middle of a galaxy: tidal disruption events, active nuclei.

    After the search for tidal disruption events in van Velzen et al. 2021, ApJ 908, 4, and its
    public form, AMPEL's NuclearFilter; the offset of 0.6 arcsec is also that of ANTARES's
    nuclear transients.

    Parameters
    ----------
    rb_min
        Real-bogus score, 0 to 1.
    magpsf_max
        Difference magnitude [mag].
    host_radius, host_score
        A Pan-STARRS source of at most this star-galaxy score is within this [arcsec].
    offset_max
        Mean distance of the detections from the source in the reference image [arcsec].
    magnr_min
        Magnitude of that source: brighter ones saturate [mag].
    increase_max
        Difference magnitude minus that of the source in the reference image [mag].
    detections_min
        Detections in the last 30 days.
    gap_min
        Time that they span [minute].

    Returns
    -------
    False, or the mean offset [arcsec].
    """
    candidate = alert["candidate"]

    if not is_positive(candidate):
        return False

    rb = known(candidate, "rb")
    if rb is None or rb < rb_min:
        return False

    magpsf = known(candidate, "magpsf")
    if magpsf is None or magpsf > magpsf_max:
        return False

    # A galaxy, and not a star, is there.
    if distance(candidate, "distpsnr1") > host_radius:
        return False
    score = known(candidate, "sgscore1")
    if score is None or score > host_score:
        return False

    # The reference image has it too, unsaturated.
    magnr = known(candidate, "magnr")
    if magnr is None or magnr < magnr_min:
        return False

    # A change of a few per cent of a galaxy is more likely a poor subtraction.
    if magpsf - magnr > increase_max:
        return False

    # A flare adds light each time; an artefact comes once, an asteroid moves on.
    found = [entry for entry in detections(alert) if is_positive(entry)]
    if len(found) < detections_min:
        return False
    if (found[-1]["jd"] - found[0]["jd"]) * 1440.0 < gap_min:
        return False

    # One detection is placed to about 0.3 arcsec; their mean is better.
    offset = mean_offset(found)
    if offset > offset_max:
        return False
    return {"offset": offset}
