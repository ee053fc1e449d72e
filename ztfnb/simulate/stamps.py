"""Stamps: 63 x 63 pixels of the science image, the template and their difference.

The template holds the catalogued surroundings, the science image adds what changed, and the
difference is one minus the other. Row 0 is north, column 0 east, as the camera reads.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ztfnb.simulate.geometry import HEIGHT, PIXEL, WIDTH
from ztfnb.simulate.sources import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]

SIDE = 63
_HALF = SIDE // 2
_GAIN = 6.2  # electrons for 1 DN
_SATURATED = 52000.0  # DN
_REDONE = 0.22  # noise of the difference that neither image shows, in units of the sky's

# The point-spread function is a core and two wings: share of the flux, width.
_CORE = ((0.86, 1.0), (0.12, 2.0), (0.02, 4.5))
# An exponential disc as a sum of Gaussians (after Hogg and Lang 2013, PASP 125, 719): share of
# the flux, width in half-light radii.
_DISC = ((0.09, 0.22), (0.30, 0.52), (0.41, 0.95), (0.20, 1.55))


@dataclass(frozen=True, slots=True)
class Scene:
    """What one set of stamps shows; places in pixels from the middle of the middle pixel."""

    x: NDArray[np.float64]
    """Where the surrounding sources are (towards West)."""
    y: NDArray[np.float64]
    """Where they are (towards South)."""
    flux: NDArray[np.float64]
    """Their fluxes in the template [DN]."""
    radius: NDArray[np.float64]
    """Their half-light radii [pixels], 0 for stars."""
    tilt: float
    """Direction of the long axis of galaxies [rad]."""
    misfit: float
    """Direction in which the two images are shifted against each other [rad]."""
    change: float
    """Difference flux at the middle [DN], signed."""
    change_x: float
    change_y: float
    kind: int
    sky: float
    """Background [DN]."""
    noise: float
    """Noise of a pixel of the science image's background [DN]."""
    seeing: float
    """Full width at half maximum [pixels]."""
    column: int
    """Column of the quadrant (1-3072) on which the middle pixel lies."""
    row: int
    """Row (1-3080)."""
    strips: tuple[float, float, float, float]
    """Widths without data at the quadrant's left, right, top and bottom edges [pixels]."""
    patch: float
    """Below 0.03 a small block of pixels is flagged; above 0.88 the template has all its strips."""


