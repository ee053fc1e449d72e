"""When the survey looks where, in which filter, and how well.

Every exposure is a closed formula of (field, night), so that all visits of one field since the
survey began are found at once, and one night's exposures of all fields too, and both agree.

A field has its turn at a fixed sidereal time; the whole night is shifted by up to 2.5 hours from
one night to the next. Each public field is visited every second night, in g and in r, 50 minutes
apart (the public survey's cadence: Bellm et al. 2019, PASP 131, 068003); on some of the other
nights the partnership uses its turn, with i as well.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import numpy as np

from ztfnb.errors import ConfigError
from ztfnb.simulate import draws
from ztfnb.simulate.geometry import grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXPOSURE_TIME = 30.0
FIRST_NIGHT = 441
"""Night number of 2018-03-18, the first of the public survey."""
NIGHT_ZERO = 2457754.5
"""Julian date at which night number 0 (2017-01-01 UTC) begins; the survey counts so."""
_LONGITUDE, _LATITUDE = -116.8597, 33.3563  # Palomar [deg]
_SIDEREAL_RATE = 360.98564736629  # Earth's turn [deg/day]
_TURNS_LATER = 29  # turns (of 103 s) between the two visits of a field
_LATER = 48.0  # second visits use the second half of a turn [s]
_TURN_LOST, _SKIPPED, _PARTNER = 11, 12, 13
_VISIT = 20


@dataclass(frozen=True, slots=True)
class Visits:
    """Exposures, one element each in every array, in order of time."""

    key: NDArray[np.uint64]
    index: NDArray[np.int64]
    """Index of the field in the grid."""
    night: NDArray[np.int64]
    jd: NDArray[np.float64]
    """Start of the exposure (Julian date, UTC)."""
    fid: NDArray[np.int64]
    programid: NDArray[np.int64]
    slot: NDArray[np.int64]
    """Place in the night: unique among the exposures of one night."""
    seeing: NDArray[np.float64]
    """Full width at half maximum [pixels]."""
    zero_point: NDArray[np.float64]
    """Magnitude of a source that gives 1 DN."""
    limit: NDArray[np.float64]
    """5-sigma limiting magnitude of the difference image."""
    cloud: NDArray[np.float64]
    """Extinction by cloud [mag]."""
    dither_x: NDArray[np.float64]
    dither_y: NDArray[np.float64]
    """Pointing error [pixels]."""

    def __len__(self) -> int:
        return len(self.key)

    def take(self, which: NDArray[np.int64] | NDArray[np.bool_]) -> Visits:
        """Return some of the exposures."""
        return Visits(*(getattr(self, column.name)[which] for column in fields(self)))

    @staticmethod
    def joined(parts: list[Visits]) -> Visits:
        """Return all exposures of several lists, one after another."""
        return Visits(
            *(
                np.concatenate([getattr(part, column.name) for part in parts])
                for column in fields(Visits)
            )
        )


def night_number(night: str | date) -> int:
    """Return the number of the night that ends on a UTC date.

    Raises
    ------
    ConfigError
        If it is no date, or one before the survey began.
    """
    try:
        day = night if isinstance(night, date) else date.fromisoformat(night)
    except ValueError as error:
        raise ConfigError(
            f"night: expected a UTC date such as '2026-01-15', got {night!r}"
        ) from error
    number = day.toordinal() - date(2017, 1, 1).toordinal()
    if number < FIRST_NIGHT:
        raise ConfigError(f"night: the survey began on 2018-03-18, got {day.isoformat()}")
    return number


def date_of(night: int) -> date:
    """Return the UTC date of a night number."""
    return date.fromordinal(date(2017, 1, 1).toordinal() + night)


def unix_time(jd: float) -> float:
    """Return the Unix time [s] of a Julian date."""
    return (jd - 2440587.5) * 86400.0


def iso_time(jd: float) -> str:
    """Return a Julian date as an ISO 8601 time."""
    return datetime.fromtimestamp(unix_time(jd), UTC).isoformat(timespec="seconds")


def _dark_hours(night: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return half of the time [day] that the Sun is lower than 14 deg below the horizon."""
    sun = np.radians(23.44 * np.sin(2.0 * np.pi * (night - 79.5) / 365.2422))
    site = np.radians(_LATITUDE)
    cosine = (np.sin(np.radians(-14.0)) - np.sin(site) * np.sin(sun)) / (np.cos(site) * np.cos(sun))
    half: NDArray[np.float64] = 0.5 - np.degrees(np.arccos(cosine)) / 360.0
    return half


