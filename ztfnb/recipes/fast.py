"""Fast transients, red or blue: kilonovae, afterglows, shock cooling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple

import ztfnb
from ztfnb.recipes.reading import Record, color, detections, distance, is_positive, known

BANDS = {1: "g", 2: "r", 3: "i"}


class Slope(NamedTuple):
    """How fast the magnitude changes."""

    value: float
    """[mag/day]; negative where it brightens."""
    error: float
    """[mag/day]"""

    @property
    def sigma(self) -> float:
        """The change in units of its error."""
        return abs(self.value) / self.error


def slope(entries: Sequence[Record], baseline_min: float) -> Slope | None:
    """Return the straight line through difference magnitudes, weighted by their errors.

    None where there are fewer than two, or all within ``baseline_min`` [day].
    """
    measured = [
        (entry["jd"], entry["magpsf"], error)
        for entry in entries
        if (error := known(entry, "sigmapsf")) is not None and error > 0
    ]
    if len(measured) < 2 or measured[-1][0] - measured[0][0] < baseline_min:
        return None
    weights = [error**-2 for _, _, error in measured]
    total = sum(weights)
    mean_jd = sum(w * jd for w, (jd, _, _) in zip(weights, measured, strict=True)) / total
    mean_mag = sum(w * mag for w, (_, mag, _) in zip(weights, measured, strict=True)) / total
    spread = sum(w * (jd - mean_jd) ** 2 for w, (jd, _, _) in zip(weights, measured, strict=True))
    product = sum(
        w * (jd - mean_jd) * (mag - mean_mag)
        for w, (jd, mag, _) in zip(weights, measured, strict=True)
    )
    return Slope(product / spread, 1.0 / math.sqrt(spread))


def slopes(found: Sequence[Record], *, since: float, baseline_min: float) -> dict[str, Slope]:
    """Return the slope in each band that has one, of the detections since a time [JD]."""
    lines = {}
    for fid, band in BANDS.items():
        recent = [entry for entry in found if entry["fid"] == fid and entry["jd"] >= since]
        line = slope(recent, baseline_min)
        if line is not None:
            lines[band] = line
    return lines


@ztfnb.filter
def fast(
    alert: Any,
    *,
    rb_min: Annotated[float, (0.0, 1.0)] = 0.65,
    drb_min: Annotated[float, (0.0, 1.0)] = 0.9,
    star_radius: Annotated[float, (0.0, 10.0)] = 2.0,
    star_score: Annotated[float, (0.0, 1.0)] = 0.5,
    ss_radius: Annotated[float, (0.0, 30.0)] = 10.0,
    age_max: Annotated[float, (1.0, 30.0)] = 14.0,
    window: Annotated[float, (1.0, 30.0)] = 6.0,
    baseline_min: Annotated[float, (0.02, 5.0)] = 0.5,
    rate_min: Annotated[float, (0.05, 2.0)] = 0.3,
    sigma_min: Annotated[float, (0.0, 10.0)] = 3.0,
    which: Literal["any", "red", "blue"] = "any",
    color_split: Annotated[float, (-1.0, 2.0)] = 0.3,
    color_days: Annotated[float, (0.1, 5.0)] = 1.0,
) -> bool | dict[str, float]:
    """Pass young transients that brighten or fade by more than 0.3 mag a day.

    After ZTFReST (Andreoni et al. 2021, ApJ 918, 63, and its public code): deep-learning score
    above 0.9, no star within 2 arcsec, at most 14 days old, change of 0.3 mag/day.

    Parameters
    ----------
    rb_min
        Real-bogus score, 0 to 1: for packets without the next.
    drb_min
        Deep-learning real-bogus score, 0 to 1: in packets since schema 3.3.
    star_radius, star_score
        On no Pan-STARRS source of at least this star-galaxy score within this [arcsec].
    ss_radius
        No known Solar System object within this [arcsec].
    age_max
        Time since the first detection [day].
    window
        The slope is that of the detections within this time [day].
    baseline_min
        Which span at least this [day].
    rate_min
        Change, brightening or fading, in one band [mag/day].
    sigma_min
        The same in units of its error.
    which
        Red ones, blue ones, or any; without a colour an alert is only "any".
    color_split
        g - r from which it is red [mag].
    color_days
        g and r are compared within this time [day].

    Returns
    -------
    False, or the slopes with their errors [mag/day] and the colour [mag].
    """
    candidate = alert["candidate"]

    if not is_positive(candidate):
        return False

    # The better classifier where the packet has it.
    drb = known(candidate, "drb")
    rb = known(candidate, "rb")
    if drb is not None:
        if drb < drb_min:
            return False
    elif rb is None or rb < rb_min:
        return False

    # Flares of stars are fast as well, and thousands of times more common.
    star = distance(candidate, "distpsnr1")
    score = known(candidate, "sgscore1")
    if star < star_radius and score is not None and score >= star_score:
        return False

    if distance(candidate, "ssdistnr") <= ss_radius:
        return False

    # Active nuclei and variable stars have been found for years.
    found = [entry for entry in detections(alert) if is_positive(entry)]
    first = min(found[0]["jd"], known(candidate, "jdstarthist") or found[0]["jd"])
    if candidate["jd"] - first > age_max:
        return False

    # A slope needs two detections in one band, some time apart.
    lines = slopes(found, since=candidate["jd"] - window, baseline_min=baseline_min)
    if not lines:
        return False

    # Noise makes slopes too.
    sure = [abs(line.value) for line in lines.values() if line.sigma >= sigma_min]
    if not sure:
        return False

    if max(sure) < rate_min:
        return False

    notes = {f"slope_{band}": line.value for band, line in lines.items()}
    notes |= {f"slope_{band}_error": line.error for band, line in lines.items()}
    g_minus_r = color(alert, color_days)
    if g_minus_r is not None:
        notes["g_minus_r"] = g_minus_r
    if which == "red" and (g_minus_r is None or g_minus_r < color_split):
        return False
    if which == "blue" and (g_minus_r is None or g_minus_r >= color_split):
        return False
    return notes
