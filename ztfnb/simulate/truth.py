"""The truth behind simulated alerts, kept apart from the packets."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Truth:
    """What one simulated alert really shows. NaN where a class has no such parameter."""

    candid: int
    object_id: str
    source: int
    """Number of the object in the simulation; a moving one keeps it from alert to alert."""
    kind: str
    """Class, one of `ztfnb.simulate.KINDS`."""
    real: bool
    """Whether anything on the sky changed (False for artefacts)."""
    jd: float
    fid: int
    ra: float
    """True place at ``jd`` [deg]."""
    dec: float
    flux: float
    """True difference flux, without noise [microjansky], signed."""
    magnitude: float
    """The same as a magnitude, without its sign; NaN where nothing differs."""
    period: float = math.nan
    """Period of a variable or of an asteroid's turning, recurrence time of outbursts [day]."""
    epoch: float = math.nan
    """Julian date of phase zero: eclipse, reference phase; explosion of a type II supernova."""
    peak_jd: float = math.nan
    """Julian date of peak light (supernovae)."""
    peak_mag: float = math.nan
    """Magnitude in r at peak (supernovae), without noise."""
    redshift: float = math.nan
    amplitude: float = math.nan
    """Amplitude in g, peak to peak; depth of the deeper eclipse; rms for AGN [mag]."""
    stretch: float = math.nan
    """Stretch of a type Ia supernova."""
    timescale: float = math.nan
    """Damping time of an AGN, observed; length of a type II plateau in its own time [day]."""
    east_rate: float = math.nan
    """Motion of an asteroid towards East [arcsec/hour]."""
    north_rate: float = math.nan
    """Motion of an asteroid towards North [arcsec/hour]."""


def truth_table(truths: Iterable[Truth]) -> dict[str, NDArray[np.generic]]:
    """Return truths as columns: one array for each field of `Truth`, in the order given."""
    rows = list(truths)
    types = {"int": np.int64, "float": np.float64, "bool": np.bool_, "str": np.str_}
    return {
        column.name: np.array(
            [getattr(row, column.name) for row in rows], dtype=types[str(column.type)]
        )
        for column in fields(Truth)
    }


def write_truth(path: Path | str, truths: Iterable[Truth]) -> int:
    """Write truths to a CSV file with a header and return how many there were.

    Parameters that a class does not have are left empty.
    """
    names = [column.name for column in fields(Truth)]
    count = 0
    with open(path, "w", newline="", encoding="utf-8") as file:  # noqa: PTH123  # str or Path
        writer = csv.writer(file)
        writer.writerow(names)
        for truth in truths:
            values = [getattr(truth, name) for name in names]
            writer.writerow(["" if isinstance(v, float) and math.isnan(v) else v for v in values])
            count += 1
    return count
