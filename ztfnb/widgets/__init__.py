"""Widgets for the notebook: views of plain objects, each of use alone.

::

    ztfnb.browse(alerts)                     # all of it; live.browse() of a stream
    ztfnb.widgets.AlertTable(live.store)
    ztfnb.widgets.Gallery(fetch)
    ztfnb.widgets.Stamps(alert)
    ztfnb.widgets.LightCurve(alert)
    ztfnb.widgets.Facts(alert)
    ztfnb.widgets.Details(alert)
    ztfnb.widgets.SkyMap(live.store)
    ztfnb.widgets.Distributions(live.store)
    ztfnb.widgets.Scan(ztfnb.Labels())
    ztfnb.widgets.Save(alerts)
    ztfnb.widgets.FilterForm()
    ztfnb.widgets.Lab(filter, alerts)
    ztfnb.widgets.DifferenceView(difference, report, other)
    ztfnb.widgets.AppliedView(applied)       # what live.apply() returned
    ztfnb.widgets.Strip(live)
    ztfnb.widgets.Monitor(live)
    ztfnb.widgets.WorkerMonitor(worker)      # what ztfnb.run_worker returned
"""

from __future__ import annotations

try:
    import anywidget as _anywidget  # noqa: F401 - here to say what is missing
    import bokeh as _bokeh_package  # noqa: F401 - here to say what is missing
except ImportError as error:
    raise ImportError(
        f"the widgets need {error.name}, of the extra lab: pip install 'ztfnb[lab]'"
    ) from error

from ztfnb.widgets.applied import AppliedView
from ztfnb.widgets.browser import Browser
from ztfnb.widgets.browsing import browse
from ztfnb.widgets.details import Details
from ztfnb.widgets.differenceview import DifferenceView
from ztfnb.widgets.distributions import Distributions
from ztfnb.widgets.facts import Facts
from ztfnb.widgets.filterform import FilterForm
from ztfnb.widgets.gallery import Gallery
from ztfnb.widgets.lab import Lab
from ztfnb.widgets.lightcurve import LightCurve
from ztfnb.widgets.monitor import Monitor
from ztfnb.widgets.save import Save
from ztfnb.widgets.scan import Scan
from ztfnb.widgets.skymap import SkyMap
from ztfnb.widgets.stamps import Stamps
from ztfnb.widgets.strip import Strip
from ztfnb.widgets.table import AlertTable
from ztfnb.widgets.workermonitor import WorkerMonitor

__all__ = [
    "AlertTable",
    "AppliedView",
    "Browser",
    "Details",
    "DifferenceView",
    "Distributions",
    "Facts",
    "FilterForm",
    "Gallery",
    "Lab",
    "LightCurve",
    "Monitor",
    "Save",
    "Scan",
    "SkyMap",
    "Stamps",
    "Strip",
    "WorkerMonitor",
    "browse",
]
