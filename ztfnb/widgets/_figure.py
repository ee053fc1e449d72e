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
    TapTool,
    WheelZoomTool,
)
from bokeh.plotting import figure

COLUMNS = ("x", "y", "lower", "upper", "color", "fill", "marker", "when", "value")
"""What a source of points holds; ``x``, ``y``, ``lower`` and ``upper`` are numbers."""
SOURCES = ("detections", "limits", "forced", "shown")

_CLEAR = "rgba(0, 0, 0, 0)"


def light_curve_figure() -> dict[str, Any]:
    """Return an empty figure for points with error bars, limits and forced photometry, as JSON."""
    plot = figure(
        name="plot",
        height=280,
        sizing_mode="stretch_width",
        x_range=Range1d(start=0, end=1),
        y_range=Range1d(start=0, end=1),
        toolbar_location="above",
        tools=[],
        background_fill_color=None,
        border_fill_color=None,
        outline_line_color=None,
        output_backend="canvas",
        min_border_left=56,
    )
    sources = {
        name: ColumnDataSource({column: [] for column in COLUMNS}, name=name) for name in SOURCES
    }
    drawn: list[Any] = []
    for name in ("limits", "forced", "detections"):
        if name != "limits":
            plot.segment(
                "x",
                "lower",
                "x",
                "upper",
                source=sources[name],
                line_color="color",
                line_alpha=0.55,
                line_width=1.25,
            )
        glyph = plot.scatter(
            "x", "y", source=sources[name], marker="marker",
            size={"limits": 7, "forced": 6, "detections": 9}[name],
            line_color="color", fill_color="fill", line_width=1.5,
            line_alpha=0.6 if name == "limits" else 1.0,
            nonselection_line_alpha=0.6 if name == "limits" else 1.0,
            nonselection_fill_alpha=1.0,
        )  # fmt: skip
        drawn.append(glyph)
    plot.scatter(
        "x", "y", source=sources["shown"], marker="circle", size=18,
        line_color="color", fill_color=_CLEAR, line_width=2,
    )  # fmt: skip
    wheel = WheelZoomTool()
    plot.add_tools(
        PanTool(), wheel, BoxZoomTool(), ResetTool(),
        TapTool(renderers=drawn),
        CrosshairTool(line_alpha=0.25),
        HoverTool(
            renderers=drawn,
            tooltips=[("", "@value"), ("", "@when")],
            point_policy="snap_to_data",
        ),
    )  # fmt: skip
    plot.toolbar.logo = None
    plot.toolbar.autohide = True
    plot.xgrid.grid_line_alpha = plot.ygrid.grid_line_alpha = 0.5
    return dict(json_item(plot))
