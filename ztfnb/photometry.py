"""The light curve of an object, from one of its alerts or from many."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from ztfnb.errors import DecodeError, SelectionError
from ztfnb.lightcurve import REFERENCE_RADIUS, Floats, LightCurve

__all__ = [
    "AB_ZERO_POINT",
    "FORCED_SIGNIFICANCE",
    "PIXEL_SCALE",
    "REFERENCE_RADIUS",
    "LightCurve",
    "photometry",
]

AB_ZERO_POINT = 23.9
"""AB magnitude of a source of 1 microjansky."""
PIXEL_SCALE = 1.012
"""Size of a ZTF pixel [arcsec]."""
FORCED_SIGNIFICANCE = 3.0
"""Signal-to-noise ratio from which a forced flux is also given as a magnitude."""

_MISSING = frozenset((-999.0, -99999.0))
_MAG_PER_RELATIVE_FLUX = 2.5 / math.log(10)
_SIGNS = {"t": 1.0, "1": 1.0, "f": -1.0, "0": -1.0}


def photometry(
    alerts: Mapping[str, Any] | Iterable[Mapping[str, Any]], *, as_of: float | None = None
) -> LightCurve:
    """Return the light curve that one alert, or several alerts of one object, hold.

    Each epoch appears once, however many alerts tell of it: a detection for each candid, a limit
    or a forced flux for each exposure and channel. Where alerts disagree, the newest is right, as
    forced photometry is computed anew for each alert; a detection's own alert is more precise
    than its copies in histories, and a detection takes the place of a limit of the same exposure.
    The order of the alerts does not matter.

    Parameters
    ----------
    alerts
        One ZTF alert, or several of one object: `Alert`, or any mapping of the packet's form.
        Fields that older schema versions do not have may be absent.
    as_of
        Julian date [d]; alerts and epochs later than this are left out, so that the light curve
        is what was known then.

    Raises
    ------
    SelectionError
        If the alerts are of several objects.
    DecodeError
        If an alert is not of the form of a ZTF packet.

    Notes
    -----
    A magnitude ``m`` is a flux of ``10 ** (0.4 * (23.9 - m))`` microjansky (AB), signed by
    ``isdiffpos``. A forced flux in DN becomes ``DN * 10 ** (0.4 * (23.9 - magzpsci))``, with the
    zero point of its own epoch (Masci et al. 2023, arXiv:2305.16279).

    The apparent magnitude is that of the sum of the signed difference flux and the flux of the
    nearest reference source (``magnr``), with the errors of the two added in quadrature, wherever
    that source is within 1.4 arcsec, as community brokers do (Foerster et al. 2021, AJ 161, 242,
    who subtract the error of the reference instead of adding it, so that theirs are
    smaller). It holds for a source that is itself in the reference image, as a variable star is,
    not for one in front of a galaxy.
    """
    told = _distinct([alerts] if isinstance(alerts, Mapping) else alerts, as_of)
    ids = sorted({str(alert.get("objectId", "")) for alert in told})
    if len(ids) > 1:
        listed = ", ".join(ids[:3]) + (", ..." if len(ids) > 3 else "")
        raise SelectionError(
            f"expected alerts of one object, got {len(ids)} objects ({listed}); "
            "choose those of one objectId first"
        )
    epochs = sorted(
        (epoch for epoch in _known(told) if as_of is None or epoch.jd <= as_of),
        key=lambda epoch: (epoch.jd, epoch.kind, epoch.fid, epoch.candid, epoch.pid),
    )
    return _light_curve(ids[0] if ids else "", epochs)


class _Epoch(NamedTuple):
    """One epoch as a packet tells of it."""

    kind: str
    jd: float
    fid: int
    pid: int
    programid: int
    candid: int
    mag: float
    mag_err: float
    limit: float
    sign: float
    dn: float
    """Forced flux in units of the image."""
    dn_err: float
    zero_point: float
    reference_mag: float
    reference_err: float
    reference_distance: float
    """[arcsec]"""
    rb: float
    field: int

    @property
    def exposure(self) -> tuple[float, int, int]:
        return (self.jd, self.fid, self.pid)


def _distinct(alerts: Iterable[Mapping[str, Any]], as_of: float | None) -> list[Mapping[str, Any]]:
    """Return each alert once, oldest first, without those that came later than ``as_of``."""
    dated: dict[tuple[float, int], Mapping[str, Any]] = {}
    for alert in alerts:
        candidate = alert.get("candidate")
        if not isinstance(candidate, Mapping):
            raise DecodeError(
                f"expected a record, got {type(candidate).__name__}: light curves are made from "
                "ZTF alerts",
                where="candidate",
            )
        jd = _required(candidate, "jd", "candidate")
        if as_of is None or jd <= as_of:
            dated[jd, int(_required(candidate, "candid", "candidate"))] = alert
    return [dated[key] for key in sorted(dated)]


def _known(alerts: Iterable[Mapping[str, Any]]) -> Iterator[_Epoch]:
    """Yield every epoch once; the alerts come oldest first, so the newest has the last word."""
    detections: dict[Any, _Epoch] = {}
    limits: dict[tuple[float, int, int], _Epoch] = {}
    forced: dict[tuple[float, int, int], _Epoch] = {}
    own: dict[Any, _Epoch] = {}
    for alert in alerts:
        for entry in _entries(alert, "prv_candidates"):
            epoch = _detected(entry, "prv_candidates")
            if epoch.kind == "limit":
                limits[epoch.exposure] = epoch
            else:
                detections[epoch.candid or epoch.exposure] = epoch
        for entry in _entries(alert, "fp_hists"):
            epoch = _forced(entry)
            forced[epoch.exposure] = epoch
        epoch = _detected(alert["candidate"], "candidate")
        own[epoch.candid] = epoch
    detections.update(own)
    found = {epoch.exposure for epoch in detections.values()}
    yield from detections.values()
    yield from (epoch for epoch in limits.values() if epoch.exposure not in found)
    yield from forced.values()


def _entries(alert: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    entries = alert.get(name) or ()
    if not isinstance(entries, list | tuple):
        raise DecodeError(f"expected an array, got {type(entries).__name__}", where=name)
    for entry in entries:
        if not isinstance(entry, Mapping):
            raise DecodeError(f"expected records, got {type(entry).__name__}", where=name)
        yield entry


def _detected(entry: Mapping[str, Any], where: str) -> _Epoch:
    """Read a candidate or an entry of its history."""
    mag = _number(entry, "magpsf", where)
    limit = _number(entry, "diffmaglim", where)
    distance = _number(entry, "distnr", where) * PIXEL_SCALE
    return _Epoch(
        kind="limit" if math.isnan(mag) and where != "candidate" else "detection",
        candid=int(entry.get("candid") or 0),
        mag=mag,
        mag_err=_number(entry, "sigmapsf", where),
        # A limit below zero is a failure of the pipeline: -1006.94 has been seen.
        limit=limit if limit > 0 else math.nan,
        sign=_SIGNS.get(str(entry.get("isdiffpos")), math.nan),
        dn=math.nan,
        dn_err=math.nan,
        zero_point=math.nan,
        reference_distance=distance,
        **_common(entry, where),
    )


def _forced(entry: Mapping[str, Any]) -> _Epoch:
    """Read an entry of the forced photometry."""
    where = "fp_hists"
    limit = _number(entry, "diffmaglim", where)
    return _Epoch(
        kind="forced",
        candid=0,
        mag=math.nan,
        mag_err=math.nan,
        limit=limit if limit > 0 else math.nan,
        sign=math.nan,
        dn=_number(entry, "forcediffimflux", where),
        dn_err=_number(entry, "forcediffimfluxunc", where),
        zero_point=_number(entry, "magzpsci", where),
        reference_distance=_number(entry, "distnr", where),
        **_common(entry, where),
    )


def _common(entry: Mapping[str, Any], where: str) -> dict[str, Any]:
    return {
        "jd": _required(entry, "jd", where),
        "fid": int(_required(entry, "fid", where)),
        "pid": int(entry.get("pid") or 0),
        "programid": int(entry.get("programid") or 0),
        "field": int(entry.get("field") or 0),
        "rb": _number(entry, "rb", where),
        "reference_mag": _number(entry, "magnr", where),
        "reference_err": _number(entry, "sigmagnr", where),
    }


def _number(entry: Mapping[str, Any], name: str, where: str) -> float:
    """Return a value, NaN where it is absent, null or one of the survey's words for missing."""
    value = entry.get(name)
    if value is None:
        return math.nan
    if not isinstance(value, int | float):
        raise DecodeError(f"expected a number, got {str(value)[:40]!r}", where=f"{where}.{name}")
    return math.nan if value in _MISSING else value


