"""Alerts of good quality."""

from __future__ import annotations

from typing import Annotated, Any

import ztfnb
from ztfnb.recipes.reading import known


@ztfnb.filter
def purity(
    alert: Any,
    *,
    rb_min: Annotated[float, (0.0, 1.0)] = 0.65,
    nbad_max: Annotated[int, (0, 25)] = 0,
    fwhm_max: Annotated[float, (1.0, 15.0)] = 5.0,
    elong_max: Annotated[float, (1.0, 3.0)] = 1.2,
    magdiff_max: Annotated[float, (0.0, 2.0)] = 0.1,
) -> bool:
    """Pass alerts that are likely real, from clean pixels, round and as sharp as a star.

    The recipe that the survey's own documentation gives, after tests by F. Masci:
    https://zwickytransientfacility.github.io/ztf-avro-alert/filtering.html

    Parameters
    ----------
    rb_min
        Real-bogus score, 0 to 1.
    nbad_max
        Bad pixels in a box of 5 x 5.
    fwhm_max
        Width [pixel].
    elong_max
        Ratio of the long to the short axis.
    magdiff_max
        Aperture minus PSF magnitude, either way [mag].
    """
    candidate = alert["candidate"]

    # A classifier looked at the stamps: most artefacts score low.
    rb = known(candidate, "rb")
    if rb is None or rb < rb_min:
        return False

    # Bad pixels under the source make its flux and shape worthless.
    nbad = known(candidate, "nbad")
    if nbad is None or nbad > nbad_max:
        return False

    # Wider than the seeing: a ghost, a satellite, badly subtracted galaxies.
    fwhm = known(candidate, "fwhm")
    if fwhm is None or fwhm > fwhm_max:
        return False

    # Longer than wide: a trail, a cosmic ray, half of a dipole.
    elong = known(candidate, "elong")
    if elong is None or elong > elong_max:
        return False

    # A point source has one magnitude, however it is measured.
    magdiff = known(candidate, "magdiff")
    return magdiff is not None and abs(magdiff) <= magdiff_max
