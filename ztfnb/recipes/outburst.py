"""High-amplitude outbursts of stars: dwarf novae."""

from __future__ import annotations

from typing import Annotated, Any

import ztfnb
from ztfnb.recipes.reading import (
    Record,
    apparent,
    color,
    detections,
    distance,
    is_positive,
    known,
    limits,
)

PS1_MAGNITUDES = {1: "sgmag1", 2: "srmag1", 3: "simag1"}
"""Field of the nearest Pan-STARRS source's magnitude in each ZTF band."""


def outburst_amplitude(candidate: Record, star_radius: float) -> float | None:
    """Return how much brighter a star is than in quiescence [mag]; None where nobody knows."""
    # Where the reference image shows the star, the apparent magnitude against its own there.
    if distance(candidate, "distnr") < star_radius:
        now, quiet = apparent(candidate), known(candidate, "magnr")
    # Where it does not, the difference is all the light, and Pan-STARRS may know the star.
    else:
        now, quiet = known(candidate, "magpsf"), known(candidate, PS1_MAGNITUDES[candidate["fid"]])
    return None if now is None or quiet is None else quiet - now


def was_fainter(alert: Any, fade: float, days: float) -> bool:
    """Return whether the excess over the reference image was ``fade`` mag fainter some days ago.

    Only exposures in the band of the alert count: detections, and limits that were deep enough.
    """
    candidate = alert["candidate"]
    band, since = candidate["fid"], candidate["jd"] - days
    faint = candidate["magpsf"] + fade
    for entry in limits(alert):
        if entry["fid"] == band and entry["jd"] >= since and entry["diffmaglim"] >= faint:
            return True
    for entry in detections(alert)[:-1]:
        is_faint = entry["magpsf"] >= faint or not is_positive(entry)
        if entry["fid"] == band and entry["jd"] >= since and is_faint:
            return True
    return False


@ztfnb.filter
def outburst(
    alert: Any,
    *,
    rb_min: Annotated[float, (0.0, 1.0)] = 0.5,
    star_radius: Annotated[float, (0.0, 5.0)] = 1.5,
    star_score: Annotated[float, (0.0, 1.0)] = 0.5,
    ss_radius: Annotated[float, (0.0, 30.0)] = 5.0,
    amplitude_min: Annotated[float, (0.5, 8.0)] = 2.0,
    fade: Annotated[float, (0.2, 4.0)] = 1.0,
    fade_days: Annotated[float, (1.0, 30.0)] = 15.0,
    color_max: Annotated[float, (-0.5, 2.0)] = 0.6,
    color_days: Annotated[float, (0.1, 5.0)] = 1.0,
) -> bool | dict[str, float]:
    """Pass stars that are much brighter than usual, since a few days, and blue.

    Cataclysmic variables were found in ZTF's alerts by amplitude, time and colour (Szkody et al.
    2020, AJ 159, 198); outbursts of dwarf novae have 2 to 9 mag.

    Parameters
    ----------
    rb_min
        Real-bogus score, 0 to 1.
    star_radius, star_score
        A Pan-STARRS source of at least this star-galaxy score is within this [arcsec].
    ss_radius
        No known Solar System object within this [arcsec].
    amplitude_min
        Brightening above the star's usual magnitude [mag].
    fade, fade_days
        It was so much fainter [mag] at some time in the last days [day].
    color_max
        g - r of the outburst at most, where both bands were observed [mag].
    color_days
        Both bands within this time [day].

    Returns
    -------
    False, or the amplitude and, where it is known, the colour [mag].
    """
    candidate = alert["candidate"]

    if not is_positive(candidate):
        return False

    rb = known(candidate, "rb")
    if rb is None or rb < rb_min:
        return False

    # A star in quiescence is what erupts.
    if distance(candidate, "distpsnr1") > star_radius:
        return False
    score = known(candidate, "sgscore1")
    if score is None or score < star_score:
        return False

    if distance(candidate, "ssdistnr") <= ss_radius:
        return False

    amplitude = outburst_amplitude(candidate, star_radius)
    if amplitude is None or amplitude < amplitude_min:
        return False

    # Miras reach such amplitudes too, but over months.
    if not was_fainter(alert, fade, fade_days):
        return False

    # The disc of an erupting dwarf nova is hot; a Mira is not.
    g_minus_r = color(alert, color_days)
    if g_minus_r is None:
        return {"amplitude": amplitude}
    if g_minus_r > color_max:
        return False
    return {"amplitude": amplitude, "g_minus_r": g_minus_r}