def _required(entry: Mapping[str, Any], name: str, where: str) -> float:
    value = entry.get(name)
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise DecodeError(f"expected a number, got {str(value)[:40]!r}", where=f"{where}.{name}")
    return value


def _light_curve(object_id: str, epochs: list[_Epoch]) -> LightCurve:
    """Turn epochs into arrays, with the quantities that follow from what they tell."""

    def floats(name: str) -> Floats:
        return np.array([getattr(epoch, name) for epoch in epochs], np.float64)

    kind = np.array([epoch.kind for epoch in epochs], "U9")
    mag, mag_err, zero_point = floats("mag"), floats("mag_err"), floats("zero_point")
    forced = kind == "forced"
    # Nothing here is a fault: logarithms of negative sums and the like become NaN on purpose.
    with np.errstate(all="ignore"):
        scale = _microjansky(zero_point)
        measured = _microjansky(mag)
        flux = np.where(forced, floats("dn") * scale, floats("sign") * measured)
        flux_err = np.where(
            forced, floats("dn_err") * scale, measured * mag_err / _MAG_PER_RELATIVE_FLUX
        )
        clear = forced & (np.abs(flux) >= FORCED_SIGNIFICANCE * flux_err)
        forced_mag, forced_err = _magnitude(np.abs(flux), flux_err)

        near = floats("reference_distance") < REFERENCE_RADIUS
        reference = np.where(near, _microjansky(floats("reference_mag")), np.nan)
        reference_err = reference * floats("reference_err") / _MAG_PER_RELATIVE_FLUX
        apparent_mag, apparent_err = _magnitude(reference + flux, np.hypot(reference_err, flux_err))
    return LightCurve(
        object_id=object_id,
        jd=floats("jd"),
        fid=np.array([epoch.fid for epoch in epochs], np.int32),
        kind=kind,
        mag=np.where(clear, forced_mag, mag),
        mag_err=np.where(clear, forced_err, mag_err),
        limit=floats("limit"),
        apparent_mag=apparent_mag,
        apparent_mag_err=apparent_err,
        flux=flux,
        flux_err=flux_err,
        positive=flux > 0,
        candid=np.array([epoch.candid for epoch in epochs], np.int64),
        rb=floats("rb"),
        programid=np.array([epoch.programid for epoch in epochs], np.int32),
        field=np.array([epoch.field for epoch in epochs], np.int32),
    )


def _microjansky(mag: Floats) -> Floats:
    return np.asarray(10.0 ** (0.4 * (AB_ZERO_POINT - mag)))


def _magnitude(flux: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Return magnitude and error; NaN where the flux is not positive."""
    flux = np.where(flux > 0, flux, np.nan)
    return AB_ZERO_POINT - 2.5 * np.log10(flux), _MAG_PER_RELATIVE_FLUX * error / flux
