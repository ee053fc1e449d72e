"""What there is on the sky: the objects of each class and their true parameters.

The objects of a piece of sky follow from the seed alone. Stars and galaxies are always there;
supernovae and asteroids belong to spans of 32 and 16 nights, so that only those near a night
are ever made.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import IntEnum
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from ztfnb.simulate import draws
from ztfnb.simulate.geometry import ROW_HEIGHT, grid, offset

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Kind(IntEnum):
    """The classes of the simulation."""

    SN_IA = 0
    SN_II = 1
    RR_LYRAE = 2
    ECLIPSING = 3
    LONG_PERIOD = 4
    AGN = 5
    DWARF_NOVA = 6
    ASTEROID = 7
    DIPOLE = 8
    HOT_PIXEL = 9
    BAD_COLUMN = 10
    EDGE = 11


NAMES = (
    "SN Ia",
    "SN II",
    "RR Lyrae",
    "eclipsing binary",
    "long-period variable",
    "AGN",
    "dwarf nova",
    "asteroid",
    "dipole",
    "hot pixel",
    "bad column",
    "edge artefact",
)
"""What people call them, in order of `Kind`."""

ONE_OFF = (Kind.HOT_PIXEL, Kind.BAD_COLUMN, Kind.EDGE)
"""Artefacts of one exposure: nothing is on the sky there."""
BOGUS = (Kind.DIPOLE, *ONE_OFF)

SUPERNOVA_SPAN = 32
ASTEROID_SPAN = 16
_SUPERNOVA_LIFE = 192  # nights: a plateau of type II, stretched, and its tail

# Share of the alerts of a long time, and alerts that one object gives at one visit on average
# (measured on the simulation itself; the share divided by it is the number of objects).
_ABUNDANCE: dict[Kind, tuple[float, float]] = {
    Kind.SN_IA: (0.018, 1.30),
    Kind.SN_II: (0.008, 1.45),
    Kind.RR_LYRAE: (0.11, 0.50),
    Kind.ECLIPSING: (0.17, 0.26),
    Kind.LONG_PERIOD: (0.09, 0.44),
    Kind.AGN: (0.10, 0.22),
    Kind.DWARF_NOVA: (0.014, 0.15),
    Kind.ASTEROID: (0.15, 0.60),
    Kind.DIPOLE: (0.13, 0.10),
    Kind.HOT_PIXEL: (0.09, 0.85),
    Kind.BAD_COLUMN: (0.06, 0.85),
    Kind.EDGE: (0.03, 0.85),
}
VISITS_A_NIGHT = 200.0
"""Exposures of an average night."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Objects, one element each in every array. Numbers that a class has no use for are NaN."""

    key: NDArray[np.uint64]
    kind: NDArray[np.int64]
    ra: NDArray[np.float64]
    """Right ascension [deg]; of a moving object at ``epoch``."""
    dec: NDArray[np.float64]
    mag: NDArray[np.float64]
    """Mean magnitude in r; of supernovae and outbursts at peak; of an asteroid when seen best."""
    g_minus_r: NDArray[np.float64]
    r_minus_i: NDArray[np.float64]
    period: NDArray[np.float64]
    """Period, recurrence time or time scale [day]."""
    epoch: NDArray[np.float64]
    """Julian date of phase zero, of peak light (type Ia) or of the explosion (type II)."""
    amplitude: NDArray[np.float64]
    """Amplitude in g (variables) or in r [mag]."""
    shape: NDArray[np.float64]
    """Second parameter: stretch, plateau [day], width or ratio."""
    slope: NDArray[np.float64]
    """Third parameter: decline rate, second depth."""
    redshift: NDArray[np.float64]
    east_rate: NDArray[np.float64]
    """Motion towards East [arcsec/day]."""
    north_rate: NDArray[np.float64]
    host_mag: NDArray[np.float64]
    """Magnitude of the host galaxy in r."""
    host_east: NDArray[np.float64]
    """Where the host's centre lies from here [arcsec]."""
    host_north: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.key)

    def take(self, which: NDArray[np.int64] | NDArray[np.bool_]) -> Sources:
        """Return some of the objects."""
        return Sources(*(getattr(self, column.name)[which] for column in fields(self)))

    @staticmethod
    def joined(parts: list[Sources]) -> Sources:
        """Return all objects of several lists, one after another."""
        return Sources(
            *(
                np.concatenate([getattr(part, column.name) for part in parts])
                for column in fields(Sources)
            )
        )


