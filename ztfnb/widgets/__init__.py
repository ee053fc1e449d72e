"""Widgets for the notebook: views of plain objects, each of use alone.

::

    live.browse()                            # all of it
    ztfnb.widgets.Stamps(alert)
    ztfnb.widgets.LightCurve(alert)
    ztfnb.widgets.AlertTable(live.store)
    ztfnb.widgets.Monitor(live)
"""

from __future__ import annotations

try:
    import anywidget as _anywidget  # noqa: F401 - here to say what is missing
    import bokeh as _bokeh_package  # noqa: F401 - here to say what is missing
except ImportError as error:
    raise ImportError(
        f"the widgets need {error.name}, of the extra lab: pip install 'ztfnb[lab]'"
    ) from error

from ztfnb.widgets.browser import Browser, browse, monitor
from ztfnb.widgets.facts import Facts
from ztfnb.widgets.lightcurve import LightCurve
from ztfnb.widgets.monitor import Monitor
from ztfnb.widgets.stamps import Stamps
from ztfnb.widgets.table import AlertTable

__all__ = [
    "AlertTable",
    "Browser",
    "Facts",
    "LightCurve",
    "Monitor",
    "Stamps",
    "browse",
    "monitor",
]
