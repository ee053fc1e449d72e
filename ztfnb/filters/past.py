"""Alerts as they were at a moment: without what became known later.

The history of a packet that was stored, or fetched again from a broker that adds to it, may reach
beyond the alert's own time. A filter that is tested on it must not see that.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, overload

from ztfnb.alert import MJD_TAI_ZERO, UNIX_EPOCH_JD, Alert
from ztfnb.binary import Record, Records
from ztfnb.schema import Schema
from ztfnb.source import parse_start

HISTORIES = {
    "prv_candidates": "jd",
    "fp_hists": "jd",
    "prvDiaSources": "midpointMjdTai",
    "prvDiaForcedSources": "midpointMjdTai",
    "prvDiaNondetectionLimits": "midpointMjdTai",
}
"""Lists of earlier epochs, of ZTF and of Rubin, with the field that says when each was."""


class PastAlert(Alert):
    """An alert whose history ends at a moment; it is like the alert in all else. See `as_of`."""

    __slots__ = ("_cut", "_jd", "_whole")

    def __init__(self, whole: Alert, jd: float) -> None:
        self._whole = whole
        self._jd = jd
        self._cut: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        value = self._whole[name]
        if name not in HISTORIES or value is None:
            return value
        if name not in self._cut:
            self._cut[name] = _cut(name, value, self._jd)
        return self._cut[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole)

    def __len__(self) -> int:
        return len(self._whole)

    def __contains__(self, name: object) -> bool:
        return name in self._whole

    def __eq__(self, other: object) -> bool:
        return dict(self) == dict(other) if isinstance(other, Mapping) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.candid)

    def __reduce__(self) -> tuple[Any, ...]:
        return PastAlert, (self._whole, self._jd)

    @property
    def asked(self) -> bool:
        """Whether it was asked for what is not at hand: see `ztfnb.rows`."""
        return bool(getattr(self._whole, "asked", False))

    @property
    def raw(self) -> bytes:
        """The packet's bytes as they came: they hold the whole history."""
        return self._whole.raw

    @property
    def schema(self) -> Schema:
        """The schema that the packet was written with."""
        return self._whole.schema

    @property
    def core(self) -> Record:
        """The record of the detection."""
        return self._whole.core

    @property
    def candid(self) -> int:
        """Identifier of the alert."""
        return self._whole.candid

    @property
    def object_id(self) -> str:
        """Identifier of the object."""
        return self._whole.object_id


@overload
def as_of(alert: Alert, jd: float | None = None) -> Alert: ...
@overload
def as_of(alert: Mapping[str, Any], jd: float | None = None) -> Mapping[str, Any]: ...
def as_of(alert: Mapping[str, Any], jd: float | None = None) -> Mapping[str, Any]:
    """Return an alert as it was at a moment: its history without later epochs.

    A history of which nothing is left is None, as in a packet that has none. Forced photometry
    and limits are cut as detections are; an epoch without a time is taken out.

    Parameters
    ----------
    alert
        An alert, or its dictionary, which stays as it is.
    jd
        Julian date (UTC) of the moment; the alert's own where None.
    """
    moment = jd_of(alert) if jd is None else jd
    if isinstance(alert, Alert):
        return PastAlert(alert, moment)
    return {
        name: value if name not in HISTORIES or value is None else _cut(name, value, moment)
        for name, value in alert.items()
    }


@dataclass(frozen=True, slots=True)
class Cut:
    """`as_of` with its moment: the alert's own where None."""

    jd: float | None = None

    def __call__(self, alert: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the alert as it was then."""
        return as_of(alert, self.jd)


def jd_of(alert: Mapping[str, Any]) -> float:
    """Return when an alert was observed, as `Alert.jd` has it; NaN where it does not say."""
    if isinstance(alert, Alert):
        return alert.jd
    core = alert.get("candidate") or alert.get("diaSource")
    if not isinstance(core, Mapping):
        return math.nan
    return _epoch(core, "jd") if "jd" in core else _epoch(core, "midpointMjdTai")


def moment_jd(moment: str | float | datetime) -> float:
    """Return the Julian date of a Julian date, ISO text (UTC) or `datetime`.

    Raises
    ------
    ConfigError
        If it is none of these.
    """
    if isinstance(moment, int | float) and not isinstance(moment, bool):
        return float(moment)
    return parse_start(moment).time / 86400 + UNIX_EPOCH_JD


def _cut(name: str, entries: Any, jd: float) -> Any:
    when = HISTORIES[name]
    past = [entry for entry in entries if _epoch(entry, when) <= jd]
    if len(past) == len(entries):
        return entries
    if not past:
        return None
    return Records(past) if isinstance(entries, Records) else past


def _epoch(entry: Mapping[str, Any], when: str) -> float:
    """Return the Julian date (UTC) of one epoch; NaN, which is never past, where it has none."""
    value = entry.get(when)
    if not isinstance(value, int | float):
        return math.nan
    return float(value) if when == "jd" else value + MJD_TAI_ZERO