def made(
    kind: Kind,
    key: NDArray[np.uint64],
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    **given: NDArray[np.float64],
) -> Sources:
    """Return objects of one class at given places, with the parameters given."""
    nothing = np.full(len(key), np.nan)
    columns = {column.name: nothing for column in fields(Sources)}
    columns |= {"east_rate": np.zeros(len(key)), "north_rate": np.zeros(len(key))}
    columns |= {"host_east": np.zeros(len(key)), "host_north": np.zeros(len(key))}
    return Sources(
        **(
            columns
            | {"key": key, "kind": np.full(len(key), int(kind)), "ra": ra, "dec": dec}
            | given
        )
    )


def moved(objects: Sources, east: NDArray[np.float64], north: NDArray[np.float64]) -> Sources:
    """Return the objects some arcsec further."""
    ra, dec = offset(objects.ra, objects.dec, east, north)
    return replace(objects, ra=ra, dec=dec)


def sky_factor(kind: Kind, index: int) -> float:
    """Return how many objects of a class a field holds, relative to the average field.

    Stars of the disc follow the Galactic latitude, asteroids the ecliptic.
    """
    sky = grid()
    area = float(np.cos(np.radians(sky.dec[index])) * sky.half_width[index] / 3.6)
    galactic, ecliptic = abs(sky.galactic_latitude[index]), abs(sky.ecliptic_latitude[index])
    disc = 0.45 + 2.6 * float(np.exp(-galactic / 12.0))
    if kind in (Kind.ECLIPSING, Kind.LONG_PERIOD, Kind.DWARF_NOVA, Kind.DIPOLE):
        return area * disc
    if kind is Kind.RR_LYRAE:
        return area * (0.75 + 0.8 * float(np.exp(-galactic / 25.0)))
    if kind in (Kind.SN_IA, Kind.SN_II, Kind.AGN):
        return area * 1.25 * (1.0 - float(np.exp(-galactic / 9.0)))
    if kind is Kind.ASTEROID:
        return area * (0.12 + 3.2 * float(np.exp(-((ecliptic / 12.0) ** 2))))
    return 1.0


def mean_count(kind: Kind, index: int, alerts_per_night: int) -> float:
    """Return the mean number of objects in a field; of one-off artefacts, in an exposure."""
    share, yield_ = _ABUNDANCE[kind]
    return alerts_per_night / VISITS_A_NIGHT * share / yield_ * sky_factor(kind, index)


def _placed(
    seed: int, kind: Kind, index: int, span: int, count: int
) -> tuple[NDArray[np.uint64], NDArray[np.float64], NDArray[np.float64]]:
    """Return keys and places of ``count`` objects spread evenly over a field's own sky."""
    sky = grid()
    key = draws.key_of(seed, 100 + int(kind), index, span, np.arange(count))
    ra = sky.ra[index] + sky.half_width[index] * draws.between(key, 1, -1.0, 1.0)
    edges = np.sin(np.radians(sky.dec[index] + ROW_HEIGHT / 2.0 * np.array([-1.0, 1.0])))
    dec = np.degrees(np.arcsin(draws.between(key, 2, float(edges[0]), float(edges[1]))))
    return key, ra % 360.0, dec


def _faint_end(
    key: NDArray[np.uint64], salt: int, bright: float, faint: float, slope: float
) -> NDArray[np.float64]:
    """Return magnitudes whose number grows as 10**(slope * magnitude)."""
    grown = 10.0 ** (slope * (bright - faint))
    draw = np.log10(grown + (1.0 - grown) * draws.uniform(key, salt))
    magnitude: NDArray[np.float64] = faint + draw / slope
    return magnitude


def stars_and_galaxies(seed: int, index: int, alerts_per_night: int) -> Sources:
    """Return what is always there in a field's own piece of sky."""
    parts = [_nothing()]
    for kind, make in _PERMANENT.items():
        mean = mean_count(kind, index, alerts_per_night)
        count = draws.poisson(draws.key_of(seed, 90, int(kind), index), 1, mean)
        if count:
            parts.append(make(*_placed(seed, kind, index, 0, count)))
    return Sources.joined(parts)


