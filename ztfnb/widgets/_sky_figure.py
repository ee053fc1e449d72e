"""The empty map of the sky, and the lines on it, to be filled in the page."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from bokeh.embed import json_item
from bokeh.models import ColumnDataSource, PanTool, Range1d
from bokeh.palettes import Viridis256
from bokeh.plotting import figure
from numpy.typing import NDArray

from ztfnb.footprint import outline
from ztfnb.projection import HALF_HEIGHT, HALF_WIDTH, lines, mollweide
from ztfnb.sky import from_ecliptic, from_galactic

_ASIDE, _ABOVE = 0.12, 0.05
"""Around the ellipse, for its line and for labels."""
_LABELLED = -30.0
"""The parallel that has the hours: south of most of the survey, where they hide nothing."""
PALETTE = Viridis256[16:240:4]
"""From few to many on a dark ground, and the other way round on a light one."""
Floats = NDArray[np.float64]
Line = tuple[Floats, Floats]

# Level, width [px] and dashes of each line, from the lowest to the uppermost.
_LINES: dict[str, tuple[Literal["underlay", "glyph", "overlay"], float, str]] = {
    "graticule": ("underlay", 1.0, "solid"),
    "ecliptic": ("glyph", 1.75, "dashed"),
    "galactic": ("glyph", 1.75, "solid"),
    "edge": ("glyph", 1.0, "solid"),
    "outline": ("overlay", 1.75, "solid"),
}
_PARALLELS = np.arange(-60.0, 61.0, 30.0)
_MERIDIANS = np.arange(0.0, 360.0, 30.0)
_BREAK = np.array([np.nan])


def sky_figure() -> dict[str, Any]:
    """Return an empty map of the sky as JSON."""
    wide, high = HALF_WIDTH + _ASIDE, HALF_HEIGHT + _ABOVE
    plot = figure(
        name="plot",
        sizing_mode="stretch_both",
        x_range=Range1d(start=-wide, end=wide, bounds=(-wide, wide), min_interval=wide / 20),
        y_range=Range1d(start=-high, end=high, bounds=(-high, high), min_interval=high / 20),
        x_axis_type=None,
        y_axis_type=None,
        toolbar_location=None,
        tools=[],
        background_fill_color=None,
        border_fill_color=None,
        outline_line_color=None,
        output_backend="canvas",
        min_border=0,
        lod_threshold=None,
    )
    plot.grid.visible = False
    plot.image_rgba(
        "image", x=-HALF_WIDTH, y=-HALF_HEIGHT, dw=2 * HALF_WIDTH, dh=2 * HALF_HEIGHT,
        source=ColumnDataSource({"image": [np.zeros((1, 1), np.uint32)]}, name="counts"),
    )  # fmt: skip
    for name, (level, width, dash) in _LINES.items():
        plot.line(
            "x", "y", source=ColumnDataSource({"x": [], "y": []}, name=name), name=f"{name} line",
            level=level, line_width=width, line_dash=dash,
        )  # fmt: skip
    for name, size in (("others", 3), ("points", 6)):
        plot.scatter(
            "x", "y", source=ColumnDataSource({"x": [], "y": []}, name=name), name=f"{name} dots",
            marker="circle", size=size, line_color=None,
            fill_alpha=0.4 if name == "others" else 0.8,
        )  # fmt: skip
    labels = ColumnDataSource({"x": [], "y": [], "down": [], "text": []}, name="labels")
    plot.text(
        "x", "y", text="text", source=labels,
        name="labels text", text_font_size="11px", text_align="right", text_baseline="top",
        x_offset=-3, y_offset="down",
        level="overlay",
    )  # fmt: skip
    plot.scatter(
        "x", "y", source=ColumnDataSource({"x": [], "y": []}, name="selected"),
        name="selected dots", marker="circle_cross", size=17, line_width=1.75,
        fill_color=None, level="overlay",
    )  # fmt: skip
    plot.add_tools(PanTool())
    return dict(json_item(plot))


@lru_cache(maxsize=4)
def ground_of(centre: float) -> dict[str, Any]:
    """Return the lines and labels that the map has on a centre, ready for the page."""
    along = np.arange(0.0, 360.5, 2.0)
    up = np.arange(-90.0, 90.5, 2.0)
    # Meridians stop short of the poles but for four of them, so that these stay legible.
    graticule = [lines(along, np.full(len(along), dec), centre) for dec in _PARALLELS]
    for ra in _MERIDIANS:
        part = up if ra % 90 == 0 else up[np.abs(up) <= 60]
        if (ra - centre) % 360 != 180:
            graticule.append(lines(np.full(len(part), ra), part, centre))
    angle = np.radians(np.arange(0.0, 361.0))
    edge = HALF_WIDTH * np.cos(angle), HALF_HEIGHT * np.sin(angle)
    none = np.zeros(len(along))
    return {
        "graticule": packed(*_joined(graticule)),
        "edge": packed(*edge),
        "galactic": packed(*lines(*from_galactic(along, none), centre)),
        "ecliptic": packed(*lines(*from_ecliptic(along, none), centre)),
        "labels": _labels(centre),
    }


def outline_of(field: int, centre: float) -> dict[str, bytes]:
    """Return the outline of a field on the map, ready for the page; empty if it is not known."""
    ring = outline(field)
    nothing = np.zeros(0)
    return packed(nothing, nothing) if ring is None else packed(*lines(*ring, centre))


def packed(x: Floats, y: Floats) -> dict[str, bytes]:
    """Return coordinates as bytes of float32: a thousandth of a pixel is enough for a map."""
    return {"x": x.astype("<f4").tobytes(), "y": y.astype("<f4").tobytes()}


def _joined(pieces: list[Line]) -> Line:
    x, y = zip(*pieces, strict=True)
    return _with_breaks(x), _with_breaks(y)


def _with_breaks(parts: tuple[Floats, ...]) -> Floats:
    return np.concatenate([piece for part in parts for piece in (part, _BREAK)])


def _labels(centre: float) -> dict[str, Any]:
    """Return hours along a parallel, every second one, and declinations outside the left edge."""
    hours = [hour for hour in range(0, 24, 2) if (hour * 15 - centre) % 360 != 180]
    x, y = mollweide(np.array(hours) * 15.0, np.full(len(hours), _LABELLED), centre)
    shown = _PARALLELS[_PARALLELS != 0]
    left, height = mollweide(np.full(len(shown), centre + 180), shown, centre)
    return {
        **packed(np.concatenate([x, left]), np.concatenate([y, height])),
        # Below the parallel, and beside its end.
        "down": [2] * len(hours) + [-6] * len(shown),
        "text": [f"{hour}h" for hour in hours]
        + [f"{dec:+.0f}°".replace("-", "\N{MINUS SIGN}") for dec in shown],
    }
