"""Names of nightly topics, and the window of nights that is read.

ZADS writes each night's alerts to topics of their own, one for each programme, named by the UTC
date: ``ztf_20260115_programid1`` (programme 1 is public, 2 the partnership's, 3 Caltech's).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from ztfnb.errors import ConfigError

TEMPLATE = "ztf_{date}_programid{programid}"
PARTITIONS = 16
"""Partitions of each topic."""


def topic_name(night: date | str, programid: int = 1) -> str:
    """Return the topic of one night (a date, or ISO text such as ``"2026-01-15"``)."""
    if isinstance(night, str):
        try:
            night = date.fromisoformat(night)
        except ValueError:
            raise ConfigError(f"night: expected a date like 2026-01-15, got {night!r}") from None
    return TEMPLATE.format(date=night.strftime("%Y%m%d"), programid=programid)


def topic_night(topic: str) -> date | None:
    """Return the night that a topic's name speaks of; None where it names no date."""
    match = re.search(r"(?<!\d)(\d{4})(\d{2})(\d{2})(?!\d)", topic)
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class NightlyTopics:
    """The topics of the last few nights, which change at UTC midnight.

    Parameters
    ----------
    programids
        Programmes to read: any of 1, 2 and 3.
    nights
        How many nights, the present UTC date being one of them.
    template
        Name of a topic, with ``{date}`` (as ``20260115``) and, if it is so, ``{programid}``.

    Raises
    ------
    ConfigError
        If there would be no topic, or the template names no date.
    """

    programids: tuple[int, ...] = (1,)
    nights: int = 2
    template: str = TEMPLATE

    def __post_init__(self) -> None:
        if "{date}" not in self.template:
            raise ConfigError(f"template: expected {{date}} in it, got {self.template!r}")
        if self.nights < 1:
            raise ConfigError(f"nights: expected at least 1, got {self.nights}")
        if not self.programids or not set(self.programids) <= {1, 2, 3}:
            raise ConfigError(f"programids: expected some of 1, 2 and 3, got {self.programids}")
        try:
            self.names(0.0)
        except (LookupError, ValueError):
            raise ConfigError(
                f"template: expected no fields but {{date}} and {{programid}}, "
                f"got {self.template!r}"
            ) from None

    def names(self, now: float) -> tuple[str, ...]:
        """Return the topics of the window at Unix time ``now`` [s], oldest night first."""
        today = datetime.fromtimestamp(now, UTC).date()
        dates = [today - timedelta(days=back) for back in reversed(range(self.nights))]
        names = [
            self.template.format(date=night.strftime("%Y%m%d"), programid=programid)
            for night in dates
            for programid in self.programids
        ]
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class FixedTopics:
    """Topics that are always the same."""

    fixed: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.fixed or not all(self.fixed):
            raise ConfigError(f"topics: expected at least one name, got {self.fixed!r}")

    def names(self, now: float) -> tuple[str, ...]:  # noqa: ARG002 - as NightlyTopics has it
        """Return the topics."""
        return self.fixed


Topics = FixedTopics | NightlyTopics
