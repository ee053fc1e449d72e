"""From alerts to a browser of them: `ztfnb.browse`."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from pathlib import Path

from ztfnb.alert import Alert
from ztfnb.errors import ConfigError
from ztfnb.labels import FILE, Labels
from ztfnb.stream import Stream
from ztfnb.widgets._closing import close_outlived
from ztfnb.widgets.batch import Batch
from ztfnb.widgets.browser import Browser

_open: weakref.WeakSet[Browser] = weakref.WeakSet()


def browse(
    alerts: Stream | Iterable[Alert],
    *,
    labels: Labels | str | Path = FILE,
    state: str | Path | None = None,
) -> Browser:
    """Show alerts in the notebook: a live table, stamps, light curves and more.

    Parameters
    ----------
    alerts
        A stream, or alerts at hand: a list, or what `ztfnb.read` yields.
    labels
        The file for the labels of a scan, or `ztfnb.Labels`.
    state
        The file of a view to begin with, as `Browser.save_state` writes it.

    Raises
    ------
    ConfigError
        If ``alerts`` is neither, or ``state`` holds no view of a browser.
    SourceError
        If there is a file of labels that cannot be read.
    """
    if isinstance(alerts, Stream):
        close_outlived(_open, alerts)
        browser = Browser(alerts, labels=labels, state=state)
        _open.add(browser)
        return browser
    if isinstance(alerts, Iterable) and not isinstance(alerts, str | bytes | dict):
        return Browser(Batch(alerts), labels=labels, state=state)
    raise ConfigError(
        f"browse: expected a stream or alerts, got {type(alerts).__name__}; "
        "a file is read with ztfnb.read(path)"
    )


def show_in_browsers(live: Stream, candid: int) -> None:
    """Show an alert in every browser of a stream."""
    for browser in list(_open):
        if browser.alerts is live:
            browser.select(candid)
