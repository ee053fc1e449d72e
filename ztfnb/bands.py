"""What the filters of ZTF look like wherever their measurements are drawn."""

from __future__ import annotations

from typing import Literal

Marker = Literal["circle", "square", "diamond", "hex", "inverted_triangle"]
Palette = Literal["safe", "classic"]

COLOURS = {1: "#009E73", 2: "#D55E00", 3: "#8856C4"}
"""Of g, r and i: people who cannot tell red from green can tell these (after Okabe & Ito)."""
CLASSIC = {1: "#2E9E2E", 2: "#E02020", 3: "#F59300"}
"""Of g, r and i, as they have long been drawn."""
PALETTES: dict[Palette, dict[int, str]] = {"safe": COLOURS, "classic": CLASSIC}
MARKERS: dict[int, Marker] = {1: "circle", 2: "square", 3: "diamond"}
OTHER_COLOUR = "#777777"
OTHER_MARKER: Marker = "hex"
LIMIT_MARKER: Marker = "inverted_triangle"
"""Of limits in any filter."""
