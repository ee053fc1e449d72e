"""One sample of simulated alerts for all claims about them."""

from __future__ import annotations

import numpy as np
import pytest
from simulate.nights import THIN, Made, exposed, night_of

from ztfnb.simulate.geometry import grid
from ztfnb.simulate.schedule import night_number


@pytest.fixture(scope="session")
def sample() -> list[Made]:
    """All alerts of some exposures, from all over the sky and the year."""
    made: list[Made] = []
    for day in ("2026-01-15", "2025-04-20", "2025-08-03"):
        visits = night_of(night_number(day))
        for row in range(7, len(visits), 45):
            made += exposed(visits, row)
        made += exposed(visits, int(np.flatnonzero(visits.programid == 2)[3]))
    return made


@pytest.fixture(scope="session")
def series() -> list[list[Made]]:
    """All alerts of one field, exposure by exposure, over 40 nights."""
    last = night_number("2026-01-15")
    tonight = night_of(last)
    public = tonight.index[tonight.programid == 1]
    # Near the ecliptic, where asteroids are.
    field = int(public[np.argmin(np.abs(grid().ecliptic_latitude[public]))])
    found = []
    for night in range(last - 40, last + 1):
        visits = night_of(night)
        found += [exposed(visits, int(row), THIN) for row in np.flatnonzero(visits.index == field)]
    return found
