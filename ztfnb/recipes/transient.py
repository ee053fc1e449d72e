"""Alerts that may be a transient outside the Galaxy."""

from __future__ import annotations

from typing import Annotated, Any

import ztfnb
from ztfnb.recipes.reading import MINUTES_PER_DAY, detections, distance, is_positive, known


@ztfnb.filter
def transient(
    alert: Any,
    *,
    star_radius: Annotated[float, (0.0, 10.0)] = 1.5,
    star_score: Annotated[float, (0.0, 1.0)] = 0.5,
    gap_min: Annotated[float, (0.0, 1440.0)] = 30.0,
    ss_radius: Annotated[float, (0.0, 30.0)] = 5.0,
) -> bool:
    """Pass what is new, not on a star, seen twice and no known Solar System object.

    The recipe of the notebook on filtering that comes with the survey's schemas:
    https://github.com/ZwickyTransientFacility/ztf-avro-alert/blob/master/notebooks/Filtering_alerts.ipynb
    It is meant to follow `ztfnb.recipes.purity`.

    Parameters
    ----------
    star_radius
        Around the alert there is no star within this [arcsec].
    star_score
        Star-galaxy score of Pan-STARRS from which a source counts as a star.
    gap_min
        Time that detections must span [minute].
    ss_radius
        Around the alert there is no known Solar System object within this [arcsec].
    """
    candidate = alert["candidate"]

    # A transient adds light; a negative difference is a variable star that is faint now.
    if not is_positive(candidate):
        return False

    # On a star the change is most likely the star's own.
    star = distance(candidate, "distpsnr1")
    score = known(candidate, "sgscore1")
    if star < star_radius and score is not None and score >= star_score:
        return False

    # The survey has looked up the known asteroids and comets.
    if distance(candidate, "ssdistnr") <= ss_radius:
        return False

    # Unknown ones have moved on within half an hour, and an artefact does not come back.
    times = [entry["jd"] for entry in detections(alert) if is_positive(entry)]
    gap: float = (max(times) - min(times)) * MINUTES_PER_DAY
    return gap > gap_min
