"""The card of one alert in a gallery."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ztfnb.alert import Alert
from ztfnb.cutout import KINDS
from ztfnb.look import Look, shares
from ztfnb.widgets._columns import date_of
from ztfnb.widgets._stamp import frame_of, read_stamp

LONGEST = 200
"""Characters of a text on a card."""


def card_of(
    candid: int, what: Alert | Exception, look: Look, describe: Callable[[Alert], str]
) -> tuple[dict[str, Any], bytes]:
    """Return a card as the page takes it, and the pixels of its stamps one after the other.

    A pixel is a byte: 0 without a value, else 1 to 255 from one end of the colour map to the
    other. That is a quarter of the floats, and the percentiles, which take a page some 60 ms for
    50 alerts, are found in a thread here.
    """
    if not isinstance(what, Alert):
        return {"candid": str(candid), "reason": str(what)[:LONGEST], "stamps": []}, b""
    read = {kind: read_stamp(what, kind) for kind in KINDS}
    levels = {
        kind: np.nan_to_num(1 + np.rint(254 * share), nan=0).astype(np.uint8)
        for kind, share in shares(
            {kind: pixels for kind, (pixels, _) in read.items()}, look
        ).items()
    }
    stamps = [
        {"kind": kind, "reason": reason} | ({} if pixels is None else frame_of(what, kind, pixels))
        for kind, (pixels, reason) in read.items()
    ]
    card = {
        "candid": str(candid),
        "reason": "",
        "object": what.object_id[:LONGEST],
        "text": describe(what)[:LONGEST],
        "stamps": stamps,
    }
    return card, b"".join(levels[kind].tobytes() for kind in KINDS if kind in levels)


def description_of(alert: Alert) -> str:
    """Return what one wants to know of an alert in a line: band, magnitude, score and time."""
    parts = [f"{alert.band} {alert.mag:.2f}" if math.isfinite(alert.mag) else alert.band]
    score = alert.core.get("rb")
    if isinstance(score, int | float) and math.isfinite(score):
        parts.append(f"rb {score:.2f}")
    moment = date_of(alert.jd)
    if moment is not None:
        parts.append(f"{moment:%m-%d %H:%M}")
    return "  ".join(parts)
