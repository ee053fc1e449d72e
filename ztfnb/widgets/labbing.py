"""From a filter and alerts to a lab of them: `ztfnb.lab`."""

from __future__ import annotations

import weakref
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ztfnb.errors import ConfigError
from ztfnb.filters.filter import Filter
from ztfnb.labels import FILE
from ztfnb.stream import Stream
from ztfnb.widgets._closing import close_outlived
from ztfnb.widgets.lab import Lab

_open: weakref.WeakSet[Lab] = weakref.WeakSet()


def lab(
    filter: Filter,  # noqa: A002 - what it is
    alerts: Any,
    *,
    labels: Mapping[int, Any] | str | Path = FILE,
    positive: Collection[str] | None = None,
    auto: bool = False,
) -> Lab:
    """Show a filter at work in the notebook: sliders, funnel, galleries, and why.

    Parameters
    ----------
    filter
        The filter.
    alerts
        What it is evaluated on: a stream, of which what it holds is taken; a path or several;
        Alerts or their dictionaries.
    labels
        By candid, for precision and recall: `ztfnb.Labels`, the path of its file, or a mapping. By
        default those that a browser keeps beside the notebook.
    positive
        The labels that say that an alert should pass; None for good and the like.
    auto
        Whether alerts that arrive in a stream are evaluated every few seconds.

    Raises
    ------
    ConfigError
        If ``filter`` is none.
    SourceError
        If there is a file of labels that cannot be read.
    """
    if not isinstance(filter, Filter):
        raise ConfigError(
            f"lab: expected a filter first, got {type(filter).__name__}; "
            "make one of a function with @ztfnb.filter"
        )
    if isinstance(alerts, Stream):
        close_outlived(_open, alerts)
    made = Lab(filter, alerts, labels=labels, positive=positive, auto=auto)
    _open.add(made)
    return made
