"""The plot of a light curve as the page takes it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from ztfnb.curveplot import FAINT, PHASES, Plot

_CLEAR = "rgba(0, 0, 0, 0)"


def payload_of(plot: Plot, told: list[str]) -> dict[str, Any]:
    """Return a plot as the page takes it: numbers as float64 bytes, since JSON has no NaN.

    Parameters
    ----------
    plot
        The plot, not folded: that is done in the page, where the period is tuned.
    told
        What is told of each epoch of the light curve.
    """
    points = plot.points
    numbers = {
        "rows": points.rows, "jd": points.jd, "x": points.x, "y": points.y,
        "lower": points.lower, "upper": points.upper, "snr": points.snr, "size": points.size,
        "alpha": points.opacity,
    }  # fmt: skip
    return {
        "x_label": plot.x_label,
        "y_label": plot.y_label,
        "x_range": list(plot.x_range),
        "y_range": list(plot.y_range),
        "phases": list(PHASES),
        "faint": FAINT,
        "note": plot.note,
        "bands": [asdict(band) for band in plot.bands],
        "legend": [[sign.marker, sign.style, sign.words] for sign in plot.signs],
        "points": {name: np.asarray(values, "<f8").tobytes() for name, values in numbers.items()}
        | {
            "color": points.colour,
            "fill": [
                _CLEAR if hollow else colour
                for colour, hollow in zip(points.colour, points.hollow.tolist(), strict=True)
            ],
            "marker": points.marker,
            "told": [told[row] for row in points.rows.tolist()],
        },
    }