@cache
def _nothing() -> Sources:
    none = np.zeros(0)
    return made(Kind.SN_IA, np.zeros(0, np.uint64), none, none)


def supernovae(seed: int, index: int, span: int, alerts_per_night: int) -> Sources:
    """Return the supernovae that explode in one span of 32 nights."""
    parts = [_nothing()]
    for kind, make in ((Kind.SN_IA, _type_ia), (Kind.SN_II, _type_ii)):
        mean = mean_count(kind, index, alerts_per_night)
        count = draws.poisson(draws.key_of(seed, 91, int(kind), index, span), 1, mean)
        if not count:
            continue
        key, ra, dec = _placed(seed, kind, index, span, count)
        start = 2457754.5 + SUPERNOVA_SPAN * (span + draws.uniform(key, 3))
        parts.append(make(key, ra, dec, start))
    return Sources.joined(parts)


def supernova_spans(night: int) -> range:
    """Return the spans whose supernovae can be seen at a night."""
    return range((night - _SUPERNOVA_LIFE) // SUPERNOVA_SPAN, night // SUPERNOVA_SPAN + 1)


def asteroids(seed: int, index: int, span: int, alerts_per_night: int) -> Sources:
    """Return the asteroids that are in a field's piece of sky in the middle of 16 nights.

    Near opposition a main-belt asteroid moves 8-15 arcmin a day, retrograde along the ecliptic.
    """
    sky = grid()
    mean = mean_count(Kind.ASTEROID, index, alerts_per_night)
    count = draws.poisson(draws.key_of(seed, 92, index, span), 1, mean)
    if not count:
        return _nothing()
    key, ra, dec = _placed(seed, Kind.ASTEROID, index, span, count)
    rate = 60.0 * np.clip(11.5 + 2.2 * draws.normal(key, 3), 3.0, 40.0)
    # The ecliptic's tilt against the equator changes its sense with right ascension.
    tilt = np.radians(-23.44 * np.cos(np.radians(sky.ra[index])) + 6.0 * draws.normal(key, 4))
    return made(
        Kind.ASTEROID,
        key,
        ra,
        dec,
        mag=_faint_end(key, 5, 14.8, 20.1, 0.33),
        g_minus_r=0.52 + 0.08 * draws.normal(key, 6),
        r_minus_i=0.17 + 0.05 * draws.normal(key, 7),
        period=10.0 ** draws.between(key, 8, -0.9, 0.2),
        epoch=np.full(len(key), 2457754.5 + ASTEROID_SPAN * (span + 0.5)),
        amplitude=0.1 + 0.5 * draws.uniform(key, 9) ** 2,
        east_rate=-rate * np.cos(tilt),
        north_rate=rate * np.sin(tilt),
    )


_Made = tuple["NDArray[np.uint64]", "NDArray[np.float64]", "NDArray[np.float64]"]


def _rr_lyrae(key: NDArray[np.uint64], *place: NDArray[np.float64]) -> Sources:
    """Return RR Lyrae stars; periods and amplitudes as in Sesar et al. 2017, AJ 153, 204."""
    overtone = draws.uniform(key, 3) < 0.25
    period = np.where(
        overtone,
        np.clip(0.33 + 0.035 * draws.normal(key, 4), 0.22, 0.42),
        np.clip(0.57 + 0.065 * draws.normal(key, 4), 0.43, 0.85),
    )
    amplitude = np.where(
        overtone,
        np.clip(0.52 + 0.08 * draws.normal(key, 5), 0.25, 0.75),
        np.clip(1.05 - 2.6 * (period - 0.57) + 0.17 * draws.normal(key, 5), 0.35, 1.5),
    )
    return made(
        Kind.RR_LYRAE,
        key,
        *place,
        mag=_faint_end(key, 6, 13.8, 18.9, 0.14),
        g_minus_r=0.24 + 0.06 * draws.normal(key, 7) + (period - 0.5) * 0.3,
        r_minus_i=0.08 + 0.03 * draws.normal(key, 8),
        period=period,
        epoch=2458000.0 + period * draws.uniform(key, 9),
        amplitude=amplitude,
        shape=np.where(overtone, 1.0, 0.0),
    )


def _eclipsing(key: NDArray[np.uint64], *place: NDArray[np.float64]) -> Sources:
    """Return eclipsing binaries: contact (EW) 60%, detached (EA) 40%."""
    detached = draws.uniform(key, 3) < 0.4
    period = np.where(
        detached,
        10.0 ** draws.between(key, 4, -0.2, 1.1),
        np.clip(0.36 + 0.07 * draws.normal(key, 4), 0.22, 0.9),
    )
    depth = np.where(detached, draws.between(key, 5, 0.25, 0.85), draws.between(key, 5, 0.18, 0.55))
    color = np.clip(0.6 + 0.25 * draws.normal(key, 6), -0.1, 1.4)
    return made(
        Kind.ECLIPSING,
        key,
        *place,
        mag=_faint_end(key, 7, 13.4, 18.5, 0.13),
        g_minus_r=color,
        r_minus_i=0.42 * color - 0.03,
        period=period,
        epoch=2458000.0 + period * draws.uniform(key, 8),
        amplitude=-2.5 * np.log10(1.0 - depth),
        shape=np.where(detached, draws.between(key, 9, 0.012, 0.05), 0.0),
        slope=draws.between(key, 10, 0.25, 1.0),
    )


def _long_period(key: NDArray[np.uint64], *place: NDArray[np.float64]) -> Sources:
    """Return Miras and semiregular variables."""
    mira = draws.uniform(key, 3) < 0.25
    color = np.clip(1.45 + 0.15 * draws.normal(key, 4), 1.0, 2.1)
    return made(
        Kind.LONG_PERIOD,
        key,
        *place,
        mag=_faint_end(key, 5, 12.9, 18.0, 0.1),
        g_minus_r=color,
        r_minus_i=0.9 * color - 0.4,
        period=np.where(
            mira, draws.between(key, 6, 180.0, 480.0), 10.0 ** draws.between(key, 6, 1.5, 2.6)
        ),
        epoch=2458000.0 + 500.0 * draws.uniform(key, 7),
        amplitude=np.where(
            mira, draws.between(key, 8, 2.0, 4.5), 10.0 ** draws.between(key, 8, -0.9, 0.1)
        ),
        shape=draws.between(key, 9, 0.0, 0.35),
    )


def _agn(key: NDArray[np.uint64], *place: NDArray[np.float64]) -> Sources:
    """Return active galactic nuclei; damping times and sizes as in MacLeod et al. 2010."""
    redshift = 0.05 + 2.2 * draws.uniform(key, 3) ** 1.6
    return made(
        Kind.AGN,
        key,
        *place,
        mag=_faint_end(key, 4, 15.4, 19.6, 0.28),
        g_minus_r=0.28 + 0.18 * draws.normal(key, 5) + 0.25 * np.exp(-redshift / 0.2),
        r_minus_i=0.18 + 0.1 * draws.normal(key, 6),
        period=10.0 ** (2.3 + 0.35 * draws.normal(key, 7)) * (1.0 + redshift),
        amplitude=np.clip(10.0 ** (-0.72 + 0.22 * draws.normal(key, 8)), 0.05, 0.9),
        redshift=redshift,
    )


def _dwarf_nova(key: NDArray[np.uint64], *place: NDArray[np.float64]) -> Sources:
    """Return dwarf novae; recurrence and duration as in Otulakowska-Hypka et al. 2016."""
    amplitude = np.clip(3.4 + 0.9 * draws.normal(key, 3), 1.8, 6.5)
    peak = _faint_end(key, 4, 14.2, 19.0, 0.2)
    return made(
        Kind.DWARF_NOVA,
        key,
        *place,
        mag=peak,
        g_minus_r=0.02 + 0.08 * draws.normal(key, 5),
        r_minus_i=0.02 + 0.06 * draws.normal(key, 6),
        period=10.0 ** draws.between(key, 7, 1.35, 2.3),
        epoch=2458000.0 + 300.0 * draws.uniform(key, 8),
        amplitude=amplitude,
        shape=draws.between(key, 9, 2.0, 9.0),
        slope=draws.between(key, 10, 0.35, 0.9),
    )


def _dipole(key: NDArray[np.uint64], *place: NDArray[np.float64]) -> Sources:
    """Return stars that do not vary, whose subtraction now and then leaves a dipole."""
    color = np.clip(0.65 + 0.3 * draws.normal(key, 3), -0.2, 1.6)
    return made(
        Kind.DIPOLE,
        key,
        *place,
        mag=_faint_end(key, 4, 12.4, 16.9, 0.2),
        g_minus_r=color,
        r_minus_i=0.42 * color - 0.03,
        amplitude=draws.between(key, 5, 0.05, 0.22),
    )


def distance_modulus(redshift: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance modulus [mag] for H0 = 70 km/s/Mpc, q0 = -0.55 (small redshifts)."""
    distance = 299792.458 * redshift / 70.0 * (1.0 + 0.775 * redshift)
    return 5.0 * np.log10(distance) + 25.0


def _hosts(
    key: NDArray[np.uint64], redshift: NDArray[np.float64], salt: int
) -> dict[str, NDArray[np.float64]]:
    """Return host galaxies: magnitudes, and the supernova's place in an exponential disc."""
    absolute = -20.6 + 1.2 * np.abs(draws.normal(key, salt)) * np.where(
        draws.uniform(key, salt + 1) < 0.2, 2.2, 0.8
    )
    scale = 3.4 * 10.0 ** (-0.11 * (absolute + 20.6))  # kpc
    kpc = 206.265 / (299792.458 * redshift / 70.0) * 1.0  # arcsec in a kpc
    radius = -scale * np.log(draws.uniform(key, salt + 2) * draws.uniform(key, salt + 3)) * 0.75
    angle = 2.0 * np.pi * draws.uniform(key, salt + 4)
    return {
        "host_mag": absolute + distance_modulus(redshift),
        "host_east": radius * kpc * np.cos(angle),
        "host_north": radius * kpc * np.sin(angle),
    }


def _type_ia(
    key: NDArray[np.uint64],
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    start: NDArray[np.float64],
) -> Sources:
    """Return type Ia supernovae: stretch and colour as in Tripp 1998, A&A 331, 815."""
    redshift = 0.012 + 0.105 * draws.uniform(key, 4) ** (1.0 / 3.0)
    stretch = np.clip(0.98 + 0.09 * draws.normal(key, 5), 0.7, 1.2)
    color = 0.06 * draws.normal(key, 6) - 0.09 * np.log(draws.uniform(key, 7))
    peak = -19.25 - 1.5 * (stretch - 1.0) + 2.2 * color + 0.12 * draws.normal(key, 8)
    return made(
        Kind.SN_IA,
        key,
        ra,
        dec,
        mag=peak + distance_modulus(redshift),
        g_minus_r=color - 0.05,
        r_minus_i=-0.45 + 0.5 * color,
        epoch=start + 17.5 * stretch * (1.0 + redshift),
        shape=stretch,
        redshift=redshift,
        **_hosts(key, redshift, 30),
    )


def _type_ii(
    key: NDArray[np.uint64],
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    start: NDArray[np.float64],
) -> Sources:
    """Return type II supernovae: peaks, slopes and plateaus as in Anderson et al. 2014."""
    redshift = 0.006 + 0.058 * draws.uniform(key, 4) ** (1.0 / 3.0)
    slope = np.clip(1.2 + 0.9 * draws.normal(key, 5), 0.05, 3.5)
    peak = -16.9 - 0.35 * slope + 0.6 * draws.normal(key, 6)
    return made(
        Kind.SN_II,
        key,
        ra,
        dec,
        mag=peak + distance_modulus(redshift),
        g_minus_r=0.0 + 0.1 * np.abs(draws.normal(key, 7)),
        r_minus_i=0.0 + 0.05 * draws.normal(key, 8),
        epoch=start,
        shape=np.clip(88.0 + 12.0 * draws.normal(key, 9), 50.0, 120.0),
        slope=slope,
        redshift=redshift,
        **_hosts(key, redshift, 30),
    )


_PERMANENT = {
    Kind.RR_LYRAE: _rr_lyrae,
    Kind.ECLIPSING: _eclipsing,
    Kind.LONG_PERIOD: _long_period,
    Kind.AGN: _agn,
    Kind.DWARF_NOVA: _dwarf_nova,
    Kind.DIPOLE: _dipole,
}
