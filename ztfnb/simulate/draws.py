"""Random numbers that are functions of what they belong to.

A survey that is looked at anywhere, in any order, must find the same value for the same star
and the same exposure. So nothing here has a state: a draw is a hash of a key (the object, the
exposure, both) and a salt (what is drawn). The hash is the finaliser of SplitMix64 (Steele, Lea
and Flood 2014, OOPSLA, "Fast splittable pseudorandom number generators").
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = 0xFFFFFFFFFFFFFFFF
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def _scrambled(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    values = (values ^ (values >> np.uint64(30))) * _FIRST
    values = (values ^ (values >> np.uint64(27))) * _SECOND
    return values ^ (values >> np.uint64(31))


def key_of(*parts: int | NDArray[np.uint64] | NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the key that belongs to ``parts``: integers, or integer arrays that broadcast.

    The order of the parts matters. The result has at least one dimension.
    """
    key = np.zeros(1, np.uint64)
    for position, part in enumerate(parts):
        if isinstance(part, int):
            part = np.array([part & _MASK], np.uint64)  # noqa: PLW2901  # one type below
        step = np.uint64((position + 1) * _GOLDEN & _MASK)
        key = _scrambled((key + step) ^ part.astype(np.uint64, copy=False))
    return key


def uniform(key: NDArray[np.uint64], salt: int) -> NDArray[np.float64]:
    """Return one number in (0, 1) for each key."""
    bits = _scrambled(key + np.uint64(salt * _GOLDEN & _MASK)) >> np.uint64(11)
    return (bits.astype(np.float64) + 0.5) * 2.0**-53


def between(key: NDArray[np.uint64], salt: int, low: float, high: float) -> NDArray[np.float64]:
    """Return one number between ``low`` and ``high`` for each key."""
    return low + (high - low) * uniform(key, salt)


def normal(key: NDArray[np.uint64], salt: int) -> NDArray[np.float64]:
    """Return one standard normal deviate for each key (Box and Muller 1958)."""
    radius = np.sqrt(-2.0 * np.log(uniform(key, salt)))
    angle: NDArray[np.float64] = np.cos(2.0 * np.pi * uniform(key, salt + 0x5EED))
    return radius * angle


def poisson(key: NDArray[np.uint64], salt: int, mean: float) -> int:
    """Return one Poisson count for the first key.

    Inversion for small means, the normal approximation above 50.
    """
    if mean <= 0.0:
        return 0
    if mean > 50.0:
        return max(0, round(mean + math.sqrt(mean) * float(normal(key[:1], salt)[0])))
    left = float(uniform(key[:1], salt)[0])
    chance = math.exp(-mean)
    count = 0
    while left > chance and count < 1000:
        left -= chance
        count += 1
        chance *= mean / count
    return count