def _gaussians(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    flux: NDArray[np.float64],
    width: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Add round Gaussians; the sum over all is one product of two matrices."""
    pixel = np.arange(-_HALF, _HALF + 1.0)
    scale = 1.0 / (2.0 * width**2)
    across = np.exp(-((pixel[:, None] - x) ** 2) * scale)
    along = np.exp(-((pixel[:, None] - y) ** 2) * scale) * (flux * scale / np.pi)
    image: NDArray[np.float64] = along @ across.T
    return image


def _disc(
    place: tuple[float, float], flux: float, radius: float, *, tilt: float, seeing: float
) -> NDArray[np.float64]:
    """Return an inclined exponential disc seen through the atmosphere."""
    x, y = place
    pixel = np.arange(-_HALF, _HALF + 1.0)
    cosine, sine = np.cos(tilt), np.sin(tilt)
    along = cosine * (pixel[None, :] - x) + sine * (pixel[:, None] - y)
    across = cosine * (pixel[:, None] - y) - sine * (pixel[None, :] - x)
    axis_ratio = 0.35 + 0.6 * abs(np.cos(3.0 * tilt))
    blur = (seeing / 2.3548) ** 2
    image = np.zeros((SIDE, SIDE))
    for share, width in _DISC:
        major = (width * radius) ** 2 + blur
        minor = (width * radius * axis_ratio) ** 2 + blur
        shape = np.exp(-0.5 * (along**2 / major + across**2 / minor))
        image += share * flux / (2.0 * np.pi * np.sqrt(major * minor)) * shape
    return image


def _standing(scene: Scene) -> NDArray[np.float64]:
    """Return the surrounding sources [DN]."""
    sigma = scene.seeing / 2.3548
    near = (np.abs(scene.x) < SIDE) & (np.abs(scene.y) < SIDE)
    big = near & (scene.radius > 0.9) & (scene.flux > 40.0 * scene.noise)
    small = np.flatnonzero(near & ~big)
    width = np.sqrt(sigma**2 + (0.85 * scene.radius[small]) ** 2)
    parts = [
        (scene.x[small], scene.y[small], share * scene.flux[small], factor * width)
        for share, factor in _CORE
    ]
    image = _gaussians(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    for place in np.flatnonzero(big):
        image += _disc(
            (float(scene.x[place]), float(scene.y[place])),
            float(scene.flux[place]),
            float(scene.radius[place]),
            tilt=scene.tilt + float(place),
            seeing=scene.seeing,
        )
    return image


def _changed(scene: Scene) -> NDArray[np.float64]:
    """Return what the science image has and the template lacks [DN]."""
    sigma = scene.seeing / 2.3548
    x, y = scene.change_x, scene.change_y
    flux = scene.change
    if scene.kind == Kind.HOT_PIXEL:
        image = np.zeros((SIDE, SIDE))
        image[_HALF, _HALF] = 0.6 * flux
        image[_HALF, _HALF + 1] = 0.2 * flux
        image[_HALF + 1, _HALF] = 0.12 * flux
        image[_HALF + 1, _HALF + 1] = 0.08 * flux
        return image
    if scene.kind == Kind.BAD_COLUMN:
        image = np.zeros((SIDE, SIDE))
        start = int(_HALF * (1.0 + np.sin(scene.tilt * 7.0)) * 0.9)
        uneven = 1.0 + 0.35 * np.sin(1.7 * np.arange(SIDE - start) + scene.tilt)
        image[start:, _HALF] = flux / 9.0 * uneven
        image[start:, _HALF + 1] = -flux / 20.0
        return image
    if scene.kind == Kind.DIPOLE:
        shift = 0.62 * scene.seeing
        lobes = np.array([flux, -0.92 * flux])
        places = np.array([0.0, shift])
        return _points(
            x + places * np.cos(scene.tilt), y + places * np.sin(scene.tilt), 1.6 * lobes, sigma
        )
    if scene.kind == Kind.EDGE:
        # Light that piles up along the edge: a short streak beside it.
        along = np.arange(-5.0, 6.0)
        weight = np.exp(-0.5 * (along / 2.4) ** 2)
        upright = min(scene.column, WIDTH - scene.column) < min(scene.row, HEIGHT - scene.row)
        zero = np.zeros(len(along))
        return _points(
            x + (zero if upright else along),
            y + (along if upright else zero),
            flux * weight / weight.sum(),
            0.7 * sigma,
        )
    return _points(np.array([x]), np.array([y]), np.array([flux]), sigma)


def _points(
    x: NDArray[np.float64], y: NDArray[np.float64], flux: NDArray[np.float64], sigma: float
) -> NDArray[np.float64]:
    """Return point sources with core and wing."""
    shares = np.repeat([share for share, _ in _CORE], len(x))
    widths = np.repeat([factor * sigma for _, factor in _CORE], len(x))
    repeat = len(_CORE)
    return _gaussians(
        np.tile(x, repeat), np.tile(y, repeat), shares * np.tile(flux, repeat), widths
    )


def images(scene: Scene, noise: Image) -> tuple[Image, Image, Image]:
    """Return science, template and difference (science - template) [DN].

    Parameters
    ----------
    noise
        Standard normal deviates, (3, 63, 63).
    """
    standing = _standing(scene)
    change = _changed(scene)
    template_noise = 0.2 * scene.noise
    # Bright sources subtract to a percent, not to nothing: the images fit to 0.03 pixels.
    uneven = 0.015 * standing
    along, across = np.gradient(standing)
    misfit = 0.03 * (np.cos(scene.misfit) * across + np.sin(scene.misfit) * along)
    spread = np.sqrt(
        scene.noise**2 - template_noise**2 + np.maximum(standing + change, 0.0) / _GAIN + uneven**2
    )
    template = scene.sky + standing + template_noise * noise[1]
    science = template + change + misfit + spread * noise[0]
    difference = science - template + _REDONE * scene.noise * noise[2]
    template = np.minimum(template, _SATURATED)
    science = np.minimum(science, _SATURATED)
    stack = [image.astype(np.float32) for image in (science, template, difference)]
    return _masked(scene, stack)


def _masked(scene: Scene, stack: list[Image]) -> tuple[Image, Image, Image]:
    """Cut stamps at the quadrant's edges and take out pixels without data."""
    first_column, first_row = scene.column - _HALF, scene.row - _HALF
    columns = np.arange(first_column, first_column + SIDE)
    rows = np.arange(first_row, first_row + SIDE)
    left, right, top, bottom = scene.strips
    empty_columns = (columns <= left) | (columns > WIDTH - right)
    empty_rows = (rows <= top) | (rows > HEIGHT - bottom)
    if empty_columns.any() or empty_rows.any():
        for image in stack if scene.patch < 0.88 else stack[::2]:
            image[empty_rows] = np.nan
            image[:, empty_columns] = np.nan
    if scene.patch < 0.03:
        # Away from the middle, where the source is.
        corner = 5 + int(scene.patch / 0.03 * 12.0)
        for image in stack:
            image[corner : corner + 8, 62 - corner - 7 : 62 - corner + 1] = np.nan
    inside = np.ix_(
        np.flatnonzero((rows >= 1) & (rows <= HEIGHT)),
        np.flatnonzero((columns >= 1) & (columns <= WIDTH)),
    )
    if len(inside[0]) < SIDE or inside[1].shape[1] < SIDE:
        stack = [image[inside] for image in stack]
    return stack[0], stack[1], stack[2]


@lru_cache(maxsize=64)
def _header(width: int, height: int) -> bytes:
    """Return the FITS header as the survey's own stamps have it: almost empty."""
    cards = (
        "SIMPLE  =  T",
        f"BITPIX  = {-32:20d}",
        f"NAXIS   = {2:20d}",
        f"NAXIS1  = {width:20d}",
        f"NAXIS2  = {height:20d}",
        "BUNIT   = 'DN      '",
        "END",
    )
    return b"".join(card.ljust(80).encode("ascii") for card in cards).ljust(2880)


def packed(image: Image, unix_time: int) -> bytes:
    """Return an image as gzipped FITS; the gzip header tells ``unix_time`` as its time [s]."""
    height, width = image.shape
    data = _header(width, height) + image.astype(">f4").tobytes()
    data += bytes(-len(data) % 2880)
    # Run-length matching is three times as fast as looking for matches, and noise has none.
    deflate = zlib.compressobj(1, zlib.DEFLATED, -15, 8, zlib.Z_RLE)
    body = deflate.compress(data) + deflate.flush()
    head = b"\x1f\x8b\x08\x00" + struct.pack("<I", unix_time) + b"\x02\x03"
    return head + body + struct.pack("<II", zlib.crc32(data), len(data))


def to_pixels(arcsec: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return offsets in pixels; East and North point to smaller x and y."""
    return -arcsec / PIXEL
