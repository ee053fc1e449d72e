"""The survey's fields on the sky."""

from __future__ import annotations

import numpy as np
import pytest
from packets import needs_real_packets, real_files

import ztfnb
from ztfnb.footprint import HEIGHT, WIDTH, fields, outline
from ztfnb.simulate import geometry
from ztfnb.sky import separation


def test_fields_are_numbered_once_and_cover_the_survey() -> None:
    """Numbers ascend, and no place from -30 to 80 deg is farther from a field than its corner."""
    known = fields()
    assert (np.diff(known.number) > 0).all()
    ra, dec = np.meshgrid(np.arange(0, 360, 3.0), np.arange(-30, 80, 2.0))
    nearest = separation(ra.ravel()[:, None], dec.ravel()[:, None], known.ra, known.dec).min(axis=1)
    assert nearest.max() < np.hypot(WIDTH, HEIGHT) / 2


@pytest.mark.parametrize("field", [202, 468, 645, 869])
def test_an_outline_is_the_edge_of_the_camera(field: int) -> None:
    """Its corners lie on the outermost pixels of the detectors, and no pixel lies outside of it."""
    ring = outline(field, points=12)
    assert ring is not None
    ra, dec = ring
    assert (ra[0], dec[0]) == (ra[-1], dec[-1])
    known = fields()
    place = int(np.flatnonzero(known.number == field)[0])
    west, south = geometry.to_plane(ra, dec, float(known.ra[place]), float(known.dec[place]))
    corners = slice(0, 48, 12)
    assert (geometry.channel(west[corners] * 0.9995, south[corners] * 0.9995)[0] >= 0).all()
    assert (geometry.channel(west * 1.0005, south * 1.0005)[0] < 0).all()
    assert abs(known.dec[place] - dec).max() < np.hypot(WIDTH, HEIGHT) / 2


@pytest.mark.parametrize("field", [0, 201, 870, 1432, -999, 2**40])
def test_a_field_of_another_grid_has_no_outline(field: int) -> None:
    """Numbers that the primary grid does not have give nothing."""
    assert outline(field) is None


@needs_real_packets
def test_real_alerts_lie_inside_the_outline_of_their_field() -> None:
    """Alerts of the survey are at most a pointing error outside of the square drawn for them."""
    checked = 0
    for file in real_files("night-20181128/*.avro"):
        for alert in ztfnb.read(file):
            ring = outline(int(alert["candidate"].get("field") or 0))
            if ring is None:
                continue
            known = fields()
            place = int(np.searchsorted(known.number, alert["candidate"]["field"]))
            west, south = geometry.to_plane(
                np.array(alert.ra), np.array(alert.dec), known.ra[place], known.dec[place]
            )
            scale = geometry.PIXEL / 3600
            assert abs(west) * scale < WIDTH / 2 + 0.1
            assert abs(south) * scale < HEIGHT / 2 + 0.1
            checked += 1
    assert checked
