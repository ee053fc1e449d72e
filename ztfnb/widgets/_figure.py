"""The empty figure of a light curve, to be filled in the page."""

from __future__ import annotations

from typing import Any

from bokeh.embed import json_item
from bokeh.models import (
    BoxZoomTool,
    ColumnDataSource,
    CrosshairTool,
    HoverTool,
    PanTool,
    Range1d,
    ResetTool,
    Scatter,
    Segment,
    WheelZoomTool,
)
from bokeh.models.renderers import GlyphRenderer
from bokeh.plotting import figure

COLUMNS = (
    "x", "y", "lower", "upper", "size", "alpha", "color", "fill", "marker", "told",
)  # fmt: skip
"""What the source of points holds."""

_CLEAR = "rgba(0, 0, 0, 0)"
_TOLD = (
    '<div style="white-space: pre-line; font: 12px/1.35 var(--jp-ui-font-family, sans-serif);'
    " margin: -5px; padding: 6px 9px; background: var(--jp-layout-color1, #fff);"
    ' color: var(--jp-ui-font-color1, #222)">@told</div>'
)
"""Bokeh escapes what it puts in the place of a column's name."""


def light_curve_figure() -> dict[str, Any]:
    """Return an empty figure for points with error bars and a ring around one, as JSON.

    Painting it is what a click in the browser waits for: so all points are of one source, glyphs
    have no second look for selections, and the axes' names stand outside of it.
    """
    plot = figure(
        name="plot",
        height=262,
        sizing_mode="stretch_width",
        x_range=Range1d(start=0, end=1),
        y_range=Range1d(start=0, end=1),
        toolbar_location="above",
        tools=[],
        background_fill_color=None,
        border_fill_color=None,
        outline_line_color=None,
        output_backend="canvas",
        min_border_right=14,
    )
    points = ColumnDataSource({column: [] for column in COLUMNS}, name="points")
    ring = ColumnDataSource({column: [] for column in ("x", "y")}, name="ring")
    bars = Segment(
        x0="x", y0="lower", x1="x", y1="upper",
        line_color="color", line_alpha="alpha", line_width=1.1,
    )  # fmt: skip
    marks = Scatter(
        x="x", y="y", marker="marker", size="size",
        line_color="color", fill_color="fill", line_alpha="alpha", fill_alpha="alpha",
        line_width=1.5,
    )  # fmt: skip
    circle = Scatter(
        x="x", y="y", marker="circle", size=18, line_width=2, line_color="gray", fill_color=_CLEAR
    )
    drawn = [
        GlyphRenderer(
            data_source=source, glyph=glyph, name=name,
            selection_glyph=None, nonselection_glyph=None, hover_glyph=None, muted_glyph=None,
        )
        for source, glyph, name in (
            (points, bars, "bars"), (points, marks, "marks"), (ring, circle, "circle"),
        )
    ]  # fmt: skip
    plot.renderers.extend(drawn)
    plot.add_tools(
        PanTool(), WheelZoomTool(), BoxZoomTool(), ResetTool(),
        CrosshairTool(line_alpha=0.25),
        HoverTool(renderers=[drawn[1]], tooltips=_TOLD, point_policy="snap_to_data", limit=3),
    )  # fmt: skip
    plot.axis.minor_tick_line_color = None
    plot.axis.axis_label = None
    plot.axis.major_label_text_font_size = "11px"
    plot.toolbar.logo = None
    plot.toolbar.autohide = True
    plot.xgrid.grid_line_alpha = plot.ygrid.grid_line_alpha = 0.5
    return dict(json_item(plot))
