"""The periods of a variable star, from its light curve in all bands at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ztfnb.errors import SelectionError
from ztfnb.lightcurve import Floats, LightCurve

FEWEST = 10
"""Fluxes that a search needs."""
FEWEST_IN_BAND = 5
"""Fluxes that a band needs to take part: its model alone has three numbers."""
SHORTEST = 0.05
"""Shortest period looked for [d]; shorter than those of contact binaries and RR Lyrae stars."""
_OVERSAMPLING = 8
"""Frequencies across the width of a peak, the inverse of the time span."""
_CHUNK = 20_000
_MOST = 5_000_000
_ALIAS = 0.25
"""Spectral window from which two periods are hard to tell apart."""


@dataclass(frozen=True, slots=True)
class Peak:
    """One period that the data may have."""

    period: float
    """[d]"""
    power: float
    """Share of the scatter that a sine of this period explains, 0 to 1."""
    false_alarm: float
    """Probability that noise alone gives a peak as high somewhere in the search."""
    remark: str = ""
    """What it may be instead: an alias of a better period, or of the day; else empty."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Periodogram:
    """How well each period describes a light curve."""

    object_id: str
    frequency: Floats
    """Frequencies [1/d], evenly spaced."""
    power: Floats
    """Share of the scatter explained at each frequency, 0 to 1."""
    peaks: tuple[Peak, ...]
    """The best periods, best first."""
    points: int
    """Fluxes that took part."""
    bands: tuple[int, ...]
    """Their filters."""

    @property
    def period(self) -> float:
        """The best period [d]."""
        return self.peaks[0].period

    def __repr__(self) -> str:
        best = ", ".join(f"{peak.period:.6g} d" for peak in self.peaks[:3])
        return f"Periodogram({self.object_id}: {best}; {self.points} fluxes)"


def periodogram(
    curve: LightCurve,
    *,
    shortest: float = SHORTEST,
    longest: float | None = None,
    count: int = 5,
    progress: Callable[[float], None] = lambda _done: None,
) -> Periodogram:
    """Return how well sines of each period describe the difference fluxes of a light curve.

    All bands are fitted at once with one period; mean, amplitude and phase are each band's own.
    Detections and forced fluxes take part, one for each exposure.

    Parameters
    ----------
    curve
        The light curve, best of many alerts of the object: `photometry` joins them.
    shortest, longest
        Range of periods [d]; the longest is the time span where None.
    count
        How many of the best periods to tell.
    progress
        Called with the share that is done, from time to time. What it raises ends the search.

    Raises
    ------
    SelectionError
        If there are too few fluxes for a period to mean anything, or the range of periods is
        none that this time span can be searched for.

    Notes
    -----
    Flux, not magnitude: a difference flux is the star's flux less a constant of each band, which
    the floating mean takes up, so a sine of the star is a sine of it. The difference magnitude
    forgets the sign, and has no value where the star is as bright as its reference.

    In each band it is the generalised Lomb-Scargle periodogram of astropy (Zechmeister and
    Kuerster 2009, A&A 496, 577); the chi-squares of the bands are added, which is the multiphase
    model of VanderPlas and Ivezic 2015, ApJ 812, 18. Their sum is done here since the fast
    method of astropy 7's ``LombScargleMultiband`` weights bands by their powers instead, for
    which no false-alarm probability is known; its flexible one is too slow for long light curves.

    For noise the ratio of the chi-squares follows a beta distribution, which gives the
    probability of one frequency; with as many independent frequencies as the range has peak
    widths follows that of the highest peak. It holds to a factor of a few, for white noise: that
    something varies is no proof that it is periodic.

    A telescope looks at a star about once in a sidereal day, often each second or third night.
    Two frequencies that differ, or add up, to a frequency of that sampling fit nearly as well as
    each other: the weaker is named an alias of the better (by the spectral window of the dates,
    VanderPlas 2018, ApJS 236, 16). Stars with two like minima in a cycle, as eclipsing binaries,
    show half of their period: look at twice the period, too.
    """
    held = _fluxes(curve)
    bands = tuple(int(band) for band in np.unique(held.fid))
    span = float(np.ptp(held.jd))
    frequency = _grid(span, shortest, longest)
    power = np.empty_like(frequency)
    for start in range(0, len(frequency), _CHUNK):
        progress(start / len(frequency))
        piece = slice(start, start + _CHUNK)
        power[piece] = _power(held, frequency[piece], "auto")
    independent = max(1.0, float(np.ptp(frequency)) * span)

    peaks: list[Peak] = []
    for place in _highest(power, count, apart=_OVERSAMPLING):
        near = frequency[place] + np.linspace(-1, 1, 41) / (_OVERSAMPLING * span)
        near = near[near > 0]
        exact = _power(held, near, "slow")
        best = int(np.argmax(exact))
        peaks.append(
            Peak(
                period=float(1 / near[best]),
                power=float(exact[best]),
                false_alarm=false_alarm(float(exact[best]), len(held), len(bands), independent),
            )
        )
    peaks.sort(key=lambda peak: -peak.power)
    named = [
        Peak(peak.period, peak.power, peak.false_alarm, _remark(peak, peaks[:place], held.jd))
        for place, peak in enumerate(peaks)
    ]
    return Periodogram(curve.object_id, frequency, power, tuple(named), len(held), bands)


