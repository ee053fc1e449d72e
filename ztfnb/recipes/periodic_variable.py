"""Stars that vary within days: RR Lyrae stars, eclipsing binaries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import ztfnb
from ztfnb.recipes.reading import apparent, detections, distance, known


def turns(mags: Sequence[float], step_min: float) -> int:
    """Return how often a light curve turns from rising to fading or back.

    Steps of less than ``step_min`` [mag] are noise and no turn.
    """
    count = 0
    last, rising = mags[0], None
    for mag in mags[1:]:
        if abs(mag - last) < step_min:
            continue
        now_rising = mag < last
        if rising is not None and now_rising != rising:
            count += 1
        last, rising = mag, now_rising
    return count


@ztfnb.filter
def periodic_variable(
    alert: Any,
    *,
    reference_radius: Annotated[float, (0.0, 5.0)] = 1.0,
    star_score: Annotated[float, (0.0, 1.0)] = 0.5,
    ss_radius: Annotated[float, (0.0, 30.0)] = 5.0,
    detections_min: Annotated[int, (2, 50)] = 5,
    amplitude_min: Annotated[float, (0.0, 3.0)] = 0.2,
    amplitude_max: Annotated[float, (0.1, 6.0)] = 1.5,
    step_min: Annotated[float, (0.01, 1.0)] = 0.15,
    turns_min: Annotated[int, (1, 20)] = 2,
) -> bool | dict[str, float]:
    """Pass stars that brighten and fade again and again within 30 days.

    Amplitudes as in the field guide of ZTF's source classification project, SCoPe (RR Lyrae up
    to 1 mag, eclipsing binaries 0.1 to several; https://github.com/ZwickyTransientFacility/scope-ml).
    The survey sees a place every two or three days, longer than these periods: so the phase of
    each detection is as good as random, and the light curve turns at most of them.

    Parameters
    ----------
    reference_radius
        A source of the reference image is within this [arcsec].
    star_score
        The nearest Pan-STARRS source there has at least this star-galaxy score.
    ss_radius
        No known Solar System object within this [arcsec].
    detections_min
        Detections in the band of the alert in the last 30 days.
    amplitude_min, amplitude_max
        Range of the apparent magnitudes in that band [mag].
    step_min
        A change of apparent magnitude that is more than noise [mag].
    turns_min
        Turns from rising to fading or back.

    Returns
    -------
    False, or the amplitude [mag] and the number of turns.
    """
    candidate = alert["candidate"]

    # A variable star is in the reference image: alerts tell how it departs from it, either way.
    if distance(candidate, "distnr") > reference_radius:
        return False

    # Where Pan-STARRS knows the source, it is a star.
    score = known(candidate, "sgscore1")
    star = distance(candidate, "distpsnr1")
    if star < reference_radius and score is not None and score < star_score:
        return False

    if distance(candidate, "ssdistnr") <= ss_radius:
        return False

    # Difference magnitudes of brightenings and fadings cannot be compared; the magnitudes of the
    # star itself can, in one band.
    band = candidate["fid"]
    curve = [apparent(entry) for entry in detections(alert) if entry["fid"] == band]
    mags = [mag for mag in curve if mag is not None]
    if len(mags) < detections_min:
        return False

    amplitude = max(mags) - min(mags)
    if amplitude < amplitude_min:
        return False

    # More is a dwarf nova, a Mira, or a bad subtraction.
    if amplitude > amplitude_max:
        return False

    # Long-period variables and active nuclei go one way for weeks.
    count = turns(mags, step_min)
    if count < turns_min:
        return False
    return {"amplitude": amplitude, "turns": count}
