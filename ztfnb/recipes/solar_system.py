"""Solar System objects, known and unknown."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import ztfnb
from ztfnb.recipes.reading import MINUTES_PER_DAY, detections, distance, is_positive, known


@ztfnb.filter
def solar_system(
    alert: Any,
    *,
    which: Literal["known", "unknown", "both"] = "both",
    known_radius: Annotated[float, (0.0, 30.0)] = 5.0,
    rb_min: Annotated[float, (0.0, 1.0)] = 0.55,
    nbad_max: Annotated[int, (0, 25)] = 0,
    source_radius: Annotated[float, (0.0, 10.0)] = 1.0,
    ndethist_max: Annotated[int, (1, 10)] = 2,
    span_max: Annotated[float, (1.0, 1440.0)] = 30.0,
) -> bool | dict[str, bool | str]:
    """Pass known asteroids and comets, and what appears where nothing ever was.

    The survey looks up known objects for each alert (Masci et al. 2019, PASP 131, 018003). What
    counts as unknown follows the criteria of the Fink broker for Solar System candidates
    (Moeller et al. 2021, MNRAS 501, 3272).

    Parameters
    ----------
    which
        Known objects, unknown ones, or both.
    known_radius
        A known object is within this [arcsec].
    rb_min, nbad_max
        Of unknown ones: real-bogus score, bad pixels.
    source_radius
        Of unknown ones: no source of Pan-STARRS or of the reference image within this [arcsec].
    ndethist_max
        Of unknown ones: detections at this place since the survey began.
    span_max
        Of unknown ones: time that the detections span [minute].

    Returns
    -------
    False, or whether it is known and its name.
    """
    candidate = alert["candidate"]

    # What moves has left the place where the reference image might show it: it adds light.
    if not is_positive(candidate):
        return False

    if distance(candidate, "ssdistnr") <= known_radius:
        if which == "unknown":
            return False
        return {"known": True, "name": str(candidate.get("ssnamenr"))}

    if which == "known":
        return False

    # Most of what appears once and never again is an artefact.
    rb = known(candidate, "rb")
    if rb is None or rb < rb_min:
        return False

    nbad = known(candidate, "nbad")
    if nbad is None or nbad > nbad_max:
        return False

    # A star or galaxy at the place explains the alert better.
    if distance(candidate, "distpsnr1") < source_radius:
        return False
    if distance(candidate, "distnr") < source_radius:
        return False

    # It has not been here before, ...
    count = known(candidate, "ndethist")
    if count is None or count > ndethist_max:
        return False

    # ... and is gone within half an hour.
    times = [entry["jd"] for entry in detections(alert)]
    if (max(times) - min(times)) * MINUTES_PER_DAY > span_max:
        return False
    return {"known": False, "name": ""}
