"""BokehJS for the page.

The page asks for BokehJS when it has none, so it travels once for each page, offline, and never
into the notebook file. A figure is sent to it empty, as JSON, and its data by the widget that
shows it, in one message for each change: so neither a server nor a copy of the document in the
kernel has to be kept in step.
"""

from __future__ import annotations

from functools import lru_cache

import bokeh
from bokeh.resources import Resources

VERSION: str = bokeh.__version__


@lru_cache(maxsize=1)
def bokehjs() -> bytes:
    """Return the script that makes ``window.Bokeh``."""
    script: str = Resources(mode="inline", components=["bokeh"]).js_raw[0]
    return script.encode()