def false_alarm(power: float, points: int, bands: int, independent: float) -> float:
    """Return the probability that noise explains this share of its scatter at some frequency.

    Parameters
    ----------
    power
        The share, 0 to 1.
    points
        Fluxes, of all bands.
    bands
        How many bands have a sine of their own.
    independent
        How many independent frequencies were looked at.
    """
    # Chi-square with the sines over that without is beta distributed, with these two halves of
    # degrees of freedom; the second is whole, so its integral is a sum (Abramowitz and Stegun
    # 26.5.6).
    rest = (points - 3 * bands) / 2
    left = max(0.0, 1.0 - power)
    if left == 0.0:
        return 0.0
    total = sum(
        math.exp(math.lgamma(rest + j) - math.lgamma(rest) - math.lgamma(j + 1)) * power**j
        for j in range(bands)
    )
    single = min(1.0, left**rest * total)
    return 1.0 if single == 1.0 else -math.expm1(independent * math.log1p(-single))


def _fluxes(curve: LightCurve) -> LightCurve:
    """Return the epochs that can take part."""
    good = np.isfinite(curve.flux) & np.isfinite(curve.flux_err) & (curve.flux_err > 0)
    found = set(_exposures(curve[good & (curve.kind == "detection")]))
    twice = [
        kind == "forced" and exposure in found
        for kind, exposure in zip(curve.kind.tolist(), _exposures(curve), strict=True)
    ]
    held = curve[good & ~np.array(twice, bool)]
    told, counts = np.unique(held.fid, return_counts=True)
    held = held[np.isin(held.fid, told[counts >= FEWEST_IN_BAND])]
    if len(held) < FEWEST:
        listed = ", ".join(f"{n} of filter {fid}" for fid, n in zip(told, counts, strict=True))
        raise SelectionError(
            f"a period needs {FEWEST} fluxes or more, {FEWEST_IN_BAND} in each band; "
            f"got {listed or 'none'}. Take more alerts of the object"
        )
    return held


def _exposures(curve: LightCurve) -> list[tuple[float, int]]:
    return list(zip(curve.jd.tolist(), curve.fid.tolist(), strict=True))


def _grid(span: float, shortest: float, longest: float | None) -> Floats:
    longest = span if longest is None else min(longest, span)
    if not 0 < shortest < longest:
        raise SelectionError(
            f"expected periods from above 0 d to at most the {span:.4g} d that the fluxes span, "
            f"got {shortest:.4g} d to {longest:.4g} d"
        )
    step = 1 / (_OVERSAMPLING * span)
    steps = math.ceil((1 / shortest - 1 / longest) / step) + 1
    if steps > _MOST:
        raise SelectionError(
            f"{steps:,} frequencies are too many, {_MOST:,} at most: "
            "look for longer periods, or in a shorter part of the light curve"
        )
    return np.asarray(1 / longest + step * np.arange(steps))


def _power(held: LightCurve, frequency: Floats, method: str) -> Floats:
    """Return the share of the chi-square, of all bands, that sines explain."""
    try:
        from astropy.timeseries import LombScargle  # noqa: PLC0415 - of `lab`
    except ImportError:
        raise ImportError("periodograms need astropy: pip install 'ztfnb[lab]'") from None
    explained, total = np.zeros_like(frequency), 0.0
    for fid in np.unique(held.fid):
        band = held[held.fid == fid]
        if np.ptp(band.flux) == 0:
            continue
        weight = band.flux_err**-2
        mean = np.average(band.flux, weights=weight)
        scatter = float(np.sum(weight * (band.flux - mean) ** 2))
        search = LombScargle(band.jd - held.jd[0], band.flux, band.flux_err)
        share = search.power(frequency, method=method, assume_regular_frequency=True)
        explained += scatter * np.clip(share, 0, 1)
        total += scatter
    if total == 0:
        raise SelectionError("all fluxes are the same: there is no period to look for")
    return np.asarray(explained / total)


def _highest(power: Floats, count: int, *, apart: int) -> list[int]:
    """Return where the highest peaks are, best first, each at least so many places apart."""
    padded = np.concatenate(([-np.inf], power, [-np.inf]))
    tops = np.flatnonzero((power >= padded[:-2]) & (power > padded[2:]))
    chosen: list[int] = []
    for top in tops[np.argsort(-power[tops], kind="stable")].tolist():
        if all(abs(top - other) >= apart for other in chosen):
            chosen.append(top)
        if len(chosen) == count:
            break
    return chosen


def _remark(peak: Peak, better: list[Peak], jd: Floats) -> str:
    """Say what a period may be an alias of, if any: of a better period, or of the sampling."""
    frequency = 1 / peak.period
    for other in better:
        for turn in (abs(frequency - 1 / other.period), frequency + 1 / other.period):
            if _window(jd, turn) > _ALIAS:
                return f"alias of {other.period:.5g} d, by {turn:.3g} per day"
    return "a period of the sampling" if _window(jd, frequency) > _ALIAS else ""


def _window(jd: Floats, frequency: float) -> float:
    """Return how alike the sampling is after each cycle, 0 to 1: its spectral window."""
    near = frequency + np.linspace(-0.5, 0.5, 9) / float(np.ptp(jd))
    turns = np.exp(2j * np.pi * np.outer(near, jd - jd[0]))
    return float(np.max(np.abs(turns.mean(axis=1)) ** 2))
