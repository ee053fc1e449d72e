"""The other alerts of an object: when they were, and those that take no time to get."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter

from ztfnb.alert import BANDS, Alert
from ztfnb.snapshot import Snapshot

Epoch = tuple[int, float, str]
"""candid, jd and band of an alert."""
MOST = 30
"""Alerts that a light curve is made of at most: the newest."""


def epochs_of(held: Snapshot, object_id: str) -> list[Epoch]:
    """Return the alerts of an object that are held, in order of time."""
    rows = held.select(object_id=object_id)
    if not len(rows):
        return []
    columns = (held.column(name, rows).tolist() for name in ("candid", "jd", "fid"))
    found = [(candid, jd, BANDS.get(fid, "")) for candid, jd, fid in zip(*columns, strict=True)]
    return sorted(found, key=itemgetter(1))


def companions_of(
    alert: Alert, epochs: Sequence[Epoch], at_hand: Callable[[int], Alert | None]
) -> dict[int, Alert]:
    """Return the alerts of an object that are at hand, the newest of them at most, by candid.

    Parameters
    ----------
    alert
        One of them.
    epochs
        All of them, as `epochs_of` gives them.
    at_hand
        Returns an alert if that takes no time, else None.
    """
    known = {candid: at_hand(candid) for candid, *_ in epochs[-MOST:] if candid != alert.candid}
    found = {candid: one for candid, one in known.items() if one is not None}
    return found | {alert.candid: alert}
