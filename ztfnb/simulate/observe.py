"""What the camera measures of an object at a visit: flux with noise, and whether it is found.

Noise is a function of object and exposure, so that an alert's history shows what the earlier
alerts showed.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from ztfnb.simulate import draws, lightcurves
from ztfnb.simulate.sources import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ztfnb.simulate.schedule import Visits
    from ztfnb.simulate.sources import Sources

THRESHOLD = 5.0
"""Signal-to-noise from which a detection becomes an alert."""
RAW_THRESHOLD = 3.0
"""Signal-to-noise from which it counts in ``ndethist``."""
_DIPOLE_CHANCE = 0.22


@dataclass(frozen=True, slots=True)
class Observations:
    """One row for each look at one object; every array has one element for each."""

    object_row: NDArray[np.int64]
    visit_row: NDArray[np.int64]
    rcid: NDArray[np.int64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    """Place in the quadrant [pixels]."""
    zero_point: NDArray[np.float64]
    limit: NDArray[np.float64]
    """5-sigma limit of the quadrant's difference image [mag]."""
    true_flux: NDArray[np.float64]
    """Difference flux without noise [DN]."""
    flux: NDArray[np.float64]
    """As measured, signed [DN]."""
    sigma: NDArray[np.float64]
    """Its uncertainty [DN]."""
    found: NDArray[np.bool_]
    """Whether the pipeline made an alert of it."""

    def __len__(self) -> int:
        return len(self.flux)

    @property
    def snr(self) -> NDArray[np.float64]:
        """Signal-to-noise of the measured flux, positive or negative alike."""
        return np.abs(self.flux) / self.sigma

    def take(self, which: NDArray[np.int64] | NDArray[np.bool_]) -> Observations:
        """Return some of the rows."""
        return Observations(*(getattr(self, column.name)[which] for column in fields(self)))

    def taking_found(self) -> Observations:
        """Return the rows of which the pipeline made alerts."""
        return self.take(np.flatnonzero(self.found))


def flux_error(
    flux: NDArray[np.float64], limit_flux: NDArray[np.float64], under: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the uncertainty of a difference flux, in the unit of the fluxes.

    ``limit_flux`` is the flux at the 5-sigma limit and ``under`` that of the star beneath. Fitted
    to ``sigmapsf`` of real alerts: 0.19 mag at the limit, 0.11 mag 1.25 mag above it, 0.05 mag
    3 mag above it, more on top of bright stars.
    """
    brightness = np.abs(flux) / limit_flux
    variance = 0.165**2 + 0.019 * brightness + (0.02 * brightness) ** 2
    return np.sqrt(limit_flux**2 * variance + (0.008 * under) ** 2)


def observe(
    objects: Sources,
    object_row: NDArray[np.int64],
    visits: Visits,
    visit_row: NDArray[np.int64],
    *,
    place: tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]],
    present: NDArray[np.bool_] | None = None,
) -> Observations:
    """Look at ``objects[object_row]`` in ``visits[visit_row]``.

    Parameters
    ----------
    place
        Channel, x and y of each look.
    present
        Where False, the object is elsewhere at that time and only noise is measured.
    """
    rcid, x, y = place
    exposure = visits.key[visit_row]
    quadrant = draws.key_of(exposure, rcid)
    steady = draws.key_of(77, rcid)
    zero_point = (
        visits.zero_point[visit_row]
        + draws.between(steady, 1, -0.09, 0.09)
        + draws.between(quadrant, 2, -0.03, 0.03)
    )
    limit = (
        visits.limit[visit_row]
        + draws.between(steady, 3, -0.12, 0.12)
        + draws.between(quadrant, 4, -0.08, 0.08)
    )
    fid = visits.fid[visit_row]
    look = draws.key_of(exposure, objects.key[object_row])
    limit_flux = 10.0 ** (0.4 * (zero_point - limit))
    to_dn = 10.0 ** (0.4 * (zero_point - lightcurves.AB_ZERO))
    true_flux = to_dn * lightcurves.difference_flux(objects, object_row, visits.jd[visit_row], fid)
    true_flux += limit_flux * _artefact(objects.kind[object_row], look)
    if present is not None:
        true_flux = np.where(present, true_flux, 0.0)
    under = to_dn * _under(objects, object_row, fid)
    noise = np.clip(draws.normal(look, 5), -4.5, 4.5)
    flux = true_flux + noise * flux_error(true_flux, limit_flux, under)
    sigma = flux_error(flux, limit_flux, under)
    # A few are lost to masks and to cuts on their shape.
    kept = draws.uniform(look, 6) > 0.1
    return Observations(
        object_row=object_row,
        visit_row=visit_row,
        rcid=rcid,
        x=x,
        y=y,
        zero_point=zero_point,
        limit=limit,
        true_flux=true_flux,
        flux=flux,
        sigma=sigma,
        found=(np.abs(flux) >= THRESHOLD * sigma) & kept,
    )


def _under(
    objects: Sources, object_row: NDArray[np.int64], fid: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the flux [microjansky] of the object itself in the reference image."""
    by_filter = np.stack(
        [lightcurves.reference_flux(objects, np.full(len(objects), number)) for number in (1, 2, 3)]
    )
    under: NDArray[np.float64] = by_filter[fid - 1, object_row]
    return under


def _artefact(kind: NDArray[np.int64], look: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return what an artefact leaves, in units of the flux at the limit, signed."""
    left = np.zeros(len(kind))
    which = np.flatnonzero(kind >= Kind.DIPOLE)
    key = look[which]
    size = 10.0 ** (-0.4 * 1.35 * np.log(draws.uniform(key, 11)))
    # A dipole has both signs; what falls on a detector adds light, mostly.
    adds = np.where(kind[which] == Kind.DIPOLE, 0.5, 0.9)
    sign = np.where(draws.uniform(key, 12) < adds, 1.0, -1.0)
    happens = (kind[which] != Kind.DIPOLE) | (draws.uniform(key, 13) < _DIPOLE_CHANCE)
    left[which] = np.where(happens, 1.15 * sign * np.minimum(size, 90.0), 0.0)
    return left
