"""The survey: nights of alerts from one seed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from ztfnb import codec
from ztfnb.errors import ConfigError
from ztfnb.simulate import exposure, schedule
from ztfnb.simulate.schedule import EXPOSURE_TIME, date_of, night_number, unix_time
from ztfnb.simulate.world import Plan
from ztfnb.source import Packet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from ztfnb.simulate.truth import Truth

_FEWEST, _MOST = 1_000, 1_500_000


@dataclass(frozen=True, slots=True)
class SimulatedAlert:
    """One alert: as it travels, as it reads, and the truth behind it."""

    packet: bytes
    """The packet: an Avro container file with one record of schema 4.02."""
    alert: dict[str, Any]
    """The record that the packet holds."""
    truth: Truth
    timestamp: float
    """When it is sent: about 10 s after the exposure ended (Unix time [s])."""


@dataclass(frozen=True, slots=True)
class Survey:
    """A survey of the northern sky, made up entirely from a seed.

    The same seed gives the same bytes for the same night, in any process and however many
    alerts are taken. An object keeps its name, light curve and history from night to night.

    Parameters
    ----------
    seed
        Any integer.
    alerts_per_night
        About how many alerts an average night has, 1,000 to 1,500,000. It sets how many objects
        there are: surveys that differ in it differ in everything.

    Raises
    ------
    ConfigError
        If ``alerts_per_night`` is outside its range.
    """

    seed: int = 20181128
    alerts_per_night: int = 100_000

    def __post_init__(self) -> None:
        if not _FEWEST <= self.alerts_per_night <= _MOST:
            raise ConfigError(
                f"alerts_per_night: expected {_FEWEST:,} to {_MOST:,}, "
                f"got {self.alerts_per_night!r}"
            )

    def night(
        self, night: str | date, limit: int | None = None, *, programid: int | None = None
    ) -> Iterator[SimulatedAlert]:
        """Yield the alerts of one night, in order of time.

        Memory does not grow with the number of alerts.

        Parameters
        ----------
        night
            UTC date, such as ``"2026-01-15"``; from 2018-03-18 on.
        limit
            Stop after so many.
        programid
            Only alerts of this program: 1 public, 2 partnership.

        Raises
        ------
        ConfigError
            If the night is no date, or before the survey began.
        """
        number = night_number(night)
        return islice(self._alerts(number, programid), limit)

    def packets(
        self, night: str | date, limit: int | None = None, programid: int = 1
    ) -> Iterator[Packet]:
        """Yield the packets of one program's topic as Kafka would give them.

        The timestamp is when the alert was sent: about 10 s after the exposure ended.

        Raises
        ------
        ConfigError
            As `night`.
        """
        number = night_number(night)
        topic = f"ztf_{date_of(number):%Y%m%d}_programid{programid}"
        return (
            Packet(
                alert.packet,
                topic=topic,
                offset=offset,
                timestamp=alert.timestamp,
            )
            for offset, alert in enumerate(islice(self._alerts(number, programid), limit))
        )

    def _alerts(self, night: int, programid: int | None) -> Iterator[SimulatedAlert]:
        plan = Plan(self.seed, self.alerts_per_night)
        visits = schedule.visits_of_night(self.seed, night)
        for row in range(len(visits)):
            if programid is not None and visits.programid[row] != programid:
                continue
            for alert, truth in exposure.alerts(plan, visits.take(np.array([row]))):
                yield SimulatedAlert(codec.encode(alert, checked=False), alert, truth, _sent(truth))


def _sent(truth: Truth) -> float:
    """Return when an alert leaves the pipeline (Unix time [s]): one channel after the other."""
    channel, number = truth.candid // 10**8 % 100, truth.candid % 5000
    return round(unix_time(truth.jd) + EXPOSURE_TIME + 8.0 + channel / 16.0 + number * 1e-5, 3)
