"""Epochs of one object as arrays, and what they mean."""

from __future__ import annotations

from dataclasses import dataclass, fields
from dataclasses import field as column
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from astropy.table import Table

Floats = NDArray[np.float64]

REFERENCE_RADIUS = 1.4
"""Distance within which the nearest source of the reference image is the source itself [arcsec]."""


def _is(doc: str, unit: str = "") -> dict[str, str]:
    """Return what tables and their readers are told of a column."""
    return {"doc": doc, "unit": unit}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LightCurve:
    """Epochs of one object in order of time: arrays of one length, NaN where there is no value.

    Indexing with a mask, a slice or row numbers gives the light curve of those epochs:
    ``curve[curve.kind == "detection"]``. `table` gives all of it with units and meanings.
    """

    object_id: str
    jd: Floats = column(metadata=_is("Julian date (UTC) at which the exposure began", "d"))
    fid: NDArray[np.int32] = column(metadata=_is("Filter: 1 is g, 2 is r, 3 is i"))
    kind: NDArray[np.str_] = column(
        metadata=_is("detection, limit (nothing was found) or forced (forced photometry)")
    )
    mag: Floats = column(
        metadata=_is(
            "Difference magnitude (AB): how much the source changed against the reference, "
            "without the sign; of forced photometry where it is significant; none for a limit",
            "mag",
        )
    )
    mag_err: Floats = column(metadata=_is("Standard error of mag", "mag"))
    limit: Floats = column(
        metadata=_is(
            "Five-sigma limit of the epoch's difference image: a bound, never a measurement",
            "mag",
        )
    )
    apparent_mag: Floats = column(
        metadata=_is(
            "Magnitude of the source itself: the reference source added to the difference; "
            f"only where a reference source lies within {REFERENCE_RADIUS} arcsec",
            "mag",
        )
    )
    apparent_mag_err: Floats = column(metadata=_is("Standard error of apparent_mag", "mag"))
    flux: Floats = column(
        metadata=_is(
            "Difference flux: negative where the source is fainter than the reference", "uJy"
        )
    )
    flux_err: Floats = column(metadata=_is("Standard error of flux", "uJy"))
    positive: NDArray[np.bool_] = column(
        metadata=_is("Whether the source is brighter than the reference; False for a limit")
    )
    candid: NDArray[np.int64] = column(
        metadata=_is("Number of the detection; 0 where there is none")
    )
    rb: Floats = column(
        metadata=_is("Real-bogus score of the detection, 0 to 1, where the alert tells it")
    )
    programid: NDArray[np.int32] = column(
        metadata=_is("Observing programme: 1 public, 2 partnership, 3 Caltech; 0 where unknown")
    )
    field: NDArray[np.int32] = column(metadata=_is("Field of the survey's grid; 0 where unknown"))

    def __len__(self) -> int:
        return len(self.jd)

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.integer[Any]] | slice) -> LightCurve:
        return LightCurve(
            self.object_id, **{name: values[rows] for name, values in self._columns().items()}
        )

    def __repr__(self) -> str:
        counts = ", ".join(
            f"{np.count_nonzero(self.kind == kind):,} {kind}{'' if kind == 'forced' else 's'}"
            for kind in ("detection", "limit", "forced")
        )
        span = f", jd {self.jd[0]:.5f} to {self.jd[-1]:.5f}" if len(self) else ""
        return f"LightCurve({self.object_id}: {counts}{span})"

    @property
    def snr(self) -> Floats:
        """Flux over its error: negative where the source is fainter than the reference."""
        with np.errstate(all="ignore"):
            return np.where(self.flux_err > 0, self.flux / self.flux_err, np.nan)

    @property
    def start(self) -> float:
        """Julian date of the first detection, else of the first epoch; NaN where there is none."""
        found = self.jd[self.kind == "detection"]
        dates = found if len(found) else self.jd
        return float(dates[0]) if len(dates) else float("nan")

    def phase(self, period: float) -> Floats:
        """Return the phase of each epoch, 0 to 1, which is zero at `start`.

        Parameters
        ----------
        period
            [d]
        """
        return np.asarray((self.jd - self.start) / period % 1.0)

    def table(self) -> Table:
        """Return the light curve as an astropy Table with units and descriptions.

        One row for each epoch, in order of time, with a column ``snr`` added; masked where there
        is no value. ``curve.table().write("curve.ecsv")`` makes a file of it.
        """
        try:
            from astropy.table import MaskedColumn, Table  # noqa: PLC0415 - of `lab`
        except ImportError:
            raise ImportError("tables need astropy: pip install 'ztfnb[lab]'") from None
        meanings = {one.name: one.metadata for one in fields(self)[1:]} | {"snr": _SNR}
        columns = []
        for name, values in (self._columns() | {"snr": self.snr}).items():
            missing = np.isnan(self.flux) if name == "positive" else _missing(values)
            columns.append(
                MaskedColumn(
                    values,
                    name,
                    mask=missing,
                    unit=meanings[name]["unit"] or None,
                    description=meanings[name]["doc"],
                )
            )
        return Table(columns, meta={"objectId": self.object_id})

    def _columns(self) -> dict[str, NDArray[Any]]:
        return {one.name: getattr(self, one.name) for one in fields(self)[1:]}


_SNR = _is("Flux over its error, signed as the flux")


def _missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where a column holds no value: NaN, or the 0 of numbers that are never 0."""
    missing: NDArray[np.bool_] = (
        np.isnan(values) if values.dtype.kind == "f" else values == values.dtype.type(0)
    )
    return missing
