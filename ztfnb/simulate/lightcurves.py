"""How bright each class is at a moment: templates after the literature, as formulas.

Every function takes objects and moments, one moment (and filter) for each object, and returns
fluxes [microjansky] of what differs from the reference image, which shows the mean of a
variable and nothing of a supernova.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ztfnb.simulate import draws
from ztfnb.simulate.sources import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ztfnb.simulate.sources import Sources

    Flux = NDArray[np.float64]
    Curve = Callable[[Sources, NDArray[np.float64], NDArray[np.int64]], Flux]

AB_ZERO = 23.9
"""AB magnitude of 1 microjansky."""


def flux_of(magnitude: NDArray[np.float64]) -> Flux:
    """Return the flux [microjansky] of an AB magnitude."""
    return 10.0 ** (-0.4 * (magnitude - AB_ZERO))


def mean_magnitude(objects: Sources, fid: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return ``mag`` of each object carried from r to another filter by its colours."""
    step = np.where(fid == 1, objects.g_minus_r, np.where(fid == 3, -objects.r_minus_i, 0.0))
    magnitude: NDArray[np.float64] = objects.mag + step
    return magnitude


def _per_filter(fid: NDArray[np.int64], g: float, r: float, i: float) -> NDArray[np.float64]:
    return np.array([0.0, g, r, i])[fid]


def _varying(objects: Sources, fid: NDArray[np.int64], change: NDArray[np.float64]) -> Flux:
    """Return the difference flux of a variable that is ``change`` fainter than its mean."""
    return flux_of(mean_magnitude(objects, fid)) * (10.0 ** (-0.4 * change) - 1.0)


