"""Names and numbers: candid, pid, file names, objectId."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ztfnb.simulate.schedule import NIGHT_ZERO, date_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NUMBERS = 48  # per exposure and detector, among the names that begin with "a"
_TICKS = 1000  # of 46 s, the least time between two exposures, from 1:23 UTC on
_NIGHTS = 367


def processing_id(
    night: NDArray[np.int64], jd: NDArray[np.float64], rcid: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return ``pid``: night, fraction of the day (5 digits), channel (2), and 15."""
    fraction = np.floor((jd - NIGHT_ZERO - night) * 1e5 + 1e-3).astype(np.int64)
    return night * 10**9 + fraction * 10**4 + rcid * 100 + 15


def candidate_id(
    pid: NDArray[np.int64], positive: NDArray[np.bool_], number: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return ``candid``: the pid, 10 or 15 for the sign of the subtraction, the number."""
    return pid * 10**6 + np.where(positive, 15000, 10000) + number


def reference_id(
    field: NDArray[np.int64], fid: NDArray[np.int64], rcid: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return ``rfid``, the number of the reference image."""
    return field * 10**6 + 120000 + fid * 100 + rcid


def image_names(
    night: NDArray[np.int64],
    jd: NDArray[np.float64],
    field: NDArray[np.int64],
    fid: NDArray[np.int64],
    rcid: NDArray[np.int64],
    *,
    archived: bool,
) -> list[str]:
    """Return ``pdiffimfilename``: bare in a candidate, with the archive's path in a history."""
    fraction = np.floor((jd - NIGHT_ZERO - night) * 1e6 - 11.0).astype(np.int64)
    names = []
    for night_, part, field_, fid_, rcid_ in zip(
        night.tolist(), fraction.tolist(), field.tolist(), fid.tolist(), rcid.tolist(), strict=True
    ):
        day = f"{date_of(night_):%Y%m%d}"
        name = (
            f"ztf_{day}{part:06d}_{field_:06d}_z{'-gri'[fid_]}_c{rcid_ // 4 + 1:02d}"
            f"_o_q{rcid_ % 4 + 1}_scimrefdiffimg.fits"
        )
        if archived:
            name = f"/ztf/archive/sci/{day[:4]}/{day[4:]}/{part:06d}/{name}.fz"
        names.append(name)
    return names


def object_names(
    night: NDArray[np.int64],
    jd: NDArray[np.float64],
    cell: NDArray[np.int64],
    number: NDArray[np.int64],
) -> list[str]:
    """Return ``objectId`` of objects first detected as ``number`` on a detector of an exposure.

    Names run through the year as the survey's do. Different first detections have different
    names: exposures are at least 46 s apart, and a number is held once on one detector.
    """
    tick = np.floor((jd - NIGHT_ZERO - night - 0.058) * 86400.0 / 46.0).astype(np.int64) % _TICKS
    names = []
    for night_, tick_, cell_, number_ in zip(
        night.tolist(), tick.tolist(), cell.tolist(), number.tolist(), strict=True
    ):
        date = date_of(night_)
        high, low = divmod(number_, _NUMBERS)
        sequence = (date.timetuple().tm_yday * _TICKS + tick_) * 16 + cell_
        sequence = (high * _NIGHTS * _TICKS * 16 + sequence) * _NUMBERS + low
        letters = []
        for _ in range(7):
            sequence, letter = divmod(sequence, 26)
            letters.append("abcdefghijklmnopqrstuvwxyz"[letter])
        names.append(f"ZTF{date:%y}{''.join(reversed(letters))}")
    return names