def _turn(
    rank: NDArray[np.int64], night: NDArray[np.int64], shift: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the part of the UTC day at which a turn comes [day]."""
    start = NIGHT_ZERO + night
    sidereal = 280.46061837 + _SIDEREAL_RATE * (start - 2451545.0) + _LONGITUDE
    turn = rank * (360.0 / len(grid()))
    part: NDArray[np.float64] = ((turn + shift - sidereal) % 360.0) / _SIDEREAL_RATE
    return part


def _visits(seed: int, index: NDArray[np.int64], night: NDArray[np.int64]) -> Visits:
    """Return the exposures among all (field, night) pairs given, unsorted."""
    sky = grid()
    rank = sky.rank[index]
    night_key = draws.key_of(seed, 1, night)
    shift = draws.between(night_key, 1, -37.5, 37.5)
    lost = 0.08 + 0.5 * draws.uniform(night_key, 2) ** 3
    pair = draws.key_of(seed, 2, index, night)
    block = draws.key_of(seed, 3, rank // 24, night)
    clear = (draws.uniform(block, _TURN_LOST) > lost) & (draws.uniform(pair, _SKIPPED) > 0.06)
    phase = (draws.uniform(draws.key_of(seed, 4, index), 0) < 0.5).astype(np.int64)
    public = (night + phase) % 2 == 0
    partner = ~public & (draws.uniform(pair, _PARTNER) < 0.25)
    half = _dark_hours(night)
    middle = -_LONGITUDE / 360.0
    found = []
    green_first = draws.uniform(pair, 14) < 0.5
    for visit in (0, 1):
        part = _turn(rank + visit * _TURNS_LATER, night, shift) + visit * _LATER / 86400.0
        observed = clear & (np.abs(part - middle) < half) & (night >= FIRST_NIGHT)
        observed &= public | partner if visit == 0 else public
        which = np.flatnonzero(observed)
        first = green_first[which] if visit == 0 else ~green_first[which]
        choice = draws.uniform(pair[which], 15)
        partner_fid = np.where(choice < 0.5, 3, np.where(choice < 0.75, 1, 2))
        fid = np.where(public[which], np.where(first, 1, 2), partner_fid)
        # Clocks tick in whole seconds and start anywhere within the turn's first two.
        jitter = np.floor(draws.between(pair[which], _VISIT + visit, 0.0, 3.0))
        seconds = np.floor(part[which] * 86400.0) + jitter
        found.append(
            _with_conditions(
                seed,
                index=index[which],
                night=night[which],
                jd=np.round(NIGHT_ZERO + night[which] + seconds / 86400.0, 7),
                fid=fid,
                programid=np.where(public[which], 1, 2),
                slot=(rank[which] + visit * _TURNS_LATER) * 2 + visit,
            )
        )
    return Visits.joined(found)


def _with_conditions(
    seed: int,
    *,
    index: NDArray[np.int64],
    night: NDArray[np.int64],
    jd: NDArray[np.float64],
    fid: NDArray[np.int64],
    programid: NDArray[np.int64],
    slot: NDArray[np.int64],
) -> Visits:
    """Add what the sky was like.

    Depths are the survey's: 5-sigma limits of about 20.8, 20.6 and 19.9 in g, r and i under a
    dark sky with 2 arcsec seeing (Bellm et al. 2019), about 1 mag less in g near full Moon.
    """
    key = draws.key_of(seed, 5, index, night, slot)
    tonight = draws.key_of(seed, 6, night)
    hour = draws.key_of(seed, 7, night, slot // 60)
    seeing = 1.95 * np.exp(
        0.13 * draws.normal(tonight, 1) + 0.07 * draws.normal(hour, 2) + 0.05 * draws.normal(key, 3)
    )
    seeing *= np.array([1.0, 1.06, 1.0, 0.95])[fid]
    age = (NIGHT_ZERO + night - 2451550.1) / 29.530588853  # New Moon of 2000-01-06
    moon = (0.5 - 0.5 * np.cos(2.0 * np.pi * age)) ** 2.5
    is_up = draws.uniform(draws.key_of(seed, 8, night, slot // 500), 4) < 0.6
    murk = np.where(draws.uniform(tonight, 5) < 0.3, 0.35, 0.03)
    cloud = -murk * np.log(draws.uniform(hour, 6)) * draws.between(key, 7, 0.7, 1.3)
    cloud = np.minimum(cloud, 2.2)
    zero_point = np.array([0.0, 26.28, 26.30, 25.65])[fid] + 0.03 * draws.normal(key, 8) - cloud
    limit = (
        np.array([0.0, 20.80, 20.62, 20.0])[fid]
        - np.array([0.0, 1.15, 0.75, 0.35])[fid] * moon * is_up
        - 1.1 * cloud
        - 2.0 * np.log10(seeing / 1.95)
        + 0.07 * draws.normal(key, 9)
    )
    return Visits(
        key=key,
        index=index,
        night=night,
        jd=jd,
        fid=fid,
        programid=programid,
        slot=slot,
        seeing=seeing,
        zero_point=zero_point,
        limit=limit,
        cloud=cloud,
        dither_x=14.0 * draws.normal(key, 10),
        dither_y=14.0 * draws.normal(key, 11),
    )


def visits_of_night(seed: int, night: int) -> Visits:
    """Return every exposure of one night, in order of time."""
    index = np.arange(len(grid()))
    visits = _visits(seed, index, np.full(len(index), night))
    return visits.take(np.argsort(visits.jd, kind="stable"))


def visits_of_field(seed: int, index: int, last_night: int) -> Visits:
    """Return every exposure of one field from the survey's beginning to ``last_night``."""
    night = np.arange(FIRST_NIGHT, last_night + 1)
    visits = _visits(seed, np.full(len(night), index), night)
    return visits.take(np.argsort(visits.jd, kind="stable"))