def phase_of(objects: Sources, jd: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the phase, 0-1."""
    cycles = (jd - objects.epoch) / objects.period
    return cycles - np.floor(cycles)


def rr_lyrae(objects: Sources, jd: NDArray[np.float64], fid: NDArray[np.int64]) -> Flux:
    """Return a pulsating star: a steep rise and a slow decline (RRab), nearly a sine (RRc).

    The sum of five harmonics of a sawtooth, damped, has the Fourier ratios R21 ~ 0.45 and
    R31 ~ 0.3 of Simon and Teays 1982, ApJ 261, 586. Amplitudes in r and i are 0.72 and 0.58 of
    that in g (Sesar et al. 2010, ApJ 708, 717).
    """
    angle = 2.0 * np.pi * phase_of(objects, jd)
    fundamental = objects.shape < 0.5
    sawtooth = np.zeros_like(jd)
    for harmonic, weight in enumerate((1.0, 0.46, 0.28, 0.15, 0.08), start=1):
        kept = weight if harmonic == 1 else np.where(fundamental, weight, 0.12 / harmonic**2)
        sawtooth += kept * np.sin(harmonic * angle)
    full = np.where(fundamental, 2.85, 2.03)
    change = -objects.amplitude * _per_filter(fid, 1.0, 0.72, 0.58) * sawtooth / full
    return _varying(objects, fid, change)


def eclipsing(objects: Sources, jd: NDArray[np.float64], fid: NDArray[np.int64]) -> Flux:
    """Return an eclipsing binary: two flat-bottomed dips (EA) or a continuous wave (EW).

    Phase zero is the middle of the deeper eclipse. ``slope`` is the ratio of the depths and
    ``shape`` the half width of the eclipses in phase, zero for a contact system.
    """
    phase = phase_of(objects, jd)
    depth = 1.0 - 10.0 ** (-0.4 * objects.amplitude)
    first = np.minimum(phase, 1.0 - phase)
    second = np.abs(phase - 0.5)
    width = np.where(objects.shape > 0.0, objects.shape, 0.05)
    dips = np.exp(-0.5 * (first / width) ** 4) + objects.slope * np.exp(
        -0.5 * (second / width) ** 4
    )
    ratio = 0.6 + 0.4 * objects.slope
    wave = np.cos(2.0 * np.pi * phase) ** 2 * np.where(first < second, 1.0, ratio)
    wave -= 0.25 * (1.0 + ratio)  # the reference image shows the mean
    lost = depth * np.where(objects.shape > 0.0, dips, wave)
    return -flux_of(mean_magnitude(objects, fid)) * lost


def long_period(objects: Sources, jd: NDArray[np.float64], fid: NDArray[np.int64]) -> Flux:
    """Return a Mira or semiregular variable: a skew sine with a slower, irregular one.

    The amplitude falls towards the red as in Iwanek et al. 2021, ApJS 257, 23.
    """
    angle = 2.0 * np.pi * (jd - objects.epoch) / objects.period
    slow = 2.0 * np.pi * ((jd - objects.epoch) / (3.7 * objects.period) + objects.shape)
    change = np.sin(angle + objects.shape * np.sin(angle)) + 0.25 * np.sin(slow)
    size = 0.5 * objects.amplitude * _per_filter(fid, 1.0, 0.8, 0.5)
    return _varying(objects, fid, -size * change)


def agn(objects: Sources, jd: NDArray[np.float64], fid: NDArray[np.int64]) -> Flux:
    """Return a damped random walk (Kelly et al. 2009, ApJ 698, 895).

    It is the sum of waves with frequencies spread evenly in logarithm, with the power
    1 / (1 + (2 pi f tau)**2) of that process, so that any moment can be computed alone.
    """
    edges = np.logspace(-4.3, -0.2, 15)
    change = np.zeros_like(jd)
    power = np.zeros_like(jd)
    moment = 2.0 * np.pi * (jd - 2458000.0)
    damping = (2.0 * np.pi * objects.period) ** 2
    for number in range(len(edges) - 1):
        spread = draws.uniform(objects.key, 500 + number)
        frequency = edges[number] * (edges[number + 1] / edges[number]) ** spread
        weight = frequency / (1.0 + damping * frequency**2)
        phase = 2.0 * np.pi * draws.uniform(objects.key, 600 + number)
        change += np.sqrt(weight) * np.sin(moment * frequency + phase)
        power += 0.5 * weight
    change *= objects.amplitude / np.sqrt(power) * _per_filter(fid, 1.0, 0.85, 0.75)
    return _varying(objects, fid, change)


def dwarf_nova(objects: Sources, jd: NDArray[np.float64], fid: NDArray[np.int64]) -> Flux:
    """Return outbursts: a day's rise, a plateau, a linear decline in magnitude.

    They recur every ``period`` days with a scatter of a fifth; ``shape`` is the plateau's
    duration [day] and ``slope`` the decline [mag/day] (Otulakowska-Hypka et al. 2016, MNRAS
    460, 2526).
    """
    cycle = np.floor((jd - objects.epoch) / objects.period).astype(np.int64)
    brightness = np.zeros_like(jd)
    for number in (cycle - 1, cycle):
        late = draws.uniform(draws.key_of(objects.key, number), 1)
        age = jd - objects.epoch - objects.period * (number + 0.2 * late)
        above = np.where(
            age < objects.shape,
            objects.amplitude * np.clip(age, 0.0, 1.0) - 0.06 * np.maximum(age, 0.0),
            objects.amplitude - 0.06 * objects.shape - objects.slope * (age - objects.shape),
        )
        brightness = np.maximum(brightness, above)
    quiet = mean_magnitude(objects, fid) + objects.amplitude
    return flux_of(quiet) * (10.0 ** (0.4 * brightness) - 1.0)


def type_ia(objects: Sources, jd: NDArray[np.float64], fid: NDArray[np.int64]) -> Flux:
    """Return a type Ia supernova: stretch, colour, time dilation, a second maximum in r and i.

    The rise starts as time squared, 17.5 days before peak (Riess et al. 1999, AJ 118, 2675).
    The decline is a Gaussian on a straight line in magnitude, with another Gaussian for the
    second maximum, as in Vacca and Leibundgut 1996, ApJ 471, L37.
    """
    age = (jd - objects.epoch) / ((1.0 + objects.redshift) * objects.shape)
    risen = np.clip((age + 17.5) / 17.5, 0.0, 1.0)
    rise = risen**2 * (3.0 - 2.0 * risen)
    drop = _per_filter(fid, 1.75, 1.15, 1.15)
    width = _per_filter(fid, 14.0, 17.0, 9.5)
    bump = _per_filter(fid, 0.0, 0.38, 0.75)
    late = np.maximum(age, 0.0)
    fading = (
        drop * (1.0 - np.exp(-0.5 * (late / width) ** 2))
        + 0.0145 * late
        - bump * np.exp(-0.5 * ((late - 24.0) / 6.5) ** 2) * (late > 0.0)
        + bump * np.exp(-0.5 * (24.0 / 6.5) ** 2) * (late > 0.0)
    )
    return flux_of(mean_magnitude(objects, fid) + fading) * rise


def type_ii(objects: Sources, jd: NDArray[np.float64], fid: NDArray[np.int64]) -> Flux:
    """Return a type II supernova: a week's rise, a sloping plateau, a drop, the cobalt tail.

    The end of the plateau is the Fermi-Dirac step of Olivares et al. 2010, ApJ 715, 833; slopes
    follow Anderson et al. 2014, ApJ 786, 67; the tail fades 0.98 mag in 100 days.
    """
    age = (jd - objects.epoch) / (1.0 + objects.redshift)
    risen = np.clip(age / _per_filter(fid, 6.5, 9.0, 11.0), 0.0, 1.0)
    rise = risen**2 * (3.0 - 2.0 * risen)
    late = np.maximum(age - 8.0, 0.0)
    on_plateau = np.minimum(late, objects.shape)
    reddening = _per_filter(fid, 1.1, 0.0, -0.1) * (1.0 - np.exp(-late / 35.0))
    step = 2.0 / (1.0 + np.exp(-np.clip((late - objects.shape) / 5.0, -40.0, 40.0)))
    fading = (
        objects.slope * on_plateau / 100.0
        + reddening
        + step
        + 0.0098 * np.maximum(late - objects.shape, 0.0)
    )
    return flux_of(mean_magnitude(objects, fid) + fading) * rise


def asteroid(objects: Sources, jd: NDArray[np.float64], fid: NDArray[np.int64]) -> Flux:
    """Return sunlight from a turning, elongated body: two maxima a rotation."""
    change = -0.5 * objects.amplitude * np.cos(4.0 * np.pi * phase_of(objects, jd))
    return flux_of(mean_magnitude(objects, fid) + change)


_CURVES: dict[Kind, Curve] = {
    Kind.SN_IA: type_ia,
    Kind.SN_II: type_ii,
    Kind.RR_LYRAE: rr_lyrae,
    Kind.ECLIPSING: eclipsing,
    Kind.LONG_PERIOD: long_period,
    Kind.AGN: agn,
    Kind.DWARF_NOVA: dwarf_nova,
    Kind.ASTEROID: asteroid,
}


def difference_flux(
    objects: Sources,
    rows: NDArray[np.int64],
    jd: NDArray[np.float64],
    fid: NDArray[np.int64],
) -> Flux:
    """Return the true difference flux [microjansky] of ``objects[rows]`` at their moments.

    Artefacts have none: what they leave belongs to the exposure.
    """
    flux = np.zeros(len(rows))
    kinds = objects.kind[rows]
    for kind, curve in _CURVES.items():
        which = np.flatnonzero(kinds == kind)
        if len(which):
            flux[which] = curve(objects.take(rows[which]), jd[which], fid[which])
    return flux


def reference_flux(objects: Sources, fid: NDArray[np.int64]) -> Flux:
    """Return the flux [microjansky] with which the object itself stands in the reference image."""
    own = flux_of(mean_magnitude(objects, fid))
    own *= np.where(objects.kind == Kind.DWARF_NOVA, 10.0 ** (-0.4 * objects.amplitude), 1.0)
    static = np.isin(
        objects.kind,
        (
            Kind.RR_LYRAE,
            Kind.ECLIPSING,
            Kind.LONG_PERIOD,
            Kind.AGN,
            Kind.DWARF_NOVA,
            Kind.DIPOLE,
        ),
    )
    return np.where(static, own, 0.0)
